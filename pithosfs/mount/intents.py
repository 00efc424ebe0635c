"""Renames on the server that were begun: noted in the journal before, so that a kill in the middle loses nothing.

The server's part of a rename is done whole or not at all. Where it was done, what belongs to the old name follows: the
journal's rows, and of a folder the sharing rules and public links, which the server drops. Where it was not done the
rename has not happened, and nobody was told that it had.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pithosfs.errors import NotFound, PithosfsError
from pithosfs.mount.journal import Journal
from pithosfs.store import NameRule, ObjectPath, ObjectStore, Sharing

__all__ = ["begin_folder_move", "begin_move", "finish_moves"]

log = logging.getLogger(__name__)


def begin_move(journal: Journal, old: ObjectPath, new: ObjectPath) -> int:
    """A file is about to be moved; the number is for `journal.done`."""
    return journal.intent("move", {"old": _packed(old), "new": _packed(new)})


def begin_folder_move(journal: Journal, old: ObjectPath, new: ObjectPath, rules: Sequence[NameRule]) -> int:
    """A folder is about to be moved, below which these rules hold."""
    payload = {"old": _packed(old), "new": _packed(new), "rules": [_packed_rule(one) for one in rules]}
    return journal.intent("move_folder", payload)


def finish_moves(journal: Journal, store: ObjectStore) -> None:
    """Finish what an ended process had begun. Before any row of the journal is sent: it may have its old name still."""
    for intent, kind, payload in journal.intents():
        old, new = _unpacked(payload["old"]), _unpacked(payload["new"])
        if _exists(store, new) and not _exists(store, old):
            if kind == "move_folder":
                journal.rename_below(old, new)
                if not _shared_again(store, new, [_unpacked_rule(one) for one in payload.get("rules", ())]):
                    continue  # the next start tries again
            elif journal.get(old) is not None:
                journal.rename(old, new)
            log.info("finished the rename of %s to %s", old, new)
        journal.done(intent)


def _shared_again(store: ObjectStore, folder: ObjectPath, rules: Sequence[NameRule]) -> bool:
    try:
        store.set_name_rules(folder, rules, again=True)
    except PithosfsError as error:
        log.error("not all of the sharing of %s, which was renamed, could be set again: %s", folder, error)
        return False
    return True


def _exists(store: ObjectStore, path: ObjectPath) -> bool:
    try:
        store.head(path)
    except NotFound:
        return False
    return True


def _packed(path: ObjectPath) -> list[str]:
    return [path.account, path.container, path.name]


def _unpacked(value: list[str]) -> ObjectPath:
    return ObjectPath(*value)


def _packed_rule(rule: NameRule) -> list[str | bool]:
    return [rule.below, rule.uuid, str(rule.sharing or ""), rule.public]


def _unpacked_rule(value: list[Any]) -> NameRule:
    below, uuid, sharing, public = value
    return NameRule(below, uuid, Sharing.parse(sharing) if sharing else None, public)
