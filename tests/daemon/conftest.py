"""Homes with synced folders and the daemon over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fixtures.clouds import TestCloud, User
    from fixtures.daemons import SyncHome
    from fixtures.homes import Home


@pytest.fixture
def user(cloud: TestCloud) -> User:
    return cloud.user("syncing")


@pytest.fixture
def sync(home: Home, user: User, tmp_path: Path) -> Iterator[SyncHome]:
    """A home with an account, in which nothing is synced yet and no daemon runs."""
    from fixtures.daemons import SyncHome

    made = SyncHome(home, user, tmp_path)
    yield made
    made.close()
