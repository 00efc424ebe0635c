"""Where the blocks of a changed file come from that were not changed."""

from __future__ import annotations

from dataclasses import dataclass

from pithosfs.blocks import Hashmap
from pithosfs.store import ObjectPath

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A version on the server and its blocks. A block of a content that is not staged is block i of its origin."""

    path: ObjectPath
    version: str
    hashmap: Hashmap
