"""Two folders of one account: when it is quiet again all sides are equal, and no content is missing that a user wrote
and did not himself delete or overwrite. See `fixtures.sync_machine`."""

from __future__ import annotations

import pytest
from fixtures.clouds import TestCloud
from fixtures.sync_machine import PARTS, converge


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
def test_all_sides_become_equal_and_nothing_is_missing(part: int, cloud: TestCloud) -> None:
    converge(cloud, 2, part)
