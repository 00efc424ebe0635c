"""The state database: what rows become after what was seen and agreed on."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithosfs.errors import LocalError
from pithosfs_daemon.reconcile import UNKNOWN, Base, Item
from pithosfs_daemon.state import Agreed, NotNoted, RemoteSeen, State
from pithosfs_daemon.values import Content, Kind, Reason, Seen, Stamp, Trouble

CONTENT = Content("ab" * 32, 10)
OTHER = Content("cd" * 32, 10)


def stamp(inode: int = 1, size: int = 10, mtime: int = 1_000_000_001, ctime: int = 5) -> Stamp:
    return Stamp(size, mtime, ctime, inode, 0o644)


def file(inode: int = 1, **other: int) -> Seen:
    return Seen(Kind.FILE, stamp(inode, **other))


def folder(inode: int = 100) -> Seen:
    return Seen(Kind.FOLDER, Stamp(4096, 1, 1, inode, 0o755))


def agreed(inode: int = 1, content: Content = CONTENT, version: str | None = "v1", uuid: str = "u1") -> Agreed:
    return Agreed(Kind.FILE, content, version, "etag", uuid, stamp(inode, content.size))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db", clock=lambda: 1000.0)
    yield made
    made.close()


def dirty(state: State) -> list[str]:
    return [node.name for page in state.pages("dirty") for node in page]


def test_what_is_seen_waits_for_a_decision(state: State) -> None:
    state.saw_local("a", file())
    state.saw_remote("b", RemoteSeen(Kind.FILE, CONTENT, "v1", "u1"))
    assert dirty(state) == ["a", "b"]
    here, there = state.node("a"), state.node("b")
    assert here is not None
    assert there is not None
    assert here.remote_item is None
    assert there.local is None
    assert there.remote_item == Item(Kind.FILE, CONTENT, "v1")
    assert here.must_be_hashed is False  # there is nothing to compare it with


def test_agreeing_settles_both_sides(state: State) -> None:
    state.saw_local("a", file())
    state.agree("a", agreed())
    node = state.node("a")
    assert node is not None
    assert dirty(state) == []
    assert node.base == Base(Kind.FILE, CONTENT, (0o644, 1_000_000_001), "v1")
    assert node.local == Item(Kind.FILE, CONTENT, (0o644, 1_000_000_001))
    assert node.remote_item == Item(Kind.FILE, CONTENT, "v1")
    assert node.is_untouched


def test_another_stamp_of_the_same_size_has_to_be_hashed(state: State) -> None:
    state.agree("a", agreed())
    state.saw_local("a", file(mtime=2_000_000_001))
    node = state.node("a")
    assert node is not None
    assert node.must_be_hashed
    assert node.local_content is None
    state.hashed([("a", stamp(mtime=2_000_000_001), OTHER.hash)])
    node = state.node("a")
    assert node is not None
    assert node.local_content == OTHER
    assert not node.must_be_hashed


def test_another_size_needs_no_hash_to_be_another_content(state: State) -> None:
    state.agree("a", agreed())
    state.saw_local("a", file(size=11, mtime=2_000_000_001))
    node = state.node("a")
    assert node is not None
    assert not node.must_be_hashed
    assert isinstance(node.local, Item)
    assert node.local.content != CONTENT


def test_what_is_empty_needs_no_hash(state: State) -> None:
    nothing = Content("ab" * 32, 0)
    state.saw_local("a", file(size=0))
    state.saw_remote("a", RemoteSeen(Kind.FILE, nothing, "1"))
    node = state.node("a")
    assert node is not None
    assert node.local_content == nothing
    assert not node.must_be_hashed
    state.saw_remote("a", RemoteSeen(Kind.FILE, CONTENT, "2"))
    node = state.node("a")
    assert node is not None
    assert isinstance(node.local, Item)
    assert node.local.content != CONTENT
    assert not node.must_be_hashed


def test_a_hash_that_comes_after_a_further_change_is_dropped(state: State) -> None:
    state.agree("a", agreed())
    state.saw_local("a", file(mtime=2))
    state.saw_local("a", file(mtime=3))
    state.hashed([("a", stamp(mtime=2), OTHER.hash)])
    node = state.node("a")
    assert node is not None
    assert node.local_hash is None


def test_a_racy_file_is_not_believed_to_be_untouched(state: State) -> None:
    one = agreed()
    state.agree("a", Agreed(one.kind, one.content, one.version, one.etag, one.uuid, one.stamp, racy=True))
    assert dirty(state) == []
    assert not state.children("")["a"].shows(file())
    node = state.node("a")
    assert node is not None
    assert node.must_be_hashed is False  # the hash of that very look is known
    assert not node.is_untouched
    # But another look with the same stamp says nothing about the content.
    state.saw_local("a", file())
    node = state.node("a")
    assert node is not None
    assert node.must_be_hashed


def test_a_vanished_folder_takes_all_below_along_and_nothing_beside(state: State) -> None:
    for name in ("d", "d/x", "d/y/z", "d!", "d0", "da"):
        state.saw_local(name, file())
        state.settled(name)
    state.saw_no_local("d")
    assert [name for name in ("d", "d/x", "d/y/z") if state.node(name) is not None] == ["d", "d/x", "d/y/z"]
    assert dirty(state) == ["d", "d/x", "d/y/z"]


def test_what_cannot_be_looked_at_is_unknown_with_all_below(state: State) -> None:
    state.agree("d/x", agreed())
    state.saw_local_other("d", Trouble("d", Reason.UNREADABLE, "why"))
    below, top = state.node("d/x"), state.node("d")
    assert below is not None
    assert top is not None
    assert below.local is UNKNOWN
    assert top.local is UNKNOWN
    assert state.troubles() == [Trouble("d", Reason.UNREADABLE, "why")]
    state.saw_local("d", folder())
    assert state.troubles() == []


def test_what_a_whole_listing_leaves_out_is_gone(state: State) -> None:
    for name in ("a", "b"):
        state.saw_remote(name, RemoteSeen(Kind.FILE, CONTENT, "v1"))
        state.settled(name)
    with state.remote_generation() as listed:
        listed([state.id_of("a")])
    assert dirty(state) == ["b"]
    gone = state.node("b")
    assert gone is not None
    assert gone.remote is None


def test_a_listing_that_breaks_off_changes_nothing(state: State) -> None:
    state.saw_remote("a", RemoteSeen(Kind.FILE, CONTENT, "v1"))
    state.settled("a")
    with pytest.raises(ValueError, match="broken"), state.remote_generation():
        raise ValueError("broken")
    node = state.node("a")
    assert node is not None
    assert node.remote is not None
    with state.remote_generation() as listed:
        listed([state.id_of("a")])
    assert dirty(state) == []


def test_gone_on_both_sides_is_forgotten(state: State) -> None:
    state.agree("a", agreed())
    state.gone("a", local=True)
    assert state.node("a") is not None
    state.gone("a", remote=True)
    assert state.node("a") is None


def test_blocks_are_found_in_single_and_in_many_block_files(state: State) -> None:
    state.agree("small", agreed(1))
    big = Content("ef" * 32, 9_000_000)
    blocks = ["11" * 32, "22" * 32, "33" * 32]
    state.agree("big", Agreed(Kind.FILE, big, "v2", None, "", stamp(2, big.size)), blocks=blocks, sums=b"sums")
    assert [(one.name, one.position) for one in state.places(CONTENT.hash)] == [("small", 0)]
    assert [(one.name, one.position) for one in state.places("22" * 32)] == [("big", 1)]
    assert state.places("99" * 32) == []
    assert state.old_content("big") == (blocks, b"sums")
    state.saw_no_local("big")
    assert state.places("22" * 32) == []
    state.agree("big", agreed(2))
    assert state.old_content("big") == ([], b"")


def test_pages_give_each_row_once_in_order(state: State) -> None:
    names = sorted(f"{number:05}" for number in range(1234))
    for name in names:
        state.saw_local(name, file())
    seen = []
    for page in state.pages("dirty"):
        for node in page:
            seen.append(node.name)
            state.settled(node.name)
    assert seen == names
    assert [node.name for page in state.pages("l_kind = 1", backwards=True) for node in page] == names[::-1]


def test_files_that_vanished_from_a_side(state: State) -> None:
    for number in range(4):
        state.agree(f"f{number}", agreed(number))
    state.saw_no_local("f0")
    with state.remote_generation() as listed:
        listed([state.id_of("f0"), state.id_of("f1")])
    assert (state.vanished("local"), state.vanished("remote")) == (1, 2)
    state.note_vanished("local")
    assert state.recently_vanished("local", 10) == 1
    assert state.recently_vanished("remote", 10) == 0


def test_vanished_files_do_not_count_for_ever(tmp_path: Path) -> None:
    now = [1000.0]
    state = State(tmp_path / "s.db", clock=lambda: now[0])
    state.note_vanished("local")
    now[0] += 11
    assert state.recently_vanished("local", 10) == 0
    state.close()


def test_facts_conflicts_and_counts_survive(tmp_path: Path) -> None:
    state = State(tmp_path / "s.db", clock=lambda: 5.0)
    state.set_fact("since", 17)
    state.add_conflict("a", "a (conflict)")
    state.agree("a", agreed())
    state.close()
    again = State(tmp_path / "s.db")
    assert again.fact("since") == 17
    assert again.fact("nothing") is None
    assert [(one.name, one.copy, one.at) for one in again.conflicts()] == [("a", "a (conflict)", 5.0)]
    assert (again.counts().files, again.counts().size, again.counts().dirty) == (1, 10, 0)
    again.drop_conflict("a (conflict)")
    assert again.conflicts() == []
    again.close()


def test_a_change_that_fails_leaves_the_rest_of_its_batch(state: State) -> None:
    state.saw_local("a", file())
    with pytest.raises(sqlite3.IntegrityError), state.changing() as db:
        db.execute("UPDATE node SET dirty = 0")
        db.execute("INSERT INTO node (name, parent) VALUES ('a', '')")
    assert dirty(state) == ["a"]


def test_a_file_of_another_version_or_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    State(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LocalError, match="another version"):
        State(path)
    path.write_bytes(b"rubbish " * 1000)
    with pytest.raises(LocalError, match="cannot be used"):
        State(path)


@pytest.fixture
def tight(state: State) -> State:
    """One whose file must not grow much any more, as on a disk that is nearly full."""
    state.commit()
    pages = state.rows("PRAGMA page_count")[0][0]
    state.rows(f"PRAGMA max_page_count = {pages + 4}")
    return state


def fill(state: State, name: str) -> None:
    for number in range(1000):
        state.saw_local(f"{name}-{number}", file(number + 1))


def test_a_full_disk_loses_a_batch_and_never_a_part_of_it(tight: State) -> None:
    tight.saw_local("first", file())
    with pytest.raises(NotNoted) as trouble:
        fill(tight, "more")
    assert trouble.value.errno == errno.ENOSPC
    assert trouble.value.filename == str(tight.path)
    assert tight.node("first") is None  # it was of the same batch
    # Nothing goes on as if nothing had happened ...
    with pytest.raises(NotNoted):
        tight.set_fact("since", 7)
    with pytest.raises(NotNoted):
        tight.commit()
    # ... until whoever makes passes knows of it.
    tight.set_fact("since", 8)
    tight.commit()
    assert tight.fact("since") == 8


def test_a_full_disk_in_a_change_within_a_change(tight: State) -> None:
    """Though whoever made the inner one has dealt with it: the outer one fails for the same reason."""
    with pytest.raises(NotNoted) as trouble, tight.changing(), contextlib.suppress(NotNoted):
        fill(tight, "more")
    assert trouble.value.errno == errno.ENOSPC
    assert tight.node("more-0") is None
    with pytest.raises(NotNoted):
        tight.commit()


def test_with_room_again_all_can_be_noted(tight: State) -> None:
    with pytest.raises(NotNoted):
        fill(tight, "more")
    with pytest.raises(NotNoted):
        tight.commit()
    tight.rows("PRAGMA max_page_count = 1000000")
    fill(tight, "more")
    tight.commit()
    assert tight.node("more-999") is not None


def test_an_error_of_ours_only_takes_back_its_own_change(state: State) -> None:
    state.saw_local("kept", file())
    with pytest.raises(ZeroDivisionError), state.changing() as db:
        db.execute("DELETE FROM node")
        1 / 0  # noqa: B018
    state.commit()
    assert state.node("kept") is not None


def test_what_every_pass_asks_does_not_read_every_row(state: State) -> None:
    with state.changing():
        for number in range(3000):
            state.agree(f"d/{number}", agreed(number))
    state.saw_no_local("d/7")
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    state._db.set_progress_handler(count, 1)
    assert [state.vanished(side) for side in ("local", "remote")] == [1, 0]
    assert [node.name for page in state.pages("dirty") for node in page] == ["d/7"]
    assert state.troubles(5) == []
    state._db.set_progress_handler(None, 1)
    assert 0 < steps < 1000  # of the database's machine


def test_changes_in_a_change_are_one(tmp_path: Path) -> None:
    """However long it takes: no batch ends in between."""
    state = State(tmp_path / "state.db", batch_seconds=0.0)
    state.add_conflict("a", "kept")
    with pytest.raises(ZeroDivisionError), state.changing():
        state.add_conflict("a", "first")
        state.add_conflict("a", "second")
        raise ZeroDivisionError
    with state.changing():
        state.add_conflict("b", "first")
        state.add_conflict("b", "second")
    assert sorted(one.copy for one in state.conflicts()) == ["first", "kept", "second"]
    assert {one.name for one in state.conflicts()} == {"a", "b"}
    state.close()
