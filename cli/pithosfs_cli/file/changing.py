"""`pithosfs file delete`: changes to what is in the cloud, without moving content."""

from __future__ import annotations

import click

from pithosfs_cli.addressing import complete_place, locate, place_options
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.confirm import yes_option
from pithosfs_cli.invocation import Invocation

__all__ = ["delete"]


@click.command("delete", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option("-r", "--recursive", is_flag=True, help="Delete folders with everything in them."),
        yes_option,
        click.option("--dry-run", is_flag=True, help="Only say what would be deleted."),
        place_options,
    ]
)
@click.pass_obj
def delete(
    run: Invocation,
    paths: tuple[str, ...],
    recursive: bool,
    yes: bool,
    dry_run: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Delete files and folders. Old versions of them are kept."""
    from pithosfs_cli.file.deleting import delete_all

    places = [locate(run, one, container=container, account=account) for one in paths]
    delete_all(run, places, recursive=recursive, yes=yes, dry_run=dry_run)
