"""The terms of a project as options and as a file, and as the service wants them (identity.md section 8.5)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import option
from pithosfs_cli.dates import DATE
from pithosfs_cli.quotas import parse_amount

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = ["OPTIONS", "TERMS", "term_options", "terms"]

_POLICIES = ("auto", "moderated", "closed")
_FORM = "write RESOURCE=MEMBER,PROJECT, as in cyclades.vm=2,10 or cyclades.ram=4GiB,unlimited"

TERMS = (
    "name",
    "owner",
    "homepage",
    "description",
    "comments",
    "start_date",
    "end_date",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
    "resources",
)
OPTIONS = {
    f"--{name.removesuffix('s') if name == 'resources' else name.replace('_', '-')}": name
    for name in (*(one for one in TERMS if one != "private"), "spec_file")
}
"""Flag → the name of its value."""


class _Amount(click.ParamType[int]):
    name = "amount"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> int:
        return value if isinstance(value, int) else parse_amount(value)


class _Share(click.ParamType[tuple[str, int, int]]):
    """`RESOURCE=MEMBER,PROJECT`."""

    name = "share"

    def convert(
        self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None
    ) -> tuple[str, int, int]:
        if not isinstance(value, str):
            return tuple(value)
        resource, equals, amounts = value.partition("=")
        member, comma, project = amounts.partition(",")
        if not (resource and equals and comma):
            raise UsageError(f"{value!r} does not say what is shared out", hint=_FORM)
        each, whole = parse_amount(member), parse_amount(project)
        if each > whole:
            raise UsageError(f"{value!r} gives a member more than the project", hint=_FORM)
        return resource, each, whole


def _choose(name: str, help: str) -> Callable[[Any], Any]:
    return option(name, type=click.Choice(_POLICIES, case_sensitive=False), help=help)


term_options = [
    option("--name", metavar="NAME", help="Its name, in the form of a domain: genomics.example.org."),
    option("--end-date", type=DATE, metavar="DATE", help="When it ends."),
    option("--start-date", type=DATE, metavar="DATE", help="When it starts (default: once it is approved)."),
    option("--owner", metavar="USER", help="Whose it is (id or name; default: you)."),
    option("--description", metavar="TEXT", help="What it is for."),
    option("--homepage", metavar="URL", help="Its web page."),
    option("--comments", metavar="TEXT", help="For those who decide about the application."),
    _choose("--join-policy", "How users get in: at once, after being accepted, not at all (default: moderated)."),
    _choose("--leave-policy", "How they get out (default: auto)."),
    option("--max-members", type=_Amount(), metavar="N", help="How many there may be, or unlimited."),
    option(
        "--resource",
        "resources",
        type=_Share(),
        multiple=True,
        metavar="RESOURCE=MEMBER,PROJECT",
        help="What each member and the whole project may use, as in cyclades.ram=4GiB,16GiB; may be repeated.",
    ),
    option(
        "--spec-file",
        metavar="FILE",
        help="Terms as JSON (- is standard input); options go before what it says.",
    ),
]


def terms(run: Invocation, given: dict[str, Any]) -> dict[str, Any]:
    """The terms in a file, if any, and over them those given as options. Raises UsageError."""
    spec_file, resources = given.pop("spec_file"), given.pop("resources")
    found = _read(spec_file) if spec_file else {}
    found |= {key: value for key, value in given.items() if value is not None}
    for key in ("start_date", "end_date"):
        if isinstance(found.get(key), int):
            found[key] = datetime.fromtimestamp(found[key], UTC).isoformat()
    if given["owner"] is not None:
        from pithosfs_cli.users import user_id

        found["owner"] = user_id(run, given["owner"])
    if resources:
        found["resources"] = {**(found.get("resources") or {}), **_shares(resources)}
    return found


def _shares(resources: Sequence[tuple[str, int, int]]) -> dict[str, dict[str, int]]:
    return {name: {"member_capacity": each, "project_capacity": whole} for name, each, whole in resources}


def _read(name: str) -> dict[str, Any]:
    """Terms from a file. Raises UsageError for what is no JSON object of terms."""
    text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}", hint=_example()) from None
    unknown = [key for key in found if key not in TERMS] if isinstance(found, dict) else ["a list or a bare value"]
    if unknown:
        raise UsageError(f"{name} has what is no term of a project: {', '.join(unknown)}", hint=_example())
    return dict(found)


def _example() -> str:
    return f"write one object with some of: {', '.join(TERMS)}"
