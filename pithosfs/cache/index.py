"""The SQLite index of the cache: which blocks are here, who pins them, and what is known of object versions.

Shared by processes: write-ahead log, a busy time-out, short transactions. Whatever is in it can be learnt again, so a
file that is damaged or of another schema is thrown away and rebuilt from the block files. One `Index` is one
connection; its owner sees to it that one thread uses it at a time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pithosfs.blocks import Hashmap

__all__ = ["BlockRow", "Index", "UnusableIndexError"]

SCHEMA_VERSION = 1
_BUSY_SECONDS = 10.0
# Attributes and hashmaps of this many versions are kept, the last remembered ones: enough for a million files, and
# about 300 MB of index at the very most.
_KEPT_VERSIONS = 1_000_000
# Victims of one eviction transaction: few enough that other processes never wait long for the write lock.
_EVICTION_BATCH = 64

# `disk` is what a block takes up: its size in whole pages of 4096 bytes, for a cache of small files would else be
# many times its limit.
_SCHEMA = """
CREATE TABLE block (
    name          TEXT PRIMARY KEY,   -- lower-case hex hash: the file's name
    algorithm     TEXT NOT NULL,      -- hashlib's name of the hash
    size          INTEGER NOT NULL,   -- bytes of the file: the block without trailing NULs
    disk          INTEGER NOT NULL GENERATED ALWAYS AS ((size + 4095) / 4096 * 4096) VIRTUAL,
    last_use      INTEGER NOT NULL,   -- milliseconds since the epoch, written in batches: may lag by a minute
    verified_boot TEXT NOT NULL       -- boot id under which the content was last compared with the name; '' = never
) WITHOUT ROWID;
CREATE INDEX block_by_use ON block (last_use);

CREATE TABLE pin (                    -- blocks that must not be evicted; a pinned block need not be here (yet)
    name  TEXT NOT NULL,
    owner TEXT NOT NULL,              -- chosen by whoever pins, the same after its restart
    PRIMARY KEY (name, owner)
) WITHOUT ROWID;
CREATE INDEX pin_by_owner ON pin (owner);

CREATE TABLE total (                  -- exactly one row, kept by the triggers below
    blocks INTEGER NOT NULL,
    disk   INTEGER NOT NULL           -- sum of block.disk
);
INSERT INTO total VALUES (0, 0);
CREATE TRIGGER block_added AFTER INSERT ON block BEGIN
    UPDATE total SET blocks = blocks + 1, disk = disk + new.disk;
END;
CREATE TRIGGER block_removed AFTER DELETE ON block BEGIN
    UPDATE total SET blocks = blocks - 1, disk = disk - old.disk;
END;
CREATE TRIGGER block_resized AFTER UPDATE OF size ON block BEGIN
    UPDATE total SET disk = disk - old.disk + new.disk;
END;

CREATE TABLE cloud (                  -- opaque keys of clouds; version ids are unique within one
    id  INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
);
CREATE TABLE hashmap (                -- contents of versions; a version never changes, so a row is true for good
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of remembering: the lowest go first
    cloud      INTEGER NOT NULL REFERENCES cloud (id),
    version    TEXT NOT NULL,
    size       INTEGER NOT NULL,      -- bytes of the object
    block_size INTEGER NOT NULL,
    algorithm  TEXT NOT NULL,
    digests    BLOB NOT NULL,         -- the raw block hashes in order, all of one length
    UNIQUE (cloud, version)
);
CREATE TABLE meta (                   -- attributes of versions, as JSON objects
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    cloud   INTEGER NOT NULL REFERENCES cloud (id),
    version TEXT NOT NULL,
    body    TEXT NOT NULL,
    UNIQUE (cloud, version)
);
"""


class UnusableIndexError(Exception):
    """The index file is damaged or of another schema: it must be discarded and rebuilt."""


@dataclass(frozen=True, slots=True)
class BlockRow:
    """What the index knows of a block."""

    algorithm: str
    size: int
    verified_boot: str


class Index:
    """The open index. Methods raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        """Open, and make what is missing. Raises UnusableIndexError, sqlite3.Error, OSError."""
        self.path = path
        self.created = False  # true when the file was made just now
        self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
            self._identity = _identity(path)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            # A power cut may lose the last additions (their blocks are then found by the scan), never consistency.
            self._db.execute("PRAGMA synchronous = NORMAL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                if self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                    raise UnusableIndexError("not an index of blocks")
                self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
                self.created = True
            elif version != SCHEMA_VERSION:
                raise UnusableIndexError(f"schema version {version}, expected {SCHEMA_VERSION}")
            else:
                self._db.execute("SELECT blocks, disk FROM total").fetchone()
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise UnusableIndexError(str(error)) from None
            raise

    @staticmethod
    def discard(path: Path) -> None:
        """Delete an index file and what belongs to it. Raises OSError."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def in_place(self) -> bool:
        """Whether the file is still the one under its name: somebody may have removed the cache."""
        return _identity(self.path) == self._identity

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One write transaction: nobody else's block files appear or go while it lasts."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # blocks ---------------------------------------------------------------------------------------------------------

    def find(self, name: str) -> BlockRow | None:
        """The row of a block."""
        row = self._db.execute("SELECT algorithm, size, verified_boot FROM block WHERE name = ?", (name,)).fetchone()
        return None if row is None else BlockRow(*row)

    def known(self, names: Iterable[str]) -> set[str]:
        """Those of the names that have a row."""
        rows = self._db.execute(
            "SELECT name FROM block WHERE name IN (SELECT value FROM json_each(?))", (json.dumps(list(names)),)
        )
        return {row[0] for row in rows}

    def add(self, name: str, row: BlockRow, now: int) -> None:
        """Note a block whose file is in place."""
        self._db.execute(
            "INSERT INTO block (name, algorithm, size, last_use, verified_boot) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET algorithm = excluded.algorithm, size = excluded.size,"
            " last_use = max(last_use, excluded.last_use), verified_boot = excluded.verified_boot",
            (name, row.algorithm, row.size, now, row.verified_boot),
        )

    def remove(self, names: Sequence[str]) -> None:
        """Forget blocks."""
        self._db.executemany("DELETE FROM block WHERE name = ?", [(name,) for name in names])

    def note(self, uses: Mapping[str, int], verified: Iterable[str], boot: str) -> None:
        """Write down a batch of last uses (milliseconds) and of blocks verified under this boot."""
        self._db.executemany(
            "UPDATE block SET last_use = max(last_use, ?) WHERE name = ?", [(when, name) for name, when in uses.items()]
        )
        self._db.executemany("UPDATE block SET verified_boot = ? WHERE name = ?", [(boot, name) for name in verified])
        for table in ("hashmap", "meta"):
            self._db.execute(
                f"DELETE FROM {table} WHERE seq <= (SELECT max(seq) FROM {table}) - ?",  # noqa: S608 - names above
                (_KEPT_VERSIONS,),
            )

    def totals(self) -> tuple[int, int]:
        """Number of blocks, and bytes that they take up on disk."""
        blocks, disk = self._db.execute("SELECT blocks, disk FROM total").fetchone()
        return int(blocks), int(disk)

    def victims(self, excess: int) -> list[tuple[str, int]]:
        """Name and disk bytes of the blocks to evict next, oldest use first, until `excess` bytes, or a batch, is
        reached; never pinned ones."""
        rows = self._db.execute(
            "SELECT name, disk FROM block WHERE NOT EXISTS (SELECT 1 FROM pin WHERE pin.name = block.name)"
            " ORDER BY last_use, name LIMIT ?",
            (_EVICTION_BATCH,),
        )
        chosen: list[tuple[str, int]] = []
        for name, disk in rows:
            if excess <= 0:
                break
            chosen.append((name, disk))
            excess -= disk
        return chosen

    def reconcile(self, files: Iterable[tuple[str, int]], now: int) -> None:
        """Make the rows agree with the files that are there: within `writing`.

        Files without a row are taken in unverified; rows without a file go; a size that differs makes the block
        unverified.
        """
        self._db.execute("CREATE TEMP TABLE found (name TEXT PRIMARY KEY, size INTEGER, algorithm TEXT) WITHOUT ROWID")
        self._db.executemany(
            "INSERT OR IGNORE INTO found VALUES (?, ?, ?)",
            ((name, size, _ALGORITHM_BY_LENGTH.get(len(name), "sha256")) for name, size in files),
        )
        self._db.execute("DELETE FROM block WHERE name NOT IN (SELECT name FROM found)")
        self._db.execute(
            "UPDATE block SET verified_boot = '', size = found.size FROM found"
            " WHERE found.name = block.name AND found.size != block.size"
        )
        self._db.execute(
            "INSERT INTO block (name, algorithm, size, last_use, verified_boot)"
            " SELECT name, algorithm, size, ?, '' FROM found WHERE name NOT IN (SELECT name FROM block)",
            (now,),
        )
        self._db.execute("DROP TABLE found")

    # pins -----------------------------------------------------------------------------------------------------------

    def pin(self, owner: str, names: Iterable[str]) -> None:
        """Pin blocks for an owner."""
        self._db.executemany("INSERT OR IGNORE INTO pin (name, owner) VALUES (?, ?)", [(name, owner) for name in names])

    def unpin(self, owner: str, names: Iterable[str] | None) -> None:
        """Take an owner's pins off these blocks, or off all."""
        if names is None:
            self._db.execute("DELETE FROM pin WHERE owner = ?", (owner,))
        else:
            self._db.executemany("DELETE FROM pin WHERE name = ? AND owner = ?", [(name, owner) for name in names])

    def pinned(self) -> int:
        """How many blocks that are here have a pin."""
        row = self._db.execute("SELECT count(*) FROM block WHERE name IN (SELECT name FROM pin)").fetchone()
        return int(row[0])

    # versions -------------------------------------------------------------------------------------------------------

    def hashmaps(self, cloud: str, versions: Sequence[str]) -> dict[str, Hashmap]:
        """The known ones of these versions."""
        rows = self._db.execute(
            "SELECT version, size, block_size, algorithm, digests FROM hashmap"
            " WHERE cloud = (SELECT id FROM cloud WHERE key = ?) AND version IN (SELECT value FROM json_each(?))",
            (cloud, json.dumps(list(versions))),
        )
        result = {}
        for version, size, block_size, algorithm, digests in rows:
            count = -(-size // block_size)
            width = len(digests) // count if count else 1
            hashes = tuple(digests[i : i + width].hex() for i in range(0, len(digests), width))
            with suppress(ValueError):
                result[version] = Hashmap(size, hashes, block_size, algorithm)
        return result

    def remember_hashmap(self, cloud: str, version: str, hashmap: Hashmap) -> None:
        """Note a version's content."""
        digests = [bytes.fromhex(one) for one in hashmap.hashes]
        if len({len(one) for one in digests}) > 1:
            raise ValueError("hashes of different lengths")
        self._db.execute("INSERT OR IGNORE INTO cloud (key) VALUES (?)", (cloud,))
        self._db.execute(
            "INSERT OR REPLACE INTO hashmap (cloud, version, size, block_size, algorithm, digests)"
            " VALUES ((SELECT id FROM cloud WHERE key = ?), ?, ?, ?, ?, ?)",
            (cloud, version, hashmap.size, hashmap.block_size, hashmap.algorithm, b"".join(digests)),
        )

    def meta(self, cloud: str, versions: Sequence[str]) -> dict[str, dict[str, object]]:
        """The known ones of these versions."""
        rows = self._db.execute(
            "SELECT version, body FROM meta"
            " WHERE cloud = (SELECT id FROM cloud WHERE key = ?) AND version IN (SELECT value FROM json_each(?))",
            (cloud, json.dumps(list(versions))),
        )
        return {version: json.loads(body) for version, body in rows}

    def remember_meta(self, cloud: str, entries: Mapping[str, Mapping[str, object]]) -> None:
        """Note versions' attributes."""
        self._db.execute("INSERT OR IGNORE INTO cloud (key) VALUES (?)", (cloud,))
        self._db.executemany(
            "INSERT OR REPLACE INTO meta (cloud, version, body) VALUES ((SELECT id FROM cloud WHERE key = ?), ?, ?)",
            [(cloud, version, json.dumps(body, separators=(",", ":"))) for version, body in entries.items()],
        )

    def remembered(self) -> tuple[int, int]:
        """How many versions' hashmaps and attributes are known."""
        row = self._db.execute("SELECT (SELECT count(*) FROM hashmap), (SELECT count(*) FROM meta)").fetchone()
        return int(row[0]), int(row[1])


# What a block found without a row was hashed with, by the length of its name. A wrong guess only makes the block fail
# its verification, and it is fetched again.
_ALGORITHM_BY_LENGTH = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file itself is bad, rather than the disk, its rights, or a lock."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT)


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the connection is as good as before: another process held the lock too long, or the disk is full."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - on every use of the index: twice as fast as Path.stat
    except OSError:
        return None
    return status.st_dev, status.st_ino
