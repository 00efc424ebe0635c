"""Every error that a cloud can answer with, and every way in which it can fail to: one line that says what happened,
one that says what to do, and the exit code (design, section 7; object-store.md section 3.3; identity.md section 1.3).

The faults are injected on the wire. The program runs in this process, so that a row costs no start of an interpreter.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
import pytest
from fixtures.proxy import Action, Answer, CutBody, Drop, FaultProxy, Garbage, ReplaceBody, Silence

from pithosfs.store import ObjectPath
from pithosfs_cli.main import main, run

if TYPE_CHECKING:
    from fixtures.clouds import TestCloud, User
    from fixtures.homes import Home


def fault(status: int, name: str, message: str, details: str = "", **headers: str) -> Answer:
    """An error answer of the service (section 3.3)."""
    body = json.dumps({name: {"code": status, "message": message, "details": details}}).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=UTF-8", **headers})


HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1><hr>nginx</body></html>"
QUOTA = json.dumps({"overLimit": {"code": 413, "message": "Limit for resource pithos.diskspace exceeded", "data": {}}})

LIST = ("file", "list", "/pithos/dir")
CAT = ("file", "cat", "/pithos/dir/x")
INFO = ("file", "info", "/pithos/dir/x")
MKDIR = ("file", "mkdir", "/pithos/dir/new")
CONTAINER = ("container", "info", "pithos")


@dataclass(frozen=True)
class Row:
    """What the wire does to which request of which command, and what is to come of it.

    `said` must be in the first line, besides the name that the command was about (`about`); `advised` in the second.
    """

    name: str
    command: tuple[str, ...]
    action: Action
    code: int
    said: str = ""
    advised: str = ""
    about: str = "/pithos"
    on: str = r"/object-store/v1/[^/]+/pithos"
    options: tuple[str, ...] = field(default=())


ROWS = [
    Row("304 as a list's answer", (*LIST, "--if-modified-since", "2001-01-01"), Answer(304, b""), 5,
        "has not changed", "--if-modified-since"),
    Row("400", LIST, fault(400, "badRequest", "Invalid delimiter"), 1, "Invalid delimiter", "--verbose"),
    Row("401 unauthorized", LIST, fault(401, "unauthorized", "Access denied"), 4, "Access denied",
        "config set cloud.test.token"),
    Row("401 without a body", INFO, fault(401, "fault", ""), 4, "the token was not accepted",
        "config set cloud.test.token"),
    Row("401 fault", LIST, fault(401, "fault", "Unauthorized: token expired"), 4, "token expired",
        "config set cloud.test.token"),
    Row("403 without a message", CAT, fault(403, "forbidden", ""), 4, "you may not do that", "ask the owner"),
    Row("403 in a listing", LIST, fault(403, "forbidden", "Not allowed"), 4, "you may not", "ask the owner"),
    Row("404 object", ("file", "cat", "/pithos/nothing"), fault(404, "itemNotFound", "Object does not exist"), 3,
        "there is no /pithos/nothing", "file list /pithos", on=r"/pithos/nothing"),
    Row("404 container", LIST, fault(404, "itemNotFound", "Container does not exist"), 3,
        "there is no container 'pithos'", "container create pithos", about="'pithos'"),
    Row("404 version", (*CAT, "--object-version", "99"), fault(404, "itemNotFound", "Version does not exist"), 3,
        "has no version 99", "file versions /pithos/dir/x", on=r"version=99"),
    Row("405", LIST, fault(405, "notAllowed", "Method not allowed", Allow="GET"), 1, "Method not allowed", "--verbose"),
    Row("405 without a body", CONTAINER, Answer(405), 1, "405 (Method Not Allowed)", "--verbose"),
    Row("409 conflict", MKDIR, fault(409, "conflict", "Container is not empty"), 5, "not empty", "file list",
        on=r"PUT .*/dir/new"),
    Row("409 with a bare list", MKDIR, Answer(409, b'["ba7816bf"]'), 5, "present state", "file list",
        on=r"PUT .*/dir/new"),
    Row("411", MKDIR, fault(411, "lengthRequired", "Missing Content-Length"), 1, "Missing Content-Length", "--verbose",
        on=r"PUT .*/dir/new"),
    Row("412", LIST, fault(412, "preconditionFailed", "Resource changed"), 5, "Resource changed", "file info"),
    Row("413 of the container", MKDIR, fault(413, "requestEntityTooLarge", "Allowed quota exceeded"), 6,
        "Allowed quota exceeded", "container info pithos --size-limit", on=r"PUT .*/dir/new"),
    Row("413 of the project, details in JSON", MKDIR, fault(413, "fault", "Quota", QUOTA), 6,
        "pithos.diskspace exceeded", "user info", on=r"PUT .*/dir/new"),
    Row("416", (*CAT, "--range", "0-1"), fault(416, "rangeNotSatisfiable", "Requested range exceeds object limits"), 1,
        "exceeds object limits", "--verbose", on=r"GET .*/dir/x"),
    Row("422", MKDIR, fault(422, "unprocessableEntity", "ETag mismatch"), 1, "ETag mismatch", "--verbose",
        on=r"PUT .*/dir/new"),
    Row("429", LIST, fault(429, "overLimit", "Slow down"), 1, "Slow down", "try again later"),
    Row("500", LIST, fault(500, "internalServerError", "Unexpected error"), 1, "Unexpected error", "try again later"),
    Row("500 with details of several lines", LIST, fault(500, "internalServerError", "Boom", "line one\nline two"), 1,
        "Boom: line one line two", "try again later"),
    Row("501", LIST, Answer(501, b""), 1, "501 (Not Implemented)", "try again later"),
    Row("502 HTML of a proxy", LIST, Answer(502, HTML), 1, "502 Bad Gateway", "try again later"),
    Row("503 empty", CAT, Answer(503, b""), 1, "503 (Service Unavailable)", "try again later"),
    Row("504 text", LIST, Answer(504, b"upstream timed out"), 1, "upstream timed out", "try again later"),
    Row("an unknown status", LIST, Answer(418, b'{"teapot": {"message": "short and stout"}}'), 1, "short and stout",
        "config get cloud"),
    Row("an error in XML", LIST, Answer(400, b"<badRequest code='400'><message>Bad name</message></badRequest>"), 1,
        "Bad name", "--verbose"),
    Row("200, but HTML", LIST, Answer(200, HTML), 1, "not valid JSON", "no proxy changes"),
    Row("200, but another JSON", LIST, Answer(200, b'{"hello": "world"}'), 1, "", "no proxy changes"),
    Row("200, but not an object's headers", INFO, Answer(200, b"", {"X-Nothing": "1"}), 1, "", "no proxy changes"),
    Row("a body of rubbish", LIST, ReplaceBody(), 1, "not valid JSON", "no proxy changes"),
    Row("a redirect", LIST, Answer(302, b"", {"Location": "https://login.example/"}), 1,
        "redirect to https://login.example/", "if you trust it"),
    Row("no HTTP at all", LIST, Garbage(), 1, "does not speak HTTP", "no proxy changes"),
    Row("an answer cut short", LIST, CutBody(20), 1, "cut short", "no proxy changes"),
    Row("a content cut short", CAT, CutBody(100), 1, "cut short", "no proxy changes",
        on=r"GET .*/dir/x\?(?!.*hashmap)"),
    Row("a connection that is closed", LIST, Drop(), 7, "closed the connection", "check the network"),
    Row("silence", LIST, Silence(), 8, "did not answer in time", "try again later", options=("-o", "timeout=0.4")),
    # Of the identity service.
    Row("identity: 400", LIST, fault(400, "badRequest", "Malformed request"), 1, "Malformed request", "--verbose",
        about="", on="/tokens"),
    Row("identity: 401", LIST, fault(401, "unauthorized", "Invalid token"), 4, "Invalid token",
        "config set cloud.test.token", about="", on="/tokens"),
    Row("identity: 403", LIST, fault(403, "forbidden", "User is suspended"), 4, "User is suspended",
        "config set cloud.test.token", about="", on="/tokens"),
    Row("identity: 404", LIST, fault(404, "itemNotFound", "No such service"), 3, "No such service",
        "config get cloud.test.url", about="", on="/tokens"),
    Row("identity: 500", LIST, fault(500, "internalServerError", "Oops"), 1, "Oops", "try again later", about="",
        on="/tokens"),
    Row("identity: another service", LIST, Answer(200, b'{"access": 5}'), 1, "not an identity service",
        "identity/v2.0", about="", on="/tokens"),
    Row("identity: HTML", LIST, Answer(200, HTML), 1, "not valid JSON", "", about="", on="/tokens"),
    Row("identity: a catalog without storage", LIST,
        Answer(200, json.dumps({"access": {"user": {"id": "u"}, "serviceCatalog": []}}).encode()), 1,
        "no service of type 'object-store'", "config get cloud", about="", on="/tokens"),
]  # fmt: skip


@pytest.fixture(scope="module")
def account(cloud: TestCloud) -> User:
    user = cloud.user("table")
    path = ObjectPath(user.uuid, "pithos", "dir/x")
    user.store.put_object(path, bytes(range(256)), content_type="a/b", meta={}, base=None)
    return user


@pytest.fixture(scope="module")
def wire(cloud: TestCloud) -> Iterator[FaultProxy]:
    made = FaultProxy(cloud.address)
    yield made
    made.close()


Program = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def program(
    home: Home, account: User, wire: FaultProxy, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Program]:
    """The program in a private home: exit code, standard output, lines of standard error."""
    home.add_cloud(account.cloud(wire))
    for name, value in home.environ.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> tuple[int, str, list[str]]:
        capfd.readouterr()
        code = run([*arguments, "-o", "retries=1"])
        told = capfd.readouterr()
        return code, told.out, told.err.splitlines()

    yield call
    wire.restore()


def well_told(lines: list[str]) -> tuple[str, str]:
    """The two lines, without their marks."""
    assert len(lines) == 2, lines
    happened, advice = lines
    assert happened.startswith("error: ")
    assert advice.startswith("hint: ")
    assert len(advice) > len("hint: ")
    assert "Traceback" not in happened
    assert "internal error" not in happened
    context = click.Context(main)
    for group, name in re.findall(r"pithosfs ([a-z]+) ([a-z]+)\b", advice):
        command = main.get_command(context, group)
        assert command is not None, advice
        assert not isinstance(command, click.Group) or command.get_command(context, name) is not None, advice
    return happened, advice


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_error_says_what_happened_and_what_to_do(
    row: Row, program: Program, wire: FaultProxy, account: User
) -> None:
    wire.when(row.on, row.action)
    code, out, lines = program(*row.command, *row.options)
    happened, advice = well_told(lines)
    assert code == row.code, (happened, advice)
    assert out == ""
    assert row.said in happened
    assert row.about in happened
    assert row.advised in advice
    assert "{" not in happened
    assert account.token not in happened + advice
    # As JSON for programs: the same, on standard error.
    if row.code in (4, 6):
        wire.restore()
        wire.when(row.on, row.action)
        code, out, lines = program(*row.command, *row.options, "--output", "json")
        assert json.loads("\n".join(lines))["error"]["exit_code"] == code == row.code


def test_temporary_trouble_is_tried_again(program: Program, wire: FaultProxy) -> None:
    for action in (Answer(502, HTML), Answer(503, b""), Answer(504, b""), Drop(), CutBody(20)):
        wire.when(r"/object-store/v1/[^/]+/pithos", action, times=1)
        code, out, lines = program(*LIST)
        assert (code, lines) == (0, [])
        assert out.splitlines()[-1].endswith(" x")


def test_nobody_listens(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code, out, lines = program(*LIST, "-o", f"cloud.test.pithos_url=http://127.0.0.1:{port}/v1")
    happened, advice = well_told(lines)
    assert (code, out) == (7, "")
    assert "cannot connect to" in happened
    assert "/pithos" in happened
    assert "check the network" in advice


def test_a_name_that_nobody_knows(program: Program) -> None:
    code, _, lines = program(*LIST, "-o", "cloud.test.url=http://nobody.invalid/identity/v2.0")
    happened, _ = well_told(lines)
    assert code == 7
    assert "nobody.invalid" in happened


def test_tls_that_is_none(program: Program, cloud: TestCloud) -> None:
    secure = cloud.base.replace("http:", "https:")
    code, _, lines = program(*LIST, "-o", f"cloud.test.pithos_url={secure}/v1")
    happened, advice = well_told(lines)
    assert code == 7
    assert "TLS" in happened
    assert "http://" in advice


def test_the_local_cloud_is_not_running(program: Program) -> None:
    code, _, lines = program(*LIST, "-o", "cloud.test.url=http://127.0.0.1:9/", "-o", "cloud.test.localcloud_data=/x")
    _, advice = well_told(lines)
    assert code == 7
    assert "pithosfs localcloud start" in advice


@pytest.mark.parametrize("setting", ["timeout=soon", "timeout=0", "cloud.test.timeout=-1", "cloud.test.retries=many"])
def test_settings_that_make_no_sense(program: Program, setting: str) -> None:
    code, _, lines = program(*LIST, "-o", setting)
    happened, advice = well_told(lines)
    assert code == 2
    assert setting.rpartition(".")[2].replace("=", " = ") in happened
    assert "config set" in advice
