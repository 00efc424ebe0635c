"""`pithosfs file download` of one object, and to standard output."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import User
from fixtures.proxy import CutBody, FaultProxy
from fixtures.transfers import BLOCK, Counted, at, is_range, noise, put

from pithosfs.store import Delivery


def test_where_downloads_go(cli: Cli, owner: User) -> None:
    put(owner, "dir/x", b"data")
    (cli.cwd / "folder").mkdir()
    cli.ok("file", "download", "dir/x")
    cli.ok("file", "download", "dir/x", "folder")
    cli.ok("file", "download", "dir/x", "new/parents/y")
    assert (cli.cwd / "x").read_bytes() == b"data"
    assert (cli.cwd / "folder/x").read_bytes() == b"data"
    assert (cli.cwd / "new/parents/y").read_bytes() == b"data"
    assert cli("file", "download", "dir/x").code == 5
    assert "the same already" in cli.ok("file", "download", "dir/x", "-f").err
    assert cli("file", "download", "dir").code == 2
    assert cli("file", "download", "nothing").code == 3
    assert cli("file", "download", "dir/x", "/proc/x").code != 0


def test_a_link_that_is_named_is_followed(cli: Cli, owner: User) -> None:
    put(owner, "x", b"new")
    (cli.cwd / "file").write_bytes(b"old")
    (cli.cwd / "link").symlink_to("file")
    cli.ok("file", "download", "x", "link", "-f")
    assert (cli.cwd / "link").is_symlink()
    assert (cli.cwd / "file").read_bytes() == b"new"
    cli.ok("file", "download", "x", "/dev/null")


def test_the_same_content_gets_the_attributes_anew(cli: Cli, owner: User) -> None:
    put(owner, "x", b"data", meta={"mode": "640", "mtime": "1234567890.000000001"})
    (cli.cwd / "x").write_bytes(b"data")
    cli.ok("file", "download", "x", "-f")
    status = (cli.cwd / "x").stat()
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o640, 1_234_567_890_000_000_001)


def test_a_file_that_is_here_in_part(bare: Cli, wire: FaultProxy, owner: User) -> None:
    data = noise(4 * BLOCK, 20)
    put(owner, "big", data)
    fetched = Counted(wire, is_range)
    for flag in ("--resume", "-f"):
        (bare.cwd / "big").write_bytes(data[: 3 * BLOCK] + noise(BLOCK, 21))
        fetched.count = 0
        bare.ok("file", "download", "big", flag)
        assert (bare.cwd / "big").read_bytes() == data
        assert fetched.count == 1
    fetched.count = 0
    bare.ok("file", "download", "big", "-f")
    assert fetched.count == 0
    assert os.listdir(bare.cwd) == ["big"]


def test_ranges(cli: Cli, owner: User) -> None:
    data = noise(2 * BLOCK + 9, 22)
    put(owner, "x", data)
    cli.ok("file", "download", "x", "part", "--range", f"{BLOCK - 1}-{2 * BLOCK}")
    assert (cli.cwd / "part").read_bytes() == data[BLOCK - 1 : 2 * BLOCK + 1]
    assert cli.ok("file", "download", "x", "-", "--range", "3,10-12,-2").raw == data[:4] + data[10:13] + data[-2:]
    assert cli("file", "download", "x", "part", "--range", "1-2").code == 5
    cli.ok("file", "download", "x", "part", "-f", "--range", "1-2")
    assert (cli.cwd / "part").read_bytes() == data[1:3]
    behind = cli("file", "download", "x", "other", "--range", f"{len(data)}-")
    assert behind.code == 1
    assert f"only {len(data)} bytes" in behind.err
    assert cli("file", "download", "x", "other", "--range", "a-b").code == 2
    assert sorted(os.listdir(cli.cwd)) == ["part"]


def test_conditions_and_versions(cli: Cli, owner: User) -> None:
    put(owner, "x", b"old")
    old = owner.store.head(at(owner, "x"))
    put(owner, "x", b"newer")
    assert cli("file", "download", "x", "--if-match", old.hash).code == 5
    assert cli("file", "download", "x", "--if-modified-since", "2100-01-01").code == 5
    assert os.listdir(cli.cwd) == []
    cli.ok("file", "download", "x", "--if-none-match", old.hash)
    assert (cli.cwd / "x").read_bytes() == b"newer"
    cli.ok("file", "download", "x", "was", "--object-version", old.version)
    assert (cli.cwd / "was").read_bytes() == b"old"
    assert cli("file", "download", "x", "y", "z/", "--object-version", old.version).code == 2


def test_several_to_standard_output(cli: Cli, owner: User) -> None:
    for name in ("a1", "a2", "b"):
        put(owner, name, name.encode())
    assert cli.ok("file", "download", "b", "a*", "-").raw == b"ba1a2"
    put(owner, "dir/x")
    assert cli("file", "download", "dir", "-", "-r").code == 2


def test_a_manifest_is_its_parts(cli: Cli, owner: User) -> None:
    parts = [noise(BLOCK + 3, 23), b"second"]
    for number, data in enumerate(parts):
        put(owner, f"parts/{number}", data)
    put(owner, "dir/whole", b"", delivery=Delivery(manifest="pithos/parts/"))
    cli.ok("file", "download", "dir/whole")
    assert (cli.cwd / "whole").read_bytes() == b"".join(parts)
    # In a listing it has no size: an empty file is not the same.
    (cli.cwd / "back").mkdir()
    (cli.cwd / "back/dir").mkdir()
    (cli.cwd / "back/dir/whole").write_bytes(b"")
    assert cli("file", "download", "-r", "dir", "back").code == 5
    cli.ok("file", "download", "-r", "dir", "back", "-f")
    assert (cli.cwd / "back/dir/whole").read_bytes() == b"".join(parts)


def test_an_object_that_was_cut_on_the_server(cli: Cli, owner: User) -> None:
    """Its last hash may cover bytes that nobody sees (object-store.md section 20, row 7)."""
    data = noise(BLOCK + 100, 24)
    put(owner, "x", data)
    info = owner.store.head(at(owner, "x"))
    owner.store.management().truncate(at(owner, "x"), BLOCK + 50, base=info.etag or "")
    cli.ok("file", "download", "x")
    assert (cli.cwd / "x").read_bytes() == data[: BLOCK + 50]


def test_blocks_of_nothing_are_holes(cli: Cli, owner: User) -> None:
    data = noise(BLOCK, 25) + bytes(4 * BLOCK) + b"end" + bytes(50)
    put(owner, "x", data)
    cli.ok("file", "download", "x")
    assert (cli.cwd / "x").read_bytes() == data
    assert (cli.cwd / "x").stat().st_blocks * 512 < 2 * BLOCK
    (cli.cwd / "x").write_bytes(noise(len(data), 26))
    cli.ok("file", "download", "x", "-f")
    assert (cli.cwd / "x").read_bytes() == data


def test_a_rehearsal_changes_nothing(cli: Cli, owner: User) -> None:
    put(owner, "x", b"data")
    assert cli.ok("file", "download", "x", "new/folder/", "--dry-run", "-j").json[0]["action"] == "download"
    assert os.listdir(cli.cwd) == []


def test_a_connection_that_is_cut(bare: Cli, wire: FaultProxy, owner: User) -> None:
    """Once is nothing; when it goes on, what has come is kept and not fetched again."""
    data = noise(6 * BLOCK, 27)
    put(owner, "x", data)
    wire.when(is_range, CutBody(BLOCK // 2), times=1)
    bare.ok("file", "download", "x", "first")
    assert (bare.cwd / "first").read_bytes() == data
    fetched = Counted(wire, is_range)
    fetched.limit = 3
    broken = bare("file", "download", "x", "second", "--threads", "1")
    assert broken.code == 7
    assert "what has come of it is kept" in broken.err
    assert not (bare.cwd / "second").exists()
    fetched.limit = None
    fetched.count = 0
    bare.ok("file", "download", "x", "second")
    assert (bare.cwd / "second").read_bytes() == data
    assert fetched.count == 3
    assert sorted(os.listdir(bare.cwd)) == ["first", "second"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 10 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs")
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


def test_the_disk_is_full(cli: Cli, owner: User, small_disk: Path) -> None:
    data = noise(3 * BLOCK, 28)
    put(owner, "dir/x", data)
    put(owner, "dir/small", b"small")
    full = cli("file", "download", "dir/x", small_disk)
    assert full.code == 1
    assert f"{small_disk}/x: No space left on device" in full.err
    assert "make room" in full.err
    assert [name for name in os.listdir(small_disk) if not name.startswith(".pithosfs-")] == []
    full = cli("file", "download", "-r", "dir", small_disk / "dir")
    assert full.code == 1
    assert "No space left" in full.err
    assert set(os.listdir(small_disk / "dir")) <= {"small"} | {
        name for name in os.listdir(small_disk / "dir") if name.startswith(".pithosfs-")
    }


def test_bars_on_a_terminal_only(cli: Cli) -> None:
    (cli.cwd / "big").write_bytes(os.urandom(2 * BLOCK))  # blocks that no other test has sent
    shown, code = finish(cli.terminal("file", "upload", "big"))
    assert code == 0
    assert "sending big" in shown
    assert "8.0/8.0 MiB" in shown
    shown, code = finish(cli.terminal("file", "download", "big", "back"))
    assert code == 0
    assert "receiving big" in shown
    shown, code = finish(cli.terminal("file", "download", "big", "again", "-N"))
    assert (shown, code) == ("", 0)
    piped = cli.ok("file", "download", "big", "third")
    assert piped.out == piped.err == ""
