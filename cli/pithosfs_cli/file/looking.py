"""`pithosfs file list` and `cat`: what is in the cloud. Nothing here changes anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.addressing import addressed, complete_place, locate, look, place_options
from pithosfs_cli.batch import Batch
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.file.conditions import check, condition_options
from pithosfs_cli.file.listing import DETAILS, ENTRY_COLUMNS, SUMMARY, Asked, Entry, list_place
from pithosfs_cli.file.options import version_option
from pithosfs_cli.file.selection import Selection, filter_options, filters_of, selection_options
from pithosfs_cli.globbing import expand, glob_option, is_pattern
from pithosfs_cli.invocation import FORMATS, Invocation
from pithosfs_cli.layout import list_options
from pithosfs_cli.output import show_pages

if TYPE_CHECKING:
    from pithosfs.store import ObjectStore
    from pithosfs_cli.locations import Location

__all__ = ["cat", "entries", "list_", "show_entries"]


def _old_format(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    # It had no effect once. The name of a form is taken for what it promised, anything else is still let pass.
    if value and value.lower() in FORMATS:
        context.obj.output = value.lower()


@click.command("list", cls=Command)
@click.argument("paths", metavar="[PATH...]", nargs=-1, shell_complete=complete_place)
@with_options(
    [
        click.option("-l", "--details", is_flag=True, help="Show versions, types, sharing and who changed it."),
        click.option("--list", "old_details", is_flag=True, hidden=True),
        click.option("-r", "--recursive", is_flag=True, help="Show everything below, not only one level."),
        click.option("--delimiter", metavar="TEXT", help="Show names up to this text, as / does for folders."),
        *selection_options,
        click.option(
            "--meta",
            multiple=True,
            metavar="QUERY",
            help="Only with this metadata: KEY, !KEY, KEY=VALUE, also != < > <= >=; several with commas.",
        ),
        *filter_options,
        *list_options(ENTRY_COLUMNS),
        glob_option,
        place_options,
        click.option("--format", hidden=True, expose_value=False, callback=_old_format),
    ]
)
@click.pass_obj
def list_(
    run: Invocation,
    /,
    paths: tuple[str, ...],
    details: bool,
    old_details: bool,
    container: str | None,
    account: str | None,
    **options: Any,
) -> None:
    """List folders and containers (default: the default container).

    A folder is shown with what is in it, a file as itself. A pattern (*, ?, [a-z], ** across folders) shows what
    matches it. Rows appear while the rest is still being asked for.
    """
    places = [locate(run, one, container=container, account=account) for one in paths or ("",)]
    show_entries(run, run.store(), places, options, details=details or old_details)


def show_entries(
    run: Invocation, store: ObjectStore, places: Sequence[Location], options: dict[str, Any], *, details: bool
) -> None:
    """List places with the options of `file list`; what cannot be listed of several is told, and fails at the end."""
    chosen = Selection.of(options)
    asked = Asked(
        filters_of(options, options.get("meta") or ()),
        recursive=bool(options.get("recursive")),
        delimiter=options.get("delimiter"),
        marker=chosen.marker,
        limit=None if chosen.by_name else chosen.number,
        literally=bool(options.get("no_glob")),
        full_names=len(places) > 1,
    )
    columns = DETAILS if details else SUMMARY
    empty = f"There is nothing in {places[0]}" if len(places) == 1 else "There is nothing there"
    with Batch("listed", 1) as batch:
        pages = entries(store, places, asked, chosen, batch if len(places) > 1 else None)
        if details and run.output == "table" and not run.layout.columns:
            pages = _with_names(store, pages)
        show_pages(run, pages, columns, empty=empty)


def entries(
    store: ObjectStore, places: Sequence[Location], asked: Asked, chosen: Selection, batch: Batch | None
) -> Iterator[Sequence[Entry]]:
    """The chosen entries of the places, page by page. With a `batch` the failure of one place is counted there."""
    left = chosen.number
    for place in places:
        with batch.tolerating(str(place)) if batch else nullcontext():
            for page in list_place(store, place, asked):
                rows = page
                if chosen.by_name:
                    rows = [one for one in page if chosen.wants(one["name"], one["_name"].rstrip("/"))]
                if left is not None:
                    rows = rows[:left]
                    left -= len(rows)
                yield rows
                if left == 0:
                    return


def _with_names(store: ObjectStore, pages: Iterator[Sequence[Entry]]) -> Iterator[Sequence[Entry]]:
    """Who changed it, by name where the cloud tells; asked once for all the users of a page."""
    from pithosfs.errors import PithosfsError

    for page in pages:
        ids = {str(one["modified_by"]) for one in page if one["modified_by"]}
        try:
            names = store.user_names(sorted(ids)) if ids else {}
        except PithosfsError:
            names = {}
        for one in page:
            one["_modified_by"] = names.get(one["modified_by"], one["modified_by"])
        yield page


@click.command("cat", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option(
            "--range",
            "ranges",
            metavar="RANGE",
            help="Bytes START-END (both included), END, or -N (the last N); several with commas.",
        ),
        click.option("--buffer-blocks", type=click.IntRange(1, 64), default=4, metavar="N", help="Blocks read ahead."),
        version_option,
        *condition_options,
        glob_option,
        place_options,
    ]
)
@click.pass_obj
def cat(
    run: Invocation,
    /,
    paths: tuple[str, ...],
    ranges: str | None,
    buffer_blocks: int,
    object_version: str | None,
    no_glob: bool,
    container: str | None,
    account: str | None,
    **conditions: str | None,
) -> None:
    """Write files to standard output, one after the other."""
    from pithosfs.store.transfers import ObjectSource
    from pithosfs.transfer import download
    from pithosfs_cli.file.ranges import parse_ranges, pieces

    store = run.store()
    places = [locate(run, one, container=container, account=account, object_needed=True) for one in paths]
    wanted = parse_ranges(ranges) if ranges is not None else None
    out = sys.stdout.buffer
    matches = (one for one in expand(store, places, literally=no_glob) if not one.is_folder)
    several = len(places) > 1 or (is_pattern(places[0].name) and not no_glob)
    with Batch("read", 1) as batch:
        for match in matches:
            with batch.tolerating(str(match.place)) if several else nullcontext():
                place, found = look(store, match.place, object_version)
                check(place, found, conditions)
                with addressed(store, place):
                    if wanted is None:
                        download(ObjectSource(store, place.path(store), found), out, connections=buffer_blocks)
                    for start, end in pieces(wanted, found.size, str(place)) if wanted is not None else ():
                        out.write(store.read_range(place.path(store), start, end, found.version))
    out.flush()
