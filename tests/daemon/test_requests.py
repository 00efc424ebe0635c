"""What can be asked about pairs, with a daemon and without: the answers are the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.daemons import SyncHome
from fixtures.synced import tree_of

from pithosfs.errors import Conflict, LocalError, NotFound, UsageError
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.states import Condition
from pithosfs_daemon.values import Pair


@pytest.fixture(params=["daemon", "alone"])
def asked(request: pytest.FixtureRequest, sync: SyncHome) -> Iterator[SyncHome]:
    """A home whose daemon runs, and one whose does not."""
    if request.param == "daemon":
        sync.start()
    return sync


def add(sync: SyncHome, name: str = "Work", **files: bytes) -> Pair:
    pair = sync.add(name)
    for one, data in files.items():
        (pair.folder / one).write_bytes(data)
    sync.ask("fit")
    sync.in_step(pair)
    return pair


def make_conflict(sync: SyncHome, pair: Pair, name: str = "f") -> str:
    """Change a file on both sides; the name of the copy."""
    sync.ask("pause", pair=pair.id)
    (pair.folder / name).write_bytes(b"mine")
    sync.place(pair).put(name, b"theirs")
    sync.ask("resume", pair=pair.id)
    sync.in_step(pair)
    [copy] = [one for one in tree_of(pair.folder) if one.startswith(f"{name} (conflict ")]
    return copy


def test_paths(asked: SyncHome) -> None:
    pair = add(asked, f=b"data")
    (pair.folder / "d").mkdir()
    (pair.folder / "d" / "x").write_bytes(b"xx")
    (pair.folder / "link").symlink_to("/etc/passwd")
    (pair.folder / ".pithosignore").write_text("*.tmp\n")
    (pair.folder / "a.tmp").write_bytes(b"")
    asked.ask("now", pair=pair.id)

    def state(name: str) -> tuple[str, str]:
        found = asked.ask("path", path=str(pair.folder / name))
        assert found["pair"]["id"] == pair.id
        return found["path"]["state"], found["path"]["what"]

    assert state("f") == ("IN STEP", "")
    assert state("d") == ("IN STEP", "")
    assert state("") == ("IN STEP", "1 name in it left alone")
    assert state("link") == ("IGNORED", "is a symbolic link: to /etc/passwd")
    assert state("a.tmp")[0] == "IGNORED"
    whole = asked.ask("path", path=str(pair.folder / "d"))["path"]
    assert (whole["kind"], whole["files"], whole["size"], whole["waiting"]) == ("folder", 1, 2, 0)
    file = asked.ask("path", path=str(pair.folder / "f"))["path"]
    assert (file["kind"], file["size"], file["version"] is not None) == ("file", 4, True)
    # While nothing is carried over: what is about to be.
    asked.ask("pause", pair=pair.id)
    (pair.folder / "f").write_bytes(b"changed")
    (pair.folder / "new").write_bytes(b"")
    assert state("f") == ("WORKING", "was changed here, or is about to be looked at")
    with pytest.raises(NotFound, match="here or in the cloud"):
        state("nothing")
    with pytest.raises(NotFound, match="not in a synced folder"):
        asked.ask("path", path="/etc/passwd")
    with pytest.raises(UsageError, match="for the sync daemon itself"):
        state(".pithosfs/marker")


def test_the_path_of_a_file_that_somebody_has_open(asked: SyncHome) -> None:
    """It will be read again, but is not different for that."""
    pair = add(asked)
    with (pair.folder / "f").open("wb") as file:
        file.write(b"data")
        file.flush()
        asked.ask("now", pair=pair.id)
        found = asked.ask("path", path=str(pair.folder / "f"))["path"]
    assert (found["state"], found["what"]) == (Condition.IN_STEP, "")


def test_pause_and_resume(asked: SyncHome) -> None:
    pair, other = add(asked, "one"), add(asked, "two")
    assert asked.ask("pause", pair=pair.id) == {"pairs": [pair.id]}
    assert asked.status(pair).situation.condition == Condition.PAUSED
    (pair.folder / "x").write_bytes(b"x")
    assert asked.ask("pause") == {"pairs": [other.id]}
    assert asked.ask("pause") == {"pairs": []}
    assert asked.place(pair).objects() == {}
    # A pass by hand is made all the same, and it stays paused.
    asked.in_step(pair)
    assert asked.status(pair).situation.condition == Condition.PAUSED
    assert set(asked.ask("resume")["pairs"]) == {pair.id, other.id}
    assert asked.did(pair) == [("paused", ""), ("sent", "x"), ("resumed", "")]
    with pytest.raises(NotFound, match="no synced folder nonsense"):
        asked.ask("pause", pair="nonsense")


@pytest.mark.parametrize(
    ("keep", "content", "copies", "trash"),
    [
        ("mine", b"mine", 0, [b"theirs"]),
        ("theirs", b"theirs", 0, [b"mine"]),
        ("both", b"theirs", 1, []),
    ],
)
def test_conflicts(asked: SyncHome, keep: str, content: bytes, copies: int, trash: list[bytes]) -> None:
    pair = add(asked, f=b"old")
    copy = make_conflict(asked, pair)
    [found] = asked.ask("conflicts")["conflicts"]
    assert (found["pair"], found["name"], found["copy"]) == (pair.id, "f", copy)
    assert (found["path"], found["copy_path"]) == (str(pair.folder / "f"), str(pair.folder / copy))
    assert asked.status(pair).conflicts == 1
    # By either of the two names.
    done = asked.ask("resolve", path=str(pair.folder / ("f" if keep == "mine" else copy)), keep=keep)
    assert (done["name"], done["copy"], done["keep"]) == ("f", copy, keep)
    asked.in_step(pair)
    assert (pair.folder / "f").read_bytes() == content
    assert len(tree_of(pair.folder)) == 1 + copies
    in_trash = asked.ask("trash_list")["entries"]
    assert [len(data) for data in trash] == [one["size"] for one in in_trash]
    assert asked.ask("conflicts", pair=pair.id) == {"conflicts": []}
    # The history has all of them, whatever was decided.
    assert {b"old", b"theirs"} <= set(asked.place(pair).versions("f"))
    with pytest.raises(NotFound, match="no conflict"):
        asked.ask("resolve", path=str(pair.folder / "f"), keep=keep)


def test_several_copies_of_one_file(asked: SyncHome) -> None:
    pair = add(asked, f=b"old")
    make_conflict(asked, pair)
    first = set(tree_of(pair.folder))
    asked.ask("pause", pair=pair.id)
    (pair.folder / "f").write_bytes(b"mine again")
    asked.place(pair).put("f", b"theirs again")
    asked.ask("resume", pair=pair.id)
    asked.in_step(pair)
    [second] = set(tree_of(pair.folder)) - first
    with pytest.raises(UsageError, match="several copies"):
        asked.ask("resolve", path=str(pair.folder / "f"), keep="mine")
    asked.ask("resolve", path=str(pair.folder / second), keep="mine")
    asked.in_step(pair)
    assert (pair.folder / "f").read_bytes() == b"mine again"


def test_the_trash(asked: SyncHome) -> None:
    pair = add(asked, a=b"aa", b=b"bbb", c=b"")
    for name in "ab":
        asked.user.store.delete(asked.place(pair).path(name))
    asked.ask("now", pair=pair.id, max_delete=1.0)
    assert set(tree_of(pair.folder)) == {"c"}
    entries = asked.ask("trash_list", pair=pair.id)["entries"]
    assert {one["name"]: one["size"] for one in entries} == {"a": 2, "b": 3}
    ids = {one["name"]: one["id"] for one in entries}
    # By its name in a pair, and by its id.
    done = asked.ask("trash_restore", entry="/some/path", pair=pair.id, name="a", to_pair=None, to=None)
    assert (done["name"], (pair.folder / "a").read_bytes()) == ("a", b"aa")
    (pair.folder / "b").write_bytes(b"in the way")
    with pytest.raises(Conflict, match="exists already"):
        asked.ask("trash_restore", entry=ids["b"])
    with pytest.raises(UsageError, match="synced folder that it was in"):
        asked.ask("trash_restore", entry=ids["b"], to_pair="other", to="x")
    asked.ask("trash_restore", entry=ids["b"], to_pair=pair.id, to="d/b")
    assert (pair.folder / "d" / "b").read_bytes() == b"bbb"
    with pytest.raises(NotFound, match="in the trash"):
        asked.ask("trash_restore", entry=ids["b"])
    asked.in_step(pair)
    asked.user.store.delete(asked.place(pair).path("a"))
    asked.in_step(pair)
    assert asked.ask("trash_empty", older_than=3600) == {"files": 0}
    assert asked.ask("trash_empty") == {"files": 1}
    assert asked.ask("trash_list") == {"entries": []}
    assert [what for what, _ in asked.did(pair) if "trash" in what] == [
        "restored from the trash", "restored from the trash", "emptied the trash",
    ]  # fmt: skip


def test_comparing_changes_nothing(asked: SyncHome) -> None:
    pair = add(asked, same=b"same", f=b"data")
    asked.ask("pause", pair=pair.id)
    seen: list[Any] = []
    assert asked.ask("verify", progress=seen.append)["pairs"][0]["differences"] == 0
    # Changes that nobody would notice by time and size.
    before = (pair.folder / "f").stat()
    (pair.folder / "f").write_bytes(b"DATA")
    os.utime(pair.folder / "f", ns=(before.st_atime_ns, before.st_mtime_ns))
    (pair.folder / "only-here").write_bytes(b"x")
    (pair.folder / "link").symlink_to("f")
    asked.place(pair).put("only-there", b"yy")
    seen.clear()
    [done] = asked.ask("verify", pair=pair.id, progress=seen.append)["pairs"]
    found = {one["difference"]["name"]: one["difference"] for one in seen if "difference" in one}
    assert {name: one["difference"] for name, one in found.items()} == {
        "f": "another content",
        "only-here": "only here",
        "only-there": "only in the cloud",
    }
    assert (found["f"]["local_size"], found["f"]["remote_size"]) == (4, 4)
    assert done["differences"] == 3
    assert done["troubles"] == [{"name": "link", "reason": "is a symbolic link", "detail": "to f"}]
    assert {"hashed": [8, 8]} in seen
    assert asked.place(pair).read("f") == b"data"
    assert asked.status(pair).situation.condition == Condition.PAUSED


def test_while_somebody_else_has_the_folder(sync: SyncHome) -> None:
    pair = add(sync, f=b"data")
    with Folder(pair):
        [done] = sync.ask("now", pair=pair.id)["pairs"]
        assert not done["in_step"]
        assert str(os.getpid()) in done["status"]["situation"]["what"]
        with pytest.raises(Exception, match="another process"):
            sync.ask("verify", pair=pair.id)
    sync.in_step(pair)


def test_a_folder_that_is_not_there(asked: SyncHome) -> None:
    pair = add(asked, f=b"data")
    pair.folder.rename(pair.folder.with_name("away"))
    for request in ("conflicts", "verify"):
        with pytest.raises(Exception, match="is not there"):
            asked.ask(request, pair=pair.id)
    with pytest.raises(LocalError):
        asked.ask("trash_list", pair=pair.id)
    assert asked.ask("status")["pairs"]
    pair.folder.with_name("away").rename(pair.folder)


def test_a_pass_by_hand_needs_no_settings_of_the_daemon(sync: SyncHome, tmp_path: Path) -> None:
    """The settings file that a pair was made with is remembered."""
    other = tmp_path / "other-settings"
    (sync.directories.config_file).rename(other)
    pair = sync.add(options={"config": str(other)})
    (pair.folder / "x").write_bytes(b"x")
    sync.in_step(pair)
