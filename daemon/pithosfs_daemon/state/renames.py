"""Renames in the state: finding out that what vanished here came back there, and giving rows their new names."""

from __future__ import annotations

from dataclasses import dataclass

from pithosfs_daemon.state.nodes import Node, parent_of, to_node
from pithosfs_daemon.state.state import State

__all__ = ["Rename", "Renames"]

_BASE = [
    "b_kind", "b_hash", "b_size", "b_version", "b_etag", "b_uuid", "b_mtime", "b_ctime", "b_inode", "b_mode", "b_racy",
]  # fmt: skip
_LOCAL = ["l_kind", "l_size", "l_mtime", "l_ctime", "l_inode", "l_mode", "l_hash", "l_only_ignored", "l_trouble"]
_REMOTE = ["r_kind", "r_hash", "r_size", "r_version", "r_uuid", "r_trouble"]


_RENAMED = (
    "SELECT {} FROM node x JOIN node y ON y.l_inode = x.b_inode AND y.l_size = x.b_size AND y.l_mtime = x.b_mtime"
    " WHERE x.dirty AND x.b_kind = 1 AND x.l_kind = 0 AND x.r_kind = 1 AND x.r_version IS x.b_version"
    " AND y.dirty AND y.b_kind = 0 AND y.l_kind = 1 AND y.r_kind = 0 AND {} ORDER BY x.name, y.name"
)


@dataclass(frozen=True, slots=True)
class Rename:
    """A name that is called otherwise now."""

    old: str
    new: str


class Renames:
    """Over a pair's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    # what was renamed -----------------------------------------------------------------------------------------------

    def local_files(self) -> list[Rename]:
        """Files that vanished here while one with the same inode, time and size has appeared, and which the cloud has
        as they were, the new name being free there."""
        return self._pairs(_RENAMED.format("x.name, y.name", "(x.b_racy = 0 OR y.l_hash = x.b_hash)"))

    def doubtful(self) -> list[Node]:
        """Files that look like renamed ones, but may have been written to after their stamp was noted: only their hash
        tells."""
        found = self._state.rows(_RENAMED.format("y.*", "x.b_racy = 1 AND y.l_hash IS NULL"))
        return [to_node(row) for row in found]

    def local_folders(self) -> list[Rename]:
        """The same of folders, the outermost first. Nothing below may have changed in the cloud."""
        found = self._pairs(
            "SELECT x.name, y.name FROM node x JOIN node y ON y.l_inode = x.b_inode WHERE x.dirty AND x.b_kind = 2"
            " AND x.l_kind = 0 AND x.r_kind IN (2, 3) AND y.dirty AND y.b_kind = 0 AND y.l_kind = 2 AND y.r_kind = 0"
            " ORDER BY x.name, y.name"
        )
        return [one for one in _outermost(found) if self._same_in_cloud(one.old) and not self._any(one.new, "r_kind")]

    def remote_files(self) -> list[Rename]:
        """Files that vanished from the cloud while an object with the same id has appeared; the new name is free
        here, and the file is."""
        return self._pairs(
            "SELECT x.name, y.name FROM node x JOIN node y ON y.r_uuid = x.b_uuid WHERE x.dirty AND x.b_kind = 1"
            " AND x.r_kind = 0 AND x.l_kind = 1 AND x.b_uuid <> '' AND y.dirty AND y.b_kind = 0 AND y.r_kind = 1"
            " AND y.l_kind = 0 ORDER BY x.name, y.name"
        )

    def remote_folders(self) -> list[Rename]:
        """The same of folders with an object of their own, the outermost first."""
        found = self._pairs(
            "SELECT x.name, y.name FROM node x JOIN node y ON y.r_uuid = x.b_uuid WHERE x.dirty AND x.b_kind = 2"
            " AND x.r_kind = 0 AND x.l_kind = 2 AND x.b_uuid <> '' AND y.dirty AND y.b_kind = 0 AND y.r_kind = 2"
            " AND y.l_kind = 0 ORDER BY x.name, y.name"
        )
        return [
            one for one in _outermost(found) if not self._any(one.new, "l_kind") and not self._any(one.old, "r_kind")
        ]

    def _pairs(self, sql: str) -> list[Rename]:
        """Each name at most once: of several links to one file, one is taken for the renamed one."""
        found: list[Rename] = []
        olds: set[str] = set()
        news: set[str] = set()
        for old, new in self._state.rows(sql):
            if old not in olds and new not in news:
                found.append(Rename(old, new))
                olds.add(old)
                news.add(new)
        return found

    def _same_in_cloud(self, folder: str) -> bool:
        """Whether all below a folder is in the cloud just as it was agreed on."""
        return not self._state.has_below(
            folder,
            "(b_kind = 1 AND (r_kind <> 1 OR r_version IS NOT b_version)) OR (b_kind = 0 AND r_kind <> 0)"
            " OR (b_kind = 2 AND r_kind NOT IN (2, 3))",
        )

    def _any(self, folder: str, column: str) -> bool:
        return self._state.has_below(folder, f"{column} <> 0")

    # giving rows other names ----------------------------------------------------------------------------------------

    def moved_remote(self, rename: Rename, *, version: str | None = None) -> None:
        """The cloud calls it so too, now: what was agreed on and what the cloud shows go to the new names. The version
        of a folder's files (None) is adopted from the next listing."""
        self._transfer(rename, [*_BASE, *_REMOTE], "r_kind = 0, r_version = NULL, r_trouble = NULL")
        where, values = _at_and_below(rename.new)
        with self._state.changing() as db:
            db.execute(
                f"UPDATE node SET b_version = ?, r_version = ?, b_etag = NULL WHERE {where} AND b_kind <> 0",  # noqa: S608
                (version, version, *values),
            )
            # The renaming has moved the time of the inode, and nothing else.
            db.execute(
                f"UPDATE node SET b_ctime = l_ctime WHERE {where} AND b_kind = 1 AND l_kind = 1 AND b_size = l_size"  # noqa: S608
                " AND b_mtime = l_mtime AND b_inode = l_inode",
                values,
            )

    def moved_local(self, rename: Rename, ctime_ns: int) -> None:
        """It is called so here too, now: what was agreed on and what is here go to the new names. The versions under
        which the cloud lists them are taken for the same contents. `ctime_ns` is the renamed inode's."""
        self._transfer(rename, [*_BASE, *_LOCAL], "l_kind = 0, l_hash = NULL, l_trouble = NULL")
        where, values = _at_and_below(rename.new)
        with self._state.changing() as db:
            db.execute(
                "UPDATE node SET b_ctime = CASE WHEN b_ctime = l_ctime THEN ?1 ELSE b_ctime END, l_ctime = ?1"
                " WHERE name = ?2",
                (ctime_ns, rename.new),
            )
            db.execute(
                f"UPDATE node SET b_etag = NULL, b_version = CASE WHEN r_kind = b_kind AND r_hash IS b_hash"  # noqa: S608
                f" AND r_size IS b_size THEN r_version END WHERE {where} AND b_kind <> 0",
                values,
            )

    def _transfer(self, rename: Rename, columns: list[str], emptied: str) -> None:
        """Give these columns of all rows at and below a name to the rows of the new names."""
        names = ", ".join(columns)
        where, values = _at_and_below(rename.old)
        with self._state.changing() as db:
            for row, name in db.execute(f"SELECT id, name FROM node WHERE {where}", values).fetchall():  # noqa: S608
                target = rename.new + name[len(rename.old) :]
                db.execute("INSERT OR IGNORE INTO node (name, parent) VALUES (?, ?)", (target, parent_of(target)))
                to = db.execute("SELECT id FROM node WHERE name = ?", (target,)).fetchone()[0]
                db.execute(
                    f"UPDATE node SET ({names}) = (SELECT {names} FROM node WHERE id = ?), dirty = 1 WHERE id = ?",  # noqa: S608
                    (row, to),
                )
                for table in ("block", "sums"):
                    db.execute(f"DELETE FROM {table} WHERE node = ?", (to,))  # noqa: S608
                    db.execute(f"UPDATE {table} SET node = ? WHERE node = ?", (to, row))  # noqa: S608
                db.execute(
                    "UPDATE node SET b_kind = 0, b_version = NULL, b_etag = NULL, b_uuid = '', trouble = NULL,"  # noqa: S608
                    f" dirty = 1, {emptied} WHERE id = ?",
                    (row,),
                )
                db.execute("DELETE FROM node WHERE id = ? AND b_kind = 0 AND l_kind = 0 AND r_kind = 0", (row,))


def _at_and_below(name: str) -> tuple[str, tuple[str, str, str]]:
    return "(name = ? OR (name > ? AND name < ?))", (name, f"{name}/", f"{name}0")


def _outermost(renames: list[Rename]) -> list[Rename]:
    """Without those that another one brings about."""
    found: list[Rename] = []
    for one in renames:
        if not any(one.old.startswith(f"{other.old}/") for other in found):
            found.append(one)
    return found
