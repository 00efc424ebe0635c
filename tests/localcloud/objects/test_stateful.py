"""Long random histories of two users against a model that keeps everything in memory.

Hypothesis's state machines are not used: a history of thousands of steps is beyond the choices that one of its examples
may make, and what is looked for here needs depth (versions on versions, moved, purged, restored). So the steps come
from a seeded generator, and a history that fails is made short here, by leaving steps out as long as it still fails.

In a usual run `PITHOSFS_TEST_STEPS` steps are taken (3 000 when it is not set), 600 in each world. For a long one:

    PITHOSFS_TEST_STEPS=20000 PITHOSFS_TEST_SEED=7 pytest tests/localcloud/objects/test_stateful.py
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

pytest.register_assert_rewrite(*(f"fixtures.object_{part}" for part in ("model", "comparison", "writing", "world")))

from fixtures.object_world import EFFORT, Step, World, random_steps  # noqa: E402

STEPS = int(os.environ.get("PITHOSFS_TEST_STEPS", "3000"))
SEED = int(os.environ.get("PITHOSFS_TEST_SEED", "1"))
WORLD_STEPS = 600
SHORTENING_SECONDS = float(os.environ.get("PITHOSFS_TEST_SHORTENING", "60"))


def failure(people: Any, steps: Sequence[Step], large: float) -> tuple[int, Exception] | None:
    """At which step a history goes wrong in a new world, and how; None when it does not."""
    world = World(people, large=large)
    for number, step in enumerate(steps):
        try:
            world.run(step)
        except Exception as error:
            return number, error
    try:
        world.check_everything()
    except Exception as error:
        return len(steps), error
    return None


def shortened(people: Any, steps: list[Step], large: float) -> list[Step]:
    """A part of a failing history that still fails, found by leaving out ever smaller stretches."""
    until = time.monotonic() + SHORTENING_SECONDS
    size = max(1, len(steps) // 2)
    while True:
        at = 0
        while at < len(steps) and time.monotonic() < until:
            fewer = steps[:at] + steps[at + size :]
            found = failure(people, fewer, large)
            if found is not None:
                steps = fewer[: found[0] + 1]
            else:
                at += size
        if size == 1 or time.monotonic() >= until:
            return steps
        size //= 2


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("world", range(-(-STEPS // WORLD_STEPS)))
def test_a_long_history(people: Any, world: int) -> None:
    steps = random_steps(Random(SEED * 1_000_000 + world), min(WORLD_STEPS, STEPS - world * WORLD_STEPS))
    take(people, steps, 0.015, f"world {world}")


@pytest.mark.timeout(3600)
def test_a_history_of_large_objects(people: Any) -> None:
    """Fewer steps: about the borders of blocks."""
    take(people, random_steps(Random(SEED), STEPS // 20), 0.4, "the world of large objects")


def take(people: Any, steps: list[Step], large: float, name: str) -> None:
    found = failure(people, steps, large)
    if found is not None:
        number, error = found
        short = shortened(people, steps[: number + 1], large)
        listed = "\n".join(f"    {step!r}," for step in short)
        again = failure(people, short, large)
        raise AssertionError(f"step {number} of {name} fails; so does\n{listed}\nwith {again}") from error


def test_every_kind_of_step_is_taken() -> None:
    taken = Counter(step.kind for step in random_steps(Random(SEED), WORLD_STEPS))
    assert set(taken) == set(EFFORT)
