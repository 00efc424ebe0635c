"""An open pair as the runner has it, with the real parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from fixtures.clouds import TestCloud
from fixtures.daemons import SyncHome

from pithosfs_daemon.assembly import Assembly, Workplace
from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.folder import Folder, Trash
from pithosfs_daemon.sharing import FolderRoom
from pithosfs_daemon.troubles import FolderGone, FolderTaken, OtherAccount
from pithosfs_daemon.values import Dirty, Pair

MONTH = 31 * 86400.0


@pytest.fixture
def pair(sync: SyncHome) -> Pair:
    made = sync.add()
    (made.folder / "a").write_bytes(b"data")
    sync.in_step(made)
    return made


@pytest.fixture
def opened(sync: SyncHome, pair: Pair) -> Iterator[Callable[..., Workplace]]:
    """Opens the pair, connected; closed at the end."""
    made: list[Workplace] = []
    with EventLog(sync.registry.directory(pair.id)) as events:

        def make(**settings: object) -> Workplace:
            made.append(Workplace(pair, sync.registry, events, **settings))  # type: ignore[arg-type]
            made[-1].connect(Clouds(sync.home.environ).cloud(pair))
            return made[-1]

        yield make
        for one in made:
            one.close()


def full(place: Workplace) -> None:
    """Passes over everything until both sides are in step."""
    while (outcome := place.run("full", max_delete=None, cancel=threading.Event())).again:
        pass
    assert outcome.in_step


def test_the_trash_is_emptied_after_a_month(sync: SyncHome, pair: Pair, opened: Callable[..., Workplace]) -> None:
    sync.user.store.delete(sync.place(pair).path("a"))
    full(opened())
    assert len(Trash(pair.folder).list()) == 1
    full(opened(date=lambda: time.time() + MONTH))
    assert Trash(pair.folder).list() == []
    assert sync.did(pair)[-1] == ("emptied the trash", "")


def test_a_copy_that_was_removed_by_hand_is_no_conflict_any_more(
    sync: SyncHome, pair: Pair, opened: Callable[..., Workplace]
) -> None:
    place = opened()
    full(place)
    (pair.folder / "a").write_bytes(b"mine")
    sync.place(pair).put("a", b"theirs")
    full(place)
    assert place.counts().conflicts == 1
    [copy] = pair.folder.glob("a (conflict *")
    copy.unlink()
    full(place)
    assert place.counts().conflicts == 0


def test_rules_that_change_are_watched_by(sync: SyncHome, pair: Pair, opened: Callable[..., Workplace]) -> None:
    touched = threading.Semaphore(0)
    place = opened(touched=touched.release)
    assert place.take().full
    full(place)
    rules = pair.folder / ".pithosignore"
    rules.write_text("*.tmp\n")
    assert touched.acquire(timeout=10)
    place.run(place.take(), max_delete=None, cancel=threading.Event())
    assert place.take().full  # watched anew, by the new rules
    while touched.acquire(blocking=False):  # the first watcher may have told of the making and of the writing
        pass
    (pair.folder / "x.tmp").write_bytes(b"")
    assert not touched.acquire(timeout=0.2)
    (pair.folder / "y").write_bytes(b"")
    assert touched.acquire(timeout=10)
    sync.until(lambda: "y" in (dirty := place.take()).names or dirty.full)


def test_the_token_of_somebody_else(
    sync: SyncHome, pair: Pair, opened: Callable[..., Workplace], cloud: TestCloud
) -> None:
    place = opened()
    with pytest.raises(OtherAccount, match="another user's") as caught:
        place.connect(cloud.user("other").cloud())
    assert "config set cloud.test.token" in caught.value.hint
    full(place)  # it goes on with what it had


def test_nobody_watches_a_pair_that_is_opened_for_a_moment(opened: Callable[..., Workplace]) -> None:
    place = opened()
    assert (place.take(), place.quiet_since(), place.watch_problem) == (Dirty(), 0.0, None)
    assert (place.has("a"), place.has("b")) == (True, False)


def test_a_folder_that_is_not_there_is_no_open_pair(sync: SyncHome, pair: Pair) -> None:
    pair.folder.rename(pair.folder.with_name("away"))
    with closing(Assembly(sync.directories)) as assembly, EventLog(sync.registry.directory(pair.id)) as events:
        with pytest.raises(FolderGone):
            assembly.open(pair, None, events)
        pair.folder.with_name("away").rename(pair.folder)
        assembly.open(pair, lambda: None, events).close()


def test_one_folder_for_all_who_need_it(pair: Pair) -> None:
    room = FolderRoom(pair)
    first, second = room.open(), room.open()
    first.close()
    with pytest.raises(FolderTaken):  # it is open still
        Folder(pair)
    assert second.look("a") is not None
    second.close()
    Folder(pair).close()
    with closing(room.open()) as third:
        assert third is not first
