"""Recognising renames on either side, and giving the rows their new names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithosfs_daemon.state import Agreed, Node, RemoteSeen, State
from pithosfs_daemon.state.renames import Rename, Renames
from pithosfs_daemon.values import Content, Kind, Seen, Stamp

CONTENT = Content("ab" * 32, 10)
BIG = Content("cd" * 32, 9_000_000)


def stamp(inode: int, size: int = 10, ctime: int = 5) -> Stamp:
    return Stamp(size, 1_000_000_000 + inode, ctime, inode, 0o644)


def file(inode: int, size: int = 10, ctime: int = 5) -> Seen:
    return Seen(Kind.FILE, stamp(inode, size, ctime))


def folder(inode: int) -> Seen:
    return Seen(Kind.FOLDER, Stamp(4096, 1, 1, inode, 0o755))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A folder d (inode 100) with the files d/x (1) and d/y (2), and a file a (3), all in step."""
    made = State(tmp_path / "state.db")
    made.agree("d", Agreed(Kind.FOLDER, None, "vd", None, "ud", folder(100).stamp))
    for name, inode in (("d/x", 1), ("d/y", 2), ("a", 3)):
        made.agree(name, Agreed(Kind.FILE, CONTENT, f"v{inode}", "etag", f"u{inode}", stamp(inode)))
    yield made
    made.close()


def node(state: State, name: str) -> Node:
    found = state.node(name)
    assert found is not None
    return found


def test_a_renamed_file_is_found_by_inode_time_and_size(state: State) -> None:
    state.saw_no_local("a")
    state.saw_local("b", file(3, ctime=9))
    assert Renames(state).local_files() == [Rename("a", "b")]
    Renames(state).moved_remote(Rename("a", "b"), version="v9")
    assert state.node("a") is None
    now = node(state, "b")
    assert now.is_untouched
    assert now.agreed is not None
    assert (now.agreed.version, now.agreed.uuid, now.agreed.content) == ("v9", "u3", CONTENT)
    assert now.remote is not None
    assert now.remote.version == "v9"


@pytest.mark.parametrize("other", [file(3, size=11), file(4), Seen(Kind.FILE, Stamp(10, 7, 5, 3, 0o644))])
def test_another_stamp_is_another_file(state: State, other: Seen) -> None:
    state.saw_no_local("a")
    state.saw_local("b", other)
    assert Renames(state).local_files() == []


def test_what_the_cloud_has_changed_meanwhile_is_not_renamed(state: State) -> None:
    state.saw_no_local("a")
    state.saw_local("b", file(3))
    state.saw_remote("a", RemoteSeen(Kind.FILE, CONTENT, "v10", "u3"))
    assert Renames(state).local_files() == []


def test_a_name_that_the_cloud_has_taken_meanwhile_is_not_renamed_to(state: State) -> None:
    state.saw_no_local("a")
    state.saw_local("b", file(3))
    state.saw_remote("b", RemoteSeen(Kind.FILE, CONTENT, "v10", "u10"))
    assert Renames(state).local_files() == []


def test_two_links_to_the_vanished_file(state: State) -> None:
    state.saw_no_local("a")
    state.saw_local("b", file(3))
    state.saw_local("c", file(3))
    assert Renames(state).local_files() == [Rename("a", "b")]


def moved_folder(state: State) -> None:
    state.saw_no_local("d")
    state.saw_local("e", folder(100))
    state.saw_local("e/x", file(1))
    state.saw_local("e/y", file(2))


def test_a_renamed_folder_is_one_rename(state: State) -> None:
    moved_folder(state)
    assert Renames(state).local_folders() == [Rename("d", "e")]
    Renames(state).moved_remote(Rename("d", "e"))
    assert [state.node(name) for name in ("d", "d/x", "d/y")] == [None] * 3
    for name in ("e/x", "e/y"):
        now = node(state, name)
        assert now.is_untouched
        assert now.agreed is not None
        assert now.agreed.version is None  # adopted from the next listing
        assert now.base is not None
        assert now.remote_item is not None
        assert now.remote_item.tag == now.base.remote_tag  # type: ignore[union-attr]


def test_a_folder_is_not_renamed_when_something_in_it_was_changed_in_the_cloud(state: State) -> None:
    moved_folder(state)
    state.saw_remote("d/new", RemoteSeen(Kind.FILE, CONTENT, "v20", "u20"))
    assert Renames(state).local_folders() == []
    assert Renames(state).local_files() == [Rename("d/x", "e/x"), Rename("d/y", "e/y")]


def test_a_folder_within_a_renamed_one_goes_along(state: State) -> None:
    state.agree("d/in", Agreed(Kind.FOLDER, None, "vi", None, "ui", folder(101).stamp))
    moved_folder(state)
    state.saw_local("e/in", folder(101))
    assert Renames(state).local_folders() == [Rename("d", "e")]


def test_a_file_renamed_in_the_cloud_is_found_by_its_id(state: State) -> None:
    with state.remote_generation() as listed:
        for name in ("d", "d/x", "d/y"):
            listed([state.id_of(name)])
    state.saw_remote("b", RemoteSeen(Kind.FILE, CONTENT, "v30", "u3"))
    assert Renames(state).remote_files() == [Rename("a", "b")]
    Renames(state).moved_local(Rename("a", "b"), 77)
    assert state.node("a") is None
    now = node(state, "b")
    assert now.is_untouched
    assert now.stamp is not None
    assert now.stamp.ctime_ns == 77
    assert now.agreed is not None
    assert now.agreed.version == "v30"


def test_a_folder_renamed_in_the_cloud_takes_along_what_is_only_here(state: State) -> None:
    state.saw_local("d/mine", file(50))
    with state.remote_generation() as listed:
        listed([state.id_of("a")])
    state.saw_remote("e", RemoteSeen(Kind.FOLDER, None, "v40", "ud"))
    for name, uuid, content in (("e/x", "u1", CONTENT), ("e/y", "u2", BIG)):
        state.saw_remote(name, RemoteSeen(Kind.FILE, content, f"w{uuid}", uuid))
    assert Renames(state).remote_folders() == [Rename("d", "e")]
    Renames(state).moved_local(Rename("d", "e"), 88)
    assert [one for one in ("d", "d/x", "d/y", "d/mine") if state.node(one) is not None] == []
    same, changed, mine = node(state, "e/x"), node(state, "e/y"), node(state, "e/mine")
    assert same.agreed is not None
    assert same.agreed.version == "wu1"
    assert changed.agreed is not None
    assert changed.agreed.version is None
    assert changed.remote is not None
    assert changed.remote.content == BIG
    assert mine.agreed is None
    assert mine.local_kind is Kind.FILE


def test_a_racy_file_is_not_taken_for_renamed(state: State) -> None:
    state.agree("a", Agreed(Kind.FILE, CONTENT, "v3", None, "u3", stamp(3), racy=True))
    state.saw_no_local("a")
    state.saw_local("b", file(3))
    assert Renames(state).local_files() == []


def test_blocks_and_sums_go_along(state: State) -> None:
    blocks = ["11" * 32, "22" * 32, "33" * 32]
    state.agree("a", Agreed(Kind.FILE, BIG, "v3", None, "u3", stamp(3, BIG.size)), blocks=blocks, sums=b"s")
    state.saw_no_local("a")
    state.saw_local("b", file(3, BIG.size))
    Renames(state).moved_remote(Rename("a", "b"), version="v4")
    assert state.old_content("b") == (blocks, b"s")
    assert [one.name for one in state.places("22" * 32)] == ["b"]
