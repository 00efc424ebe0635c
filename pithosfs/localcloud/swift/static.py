"""Which objects are static large objects: the segments that they were made of, remembered beside the content.

A static large object is an ordinary object here, with a content of its own (so that the Pithos API and the mount read
it like any other), which shares the blocks of its segments where these begin on a border of blocks. Other than in
Swift it keeps its content when a segment changes, and its bytes count for the quota beside those of the segments.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from pithosfs.localcloud.objects.model import StoredObject

__all__ = ["StaticManifest", "find_manifest", "forget_manifest", "note_manifest", "static_tags"]


@dataclass(frozen=True, slots=True)
class StaticManifest:
    """The segments of an object, as the JSON that `multipart-manifest=get` shows, and the MD5 of their MD5s."""

    etag: str
    text: str

    @property
    def segments(self) -> list[dict[str, Any]]:
        """name, hash, bytes, content_type, last_modified, and range where only a part of the segment is meant."""
        found: list[dict[str, Any]] = json.loads(self.text)
        return found


def find_manifest(connection: sqlite3.Connection, stored: StoredObject) -> StaticManifest | None:
    """The manifest of an object that exists, None for an ordinary one."""
    version = stored.version
    assert version is not None
    row = connection.execute(
        "SELECT etag, segments FROM static_manifests WHERE object = ? AND root = ? AND size = ?",
        (stored.id, bytes.fromhex(version.root), version.size),
    ).fetchone()
    return None if row is None else StaticManifest(row[0], row[1])


def note_manifest(connection: sqlite3.Connection, version: int, manifest: StaticManifest | None) -> None:
    """Make the object that has just got that version (by id) a static large object, or (None) an ordinary one."""
    ident, root, size = connection.execute(
        "SELECT object, root, size FROM versions WHERE id = ?", (version,)
    ).fetchone()
    if manifest is None:
        forget_manifest(connection, ident)
        return
    connection.execute(
        "INSERT OR REPLACE INTO static_manifests (object, root, size, etag, segments) VALUES (?, ?, ?, ?, ?)",
        (ident, root, size, manifest.etag, manifest.text),
    )


def forget_manifest(connection: sqlite3.Connection, ident: int) -> None:
    """Make an object (by row id) an ordinary one, whatever it was."""
    connection.execute("DELETE FROM static_manifests WHERE object = ?", (ident,))


def static_tags(connection: sqlite3.Connection, container: int) -> dict[int, str]:
    """The tags of the static large objects of a container by their version ids."""
    rows = connection.execute(
        "SELECT v.id, m.etag FROM static_manifests m JOIN objects o ON o.id = m.object"
        " JOIN versions v ON v.id = o.current WHERE o.container = ? AND v.root = m.root AND v.size = m.size",
        (container,),
    )
    return dict(rows.fetchall())
