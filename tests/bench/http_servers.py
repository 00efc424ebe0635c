"""What chose the local cloud's HTTP framework: small requests a second, and memory under a big upload.

    python tests/bench/http_servers.py [--seconds 3] [--connections 16] [--mebibytes 256]

Each server runs the same two handlers in a process of its own on loopback: GET answers two bytes, PUT counts the bytes
of its body as they arrive. The load comes from wrk if that is installed, else from a client in this file, which takes a
core for itself and so shows less of a fast server than wrk does. Servers that are not installed are left out. Ratios
are to the first line, what the local cloud uses.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import multiprocessing
import re
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: 0123456789abcdef\r\n\r\n"
CLIENTS = 2
"""Processes of the client in this file: one cannot keep an asynchronous server busy."""


# the servers ----------------------------------------------------------------------------------------------------------


def serve_starlette(listener: socket.socket) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route

    async def small(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def upload(request: Request) -> Response:
        size = 0
        async for piece in request.stream():
            size += len(piece)
        return PlainTextResponse(str(size))

    app = Starlette(routes=[Route("/", small, methods=["GET"]), Route("/", upload, methods=["PUT"])])
    config = uvicorn.Config(app, http="httptools", loop="uvloop", ws="none", access_log=False, log_config=None)
    uvicorn.Server(config).run(sockets=[listener])


def _serve_aiohttp(listener: socket.socket, run: Callable[[Any], object]) -> None:
    from aiohttp import web

    async def small(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def upload(request: web.Request) -> web.Response:
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        return web.Response(text=str(size))

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/", small)
        app.router.add_put("/", upload)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        await asyncio.Event().wait()

    run(main())


def serve_aiohttp(listener: socket.socket) -> None:
    _serve_aiohttp(listener, asyncio.run)


def serve_aiohttp_uvloop(listener: socket.socket) -> None:
    import uvloop

    _serve_aiohttp(listener, uvloop.run)


def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = b"ok"
    if environ["REQUEST_METHOD"] == "PUT":
        size = 0
        while piece := environ["wsgi.input"].read(65536):
            size += len(piece)
        body = str(size).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def serve_waitress(listener: socket.socket) -> None:
    import waitress

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # else a line each time a request has to wait
    waitress.serve(wsgi_app, sockets=[listener], threads=8, _quiet=True)


def serve_cheroot(listener: socket.socket) -> None:
    from cheroot import wsgi

    address = listener.getsockname()
    listener.close()  # it opens one of its own
    server = wsgi.Server(address, wsgi_app, numthreads=32, request_queue_size=128)
    server.max_request_body_size = 0
    server.safe_start()


@dataclass(frozen=True)
class Candidate:
    """A server to measure, and the modules without which it is left out."""

    name: str
    serve: Callable[[socket.socket], None]
    modules: tuple[str, ...]


CANDIDATES = [
    Candidate("starlette, uvicorn", serve_starlette, ("starlette", "uvicorn", "httptools", "uvloop")),
    Candidate("aiohttp", serve_aiohttp, ("aiohttp",)),
    Candidate("aiohttp, uvloop", serve_aiohttp_uvloop, ("aiohttp", "uvloop")),
    Candidate("waitress", serve_waitress, ("waitress",)),
    Candidate("cheroot", serve_cheroot, ("cheroot",)),
]


@contextmanager
def running(candidate: Candidate) -> Iterator[tuple[int, int]]:
    """The port and the process number of a server that answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    process = multiprocessing.get_context("fork").Process(target=candidate.serve, args=(listener,), daemon=True)
    process.start()
    listener.close()
    try:
        _await_answer(port)
        yield port, process.pid or 0
    finally:
        process.kill()
        process.join()


def _await_answer(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(REQUEST)
                if client.recv(65536):
                    return
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # cheroot gives no sign when it listens


# the measurements -----------------------------------------------------------------------------------------------------


def rate(port: int, connections: int, seconds: float) -> float:
    """Small requests answered a second."""
    if wrk := shutil.which("wrk"):
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", f"http://127.0.0.1:{port}/"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"Requests/sec:\s+([\d.]+)", output)
        if found is None:
            raise RuntimeError(f"wrk said: {output}")
        return float(found.group(1))
    with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
        share = max(1, connections // CLIENTS)
        return sum(pool.starmap(_client, [(port, share, seconds)] * CLIENTS))


def _client(port: int, connections: int, seconds: float) -> float:
    """One request at a time on each of several connections; answers a second."""
    poll = select.epoll()
    clients: dict[int, socket.socket] = {}
    buffers: dict[int, bytes] = {}

    def ask_on_a_new_connection() -> None:
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(client, select.EPOLLIN)
        clients[client.fileno()] = client
        buffers[client.fileno()] = b""
        client.sendall(REQUEST)

    for _ in range(connections):
        ask_on_a_new_connection()
    answers = 0
    end = (start := time.monotonic()) + seconds
    while time.monotonic() < end:
        for number, _ in poll.poll(1):
            piece = clients[number].recv(65536)
            if not piece:  # cheroot does that when it has more connections than it likes
                poll.unregister(number)
                clients.pop(number).close()
                ask_on_a_new_connection()
                continue
            buffers[number] += piece
            if buffers[number].endswith(b"\r\n\r\nok"):
                buffers[number] = b""
                answers += 1
                clients[number].sendall(REQUEST)
    for client in clients.values():
        client.close()
    poll.close()
    return answers / (time.monotonic() - start)


def upload(port: int, size: int) -> float:
    """Stream `size` bytes in one request; MiB a second."""
    piece = bytes(range(256)) * 256
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode())
        for _ in range(size // len(piece)):
            client.sendall(piece)
        reply = b""
        while more := client.recv(65536):
            reply += more
    if not reply.endswith(str(size).encode()):
        raise RuntimeError(f"the server answered {reply!r}")
    return size / MIB / (time.monotonic() - start)


def peak_memory(pid: int) -> float:
    """The most memory that a process ever had resident, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise RuntimeError(f"no memory figure for process {pid}")
    return int(found.group(1)) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of small requests to each server")
    parser.add_argument("--connections", type=int, default=16, help="that send them side by side")
    parser.add_argument("--mebibytes", type=int, default=256, help="of the upload")
    options = parser.parse_args()
    print(f"{'server':<20} {'requests/s':>10} {'ratio':>6} {'upload MiB/s':>13} {'peak MiB':>9} {'over idle':>10}")
    first: float | None = None
    for candidate in CANDIDATES:
        missing = [name for name in candidate.modules if importlib.util.find_spec(name) is None]
        if missing:
            print(f"{candidate.name:<20} left out: {', '.join(missing)} not installed")
            continue
        with running(candidate) as (port, pid):
            requests = rate(port, options.connections, options.seconds)
            idle = peak_memory(pid)
            speed = upload(port, options.mebibytes * MIB)
            peak = peak_memory(pid)
        first = first or requests
        ratio = f"{requests / first:.2f}"
        print(f"{candidate.name:<20} {requests:>10.0f} {ratio:>6} {speed:>13.0f} {peak:>9.0f} {peak - idle:>10.0f}")


if __name__ == "__main__":
    main()
