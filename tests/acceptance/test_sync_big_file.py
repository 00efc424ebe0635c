"""A gibibyte in a synced folder: what a small change of it puts on the wire, and memory."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from fixtures.sync_homes import SyncHomes

pytestmark = [pytest.mark.big, pytest.mark.timeout(600)]

BLOCK = 4 * 2**20
BLOCKS = 256
DISTINCT = 6
SLACK = 200_000  # requests, hash maps and listings beside the content
LONG = 300.0


def test_one_byte_of_a_gibibyte(sync_homes: Callable[..., SyncHomes], proxy: Any, cloud: Any) -> None:
    wires = [proxy(cloud), proxy(cloud)]
    homes = sync_homes(wires=wires)
    homes.start()
    here, there = (folder / "disk.img" for folder in homes.folders)
    blocks = [os.urandom(BLOCK) for _ in range(DISTINCT)]
    begun = time.monotonic()
    with here.open("wb") as file:
        for block in random.Random(1).choices(blocks, k=BLOCKS):
            file.write(block)
    homes.equal(LONG)
    sent, received = wires[0].sent, wires[1].received
    print(f"\na gibibyte of {DISTINCT} blocks, over and over: there after {time.monotonic() - begun:.1f} s, ", end="")
    print(f"{sent / 2**20:.1f} MiB sent, {received / 2**20:.1f} MiB received; ", end="")
    # What is in it several times travels once.
    assert sent < (DISTINCT + 1) * BLOCK
    assert received < (DISTINCT + 1) * BLOCK

    for wire in wires:
        wire.forget()
    before = there.stat().st_ino
    begun = time.monotonic()
    with here.open("r+b") as file:
        file.seek(BLOCKS // 2 * BLOCK + 12_345)
        file.write(b"!")
    homes.until(lambda: there.stat().st_ino != before, LONG)
    took = time.monotonic() - begun
    homes.equal(LONG)
    assert there.stat().st_size == BLOCKS * BLOCK
    memory = [homes.memory(which) / 2**20 for which in (0, 1)]
    print(
        f"one byte changed: there after {took:.1f} s, {wires[0].sent} bytes sent by one, "
        f"{wires[1].received} received by the other; memory {memory[0]:.0f} and {memory[1]:.0f} MiB"
    )
    assert wires[0].sent < SLACK
    assert wires[0].received < SLACK
    assert wires[1].sent < SLACK
    assert wires[1].received < BLOCK + SLACK
    assert max(memory) < 200
    assert homes.conflicts() == []
