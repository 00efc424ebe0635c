"""Asking before something is deleted, and showing what would be done instead of doing it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from pithosfs.errors import UsageError
from pithosfs_cli.errors import Declined
from pithosfs_cli.printable import printable

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation
    from pithosfs_cli.output import Record

__all__ = ["ask", "dry_run_option", "show_plan", "yes_option"]

yes_option = click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


def ask(question: str, *, yes: bool) -> None:
    """Return when the answer is yes. Raises Declined when it is not, UsageError when nobody can be asked.

    The question goes to standard error, so that results on standard output stay clean.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"this needs a confirmation: {question}", hint="there is no terminal to ask on; add --yes if you mean it"
        )
    try:
        agreed = click.confirm(printable(question), default=False, err=True)
    except click.Abort:  # the end of the input; an interrupt comes as KeyboardInterrupt below
        click.echo(err=True)
        raise
    if not agreed:
        raise Declined("nothing was done", hint="")


def show_plan(run: Invocation, steps: Iterable[tuple[str, Record]]) -> None:
    """The result of `--dry-run`: each step as a line that follows "Would", or as a record."""
    if run.output != "table":
        from pithosfs_cli.output import show_list

        show_list(run, [record for _, record in steps], [])
        return
    for what, _ in steps:
        click.echo(f"Would {printable(what)}")
