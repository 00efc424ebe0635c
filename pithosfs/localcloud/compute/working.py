"""Beginning what is done to a server: whether its state allows it, and the task that stands for it while it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithosfs.localcloud.compute.model import SERVER_TASK, Server
from pithosfs.localcloud.compute.states import Action, status_after
from pithosfs.localcloud.sandbox.tasks import schedule
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["begin", "require", "touch"]


def require(server: Server, action: Action) -> str:
    """The status that the server will have after an action. Raises Fault 400, 403, 409 when it cannot be done now."""
    return status_after(server.situation, action, server.status)


def begin(turn: Turn, server: Server, action: Action, argument: Mapping[str, Any] | None = None) -> None:
    """Begin an action that takes a while; `require` has allowed it or does so now."""
    after = require(server, action)
    schedule(turn, SERVER_TASK, server.id, action.name, {**(argument or {}), "after": after})
    touch(turn, server.id)


def touch(turn: Turn, ident: int) -> None:
    """Note that a server has changed."""
    turn.run("UPDATE servers SET updated = ? WHERE id = ?", turn.now, ident)
