"""Several synced folders of one account, and other clients of the cloud, under random operations. When it is quiet
again all sides are equal, and no content is missing that a user wrote and did not himself delete or overwrite.

By default 1 000 examples of 50 steps, the same ones each time. PITHOSFS_TEST_EXAMPLES=N makes more or fewer of them,
PITHOSFS_TEST_SEED=N others. Failures that were found this way are named tests in `test_found.py`.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.sync_account import NAMES, SyncAccount
from fixtures.synced import Machine, Place, side_by_side
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

EXAMPLES = int(os.environ.get("PITHOSFS_TEST_EXAMPLES", "1000"))
SEED = os.environ.get("PITHOSFS_TEST_SEED")
STEPS = 50

name = st.sampled_from(NAMES)
who = st.integers(0, 2)
_runs = itertools.count(1)


class Account(RuleBasedStateMachine):
    """The steps. `user` and `machines` are set by the test."""

    user: User
    machines = 2

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="converge-"))
        self.place = Place(self.user, f"converge-{next(_runs)}")
        self.folders = [
            Machine(self.root / str(number), self.place, host=f"m{number}", max_delete=1.0)
            for number in range(self.machines)
        ]
        self.users = SyncAccount(self.place, [one.folder for one in self.folders])

    @initialize(names=st.sets(name, max_size=4), synced=st.booleans())
    def begin(self, names: set[str], synced: bool) -> None:
        """There may be something on each side before the first link."""
        for one in sorted(names):
            self.users.write(0, one)
        if synced:
            self.sync(0)
            self.sync(1)

    @rule(who=who, where=name, atomically=st.booleans())
    def write(self, who: int, where: str, atomically: bool) -> None:
        self.users.write(who % self.machines, where, atomically)

    @rule(who=who, where=name)
    def append(self, who: int, where: str) -> None:
        self.users.append(who % self.machines, where)

    @rule(who=who, where=name, back=st.integers(1, 5))
    def revert(self, who: int, where: str, back: int) -> None:
        self.users.revert(who % self.machines, where, back)

    @rule(who=who, old=name, new=name)
    def rename(self, who: int, old: str, new: str) -> None:
        self.users.rename(who % self.machines, old, new)

    @rule(who=who, where=name)
    def delete(self, who: int, where: str) -> None:
        self.users.delete(who % self.machines, where)

    @rule(who=who, where=name)
    def make_folder(self, who: int, where: str) -> None:
        self.users.make_folder(who % self.machines, where)

    @rule(who=who, where=name, mode=st.sampled_from([0o644, 0o755]))
    def chmod(self, who: int, where: str, mode: int) -> None:
        self.users.chmod(who % self.machines, where, mode)

    @rule(where=name)
    def put_in_cloud(self, where: str) -> None:
        self.users.put_in_cloud(where)

    @rule(where=name)
    def delete_in_cloud(self, where: str) -> None:
        self.users.delete_in_cloud(where)

    @rule(old=name, new=name)
    def move_in_cloud(self, old: str, new: str) -> None:
        self.users.move_in_cloud(old, new)

    @rule(who=who)
    def sync(self, who: int) -> None:
        self.folders[who % self.machines].sync(3)

    @rule(who=who)
    def one_pass(self, who: int) -> None:
        self.folders[who % self.machines].run()

    @rule()
    def sync_side_by_side(self) -> None:
        side_by_side(*(lambda one=one: one.sync(3) for one in self.folders))  # type: ignore[misc]

    @rule(who=who)
    def restart(self, who: int) -> None:
        self.folders[who % self.machines].restart()

    def teardown(self) -> None:
        try:
            self.users.converge(self.folders)
            self.users.nothing_is_missing(self.folders)
        finally:
            for one in self.folders:
                one.close()
            shutil.rmtree(self.root)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(4))
def test_all_sides_become_equal_and_nothing_is_missing(part: int, cloud: TestCloud) -> None:
    Account.user = cloud.user("converge")
    Account.machines = 3 if part == 3 else 2
    run = settings(
        max_examples=max(1, EXAMPLES // 4),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if os.environ.get("PITHOSFS_TEST_SHRINK") else [Phase.generate],
    )
    chosen = seed(part if SEED is None else int(SEED) * 4 + part)
    run_state_machine_as_test(chosen(Account), settings=run)  # type: ignore[no-untyped-call]
