"""`pithosfs container list` and `info`: nothing here changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.addressing import account_option, addressed, complete_place, locate_container
from pithosfs_cli.batch import Batch
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.container.records import container_record
from pithosfs_cli.dates import DATE
from pithosfs_cli.file.listing import ENTRY_COLUMNS, Asked, Entry, explained, list_place
from pithosfs_cli.file.selection import Selection, filter_options, filters_of, selection_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.locations import Location, account_id
from pithosfs_cli.output import Record, show, show_pages

if TYPE_CHECKING:
    from pithosfs.store import ContainerInfo, Filters, ObjectStore

__all__ = ["info", "list_"]

_ACCOUNT = re.compile(r"pithos://([^/]+)/?")  # a place that names an account only

_SUMMARY = [Column("name", "NAME"), Column("count", "OBJECTS", "count"), Column("bytes", "SIZE", "size")]
_DETAILS = [
    *_SUMMARY,
    Column("versioning", "VERSIONING"),
    Column("quota", "QUOTA", "size"),
    Column("project", "PROJECT"),
    Column("modified", "CHANGED", "time"),
]
# With --recursive what is listed are containers and objects; with a NAME, the objects of that one.
_KNOWN = [*_DETAILS, *(one for one in ENTRY_COLUMNS if one.key not in {known.key for known in _DETAILS})]
_ENTRIES = [one for one in ENTRY_COLUMNS if one.key in ("bytes", "modified", "name")]

_INFO = [
    Column("name", "name"),
    Column("account", "account"),
    Column("count", "objects"),
    Column("bytes", "size", "size"),
    Column("modified", "changed", "time"),
    Column("versioning", "versioning"),
    Column("quota", "size limit", "size"),
    Column("project", "project"),
    Column("block_size", "block size", "size"),
    Column("block_hash", "block hash"),
    Column("meta", "meta"),
]


@click.command("list", cls=Command)
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=complete_place)
@with_options(
    [
        click.option("-l", "--details", is_flag=True, help="Show policies and times."),
        click.option("--list", "old_details", is_flag=True, hidden=True),
        click.option("-r", "--recursive", is_flag=True, help="Show what is in them as well."),
        *selection_options,
        *filter_options,
        click.option("--shared", is_flag=True, hidden=True),
        *list_options(_KNOWN),
        account_option,
    ]
)
@click.pass_obj
def list_(
    run: Invocation,
    /,
    names: tuple[str, ...],
    details: bool,
    old_details: bool,
    recursive: bool,
    account: str | None,
    **options: Any,
) -> None:
    """List the containers; with NAMEs, what is in those.

    With --shared-by-me or --public: those that hold something shared, or published.
    """
    details = details or old_details
    store = run.store()
    if len(names) == 1 and (match := _ACCOUNT.fullmatch(names[0])):
        names, account = (), match[1]
    if names:
        from pithosfs_cli.file.looking import show_entries

        places = [locate_container(run, name, account=account) for name in names]
        show_entries(run, store, places, {**options, "recursive": recursive}, details=details)
        return
    who = account_id(store, account)
    chosen = Selection.of(options)
    filters = filters_of(options)
    with _about_the_account(store, who, filters):
        found = store.management().containers(who, marker=chosen.marker, filters=filters)
    if who is None and chosen.marker is None and filters == filters_of({}):
        from pithosfs_cli.completion import remember_containers

        remember_containers(run, [one.name for one in found])
    found = list(chosen.cut([one for one in found if chosen.wants(one.name)]))
    empty = "There is no container"
    if not (chosen.by_name or options["shared_by_me"] or options["public"] or who):
        empty += "; make one: pithosfs container create NAME"
    if not recursive:
        rows = [container_record(one, who) for one in found]
        show_pages(run, [rows], _DETAILS if details else _SUMMARY, empty=empty)
        return
    asked = Asked(filters_of({**options, "if_modified_since": None, "if_unmodified_since": None}), recursive=True)
    with Batch("listed", 1) as batch:
        if run.output in ("json", "yaml"):
            show_pages(run, _nested(store, found, who, asked, batch), _SUMMARY)
        else:
            show_pages(run, _flat(store, found, who, asked, batch), _ENTRIES, empty=empty)


def _about_the_account(store: ObjectStore, who: str | None, filters: Filters) -> Any:
    """Errors of the list of an account's containers, in its words."""
    from contextlib import contextmanager

    from pithosfs.errors import NotAllowed, PreconditionFailed

    @contextmanager
    def told() -> Iterator[None]:
        try:
            yield
        except NotAllowed as error:
            raise NotAllowed(
                f"the account {who or store.account} shows you nothing of that",
                error.status,
                hint="its owner can share something with you; see who does: pithosfs sharer list",
            ) from error
        except PreconditionFailed as error:
            raise PreconditionFailed(
                f"the account {who or store.account}: {error.message}",
                error.status,
                hint="leave out --if-modified-since and --if-unmodified-since to have the list all the same",
            ) from error

    return told()


def _inside(store: ObjectStore, one: ContainerInfo, who: str | None, asked: Asked) -> Iterator[list[Entry]]:
    return list_place(store, Location(who, one.name, ""), asked)


def _nested(
    store: ObjectStore, found: Sequence[ContainerInfo], who: str | None, asked: Asked, batch: Batch
) -> Iterator[list[Record]]:
    """Each container with its objects in it."""
    for one in found:
        with batch.tolerating(one.name):
            entries = [entry for page in _inside(store, one, who, asked) for entry in page]
            objects = [{key: value for key, value in entry.items() if key[:1] != "_"} for entry in entries]
            yield [{**container_record(one, who), "objects": objects}]


def _flat(
    store: ObjectStore, found: Sequence[ContainerInfo], who: str | None, asked: Asked, batch: Batch
) -> Iterator[list[Entry]]:
    """Each container as an entry, and its objects after it."""
    for one in found:
        place = Location(who, one.name, "")
        record = container_record(one, who)
        row: Entry = dict.fromkeys(column.key for column in ENTRY_COLUMNS)
        yield [row | record | {"path": str(place), "type": "container", "_name": f"{place}/"}]
        with batch.tolerating(one.name):
            for page in _inside(store, one, who, asked):
                for entry in page:
                    entry["_name"] = entry["path"] + ("/" if entry["type"] == "folder" else "")
                yield page


@click.command("info", cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option("--until", type=DATE, metavar="DATE", help="As it was at that time."),
        click.option("--metadata", is_flag=True, help="Show the metadata only."),
        click.option("--size-limit", is_flag=True, help="Show the size limit only."),
        click.option("-b", "--bytes", "in_bytes", is_flag=True, help="With --size-limit: as a plain number of bytes."),
        columns_option(_INFO),
        account_option,
    ]
)
@click.pass_obj
def info(
    run: Invocation,
    names: tuple[str, ...],
    until: int | None,
    metadata: bool,
    size_limit: bool,
    in_bytes: bool,
    account: str | None,
) -> None:
    """Show containers. One NAME gives one thing, several a list."""
    store = run.store()
    filters = filters_of({"until": until})

    def record(name: str) -> dict[str, Any]:
        place = locate_container(run, name, account=account)
        with explained(store, place, filters), addressed(store, place):
            found = store.management().container(place.container, place.account, until)
        return container_record(found, place.account)

    if len(names) > 1:
        with Batch("shown", 1) as batch:
            show_pages(run, _all(names, record, batch), _DETAILS)
        return
    found = record(names[0])
    if metadata:
        show(run, found["meta"] or {})
        return
    plain = "0" if in_bytes else "unlimited"
    limit = plain if found["quota"] is None and run.output == "table" else found["quota"]
    if size_limit:
        show(run, {"quota": limit}, [Column("quota", "size limit", "text" if in_bytes else "size")])
        return
    show(run, {**found, "quota": limit}, _INFO)


def _all(names: Sequence[str], record: Any, batch: Batch) -> Iterator[list[Record]]:
    for name in dict.fromkeys(names):
        with batch.tolerating(name):
            yield [record(name)]
