"""The local side of a pair: everything that looks at, watches or changes the synced folder.

Nobody else knows local spellings, follows links, or writes into the folder.
"""

from __future__ import annotations

from pithosfs_daemon.folder.folder import Folder
from pithosfs_daemon.folder.looking import DirectoryScan
from pithosfs_daemon.folder.parts import Part
from pithosfs_daemon.folder.private import Marker, lay_marker, marker_above, read_marker, remove_marker
from pithosfs_daemon.folder.putting import Put
from pithosfs_daemon.folder.rules import IGNORE_FILE, IgnoreRules
from pithosfs_daemon.folder.trash import KEPT, Trash, TrashEntry
from pithosfs_daemon.folder.watcher import Watcher

__all__ = [
    "IGNORE_FILE",
    "KEPT",
    "DirectoryScan",
    "Folder",
    "IgnoreRules",
    "Marker",
    "Part",
    "Put",
    "Trash",
    "TrashEntry",
    "Watcher",
    "lay_marker",
    "marker_above",
    "read_marker",
    "remove_marker",
]
