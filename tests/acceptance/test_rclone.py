"""rclone, unchanged, on the local cloud by its Swift backend."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pithosfs.store.seam import ObjectPath

MIB = 1024 * 1024
FILES = 1000

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@pytest.fixture(scope="module")
def user(cloud: Any) -> Any:
    return cloud.user("foreign")


@pytest.fixture
def rclone(cloud: Any, user: Any, tmp_path: Path) -> Run:
    """rclone in an empty folder; the cloud is its remote `X:`."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TMPDIR": os.environ["TMPDIR"],
        "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
        "RCLONE_CONFIG_X_TYPE": "swift",
        "RCLONE_CONFIG_X_USER": user.name,
        "RCLONE_CONFIG_X_KEY": user.token,
        "RCLONE_CONFIG_X_AUTH": f"{cloud.base}/auth/v1.0",
        "RCLONE_RETRIES": "1",
        "RCLONE_TRANSFERS": "16",
        "RCLONE_CHECKERS": "16",
    }

    beside = Path(sys.executable).with_name("rclone")
    program = str(beside) if beside.exists() else shutil.which("rclone")
    assert program is not None, "rclone is not installed"

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [program, *arguments],
            env=environment,
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    return run


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand small files under all sorts of names, some empty; no two have the same time."""
    folder = tmp_path_factory.mktemp("rclone") / "tree"
    chance = random.Random(11)
    for number in range(FILES):
        parts = [f"dir {number % 10}", f"ünter-{number % 7}", "日本" if number % 3 else "x+y"]
        path = folder.joinpath(*parts[: number % 4], f"f%{number} ä&#?.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if number % 50 == 0 else chance.randbytes(chance.randrange(1, 3000)))
        os.utime(path, ns=(0, 1_600_000_000_123_456_789 + number * 1_000_000_007))
    return folder


def test_rclone_keeps_a_tree(rclone: Run, tree: Path, user: Any, tmp_path: Path) -> None:
    files = files_below(tree)
    assert len(files) == FILES
    rclone("copy", str(tree), "X:tree")
    assert "There was nothing to transfer" in rclone("sync", str(tree), "X:tree", "-v").stderr
    checked = rclone("check", str(tree), "X:tree").stderr
    assert "0 differences" in checked
    assert f"{FILES} matching files" in checked
    assert "could not be checked" not in checked
    assert "0 differences" in rclone("check", "--download", str(tree), "X:tree").stderr
    sums = dict(reversed(line.split("  ", 1)) for line in rclone("md5sum", "X:tree").stdout.splitlines())
    assert sums == {name: md5(data) for name, data in files.items()}
    sizes = [line.split(maxsplit=3) for line in rclone("lsl", "X:tree").stdout.splitlines()]
    assert {name: int(size) for size, _, _, name in sizes} == {name: len(data) for name, data in files.items()}
    shown = {name: time for _, _, time, name in sizes}
    some = next(iter(files))
    fraction = (tree / some).stat().st_mtime_ns % 1_000_000_000
    assert shown[some].endswith(f".{fraction:09}")

    # What changes goes over, and nothing else.
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    names = sorted(files)
    (copy / names[0]).unlink()
    (copy / names[1]).write_bytes(b"changed")
    (copy / "new").write_bytes(b"new")
    os.utime(copy / names[2])  # the time alone
    report = rclone("sync", str(copy), "X:tree", "-v").stderr
    assert re.search(r"Transferred:\s+2 / 2, 100%", report), report
    assert "0 differences" in rclone("check", str(copy), "X:tree").stderr
    assert "There was nothing to transfer" in rclone("sync", str(copy), "X:tree", "-v").stderr
    rclone("moveto", "X:tree/new", "X:tree/moved å")
    assert rclone("cat", "X:tree/moved å").stdout == "new"
    back = tmp_path / "back"
    rclone("copy", "X:tree", str(back))
    wanted = {**files_below(copy), "moved å": b"new"}
    del wanted["new"]
    assert files_below(back) == wanted
    times = {name: (copy / name).stat().st_mtime_ns for name in wanted if name != "moved å"}
    assert {name: (back / name).stat().st_mtime_ns for name in times} == times
    rclone("purge", "X:tree")
    assert "tree" not in rclone("lsd", "X:").stdout.split()


@pytest.mark.parametrize("segments", ["true", "false"])
def test_rclone_sends_a_large_file_in_chunks(rclone: Run, user: Any, tmp_path: Path, segments: str) -> None:
    data = random.Random(5).randbytes(5 * MIB + 4321)
    source = tmp_path / "source"
    source.mkdir()
    (source / "large å").write_bytes(data)
    chunks = ("--swift-chunk-size", "1M", "--swift-use-segments-container", segments)
    remote = f"X:chunks-{segments}"
    rclone("copy", str(source), remote, *chunks)
    assert "There was nothing to transfer" in rclone("sync", str(source), remote, "-v", *chunks).stderr
    assert "0 differences" in rclone("check", "--download", str(source), remote, *chunks).stderr
    path = ObjectPath(user.uuid, f"chunks-{segments}", "large å")
    seen = user.store.head(path)
    assert seen.size == len(data)
    assert user.store.read_range(path, MIB - 10, MIB + 10, seen.version) == data[MIB - 10 : MIB + 10]
    rclone("moveto", f"{remote}/large å", f"{remote}/moved", *chunks)
    rclone("copy", f"{remote}/moved", str(tmp_path / "back"), *chunks)
    assert (tmp_path / "back" / "moved").read_bytes() == data
    (source / "large å").write_bytes(data[::-1])
    rclone("copyto", str(source / "large å"), f"{remote}/moved", *chunks)
    rclone("copyto", f"{remote}/moved", str(tmp_path / "again"), *chunks)
    assert (tmp_path / "again").read_bytes() == data[::-1]
    rclone("deletefile", f"{remote}/moved", *chunks)
    containers = [one for one in user.store.containers() if one.name.startswith(f"chunks-{segments}")]
    assert [(one.name, one.count) for one in containers if one.count] == []  # its segments are gone too


def test_rclone_streams_from_its_standard_input(rclone: Run, user: Any) -> None:
    """Neither client nor server knows the length when it begins."""
    data = "line\n" * 100_000
    rclone("rcat", "X:streamed/o", "--swift-no-chunk", stdin=data)
    assert rclone("cat", "X:streamed/o").stdout == data
    rclone("rcat", "X:streamed/chunked", "--swift-chunk-size", "100k", stdin=data)
    assert rclone("cat", "X:streamed/chunked").stdout == data
    assert user.store.head(ObjectPath(user.uuid, "streamed", "o")).size == len(data)


def test_rclone_sees_what_the_pithos_side_wrote(rclone: Run, user: Any, tmp_path: Path) -> None:
    """Contents that came as blocks have no MD5 until somebody asks for it."""
    folder = tmp_path / "written"
    user.store.create_container("written")
    chance = random.Random(13)
    for number, size in enumerate((0, 1, 1000, 100_000, 4 * MIB, 9 * MIB + 1)):
        data = chance.randbytes(size)
        path = folder / f"sub ü/{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        place = ObjectPath(user.uuid, "written", f"sub ü/{number}")
        user.store.put_object(place, data, content_type="a/b", meta={"Mtime": f"1700000{number}00.5"}, base="")
        os.utime(path, ns=(0, int(float(f"1700000{number}00.5") * 1e9)))
    assert "0 differences" in rclone("check", "--download", str(folder), "X:written").stderr
    checked = rclone("check", str(folder), "X:written").stderr
    assert "6 matching files" in checked
    assert "could not be checked" not in checked
    assert "There was nothing to transfer" in rclone("sync", str(folder), "X:written", "-v").stderr


def test_rclone_and_the_mount_agree(rclone: Run, mount: Any, user: Any, tmp_path: Path) -> None:
    """Contents, times to the nanosecond, and large files that rclone cuts into segments."""
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    large = random.Random(17).randbytes(3 * MIB + 5)
    (source / "sub" / "small ü").write_bytes(b"small")
    (source / "large").write_bytes(large)
    os.utime(source / "sub" / "small ü", ns=(0, 1_500_000_000_123_456_789))
    rclone("copy", str(source), "X:shown", "--swift-chunk-size", "1M")
    mounted = mount(user=user, attr_timeout=0)
    here = mounted.path / "shown"
    found = (here / "sub" / "small ü").stat()
    assert (found.st_size, found.st_mtime_ns) == (5, 1_500_000_000_123_456_789)
    assert (here / "sub" / "small ü").read_bytes() == b"small"
    assert (here / "large").stat().st_size == len(large)
    assert (here / "large").read_bytes() == large
    (here / "sub" / "written").write_bytes(b"by the mount")
    os.utime(here / "sub" / "written", ns=(0, 1_400_000_000_987_654_321))
    (here / "sub" / "small ü").write_bytes(b"changed by the mount")
    os.utime(here / "sub" / "small ü", ns=(0, 1_400_000_001_000_000_001))
    mounted.flush()
    back = tmp_path / "back"
    rclone("copy", "X:shown", str(back))
    assert files_below(back) == {
        "large": large,
        "sub/small ü": b"changed by the mount",
        "sub/written": b"by the mount",
    }
    assert (back / "sub" / "written").stat().st_mtime_ns == 1_400_000_000_987_654_321
    assert (back / "sub" / "small ü").stat().st_mtime_ns == 1_400_000_001_000_000_001
    assert "There was nothing to transfer" in rclone("sync", "X:shown", str(back), "-v").stderr
