"""`pithosfs file append`, `overwrite` and `truncate`: a part of a file, as one new version or not at all."""

from __future__ import annotations

import io
import os

import pytest
from fixtures.cli import Cli
from fixtures.clouds import User
from fixtures.proxy import FaultProxy, LoseAnswer
from fixtures.transfers import BLOCK, Counted, at, content, is_block, names, noise, put

from pithosfs.blocks import hash_stream
from pithosfs.store import Delivery, ObjectInfo, Sharing


def info(user: User, name: str = "x") -> ObjectInfo:
    return user.store.head(at(user, name))


def is_true(user: User, name: str, data: bytes) -> bool:
    """Whether an object has that content, and the hash of just that content."""
    found = info(user, name)
    return content(user, name) == data and found.hash == hash_stream(io.BytesIO(data)).root


def versions(user: User, name: str = "x") -> int:
    return len(user.store.versions(at(user, name)))


@pytest.mark.parametrize(
    ("size", "more"), [(0, 3), (5, BLOCK), (BLOCK - 1, 1), (BLOCK, 3), (BLOCK + 3, 2 * BLOCK), (3, BLOCK - 3)]
)
def test_append(cli: Cli, owner: User, size: int, more: int) -> None:
    data, added = noise(size, 50), noise(more, 51)
    put(owner, "x", data)
    (cli.cwd / "more").write_bytes(added)
    result = cli.ok("file", "append", "more", "x")
    assert result.out == result.err == ""
    assert is_true(owner, "x", data + added)
    assert versions(owner) == 2


def test_what_stays(cli: Cli, owner: User) -> None:
    settings = {
        "content_type": "a/b",
        "meta": {"colour": "blue", "self": "x"},
        "delivery": Delivery("br", "inline"),
        "sharing": Sharing(("*",)),
        "public": True,
    }
    put(owner, "x", b"0123456789", **settings)
    before = info(owner)
    cli.ok("file", "append", "-", "x", stdin=b"abc")
    cli.ok("file", "overwrite", "-", "x", "--from", "1", stdin=b"XY")
    shown = cli.ok("file", "truncate", "x", "--size", "12", "-j").json
    after = info(owner)
    assert (shown["bytes"], shown["version"]) == (12, after.version)
    assert is_true(owner, "x", b"0XY3456789ab")
    assert (after.content_type, after.meta, after.delivery, after.sharing, after.public, after.uuid) == (
        before.content_type, before.meta, before.delivery, before.sharing, before.public, before.uuid,
    )  # fmt: skip
    assert versions(owner) == 4


def test_nothing_to_do_is_no_version(cli: Cli, owner: User) -> None:
    put(owner, "x", b"data")
    cli.ok("file", "append", "-", "x", stdin=b"")
    assert "has 4 bytes already" in cli.ok("file", "truncate", "x", "--size", "4").err
    assert versions(owner) == 1


def test_an_edit_costs_what_it_changes(bare: Cli, wire: FaultProxy, owner: User) -> None:
    data = bytearray(noise(5 * BLOCK + 7, 52))
    put(owner, "x", bytes(data))
    wire.forget()
    bare.ok("file", "append", "-", "x", stdin=b"more")
    data += b"more"
    bare.ok("file", "overwrite", "-", "x", "--from", str(5 * BLOCK + 5), stdin=b"edited and longer")
    data[5 * BLOCK + 5 :] = b"edited and longer"
    assert wire.sent < 100_000
    assert wire.received < 100_000
    blocks = Counted(wire, is_block)
    bare.ok("file", "overwrite", "-", "x", "--from", str(2 * BLOCK - 1), stdin=b"ab")
    data[2 * BLOCK - 1 : 2 * BLOCK + 1] = b"ab"
    assert blocks.count == 2
    assert is_true(owner, "x", bytes(data))


@pytest.mark.parametrize(
    ("start", "last", "length"),
    [(0, None, 4), (3, 5, 3), (BLOCK - 2, None, BLOCK + 4), (2 * BLOCK, 2 * BLOCK + 8, 9), (2 * BLOCK + 10, None, 5)],
)
def test_overwrite(cli: Cli, owner: User, start: int, last: int | None, length: int) -> None:
    data, new = noise(2 * BLOCK + 10, 53), noise(BLOCK + 100, 54)
    put(owner, "x", data)
    (cli.cwd / "new").write_bytes(new if last is not None else new[:length])
    options = [] if last is None else ["--to", str(last)]
    cli.ok("file", "overwrite", "new", "x", "--from", str(start), *options)
    assert is_true(owner, "x", data[:start] + new[:length] + data[start + length :])
    assert versions(owner) == 2


def test_overwriting_an_older_version(cli: Cli, owner: User) -> None:
    put(owner, "x", b"first version")
    old = info(owner).version
    put(owner, "x", b"second", meta={"kept": "yes"})
    cli.ok("file", "overwrite", "-", "x", "--from", "0", "--object-version", old, stdin=b"FIRST")
    assert is_true(owner, "x", b"FIRST version")
    assert (info(owner).meta or {})["kept"] == "yes"


def test_bad_overwrites(cli: Cli, owner: User) -> None:
    put(owner, "x", b"0123456789")
    put(owner, "dir", b"", content_type="application/directory")
    (cli.cwd / "four").write_bytes(b"four")
    assert cli("file", "overwrite", "four", "x").code == 2
    assert cli("file", "overwrite", "four", "x", "--from", "5", "--to", "4").code == 2
    behind = cli("file", "overwrite", "four", "x", "--from", "11")
    assert behind.code == 2
    assert "has only 10 bytes" in behind.err
    short = cli("file", "overwrite", "four", "x", "--from", "0", "--to", "9")
    assert short.code == 1
    assert "has only 4 bytes of 10" in short.err
    short = cli("file", "overwrite", "-", "x", "--from", "0", "--to", "9", stdin=b"four")
    assert short.code == 1
    assert "ends 6 bytes early" in short.err
    assert cli("file", "overwrite", "four", "nothing", "--from", "0").code == 3
    assert cli("file", "append", "missing", "x").code == 3
    assert cli("file", "append", "four", "dir").code == 5
    put(owner, "whole", b"", delivery=Delivery(manifest="pithos/x"))
    assert "made of parts" in cli("file", "append", "four", "whole").err
    assert content(owner, "x") == b"0123456789"
    assert versions(owner) == 1


@pytest.mark.parametrize("size", [0, 7, BLOCK, 2 * BLOCK + 5])
def test_truncate(cli: Cli, owner: User, size: int) -> None:
    data = noise(2 * BLOCK + 9, 55)
    put(owner, "x", data)
    cli.ok("file", "truncate", "x", "--size", str(size))
    assert is_true(owner, "x", data[:size])


def test_bad_sizes(cli: Cli, owner: User) -> None:
    put(owner, "x", b"12345")
    longer = cli("file", "truncate", "x", "--size", "1GiB")
    assert longer.code == 2
    assert "has only 5 bytes" in longer.err
    assert cli("file", "truncate", "x", "--size", "much").code == 2


def test_after_a_cut_of_the_server(cli: Cli, owner: User) -> None:
    """Its last hash may cover bytes that are not the object's any more: they must not come back."""
    put(owner, "x", b"0123456789")
    owner.store.management().truncate(at(owner, "x"), 5, base=info(owner).etag or "")
    cli.ok("file", "append", "-", "x", stdin=b"ab")
    assert is_true(owner, "x", b"01234ab")


# others, faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [("append", "new", "x"), ("overwrite", "new", "x", "--from", "2"), ("truncate", "x", "--size", "13")],
    ids=lambda command: command[0],
)
def test_somebody_else_was_faster(bare: Cli, wire: FaultProxy, owner: User, command: tuple[str, ...]) -> None:
    put(owner, "x", b"0123456789" + os.urandom(8))
    (bare.cwd / "new").write_bytes(b"new")

    # The last that is asked before the new version is made.
    seen = Counted(wire, is_block)
    seen.at(1, lambda: put(owner, "x", b"theirs"))
    refused = bare("file", *command)
    assert refused.code == 5
    assert "somebody has changed /pithos/x meanwhile; nothing was done" in refused.err
    assert content(owner, "x") == b"theirs"


@pytest.mark.parametrize(
    "command",
    [("append", "new", "x"), ("overwrite", "new", "x", "--from", "2"), ("truncate", "x", "--size", "3")],
    ids=lambda command: command[0],
)
def test_a_lost_answer(bare: Cli, wire: FaultProxy, owner: User, command: tuple[str, ...]) -> None:
    put(owner, "x", b"0123456789")
    (bare.cwd / "new").write_bytes(b"new")
    wire.when(r"^PUT .*/x\?", LoseAnswer(), times=1)
    bare.ok("file", *command)
    expected = {"append": b"0123456789new", "overwrite": b"01new56789", "truncate": b"012"}[command[0]]
    assert is_true(owner, "x", expected)
    assert versions(owner) == 2


def test_a_file_that_changes_while_it_is_read(bare: Cli, wire: FaultProxy, owner: User) -> None:
    put(owner, "x", b"old")
    (bare.cwd / "new").write_bytes(os.urandom(2 * BLOCK))
    Counted(wire, is_block).at(1, lambda: (bare.cwd / "new").write_bytes(b"changed"))
    refused = bare("file", "append", "new", "x", "--threads", "1")
    assert refused.code == 1
    assert "changed while it was read" in refused.err
    assert content(owner, "x") == b"old"
    assert versions(owner) == 1


# create, mkdir --------------------------------------------------------------------------------------------------------


def test_create(cli: Cli, owner: User) -> None:
    cli.ok("file", "create", "a", "b", "--content-type", "text/plain")
    assert [info(owner, name).size for name in ("a", "b")] == [0, 0]
    assert info(owner, "a").content_type == "text/plain"
    put(owner, "x", b"data", meta={"colour": "blue"})
    refused = cli("file", "create", "x")
    assert refused.code == 5
    assert "--force" in refused.err
    assert content(owner, "x") == b"data"
    shown = cli.ok("file", "create", "x", "-f", "-j").json
    assert shown[0]["version"] == info(owner).version
    assert (info(owner).size, info(owner).content_type) == (0, "application/octet-stream")
    assert dict(info(owner).meta or {}) == {"colour": "blue"}
    put(owner, "dir", b"", content_type="application/directory")
    assert cli("file", "create", "dir", "-f").code == 5
    assert cli("file", "create", "/pithos").code == 2


def test_mkdir(cli: Cli, owner: User) -> None:
    cli.ok("file", "mkdir", "a", "b/")
    assert info(owner, "b").is_directory
    assert cli("file", "mkdir", "a").code == 5
    cli.ok("file", "mkdir", "-p", "a/deep/down", "a")
    assert names(cli) == ["a", "a/deep", "a/deep/down", "b"]
    put(owner, "file")
    assert cli("file", "mkdir", "-p", "file/below").code == 5
    assert versions(owner, "a") == 1
