"""What a server has to be for something to be done with it, and when it has become what it should be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from pithosfs.errors import BadRequest, ClientError, Conflict, NotAllowed, NotFound
from pithosfs_cli.kinds import SERVER, Thing
from pithosfs_cli.server.records import shown_status, task_of
from pithosfs_cli.waiting import Goal

__all__ = ["RUNNING", "SETTLED", "STOPPED", "has_status", "needs", "settled"]

RUNNING = ("ACTIVE",)
STOPPED = ("STOPPED", "SHUTOFF")
SETTLED = (*RUNNING, *STOPPED)


@contextmanager
def needs(server: Thing | Callable[[], Thing], statuses: Collection[str]) -> Iterator[None]:
    """What the cloud refuses inside because of the state of the server is told as that, with the way out.

    `statuses` are those in which it would have been done. The cloud decides; this only explains. The server may be
    something that asks for it, which is then done only if there is something to explain.
    """
    try:
        yield
    except (BadRequest, Conflict, NotAllowed) as error:
        explained = _refusal(server() if callable(server) else server, statuses)
        if explained is None:
            raise
        raise explained from error


def _refusal(server: Thing, statuses: Collection[str]) -> ClientError | None:
    """Why nothing can be done with the server as it is; None when it is not for its state, or there is no server."""
    if not server:
        return None
    ident, called = SERVER.id_of(server), SERVER.called(server)
    status, task = str(server.get("status")), task_of(server)
    if status == "DELETED":
        return NotFound(f"{called} is deleted", 404, hint="see which there are: pithosfs server list")
    if server.get("suspended"):
        return NotAllowed(f"{called} is suspended by the administrator", 403, hint="ask whoever runs the cloud why")
    if status == "BUILD":
        return Conflict(f"{called} is still being built", 409, hint=f"wait for it: pithosfs server wait {ident}")
    if task:
        return Conflict(
            f"{called} is busy: it is {task}", 409, hint=f"try again when it is not: pithosfs server info {ident}"
        )
    if status == "ERROR":
        return Conflict(
            f"{called} has failed (ERROR)",
            409,
            hint=f"see why: pithosfs server info {ident} --diagnostics; get rid of it: pithosfs server delete {ident}",
        )
    if status in statuses:
        return None
    if status in RUNNING:
        way = "stop it first: pithosfs server shutdown"
    elif status in STOPPED:
        way = "start it first: pithosfs server start"
    else:
        return Conflict(f"{called} is {status}", 409, hint=f"look at it: pithosfs server info {ident}")
    return Conflict(f"{called} is {status}", 409, hint=f"{way} {ident} --wait")


def _percent(server: Thing) -> int | None:
    progress: Any = server.get("progress")
    return progress if server.get("status") == "BUILD" and isinstance(progress, int) else None


def has_status(server: Thing | None, *statuses: str) -> bool:
    return server is not None and str(server.get("status")).upper() in statuses


def settled(server: Thing, *statuses: str) -> Goal:
    """That the server is in one of these and nothing is being done to it any more."""
    return Goal(
        reached=lambda now: has_status(now, *statuses) and now is not None and not task_of(now),
        failed=lambda now: now is None or (has_status(now, "ERROR", "DELETED") and not task_of(now)),
        says=shown_status,
        percent=_percent,
        remedy=f"see why: pithosfs server info {SERVER.id_of(server)} --diagnostics",
    )
