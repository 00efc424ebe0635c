"""The sync commands in a private home whose daemon ends with the test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fixtures.clouds import User
    from fixtures.daemons import SyncHome
    from fixtures.invoker import Invoker


@pytest.fixture
def sync(program: Invoker, owner: User) -> Iterator[SyncHome]:
    """The same home as the program's; its daemon is ended at the end."""
    from fixtures.daemons import SyncHome

    from pithosfs.errors import PithosfsError

    made = SyncHome(program.home, owner, program.cwd)
    yield made
    with contextlib.suppress(PithosfsError):
        made.close()


@pytest.fixture
def work(program: Invoker) -> Path:
    """A folder with a file in it."""
    folder = program.cwd / "Work"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"hello")
    return folder
