"""Folders made and removed, names moved, files trashed, attributes set: only what was decided on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import threading
import time
from collections.abc import Callable

import pytest
from fixtures.local_folder import ABILITIES, LocalFolder

from pithosfs_daemon.folder.leases import Writers, without_writers
from pithosfs_daemon.folder.probing import Nature
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind, Seen

CHANGES = ["edited", "replaced", "chmod", "removed", "folder"]


def change_it(local: LocalFolder, name: str, change: str) -> None:
    path = local.root / name
    if change == "edited":
        path.write_bytes(b"mine, edited")
    elif change == "chmod":
        path.chmod(0o600)
    elif change == "replaced":
        path.with_name("other").write_bytes(path.read_bytes())
        path.with_name("other").rename(path)
    else:
        path.unlink()
        if change == "folder":
            path.mkdir()


def everything(local: LocalFolder) -> dict[str, tuple[int, int, bytes | None]]:
    """Names, inodes, modes and contents of all that the user sees."""
    found = {}
    for path in local.root.rglob("*"):
        name = str(path.relative_to(local.root))
        if not name.startswith(".pithosfs"):
            status = path.lstat()
            found[name] = (status.st_ino, status.st_mode, path.read_bytes() if path.is_file() else None)
    return found


# folders ------------------------------------------------------------------------------------------------------------


def test_a_folder_is_made(local: LocalFolder) -> None:
    stamp = local.folder.make_folder("d", 0o750, 10**18)
    assert local.folder.look("d") == Seen(Kind.FOLDER, stamp)
    assert (stamp.mode, stamp.mtime_ns) == (0o750, 10**18)
    local.folder.make_folder("d/e")
    assert local.kind("d/e") is Kind.FOLDER


def test_a_folder_that_is_there_is_fine_and_gets_its_attributes(local: LocalFolder) -> None:
    local.write("d/a", b"x")
    before = local.stamp("d")
    assert local.folder.make_folder("d") == before
    assert local.folder.make_folder("d", 0o711).mode == 0o711
    assert local.files() == {"d/a": b"x"}


def test_the_owner_can_always_work_in_a_folder(local: LocalFolder) -> None:
    assert local.folder.make_folder("d", 0o7000).mode == 0o700
    assert stat.S_IMODE((local.root / "d").stat().st_mode) == 0o700


@pytest.mark.parametrize("there", ["file", "pipe", "link"])
def test_something_else_in_its_place_is_left_alone(local: LocalFolder, there: str) -> None:
    path = local.root / "d"
    (local.root / "target").mkdir()
    if there == "file":
        path.write_bytes(b"x")
    elif there == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("target")
    before = path.lstat()
    for work in (
        lambda: local.folder.make_folder("d", 0o700, 1),
        lambda: local.folder.remove_folder("d"),
        lambda: local.folder.move("d", "e", None),
    ):
        with pytest.raises(LocalChanged):
            work()
    assert path.lstat() == before


def test_a_folder_without_its_parent_is_not_made(local: LocalFolder) -> None:
    with pytest.raises(LocalChanged):
        local.folder.make_folder("d/e")
    assert everything(local) == {}


def test_only_an_empty_folder_is_removed(local: LocalFolder) -> None:
    local.write("d/a", b"x")
    assert local.folder.remove_folder("d") is False
    assert local.files() == {"d/a": b"x"}
    (local.root / "d" / "a").unlink()
    assert local.folder.remove_folder("d") is True
    assert everything(local) == {}
    with pytest.raises(LocalChanged):
        local.folder.remove_folder("d")


def test_a_folder_that_fills_up_while_it_is_removed(local: LocalFolder) -> None:
    """A race: either it goes and the file was not made, or it stays with the file."""
    for number in range(100):
        folder = local.root / f"d{number}"
        folder.mkdir()
        made = []

        def fill() -> None:
            try:
                (folder / "a").write_bytes(b"x")  # noqa: B023 - joined in the same round
                made.append(True)  # noqa: B023
            except FileNotFoundError:
                pass

        thread = threading.Thread(target=fill)
        thread.start()
        removed = local.folder.remove_folder(f"d{number}")
        thread.join()
        assert removed != bool(made)


# moving -------------------------------------------------------------------------------------------------------------


def test_a_file_is_moved(limited: LocalFolder) -> None:
    stamp = limited.written("d/a", b"x")
    (limited.root / "e").mkdir()
    moved = limited.folder.move("d/a", "e/b", stamp)
    assert limited.files() == {"e/b": b"x"}
    assert limited.folder.look("e/b") == Seen(Kind.FILE, moved)
    assert moved.same_content(stamp)


def test_a_folder_is_moved_with_everything_in_it(limited: LocalFolder) -> None:
    limited.write("d/e/a", b"x")
    (limited.root / "f").mkdir()
    before = limited.stamp("d/e/a")
    stamp = limited.folder.move("d", "f/g", None)
    assert limited.folder.look("f/g") == Seen(Kind.FOLDER, stamp)
    assert limited.stamp("f/g/e/a") == before


@pytest.mark.parametrize("kind", ["file", "folder", "full folder"])
@pytest.mark.parametrize("there", ["file", "folder", "full folder", "link"])
def test_a_move_never_replaces(limited: LocalFolder, kind: str, there: str) -> None:
    for name, what in (("old", kind), ("new", there)):
        if what == "file":
            limited.write(name, name.encode())
        elif what == "link":
            (limited.root / name).symlink_to("old")
        else:
            (limited.root / name).mkdir()
            if what == "full folder":
                limited.write(f"{name}/a", name.encode())
    expected = limited.stamp("old") if kind == "file" else None
    before = everything(limited)
    with pytest.raises(LocalChanged):
        limited.folder.move("old", "new", expected)
    assert everything(limited) == before


@pytest.mark.parametrize("change", CHANGES)
def test_another_file_is_not_moved(limited: LocalFolder, change: str) -> None:
    stamp = limited.written("a", b"x")
    change_it(limited, "a", change)
    before = everything(limited)
    with pytest.raises(LocalChanged):
        limited.folder.move("a", "b", stamp)
    assert everything(limited) == before


def test_to_a_folder_that_is_not_there_nothing_is_moved(local: LocalFolder) -> None:
    stamp = local.written("a", b"x")
    with pytest.raises(LocalChanged):
        local.folder.move("a", "no/b", stamp)
    assert local.files() == {"a": b"x"}


def test_a_folder_is_not_moved_into_itself(local: LocalFolder) -> None:
    local.write("d/e/a", b"x")
    with pytest.raises((OSError, LocalChanged)):
        local.folder.move("d", "d/e/f", None)
    assert local.files() == {"d/e/a": b"x"}


def test_to_another_spelling_on_an_ordinary_file_system(limited: LocalFolder) -> None:
    limited.folder.move("Name", "name", limited.written("Name", b"x"))
    limited.write("D/a", b"y")
    limited.folder.move("D", "d", None)
    assert limited.files() == {"name": b"x", "d/a": b"y"}


def test_hard_links_are_not_taken_for_spellings(limited: LocalFolder) -> None:
    stamp = limited.written("Name", b"x")
    os.link(limited.root / "Name", limited.root / "name")
    stamp = limited.stamp("Name")
    with pytest.raises(LocalChanged):
        limited.folder.move("Name", "name", stamp)
    assert limited.files() == {"Name": b"x", "name": b"x"}
    limited.folder.trash("name", limited.stamp("name"))
    assert limited.files() == {"Name": b"x"}


def test_the_stamp_of_a_move_is_not_that_of_an_edit_in_between(local: LocalFolder) -> None:
    stamp = local.written("a", b"x")
    with open(local.root / "a", "ab") as editor:
        moved = local.folder.move("a", "b", stamp)
        editor.write(b"more")
    assert moved != local.stamp("b")


# trashing -----------------------------------------------------------------------------------------------------------


def test_a_file_is_trashed(limited: LocalFolder) -> None:
    stamp = limited.written("d/a", b"hello")
    entry = limited.folder.trash("d/a", stamp)
    assert (entry.name, entry.size, entry.kind) == ("d/a", 5, Kind.FILE)
    assert abs(entry.deleted_ns / 1e9 - time.time()) < 60
    assert limited.files() == {}
    assert limited.trash.list() == [entry]
    assert limited.hidden() == {b"hello"}


@pytest.mark.parametrize("change", CHANGES)
def test_another_file_is_not_trashed(limited: LocalFolder, change: str) -> None:
    stamp = limited.written("a", b"x")
    change_it(limited, "a", change)
    before = everything(limited)
    with pytest.raises(LocalChanged):
        limited.folder.trash("a", stamp)
    assert everything(limited) == before
    assert limited.private("trash") == []


@pytest.mark.parametrize("ability", ["everything", "links only"])
def test_what_is_edited_while_it_is_trashed_is_not_lost(make: Callable[..., LocalFolder], ability: str) -> None:
    """A race: it is back under its name, or in the trash with the edit that came when it was on its way there."""
    limited = make(nature=Nature(can=ABILITIES[ability]))
    path, temporary = limited.root / "a", limited.root / "saving"
    done = threading.Event()
    written: set[bytes] = set()
    overwritten: set[bytes] = set()

    def edit() -> None:
        number = 0
        while not done.wait(0.001 * (number % 3)):
            number += 1
            content = f"mine {number:06}".encode()
            try:
                with open(path, "r+b") as file:
                    overwritten.add(file.read())
                    file.seek(0)
                    file.write(content)
                    written.add(content)
            except FileNotFoundError:
                # It was trashed: the next version appears whole. Nothing is saved over one that has just come back.
                temporary.write_bytes(content)
                with contextlib.suppress(FileExistsError):
                    os.link(temporary, path)
                    written.add(content)
                temporary.unlink()

    thread = threading.Thread(target=edit)
    thread.start()
    trashed = 0
    try:
        deadline = time.monotonic() + 20
        while trashed < 20 and time.monotonic() < deadline:
            seen = limited.folder.look("a")
            if isinstance(seen, Seen) and seen.stamp.size == 11:
                try:
                    limited.folder.trash("a", seen.stamp)
                    trashed += 1
                except LocalChanged:
                    pass
    finally:
        done.set()
        thread.join()
    assert trashed
    assert written - overwritten - set(limited.files().values()) - limited.hidden() == set()


# attributes ---------------------------------------------------------------------------------------------------------


def test_attributes_are_set(local: LocalFolder) -> None:
    stamp = local.written("a", b"x")
    new = local.folder.set_attributes("a", stamp, mode=0o4751, mtime_ns=10**18)
    assert (new.mode, new.mtime_ns) == (0o751, 10**18)
    assert stat.S_IMODE((local.root / "a").stat().st_mode) == 0o751
    assert new == local.stamp("a")
    assert local.folder.set_attributes("a", new, mode=None, mtime_ns=1).mode == 0o751
    assert local.folder.set_attributes("a", local.stamp("a"), mode=0o600, mtime_ns=None).mtime_ns == 1


@pytest.mark.parametrize("change", CHANGES)
def test_attributes_of_another_file_are_not_set(local: LocalFolder, change: str) -> None:
    stamp = local.written("a", b"x")
    change_it(local, "a", change)
    before = everything(local)
    with pytest.raises(LocalChanged):
        local.folder.set_attributes("a", stamp, mode=0o700, mtime_ns=1)
    assert everything(local) == before


def test_the_time_is_not_set_under_somebody_who_may_be_writing(local: LocalFolder) -> None:
    stamp = local.written("a", b"x")
    with open(local.root / "a", "r+b"):
        with pytest.raises(LocalChanged):
            local.folder.set_attributes("a", stamp, mode=None, mtime_ns=1)
        assert local.folder.set_attributes("a", stamp, mode=0o600, mtime_ns=None).mode == 0o600
    stamp = local.stamp("a")
    with open(local.root / "a", "rb"):  # readers do not matter
        assert local.folder.set_attributes("a", stamp, mode=None, mtime_ns=1).mtime_ns == 1


def test_a_writer_waits_while_the_time_is_set(local: LocalFolder) -> None:
    """The writer's edit comes after it, so its time is later."""
    local.write("a", b"x")
    fd = os.open(local.root / "a", os.O_RDONLY)
    opened = threading.Event()

    def write() -> None:
        with open(local.root / "a", "ab") as file:
            opened.set()
            file.write(b"y")

    thread = threading.Thread(target=write)
    handler = signal.getsignal(signal.SIGURG)
    with without_writers(fd) as writers:
        assert writers is Writers.NONE
        thread.start()
        assert not opened.wait(0.2)
        os.utime(fd, ns=(1, 1))
    thread.join()
    os.close(fd)
    assert local.stamp("a").mtime_ns != 1
    assert signal.getsignal(signal.SIGURG) is handler


def test_no_lease_stays_behind(local: LocalFolder) -> None:
    local.write("a", b"x")
    fd = os.open(local.root / "a", os.O_RDONLY)
    with without_writers(fd):
        assert fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_RDLCK
    assert fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_UNLCK
    os.close(fd)
    reading, writing = os.pipe()
    with without_writers(reading) as writers:  # no file that could be leased
        assert writers is Writers.UNKNOWN
    os.close(reading)
    os.close(writing)
