"""Doing something to one or several things of a kind: each failure told, and waited for at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from pithosfs_cli.batch import Batch
from pithosfs_cli.confirm import ask, dry_run_option, show_plan, yes_option
from pithosfs_cli.finding import about, find_all
from pithosfs_cli.waiting import wait_for

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation
    from pithosfs_cli.kinds import Kind, Thing
    from pithosfs_cli.waiting import Goal, Patience

__all__ = ["act_on", "delete_options", "delete_things"]

delete_options = [yes_option, dry_run_option]


def act_on(
    run: Invocation,
    kind: Kind,
    things: Mapping[str, Thing],
    done: str,
    work: Callable[[Thing], Any],
    *,
    goal: Callable[[Thing], Goal] | None = None,
    patience: Patience | None = None,
    later: Callable[[Thing], str] = lambda _: "",
) -> dict[str, Thing | None]:
    """Do the work for each (id → thing), then wait for each, if there is a goal and patience for it.

    `done` is the participle for the summary, `later` the command that goes on waiting. Returns the things as they are
    then (None: gone), or as they were without waiting. Raises the error of a single one, or Failure at the end when
    some of several failed.
    """
    from pithosfs_cli.completion import things_changed

    after: dict[str, Thing | None] = {}
    with Batch(done, 1) as batch:

        def tolerating(thing: Thing, *, counted: bool) -> AbstractContextManager[None]:
            return nullcontext() if len(things) == 1 else batch.tolerating(kind.label(thing), counted=counted)

        for ident, thing in things.items():
            with tolerating(thing, counted=True):
                with about(kind, thing):
                    work(thing)
                after[ident] = thing
        things_changed(run, kind)
        if goal is not None and patience is not None:
            for ident in list(after):
                thing = things[ident]
                with tolerating(thing, counted=False):
                    after[ident] = wait_for(run, kind, thing, goal(thing), patience, later=later(thing))
    return after


def delete_things(
    run: Invocation,
    kind: Kind,
    things: Sequence[str] | Mapping[str, Thing],
    work: Callable[[Thing], Any],
    *,
    yes: bool,
    dry_run: bool,
    goal: Goal | None = None,
    patience: Patience | None = None,
    verb: str = "delete",
    done: str = "deleted",
    with_it: Callable[[Thing], str] = lambda _: "",
) -> None:
    """Ask, and delete what is given as ids and whole names, or found already (id → thing).

    `with_it` says what goes with one, to be put behind its name. With documents as output, what has become of each is
    printed.
    """
    from pithosfs_cli.output import show_list

    found = things if isinstance(things, Mapping) else find_all(run, kind, things, exact=True)
    called = {ident: kind.called(one) + with_it(one) for ident, one in found.items()}
    if dry_run:
        show_plan(run, [(f"{verb} {called[ident]}", _record(kind, one, verb)) for ident, one in found.items()])
        return
    ask(f"{verb.capitalize()} {'; '.join(called.values())}?", yes=yes)
    act_on(run, kind, found, done, work, goal=None if goal is None else lambda _: goal, patience=patience)
    if run.output != "table":
        show_list(run, [_record(kind, one, done) for one in found.values()], [])


def _record(kind: Kind, thing: Thing, action: str) -> dict[str, Any]:
    return {"action": action, kind.id: thing.get(kind.id), kind.name: thing.get(kind.name)}
