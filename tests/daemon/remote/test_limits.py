"""A pair's limits on bandwidth: kept to, and no reason to wait for what was called off."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fixtures.proxy import Drop, Request

from pithosfs.errors import TransferCancelled

from .conftest import BLOCK, Side

RATE = 1_000_000


def test_several_transfers_share_a_limit(limited: Callable[..., Side]) -> None:
    """On a busy machine it only gets slower."""
    side = limited(upload_limit=RATE, download_limit=RATE)
    contents = {f"x{number}": os.urandom(300_000) for number in range(4)}
    with ThreadPoolExecutor(4) as pool:
        started = time.monotonic()
        list(pool.map(lambda name: side.send(name, contents[name]), contents))
        assert side.wire.sent <= RATE * (time.monotonic() - started + 0.5)
        infos = side.listed()
        started = time.monotonic()
        before = side.wire.received
        came = list(pool.map(lambda info: side.receive(info.name, info)[1], infos))
        # Beside what was read, each connection may have a buffer full on its way.
        assert side.wire.received - before <= RATE * (time.monotonic() - started + 0.5) + 4 * 600_000
    assert came == [contents[info.name] for info in infos]


@pytest.mark.parametrize("size", [100_000, BLOCK + 5])
@pytest.mark.parametrize("way", ["up", "down"])
def test_what_is_called_off_does_not_wait_for_its_turn(limited: Callable[..., Side], way: str, size: int) -> None:
    """At this rate a block would take an hour."""
    side = limited(**{f"{way}load_limit": 1000})
    cancel, begun = threading.Event(), threading.Event()

    def look(request: Request) -> bool:
        begun.set()
        return False

    side.wire.when(look, Drop())

    def transfer() -> None:
        if way == "up":
            side.send("x", os.urandom(size), cancel=cancel)
        else:
            side.receive("x", side.there.head("x"), cancel=cancel)

    if way == "down":
        side.put("x", os.urandom(size))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(transfer)
        assert begun.wait(60)
        cancel.set()
        with pytest.raises(TransferCancelled):
            running.result(timeout=60)
    assert way == "down" or not side.there.has("x")
