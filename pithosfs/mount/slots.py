"""Slots: the folders that journals live in, each locked by the process that uses it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SlotLock", "claim_slots", "sync_directory"]


def sync_directory(directory: Path) -> None:
    """Bring the names in a folder to the disk."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@dataclass(slots=True)
class SlotLock:
    """A locked slot. The lock goes with the process, however that ends."""

    directory: Path
    _fd: int

    @classmethod
    def take(cls, directory: Path) -> SlotLock | None:
        """Lock a slot, making its folder; None when another process (or journal) has it."""
        if not directory.is_dir():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(directory.parent)
        fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        return cls(directory, fd)

    def release(self) -> None:
        """Unlock it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def claim_slots(directory: Path, key: str) -> list[SlotLock]:
    """Lock every slot of an account that is free; a new one when all are in use. In the order of their numbers.

    `key` names the account; the folders carry a hash of it, because it may hold anything.
    """
    if not directory.is_dir():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(directory.parent)
    prefix = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    taken: list[SlotLock] = []
    number = 0
    while True:
        slot = directory / f"{prefix}-{number}"
        if not slot.exists() and taken:
            return taken
        lock = SlotLock.take(slot)
        if lock is not None:
            taken.append(lock)
        number += 1
