"""Homes of one account that are kept in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fixtures.clouds import TestCloud
    from fixtures.sync_homes import SyncHomes


@pytest.fixture
def sync_homes(cloud: TestCloud, tmp_path: Path) -> Iterator[Callable[..., SyncHomes]]:
    """`sync_homes(count, …)` makes as many homes of a new user; their daemons are yet to be started."""
    from fixtures.sync_homes import SyncHomes

    made: list[SyncHomes] = []

    def make(count: int = 2, **options: Any) -> SyncHomes:
        made.append(SyncHomes(cloud.user("real"), tmp_path, count, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
