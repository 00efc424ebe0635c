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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("PITHOSFS_TEST_EXAMPLES", "150"))
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


# what requests are made of --------------------------------------------------------------------------------------------

METHODS = st.sampled_from(
    "GET GET GET HEAD PUT PUT POST POST COPY MOVE DELETE OPTIONS PATCH CONNECT TRACE PROPFIND get".split()
)
ODD_BYTES = st.sampled_from(
    [
        b"%",
        b"%zz",
        b"%00",
        b"%0A",
        b"%0d%0a",
        b"%FF",
        b"%C3",
        b"%2F",
        b"%2e%2e",
        b"\xff",
        b"\xc3\xa9",
        b"..",
        b".",
        b"//",
    ]
    + [b"?", b"#", b"\\", b"a.json", b"a.xml", b"+", b"~", b"%ED%A0%80", b"%F4%90%80%80", b"x" * 300, b"y" * 1100]
)
SOME_BYTES = ODD_BYTES | st.binary(max_size=8).map(lambda data: re.sub(rb"[\s\0]", b"_", data))
NUMBERS = st.sampled_from(
    [
        b"0",
        b"1",
        b"-1",
        b"1.5",
        b"10001",
        b"1795442747",
        b"9" * 12,
        b"9" * 13,
        b"9" * 19,
        b"9" * 5000,
        b"x",
        b"",
        b"0x1",
    ]
    + ["٣".encode(), b"1e9", b"+1", b"1_0"]
)
PARAMETERS = [
    *("format", "limit", "marker", "prefix", "delimiter", "path", "meta", "shared", "public", "until", "version"),
    *("hashmap", "update", "disposition-type", "ignore_content_type", "X-Auth-Token", "belongsTo", "%FF", ""),
]
PARAMETER_VALUES = (
    NUMBERS
    | SOME_BYTES
    | st.sampled_from(
        [b"json", b"xml", b"list", b"/", b"a", b"d/", b"!A,B>1,C!=x", b"A" * 2000, b"a=1," * 1500, b"%00"]
    )
)
RANGES = st.sampled_from(
    [b"bytes=0-", b"bytes=-1", b"bytes=9-1", b"bytes=0-0,1-1", b"bytes=" + b"0-0," * 2000, b"bytes=0-" + b"9" * 400]
    + [b"bytes */*", b"bytes 0-0/*", b"bytes 0-/4", b"bytes 99-/*", b"bytes 1-" + b"9" * 19 + b"/*", b"bytes -/-"]
)
RULES = st.sampled_from([b"read=*", b"write=*", b"read=;write=", b"=", b"read=" + b"a," * 3000, b"read=%FF", b";;;~"])
HEADERS = [
    *("Range", "Content-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"),
    *("Content-Type", "Content-Encoding", "Content-Disposition", "ETag", "Accept", "Host", "Expect", "Upgrade"),
    *(
        "X-Object-Sharing",
        "X-Object-Public",
        "X-Object-Manifest",
        "X-Object-Bytes",
        "X-Object-Meta-A",
        "X-Object-Meta-%00",
    ),
    *("X-Copy-From", "X-Move-From", "X-Source-Object", "X-Source-Account", "X-Source-Version", "Destination"),
    *("Destination-Account", "X-Container-Meta-%C3%A9", "X-Container-Policy-Quota", "X-Container-Policy-Versioning"),
    *("X-Container-Policy-Project", "X-Container-Policy-X", "X-Account-Group-Team", "X-Account-Group-%C3%A9"),
    *("X-Account-Meta-A_b", "X-Auth-User", "X-Auth-Key", "X-Auth-Token", "X-%FF", "X\xff", "X-Object-Meta-", "Date"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
HASHMAPS = st.builds(
    lambda size, hashes, more: {"bytes": size, "hashes": hashes, **more},
    st.sampled_from([0, 1, -1, 4194304, 4194305, 2**63, 2**70, 10**400, 1.5, True, None, "4"]),
    st.lists(
        st.sampled_from(["", "ab", "AB" * 32, "ab" * 32, "ab" * 40, "zz", "é", "\ud800", " a b", None, 7]), max_size=3
    )
    | JSON,
    st.dictionaries(st.text(max_size=5), JSON, max_size=2),
)
CREDENTIALS = st.fixed_dictionaries(
    {
        "auth": st.fixed_dictionaries({}, optional=dict.fromkeys(["token", "passwordCredentials", "tenantName"], JSON))
        | JSON
    }
)
CATALOGS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["uuids", "displaynames"], st.lists(JSON, max_size=3) | JSON)
)


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


BODIES = (
    (HASHMAPS | JSON | CREDENTIALS | CATALOGS).map(dumped)
    | st.binary(max_size=40)
    | st.sampled_from([b"", b"{", b"[" * 100_000, b'{"bytes": ' + b"9" * 5000 + b"}", b"x" * 70_000, b"\xff\xfe"])
    | st.sampled_from(
        [
            b'--b\r\nContent-Disposition: form-data; name="X-Object-Data"\r\n\r\nx\r\n--b--',
            b'--b\r\nContent-Disposition: form-data; name="X-Object-Data"\r\nContent-Type: \xff\r\n\r\nx\r\n--b--',
            b"--b\r\nContent-Disposition: form-data; name*=utf-8''X-Object-Data\r\nContent-Type:\r\n a/b\r\n\r\nx\r\n--b--",
            b"--b\r\nContent-Disposition: \xff\r\n\r\nx\r\n--b\r\n\r\n\r\n--b",
            b"--b--\r\n",
            b"--b",
        ]
    )
)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    """A body in chunks, perhaps broken ones."""
    broken = st.sampled_from(
        [b"zz\r\n", b"-1\r\n", b"ffffffffffffffffffff\r\n", b"5\r\nab", b"\r\n", b"3;x=\xff\r\nabc\r\n"]
    )
    parts = draw(st.lists(broken, max_size=1))
    if body:
        parts.insert(draw(st.integers(0, len(parts))), b"%x\r\n%s\r\n" % (len(body), body))
    return b"".join(parts) + draw(st.sampled_from([b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX-Late: 1\r\n\r\n", b"0", b""]))


KNOWN_PATHS = st.sampled_from(
    [b"c", b"c", b"secret", b"c/o", b"c/o", b"c/d", b"c/known", b"secret/known", b"c/new", b"new", b""]
)
TYPES = st.sampled_from(
    [b"application/octet-stream", b"multipart/form-data; boundary=b", b"a/b", b"application/directory"]
)
PLACES = st.sampled_from([b"/c/o", b"/c/o", b"/c/new", b"/secret/known", b"/c/d", b"/new/o"])
SOME_PARAMETERS = [
    b"format=json",
    b"format=xml",
    b"update",
    b"hashmap",
    b"version=list",
    b"delimiter=/",
    b"prefix=d",
    b"limit=2",
]
SOME_PARAMETERS += [
    b"until=1795442747",
    b"shared",
    b"public",
    b"meta=A",
    b"path=d",
    b"ignore_content_type",
    b"version=1",
]
ELSEWHERE = [
    b"/identity/v2.0/tokens",
    b"/account/v1.0/user_catalogs",
    b"/account/v1.0/quotas",
    b"/public/x",
    b"/",
    b"/public/",
]
ELSEWHERE += [
    b"*",
    b"http://x/object-store/v1/",
    b"//x/y",
    b"/identity/v2.0/tokens/%FF/endpoints",
    b"",
    b"/object-store/v1",
]
ELSEWHERE += [
    b"/object-store/v2/",
    b"/object-store",
    b"/auth/v1.0",
    b"/public/%2e%2e/",
    b"/object-store/v1/",
    b"/identity",
]
STEPS_UP = [b"..", b"%2e%2e", b"c/../..", b"..%2f..", b"", b"%00", b"%2F", b"/"]


@st.composite
def targets(draw: st.DrawFn, odd: frozenset[str], accounts: tuple[str, str]) -> bytes:
    """Where to: mostly into the object store."""
    mine, other = (account.encode() for account in accounts)
    account = draw(st.sampled_from([mine, mine, mine, other]))
    path = b"/object-store/v1/" + account
    if known := draw(KNOWN_PATHS):
        path += b"/" + known
    if "path" in odd:
        path = draw(
            st.sampled_from(ELSEWHERE)
            | st.lists(SOME_BYTES, min_size=1, max_size=3).map(lambda parts: b"/".join([path, *parts]))
            # One's own account first, the victim's after some steps up.
            | st.sampled_from(STEPS_UP).map(lambda up: b"/object-store/v1/%s/%s/%s/secret/known" % (mine, up, other))
        )
    query = draw(st.lists(st.sampled_from(SOME_PARAMETERS), max_size=3))
    if "query" in odd:
        query.append(draw(st.sampled_from(PARAMETERS)).encode() + b"=" + draw(PARAMETER_VALUES))
    return path + (b"?" + b"&".join(query) if query else b"")


@st.composite
def header_lines(draw: st.DrawFn, odd: frozenset[str], accounts: tuple[str, str]) -> bytes:
    owners = st.sampled_from([account.encode() for account in accounts])
    lines = b"Content-Type: " + draw(TYPES) + b"\r\n" if draw(st.integers(0, 3)) else b""
    for name in draw(st.lists(st.sampled_from(HEADERS), max_size=3)):
        kind = owners if name.endswith("-Account") else RULES if name == "X-Object-Sharing" else NUMBERS
        if name in ("Destination", "X-Copy-From", "X-Move-From", "X-Source-Object", "X-Object-Manifest"):
            kind = PLACES
        elif name.endswith("Range"):
            kind = RANGES
        elif name == "Content-Type":
            kind = st.sampled_from(
                [b"multipart/form-data; boundary*=x''%FF", b"multipart/form-data", b"application/json"]
            )
        lines += name.encode("latin-1") + b": " + draw(kind) + b"\r\n"
    if "headers" in odd:
        name = draw(st.sampled_from(HEADERS)).encode("latin-1")
        lines += name + b": " + draw(SOME_BYTES | NUMBERS | RANGES | RULES | PLACES) + b"\r\n"
    return lines


@st.composite
def framed(draw: st.DrawFn, odd: frozenset[str], body: bytes) -> tuple[bytes, bytes]:
    """The headers that say how long a body is, and the body as it goes over the wire."""
    length = b"Content-Length: %d\r\n" % len(body)
    chunks = b"Transfer-Encoding: chunked\r\n"
    if "framing" not in odd:
        kind = draw(st.sampled_from(["length", "length", "chunked", "none"]))
        if kind == "chunked":
            return chunks, (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        return (length, body) if kind == "length" else (b"", b"")
    kind = draw(st.sampled_from(["chunked", "lie", "both", "twice", "odd"]))
    if kind == "chunked":
        return chunks, draw(chunked(body))
    if kind == "both":
        return draw(st.sampled_from([length + chunks, chunks + length])), draw(chunked(body))
    if kind == "lie":
        return b"Content-Length: %s\r\n" % draw(NUMBERS | st.just(b"%d" % (len(body) + 1))), body
    if kind == "twice":
        return length + b"Content-Length: %d\r\n" % (len(body) + 1), body
    return draw(
        st.sampled_from(
            [
                b"Transfer-Encoding: identity\r\n",
                b"Transfer-Encoding: chunked, x\r\n",
                b"Transfer-Encoding : chunked\r\n",
            ]
            + [
                b" folded: 1\r\n",
                b"no colon\r\n",
                b": 1\r\n",
                b"A: \x00\r\n",
                b"A: 1\r",
                b"Big: " + b"x" * 100_000 + b"\r\n",
            ]
            + [b"A: 1\r\n" * 3000, b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"]
        )
    ), body


@st.composite
def messages(draw: st.DrawFn, accounts: tuple[str, str], token: str) -> bytes:
    """One request, wrong in at most two of its parts."""
    parts = ["path", "path", "query", "query", "headers", "headers", "framing", "method", "version", "token", "cut"]
    odd = frozenset(draw(st.lists(st.sampled_from(parts), max_size=2)))
    framing, body = draw(framed(odd, draw(BODIES)))
    lines = draw(header_lines(odd, accounts)) + framing
    if "token" not in odd:
        lines += f"X-Auth-Token: {token}\r\n".encode()
    method = draw(st.sampled_from("GET GET HEAD PUT PUT POST POST COPY MOVE DELETE".split()))
    if "method" in odd:
        method = draw(st.sampled_from("OPTIONS PATCH CONNECT TRACE PROPFIND LOCK get PRI G".split()))
    version = b"HTTP/1.1"
    if "version" in odd:
        version = draw(st.sampled_from([b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTX", b""]))
    message = b"%s %s %s\r\n%s\r\n%s" % (method.encode(), draw(targets(odd, accounts)), version, lines, body)
    return message if "cut" not in odd else message[: int(len(message) * draw(st.floats(0, 1)))]


@FUZZING
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
    ]
    + [
        b"Content-Disposition: form-data; name*0=X-Object; name*1=-Data",
        b"Content-Disposition: \xff",
        b"Content-Type: a/b",
    ]
    + [
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
