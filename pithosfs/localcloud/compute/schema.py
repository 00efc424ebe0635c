"""The compute service's tables. Steps are only ever appended. Times are microseconds since the epoch."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pithosfs.localcloud.database import Migration

__all__ = ["MIGRATIONS", "SERVICE"]

SERVICE = "compute"

_FIRST = """
CREATE TABLE flavors (
    id INTEGER PRIMARY KEY,
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,               -- MiB
    disk INTEGER NOT NULL,              -- GiB
    volume_type INTEGER NOT NULL REFERENCES volume_types (id),
    allow_create INTEGER NOT NULL       -- 0: only servers that have it already
);

CREATE TABLE servers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again, like all ids here
    name TEXT NOT NULL,
    user TEXT NOT NULL,
    project TEXT NOT NULL,              -- who pays
    shared INTEGER NOT NULL,            -- 1: all members of the project see and use it
    status TEXT NOT NULL,               -- BUILD, ACTIVE, STOPPED, ERROR or DELETED; tasks are in sandbox_tasks
    flavor INTEGER NOT NULL REFERENCES flavors (id),
    image TEXT NOT NULL,                -- UUID; '' for a server made from a volume
    suspended INTEGER NOT NULL DEFAULT 0,   -- 1: by the administrator; nothing may be changed
    progress INTEGER NOT NULL DEFAULT 0,    -- per cent of the building that was done
    password TEXT,                      -- of the first user; NULL once it is forgotten
    keys TEXT NOT NULL,                 -- JSON list of the names of key pairs
    metadata TEXT NOT NULL,             -- JSON object
    tags TEXT NOT NULL DEFAULT '{}',    -- JSON object, tag to the time from which on it is confirmed
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    built INTEGER,                      -- when the building ended; NULL: not yet
    -- What is charged for this server now, which is what is given back in the end.
    held_total_cpu INTEGER NOT NULL,
    held_total_ram INTEGER NOT NULL,    -- bytes
    held_cpu INTEGER NOT NULL,
    held_ram INTEGER NOT NULL           -- bytes
);
CREATE INDEX servers_by_user ON servers (user);
CREATE INDEX shared_servers ON servers (project) WHERE shared = 1;

CREATE TABLE keypairs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (user, name)
);
"""

_SIZES = ((1, 512, 5), (1, 1024, 10), (2, 2048, 20), (2, 4096, 20), (4, 4096, 40), (4, 8192, 40), (8, 16384, 80))
"""CPUs, MiB and GiB of the flavors, each with either volume type. Some differ in nothing but what can be resized."""

_RETIRED = (1, 256, 5)
"""A size that no new server can have."""

_EXTERNAL, _LOCAL = 2, 1
"""Volume types (volume/schema.py): the first one's volumes can be detached."""


def _flavors(connection: sqlite3.Connection) -> None:
    rows = [(*size, kind, 1) for kind in (_EXTERNAL, _LOCAL) for size in _SIZES]
    connection.executemany(
        "INSERT INTO flavors (vcpus, ram, disk, volume_type, allow_create) VALUES (?, ?, ?, ?, ?)",
        [*rows, (*_RETIRED, _LOCAL, 0)],
    )


MIGRATIONS: Sequence[Migration] = (_FIRST, _flavors)
