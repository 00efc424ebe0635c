"""Who may do what: the one place where rights are looked up and refused (object-store.md 12.2-12.4)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from pithosfs.localcloud.faults import forbidden, not_found
from pithosfs.localcloud.objects.exchange import Place
from pithosfs.localcloud.objects.model import Container, StoredObject, find_container, find_object
from pithosfs.localcloud.objects.sharing import EVERYBODY, Rule, covered_prefix, is_directory, parents, stored_rule
from pithosfs.localcloud.objects.spans import Span, after_prefix, merge

__all__ = [
    "Access",
    "Found",
    "effective_rule",
    "granted_spans",
    "look_up",
    "own_container",
    "principals",
    "require_owner",
    "shared_spans",
    "sharing_accounts",
    "visible_container",
]


@dataclass(frozen=True, slots=True)
class Access:
    """What the caller may do with one name, and the rule that says so (empty: none; `source` carries it)."""

    owner: bool
    allowed: Literal["read", "write"] | None
    rule: Rule
    source: str

    def require(self, need: Literal["read", "write"]) -> None:
        """Raises Fault 403."""
        if self.allowed is None or (need == "write" and self.allowed != "write"):
            raise forbidden("this is not shared with you for that")


@dataclass(frozen=True, slots=True)
class Found:
    """A name in a container that the caller may use. `stored` is None when the name never had an object."""

    container: Container
    stored: StoredObject | None
    access: Access

    def current(self) -> StoredObject:
        """The object, which must exist now. Raises Fault 404."""
        if self.stored is None or self.stored.version is None:
            raise not_found("there is no such object")
        return self.stored


def require_owner(caller: str, account: str) -> None:
    """Raises Fault 403 for anybody but the owner of the account."""
    if caller != account:
        raise forbidden("only the owner of the account may do that")


def principals(connection: sqlite3.Connection, user: str) -> frozenset[str]:
    """All that a rule can call this user: the id, `*`, and the groups that have the user as a member."""
    rows = connection.execute(
        "SELECT a.uuid, g.name FROM group_members g JOIN accounts a ON a.id = g.account WHERE g.member = ?", (user,)
    )
    groups = {f"{account}:{name}".lower() for account, name in rows}
    return frozenset({user.lower(), EVERYBODY} | groups)


def effective_rule(connection: sqlite3.Connection, container: int, name: str) -> tuple[Rule, str]:
    """The nearest rule that covers a name, which need not exist, and the name that carries it ('' with no rule)."""
    candidates = [name, *parents(name)]
    marks = ",".join("?" * len(candidates))
    rows = connection.execute(
        "SELECT o.name, o.sharing, v.type FROM objects o JOIN versions v ON v.id = o.current"  # noqa: S608
        f" WHERE o.container = ? AND o.sharing IS NOT NULL AND o.name IN ({marks}) ORDER BY length(o.name) DESC",
        (container, *candidates),
    )
    for carrier, rule, content_type in rows:
        if carrier == name or is_directory(content_type):
            return stored_rule(rule), carrier
    return Rule(), ""


def look_up(
    connection: sqlite3.Connection,
    caller: str,
    place: Place,
    need: Literal["read", "write"] | None,
    *,
    rule: bool = True,
) -> Found:
    """A name, for a caller who must have the right `need` to it (None: must be the owner).

    The owner's own rule is looked up only if `rule`. Raises Fault 403; for the owner 404 when there is no container.
    """
    owner = caller == place.account
    if need is None:
        require_owner(caller, place.account)
    container = find_container(connection, place.account, place.container)
    if container is None:
        raise not_found("there is no such container") if owner else forbidden("this is not shared with you")
    if owner:
        effective, source = effective_rule(connection, container.id, place.name) if rule else (Rule(), "")
        access = Access(True, "write", effective, source)
    else:
        effective, source = effective_rule(connection, container.id, place.name)
        access = Access(
            False, effective.allows(principals(connection, caller)) if effective else None, effective, source
        )
        access.require(need or "write")
    return Found(container, find_object(connection, container.id, place.name), access)


def look_up_published(connection: sqlite3.Connection, caller: str, place: Place) -> Found:
    """Like `look_up` for reading, but being published is enough (old versions and copies, table 12.3)."""
    container = find_container(connection, place.account, place.container)
    if container is not None and caller != place.account:
        stored = find_object(connection, container.id, place.name)
        if stored is not None and stored.public is not None:
            rule, source = effective_rule(connection, container.id, place.name)
            allowed = rule.allows(principals(connection, caller)) or "read"
            return Found(container, stored, Access(False, allowed, rule, source))
    return look_up(connection, caller, place, "read")


def own_container(connection: sqlite3.Connection, caller: str, place: Place) -> Container:
    """A container for its owner. Raises Fault 403 for others, 404."""
    require_owner(caller, place.account)
    container = find_container(connection, place.account, place.container)
    if container is None:
        raise not_found("there is no such container")
    return container


def visible_container(connection: sqlite3.Connection, caller: str, place: Place) -> tuple[Container, list[Span] | None]:
    """A container that the caller may look at, and what of it: None for all, else the names granted.

    Raises Fault 403 where nothing is granted, 404 for the owner.
    """
    if caller == place.account:
        return own_container(connection, caller, place), None
    container = find_container(connection, place.account, place.container)
    spans = [] if container is None else granted_spans(connection, caller, container.id)
    if container is None or not spans:
        raise forbidden("nothing here is shared with you")
    return container, spans


def _covered(name: str, content_type: str) -> list[Span]:
    """The names that a rule on one object covers."""
    spans = [Span.exactly(name)]
    if is_directory(content_type):
        prefix = covered_prefix(name)
        spans.append(Span(prefix, after_prefix(prefix)))
    return spans


def granted_spans(connection: sqlite3.Connection, caller: str, container: int) -> list[Span]:
    """The names of a container that some rule grants to the caller, those included that a nearer rule takes away."""
    who = principals(connection, caller)
    rows = connection.execute(
        "SELECT DISTINCT o.name, v.type FROM grants g JOIN objects o ON o.id = g.object"  # noqa: S608
        f" JOIN versions v ON v.id = o.current WHERE g.principal IN ({','.join('?' * len(who))}) AND o.container = ?",
        (*who, container),
    )
    return merge([span for name, content_type in rows for span in _covered(name, content_type)])


def shared_spans(connection: sqlite3.Connection, container: int) -> list[Span]:
    """The names of a container that any rule covers."""
    rows = connection.execute(
        "SELECT o.name, v.type FROM objects o JOIN versions v ON v.id = o.current"
        " WHERE o.container = ? AND o.sharing IS NOT NULL",
        (container,),
    )
    return merge([span for name, content_type in rows for span in _covered(name, content_type)])


def published_spans(connection: sqlite3.Connection, container: int) -> list[Span]:
    """The names of a container that are published."""
    rows = connection.execute("SELECT name FROM objects WHERE container = ? AND public IS NOT NULL", (container,))
    return merge([Span.exactly(name) for (name,) in rows])


def sharing_accounts(connection: sqlite3.Connection, caller: str) -> list[tuple[str, int]]:
    """Ids of the accounts that grant something to the caller, and when they last changed (microseconds)."""
    who = principals(connection, caller)
    rows = connection.execute(
        "SELECT DISTINCT a.uuid, a.modified FROM grants g JOIN objects o ON o.id = g.object"  # noqa: S608
        " JOIN containers c ON c.id = o.container JOIN accounts a ON a.id = c.account"
        f" WHERE g.principal IN ({','.join('?' * len(who))}) ORDER BY a.uuid",
        tuple(who),
    )
    return [(uuid, modified) for uuid, modified in rows]


def granting_containers(connection: sqlite3.Connection, caller: str, account: str) -> set[int]:
    """Row ids of the containers of an account that hold something granted to the caller."""
    who = principals(connection, caller)
    rows = connection.execute(
        "SELECT DISTINCT c.id FROM grants g JOIN objects o ON o.id = g.object"  # noqa: S608
        " JOIN containers c ON c.id = o.container JOIN accounts a ON a.id = c.account"
        f" WHERE g.principal IN ({','.join('?' * len(who))}) AND a.uuid = ?",
        (*who, account),
    )
    return {ident for (ident,) in rows}
