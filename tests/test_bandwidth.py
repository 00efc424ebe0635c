"""Limits on bytes a second, on sockets: exact with a clock of our own, and never faster with the real one."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fixtures.scripted import Connection, Scripted, answer

from pithosfs.bandwidth import Bandwidth, cancelled_by
from pithosfs.errors import NoConnection, ServerFailed, TransferCancelled, UsageError
from pithosfs.http import RetryPolicy, Session

RATE = 200_000
CATCH_UP = 0.1  # seconds that a limit lets somebody make up for
DATA = random.Random(4).randbytes(1_000_000)


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def limit(self, rate: int = RATE) -> Bandwidth:
        return Bandwidth(rate, clock=self, sleep=self.sleep)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted(answer(200, DATA)) as made:
        yield made


def took(clock: Clock, size: int) -> bool:
    """Whether as much time has passed as these bytes need. The last piece does not wait for the next one."""
    spent = clock.now - 1000.0
    return size / RATE - 2 * CATCH_UP <= spent <= size / RATE + 0.01


@pytest.mark.parametrize("as_file", [False, True])
def test_a_body_is_sent_at_the_rate(clock: Clock, server: Scripted, as_file: bool) -> None:
    with Session(upload_limit=clock.limit()) as session:
        session.request("PUT", server.url + "/", data=io.BytesIO(DATA) if as_file else DATA)
    assert server.seen[0].body == DATA
    assert took(clock, len(DATA))
    assert max(clock.naps) <= 0.11  # evenly: no piece waits longer than for the one before it


@pytest.mark.parametrize("stream", [False, True])
def test_a_body_is_read_at_the_rate(clock: Clock, server: Scripted, stream: bool) -> None:
    with Session(download_limit=clock.limit()) as session:
        with session.request("GET", server.url + "/", stream=stream) as reply:
            assert (b"".join(reply.chunks()) if stream else reply.content) == DATA
        assert took(clock, len(DATA))
        assert max(clock.naps) <= 0.11
        assert session.counters.bytes_received == len(DATA)


def test_the_directions_have_limits_of_their_own(clock: Clock, server: Scripted) -> None:
    with Session(download_limit=clock.limit()) as session:
        session.request("PUT", server.url + "/", data=DATA * 5)
    assert took(clock, len(DATA))


def test_many_small_requests_share_the_rate(clock: Clock) -> None:
    """What counts is what is on the wire: heads too."""
    with Scripted(answer(200)) as server, Session(upload_limit=clock.limit()) as session:
        for number in range(100):
            session.request("PUT", f"{server.url}/{number}", data=bytes(10_000))
        heads = sum(len(seen.first_packet) - len(seen.body) for seen in server.seen if seen.first_packet != seen.body)
        assert heads > 5000
    assert took(clock, 1_000_000 + 100 * 150)


def test_time_that_was_not_used_is_lost(clock: Clock) -> None:
    limit = clock.limit()
    clock.now += 3600
    limit.take(RATE)
    before = clock.now
    limit.take(1)
    assert clock.now - before == pytest.approx(1 - CATCH_UP)


@pytest.mark.parametrize(("rate", "piece"), [(100, 1024), (50_000, 5000), (10**9, 65536)])
def test_pieces(rate: int, piece: int) -> None:
    assert Bandwidth(rate).piece == piece


@pytest.mark.parametrize("rate", [0, -1])
def test_no_rate_at_all(rate: int) -> None:
    with pytest.raises(UsageError):
        Bandwidth(rate)


def test_threads_together_are_not_faster() -> None:
    """With the real clock: on a busy machine it only gets slower."""
    rate = 2_000_000
    with (
        Scripted(answer(200, b"x" * 50_000)) as server,
        Session(upload_limit=Bandwidth(rate), download_limit=Bandwidth(rate)) as session,
        ThreadPoolExecutor(8) as pool,
    ):
        started = time.monotonic()
        for reply in pool.map(lambda n: session.request("PUT", f"{server.url}/{n}", data=bytes(50_000)), range(24)):
            assert len(reply.content) == 50_000
        spent = time.monotonic() - started
        # The last piece of each thread may have gone without a wait behind it.
        free = CATCH_UP * rate + 8 * session.upload_limit.piece if session.upload_limit else 0
        assert session.counters.bytes_sent <= rate * spent + free
        assert session.counters.bytes_received <= rate * spent + free


def started_by(event: threading.Event) -> None:
    assert event.wait(20)


def test_a_wait_is_called_off(server: Scripted) -> None:
    """At this rate it would take a quarter of an hour."""
    cancel, asked = threading.Event(), threading.Event()

    def arrived(connection: Connection) -> None:
        asked.set()
        connection.send(answer(200, DATA))

    server.steps[:] = [arrived]
    with Session(download_limit=Bandwidth(1000)) as session, ThreadPoolExecutor(1) as pool:

        def fetch() -> None:
            with cancelled_by(cancel):
                session.request("GET", server.url + "/")

        running = pool.submit(fetch)
        started_by(asked)
        cancel.set()
        with pytest.raises(TransferCancelled):
            running.result(timeout=60)


def test_an_upload_is_called_off_and_its_connection_is_not_used_again() -> None:
    cancel = threading.Event()
    with Scripted(answer(200)) as server, Session(upload_limit=Bandwidth(100_000)) as session:
        with pytest.raises(TransferCancelled), cancelled_by(cancel):
            cancel.set()
            session.request("PUT", server.url + "/a", data=DATA)
        session.request("GET", server.url + "/b")
        assert [seen.target for seen in server.seen] == ["/b"]


def test_closing_the_session_ends_the_waits(server: Scripted) -> None:
    asked = threading.Event()

    def arrived(connection: Connection) -> None:
        asked.set()
        connection.send(answer(200, DATA))

    server.steps[:] = [arrived]
    session = Session(download_limit=Bandwidth(1000))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.request, "GET", server.url + "/")
        started_by(asked)
        session.close()
        with pytest.raises(TransferCancelled):
            running.result(timeout=60)


def test_the_wait_for_another_attempt_is_called_off() -> None:
    cancel, asked = threading.Event(), threading.Event()

    def busy(connection: Connection) -> None:
        connection.send(answer(503, b"", Retry_After="3000"))
        asked.set()

    policy = RetryPolicy(total=10_000)
    with Scripted(busy) as server, Session(policy=policy) as session, ThreadPoolExecutor(1) as pool:

        def ask() -> None:
            with cancelled_by(cancel):
                session.request("GET", server.url + "/")

        running = pool.submit(ask)
        started_by(asked)
        cancel.set()
        with pytest.raises(TransferCancelled):
            running.result(timeout=60)

        asked.clear()
        cancel.clear()
        running = pool.submit(ask)  # and now by closing the session
        started_by(asked)
        session.close()
        with pytest.raises((NoConnection, ServerFailed)):  # whether it has begun to wait or is about to
            running.result(timeout=60)


def test_what_is_called_off_inside_counts_no_longer_outside() -> None:
    outer, inner = threading.Event(), threading.Event()
    inner.set()
    limit = Bandwidth(1_000_000)
    with cancelled_by(outer):
        with cancelled_by(inner), pytest.raises(TransferCancelled):
            for _ in range(20):
                limit.take(10_000)
        limit.take(10_000)
