"""`pithosfs file copy`, `move`, `delete`, `purge` and `restore`: changes that move no content over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pithosfs.errors import UsageError
from pithosfs_cli.addressing import complete_place, locate, place_options
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.confirm import dry_run_option, show_plan, yes_option
from pithosfs_cli.dates import DATE
from pithosfs_cli.globbing import expand, glob_option
from pithosfs_cli.invocation import Invocation

if TYPE_CHECKING:
    from pithosfs_cli.locations import Location

__all__ = ["copy", "delete", "move", "purge", "restore"]

_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})


class _PublicCommand(Command):
    """A command with `--public`, after which the older client wanted a word: one that says yes or no belongs to it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for at in range(len(args) - 1, -1, -1):
            if args[at] == "--public":
                following = args[at + 1 : at + 2]
                said = bool(following) and following[0].lower() in _BOOLEANS
                args = [*args[:at], f"--public={following[0] if said else 'true'}", *args[at + 1 + said :]]
        return super().parse_args(ctx, args)


_relocating_options = [
    click.option("-r", "--recursive", is_flag=True, help="Take folders with everything in them."),
    click.option("-f", "--force", is_flag=True, help="Replace files that exist; their old versions and sharing stay."),
    click.option("--content-type", metavar="TYPE", help="Give the files this type."),
    click.option("--public", type=click.BOOL, default=False, metavar="", help="Publish the files and print the links."),
    click.option("--source-version", metavar="ID", help="This version of a file instead of the newest."),
    click.option("--object-version", "old_version", metavar="ID", hidden=True),
    click.option("--to-account", metavar="USER", help="To this user's account (id or name)."),
    click.option("--to-container", metavar="NAME", help="To this container."),
    dry_run_option,
    glob_option,
    place_options,
]


@click.command("copy", cls=_PublicCommand)
@click.argument("paths", metavar="SOURCE... [TARGET]", nargs=-1, required=True, shell_complete=complete_place)
@with_options(_relocating_options)
@click.pass_obj
def copy(run: Invocation, /, **options: object) -> None:
    """Copy files and folders on the cloud; no content is moved over the network.

    What TARGET does not name, container or path, is the same as of SOURCE. A file goes into TARGET when that is a
    folder or ends with a slash; a folder becomes TARGET. What is the same there already is left alone, so an
    interrupted copy can be repeated. Sharing is not copied.
    """
    _relocate(run, move=False, **options)  # type: ignore[arg-type]


@click.command("move", cls=_PublicCommand)
@click.argument("paths", metavar="SOURCE... [TARGET]", nargs=-1, required=True, shell_complete=complete_place)
@with_options(_relocating_options)
@click.pass_obj
def move(run: Invocation, /, **options: object) -> None:
    """Move or rename files and folders on the cloud, with their sharing.

    TARGET is as in `pithosfs file copy`. Public links change. An interrupted move can be repeated. With
    --source-version TARGET becomes what SOURCE was in that version. The history stays at the old name.
    """
    _relocate(run, move=True, **options)  # type: ignore[arg-type]


def _relocate(
    run: Invocation,
    *,
    move: bool,
    paths: tuple[str, ...],
    recursive: bool,
    force: bool,
    content_type: str | None,
    public: bool,
    source_version: str | None,
    old_version: str | None,
    to_account: str | None,
    to_container: str | None,
    dry_run: bool,
    no_glob: bool,
    container: str | None,
    account: str | None,
) -> None:
    from pithosfs_cli.file.relocating import Destination, Request, decide
    from pithosfs_cli.file.relocation import carry_out, planned

    if len(paths) < 2 and not (to_account or to_container):
        raise UsageError(
            f"where is {paths[0]!r} to go?", hint="name the target last, or with --to-container or --to-account"
        )
    *sources, target = paths if len(paths) > 1 else (*paths, None)
    store = run.store()
    places = [locate(run, str(one), container=container, account=account) for one in sources]
    matches = list(expand(store, places, literally=no_glob))
    destination = Destination.read(run, target, to_account, to_container)
    request = Request(move, force, recursive, content_type, public, source_version or old_version)
    several = len(places) > 1 or any(one.place not in places for one in matches)
    plan = decide(store, matches, destination, request, several=several)
    if dry_run:
        show_plan(run, planned(store, plan, request))
    else:
        carry_out(run, store, plan, request)


@click.command("delete", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option("-r", "--recursive", is_flag=True, help="Delete folders with everything in them."),
        click.option("--delimiter", metavar="TEXT", help="Delete everything too whose name goes on with TEXT."),
        click.option("--until", type=DATE, metavar="DATE", hidden=True),
        yes_option,
        dry_run_option,
        glob_option,
        place_options,
    ]
)
@click.pass_obj
def delete(
    run: Invocation,
    paths: tuple[str, ...],
    recursive: bool,
    delimiter: str | None,
    until: int | None,
    yes: bool,
    dry_run: bool,
    no_glob: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Delete files and folders. Old versions of them are kept: pithosfs file restore brings them back."""
    from pithosfs_cli.file.deleting import delete_all

    places = [locate(run, one, container=container, account=account) for one in paths]
    found = [one.place for one in expand(run.store(), places, literally=no_glob)]
    if until is not None:
        # The older client's words for destroying history. It deleted the object instead; here that never happens.
        if recursive or delimiter:
            raise UsageError("--until is for old versions of single files", hint="see: pithosfs container purge --help")
        _purge(run, found, until, yes=yes, dry_run=dry_run)
        return
    delete_all(run, found, recursive=recursive, delimiter=delimiter, yes=yes, dry_run=dry_run)


@click.command("purge", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option("--until", type=DATE, metavar="DATE", help="Versions made up to this date."),
        click.option("--all-versions", is_flag=True, help="All versions but the present one."),
        yes_option,
        dry_run_option,
        glob_option,
        place_options,
    ]
)
@click.pass_obj
def purge(
    run: Invocation,
    paths: tuple[str, ...],
    until: int | None,
    all_versions: bool,
    yes: bool,
    dry_run: bool,
    no_glob: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Destroy old versions of files for good, those of deleted files too. The present version always stays."""
    if (until is None) == (not all_versions):
        raise UsageError("which versions are to be destroyed?", hint="give either --until DATE or --all-versions")
    places = [locate(run, one, container=container, account=account, object_needed=True) for one in paths]
    found = [one.place for one in expand(run.store(), places, literally=no_glob)]
    _purge(run, found, until, yes=yes, dry_run=dry_run)


def _purge(run: Invocation, places: list[Location], until: int | None, *, yes: bool, dry_run: bool) -> None:
    from pithosfs_cli.file.purging import purge_all

    purge_all(run, places, until, yes=yes, dry_run=dry_run)


@click.command("restore", cls=Command)
@click.argument("path", shell_complete=complete_place)
@with_options(
    [
        click.option("--version", "version", metavar="ID", help="This version: pithosfs file versions shows which."),
        click.option("--at", type=DATE, metavar="DATE", help="What it was at this date."),
        click.option("-r", "--recursive", is_flag=True, help="A folder or container with everything in it, with --at."),
        click.option("--to", metavar="PLACE", help="As a new file or folder, PATH staying as it is."),
        dry_run_option,
        place_options,
    ]
)
@click.pass_obj
def restore(
    run: Invocation,
    path: str,
    version: str | None,
    at: int | None,
    recursive: bool,
    to: str | None,
    dry_run: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Make what a file once was its newest version, also of a deleted file: content, type and metadata.

    With --recursive everything below a folder becomes what it was then; what has come since stays.
    """
    from pithosfs_cli.file.restoring import decide, restore_all

    if (version is None) == (at is None):
        raise UsageError("what is to be restored?", hint="give either --version ID or --at DATE")
    if recursive and version is not None:
        raise UsageError("a version is one file's", hint="restore a folder with --recursive --at DATE")
    place = locate(run, path, container=container, account=account, object_needed=not recursive)
    target = None if to is None else locate(run, to, container=container or place.container, account=account)
    steps = decide(run.store(), place, target, version=version, at=at, recursive=recursive)
    if dry_run:
        show_plan(run, [(str(one), one.record()) for one in steps])
    else:
        restore_all(run, steps)
