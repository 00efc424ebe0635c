"""`pithosfs volume …`: disks that servers have, or may be given."""

from __future__ import annotations

from typing import Any

import click

from pithosfs.errors import BadRequest, Conflict, UsageError
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import about, find, given_to, names_of, thing_argument, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import IMAGE, PROJECT, SERVER, SNAPSHOT, VOLUME, VOLUME_TYPE, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import GIBIBYTES, PAIR, at_least_one, at_most_one
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.server.states import SETTLED, needs
from pithosfs_cli.services import volumes
from pithosfs_cli.volume_states import made
from pithosfs_cli.wait_command import wait_command
from pithosfs_cli.waiting import GONE, Patience, wait_for, wait_options

__all__ = ["volume"]

_STATUSES = (
    "creating",
    "available",
    "attaching",
    "detaching",
    "in_use",
    "deleting",
    "deleted",
    "error",
    "error_deleting",
    "backing_up",
    "restoring_backup",
    "error_restoring",
)
_SUMMARY = [
    Column("id", "ID"),
    Column("display_name", "NAME"),
    Column("status", "STATUS", "status"),
    Column("size", "SIZE", "GiB"),
    Column("type_name", "TYPE"),
    Column("server_name", "SERVER"),
    Column("created_at", "CREATED", "time"),
]
_DETAILS = [
    *_SUMMARY,
    Column("display_description", "DESCRIPTION"),
    Column("image_id", "IMAGE"),
    Column("snapshot_id", "SNAPSHOT"),
    Column("tenant_id", "PROJECT"),
    Column("user_id", "OWNER"),
]
_INFO = [
    Column("id", "id"),
    Column("display_name", "name"),
    Column("display_description", "description"),
    Column("status", "status", "status"),
    Column("size", "size", "GiB"),
    Column("type_name", "type"),
    Column("server_name", "server"),
    Column("delete_on_termination", "goes with its server"),
    Column("image_id", "image"),
    Column("snapshot_id", "snapshot"),
    Column("metadata", "metadata"),
    Column("shared_to_project", "for the whole project"),
    Column("tenant_id", "project"),
    Column("user_id", "owner"),
    Column("created_at", "created", "time"),
]
_TYPES = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("SNF:disk_template", "TEMPLATE"),
    Column("SNF:detachable", "DETACHABLE"),
]


@click.group("volume", cls=Group)
def volume() -> None:
    """Disks that servers have, or may be given."""


volume.add_command(wait_command(VOLUME, _STATUSES, "creating"))


def _records(run: Invocation, found: list[Thing]) -> list[Thing]:
    types = names_of(run, VOLUME_TYPE) if found else {}
    servers = names_of(run, SERVER) if any(one.get("attachments") for one in found) else {}
    records = []
    for one in found:
        kind = one.get("volume_type")
        server = next((str(place.get("server_id")) for place in one.get("attachments") or ()), None)
        records.append(
            {
                **one,
                "type_name": types.get(str(kind)),
                "_type_name": types.get(str(kind)) or kind,
                "server_name": servers.get(str(server)),
                "_server_name": servers.get(str(server)) or server,
            }
        )
    return records


@volume.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        *sieve_options,
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, **options: Any) -> None:
    """List the volumes: your own, and those that your projects share. The first disk of a server has no name."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = VOLUME.all(run)
    remember_things(run, VOLUME, found)
    empty = "There is no such volume" if sieve else "There is no volume; make one: pithosfs volume create"
    records = sieve.sift(VOLUME, _records(run, found))
    show_list(run, records, _DETAILS if details else _SUMMARY, brief=not details, empty=empty)


@volume.command("info")
@with_options([thing_argument(VOLUME), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a VOLUME, by id or name."""
    _show(run, find(run, VOLUME, text))


@volume.command("create")
@with_options(
    [
        click.option("--name", required=True, metavar="NAME", help="What to call it."),
        click.option("--size", required=True, type=GIBIBYTES, metavar="SIZE", help="As 20GiB, or a number of GiB."),
        click.option("--description", metavar="TEXT", help="What it is for."),
        thing_option("--server-id", kind=SERVER, help="Attach it to this server, by id or name."),
        thing_option("--image-id", kind=IMAGE, help="Fill it from this image."),
        thing_option("--snapshot-id", kind=SNAPSHOT, help="Fill it from this snapshot."),
        thing_option("--volume-type", kind=VOLUME_TYPE, help="Its type (default: the server's, or the only one)."),
        click.option("--metadata", type=PAIR, metavar="KEY=VALUE", multiple=True, help="Note this; may be repeated."),
        thing_option("--project-id", kind=PROJECT, help="The project that pays for it, by id or name."),
        columns_option(_INFO),
        *wait_options,
    ]
)
@click.pass_obj
def create(run: Invocation, /, name: str, size: int, description: str | None, **options: Any) -> None:
    """Make a volume, for a server or for later."""
    from pithosfs_cli.completion import things_changed

    if size < 1:
        raise UsageError("a volume has 1 GiB at least", hint="give --size GIB")
    at_most_one({"--image-id": options["image_id"], "--snapshot-id": options["snapshot_id"]})
    patience = Patience.of(options)
    server, image, snapshot, project, kind = (
        None if options[key] is None else find(run, of, options[key])
        for key, of in (
            ("server_id", SERVER),
            ("image_id", IMAGE),
            ("snapshot_id", SNAPSHOT),
            ("project_id", PROJECT),
            ("volume_type", VOLUME_TYPE),
        )
    )
    if kind is None and server is None:
        kind = _only_type(run)
    with needs(server or {}, SETTLED), given_to("volume create"):
        found = volumes(run).create_volume(
            size,
            None if server is None else SERVER.id_of(server),
            name,
            description,
            None if snapshot is None else SNAPSHOT.id_of(snapshot),
            None if image is None else IMAGE.id_of(image),
            None if kind is None else kind["id"],
            dict(options["metadata"]) or None,
            None if project is None else PROJECT.id_of(project),
        )
    things_changed(run, VOLUME)
    if patience is not None:
        later = f"volume wait {VOLUME.id_of(found)} --timeout 600"
        _show(run, wait_for(run, VOLUME, found, made(found), patience, later=later) or found)
    else:
        _show(run, VOLUME.one(run, VOLUME.id_of(found)))


def _only_type(run: Invocation) -> Thing:
    """The type of which volumes can be made without a server, if there is just one."""
    types = [one for one in VOLUME_TYPE.all(run) if not one.get("deleted")]
    detachable = [one for one in types if one.get("SNF:detachable")]
    # Some clouds say of none that it is detachable, even so (compute.md section 9.5).
    candidates = detachable or [one for one in types if str(one.get("SNF:disk_template")).startswith("ext")]
    if len(candidates) != 1:
        there = ", ".join(VOLUME_TYPE.label(one) for one in candidates or types)
        raise UsageError(f"of which type is the volume to be? There are: {there}", hint="give --volume-type")
    return candidates[0]


@volume.command("modify")
@with_options(
    [
        thing_argument(VOLUME),
        click.option("--name", metavar="NAME", help="Call it so."),
        click.option("--description", metavar="TEXT", help="What it is for."),
        click.option(
            "--delete-on-termination",
            type=click.Choice(["true", "false"], case_sensitive=False),
            help="Whether it goes with its server.",
        ),
    ]
)
@click.pass_obj
def modify(
    run: Invocation, text: str, name: str | None, description: str | None, delete_on_termination: str | None
) -> None:
    """Change a VOLUME, by id or name, and show it."""
    from pithosfs_cli.completion import things_changed

    at_least_one({"--name": name, "--description": description, "--delete-on-termination": delete_on_termination})
    found = find(run, VOLUME, text)
    goes = None if delete_on_termination is None else delete_on_termination == "true"
    with about(VOLUME, found):
        changed = volumes(run).update_volume(VOLUME.id_of(found), name, description, goes)
    things_changed(run, VOLUME)
    _show(run, changed)


@volume.command("reassign")
@with_options(
    [
        thing_argument(VOLUME),
        thing_option("--project-id", kind=PROJECT, required=True, help="Who pays from now on, by id or name."),
    ]
)
@click.pass_obj
def reassign(run: Invocation, text: str, project_id: str) -> None:
    """Charge a VOLUME to another project."""
    found = find(run, VOLUME, text)
    project = PROJECT.id_of(find(run, PROJECT, project_id))
    with about(VOLUME, found):
        try:
            volumes(run).reassign_volume(VOLUME.id_of(found), project)
        except Conflict as error:
            error.hint = "reassign its server, which the volume goes with: pithosfs server reassign"
            raise
    if run.output != "table":
        _show(run, VOLUME.one(run, VOLUME.id_of(found)))


@volume.command("delete")
@with_options([things_argument(VOLUME), *delete_options, *wait_options])
@click.pass_obj
def delete(run: Invocation, /, texts: tuple[str, ...], yes: bool, dry_run: bool, **options: Any) -> None:
    """Delete volumes, by id or name, and all that is on them."""
    client = volumes(run)

    def work(one: Thing) -> None:
        with needs(lambda: _holder(run, one), SETTLED):
            try:
                client.delete_volume(VOLUME.id_of(one))
            except BadRequest as error:
                if (place := _place(one)) and place.get("device_index") == 0:
                    raise Conflict(
                        f"{VOLUME.called(one)} is the first disk of a server",
                        error.status,
                        hint=f"it goes with the server: pithosfs server delete {place.get('server_id')}",
                    ) from error
                raise

    delete_things(
        run,
        VOLUME,
        texts,
        work,
        yes=yes,
        dry_run=dry_run,
        goal=GONE,
        patience=Patience.of(options),
        with_it=lambda one: f" of the server {place.get('server_id')}" if (place := _place(one)) else "",
    )


def _place(one: Thing) -> Thing | None:
    """Where a volume is attached."""
    return next(iter(one.get("attachments") or ()), None)


def _holder(run: Invocation, one: Thing) -> Thing:
    """The server of a volume; nothing when it has none."""
    place = _place(one)
    return SERVER.one(run, str(place.get("server_id"))) if place else {}


@volume.command("types")
@with_options(list_options(_TYPES))
@click.pass_obj
def types(run: Invocation) -> None:
    """List the types that a volume can be of."""
    from pithosfs_cli.completion import remember_things

    found = VOLUME_TYPE.all(run)
    remember_things(run, VOLUME_TYPE, found)
    show_list(run, found, _TYPES, empty="There is no volume type")


@volume.command("type")
@with_options([thing_argument(VOLUME_TYPE), columns_option(_TYPES)])
@click.pass_obj
def type_(run: Invocation, text: str) -> None:
    """Show a TYPE of volumes, by id or name."""
    show_fields(run, find(run, VOLUME_TYPE, text), [Column(one.key, one.title.lower()) for one in _TYPES])


def _show(run: Invocation, found: Thing) -> None:
    show_fields(run, _records(run, [found])[0], _INFO)
