"""Old files that a download has just replaced. They are looked at once more before they go: a program that still had
one open may have written to it, and that is nowhere else.

For each there is `<id>.info` (JSON), written first, and the file `<id>`. While the change is under way `<id>` is the
new file, then, in one step, the old one: after a crash its inode tells which.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass

from pithosfs_daemon.folder.private import write_file
from pithosfs_daemon.folder.status import names_in, opened
from pithosfs_daemon.values import Stamp

__all__ = ["Replaced", "ReplacedFile"]

_INFO = ".info"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class ReplacedFile:
    """What is known of one. `new` is the inode of the file that took, or was to take, its place. `aside` tells that
    the old file (or folder) was moved away first, and its name may still be free; `name` is None when nobody knows."""

    id: str
    name: str | None
    stamp: Stamp | None
    new: int
    aside: bool = False


class Replaced:
    """The folder of replaced files; `fd` is an open descriptor of it."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def begin(self, name: str, stamp: Stamp, new: int, *, aside: bool = False) -> ReplacedFile:
        """Note what is going to be replaced, and by the file with which inode (0: by none)."""
        entry = ReplacedFile(secrets.token_hex(8), name, stamp, new, aside)
        self._write(entry)
        return entry

    def placed(self, entry: ReplacedFile) -> None:
        """The new file is in place now: the old one need not be put back."""
        self._write(ReplacedFile(entry.id, entry.name, entry.stamp, entry.new))

    def forget(self, id: str) -> None:
        """It has become something else: only the note is left to remove."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(id + _INFO, dir_fd=self.fd)

    def drop(self, id: str) -> None:
        """Remove the file and its note."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(id, dir_fd=self.fd)
        self.forget(id)

    def all(self) -> list[ReplacedFile]:
        """What is there, whole or begun; remains of killed writers are removed."""
        found: dict[str, None] = {}
        for name in names_in(self.fd):
            if name.endswith(".new"):
                os.unlink(name, dir_fd=self.fd)
            else:
                found[name.removesuffix(_INFO)] = None
        return [self._read(id) for id in found]

    def _write(self, entry: ReplacedFile) -> None:
        write_file(self.fd, entry.id + _INFO, json.dumps(asdict(entry)).encode())

    def _read(self, id: str) -> ReplacedFile:
        try:
            with opened(id + _INFO, _READ, dir_fd=self.fd) as fd:
                told = json.loads(os.read(fd, 65536))
            return ReplacedFile(id, str(told["name"]), Stamp(**told["stamp"]), int(told["new"]), bool(told["aside"]))
        except (OSError, ValueError, TypeError, KeyError):
            return ReplacedFile(id, None, None, 0)
