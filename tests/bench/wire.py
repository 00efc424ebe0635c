"""A network link for benchmarks: a round-trip time, a bandwidth for each direction, and counts of what went over it.

    with Wire(("127.0.0.1", 8080), round_trip=0.020, rate=200e6) as wire:
        wire.url            what clients are given
        wire.counts()       requests by method, bytes each way, connections; waits until nothing is under way
        wire.forget()       count from zero

    python tests/bench/wire.py [--round-trip MS] [--rate MBIT]      measures the link itself

It is a TCP proxy in a process of its own with uvloop, which parses nothing but the requests' boundaries (in C, for the
count). The kernel would be the better link, but the kernels of the machines that this runs on come without netem.

What it imitates: every byte arrives half a round trip after it got its turn on the link; a new connection costs a round
trip before its first byte; connections share the bandwidth of a direction evenly, in slices, as behind a router with
fair queues. Connections do not wait for each other otherwise, nor do pipelined requests. What it leaves out: TCP's slow
start, and losses. Bytes are those inside TCP.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import psutil
import uvloop

SLICE = 16 * 1024
"""Bytes of one connection that go over a limited link before the next connection has its turn: 0.7 ms at 200 Mbit/s."""

WINDOW = 1024 * 1024
"""Bytes of one connection that wait or are under way before its sender has to wait: twice 200 Mbit/s times 20 ms."""

EARLY = 0.0005
"""Seconds that something may arrive too early: timers have a grain of a millisecond, and this halves the error."""

QUIET_SECONDS = 5.0
"""How long `counts` waits at most for what is under way."""


# for benchmarks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """What went over a link; `up` and `down` are bytes, heads included."""

    requests: int
    up: int
    down: int
    connections: int
    methods: dict[str, int]


class Wire:
    """A link to `upstream` in a process of its own, from the start to `close`.

    `round_trip` in seconds, `rate` in bits a second for each direction (None: no limit). The process ends with this one
    too, because its standard input does.
    """

    def __init__(self, upstream: tuple[str, int], round_trip: float = 0.0, rate: float | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", upstream[0], *map(str, (upstream[1], round_trip, rate or 0))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        self.address: tuple[str, int] = ("127.0.0.1", self._answer()["port"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address[1]}"

    def instead_of(self, url: str) -> str:
        """A URL of the server, with this link before it."""
        return urlsplit(url)._replace(netloc=f"127.0.0.1:{self.address[1]}").geturl()

    def counts(self) -> Counts:
        """What went over it since the start or `forget`, once nothing is under way."""
        return Counts(**self._ask("counts"))

    def forget(self) -> None:
        """Count from zero, once nothing is under way."""
        self._ask("forget")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(word.encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the link's process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


# the process ----------------------------------------------------------------------------------------------------------


class _Link:
    """Both directions, and what has been counted."""

    def __init__(self, upstream: tuple[str, int], round_trip: float, rate: float | None) -> None:
        self.upstream = upstream
        self.round_trip = round_trip
        self.loop = asyncio.get_running_loop()
        seconds_a_byte = 8 / rate if rate else 0.0
        self.up = _Direction(self.loop, round_trip / 2, seconds_a_byte)
        self.down = _Direction(self.loop, round_trip / 2, seconds_a_byte)
        self.forget()

    def forget(self) -> None:
        self.methods: Counter[str] = Counter()
        self.connections = 0
        self.up.count = self.down.count = 0

    async def quiet(self) -> None:
        deadline = self.loop.time() + QUIET_SECONDS
        while (self.up.busy or self.down.busy) and self.loop.time() < deadline:
            await asyncio.sleep(0.005)

    def counts(self) -> dict[str, Any]:
        return {
            "requests": self.methods.total(),
            "up": self.up.count,
            "down": self.down.count,
            "connections": self.connections,
            "methods": dict(self.methods),
        }


class _Direction:
    """One direction of the link, for all connections: first their turn, slice by slice, then the way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float, seconds_a_byte: float) -> None:
        self.count = 0
        self._loop = loop
        self._delay = delay
        self._seconds_a_byte = seconds_a_byte
        self._turns: deque[_Stream] = deque()  # streams with something that waits for its turn
        self._free = 0.0  # when the link has sent what had its turn
        self._way: deque[tuple[float, _Stream, memoryview | None]] = deque()  # in the order of arrival
        self._turn_timer: asyncio.TimerHandle | None = None
        self._way_timer: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        return bool(self._turns or self._way)

    def enter(self, stream: _Stream, data: memoryview | None) -> None:
        """`data` of a stream, or its end (None), stands at the beginning of the link."""
        now = self._loop.time()
        if not self._seconds_a_byte:
            self._send(now + self._delay, stream, data)
            return
        if not stream.waiting:
            self._turns.append(stream)
        stream.waiting.append(data)
        if self._turn_timer is None:
            self._free = max(self._free, now)
            self._take_turns()

    def _take_turns(self) -> None:
        self._turn_timer = None
        limit = self._loop.time() + EARLY
        while self._turns:
            if self._free > limit:
                self._turn_timer = self._loop.call_at(self._free, self._take_turns)
                return
            stream = self._turns.popleft()
            data = stream.waiting.popleft()
            if data is not None and len(data) > SLICE:
                stream.waiting.appendleft(data[SLICE:])
                data = data[:SLICE]
            if stream.waiting:
                self._turns.append(stream)
            if data is not None:
                self._free += len(data) * self._seconds_a_byte
            self._send(self._free + self._delay, stream, data)

    def _send(self, due: float, stream: _Stream, data: memoryview | None) -> None:
        if not self._delay and not self._seconds_a_byte:
            stream.arrive(data)
            return
        self._way.append((due, stream, data))
        if self._way_timer is None:
            self._way_timer = self._loop.call_at(due, self._arrive)

    def _arrive(self) -> None:
        self._way_timer = None
        limit = self._loop.time() + EARLY
        while self._way:
            due, stream, data = self._way[0]
            if due > limit:
                self._way_timer = self._loop.call_at(due, self._arrive)
                return
            self._way.popleft()
            stream.arrive(data)


class _Stream:
    """What one end of a connection sends to the other: `source` reads it from its socket, `target` writes it."""

    def __init__(self, direction: _Direction, source: _End) -> None:
        self.waiting: deque[memoryview | None] = deque()
        self.target: asyncio.Transport | None = None
        self._direction = direction
        self._source = source
        self._under_way = 0
        self._clogged = False  # the target's socket takes no more
        self._early: list[memoryview | None] = []  # what has arrived before the target was connected

    def send(self, data: bytes) -> None:
        self._direction.count += len(data)
        self._under_way += len(data)
        self._direction.enter(self, memoryview(data))
        self._regulate()

    def end(self) -> None:
        self._direction.enter(self, None)

    def arrive(self, data: memoryview | None) -> None:
        if self.target is None:
            self._early.append(data)
        elif data is None:
            self.target.close()  # after what has been written
        else:
            self._under_way -= len(data)
            if not self.target.is_closing():
                self.target.write(data)
            self._regulate()

    def connect(self, target: asyncio.Transport) -> None:
        self.target = target
        early, self._early = self._early, []
        for data in early:
            self.arrive(data)

    def clog(self, clogged: bool) -> None:
        self._clogged = clogged
        self._regulate()

    def _regulate(self) -> None:
        self._source.read(not self._clogged and self._under_way < WINDOW)


class _End(asyncio.Protocol):
    """The link's own end of one TCP connection; `out` carries what comes from there, `back` what goes there."""

    out: _Stream
    back: _Stream
    transport: asyncio.Transport | None = None
    _reads = True

    def data_received(self, data: bytes) -> None:
        self.out.send(data)

    def eof_received(self) -> bool:
        return False  # closes; HTTP clients do not close only half of a connection

    def connection_lost(self, error: Exception | None) -> None:
        self.out.end()
        self.back.clog(False)

    def pause_writing(self) -> None:
        self.back.clog(True)

    def resume_writing(self) -> None:
        self.back.clog(False)

    def read(self, wanted: bool) -> None:
        if wanted == self._reads or self.transport is None:
            return
        self._reads = wanted
        if self.transport.is_closing():
            return
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()


class _ClientEnd(_End):
    """Where clients connect to."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._parser: Any = httptools.HttpRequestParser(self)
        self.out = _Stream(link.up, self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = _ready(transport)
        self._link.connections += 1
        server = _ServerEnd(self._link, self)
        if self._link.round_trip:
            # What the handshake takes on a real link. The client's own was answered by this machine at once.
            self.read(False)
            self._link.loop.call_later(self._link.round_trip, self.read, True)
        self._opening = self._link.loop.create_task(server.open())

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError:
                self._parser = None  # not HTTP: only the bytes count
                self._link.methods["?"] += 1
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._link.methods[self._parser.get_method().decode()] += 1


class _ServerEnd(_End):
    """What connects to the server in the client's place."""

    def __init__(self, link: _Link, client: _ClientEnd) -> None:
        self._link = link
        self._client = client
        self.out = client.back = _Stream(link.down, self)
        self.back = client.out
        assert client.transport is not None
        self.out.connect(client.transport)

    async def open(self) -> None:
        try:
            await self._link.loop.create_connection(lambda: self, *self._link.upstream)
        except OSError:
            self.out.end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = _ready(transport)
        self.back.connect(self.transport)


def _ready(transport: asyncio.BaseTransport) -> asyncio.Transport:
    transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made = cast(asyncio.Transport, transport)  # uvloop's are of no common class
    made.set_write_buffer_limits(high=WINDOW)
    return made


async def _serve(upstream: tuple[str, int], round_trip: float, rate: float | None) -> None:
    loop = asyncio.get_running_loop()
    link = _Link(upstream, round_trip, rate)
    server = await loop.create_server(lambda: _ClientEnd(link), "127.0.0.1", 0, backlog=1024)
    words = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    _say({"port": server.sockets[0].getsockname()[1]})
    while word := (await words.readline()).strip():
        await link.quiet()
        answer = link.counts()
        if word == b"forget":
            link.forget()
        _say(answer)
    server.close()


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


# measuring the link itself --------------------------------------------------------------------------------------------

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: 0123456789abcdef\r\n\r\n"
MIB = 1024 * 1024


class _Echo(asyncio.Protocol):
    """Answers small requests, and bodies when they are complete."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.parser: Any = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(ANSWER)


def _answer_all(listener: socket.socket) -> None:
    _end_with_parent()

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Echo, sock=listener)
        await server.serve_forever()

    uvloop.run(main())


def _end_with_parent() -> None:
    """So that nothing is left of a benchmark that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@contextlib.contextmanager
def _upstream() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        process = multiprocessing.get_context("fork").Process(target=_answer_all, args=(listener,))
        process.start()
        try:
            yield listener.getsockname()
        finally:
            process.terminate()
            process.join()


class _Asker(asyncio.Protocol):
    """Asks again as soon as it has an answer, till the time is over."""

    def __init__(self, seconds: float) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self.times: list[float] = []
        self._seconds = seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._end = time.perf_counter() + self._seconds
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(ASK)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.times.append(now - self._asked)
        if now < self._end:
            self._ask()
        else:
            self._transport.close()
            self.done.set_result(None)


def _ask_for(address: tuple[str, int], connections: int, seconds: float) -> list[float]:
    """The times of all requests but the first of each connection, sorted."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        made = [await loop.create_connection(lambda: _Asker(seconds), *address) for _ in range(connections)]
        await asyncio.gather(*(asker.done for _, asker in made))
        return sorted(one for _, asker in made for one in asker.times[1:])

    return uvloop.run(main())


def _upload(address: tuple[str, int], mebibytes: int) -> float:
    """Seconds until the body is answered."""
    piece = bytes(MIB)
    with socket.create_connection(address) as connection:
        started = time.perf_counter()
        connection.sendall(b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (mebibytes * MIB))
        for _ in range(mebibytes):
            connection.sendall(piece)
        assert connection.recv(65536).endswith(b"ok")
        return time.perf_counter() - started


def measure(round_trip: float, rate: float, seconds: float = 2.0) -> dict[str, float]:
    """How the link itself does: without limits, and with these."""
    found: dict[str, float] = {}
    with _upstream() as upstream:
        found["direct round trip ms"] = 1000 * _median(_ask_for(upstream, 1, seconds / 4))
        found["direct requests/s"] = len(_ask_for(upstream, 32, seconds)) / seconds
        with Wire(upstream) as wire:
            found["unlimited round trip ms"] = 1000 * _median(_ask_for(wire.address, 1, seconds / 4))
            process = psutil.Process(wire.pid)
            before = process.cpu_times()
            asked = len(_ask_for(wire.address, 32, seconds))
            after = process.cpu_times()
            used = after.user + after.system - before.user - before.system
            found["unlimited requests/s"] = asked / seconds
            found["CPU µs a request"] = 1e6 * used / asked
            found["unlimited Mbit/s"] = 256 * MIB * 8 / 1e6 / _upload(wire.address, 256)
        with Wire(upstream, round_trip, rate) as wire:
            times = _ask_for(wire.address, 1, seconds / 2)
            found["limited round trip ms"] = 1000 * _median(times)
            found["limited round trip ms, worst of a hundred"] = 1000 * times[int(len(times) * 0.99)]
            found["limited requests/s, 128 connections"] = len(_ask_for(wire.address, 128, seconds)) / seconds
            before = psutil.Process(wire.pid).cpu_times()
            mebibytes = max(1, int(seconds * rate / 8 / MIB))
            found["limited Mbit/s"] = mebibytes * MIB * 8 / 1e6 / (_upload(wire.address, mebibytes) - round_trip)
            after = psutil.Process(wire.pid).cpu_times()
            used = after.user + after.system - before.user - before.system
            found["CPU ms a MiB"] = 1000 * used / mebibytes
    return found


def _median(values: list[float]) -> float:
    return values[len(values) // 2]


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        host, port, round_trip, rate = sys.argv[2:]
        uvloop.run(_serve((host, int(port)), float(round_trip), float(rate) or None))
        return
    parser = argparse.ArgumentParser(description="What the link of the benchmarks does by itself.")
    parser.add_argument("--round-trip", type=float, default=20.0, metavar="MS")
    parser.add_argument("--rate", type=float, default=200.0, metavar="MBIT")
    options = parser.parse_args()
    for what, value in measure(options.round_trip / 1000, options.rate * 1e6).items():
        print(f"{what:45s} {value:10.2f}")


if __name__ == "__main__":
    main()
