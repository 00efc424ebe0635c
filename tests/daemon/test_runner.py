"""A pair at work: what makes a pass, what an error does, and what a user sees of both.

The pair itself is a small one (`fixtures.mirror`) on real files; intervals are shortened.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures.homes import Home
from fixtures.mirror import Mirror, MirrorOutcome

from pithosfs.config import Cloud, Settings
from pithosfs.errors import NoConnection, NotLoggedIn, QuotaExceeded
from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.eventlog import EventLog, last
from pithosfs_daemon.patience import Clocks
from pithosfs_daemon.runner import Runner
from pithosfs_daemon.states import Condition, PairStatus
from pithosfs_daemon.timing import Timing
from pithosfs_daemon.troubles import FolderGone, TooManyDeletes
from pithosfs_daemon.values import Pair, Reason, Trouble

NEVER = 3600.0
# No polling unless a test wants it; everything else as quick as a test may be.
TIMING = Timing(quiet=0.05, latest=0.5, full=NEVER, settings=0.02, progress=0.02, failing=NEVER)


class Work:
    """A runner with its pair; `start` it."""

    def __init__(self, home: Home, tmp_path: Path) -> None:
        self.home = home
        self.folder = tmp_path / "here"
        self.folder.mkdir()
        self.mirror = Mirror(tmp_path / "there")
        self.pair = Pair("a1b2c3d4", self.folder, "work", "uuid", "c", interval=NEVER)
        self.events = EventLog(tmp_path)
        self.log = tmp_path
        self.changes = threading.Semaphore(0)
        self.set_token("first")
        self.runner: Runner | None = None

    def start(self, timing: Timing = TIMING, *, luck: float = 0.0, **settings: object) -> Runner:
        self.pair = replace(self.pair, **settings)  # type: ignore[arg-type]
        self.runner = Runner(
            self.pair,
            self.mirror.open,
            Clouds(self.home.environ),
            self.events,
            timing=timing,
            clocks=Clocks(luck=lambda: luck),
            changed=self.changes.release,
        )
        self.runner.start()
        return self.runner

    def set_token(self, token: str) -> None:
        self.home.add_cloud(Cloud("work", "http://127.0.0.1:9/", token))

    def await_status(self, wanted: Callable[[PairStatus], bool], timeout: float = 10.0) -> PairStatus:
        """The first status that is as wanted."""
        assert self.runner is not None
        until = time.monotonic() + timeout
        while not wanted(status := self.runner.status()):
            left = until - time.monotonic()
            assert left > 0, status
            self.changes.acquire(timeout=min(left, 0.05))
        return status

    def await_condition(self, condition: Condition) -> PairStatus:
        return self.await_status(lambda status: status.situation.condition == condition)

    def there(self) -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in self.mirror.there.iterdir()}

    def did(self) -> list[tuple[str, str]]:
        return [(one.what, one.name) for one in last(self.log, None)]


@pytest.fixture
def work(home: Home, tmp_path: Path) -> Iterator[Work]:
    made = Work(home, tmp_path)
    yield made
    if made.runner is not None:
        made.runner.end()
        assert made.runner.join(10)
    made.events.close()


# passes -----------------------------------------------------------------------------------------------------------


def test_the_first_pass_looks_at_everything(work: Work) -> None:
    (work.folder / "a").write_bytes(b"ours")
    work.mirror.there.joinpath("b").write_bytes(b"theirs")
    work.start()
    status = work.await_condition(Condition.IN_STEP)
    assert (work.folder / "b").read_bytes() == b"theirs"
    assert work.there() == {"a": b"ours", "b": b"theirs"}
    assert [one.is_full for one in work.mirror.passes] == [True]
    assert (status.files, status.bytes) == (2, 10)
    assert status.checked is not None
    assert work.did() == [("sent", "a"), ("received", "b")]
    assert [one.token for one in work.mirror.clouds] == ["first"]


def test_a_local_change_is_carried_when_it_is_quiet(work: Work) -> None:
    work.start(replace(TIMING, quiet=0.3, latest=NEVER))
    work.mirror.await_passes()
    begun = time.monotonic()
    for number in range(5):
        work.mirror.write("x", b"%d" % number)
        work.mirror.write(f"y{number}", b"")
        time.sleep(0.01)
    work.mirror.await_passes()
    [_, second] = work.mirror.passes
    assert second.names == {"x", "y0", "y1", "y2", "y3", "y4"}
    assert second.at - begun >= 0.3
    assert work.there()["x"] == b"4"


def test_changes_that_do_not_end_are_carried_all_the_same_but_no_deletions(work: Work) -> None:
    runner = work.start(replace(TIMING, quiet=0.25))
    work.mirror.await_passes()
    work.mirror.write("keeps-changing", b"")
    work.mirror.write("vanishes", b"")
    work.mirror.await_passes()
    busy = threading.Event()

    def change() -> None:
        while not busy.wait(0.01):
            work.mirror.write("keeps-changing", os.urandom(4))

    worker = threading.Thread(target=change)
    worker.start()
    try:
        work.mirror.remove("vanishes")
        work.mirror.await_passes(2)
        third, fourth = work.mirror.passes[2:4]
        assert third.names == fourth.names == {"keeps-changing"}
        assert "vanishes" in work.there()
        assert runner.status().situation.condition == Condition.WORKING
    finally:
        busy.set()
        worker.join()
    work.await_status(lambda status: status.situation.condition == Condition.IN_STEP)
    assert "vanishes" not in work.there()


def test_remote_changes_are_polled_for(work: Work) -> None:
    work.start(interval=0.2)
    work.mirror.await_passes()
    work.mirror.there.joinpath("new").write_bytes(b"theirs")
    work.await_status(lambda status: (work.folder / "new").exists())
    polls = work.mirror.passes[1:]
    assert all(not one.is_full and not one.names for one in polls)


def test_a_poll_does_not_take_up_what_has_not_settled(work: Work) -> None:
    work.start(replace(TIMING, quiet=0.6, latest=5.0), interval=0.2)
    work.mirror.await_passes(2)
    begun = time.monotonic()
    work.mirror.write("x", b"half")
    work.mirror.await_passes(2)
    assert "x" not in work.there()
    work.await_status(lambda status: "x" in work.there())
    assert time.monotonic() - begun >= 0.6


def test_full_scans_by_the_clock_and_when_events_were_lost(work: Work) -> None:
    work.start(replace(TIMING, full=0.3))
    work.mirror.await_passes(2)
    assert [one.is_full for one in work.mirror.passes] == [True, True]


def test_lost_events_make_a_full_scan(work: Work) -> None:
    work.start()
    work.mirror.await_passes()
    work.mirror.changed("x", full=True)
    work.mirror.await_passes()
    assert work.mirror.passes[-1].is_full


# requests ---------------------------------------------------------------------------------------------------------


def test_now_is_a_pass_over_everything(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    (work.folder / "silent").write_bytes(b"no event tells of it")
    report = runner.now(max_delete=1.0)
    assert report.in_step
    assert report.error is None
    assert report.status.situation.condition == Condition.IN_STEP
    assert work.there() == {"silent": b"no event tells of it"}
    assert (work.mirror.passes[-1].is_full, work.mirror.passes[-1].max_delete) == (True, 1.0)


def test_now_goes_on_while_something_is_to_be_decided_again(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    work.mirror.on_run.extend([MirrorOutcome(False, 1, again=True)] * 3)
    report = runner.now()
    assert report.in_step
    assert len(work.mirror.passes) == 5


def test_now_tells_what_is_wrong(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    work.mirror.on_run.append(QuotaExceeded("full", 413))
    report = runner.now()
    assert not report.in_step
    assert isinstance(report.error, QuotaExceeded)
    assert "no room left in the cloud" in report.status.situation.what
    work.mirror.on_run.append(MirrorOutcome(True, 0, troubles=[Trouble("x", Reason.COLLISION)]))
    report = runner.now()
    assert (report.in_step, report.error) == (False, None)
    assert report.status.troubles == (Trouble("x", Reason.COLLISION),)


def test_now_tells_how_it_gets_on(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    work.mirror.hold = threading.Event()
    seen: list[PairStatus] = []

    def progress(status: PairStatus) -> None:
        seen.append(status)
        if len(seen) == 3 and work.mirror.hold is not None:
            work.mirror.hold.set()

    assert runner.now(progress=progress).in_step
    assert len(seen) >= 3


# pausing and ending -----------------------------------------------------------------------------------------------


def test_a_paused_pair_is_closed_and_does_nothing(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    runner.replace(replace(work.pair, paused=True))
    assert runner.wait_closed(10)
    assert work.mirror.closings == 1
    status = work.await_condition(Condition.PAUSED)
    assert "sync resume a1b2c3d4" in status.situation.todo
    work.mirror.write("x", b"later")
    # A pass that is asked for is made all the same.
    assert runner.now().in_step
    assert work.there() == {"x": b"later"}
    work.await_condition(Condition.PAUSED)
    assert runner.wait_closed(10)
    runner.replace(work.pair)
    work.await_condition(Condition.IN_STEP)
    assert (work.mirror.openings, work.mirror.closings) == (3, 2)


def test_pausing_ends_a_pass_early(work: Work) -> None:
    work.mirror.hold = threading.Event()
    runner = work.start()
    assert work.mirror.running.wait(10)
    runner.replace(replace(work.pair, paused=True))
    assert runner.wait_closed(10)
    assert work.did() == []  # that is no error


def test_other_options_are_gone_by_at_once_and_whoever_waits_goes_on_waiting(work: Work) -> None:
    work.mirror.hold = threading.Event()
    runner = work.start()
    assert work.mirror.running.wait(10)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(runner.now()))
    waiting.start()
    work.await_status(lambda status: runner._orders.asked)
    runner.replace(replace(work.pair, excludes=("x",)))
    work.mirror.hold.set()
    waiting.join(10)
    assert answers[0].in_step
    assert runner.pair.excludes == ("x",)


def test_the_end_answers_whoever_waits(work: Work) -> None:
    work.mirror.hold = threading.Event()
    runner = work.start()
    assert work.mirror.running.wait(10)
    answers = []
    waiting = [threading.Thread(target=lambda: answers.append(runner.now())) for _ in range(2)]
    for one in waiting:
        one.start()
    runner.end()
    assert runner.join(10)
    for one in waiting:
        one.join(10)
    assert [one.in_step for one in answers] == [False, False]
    assert work.mirror.closings == 1
    assert not runner.now().in_step  # nobody is there any more


# errors -----------------------------------------------------------------------------------------------------------


def test_a_cloud_that_is_away_is_waited_for(work: Work) -> None:
    work.mirror.on_run.extend([NoConnection("refused"), NoConnection("refused")])
    work.start(luck=1.0)
    status = work.await_status(lambda status: status.situation.retry is not None)
    assert status.situation.condition == Condition.WORKING
    assert status.situation.what == "waiting for the cloud: no connection"
    assert 0 < (status.situation.retry or 0) - time.time() <= 1.0
    work.await_condition(Condition.IN_STEP)
    first, second, third = (one.at for one in work.mirror.passes)
    assert second - first >= 0.95
    assert third - second >= 1.95
    assert all(one.is_full for one in work.mirror.passes)  # what was not carried is still to be
    assert work.mirror.openings == 1
    assert work.did() == []  # nobody has to do anything


def test_what_a_failed_pass_was_to_carry_is_not_forgotten(work: Work) -> None:
    work.start()
    work.mirror.await_passes()
    work.mirror.on_run.append(NoConnection("refused"))
    work.mirror.write("x", b"data")
    work.await_status(lambda status: "x" in work.there())
    assert [one.names for one in work.mirror.passes[1:]] == [{"x"}, {"x"}]


def test_the_cloud_is_away_when_the_pair_is_opened(work: Work) -> None:
    work.mirror.on_connect.append(NoConnection("refused"))
    work.start()
    work.await_condition(Condition.IN_STEP)
    assert (work.mirror.openings, len(work.mirror.clouds)) == (1, 2)


def test_a_new_token_is_taken_up_at_once(work: Work) -> None:
    work.mirror.on_connect.append(NotLoggedIn("it has expired", 401))
    work.start()
    status = work.await_condition(Condition.NEEDS_YOU)
    assert "it has expired" in status.situation.what
    assert "config set cloud.work.token" in status.situation.todo
    work.set_token("second")
    work.await_condition(Condition.IN_STEP)
    assert [one.token for one in work.mirror.clouds] == ["first", "second"]
    assert work.did() == [("needs you", ""), ("goes on", "")]


def test_a_new_token_that_comes_while_the_old_one_is_refused(work: Work) -> None:
    class Meanwhile(deque[BaseException]):
        def popleft(self) -> BaseException:
            work.set_token("second")
            return super().popleft()

    work.mirror.on_connect = Meanwhile([NotLoggedIn("it has expired", 401)])
    work.start()
    work.await_condition(Condition.IN_STEP)
    assert [one.token for one in work.mirror.clouds] == ["first", "second"]


def test_a_token_that_expires_in_the_middle(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    work.mirror.on_run.append(NotLoggedIn("it has expired", 401))
    assert isinstance(runner.now().error, NotLoggedIn)
    work.set_token("second")
    work.await_condition(Condition.IN_STEP)
    assert [one.token for one in work.mirror.clouds] == ["first", "second"]
    assert work.mirror.openings == 1


def test_a_cloud_that_is_not_in_the_settings(work: Work) -> None:
    settings = Settings.load(environ=work.home.environ)
    settings.delete("cloud.work")
    settings.save()
    work.start()
    status = work.await_condition(Condition.NEEDS_YOU)
    assert "'work'" in status.situation.what
    work.set_token("back")
    work.await_condition(Condition.IN_STEP)


def test_a_folder_that_is_away_is_opened_when_it_is_back(work: Work) -> None:
    away = work.folder.rename(work.folder.with_name("away"))
    work.start()
    status = work.await_condition(Condition.NEEDS_YOU)
    assert "is not there" in status.situation.what
    away.rename(work.folder)
    assert work.runner is not None
    assert work.runner.now().in_step  # rather than wait for the next attempt


def test_a_folder_that_goes_away(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    work.mirror.on_run.append(FolderGone("it is not there", hint="mount it"))
    assert isinstance(runner.now().error, FolderGone)
    assert runner.wait_closed(10)
    assert runner.now().in_step
    assert work.mirror.openings == 2


def test_too_many_deletions_wait_for_somebody(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    work.mirror.on_run.extend(
        [TooManyDeletes("folder", 9, 10, hint="really?"), TooManyDeletes("folder", 9, 10, hint="")]
    )
    assert isinstance(runner.now().error, TooManyDeletes)
    status = work.await_condition(Condition.NEEDS_YOU)
    assert (status.situation.what, status.situation.todo) == (
        "9 of 10 files have vanished from the folder at once",
        "really?",
    )
    # They come back: that is an event, and after a while it is tried again.
    work.mirror.write("back", b"")
    work.mirror.await_passes(2)
    assert work.mirror.passes[-1].max_delete is None
    # Or somebody agrees.
    assert runner.now(max_delete=1.0).in_step
    work.await_condition(Condition.IN_STEP)


def test_names_that_fail_are_tried_again_and_do_not_stop_the_others(work: Work) -> None:
    work.mirror.on_run.append(
        MirrorOutcome(False, 0, troubles=[Trouble("bad", Reason.UNSETTLED), Trouble("link", Reason.SYMLINK)])
    )
    runner = work.start()
    status = work.await_status(lambda status: status.trouble_count == 2)
    assert status.situation.condition == Condition.WORKING
    work.mirror.write("good", b"data")
    work.await_status(lambda status: "good" in work.there())
    assert runner.now().in_step
    assert runner.status().trouble_count == 0


def test_a_fault_of_ours_is_told_logged_and_outlived(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    work.mirror.on_run.append(ZeroDivisionError("of ours"))
    runner = work.start()
    status = work.await_condition(Condition.NEEDS_YOU)
    assert "an internal error: ZeroDivisionError: of ours" in status.situation.what
    assert any(record.exc_info for record in caplog.records)
    assert runner.now().in_step
    assert runner.is_alive


# status -----------------------------------------------------------------------------------------------------------


def test_the_status_says_what_is_being_done(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    work.await_condition(Condition.IN_STEP)
    work.mirror.hold = threading.Event()
    asked = threading.Thread(target=runner.now)
    asked.start()
    assert work.mirror.running.wait(10)
    activity = work.mirror.activity
    activity.phase("looking")
    assert runner.status().situation.condition == Condition.IN_STEP  # a look alone is no work
    activity.phase("hashing")
    assert runner.status().situation.condition == Condition.IN_STEP
    activity.plan(4, 4096)
    activity.phase("working")
    with activity.transfer("big", "up", 4096) as meter:
        meter.at(1024)
        activity.did(1, 1024)
        status = runner.status()
        assert status.situation.condition == Condition.WORKING
        assert status.situation.what.startswith("1 of 4 changes done, 1KiB of 4KiB")
        assert [(one.name, one.way, one.done) for one in status.running] == [("big", "up", 1024)]
    activity.phase("")
    assert runner.status().situation.condition == Condition.IN_STEP
    work.mirror.hold.set()
    asked.join(10)
    work.mirror.watch_problem = "raise the limit"
    assert runner.status().watch_problem == "raise the limit"
    assert PairStatus.from_json(runner.status().to_json()) == runner.status()


def test_a_borrowed_pair_is_not_closed(work: Work) -> None:
    runner = work.start()
    work.mirror.await_passes()
    with runner.borrowed() as loan:
        assert loan is not None
        runner.end()
        assert loan.cancel.wait(10)  # whoever takes long is told
        assert not runner.join(0.1)
        assert work.mirror.closings == 0
    assert runner.join(10)
    assert work.mirror.closings == 1
    with runner.borrowed() as loan:
        assert loan is None
