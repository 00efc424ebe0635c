"""The tables of a pair's state database, and the two upkeep rules of its file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pithosfs.errors import LocalError
from pithosfs_daemon.values import Kind

__all__ = ["ABSENT", "CLASH", "FILE", "FOLDER", "IMPLIED", "KIND", "OTHER", "open_database"]

# Kinds. A remote folder is `IMPLIED` when it has no object of its own, but objects below it. `OTHER` is what cannot be
# looked at or is not synced: nothing is decided about it. `CLASH` is a file in the cloud that has objects below it.
ABSENT, FILE, FOLDER, IMPLIED, OTHER, CLASH = range(6)
KIND = {None: ABSENT, Kind.FILE: FILE, Kind.FOLDER: FOLDER}

_VERSION = 1
_SCHEMA = """
CREATE TABLE node (                   -- one row a name that is, or was, on one of the sides
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,   -- relative to the pair, as in the cloud
    parent    TEXT NOT NULL,          -- its folder's name, '' for the top
    dirty     INTEGER NOT NULL DEFAULT 1,  -- 1: to be decided about in the next pass
    -- what both sides last agreed on
    b_kind    INTEGER NOT NULL DEFAULT 0,  -- ABSENT, FILE or FOLDER
    b_hash    BLOB, b_size INTEGER,        -- the content of a file
    b_version TEXT,                        -- of the object; NULL: adopt the one that is listed with this content
    b_etag    TEXT,                        -- NULL: not known
    b_uuid    TEXT NOT NULL DEFAULT '',    -- stays with the object when it is moved; '': not known yet
    b_mtime   INTEGER, b_ctime INTEGER, b_inode INTEGER, b_mode INTEGER,  -- the local file's stamp (b_size is its size)
    b_racy    INTEGER NOT NULL DEFAULT 0,  -- 1: it may have been written to once more without a new stamp
    -- the local side as last seen
    l_kind    INTEGER NOT NULL DEFAULT 0,  -- ABSENT, FILE, FOLDER or OTHER
    l_size    INTEGER, l_mtime INTEGER, l_ctime INTEGER, l_inode INTEGER, l_mode INTEGER,
    l_hash    BLOB,                        -- of the content with this stamp; NULL: not hashed
    l_only_ignored INTEGER NOT NULL DEFAULT 0,
    -- the cloud as last listed
    r_kind    INTEGER NOT NULL DEFAULT 0,  -- any of the kinds
    r_hash    BLOB, r_size INTEGER, r_version TEXT, r_uuid TEXT NOT NULL DEFAULT '',
    -- why it is not in step, as 'REASON detail'; NULL when nothing is wrong
    l_trouble TEXT, r_trouble TEXT, trouble TEXT
);
CREATE INDEX node_by_parent ON node (parent);
CREATE INDEX node_dirty ON node (name) WHERE dirty;
CREATE INDEX node_arrived ON node (l_inode) WHERE dirty AND b_kind = 0;   -- where may a vanished file be now?
CREATE INDEX node_renamed ON node (r_uuid) WHERE dirty AND b_kind = 0;
CREATE INDEX node_troubled ON node (name) WHERE l_trouble NOT NULL OR r_trouble NOT NULL OR trouble NOT NULL;
CREATE INDEX node_by_content ON node (b_hash) WHERE b_kind = 1;

CREATE TABLE block (                  -- where the blocks of files with more than one block are
    hash BLOB NOT NULL, node INTEGER NOT NULL REFERENCES node (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    PRIMARY KEY (node, position)
) WITHOUT ROWID;
CREATE INDEX block_by_hash ON block (hash);

CREATE TABLE sums (                   -- sums of short pieces of the agreed contents of larger files
    node INTEGER PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE, sums BLOB NOT NULL
);

CREATE TABLE conflict (               -- names that were changed on both sides, and what the other content is called
    copy TEXT PRIMARY KEY, name TEXT NOT NULL,
    theirs INTEGER NOT NULL,          -- 1: the copy has the cloud's content, 0: ours
    at REAL NOT NULL                  -- seconds since the epoch
) WITHOUT ROWID;

CREATE TABLE vanished (at REAL NOT NULL, side TEXT NOT NULL);  -- one row a file that was deleted a moment ago

CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def open_database(path: Path) -> sqlite3.Connection:
    """Open, or make, the file. Raises LocalError when it cannot be used."""
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -8000")  # KiB
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        elif version != _VERSION:
            raise LocalError(
                f"the state of the pair in {path} was written by another version of pithosfs",
                hint="remove the pair and add it again: nothing is transferred that is the same on both sides",
            )
    except sqlite3.Error as error:
        db.close()
        raise _unusable(path, error) from error
    except BaseException:
        db.close()
        raise
    return db


def _unusable(path: Path, error: sqlite3.Error) -> LocalError:
    return LocalError(
        f"the state of the pair in {path} cannot be used: {error}",
        hint="make room on the disk; if the file is damaged, remove the pair and add it again: nothing is lost by that",
    )
