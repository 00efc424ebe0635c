"""Which mounts this user runs: one description and one control socket for each, in the runtime directory.

A description belongs to a living mount as long as its process holds the lock on it, so a process that was killed is
never taken for a running one, whoever has its number now.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pithosfs.config import Directories, make_private
from pithosfs.errors import LocalError

__all__ = ["Record", "Registration", "forget", "records", "socket_of"]

FOLDER = "mounts"
LONGEST = 1 << 20  # bytes of a description
# struct flock of open-file-description locks: type, whence, start, length, pid
_FLOCK = struct.Struct("@hhqqi4x")


@dataclass(frozen=True, slots=True)
class Record:
    """One mount: where, of what, and by which process. `started` is in seconds since the epoch."""

    mount_point: str
    pid: int
    cloud: str
    container: str | None
    binding: str
    log: str | None
    started: float


class Registration:
    """The claim on a mount point, from before mounting to the end of the process."""

    def __init__(self, directories: Directories, mount_point: str) -> None:
        """Raises LocalError when another process has the claim."""
        folder = make_private(directories.runtime / FOLDER)
        self._path = folder / f"{_slug(mount_point)}.json"
        self.socket = socket_of(directories, mount_point)
        while True:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            except OSError:
                os.close(self._fd)
                raise LocalError(
                    f"{mount_point}: a mount is being made or ended there", hint="wait for it: pithosfs status"
                ) from None
            if self._is_current():
                break
            os.close(self._fd)  # its last owner removed it between the opening and the locking

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def announce(self, record: Record) -> None:
        """Write the description; from now on others find the mount."""
        raw = json.dumps(asdict(record)).encode()
        os.pwrite(self._fd, raw, 0)
        os.ftruncate(self._fd, len(raw))

    def release(self) -> None:
        """Take the description away: the mount is over."""
        if self._fd >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1


def records(directories: Directories) -> Iterator[tuple[Record, bool]]:
    """All descriptions, each with whether its process lives."""
    folder = directories.runtime / FOLDER
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        found = _read(path)
        if found is not None:
            yield found


def _read(path: Path) -> tuple[Record, bool] | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None  # it has just ended
    try:
        alive = _is_locked(fd)
        values = json.loads(os.pread(fd, LONGEST, 0))
        known = {one.name for one in fields(Record)}
        return Record(**{key: value for key, value in dict(values).items() if key in known}), alive
    except (OSError, ValueError, TypeError):
        return None  # claimed and not announced yet, or rubbish
    finally:
        os.close(fd)


def forget(directories: Directories, mount_point: str) -> None:
    """Remove the description and socket of a mount whose process is gone."""
    (directories.runtime / FOLDER / f"{_slug(mount_point)}.json").unlink(missing_ok=True)
    socket_of(directories, mount_point).unlink(missing_ok=True)


def socket_of(directories: Directories, mount_point: str) -> Path:
    """The control socket of the mount at that (real) path."""
    return directories.runtime / FOLDER / f"{_slug(mount_point)}.sock"


def _slug(mount_point: str) -> str:
    return hashlib.sha256(os.fsencode(mount_point)).hexdigest()[:16]


def _is_locked(fd: int) -> bool:
    asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    kind: int = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK
