"""`pithosfs history …`: the commands that have been run, if the settings say that they are kept."""

from __future__ import annotations

import re

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import Command, Group, with_options
from pithosfs_cli.confirm import ask, dry_run_option, show_plan, yes_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import note, show_list
from pithosfs_cli.past import history_file, past_commands

__all__ = ["history"]

_COLUMNS = [Column("number", "#", "count", width=5), Column("command", "COMMAND")]
_RANGE = re.compile(r"(-?\d+)|(-?\d*):(-?\d*)", re.ASCII)


@click.group(cls=Group)
def history() -> None:
    """The commands that you have run. They are kept once you say so: pithosfs config set history on."""


class _RangeCommand(Command):
    """A command whose argument may begin with a minus sign: `-5:` is the last five."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ranges = [one for one in args if one.startswith("-") and _RANGE.fullmatch(one)]
        if ranges and "--" not in args:
            args = [one for one in args if one not in ranges] + ["--", *ranges]
        return super().parse_args(ctx, args)


@history.command("show", cls=_RangeCommand)
@click.argument("range_", metavar="[RANGE]", required=False)
@with_options(
    [
        click.option("--match", metavar="WORDS", help="Only commands with all of these words."),
        *list_options(_COLUMNS),
    ]
)
@click.pass_obj
def show_(run: Invocation, range_: str | None, match: str | None) -> None:
    """Show past commands: all, or a RANGE of their numbers.

    RANGE is N for one, N:M from N up to before M, N: and :M; -5: are the last five.
    """
    found = list(enumerate(past_commands(run)))
    if range_ is not None:
        found = found[_slice(range_)]
    words = (match or "").split()
    records = [{"number": number, "command": one} for number, one in found if all(word in one for word in words)]
    show_list(run, records, _COLUMNS)
    if not records and run.output == "table":
        kept = str(run.settings(must_exist=False).get("global.history") or "").lower()
        note(
            "There is no such command" if kept else "No commands are kept; to keep them: pithosfs config set history on"
        )


@history.command("clean", cls=Command)
@with_options([yes_option, dry_run_option])
@click.pass_obj
def clean(run: Invocation, yes: bool, dry_run: bool) -> None:
    """Forget all past commands."""
    path = history_file(run)
    count = len(past_commands(run))
    if dry_run:
        show_plan(run, [(f"forget {count} commands", {"action": "clean", "commands": count})])
        return
    if count:
        ask(f"Forget {count} commands?", yes=yes)
    path.unlink(missing_ok=True)


def _slice(text: str) -> slice:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no range of numbers", hint="write N, N:M, N: or :M; -5: are the last five")
    if match[1] is not None:
        start = int(match[1])
        return slice(start, start + 1 or None)
    start_, end = (int(one) if one else None for one in (match[2], match[3]))
    return slice(start_, end)
