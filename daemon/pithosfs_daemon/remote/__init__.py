"""The remote side of a pair: what is in the cloud, and every change there."""

from pithosfs_daemon.remote.batching import NewFile, NewFolder
from pithosfs_daemon.remote.folder import RemoteFolder
from pithosfs_daemon.remote.hashing import LocalFile, hash_local
from pithosfs_daemon.remote.listing import Listing
from pithosfs_daemon.remote.terms import BlockFinder, Hashed, OldContent, Received, RemoteBase, Sent

__all__ = [
    "BlockFinder",
    "Hashed",
    "Listing",
    "LocalFile",
    "NewFile",
    "NewFolder",
    "OldContent",
    "Received",
    "RemoteBase",
    "RemoteFolder",
    "Sent",
    "hash_local",
]
