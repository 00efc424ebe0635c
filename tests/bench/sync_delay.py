"""How long a saved file takes to another synced folder: two daemons of one account."""

from __future__ import annotations

import random
import time
from pathlib import Path

from fixtures.clouds import User
from sync_contenders import DidNotWork, Makers

SIZE = 10_000  # bytes of a saved file
LONGEST = 30.0  # seconds; the first may take longer, as the daemons have only begun
LOOKS = 0.005  # seconds between two looks at the other folder


def delays(makers: Makers, user: User, root: Path, count: int) -> list[float]:
    """Seconds from the end of each save until the content stands in the other folder. Raises DidNotWork."""
    root.mkdir()
    here, there = root / "here", root / "there"
    chance = random.Random(3)
    found = []
    with makers.daemon(user, here), makers.daemon(user, there):
        # Something to begin with: what follows is measured while both know everything.
        _arrival(here, there, "first", b"first", 2 * LONGEST)
        for number in range(count):
            # At any moment of the rhythm in which the other side asks the cloud.
            time.sleep(chance.uniform(0.5, 1.5))
            name, content = f"saved {number:02d}.txt", chance.randbytes(SIZE)
            found.append(_arrival(here, there, name, content, LONGEST))
    return found


def _arrival(here: Path, there: Path, name: str, content: bytes, longest: float) -> float:
    (here / name).write_bytes(content)
    saved = time.perf_counter()
    other = there / name
    while not (other.exists() and other.read_bytes() == content):
        if time.perf_counter() - saved > longest:
            raise DidNotWork(f"{name} did not arrive within {longest:.0f} s")
        time.sleep(LOOKS)
    return time.perf_counter() - saved
