"""`pithosfs container create` and `delete`."""

from __future__ import annotations

import click

from pithosfs.errors import Conflict, PithosfsError
from pithosfs_cli.addressing import addressed, complete_place
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.confirm import ask, yes_option
from pithosfs_cli.container.records import container_place, container_record, pair
from pithosfs_cli.errors import Failure, describe
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import note, show_list

__all__ = ["create", "delete"]


@click.command("create", cls=Command)
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

    places = [container_place(name) for name in names]
    policy: dict[str, str | int] = {}
    if (limit := size_limit or old_limit) is not None:
        policy["quota"] = parse_size(limit)
    if versioning:
        policy["versioning"] = versioning
    if project_id:
        policy["project"] = project_id
    pairs = dict(pair(one) for one in meta)
    store = run.store()
    made = []
    for place in places:
        # One request makes it with its policy; but it would also change one that is there, so that is looked for first.
        if any(one.name == place.container for one in store.containers()):
            raise Conflict(f"the container {place.container!r} exists already", 409, hint="choose another name")
        with addressed(store, place):
            run.connection().wire().container_put(store.account, place.container, policy=policy, meta=pairs)
        made.append(container_record(store.container(place.container), None))
    if run.output != "table":
        show_list(run, made, [])


@click.command("delete", cls=Command)
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
    for place in dict.fromkeys(container_place(name) for name in names):
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
