"""From words on the command line to objects on the cloud, with errors that name what was addressed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import (
    BadReply,
    ClientError,
    Conflict,
    NoConnection,
    NotAllowed,
    NotFound,
    PithosfsError,
    QuotaExceeded,
    UsageError,
)
from pithosfs_cli.command import with_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location, account_id, parse_location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = [
    "account_option",
    "addressed",
    "complete_place",
    "complete_user",
    "ensure_container",
    "is_default_container",
    "locate",
    "locate_container",
    "look",
    "place_options",
]


def complete_place(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Completion of a place in the object store."""
    from pithosfs_cli.completion import place_names

    return place_names(context, incomplete)


def complete_user(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Completion of a user: those who share something."""
    from pithosfs_cli.completion import user_names

    return user_names(context, incomplete)


account_option = click.option(
    "-A",
    "--account",
    metavar="USER",
    shell_complete=complete_user,
    help="Of this user (id or name) instead of your own.",
)
place_options = with_options(
    [
        click.option("-C", "--container", metavar="NAME", help="The container of a path that names none."),
        account_option,
    ]
)


def locate(
    run: Invocation,
    text: str,
    *,
    container: str | None = None,
    account: str | None = None,
    object_needed: bool = False,
) -> Location:
    """Read a place, its account's name turned into an id. Raises UsageError, NotFound for an unknown user."""
    default = run.cloud().container
    found = parse_location(text, default, container=container, account=account, object_needed=object_needed)
    if found.account is None:
        uuid = run.cloud().options.get("pithos_uuid")
        return found if not uuid else Location(uuid, found.container, found.name)
    return Location(account_id(run.store(), found.account), found.container, found.name)


def locate_container(run: Invocation, text: str, *, account: str | None = None) -> Location:
    """Read a container: its bare name, or any form of a place that names nothing inside. The account that the text
    names wins over `account`. Raises UsageError, NotFound for an unknown user."""
    found = parse_location(text if text.startswith(("/", "pithos://")) else f"/{text}", "", account=account)
    if not found.container or found.name:
        raise UsageError(f"{text!r} is not the name of a container", hint="write NAME, /NAME or pithos://ACCOUNT/NAME")
    if found.account is None:
        uuid = run.cloud().options.get("pithos_uuid")
        return Location(uuid or None, found.container, "")
    return Location(account_id(run.store(), found.account), found.container, "")


def is_default_container(run: Invocation, text: str, location: Location) -> bool:
    """Whether a place is in the user's own default container, without naming it."""
    named = text.startswith("/") and not text.startswith("//")
    return not named and location.account is None and location.container == run.cloud().container


@contextmanager
def addressed(store: ObjectStore, location: Location) -> Iterator[None]:
    """Errors inside tell which container or object it was about, and where to look."""
    try:
        yield
    except NotFound as error:
        if f" {location}" in error.message:  # it has been said what is missing of it, not only a request's address
            raise
        if location.name and _has_container(store, location):
            raise NotFound(
                f"there is no {location}",
                error.status,
                hint=f"see what is there: pithosfs file list {_quoted(location.named(''))}",
            ) from error
        raise NotFound(
            f"there is no container {location.container!r}"
            + (f" of the account {location.account}" if location.account else ""),
            error.status,
            hint=f"see what you may see: pithosfs container list -A {location.account}"
            if location.account
            else f"make it: pithosfs container create {_quoted(location.container)}",
        ) from error
    except NotAllowed as error:
        raise NotAllowed(
            f"you may not do that with {location}", error.status, hint="ask the owner to share it with you"
        ) from error
    except QuotaExceeded as error:
        # The body's fault name tells a container's limit from a project's, but not every server sends one.
        error.message = _told(location, error.message)
        error.hint = (
            f"free some space, or see the limits: pithosfs container info {_quoted(location.container)} --size-limit, "
            "and pithosfs user info"
        )
        raise
    except (ClientError, NoConnection, BadReply) as error:
        error.message = _told(location, error.message)
        raise


def _told(location: Location, message: str) -> str:
    """What happened, and to what."""
    return message if str(location) in message else f"{location}: {message}"


def look(store: ObjectStore, location: Location, version: str | None = None) -> tuple[Location, ObjectInfo]:
    """The object at a place; a closing slash that is not part of a name is forgiven. Raises NotFound."""
    try:
        with addressed(store, location):
            try:
                return location, store.head(location.path(store), version)
            except NotFound:
                bare = location.named(location.name.rstrip("/"))
                if bare.name in ("", location.name):
                    raise
                return bare, store.head(bare.path(store), version)
    except NotFound as error:
        if version is None:
            raise
        raise NotFound(
            f"{location} has no version {version}",
            error.status,
            hint=f"see which there are: pithosfs file versions {_quoted(location)}",
        ) from error


def ensure_container(store: ObjectStore, location: Location) -> bool:
    """Make the container of a place if the own account has none of that name; says whether it did."""
    from pithosfs_cli.output import note

    if _has_container(store, location):
        return False
    with suppress(Conflict):  # somebody else made it just now
        store.create_container(location.container)
    note(f"Made the container {location.container}")
    return True


def _has_container(store: ObjectStore, location: Location) -> bool:
    try:
        store.container(location.container, location.account)
    except NotFound:
        return False
    except PithosfsError:
        return True  # it is there, or it cannot be told: the first error says more
    return True


def _quoted(place: Location | str) -> str:
    import shlex

    return shlex.quote(str(place))
