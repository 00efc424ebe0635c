"""What the tables hold, as values, and the reads by key that every handler begins with (object-store.md 21)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, Hashmap, block_hash
from pithosfs.localcloud.objects.sharing import Rule, is_directory, stored_rule
from pithosfs.localcloud.objects.spans import after_name

__all__ = [
    "EMPTY_ROOT",
    "VERSION_COLUMNS",
    "Account",
    "Container",
    "StoredObject",
    "Version",
    "find_account",
    "find_container",
    "find_object",
    "find_version",
    "groups_of",
    "hashmap_of",
    "last_change",
    "version_from",
]

EMPTY_ROOT = block_hash(b"", DEFAULT_BLOCK_HASH)
DIGEST_SIZE = len(EMPTY_ROOT) // 2
BATCH = 500  # objects in memory while a whole folder is gone through


@dataclass(frozen=True, slots=True)
class Account:
    """An account that has been used. Times in microseconds."""

    id: int
    uuid: str
    created: int
    modified: int
    bytes: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Container:
    """A container and its counters. `account` is the owner's id, `account_id` the row. Times in microseconds."""

    id: int
    account_id: int
    account: str
    name: str
    created: int
    modified: int
    objects: int
    bytes: int
    quota: int
    versioning: str
    project: str
    metadata: Mapping[str, str]

    def policy(self) -> dict[str, str]:
        return {"quota": str(self.quota), "versioning": self.versioning, "project": self.project}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object. `root` is hex; `content` names the block list, None for at most one block."""

    id: int
    object: int
    time: int
    deleted: bool
    size: int
    root: str
    content: int | None
    type: str
    md5: str
    uuid: str
    modified_by: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A name with its current version (None: deleted, only history is left), its own rule and its public token."""

    id: int
    container: int
    name: str
    version: Version | None
    sharing: Rule
    public: str | None

    @property
    def is_directory(self) -> bool:
        return self.version is not None and is_directory(self.version.type)


VERSION_COLUMNS = (
    "v.id, v.object, v.time, v.deleted, v.size, v.root, v.content, v.type, v.md5, v.uuid, v.modified_by, v.metadata"
)


def version_from(row: Sequence[object]) -> Version:
    """A version from a row of `VERSION_COLUMNS`."""
    values = list(row)
    values[3] = bool(values[3])
    root = values[5]
    assert isinstance(root, bytes)
    values[5] = root.hex()
    metadata = values[11]
    values[11] = json.loads(metadata) if isinstance(metadata, str) else {}
    return Version(*values)  # type: ignore[arg-type]


def find_account(connection: sqlite3.Connection, uuid: str) -> Account | None:
    row = connection.execute(
        "SELECT id, uuid, created, modified, bytes, metadata FROM accounts WHERE uuid = ?", (uuid,)
    ).fetchone()
    if row is None:
        return None
    ident, uuid, created, modified, size, metadata = row
    return Account(ident, uuid, created, modified, size, json.loads(metadata))


def groups_of(connection: sqlite3.Connection, account: int) -> dict[str, list[str]]:
    """Group name → member ids, of the account with that row id."""
    groups: dict[str, list[str]] = {}
    for name, member in connection.execute(
        "SELECT name, member FROM group_members WHERE account = ? ORDER BY name, member", (account,)
    ):
        groups.setdefault(name, []).append(member)
    return groups


_CONTAINER_COLUMNS = """c.id, c.account, a.uuid, c.name, c.created, c.modified, c.objects, c.bytes, c.quota,
    c.versioning, c.project, c.metadata"""


def _container(row: Sequence[object]) -> Container:
    values = list(row)
    values[11] = json.loads(str(values[11]))
    return Container(*values)  # type: ignore[arg-type]


def find_container(connection: sqlite3.Connection, account: str, name: str) -> Container | None:
    row = connection.execute(
        f"SELECT {_CONTAINER_COLUMNS} FROM containers c JOIN accounts a ON a.id = c.account"  # noqa: S608
        " WHERE a.uuid = ? AND c.name = ?",
        (account, name),
    ).fetchone()
    return None if row is None else _container(row)


def containers_of(connection: sqlite3.Connection, account: str) -> list[Container]:
    """All containers of an account in the order of their names."""
    rows = connection.execute(
        f"SELECT {_CONTAINER_COLUMNS} FROM containers c JOIN accounts a ON a.id = c.account"  # noqa: S608
        " WHERE a.uuid = ? ORDER BY c.name",
        (account,),
    )
    return [_container(row) for row in rows]


_OBJECT_COLUMNS = f"o.id, o.container, o.name, o.sharing, o.public, {VERSION_COLUMNS}"


def object_from(row: Sequence[object]) -> StoredObject:
    ident, container, name, sharing, public, *version = row
    return StoredObject(
        ident,  # type: ignore[arg-type]
        container,  # type: ignore[arg-type]
        name,  # type: ignore[arg-type]
        None if version[0] is None else version_from(version),
        Rule() if sharing is None else stored_rule(str(sharing)),
        public,  # type: ignore[arg-type]
    )


def find_object(connection: sqlite3.Connection, container: int, name: str) -> StoredObject | None:
    """The object of that name; one that was deleted has no version. None when the name never had one."""
    row = connection.execute(
        f"SELECT {_OBJECT_COLUMNS} FROM objects o LEFT JOIN versions v ON v.id = o.current"  # noqa: S608
        " WHERE o.container = ? AND o.name = ?",
        (container, name),
    ).fetchone()
    return None if row is None else object_from(row)


def objects_between(
    connection: sqlite3.Connection, container: int, low: str, high: str | None
) -> Iterator[StoredObject]:
    """The current objects whose names are from `low` (included) to `high` (excluded; None: to the end), by name.

    They may be changed while this goes through them: it reads ahead in batches and goes on after the last name.
    """
    bound, values = ("", ()) if high is None else (" AND o.name < ?", (high,))
    while True:
        rows = connection.execute(
            f"SELECT {_OBJECT_COLUMNS} FROM objects o JOIN versions v ON v.id = o.current"  # noqa: S608
            f" WHERE o.container = ? AND o.current IS NOT NULL AND o.name >= ?{bound} ORDER BY o.name LIMIT {BATCH}",
            (container, low, *values),
        ).fetchall()
        yield from map(object_from, rows)
        if len(rows) < BATCH:
            return
        low = after_name(rows[-1][2])


def find_public(connection: sqlite3.Connection, token: str) -> tuple[str, str, str] | None:
    """Account, container and name of the object that is published under a token."""
    row = connection.execute(
        "SELECT a.uuid, c.name, o.name FROM objects o JOIN containers c ON c.id = o.container"
        " JOIN accounts a ON a.id = c.account WHERE o.public = ?",
        (token,),
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def find_version(connection: sqlite3.Connection, stored: StoredObject | None, text: str) -> Version | None:
    """The version of that object that a request names; None for anything else, marks of deletion included."""
    if stored is None or not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    row = connection.execute(
        f"SELECT {VERSION_COLUMNS} FROM versions v WHERE v.id = ? AND v.object = ? AND v.deleted = 0",  # noqa: S608
        (int(text), stored.id),
    ).fetchone()
    return None if row is None else version_from(row)


def last_change(connection: sqlite3.Connection, stored: StoredObject) -> int:
    """When the newest version was made, a mark of deletion included (microseconds); 0 when all were purged."""
    if stored.version is not None:
        return stored.version.time
    row = connection.execute(
        "SELECT time FROM versions WHERE object = ? ORDER BY id DESC LIMIT 1", (stored.id,)
    ).fetchone()
    return 0 if row is None else int(row[0])


def hashmap_of(connection: sqlite3.Connection, version: Version) -> Hashmap:
    """The block list of a version."""
    if version.content is None:
        hashes: tuple[str, ...] = (version.root,) if version.size else ()
    else:
        row = connection.execute("SELECT hashes FROM contents WHERE id = ?", (version.content,)).fetchone()
        blob: bytes = row[0]
        hashes = tuple(blob[at : at + DIGEST_SIZE].hex() for at in range(0, len(blob), DIGEST_SIZE))
    return Hashmap(version.size, hashes, DEFAULT_BLOCK_SIZE, DEFAULT_BLOCK_HASH)


def blocks_in_use(connection: sqlite3.Connection, names: frozenset[str]) -> set[str]:
    """Those of the named blocks that any version, current or old, refers to. Looks at every version."""
    used: set[str] = set()
    for (root,) in connection.execute("SELECT root FROM versions WHERE content IS NULL AND size > 0"):
        name = root.hex()
        if name in names:
            used.add(name)
    for (blob,) in connection.execute("SELECT hashes FROM contents"):
        for at in range(0, len(blob), DIGEST_SIZE):
            name = blob[at : at + DIGEST_SIZE].hex()
            if name in names:
                used.add(name)
    return used
