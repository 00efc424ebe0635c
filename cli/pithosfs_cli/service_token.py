"""The token of a service, as an option: from the command line, the environment, or standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotLoggedIn, UsageError
from pithosfs_cli.services import identity_as

if TYPE_CHECKING:
    from pithosfs.clients.astakos import LoggedAstakosClient
    from pithosfs_cli.invocation import Invocation

__all__ = ["VARIABLE", "as_service", "service_token_option"]

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


@contextmanager
def as_service(run: Invocation, token: str | None) -> Iterator[LoggedAstakosClient]:
    """The identity service, as the service whose token that is; a refusal says where one comes from."""
    try:
        yield identity_as(run, token)
    except NotLoggedIn as error:
        error.hint = f"it takes the token of a service: --service-token, or the variable {VARIABLE}"
        raise


def _read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value != "-":
        return value
    value = sys.stdin.readline().strip()
    if not value:
        raise UsageError("no token came on standard input", hint=f"give one, or set {VARIABLE}")
    return value
