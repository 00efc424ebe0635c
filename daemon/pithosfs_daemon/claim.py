"""Which daemon looks after the pairs of this user: one at most, told by a lock on `state/sync/daemon.json`.

The lock is with the pairs and not in the runtime directory, because that one ends with the user's last session while a
daemon may go on, and because programs that were started elsewhere (cron) know no runtime directory: all of them must
find the same daemon. What is in the file belongs to a living daemon as long as the lock is held, so a process that was
killed is never taken for a running one. The control socket is in the runtime directory; the file says where.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
from dataclasses import asdict, dataclass, fields

from pithosfs.config import Directories, make_private
from pithosfs.errors import Conflict, LocalError

__all__ = ["Claim", "Record", "is_held", "read_record"]

NAME = "daemon.json"
SOCKET = "sync.sock"
_LONGEST = 1 << 16  # bytes
# struct flock of open-file-description locks: type, whence, start, length, pid
_FLOCK = struct.Struct("@hhqqi4x")


@dataclass(frozen=True, slots=True)
class Record:
    """A daemon that runs: its process, socket and log. `started` is in seconds since the epoch."""

    pid: int
    host: str
    socket: str
    log: str
    started: float
    version: str


class Claim:
    """Held from the daemon's start to its end."""

    def __init__(self, directories: Directories) -> None:
        """Raises Conflict when another daemon holds it."""
        self._path = make_private(directories.state / "sync") / NAME
        self.socket = make_private(directories.runtime) / SOCKET
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as trouble:
            raise LocalError(f"{self._path}: {trouble.strerror}", hint="check its owner and mode") from trouble
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except OSError:
            os.close(self._fd)
            other = read_record(directories)
            who = f" (process {other.pid} on {other.host})" if other is not None else ""
            raise Conflict(
                f"the sync daemon runs already{who}", 0, hint="see how it is: pithosfs sync status"
            ) from None
        os.ftruncate(self._fd, 0)  # what one that was killed has left

    def announce(self, record: Record) -> None:
        """Write who holds it; from now on others find the daemon."""
        raw = json.dumps(asdict(record)).encode()
        os.pwrite(self._fd, raw, 0)
        os.ftruncate(self._fd, len(raw))

    def release(self) -> None:
        """The daemon is over. The file stays: removing it would let two daemons lock two files of the same name."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def read_record(directories: Directories) -> Record | None:
    """The daemon that runs; None when there is none, or one that is only just starting."""
    try:
        fd = os.open(directories.state / "sync" / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not _is_held(fd):
            return None
        found = json.loads(os.pread(fd, _LONGEST, 0))
        known = {one.name for one in fields(Record)}
        return Record(**{key: value for key, value in dict(found).items() if key in known})
    except (OSError, ValueError, TypeError):
        return None
    finally:
        os.close(fd)


def is_held(directories: Directories) -> bool:
    """Whether a daemon has the claim: it runs, or is starting or ending."""
    try:
        fd = os.open(directories.state / "sync" / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return _is_held(fd)
    except OSError:
        return False
    finally:
        os.close(fd)


def _is_held(fd: int) -> bool:
    asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    kind: int = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK
