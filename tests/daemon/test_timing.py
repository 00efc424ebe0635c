"""When a pair looks again."""

from __future__ import annotations

import pytest

from pithosfs_daemon.timing import Backoff, Pace, Timing, rough_time


def test_the_interval_grows_in_steps_while_nothing_happens() -> None:
    pace = Pace(Timing(), 1.0)
    assert [pace.wait(idle, 0) for idle in (0, 149, 150, 300, 450, 599, 600, 86400)] == [1, 1, 2, 3, 4, 4, 5, 5]
    assert Pace(Timing(), 60.0).wait(3600, 0) == 300


def test_looking_takes_a_tenth_of_the_time_at_most() -> None:
    pace = Pace(Timing(), 1.0)
    assert pace.wait(0, 0.05) == 1
    assert pace.wait(0, 2.0) == pytest.approx(18)


@pytest.mark.parametrize(
    ("now", "first", "last", "left"),
    [
        (10.0, 10.0, 10.0, 0.3),  # a first change
        (10.2, 10.0, 10.1, 0.2),  # others keep coming
        (10.5, 10.0, 10.1, 0.0),  # it has been quiet
        (14.9, 10.0, 14.9, 0.1),  # they do not end: at the latest now
        (20.0, 10.0, 20.0, 0.0),
    ],
)
def test_local_changes_are_carried_when_it_is_quiet(now: float, first: float, last: float, left: float) -> None:
    assert Pace(Timing(), 1.0).batch(now, first, last) == pytest.approx(left)


def test_quiet() -> None:
    pace = Pace(Timing(), 1.0)
    assert not pace.is_quiet(10.2, 10.0)
    assert pace.is_quiet(10.3, 10.0)


def test_waits_double_up_to_the_cap_and_are_spread() -> None:
    backoff = Backoff()
    assert [backoff.next(1, 10, 1.0) for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    assert backoff.next(1, 10, 0.0) == 5
    backoff.reset()
    assert backoff.next(1, 10, 0.5) == 0.75
    for _ in range(5000):  # a year of failures
        assert backoff.next(1, 10, 1.0) <= 10


def test_rough_times() -> None:
    spans = [0, 1.4, 59, 89, 91, 3599, 5400, 86400, 200_000]
    assert [rough_time(one) for one in spans] == [
        "0 s", "1 s", "59 s", "89 s", "2 min", "60 min", "2 h", "24 h", "2 days",
    ]  # fmt: skip
