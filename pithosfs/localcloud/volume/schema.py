"""The volume service's tables. Steps are only ever appended. Times are microseconds since the epoch."""

from __future__ import annotations

from collections.abc import Sequence

from pithosfs.localcloud.database import Migration

__all__ = ["MIGRATIONS", "SERVICE"]

SERVICE = "volume"

_FIRST = """
CREATE TABLE volume_types (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,                 -- the disk template
    external INTEGER NOT NULL           -- 1: can be detached, made without a server and from a source, snapshotted
);
INSERT INTO volume_types (id, name, external) VALUES (1, 'drbd', 0), (2, 'ext_store', 1);

CREATE TABLE volumes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again
    name TEXT,                          -- NULL: the root volume of a server
    description TEXT NOT NULL,
    status TEXT NOT NULL,               -- as on the wire; what ends a transient one is the server's task
    size INTEGER NOT NULL,              -- GiB; charged until the volume is deleted
    type INTEGER NOT NULL REFERENCES volume_types (id),
    user TEXT NOT NULL,
    project TEXT NOT NULL,
    shared INTEGER NOT NULL,
    server INTEGER,                     -- NULL: not attached
    position INTEGER,                   -- among the server's volumes, 0 is the root; NULL with the server
    image TEXT,                         -- UUID of what it was made from; NULL: nothing
    snapshot TEXT,
    with_server INTEGER NOT NULL,       -- 1: it goes when its server is deleted
    metadata TEXT NOT NULL,             -- JSON object
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX volumes_by_user ON volumes (user);
CREATE INDEX volumes_by_server ON volumes (server) WHERE server IS NOT NULL;
CREATE INDEX shared_volumes ON volumes (project) WHERE shared = 1;
"""

MIGRATIONS: Sequence[Migration] = (_FIRST,)
