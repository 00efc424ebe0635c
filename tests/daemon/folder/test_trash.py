"""The trash: listed, put back, emptied, with the engine running or not. Nothing is ever replaced."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder

from pithosfs.errors import Conflict, LocalError, NotFound
from pithosfs_daemon.folder import KEPT, Folder, Trash, TrashEntry
from pithosfs_daemon.values import Kind

DAY = 24 * 3600.0


def trashed(local: LocalFolder, name: str, content: bytes = b"x") -> TrashEntry:
    return local.folder.trash(name, local.written(name, content))


def test_an_empty_trash(local: LocalFolder) -> None:
    assert local.trash.list() == []
    assert local.trash.empty() == 0
    assert local.trash.expire() == 0
    assert local.private() == ["lock", "marker"]


def test_no_folder_no_trash(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="not there"):
        Trash(tmp_path / "no").list()
    assert Trash(tmp_path).list() == []  # an ordinary folder
    with pytest.raises(NotFound):
        Trash(tmp_path).restore("0")


def test_the_latest_comes_first(local: LocalFolder) -> None:
    entries = [trashed(local, "a", b"1"), trashed(local, "d/b", b"22"), trashed(local, "a", b"333")]
    assert local.trash.list() == entries[::-1]
    assert [(entry.name, entry.size) for entry in local.trash.list()] == [("a", 3), ("d/b", 2), ("a", 1)]


@pytest.mark.parametrize("is_running", [True, False])
def test_a_file_comes_back_as_it_was(local: LocalFolder, is_running: bool) -> None:
    local.write("d/a", b"hello")
    (local.root / "d" / "a").chmod(0o750)
    os.utime(local.root / "d" / "a", ns=(5, 5))
    stamp = local.stamp("d/a")
    entry = local.folder.trash("d/a", stamp)
    if not is_running:
        local.folder.close()
    assert local.trash.restore(entry.id) == "d/a"
    if not is_running:
        local.folder = Folder(local.pair)
    assert local.files() == {"d/a": b"hello"}
    assert local.stamp("d/a").same_content(stamp)
    assert local.stamp("d/a").mode == 0o750
    assert local.trash.list() == []
    assert local.private("trash") == []


def test_folders_on_the_way_are_made(local: LocalFolder) -> None:
    entry = trashed(local, "d/e/a", b"hello")
    local.folder.remove_folder("d/e")
    local.folder.remove_folder("d")
    assert local.trash.restore(entry.id) == "d/e/a"
    assert local.files() == {"d/e/a": b"hello"}


def test_it_can_come_back_elsewhere(local: LocalFolder) -> None:
    entry = trashed(local, "a", b"hello")
    assert local.trash.restore(entry.id, "new/b") == "new/b"
    assert local.files() == {"new/b": b"hello"}


@pytest.mark.parametrize("there", ["file", "folder", "link", "dangling link"])
def test_nothing_is_replaced(local: LocalFolder, there: str) -> None:
    entry = trashed(local, "a", b"old")
    path = local.root / "a"
    if there == "file":
        path.write_bytes(b"new")
    elif there == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere" if there == "dangling link" else ".")
    before = path.lstat()
    with pytest.raises(Conflict) as caught:
        local.trash.restore(entry.id)
    assert caught.value.exit_code == 5
    assert path.lstat() == before
    assert local.trash.list() == [entry]
    local.trash.restore(entry.id, "b")
    assert (local.root / "b").read_bytes() == b"old"


@pytest.mark.parametrize("to", ["../b", ".pithosfs/b", "a/../../b", "x" * 300, "d//b", "link/b", "file/b"])
def test_nothing_comes_back_where_it_must_not(local: LocalFolder, to: str) -> None:
    entry = trashed(local, "a", b"old")
    (local.root / "link").symlink_to("/tmp")
    local.write("file", b"x")
    before = sorted(local.root.parent.rglob("*"))
    with pytest.raises(LocalError):
        local.trash.restore(entry.id, to)
    assert sorted(local.root.parent.rglob("*")) == before
    assert not (Path("/tmp") / "b").exists()
    assert local.trash.list() == [entry]


@pytest.mark.parametrize("id", ["no", "", "..", "../parts", "0" * 300, "a\0b"])
def test_unknown_ids(local: LocalFolder, id: str) -> None:
    trashed(local, "a")
    with pytest.raises(NotFound):
        local.trash.restore(id)
    assert len(local.trash.list()) == 1


def test_emptying_removes_everything_for_good(local: LocalFolder) -> None:
    for name in ("a", "b", "d/c"):
        trashed(local, name)
    assert local.trash.empty() == 3
    assert local.trash.list() == []
    assert local.private("trash") == []


def test_what_is_old_expires(local: LocalFolder) -> None:
    trashed(local, "a")
    now = time.time()
    assert Trash(local.root, clock=lambda: now + 29 * DAY).expire() == 0
    assert Trash(local.root, clock=lambda: now + 29 * DAY).empty(30 * DAY) == 0
    assert len(local.trash.list()) == 1
    assert Trash(local.root, clock=lambda: now + 31 * DAY).expire() == 1
    assert local.private("trash") == []
    assert KEPT == 30 * DAY


def test_a_clock_that_was_wrong_deletes_nothing(local: LocalFolder) -> None:
    """What was deleted in the future stays until that is 30 days ago."""
    trashed(local, "a")
    assert Trash(local.root, clock=lambda: 0.0).expire() == 0
    assert len(local.trash.list()) == 1


@pytest.mark.parametrize("info", [None, b"", b"{", b"[]", b'{"name": 1}', b'{"name": "a", "deleted_ns": "x"}'])
def test_a_damaged_note_hides_no_file(local: LocalFolder, info: bytes | None) -> None:
    entry = trashed(local, "a", b"hello")
    path = local.root / ".pithosfs" / "trash" / entry.id / "info"
    if info is None:
        path.unlink()
    else:
        path.write_bytes(info)
    (found,) = local.trash.list()
    assert (found.id, found.name, found.size) == (entry.id, f"recovered-{entry.id}", 5)
    assert abs(found.deleted_ns / 1e9 - time.time()) < 60
    assert local.trash.restore(entry.id) == f"recovered-{entry.id}"
    assert local.files() == {f"recovered-{entry.id}": b"hello"}
    assert local.private("trash") == []


def test_what_was_begun_and_never_trashed_is_not_shown_and_goes_in_time(local: LocalFolder) -> None:
    trashed(local, "a")
    local.trash.empty()
    begun = local.root / ".pithosfs" / "trash" / "0123abcd"
    begun.mkdir()
    (begun / "info").write_text(json.dumps({"name": "a", "deleted_ns": 0}))
    (local.root / ".pithosfs" / "trash" / "stray").write_text("x")
    assert local.trash.list() == []
    assert local.trash.empty() == 0
    assert local.private("trash") == ["0123abcd", "stray"]
    Trash(local.root, clock=lambda: time.time() + 31 * DAY).expire()
    assert local.private("trash") == ["stray"]


def test_a_folder_in_the_trash_is_listed_restored_and_removed(local: LocalFolder) -> None:
    for id in ("00000001", "00000002"):
        slot = local.root / ".pithosfs" / "trash" / id
        (slot / "file" / "d").mkdir(parents=True)
        (slot / "file" / "d" / "a").write_bytes(b"x")
        (slot / "info").write_text(json.dumps({"name": f"f{id}", "deleted_ns": 1}))
    assert {entry.kind for entry in local.trash.list()} == {Kind.FOLDER}
    local.trash.restore("00000001")
    assert local.files() == {"f00000001/d/a": b"x"}
    assert local.trash.empty() == 1
    assert local.private("trash") == []


def test_names_of_any_bytes_come_back(local: LocalFolder) -> None:
    with open(os.fsencode(local.root) + b"/caf\xe9\n", "xb") as file:
        file.write(b"x")
    name = "caf\u201bE9\u240a"
    entry = local.folder.trash(name, local.stamp(name))
    assert entry.name == name
    local.trash.restore(entry.id)
    assert os.fsencode("caf\udce9\n") in os.listdir(os.fsencode(local.root))


def test_the_note_is_written_before_the_file_comes(local: LocalFolder) -> None:
    """So that a file in the trash always has its name, whenever the process is killed; see `test_kills`."""
    entry = trashed(local, "a")
    slot = local.root / ".pithosfs" / "trash" / entry.id
    assert (slot / "info").stat().st_ctime_ns <= (slot / "file").stat().st_ctime_ns
    assert sorted(os.listdir(slot)) == ["file", "info"]


def test_the_trash_of_a_link_to_the_folder(local: LocalFolder, make: Callable[..., LocalFolder]) -> None:
    entry = trashed(local, "a")
    way = local.root.with_name("way")
    way.symlink_to(local.root)
    assert Trash(way).list() == [entry]
    Trash(way).restore(entry.id)
    assert local.files() == {"a": b"x"}
