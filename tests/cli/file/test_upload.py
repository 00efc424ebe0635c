"""`pithosfs file upload`: one file, standard input, a hashmap."""

from __future__ import annotations

import hashlib
import json
import os
import re

import pytest
from fixtures.cli import Cli
from fixtures.clouds import TestCloud, User
from fixtures.proxy import CutRequest, FaultProxy, LoseAnswer
from fixtures.transfers import BLOCK, Counted, at, content, is_block, names, noise, put, state

from pithosfs.store import Delivery


@pytest.mark.parametrize("size", [0, 5, BLOCK, 2 * BLOCK + 17])
def test_there_and_back(cli: Cli, size: int) -> None:
    source = cli.cwd / "file.bin"
    source.write_bytes(noise(size))
    source.chmod(0o640)
    os.utime(source, ns=(1, 1_234_567_890_123_456_789))
    cli.ok("file", "upload", source)
    result = cli.ok("file", "download", "file.bin", "back")
    assert result.out == result.err == ""
    back = cli.cwd / "back"
    assert back.read_bytes() == source.read_bytes()
    assert back.stat().st_mode == source.stat().st_mode
    assert back.stat().st_mtime_ns == source.stat().st_mtime_ns


def test_where_uploads_go(cli: Cli, owner: User) -> None:
    (cli.cwd / "a.txt").write_text("a")
    put(owner, "dir", b"", content_type="application/directory")
    put(owner, "bare/x")  # a folder that is only a prefix of names
    for place in ("", "/pithos/b.txt", "dir", "new/", "/pithos", "bare"):
        cli("file", "upload", "a.txt", *([place] if place else []))
    assert names(cli) == ["a.txt", "b.txt", "bare/a.txt", "bare/x", "dir", "dir/a.txt", "new/a.txt"]
    assert owner.store.head(at(owner, "a.txt")).content_type == "text/plain"


def test_replacing_needs_force_and_keeps_what_was_noted(cli: Cli, owner: User) -> None:
    delivery = Delivery("br", "attachment")
    put(owner, "x", b"old", content_type="x-special/kept", meta={"colour": "blue"}, public=True, delivery=delivery)
    (cli.cwd / "x").write_bytes(b"new")
    refused = cli("file", "upload", "x")
    assert refused.code == 5
    assert "--force" in refused.err
    assert content(owner, "x") == b"old"
    cli.ok("file", "upload", "x", "-f")
    found = owner.store.head(at(owner, "x"))
    assert content(owner, "x") == b"new"
    assert (found.meta or {})["colour"] == "blue"
    assert (found.content_type, found.delivery) == ("x-special/kept", delivery)
    assert found.public
    assert len(owner.store.versions(at(owner, "x"))) == 2
    cli.ok("file", "upload", "x", "-f", "--content-type", "a/b", "--content-encoding", "", "--content-disposition", "")
    found = owner.store.head(at(owner, "x"))
    assert (found.content_type, found.delivery) == ("a/b", Delivery())


def test_what_was_a_manifest_is_a_file_afterwards(cli: Cli, owner: User) -> None:
    put(owner, "parts/1", b"parts")
    put(owner, "x", b"", delivery=Delivery(manifest="pithos/parts/"))
    cli.ok("file", "upload", "-", "x", "-f", stdin=b"mine")
    assert content(owner, "x") == b"mine"


def test_metadata_of_any_name(cli: Cli, owner: User) -> None:
    """Keys that are words of the program as well."""
    meta = dict.fromkeys(("store", "place", "settings", "meta", "self", "content-type"), "kept")
    put(owner, "x", b"old", meta=meta)
    cli.ok("file", "upload", "-", "x", "-f", stdin=b"new")
    assert dict(owner.store.head(at(owner, "x")).meta or {}) == meta


def test_what_a_packed_file_is(cli: Cli, owner: User) -> None:
    """Its packing is its type; nobody is told to unpack it unless that is asked for."""
    for name in ("x.tar.gz", "y.svgz", "data:z.txt"):
        (cli.cwd / name).write_bytes(b"packed")
    cli.ok("file", "upload", "x.tar.gz", "data:z.txt", "/pithos/")
    cli.ok("file", "upload", "y.svgz", "--content-encoding", "guess", "--content-disposition", "inline; filename=é")
    packed, plain, guessed = (owner.store.head(at(owner, name)) for name in ("x.tar.gz", "data:z.txt", "y.svgz"))
    assert (packed.content_type, packed.delivery) == ("application/gzip", Delivery())
    assert plain.content_type == "text/plain"
    assert (guessed.content_type, guessed.delivery) == ("image/svg+xml", Delivery("gzip", "inline; filename=é"))


def test_standard_input_and_output(cli: Cli) -> None:
    data = noise(2 * BLOCK + 3)
    cli.ok("file", "upload", "-", "stream", stdin=data)
    assert cli.ok("file", "download", "stream", "-").raw == data
    assert cli("file", "upload", "-", stdin=b"").code == 2
    assert cli("file", "upload", "-", "stream", stdin=b"").code == 5
    assert sorted(os.listdir(cli.cwd)) == []


def test_sharing_with_the_upload(cli: Cli, cloud: TestCloud, owner: User) -> None:
    other = cloud.user("other")
    (cli.cwd / "x").write_text("x")
    result = cli.ok("file", "upload", "x", "--public", "--read-permission", other.name, "--write-permission", "*")
    assert result.out.startswith("http")
    found = owner.store.head(at(owner, "x"))
    assert found.sharing is not None
    assert (found.sharing.read, found.sharing.write) == ((other.uuid,), ("*",))
    assert found.public == result.out.strip()
    assert cli("file", "upload", "x", "y", "--read-permission", "nobody at all").code == 3


def test_bad_uploads(cli: Cli) -> None:
    (cli.cwd / "folder").mkdir()
    assert cli("file", "upload", "missing").code == 3
    assert cli("file", "upload", "folder").code == 2
    (cli.cwd / "x").write_text("x")
    assert cli("file", "upload", "x", "/nowhere/x").code == 3
    assert cli("file", "upload", "x", "--etag", "nonsense").code == 2


def test_the_default_container_is_made(cli: Cli, owner: User) -> None:
    owner.store.delete_container("pithos")
    (cli.cwd / "x").write_text("x")
    rehearsed = cli.ok("file", "upload", "x", "--dry-run")
    assert "would be made" in rehearsed.err
    assert owner.store.containers() == []
    assert "Made the container pithos" in cli.ok("file", "upload", "x").err
    assert names(cli) == ["x"]


def test_over_quota(bare: Cli, cloud: TestCloud) -> None:
    bare.home.add_cloud(cloud.user("poor", quota=1000).cloud())
    (bare.cwd / "x").write_bytes(bytes(range(250)) * 5)
    result = bare("file", "upload", "x")
    assert result.code == 6
    assert len(result.err.splitlines()) == 2


def test_a_rehearsal_changes_nothing(cli: Cli, owner: User) -> None:
    put(owner, "there", b"old")
    before = state(owner)
    for name in ("there", "new"):
        (cli.cwd / name).write_bytes(b"12345")
    assert re.search(r"upload +/pithos/new", cli.ok("file", "upload", "new", "--dry-run").out)
    assert cli("file", "upload", "there", "--dry-run").code == 5
    assert cli.ok("file", "upload", "there", "-f", "--dry-run", "-j").json[0]["action"] == "replace"
    assert state(owner) == before


# in one request -------------------------------------------------------------------------------------------------------


def test_in_one_request(bare: Cli, wire: FaultProxy, owner: User) -> None:
    data = noise(BLOCK + 1, 2)
    (bare.cwd / "x").write_bytes(data)
    md5 = hashlib.md5(data).hexdigest()
    blocks = Counted(wire, is_block)
    bare.ok("file", "upload", "x", "--unchunked")
    assert len([line for line in wire.request_lines() if line.startswith("PUT")]) == 1
    assert content(owner, "x") == data
    bare.ok("file", "upload", "x", "confirmed", "--etag", md5.upper())
    bare.ok("file", "upload", "-", "piped", "--etag", md5, stdin=data)
    assert content(owner, "confirmed") == content(owner, "piped") == data
    assert blocks.count == 0
    other = md5[:-1] + ("0" if md5[-1] != "0" else "1")
    for source, stdin in (("x", b""), ("-", data)):
        refused = bare("file", "upload", source, "wrong", "--etag", other, stdin=stdin)
        assert refused.code == 1
        assert "MD5" in refused.err
    assert names(bare) == ["confirmed", "piped", "x"]


def test_one_request_that_breaks_is_repeated(bare: Cli, wire: FaultProxy, owner: User) -> None:
    data = noise(BLOCK, 3)
    (bare.cwd / "x").write_bytes(data)
    wire.when("^PUT .*/x", CutRequest(1_000_000), times=1)
    bare.ok("file", "upload", "x", "--unchunked")
    assert content(owner, "x") == data
    wire.when("^PUT .*/y", LoseAnswer(), times=1)
    bare.ok("file", "upload", "x", "y", "--unchunked")
    assert content(owner, "y") == data


# a file that changes, an answer that is lost --------------------------------------------------------------------------


@pytest.mark.parametrize("how", [[], ["--unchunked"]], ids=["blocks", "whole"])
def test_a_file_that_changes_while_it_is_read(bare: Cli, wire: FaultProxy, how: list[str]) -> None:
    source = bare.cwd / "x"
    source.write_bytes(os.urandom(3 * BLOCK))

    def write() -> None:
        with source.open("r+b") as stream:
            stream.seek(2 * BLOCK + 5)
            stream.write(b"changed")

    seen = Counted(wire, (lambda request: request.method == "PUT") if how else is_block)
    seen.at(1, write)
    refused = bare("file", "upload", "x", "--threads", "1", *how)
    assert refused.code == 1
    assert "changed while it was read" in refused.err
    assert names(bare) == []


def test_a_lost_answer_is_no_conflict(bare: Cli, wire: FaultProxy, owner: User) -> None:
    for name, size in (("small", 5), ("large", BLOCK)):
        data = noise(size, 4)
        (bare.cwd / name).write_bytes(data)
        bare.ok("file", "upload", name, "before")
        # The blocks are there: the first PUT makes the object.
        wire.when(f"^PUT .*/{name}", LoseAnswer(), times=1)
        bare.ok("file", "upload", name)
        assert content(owner, name) == data
        assert len(owner.store.versions(at(owner, name))) == 1
        owner.store.delete(at(owner, "before"))


# hashmaps -------------------------------------------------------------------------------------------------------------


def test_an_object_of_blocks_that_are_there(cli: Cli, owner: User) -> None:
    data = noise(BLOCK + 5, 5)
    cli.ok("file", "upload", "-", "x", stdin=data)
    hashmap = cli.ok("file", "info", "x", "--hashmap", "-j").json
    (cli.cwd / "map.json").write_text(json.dumps(hashmap))
    cli.ok("file", "upload", "--source-is-hashmap", "map.json", "again", "--content-type", "a/b")
    assert content(owner, "again") == data
    assert owner.store.head(at(owner, "again")).content_type == "a/b"
    nobody = hashlib.sha256(os.urandom(16)).hexdigest()
    missing = {"bytes": 2 * BLOCK, "hashes": [hashmap["hashes"][0], nobody]}
    refused = cli("file", "upload", "--source-is-hashmap", "-", "y", stdin=json.dumps(missing).encode())
    assert refused.code == 5
    assert nobody in refused.err
    for bad in (b"", b"[]", b'{"bytes": 5, "hashes": []}', b'{"bytes": 1, "hashes": ["zz"]}', data):
        refused = cli("file", "upload", "--source-is-hashmap", "-", "y", stdin=bad)
        assert refused.code == 2
        assert "hashmap" in refused.err
    assert names(cli) == ["again", "x"]
