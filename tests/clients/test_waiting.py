"""Waiting, without the time that it takes: the clock and the sleep are the test's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fixtures.exchanges import exchange, plays

from pithosfs.clients import Waiter
from pithosfs.clients.cyclades import CycladesBlockStorageClient, CycladesComputeClient, CycladesNetworkClient
from pithosfs.clients.waiting import Status, Timing, poll, same_status
from pithosfs.errors import NotFound


class Time:
    """Passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(round(seconds, 3))
        self.now += seconds


class Thing(Waiter):
    """Something whose statuses are known before, the last one for good."""

    def __init__(self, *statuses: str | Status | Exception) -> None:
        self.time = Time()
        self.timing = self.time.timing
        self._statuses = list(statuses)
        self.reads = 0

    def _read(self) -> Status:
        self.reads += 1
        found = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, tuple) else (found, None)

    def leave(self, status: str, delay: float = 1, max_wait: float = 100, wait_cb: Any = None) -> str | bool:
        return self._wait_while(self._read, status, delay, max_wait, wait_cb)

    def reach(self, status: str, delay: float = 1, max_wait: float = 100, wait_cb: Any = None) -> str | bool:
        return self._wait_until(self._read, status, delay, max_wait, wait_cb)


def test_it_begins_with_the_delay_and_asks_less_and_less() -> None:
    thing = Thing(*["BUILD"] * 9, "ACTIVE")
    assert thing.leave("BUILD") == "ACTIVE"
    assert thing.time.slept == [1, 1.5, 2.25, 3.375, 5.062, 7.594, 10, 10, 10]
    slow = Thing(*["BUILD"] * 3, "ACTIVE")
    assert slow.leave("BUILD", delay=30) == "ACTIVE"
    assert slow.time.slept == [30, 30, 30]
    eager = Thing("BUILD", "BUILD", "ACTIVE")
    assert eager.leave("BUILD", delay=0) == "ACTIVE"
    assert eager.time.slept == [0.05, 0.075]


def test_nothing_is_waited_for_what_is_there() -> None:
    thing = Thing("ACTIVE")
    assert thing.leave("BUILD") == "ACTIVE"
    assert thing.reach("active") == "ACTIVE"
    assert thing.time.slept == []


def test_the_time_limit() -> None:
    thing = Thing("BUILD")
    assert thing.leave("BUILD", max_wait=10) is False
    assert sum(thing.time.slept) == pytest.approx(10)
    assert thing.reads == len(thing.time.slept) + 1  # a last look when the time is over
    at_the_end = Thing("BUILD", "ACTIVE")
    assert at_the_end.leave("BUILD", delay=20, max_wait=10) == "ACTIVE"
    assert at_the_end.time.slept == [10]
    never = Thing("BUILD")
    assert never.reach("ACTIVE", max_wait=0) is False
    assert (never.reads, never.time.slept) == (1, [])


def test_an_error_ends_it_at_once() -> None:
    assert Thing("BUILD", "ERROR").leave("BUILD") == "ERROR"
    for stuck in ("ERROR", "error", "error_restoring", "DELETED"):
        thing = Thing("BUILD", stuck)
        assert thing.reach("ACTIVE") == stuck
        assert thing.time.slept == [1]
    assert Thing("ERROR", "ACTIVE").leave("ERROR") == "ACTIVE"
    assert Thing("ERROR").reach("ERROR") == "ERROR"


def test_what_has_failed_can_be_deleted() -> None:
    assert Thing("ERROR", "ERROR", "DELETED").reach("DELETED") == "DELETED"
    assert Thing("error", NotFound("gone", 404)).reach("deleted") == "deleted"


def test_what_is_gone_is_told() -> None:
    with pytest.raises(NotFound):
        Thing("ACTIVE", NotFound("gone", 404)).leave("ACTIVE")
    with pytest.raises(NotFound):
        Thing(NotFound("gone", 404)).reach("ACTIVE")


def test_words_for_the_same() -> None:
    assert same_status("in-use", "IN_USE")
    assert same_status("SHUTOFF", "stopped")
    assert not same_status("ACTIVE", "STOPPED")


# progress -----------------------------------------------------------------------------------------------------------


def generator(seen: list[int]) -> Any:
    def bar(total: int) -> Iterator[None]:
        seen.append(-total)
        for number in range(total + 1):
            seen.append(number)
            yield

    return bar


def test_the_time_is_counted_when_nothing_else_is_known() -> None:
    seen: list[int] = []
    assert Thing(*["BUILD"] * 3, "ACTIVE").leave("BUILD", max_wait=10, wait_cb=generator(seen)) == "ACTIVE"
    assert seen == [-10, *range(11)]
    pairs: list[tuple[int, int]] = []
    thing = Thing("BUILD")
    assert thing.leave("BUILD", delay=2, max_wait=10, wait_cb=lambda done, total: pairs.append((done, total))) is False
    assert pairs == [(number, 5) for number in range(6)]


def test_the_share_that_the_server_tells() -> None:
    pairs: list[tuple[int, int]] = []
    thing = Thing(("BUILD", 0), ("BUILD", 40), ("BUILD", 90), ("ACTIVE", None))
    before: list[int] = []

    def bar(done: int, total: int) -> None:
        pairs.append((done, total))
        before.append(thing.reads)

    assert thing.leave("BUILD", max_wait=10, wait_cb=bar) == "ACTIVE"
    assert pairs == [(number, 10) for number in range(11)]
    assert before == [1, *[2] * 4, *[3] * 5, 4]


def test_a_bar_of_what_is_there_already_is_full() -> None:
    seen: list[int] = []
    Thing("ACTIVE").leave("BUILD", wait_cb=generator(seen))
    assert seen == [-1, 0, 1]


def test_a_call_back_may_end_the_waiting() -> None:
    def bar(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    thing = Thing("BUILD")
    with pytest.raises(KeyboardInterrupt):
        thing.leave("BUILD", wait_cb=bar)
    assert sum(thing.time.slept) < 10


def test_polling_for_something_else() -> None:
    time = Time()
    numbers = iter(range(9))
    assert poll(lambda: next(numbers), lambda one: one == 3, timing=time.timing) == (3, True)
    assert poll(lambda: 0, bool, max_wait=2, timing=time.timing) == (0, False)


# the clients --------------------------------------------------------------------------------------------------------


def with_time(call: Any) -> Any:
    def play(client: Any) -> Any:
        client.timing = Time().timing
        return call(client)

    return play


def test_servers() -> None:
    states = [{"status": "BUILD", "progress": 10}, {"status": "BUILD", "progress": 60}, {"status": "ERROR"}]
    answers = [exchange("GET /servers/4", reply={"server": one}) for one in states]
    seen: list[int] = []
    call = with_time(lambda c: c.wait_server(4, current_status="BUILD", delay=2, max_wait=20, wait_cb=generator(seen)))
    assert plays(CycladesComputeClient, call, *answers) == "ERROR"
    assert seen == [-10, *range(11)]
    call = with_time(lambda c: c.wait_server_until(4, target_status="ACTIVE", delay=1, max_wait=9))
    assert plays(CycladesComputeClient, call, *answers) == "ERROR"


def test_ports() -> None:
    answers = [exchange("GET /ports/31", reply={"port": {"status": one}}) for one in ("BUILD", "ACTIVE")]
    call = with_time(lambda c: c.wait_port(31, current_status="BUILD", delay=2, max_wait=20, wait_cb=lambda total: ()))
    assert plays(CycladesNetworkClient, call, *answers) == "ACTIVE"
    call = with_time(lambda c: c.wait_port_until(31, "ACTIVE", delay=2, max_wait=20))
    assert plays(CycladesNetworkClient, call, *answers) == "ACTIVE"
    gone = exchange("GET /ports/31", status=404)
    with pytest.raises(NotFound):
        plays(CycladesNetworkClient, with_time(lambda c: c.wait_port(31, "ACTIVE")), answers[1], gone)


def test_volumes() -> None:
    def volume(*statuses: str) -> Any:
        return [exchange("GET /volumes/57", reply={"volume": {"id": 57, "status": one}}) for one in statuses]

    def waits(call: Any, *statuses: str) -> Any:
        return plays(CycladesBlockStorageClient, with_time(call), *volume(*statuses))

    made = ("creating", "creating", "in_use")
    assert waits(lambda c: c.wait_volume_while(57), *made) == "in_use"
    assert waits(lambda c: c.wait_volume_while(57, "creating", delay=2, max_wait=9, wait_cb=print), *made) == "in_use"
    assert waits(lambda c: c.wait_volume_until(57), "creating", "in-use") == "in-use"
    assert waits(lambda c: c.wait_volume_until(57, "in_use", delay=2, max_wait=2), *made[:2]) is False
    assert waits(lambda c: c.wait_volume(57), *made) == {"id": 57, "status": "in_use"}
    assert waits(lambda c: c.wait_volume(57, delay=2, timeout=2), *made[:2]) is False
    seen: list[int] = []
    stop = {"stop": lambda volume: volume["status"] == "in_use", "wait_cb": generator(seen)}
    assert waits(lambda c: c.wait_volume(57, delay=1, timeout=4, **stop), "available", "in_use")["status"] == "in_use"
    assert seen == [-4, *range(5)]
