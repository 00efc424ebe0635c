"""The vocabulary of the tables of compute, network, image and volume: requests with JSON bodies, and waiting.

A path begins with the service: `network/ports/{port}`, `compute/servers`. Text may name things in braces, filled in
when the row runs; what rows begin with is made, or looked up, by `things`. Bodies are JSON values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.rows import Row, each, row
from conformance.wire import Answer

__all__ = [
    "ABSENT",
    "ANY",
    "Row",
    "ServiceStep",
    "at",
    "call",
    "delete",
    "each",
    "get",
    "has",
    "head",
    "ident",
    "lacks",
    "post",
    "put",
    "row",
    "until",
    "wrong",
]

ABSENT = object()
"""In an expectation: the member is not there."""


def ANY(value: object) -> bool:
    """In an expectation: whatever it is."""
    return True


@dataclass(frozen=True, slots=True)
class ServiceStep:
    """One request, and what its answer must be.

    `like` is held against the JSON body: of an object the members that it names, of a list all items; a text is equal
    once it is filled in, a function must say yes, a type must be the value's. No statuses: any success. `patient`: the
    request is repeated until the answer is like that.
    """

    method: str
    path: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    by: str = "me"
    statuses: tuple[int, ...] = ()
    fault: str | tuple[str, ...] | None = None
    like: Any = ANY
    empty: bool = False
    shown: Mapping[str, Any] = field(default_factory=dict)
    save: Mapping[str, Callable[[Answer], str]] = field(default_factory=dict)
    patient: bool = False

    def gives(
        self,
        *statuses: int,
        fault: str | tuple[str, ...] | None = None,
        like: Any = ANY,
        empty: bool = False,
        shown: Mapping[str, Any] | None = None,
        save: Mapping[str, Callable[[Answer], str]] | None = None,
    ) -> ServiceStep:
        """The same request with what its answer must be. `empty`: without a body; `shown` are headers."""
        return replace(self, statuses=statuses, fault=fault, like=like, empty=empty, shown=shown or {}, save=save or {})

    def saves(self, **save: str) -> ServiceStep:
        """Keep parts of a successful answer, by their dotted paths, under these names."""
        return replace(self, save={name: at(path) for name, path in save.items()})


def call(method: str, path: str, body: Any = None, *, by: str = "me", **headers: str) -> ServiceStep:
    """Any request. A body goes as JSON; header names have `_` for `-`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    if text is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = "application/json"
    return ServiceStep(method, path, text, sent, by)


def head(path: str, **more: Any) -> ServiceStep:
    return call("HEAD", path, **more)


def get(path: str, **more: Any) -> ServiceStep:
    return call("GET", path, **more)


def post(path: str, body: Any = None, **more: Any) -> ServiceStep:
    return call("POST", path, body, **more)


def put(path: str, body: Any = None, **more: Any) -> ServiceStep:
    return call("PUT", path, body, **more)


def delete(path: str, **more: Any) -> ServiceStep:
    return call("DELETE", path, **more)


def until(path: str, like: Any = ANY, *statuses: int, **more: Any) -> ServiceStep:
    """Ask again and again until the answer is like that (with one of these statuses; none: 200)."""
    return replace(get(path, **more), like=like, statuses=statuses or (200,), patient=True)


def wrong(step: ServiceStep, status: int = 400) -> ServiceStep:
    """A request that must be refused with that status, in the shape of a fault."""
    return replace(step, statuses=(status,))


def at(path: str) -> Callable[[Answer], str]:
    """The part of an answer at a dotted path: `server.id`, `images.0.id`."""

    def find(answer: Answer) -> str:
        value = answer.json()
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return str(value)

    return find


@dataclass(frozen=True, slots=True)
class Contains:
    """A list of which some item is like that; `wanted` False: of which none is."""

    item: Any
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Ident:
    """An id, which is a number in some places and a text in others (compute.md section 1)."""

    text: str


def ident(text: str) -> Ident:
    return Ident(text)


def has(item: Any) -> Contains:
    return Contains(item)


def lacks(item: Any) -> Contains:
    return Contains(item, wanted=False)
