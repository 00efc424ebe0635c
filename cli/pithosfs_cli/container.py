"""`pithosfs container …`: the folders at the top of a cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import Conflict, PithosfsError, UsageError
from pithosfs_cli.addressing import account_option, addressed, complete_place
from pithosfs_cli.command import Group, with_options
from pithosfs_cli.confirm import ask, yes_option
from pithosfs_cli.errors import Failure, describe
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location, account_id, parse_location
from pithosfs_cli.output import Column, iso_time, note, show, show_list
from pithosfs_cli.selection import Selection, selection_options

if TYPE_CHECKING:
    from pithosfs.store import ContainerInfo

__all__ = ["container"]

_SIZE = Column("bytes", "SIZE", "size")


@click.group(cls=Group)
def container() -> None:
    """Containers: the folders at the top of a cloud."""


@container.command("list")
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
        from pithosfs_cli.file import list_ as list_files

        place = str(_place(name))
        context.invoke(list_files, path=place, details=details or old_details, account=account, **selection)
        return
    store = run.store()
    who = account_id(store, account)
    chosen = Selection.of(selection)
    found = store.containers(who)
    if who is None:
        from pithosfs_cli.completion import remember_containers

        remember_containers(run, [one.name for one in found])
    rows = chosen.cut([_record(one, who) for one in found if chosen.wants(one.name)])
    columns = [Column("name", "NAME"), Column("count", "OBJECTS", "count"), _SIZE]
    if details or old_details:
        columns += [
            Column("versioning", "VERSIONING"),
            Column("quota", "QUOTA", "size"),
            Column("modified", "CHANGED", "time"),
        ]
    show_list(run, rows, columns, empty="There is no container; make one: pithosfs container create NAME")


@container.command("create")
@with_options(
    [
        click.argument("names", metavar="NAME...", nargs=-1, required=True),
        click.option("--size-limit", metavar="SIZE", help="How much it may hold, as in 10GiB."),
        click.option("--limit", "old_limit", metavar="SIZE", hidden=True),
        click.option("--versioning", type=click.Choice(["auto", "none"]), help="Whether old versions are kept."),
        click.option("--project-id", metavar="ID", help="The project that pays for it."),
        click.option("--meta", metavar="KEY=VALUE", multiple=True, help="Metadata of it; may be repeated."),
    ]
)
@click.pass_obj
def create(
    run: Invocation,
    names: tuple[str, ...],
    size_limit: str | None,
    old_limit: str | None,
    versioning: str | None,
    project_id: str | None,
    meta: tuple[str, ...],
) -> None:
    """Make containers. One that exists already is left as it is."""
    from pithosfs.config import parse_size

    places = [_place(name) for name in names]
    policy: dict[str, str | int] = {}
    if (limit := size_limit or old_limit) is not None:
        policy["quota"] = parse_size(limit)
    if versioning:
        policy["versioning"] = versioning
    if project_id:
        policy["project"] = project_id
    pairs = dict(_pair(one) for one in meta)
    store = run.store()
    made = []
    for place in places:
        # One request makes it with its policy; but it would also change one that is there, so that is looked for first.
        if any(one.name == place.container for one in store.containers()):
            raise Conflict(f"the container {place.container!r} exists already", 409, hint="choose another name")
        with addressed(store, place):
            run.connection().wire().container_put(store.account, place.container, policy=policy, meta=pairs)
        made.append(_record(store.container(place.container), None))
    if run.output != "table":
        show_list(run, made, [])


@container.command("delete")
@with_options(
    [
        click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_place),
        click.option("-r", "--recursive", is_flag=True, help="Delete what is in it as well."),
        yes_option,
        click.option("--dry-run", is_flag=True, help="Only say what would be deleted."),
    ]
)
@click.pass_obj
def delete(run: Invocation, names: tuple[str, ...], recursive: bool, yes: bool, dry_run: bool) -> None:
    """Delete containers, with their whole history."""
    from pithosfs.config import format_size

    store = run.store()
    doomed = []
    for place in dict.fromkeys(_place(name) for name in names):
        with addressed(store, place):
            info = store.container(place.container)
        if info.count and not recursive:
            raise Conflict(
                f"the container {info.name!r} is not empty: it has {info.count} objects",
                409,
                hint="add --recursive to delete them as well",
            )
        holding = f" and the {info.count} objects in it ({format_size(info.size or 0)})" if info.count else ""
        doomed.append((place, info, f"the container {info.name}{holding}"))
    if dry_run:
        for *_, what in doomed:
            note(f"Would delete {what}")
        return
    ask(f"Delete {'; '.join(what for *_, what in doomed)}, old versions included?", yes=yes)
    failed: list[PithosfsError] = []
    for place, info, _what in doomed:
        try:
            with addressed(store, place):
                if info.count:
                    run.connection().wire().container_delete(store.account, place.container, delimiter="/")
                store.delete_container(place.container)
        except PithosfsError as error:
            if len(doomed) == 1:
                raise
            note(f"{place.container}: {describe(error)[0]}")
            failed.append(error)
    if failed:
        raise Failure(f"{len(failed)} of {len(doomed)} containers were not deleted", failed[0].exit_code)


@container.command("info")
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
    place = _place(name)
    who = account_id(store, account or place.account)
    with addressed(store, Location(who, place.container, "")):
        found = _record(store.container(place.container, who), who)
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


def _place(text: str) -> Location:
    """A container as it is written: its bare name, or any form of a place that names nothing inside."""
    if not text.startswith(("/", "pithos://")):
        text = f"/{text}"
    place = parse_location(text.rstrip("/") if text.count("/") > 1 and not text.endswith("://") else text, "")
    if not place.container or place.name:
        raise UsageError(f"{text.lstrip('/')!r} is not the name of a container", hint="give a name without slashes")
    return place


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"{text!r} is not KEY=VALUE")
    return key, value


def _record(info: ContainerInfo, account: str | None) -> dict[str, Any]:
    quota = info.policy.get("quota", "")
    record: dict[str, Any] = {
        "name": info.name,
        "account": account,
        "count": info.count,
        "bytes": info.size,
        "modified": iso_time(info.modified_ns),
        "versioning": info.policy.get("versioning"),
        "quota": int(quota) if quota.isdecimal() and int(quota) else None,
        "project": info.policy.get("project"),
    }
    if account is None:
        del record["account"]
    if info.block_size is not None:
        record |= {"block_size": info.block_size, "block_hash": info.block_hash, "meta": dict(info.meta or {})}
    return record
