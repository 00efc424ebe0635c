"""`pithosfs file download` of folders, containers and lists of objects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fixtures.cli import Cli
from fixtures.clouds import TestCloud, User
from fixtures.proxy import Answer, FaultProxy
from fixtures.transfers import BLOCK, at, noise, put, tree

from pithosfs.store import Sharing


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_container_and_its_empty_folders(cli: Cli, owner: User) -> None:
    put(owner, "x", b"x")
    put(owner, "slash/", b"", content_type="application/directory")
    put(owner, "empty", b"", content_type="application/directory", meta={"mode": "700"})
    cli.ok("file", "download", "-r", "/pithos")
    assert files(cli.cwd) == {"pithos/x": b"x"}
    assert sorted(os.listdir(cli.cwd / "pithos")) == ["empty", "slash", "x"]
    assert (cli.cwd / "pithos/empty").stat().st_mode & 0o777 == 0o700
    assert os.listdir(cli.cwd / "pithos/slash") == []
    assert cli("file", "download", "/pithos").code == 2


def test_several_and_patterns(cli: Cli, owner: User) -> None:
    for name in ("a.txt", "b.txt", "c.jpg", "dir/d.txt", "dir2/e.txt", "odd[1]"):
        put(owner, name, name.encode())
    cli.ok("file", "download", "a.txt", "c.jpg", "two")
    assert files(cli.cwd / "two") == {"a.txt": b"a.txt", "c.jpg": b"c.jpg"}
    cli.ok("file", "download", "*.txt", "texts/")
    assert files(cli.cwd / "texts") == {"a.txt": b"a.txt", "b.txt": b"b.txt"}
    left = cli.ok("file", "download", "*", "plain")
    assert "/pithos/dir: left out, it is a folder" in left.err
    cli.ok("file", "download", "-r", "dir*", "folders")
    assert files(cli.cwd / "folders") == {"dir/d.txt": b"dir/d.txt", "dir2/e.txt": b"dir2/e.txt"}
    cli.ok("file", "download", "--no-glob", "odd[1]")
    assert (cli.cwd / "odd[1]").read_bytes() == b"odd[1]"
    assert cli("file", "download", "*.none", "here").code == 3
    assert cli("file", "download", "a.txt", "b.txt", "odd[1]", "--no-glob").code == 2  # the last one is a file here


def test_a_folder_is_its_name_and_a_slash(cli: Cli, owner: User) -> None:
    put(owner, "dir/x")
    put(owner, "dir2/x")
    put(owner, "dir.txt")
    cli.ok("file", "download", "-r", "dir")
    assert files(cli.cwd) == {"dir/x": b"x"}


def test_downloading_again_fetches_what_is_new(cli: Cli, owner: User) -> None:
    for name in ("same", "other", "sub/z", "nuls"):
        put(owner, f"dir/{name}", name.encode())
    put(owner, "dir/link", b"same", content_type="inode/symlink")
    cli.ok("file", "download", "-r", "dir", "back")
    root = cli.cwd / "back"
    again = cli.ok("file", "download", "-r", "dir", "back")  # into the same folder, which it has made
    assert "5 skipped, the same already" in again.err
    assert sorted(os.listdir(root)) == ["link", "nuls", "other", "same", "sub"]
    kept = (root / "same").stat()
    (root / "other").write_bytes(b"OTHER")  # of the same size
    (root / "nuls").write_bytes(b"nuls\0")  # of the same hash
    put(owner, "dir/new", b"new")
    refused = cli("file", "download", "-r", "dir", "back")
    assert refused.code == 5
    assert "3 skipped" in refused.err
    assert "2 of 6 were not downloaded" in refused.err
    assert (root / "other").read_bytes() == b"OTHER"
    assert (root / "new").read_bytes() == b"new"
    shown = cli.ok("file", "download", "-r", "dir", "back", "-f", "-j")
    assert [Path(one["path"]).name for one in shown.json] == ["nuls", "other"]
    assert (root / "nuls").read_bytes() == b"nuls"
    assert (root / "same").stat().st_ino == kept.st_ino


def test_what_takes_part(cli: Cli, owner: User) -> None:
    for name in ("a.txt", "b.tmp", "build/x", "sub/build/x", "sub/c.txt"):
        put(owner, f"dir/{name}")
    put(owner, "dir/build", b"", content_type="application/directory")
    cli.ok("file", "download", "-r", "dir", "1", "--exclude", "*.tmp", "--exclude", "build/")
    assert sorted(files(cli.cwd / "1")) == ["a.txt", "sub/c.txt"]
    assert not (cli.cwd / "1/build").exists()
    cli.ok("file", "download", "-r", "dir", "2", "--include", "c.*")
    assert sorted(files(cli.cwd / "2")) == ["sub/c.txt"]
    assert os.listdir(cli.cwd / "2") == ["sub"]
    later = cli.ok("file", "download", "-r", "dir", "3", "--if-modified-since", "2100-01-01")
    assert "5 skipped" in later.err
    assert files(cli.cwd / "3") == {}


def test_a_rehearsal_changes_nothing(cli: Cli, owner: User) -> None:
    for name in ("same", "other", "sub/new"):
        put(owner, f"dir/{name}", name.encode())
    assert len(cli.ok("file", "download", "-r", "dir", "--dry-run", "-j").json) == 3
    assert os.listdir(cli.cwd) == []
    (cli.cwd / "dir").mkdir()
    (cli.cwd / "dir/same").write_bytes(b"same")
    (cli.cwd / "dir/other").write_bytes(b"before")
    before = tree(cli.cwd)
    shown = cli.ok("file", "download", "-r", "dir", "--dry-run", "-f", "-j").json
    assert {Path(one["path"]).name: one["action"] for one in shown} == {
        "same": "skip",
        "other": "replace",
        "new": "download",
    }
    assert cli("file", "download", "-r", "dir", "--dry-run").code == 5
    assert tree(cli.cwd) == before


def test_what_fails_stops_nothing_else(bare: Cli, wire: FaultProxy, owner: User) -> None:
    for name in ("a", "b", "c"):
        put(owner, f"dir/{name}", name.encode())
    wire.when("^(GET|HEAD) .*/dir/b", Answer(404, b"{}"))
    result = bare("file", "download", "-r", "dir")
    assert result.code == 3
    assert "/pithos/dir/b: " in result.err
    assert "Downloaded 2 files to dir: 2B received; 1 failed" in result.err
    assert files(bare.cwd / "dir") == {"a": b"a", "c": b"c"}
    assert tree(bare.cwd / "dir").keys() == {"a", "c"}


# names ----------------------------------------------------------------------------------------------------------------


def test_names_of_the_server_never_lead_outside(cli: Cli, owner: User) -> None:
    outside = cli.cwd / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    evil = ["../evil", "../../evil2", "/tmp/pithosfs-evil", "a/../../evil", "b/..", "b/.", "a//b", "./c", "back\\slash"]
    evil += ["l" * 300, "ctrl\x01\x7f"]
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
    assert f"1 of {len(evil) + 2} were not downloaded" in result.err
    assert sorted(os.listdir(cli.cwd)) == ["outside", "target", "wrapped"]
    assert os.listdir(outside) == ["kept"]
    assert (outside / "kept").read_text() == "kept"
    found = {path.read_bytes().decode() for path in target.rglob("*") if path.is_file()}
    assert found == {*evil, "x"}
    assert not os.path.exists("/tmp/pithosfs-evil")
    put(owner, "..", b"dots")
    cli.ok("file", "download", "/pithos/..")
    assert "dots" in [path.read_text() for path in cli.cwd.iterdir() if path.is_file()]


def test_a_link_from_the_cloud_is_not_written_through(cli: Cli, owner: User) -> None:
    outside = cli.cwd / "outside"
    outside.mkdir()
    put(owner, "dir/link", str(outside).encode(), content_type="inode/symlink")
    put(owner, "dir/link/evil", b"evil")
    put(owner, "dir/good", b"good")
    for force in ([], ["-f"]):
        result = cli.ok("file", "download", "-r", "dir", "target", *force)
        assert "there are names below it too" in result.err
        assert os.listdir(outside) == []
    assert (cli.cwd / "target/link/evil").read_bytes() == b"evil"
    assert (cli.cwd / "target/good").read_bytes() == b"good"
    # One that came with an earlier download is in the way, and stays.
    owner.store.delete(at(owner, "dir/link/evil"))
    cli.ok("file", "download", "-r", "dir", "later")
    assert os.readlink(cli.cwd / "later/link") == str(outside)
    put(owner, "dir/link/evil", b"evil")
    assert cli("file", "download", "-r", "dir", "later", "-f").code == 1
    assert os.listdir(outside) == []


def test_a_file_and_a_folder_of_one_name(cli: Cli, owner: User) -> None:
    put(owner, "dir/x", b"file")
    put(owner, "dir/x/y", b"below")
    put(owner, "dir/z", b"other")
    result = cli.ok("file", "download", "-r", "dir")
    assert "/pithos/dir/x: there are names below it too, so here it is x" in result.err
    found = files(cli.cwd / "dir")
    assert sorted(found.values()) == [b"below", b"file", b"other"]
    assert found["x/y"] == b"below"
    assert "3 skipped" in cli.ok("file", "download", "-r", "dir").err


def test_one_name_twice(cli: Cli, owner: User) -> None:
    put(owner, "a/x", b"first")
    put(owner, "b/x", b"second")
    for force in ([], ["-f"]):
        result = cli("file", "download", "a/x", "b/x", "here", *force)
        assert result.code == 5
        assert "another object is already" in result.err
    assert os.listdir(cli.cwd / "here") == ["x"]


def test_what_somebody_else_shares(cli: Cli, owner: User, cloud: TestCloud) -> None:
    friend = cloud.user("friend")
    put(friend, "dir/x", b"seen", sharing=Sharing((owner.uuid,)))
    put(friend, "dir/y", b"hidden")
    friend.store.put_object(
        at(friend, "dir/big"), noise(BLOCK + 1, 30), content_type="", meta={}, base=None, sharing=Sharing(("*",))
    )
    cli.ok("file", "download", "-r", "dir", "-A", friend.name)
    assert files(cli.cwd) == {"dir/x": b"seen", "dir/big": noise(BLOCK + 1, 30)}


@pytest.mark.parametrize("wrong", [("--range", "0-1"), ("--object-version", "5")])
def test_what_makes_no_sense_for_several(cli: Cli, owner: User, wrong: tuple[str, str]) -> None:
    put(owner, "dir/x")
    put(owner, "dir/y")
    assert cli("file", "download", "dir/x", "dir/y", "here/", *wrong).code == 2
