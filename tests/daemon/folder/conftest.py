"""Synced folders for the tests of the local side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.local_folder import ABILITIES, LocalFolder
from fixtures.watched_folder import Watched

from pithosfs_daemon.folder.probing import Nature


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., LocalFolder]]:
    """`make(excludes=…, symlinks=…, nature=…)` is a new synced folder with such a pair on such a file system."""
    made: list[LocalFolder] = []

    def build(**settings: Any) -> LocalFolder:
        made.append(LocalFolder(tmp_path / f"folder-{len(made)}", **settings))
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def local(make: Callable[..., LocalFolder]) -> LocalFolder:
    """A synced folder that is empty."""
    return make()


@pytest.fixture(params=ABILITIES)
def limited(request: pytest.FixtureRequest, make: Callable[..., LocalFolder]) -> LocalFolder:
    """A synced folder on a file system that can do so much in one step."""
    return make(nature=Nature(can=ABILITIES[request.param]))


@pytest.fixture
def watch(make: Callable[..., LocalFolder]) -> Iterator[Callable[..., Watched]]:
    """`watch(before=…, **pair)` watches a new folder, filled by `before` first."""
    made: list[Watched] = []

    def build(before: Callable[[LocalFolder], object] = lambda _: None, **settings: object) -> Watched:
        local = make(**settings)
        before(local)
        made.append(Watched(local))
        return made[-1]

    yield build
    for one in made:
        one.watcher.close()
