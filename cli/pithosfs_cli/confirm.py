"""Asking before something is deleted."""

from __future__ import annotations

import sys

import click

from pithosfs.errors import UsageError
from pithosfs_cli.errors import Declined
from pithosfs_cli.printable import printable

__all__ = ["ask", "yes_option"]

yes_option = click.option("-y", "--yes", is_flag=True, help="Do it without asking.")


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
