"""`pithosfs project create` and `modify`: both hand in an application, about which somebody decides."""

from __future__ import annotations

from typing import Any

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.finding import about, find, thing_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import PROJECT
from pithosfs_cli.options import at_least_one, at_most_one
from pithosfs_cli.output import note, show
from pithosfs_cli.project.terms import OPTIONS, term_options, terms
from pithosfs_cli.services import identity

__all__ = ["create", "modify"]


@click.command("create", cls=Command)
@with_options(
    [
        *term_options,
        click.option(
            "--private", type=click.BOOL, metavar="true|false", help="Whether others do not see it (default: false)."
        ),
    ]
)
@click.pass_obj
def create(run: Invocation, /, **options: Any) -> None:
    """Apply for a project. It comes to life once an administrator approves the application.

    It needs --name and --end-date, or a --spec-file with both.
    """
    from pithosfs_cli.completion import things_changed

    wanted = terms(run, options)
    missing = [one for one in ("name", "end_date") if not wanted.get(one)]
    if missing:
        needed = " and ".join(f"--{one.replace('_', '-')}" for one in missing)
        raise UsageError(f"a project needs {needed}", hint="give both, or a --spec-file that says both")
    made = identity(run).create_project(wanted)
    things_changed(run, PROJECT)
    _tell(run, made, f"the project {wanted['name']}")


@click.command("modify", cls=Command)
@with_options(
    [
        thing_argument(PROJECT),
        *term_options,
        click.option("--private", is_flag=True, help="Let others not see it."),
        click.option("--public", is_flag=True, help="Let others see it."),
    ]
)
@click.pass_obj
def modify(run: Invocation, /, text: str, private: bool, public: bool, **options: Any) -> None:
    """Apply for a change of a PROJECT (id or name): only what is given changes, once it is approved."""
    from pithosfs_cli.completion import things_changed

    chosen = {"--private": private, "--public": public}
    at_most_one(chosen)
    at_least_one({**{flag: options[name] for flag, name in OPTIONS.items()}, **chosen})
    options["private"] = private if private or public else None
    wanted = terms(run, options)
    found = find(run, PROJECT, text)
    with about(PROJECT, found):
        made = identity(run).modify_project(found["id"], wanted)
    things_changed(run, PROJECT)
    _tell(run, made, f"a change of the project {PROJECT.name_of(found)}")


def _tell(run: Invocation, made: dict[str, Any], what: str) -> None:
    show(run, made)
    if run.output == "table":
        note(f"The application for {what} waits for an administrator; see how it stands: pithosfs project info")
