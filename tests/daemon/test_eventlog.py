"""The log of a pair: what was done, one line each."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithosfs_daemon.eventlog import Event, EventLog, follow, last

ODD = "a\tb\nc\\d\re \udcff ü"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog(tmp_path, clock=Clock(), largest=2000) as made:
        yield made


def test_an_event_is_a_line_that_one_can_read() -> None:
    event = Event(1_800_000_000.25, "sent", "a/b c.txt", "3KiB")
    assert event.line() == "2027-01-15T08:00:00.250Z\tsent\ta/b c.txt\t3KiB\n"
    assert Event.parse(event.line()) == event


@pytest.mark.parametrize("name", [ODD, "\\", "\\n", "\\\\t", "", "ends with \\"])
def test_odd_names_survive_and_stay_in_their_line(name: str) -> None:
    event = Event(1_800_000_000.0, "sent", name, name)
    assert event.line().count("\n") == 1
    assert Event.parse(event.line()) == event


@pytest.mark.parametrize("line", ["", "x", "a\tb\tc", "yesterday\tsent\tx\t", "2027-01-15T08:00:00Z\tsent\tx"])
def test_a_line_that_was_cut_off_is_none(line: str) -> None:
    assert Event.parse(line) is None


def test_the_last_ones(log: EventLog, tmp_path: Path) -> None:
    assert last(tmp_path, 5) == []
    for number in range(10):
        log.did("sent", f"{number}")
    assert [one.name for one in last(tmp_path, 3)] == ["7", "8", "9"]
    assert len(last(tmp_path, None)) == 10
    assert last(tmp_path, 0) == []


def test_it_is_put_aside_when_it_is_long(log: EventLog, tmp_path: Path) -> None:
    for number in range(200):
        log.did("sent", f"{number:04}", "x" * 20)
    sizes = {one.name: one.stat().st_size for one in tmp_path.iterdir()}
    assert set(sizes) == {"events.log", "events.log.1", "events.log.2"}
    assert max(sizes.values()) < 2200
    kept = [one.name for one in last(tmp_path, None)]
    assert kept == [f"{number:04}" for number in range(200 - len(kept), 200)]
    assert len(kept) > 70


def test_two_writers_do_not_mix_lines(log: EventLog, tmp_path: Path) -> None:
    with EventLog(tmp_path, largest=1 << 20) as other:

        def write(target: EventLog, name: str) -> None:
            for _ in range(200):
                target.did("sent", name * 50)

        threads = [threading.Thread(target=write, args=args) for args in ((other, "a"), (other, "b"))]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert {one.name for one in last(tmp_path, None)} == {"a" * 50, "b" * 50}
    assert len(last(tmp_path, None)) == 400


def test_following(log: EventLog, tmp_path: Path) -> None:
    log.did("sent", "before-1")
    log.did("sent", "before-2")
    waits = 0

    def wait() -> bool:
        nonlocal waits
        waits += 1
        if waits > 100:
            return False
        log.did("sent", f"{waits}", "x" * 50)  # in the end it has been put aside twice
        return True

    seen = [one.name for one in follow(tmp_path, wait, 1)]
    assert seen == ["before-2", *(f"{number}" for number in range(1, 101))]


def test_following_what_is_not_there_yet(log: EventLog, tmp_path: Path) -> None:
    steps = iter([lambda: None, lambda: log.did("sent", "first"), lambda: None])

    def wait() -> bool:
        step = next(steps, None)
        if step is not None:
            step()
        return step is not None

    assert [one.name for one in follow(tmp_path, wait)] == ["first"]


def test_a_full_disk_costs_lines_and_says_so(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EventLog(tmp_path, largest=1 << 20) as log:
        log.did("sent", "before")
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # every write fails, with EFBIG
        try:
            log.did("sent", "lost")
            log.did("sent", "lost too")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        log.did("sent", "after")
    assert [(one.what, one.name) for one in last(tmp_path, None)] == [
        ("sent", "before"),
        ("lost", ""),
        ("sent", "after"),
    ]
    assert "2 lines" in last(tmp_path, 2)[0].detail
