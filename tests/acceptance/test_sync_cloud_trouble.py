"""Trouble with the cloud while daemons are at work: the token, the network, the container. They say so, nothing is
deleted or lost, and they go on by themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures.clouds import TestCloud
from fixtures.sync_homes import SyncHomes, entries

from pithosfs.config import Cloud
from pithosfs.localcloud import process
from pithosfs.store.pithos import open_store
from pithosfs_daemon.states import Condition

FILES = 120
DELAY = 0.1  # seconds a request: a transfer has a middle


def write_many(folder: Path, name: str, count: int = FILES, size: int = 70_000) -> None:
    """Too large to go together: a request for each."""
    (folder / name).mkdir()
    for number in range(count):
        (folder / name / f"{number}").write_bytes(os.urandom(size))


def test_a_token_that_expires_in_the_middle_of_a_transfer(
    sync_homes: Callable[..., SyncHomes], proxy: Any, cloud: TestCloud
) -> None:
    wire = proxy(cloud)
    homes = sync_homes(wires=[wire])
    here, there = homes.folders
    wire.delay = DELAY
    homes.start()
    (there / "dear").write_text("to be deleted by nobody")
    homes.until((here / "dear").exists)
    write_many(here, "many")
    homes.until(lambda: len(entries(there)) > 10)
    token = process.user_token(cloud.data, homes.user.name, revoke=True)
    for which in (0, 1):
        status = homes.await_needs_you(which, "does not accept the token")
        assert "pithosfs config set cloud.test.token" in status.situation.todo
    assert len(entries(there)) < FILES
    # Users do not care.
    (here / "many" / "0").unlink()
    (here / "later").write_text("written without a token")
    (there / "dear").write_text("changed without a token")
    for home in homes.homes:
        home.set_token(token)
    assert len(homes.equal()) == 2 + 1 + FILES - 1
    assert (here / "dear").read_text() == "changed without a token"
    assert homes.conflicts() == []
    homes.rest()


@pytest.mark.parametrize("how", ["refused", "dark"])
def test_a_network_that_goes_in_the_middle_of_a_transfer(
    how: str, sync_homes: Callable[..., SyncHomes], proxy: Any, cloud: TestCloud
) -> None:
    wires = [proxy(cloud), proxy(cloud)]
    homes = sync_homes(wires=wires)
    here, there = homes.folders
    wires[0].delay = DELAY
    homes.start()
    (there / "dear").write_text("to be deleted by nobody")
    homes.until((here / "dear").exists)
    write_many(here, "many")
    homes.until(lambda: len(entries(there)) > 10)
    assert len(entries(there)) < FILES
    for wire in wires:
        if how == "refused":
            wire.refuse()
        else:
            wire.dark()
    if how == "refused":
        for which in (0, 1):
            status = homes.homes[which].await_status(
                homes.pairs[which], lambda status: status.situation.retry is not None, 60
            )
            assert status.situation.condition == Condition.WORKING
            assert status.situation.what == "waiting for the cloud: no connection"
    (here / "many" / "0").unlink()
    (here / "later").write_text("written without a network")
    (there / "dear").write_text("changed without a network")
    begun = time.monotonic()
    for wire in wires:
        wire.restore()
    assert wires[0].delay == 0
    assert len(homes.equal()) == 2 + 1 + FILES - 1
    print(f"\n{how}: in step {time.monotonic() - begun:.1f} s after the network is back")
    assert (here / "dear").read_text() == "changed without a network"
    assert homes.conflicts() == []
    assert not [what for what, name in homes.did(0) + homes.did(1) if "deleted" in what and name != "many/0"]
    homes.rest()


def test_a_container_that_is_deleted_and_made_again(sync_homes: Callable[..., SyncHomes]) -> None:
    homes = sync_homes()
    here, there = homes.folders
    for number in range(20):
        (here / f"file-{number}").write_text(f"{number}")
    homes.start()
    before = homes.equal()
    store = open_store(Cloud("test", homes.user.url, homes.user.token))
    try:
        store.management().empty_container("pithos")
        store.delete_container("pithos")
        for which in (0, 1):
            status = homes.await_needs_you(which, "pithos")
            assert "sync remove" in status.situation.todo
        (here / "new").write_text("meanwhile")
        assert before.items() <= entries(here).items()
        assert before == entries(there)
        # Made again it is empty: still nothing is deleted here because of that.
        store.create_container("pithos")
        for home, pair in zip(homes.homes, homes.pairs, strict=True):
            [done] = home.ask("now", pair=pair.id)["pairs"]
            assert not done["in_step"]
            assert "20 of 20 files have vanished from the cloud" in done["status"]["situation"]["what"]
    finally:
        store.close()
    assert before.items() <= entries(here).items()
    assert before == entries(there)
    assert homes.trash(0) | homes.trash(1) == set()
