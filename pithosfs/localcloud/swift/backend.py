"""What the handlers of the Swift dialect stand on, and what it keeps besides the objects' own tables."""

from __future__ import annotations

from dataclasses import dataclass

from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.swift.checksums import Checksums

__all__ = ["MIGRATIONS", "SERVICE", "SwiftBackend"]

SERVICE = "swift"

_FIRST = """
-- Of what static large objects were put together. The object has the content itself; this is for clients that ask for
-- the segments. It holds while the object has the content that it was made with.
CREATE TABLE static_manifests (
    object INTEGER PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    root BLOB NOT NULL,                 -- with size: the content, as in versions
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,                 -- MD5 of the segments' MD5s, without quotes
    segments TEXT NOT NULL              -- JSON array of {name, hash, bytes, content_type, last_modified, range?}
);
"""

MIGRATIONS = (_FIRST,)
"""Every step of the history of the schema; steps are only ever appended."""


@dataclass(frozen=True, slots=True)
class SwiftBackend:
    """The parts that requests share."""

    objects: Backend
    checksums: Checksums
