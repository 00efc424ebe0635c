"""What the tables hold, as values, and finding it for those who may see it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pithosfs.localcloud.compute.states import Situation, situation
from pithosfs.localcloud.faults import not_found
from pithosfs.localcloud.sandbox.owners import visible
from pithosfs.localcloud.sandbox.tasks import Task, pending
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "SERVER_TASK",
    "Flavor",
    "Held",
    "Server",
    "all_flavors",
    "find_flavor",
    "find_server",
    "server_by_id",
    "visible_servers",
]

SERVER_TASK = "server"
"""The kind of the tasks that servers have."""


@dataclass(frozen=True, slots=True)
class Flavor:
    """A size of servers. `ram` in MiB, `disk` in GiB; `template` is the name of the volume type."""

    id: int
    vcpus: int
    ram: int
    disk: int
    volume_type: int
    allow_create: bool
    template: str

    @property
    def name(self) -> str:
        return f"C{self.vcpus}R{self.ram}D{self.disk}{self.template}"

    @property
    def ram_bytes(self) -> int:
        return self.ram * 2**20


@dataclass(frozen=True, slots=True)
class Held:
    """What is charged for a server: CPUs and bytes of RAM, of all servers and of running ones."""

    total_cpu: int
    total_ram: int
    cpu: int
    ram: int


@dataclass(frozen=True, slots=True)
class Server:
    """Times in microseconds. `task` is what is under way."""

    id: int
    name: str
    user: str
    project: str
    shared: bool
    status: str
    flavor: int
    image: str
    suspended: bool
    progress: int
    password: str | None
    keys: Sequence[str]
    metadata: Mapping[str, str]
    tags: Mapping[str, int]
    created: int
    updated: int
    built: int | None
    held: Held
    task: Task | None

    @property
    def situation(self) -> Situation:
        return situation(self.status, busy=self.task is not None, suspended=self.suspended)


# servers --------------------------------------------------------------------------------------------------------------


def visible_servers(turn: Turn, user: str, condition: str = "1", *values: object) -> list[Server]:
    """Servers (`s`) that a user sees and that fulfil a condition, by id."""
    seen, given = visible(turn, user, "s")
    return _servers(turn, f"{seen} AND {condition}", *given, *values)


def find_server(turn: Turn, user: str, ident: int) -> Server:
    """A server that a user sees, also a deleted one. Raises Fault 404."""
    found = visible_servers(turn, user, "s.id = ?", ident)
    if not found:
        raise not_found("there is no such server")
    return found[0]


def server_by_id(turn: Turn, ident: int) -> Server:
    """A server that must be there, whoever sees it."""
    return _servers(turn, "s.id = ?", ident)[0]


def _servers(turn: Turn, condition: str, *values: object) -> list[Server]:
    rows = turn.rows(f"SELECT s.* FROM servers s WHERE {condition} ORDER BY s.id", *values)  # noqa: S608
    return [_server(row, pending(turn, SERVER_TASK, row["id"])) for row in rows]


def _server(row: sqlite3.Row, task: Task | None) -> Server:
    return Server(
        row["id"],
        row["name"],
        row["user"],
        row["project"],
        bool(row["shared"]),
        row["status"],
        row["flavor"],
        row["image"],
        bool(row["suspended"]),
        row["progress"],
        row["password"],
        json.loads(row["keys"]),
        json.loads(row["metadata"]),
        json.loads(row["tags"]),
        row["created"],
        row["updated"],
        row["built"],
        Held(row["held_total_cpu"], row["held_total_ram"], row["held_cpu"], row["held_ram"]),
        task,
    )


# flavors --------------------------------------------------------------------------------------------------------------


def all_flavors(turn: Turn) -> list[Flavor]:
    return _flavors(turn, "1")


def find_flavor(turn: Turn, ident: int) -> Flavor:
    """Raises Fault 404."""
    found = _flavors(turn, "f.id = ?", ident)
    if not found:
        raise not_found("there is no such flavor")
    return found[0]


def _flavors(turn: Turn, condition: str, *values: object) -> list[Flavor]:
    rows = turn.rows(
        "SELECT f.*, t.name FROM flavors f"  # noqa: S608
        f" JOIN volume_types t ON t.id = f.volume_type WHERE {condition} ORDER BY f.id",
        *values,
    )
    return [
        Flavor(
            row["id"], row["vcpus"], row["ram"], row["disk"], row["volume_type"], bool(row["allow_create"]), row["name"]
        )
        for row in rows
    ]
