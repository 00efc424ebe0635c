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
from fixtures.synced import Machine, Place, side_by_side
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

EXAMPLES = int(os.environ.get("PITHOSFS_TEST_EXAMPLES", "1000"))
SEED = os.environ.get("PITHOSFS_TEST_SEED")
STEPS = 50
ROUNDS = 12  # of every folder's turn, until nothing changes any more

# The same few names are files for one and folders for another.
NAMES = ["a", "b", "A", "d", "e", "d/a", "d/b", "d/e", "e/a", "e/d", "d/e/a"]
name = st.sampled_from(NAMES)
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
        self.count = 0
        self.written: set[bytes] = set()
        self.dropped: set[bytes] = set()

    @initialize(names=st.sets(name, max_size=4), synced=st.booleans())
    def begin(self, names: set[str], synced: bool) -> None:
        """There may be something on each side before the first link."""
        for one in sorted(names):
            self.write(0, one, False)
        if synced:
            self.sync(0)
            self.sync(1)

    # what users do --------------------------------------------------------------------------------------------------

    def content(self) -> bytes:
        self.count += 1
        made = f"content {self.count}".encode() + b"." * (self.count % 3)
        self.written.add(made)
        return made

    def drop(self, path: Path) -> None:
        """A user takes away what is there."""
        if path.is_dir():
            self.dropped.update(one.read_bytes() for one in path.rglob("*") if one.is_file())
        elif path.is_file():
            self.dropped.add(path.read_bytes())

    @rule(who=st.integers(0, 2), where=name, atomically=st.booleans())
    def write(self, who: int, where: str, atomically: bool) -> None:
        """A new file, or a new content of an old one, in place or as editors do it."""
        folder = self.folders[who % self.machines].folder
        path = folder / where
        if path.is_dir():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            return
        self.drop(path)
        data = self.content()
        if atomically:
            new = path.with_name(f"{path.name}.new")
            new.write_bytes(data)
            new.replace(path)
        else:
            path.write_bytes(data)

    @rule(who=st.integers(0, 2), where=name)
    def append(self, who: int, where: str) -> None:
        path = self.folders[who % self.machines].folder / where
        if path.is_file():
            self.drop(path)
            with path.open("ab") as file:
                file.write(b"+%d" % self.count)
            self.count += 1
            self.written.add(path.read_bytes())

    @rule(who=st.integers(0, 2), where=name, back=st.integers(1, 5))
    def revert(self, who: int, where: str, back: int) -> None:
        """An earlier content once more."""
        path = self.folders[who % self.machines].folder / where
        known = sorted(self.written)
        if path.is_file() and len(known) >= back:
            self.drop(path)
            data = known[-back]
            path.write_bytes(data)
            self.dropped.discard(data)

    @rule(who=st.integers(0, 2), old=name, new=name)
    def rename(self, who: int, old: str, new: str) -> None:
        folder = self.folders[who % self.machines].folder
        source, target = folder / old, folder / new
        if not source.exists() or source == target or not target.parent.is_dir():
            return
        if source.is_dir() != target.is_dir() and target.exists():
            return
        dropped = {target.read_bytes()} if target.is_file() else set()
        try:
            source.rename(target)
        except OSError:  # into itself, or onto a folder that is not empty
            return
        self.dropped |= dropped

    @rule(who=st.integers(0, 2), where=name)
    def delete(self, who: int, where: str) -> None:
        path = self.folders[who % self.machines].folder / where
        self.drop(path)
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()

    @rule(who=st.integers(0, 2), where=name)
    def make_folder(self, who: int, where: str) -> None:
        path = self.folders[who % self.machines].folder / where
        if not path.exists() and path.parent.is_dir():
            path.mkdir()

    @rule(who=st.integers(0, 2), where=name, mode=st.sampled_from([0o644, 0o755]))
    def chmod(self, who: int, where: str, mode: int) -> None:
        path = self.folders[who % self.machines].folder / where
        if path.is_file():
            path.chmod(mode)

    # what other clients of the cloud do -----------------------------------------------------------------------------

    @rule(where=name)
    def put_in_cloud(self, where: str) -> None:
        there = self.place.objects()
        if any(one.startswith(f"{where}/") for one in there) or (where in there and there[where].is_directory):
            return
        if any(where.startswith(f"{one}/") and not info.is_directory for one, info in there.items()):
            return
        if where in there:
            self.dropped.add(self.place.read(where))
        self.place.put(where, self.content())

    @rule(where=name)
    def delete_in_cloud(self, where: str) -> None:
        there = self.place.objects()
        if where in there:
            if not there[where].is_directory:
                self.dropped.add(self.place.read(where))
            self.place.store.delete(self.place.path(where))

    @rule(old=name, new=name)
    def move_in_cloud(self, old: str, new: str) -> None:
        there = self.place.objects()
        taken = new in there or any(one.startswith(f"{new}/") for one in there)
        inside = any(new.startswith(f"{one}/") and not info.is_directory for one, info in there.items())
        if old not in there or taken or inside or new.startswith(f"{old}/") or old.startswith(f"{new}/"):
            return
        if there[old].is_directory:
            self.place.store.move_folder(self.place.path(old), self.place.path(new))
        else:
            self.place.store.move(self.place.path(old), self.place.path(new))

    # syncing --------------------------------------------------------------------------------------------------------

    @rule(who=st.integers(0, 2))
    def sync(self, who: int) -> None:
        self.folders[who % self.machines].sync(3)

    @rule(who=st.integers(0, 2))
    def one_pass(self, who: int) -> None:
        self.folders[who % self.machines].run()

    @rule()
    def sync_side_by_side(self) -> None:
        side_by_side(*(lambda one=one: one.sync(3) for one in self.folders))  # type: ignore[misc]

    @rule(who=st.integers(0, 2))
    def restart(self, who: int) -> None:
        self.folders[who % self.machines].restart()

    # the end --------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self.converge()
            self.nothing_is_missing()
        finally:
            for one in self.folders:
                one.close()
            shutil.rmtree(self.root)

    def converge(self) -> None:
        for _ in range(ROUNDS):
            outcomes = [one.sync() for one in self.folders]
            if not any(outcome.changed for outcome in outcomes):
                break
        else:
            raise AssertionError(f"they do not come to rest: {[one.events[-8:] for one in self.folders]}")
        assert [outcome for outcome in outcomes if not outcome.in_step or outcome.troubles] == []
        there = self.place.tree()
        for one in self.folders:
            assert one.tree() == there

    def nothing_is_missing(self) -> None:
        missing = self.written - self.dropped - set(self.place.tree().values())
        if missing:
            missing -= {data for one in self.folders for data in one.trashed()}
        names = {event.name for one in self.folders for event in one.events}
        for one in sorted(names) if missing else ():
            missing -= set(self.place.versions(one))
        assert missing == set()


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
