"""What a pair's state knows of the cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from pithosfs_daemon.state.database import PAGE, Database
from pithosfs_daemon.state.nodes import RemoteSeen, pack_trouble, parent_of
from pithosfs_daemon.state.schema import CLASH, IMPLIED, KIND, OTHER
from pithosfs_daemon.values import Reason, Trouble

__all__ = ["RemoteRow", "RemoteSide"]


class RemoteRow(NamedTuple):
    """The remote side of a row, as the columns have it."""

    id: int
    kind: int
    version: str | None
    uuid: str
    agreed: bool


class RemoteSide(Database):
    """How the cloud was last listed."""

    def remote_rows(self, names: Sequence[str]) -> dict[str, RemoteRow]:
        """How some names were last listed."""
        found: dict[str, RemoteRow] = {}
        for start in range(0, len(names), PAGE):
            part = names[start : start + PAGE]
            marks = ",".join("?" * len(part))
            sql = f"SELECT name, id, r_kind, r_version, r_uuid, b_kind <> 0 FROM node WHERE name IN ({marks})"  # noqa: S608
            found.update((row[0], RemoteRow(*row[1:])) for row in self.rows(sql, part))
        return found

    def saw_remote(self, name: str, seen: RemoteSeen) -> None:
        """An object, or the folder that its name implies, is in the cloud."""
        kind = IMPLIED if seen.implied else KIND[seen.kind]
        content = seen.content
        with self.changing() as db:
            db.execute(
                "INSERT INTO node (name, parent, r_kind, r_hash, r_size, r_version, r_uuid)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name)"
                " DO UPDATE SET r_kind = excluded.r_kind, r_hash = excluded.r_hash,"
                " r_size = excluded.r_size, r_version = excluded.r_version, r_uuid = excluded.r_uuid, r_trouble = NULL,"
                " dirty = 1",
                (
                    name,
                    parent_of(name),
                    kind,
                    None if content is None else bytes.fromhex(content.hash),
                    None if content is None else content.size,
                    seen.version,
                    seen.uuid,
                ),
            )

    def saw_remote_other(self, name: str, version: str, trouble: Trouble | None) -> None:
        """An object is in the cloud that is not synced."""
        with self.changing() as db:
            self._make(db, name)
            db.execute(
                "UPDATE node SET r_kind = ?, r_version = ?, r_trouble = ?, dirty = 1 WHERE name = ?",
                (OTHER, version, pack_trouble(trouble), name),
            )

    def saw_no_remote(self, name: str) -> None:
        """The object is not there any more."""
        with self.changing() as db:
            db.execute(
                "UPDATE node SET r_kind = 0, r_version = NULL, r_trouble = NULL, dirty = 1"
                " WHERE name = ? AND r_kind <> 0",
                (name,),
            )

    def adopt(self, name: str, version: str, uuid: str) -> None:
        """The version, and the object's id, under which something is listed whose content was agreed on already."""
        with self.changing() as db:
            db.execute(
                "UPDATE node SET b_version = ?1, b_uuid = ?2, r_version = ?1, r_uuid = ?2,"
                " b_etag = CASE WHEN b_version IS ?1 THEN b_etag END WHERE name = ?3",
                (version, uuid, name),
            )

    @contextmanager
    def remote_generation(self) -> Iterator[Callable[[Iterable[int]], None]]:
        """Around a whole listing: the call-back takes the ids of the rows that were listed. At the end all the others
        are taken for gone, unless an error ended it."""
        with self.changing() as db:
            db.execute("CREATE TEMP TABLE IF NOT EXISTS listed (id INTEGER PRIMARY KEY)")
            db.execute("DELETE FROM listed")

        def listed(ids: Iterable[int]) -> None:
            with self.changing() as db:
                db.executemany("INSERT OR IGNORE INTO listed VALUES (?)", ((one,) for one in ids))

        yield listed
        with self.changing() as db:
            db.execute(
                "UPDATE node SET r_kind = 0, r_version = NULL, r_trouble = NULL, dirty = 1"
                " WHERE r_kind <> 0 AND id NOT IN (SELECT id FROM listed)"
            )
            db.execute("DELETE FROM listed")

    def in_the_way(self) -> list[str]:
        """Files in the cloud that have objects below them."""
        return [row[0] for row in self.rows("SELECT name FROM node WHERE r_kind = ?", (CLASH,))]

    def gets_in_the_way(self, name: str) -> None:
        """A file has just turned out to have some."""
        with self.changing() as db:
            db.execute(
                "UPDATE node SET r_kind = ?, r_trouble = ?, dirty = 1 WHERE name = ?",
                (CLASH, pack_trouble(Trouble(name, Reason.IN_THE_WAY)), name),
            )

    def out_of_the_way(self, name: str) -> None:
        """Such a file has none any more: it counts again as it was listed."""
        with self.changing() as db:
            db.execute("UPDATE node SET r_kind = 1, r_trouble = NULL, dirty = 1 WHERE name = ?", (name,))

    def distrust(self) -> None:
        """The rules of what is synced have changed: everything that was left alone is to be looked at again."""
        with self.changing() as db:
            db.execute("UPDATE node SET r_version = '' WHERE r_kind = 4")
            db.execute("INSERT OR REPLACE INTO fact VALUES ('since', 'null')")

    def was_listed(self, row: int) -> bool:
        """Whether a row's id has been given to the call-back of the listing that is being read."""
        return bool(self.rows("SELECT 1 FROM listed WHERE id = ?", (row,)))

    def id_of(self, name: str) -> int:
        """The id of a name's row."""
        found = self.rows("SELECT id FROM node WHERE name = ?", (name,))
        return int(found[0][0])
