"""kill -9 at random moments, under load: what users wrote in between is never lost, and afterwards all is in step.

PITHOSFS_TEST_KILLS=N makes more or fewer kills than 200, PITHOSFS_TEST_SEED=N others.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.daemons import SyncHome
from fixtures.homes import Home
from fixtures.sync_account import SyncAccount
from fixtures.synced import Machine, Place
from fixtures.zygote import Zygote

from pithosfs.errors import PithosfsError

KILLS = int(os.environ.get("PITHOSFS_TEST_KILLS", "200"))
SEED = int(os.environ.get("PITHOSFS_TEST_SEED", "1"))
PARTS = 2
LONGEST = 0.35  # seconds that a daemon lives: it starts in some 30 ms, and a pass takes some 20


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_moment(part: int, cloud: TestCloud, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {part}")
    user = cloud.user("killed")
    homes = [SyncHome(Home.make(tmp_path / f"home{number}"), user, tmp_path / f"{number}") for number in (0, 1)]
    for home in homes:
        home.root.mkdir(exist_ok=True)
    pairs = [home.add("Work", max_delete=1.0) for home in homes]
    place = Place(user, "Work")
    users = SyncAccount(place, [pair.folder for pair in pairs])
    # Larger contents too, so that some kills meet a transfer.
    for number in range(4):
        (pairs[0].folder / f"large{number}").write_bytes(random.Random(number).randbytes(6_000_000))
    kept = {f"large{number}" for number in range(4)}
    with Zygote() as zygote:
        running: dict[int, int] = {}
        for _ in range(KILLS // PARTS):
            which = chance.randrange(2)
            for number, home in enumerate(homes):
                if number not in running:
                    running[number] = zygote.start(home.home.environ)
            # Users go on meanwhile: the moment of the kill is not that of an operation.
            killer = threading.Timer(chance.uniform(0.01, LONGEST), zygote.kill, [running.pop(which)])
            killer.start()
            while killer.is_alive():
                # The daemon may have just moved it away, or put something else there, on either side.
                with contextlib.suppress(OSError, PithosfsError):
                    users.something(chance)
                time.sleep(chance.uniform(0, 0.02))
            killer.join()
    done = sum(len(home.did(pair)) for home, pair in zip(homes, pairs, strict=True))
    assert done > KILLS // PARTS  # they did live long enough to do something
    # From here on with the same databases, but in this process.
    machines = [
        Machine.over(home.registry, pair, place, host=f"m{number}")
        for number, (home, pair) in enumerate(zip(homes, pairs, strict=True))
    ]
    try:
        users.converge(machines)
        users.nothing_is_missing(machines, side_by_side=True)
        assert kept <= set(place.tree())
    finally:
        for one in machines:
            one.close()
