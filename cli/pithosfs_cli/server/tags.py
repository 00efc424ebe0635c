"""`pithosfs server tags`, `tagexists` and `tagstatus`."""

from __future__ import annotations

import click

from pithosfs.errors import NotFound
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.finding import about, find, thing_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import SERVER
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import show, show_list
from pithosfs_cli.services import compute

__all__ = ["tagexists", "tags", "tagstatus"]

_TAGS = [Column("id", "TAG"), Column("status", "STATUS", "status")]
_ABSENT = 1  # the exit code for a tag that is not there

_tag = click.option("-t", "--tag", required=True, metavar="TAG", help="The tag to look for.")


@click.command("tags", cls=Command)
@with_options([thing_argument(SERVER), *list_options(_TAGS)])
@click.pass_obj
def tags(run: Invocation, text: str) -> None:
    """List the tags of a SERVER. One that is not ACTIVE is being set or removed."""
    server = find(run, SERVER, text)
    with about(SERVER, server):
        found = compute(run).list_server_tags(SERVER.id_of(server))
    rows = [{"id": tag, "status": status} for tag, status in found.items()]
    show_list(run, rows, _TAGS, empty=f"{SERVER.label(server)} has no tags")


@click.command("tagexists", cls=Command)
@with_options([thing_argument(SERVER), _tag])
@click.pass_obj
def tagexists(run: Invocation, text: str, tag: str) -> int:
    """Tell whether a SERVER has a tag; the exit code is 1 if it has not."""
    status = _status(run, text, tag)
    if run.output == "table":
        click.echo("yes" if status is not None else "no")
    else:
        show(run, {"tag": tag, "exists": status is not None})
    return 0 if status is not None else _ABSENT


@click.command("tagstatus", cls=Command)
@with_options([thing_argument(SERVER), _tag])
@click.pass_obj
def tagstatus(run: Invocation, text: str, tag: str) -> None:
    """Show the status of a tag of a SERVER."""
    status = _status(run, text, tag)
    if status is None:
        raise NotFound(
            f"the server {text} has no tag {tag!r}", 404, hint=f"see which it has: pithosfs server tags {text}"
        )
    if run.output == "table":
        click.echo(status)
    else:
        show(run, {"tag": tag, "status": status})


def _status(run: Invocation, text: str, tag: str) -> str | None:
    """The status, None when the server has no such tag."""
    server = find(run, SERVER, text)
    try:
        with about(SERVER, server):
            return compute(run).get_server_tag_status(SERVER.id_of(server), tag) or "ACTIVE"
    except NotFound:
        return None
