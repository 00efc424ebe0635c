"""What stops a pass or one of its actions. The errors of the cloud (`pithosfs.errors`) come through unchanged.

PithosfsError
├── LocalChanged       what is on this machine is not what was decided on: decide again
├── RemoteChanged      the same of the cloud (a condition did not hold, an object is gone)
├── NotAFile           the object has no content of its own (a manifest)
└── NeedsYou           the pair stops until a person has done something
    ├── FolderGone     the folder or its marker is missing: an unmounted disk, a moved folder
    ├── FolderTaken    another daemon syncs the folder
    ├── ContainerGone  the container, or the account's right to it, is gone
    ├── OtherAccount   the token is somebody else's
    └── TooManyDeletes more files vanished at once than the pair may take for meant
"""

from __future__ import annotations

from pithosfs.errors import PithosfsError

__all__ = [
    "ContainerGone",
    "FolderGone",
    "FolderTaken",
    "LocalChanged",
    "NeedsYou",
    "NotAFile",
    "OtherAccount",
    "RemoteChanged",
    "TooManyDeletes",
]


class LocalChanged(PithosfsError):
    """A local file or folder is not as it was when the action was decided. Nothing was done to it."""


class RemoteChanged(PithosfsError):
    """An object is not as it was when the action was decided. Nothing was done to it."""


class NotAFile(PithosfsError):
    """Other objects are the content of this one, so that no version stands for what it holds: it cannot be synced."""


class NeedsYou(PithosfsError):
    """The pair stops here; message and hint are shown by `pithosfs sync status`."""


class FolderGone(NeedsYou):
    """The local folder is not there, or is not the one that was paired."""


class FolderTaken(NeedsYou):
    """Another process syncs the folder."""


class ContainerGone(NeedsYou):
    """The remote side is not there any more."""


class OtherAccount(NeedsYou):
    """The cloud of the settings is another account than the pair was made with."""


class TooManyDeletes(NeedsYou):
    """So many of so many files vanished on one side (`where`: "folder" or "cloud")."""

    def __init__(self, where: str, count: int, total: int, *, hint: str) -> None:
        super().__init__(f"{count} of {total} files have vanished from the {where} at once", hint=hint)
        self.where, self.count, self.total = where, count, total
