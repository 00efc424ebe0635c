"""Whatever bytes arrive: no 500, no trace in the log, no hang, nobody else's data, and nothing of theirs changed.

The requests come from a user who shares nothing with the victim. Raw sockets send what no HTTP library would; every
connection ends with a request that makes the server close it, and where a broken length swallowed that, the client
hangs up, upon which the server must let go. `PITHOSFS_TEST_EXAMPLES` sets how many requests each test makes.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
import schemathesis
import yaml
from fixtures.raw_requests import CATALOGS, CREDENTIALS, JSON, SOME_BYTES, dumped, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("PITHOSFS_TEST_EXAMPLES", "300"))
FUZZING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
DESCRIPTION = yaml.safe_load((Path(__file__).parents[2] / "data/object-store.openapi.yaml").read_text())
MARKER = "tops3cret-0d41"
QUIET_SECONDS = 0.1
HANG_SECONDS = 20.0
LAST = b"GET /identity HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Target:
    """A server with a victim, whose data has a marker in it, and an attacker with an account of his own."""

    def __init__(self, server: Any, people: Any) -> None:
        self.victim = people("victim")
        self.attacker = people("attacker")
        self._log = Path(server.data) / "server.log"
        self._log_start = self._log.stat().st_size
        for person in (self.victim, self.attacker):
            person.make("c")
            person.make("secret", raw={"X-Container-Meta-A": MARKER} if person is self.victim else {})
        for name in ("o", "d", "d/o", "known", MARKER):
            self.victim.put(f"secret/{name}", MARKER.encode(), X_Object_Meta_A=MARKER)
            self.victim.put(f"c/{name}", MARKER.encode(), X_Object_Meta_A=MARKER)
        for name in ("o", "d", "d/o", "known"):
            self.attacker.put(f"c/{name}", b"mine")
        self.victim("POST", "", b"", raw={"X-Account-Meta-A": MARKER})
        self._before = self.everything_of_the_victim()
        host, port = self.attacker.host.split(":")
        self._address = (host, int(port))

    def everything_of_the_victim(self) -> list[Any]:
        found: list[Any] = [self.victim("GET", "?format=json").json()]
        for container in ("c", "secret"):
            found.append(self.victim("GET", f"{container}?format=json").json())
            head = self.victim("HEAD", container).headers
            found.append({name: value for name, value in head.items() if name.startswith("x-")})
            for entry in found[-2]:
                found.append(self.victim("GET", f"{container}/{entry['name']}").body)
                found.append(self.victim.versions(f"{container}/{entry['name']}"))
        return found

    def send(self, data: bytes) -> bytes:
        """All that comes back until the server closes the connection, which it must."""
        received = bytearray()
        hung_up = False
        with socket.create_connection(self._address, timeout=QUIET_SECONDS) as connection:
            try:
                connection.sendall(data)
                while True:
                    try:
                        piece = connection.recv(65536)
                    except TimeoutError:
                        if hung_up:
                            raise AssertionError(f"no end of the connection after {data[:500]!r}") from None
                        connection.shutdown(socket.SHUT_WR)
                        connection.settimeout(HANG_SECONDS)
                        hung_up = True
                        continue
                    if not piece:
                        break
                    received += piece
            except (ConnectionResetError, BrokenPipeError):
                pass  # refused before all of it was read
        return bytes(received)

    def check(self, answer: bytes) -> None:
        """What holds for every answer to the attacker."""
        assert MARKER.encode() not in answer
        statuses = re.findall(rb"^HTTP/1\.1 (\d{3})", answer, re.MULTILINE)
        assert not [status for status in statuses if status >= b"500"], answer
        self.check_log()

    def check_log(self) -> None:
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            text = file.read()
        assert b"Traceback" not in text, text.decode(errors="replace")

    def check_end(self) -> None:
        self.check_log()
        self.victim.close()  # the server may have given up the idle connection
        assert self.everything_of_the_victim() == self._before


@pytest.fixture
def target(server: Any, people: Any) -> Iterator[Target]:
    made = Target(server, people)
    yield made
    made.check_end()


@settings(FUZZING, max_examples=2 * EXAMPLES)
@given(st.data())
def test_raw_requests(target: Target, data: st.DataObject) -> None:
    accounts = (target.attacker.id, target.victim.id)
    some = data.draw(st.lists(messages(accounts, target.attacker.token), min_size=1, max_size=3))
    target.check(target.send(b"".join(some) + LAST))


# through libraries ----------------------------------------------------------------------------------------------------


@FUZZING
@given(st.sampled_from(["/identity/v2.0/tokens", "/account/v1.0/user_catalogs"]), CREDENTIALS | CATALOGS | JSON)
def test_identity(target: Target, path: str, value: object) -> None:
    one = target.attacker
    headers: dict[str, str | bytes] = {"X-Auth-Token": one.token, "Content-Type": "application/json"}
    answer = one.send("POST", path, dumped(value), headers)
    assert answer.status in (200, 400, 401)
    assert answer.status != 200 or one.token.encode() not in answer.body
    target.check_log()


PART_HEADERS = st.sampled_from(
    [
        b'Content-Disposition: form-data; name="X-Object-Data"',
        b'Content-Disposition: form-data; name="X-Object-Data"; name=y',
        b"Content-Disposition: form-data; name*0=X-Object; name*1=-Data",
        b"Content-Disposition: \xff",
        b"Content-Type: a/b",
        b"Content-Type: \xff",
        b"Content-Type:\r\n a/b\r\n c",
        b"Content-Type: a" + b"x" * 5000,
        b"no colon",
        b": x",
        b" y",
        b"",
    ]
)


@FUZZING
@given(
    st.lists(st.tuples(st.lists(PART_HEADERS, max_size=3), SOME_BYTES), max_size=3),
    st.sampled_from([b"--b--", b"--b", b""]),
)
def test_forms(target: Target, parts: list[tuple[list[bytes], bytes]], end: bytes) -> None:
    body = b"".join(b"--b\r\n%s\r\n\r\n%s\r\n" % (b"\r\n".join(lines), content) for lines, content in parts) + end
    answer = target.attacker("POST", "c/form", body, Content_Type="multipart/form-data; boundary=b")
    assert answer.status in (201, 400)
    if answer.status == 201:
        assert target.attacker("GET", "c/form").status == 200
        ElementTree.fromstring(target.attacker("GET", "c?format=xml").body)
    target.check_log()


def operations() -> list[tuple[str, str]]:
    """The paths and verbs of the description."""
    return [(path, verb) for path, item in DESCRIPTION["paths"].items() for verb in item if verb != "parameters"]


@pytest.mark.parametrize(("path", "verb"), operations(), ids=lambda part: part.replace("/", "|"))
def test_described_requests(target: Target, path: str, verb: str) -> None:
    """What can be described is made by schemathesis, right and wrong."""
    description = json.loads(json.dumps(DESCRIPTION).replace('"attacker"', f'"{target.attacker.id}"'))
    account = description["components"]["parameters"]["account"]["schema"]
    account["enum"] = [target.attacker.id, target.victim.id]
    schema = schemathesis.openapi.from_dict(description)
    operation = schema[path][verb.upper()]
    cases = operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    @settings(FUZZING, max_examples=max(4, EXAMPLES // 12))
    @given(cases)
    def run(case: Any) -> None:
        case.headers = {**(case.headers or {}), "X-Auth-Token": target.attacker.token}
        response = case.call(base_url=f"http://{target.attacker.host}", timeout=HANG_SECONDS, session=session)
        target.check(f"HTTP/1.1 {response.status_code} \r\n{response.headers}\r\n\r\n".encode() + response.content)

    with requests.Session() as session:
        run()


# what was found -------------------------------------------------------------------------------------------------------


def test_a_filter_of_very_many_terms(target: Target) -> None:
    for terms in ("a=1," * 1500, "a," * 40_000):
        assert target.attacker("GET", f"c?meta={terms}").status == 400


def test_a_part_of_a_form_whose_type_is_not_ascii(target: Target) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="X-Object-Data"\r\nContent-Type: \xff\r\n\r\nx\r\n--b--'
    assert target.attacker("POST", "c/o", body, Content_Type="multipart/form-data; boundary=b").status == 400


@pytest.mark.parametrize("key", ["uuids", "displaynames"])
def test_half_a_character_in_a_catalog(target: Target, key: str) -> None:
    headers: dict[str, str | bytes] = {"X-Auth-Token": target.attacker.token}
    body = dumped({key: ["\ud800"]})
    assert target.attacker.send("POST", "/account/v1.0/user_catalogs", body, headers).status == 400


def test_rubbish_behind_pipelined_requests(target: Target) -> None:
    """The connection is closed while the first of them is still answered in a thread."""
    line = f"GET /object-store/v1/{target.attacker.id}/c?format=json HTTP/1.1\r\nHost: x\r\n"
    request = f"{line}X-Auth-Token: {target.attacker.token}\r\n\r\n".encode()
    for _ in range(5):
        target.check(target.send(request * 3 + b"\0\0\0"))
