"""Syncing while the cloud fails in every way: what users do in between is never lost, and afterwards all is in step.

PITHOSFS_TEST_STEPS=N makes longer runs, PITHOSFS_TEST_SEED=N others.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.proxy import Answer, CutBody, CutRequest, Drop, FaultProxy, Garbage, LoseAnswer, ReplaceBody
from fixtures.sync_account import SyncAccount
from fixtures.synced import Machine, Place

from pithosfs.errors import PithosfsError

STEPS = int(os.environ.get("PITHOSFS_TEST_STEPS", "150"))
SEED = int(os.environ.get("PITHOSFS_TEST_SEED", "1"))
FAULTS = {
    "500": Answer(500),
    "503": Answer(503, headers={"Retry-After": "0"}),
    "429": Answer(429, headers={"Retry-After": "0"}),
    "401": Answer(401),
    "403": Answer(403),
    "a hotel's page": Answer(200, b"<html>please log in</html>", {"Content-Type": "text/html"}),
    "connections that break": Drop(),
    "requests that break": CutRequest(10),
    "lost answers": LoseAnswer(),
    "answers cut short": CutBody(20),
    "answers replaced by rubbish": ReplaceBody(),
    "answers that are no HTTP": Garbage(),
}


@pytest.fixture
def wire(proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud) -> FaultProxy:
    return proxy(cloud)


@pytest.fixture
def machines(machine: Callable[..., Machine], wire: FaultProxy) -> list[Machine]:
    """Two folders; what the second one asks goes by the short way."""
    return [machine(through=wire, max_delete=1.0), machine(max_delete=1.0)]


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_while_the_cloud_fails(
    fault: str, wire: FaultProxy, machines: list[Machine], place: Place
) -> None:
    chance = random.Random(f"{SEED} {fault}")
    users = SyncAccount(place, [one.folder for one in machines])
    for _ in range(STEPS):
        users.something(chance)
        match chance.randrange(6):
            case 0:
                wire.when(lambda request: chance.random() < 0.3, FAULTS[fault], times=chance.randint(1, 6))
            case 1:
                wire.restore()
            case 2:
                with suppress(PithosfsError):
                    machines[0].run()
            case 3:
                machines[1].run()
    wire.restore()
    users.converge(machines)
    users.nothing_is_missing(machines)


def test_nothing_is_lost_while_the_network_comes_and_goes(
    wire: FaultProxy, machines: list[Machine], place: Place
) -> None:
    chance = random.Random(SEED)
    users = SyncAccount(place, [one.folder for one in machines])
    for _ in range(STEPS):
        users.something(chance)
        match chance.randrange(8):
            case 0:
                wire.refuse()
            case 1:
                wire.restore()
                wire.delay = chance.choice([0, 0.02])
            case 2 | 3:
                with suppress(PithosfsError):
                    machines[0].run()
            case 4:
                machines[1].run()
    wire.restore()
    users.converge(machines)
    users.nothing_is_missing(machines)


@pytest.mark.mount
def test_nothing_is_lost_while_the_disk_is_full(machine: Callable[..., Machine], place: Place, tmp_path: Path) -> None:
    """A file beside the synced ones takes up all the room, and gives it free again."""
    chance = random.Random(SEED)
    point = tmp_path / "machine-0" / "folder"
    point.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", point], check=True)
    try:
        machines = [machine(max_delete=1.0, excludes=("ballast",)), machine(max_delete=1.0)]
        users = SyncAccount(place, [one.folder for one in machines])
        ballast = point / "ballast"
        full = 0
        for _ in range(STEPS):
            with suppress(OSError):
                users.something(chance)
            match chance.randrange(6):
                case 0:
                    with suppress(OSError), ballast.open("wb", buffering=0) as file:
                        while file.write(bytes(4096)):
                            pass
                    full += 1
                case 1:
                    ballast.unlink(missing_ok=True)
                case 2:
                    with suppress(PithosfsError, OSError):
                        machines[0].run()
                case 3:
                    machines[1].run()
        assert full
        ballast.unlink(missing_ok=True)
        # What a write that failed has left is a content like any other.
        users.converge(machines)
        users.nothing_is_missing(machines)
    finally:
        subprocess.run(["umount", "-l", point], check=True)
