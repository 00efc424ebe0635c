"""The token of a service, as an option: from the command line, the environment, or standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from pithosfs.errors import UsageError

__all__ = ["VARIABLE", "service_token_option"]

VARIABLE = "PITHOSFS_SERVICE_TOKEN"


def service_token_option(*, required: bool) -> Callable[[Any], Any]:
    """`--service-token`; unless it is required, the cloud's own token is used without it."""
    otherwise = "" if required else "; without either the cloud's own token is used"
    return click.option(
        "--service-token",
        metavar="TOKEN",
        envvar=VARIABLE,
        required=required,
        callback=_read,
        help=f"The token of a registered service (- reads it from standard input), or ${VARIABLE}{otherwise}.",
    )


def _read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value != "-":
        return value
    value = sys.stdin.readline().strip()
    if not value:
        raise UsageError("no token came on standard input", hint=f"give one, or set {VARIABLE}")
    return value
