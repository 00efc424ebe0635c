"""What the watcher asks to look at, with real inotify events."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import NOBODY, LocalFolder, as_nobody, let_in
from fixtures.watched_folder import PATIENCE, Watched, covers

from pithosfs_daemon.folder import Watcher
from pithosfs_daemon.values import Dirty, Kind, Seen


@pytest.fixture
def watched(watch: Callable[..., Watched]) -> Watched:
    return watch(lambda local: local.write("d/e/a", b"x"))


def test_at_first_everything_is_to_be_looked_at(local: LocalFolder) -> None:
    with Watcher(local.folder) as watcher:
        assert watcher.wait(0)
        assert watcher.take() == Dirty(full=True)
        assert not watcher.wait(0)
        assert watcher.take() == Dirty()


def test_a_file_that_is_made_edited_or_touched(watched: Watched) -> None:
    (watched.root / "new").write_bytes(b"x")
    assert watched.seen() == Dirty(frozenset({"new"}))
    (watched.root / "d" / "e" / "a").write_bytes(b"edited")
    assert watched.seen() == Dirty(frozenset({"d/e/a"}))
    os.utime(watched.root / "new", ns=(1, 1))
    (watched.root / "d" / "e" / "a").chmod(0o600)
    assert watched.seen() == Dirty(frozenset({"new", "d/e/a"}))


def test_edits_are_seen_before_the_file_is_closed(watched: Watched) -> None:
    with open(watched.root / "d" / "e" / "a", "ab", buffering=0) as file:
        file.write(b"more")
        assert "d/e/a" in watched.seen().names
        file.write(b"and more")
        assert "d/e/a" in watched.seen().names


def test_reading_is_no_change(watched: Watched) -> None:
    watched.local.folder.scan("")
    (watched.root / "d" / "e" / "a").read_bytes()
    assert isinstance(watched.local.folder.look("d/e/a"), Seen)
    assert watched.seen() == Dirty()


def test_a_file_that_goes(watched: Watched) -> None:
    (watched.root / "d" / "e" / "a").unlink()
    assert watched.seen() == Dirty(frozenset({"d/e/a", "d/e"}))


def test_a_move_makes_both_names_dirty(watched: Watched) -> None:
    (watched.root / "d" / "e" / "a").rename(watched.root / "b")
    dirty = watched.seen()
    assert dirty.names >= {"d/e/a", "b"}
    assert not dirty.folders


def test_a_file_that_moves_out_or_in(watched: Watched, tmp_path: Path) -> None:
    (watched.root / "d" / "e" / "a").rename(tmp_path / "out")
    assert "d/e/a" in watched.seen().names
    (tmp_path / "out").rename(watched.root / "in")
    assert "in" in watched.seen().names


def test_saving_as_editors_do(watched: Watched) -> None:
    (watched.root / "d" / "e" / ".a.tmp").write_bytes(b"new")
    (watched.root / "d" / "e" / ".a.tmp").rename(watched.root / "d" / "e" / "a")
    assert {"d/e/a", "d/e/.a.tmp"} <= watched.seen().names


def test_a_folder_that_moves_is_looked_through_under_both_names(watched: Watched) -> None:
    (watched.root / "d").rename(watched.root / "f")
    assert watched.seen().folders == {"d", "f"}
    (watched.root / "f" / "e" / "a").write_bytes(b"y")
    assert watched.seen() == Dirty(frozenset({"f/e/a"}))


def test_a_folder_that_moves_out_is_watched_no_more(watched: Watched, tmp_path: Path) -> None:
    (watched.root / "d").rename(tmp_path / "out")
    assert watched.seen().folders == {"d"}
    (tmp_path / "out" / "e" / "a").write_bytes(b"y")
    assert watched.seen() == Dirty()
    (tmp_path / "out").rename(watched.root / "back")
    assert watched.seen().folders == {"back"}
    (watched.root / "back" / "e" / "a").write_bytes(b"z")
    assert watched.seen() == Dirty(frozenset({"back/e/a"}))


def test_a_tree_that_appears_at_once_is_looked_through_and_watched(watched: Watched) -> None:
    for number in range(20):
        os.makedirs(watched.root / f"t{number}" / "a" / "b" / "c")
        (watched.root / f"t{number}" / "a" / "b" / "c" / "x").write_bytes(b"x")
    dirty = watched.seen()
    for number in range(20):
        assert covers(dirty, f"t{number}/a/b/c/x")
    for number in range(20):
        (watched.root / f"t{number}" / "a" / "b" / "c" / "x").write_bytes(b"y")
    assert watched.seen() == Dirty(frozenset(f"t{number}/a/b/c/x" for number in range(20)))


def test_a_big_tree_that_moves_in_is_one_thing_to_look_at(watched: Watched, tmp_path: Path) -> None:
    for number in range(300):
        os.makedirs(tmp_path / "tree" / f"{number}")
        (tmp_path / "tree" / f"{number}" / "x").write_bytes(b"x")
    (tmp_path / "tree").rename(watched.root / "tree")
    assert watched.seen() == Dirty(folders=frozenset({"tree"}))
    (watched.root / "tree" / "299" / "x").write_bytes(b"y")
    assert watched.seen() == Dirty(frozenset({"tree/299/x"}))


def test_a_tree_that_goes(watched: Watched) -> None:
    shutil.rmtree(watched.root / "d")
    dirty = watched.seen()
    assert covers(dirty, "d")
    assert covers(dirty, "d/e/a")
    os.makedirs(watched.root / "d" / "e")
    assert covers(watched.seen(), "d/e")
    (watched.root / "d" / "e" / "a").write_bytes(b"again")
    assert "d/e/a" in watched.seen().names


def test_names_of_any_bytes(watched: Watched) -> None:
    root = os.fsencode(watched.root)
    os.mkdir(root + b"/caf\xe9")
    assert covers(watched.seen(), "caf\u201bE9")
    with open(root + b"/caf\xe9/two\nlines", "xb"):
        pass
    assert covers(watched.seen(), "caf\u201bE9/two\u240alines")


def test_the_private_folder_makes_nothing_dirty(watched: Watched) -> None:
    with watched.local.folder.part() as part:
        part.stream.write(b"x")
    os.utime(watched.root / ".pithosfs")
    (watched.root / ".pithosfs-0123456789abcdef.part").write_bytes(b"x")
    assert watched.seen() == Dirty()


def test_downloads_and_trashing_are_seen_under_their_names(watched: Watched) -> None:
    watched.local.download("d/new", b"x")
    assert watched.seen().names >= {"d/new"}
    watched.local.folder.trash("d/new", watched.local.stamp("d/new"))
    assert watched.seen().names >= {"d/new"}


def test_what_is_ignored_is_not_even_watched(watch: Callable[..., Watched]) -> None:
    def fill(local: LocalFolder) -> None:
        local.write("build/deep/x", b"x")
        local.write("d/a", b"x")

    watched = watch(fill, excludes=("build/", "*.o"))
    (watched.root / "build" / "deep" / "x").write_bytes(b"y")
    (watched.root / "d" / "a.o").write_bytes(b"y")
    (watched.root / "d" / "build").mkdir()
    (watched.root / "d" / "build" / "x").write_bytes(b"y")
    assert watched.seen() == Dirty()
    (watched.root / "d" / "build").rename(watched.root / "d" / "kept")
    assert watched.seen().folders == {"d/kept"}
    (watched.root / "d" / "kept").rename(watched.root / "d" / "build")
    assert watched.seen().folders == {"d/kept"}


def test_new_rules_are_watched_by(watched: Watched) -> None:
    watched.local.write(".pithosignore", b"d/\n")
    assert ".pithosignore" in watched.seen().names
    watched.local.folder.refresh_rules()
    assert watched.watcher.take() == Dirty(full=True)
    (watched.root / "d" / "e" / "a").write_bytes(b"y")
    assert watched.seen() == Dirty()
    watched.local.write(".pithosignore", b"")
    watched.local.folder.refresh_rules()
    assert watched.watcher.take() == Dirty(full=True)
    (watched.root / "d" / "e" / "a").write_bytes(b"z")
    assert watched.seen() == Dirty(frozenset({"d/e/a"}))


def test_the_folder_itself_goes_and_comes_back(local: LocalFolder) -> None:
    local.write("d/a", b"x")
    watched = Watched(local, rescan_every=0.1)
    elsewhere = watched.root.with_name("elsewhere")
    watched.root.rename(elsewhere)
    assert watched.watcher.wait(PATIENCE)
    assert watched.watcher.take().full
    assert watched.watcher.problem is not None
    elsewhere.rename(watched.root)
    while watched.watcher.problem is not None:
        assert watched.watcher.wait(PATIENCE)
        assert watched.watcher.take().full
    (watched.root / "d" / "a").write_bytes(b"z")
    assert watched.seen() == Dirty(frozenset({"d/a"}))
    watched.watcher.close()


def test_a_folder_that_cannot_be_read_is_watched_when_it_can(local: LocalFolder) -> None:
    local.write("d/a", b"x")
    local.write("e/a", b"x")
    if os.geteuid() == 0:
        os.chown(local.root / "d", NOBODY, NOBODY)
    let_in(local.root)
    local.root.chmod(0o777)
    (local.root / "e").chmod(0o777)
    (local.root / "d").chmod(0)

    def look() -> None:
        watched = Watched(local)
        assert watched.watcher.problem is None
        (local.root / "e" / "new").write_bytes(b"x")
        assert covers(watched.seen(), "e/new")
        (local.root / "d").chmod(0o777)
        assert watched.seen().folders == {"d"}
        (local.root / "d" / "new").write_bytes(b"x")
        assert covers(watched.seen(), "d/new")
        watched.watcher.close()

    as_nobody(look)
    (local.root / "d").chmod(0o755)


# waiting ------------------------------------------------------------------------------------------------------------


def test_waiting_ends_with_the_first_change(watched: Watched) -> None:
    waited: list[bool] = []
    thread = threading.Thread(target=lambda: waited.append(watched.watcher.wait(PATIENCE)))
    thread.start()
    (watched.root / "new").write_bytes(b"x")
    thread.join(PATIENCE)
    assert waited == [True]
    assert not Watched.seen(watched).full


def test_waiting_ends_in_time_and_when_it_is_closed(watched: Watched) -> None:
    start = time.monotonic()
    assert not watched.watcher.wait(0.05)
    assert time.monotonic() - start >= 0.05
    waited: list[bool] = []
    thread = threading.Thread(target=lambda: waited.append(watched.watcher.wait(None)))
    thread.start()
    watched.watcher.close()
    thread.join(PATIENCE)
    assert waited == [False]
    watched.watcher.close()


def test_somebody_is_told_once_per_dirt(local: LocalFolder) -> None:
    told = threading.Semaphore(0)
    with Watcher(local.folder, told.release) as watcher:
        watcher.take()
        local.write("a", b"x")
        assert told.acquire(timeout=PATIENCE)
        local.write("b", b"x")
        assert not told.acquire(timeout=0.1)
        while watcher.wait(0.1):
            watcher.take()
        local.write("c", b"x")
        assert told.acquire(timeout=PATIENCE)


def test_it_knows_since_when_it_is_quiet(watched: Watched) -> None:
    (watched.root / "a").write_bytes(b"x")
    assert watched.watcher.wait(PATIENCE)
    before = watched.watcher.quiet_since()
    assert before <= time.monotonic()
    (watched.root / "b").write_bytes(b"x")
    deadline = time.monotonic() + PATIENCE
    while "b" not in watched.watcher.take().names:
        assert watched.watcher.wait(deadline - time.monotonic())
    assert watched.watcher.quiet_since() > before


def test_so_many_names_that_they_are_everything(local: LocalFolder) -> None:
    watched = Watched(local, most_names=50)
    for number in range(100):
        (watched.root / f"file-{number}").write_bytes(b"x")
    assert watched.seen().full
    while watched.watcher.wait(0.1):
        watched.watcher.take()
    (watched.root / "one").write_bytes(b"x")
    assert watched.seen() == Dirty(frozenset({"one"}))
    watched.watcher.close()


def test_closing_leaves_no_threads_or_descriptors(local: LocalFolder) -> None:
    local.write("d/e/a", b"x")
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with Watcher(local.folder) as watcher:
            local.write("d/e/a", b"y")
            assert watcher.wait(PATIENCE)
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == descriptors


# whatever happens ---------------------------------------------------------------------------------------------------


def test_nothing_is_missed_under_a_storm(watched: Watched) -> None:
    """Somebody makes, moves and removes trees at random; what is dirty always covers what has changed."""
    chance = random.Random(7)
    root = watched.root
    known: dict[str, tuple[Kind, int, int]] = {}

    def look(folder: str, into: dict[str, tuple[Kind, int, int]]) -> None:
        for segment, seen in watched.local.folder.scan(folder).entries.items():
            name = f"{folder}/{segment}" if folder else segment
            into[name] = (seen.kind, seen.stamp.inode, seen.stamp.mtime_ns)
            if seen.kind is Kind.FOLDER:
                look(name, into)

    look("", known)
    for _ in range(25):
        for _ in range(chance.randrange(1, 15)):
            folders = [root, *(path for path in root.rglob("*") if path.is_dir() and ".pithosfs" not in path.parts)]
            at = chance.choice(folders)
            what = chance.randrange(5)
            if what == 0:
                with contextlib.suppress(NotADirectoryError):
                    (at / chance.choice("abc") / chance.choice("abc") / "deep").mkdir(parents=True, exist_ok=True)
            elif what in (1, 2):
                (at / f"file-{chance.randrange(5)}").write_bytes(os.urandom(4))
            elif what == 3 and at != root:
                target = chance.choice(folders) / chance.choice("xyz")
                if not target.is_relative_to(at) and not target.exists():
                    at.rename(target)
            elif what == 4 and at != root:
                shutil.rmtree(at)
        dirty = watched.seen()
        now: dict[str, tuple[Kind, int, int]] = {}
        look("", now)
        for name in known.keys() | now.keys():
            if known.get(name) != now.get(name):
                assert covers(dirty, name), (name, known.get(name), now.get(name), dirty)
        known = now


def test_changes_are_told_of_quickly(watched: Watched) -> None:
    delays = []
    for number in range(20):
        start = time.monotonic()
        (watched.root / "d" / f"new-{number}").write_bytes(b"x")
        assert watched.watcher.wait(PATIENCE)
        delays.append(time.monotonic() - start)
        watched.seen()
    assert sorted(delays)[10] < 0.1
