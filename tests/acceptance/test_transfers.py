"""A gibibyte through the library and the commands: memory on both sides, and only what is missing on the wire."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.clouds import TestCloud
from fixtures.homes import Home
from fixtures.proxy import FaultProxy, Request, Silence

from pithosfs.blocks import block_hash, hash_stream
from pithosfs.store import ObjectPath

pytestmark = [pytest.mark.big, pytest.mark.long]

BLOCK = 4 * 1024 * 1024
GIB = 256 * BLOCK
LIMIT = 150 * 2**20  # bytes of resident memory, for each process
SLACK = 2**20  # bytes on the wire beside the content

# As a user of the library writes it; the last line tells the most memory it ever had.
CLIENT = """
import re, sys
from pathlib import Path
from pithosfs.clients import connect
from pithosfs.clients.pithos import PithosClient
from pithosfs.config import Cloud

direction, url, token, name, path = sys.argv[1:]
with connect(Cloud("test", url, token)) as cloud:
    pithos = PithosClient(cloud.endpoint("object-store"), token, cloud.account_id, "pithos")
    if direction == "up":
        with open(path, "rb") as file:
            pithos.upload_object(name, file)
    else:
        with open(path, "r+b" if Path(path).exists() else "w+b") as file:
            pithos.download_object(name, file, resume=True)
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
COMMAND = """
import re, sys
from pathlib import Path
from pithosfs_cli.main import run

code = run(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[TestCloud]:
    """A server that has done nothing else: its peak memory is that of the test."""
    made = TestCloud(tmp_path / "cloud")
    yield made
    made.close()


def peak(process: int | str) -> int:
    """The most resident memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def made_file(path: Path, size: int) -> str:
    """A file of blocks that differ from each other; its object hash. Random blocks would take longer than the test."""
    one = os.urandom(BLOCK)
    with path.open("wb") as file:
        for number in range(size // BLOCK):
            file.write(number.to_bytes(8, "big") + one[8:])
    return root_of(path)


def root_of(path: Path) -> str:
    with path.open("rb") as file:
        return hash_stream(file, BLOCK, "sha256").root


def client(direction: str, user: Any, wire: FaultProxy, path: Path) -> subprocess.Popen[str]:
    arguments = [direction, wire.instead_of(user.url), user.token, "big", str(path)]
    return subprocess.Popen([sys.executable, "-c", CLIENT, *arguments], stdout=subprocess.PIPE, text=True)


def memory_of(running: subprocess.Popen[str]) -> int:
    """Wait for a program's end, which must be good; the peak of its memory in bytes."""
    said, _ = running.communicate(timeout=240)
    assert running.returncode == 0
    return int(said.split()[-1]) * 1024


def sent_blocks(wire: FaultProxy) -> int:
    return sum(line.startswith("POST") and "/pithos?" in line for line in wire.request_lines())


def after(count: int, counts: Callable[[Request], bool]) -> tuple[Callable[[Request], bool], threading.Event]:
    """A condition that holds from the `count`-th such request on, and what is set then."""
    seen = 0
    reached = threading.Event()

    def condition(request: Request) -> bool:
        nonlocal seen
        seen += counts(request)
        if seen >= count:
            reached.set()
        return seen >= count

    return condition, reached


def test_a_gibibyte_by_the_library(tmp_path: Path, own_cloud: TestCloud, proxy: Any) -> None:
    user, wire = own_cloud.user("big"), proxy(own_cloud)
    source, target = tmp_path / "source", tmp_path / "target"
    root = made_file(source, GIB)
    assert memory_of(client("up", user, wire, source)) < LIMIT
    assert GIB <= wire.sent < GIB + SLACK
    before = wire.sent
    assert memory_of(client("up", user, wire, source)) < LIMIT
    assert wire.sent - before < SLACK  # the same content once more: no block
    source.unlink()
    assert memory_of(client("down", user, wire, target)) < LIMIT
    assert (target.stat().st_size, root_of(target)) == (GIB, root)
    assert peak(own_cloud.pid) < LIMIT
    target.unlink()


def test_a_gibibyte_by_the_commands(tmp_path: Path, own_cloud: TestCloud, home: Home) -> None:
    user = own_cloud.user("big")
    environ = {**home.environ, "PITHOSFS_URL": user.url, "PITHOSFS_TOKEN": user.token}

    def command(*arguments: str) -> int:
        running = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=environ
        )
        return memory_of(running)

    source, target = tmp_path / "source", tmp_path / "target"
    root = made_file(source, GIB)
    assert command("file", "upload", str(source), "big") < LIMIT
    assert user.store.head(ObjectPath(user.uuid, "pithos", "big")).hash == root
    source.unlink()
    assert command("file", "download", "big", str(target)) < LIMIT
    assert (target.stat().st_size, root_of(target)) == (GIB, root)
    assert peak(own_cloud.pid) < LIMIT
    target.unlink()


def test_an_upload_that_is_killed_and_repeated(tmp_path: Path, cloud: TestCloud, proxy: Any) -> None:
    user, wire = cloud.user(), proxy(cloud)
    source = tmp_path / "source"
    root = made_file(source, GIB // 8)
    half_way, reached = after(12, lambda request: request.line.startswith("POST"))
    wire.when(half_way, Silence())
    running = client("up", user, wire, source)
    assert reached.wait(120)
    running.kill()
    running.communicate()
    wire.restore()
    with source.open("rb") as file:
        missing = user.store.missing_blocks("pithos", hash_stream(file, BLOCK, "sha256"))
    assert 0 < len(missing) < 32
    wire.forget()
    memory_of(client("up", user, wire, source))
    # Each once; a block that was under way at the end may have been stored after the question.
    assert len(missing) - 4 <= sent_blocks(wire) <= len(missing)
    assert user.store.head(ObjectPath(user.uuid, "pithos", "big")).hash == root


def test_a_download_that_is_killed_and_resumed(tmp_path: Path, cloud: TestCloud, proxy: Any) -> None:
    user, wire = cloud.user(), proxy(cloud)
    source, target = tmp_path / "source", tmp_path / "target"
    root = made_file(source, GIB // 8)
    memory_of(client("up", user, wire, source))
    half_way, reached = after(12, lambda request: request.line.startswith("GET") and "/big" in request.line)
    wire.when(half_way, Silence())
    running = client("down", user, wire, target)
    assert reached.wait(120)
    running.kill()
    running.communicate()
    wire.restore()
    there = 0
    with source.open("rb") as wanted, target.open("rb") as found:
        for block in iter(lambda: wanted.read(BLOCK), b""):
            there += block_hash(found.read(BLOCK)) == block_hash(block)
    assert 0 < there < 32
    before = wire.received
    memory_of(client("down", user, wire, target))
    assert root_of(target) == root
    fetched = wire.received - before
    assert (32 - there) * BLOCK <= fetched < (32 - there) * BLOCK + SLACK
