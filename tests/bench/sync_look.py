"""The daemon's engine looks at a tree and sends nothing, in a process that holds little else; `sync_scan.py` starts it.

    python tests/bench/sync_look.py FOLDER CONTAINER STATE

A pass begins over a folder of which nothing is known, with an empty container on the other side, and is stopped when it
has looked at both and would begin to work. Then once more, now that all files are known. Prints what it took, as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from pithosfs.config import Settings
from pithosfs.store.pithos import open_store
from pithosfs.transfer import TransferCancelled
from pithosfs_daemon.activity import Activity
from pithosfs_daemon.folder import Folder, lay_marker, remove_marker
from pithosfs_daemon.passes import Engine
from pithosfs_daemon.remote import RemoteFolder
from pithosfs_daemon.state import State
from pithosfs_daemon.state.schema import FILE
from pithosfs_daemon.values import Pair


class _UntilWork(Activity):
    """Cancels a pass when it has looked at both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.cancel = threading.Event()

    def phase(self, phase: str) -> None:
        super().phase(phase)
        if phase == "hashing":
            self.cancel.set()


def peak(pid: int | str) -> int:
    """The most memory that a process has had, in bytes (VmHWM); 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def look(engine: Engine, activity: _UntilWork) -> float:
    """Seconds for both sides."""
    started = time.perf_counter()
    try:
        engine.run(cancel=activity.cancel)
    except TransferCancelled:
        return time.perf_counter() - started
    raise AssertionError("the pass has ended by itself")


def main() -> None:
    folder, container, database = sys.argv[1:]
    cloud = Settings.load().cloud()
    store = open_store(cloud)
    pair = Pair("bench", Path(folder), cloud.name, store.account, container)
    lay_marker(pair, "bench")
    state = State(Path(database))
    found = []
    try:
        for what in ("pithosfs, nothing known", "pithosfs, all known"):
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            base = peak("self")
            activity = _UntilWork()
            remote = RemoteFolder(store, pair)
            engine = Engine(pair, state, lambda: Folder(pair), remote, activity=activity, host="bench")
            seconds = look(engine, activity)
            most = peak("self")
            files = state.rows("SELECT count(*) FROM node WHERE l_kind = ?", (FILE,))[0][0]
            found.append({"what": what, "seconds": seconds, "peak": most, "base": base, "files": files})
    finally:
        state.close()
        store.close()
        remove_marker(pair)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
