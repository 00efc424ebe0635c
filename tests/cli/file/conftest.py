"""A cloud behind a proxy, for commands whose requests are counted or broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fixtures.cli import Cli
    from fixtures.clouds import TestCloud, User
    from fixtures.proxy import FaultProxy


@pytest.fixture
def wire(bare: Cli, owner: User, cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy]) -> FaultProxy:
    """The proxy; with it `bare` reaches the owner's cloud through it."""
    made = proxy(cloud)
    bare.home.add_cloud(owner.cloud(through=made))
    return made
