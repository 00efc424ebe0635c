"""Whom something is shared with: from words on the command line to what the object store calls them.

*                    every user
NAME, ID             a user, by name or id; else a group of one's own of that name
group:NAME           a group of one's own
USER:GROUP           a group of that user's (name or id)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.locations import is_account_id

if TYPE_CHECKING:
    from pithosfs.store import ObjectStore

__all__ = ["principals", "user_ids"]

_OWN = "group"


def principals(store: ObjectStore, words: Sequence[str]) -> tuple[str, ...]:
    """What the words stand for, each once. Raises NotFound for a user or group that does not exist, UsageError for a
    word that is both."""
    users = {word.partition(":")[0] for word in words if word != "*" and not word.startswith(f"{_OWN}:")}
    known = _known(store, users)
    groups = frozenset[str]()
    if any(word != "*" and not is_account_id(word) for word in words):
        groups = frozenset(store.management().account().groups)
    return tuple(dict.fromkeys(_principal(store, word, known, groups) for word in words))


def _principal(store: ObjectStore, word: str, known: Mapping[str, str], groups: frozenset[str]) -> str:
    if word == "*":
        return word
    who, colon, group = word.partition(":")
    group = group.lower()
    if not colon:
        is_group = who.lower() in groups
        if who in known and is_group:
            raise UsageError(
                f"{who!r} is a user and a group of yours", hint=f"write {_OWN}:{who}, or the id of the user"
            )
        if who in known:
            return known[who]
        if is_group:
            return f"{store.account}:{who.lower()}"
        raise _unknown(who)
    account = store.account if who == _OWN else known.get(who)
    if account is None:
        raise _unknown(who)
    if account == store.account and group not in groups:
        raise NotFound(
            f"you have no group {group!r}",
            404,
            hint="see which you have: pithosfs group list; make it: pithosfs group create",
        )
    return f"{account}:{group}"


def user_ids(store: ObjectStore, *, names: Sequence[str] = (), ids: Sequence[str] = ()) -> tuple[str, ...]:
    """The ids of users, each once: all of them exist, or NotFound names those that do not."""
    found = store.user_ids(names)
    there = store.user_names(ids)
    missing = [one for one in names if one not in found] + [one for one in ids if one not in there]
    if missing:
        raise _unknown(*dict.fromkeys(missing))
    return tuple(dict.fromkeys([found[one] for one in names] + list(ids)))


def _known(store: ObjectStore, words: set[str]) -> dict[str, str]:
    """word → id, of the words that are users."""
    ids = [word for word in words if is_account_id(word)]
    found = dict(store.user_ids([word for word in words if not is_account_id(word)]))
    there = store.user_names([one.lower() for one in ids])
    return found | {one: one.lower() for one in ids if one.lower() in there}


def _unknown(*who: str) -> NotFound:
    names = ", ".join(repr(one) for one in who)
    return NotFound(
        f"there is no user {names}" if len(who) == 1 else f"there are no users {names}",
        404,
        hint="give a user's id or exact name, group:NAME for a group of yours, or * for everybody",
    )
