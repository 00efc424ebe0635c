"""`pithosfs imagecompute …`: images as the compute service shows them."""

from __future__ import annotations

from typing import Any

import click

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, has_pairs, sieve_options
from pithosfs_cli.finding import find, thing_argument, things_argument
from pithosfs_cli.image.changing import only_for_owners, put_metadata
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import IMAGE, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import PAIR, at_least_one, at_most_one
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.services import compute
from pithosfs_cli.users import user_id as id_of_user
from pithosfs_cli.users import user_names

__all__ = ["imagecompute"]

_SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("status", "STATUS", "status"),
    Column("os", "SYSTEM"),
    Column("public", "PUBLIC"),
]
_DETAILS = [
    *_SUMMARY,
    Column("is_snapshot", "SNAPSHOT"),
    Column("user_name", "OWNER"),
    Column("created", "CREATED", "time"),
    Column("updated", "CHANGED", "time"),
]
_INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("status", "status", "status"),
    Column("progress", "progress in %"),
    Column("public", "public"),
    Column("is_snapshot", "snapshot"),
    Column("user_name", "owner"),
    Column("metadata", "property"),
    Column("created", "created", "time"),
    Column("updated", "changed", "time"),
]


@click.group("imagecompute", cls=Group)
def imagecompute() -> None:
    """Images as the compute service shows them; `pithosfs image` is the registry itself."""


def _record(image: Thing, names: dict[str, str]) -> Thing:
    owner, metadata = image.get("user_id"), image.get("metadata")
    name = names.get(str(owner))
    os = next((value for key, value in (metadata or {}).items() if key.lower() == "os"), None)
    return {**image, "os": os, "user_name": name, "_user_name": name or owner}


@imagecompute.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        click.option("--metadata", type=PAIR, metavar="KEY=VALUE", multiple=True, help="Only with this in it."),
        click.option(
            "--metadata-like", type=PAIR, metavar="KEY=TEXT", multiple=True, help="Only with this in a value."
        ),
        click.option("--user-id", metavar="ID", help="Only of this user."),
        click.option("--user-name", metavar="NAME", help="Only of this user."),
        *sieve_options,
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, user_id: str | None, user_name: str | None, **options: Any) -> None:
    """List the images that servers can be made from."""
    from pithosfs_cli.completion import remember_things

    at_most_one({"--user-id": user_id, "--user-name": user_name})
    sieve = Sieve.of(options)
    found = IMAGE.all(run)
    remember_things(run, IMAGE, found)
    if who := user_id or user_name:
        owner = id_of_user(run, who)
        found = [one for one in found if one.get("user_id") == owner]
    found = [one for one in found if has_pairs(one.get("metadata"), options["metadata"], options["metadata_like"])]
    names = user_names(run, (one.get("user_id") for one in found)) if details else {}
    records = sieve.sift(IMAGE, (_record(one, names) for one in found))
    show_list(run, records, _DETAILS if details else _SUMMARY, brief=not details, empty="There is no such image")


@imagecompute.command("info")
@with_options([thing_argument(IMAGE), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show an IMAGE, by id or name."""
    _show(run, find(run, IMAGE, text))


@imagecompute.command("modify")
@with_options(
    [
        thing_argument(IMAGE),
        option(
            "--property-add",
            type=PAIR,
            metavar="KEY=VALUE",
            multiple=True,
            aliases=("--property-set",),
            help="Note this on it; may be repeated.",
        ),
        click.option("--property-del", metavar="KEY", multiple=True, help="Remove this property; may be repeated."),
    ]
)
@click.pass_obj
def modify(
    run: Invocation, text: str, property_add: tuple[tuple[str, str], ...], property_del: tuple[str, ...]
) -> None:
    """Change the properties of an IMAGE, by id or name, and show it."""
    at_least_one({"--property-add": property_add, "--property-del": property_del})
    added = dict(property_add)
    if both := {*added} & {*property_del}:
        raise UsageError(f"the property {min(both)!r} is to be both set and removed", hint="say one of them")
    image = find(run, IMAGE, text)
    client, ident = compute(run), IMAGE.id_of(image)
    with only_for_owners(image):
        if added:
            client.images_metadata_post(ident, json_data={"metadata": added})
        for key in property_del:
            _remove(run, image, key)
    _show(run, IMAGE.one(run, ident))


def _remove(run: Invocation, image: Thing, key: str) -> None:
    """Remove a property; where the compute service says that it has and has not, the registry does it."""
    client, ident = compute(run), IMAGE.id_of(image)
    try:
        client.delete_image_metadata(ident, key)
    except NotFound as error:
        raise NotFound(
            f"{IMAGE.called(image)} has no property {key!r}",
            error.status,
            hint=f"see what it has: pithosfs imagecompute info {ident}",
        ) from error
    if key in client.get_image_metadata(ident):
        put_metadata(run, ident, {}, {key: ""})


@imagecompute.command("delete")
@with_options([things_argument(IMAGE), *delete_options])
@click.pass_obj
def delete(run: Invocation, texts: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Delete images, by id or name. Some clouds delete their files as well."""
    client = compute(run)

    def work(image: Thing) -> None:
        with only_for_owners(image):
            client.delete_image(IMAGE.id_of(image))

    delete_things(run, IMAGE, texts, work, yes=yes, dry_run=dry_run)


def _show(run: Invocation, image: Thing) -> None:
    show_fields(run, _record(image, user_names(run, [image.get("user_id")])), _INFO)
