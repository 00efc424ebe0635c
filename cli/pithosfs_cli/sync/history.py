"""`pithosfs sync log`: what was done, the latest last."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.command import Command, with_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import iso_time, show_pages
from pithosfs_cli.sync.choosing import chosen, home_relative, pair_argument

if TYPE_CHECKING:
    from pathlib import Path

    from pithosfs_daemon.eventlog import Event
    from pithosfs_daemon.values import Pair

__all__ = ["log"]

LOOK_SECONDS = 0.3  # between looks at a log that is followed, as tail does where it cannot be told

_COLUMNS = [
    Column("time", "TIME", "time", 19),
    Column("folder", "FOLDER", width=20),
    Column("what", "WHAT", width=20),
    Column("name", "NAME", width=40),
    Column("detail", "DETAIL"),
]


@click.command("log", cls=Command)
@pair_argument()
@with_options(
    [
        click.option("-f", "--follow", is_flag=True, help="Go on with what is done from now on, until interrupted."),
        click.option(
            "-n",
            "--lines",
            "count",
            type=click.IntRange(0),
            default=50,
            metavar="N",
            help="The last so many entries (default: 50).",
        ),
        *list_options(_COLUMNS),
    ]
)
@click.pass_obj
def log(run: Invocation, pair: str | None, follow: bool, count: int) -> None:
    """Show what was done in the synced folder PAIR, or in all: a line for each action."""
    from pithosfs_daemon.registry import Registry

    registry = Registry(run.directories)
    pairs = registry.pairs() if pair is None else [chosen(run, pair)]
    places = [(one, registry.directory(one.id)) for one in pairs]
    columns = [one for one in _COLUMNS if one.key != "folder" or len(pairs) > 1]
    pages = _followed(places, count) if follow else [_last(places, count)]
    show_pages(run, pages, columns, empty="Nothing was done yet")


def _last(places: list[tuple[Pair, Path]], count: int) -> list[dict[str, Any]]:
    from pithosfs_daemon.eventlog import last

    events = [(event, pair) for pair, place in places for event in last(place, count)]
    events.sort(key=lambda one: one[0].time)
    return [_record(event, pair) for event, pair in events[max(0, len(events) - count) :]]


def _followed(places: list[tuple[Pair, Path]], count: int) -> Iterator[list[dict[str, Any]]]:
    """The last ones as a page, and then those that come, each as a page of its own."""
    from pithosfs_daemon.eventlog import follow

    ended = threading.Event()
    news: queue.SimpleQueue[tuple[Event, Pair] | None] = queue.SimpleQueue()

    def read(pair: Pair, place: Path) -> None:
        caught_up = False

        def wait() -> bool:
            nonlocal caught_up
            if not caught_up:
                caught_up = True
                news.put(None)
            return not ended.wait(LOOK_SECONDS)

        for event in follow(place, wait, count):
            news.put((event, pair))

    for pair, place in places:
        threading.Thread(target=read, args=(pair, place), name="follow", daemon=True).start()
    try:
        behind, begun = len(places), []
        while behind:
            one = news.get()
            if one is None:
                behind -= 1
            else:
                begun.append(one)
        begun.sort(key=lambda one: one[0].time)
        yield [_record(event, pair) for event, pair in begun[max(0, len(begun) - count) :]]
        while True:
            one = news.get()
            if one is not None:
                yield [_record(*one)]
    finally:
        ended.set()


def _record(event: Event, pair: Pair) -> dict[str, Any]:
    return {
        "time": iso_time(event.time * 1e9),
        "folder": str(pair.folder),
        "_folder": home_relative(str(pair.folder)),
        "what": event.what,
        "name": event.name,
        "detail": event.detail,
    }
