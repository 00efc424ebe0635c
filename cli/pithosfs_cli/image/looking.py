"""`pithosfs image list` and `info`: nothing here changes anything."""

from __future__ import annotations

from typing import Any

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.filtering import Sieve, has_pairs, sieve_options
from pithosfs_cli.finding import about, find, thing_argument, thing_option
from pithosfs_cli.image.records import DETAILS, INFO, SUMMARY, image_record
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import REGISTERED, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import PAIR, at_most_one
from pithosfs_cli.output import show, show_fields, show_list
from pithosfs_cli.services import images
from pithosfs_cli.users import user_id, user_names

__all__ = ["info", "list_"]

_MEMBERS = [Column("member_id", "ID"), Column("name", "NAME"), Column("can_share", "MAY SHARE")]
_ORDERS = (
    "id",
    "name",
    "status",
    "size",
    "disk_format",
    "container_format",
    "created_at",
    "updated_at",
)


@click.command("list", cls=Command)
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        click.option("--status", metavar="STATUS", help="Only in this status, as AVAILABLE."),
        click.option("--disk-format", metavar="FORMAT", help="Only of this format, as diskdump."),
        click.option("--container-format", metavar="FORMAT", help="Only of this format, as bare."),
        click.option("--size-min", type=int, metavar="BYTES", help="Only as large as this, or larger."),
        click.option("--size-max", type=int, metavar="BYTES", help="Only as large as this, or smaller."),
        click.option("--owner", metavar="ID", help="Only of this user."),
        click.option("--owner-name", metavar="NAME", help="Only of this user."),
        click.option("--property", "properties", type=PAIR, metavar="KEY=VALUE", multiple=True, help="Only with this."),
        click.option(
            "--property-like", type=PAIR, metavar="KEY=TEXT", multiple=True, help="Only with this in a value."
        ),
        click.option("--order", metavar="FIELD", help=f"Let the cloud sort (-FIELD: backwards): {', '.join(_ORDERS)}."),
        thing_option("--members-of", kind=REGISTERED, help="List those who may use this image instead."),
        *sieve_options,
        *list_options([*DETAILS, *_MEMBERS[:1], *_MEMBERS[2:]]),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, members_of: str | None, order: str | None, **options: Any) -> None:
    """List the images that you may use, or those who may use one."""
    from pithosfs_cli.completion import remember_things

    if members_of is not None:
        _list_members(run, members_of)
        return
    at_most_one({"--owner": options["owner"], "--owner-name": options["owner_name"]})
    if order is not None and order.removeprefix("-") not in _ORDERS:
        raise UsageError(f"images cannot be sorted by {order!r}", hint=f"by one of {', '.join(_ORDERS)}")
    sieve = Sieve.of(options)
    keys = ("status", "disk_format", "container_format", "size_min", "size_max")
    filters = {key: options[key] for key in keys if options[key] is not None}
    found = images(run).list_public(detail=True, filters=filters, order=order or "")
    if not filters:
        remember_things(run, REGISTERED, found)
    if who := options["owner"] or options["owner_name"]:
        owner = user_id(run, who)
        found = [one for one in found if one.get("owner") == owner]
    exactly, alike = options["properties"], options["property_like"]
    found = [one for one in found if has_pairs(one.get("properties"), exactly, alike)]
    names = user_names(run, (one.get("owner") for one in found)) if details else {}
    records = sieve.sift(REGISTERED, (image_record(one, names) for one in found))
    show_list(run, records, DETAILS if details else SUMMARY, empty="There is no such image")


def _list_members(run: Invocation, text: str) -> None:
    image = find(run, REGISTERED, text)
    with about(REGISTERED, image):
        found = images(run).list_members(REGISTERED.id_of(image))
    names = user_names(run, (one.get("member_id") for one in found))
    rows = [{**one, "name": names.get(str(one.get("member_id")))} for one in found]
    show_list(run, rows, _MEMBERS, empty=f"{REGISTERED.label(image)} is shared with nobody by name")


@click.command("info", cls=Command)
@with_options(
    [
        thing_argument(REGISTERED),
        click.option("--hashmap", is_flag=True, help="Show the hashes of the blocks of its file."),
        columns_option(INFO),
    ]
)
@click.pass_obj
def info(run: Invocation, text: str, hashmap: bool) -> None:
    """Show an IMAGE, by id or name."""
    image = find(run, REGISTERED, text)
    if hashmap:
        _show_hashmap(run, image)
        return
    show_fields(run, image_record(image, user_names(run, [image.get("owner")])), INFO)


def _show_hashmap(run: Invocation, image: Thing) -> None:
    from pithosfs_cli.addressing import addressed, locate

    store = run.store()
    place = locate(run, str(image.get("location")), object_needed=True)
    with addressed(store, place):
        blocks = store.hashmap(place.path(store))
    show(
        run,
        {
            "location": str(place),
            "block_size": blocks.block_size,
            "block_hash": blocks.algorithm,
            "bytes": blocks.size,
            "hashes": list(blocks.hashes),
        },
        [Column("block_size", "block size", "size"), Column("bytes", "size", "size"), Column("hashes", "hash")],
    )
