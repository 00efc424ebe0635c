"""The adapter alone, mounted for real on both bindings, over a file system in memory."""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.adapter import Adapter, mounted
from fixtures.waiting import eventually

from pithosfs.errors import BadReply, NoConnection, NotAllowed, QuotaExceeded
from pithosfs.mount import binding as bindings
from pithosfs.mount.callbacks import ErrorLog
from pithosfs.mount.fuse import kernel_timeout

pytestmark = pytest.mark.mount

NOREPLACE, EXCHANGE = 1, 2
HIDDEN = ".fuse_hidden0123456789abcdef"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "mount"
    folder.mkdir()
    return folder


@pytest.fixture(params=bindings.CHOICES)
def adapter(request: pytest.FixtureRequest, root: Path) -> Iterator[Adapter]:
    with mounted(request.param, root) as made:
        yield made


def raises(code: int) -> pytest.RaisesExc[OSError]:
    return pytest.RaisesExc(OSError, check=lambda error: error.errno == code)


def renameat2(old: Path, new: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# names ----------------------------------------------------------------------------------------------------------------


def test_names_of_every_byte(adapter: Adapter) -> None:
    root = os.fsencode(adapter.root)
    names = {b"a" + bytes([byte]) + b"z" for byte in range(1, 256) if byte != ord("/")}
    for name in names:
        with open(root + b"/" + name, "xb") as file:
            file.write(name)
    assert set(os.listdir(root)) == names
    for name in names:
        with open(root + b"/" + name, "rb") as file:
            assert file.read() == name


def test_odd_bytes_in_every_operation(adapter: Adapter) -> None:
    root = os.fsencode(adapter.root)
    name, other = b"\xff\xfe \xe4\xf6", b"\x80\n\xc3"
    os.mkdir(root + b"/" + name)
    os.rename(root + b"/" + name, root + b"/" + other)
    os.symlink(b"\xff/\x80", root + b"/" + name)
    assert os.readlink(root + b"/" + name) == b"\xff/\x80"
    os.setxattr(root + b"/" + other, b"user.\xc3\xa4", b"\xff\0")
    assert os.listxattr(root + b"/" + other) == ["user.ä"]
    assert os.getxattr(root + b"/" + other, b"user.\xc3\xa4") == b"\xff\0"
    os.rmdir(root + b"/" + other)
    os.unlink(root + b"/" + name)
    assert os.listdir(root) == []


def test_the_longest_name_and_one_more(adapter: Adapter) -> None:
    (adapter.root / ("x" * 255)).write_bytes(b"1")
    with raises(errno.ENAMETOOLONG):
        (adapter.root / ("x" * 256)).write_bytes(b"1")
    with raises(errno.ENAMETOOLONG):
        (adapter.root / ("ä" * 128)).write_bytes(b"1")


def test_a_big_folder_is_listed_whole_and_with_attributes(adapter: Adapter) -> None:
    for number in range(3000):
        adapter.filesystem.mkdir(f"/{number}", 0o700)
    adapter.filesystem.calls.clear()
    with os.scandir(adapter.root) as entries:
        found = {entry.name: entry.is_dir() for entry in entries}
    assert found == {str(number): True for number in range(3000)}
    if adapter.is_fuse3:
        shown = [(adapter.root / str(number)).stat() for number in range(3000)]
        assert {one.st_mode for one in shown} == {stat.S_IFDIR | 0o700}
        assert adapter.filesystem.calls["getattr"] < 10


def test_a_folder_that_changes_while_it_is_read(adapter: Adapter) -> None:
    for number in range(2000):
        adapter.filesystem.mkdir(f"/{number}", 0o700)
    with os.scandir(adapter.root) as entries:
        seen = [next(entries).name]
        for number in range(0, 2000, 2):
            adapter.filesystem.rmdir(f"/{number}")
        seen += [entry.name for entry in entries]
    assert len(set(seen)) == len(seen)
    assert {str(number) for number in range(1, 2000, 2)} <= set(seen)


def test_rename_flags(adapter: Adapter) -> None:
    (adapter.root / "a").write_bytes(b"a")
    (adapter.root / "b").write_bytes(b"b")
    with raises(errno.EEXIST):
        renameat2(adapter.root / "a", adapter.root / "b", NOREPLACE)
    with raises(errno.EINVAL):
        renameat2(adapter.root / "a", adapter.root / "b", EXCHANGE)
    assert (adapter.root / "b").read_bytes() == b"b"
    if adapter.is_fuse3:
        renameat2(adapter.root / "a", adapter.root / "c", NOREPLACE)
        assert sorted(os.listdir(adapter.root)) == ["b", "c"]
    else:  # libfuse 2 has no flags; the kernel says so
        with raises(errno.EINVAL):
            renameat2(adapter.root / "a", adapter.root / "c", NOREPLACE)
    os.rename(adapter.root / "b", adapter.root / "d")
    assert (adapter.root / "d").read_bytes() == b"b"


def test_what_an_object_store_cannot_have(adapter: Adapter) -> None:
    (adapter.root / "a").write_bytes(b"a")
    with raises(errno.EPERM):
        os.link(adapter.root / "a", adapter.root / "b")
    with raises(errno.EPERM):
        os.mkfifo(adapter.root / "fifo")


# files without a name -------------------------------------------------------------------------------------------------


def test_an_unlinked_open_file_goes_on(adapter: Adapter) -> None:
    with open(adapter.root / "a", "w+b") as file:
        file.write(b"hello")
        file.flush()
        os.unlink(adapter.root / "a")
        assert os.listdir(adapter.root) == []
        assert adapter.filesystem.root.entries == {}
        assert not (adapter.root / "a").exists()
        file.seek(0)
        assert file.read() == b"hello"
        file.write(b" world")
        file.flush()
        shown = os.fstat(file.fileno())
        assert (shown.st_size, shown.st_nlink) == (11, 0)
        os.ftruncate(file.fileno(), 3)
        assert os.fstat(file.fileno()).st_size == 3
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o600)
        os.utime(file.fileno(), ns=(1, 2))
        (adapter.root / "a").write_bytes(b"another")
        assert os.pread(file.fileno(), 10, 0) == b"hel"
    assert (adapter.root / "a").read_bytes() == b"another"
    assert os.listdir(adapter.root) == ["a"]
    assert adapter.filesystem.calls["rename"] == 0


def test_two_handles_on_an_unlinked_file(adapter: Adapter) -> None:
    (adapter.root / "a").write_bytes(b"hello")
    first, second = os.open(adapter.root / "a", os.O_RDWR), os.open(adapter.root / "a", os.O_RDWR)
    os.unlink(adapter.root / "a")
    os.close(first)
    os.pwrite(second, b"J", 0)
    assert os.fstat(second).st_size == 5
    assert os.pread(second, 5, 0) == b"Jello"
    os.close(second)
    assert adapter.filesystem.root.entries == {}


def test_a_rename_over_an_open_file_is_one_rename(adapter: Adapter) -> None:
    (adapter.root / "old").write_bytes(b"old")
    (adapter.root / "new").write_bytes(b"new")
    adapter.filesystem.calls.clear()
    with open(adapter.root / "old", "rb") as file:
        os.replace(adapter.root / "new", adapter.root / "old")
        assert adapter.filesystem.calls["rename"] == 1
        assert adapter.filesystem.calls["unlink"] == 0
        assert file.read() == b"old"
        assert os.fstat(file.fileno()).st_nlink == 0
        assert (adapter.root / "old").read_bytes() == b"new"
    assert os.listdir(adapter.root) == ["old"]
    assert (adapter.root / "old").read_bytes() == b"new"


def test_an_open_file_is_followed_through_renames(adapter: Adapter) -> None:
    (adapter.root / "folder").mkdir()
    with open(adapter.root / "folder" / "a", "w+b") as file:
        file.write(b"x")
        file.flush()
        os.rename(adapter.root / "folder", adapter.root / "other")
        os.rename(adapter.root / "other" / "a", adapter.root / "b")
        os.unlink(adapter.root / "b")
        file.write(b"y")
        file.flush()
        assert os.fstat(file.fileno()).st_size == 2
    assert os.listdir(adapter.root) == ["other"]


def test_libfuses_names_for_hidden_files_are_ordinary_names(adapter: Adapter) -> None:
    with open(adapter.root / "a", "w+b") as file:
        file.write(b"x")
        file.flush()
        os.rename(adapter.root / "a", adapter.root / HIDDEN)
        assert set(adapter.filesystem.root.entries) == {HIDDEN}
        file.write(b"y")
    assert (adapter.root / HIDDEN).read_bytes() == b"xy"
    os.unlink(adapter.root / HIDDEN)
    assert os.listdir(adapter.root) == []


def test_a_temporary_file(adapter: Adapter) -> None:
    script = (
        "import tempfile, sys\n"
        "with tempfile.TemporaryFile(dir=sys.argv[1]) as file:\n"
        "    file.write(bytes(300000)); file.seek(0, 2); assert file.tell() == 300000\n"
        "    file.seek(0); assert file.read() == bytes(300000)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(adapter.root)], check=True)
    assert os.listdir(adapter.root) == []


# contents -------------------------------------------------------------------------------------------------------------


def test_big_writes_and_reads_arrive_big(adapter: Adapter) -> None:
    data = os.urandom(4 << 20)
    fd = os.open(adapter.root / "a", os.O_CREAT | os.O_RDWR)
    try:
        assert os.write(fd, data) == len(data)
    finally:
        os.close(fd)
    assert min(adapter.filesystem.write_sizes) >= (1 << 20 if adapter.is_fuse3 else 1 << 17)
    with open(adapter.root / "a", "rb", buffering=0) as file:
        assert file.readall() == data


def test_mapped_reads_and_writes(adapter: Adapter) -> None:
    (adapter.root / "a").write_bytes(b"abc" * 100_000)
    script = (
        "import mmap, os, sys\n"
        "fd = os.open(sys.argv[1], os.O_RDWR)\n"
        "with mmap.mmap(fd, 0) as mapped:\n"
        "    assert mapped[:] == b'abc' * 100_000\n"
        "    mapped[150_000:150_003] = b'XYZ'\n"
        "    mapped.flush()\n"
        "os.close(fd)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(adapter.root / "a")], check=True)
    data = (adapter.root / "a").read_bytes()
    assert data[150_000:150_003] == b"XYZ"
    assert data.replace(b"XYZ", b"abc") == b"abc" * 100_000


def test_unchanged_content_is_read_once(adapter: Adapter) -> None:
    (adapter.root / "a").write_bytes(b"x" * 100_000)
    assert (adapter.root / "a").read_bytes() == b"x" * 100_000
    adapter.filesystem.calls.clear()
    assert (adapter.root / "a").read_bytes() == b"x" * 100_000
    assert adapter.filesystem.calls["read"] == 0
    adapter.filesystem.replace_content("/a", b"y" * 100_000)
    eventually(lambda: (adapter.root / "a").read_bytes() == b"y" * 100_000)


def test_truncation(adapter: Adapter) -> None:
    path = adapter.root / "a"
    path.write_bytes(b"0123456789")
    os.truncate(path, 4)
    assert path.read_bytes() == b"0123"
    os.truncate(path, 6)
    assert path.read_bytes() == b"0123\0\0"
    with open(path, "r+b") as file:
        file.truncate(2)
        assert os.fstat(file.fileno()).st_size == 2
    path.write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_holes_and_appends(adapter: Adapter) -> None:
    path = adapter.root / "a"
    with open(path, "wb") as file:
        file.seek(1_000_000)
        file.write(b"end")
    with open(path, "ab") as file:
        file.write(b"more")
    assert path.read_bytes() == bytes(1_000_000) + b"endmore"


def test_a_slow_read_keeps_nobody_else_waiting(adapter: Adapter) -> None:
    (adapter.root / "a").write_bytes(b"a")
    (adapter.root / "b").write_bytes(b"b")
    arrived, go_on = threading.Event(), threading.Event()
    original = adapter.filesystem.read

    def slow(fh: int, size: int, offset: int) -> bytes:
        data = original(fh, size, offset)
        if data == b"a":
            arrived.set()
            assert go_on.wait(20)
        return data

    adapter.filesystem.read = slow  # type: ignore[method-assign]
    reader = threading.Thread(target=(adapter.root / "a").read_bytes)
    reader.start()
    try:
        assert arrived.wait(20)
        assert (adapter.root / "b").read_bytes() == b"b"
        assert sorted(os.listdir(adapter.root)) == ["a", "b"]
    finally:
        go_on.set()
        reader.join(20)


# attributes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "times",
    [
        (1, 2),
        (1_700_000_000_123_456_789, 1_600_000_000_987_654_321),
        (-1, -1_000_000_001),
        (1 << 62, 5_000_000_000_000),
    ],
    ids=["small", "nanoseconds", "before 1970", "far away"],
)
def test_times_are_exact(adapter: Adapter, times: tuple[int, int]) -> None:
    path = adapter.root / "a"
    path.write_bytes(b"")
    os.utime(path, ns=times)
    shown = path.stat()
    assert (shown.st_atime_ns, shown.st_mtime_ns) == times


def test_one_time_alone(adapter: Adapter) -> None:
    path = adapter.root / "a"
    path.write_bytes(b"")
    os.utime(path, ns=(10, 20))
    before = time.time_ns()
    subprocess.run(["touch", "-m", path], check=True)
    assert path.stat().st_atime_ns == 10
    assert path.stat().st_mtime_ns >= before - 1_000_000_000
    subprocess.run(["touch", "-a", "-d", "@5", path], check=True)
    assert path.stat().st_atime_ns == 5_000_000_000
    os.utime(path)
    assert path.stat().st_atime_ns >= before - 1_000_000_000
    os.utime(path, ns=(1_073_741_823, 1_073_741_822))  # the codes for "now" and "as it is", as ordinary times
    assert (path.stat().st_atime_ns, path.stat().st_mtime_ns) == (1_073_741_823, 1_073_741_822)


def test_modes_and_owners(adapter: Adapter) -> None:
    path = adapter.root / "a"
    path.write_bytes(b"")
    os.chmod(path, 0o640)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, os.getgid())
        os.chown(path, -1, 54321)
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)
    (adapter.root / "folder").mkdir(0o750)
    assert (adapter.root / "folder").stat().st_uid == os.geteuid()
    assert (adapter.root / "folder").stat().st_ino == adapter.filesystem.root.entries["folder"].number


def test_extended_attributes(adapter: Adapter) -> None:
    path = adapter.root / "a"
    path.write_bytes(b"")
    assert os.listxattr(path) == []
    os.setxattr(path, "user.one", b"1" * 3000)
    os.setxattr(path, "user.empty", b"")
    assert os.getxattr(path, "user.one") == b"1" * 3000
    assert os.getxattr(path, "user.empty") == b""
    assert set(os.listxattr(path)) == {"user.one", "user.empty"}
    with raises(errno.EEXIST):
        os.setxattr(path, "user.one", b"", os.XATTR_CREATE)
    with raises(errno.ENODATA):
        os.setxattr(path, "user.two", b"", os.XATTR_REPLACE)
    os.removexattr(path, "user.one")
    with raises(errno.ENODATA):
        os.getxattr(path, "user.one")
    with raises(errno.ENOTSUP):
        os.getxattr(path, "security.capability")


def test_the_size_of_the_file_system(adapter: Adapter) -> None:
    shown = os.statvfs(adapter.root)
    assert (shown.f_blocks * shown.f_frsize, shown.f_bavail * shown.f_frsize) == (1 << 32, 1 << 31)
    assert shown.f_namemax == 255


def test_the_kernel_is_told_of_remote_changes(root: Path) -> None:
    with mounted("fuse3", root, attr_timeout=3600) as adapter:
        (root / "a").write_bytes(b"short")
        assert (root / "a").stat().st_size == 5
        adapter.filesystem.calls.clear()
        assert (root / "a").stat().st_size == 5
        assert adapter.filesystem.calls["getattr"] == 0
        adapter.filesystem.replace_content("/a", b"much longer")
        eventually(lambda: (root / "a").stat().st_size == 11)
        assert (root / "a").read_bytes() == b"much longer"


def test_how_long_the_kernel_may_remember() -> None:
    fuse3 = bindings.load({"PITHOSFS_FUSE": "fuse3"})
    fuse2 = bindings.load({"PITHOSFS_FUSE": "fuse2"})
    assert [kernel_timeout(fuse3, seconds) for seconds in (0, 5, 100)] == [0, 30, 100]
    assert [kernel_timeout(fuse2, seconds) for seconds in (0, 5, 100)] == [0, 5, 100]


# errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (NotAllowed("no", 403), errno.EACCES),
        (QuotaExceeded("full", 413), errno.EDQUOT),
        (OSError(errno.ENOSPC, "full"), errno.ENOSPC),
    ],
    ids=["not allowed", "quota", "disk full"],
)
def test_a_domain_error_is_an_errno(
    adapter: Adapter, caplog: pytest.LogCaptureFixture, problem: Exception, code: int
) -> None:
    (adapter.root / "a").write_bytes(b"a")
    adapter.filesystem.problem = problem
    fd = os.open(adapter.root / "a", os.O_RDONLY)
    try:
        with raises(code):
            os.pread(fd, 1, 0)
    finally:
        os.close(fd)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_fault_of_ours_is_eio_and_one_traceback(adapter: Adapter, caplog: pytest.LogCaptureFixture) -> None:
    (adapter.root / "a").write_bytes(b"a")
    adapter.filesystem.problem = ZeroDivisionError("of ours")
    fd = os.open(adapter.root / "a", os.O_RDONLY)
    try:
        with raises(errno.EIO):
            os.pread(fd, 1, 0)
        adapter.filesystem.problem = None
        assert os.pread(fd, 1, 0) == b"a"
    finally:
        os.close(fd)
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == adapter.filesystem.calls["read"] - 1
    assert {(record.levelname, record.exc_info is not None) for record in told} == {("ERROR", True)}


def test_a_cloud_that_is_away_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    told = ErrorLog(clock=lambda: now[0])
    for _ in range(10):
        assert told.errno("read", NoConnection("nobody there")) == errno.EIO
    assert told.errno("read", BadReply("rubbish")) == errno.EIO
    assert [record.getMessage() for record in caplog.records] == [
        "read: input/output error: nobody there",
        "read: input/output error: rubbish",
    ]
    now[0] = 61.0
    told.errno("read", NoConnection("nobody there"))
    assert len(caplog.records) == 3


@pytest.mark.parametrize("choice", bindings.CHOICES)
def test_read_only(choice: str, root: Path) -> None:
    with mounted(choice, root, read_only=True) as adapter:
        adapter.filesystem.mkdir("/folder", 0o755)
        assert os.listdir(root) == ["folder"]
        with raises(errno.EROFS):
            (root / "a").write_bytes(b"")


# the end --------------------------------------------------------------------------------------------------------------


def test_unmounting_from_outside_ends_the_session(adapter: Adapter) -> None:
    (adapter.root / "a").write_bytes(b"a")
    subprocess.run(["umount", adapter.root], check=True)
    adapter.serving.join(20)
    assert not adapter.serving.is_alive()
    assert os.listdir(adapter.root) == []


def test_a_broken_pipe_stays_an_error(adapter: Adapter) -> None:
    """libfuse 2 sets SIGPIPE to end the process; a drain after the end of the mount would be ended by it."""
    adapter.session.stop()
    adapter.serving.join(20)
    reader, writer = os.pipe()
    os.close(reader)
    with raises(errno.EPIPE):
        os.write(writer, b"x")
    os.close(writer)


def test_a_mount_in_use_is_not_unmounted(adapter: Adapter) -> None:
    with open(adapter.root / "a", "wb"):
        assert "busy" in adapter.session.unmount(lazy=False)
    assert adapter.session.unmount(lazy=False) == ""


def test_stopping_while_a_file_is_open(adapter: Adapter) -> None:
    fd = os.open(adapter.root / "a", os.O_CREAT | os.O_WRONLY)
    try:
        adapter.session.stop(grace=0.05)
        adapter.serving.join(20)
        assert not adapter.serving.is_alive()
        with raises(errno.ENOTCONN):
            os.write(fd, b"x")
    finally:
        with raises(errno.ENOTCONN):
            os.close(fd)
