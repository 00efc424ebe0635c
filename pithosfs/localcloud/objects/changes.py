"""What changes objects inside a write transaction: new versions, deletions, rules, and the books that go with them.

Every write request makes one `Change` in one transaction and ends it with `settle()`, which brings counters and
modification times up to date and holds the growth against the quotas; a Fault from there undoes everything.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.blockstore import BlockStore
from pithosfs.localcloud.faults import bad_request, over_limit
from pithosfs.localcloud.objects.charging import charge_growth, exceeded, room
from pithosfs.localcloud.objects.clock import Clock
from pithosfs.localcloud.objects.images import carry
from pithosfs.localcloud.objects.model import EMPTY_ROOT, Container, StoredObject, Version, last_change
from pithosfs.localcloud.objects.sharing import Rule
from pithosfs.localcloud.smallblocks import SmallBlock

__all__ = ["MAX_METADATA", "Change", "Draft"]

MAX_METADATA = 32
"""Metadata items of one resource (section 3.4)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A version to be made. `content` is a block list that is stored already, else `hashmap` gives one."""

    size: int
    root: str
    type: str
    metadata: Mapping[str, str]
    hashmap: Hashmap | None = None
    content: int | None = None
    md5: str = ""
    uuid: str | None = None  # None: the present object's, or a new one
    origin: str | None = None  # the UUID of the object whose bytes these are: what is registered about it goes along
    small: SmallBlock | None = None  # a block that is not stored yet

    @classmethod
    def of_hashmap(
        cls,
        hashmap: Hashmap,
        root: str,
        content_type: str,
        metadata: Mapping[str, str],
        md5: str,
        small: SmallBlock | None = None,
    ) -> Draft:
        return cls(hashmap.size, root, content_type, metadata, hashmap=hashmap, md5=md5, small=small)

    @classmethod
    def of_version(cls, version: Version, metadata: Mapping[str, str], content_type: str, uuid: str | None) -> Draft:
        """The same bytes again."""
        return cls(
            version.size,
            version.root,
            content_type,
            metadata,
            content=version.content,
            md5=version.md5,
            uuid=uuid,
            origin=version.uuid,
        )


@dataclass(slots=True)
class _Growth:
    """What a change adds to a container (negative: takes away), and whether objects in it changed."""

    container: Container
    objects: int = 0
    bytes: int = 0
    written: bool = False


@dataclass(slots=True)
class Change:
    """One write request in its transaction. `caller` is who makes it; `time` when (microseconds).

    What is not `charged` is on nobody's quota: objects that the cloud itself provides.
    """

    connection: sqlite3.Connection
    clock: Clock
    caller: str
    charged: bool = True
    time: int = field(init=False)
    _growth: dict[int, _Growth] = field(init=False, default_factory=dict)
    _orphans: set[int] = field(init=False, default_factory=set)
    _room: dict[tuple[str, str], int] = field(init=False, default_factory=dict)  # account, project → bytes before

    def __post_init__(self) -> None:
        self.time = self.clock.tick()

    # objects --------------------------------------------------------------------------------------------------------

    def put(self, container: Container, name: str, stored: StoredObject | None, draft: Draft) -> int:
        """Make a version the current one of a name; `stored` is what the name has now. Returns the version's id.

        Rule and publication of an object that exists stay. Raises Fault 400 for too much metadata.
        """
        if len(draft.metadata) > MAX_METADATA:
            raise bad_request(f"an object has at most {MAX_METADATA} metadata items")
        present = stored.version if stored is not None else None
        uuid = draft.uuid or (present.uuid if present is not None else str(uuid4()))
        if stored is None:
            ident = self._insert("INSERT INTO objects (container, name) VALUES (?, ?)", (container.id, name))
        else:
            ident = stored.id
        if draft.small is not None:
            BlockStore.add_small(self.connection, draft.small)
        content = draft.content
        if content is None and draft.hashmap is not None and len(draft.hashmap.hashes) > 1:
            blob = bytes.fromhex("".join(draft.hashmap.hashes))
            content = self._insert("INSERT INTO contents (hashes) VALUES (?)", (blob,))
        version = self._insert(
            "INSERT INTO versions (object, time, size, root, content, type, md5, uuid, modified_by, metadata)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                ident,
                self._time_for(stored),
                draft.size,
                bytes.fromhex(draft.root),
                content,
                draft.type,
                draft.md5,
                uuid,
                self.caller,
                json.dumps(dict(draft.metadata)) if draft.metadata else None,
            ),
        )
        self.connection.execute("UPDATE objects SET current = ? WHERE id = ?", (version, ident))
        if draft.origin is not None and (present is None or present.uuid != draft.origin):
            carry(self.connection, draft.origin, uuid, ident, self.time)
        growth = self._note(container)
        growth.written = True
        growth.objects += present is None
        growth.bytes += draft.size - (present.size if present is not None else 0)
        self._count_keys(container, present.metadata if present is not None else None, draft.metadata)
        if container.versioning == "none" and stored is not None:
            # The version before; where there is none, the mark that the object was deleted.
            if present is not None:
                self._drop_versions("id = ?", (present.id,))
            else:
                self._drop_versions("object = ? AND deleted = 1", (ident,))
        return version

    def delete(self, container: Container, stored: StoredObject) -> None:
        """Delete an object that exists now: its history stays (unless the container keeps none), its rule goes."""
        assert stored.version is not None
        self._forget_name(stored)
        if container.versioning == "none":
            self._drop_versions("id = ?", (stored.version.id,))
        self._insert(
            "INSERT INTO versions (object, time, deleted, size, root, type, uuid, modified_by)"
            " VALUES (?, ?, 1, 0, ?, '', ?, ?)",
            (stored.id, self._time_for(stored), bytes.fromhex(EMPTY_ROOT), stored.version.uuid, self.caller),
        )
        self._note_removal(container, stored.version)

    def purge(self, container: Container, stored: StoredObject, until: int) -> None:
        """Destroy the versions of a name up to a time, the current one included (section 7.6)."""
        current = stored.version
        if current is not None and current.time <= until:
            self._forget_name(stored)
            self._note_removal(container, current)
        self._drop_versions("object = ? AND time <= ?", (stored.id, until))
        left = self.connection.execute("SELECT 1 FROM versions WHERE object = ?", (stored.id,)).fetchone()
        if left is None:
            self.connection.execute("DELETE FROM objects WHERE id = ?", (stored.id,))
        self._note(container)

    def purge_history(self, container: Container, until: int) -> None:
        """Destroy superseded versions and marks of deletion in a container up to a time (section 6)."""
        self._drop_versions(
            "time <= ? AND object IN (SELECT id FROM objects WHERE container = ?)"
            " AND id NOT IN (SELECT current FROM objects WHERE container = ? AND current IS NOT NULL)",
            (until, container.id, container.id),
        )
        self.connection.execute(
            "DELETE FROM objects WHERE container = ? AND current IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM versions WHERE object = objects.id)",
            (container.id,),
        )
        self._note(container)

    def share(self, container: Container, name: str, rule: Rule) -> None:
        """Replace the rule of an object that exists; an empty one ends it."""
        ident = self._current_id(container, name)
        self.connection.execute("UPDATE objects SET sharing = ? WHERE id = ?", (str(rule) or None, ident))
        self.connection.execute("DELETE FROM grants WHERE object = ?", (ident,))
        self.connection.executemany(
            "INSERT INTO grants (object, principal, writes) VALUES (?, ?, ?)",
            [(ident, who, 0) for who in rule.read] + [(ident, who, 1) for who in rule.write],
        )
        self._note(container)

    def publish(self, container: Container, name: str, public: bool) -> None:
        """Give an object that exists a public URL, or take it away. One that is published keeps its URL."""
        ident = self._current_id(container, name)
        if public:
            self.connection.execute(
                "UPDATE objects SET public = ? WHERE id = ? AND public IS NULL", (secrets.token_urlsafe(24), ident)
            )
        else:
            self.connection.execute("UPDATE objects SET public = NULL WHERE id = ?", (ident,))
        self._note(container)

    # the account and its containers ---------------------------------------------------------------------------------

    def account(self, uuid: str) -> int:
        """The row of an account, which is made when this is its first use."""
        row = self.connection.execute("SELECT id FROM accounts WHERE uuid = ?", (uuid,)).fetchone()
        if row is not None:
            return int(row[0])
        return self._insert(
            "INSERT INTO accounts (uuid, created, modified) VALUES (?, ?, ?)", (uuid, self.time, self.time)
        )

    def add_container(self, account: int, name: str, project: str) -> int:
        """Make a container, for which a project pays, in the account with that row; returns its row id."""
        return self._insert(
            "INSERT INTO containers (account, name, created, modified, project) VALUES (?, ?, ?, ?, ?)",
            (account, name, self.time, self.time, project),
        )

    def set_metadata(self, kind: str, owner: int, metadata: Mapping[str, str]) -> None:
        """Replace the metadata of an `account` or a `container` (by row id). Raises Fault 400 for too much of it."""
        if len(metadata) > MAX_METADATA:
            raise bad_request(f"there can be at most {MAX_METADATA} metadata items")
        table = {"account": "accounts", "container": "containers"}[kind]
        text = json.dumps(dict(metadata))
        self.connection.execute(f"UPDATE {table} SET metadata = ? WHERE id = ?", (text, owner))  # noqa: S608
        self.connection.execute("INSERT INTO past_metadata VALUES (?, ?, ?, ?)", (kind, owner, self.time, text))

    def touch_account(self, account: int) -> None:
        """Note that the account itself changed."""
        self.connection.execute("UPDATE accounts SET modified = max(modified, ?) WHERE id = ?", (self.time, account))

    def touch_container(self, container: Container) -> None:
        """Note that the container itself changed."""
        self._note(container)

    def remove_container(self, container: Container) -> None:
        """Destroy a container that has no current objects, with its whole history."""
        self._drop_versions("object IN (SELECT id FROM objects WHERE container = ?)", (container.id,))
        self.connection.execute("DELETE FROM objects WHERE container = ?", (container.id,))
        self.connection.execute("DELETE FROM past_metadata WHERE kind = 'container' AND owner = ?", (container.id,))
        self.connection.execute("DELETE FROM containers WHERE id = ?", (container.id,))
        self.touch_account(container.account_id)

    def check_room(self, container: Container, grown: int) -> None:
        """Raises for one object that is to grow by `grown` bytes what `settle` would raise for everything together.

        `container` is as it was when this change began.
        """
        payer = (container.account, container.project)
        if payer not in self._room:
            self._room[payer] = room(self.connection, container)
        if grown <= 0:
            return
        before = self._growth.get(container.id)
        if container.quota and container.bytes + (before.bytes if before else 0) + grown > container.quota:
            raise over_limit(f"the container may hold {container.quota} bytes")
        left = self._room[payer] - sum(
            one.bytes for one in self._growth.values() if (one.container.account, one.container.project) == payer
        )
        if grown > left:
            raise exceeded(container, left, grown)

    # the end --------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Write the books. Raises Fault 413 when something that grew is over a quota, 404 for an unusable project."""
        accounts: dict[int, int] = {}
        for growth in self._growth.values():
            container = growth.container
            used = self.connection.execute(
                "UPDATE containers SET objects = objects + ?, bytes = bytes + ?, modified = max(modified, ?)"
                " WHERE id = ? RETURNING bytes",
                (growth.objects, growth.bytes, self.time, container.id),
            ).fetchall()[0][0]
            if growth.bytes > 0 and container.quota and used > container.quota:
                raise over_limit(f"the container may hold {container.quota} bytes")
            accounts[container.account_id] = accounts.get(container.account_id, 0) + growth.bytes
        for account, size in accounts.items():
            self.connection.execute(
                "UPDATE accounts SET bytes = bytes + ?, modified = max(modified, ?) WHERE id = ?",
                (size, self.time, account),
            )
        # What is given back first: moving to another container of the same project needs no room for both.
        for growth in sorted(self._growth.values(), key=lambda growth: growth.bytes) if self.charged else ():
            charge_growth(self.connection, growth.container, growth.bytes, written=growth.written)
        for content in self._orphans:
            self.connection.execute(
                "DELETE FROM contents WHERE id = ? AND NOT EXISTS (SELECT 1 FROM versions WHERE content = ?)",
                (content, content),
            )

    # details --------------------------------------------------------------------------------------------------------

    def _insert(self, statement: str, values: Sequence[object]) -> int:
        ident = self.connection.execute(statement, values).lastrowid
        assert ident is not None
        return ident

    def _note(self, container: Container) -> _Growth:
        return self._growth.setdefault(container.id, _Growth(container))

    def _note_removal(self, container: Container, version: Version) -> None:
        growth = self._note(container)
        growth.objects -= 1
        growth.bytes -= version.size
        self._count_keys(container, version.metadata, None)

    def _time_for(self, stored: StoredObject | None) -> int:
        """When a new version of that name is made: later than its last one, even if the clock was put back."""
        if stored is not None:
            self.time = max(self.time, last_change(self.connection, stored) + 1)
        return self.time

    def _current_id(self, container: Container, name: str) -> int:
        row = self.connection.execute(
            "SELECT id FROM objects WHERE container = ? AND name = ? AND current IS NOT NULL", (container.id, name)
        ).fetchone()
        return int(row[0])

    def _forget_name(self, stored: StoredObject) -> None:
        """Take away what belongs to a name only while it has an object."""
        self.connection.execute(
            "UPDATE objects SET current = NULL, sharing = NULL, public = NULL WHERE id = ?", (stored.id,)
        )
        if stored.sharing:
            self.connection.execute("DELETE FROM grants WHERE object = ?", (stored.id,))

    def _drop_versions(self, condition: str, values: Sequence[object]) -> None:
        """Destroy versions; block lists that nobody has any more go in `settle`."""
        rows = self.connection.execute(f"DELETE FROM versions WHERE {condition} RETURNING content", values)  # noqa: S608
        self._orphans.update(content for (content,) in rows.fetchall() if content is not None)

    def _count_keys(
        self, container: Container, before: Mapping[str, str] | None, after: Mapping[str, str] | None
    ) -> None:
        """Keep `metadata_keys` right when an object's metadata change; None: no object."""
        old = json.dumps(sorted(before)) if before else None
        new = json.dumps(sorted(after)) if after else None
        if old == new:
            return
        if old is not None:
            left = self.connection.execute(
                "UPDATE metadata_keys SET objects = objects - 1 WHERE container = ? AND keys = ? RETURNING objects",
                (container.id, old),
            ).fetchall()[0][0]
            if not left:
                self.connection.execute(
                    "DELETE FROM metadata_keys WHERE container = ? AND keys = ?", (container.id, old)
                )
        if new is not None:
            self.connection.execute(
                "INSERT INTO metadata_keys VALUES (?, ?, 1)"
                " ON CONFLICT (container, keys) DO UPDATE SET objects = objects + 1",
                (container.id, new),
            )
