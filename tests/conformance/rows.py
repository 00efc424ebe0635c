"""The vocabulary of the tables: a row is one rule of the specification, told as requests and what they must give.

Text may name things in braces, filled in when the row runs: `{o}` a name of its own in `{shared}`, a container that
many rows use; `{c}` and `{c2}` containers of its own; `{theirs}` one of the other user; `{new}` a container name
that is free; `{me}`, `{other}` the users' ids; and what earlier steps saved.

A path is relative to the account (`{shared}/{o}`, `?format=json`), to the endpoint when it begins with a slash, and may
be a whole URL. Header names stand as keywords with `_` for `-`, or exactly in `raw`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
from conformance.wire import Answer, Body

__all__ = [
    "ANY",
    "C",
    "Differs",
    "Expect",
    "O",
    "Row",
    "Step",
    "call",
    "copy",
    "delete",
    "each",
    "get",
    "head",
    "make",
    "move",
    "post",
    "put",
    "row",
    "rule",
]

O = "{shared}/{o}"  # noqa: E741
"""An object of the row's own, in a container that rows share."""

C = "{c}"
"""A container of the row's own."""


@dataclass(frozen=True, slots=True)
class Differs:
    """There, and something else than that text."""

    text: str


Match = str | Differs | re.Pattern[str] | Callable[[Any], bool] | None
"""What a value must be: equal, of that pattern, so that the predicate holds; None: absent."""


def ANY(value: object) -> bool:
    """Whatever it is, it must be there."""
    return value is not None


@dataclass(frozen=True, slots=True)
class Expect:
    """What an answer must be. No statuses: any success."""

    statuses: tuple[int, ...] = ()
    headers: Mapping[str, Match] = field(default_factory=dict)
    fault: str | tuple[str, ...] | None = None
    body: bytes | str | Callable[[bytes], bool] | None = None
    json: Any = None
    xml: Callable[[Any], bool] | None = None
    lines: tuple[str, ...] | Callable[[list[str]], bool] | None = None
    names: tuple[str, ...] | None = None
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a user (`by`: me, other, nobody) for something in the account of one of them (`of`)."""

    method: str
    path: str
    body: Body | str = None
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    by: str = "me"
    of: str = "me"
    expect: Expect = Expect()
    save: Mapping[str, str | Callable[[Answer], str]] = field(default_factory=dict)

    def gives(
        self,
        *statuses: int,
        fault: str | tuple[str, ...] | None = None,
        body: bytes | str | Callable[[bytes], bool] | None = None,
        json: Any = None,
        xml: Callable[[Any], bool] | None = None,
        lines: tuple[str, ...] | Callable[[list[str]], bool] | None = None,
        names: tuple[str, ...] | None = None,
        has: tuple[str, ...] = (),
        lacks: tuple[str, ...] = (),
        save: Mapping[str, str | Callable[[Answer], str]] | None = None,
        raw: Mapping[str, Match] | None = None,
        **headers: Match,
    ) -> Step:
        """The same request with what its answer must be.

        `lines` is a whole text list, `names` a whole JSON list, `has` and `lacks` are names in a list of any format;
        `save` keeps header values for later steps.
        """
        matches = {**_dashed(headers), **(raw or {})}
        expect = Expect(statuses, matches, fault, body, json, xml, lines, names, has, lacks)
        return replace(self, expect=expect, save=save or {})


def _unless_none(name: str, value: str | None) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _dashed(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def call(
    method: str,
    path: str = "",
    body: Body | str = None,
    *,
    by: str = "me",
    of: str = "me",
    raw: Mapping[str, str | bytes] | None = None,
    **headers: str | bytes,
) -> Step:
    """Any request."""
    return Step(method, path, body, {**_dashed(headers), **(raw or {})}, by, of)


def head(path: str = "", **more: Any) -> Step:
    return call("HEAD", path, **more)


def get(path: str = "", **more: Any) -> Step:
    return call("GET", path, **more)


def put(path: str = O, body: Body | str = b"data", type: str | None = "text/plain", **more: Any) -> Step:
    """An object."""
    return call("PUT", path, body, **_unless_none("Content_Type", type), **more)


def make(path: str = "{new}", **more: Any) -> Step:
    """A container."""
    return call("PUT", path, b"", **more)


def post(path: str = O, body: Body | str = b"", **more: Any) -> Step:
    return call("POST", path, body, **more)


def copy(path: str = O, to: str | None = None, **more: Any) -> Step:
    return call("COPY", path, **_unless_none("Destination", None if to is None else f"/{to}"), **more)


def move(path: str = O, to: str | None = None, **more: Any) -> Step:
    return call("MOVE", path, **_unless_none("Destination", None if to is None else f"/{to}"), **more)


def delete(path: str = O, **more: Any) -> Step:
    return call("DELETE", path, **more)


@dataclass(frozen=True, slots=True)
class Row:
    """A rule: the section and the rule in words, and how it is seen."""

    rule: str
    steps: tuple[Step, ...]


def row(rule: str, *steps: Step) -> Row:
    return Row(rule, steps)


def each(rows: tuple[Row, ...]) -> pytest.MarkDecorator:
    """Run the test once for each row, with the row as argument."""
    rules = [one.rule for one in rows]
    assert len(set(rules)) == len(rules), sorted(one for one in rules if rules.count(one) > 1)
    return pytest.mark.parametrize("row", rows, ids=rules)


_Function = TypeVar("_Function", bound=Callable[..., object])


def rule(*rules: str) -> Callable[[_Function], _Function]:
    """Says which rules a test function shows, where a row cannot tell them."""

    def note(function: _Function) -> _Function:
        function.rules = rules  # type: ignore[attr-defined]
        return function

    return note
