"""The journal: what it promises when a process ends at any moment, and how changes of one name come together."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pithosfs.blocks import Hashmap, block_hash
from pithosfs.errors import LocalError
from pithosfs.mount.journal import Journal, Pending, State
from pithosfs.mount.origin import Origin
from pithosfs.mount.staging import Staging
from pithosfs.store import ObjectInfo, ObjectPath, Sharing


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "slot")
    yield made
    made.close()


@pytest.fixture
def staging(journal: Journal) -> Iterator[Staging]:
    made = Staging(journal.directory)
    journal.attach(made)
    yield made
    assert journal.check(made) == []
    made.close()


def at(name: str, container: str = "c") -> ObjectPath:
    return ObjectPath("me", container, name)


def row(name: str, content: Hashmap | None = None, kind: str = "file", **fields: Any) -> Pending:
    values: dict[str, Any] = {"origin": None, "base": "", "base_info": None, "meta": {}, "content_type": "", **fields}
    return Pending(0, at(name), kind, content, **values)  # type: ignore[arg-type]


def info(name: str, version: str, size: int = 10, content_hash: str = "ab") -> ObjectInfo:
    return ObjectInfo(name, size, "text/plain", content_hash, version, 5, etag=content_hash, meta={})


def staged(staging: Staging, data: bytes) -> Hashmap:
    """One sealed block, retained by nobody but the caller of `let_go`."""
    return Hashmap(len(data), (staging.seal(staging.draft(data), "sha256"),))


def let_go(staging: Staging, content: Hashmap) -> None:
    staging.release(content.hashes)


def claim(journal: Journal, now: float = 1e10) -> Pending | None:
    found, _ = journal.claim(now, lambda path: True)
    return found


# what is kept ---------------------------------------------------------------------------------------------------------


def test_everything_of_a_row_comes_back(journal: Journal, tmp_path: Path) -> None:
    hashes = tuple(block_hash(b"%d" % number) for number in range(3))
    origin = Origin(at("old"), "17", Hashmap(16, (block_hash(b"o"), block_hash(b"p")), 8, "sha256"))
    base = ObjectInfo(
        "a", 16, "x/y", "cd", "17", 12345, etag="ef", uuid="u", modified_by="me", sharing=Sharing(("a",), ("b", "*")),
        shared_by="me/c/a", public="http://x", meta={"k": "vé\n"}, allowed_to="write",
    )  # fmt: skip
    full = row(
        "a/ü‛FF", Hashmap(24, hashes, 8), origin=origin, base="ef", base_info=base, meta={"mtime": "1.5"},
        content_type="x/y", sharing=Sharing(("r",), ()), public=True, extents=((0, 5), (9, 1)), state=State.OPEN,
        ready_at=7.5, created=3.25,
    )  # fmt: skip
    plain = row("folder", None, "folder", base=None)
    made = [journal.put(full), journal.put(plain)]
    assert [(one.id > 0, one.generation) for one in made] == [(True, 1), (True, 1)]
    journal.close()
    with_rest = Journal(tmp_path / "slot")
    # What belonged to an open file is to be sent now: its process has ended.
    assert with_rest.all() == [replace(made[0], state=State.PENDING), replace(made[1], created=made[1].created)]
    with_rest.close()


def test_a_row_is_replaced_by_name_and_counts_generations(journal: Journal) -> None:
    first = journal.put(row("a", meta={"n": "1"}))
    second = journal.put(row("a", meta={"n": "2"}))
    assert (second.id, second.generation) == (first.id, 2)
    assert journal.get(at("a")) == second
    assert journal.by_id(first.id) == second
    assert len(journal) == 1
    assert not journal.remove(first.id, 1)
    assert journal.remove(first.id, 2)
    assert journal.get(at("a")) is None
    third = journal.put(row("a"))
    assert third.id > first.id


def test_children_and_below(journal: Journal) -> None:
    for name in ("top", "d", "d/a", "d/b", "d/sub/x", "dd/a"):
        journal.put(row(name))
    journal.put(replace(row("d/a"), path=at("d/a", "other")))
    assert set(journal.children(at("d"))) == {"a", "b"}
    assert set(journal.children(at(""))) == {"top", "d"}
    assert journal.children(at("nothing")) == {}
    assert [one.path.name for one in journal.below(at("d"))] == ["d/a", "d/b", "d/sub/x"]
    assert len(journal.below(at(""))) == 6


def test_usage_is_what_will_be_added(journal: Journal) -> None:
    one = Hashmap(100, (block_hash(b"1"),))
    journal.put(row("new", one))
    assert journal.usage() == 100
    grown = journal.put(row("grown", one, base="e", base_info=info("grown", "1", size=70)))
    assert journal.usage() == 130
    journal.put(row("gone", None, "gone", base="e", base_info=info("gone", "1", size=120)))
    assert journal.usage() == 10
    journal.remove(grown.id, grown.generation)
    assert journal.usage() == 0


def test_a_rename_takes_the_row_along(journal: Journal, staging: Staging) -> None:
    contents = [staged(staging, b"%d" % number) for number in range(2)]
    source, target = journal.put(row("a", contents[0])), journal.put(row("b", contents[1]))
    for one in contents:
        let_go(staging, one)
    moved = journal.rename(at("a"), at("b"))
    assert moved is not None
    assert (moved.id, moved.content, moved.path) == (source.id, contents[0], at("b"))
    assert journal.by_id(target.id) is None
    assert staging.staged() == {*contents[0].hashes}
    assert journal.rename(at("a"), at("c")) is None


def test_a_folder_rename_takes_everything_along(journal: Journal, tmp_path: Path) -> None:
    for name in ("d", "d/a", "d/e/f", "dx", "n/a"):
        journal.put(row(name, meta={"was": name}))
    journal.rename_below(at("d"), at("n"))
    assert {one.path.name: one.meta["was"] for one in journal.all()} == {
        "n": "d", "n/a": "d/a", "n/e/f": "d/e/f", "dx": "dx",
    }  # fmt: skip
    assert set(journal.children(at("n"))) == {"a"}
    # Into a folder of its own name: rows may take each other's names.
    journal.put(row("n/n/a"))
    journal.rename_below(at("n/n"), at("n"))
    before = {one.path.name: one.meta for one in journal.all()}
    journal.close()
    again = Journal(tmp_path / "slot")
    assert {one.path.name: one.meta for one in again.all()} == before
    again.close()


def test_intents_are_kept_until_they_are_done(journal: Journal, tmp_path: Path) -> None:
    one = journal.intent("move", {"old": ["me", "c", "a"], "new": ["me", "c", "b"]})
    two = journal.intent("move_folder", [1, "ü"])
    journal.close()
    again = Journal(tmp_path / "slot")
    assert again.intents() == [
        (one, "move", {"old": ["me", "c", "a"], "new": ["me", "c", "b"]}),
        (two, "move_folder", [1, "ü"]),
    ]
    again.done(one)
    assert [number for number, _, _ in again.intents()] == [two]
    again.close()


# blocks ---------------------------------------------------------------------------------------------------------------


def test_blocks_stay_as_long_as_a_row_needs_them(journal: Journal, staging: Staging) -> None:
    content = staged(staging, b"needed")
    first = journal.put(row("a", content))
    let_go(staging, content)
    assert staging.staged() == set(content.hashes)
    assert journal.blocks_in_use() == set(content.hashes)
    second = journal.put(replace(first, path=at("b"), id=0))
    journal.remove(first.id, first.generation)
    assert staging.staged() == set(content.hashes)
    other = staged(staging, b"other")
    third = journal.put(replace(second, content=other))
    let_go(staging, other)
    assert staging.staged() == set(other.hashes)
    journal.remove(third.id, third.generation)
    assert staging.staged() == set()


def test_a_start_removes_what_no_row_needs(journal: Journal, tmp_path: Path) -> None:
    staging = Staging(journal.directory)
    content = staged(staging, b"needed")
    staged(staging, b"orphan")
    journal.put(row("a", content))
    staging.draft(b"half")
    staging.close()
    journal.close()
    again = Journal(tmp_path / "slot")
    fresh = Staging(again.directory)
    again.attach(fresh)
    assert fresh.staged() == set(content.hashes)
    assert again.check(fresh) == []
    again.close()
    fresh.close()


def test_the_checker_finds_what_is_wrong(journal: Journal, tmp_path: Path) -> None:
    staging = Staging(journal.directory)
    journal.attach(staging)
    good, lost, bad = (staged(staging, one) for one in (b"good", b"lost", b"bad"))
    for name, content in (("good", good), ("lost", lost), ("bad", bad)):
        journal.put(row(name, content))
        let_go(staging, content)
    assert journal.check(staging) == []
    (staging.directory / f"b-{lost.hashes[0]}").unlink()
    (staging.directory / f"b-{bad.hashes[0]}").write_bytes(b"baX")
    (staging.directory / f"b-{block_hash(b'orphan')}").write_bytes(b"orphan")
    staging.close()
    other = Staging(journal.directory)
    other.retain([*journal.blocks_in_use()])
    wrong = "\n".join(journal.check(other))
    assert "c/lost: block 0" in wrong
    assert "c/bad: block 0" in wrong
    assert "needed by none" in wrong
    assert "c/good" not in wrong
    origin = Origin(at("old"), "1", lost)
    journal.put(row("lost", lost, origin=origin))
    assert "c/lost" not in "\n".join(journal.check(other))
    other.close()


# changes that meet ----------------------------------------------------------------------------------------------------


def test_a_change_derived_from_an_older_state_undoes_nothing(journal: Journal) -> None:
    """A chmod that looked at the row, and was overtaken by a close()."""
    first = journal.put(row("a", Hashmap(3, (block_hash(b"one"),)), meta={"mode": "644", "x": "1"}))
    second = journal.put(replace(first, content=Hashmap(3, (block_hash(b"two"),)), meta={"mode": "644", "y": "2"}))
    third = journal.put(replace(first, meta={"mode": "600", "x": "1"}))
    assert third.content == second.content
    assert third.meta == {"mode": "600", "y": "2"}
    assert third.generation == 3
    with pytest.raises(OSError) as caught:
        journal.put(replace(first, content=Hashmap(5, (block_hash(b"three"),))))
    assert caught.value.errno == errno.EBUSY
    assert journal.get(at("a")) == third


def test_update_changes_a_row_as_it_is(journal: Journal) -> None:
    journal.put(row("a", meta={"n": "0"}))

    def count() -> None:
        for _ in range(50):
            journal.update(at("a"), lambda one: replace(one, meta={"n": str(int(one.meta["n"]) + 1)}))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = journal.get(at("a"))
    assert found is not None
    assert found.meta == {"n": "200"}
    assert journal.update(at("none"), lambda one: one) is None
    assert journal.update(at("a"), lambda one: None) == found


def test_a_change_during_an_upload_is_based_on_the_upload(journal: Journal) -> None:
    old, new = info("a", "1", content_hash="01"), info("a", "2", content_hash="02")
    contents = [Hashmap(3, (block_hash(b"%d" % number),)) for number in range(3)]
    journal.put(row("a", contents[0], base="01", base_info=old))
    sent = claim(journal)
    assert sent is not None
    assert claim(journal) is None
    journal.begin(sent)
    journal.put(row("a", contents[1], base="01", base_info=old))
    assert claim(journal) is None  # one at a time
    assert not journal.settle(sent, new)
    found = journal.get(at("a"))
    assert found is not None
    assert (found.base, found.base_info, found.content, found.state) == ("02", new, contents[1], State.PENDING)
    # A third one, made from what was known before the upload ended.
    third = journal.put(row("a", contents[2], base="01", base_info=old))
    assert (third.base, third.base_info) == ("02", new)
    again = claim(journal)
    assert again is not None
    assert journal.settle(again, info("a", "3", content_hash="03"))
    assert len(journal) == 0
    # And one that comes when the row is gone.
    late = journal.put(row("a", contents[0], base="02", base_info=new))
    assert late.base == "03"
    # What is based on something else is left alone: somebody else's version is not ours.
    other = journal.put(row("a", contents[0], base="02", base_info=info("a", "77", content_hash="02")))
    assert other.base == "02"


def test_a_change_from_before_an_upload_was_based_anew_is_based_on_its_outcome(journal: Journal) -> None:
    """The uploader finds its own earlier upload on the server, replaces it, and only then the change comes."""
    old, found, new = (info("a", str(one), content_hash=f"0{one}") for one in (1, 2, 3))
    content = Hashmap(3, (block_hash(b"one"),))
    journal.put(row("a", content, base="01", base_info=old))
    sent = claim(journal)
    assert sent is not None
    based = journal.rebase(sent, found)
    assert based is not None
    assert (based.base, based.generation) == ("02", sent.generation)
    assert journal.settle(based, new)
    for base in (old, found):
        late = journal.put(row("a", content, base=base.etag, base_info=base))
        assert late.base_info == new
        assert journal.remove(late.id, late.generation)


def test_an_upload_that_was_begun_is_known_after_a_kill(journal: Journal, tmp_path: Path) -> None:
    content = Hashmap(3, (block_hash(b"one"),))
    journal.put(row("a", content))
    sent = claim(journal)
    assert sent is not None
    journal.begin(sent)
    journal.put(row("a", Hashmap(3, (block_hash(b"two"),))))
    journal.close()
    again = Journal(tmp_path / "slot")
    assert again.sent_before(at("a"), content.root, 3)
    assert not again.sent_before(at("a"), content.root, 4)
    assert not again.sent_before(at("b"), content.root, 3)
    now = claim(again)
    assert now is not None
    again.settle(now, info("a", "5"))
    assert not again.sent_before(at("a"), content.root, 3)
    again.close()


# the order of sending -------------------------------------------------------------------------------------------------


def test_rows_are_claimed_in_the_order_in_which_they_are_ready(journal: Journal) -> None:
    for name, ready in (("late", 30.0), ("first", 10.0), ("second", 20.0)):
        journal.put(row(name, ready_at=ready))
    journal.put(row("open", ready_at=0.0, state=State.OPEN))
    assert journal.claim(5.0, lambda path: True) == (None, 10.0)
    found, _ = journal.claim(25.0, lambda path: True)
    assert found is not None
    assert found.path.name == "first"
    state = journal.get(at("first"))
    assert state is not None
    assert state.state is State.UPLOADING
    assert journal.claim(25.0, lambda path: path.name != "second") == (None, 30.0)
    second, _ = journal.claim(25.0, lambda path: True)
    assert second is not None
    assert second.path.name == "second"
    journal.unclaim(found)
    again, _ = journal.claim(25.0, lambda path: True)
    assert again == found


def test_failures_wait_and_are_told(journal: Journal, tmp_path: Path) -> None:
    journal.put(row("a"))
    found = claim(journal, 1e9)
    assert found is not None
    journal.failed(found, State.FAILED, "not allowed", float("inf"))
    assert claim(journal) is None
    kept = journal.get(at("a"))
    assert kept is not None
    assert (kept.state, kept.error, kept.attempts) == (State.FAILED, "not allowed", 1)
    assert [one.path.name for one in journal.expedite(None)] == ["a"]
    again = claim(journal)
    assert again is not None
    journal.failed(again, State.PENDING, "server failed", 2e9)
    assert journal.claim(2e9 - 1, lambda path: True) == (None, 2e9)
    # A clock that was set back does not make it wait for long.
    assert claim(journal, 1e9) is not None


def test_a_conflict_moves_the_row_and_is_remembered(journal: Journal, tmp_path: Path) -> None:
    content = Hashmap(3, (block_hash(b"one"),))
    journal.put(row("a", content, base="01", base_info=info("a", "1"), sharing=Sharing(("x",)), public=True))
    found = claim(journal)
    assert found is not None
    copy = journal.set_aside(found, at("a (conflict)"))
    assert copy is not None
    assert (copy.content, copy.base, copy.base_info, copy.state) == (content, "", None, State.CONFLICT)
    assert (copy.sharing, copy.public) == (None, None)
    assert journal.conflict(at("a")) == at("a (conflict)")
    journal.close()
    again = Journal(tmp_path / "slot")
    assert again.conflicts() == {at("a"): at("a (conflict)")}
    assert [one.path.name for one in again.all()] == ["a (conflict)"]
    again.put(row("a"))
    assert again.conflict(at("a")) is None
    again.close()


# slots ----------------------------------------------------------------------------------------------------------------


def test_slots_are_locked_and_leftovers_found(tmp_path: Path) -> None:
    one, left = Journal.open_slot(tmp_path, "alice")
    assert left == []
    two, left = Journal.open_slot(tmp_path, "alice")
    assert left == []
    assert two.directory != one.directory
    other, _ = Journal.open_slot(tmp_path, "bob")
    assert other.directory not in (one.directory, two.directory)
    with pytest.raises(LocalError):
        Journal(one.directory)
    one.put(row("in one"))
    two.put(row("in two"))
    for journal in (one, two, other):
        journal.close()
    own, left = Journal.open_slot(tmp_path, "alice")
    assert [row.path.name for row in own.all()] == ["in one"]
    assert [[row.path.name for row in journal.all()] for journal in left] == [["in two"]]
    for journal in (own, *left):
        journal.close()
    bob, left = Journal.open_slot(tmp_path, "bob")
    assert (len(bob), left) == (0, [])
    bob.close()


def test_a_damaged_journal_is_told_and_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "slot")
    journal.put(row("a"))
    journal.close()
    file = tmp_path / "slot" / "journal.db"
    data = bytearray(file.read_bytes())
    data[:100] = os.urandom(100)
    file.write_bytes(data)
    with pytest.raises(LocalError, match="cannot be used"):
        Journal(tmp_path / "slot")
    assert file.read_bytes() == data


def test_a_journal_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    Journal(tmp_path / "slot").close()
    db = sqlite3.connect(tmp_path / "slot" / "journal.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LocalError, match="another version"):
        Journal(tmp_path / "slot")


# power cuts and kills -------------------------------------------------------------------------------------------------


def test_what_replaces_a_durable_row_is_durable(journal: Journal, staging: Staging) -> None:
    """Else a power cut could leave the newer row without its blocks, and the older one's blocks deleted."""
    one, two = staged(staging, b"one"), staged(staging, b"two")
    journal.put(row("a", one), durable=True)
    journal.put(row("a", two))
    for content in (one, two):
        let_go(staging, content)
    db = sqlite3.connect(journal.directory / "journal.db")
    assert db.execute("SELECT durable FROM pending").fetchall() == [(1,)]
    db.close()
    assert staging._unsynced.isdisjoint(two.hashes)


WRITER = """
import os, random, sys
from pathlib import Path
from dataclasses import replace
from pithosfs.blocks import Hashmap
from pithosfs.mount.content import Content
from pithosfs.mount.journal import Journal, Pending, State
from pithosfs.mount.staging import Staging
from pithosfs.cache import BlockCache
from pithosfs.store import ObjectPath
from concurrent.futures import ThreadPoolExecutor

directory, seed = Path(sys.argv[1]), int(sys.argv[2])
journal = Journal(directory / "slot")
staging = Staging(journal.directory)
journal.attach(staging)
cache = BlockCache(directory / "cache")
pool = ThreadPoolExecutor(2)
chance = random.Random(seed)
number = 0

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def row(name, content):
    return Pending(0, ObjectPath("me", "c", name), "file", content, None, "", None, {"seed": str(seed)}, "")

say("begun")
while True:
    number += 1
    name = f"f{chance.randrange(6)}"
    path = ObjectPath("me", "c", name)
    act = chance.choice(["write", "write", "write", "remove", "rename", "rename below"])
    if act == "write":
        text = f"{seed} {number} ".encode() * chance.randrange(1, 40)
        content = Content(staging, cache, None, Hashmap(0, (), 64), None, executor=pool, cloud_key="")
        content.write(0, text)
        say("try", name, text.hex())
        journal.put(row(name, content.seal()), durable=chance.random() < 0.1)
        content.discard()
        say("done")
    elif act == "remove":
        found = journal.get(path)
        if found is not None:
            say("try", name, "-")
            journal.remove(found.id, found.generation)
            say("done")
    elif act == "rename":
        other = f"f{chance.randrange(6)}"
        if other != name and journal.get(path) is not None:
            say("rename", name, other)
            journal.rename(path, ObjectPath("me", "c", other))
            say("done")
    else:
        other = f"f{chance.randrange(6)}"
        if other != name and journal.get(path) is not None:
            say("rename", name, other)
            journal.rename_below(path, ObjectPath("me", "c", other))
            say("done")
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    """A process writes, removes and renames in a loop and says before and after each step what it does; it is killed,
    and what it said is compared with what the journal has, over and over on the same journal."""
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    chance = random.Random(5)
    expected: dict[str, bytes] = {}
    steps = 0
    for turn in range(25):
        process = subprocess.Popen([sys.executable, str(script), str(tmp_path), str(turn)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        wanted = chance.randrange(1, 120)
        lines = [process.stdout.readline().decode() for _ in range(wanted)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().decode().splitlines(keepends=True)
        process.stdout.close()
        process.wait()
        said = [line.split() for line in lines if line.endswith("\n")]
        begun: list[str] | None = None
        for words in said[1:]:
            if words == ["done"]:
                assert begun is not None
                expected = after(expected, begun)
                begun = None
                steps += 1
            else:
                begun = words
        found = contents(tmp_path)
        allowed = [expected] if begun is None else [expected, after(expected, begun)]
        assert found in allowed
        expected = found
    assert steps > 300


def after(before: dict[str, bytes], words: list[str]) -> dict[str, bytes]:
    result = dict(before)
    if words[0] == "rename":
        result[words[2]] = result.pop(words[1])
    elif words[2] == "-":
        result.pop(words[1], None)
    else:
        result[words[1]] = bytes.fromhex(words[2])
    return result


def contents(directory: Path) -> dict[str, bytes]:
    """What the journal has, every block verified."""
    journal = Journal(directory / "slot")
    staging = Staging(journal.directory)
    journal.attach(staging)
    try:
        assert journal.check(staging) == []
        found = {}
        for one in journal.all():
            assert one.content is not None
            pieces = [
                staging.read(name, 0, one.content.block_length(index)) for index, name in enumerate(one.content.hashes)
            ]
            found[one.path.name] = b"".join(piece for piece in pieces if piece is not None)
        return found
    finally:
        staging.close()
        journal.close()


def test_threads_that_put_remove_and_rename_leave_it_in_order(journal: Journal, staging: Staging) -> None:
    def work(number: int) -> None:
        chance = random.Random(number)
        for turn in range(80):
            name = f"f{chance.randrange(4)}"
            act = chance.randrange(4)
            if act < 2:
                content = staged(staging, b"%d %d" % (number % 2, turn % 5))
                journal.put(row(name, content), durable=act == 1 and turn % 10 == 0)
                let_go(staging, content)
            elif act == 2:
                found = journal.get(at(name))
                if found is not None:
                    journal.remove(found.id, found.generation)
            else:
                journal.rename(at(name), at(f"f{chance.randrange(4)}x"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    # The fixture checks it.


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root to mount a small file system")
    libc = ctypes.CDLL(None, use_errno=True)
    point = tmp_path / "small"
    point.mkdir()
    if libc.mount(b"tmpfs", os.fsencode(point), b"tmpfs", 0, b"size=512k"):
        pytest.skip(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    try:
        journal = Journal(point / "slot")
        kept = []
        with pytest.raises(OSError) as caught:
            for number in itertools.count():
                kept.append(journal.put(row(f"f{number}", meta={"k": "v" * 3000})))
        assert caught.value.errno == errno.ENOSPC
        assert len(kept) > 10
        assert journal.all() == kept
        with pytest.raises(OSError):
            journal.put(replace(kept[0], meta={"k": "w" * 50_000}))
        assert journal.get(kept[0].path) == kept[0]
        journal.close()
        again = Journal(point / "slot")
        assert [one.path for one in again.all()] == [one.path for one in kept]
        again.close()
    finally:
        assert libc.umount2(os.fsencode(point), 0) == 0


# against a model ------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "a/b", "a/b/c", "a/bb", "d", "d/b"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, NAMES),
        st.tuples(st.just("remove"), NAMES, NAMES),
        st.tuples(st.just("rename"), NAMES, NAMES),
        st.tuples(st.just("rename below"), NAMES, NAMES),
        st.tuples(st.just("reopen"), NAMES, NAMES),
    ),
    max_size=25,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_names_against_a_model(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]) -> None:
    directory = tmp_path_factory.mktemp("names")
    journal = Journal(directory)
    model: dict[str, str] = {}
    try:
        for number, (act, name, other) in enumerate(steps):
            if act == "put":
                journal.put(row(name, meta={"n": str(number)}))
                model[name] = str(number)
            elif act == "remove":
                found = journal.get(at(name))
                assert (found is None) == (name not in model)
                if found is not None:
                    journal.remove(found.id, found.generation)
                    del model[name]
            elif act == "rename" and name != other:
                journal.rename(at(name), at(other))
                if name in model:
                    model[other] = model.pop(name)
            elif act == "rename below" and not (other + "/").startswith(name + "/"):
                journal.rename_below(at(name), at(other))
                moved = {one: model.pop(one) for one in list(model) if (one + "/").startswith(name + "/")}
                model.update({other + one[len(name) :]: value for one, value in moved.items()})
            elif act == "reopen":
                journal.close()
                journal = Journal(directory)
            assert {one.path.name: one.meta["n"] for one in journal.all()} == model
            for folder in {"", "a", "a/b", "d"}:
                prefix = folder + "/" if folder else ""
                direct = {
                    one[len(prefix) :] for one in model if one.startswith(prefix) and "/" not in one[len(prefix) :]
                }
                assert set(journal.children(at(folder))) == direct
                below = {one for one in model if one.startswith(prefix)}
                assert {one.path.name for one in journal.below(at(folder))} == below
    finally:
        journal.close()
