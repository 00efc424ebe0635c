"""Requests at account level: describe, list, change metadata."""

from __future__ import annotations

import sqlite3
import time

from pithosfs.localcloud.faults import bad_request, forbidden, method_not_allowed
from pithosfs.localcloud.objects.accounts import merge_metadata
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.charging import account_quotas, total
from pithosfs.localcloud.objects.exchange import Reply
from pithosfs.localcloud.objects.model import containers_of, find_account
from pithosfs.localcloud.resources import UNLIMITED
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.deleting import delete_many
from pithosfs.localcloud.swift.lists import ContainerEntry, Wanted, accounts_list, list_reply
from pithosfs.localcloud.swift.wire import ACCOUNT_PREFIX, SwiftRequest, meta_headers, timestamp

__all__ = ["QUOTA_KEY", "delete_account", "get_account", "head_account", "post_account"]

QUOTA_KEY = "Quota-Bytes"
"""The metadata key under which Swift shows, and for containers takes, a quota."""


async def head_account(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    return Reply(204, swift.objects.database.read_now(lambda connection: _describe(connection, request.user)))


async def get_account(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """A page of the account's containers."""
    wanted = Wanted.of(request)

    def run(connection: sqlite3.Connection) -> Reply:
        containers = [
            ContainerEntry(one.name, one.objects, one.bytes, one.modified)
            for one in containers_of(connection, request.user)
        ]
        body = accounts_list(ACCOUNT_PREFIX + request.user, containers, wanted)
        return list_reply(body, wanted.form, _describe(connection, request.user))

    return await swift.objects.database.read_long(run)


async def post_account(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Merge metadata; or delete many objects at once (`bulk-delete`)."""
    if "bulk-delete" in request.parameters:
        return await delete_many(swift, request)
    if "extract-archive" in request.parameters:
        raise bad_request("archives are sent by PUT")
    sent = request.headers.meta("account")
    if QUOTA_KEY in sent:
        raise forbidden("the quota of an account is not its owner's to set")

    def run(change: Change) -> None:
        ident = change.account(request.user)
        account = find_account(change.connection, request.user)
        assert account is not None
        if sent:
            change.set_metadata("account", ident, merge_metadata(account.metadata, sent))
        change.touch_account(ident)

    await swift.objects.write(request.user, run)
    return Reply(204)


async def delete_account(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Delete many objects at once (`bulk-delete`), which some clients ask for so; accounts cannot be deleted."""
    if "bulk-delete" in request.parameters:
        return await delete_many(swift, request)
    raise method_not_allowed("GET", "HEAD", "POST")


def _describe(connection: sqlite3.Connection, uuid: str) -> list[tuple[str, str]]:
    account = find_account(connection, uuid)
    containers, objects = connection.execute(
        "SELECT count(*), coalesce(sum(c.objects), 0) FROM containers c JOIN accounts a ON a.id = c.account"
        " WHERE a.uuid = ?",
        (uuid,),
    ).fetchone()
    created = account.created if account is not None else time.time_ns() // 1000
    headers = [
        ("X-Account-Container-Count", str(containers)),
        ("X-Account-Object-Count", str(objects)),
        ("X-Account-Bytes-Used", str(account.bytes if account is not None else 0)),
        ("X-Timestamp", timestamp(created)),
        ("Accept-Ranges", "bytes"),
        *meta_headers("Account", account.metadata if account is not None else {}),
    ]
    quota = total(account_quotas(connection, uuid))
    if quota != UNLIMITED:
        headers.append((f"X-Account-Meta-{QUOTA_KEY}", str(quota)))
    return headers
