"""A watcher that cannot see everything: inotify at its limits, events that are lost, a disk that is unmounted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder, environment, in_namespace

from pithosfs_daemon.folder import Folder

_LIMITED = """
import os, sys
from pathlib import Path
kind, root, limit = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
from fixtures.local_folder import MISSING, pair_of
try:
    Path(f"/proc/sys/user/max_inotify_{kind}").write_text(limit)
except OSError:
    sys.exit(MISSING)
from pithosfs_daemon.folder import Folder, Watcher
with Folder(pair_of(root)) as folder, Watcher(folder, rescan_every=0.2) as watcher:
    assert watcher.take().full
    word = {"watches": "fs.inotify.max_user_watches=", "instances": "fs.inotify.max_user_instances="}[kind]
    assert watcher.problem and word in watcher.problem, watcher.problem
    # Everything is to be looked at again and again, by itself.
    for _ in range(2):
        assert watcher.wait(20)
        assert watcher.take().full
    # Until the limit is raised.
    Path(f"/proc/sys/user/max_inotify_{kind}").write_text("1000")
    assert watcher.wait(20) and watcher.take().full
    assert watcher.problem is None, watcher.problem
    (root / "f9" / "new").write_bytes(b"x")
    assert watcher.wait(20) and "f9/new" in watcher.take().names
"""


@pytest.mark.parametrize(("kind", "limit"), [("watches", "5"), ("instances", "0")])
def test_when_inotify_is_at_its_limits_everything_is_scanned_now_and_then(
    local: LocalFolder, kind: str, limit: str
) -> None:
    for number in range(10):
        (local.root / f"f{number}").mkdir()
    local.folder.close()
    in_namespace(_LIMITED, kind, local.root, limit, options="-Ur")
    local.folder = Folder(local.pair)


_UNMOUNTING = """
import subprocess, sys, time
from pathlib import Path
from fixtures.local_folder import LocalFolder
from pithosfs_daemon.folder import Watcher
root = Path(sys.argv[1])
def mount(): subprocess.run(["mount", "-t", "tmpfs", "none", str(root)], check=True)
mount()
local = LocalFolder(root)
(root / "d").mkdir()
watcher = Watcher(local.folder, rescan_every=0.2)
local.close()
assert watcher.take().full
(root / "d" / "new").mkdir()
while "d/new" not in watcher.take().folders:
    assert watcher.wait(20)
(root / "d" / "new" / "x").write_text("x")
while "d/new/x" not in watcher.take().names:
    assert watcher.wait(20)
subprocess.run(["umount", str(root)], check=True)  # not busy
while not watcher.take().full:
    assert watcher.wait(20)
assert "cannot be watched" in watcher.problem, watcher.problem
assert watcher.wait(20) and watcher.take().full  # and again, until it is there
watcher.close()
"""


def test_a_folder_can_be_closed_and_unmounted_while_it_is_watched(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    in_namespace(_UNMOUNTING, tmp_path / "disk")


_OVERFLOWING = """
import sys
from pathlib import Path
from fixtures.local_folder import pair_of
from pithosfs_daemon.folder import Folder, Watcher
root = Path(sys.argv[1])
with Folder(pair_of(root)) as folder, Watcher(folder) as watcher:
    assert watcher.take().full
    assert watcher.problem is None
    print("ready", flush=True)
    sys.stdin.readline()
    full = False
    while not full:
        assert watcher.wait(20)
        full = watcher.take().full
    assert watcher.problem and "fs.inotify.max_queued_events=" in watcher.problem, watcher.problem
    # What came in the meantime is watched too.
    (root / "d" / "later" / "x").write_bytes(b"x")
    while "d/later/x" not in watcher.take().names:
        assert watcher.wait(20)
"""


def test_when_events_are_lost_everything_is_looked_at(local: LocalFolder) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 200_000:
        pytest.skip("the queue is too long to fill it")
    (local.root / "d").mkdir()
    local.folder.close()
    with subprocess.Popen(
        [sys.executable, "-c", _OVERFLOWING, str(local.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(19)  # stopped, it reads nothing
        os.waitpid(child.pid, os.WUNTRACED)
        files = [os.open(local.root / "d" / name, os.O_WRONLY | os.O_CREAT) for name in "ab"]
        for number in range(most + 1000):  # one after the other: two of the same would be one event
            os.utime(files[number % 2], ns=(number, number))
        for fd in files:
            os.close(fd)
        (local.root / "d" / "later").mkdir()  # this event is lost
        child.send_signal(18)
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.wait(60) == 0
