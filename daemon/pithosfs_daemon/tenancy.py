"""Which process of this machine keeps a folder in step, for as long as it does.

The lock in the folder itself is held during passes only: an open file would keep its disk from being unmounted. In
between a name in the kernel's table of sockets stands for the folder. That holds nothing busy, and is gone with its
process. Other machines that share the disk do not see it, nor do other network namespaces: there the lock has to do.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable

from pithosfs_daemon.troubles import FolderTaken
from pithosfs_daemon.values import Pair

__all__ = ["take_folder"]

_lock = threading.Lock()  # over what follows
_taken: dict[str, tuple[socket.socket, int]] = {}  # by name, with how many in this process need it


def take_folder(pair: Pair) -> Callable[[], None]:
    """Keep other processes away from a pair's folder; returns what gives it back, to be called once. This process can
    take it several times. Raises FolderTaken, OSError."""
    found = pair.folder.stat()
    # With the id of the pair, which is in its marker: nobody who may not look there can get in the way.
    name = f"\0pithosfs/{pair.id}/{found.st_dev:x}/{found.st_ino:x}"
    with _lock:
        held, count = _taken.get(name) or (_bound(name, pair), 0)
        _taken[name] = held, count + 1
    return lambda: _give_back(name)


def _bound(name: str, pair: Pair) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        made.bind(name)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            made.close()
            raise FolderTaken(
                f"another process keeps {pair.folder} in step", hint="end the other one: pithosfs sync stop"
            ) from None
        # No such names here: the lock has to do.
    return made


def _give_back(name: str) -> None:
    with _lock:
        held, count = _taken.pop(name)
        if count > 1:
            _taken[name] = held, count - 1
        else:
            held.close()
