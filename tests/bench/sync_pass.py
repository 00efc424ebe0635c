"""Stands in for `pithosfs sync now` and for the daemon until these are there: the engine alone, in a process.

python tests/bench/sync_pass.py FOLDER CONTAINER STATE [--every SECONDS]

The cloud is the default one of the settings. Without `--every`, passes until nothing more is to be done at once; the
exit code says whether both sides are in step. With it, passes until it is told to end.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from pithosfs.config import Settings
from pithosfs.store.pithos import open_store
from pithosfs_daemon.folder import Folder, lay_marker
from pithosfs_daemon.passes import Engine
from pithosfs_daemon.remote import RemoteFolder
from pithosfs_daemon.state import State
from pithosfs_daemon.values import Pair

MOST_PASSES = 10


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("container")
    parser.add_argument("state", type=Path)
    parser.add_argument("--every", type=float)
    options = parser.parse_args()
    cloud = Settings.load().cloud()
    store = open_store(cloud)
    pair = Pair("bench", options.folder, cloud.name, store.account, options.container)
    lay_marker(pair, "bench")
    state = State(options.state)
    try:
        engine = Engine(pair, state, lambda: Folder(pair), RemoteFolder(store, pair), host="bench")
        if options.every is not None:
            end = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: end.set())
            while not end.wait(options.every):
                engine.run()
            return 0
        for _ in range(MOST_PASSES):
            outcome = engine.run()
            if not outcome.again:
                break
        if not outcome.in_step:
            print(outcome, file=sys.stderr)
        return 0 if outcome.in_step else 1
    finally:
        state.close()
        store.close()


if __name__ == "__main__":
    sys.exit(main())
