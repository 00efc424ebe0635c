"""`pithosfs file upload` of folders and lists of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fixtures.cli import Cli
from fixtures.clouds import TestCloud, User
from fixtures.proxy import Answer, FaultProxy
from fixtures.transfers import BLOCK, Counted, at, content, is_block, names, noise, put, state, tree

from pithosfs.store import Sharing


@pytest.fixture
def source(cli: Cli) -> Path:
    root = cli.cwd / "source"
    (root / "empty").mkdir(parents=True)
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/big").write_bytes(os.urandom(BLOCK + 1))
    (root / "a/b/tool.sh").write_text("#!/bin/sh\n")
    (root / "a/b/tool.sh").chmod(0o755)
    (root / "a/zero").write_bytes(b"")
    (root / "name with\nnewline").write_text("odd")
    (root / os.fsdecode(b"bytes \xff\xfe")).write_text("odd")
    (root / "link").symlink_to("a/b/tool.sh")
    (root / "dangling").symlink_to("/nowhere/" + "x" * 300)
    for index, path in enumerate(sorted(root.rglob("*"), reverse=True)):
        os.utime(path, ns=(1, 1_700_000_000_000_000_001 + index), follow_symlinks=False)
    return root


def test_a_folder_there_and_back(cli: Cli, source: Path) -> None:
    said = cli.ok("file", "upload", "-r", "source", "copy")
    assert said.out == ""
    assert said.err.startswith("Uploaded 7 files to /pithos/copy: 4MiB sent")
    cli.ok("file", "download", "-r", "copy", "back")
    assert tree(cli.cwd / "back") == tree(source)
    cli.ok("file", "download", "-r", "copy", "back/empty")
    assert tree(cli.cwd / "back/empty/copy") == tree(source)


def test_where_folders_go(cli: Cli) -> None:
    (cli.cwd / "dir").mkdir()
    (cli.cwd / "dir/x").write_text("x")
    cli.ok("file", "upload", "-r", "dir", "as")
    cli.ok("file", "upload", "-r", "dir/")
    cli.ok("file", "upload", "-r", "dir", "below/")
    assert names(cli) == ["as", "as/x", "below/dir", "below/dir/x", "dir", "dir/x"]


def test_several_files_and_folders(cli: Cli, owner: User) -> None:
    for name in ("one", "two", "dir/x"):
        (cli.cwd / name).parent.mkdir(exist_ok=True)
        (cli.cwd / name).write_text(name)
    put(owner, "folder/x")
    cli.ok("file", "upload", "one", "two", "folder")
    cli.ok("file", "upload", "-r", "one", "dir", "/pithos")
    assert names(cli) == ["dir", "dir/x", "folder/one", "folder/two", "folder/x", "one"]
    for wrong in (("one", "two", "no-folder"), ("one", "two", "one"), ("one", "dir", "new/"), ("one", "-", "new/")):
        refused = cli("file", "upload", *wrong)
        assert refused.code == 2
        assert "hint" in refused.err
    partly = cli("file", "upload", "one", "missing", "new/")
    assert partly.code == 3
    assert "missing: No such file" in partly.err
    assert content(owner, "new/one") == b"one"


def test_uploading_again_sends_what_is_new(cli: Cli, owner: User, source: Path) -> None:
    cli.ok("file", "upload", "-r", "source", "copy")
    before = state(owner)
    again = cli.ok("file", "upload", "-r", "source", "copy")
    assert "7 skipped, the same already" in again.err
    assert state(owner) == before
    os.utime(source / "a/b/tool.sh")  # times alone are no difference
    (source / "a/zero").write_text("no more")
    (source / "link").unlink()
    (source / "link").write_text("a/b/tool.sh")  # the same content, and no link any more
    (source / "new").write_text("new")
    refused = cli("file", "upload", "-r", "source", "copy")
    assert refused.code == 5
    assert "source/a/zero: /pithos/copy/a/zero exists already" in refused.err
    assert "2 of 8 were not uploaded" in refused.err
    assert "--force" in refused.err
    assert content(owner, "copy/new") == b"new"
    assert content(owner, "copy/a/zero") == b""
    result = cli.ok("file", "upload", "-r", "source", "copy", "-f", "-j")
    assert [(one["path"], one["action"]) for one in result.json] == [
        ("/pithos/copy/a/zero", "replace"),
        ("/pithos/copy/link", "replace"),
    ]
    assert owner.store.head(at(owner, "copy/link")).content_type != "inode/symlink"
    assert len(owner.store.versions(at(owner, "copy/a/b/tool.sh"))) == 1


def test_a_content_that_only_ends_in_more_nuls_is_another(cli: Cli, owner: User) -> None:
    """They share a hash (object-store.md section 20, row 8)."""
    (cli.cwd / "dir").mkdir()
    (cli.cwd / "dir/x").write_bytes(b"abc\0")
    put(owner, "dir/x", b"abc")
    assert cli("file", "upload", "-r", "dir").code == 5
    cli.ok("file", "upload", "-r", "dir", "-f")
    assert content(owner, "dir/x") == b"abc\0"


def test_what_is_asked_for_beside_the_content(cli: Cli, owner: User, cloud: TestCloud) -> None:
    """An identical file is not sent again, but is published and shared as asked; its type is a change."""
    other = cloud.user("other")
    (cli.cwd / "dir").mkdir()
    for name in ("x", "y"):
        (cli.cwd / "dir" / name).write_text(name)
    cli.ok("file", "upload", "-r", "dir")
    before = state(owner)
    result = cli.ok("file", "upload", "-r", "dir", "--public", "--read-permission", other.uuid, "-j")
    assert state(owner) == before
    for one in ("x", "y"):
        info = owner.store.head(at(owner, f"dir/{one}"))
        assert info.sharing == Sharing((other.uuid,))
        assert info.public in {row["public"] for row in result.json}
    assert cli("file", "upload", "-r", "dir", "--content-type", "a/b").code == 5
    assert cli("file", "upload", "-r", "dir", "--content-disposition", "inline").code == 5
    cli.ok("file", "upload", "-r", "dir", "--content-type", "a/b", "-f")
    assert owner.store.head(at(owner, "dir/x")).content_type == "a/b"


def test_what_cannot_be_uploaded_is_told_and_the_rest_goes(bare: Cli, wire: FaultProxy) -> None:
    root = bare.cwd / "dir"
    root.mkdir()
    for name in ("good", "taken", "refused"):
        (root / name).write_text(name)
    os.mkfifo(root / "pipe")
    bare.ok("file", "upload", "-", "dir/taken", stdin=b"old")
    wire.when("^PUT .*/refused", Answer(403, b'{"forbidden": {"message": "no"}}'))
    result = bare("file", "upload", "-r", "dir")
    assert result.code in (4, 5)
    assert "pipe: left out" in result.err
    assert "taken: /pithos/dir/taken exists already" in result.err
    assert "refused: you may not do that" in result.err
    assert "Uploaded 1 file to /pithos/dir: 4B sent; 2 failed" in result.err
    assert "2 of 3 were not uploaded" in result.err
    assert names(bare) == ["dir", "dir/good", "dir/taken"]


def test_a_folder_where_a_file_is(cli: Cli, owner: User) -> None:
    (cli.cwd / "dir/x").mkdir(parents=True)
    (cli.cwd / "dir/x/y").write_text("y")
    (cli.cwd / "dir/z").write_text("z")
    put(owner, "dir/x", b"a file")
    put(owner, "dir/z", b"", content_type="application/directory")
    result = cli("file", "upload", "-r", "dir", "-f")
    assert result.code == 5
    assert "dir/x is there and is no folder" in result.err
    assert "dir/z is a folder" in result.err
    assert content(owner, "dir/x") == b"a file"


def test_what_takes_part(cli: Cli, owner: User) -> None:
    root = cli.cwd / "dir"
    for name in ("a.txt", "b.tmp", "build/out.o", "build/keep.txt", "sub/build/x", "sub/c.txt", "top"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "hollow").mkdir()
    cli.ok("file", "upload", "-r", "dir", "1", "--exclude", "*.tmp", "--exclude", "build/", "--exclude", "/top")
    cli.ok("file", "upload", "-r", "dir", "2", "--include", "*.txt")
    cli.ok("file", "upload", "-r", "dir", "3", "--exclude", "build", "--include", "keep.txt", "--exclude", "*.txt")
    # A pattern that begins with ! would be an exception, which --include is for.
    assert cli("file", "upload", "-r", "dir", "4", "--exclude", "!x").code == 2
    found = names(cli)
    assert [name for name in found if name[0] == "1"] == [
        "1", "1/a.txt", "1/hollow", "1/sub", "1/sub/c.txt",
    ]  # fmt: skip
    assert [name for name in found if name[0] == "2"] == [
        "2", "2/a.txt", "2/build", "2/build/keep.txt", "2/sub", "2/sub/c.txt",
    ]  # fmt: skip
    assert [name for name in found if name[0] == "3"] == [
        "3", "3/b.tmp", "3/build", "3/build/keep.txt", "3/hollow", "3/sub", "3/top",
    ]  # fmt: skip


def test_a_rehearsal_changes_nothing(bare: Cli, wire: FaultProxy, owner: User) -> None:
    root = bare.cwd / "dir"
    (root / "sub").mkdir(parents=True)
    for name in ("same", "other", "sub/new"):
        (root / name).write_text(name)
    put(owner, "dir/same", b"same")
    put(owner, "dir/other", b"before")
    before = state(owner)
    shown = bare.ok("file", "upload", "-r", "dir", "--dry-run", "-f", "-j")
    assert [(one["path"], one["action"]) for one in shown.json] == [
        ("/pithos/dir", "make folder"),
        ("/pithos/dir/other", "replace"),
        ("/pithos/dir/same", "skip"),
        ("/pithos/dir/sub", "make folder"),
        ("/pithos/dir/sub/new", "upload"),
    ]
    assert "would have uploaded 2 files" in shown.err
    assert bare("file", "upload", "-r", "dir", "--dry-run").code == 5
    assert state(owner) == before
    storage = [line for line in wire.request_lines() if "object-store" in line]
    assert {line.split()[0] for line in storage} <= {"HEAD", "GET"}


def test_many_files_are_few_requests(bare: Cli, wire: FaultProxy) -> None:
    """A file that is there costs no request, one that is not a single one."""
    root = bare.cwd / "dir"
    for index in range(300):
        folder = root / f"{index % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file {index}").write_text(f"content {index}")
    bare.ok("file", "upload", "-r", "dir")
    assert len(names(bare)) == 311
    (root / "0/file 0").write_text("content X")
    (root / "0/more").write_text("more")
    wire.forget()
    again = bare.ok("file", "upload", "-r", "dir", "-f")
    assert "Uploaded 2 files to /pithos/dir: 13B sent; 299 skipped" in again.err
    assert wire.requests < 15
    wire.forget()
    bare.ok("file", "download", "-r", "dir", "back")
    assert tree(bare.cwd / "back").keys() == tree(root).keys()
    assert wire.requests < 2 * 301 + 11 + 10
    wire.forget()
    again = bare.ok("file", "download", "-r", "dir", "back")
    assert "301 skipped" in again.err
    assert wire.requests < 20 + 11


def test_a_file_that_changes_spoils_only_itself(bare: Cli, wire: FaultProxy) -> None:
    root = bare.cwd / "dir"
    root.mkdir()
    (root / "changing").write_bytes(os.urandom(2 * BLOCK))
    (root / "good").write_bytes(b"good")

    def write() -> None:
        (root / "changing").write_bytes(os.urandom(2 * BLOCK))

    Counted(wire, is_block).at(1, write)
    result = bare("file", "upload", "-r", "dir")
    assert result.code == 1
    assert "changing: " in result.err
    assert "changed while it was read" in result.err
    assert names(bare) == ["dir", "dir/good"]


def test_into_the_folder_of_somebody_else(cli: Cli, cloud: TestCloud, owner: User) -> None:
    """All of it goes there, and by blocks through an own container."""
    friend = cloud.user("friend")
    put(friend, "shared", b"", content_type="application/directory", sharing=Sharing(write=(owner.uuid,)))
    (cli.cwd / "dir/sub").mkdir(parents=True)
    (cli.cwd / "dir/sub/big").write_bytes(noise(BLOCK + 7, 9))
    (cli.cwd / "dir/x").write_text("x")
    place = f"pithos://{friend.uuid}/pithos/shared/dir"
    cli.ok("file", "upload", "-r", "dir", place)
    assert content(friend, "shared/dir/sub/big") == noise(BLOCK + 7, 9)
    assert "2 skipped" in cli.ok("file", "upload", "-r", "dir", place).err
    cli.ok("file", "download", "-r", place, "back")
    assert tree(cli.cwd / "back") == tree(cli.cwd / "dir")
    assert names(cli) == []
