"""Requests at the top level and at account level (object-store.md 4 and 5)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping

from pithosfs.localcloud.faults import bad_request, forbidden
from pithosfs.localcloud.objects.access import granting_containers, require_owner, sharing_accounts
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.charging import account_quotas, total
from pithosfs.localcloud.objects.conditions import check_dates
from pithosfs.localcloud.objects.exchange import Form, Reply, Request
from pithosfs.localcloud.objects.headers import capitalised, encode_name, http_date, iso_time
from pithosfs.localcloud.objects.listing import MAX_LIMIT
from pithosfs.localcloud.objects.model import Account, Container, containers_of, find_account, groups_of
from pithosfs.localcloud.objects.past import account_change_before, container_totals_before, metadata_before
from pithosfs.localcloud.objects.rendering import CONTENT_TYPES, accounts_body, containers_body

__all__ = ["get_account", "get_top", "head_account", "list_limit", "merge_metadata", "post_account"]

MAX_GROUPS = 32
MAX_MEMBERS = 32
MAX_GROUP_NAME = 256


async def get_top(backend: Backend, request: Request) -> Reply:
    """The accounts that share something with the caller."""
    form = request.form("text")
    accounts = await backend.database.read_long(lambda connection: sharing_accounts(connection, request.user))
    if form == "json":
        accounts = [(uuid, modified) for uuid, modified in accounts if uuid != request.user]
    body = accounts_body(accounts, form)
    return list_reply(body, form, [])


async def head_account(backend: Backend, request: Request) -> Reply:
    if request.until() is None:
        headers, _ = backend.database.read_now(lambda connection: _describe(connection, request))
    else:
        headers, _ = await backend.database.read_long(lambda connection: _describe(connection, request))
    return Reply(204, headers)


async def get_account(backend: Backend, request: Request) -> Reply:
    """The containers of an account: all of them for the owner, those with something granted for others."""
    form = request.form("text")

    def run(connection: sqlite3.Connection) -> Reply:
        headers, granted = _describe(connection, request)
        entries = _entries(connection, request, granted)
        marker = request.text("marker") or ""
        chosen = [one for one in entries if str(one["name"]) > marker][: list_limit(request)]
        return list_reply(containers_body(request.place.account, chosen, form), form, headers)

    return await backend.database.read_long(run)


async def post_account(backend: Backend, request: Request) -> Reply:
    """Change metadata and groups; without `update` what is not sent goes."""
    require_owner(request.user, request.place.account)
    update = request.flag("update")
    sent = request.headers.meta("account")
    groups = _sent_groups(backend, request)

    def run(change: Change) -> None:
        account = change.account(request.user)
        present = find_account(change.connection, request.user)
        assert present is not None
        if sent or not update:
            change.set_metadata("account", account, merge_metadata(present.metadata if update else {}, sent))
        if groups:
            _write_groups(change.connection, account, groups, replace=not update)
        change.touch_account(account)

    await backend.write(request.user, run)
    return Reply(202)


def merge_metadata(present: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
    """Metadata after sent items were merged in: an empty value removes its key."""
    return {key: value for key, value in {**present, **sent}.items() if value}


def list_limit(request: Request) -> int:
    """How many entries a list may have; rubbish and what is out of range counts as the largest."""
    text = request.parameters.get("limit", "")
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0:
        return min(int(text), MAX_LIMIT)
    return MAX_LIMIT


def list_reply(body: bytes, form: Form, headers: list[tuple[str, str]]) -> Reply:
    """200 with a list; an empty text list is 204."""
    if not body:
        return Reply(204, headers)
    return Reply(200, [*headers, ("Content-Type", CONTENT_TYPES[form])], body)


def _describe(connection: sqlite3.Connection, request: Request) -> tuple[list[tuple[str, str]], set[int] | None]:
    """The headers of an account, and for others the containers that they may see. Raises Fault 403, 304, 412."""
    uuid = request.place.account
    until = request.until()
    account = find_account(connection, uuid)
    granted: set[int] | None = None
    if uuid != request.user:
        if until is not None or request.flag("public"):
            raise forbidden("only the owner may ask for that")
        granted = granting_containers(connection, request.user, uuid)
        if not granted:
            raise forbidden("nothing here is shared with you")
    modified = account.modified if account is not None else time.time_ns() // 1000
    check_dates(request.headers, modified)
    headers = [("Last-Modified", http_date(modified))]
    if granted is None:
        headers += _owner_headers(connection, uuid, account, until)
    return headers, granted


def _owner_headers(
    connection: sqlite3.Connection, uuid: str, account: Account | None, until: int | None
) -> Iterable[tuple[str, str]]:
    quotas = account_quotas(connection, uuid)
    yield "X-Account-Bytes-Used", str(account.bytes if account is not None else 0)
    yield "X-Account-Policy-Quota", str(total(quotas))
    for project, quota in quotas.items():
        yield f"X-Account-Policy-Quota-{project}", str(quota)
    if account is None:
        yield "X-Account-Container-Count", "0"
        return
    metadata = account.metadata
    if until is None:
        count = connection.execute("SELECT count(*) FROM containers WHERE account = ?", (account.id,)).fetchone()[0]
    else:
        count = connection.execute(
            "SELECT count(*) FROM containers WHERE account = ? AND created < ?", (account.id, until)
        ).fetchone()[0]
        metadata = metadata_before(connection, "account", account.id, until)
        yield "X-Account-Until-Timestamp", http_date(account_change_before(connection, account, until))
    yield "X-Account-Container-Count", str(count)
    for key, value in metadata.items():
        yield f"X-Account-Meta-{encode_name(key)}", value
    for name, members in groups_of(connection, account.id).items():
        yield f"X-Account-Group-{encode_name(capitalised(name))}", ",".join(members)


def _entries(connection: sqlite3.Connection, request: Request, granted: set[int] | None) -> list[dict[str, object]]:
    """The containers as section 8.2 shows them, in order."""
    until = request.until()
    wanted = _flagged(connection, request) if granted is None else granted
    entries: list[dict[str, object]] = []
    for container in containers_of(connection, request.place.account):
        if (wanted is not None and container.id not in wanted) or (until is not None and container.created >= until):
            continue
        entry: dict[str, object] = {"name": container.name, "last_modified": iso_time(container.modified)}
        if granted is None:
            entry.update(_counts(connection, container, until))
            entry["x_container_policy"] = container.policy()
        entries.append(entry)
    return entries


def _counts(connection: sqlite3.Connection, container: Container, until: int | None) -> dict[str, object]:
    if until is None:
        return {"count": container.objects, "bytes": container.bytes}
    totals = container_totals_before(connection, container, until)
    return {
        "count": totals.objects,
        "bytes": totals.bytes,
        "x_container_until_timestamp": iso_time(totals.changed),
    }


def _flagged(connection: sqlite3.Connection, request: Request) -> set[int] | None:
    """The containers that hold what `shared` and `public` ask for; None when neither is there."""
    conditions = [
        f"EXISTS (SELECT 1 FROM objects o WHERE o.container = c.id AND o.{column} IS NOT NULL)"  # noqa: S608
        for column, flag in (("sharing", "shared"), ("public", "public"))
        if request.flag(flag)
    ]
    if not conditions:
        return None
    rows = connection.execute(
        "SELECT c.id FROM containers c JOIN accounts a ON a.id = c.account"  # noqa: S608
        f" WHERE a.uuid = ? AND ({' OR '.join(conditions)})",
        (request.place.account,),
    )
    return {ident for (ident,) in rows}


def _sent_groups(backend: Backend, request: Request) -> dict[str, list[str]]:
    """Group name → members as sent ([]: delete it). Raises Fault 400."""
    groups: dict[str, list[str]] = {}
    for name, value in request.headers.prefixed("x-account-group-").items():
        if not name or "-" in name or "_" in name or len(name) > MAX_GROUP_NAME:
            raise bad_request("a group's name has 1 to 256 characters, without - and _")
        members = list(dict.fromkeys(one for one in value.replace(" ", "").split(",") if one))
        if len(members) > MAX_MEMBERS:
            raise bad_request(f"a group has at most {MAX_MEMBERS} members")
        known = backend.identity.names_of(members)
        for member in members:
            if member not in known or member != member.lower():
                raise bad_request(f"there is no user {member!a}")
        groups[name.lower()] = members
    return groups


def _write_groups(connection: sqlite3.Connection, account: int, groups: dict[str, list[str]], *, replace: bool) -> None:
    if replace:
        connection.execute("DELETE FROM group_members WHERE account = ?", (account,))
    for name, members in groups.items():
        connection.execute("DELETE FROM group_members WHERE account = ? AND name = ?", (account, name))
        connection.executemany(
            "INSERT INTO group_members (account, name, member) VALUES (?, ?, ?)",
            [(account, name, member) for member in members],
        )
    count = connection.execute(
        "SELECT count(DISTINCT name) FROM group_members WHERE account = ?", (account,)
    ).fetchone()[0]
    if count > MAX_GROUPS:
        raise bad_request(f"an account has at most {MAX_GROUPS} groups")
