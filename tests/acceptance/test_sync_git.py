"""A git checkout in a synced folder, worked in while the daemons run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from fixtures.sync_homes import SyncHomes

FEATURES = 3
FILES = 12


def git(where: Path, *arguments: str) -> str:
    environ = {
        **os.environ,
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",  # looking writes nothing
        **{
            f"GIT_{who}_{what}": f"{what.lower()}@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    done = subprocess.run(
        ["git", "-C", str(where), "-c", "gc.autoDetach=false", *arguments],
        env=environ, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def looks(where: Path) -> list[str]:
    """Everything that a user of a checkout sees."""
    return [
        git(where, "log", "--all", "--format=%H %D %s", "--name-status"),
        git(where, "status", "--porcelain=v2", "--branch", "--untracked-files=all"),
        git(where, "stash", "list"),
        git(where, "ls-files", "--stage"),
    ]


def test_a_checkout_that_is_worked_in(sync_homes: Callable[..., SyncHomes]) -> None:
    homes = sync_homes()
    here, there = (folder / "checkout" for folder in homes.folders)
    for number in range(200):  # there is more in the folder than the checkout
        (homes.folders[0] / f"paper {number}").write_text(f"{number}")
    homes.start()
    here.mkdir()
    git(here, "init", "-q", "-b", "main")
    for number in range(FILES):
        (here / f"file-{number}").write_text(f"{number}\n" * 50)
    (here / "run").write_text("#!/bin/sh\n")
    (here / "run").chmod(0o755)
    git(here, "add", "-A")
    git(here, "commit", "-q", "-m", "first")
    for feature in range(FEATURES):
        git(here, "switch", "-q", "-c", f"feature-{feature}")
        for number in range(8):
            name = here / f"dir-{feature}" / f"file-{number}"
            name.parent.mkdir(exist_ok=True)
            name.write_text(f"{feature} {number}\n" * 20)
            (here / f"file-{number % FILES}").write_text(f"{feature} {number}\n" * 50)
            git(here, "add", "-A")
            git(here, "commit", "-q", "-m", f"{feature}: change {number}")
        git(here, "switch", "-q", "main")  # the folder goes away, files get their old content back
        git(here, "merge", "-q", "--no-ff", "-m", f"merge {feature}", "-X", "theirs", f"feature-{feature}")
        if feature == 1:
            # In the middle of it the other side is looked at, too: it does not have to be whole, but it comes.
            homes.until(lambda: (there / "dir-0" / "file-7").exists())
            git(here, "gc", "-q", "--prune=now")
    (here / "file-0").write_text("not committed yet\n")
    (here / "new").write_text("not even added\n")
    git(here, "stash", "-q")
    git(here, "gc", "-q", "--prune=now")
    (here / "file-1").write_text("changed once more\n")
    homes.equal()
    for where in (here, there):
        assert git(where, "fsck", "--full", "--strict", "--no-dangling") == ""
    assert looks(there) == looks(here)
    assert "file-1" in looks(there)[1]
    assert homes.conflicts() == []
    # Now somebody works on the other side.
    git(there, "commit", "-q", "-a", "-m", "from the other side")
    git(there, "stash", "pop", "-q")
    homes.equal()
    assert git(here, "fsck", "--full", "--strict", "--no-dangling") == ""
    assert looks(here) == looks(there)
    assert homes.conflicts() == []
    homes.rest()
