"""`pithosfs mount`, `umount`, `flush` and `status`."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.cli import Cli, finish

from pithosfs.errors import PithosfsError
from pithosfs.mount import service
from pithosfs.mount.options import DEFAULT_ATTR_TIMEOUT
from pithosfs_cli import mount as commands


@pytest.fixture
def point(cli: Cli) -> Iterator[Path]:
    """Where to mount; unmounted in the end."""
    path = cli.cwd / "Cloud"
    yield path
    with contextlib.suppress(PithosfsError):
        service.unmount(str(path), cli.home.directories, force=True)


def test_the_default_is_that_of_the_library() -> None:
    assert commands.DEFAULT_TIMEOUT == DEFAULT_ATTR_TIMEOUT


def test_nothing_is_mounted(cli: Cli) -> None:
    assert cli.ok("status", "-j").json == []
    assert "Nothing is mounted" in cli.ok("status").err
    result = cli("umount", cli.cwd)
    assert result.code == 1
    assert "no cloud folder is mounted" in result.err
    assert cli("flush", cli.cwd).code == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--umask", "9"],
        ["--attr-timeout", "-1"],
        ["--fsync", "never"],
        ["--cache-size", "big"],
        ["--uid", "me"],
    ],
)
def test_bad_options(cli: Cli, point: Path, options: list[str]) -> None:
    assert cli("mount", point, *options).code == 2
    assert not point.exists()


def test_no_cloud(bare: Cli) -> None:
    assert bare("mount", "Cloud").code == 2
    assert not (bare.cwd / "Cloud").exists()


@pytest.mark.mount
def test_mount_write_flush_umount(cli: Cli, point: Path) -> None:
    assert cli.ok("mount", point).out == f"The cloud test is mounted on {point}\n"
    (point / "pithos/hello.txt").write_text("hello")
    assert "on the cloud" in cli.ok("flush", point / "pithos/hello.txt").out
    assert cli.ok("file", "cat", "hello.txt").raw == b"hello"
    status = cli.ok("status", "-j").json
    assert [(one["mount_point"], one["cloud"]) for one in status] == [(str(point), "test")]
    assert status[0]["state"] in ("running", "sending")
    assert str(point) in cli.ok("status").out
    twice = cli("mount", point)
    assert twice.code == 1
    assert "mounted there already" in twice.err
    (point / "pithos/late").write_text("late")
    assert "unmounted" in cli.ok("umount", point).out
    assert os.listdir(point) == []
    assert cli.ok("file", "cat", "late").raw == b"late"
    assert cli.ok("status", "-j").json == []


@pytest.mark.mount
def test_options_arrive(cli: Cli, point: Path) -> None:
    cli.ok("file", "upload", "-", "x", stdin=b"data")
    cache = cli.cwd / "cache"
    started = cli.ok(
        "mount", point, "--container", "pithos", "--read-only", "--cache-dir", cache, "--cache-size", "100MiB",
        "--umask", "077", "--uid", "12", "--gid", "34", "--attr-timeout", "1", "-j",
    ).json  # fmt: skip
    assert started["container"] == "pithos"
    assert (point / "x").read_bytes() == b"data"
    assert cache.is_dir()
    status = point.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o077) == (12, 34, 0)
    with pytest.raises(OSError, match="Read-only"):
        (point / "y").write_text("no")


@pytest.mark.mount
def test_in_the_foreground(cli: Cli, point: Path) -> None:
    run = cli.terminal("mount", point, "--foreground")
    run.expect("mounted test on")
    assert (point / "pithos").is_dir()
    run.kill(signal.SIGINT)
    _, code = finish(run)
    assert code == 0
    assert os.listdir(point) == []


@pytest.mark.mount
def test_bad_places(cli: Cli) -> None:
    (cli.cwd / "file").write_text("")
    (cli.cwd / "full").mkdir()
    (cli.cwd / "full/x").write_text("")
    for name, words in (("file", "is not a folder"), ("full", "is not empty")):
        result = cli("mount", name)
        assert result.code == 1
        assert words in result.err
        assert len(result.err.splitlines()) == 2
    assert cli("mount", "Cloud", "-o", "cloud.test.token=wrong").code == 4
