"""Making a pair and ending one, against a real account."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures.daemons import SyncHome
from fixtures.synced import Machine

from pithosfs.errors import LocalError, NotFound, UsageError
from pithosfs.store import ObjectPath
from pithosfs_daemon.folder import lay_marker, read_marker
from pithosfs_daemon.pairing import Added, add_pair, end_pair, move_pair, trash_size
from pithosfs_daemon.values import Pair

WISH = Pair("", Path("/"), "test", "", "pithos", "a/b")


def add(sync: SyncHome, folder: Path, wish: Pair = WISH, **options: Any) -> Added:
    return add_pair(wish, str(folder), sync.directories, sync.user.store, **options)


def containers(sync: SyncHome) -> set[str]:
    return {one.name for one in sync.user.store.containers()}


def test_a_pair_is_made(sync: SyncHome) -> None:
    folder = sync.root / "Work"
    folder.mkdir()
    (folder / "x").write_text("stays")
    made = add(sync, folder)
    assert (made.made_folder, made.made_container) == (False, False)
    pair = made.pair
    assert (pair.folder, pair.account, pair.remote) == (folder, sync.user.uuid, "/pithos/a/b")
    assert sync.registry.get(pair.id) == pair
    marker = read_marker(folder)
    assert marker is not None
    assert (marker.pair, marker.remote) == (pair.id, "/pithos/a/b")
    assert (folder / "x").read_text() == "stays"


def test_what_is_missing_is_made_and_said(sync: SyncHome) -> None:
    made = add(sync, sync.root / "new", replace(WISH, container="new"))
    assert (made.made_folder, made.made_container) == (True, True)
    assert "new" in containers(sync)
    with pytest.raises(NotFound, match="no container 'none'"):
        add(sync, sync.root / "other", replace(WISH, container="none"), create_container=False)
    assert "none" not in containers(sync)
    assert not (sync.root / "other").exists()


@pytest.mark.parametrize("name", ["a", "a/b"])
def test_a_file_in_the_way_in_the_cloud(sync: SyncHome, name: str) -> None:
    path = ObjectPath(sync.user.uuid, "pithos", name)
    sync.user.store.put_object(path, b"data", content_type="a/b", meta={}, base=None)
    with pytest.raises(UsageError, match=f"/pithos/{name} is a file"):
        add(sync, sync.root / "Work")
    assert not (sync.root / "Work").exists()


def test_nonsense_is_refused_before_anything_is_made(sync: SyncHome) -> None:
    for wish in (replace(WISH, container="new", interval=0.0), replace(WISH, container="new", excludes=("/",))):
        with pytest.raises(UsageError):
            add(sync, sync.root / "Work", wish)
    with pytest.raises(LocalError):
        add(sync, sync.home.root, replace(WISH, container="new"))
    assert "new" not in containers(sync)
    assert not (sync.root / "Work").exists()
    assert sync.registry.pairs() == []


def test_a_folder_that_cannot_be_marked_leaves_nothing(sync: SyncHome) -> None:
    folder = sync.root / "Work"
    folder.mkdir()
    (folder / ".pithosfs").write_text("a file in the way")
    with pytest.raises(LocalError, match="cannot be marked"):
        add(sync, folder)
    assert sync.registry.pairs() == []
    assert [one.name for one in sync.registry.root.iterdir()] == ["lock"]
    assert os.listdir(folder) == [".pithosfs"]


def test_the_same_folder_twice_at_once(sync: SyncHome) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def attempt(number: int) -> bool:
        try:
            add(sync, sync.root / "Work", replace(WISH, prefix=f"{number}"))
        except LocalError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, range(4))).count(True) == 1
    [pair] = sync.registry.pairs()
    marker = read_marker(pair.folder)
    assert marker is not None
    assert marker.pair == pair.id


def test_ending(sync: SyncHome) -> None:
    pair = sync.add()
    (pair.folder / "x").write_bytes(b"data")
    sync.in_step(pair)
    order: list[bool] = []
    assert end_pair(pair, sync.registry, lambda: order.append(sync.registry.get(pair.id) is None), drop_trash=False)
    assert order == [True]  # it is no more when others are told
    assert os.listdir(pair.folder) == ["x"]
    assert "x" in sync.place(pair).objects()
    assert not sync.registry.directory(pair.id).exists()
    # And it can be made again, where it was.
    sync.in_step(sync.add())


@pytest.mark.parametrize("drop", [True, False])
def test_the_trash_of_a_pair_that_ends(sync: SyncHome, drop: bool) -> None:
    pair = sync.add()
    (pair.folder / "x").write_bytes(b"data")
    sync.in_step(pair)
    sync.user.store.delete(sync.place(pair).path("x"))
    sync.in_step(pair)
    assert trash_size(pair) == (1, 4)
    end_pair(pair, sync.registry, lambda: None, drop_trash=drop)
    assert read_marker(pair.folder) is None
    assert (pair.folder / ".pithosfs").exists() == (not drop)


def test_ending_while_the_disk_is_away(sync: SyncHome) -> None:
    pair = sync.add()
    pair.folder.rename(sync.root / "away")
    assert trash_size(pair) == (0, 0)
    assert not end_pair(pair, sync.registry, lambda: None, drop_trash=True)
    assert sync.registry.pairs() == []
    # When it is back it is known that it was synced.
    with pytest.raises(LocalError, match="synced already"):
        sync.add("away")


def test_a_folder_that_was_moved(sync: SyncHome) -> None:
    pair = sync.add()
    pair.folder.rename(sync.root / "elsewhere")
    assert move_pair(pair, str(sync.root / "elsewhere"), sync.directories) == sync.root / "elsewhere"
    (sync.root / "another").mkdir()
    with pytest.raises(LocalError, match="is not the folder that"):
        move_pair(pair, str(sync.root / "another"), sync.directories)
    lay_marker(replace(pair, id="0badcafe", folder=sync.root / "another"), "elsewhere")
    with pytest.raises(LocalError, match="synced already"):
        move_pair(pair, str(sync.root / "another"), sync.directories)


def test_what_was_written_to_a_replaced_file_does_not_stay_hidden(sync: SyncHome) -> None:
    """A program that had the old file open while a download replaced it, and the pair ends before the next pass."""
    pair = sync.add()
    place = sync.place(pair)
    path = pair.folder / "a"
    path.write_bytes(b"0" * 10)
    machine = Machine.over(sync.registry, pair, place, host="here")
    try:
        machine.settle()
        with path.open("r+b", buffering=0) as program:
            place.put("a", b"from the cloud")
            machine.sync()
            program.write(b"still here")
    finally:
        machine.close()
    end_pair(pair, sync.registry, lambda: None, drop_trash=False)
    assert sorted(one.read_bytes() for one in pair.folder.iterdir() if one.is_file()) == [
        b"from the cloud",
        b"still here",
    ]
