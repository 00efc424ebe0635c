"""Where the kernel lets a daemon watch only a part of its folders: changes are found all the same, and the status says
which limit to raise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from fixtures.sync_homes import SyncHomes, entries

FOLDERS = 20

# Limits of its own, which are raised when a line comes. The scans are made every second instead of every minute.
LIMITED = """
import sys, threading
from pathlib import Path
from pithosfs.config import Directories
from pithosfs_daemon.server import Daemon
from pithosfs_daemon.timing import Timing
limit = Path("/proc/sys/user/max_inotify_watches")
limit.write_text("5")
def raise_it():
    if sys.stdin.readline():
        limit.write_text("1000")
threading.Thread(target=raise_it, daemon=True).start()
Daemon(Directories.from_environ(), timing=Timing(unwatched=1.0)).run()
"""


def test_a_daemon_that_may_not_watch_everything(sync_homes: Callable[..., SyncHomes]) -> None:
    unshared = ["unshare", "--user", "--map-root-user"]
    probe = [*unshared, "sh", "-c", "echo 5 > /proc/sys/user/max_inotify_watches"]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip("needs a user namespace with limits of its own")
    homes = sync_homes()
    here, there = homes.folders
    for number in range(FOLDERS):
        (here / f"folder-{number}").mkdir()
    homes.homes[1].start()
    with subprocess.Popen(
        [*unshared, sys.executable, "-c", LIMITED],
        stdin=subprocess.PIPE,
        env={**homes.homes[0].home.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        cwd="/",
    ) as daemon:
        assert daemon.stdin is not None
        homes.until(lambda: len(entries(there)) == FOLDERS)
        problem = homes.status(0).watch_problem
        assert problem is not None
        assert "sudo sysctl fs.inotify.max_user_watches=" in problem
        assert "found by full scans" in problem
        for number in range(FOLDERS):
            (here / f"folder-{number}" / "new").write_text(f"{number}")
        (there / "folder-3" / "from there").write_text("theirs")
        (here / "folder-7").rename(here / "folder-7 is called otherwise")
        homes.equal()
        daemon.stdin.write(b"\n")
        daemon.stdin.flush()
        homes.until(lambda: homes.status(0).watch_problem is None)
        (here / "folder-19" / "new").write_text("seen at once")
        homes.until(lambda: (there / "folder-19" / "new").read_text() == "seen at once")
        homes.equal()
        assert homes.conflicts() == []
        homes.rest()
        homes.homes[0].close()
        assert daemon.wait(20) == 0
