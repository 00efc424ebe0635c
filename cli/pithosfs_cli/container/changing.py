"""`pithosfs container create`, `modify`, `reassign`, `empty`, `purge` and `delete`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import BadRequest, Conflict, NotFound, UsageError
from pithosfs_cli.addressing import account_option, addressed, complete_place, locate_container
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.confirm import ask, dry_run_option, show_plan, yes_option
from pithosfs_cli.container.records import container_record
from pithosfs_cli.dates import DATE
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location

if TYPE_CHECKING:
    from pithosfs.store import ContainerInfo

__all__ = ["create", "delete", "empty", "modify", "purge", "reassign"]

_name = click.argument("name", shell_complete=complete_place)
_names = click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_place)


@click.command("create", cls=Command)
@with_options(
    [
        click.argument("names", metavar="NAME...", nargs=-1, required=True),
        click.option("--size-limit", metavar="SIZE", help="How much it may hold, as in 10GiB."),
        click.option("--limit", "old_limit", metavar="SIZE", hidden=True),
        click.option("--versioning", type=click.Choice(["auto", "none"]), help="Whether old versions are kept."),
        click.option("--project-id", metavar="ID", help="The project that pays for it."),
        click.option("--meta", metavar="KEY=VALUE", multiple=True, help="Metadata of it; may be repeated."),
        account_option,
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
    account: str | None,
) -> None:
    """Make containers. One that exists already is left as it is."""
    from pithosfs_cli.metadata import pair
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.output import show_list

    places = [locate_container(run, name, account=account) for name in names]
    policy = _policy(size_limit if size_limit is not None else old_limit, versioning, project_id)
    pairs = dict(pair(one) for one in meta)
    management = run.store().management()
    made: list[dict[str, Any]] = []

    def make(place: Location) -> None:
        with addressed(run.store(), place), _of_project(project_id):
            try:
                management.create_container(place.container, policy=policy, meta=pairs, account=place.account)
            except Conflict as error:
                raise Conflict(error.message, error.status, hint="choose another name") from error
        if run.output != "table":
            made.append(container_record(management.container(place.container, place.account), place.account))

    one_by_one("made", dict.fromkeys(places), make)
    if run.output != "table":
        show_list(run, made, [])


@click.command("modify", cls=Command)
@with_options(
    [
        _name,
        click.option("--metadata-add", metavar="KEY=VALUE", multiple=True, help="Note this on it; may be repeated."),
        click.option("--metadata-del", metavar="KEY", multiple=True, help="Remove this from its metadata."),
        click.option("--size-limit", metavar="SIZE", help="How much it may hold, as in 10GiB; 0 for no limit."),
        click.option("--versioning", type=click.Choice(["auto", "none"], case_sensitive=False), help="Keep versions?"),
        account_option,
    ]
)
@click.pass_obj
def modify(
    run: Invocation,
    name: str,
    metadata_add: tuple[str, ...],
    metadata_del: tuple[str, ...],
    size_limit: str | None,
    versioning: str | None,
    account: str | None,
) -> None:
    """Change a container's metadata, size limit and versioning, and show what they are then."""
    from pithosfs_cli.metadata import metadata_changes
    from pithosfs_cli.output import Column, show

    if not (metadata_add or metadata_del or size_limit is not None or versioning):
        raise UsageError(
            "nothing is to be changed", hint="give --metadata-add, --metadata-del, --size-limit or --versioning"
        )
    place = locate_container(run, name, account=account)
    policy, changes = _policy(size_limit, versioning, None), metadata_changes(metadata_add, metadata_del)
    management = run.store().management()
    with addressed(run.store(), place):
        management.update_container(place.container, policy=policy, meta=changes, account=place.account)
        found = container_record(management.container(place.container, place.account), place.account)
    if run.output != "table":
        show(run, found)
        return
    limit = "unlimited" if found["quota"] is None else found["quota"]
    shown = {"quota": limit, "versioning": found["versioning"], "meta": found["meta"]}
    show(run, shown, [Column("quota", "size limit", "size")])


@click.command("reassign", cls=Command)
@with_options(
    [
        _name,
        click.option("--project-id", metavar="ID", required=True, help="The project that pays for it from now on."),
        account_option,
    ]
)
@click.pass_obj
def reassign(run: Invocation, name: str, project_id: str, account: str | None) -> None:
    """Charge a container to another project."""
    from pithosfs_cli.output import show

    place = locate_container(run, name, account=account)
    management = run.store().management()
    with addressed(run.store(), place):
        management.container(place.container, place.account)
        with _of_project(project_id):
            management.update_container(place.container, policy={"project": project_id}, account=place.account)
        found = management.container(place.container, place.account)
    if run.output != "table":
        show(run, container_record(found, place.account))


@click.command("empty", cls=Command)
@with_options([_names, yes_option, dry_run_option, account_option])
@click.pass_obj
def empty(run: Invocation, names: tuple[str, ...], yes: bool, dry_run: bool, account: str | None) -> None:
    """Delete everything in containers. Old versions are kept, and the containers themselves."""
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.output import show_list

    found = _looked_at(run, names, account)
    if dry_run:
        show_plan(run, [(f"delete {_holding(one)} in {at}", _emptied(at, one, "empty")) for at, one in found.items()])
        return
    ask(f"Delete {'; '.join(f'{_holding(one)} in {at}' for at, one in found.items())}?", yes=yes)
    store = run.store()

    def work(place: Location) -> None:
        with addressed(store, place):
            store.management().empty_container(place.container, place.account)

    one_by_one("emptied", found, work)
    if run.output != "table":
        show_list(run, [_emptied(at, one, "emptied") for at, one in found.items()], [])


@click.command("purge", cls=Command)
@with_options(
    [
        _names,
        click.option("--until", type=DATE, metavar="DATE", help="Versions made up to this date."),
        click.option("--all-versions", is_flag=True, help="All old versions."),
        yes_option,
        dry_run_option,
        account_option,
    ]
)
@click.pass_obj
def purge(
    run: Invocation,
    names: tuple[str, ...],
    until: int | None,
    all_versions: bool,
    yes: bool,
    dry_run: bool,
    account: str | None,
) -> None:
    """Destroy the old versions of everything in containers for good, of deleted files too. What is there now stays."""
    from pithosfs_cli.dates import shown_date
    from pithosfs_cli.file.purging import FOREVER
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.output import show_list

    if (until is None) == (not all_versions):
        raise UsageError("which versions are to be destroyed?", hint="give either --until DATE or --all-versions")
    found = _looked_at(run, names, account)
    when = "all old versions" if until is None else f"the old versions up to {shown_date(until)}"
    records = [{"action": "purge", "container": at.container, "until": until} for at in found]
    if dry_run:
        lines = [f"destroy {when} in {at}" for at in found]
        show_plan(run, list(zip(lines, records, strict=True)))
        return
    ask(f"Destroy {when} in {', '.join(str(at) for at in found)} for good?", yes=yes)
    store = run.store()

    def work(place: Location) -> None:
        with addressed(store, place):
            store.management().purge_container(
                place.container, FOREVER if until is None else until, account=place.account
            )

    one_by_one("purged", found, work)
    if run.output != "table":
        show_list(run, [{**one, "action": "purged"} for one in records], [])


@click.command("delete", cls=Command)
@with_options(
    [
        _names,
        click.option("-r", "--recursive", is_flag=True, help="Delete what is in it as well."),
        yes_option,
        dry_run_option,
        account_option,
    ]
)
@click.pass_obj
def delete(
    run: Invocation, names: tuple[str, ...], recursive: bool, yes: bool, dry_run: bool, account: str | None
) -> None:
    """Delete containers, with their whole history."""
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.output import show_list

    found = _looked_at(run, names, account)
    for place, info in found.items():
        if info.count and not recursive:
            raise Conflict(
                f"the container {place.container!r} is not empty: it has {info.count} objects",
                409,
                hint="add --recursive to delete them as well",
            )
    what = {
        at: f"the container {at.container}" + (f" and {_holding(one)} in it" if one.count else "")
        for at, one in found.items()
    }
    if dry_run:
        show_plan(run, [(f"delete {what[at]}", _emptied(at, one, "delete")) for at, one in found.items()])
        return
    ask(f"Delete {'; '.join(what.values())}, old versions included?", yes=yes)
    store = run.store()
    management = store.management()

    def work(place: Location) -> None:
        with addressed(store, place):
            if recursive:
                management.empty_container(place.container, place.account)
            try:
                management.delete_container(place.container, place.account)
            except Conflict as error:
                raise Conflict(
                    f"the container {place.container!r} is not empty any more", error.status, hint="look what has come"
                ) from error

    one_by_one("deleted", found, work)
    if run.output != "table":
        show_list(run, [_emptied(at, one, "deleted") for at, one in found.items()], [])


def _looked_at(run: Invocation, names: tuple[str, ...], account: str | None) -> dict[Location, ContainerInfo]:
    """The containers and what they hold. Raises NotFound before anything is done to one."""
    management = run.store().management()
    found: dict[Location, ContainerInfo] = {}
    for name in names:
        place = locate_container(run, name, account=account)
        with addressed(run.store(), place):
            found[place] = management.container(place.container, place.account)
    return found


def _holding(info: ContainerInfo) -> str:
    from pithosfs.config import format_size

    if info.count is None:
        return "everything"
    return f"the {info.count} object{'' if info.count == 1 else 's'} ({format_size(info.size or 0)})"


def _emptied(place: Location, info: ContainerInfo, action: str) -> dict[str, Any]:
    return {"action": action, "container": place.container, "objects": info.count, "bytes": info.size}


def _policy(size_limit: str | None, versioning: str | None, project: str | None) -> dict[str, str]:
    from pithosfs.config import parse_size

    policy: dict[str, str] = {}
    if size_limit is not None:
        policy["quota"] = str(parse_size(size_limit))
    if versioning:
        policy["versioning"] = versioning
    if project:
        policy["project"] = project
    return policy


@contextmanager
def _of_project(project: str | None) -> Iterator[None]:
    """Errors inside may be about the project that was named."""
    try:
        yield
    except (BadRequest, NotFound) as error:
        if project is None:
            raise
        raise UsageError(
            f"the project {project!r} does not exist, or you have no part in it",
            hint="see your projects: pithosfs user info",
        ) from error
