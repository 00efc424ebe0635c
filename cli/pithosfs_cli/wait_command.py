"""`pithosfs server wait`, `port wait`, `volume wait`: until a thing leaves or reaches a status."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.finding import find_all, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import Kind, Thing
from pithosfs_cli.options import at_most_one
from pithosfs_cli.output import note, show_list
from pithosfs_cli.waiting import Goal, Patience, bar_option, timeout_option

__all__ = ["wait_command"]

_TIMEOUT = 60.0  # seconds


def wait_command(kind: Kind, statuses: Sequence[str], first: str) -> click.Command:
    """The command for one kind of things; `first` is the status that is left when nothing else is said."""
    choice = click.Choice(statuses, case_sensitive=False)
    command = f"{kind.listing.partition(' ')[0]} wait"

    @click.command("wait", cls=Command, short_help=f"Wait until a {kind.noun} leaves or reaches a status.")
    @with_options(
        [
            things_argument(kind),
            option("--until", type=choice, metavar="STATUS", help="Until it is in this status."),
            option(
                "--while",
                "while_",
                type=choice,
                metavar="STATUS",
                aliases=("--status",),
                help=f"As long as it is in this status (default: {first}).",
            ),
            timeout_option(_TIMEOUT),
            bar_option,
        ]
    )
    @click.pass_obj
    def wait(
        run: Invocation,
        texts: tuple[str, ...],
        until: str | None,
        while_: str | None,
        timeout: float,
        no_progress_bar: bool,
    ) -> None:
        from pithosfs_cli.acting import act_on

        at_most_one({"--until": until, "--while": while_})
        if timeout <= 0:
            raise UsageError("there is no time to wait in", hint="give a --timeout above 0")
        goal = _until(kind, until) if until else _while(kind, while_ or first)
        how = f"--until {until}" if until else f"--while {while_ or first}"
        after = act_on(
            run,
            kind,
            find_all(run, kind, texts),
            "as they should be",
            None,
            goal=lambda _: goal,
            patience=Patience(timeout, no_progress_bar),
            later=lambda thing: f"{command} {kind.id_of(thing)} {how} --timeout {timeout * 10:g}",
        )
        if run.output != "table":
            keys = (kind.id, kind.name, "status")
            show_list(run, [{key: one.get(key) for key in keys} for one in after.values() if one is not None], [])
            return
        for ident, thing in after.items():
            note(f"{ident} is gone" if thing is None else f"{kind.label(thing)} is {thing.get('status')}")

    wait.help = (
        f"Wait until {kind.noun}s leave or reach a status.\n\n"
        f"Statuses are {', '.join(statuses)}. One that has failed is not waited for any longer."
    )
    return wait


def _until(kind: Kind, target: str) -> Goal:
    from pithosfs.clients.waiting import same_status

    def reached(thing: Thing | None) -> bool:
        return _is(thing, target)

    def failed(thing: Thing | None) -> bool:
        status = _status(thing)
        return same_status(status, "DELETED") or (
            status.upper().startswith("ERROR") and not same_status(target, "DELETED")
        )

    return Goal(reached, failed, remedy=_remedy(kind))


def _while(kind: Kind, current: str) -> Goal:
    def failed(thing: Thing | None) -> bool:
        return _status(thing).upper().startswith("ERROR") and not _is(thing, current)

    def reached(thing: Thing | None) -> bool:
        return not _is(thing, current) and not failed(thing)

    return Goal(reached, failed, remedy=_remedy(kind))


def _status(thing: Thing | None) -> str:
    """What is not there any more counts as deleted."""
    return "DELETED" if thing is None else str(thing.get("status"))


def _is(thing: Thing | None, status: str) -> bool:
    from pithosfs.clients.waiting import same_status

    return same_status(_status(thing), status)


def _remedy(kind: Kind) -> str:
    return f"look at it: pithosfs {kind.info}"
