"""A gibibyte: memory, blocks on the wire, copies and renames that move nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.mount, pytest.mark.big, pytest.mark.long]

BLOCK = 4 * 1024 * 1024
GIB = 256 * BLOCK
SLACK = 256 * 1024  # headers, hashmaps and listings beside the content


class Watch:
    """The highest resident memory of a process while it is watched."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.highest = 0

    def _run(self) -> None:
        while True:
            self.highest = max(self.highest, self._process.memory_info().rss)
            if self._stop.wait(0.05):
                return

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def write_random(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for _ in range(size // BLOCK):
            block = os.urandom(BLOCK)
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_gibibyte(mount: Any, cloud: Any, proxy: Any) -> None:
    user = cloud.user("big")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire)
    big = mounted.path / "pithos" / "big"
    with Watch(mounted.pid) as watch:
        written = write_random(big, GIB)
        mounted.flush()
    assert watch.highest < 200 * 2**20
    sent = wire.sent
    # A block may be sent twice when its file is closed while it is on its way already.
    assert GIB <= sent < GIB + 16 * BLOCK
    mounted.unmount()
    shutil.rmtree(mounted.cache)

    again = mount(user=user, through=wire, like=mounted)
    with Watch(again.pid) as watch:
        assert digest_of(big) == written
    assert watch.highest < 200 * 2**20

    before = wire.sent
    with big.open("r+b") as file:
        file.seek(GIB // 2 + 12345)
        file.write(b"!")
    again.flush()
    assert wire.sent - before <= BLOCK + SLACK
    assert big.stat().st_size == GIB

    before = wire.sent
    subprocess.run(["cp", str(big), str(big.with_name("copy"))], check=True)
    again.flush()
    assert wire.sent - before <= SLACK
    assert digest_of(big.with_name("copy")) == digest_of(big)


def test_a_folder_of_500_files_is_renamed_without_content(mount: Any, cloud: Any, proxy: Any) -> None:
    user = cloud.user("folder")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire)
    folder = mounted.path / "pithos" / "many"
    folder.mkdir()
    for number in range(500):
        (folder / f"{number:03d}").write_bytes(os.urandom(3000))
    mounted.flush()
    sent, requests = wire.sent, wire.requests
    os.rename(folder, folder.with_name("moved"))
    mounted.flush()
    assert wire.sent - sent < 16 * 1024
    assert wire.requests - requests < 20
    assert len(os.listdir(folder.with_name("moved"))) == 500
    assert len((folder.with_name("moved") / "123").read_bytes()) == 3000
