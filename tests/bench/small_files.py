"""How many small files a second go to the cloud: requests one by one, many objects in a request, and rclone.

    python tests/bench/small_files.py [--files 2000] [--size 4096] [--rounds 3]

Everything runs on a local cloud of its own in a temporary directory, which is removed afterwards. Each number is the
best of the rounds; every upload is of content that nobody has sent before, on condition that the name is free. `raw` is
a client that does nothing but send prepared bytes: what the server can take. The others read the files from disk;
`put_many` gets batches of 100 files or 4 MiB, `put_object` is called by 16 threads. The start of the program is in
rclone's time. The last column is what the server's process used of a processor for one file.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures.clouds import TestCloud, User

from pithosfs.store import NewObject, ObjectInfo, ObjectPath

BATCH_FILES, BATCH_BYTES = 100, 4 * 1024 * 1024
META = {"mtime": "1600000000.123456789", "mode": "0644"}
TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Bench:
    """Where everything is, and the account."""

    root: Path
    cloud: TestCloud
    user: User
    files: int
    size: int
    numbers: Iterator[int]

    def folder(self) -> Path:
        """New files that nobody has seen."""
        made = self.root / f"files-{next(self.numbers)}"
        made.mkdir()
        for number in range(self.files):
            (made / f"{number:06d}").write_bytes(os.urandom(self.size))
        return made

    def spent(self) -> float:
        """Seconds of processor time of the server so far."""
        fields = Path(f"/proc/{self.cloud.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def raw_puts(bench: Bench, connections: int) -> float:
    """Seconds; `connections` requests are under way at any time."""
    prefix = next(bench.numbers)
    messages = [_message(bench, f"raw-{prefix}/{number:06d}") for number in range(bench.files)]
    waiting = iter(messages)
    poll = select.epoll()
    clients: dict[int, socket.socket] = {}
    started = time.perf_counter()
    for _ in range(connections):
        client = socket.create_connection(bench.cloud.address)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(client, select.EPOLLIN)
        clients[client.fileno()] = client
        client.sendall(next(waiting))
    answers = 0
    while answers < bench.files:
        for number, _ in poll.poll(30):
            answer = clients[number].recv(65536)  # without a body, it comes whole
            assert answer.startswith(b"HTTP/1.1 201"), answer
            answers += 1
            if (message := next(waiting, None)) is not None:
                clients[number].sendall(message)
    seconds = time.perf_counter() - started
    for client in clients.values():
        client.close()
    poll.close()
    return seconds


def _message(bench: Bench, name: str) -> bytes:
    head = f"PUT /object-store/v1/{bench.user.uuid}/pithos/{name} HTTP/1.1\r\nHost: x\r\n"
    head += f"X-Auth-Token: {bench.user.token}\r\nContent-Type: {TYPE}\r\nContent-Length: {bench.size}\r\n"
    head += "".join(f"X-Object-Meta-{key.title()}: {value}\r\n" for key, value in META.items())
    return f"{head}If-None-Match: *\r\n\r\n".encode() + os.urandom(bench.size)


def put_objects(bench: Bench, folder: Path) -> None:
    def put(path: Path) -> None:
        target = ObjectPath(bench.user.uuid, "pithos", f"one/{folder.name}/{path.name}")
        bench.user.store.put_object(target, path.read_bytes(), content_type=TYPE, meta=META, base="")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, folder.iterdir()))


def put_many(bench: Bench, folder: Path, at_a_time: int) -> None:
    def put(batch: list[NewObject]) -> None:
        assert all(isinstance(one, ObjectInfo) for one in bench.user.store.put_many("pithos", batch))

    def batches() -> Iterator[list[NewObject]]:
        batch: list[NewObject] = []
        size = 0
        for path in folder.iterdir():
            data = path.read_bytes()
            batch.append(NewObject(f"many/{folder.name}/{path.name}", data, TYPE, META))
            size += len(data)
            if len(batch) == BATCH_FILES or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    if at_a_time == 1:
        for batch in batches():
            put(batch)
        return
    with ThreadPoolExecutor(at_a_time) as pool:
        list(pool.map(put, batches()))


def rclone(bench: Bench, program: str, folder: Path) -> None:
    swift = {"TYPE": "swift", "USER": bench.user.name, "KEY": bench.user.token}
    swift["AUTH"] = f"{bench.cloud.base}/auth/v1.0"
    environ = {
        **os.environ,
        **{f"RCLONE_CONFIG_X_{key}": value for key, value in swift.items()},
        "RCLONE_CONFIG": str(bench.root / "rclone.conf"),
        "RCLONE_TRANSFERS": "16",
        "RCLONE_CHECKERS": "16",
    }
    words = [program, "copy", str(folder), f"X:pithos/rclone/{folder.name}"]
    subprocess.run(words, env=environ, check=True, capture_output=True)


def row(bench: Bench, what: str, rounds: int, run: Callable[[], float]) -> None:
    best, spent = min(_measured(bench, run) for _ in range(rounds))
    each = spent / bench.files * 1e6
    print(f"{what:34s} {best:7.2f} s {bench.files / best:8.0f} files/s {each:8.0f} µs of the server", flush=True)


def _measured(bench: Bench, run: Callable[[], float]) -> tuple[float, float]:
    os.sync()  # what others have left to write is not ours
    before = bench.spent()
    seconds = run()
    return seconds, bench.spent() - before


def on_files(bench: Bench, work: Callable[[Path], None]) -> Callable[[], float]:
    def run() -> float:
        folder = bench.folder()
        os.sync()
        started = time.perf_counter()
        work(folder)
        seconds = time.perf_counter() - started
        shutil.rmtree(folder)
        return seconds

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of each")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="pithosfs-bench-"))
    cloud = TestCloud(root / "cloud")
    try:
        bench = Bench(root, cloud, cloud.user("bench"), options.files, options.size, count())
        beside = Path(sys.executable).with_name("rclone")
        program = str(beside) if beside.exists() else shutil.which("rclone")
        for connections in (1, 4, 16):
            run = lambda connections=connections: raw_puts(bench, connections)  # noqa: E731
            row(bench, f"raw PUTs, {connections} connections", options.rounds, run)
        row(bench, "put_object, 16 threads", options.rounds, on_files(bench, lambda folder: put_objects(bench, folder)))
        if hasattr(bench.user.store, "put_many"):
            for at_a_time in (1, 2, 4):
                work = lambda folder, at_a_time=at_a_time: put_many(bench, folder, at_a_time)  # noqa: E731
                row(bench, f"put_many, {at_a_time} batches at a time", options.rounds, on_files(bench, work))
        if program is not None:
            work = lambda folder: rclone(bench, program, folder)  # noqa: E731
            row(bench, "rclone copy, 16 at a time", options.rounds, on_files(bench, work))
    finally:
        cloud.close()
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
