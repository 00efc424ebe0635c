"""Commissions: what a service reserves now and settles later (identity.md section 7).

| commission     | accept         | reject         |
| -------------- | -------------- | -------------- |
| pending        | 200, accepted  | 200, rejected  |
| accepted       | 404            | 404            |
| rejected       | 404            | 404            |
| never issued   | 404            | 404            |
| of another one | 404            | 404            |

One that is resolved is forgotten. The arithmetic is that of 7.4: an increase counts in `usage_max` from the start and
in `usage_min` from its acceptance, a decrease the other way round.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from pithosfs.localcloud.faults import Fault, bad_request, not_found
from pithosfs.localcloud.identity.exchange import Call, iso, microseconds, nothing, only_key, reply
from pithosfs.localcloud.resources import UNLIMITED

__all__ = ["act", "get_commission", "issue", "list_commissions", "resolve_many"]


@dataclass(frozen=True, slots=True)
class Provision:
    """A change of one holding: of `user` in `project`, or with no user of the project as a whole."""

    project: str
    user: str
    resource: str
    quantity: int

    def json(self) -> dict[str, Any]:
        return {
            "holder": f"user:{self.user}" if self.user else f"project:{self.project}",
            "source": f"project:{self.project}" if self.user else None,
            "resource": self.resource,
            "quantity": self.quantity,
        }


class Refused(Exception):
    """A provision that cannot be made; the answer carries the numbers in `data`, where others have `details`."""

    def __init__(self, status: int, error: str, provision: Provision, limit: int = 0, usage: int = 0) -> None:
        super().__init__(error)
        self.status = status
        self.body = {
            {404: "itemNotFound", 413: "overLimit"}[status]: {
                "code": status,
                "message": {
                    "NoCapacityError": "there is not that much left",
                    "NoQuantityError": "there is not that much to give back",
                    "NoHoldingError": "there is no such holding",
                }[error],
                "data": {"name": error, "limit": limit, "usage": usage, "provision": provision.json()},
            }
        }


async def list_commissions(call: Call) -> Response:
    """GET commissions: the serials of one's own that are not resolved."""
    component = call.component()
    return reply(await call.read(lambda connection: _pending(connection, component)))


async def issue(call: Call) -> Response:
    """POST commissions: all provisions, or none."""
    component = call.component()
    body = await call.json()
    provisions = _provisions(body.get("provisions"))
    force, at_once = _flag(body, "force"), _flag(body, "auto_accept")
    name = body.get("name", "")
    if not isinstance(name, str):
        raise bad_request("the name is a text")
    now = microseconds()

    def run(connection: sqlite3.Connection) -> int:
        serial = connection.execute(
            "INSERT INTO commissions (component, name, issued) VALUES (?, ?, ?)", (component, name, now)
        ).lastrowid
        assert serial is not None
        for one in _summed(provisions):
            _reserve(connection, one, force=force)
        connection.executemany(
            "INSERT INTO provisions (serial, place, project, user, resource, quantity) VALUES (?, ?, ?, ?, ?, ?)",
            [(serial, at, one.project, one.user, one.resource, one.quantity) for at, one in enumerate(provisions)],
        )
        if at_once:
            _resolve(connection, component, serial, accept=True)
        return serial

    try:
        return reply({"serial": await call.write(run)}, 201)
    except Refused as refusal:
        return reply(refusal.body, refusal.status)


async def get_commission(call: Call, serial: str) -> Response:
    """GET commissions/<serial>: one of one's own that is not resolved."""
    component = call.component()

    def look_up(connection: sqlite3.Connection) -> dict[str, Any] | None:
        row = connection.execute(
            "SELECT serial, name, issued FROM commissions WHERE serial = ? AND component = ?",
            (_serial(serial), component),
        ).fetchone()
        if row is None:
            return None
        provisions = [one.json() for one in _stored(connection, row[0])]
        return {"serial": row[0], "name": row[1], "issue_time": iso(row[2]), "provisions": provisions}

    found = await call.read(look_up)
    return nothing(404) if found is None else reply(found)


async def act(call: Call, serial: str) -> Response:
    """POST commissions/<serial>/action: accept or reject it."""
    component = call.component()
    accept = only_key(await call.json(), ("accept", "reject")) == "accept"
    found = await call.write(lambda connection: _resolve(connection, component, _serial(serial), accept=accept))
    return nothing(200 if found else 404)


async def resolve_many(call: Call) -> Response:
    """POST commissions/action: accept some and reject others; each for itself."""
    component = call.component()
    body = await call.json()
    accept, reject = _serials(body, "accept"), _serials(body, "reject")

    def run(connection: sqlite3.Connection) -> dict[str, list[Any]]:
        ours = set(_pending(connection, component))
        done: dict[str, list[Any]] = {"accepted": [], "rejected": [], "failed": []}
        for serial in dict.fromkeys((*accept, *reject)):
            if serial in accept and serial in reject:
                done["failed"].append(_failure(serial, bad_request(f"{serial} is both accepted and rejected")))
            elif serial not in ours:
                done["failed"].append(_failure(serial, not_found(f"there is no commission {serial}")))
            else:
                _resolve(connection, component, serial, accept=serial in accept)
                done["accepted" if serial in accept else "rejected"].append(serial)
        return done

    return reply(await call.write(run))


def _failure(serial: int, fault: Fault) -> list[Any]:
    return [serial, {fault.name: {"code": fault.status, "message": fault.message}}]


# the books ------------------------------------------------------------------------------------------------------------


def _reserve(connection: sqlite3.Connection, provision: Provision, *, force: bool) -> None:
    """Raises Refused."""
    key = (provision.project, provision.resource, provision.user)
    row = connection.execute(
        "SELECT capacity, usage_max, usage_min FROM holdings WHERE project = ? AND resource = ? AND user = ?", key
    ).fetchone()
    if row is None:
        raise Refused(404, "NoHoldingError", provision)
    capacity, used, held = row
    quantity = provision.quantity
    if quantity > 0 and used + quantity > (UNLIMITED if force else capacity):
        raise Refused(413, "NoCapacityError", provision, capacity, used)
    if held + quantity < 0:
        raise Refused(413, "NoQuantityError", provision, 0, held)
    column = "usage_max" if quantity > 0 else "usage_min"
    _move(connection, provision, column, quantity)


def _resolve(connection: sqlite3.Connection, component: str, serial: int, *, accept: bool) -> bool:
    """Settle a commission and forget it; whether it was there to be settled."""
    if not connection.execute(
        "SELECT 1 FROM commissions WHERE serial = ? AND component = ?", (serial, component)
    ).fetchone():
        return False
    for one in _summed(_stored(connection, serial)):
        if accept:
            _move(connection, one, "usage_min" if one.quantity > 0 else "usage_max", one.quantity)
        else:
            _move(connection, one, "usage_max" if one.quantity > 0 else "usage_min", -one.quantity)
    connection.execute("DELETE FROM commissions WHERE serial = ?", (serial,))
    return True


def _move(connection: sqlite3.Connection, provision: Provision, column: str, amount: int) -> None:
    connection.execute(
        f"UPDATE holdings SET {column} = max(0, {column} + ?) WHERE project = ? AND resource = ? AND user = ?",  # noqa: S608
        (amount, provision.project, provision.resource, provision.user),
    )


def _pending(connection: sqlite3.Connection, component: str) -> list[int]:
    rows = connection.execute("SELECT serial FROM commissions WHERE component = ? ORDER BY serial", (component,))
    return [serial for (serial,) in rows]


def _stored(connection: sqlite3.Connection, serial: int) -> list[Provision]:
    rows = connection.execute(
        "SELECT project, user, resource, quantity FROM provisions WHERE serial = ? ORDER BY place", (serial,)
    )
    return [Provision(*row) for row in rows]


def _summed(provisions: Sequence[Provision]) -> list[Provision]:
    """One for each holding."""
    sums: dict[tuple[str, str, str], int] = {}
    for one in provisions:
        key = (one.project, one.user, one.resource)
        sums[key] = sums.get(key, 0) + one.quantity
    return [Provision(*key, quantity) for key, quantity in sums.items()]


# what requests say ----------------------------------------------------------------------------------------------------


def _provisions(value: object) -> list[Provision]:
    if not isinstance(value, list):
        raise bad_request("provisions is a list")
    return [_provision(one) for one in value]


def _provision(value: object) -> Provision:
    if not isinstance(value, dict) or not {"holder", "source", "resource", "quantity"} <= value.keys():
        raise bad_request("a provision has holder, source, resource and quantity")
    holder, source, resource, quantity = (value[key] for key in ("holder", "source", "resource", "quantity"))
    if not isinstance(resource, str):
        raise bad_request("the resource of a provision is a name")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or abs(quantity) > UNLIMITED:
        raise bad_request("the quantity of a provision is an integer")
    kind, ident = _entity(holder)
    if kind == "project":
        if source is not None:
            raise bad_request("a project has no source")
        return Provision(ident, "", resource, quantity)
    source_kind, project = _entity(source)
    if source_kind != "project":
        raise bad_request("the source of a user's provision is a project")
    return Provision(project, ident, resource, quantity)


def _entity(value: object) -> tuple[str, str]:
    kind, _, ident = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind not in ("user", "project") or not ident:
        raise bad_request("holders and sources are written user:<id> or project:<id>")
    return kind, ident


def _flag(body: dict[str, Any], key: str) -> bool:
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise bad_request(f"{key} is true or false")
    return value


def _serials(body: dict[str, Any], key: str) -> Mapping[int, None]:
    """Each once, in the order in which they were sent."""
    value = body.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, int) and not isinstance(one, bool) for one in value):
        raise bad_request(f"{key} is a list of serials")
    return dict.fromkeys(value)


def _serial(text: str) -> int:
    """The number in an address; 0, which is nobody's, for one that is too long to be any."""
    return int(text) if len(text) <= 18 else 0
