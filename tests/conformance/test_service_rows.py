"""The vocabulary of the services' tables finds what is wrong: a row that could not fail would show nothing."""

from __future__ import annotations

import json
import re
from email.message import Message
from typing import Any

import pytest
from conformance.server import Person
from conformance.service_rows import ABSENT, ServiceStep, get, has, ident, lacks
from conformance.services import Services, ServiceWorld
from conformance.wire import Answer, Wire

VALUE = {"server": {"id": 7, "name": "web", "tags": ["a", "b"], "nics": [{"ip": "1"}, {"ip": "2"}], "gone": None}}


def problems(step: ServiceStep, status: int = 200, value: Any = VALUE, **headers: str) -> list[str]:
    world = ServiceWorld(Services({}, Person("m", "t"), Person("o", "t"), Wire()), {}, {})
    world.names["name"] = "web"
    sent = Message()
    for name, text in headers.items():
        sent[name] = text
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return world._problems(step, Answer(status, sent, body))


def fault(name: str, code: int) -> dict[str, Any]:
    return {name: {"code": code, "message": "", "details": ""}}


def server(**like: Any) -> ServiceStep:
    return get("x").gives(200, like={"server": like})


GOOD = (
    get("x"),
    get("x").gives(200, 304),
    server(id=7, name="{name}"),
    server(id=ident("7")),
    server(name=str, tags=list, id=int, other=ABSENT, gone=None),
    server(name=re.compile("w.*")),
    server(tags=["a", "b"]),
    server(nics=has({"ip": "2"})),
    server(nics=lacks({"ip": "3"})),
    server(tags=lambda tags: len(tags) == 2),
)

BAD = (
    get("x").gives(404),
    server(id=8),
    server(id="7"),
    server(id=ident("8")),
    server(name=int),
    server(name="{name}x"),
    server(name=ABSENT),
    server(other=None),
    server(gone=ABSENT),
    server(name=re.compile("w")),
    server(tags=["a"]),
    server(tags=["b", "a"]),
    server(tags={"a": str}),
    server(nics=has({"ip": "3"})),
    server(nics=lacks({"ip": "2"})),
    server(tags=lambda tags: len(tags) == 3),
    get("x").gives(200, empty=True),
    get("x").gives(200, shown={"Location": str}),
)


@pytest.mark.parametrize("step", GOOD)
def test_what_is_so_is_accepted(step: ServiceStep) -> None:
    assert problems(step) == []


@pytest.mark.parametrize("step", BAD)
def test_what_is_not_so_is_found(step: ServiceStep) -> None:
    assert problems(step) != []


def test_refusals_have_a_shape() -> None:
    refused = get("x").gives(404)
    assert problems(refused, 404, fault("itemNotFound", 404)) == []
    for body in (b"", b"<html>", b"[]", fault("badRequest", 404), fault("itemNotFound", 400), {"itemNotFound": {}}):
        assert problems(refused, 404, body) != [], body
    assert problems(get("x").gives(404, fault=""), 404, b"<html>") == []


def test_headers_are_looked_at() -> None:
    step = get("x").gives(200, shown={"Tag-Status": "ACTIVE", "Other": ABSENT})
    assert problems(step, **{"Tag-Status": "ACTIVE"}) == []
    assert problems(step, **{"Tag-Status": "PENDADD"}) != []
    assert problems(step, **{"Tag-Status": "ACTIVE", "Other": "x"}) != []
