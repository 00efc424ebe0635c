"""`pithosfs sharer …`: the accounts that share something with you."""

from __future__ import annotations

from typing import Any

import click

from pithosfs.errors import NotAllowed
from pithosfs_cli.addressing import account_option, complete_user
from pithosfs_cli.command import Group, with_options
from pithosfs_cli.file.selection import Selection, selection_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.locations import account_id
from pithosfs_cli.output import iso_time, show, show_list

__all__ = ["sharer"]

_COLUMNS = [Column("id", "ID", width=36), Column("modified", "CHANGED", "time", 19), Column("name", "NAME")]

_UNLIMITED = 2**63 - 1  # what a quota says when there is none (identity.md section 1.1)

_INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("modified", "changed", "time"),
    Column("containers", "containers"),
    Column("bytes", "size", "size"),
    Column("quota", "quota", "size"),
    Column("project_quotas", "quota of"),
    Column("groups", "group"),
    Column("meta", "meta"),
]


@click.group(cls=Group)
def sharer() -> None:
    """Accounts that share something with you."""


@sharer.command("list")
@with_options(
    [
        click.option("-l", "--details", is_flag=True, help="Show when the account last changed something."),
        click.option("--list", "old_details", is_flag=True, hidden=True),
        *selection_options,
        *list_options(_COLUMNS),
        # One sees one's own sharers only; it is accepted for the sake of old scripts.
        click.option("-A", "--account", hidden=True, metavar="USER"),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, old_details: bool, account: str | None, **selection: Any) -> None:
    """List the accounts that share something with you, by id.

    See what they share: `container list -A USER`, `file list pithos://ID/CONTAINER`.
    """
    from pithosfs_cli.completion import remember_users

    store = run.store()
    if account is not None and account_id(store, account) != store.account:
        raise NotAllowed("only you can see who shares with you", 403, hint="leave -A out: pithosfs sharer list")
    chosen = Selection.of(selection)
    found = sorted(store.management().sharing_accounts(), key=lambda one: one.account)
    names = store.user_names([one.account for one in found])
    remember_users(run, sorted(names.values()))
    rows = [
        {"id": one.account, "name": names.get(one.account), "modified": iso_time(one.modified_ns)}
        for one in found
        if (chosen.marker is None or one.account > chosen.marker)
        and chosen.wants(one.account, names.get(one.account, one.account))
    ]
    columns = _COLUMNS if details or old_details else [_COLUMNS[0], _COLUMNS[2]]
    show_list(run, chosen.cut(rows), columns, empty="Nobody shares anything with you")


@sharer.command("info")
@click.argument("user", metavar="[ACCOUNT]", required=False, shell_complete=complete_user)
@with_options([columns_option(_INFO), account_option])
@click.pass_obj
def info(run: Invocation, user: str | None, account: str | None) -> None:
    """Show an ACCOUNT, by id or user name (default: your own).

    Of somebody else's you see only when it last changed, and that only if something in it is shared with you.
    """
    store = run.store()
    who = account_id(store, user or account) or store.account
    try:
        found = store.management().account(who)
    except NotAllowed as error:
        raise NotAllowed(
            f"the account {user or account or who} shares nothing with you",
            error.status,
            hint="see who does: pithosfs sharer list",
        ) from error
    show(
        run,
        {
            "id": found.account,
            "name": store.user_names([who]).get(who),
            "modified": iso_time(found.modified_ns),
            "containers": found.container_count,
            "bytes": found.bytes_used,
            "quota": found.quota if found.quota != _UNLIMITED else None,
            "project_quotas": dict(found.project_quotas),
            "groups": {name: list(members) for name, members in found.groups.items()},
            "meta": dict(found.meta),
        },
        _INFO,
    )
