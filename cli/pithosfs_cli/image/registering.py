"""`pithosfs image register`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pithosfs.errors import Conflict, NotFound, PithosfsError
from pithosfs_cli.addressing import addressed, complete_place, locate
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.finding import given_to
from pithosfs_cli.image.metafile import beside, read_description, refuse_existing, store_description
from pithosfs_cli.image.records import INFO, image_record
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import REGISTERED
from pithosfs_cli.layout import columns_option
from pithosfs_cli.locations import Location
from pithosfs_cli.options import PAIR, at_most_one
from pithosfs_cli.output import note, show_fields
from pithosfs_cli.services import images
from pithosfs_cli.users import user_id, user_names

__all__ = ["register"]


@click.command("register", cls=Command)
@with_options(
    [
        click.option(
            "--location",
            required=True,
            metavar="PLACE",
            shell_complete=complete_place,
            help="The file: /CONTAINER/PATH, pithos://ACCOUNT/CONTAINER/PATH, or PATH in the default container.",
        ),
        click.option("--name", required=True, metavar="NAME", help="What to call the image."),
        click.option("--upload-image-file", metavar="FILE", help="Upload this local file to the place first."),
        click.option("--public", is_flag=True, help="Let everybody use it."),
        option(
            "-p",
            "--property",
            "properties",
            type=PAIR,
            metavar="KEY=VALUE",
            multiple=True,
            aliases=("--property-set", "--property-add"),
            help="Note this on it, as OS=debian; may be repeated.",
        ),
        click.option("--disk-format", metavar="FORMAT", help="diskdump (the default), extdump, ntfsdump."),
        click.option("--container-format", metavar="FORMAT", help="bare (the default), aki, ari, ami, ovf."),
        click.option("--checksum", metavar="HASH", help="Only if the file has this hash."),
        click.option("--size", type=int, metavar="BYTES", help="Only if the file has this size."),
        click.option("--metafile", metavar="FILE", help="Take what is not given here from this local file (JSON)."),
        click.option("--no-metafile-upload", is_flag=True, help="Do not store a description beside the file."),
        click.option("-f", "--force", is_flag=True, help="Replace the file and its description if they exist."),
        click.option("-C", "--container", metavar="NAME", help="The container of a place that names none."),
        click.option("--uuid", metavar="ID", help="The account of a place that names none."),
        click.option("--owner-name", metavar="NAME", help="The same, by the name of its user."),
        click.option("--no-progress-bar", is_flag=True, help="Show no progress."),
        columns_option(INFO),
    ]
)
@click.pass_obj
def register(run: Invocation, /, name: str, location: str, **options: Any) -> None:
    """Make an image of a file in the cloud.

    A description is stored beside the file, as PLACE.meta, with which it can be registered again. Only you can read
    the file then, or everybody with --public.
    """
    from pithosfs_cli.completion import things_changed

    at_most_one({"--uuid": options["uuid"], "--owner-name": options["owner_name"]})
    owner = options["uuid"] or options["owner_name"]
    account = None if owner is None else user_id(run, owner)
    place = locate(run, location, container=options["container"], account=account, object_needed=True)
    described = read_description(options["metafile"])
    store = run.store()
    with_metafile = not options["no_metafile_upload"]
    if with_metafile and not options["force"]:
        refuse_existing(store, beside(place))
    if options["upload_image_file"] is not None:
        _upload(run, place, options)
    _check_size(run, place, options["size"])
    given = {key: options[key] for key in ("disk_format", "container_format", "checksum")}
    fields = {**described.fields, **{key: value for key, value in given.items() if value is not None}}
    if options["public"]:
        fields["is_public"] = True
    account_of_place = place.account or store.account
    try:
        with given_to("image register"):
            made = images(run).register(
                name,
                (account_of_place, place.container, place.name),
                params={key: value for key, value in fields.items() if key != "owner"},
                properties={**described.properties, **dict(options["properties"])},
            )
    except NotFound as error:
        raise _missing(place, error) from error
    things_changed(run, REGISTERED)
    names = user_names(run, [made.get("owner")])
    record = {**image_record(made, names), "metafile": str(beside(place)) if with_metafile else None}
    try:
        if with_metafile:
            store_description(store, place, made)
            note(f"A description is in {beside(place)}")
    except (PithosfsError, OSError):
        record["metafile"] = None
        note(f"The image {name} is registered all the same, without a description beside it")
        raise
    finally:
        show_fields(run, record, INFO)


def _missing(place: Location, error: NotFound) -> NotFound:
    return NotFound(
        f"there is no file {place}",
        error.status,
        hint=f"upload it: pithosfs file upload FILE {place}, or --upload-image-file",
    )


def _upload(run: Invocation, place: Location, options: dict[str, Any]) -> None:
    from pithosfs_cli.addressing import ensure_container
    from pithosfs_cli.file.uploading import Settings, exists, open_file, present, send
    from pithosfs_cli.progress import bars

    store, settings = run.store(), Settings(force=options["force"])
    with open_file(Path(options["upload_image_file"]), follow=True) as stream, addressed(store, place):
        there = present(store, place)
        if there is not None and not options["force"]:
            raise exists(place)
        if place.account in (None, store.account):
            ensure_container(store, place)
        with bars(hidden=options["no_progress_bar"]) as shown:
            send(store, stream, place, there, settings, shown, connections=settings.connections)


def _check_size(run: Invocation, place: Location, wanted: int | None) -> None:
    """The registry refuses to be told a size, even the right one (image.md section 4)."""
    if wanted is None:
        return
    store = run.store()
    with addressed(store, place):
        size = store.head(place.path(store)).size
    if size != wanted:
        raise Conflict(f"{place} has {size} bytes, not {wanted}", 409, hint="give the right --size, or none")
