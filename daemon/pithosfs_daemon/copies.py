"""What conflict copies are called: `name (conflict HOST DATE).ext`, as in the mount."""

from __future__ import annotations

import time

from pithosfs.mount.conflictnames import conflict_name
from pithosfs.store import ObjectPath

__all__ = ["copy_name"]


def copy_name(name: str, host: str, when: float, number: int) -> str:
    """The candidate `number`, from 1, for the copy of a name that was made on a host at a time (seconds since the
    epoch)."""
    date = time.strftime("%Y-%m-%d", time.localtime(when))
    return conflict_name(ObjectPath("", "", name), host, date, number).name
