"""Downloads taking their place: whole or not at all, over what was decided on or over nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import ABILITIES, LocalFolder, as_nobody, facts

from pithosfs_daemon.folder import Put
from pithosfs_daemon.folder.probing import Nature
from pithosfs_daemon.folder.renames import exchange
from pithosfs_daemon.folder.status import opened
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind, Seen, Stamp

NOTHING = ([], [])


def remains(local: LocalFolder) -> tuple[list[str], list[str]]:
    return local.private("parts"), local.private("replaced")


def test_a_new_file_is_put_where_nothing_is(limited: LocalFolder) -> None:
    put = limited.download("a", b"hello")
    assert put.conflict_copy is None
    assert limited.files() == {"a": b"hello"}
    assert limited.folder.look("a") == Seen(Kind.FILE, put.stamp)
    assert remains(limited) == NOTHING


def test_a_known_file_is_replaced(limited: LocalFolder) -> None:
    stamp = limited.written("a", b"old")
    put = limited.download("a", b"new", stamp)
    assert put.conflict_copy is None
    assert limited.files() == {"a": b"new"}
    assert limited.folder.look("a") == Seen(Kind.FILE, put.stamp)
    assert put.stamp.inode != stamp.inode
    assert limited.leftovers() == []
    assert remains(limited) == NOTHING


def test_again_and_again(limited: LocalFolder) -> None:
    put = limited.download("a", b"0")
    for number in range(1, 6):
        put = limited.download("a", str(number).encode(), put.stamp)
    assert limited.leftovers() == []
    assert limited.files() == {"a": b"5"}
    assert remains(limited) == NOTHING


def test_an_unexpected_file_is_not_replaced(limited: LocalFolder) -> None:
    limited.write("a", b"mine")
    with pytest.raises(LocalChanged):
        limited.download("a", b"new")
    assert limited.files() == {"a": b"mine"}
    assert remains(limited) == NOTHING


@pytest.mark.parametrize("change", ["edited", "replaced", "chmod", "removed", "folder", "pipe", "no parent"])
def test_a_file_that_changed_since_the_decision_is_not_replaced(limited: LocalFolder, change: str) -> None:
    stamp = limited.written("d/a", b"old")
    path = limited.root / "d" / "a"
    if change == "edited":
        path.write_bytes(b"mine")
    elif change == "chmod":
        path.chmod(0o600)
    elif change == "replaced":
        limited.write("d/b", b"old")
        (limited.root / "d" / "b").rename(path)
    else:
        path.unlink()
        if change == "folder":
            path.mkdir()
        elif change == "pipe":
            os.mkfifo(path)
        elif change == "no parent":
            path.parent.rmdir()
    before = {one: facts(one) for one in limited.root.glob("d/*")}
    with pytest.raises(LocalChanged):
        limited.download("d/a", b"new", stamp)
    assert {one: facts(one) for one in limited.root.glob("d/*")} == before
    assert remains(limited) == NOTHING


@pytest.mark.parametrize("name", ["no/a", "file/a"])
def test_without_its_folder_it_is_not_put(limited: LocalFolder, name: str) -> None:
    limited.write("file", b"x")
    with pytest.raises(LocalChanged):
        limited.download(name, b"new")
    assert limited.files() == {"file": b"x"}
    assert remains(limited) == NOTHING


def test_a_part_that_is_not_put_goes(local: LocalFolder) -> None:
    with local.folder.part() as part:
        part.stream.write(b"half")
        assert len(local.private("parts")) == 1
        assert stat.S_IMODE(os.fstat(part.stream.fileno()).st_mode) == 0o600
    assert remains(local) == NOTHING


def test_a_part_goes_when_its_download_fails(local: LocalFolder) -> None:
    with pytest.raises(ZeroDivisionError), local.folder.part() as part:
        part.stream.write(b"half")
        raise ZeroDivisionError
    assert remains(local) == NOTHING


def test_a_part_can_be_read_back_and_written_anywhere(local: LocalFolder) -> None:
    with local.folder.part() as part:
        part.stream.write(b"0123456789")
        part.stream.seek(2)
        part.stream.write(b"xx")
        part.stream.flush()
        os.pwrite(part.stream.fileno(), b"end", 10)
        part.stream.seek(0)
        assert part.stream.read() == b"01xx456789end"
        local.folder.put(part, "a", None, mode=None, mtime_ns=None, conflict=str)
    assert local.files() == {"a": b"01xx456789end"}


def test_many_small_files_flushed_in_one_go(local: LocalFolder) -> None:
    parts = [local.folder.part() for _ in range(20)]
    opened = [part.__enter__() for part in parts]
    for number, part in enumerate(opened):
        part.stream.write(str(number).encode())
    local.folder.flush(*opened)
    for number, part in enumerate(opened):
        put = local.folder.put(part, f"f{number}", None, mode=0o640, mtime_ns=number, conflict=str, durable=False)
        assert put.stamp == local.stamp(f"f{number}")
    for one in parts:
        one.__exit__(None, None, None)
    local.folder.flush()
    assert local.files() == {f"f{number}": str(number).encode() for number in range(20)}
    assert remains(local) == NOTHING


# attributes ---------------------------------------------------------------------------------------------------------


def test_mode_and_time_are_set(limited: LocalFolder) -> None:
    when = 1_600_000_000_123_456_789
    put = limited.download("a", b"x", mode=0o754, mtime_ns=when)
    found = (limited.root / "a").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o754, when)
    assert (put.stamp.mode, put.stamp.mtime_ns) == (0o754, when)


def test_set_id_bits_are_never_taken_over(limited: LocalFolder) -> None:
    put = limited.download("a", b"x", mode=0o7755)
    assert stat.S_IMODE((limited.root / "a").stat().st_mode) == 0o755
    limited.download("a", b"y", put.stamp, mode=0o6755)
    assert stat.S_IMODE((limited.root / "a").stat().st_mode) == 0o755


def test_a_file_that_nobody_may_read_stays_readable_for_its_owner(local: LocalFolder) -> None:
    local.download("a", b"x", mode=0)
    assert stat.S_IMODE((local.root / "a").stat().st_mode) == 0o400


def test_a_new_file_without_a_mode_is_like_any_other(local: LocalFolder) -> None:
    before = os.umask(0o027)
    try:
        local.download("a", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((local.root / "a").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_mode_unless_another_is_given(limited: LocalFolder) -> None:
    limited.write("a", b"x")
    (limited.root / "a").chmod(0o750)
    put = limited.download("a", b"y", limited.stamp("a"))
    assert stat.S_IMODE((limited.root / "a").stat().st_mode) == 0o750
    limited.download("a", b"z", put.stamp, mode=0o600)
    assert stat.S_IMODE((limited.root / "a").stat().st_mode) == 0o600


@pytest.mark.parametrize("when", [-1, 0, 2**63 - 1, 2**70, -(2**80)])
def test_times_that_no_file_can_have_are_no_failure(local: LocalFolder, when: int) -> None:
    put = local.download("a", b"x", mtime_ns=when)
    assert local.stamp("a") == put.stamp


# edits at the very moment -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ability", ["everything", "no exchange", "links only"])
@pytest.mark.parametrize("save", ["in place", "by rename"])
def test_nothing_is_lost_in_a_race_with_somebody_who_saves(
    make: Callable[..., LocalFolder], ability: str, save: str
) -> None:
    """Every content that anybody wrote is the file, a conflict copy, was overwritten by the same somebody who then saw
    it, or was what the download was to replace."""
    limited = make(nature=Nature(can=ABILITIES[ability]))
    path = limited.root / "a"
    limited.write("a", b"start")
    written = {b"start"}
    overwritten: set[bytes] = set()
    done = threading.Event()

    def edit() -> None:
        number = 0
        while not done.wait(0.001 * (number % 3)):
            number += 1
            content = f"mine {number:06}".encode()
            if save == "by rename":
                # As editors do, but looking at what they replace.
                temporary = limited.root / f"saving-{number}"
                temporary.write_bytes(content)
                written.add(content)
                overwritten.add(saved_over(temporary, path))
            else:
                try:
                    with open(path, "r+b") as file:
                        overwritten.add(file.read())
                        file.seek(0)
                        file.write(content)
                        file.truncate()
                        written.add(content)
                except FileNotFoundError:
                    continue

    thread = threading.Thread(target=edit)
    thread.start()
    expected: set[bytes] = set()
    puts = 0
    try:
        for number in range(200):
            seen = limited.folder.look("a")
            if not isinstance(seen, Seen):
                continue
            try:
                with limited.folder.open("a", seen.stamp) as stream:
                    content = stream.read()
                    if os.fstat(stream.fileno()).st_mtime_ns != seen.stamp.mtime_ns:
                        continue
                theirs = f"theirs {number:06}".encode()
                limited.download("a", theirs, seen.stamp)
            except LocalChanged:
                continue
            puts += 1
            expected.add(content)
            written.add(theirs)
    finally:
        done.set()
        thread.join()
    limited.leftovers()
    kept = set(limited.files().values()) | limited.hidden()
    assert written - kept - overwritten - expected == set()
    assert puts


def saved_over(temporary: Path, path: Path) -> bytes:
    """Save a file over another one and see what that was. Where nothing is just now, it is not saved after all."""
    with opened(str(temporary.parent), os.O_RDONLY) as folder, contextlib.suppress(FileNotFoundError):
        exchange(temporary.name, folder, path.name, folder)
    content = temporary.read_bytes()
    temporary.unlink()
    return content


def test_two_downloads_of_one_name_at_once(limited: LocalFolder) -> None:
    outcomes: list[Put | LocalChanged] = []
    barrier = threading.Barrier(4)

    def download(number: int) -> None:
        barrier.wait()
        try:
            outcomes.append(limited.download("a", str(number).encode()))
        except LocalChanged as error:
            outcomes.append(error)

    threads = [threading.Thread(target=download, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(one, Put) for one in outcomes) == 1
    assert len(limited.files()) == 1
    assert remains(limited) == NOTHING


# disks that are full or read-only -----------------------------------------------------------------------------------

_FULL = """
import errno, os, subprocess, sys
from pathlib import Path
from fixtures.local_folder import LocalFolder
from pithosfs_daemon.folder import Folder
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(root)], check=True)
local = LocalFolder(root)
local.write("a", b"old")
stamp = local.stamp("a")
for size in (1 << 21, 100):
    if size == 100:  # so full that not even a note can be written
        with open(root / "filler", "wb") as file:
            try:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()
            except OSError:
                pass
            try:
                file.close()
            except OSError:
                pass
    try:
        with local.folder.part() as part:
            part.stream.write(b"n" * size)
            local.folder.put(part, "a", stamp, mode=None, mtime_ns=None, conflict=str)
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
    else:
        raise AssertionError("there was room")
    assert (root / "a").read_bytes() == b"old"
    assert local.stamp("a") == stamp
    assert local.private("parts") == [] and local.private("replaced") == []
os.unlink(root / "filler")
local.download("a", b"new", stamp)
assert local.leftovers() == []
assert local.files() == {"a": b"new"}
local.close()
subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
local.folder = Folder(local.pair)
for change in (
    lambda: local.download("b", b"x"),
    lambda: local.folder.make_folder("d"),
    lambda: local.folder.trash("a", local.stamp("a")),
    lambda: local.folder.move("a", "b", local.stamp("a")),
    lambda: local.folder.set_attributes("a", local.stamp("a"), mode=0o600, mtime_ns=1),
):
    try:
        change()
    except OSError as error:
        assert error.errno == errno.EROFS, error
    else:
        raise AssertionError("changed")
assert local.files() == {"a": b"new"}
assert local.leftovers() == []
assert local.folder.scan("").entries.keys() == {"a"}
local.close()
"""


def in_mount_namespace(script: str, folder: Path) -> None:
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode != 0:
        pytest.skip("needs a mount namespace")
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["unshare", "-Urm", sys.executable, "-c", script, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    in_mount_namespace(_FULL, tmp_path / "small")


_OTHER_DISK = """
import errno, os, subprocess, sys
from pathlib import Path
from fixtures.local_folder import LocalFolder
local = LocalFolder(Path(sys.argv[1]))
local.write("a", b"old")
stamp = local.stamp("a")
for part in ("parts", "trash", "replaced"):
    (local.root / ".pithosfs" / part).mkdir()
for part in ("parts", "trash", "replaced"):
    where = local.root / ".pithosfs" / part
    subprocess.run(["mount", "-t", "tmpfs", "none", str(where)], check=True)
    changes = {
        "parts": [lambda: local.download("a", b"new", stamp), lambda: local.download("b", b"new")],
        "trash": [lambda: local.folder.trash("a", stamp)],
        "replaced": [lambda: local.download("a", b"new", stamp)],
    }
    for change in changes[part]:
        try:
            change()
        except OSError as error:
            assert error.errno == errno.EXDEV, error
        else:
            raise AssertionError("changed")
    assert local.leftovers() == []
    assert local.private(part) == []
    local.restart()
    subprocess.run(["umount", str(where)], check=True)
    local.restart()
    assert local.files() == {"a": b"old"}
    assert local.stamp("a") == stamp
local.close()
"""


def test_what_cannot_be_renamed_into_place_is_left_alone(tmp_path: Path) -> None:
    """As between directories with quotas or keys of their own: the kernel takes them for different disks."""
    in_mount_namespace(_OTHER_DISK, tmp_path / "here")


def test_a_folder_that_may_not_be_written_to(make: Callable[..., LocalFolder]) -> None:
    local = make()
    local.write("d/a", b"old")
    stamp = local.stamp("d/a")
    (local.root / "d").chmod(0o555)
    for path in (local.root / ".pithosfs", *(local.root / ".pithosfs").iterdir()):
        path.chmod(0o777)

    def change() -> None:
        for work in (
            lambda: local.download("d/a", b"new", stamp),
            lambda: local.download("d/b", b"new"),
            lambda: local.folder.trash("d/a", stamp),
            lambda: local.folder.make_folder("d/e"),
        ):
            with pytest.raises(OSError, check=lambda error: error.errno == errno.EACCES):
                work()

    as_nobody(change)
    assert remains(local) == NOTHING
    assert local.private("trash") == []
    assert local.files() == {"d/a": b"old"}
    (local.root / "d").chmod(0o755)


def test_the_stamp_of_an_edit_right_after_is_not_that_of_the_download(local: LocalFolder) -> None:
    """Whoever edits a file the moment it appears must be seen to have edited it."""
    done = threading.Event()
    path = local.root / "a"

    def edit() -> None:
        while not done.is_set():
            try:
                with open(path, "r+b") as file:
                    if file.read() == b"theirs":
                        file.seek(0)
                        file.write(b"edited")
            except FileNotFoundError:
                continue

    thread = threading.Thread(target=edit)
    thread.start()
    edited = 0
    try:
        for _ in range(100):
            put = local.download("a", b"theirs", mtime_ns=10**18)
            seen = local.folder.look("a")
            assert isinstance(seen, Seen)
            content = path.read_bytes()
            if content == b"edited":
                after = local.stamp("a")
                assert after != put.stamp
                edited += 1
            path.unlink()
    finally:
        done.set()
        thread.join()
    assert edited


def test_hard_links_of_the_old_file_keep_its_content(limited: LocalFolder) -> None:
    limited.write("a", b"old")
    os.link(limited.root / "a", limited.root / "b")
    limited.download("a", b"new", limited.stamp("a"))
    assert limited.leftovers() == []
    assert limited.files() == {"a": b"new", "b": b"old"}


def test_parts_need_no_room_in_memory(local: LocalFolder) -> None:
    with local.folder.part() as part:
        part.stream.truncate(1 << 30)
        put = local.folder.put(part, "big", None, mode=None, mtime_ns=None, conflict=str)
    assert put.stamp.size == 1 << 30
    assert (local.root / "big").stat().st_blocks < 100


def test_stamps_of_the_same_content_may_differ_in_their_ctime() -> None:
    one = Stamp(1, 2, 3, 4, 5)
    assert one.same_content(Stamp(1, 2, 30, 4, 50))
    assert not one.same_content(Stamp(1, 2, 3, 40, 5))
