"""`pithosfs image modify` and `unregister`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from pithosfs.errors import NotAllowed, NotFound, NotSupported, UsageError
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.finding import about, find, thing_argument, things_argument
from pithosfs_cli.image.records import INFO, image_record, property_key
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import REGISTERED, Thing
from pithosfs_cli.options import PAIR, at_least_one, at_most_one
from pithosfs_cli.output import show_fields
from pithosfs_cli.services import images
from pithosfs_cli.users import user_id, user_names

__all__ = ["modify", "only_for_owners", "put_metadata", "unregister"]

_CHANGES = {
    "--name": "name",
    "--public": "public",
    "--private": "private",
    "--member-add": "member_add",
    "--member-del": "member_del",
    "--property-set": "property_set",
    "--property-del": "property_del",
    "--disk-format": "disk_format",
    "--container-format": "container_format",
    "--status": "status",
}


@contextmanager
def only_for_owners(image: Thing) -> Iterator[None]:
    """Errors inside are about an image, which only its owner can change."""
    try:
        with about(REGISTERED, image):
            yield
    except NotAllowed as error:
        error.hint = f"only its owner may do that; see who that is: pithosfs image info {REGISTERED.id_of(image)}"
        raise


@click.command("modify", cls=Command)
@with_options(
    [
        thing_argument(REGISTERED),
        click.option("--name", metavar="NAME", help="Call it so."),
        click.option("--public", is_flag=True, help="Let everybody use it."),
        click.option("--private", is_flag=True, help="Let only its members use it."),
        click.option("--member-add", metavar="USER", multiple=True, help="Let this user use it, by id or name."),
        click.option("--member-del", metavar="USER", multiple=True, help="Do not let this user use it any more."),
        option(
            "-p",
            "--property-set",
            type=PAIR,
            metavar="KEY=VALUE",
            multiple=True,
            aliases=("--property-add",),
            help="Note this on it; may be repeated.",
        ),
        click.option("--property-del", metavar="KEY", multiple=True, help="Remove this property; may be repeated."),
        click.option("--disk-format", metavar="FORMAT", help="Its format: diskdump, extdump, ntfsdump."),
        click.option("--container-format", metavar="FORMAT", help="What the disk is in: bare, aki, ari, ami, ovf."),
        click.option("--status", metavar="STATUS", help="Its status, as AVAILABLE."),
    ]
)
@click.pass_obj
def modify(run: Invocation, /, text: str, **options: Any) -> None:
    """Change an IMAGE, by id or name, and show it. What is not named stays as it is."""
    from pithosfs_cli.completion import things_changed

    at_least_one({flag: options[name] for flag, name in _CHANGES.items()})
    at_most_one({"--public": options["public"], "--private": options["private"]})
    image = find(run, REGISTERED, text)
    changes = _property_changes(image, options["property_set"], options["property_del"])
    added = [user_id(run, who) for who in options["member_add"]]
    removed = [user_id(run, who) for who in options["member_del"]]
    fields = {
        "name": options["name"],
        "disk_format": options["disk_format"],
        "container_format": options["container_format"],
        "status": options["status"],
        "is_public": True if options["public"] else False if options["private"] else None,
    }
    client, ident = images(run), REGISTERED.id_of(image)
    with only_for_owners(image):
        if changes or any(value is not None for value in fields.values()):
            put_metadata(run, ident, fields, changes)
        for who in added:
            client.add_member(ident, who)
        for who in removed:
            client.remove_member(ident, who)
    things_changed(run, REGISTERED)
    now = REGISTERED.one(run, ident)
    kept = {key for key, value in changes.items() if not value} & set(now.get("properties") or {})
    if kept:
        raise NotSupported(f"the cloud keeps the properties {', '.join(sorted(kept))} of {REGISTERED.called(now)}")
    show_fields(run, image_record(now, user_names(run, [now.get("owner")])), INFO)


def _property_changes(image: Thing, given: Sequence[tuple[str, str]], removed: Sequence[str]) -> dict[str, str]:
    """Key → value, empty for what is to go. Raises UsageError, NotFound for what is not there."""
    changes = {property_key(key): value for key, value in given}
    for key, value in changes.items():
        if not value:
            raise UsageError(f"the property {key!r} cannot be empty", hint="--property-del removes it")
    known = image.get("properties") or {}
    for key in map(property_key, removed):
        if key in changes:
            raise UsageError(f"the property {key!r} is to be both set and removed", hint="say one of them")
        if key not in known:
            raise NotFound(
                f"{REGISTERED.called(image)} has no property {key!r}",
                404,
                hint=f"see what it has: pithosfs image info {REGISTERED.id_of(image)}",
            )
        changes[key] = ""
    return changes


def put_metadata(run: Invocation, ident: str, fields: Mapping[str, Any], properties: Mapping[str, str]) -> None:
    """Change what is given of an image; an empty property is removed."""
    # A property may be called as a field is, which the method for people would not tell apart.
    from pithosfs.clients.image.metadata import meta_headers

    images(run).images_put(ident, headers=meta_headers(fields, properties))


@click.command("unregister", cls=Command)
@with_options([things_argument(REGISTERED), *delete_options])
@click.pass_obj
def unregister(run: Invocation, texts: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Make files be no images any more, by id or name. The files stay."""
    client = images(run)

    def work(image: Thing) -> None:
        with only_for_owners(image):
            client.unregister(REGISTERED.id_of(image))

    delete_things(run, REGISTERED, texts, work, yes=yes, dry_run=dry_run, verb="unregister", done="unregistered")
