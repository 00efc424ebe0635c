"""`pithosfs file upload|download`: files, streams, folders, bars, and names that mean harm."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User

from pithosfs.store import ObjectPath

BLOCK = 4 * 1024 * 1024


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def names(cli: Cli, *arguments: str) -> list[str]:
    return [one["name"] for one in cli.ok("file", "list", "-r", "-j", *arguments).json]


def put(user: User, name: str, data: bytes = b"x", **settings: object) -> None:
    options: dict[str, object] = {"content_type": "text/plain", "meta": {}, "base": None, **settings}
    user.store.put_object(ObjectPath(user.uuid, "pithos", name), data, **options)  # type: ignore[arg-type]


def tree(root: Path) -> dict[str, object]:
    """What is below a folder: contents, link targets, modes and times."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path), status.st_mtime_ns)
        elif path.is_dir():
            found[name] = ("folder", status.st_mode, status.st_mtime_ns)
        else:
            found[name] = (path.read_bytes(), status.st_mode, status.st_mtime_ns)
    return found


# single files -------------------------------------------------------------------------------------------------------


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
    for place in ("", "/pithos/b.txt", "dir", "new/", "/pithos"):
        cli("file", "upload", "a.txt", *([place] if place else []))
    assert names(cli) == ["a.txt", "b.txt", "dir", "dir/a.txt", "new/a.txt"]
    assert cli.ok("file", "info", "a.txt", "-j").json["content_type"] == "text/plain"


def test_replacing_needs_force_and_keeps_what_was_noted(cli: Cli, owner: User) -> None:
    put(owner, "x", b"old", meta={"colour": "blue"}, public=True)
    (cli.cwd / "x").write_bytes(b"new")
    refused = cli("file", "upload", "x")
    assert refused.code == 5
    assert "--force" in refused.err
    assert cli.ok("file", "cat", "x").raw == b"old"
    cli.ok("file", "upload", "x", "-f")
    found = cli.ok("file", "info", "x", "-j").json
    assert found["meta"]["colour"] == "blue"
    assert found["public"]
    assert len(cli.ok("file", "info", "x", "--object-versions", "-j").json) == 2


def test_standard_input_and_output(cli: Cli) -> None:
    data = noise(2 * BLOCK + 3)
    cli.ok("file", "upload", "-", "stream", stdin=data)
    assert cli.ok("file", "download", "stream", "-").raw == data
    assert cli("file", "upload", "-", stdin=b"").code == 2
    assert sorted(os.listdir(cli.cwd)) == []


def test_sharing_with_the_upload(cli: Cli, cloud: TestCloud) -> None:
    other = cloud.user("other")
    (cli.cwd / "x").write_text("x")
    result = cli.ok("file", "upload", "x", "--public", "--read-permission", other.name, "--write-permission", "*")
    assert result.out.startswith("http")
    found = cli.ok("file", "info", "x", "-j").json
    assert found["sharing"] == {"read": [other.uuid], "write": ["*"]}
    assert found["public"] == result.out.strip()
    assert cli("file", "upload", "x", "y", "--read-permission", "nobody at all").code == 3


def test_bad_uploads(cli: Cli) -> None:
    (cli.cwd / "folder").mkdir()
    assert cli("file", "upload", "missing").code == 3
    assert cli("file", "upload", "folder").code == 2
    (cli.cwd / "x").write_text("x")
    assert cli("file", "upload", "x", "/nowhere/x").code == 3


def test_the_default_container_is_made(cli: Cli, owner: User) -> None:
    owner.store.delete_container("pithos")
    (cli.cwd / "x").write_text("x")
    assert "Made the container pithos" in cli.ok("file", "upload", "x").err
    assert names(cli) == ["x"]


def test_over_quota(bare: Cli, cloud: TestCloud) -> None:
    bare.home.add_cloud(cloud.user("poor", quota=1000).cloud())
    (bare.cwd / "x").write_bytes(bytes(range(250)) * 5)
    result = bare("file", "upload", "x")
    assert result.code == 6
    assert len(result.err.splitlines()) == 2


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
    cli.ok("file", "download", "dir/x", "-f")
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


def test_resuming_fetches_only_what_differs(cli: Cli) -> None:
    data = noise(4 * BLOCK)
    cli.ok("file", "upload", "-", "big", stdin=data)
    (cli.cwd / "big").write_bytes(data[: 3 * BLOCK] + noise(BLOCK, 2))
    result = cli.ok("file", "download", "big", "--resume", "-v")
    assert (cli.cwd / "big").read_bytes() == data
    fetched = [line for line in result.err.splitlines() if " 206 " in line]
    assert len(fetched) == 1
    assert os.listdir(cli.cwd) == ["big"]


# folders ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def source(cli: Cli) -> Path:
    root = cli.cwd / "source"
    (root / "empty").mkdir(parents=True)
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/big").write_bytes(noise(BLOCK + 1))
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
    cli.ok("file", "upload", "-r", "source", "copy")
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
    cli.ok("file", "download", "-r", "/pithos")
    assert (cli.cwd / "pithos/below/dir/x").read_text() == "x"


def test_uploading_again_sends_what_is_new(cli: Cli, source: Path) -> None:
    cli.ok("file", "upload", "-r", "source", "copy")
    again = cli("file", "upload", "-r", "source", "copy")
    assert again.code == 5
    assert "were not uploaded" in again.err
    (source / "a/zero").write_text("no more")
    result = cli.ok("file", "upload", "-r", "source", "copy", "-f", "-j")
    assert [one["path"] for one in result.json] == ["/pithos/copy/a/zero"]
    assert len(cli.ok("file", "info", "copy/a/b/tool.sh", "--object-versions", "-j").json) == 1


def test_what_cannot_be_uploaded_is_told_and_the_rest_goes(cli: Cli) -> None:
    root = cli.cwd / "dir"
    root.mkdir()
    (root / "good").write_text("x")
    os.mkfifo(root / "pipe")
    put_in_the_way = root / "taken"
    put_in_the_way.write_text("new")
    cli.ok("file", "upload", "-", "dir/taken", stdin=b"old")
    result = cli("file", "upload", "-r", "dir")
    assert result.code == 5
    assert "pipe: left out" in result.err
    assert "taken: /pithos/dir/taken exists already" in result.err
    assert names(cli) == ["dir", "dir/good", "dir/taken"]
    assert cli.ok("file", "cat", "dir/taken").raw == b"old"


def test_names_of_the_server_never_lead_outside(cli: Cli, owner: User) -> None:
    outside = cli.cwd / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    evil = ["../evil", "../../evil2", "/tmp/pithosfs-evil", "a/../../evil", "b/..", "b/.", "a//b", "./c", "back\\slash"]
    for name in evil:
        put(owner, f"dir/{name}", name.encode())
    put(owner, "dir/link/evil")
    put(owner, "dir/kept")
    target = cli.cwd / "target"
    target.mkdir()
    (target / "link").symlink_to(outside)
    (target / "kept").symlink_to(outside / "kept")
    (cli.cwd / "wrapped").mkdir()
    (cli.cwd / "wrapped/dir").symlink_to(target)
    result = cli("file", "download", "-r", "dir", "wrapped", "-f")
    assert result.code == 1
    assert "link is no folder, or a link to one: nothing is written through it" in result.err
    assert "1 of " in result.err
    assert sorted(os.listdir(cli.cwd)) == ["outside", "target", "wrapped"]
    assert os.listdir(outside) == ["kept"]
    assert (outside / "kept").read_text() == "kept"
    found = {path.read_bytes().decode() for path in target.rglob("*") if path.is_file()}
    assert found == {*evil, "x"}
    assert not os.path.exists("/tmp/pithosfs-evil")


def test_a_link_from_the_cloud_is_not_written_through(cli: Cli, owner: User) -> None:
    outside = cli.cwd / "outside"
    outside.mkdir()
    put(owner, "dir/link", str(outside).encode(), content_type="inode/symlink")
    put(owner, "dir/link/evil", b"evil")
    put(owner, "dir/good", b"good")
    for force in ([], ["-f"], ["-f"]):
        # Which of the two comes first is open; the other one is in its way then.
        assert cli("file", "download", "-r", "dir", "target", *force).code != 0
        assert os.listdir(outside) == []
    assert any(path.read_bytes() == b"good" for path in (cli.cwd / "target").rglob("good"))


def test_a_file_and_a_folder_of_one_name(cli: Cli, owner: User) -> None:
    put(owner, "dir/x", b"file")
    put(owner, "dir/x/y", b"below")
    put(owner, "dir/z", b"other")
    result = cli("file", "download", "-r", "dir")
    assert result.code != 0
    assert (cli.cwd / "dir/z").read_bytes() == b"other"
    assert not [name for name in os.listdir(cli.cwd / "dir") if name.endswith(".part")]


# bars ---------------------------------------------------------------------------------------------------------------


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
