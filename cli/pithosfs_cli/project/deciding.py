"""`pithosfs project approve`, `cancel` and the like: what becomes of applications and of projects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from pithosfs.errors import NotFound
from pithosfs_cli.acting import act_on, delete_options, delete_things
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.finding import about, find, find_all, thing_argument, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import PROJECT, Thing
from pithosfs_cli.output import show, show_list
from pithosfs_cli.services import identity

__all__ = ["approve", "cancel", "deny", "dismiss", "reinstate", "suspend", "terminate", "unsuspend"]

_reason = option(
    "--reason", metavar="TEXT", default="", aliases=("--reasons",), help="Why; it is passed on with the action."
)
_application_options = [
    thing_argument(PROJECT),
    option(
        "--app-id",
        type=click.IntRange(1),
        metavar="ID",
        aliases=("--application-id",),
        help="Which application (default: the project's last one).",
    ),
    _reason,
]
_project_options = [things_argument(PROJECT), _reason]

# Applications ---------------------------------------------------------------------------------------------------------


@click.command("approve", cls=Command)
@with_options(_application_options)
@click.pass_obj
def approve(run: Invocation, text: str, app_id: int | None, reason: str) -> None:
    """Approve an application for a PROJECT or a change of it. For administrators."""
    _decide(run, text, "approve", app_id, reason)


@click.command("deny", cls=Command)
@with_options(_application_options)
@click.pass_obj
def deny(run: Invocation, text: str, app_id: int | None, reason: str) -> None:
    """Turn an application for a PROJECT or a change of it down. For administrators."""
    _decide(run, text, "deny", app_id, reason)


@click.command("cancel", cls=Command)
@with_options(_application_options)
@click.pass_obj
def cancel(run: Invocation, text: str, app_id: int | None, reason: str) -> None:
    """Withdraw your own application for a PROJECT or a change of it."""
    _decide(run, text, "cancel", app_id, reason)


@click.command("dismiss", cls=Command)
@with_options(_application_options)
@click.pass_obj
def dismiss(run: Invocation, text: str, app_id: int | None, reason: str) -> None:
    """Put your own application for a PROJECT away after it was denied."""
    _decide(run, text, "dismiss", app_id, reason)


def _decide(run: Invocation, text: str, action: str, app_id: int | None, reason: str) -> None:
    from pithosfs_cli.completion import things_changed

    project = find(run, PROJECT, text)
    ident = PROJECT.id_of(project)
    if app_id is None:
        application = project.get("last_application")
        if not application:
            raise NotFound(
                f"{PROJECT.called(project)} has no application that you may see",
                404,
                hint=f"if you know which one, give --app-id; see: pithosfs project info {ident}",
            )
        app_id = int(application["id"])
    hint = f"see how the application stands: pithosfs project info {ident}"
    with about(PROJECT, project):
        try:
            identity(run).application_action(ident, app_id, action, reason)
        except NotFound as error:
            raise NotFound(f"there is no application {app_id}", 404, hint=hint) from error
    things_changed(run, PROJECT)
    if run.output != "table":
        show(run, {"id": ident, "application": app_id, "action": action})


# projects -------------------------------------------------------------------------------------------------------------


@click.command("suspend", cls=Command)
@with_options(_project_options)
@click.pass_obj
def suspend(run: Invocation, texts: tuple[str, ...], reason: str) -> None:
    """Suspend active projects: nobody gets anything more of them. For administrators."""
    _act(run, texts, "suspend", "suspended", reason)


@click.command("unsuspend", cls=Command)
@with_options(_project_options)
@click.pass_obj
def unsuspend(run: Invocation, texts: tuple[str, ...], reason: str) -> None:
    """Resume suspended projects. For administrators."""
    _act(run, texts, "unsuspend", "resumed", reason)


@click.command("reinstate", cls=Command)
@with_options(_project_options)
@click.pass_obj
def reinstate(run: Invocation, texts: tuple[str, ...], reason: str) -> None:
    """Bring terminated projects back. For administrators."""
    _act(run, texts, "reinstate", "reinstated", reason)


@click.command("terminate", cls=Command)
@with_options([*_project_options, *delete_options])
@click.pass_obj
def terminate(run: Invocation, texts: tuple[str, ...], reason: str, yes: bool, dry_run: bool) -> None:
    """Terminate projects: their members get nothing more of them, and their names are free. For administrators."""
    delete_things(
        run,
        PROJECT,
        texts,
        _action(run, "terminate", reason),
        yes=yes,
        dry_run=dry_run,
        verb="terminate",
        done="terminated",
    )


def _act(run: Invocation, texts: tuple[str, ...], action: str, done: str, reason: str) -> None:
    found = find_all(run, PROJECT, texts)
    act_on(run, PROJECT, found, done, _action(run, action, reason))
    if run.output != "table":
        show_list(
            run, [{"action": done, "id": ident, "name": PROJECT.name_of(one)} for ident, one in found.items()], []
        )


def _action(run: Invocation, action: str, reason: str) -> Callable[[Thing], Any]:
    return lambda one: identity(run).project_action(one["id"], action, reason)
