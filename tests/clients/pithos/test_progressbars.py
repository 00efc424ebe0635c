"""Progress call-backs of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pithosfs.clients.pithos.progressbars import Steps
from pithosfs.clients.progressbars import Bar
from pithosfs.transfer import Phase, Progress


def generator(seen: list[Any]) -> Any:
    def bar(total: int) -> Iterator[None]:
        seen.append(("of", total))
        yield
        for number in range(total):
            seen.append(number + 1)
            yield

    return bar


def test_a_generator_starts_at_once_and_goes_on_with_every_block() -> None:
    seen: list[Any] = []
    bar = Bar(generator(seen), 3)
    assert seen == [("of", 3)]
    bar.advance(1)
    bar.advance(1)
    bar.advance(3)
    bar.advance(9)
    assert seen == [("of", 3), 1, 2, 3]


def test_a_plain_function_is_told_of_every_block() -> None:
    seen: list[Any] = []
    bar = Bar(lambda done, total: seen.append((done, total)), 2)
    bar.advance(2)
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_one_that_returns_no_iterator_is_told_the_number_once() -> None:
    seen: list[int] = []
    bar = Bar(seen.append, 2)
    bar.advance(2)
    assert seen == [2]


def stops_at_once(total: int) -> None:
    raise StopIteration


def stops_later(done: int, total: int) -> None:
    if done:
        raise StopIteration


def ends_early(total: int) -> Iterator[int]:
    yield 1


def asks_an_empty_iterator(total: int) -> Iterator[int]:
    yield 0
    yield next(iter(()))


@pytest.mark.parametrize(
    "call", [stops_at_once, stops_later, ends_early, asks_an_empty_iterator, lambda total: [1], None]
)
def test_a_bar_may_end_when_it_likes(call: Any) -> None:
    Bar(call, 3).advance(3)


def fails(total: int) -> Iterator[None]:
    yield
    raise RuntimeError("a trouble of the program's own")


def test_other_errors_are_the_programs_own() -> None:
    bar = Bar(fails, 3)
    with pytest.raises(RuntimeError):
        bar.advance(1)


def test_bytes_become_blocks() -> None:
    seen: list[Any] = []
    steps = Steps(10, {Phase.SENDING: generator(seen), Phase.HASHING: None})
    for done in (0, 9, 10, 15, 25):
        steps(Progress(Phase.HASHING, done, 25))
        steps(Progress(Phase.SENDING, done, 25))
    assert seen == [("of", 3), 1, 2, 3]
    steps(Progress(Phase.RECEIVING, 5, 25))


def test_a_second_round_goes_on_with_the_same_bar() -> None:
    seen: list[Any] = []
    steps = Steps(10, {Phase.SENDING: generator(seen)})
    for done in (0, 10, 20):
        steps(Progress(Phase.SENDING, done, 40))
    for done in (0, 10, 20):
        steps(Progress(Phase.SENDING, done, 20))
    assert seen == [("of", 4), 1, 2, 3, 4]


def test_what_is_there_already_counts_as_done() -> None:
    seen: list[Any] = []
    steps = Steps(10, {Phase.RECEIVING: generator(seen)}, whole={Phase.RECEIVING: 45})
    steps(Progress(Phase.RECEIVING, 0, 15))
    assert seen == [("of", 5), 1, 2, 3]
    steps(Progress(Phase.RECEIVING, 15, 15))
    assert seen[-2:] == [4, 5]
    nothing: list[Any] = []
    steps = Steps(10, {Phase.RECEIVING: generator(nothing)}, whole={Phase.RECEIVING: 20})
    steps(Progress(Phase.RECEIVING, 0, 0))
    assert nothing == [("of", 2), 1, 2]
