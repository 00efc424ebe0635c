"""Folders to mount on: what must be true of one before, and what the kernel says is mounted there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pithosfs.errors import LocalError
from pithosfs.mount.session import unmount

__all__ = ["KernelMount", "enclosing_mount", "kernel_mount", "prepare", "real_path", "take_away"]

FILE_SYSTEM_TYPE = "fuse.pithosfs"


@dataclass(frozen=True, slots=True)
class KernelMount:
    """A line of the kernel's mount table."""

    mount_point: str
    type: str
    device: str  # "major:minor"

    @property
    def is_ours(self) -> bool:
        return self.type == FILE_SYSTEM_TYPE


def kernel_mount(path: str) -> KernelMount | None:
    """What is mounted exactly there (the topmost, when several are), None when nothing is."""
    found = None
    for one in _kernel_mounts():
        if one.mount_point == path:
            found = one
    return found


def enclosing_mount(path: str) -> KernelMount | None:
    """The mount that a real path is in."""
    above = [one for one in _kernel_mounts() if f"{path}/".startswith(one.mount_point.rstrip("/") + "/")]
    return max(enumerate(above), key=lambda found: (len(found[1].mount_point), found[0]), default=(0, None))[1]


def _kernel_mounts() -> Iterator[KernelMount]:
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        # "36 35 98:0 /root /mount/point options [optional fields…] - type source options", octal escapes in paths
        before, _, after = line.partition(b" - ")
        fields = before.split(b" ")
        point = os.fsdecode(_unescape(fields[4]))
        yield KernelMount(point, os.fsdecode(after.split(b" ")[0]), os.fsdecode(fields[2]))


def real_path(path: str) -> str:
    """The absolute path without symlinks, by which mounts are known. Works where a dead mount is in the way."""
    parent, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 (Path.resolve would look at the mount itself)
    whole = os.path.join(os.path.realpath(parent), name)
    return os.path.realpath(whole) if os.path.islink(whole) else whole  # noqa: PTH114


def prepare(path: str, unmount_program: str) -> str:
    """Make sure that a folder can be mounted on, making it if it is missing; returns its real path.

    A dead mount of ours (its process was killed) is taken away first. Raises LocalError.
    """
    point = real_path(path)
    mounted = kernel_mount(point)
    if mounted is not None and mounted.is_ours and is_dead(point):
        take_away(point, unmount_program)
        mounted = kernel_mount(point)
    if mounted is not None:
        what = "a cloud folder is mounted there already" if mounted.is_ours else f"{mounted.type} is mounted there"
        raise LocalError(f"{point}: {what}", hint=f"choose another folder, or unmount that first: umount {point}")
    try:
        Path(point).mkdir(parents=True, exist_ok=True)
        shown = Path(point).stat()
        empty = not os.listdir(point) if stat.S_ISDIR(shown.st_mode) else True  # noqa: PTH208
    except FileExistsError:
        raise LocalError(f"{point} is not a folder", hint="mount on an empty folder") from None
    except OSError as trouble:
        raise LocalError(f"{point}: {trouble.strerror}", hint="mount on a folder of your own") from trouble
    if not empty:
        raise LocalError(f"{point} is not empty", hint="what is in it would be hidden: mount on an empty folder")
    if not os.access(point, os.W_OK):
        raise LocalError(f"{point} is not yours to write in", hint="mount on a folder of your own")
    return point


def is_dead(point: str) -> bool:
    """Whether the process behind a FUSE mount is gone."""
    try:
        os.statvfs(point)  # never answered from the kernel's caches, as a stat might be
    except OSError as trouble:
        return trouble.errno in (errno.ENOTCONN, errno.ECONNABORTED)
    return False


def take_away(point: str, unmount_program: str) -> None:
    """Unmount even when in use. Raises LocalError."""
    trouble = unmount(unmount_program, point, lazy=True)
    if trouble and kernel_mount(point) is not None:
        raise LocalError(
            f"{point} is a dead mount that cannot be taken away: {trouble}", hint=f"sudo umount -l {point}"
        )


def _unescape(field: bytes) -> bytes:
    if b"\\" not in field:
        return field
    parts = field.split(b"\\")
    return parts[0] + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in parts[1:])
