"""What a scan and a look see, and what they never take for empty."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder, as_nobody

from pithosfs.mount.names import MAX_OBJECT_NAME
from pithosfs_daemon.folder import DirectoryScan
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind, Reason, Seen, Stamp, Trouble


def expected_stamp(path: Path) -> Stamp:
    found = path.lstat()
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode & 0o777)


def test_an_empty_folder(local: LocalFolder) -> None:
    assert local.folder.scan("") == DirectoryScan()
    assert local.folder.scan("").complete


def test_files_and_folders_with_their_stamps(local: LocalFolder) -> None:
    local.write("a.txt", b"hello")
    local.write("d/inner", b"x")
    (local.root / "a.txt").chmod(0o640)
    found = local.folder.scan("")
    assert found.entries == {
        "a.txt": Seen(Kind.FILE, expected_stamp(local.root / "a.txt")),
        "d": Seen(Kind.FOLDER, expected_stamp(local.root / "d")),
    }
    assert found.entries["a.txt"].stamp.mode == 0o640
    assert local.folder.scan("d").entries.keys() == {"inner"}
    assert (found.troubles, found.ignored, found.complete) == ({}, set(), True)


def test_a_look_sees_what_the_scan_sees(local: LocalFolder) -> None:
    local.write("d/e/f", b"x")
    (local.root / "d" / "link").symlink_to("e")
    os.mkfifo(local.root / "d" / "pipe")
    for folder in ("", "d", "d/e"):
        found = local.folder.scan(folder)
        for segment, seen in {**found.entries, **found.troubles}.items():
            assert local.folder.look(f"{folder}/{segment}".strip("/")) == seen
    assert local.kind("") is Kind.FOLDER


def test_set_id_and_sticky_bits_are_not_seen(local: LocalFolder) -> None:
    local.write("a", b"x")
    (local.root / "a").chmod(0o6755)
    assert local.stamp("a").mode == 0o755


@pytest.mark.parametrize("name", ["no", "no/no", "file/below", "d/no", "d/no/no"])
def test_what_is_not_there(local: LocalFolder, name: str) -> None:
    local.write("file", b"x")
    (local.root / "d").mkdir()
    assert local.folder.look(name) is None


def test_a_folder_that_is_not_there_is_not_empty_but_unknown(local: LocalFolder) -> None:
    local.write("file", b"x")
    assert local.folder.scan("no") == DirectoryScan(complete=False)
    assert local.folder.scan("file") == DirectoryScan(complete=False)


def test_the_private_folder_is_never_seen(local: LocalFolder) -> None:
    local.write("a", b"x")
    found = local.folder.scan("")
    assert found.entries.keys() == {"a"}
    assert (found.troubles, found.ignored) == ({}, set())
    for name in (".pithosfs", ".pithosfs/marker", ".pithosfs/trash"):
        seen = local.folder.look(name)
        assert isinstance(seen, Trouble)
        assert seen.reason is Reason.LOCAL_NAME
    assert not local.folder.scan(".pithosfs").complete


def test_a_private_folder_further_down_is_left_alone(local: LocalFolder) -> None:
    local.write("d/.pithosfs/x", b"x")
    found = local.folder.scan("d")
    assert (found.entries, found.ignored, found.complete) == ({}, {".pithosfs"}, True)


def test_downloads_of_our_own_programs_are_left_alone(local: LocalFolder) -> None:
    local.write("d/.pithosfs-0123456789abcdef.part", b"x")
    assert local.folder.scan("d").ignored == {".pithosfs-0123456789abcdef.part"}
    assert local.folder.scan("d").entries == {}


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_special_files_are_reported(local: LocalFolder, kind: str) -> None:
    path = local.root / "it"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        os.chdir(local.root)  # names of sockets are short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("it")
        os.chdir("/")
    elif os.geteuid() == 0:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 3))
    else:
        pytest.skip("devices are made by root")
    found = local.folder.scan("")
    assert found.entries == {}
    assert found.troubles == {"it": Trouble("it", Reason.SPECIAL, f"a {kind}")}
    assert found.complete


def test_opening_a_pipe_does_not_wait(local: LocalFolder) -> None:
    stamp = local.written("a", b"")
    (local.root / "a").unlink()
    os.mkfifo(local.root / "a")
    with pytest.raises(LocalChanged):
        local.folder.open("a", stamp)


# names of bytes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "cloud"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "caf\u201bE9"),
        (b"two\nlines", "two\u240alines"),
        (b"\xff\xfe", "\u201bFF\u201bFE"),
        ("quote\u201b".encode(), "quote\u201b\u201b"),
        (b" blanks ", " blanks "),
        (b"back\\slash", "back\\slash"),
        (b"\x01\x7f", "\x01\x7f"),
    ],
)
def test_names_of_any_bytes(local: LocalFolder, raw: bytes, cloud: str) -> None:
    folder = os.fsencode(local.root)
    os.mkdir(folder + b"/" + raw)
    with open(folder + b"/" + raw + b"/" + raw, "xb") as file:
        file.write(raw)
    name = f"{cloud}/{cloud}"
    assert local.folder.scan("").entries.keys() == {cloud}
    assert local.folder.scan(cloud).entries.keys() == {cloud}
    assert local.kind(name) is Kind.FILE
    with local.folder.open(name, local.stamp(name)) as stream:
        assert stream.read() == raw
    assert os.fsencode(local.folder.path(name)) == folder + b"/" + raw + b"/" + raw
    assert local.folder.name_of(local.folder.path(name)) == name


def test_names_that_are_too_long_for_the_cloud_are_reported(make: Callable[..., LocalFolder]) -> None:
    local = make(prefix="p" * 500)
    room = MAX_OBJECT_NAME - 501
    deep = "/".join(["d" * 200] * 2)
    local.write(f"{deep}/{'x' * (room - len(deep) - 1)}", b"fits")
    local.write(f"{deep}/{'y' * (room - len(deep))}", b"does not")
    found = local.folder.scan(deep)
    assert [name[0] for name in found.entries] == ["x"]
    (trouble,) = found.troubles.values()
    assert (trouble.reason, trouble.name[-1]) == (Reason.REMOTE_NAME, "y")


# reading ------------------------------------------------------------------------------------------------------------


def test_open_gives_the_file_that_was_seen(local: LocalFolder) -> None:
    stamp = local.written("d/a", b"hello")
    with local.folder.open("d/a", stamp) as stream:
        assert stream.read() == b"hello"
        assert os.fstat(stream.fileno()).st_ino == stamp.inode


@pytest.mark.parametrize("change", ["edited", "replaced", "removed", "chmod", "folder", "folder above removed"])
def test_open_refuses_another_file(local: LocalFolder, change: str) -> None:
    stamp = local.written("d/a", b"hello")
    path = local.root / "d" / "a"
    if change == "edited":
        path.write_bytes(b"hello!")
    elif change == "replaced":
        local.write("d/b", b"hello")
        (local.root / "d" / "b").rename(path)
    elif change == "chmod":
        path.chmod(0o600)
    else:
        path.unlink()
        if change == "folder":
            path.mkdir()
        elif change == "folder above removed":
            path.parent.rmdir()
    with pytest.raises(LocalChanged):
        local.folder.open("d/a", stamp)


def test_a_refused_open_leaves_no_descriptor(local: LocalFolder) -> None:
    stamp = local.written("a", b"hello")
    local.write("a", b"other!")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(LocalChanged):
            local.folder.open("a", stamp)
    assert len(os.listdir("/proc/self/fd")) == before


# what may not be read -----------------------------------------------------------------------------------------------


def test_an_unreadable_file_is_reported(local: LocalFolder) -> None:
    local.write("a", b"x")
    (local.root / "a").chmod(0)

    def look() -> None:
        found = local.folder.scan("")
        assert found.entries == {}
        assert found.troubles["a"].reason is Reason.UNREADABLE
        assert found.complete
        seen = local.folder.look("a")
        assert isinstance(seen, Trouble)
        assert seen.reason is Reason.UNREADABLE

    as_nobody(look)


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o444])
def test_an_unreadable_folder_is_not_empty(local: LocalFolder, mode: int) -> None:
    local.write("d/a", b"x")
    (local.root / "d").chmod(mode)

    def look() -> None:
        found = local.folder.scan("d")
        assert found.entries == {}
        assert not found.complete
        assert found.trouble is not None
        assert found.trouble.reason is Reason.UNREADABLE
        seen = local.folder.look("d/a")
        if mode == 0o111:  # what is in it can be seen by who knows its name
            assert isinstance(seen, Seen)
        else:
            assert isinstance(seen, Trouble)
            assert seen.reason is Reason.UNREADABLE
        assert (local.folder.look("d/a/b") is None) == (mode == 0o111)

    as_nobody(look)
    (local.root / "d").chmod(0o755)


def test_an_unreadable_folder_above_hides_nothing(local: LocalFolder) -> None:
    local.write("d/e/a", b"x")
    (local.root / "d").chmod(0)

    def look() -> None:
        assert not local.folder.scan("d/e").complete
        assert isinstance(local.folder.look("d/e"), Trouble)
        with pytest.raises(LocalChanged):
            local.folder.open("d/e/a", Stamp(1, 0, 0, 0, 0))

    as_nobody(look)
    (local.root / "d").chmod(0o755)


# other pairs ----------------------------------------------------------------------------------------


def test_a_synced_folder_inside_is_not_entered(make: Callable[..., LocalFolder]) -> None:
    local = make()
    (local.root / "d" / "other" / ".pithosfs").mkdir(parents=True)
    (local.root / "d" / "other" / ".pithosfs" / "marker").write_text("{}")
    local.write("d/other/file", b"x")
    found = local.folder.scan("d")
    assert found.troubles == {"other": Trouble("d/other", Reason.OTHER_PAIR)}
    assert found.entries == {}
    assert not local.folder.scan("d/other").complete
    assert local.folder.look("d/other/file") == Trouble("d/other/file", Reason.OTHER_PAIR)
    with pytest.raises(LocalChanged):
        local.folder.make_folder("d/other/x")
    assert sorted(os.listdir(local.root / "d" / "other")) == [".pithosfs", "file"]


# nothing to sync ----------------------------------------------------------------------------------------------------


def test_a_folder_with_only_what_is_ignored(make: Callable[..., LocalFolder]) -> None:
    local = make(excludes=("*.o", "build/"))
    local.write("objects/a.o", b"x")
    local.write("mixed/a.o", b"x")
    local.write("mixed/a.c", b"x")
    local.write("deep/down/build/x", b"x")
    local.write("withfolder/a.o", b"x")
    (local.root / "withfolder" / "empty").mkdir()
    (local.root / "empty").mkdir()
    (local.root / "links").mkdir()
    (local.root / "links" / "link").symlink_to("/etc")
    os.mkfifo(local.root / "links" / "pipe")
    found = local.folder.scan("")
    assert {name for name, seen in found.entries.items() if seen.only_ignored} == {"objects", "deep", "links"}
    assert found.entries.keys() == {"objects", "mixed", "deep", "withfolder", "empty", "links"}
    for name, seen in found.entries.items():
        assert local.folder.look(name) == seen


def test_a_folder_that_cannot_be_looked_into_is_reported_where_it_is(make: Callable[..., LocalFolder]) -> None:
    local = make(excludes=("*.o",))
    for mode in (0o000, 0o111, 0o444):
        local.write(f"d{mode}/a.o", b"x")
        (local.root / f"d{mode}").chmod(mode)

    def look() -> None:
        found = local.folder.scan("")
        assert found.entries == {}
        assert {trouble.reason for trouble in found.troubles.values()} == {Reason.UNREADABLE}
        assert len(found.troubles) == 3
        assert found.complete

    as_nobody(look)
    for mode in (0o000, 0o111, 0o444):
        (local.root / f"d{mode}").chmod(0o755)


# while things change ------------------------------------------------------------------------------------------------


def test_files_that_vanish_while_a_folder_is_scanned(local: LocalFolder) -> None:
    for number in range(200):
        local.write(f"d/stays-{number}", b"x")
    done = threading.Event()

    def churn() -> None:
        number = 0
        while not done.is_set():
            path = local.root / "d" / f"temporary-{number % 50}"
            path.write_bytes(b"x")
            path.unlink()
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            found = local.folder.scan("d")
            assert found.complete
            assert found.troubles == {}
            assert sum(name.startswith("stays-") for name in found.entries) == 200
    finally:
        done.set()
        thread.join()


def test_a_big_directory_is_scanned_fast(local: LocalFolder) -> None:
    folder = local.root / "big"
    folder.mkdir()
    one = folder / "file-0"
    one.write_bytes(b"")
    for number in range(1, 30_000):
        os.link(one, folder / f"file-{number}")
    start = time.process_time()
    found = local.folder.scan("big")
    taken = time.process_time() - start
    assert len(found.entries) == 30_000
    assert taken < 1.5  # about 0.2 s; a hundred thousand in well under two seconds


def test_a_tree_deeper_than_any_path(local: LocalFolder) -> None:
    """The limit of a path is one of system calls, not of trees."""
    fd = os.open(local.root, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=fd)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    name = "/".join(["d" * 200] * 30)
    assert local.folder.scan(name.rpartition("/")[0]).troubles["d" * 200].reason is Reason.REMOTE_NAME
    assert local.folder.scan(name).complete
    subprocess.run(["rm", "-r", str(local.root / ("d" * 200))], check=True)


def test_a_file_of_a_time_that_is_odd(local: LocalFolder) -> None:
    local.write("a", b"x")
    for when in (-(10**9), 0, 2**33 * 10**9):
        os.utime(local.root / "a", ns=(when, when))
        assert local.stamp("a").mtime_ns == when
