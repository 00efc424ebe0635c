"""`pithosfs container list` and `info`: nothing here changes anything."""

from __future__ import annotations

from typing import Any

import click

from pithosfs_cli.addressing import account_option, addressed, complete_place
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.container.records import container_place, container_record
from pithosfs_cli.file.selection import Selection, selection_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location, account_id
from pithosfs_cli.output import Column, show, show_list

__all__ = ["info", "list_"]

_SIZE = Column("bytes", "SIZE", "size")


@click.command("list", cls=Command)
@click.argument("name", required=False, shell_complete=complete_place)
@with_options([click.option("-l", "--details", is_flag=True, help="Show policies and times."), *selection_options])
@click.option("--list", "old_details", is_flag=True, hidden=True)
@account_option
@click.pass_context
def list_(
    context: click.Context,
    /,
    name: str | None,
    details: bool,
    old_details: bool,
    account: str | None,
    **selection: Any,
) -> None:
    """List the containers; with a NAME, what is in that one."""
    run: Invocation = context.obj
    if name is not None:
        from pithosfs_cli.file.looking import list_ as list_files

        place = str(container_place(name))
        context.invoke(list_files, path=place, details=details or old_details, account=account, **selection)
        return
    store = run.store()
    who = account_id(store, account)
    chosen = Selection.of(selection)
    found = store.containers(who)
    if who is None:
        from pithosfs_cli.completion import remember_containers

        remember_containers(run, [one.name for one in found])
    rows = chosen.cut([container_record(one, who) for one in found if chosen.wants(one.name)])
    columns = [Column("name", "NAME"), Column("count", "OBJECTS", "count"), _SIZE]
    if details or old_details:
        columns += [
            Column("versioning", "VERSIONING"),
            Column("quota", "QUOTA", "size"),
            Column("modified", "CHANGED", "time"),
        ]
    show_list(run, rows, columns, empty="There is no container; make one: pithosfs container create NAME")


@click.command("info", cls=Command)
@with_options(
    [
        click.argument("name", shell_complete=complete_place),
        click.option("--metadata", is_flag=True, help="Show the metadata only."),
        click.option("--size-limit", is_flag=True, help="Show the size limit only."),
        click.option("-b", "--bytes", "in_bytes", is_flag=True, hidden=True),
        account_option,
    ]
)
@click.pass_obj
def info(run: Invocation, name: str, metadata: bool, size_limit: bool, in_bytes: bool, account: str | None) -> None:
    """Show a container."""
    store = run.store()
    place = container_place(name)
    who = account_id(store, account or place.account)
    with addressed(store, Location(who, place.container, "")):
        found = container_record(store.container(place.container, who), who)
    if metadata:
        show(run, found["meta"] or {})
        return
    columns = [Column("bytes", "size", "size"), Column("count", "objects"), Column("modified", "changed", "time")]
    quota = Column("quota", "size limit", "text" if in_bytes else "size")
    limit = "unlimited" if found["quota"] is None and run.output == "table" else found["quota"]
    if size_limit:
        show(run, {"quota": limit}, [quota])
        return
    show(run, {**found, "quota": limit}, [*columns, quota, Column("block_size", "block size", "size")])
