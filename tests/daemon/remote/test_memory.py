"""What a process takes up after its threads have had many blocks in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pithosfs_daemon.remote.memory import give_blocks_back

PROGRAM = """
import threading
from pithosfs_daemon.remote.memory import give_blocks_back
%s
def taken():
    return int(open("/proc/self/statm").read().split()[1])
before, kept = taken(), []
def work():
    for _ in range(10):
        block = bytearray(4 << 20)
        block[:] = b"x" * len(block)
        kept.append(bytes(10_000))
        del block
threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
print(taken() - before)
"""


def pages(first: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM % first], capture_output=True, check=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(not give_blocks_back(), reason="another malloc")
def test_blocks_are_given_back() -> None:
    assert pages("give_blocks_back()") * 2 < pages("")
