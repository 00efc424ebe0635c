"""Transfers that are interrupted or killed, and then repeated: only what is missing goes over the wire."""

from __future__ import annotations

import os
import signal

import pytest
from fixtures.cli import Cli
from fixtures.clouds import User
from fixtures.proxy import FaultProxy
from fixtures.transfers import BLOCK, Counted, content, is_block, is_range, names, noise, put, state, stopped

BLOCKS = 6


def parts(cli: Cli) -> list[str]:
    return [name for _, _, found in os.walk(cli.cwd) for name in found if name.startswith(".pithosfs-")]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_an_upload(bare: Cli, wire: FaultProxy, owner: User, how: signal.Signals) -> None:
    data = os.urandom(BLOCKS * BLOCK)
    (bare.cwd / "x").write_bytes(data)
    blocks = Counted(wire, is_block)
    code, _ = stopped(bare, blocks, 4, how, "file", "upload", "x", "--threads", "1")
    assert code == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert names(bare) == []
    blocks.count = 0
    bare.ok("file", "upload", "x")
    # Three had come for sure; the fourth was on its way.
    assert BLOCKS - 4 <= blocks.count <= BLOCKS - 3
    assert content(owner, "x") == data


def test_an_upload_of_a_folder(bare: Cli, wire: FaultProxy, owner: User) -> None:
    root = bare.cwd / "dir"
    root.mkdir()
    for index in range(6):
        (root / f"{index}").write_bytes(os.urandom(BLOCK))
    (root / "big").write_bytes(os.urandom(BLOCKS * BLOCK))
    blocks = Counted(wire, is_block)
    code, _ = stopped(bare, blocks, 9, signal.SIGKILL, "file", "upload", "-r", "dir", "--jobs", "1")
    assert code == -signal.SIGKILL
    before = state(owner)
    blocks.count = 0
    again = bare.ok("file", "upload", "-r", "dir")
    assert "6 skipped, the same already" in again.err
    assert 12 - 9 <= blocks.count <= 12 - 8
    assert set(before) <= set(state(owner))
    for path in root.iterdir():
        assert content(owner, f"dir/{path.name}") == path.read_bytes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_download(bare: Cli, wire: FaultProxy, owner: User, how: signal.Signals) -> None:
    data = noise(BLOCKS * BLOCK, 40)
    put(owner, "x", data)
    ranges = Counted(wire, is_range)
    code, said = stopped(bare, ranges, 4, how, "file", "download", "x", "--threads", "1")
    assert code == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert ("is kept; the same command goes on from there" in said) == (how == signal.SIGINT)
    assert not (bare.cwd / "x").exists()
    [left] = parts(bare)
    with (bare.cwd / left).open("r+b") as stream:  # what is here is not believed unseen
        stream.seek(BLOCK + 5)
        stream.write(b"damaged")
    ranges.count = 0
    bare.ok("file", "download", "x")
    # Three had come, one of them is damaged now; the fourth may have been written just before the end.
    assert BLOCKS - 3 <= ranges.count <= BLOCKS - 2
    assert (bare.cwd / "x").read_bytes() == data
    assert os.listdir(bare.cwd) == ["x"]


def test_a_download_of_a_folder(bare: Cli, wire: FaultProxy, owner: User) -> None:
    big = noise(BLOCKS * BLOCK, 41)
    put(owner, "dir/big", big)
    for index in range(5):
        put(owner, f"dir/{index}", f"{index}".encode())
    ranges = Counted(wire, is_range)
    code, _ = stopped(bare, ranges, 5 + 3, signal.SIGKILL, "file", "download", "-r", "dir", "here", "--threads", "1")
    assert code == -signal.SIGKILL
    ranges.count = 0
    # Into the same folder, which the first run has made.
    again = bare.ok("file", "download", "-r", "dir", "here")
    assert "5 skipped, the same already" in again.err
    assert BLOCKS - 3 <= ranges.count <= BLOCKS - 2
    assert (bare.cwd / "here/big").read_bytes() == big
    assert sorted(os.listdir(bare.cwd / "here")) == ["0", "1", "2", "3", "4", "big"]


def test_small_files_leave_nothing(bare: Cli, wire: FaultProxy, owner: User) -> None:
    put(owner, "x", b"small")
    code, _ = stopped(bare, Counted(wire, is_range), 1, signal.SIGINT, "file", "download", "x")
    assert code == 130
    assert parts(bare) == []
    code, _ = stopped(bare, Counted(wire, is_range), 1, signal.SIGKILL, "file", "download", "x")
    bare.ok("file", "download", "x")
    assert os.listdir(bare.cwd) == ["x"]
