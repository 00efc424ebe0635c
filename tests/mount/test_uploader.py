"""Bringing the journal to the cloud: requests, conflicts, trouble, kills."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.proxy import Answer, Drop, FaultProxy, Garbage, LoseAnswer
from fixtures.writeback import BLOCK, WriteBack, noise

from pithosfs.mount.conflictnames import conflict_name
from pithosfs.mount.journal import Journal, State
from pithosfs.mount.uploader import Uploader
from pithosfs.store import ObjectInfo, ObjectPath, Sharing
from pithosfs.store.pithos import open_store


@pytest.fixture(scope="module")
def user(cloud: TestCloud) -> User:
    return cloud.user("uploader")


@pytest.fixture
def wire(proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud) -> FaultProxy:
    return proxy(cloud)


@pytest.fixture
def bench(user: User, wire: FaultProxy, tmp_path: Path) -> Iterator[WriteBack]:
    store = open_store(user.cloud(through=wire))
    made = WriteBack(store, tmp_path)
    store.container(made.container)
    wire.forget()
    yield made
    for one in made.contents:
        one.discard()
    for uploader in made.uploaders:
        uploader.stop()
    wrong = made.journal.check(made.staging)
    made.close()
    store.close()
    assert wrong == []


def asked(wire: FaultProxy, pattern: str) -> int:
    return sum(bool(re.search(pattern, line)) for line in wire.request_lines())


def drained(bench: WriteBack, seconds: float = 60.0) -> None:
    uploader = bench.uploaders[-1] if bench.uploaders else bench.uploader()
    assert uploader.drain(deadline=time.monotonic() + seconds) == []
    assert len(bench.journal) == 0


def until(bench: WriteBack, condition: Callable[[], bool]) -> None:
    with bench.journal.changed:
        assert bench.journal.changed.wait_for(condition, 60)


# what is sent, and how ------------------------------------------------------------------------------------------------


def test_a_small_file_is_one_request(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", b"hello", meta={"mtime": "1.5"})
    drained(bench)
    assert bench.there("a") == b"hello"
    assert (bench.store.head(bench.path("a")).meta or {})["mtime"] == "1.5"
    assert asked(wire, "^PUT ") == 1
    assert asked(wire, "^POST ") == 0


@pytest.mark.parametrize("size", [0, 1, 131_072, 131_073, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_every_size_arrives_whole(bench: WriteBack, size: int) -> None:
    bench.write("a", noise(size))
    drained(bench)
    assert bench.there("a") == noise(size)
    assert bench.heard == [("noted", bench.path("a"))]


def test_trailing_nuls_and_holes_arrive(bench: WriteBack) -> None:
    content = bench.content()
    content.write(0, b"abc\0\0")
    bench.journal.put(bench.row("nuls", content.seal()))
    content.truncate(0)
    content.write(2 * BLOCK + 7, b"end\0")
    bench.journal.put(bench.row("hole", content.seal()))
    content.truncate(0)
    content.truncate(BLOCK * 3)
    bench.journal.put(bench.row("all hole", content.seal()))
    bench.drop(content)
    drained(bench)
    assert bench.there("nuls") == b"abc\0\0"
    assert bench.there("hole") == bytes(2 * BLOCK + 7) + b"end\0"
    assert bench.there("all hole") == bytes(3 * BLOCK)


def test_after_an_upload_the_blocks_are_in_the_cache(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(2 * BLOCK + 100)
    bench.write("a", data)
    drained(bench)
    assert bench.staging.staged() == set()
    info = bench.store.head(bench.path("a"))
    wire.forget()
    reader = bench.reader("a", info)
    assert b"".join(reader.read(offset, BLOCK) for offset in range(0, len(data), BLOCK)) == data
    assert wire.request_lines() == []


def test_one_changed_byte_in_a_large_file_sends_little(bench: WriteBack, wire: FaultProxy) -> None:
    data = bytearray(noise(4 * BLOCK))
    info = bench.put("a", bytes(data))
    bench.edit("a", info, 2 * BLOCK + 11, b"!")
    wire.forget()
    drained(bench)
    data[2 * BLOCK + 11 : 2 * BLOCK + 12] = b"!"
    assert wire.sent < 10_000
    assert bench.there("a") == data
    assert bench.versions("a") == 2


def test_a_changed_block_is_the_only_one_sent(bench: WriteBack, wire: FaultProxy) -> None:
    data = bytearray(noise(4 * BLOCK))
    info = bench.put("a", bytes(data))
    content = bench.over("a", info)
    for offset in range(BLOCK + 5, BLOCK + 3_000_000, 300_000):
        content.write(offset, b"changed")
        data[offset : offset + 7] = b"changed"
    bench.journal.put(bench.row("a", content.seal(), origin=content.origin, base=info.etag, base_info=info))
    bench.drop(content)
    wire.forget()
    drained(bench)
    assert BLOCK < wire.sent < BLOCK + 20_000
    assert bench.there("a") == data


def test_what_the_cloud_has_is_not_sent_again(bench: WriteBack, wire: FaultProxy) -> None:
    bench.put("there", noise(3 * BLOCK))
    wire.forget()
    bench.write("copy", noise(3 * BLOCK))
    drained(bench)
    assert wire.sent < 10_000
    assert bench.there("copy") == noise(3 * BLOCK)


def test_folders_symlinks_and_deletions(bench: WriteBack) -> None:
    bench.journal.put(bench.row("d", None, "folder", content_type="application/directory", meta={"mode": "700"}))
    content = bench.content()
    content.write(0, b"../target")
    bench.journal.put(bench.row("d/link", content.seal(), "symlink", content_type="inode/symlink"))
    bench.drop(content)
    drained(bench)
    head = bench.store.head(bench.path("d"))
    assert head.is_directory
    assert (head.meta or {})["mode"] == "700"
    assert bench.there("d/link") == b"../target"
    info = bench.store.head(bench.path("d/link"))
    bench.journal.put(bench.row("d/link", None, "gone", base=info.etag, base_info=info))
    bench.journal.put(bench.row("never there", None, "gone", base="ab"))
    drained(bench)
    assert bench.names() == ["d"]
    assert ("gone", bench.path("d/link")) in bench.heard


def test_metadata_alone_makes_no_content_move(bench: WriteBack, wire: FaultProxy) -> None:
    info = bench.put("a", noise(BLOCK + 5), keep="1", drop="2")
    wire.forget()
    bench.journal.put(
        bench.row("a", None, base=info.etag, base_info=info, meta={"keep": "1", "new": "3"}, content_type="text/plain")
    )
    drained(bench)
    assert bench.store.head(bench.path("a")).meta == {"keep": "1", "new": "3"}
    assert wire.sent < 5000
    info = bench.store.head(bench.path("a"))
    bench.journal.put(
        bench.row(
            "a", None, base=info.etag, base_info=info, meta={"new": "4"}, content_type="x/y",
            sharing=Sharing(("*",), ()), public=True,
        )
    )  # fmt: skip
    drained(bench)
    head = bench.store.head(bench.path("a"))
    assert (head.meta, head.content_type, head.sharing) == ({"new": "4"}, "x/y", Sharing(("*",), ()))
    assert head.public


def test_metadata_goes_onto_what_others_made_meanwhile(bench: WriteBack) -> None:
    info = bench.put("a", b"one", mine="1", other="1")
    bench.put("a", b"two", mine="1", other="2")
    bench.journal.put(bench.row("a", None, base=info.etag, base_info=info, meta={"mine": "9", "other": "1"}))
    drained(bench)
    head = bench.store.head(bench.path("a"))
    assert head.meta == {"mine": "9", "other": "2"}
    assert bench.there("a") == b"two"
    bench.store.delete(bench.path("a"))
    bench.journal.put(bench.row("a", None, base=head.etag, base_info=head, meta={"mine": "10"}))
    drained(bench)
    assert bench.names() == []


def test_sharing_and_publication_are_set_with_the_content(bench: WriteBack) -> None:
    bench.write("a", b"x", sharing=Sharing(("*",), ()), public=True)
    drained(bench)
    head = bench.store.head(bench.path("a"))
    assert head.sharing == Sharing(("*",), ())
    assert head.public


def test_a_thousand_small_files(bench: WriteBack) -> None:
    for number in range(1000):
        bench.write(f"d{number % 7}/{number}", b"%d" % number)
    drained(bench)
    assert len(bench.names()) == 1000
    assert bench.there("d3/500") == b"500"


# when -----------------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_it_is_ready_or_while_it_is_open(bench: WriteBack) -> None:
    soon = time.time() + 1.0
    bench.write("open", b"1", state=State.OPEN)
    bench.write("later", b"2", ready_at=soon)
    bench.uploader()
    until(bench, lambda: bench.journal.get(bench.path("later")) is None)
    assert time.time() >= soon
    assert bench.names() == ["later"]
    drained(bench)
    assert bench.names() == ["later", "open"]


def test_a_drain_of_a_folder_leaves_the_rest(bench: WriteBack) -> None:
    never = time.time() + 250
    for name in ("d", "d/a", "d/e/f", "dx"):
        bench.write(name, b"x", ready_at=never)
    uploader = bench.uploader()
    assert uploader.drain(bench.path("d"), deadline=None) == []
    assert bench.names() == ["d", "d/a", "d/e/f"]
    drained(bench)


def test_the_tree_hears_of_it_before_the_row_goes(bench: WriteBack) -> None:
    seen: list[bool] = []
    bench.on_noted = lambda path, info: seen.append(bench.journal.get(path) is not None)
    bench.write("a", b"x")
    drained(bench)
    assert seen == [True]


def test_progress_is_told_during_a_drain(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", noise(6 * BLOCK))
    wire.delay = 0.1
    told: list[dict[str, object]] = []
    assert bench.uploader().drain(deadline=time.monotonic() + 60, progress=told.append) == []
    assert told
    assert any(one["uploading"] for one in told)
    assert told[0]["pending_bytes"] == 6 * BLOCK


def test_a_file_that_changes_while_it_is_sent_is_sent_again(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", noise(2 * BLOCK, "old"))
    begun = threading.Event()

    def changed(path: ObjectPath, info: ObjectInfo) -> None:
        if not begun.is_set():
            begun.set()
            # As a program that writes once more at this moment, knowing nothing of the upload yet.
            bench.write("a", noise(2 * BLOCK, "new"))

    bench.on_noted = changed
    drained(bench)
    assert bench.there("a") == noise(2 * BLOCK, "new")
    assert bench.versions("a") == 2
    assert bench.names() == ["a"]
    assert bench.journal.conflicts() == {}


def test_writing_all_the_time_never_makes_a_conflict(bench: WriteBack) -> None:
    """Each close() is made from what was known before it, as the file system does; uploads run all the while."""
    uploader = bench.uploader(connections=4)
    stop = threading.Event()

    def write(number: int) -> None:
        name, turn = f"f{number}", 0
        base, base_info = "", None

        def noted(info: ObjectInfo) -> None:
            nonlocal base, base_info
            base, base_info = info.etag or "", info

        heard[bench.path(name)] = noted
        while not stop.is_set():
            turn += 1
            row = bench.journal.get(bench.path(name))
            known = (row.base, row.base_info) if row is not None else (base, base_info)
            data = b"%d %d" % (number, turn)
            bench.write(name, data, base=known[0], base_info=known[1])
            last[name] = data

    def ignored(info: ObjectInfo) -> None:
        """A conflict copy: its name tells at the end."""

    heard: dict[ObjectPath, Callable[[ObjectInfo], None]] = {}
    last: dict[str, bytes] = {}
    bench.on_noted = lambda path, info: heard.get(path, ignored)(info)
    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for one in threads:
        one.start()
    stop.wait(3)
    stop.set()
    for one in threads:
        one.join()
    assert uploader.drain(deadline=time.monotonic() + 60) == []
    assert bench.names() == ["f0", "f1", "f2"]
    assert {name: bench.there(name) for name in last} == last
    assert bench.journal.conflicts() == {}
    assert bench.versions("f0") > 3


# while it is still being written --------------------------------------------------------------------------------------


def test_finished_blocks_are_sent_before_the_file_is_closed(bench: WriteBack, wire: FaultProxy) -> None:
    uploader = bench.uploader()
    content = bench.content(ready=lambda name: uploader.early_block(bench.container, name))
    data = noise(6 * BLOCK + 10)
    for start in range(0, len(data), 1 << 20):
        content.write(start, data[start : start + (1 << 20)])
    end = time.monotonic() + 30
    while wire.sent < 4 * BLOCK and time.monotonic() < end:
        threading.Event().wait(0.02)
    assert asked(wire, "^POST ") >= 4
    sent = wire.sent
    assert sent >= 4 * BLOCK
    bench.journal.put(bench.row("a", content.seal()))
    bench.drop(content)
    drained(bench)
    assert wire.sent - sent < 3.5 * BLOCK
    assert wire.sent < len(data) + 100_000  # nothing twice
    assert bench.there("a") == data


def test_early_blocks_that_the_cloud_has_are_not_sent(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(6 * BLOCK)
    bench.put("there", data)
    wire.forget()
    uploader = bench.uploader()
    content = bench.content(ready=lambda name: uploader.early_block(bench.container, name))
    content.write(0, data)
    content.write(len(data), b"end")
    bench.journal.put(bench.row("a", content.seal()))
    bench.drop(content)
    drained(bench)
    assert wire.sent < 20_000 + BLOCK


# conflicts ------------------------------------------------------------------------------------------------------------


def conflict_copies(bench: WriteBack) -> list[str]:
    return [name for name in bench.names() if "(conflict " in name]


def test_when_somebody_else_was_faster_both_are_kept(bench: WriteBack) -> None:
    info = bench.put("d/report.txt", b"common")
    theirs = bench.put("d/report.txt", b"theirs")
    bench.write("d/report.txt", b"ours", base=info.etag, base_info=info)
    drained(bench)
    assert bench.there("d/report.txt") == b"theirs"
    assert bench.store.head(bench.path("d/report.txt")).version == theirs.version
    (copy,) = conflict_copies(bench)
    assert re.fullmatch(r"d/report \(conflict \S+ \d{4}-\d\d-\d\d\)\.txt", copy)
    assert bench.there(copy) == b"ours"
    assert bench.journal.conflict(bench.path("d/report.txt")) == bench.path(copy)
    assert bench.heard[:2] == [("set aside", bench.path(copy)), ("changed", bench.path("d/report.txt"))]


def test_a_second_conflict_gets_a_number(bench: WriteBack) -> None:
    for turn in range(3):
        info = bench.put("a", b"common %d" % turn)
        bench.put("a", b"theirs %d" % turn)
        bench.write("a", b"ours %d" % turn, base=info.etag, base_info=info)
        drained(bench)
    assert sorted(map(bench.there, conflict_copies(bench))) == [b"ours 0", b"ours 1", b"ours 2"]


def test_a_new_file_where_somebody_made_one_is_a_conflict(bench: WriteBack) -> None:
    bench.put("a", b"theirs")
    bench.write("a", b"ours")
    drained(bench)
    assert bench.there("a") == b"theirs"
    assert [bench.there(one) for one in conflict_copies(bench)] == [b"ours"]


def test_the_same_content_made_twice_is_no_conflict(bench: WriteBack) -> None:
    bench.put("a", b"same")
    bench.write("a", b"same")
    drained(bench)
    assert bench.names() == ["a"]


def test_a_large_file_in_conflict_keeps_blocks_of_its_origin(bench: WriteBack) -> None:
    data = noise(3 * BLOCK)
    info = bench.put("a", data)
    bench.edit("a", info, BLOCK, b"ours")
    bench.put("a", noise(3 * BLOCK, "theirs"))
    drained(bench)
    (copy,) = conflict_copies(bench)
    assert bench.there(copy) == data[:BLOCK] + b"ours" + data[BLOCK + 4 :]


def test_what_was_deleted_elsewhere_is_made_again_by_a_change(bench: WriteBack) -> None:
    info = bench.put("a", b"common")
    bench.store.delete(bench.path("a"))
    bench.write("a", b"ours", base=info.etag, base_info=info)
    drained(bench)
    assert bench.there("a") == b"ours"
    assert bench.names() == ["a"]


def test_a_deletion_spares_what_somebody_changed(bench: WriteBack) -> None:
    info = bench.put("a", b"common")
    bench.put("a", b"theirs")
    bench.journal.put(bench.row("a", None, "gone", base=info.etag, base_info=info))
    drained(bench)
    assert bench.there("a") == b"theirs"


def test_a_deletion_sees_trailing_nuls(bench: WriteBack) -> None:
    info = bench.put("a", b"abc")
    bench.put("a", b"abc\0")
    bench.journal.put(bench.row("a", None, "gone", base=info.etag, base_info=info))
    drained(bench)
    assert bench.there("a") == b"abc\0"


def test_two_who_make_the_same_folder(bench: WriteBack) -> None:
    bench.store.put_object(bench.path("d"), b"", content_type="application/directory", meta={"x": "1"}, base=None)
    bench.journal.put(bench.row("d", None, "folder", content_type="application/directory"))
    drained(bench)
    assert bench.names() == ["d"]
    bench.put("file", b"theirs")
    bench.journal.put(bench.row("file", None, "folder", content_type="application/directory"))
    drained(bench)
    assert bench.there("file") == b"theirs"


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("a.txt", 1, "a (conflict host 2026-11-23).txt"),
        ("d.d/a", 2, "d.d/a (conflict host 2026-11-23 2)"),
        (".profile", 1, ".profile (conflict host 2026-11-23)"),
        ("a.tar.gz", 1, "a.tar (conflict host 2026-11-23).gz"),
        ("ends.", 1, "ends (conflict host 2026-11-23)."),
        ("a.not an extension at all", 1, "a.not an extension at all (conflict host 2026-11-23)"),
    ],
)
def test_conflict_names(name: str, number: int, expected: str) -> None:
    path = ObjectPath("me", "c", name)
    assert conflict_name(path, "host", "2026-11-23", number) == replace(path, name=expected)


@pytest.mark.parametrize("stem", ["x" * 251, "ü" * 125, "d/" * 400 + "x" * 200])
def test_conflict_names_keep_to_the_limits(stem: str) -> None:
    name = conflict_name(ObjectPath("me", "c", f"{stem}.txt"), "host", "2026-11-23", 12).name
    assert name.endswith(" (conflict host 2026-11-23 12).txt")
    assert len(name) <= 1024
    assert len(name.rpartition("/")[2].encode()) <= 255


# kills and lost answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5, 2 * BLOCK + 5])
def test_a_put_whose_answer_was_lost_is_not_made_twice(bench: WriteBack, wire: FaultProxy, size: int) -> None:
    bench.write("a", noise(size), meta={"k": "v"})
    wire.when(lambda request: request.method == "PUT" and "/a" in request.target, LoseAnswer(), times=20)
    uploader = bench.uploader()
    assert len(uploader.drain(deadline=None)) == 1
    wire.restore()
    drained(bench)
    assert bench.there("a") == noise(size)
    assert bench.names() == ["a"]


def test_an_upload_before_a_kill_is_recognised_when_the_row_moved_on(bench: WriteBack) -> None:
    """The process sent one content, journaled another, and was killed before it noted the first."""
    bench.write("a", b"first")
    uploader = bench.uploader(start=False)
    row, _ = bench.journal.claim(time.time() + 1, lambda path: True)
    assert row is not None
    bench.journal.begin(row)
    bench.put("a", b"first")
    bench.write("a", b"second")
    uploader.stop()
    bench.reopen()
    drained(bench)
    assert bench.there("a") == b"second"
    assert bench.names() == ["a"]
    assert bench.versions("a") == 2


def test_a_restart_goes_on_where_it_was(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(8 * BLOCK, "restart")  # blocks that no other test has sent
    bench.write("a", data, ready_at=time.time() + 250)  # first tried by the drain
    bench.write("b", b"small")
    wire.when("^POST ", Answer(403), times=4)  # not repeated, unlike server trouble
    uploader = bench.uploader()
    assert uploader.drain(bench.path("a"), deadline=None)
    bench.reopen()
    wire.forget()
    drained(bench)
    assert bench.there("a") == data
    assert bench.there("b") == b"small"


WRITER = """
import os, random, sys
from pathlib import Path
from fixtures.writeback import WriteBack
from pithosfs.config import Cloud
from pithosfs.errors import NotFound
from pithosfs.store.pithos import open_store

directory, url, token, container, seed = sys.argv[1:]
store = open_store(Cloud("test", url, token))
bench = WriteBack(store, Path(directory), container=container)
known = {}

def noted(path, info):
    known[path] = info

bench.on_noted = noted
bench.uploader()
chance = random.Random(int(seed))
number = 0
while True:
    number += 1
    name = f"f{chance.randrange(4)}"
    path = bench.path(name)
    row = bench.journal.get(path)
    if row is not None:
        base, info = row.base, row.base_info
    else:
        if path not in known:
            try:
                known[path] = store.head(path)
            except NotFound:
                known[path] = None
        info = known[path]
        base = info.etag if info is not None else ""
    text = f"{seed} {number} ".encode() * chance.choice([1, 10, 30_000, 500_000])
    os.write(1, f"try {name} {seed} {number} {len(text)}\\n".encode())
    bench.write(name, text, base=base, base_info=info, meta={"n": f"{seed}-{number}"})
    os.write(1, b"done\\n")
"""


def test_a_writer_that_is_killed_again_and_again_loses_nothing_and_makes_no_conflicts(
    user: User, bench: WriteBack, tmp_path: Path
) -> None:
    """It writes and sends at the same time; each start goes on with the journal of the one before."""
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    directory = tmp_path / "killed"
    chance = random.Random(7)
    tests = Path(__file__).parent.parent
    expected: dict[str, list[str]] = {}
    steps = 0
    for turn in range(8):
        process = subprocess.Popen(
            [sys.executable, str(script), str(directory), user.url, user.token, bench.container, str(turn)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tests)},
        )
        assert process.stdout is not None
        lines = [process.stdout.readline().decode() for _ in range(chance.randrange(10, 120))]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().decode().splitlines(keepends=True)
        process.stdout.close()
        process.wait()
        begun: list[str] | None = None
        for line in lines:
            if line == "done\n":
                assert begun is not None
                expected[begun[1]] = begun[2:]
                begun = None
                steps += 1
            elif line.endswith("\n"):
                begun = line.split()
        if begun is not None:
            # It may have come into the journal or not, and from there to the cloud already.
            mark, path = f"{begun[2]}-{begun[3]}", bench.path(begun[1])
            journal = Journal(directory / "slot")
            row = journal.get(path)
            journal.close()
            if row is not None:
                kept = row.meta["n"] == mark
            else:
                kept = begun[1] in bench.names() and (bench.store.head(path).meta or {})["n"] == mark
            if kept:
                expected[begun[1]] = begun[2:]
    assert steps > 50
    after = WriteBack(user.store, directory, container=bench.container)
    try:
        assert after.journal.check(after.staging) == []
        drained(after)
        found = {name: bench.there(name) for name in bench.names()}
        assert found == {
            name: (f"{seed} {number} ".encode() * int(size))[: int(size)]
            for name, (seed, number, size) in expected.items()
        }
        assert after.journal.check(after.staging) == []
    finally:
        after.close()


def test_stop_in_the_middle_keeps_everything(bench: WriteBack, wire: FaultProxy) -> None:
    for number in range(6):
        bench.write(f"f{number}", noise(3 * BLOCK, str(number)))
    wire.delay = 0.05
    uploader = bench.uploader()
    until(bench, lambda: len(bench.journal) < 6)
    uploader.stop()
    left = bench.journal.all()
    assert all(row.state is State.PENDING for row in left)
    wire.delay = 0.0
    bench.reopen()
    drained(bench)
    for number in range(6):
        assert bench.there(f"f{number}") == noise(3 * BLOCK, str(number))


# trouble --------------------------------------------------------------------------------------------------------------


def test_without_a_connection_everything_waits_and_goes_on_by_itself(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", b"x")
    bench.write("b", b"y")
    wire.refuse()
    uploader = bench.uploader()
    left = uploader.drain(deadline=None)
    assert [row.path.name for row in left] == ["a", "b"]
    assert all(row.error for row in left)
    assert uploader.status()["pending_files"] == 2
    wire.restore()
    until(bench, lambda: len(bench.journal) == 0)  # nobody asks
    assert bench.names() == ["a", "b"]


def test_a_drain_with_a_deadline_waits_for_the_connection(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", b"x")
    wire.when("", Drop())
    uploader = bench.uploader()
    threading.Timer(2.0, wire.restore).start()
    assert uploader.drain(deadline=time.monotonic() + 60) == []


@pytest.mark.parametrize("fault", [Answer(503), Answer(500), Garbage()])
def test_a_server_in_trouble_is_tried_again(bench: WriteBack, wire: FaultProxy, fault: Answer | Garbage) -> None:
    bench.write("a", noise(BLOCK + 1))
    wire.when("/a", fault, times=7)  # more than one request is repeated
    drained(bench)
    assert bench.there("a") == noise(BLOCK + 1)


def test_garbage_for_json_does_no_harm(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", noise(BLOCK * 2))
    wire.when(r"^PUT .*hashmap", Answer(409, b"{ rubbish"), times=1)
    wire.when(r"^POST ", Answer(202, b'["deadbeef"]'), times=1)
    drained(bench)
    assert bench.there("a") == noise(BLOCK * 2)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_the_cloud_refuses_is_kept_and_reported(bench: WriteBack, wire: FaultProxy, status: int) -> None:
    bench.write("a", b"x")
    bench.write("b", b"y")
    wire.when("/a", Answer(status))
    uploader = bench.uploader()
    (left,) = uploader.drain(deadline=time.monotonic() + 60)
    assert (left.path.name, left.state) == ("a", State.FAILED)
    assert left.error
    assert uploader.status()["failed"] == [[f"{bench.container}/a", left.error]]
    assert bench.there("b") == b"y"
    bench.reopen()
    wire.restore()
    drained(bench)
    assert bench.there("a") == b"x"


def test_a_token_that_expired_is_no_loss(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", b"x")
    wire.when("/a", Answer(401))
    uploader = bench.uploader()
    (left,) = uploader.drain(deadline=None)
    assert left.state is State.PENDING
    wire.restore()
    drained(bench)


def test_a_container_that_is_gone_keeps_its_rows(bench: WriteBack) -> None:
    bench.write("a", b"x")
    bench.store.delete_container(bench.container)
    (left,) = bench.uploader().drain(deadline=time.monotonic() + 60)
    assert left.state is State.FAILED
    bench.store.create_container(bench.container)
    drained(bench)
    assert bench.there("a") == b"x"


def test_over_quota_is_told_and_ends_when_something_is_deleted(cloud: TestCloud, tmp_path: Path) -> None:
    owner = cloud.user("quota", 3 * BLOCK)
    bench = WriteBack(owner.store, tmp_path, container="pithos")
    try:
        big = bench.put("big", noise(2 * BLOCK))
        bench.write("a", noise(2 * BLOCK, "a"))
        bench.write("small", b"x")
        uploader = bench.uploader()
        assert not uploader.over_quota
        (left,) = uploader.drain(deadline=time.monotonic() + 60)
        assert (left.path.name, left.state) == ("a", State.FAILED)
        assert "quota" in left.error
        assert uploader.over_quota
        bench.journal.put(bench.row("big", None, "gone", base=big.etag, base_info=big))
        until(bench, lambda: len(bench.journal) == 0)
        assert not uploader.over_quota
        assert bench.there("a") == noise(2 * BLOCK, "a")
        assert bench.names() == ["a", "small"]
    finally:
        bench.close()


def test_a_block_damaged_on_the_local_disk_is_never_sent(bench: WriteBack) -> None:
    for name in ("bad", "good"):
        bench.write(name, noise(BLOCK + 100, name))
    row = bench.journal.get(bench.path("bad"))
    assert row is not None
    assert row.content is not None
    file = bench.staging.directory / f"b-{row.content.hashes[1]}"
    sound = file.read_bytes()
    bench.close()
    file.write_bytes(b"X" + sound[1:])  # as a power cut may do
    bench.open()
    (left,) = bench.uploader().drain(deadline=time.monotonic() + 60)
    assert (left.path.name, left.state) == ("bad", State.FAILED)
    assert "damaged" in left.error
    assert bench.names() == ["good"]
    bench.close()
    file.write_bytes(sound)
    bench.open()
    drained(bench)
    assert bench.there("bad") == noise(BLOCK + 100, "bad")


def test_a_row_whose_blocks_are_gone_is_done_when_the_cloud_has_them(bench: WriteBack) -> None:
    """After a power cut a row may come back that was sent, its blocks not."""
    bench.put("a", noise(100_000))
    row = bench.write("b", noise(100_000))
    assert row.content is not None
    content = row.content
    bench.close()
    (bench.staging.directory / f"b-{content.hashes[0]}").unlink()
    bench.open()
    drained(bench)
    assert bench.there("b") == noise(100_000)


def test_a_failing_report_keeps_the_row(bench: WriteBack) -> None:
    calls: list[int] = []

    def noted(path: ObjectPath, info: ObjectInfo) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(errno.EIO, "not noted")

    bench.on_noted = noted
    bench.write("a", b"x", ready_at=time.time() + 250)  # first tried by the drain
    (left,) = bench.uploader().drain(deadline=None)
    assert left.path.name == "a"
    drained(bench)
    assert len(calls) == 2
    assert bench.versions("a") == 1


# hold -----------------------------------------------------------------------------------------------------------------


def test_within_a_hold_nothing_below_is_sent(bench: WriteBack) -> None:
    uploader = bench.uploader()
    with uploader.hold([bench.path("d"), bench.path("x")]):
        for name in ("d", "d/a", "x", "dd"):
            bench.write(name, b"1")
        assert uploader.drain(bench.path("dd"), deadline=time.monotonic() + 60) == []
        assert bench.names() == ["dd"]
        assert len(uploader.drain(bench.path("d"), deadline=time.monotonic() + 0.1)) == 2
    drained(bench)
    assert bench.names() == ["d", "d/a", "dd", "x"]


def test_a_hold_ends_what_is_under_way_at_its_next_block(bench: WriteBack, wire: FaultProxy) -> None:
    bench.write("a", noise(40 * BLOCK))
    wire.delay = 0.05
    uploader = bench.uploader(connections=2)
    until(bench, lambda: bool(uploader.status()["uploading"]))
    while not asked(wire, "^POST "):
        threading.Event().wait(0.01)
    with uploader.hold([bench.path("a")]):
        sent = asked(wire, "^POST ")
        assert sent < 40
        assert uploader.status()["uploading"] == []
        moved = bench.journal.rename(bench.path("a"), bench.path("b"))
        assert moved is not None
    wire.delay = 0.0
    drained(bench)
    assert bench.names() == ["b"]
    assert asked(wire, "^POST ") <= 42  # blocks that were sent are not sent again


def test_rows_of_an_ended_mount_are_sent_by_any_uploader(bench: WriteBack, tmp_path: Path) -> None:
    bench.write("a", noise(BLOCK + 7))
    bench.write("open", b"x", state=State.OPEN)
    bench.reopen()
    bench.uploader()
    until(bench, lambda: len(bench.journal) == 0)
    assert bench.names() == ["a", "open"]


def test_status_is_json(bench: WriteBack) -> None:
    bench.write("a", b"12345", ready_at=time.time() + 100)
    uploader: Uploader = bench.uploader()
    status = json.loads(json.dumps(uploader.status()))
    assert status == {"pending_files": 1, "pending_bytes": 5, "uploading": [], "failed": [], "conflicts": []}
