"""The session against servers that misbehave."""

from __future__ import annotations

import email.utils
import io
import logging
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import parse_headers
from pathlib import Path

import pytest
from fixtures.scripted import Connection, Scripted, answer, hang, reset, reset_unread, then_close
from hypothesis import given
from hypothesis import strategies as st

from pithosfs import errors
from pithosfs.connection import _Response
from pithosfs.http import RetryPolicy, Session, redacted

QUICK = RetryPolicy(attempts=4, base=0.001, cap=0.002)
TOKEN = "s3cret-tok3n-of-ada"


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(policy=QUICK, read_timeout=20, connect_timeout=20) as made:
        yield made


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# answers --------------------------------------------------------------------------------------------------------------


def test_an_answer_has_status_headers_and_body(session: Session) -> None:
    with Scripted(answer(201, b"hello", ETag="abc")) as server:
        reply = session.request("PUT", server.url + "/a", data=b"12345")
        assert (reply.status_code, reply.content, reply.headers["etag"], reply.attempts) == (201, b"hello", "abc", 1)
        assert server.seen[0].body == b"12345"
    assert session.counters.requests == 1
    assert (session.counters.bytes_sent, session.counters.bytes_received) == (5, 5)


def test_connections_are_kept(session: Session) -> None:
    with Scripted(answer(200, b"x")) as server:
        for _ in range(5):
            session.request("GET", server.url + "/")
        assert server.connections == 1


def test_a_small_body_leaves_with_its_headers(session: Session) -> None:
    with Scripted(answer(201)) as server:
        session.request("PUT", server.url + "/a", data=b"small")
        assert server.seen[0].first_packet.endswith(b"\r\n\r\nsmall")


def test_nothing_asks_for_compression_or_permission_to_send(session: Session) -> None:
    with Scripted(answer(201)) as server:
        session.request("PUT", server.url + "/a", data=bytes(2_000_000))
        assert server.seen[0].headers["accept-encoding"] == "identity"
        assert "expect" not in server.seen[0].headers
        assert len(server.seen[0].body) == 2_000_000


def test_a_stored_content_encoding_is_not_undone(session: Session) -> None:
    with Scripted(answer(200, b"not gzip at all", Content_Encoding="gzip")) as server:
        assert session.request("GET", server.url + "/").content == b"not gzip at all"
        with session.request("GET", server.url + "/", stream=True) as reply:
            assert b"".join(reply.iter_content(4)) == b"not gzip at all"


@pytest.mark.parametrize("target", ["/a//b", "/%2E/%2E%2E/x", "/../x", "/a/./b/", "/a%2Fb?x=%2F&y", "//x/y"])
def test_a_path_goes_out_as_it_is(session: Session, target: str) -> None:
    with Scripted(answer()) as server:
        session.request("GET", server.url + target)
        assert server.seen[0].target == target


def test_parameters_are_added_to_those_that_are_there(session: Session) -> None:
    with Scripted(answer()) as server:
        session.request("GET", server.url + "/a?b=1", params={"c d": "é/&+", "update": ""})
        assert server.seen[0].target == "/a?b=1&c%20d=%C3%A9/%26%2B&update="


def test_json_is_sent_and_read(session: Session) -> None:
    with Scripted(answer(200, b'{"a": 1}'), answer(200, b"<html>")) as server:
        assert session.request("POST", server.url + "/", json={"x": [1]}).json() == {"a": 1}
        assert server.seen[0].headers["content-type"] == "application/json"
        assert server.seen[0].body == b'{"x": [1]}'
        with pytest.raises(errors.BadReply, match="JSON"):
            session.request("GET", server.url + "/").json()


def test_a_stream_comes_in_pieces(session: Session) -> None:
    body = bytes(range(256)) * 4000
    with Scripted(answer(200, body)) as server:
        with session.request("GET", server.url + "/", stream=True) as reply:
            pieces = list(reply.chunks(100_000))
        assert b"".join(pieces) == body
        assert max(map(len, pieces)) <= 100_000
        session.request("GET", server.url + "/")
        assert server.connections == 1


def test_a_stream_that_was_left_half_read_does_not_spoil_the_next_request(session: Session) -> None:
    with Scripted(answer(200, b"x" * 1_000_000), answer(200, b"next")) as server:
        with session.request("GET", server.url + "/", stream=True) as reply:
            assert next(reply.chunks(10)) == b"x" * 10
        assert session.request("GET", server.url + "/").content == b"next"


def test_many_threads_share_a_session(session: Session) -> None:
    with Scripted(answer(200, b"x" * 1000)) as server, ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda n: session.request("GET", f"{server.url}/{n}").content, range(80)))
    assert replies == [b"x" * 1000] * 80
    assert session.counters.requests == 80
    assert session.counters.bytes_received == 80_000


# statuses -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.NotLoggedIn),
        (403, errors.NotAllowed),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (412, errors.PreconditionFailed),
        (413, errors.QuotaExceeded),
        (416, errors.BadRequest),
        (418, errors.ClientError),
        (500, errors.ServerFailed),
        (599, errors.ServerFailed),
    ],
)
def test_a_status_becomes_its_error(session: Session, status: int, kind: type[errors.ClientError]) -> None:
    with Scripted(answer(status, b'{"whatever": {"code": 1, "message": "no\\nway", "details": "d"}}')) as server:
        with pytest.raises(kind) as caught:
            session.request("GET", server.url + "/a")
        assert type(caught.value) is kind
        assert (caught.value.status, str(caught.value), caught.value.details) == (status, "no way", "d")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"fault": {"message": "NO", "details": "{\\"u\\": {\\"message\\": \\"bad token\\"}}"}}', "bad token"),
        (b'<itemNotFound code="404"><message>x &lt; y</message><details></details></itemNotFound>', "x < y"),
        (b"<html><head><title>404 Not\n Found</title></head><h1>No</h1></html>", "404 Not Found"),
        (b'{"NeutronError": {"type": "T", "message": "no net", "detail": ""}}', "no net"),
        (b'{"error": "generic_error", "exception": "wrong client"}', "wrong client"),
        (b"plain words\n", "plain words"),
        (b"", "there is no /a b/c"),
        (b'{"a": 1, "b": 2}', "there is no /a b/c"),
        (b'{"a": ["x"]}', "there is no /a b/c"),
        (b"{broken", "there is no /a b/c"),
        (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}" * 2),
        (b"x" * 5000, "x" * 299 + "…"),
    ],
)  # fmt: skip
def test_the_message_is_found_in_any_body(session: Session, body: bytes, message: str) -> None:
    with Scripted(answer(404, body)) as server:
        with pytest.raises(errors.NotFound) as caught:
            session.request("GET", server.url + "/a%20b/c?x=1")
        assert str(caught.value) == message


def test_expected_statuses_are_answers(session: Session) -> None:
    with Scripted(answer(409, b"[]"), answer(304)) as server:
        assert session.request("PUT", server.url + "/", data=b"", expect=(201, 409)).json() == []
        assert session.request("GET", server.url + "/", expect=(200, 304)).status_code == 304


def test_a_redirect_is_not_followed(session: Session) -> None:
    with Scripted(answer(302, Location="http://elsewhere.example/?token=abc")) as server:
        with pytest.raises(errors.BadReply, match=r"redirect to http://elsewhere.example/\?token=\*\*\*"):
            session.request("GET", server.url + "/", headers={"X-Auth-Token": TOKEN})
        assert len(server.seen) == 1


# retries --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(session: Session, status: int) -> None:
    with Scripted(answer(status), answer(status, b"busy"), answer(200, b"done")) as server:
        reply = session.request("PUT", server.url + "/", data=b"data")
        assert (reply.content, reply.attempts) == (b"done", 3)
        assert [one.body for one in server.seen] == [b"data"] * 3
    assert session.counters.retries == 2


def test_attempts_are_bounded(session: Session) -> None:
    with Scripted(answer(503, b"overloaded")) as server:
        with pytest.raises(errors.ServerFailed, match="overloaded"):
            session.request("GET", server.url + "/")
        assert len(server.seen) == QUICK.attempts


def test_what_must_not_be_done_twice_is_sent_once(session: Session) -> None:
    with Scripted(answer(500)) as server:
        with pytest.raises(errors.ServerFailed):
            session.request("MOVE", server.url + "/")
        with pytest.raises(errors.ServerFailed):
            session.request("PUT", server.url + "/", data=b"", retry=False)
        assert len(server.seen) == 2


def test_what_the_caller_calls_harmless_is_repeated(session: Session) -> None:
    with Scripted(answer(500), answer(200)) as server:
        assert session.request("POST", server.url + "/", data=b"x", retry=True).attempts == 2


def test_too_many_requests_is_repeated_whatever_it_was(session: Session) -> None:
    with Scripted(answer(429, Retry_After="0"), answer(200)) as server:
        assert session.request("MOVE", server.url + "/").attempts == 2


@pytest.mark.parametrize(
    "form", ["3600", email.utils.formatdate(time.time() + 3600, usegmt=True)], ids=["seconds", "date"]
)
def test_a_server_that_asks_for_more_time_than_there_is_ends_it(session: Session, form: str) -> None:
    with Scripted(answer(503, Retry_After=form)) as server:
        with pytest.raises(errors.ServerFailed):
            session.request("GET", server.url + "/")
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "form", ["0", "soon", "", email.utils.formatdate(time.time() - 60, usegmt=True)], ids=["0", "word", "empty", "date"]
)
def test_any_retry_after_is_understood(session: Session, form: str) -> None:
    with Scripted(answer(503, Retry_After=form), answer(200)) as server:
        assert session.request("GET", server.url + "/").attempts == 2


def test_waits_are_random_bounded_and_keep_to_what_the_server_asked() -> None:
    policy = RetryPolicy(base=1.0, cap=4.0)
    assert all(0 <= policy.delay(1) <= 1 for _ in range(100))
    assert all(0 <= policy.delay(9) <= 4 for _ in range(100))
    assert len({policy.delay(3) for _ in range(100)}) > 50
    assert all(policy.delay(1, 7.5) == 7.5 for _ in range(10))


def test_closing_the_session_ends_the_wait() -> None:
    session = Session(policy=RetryPolicy(attempts=3, total=7200))
    waiting = threading.Event()

    def busy(connection: Connection) -> None:
        connection.send(answer(503, Retry_After="3000"))
        waiting.set()

    with Scripted(busy) as server, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(session.request, "GET", server.url + "/")
        assert waiting.wait(20)
        session.close()
        with pytest.raises(errors.PithosfsError):
            asked.result(20)


def test_files_are_sent_again_from_where_they_were(session: Session) -> None:
    body = io.BytesIO(b"0123456789")
    body.seek(3)
    with Scripted(answer(500), answer(201)) as server:
        session.request("PUT", server.url + "/", data=body)
        assert [one.body for one in server.seen] == [b"3456789"] * 2
        assert server.seen[0].headers["content-length"] == "7"


def test_an_iterator_is_sent_chunked_and_once(session: Session) -> None:
    with Scripted(answer(500), answer(201)) as server:
        with pytest.raises(errors.ServerFailed):
            session.request("PUT", server.url + "/", data=iter([b"ab", b"c"]))
        assert server.seen[0].body == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        assert len(server.seen) == 1


def test_the_log_gets_louder(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pithosfs.http")
    with Scripted(answer(500)) as server, pytest.raises(errors.ServerFailed):
        session.request("GET", server.url + "/")
    levels = [one.levelno for one in caplog.records if "again in" in one.getMessage()]
    assert levels == [logging.DEBUG, logging.INFO, logging.WARNING]


# bodies ---------------------------------------------------------------------------------------------------------------


def test_a_short_body_is_fetched_again(session: Session) -> None:
    with Scripted(then_close(answer(200, b"hel", length=5)), answer(200, b"hello")) as server:
        assert session.request("GET", server.url + "/").content == b"hello"


def test_a_body_that_is_always_short_is_an_error(session: Session) -> None:
    with (
        Scripted(then_close(answer(200, b"hel", length=5))) as server,
        pytest.raises(errors.BadReply, match="cut short"),
    ):
        session.request("GET", server.url + "/")


def test_a_short_chunked_body_is_an_error(session: Session) -> None:
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
    with Scripted(then_close(cut)) as server, pytest.raises(errors.BadReply, match="cut short"):
        session.request("GET", server.url + "/")


def test_a_short_stream_is_an_error_after_what_came(session: Session) -> None:
    with Scripted(then_close(answer(200, b"hel", length=5))) as server:
        reply = session.request("GET", server.url + "/", stream=True)
        pieces = reply.chunks(3)
        assert next(pieces) == b"hel"
        with pytest.raises(errors.BadReply, match="cut short"):
            next(pieces)


def test_what_must_not_be_done_twice_is_not_repeated_for_a_short_answer(session: Session) -> None:
    with Scripted(then_close(answer(201, b"hel", length=5))) as server:
        with pytest.raises(errors.BadReply):
            session.request("MOVE", server.url + "/")
        assert len(server.seen) == 1


# heads --------------------------------------------------------------------------------------------------------------


def differential(head: bytes) -> tuple[object, object]:
    """What our parser and the standard library's make of the lines of a head."""
    ours = _Response._parsed(head.splitlines(keepends=True)).items()
    return ours, parse_headers(io.BytesIO(head + b"\r\n")).items()


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"A: b\r\n",
        b"A:b\r\nc-D:   e  \r\n",
        b"A: b\nC: d\n",
        b"Empty:\r\nBlank: \r\n",
        b"Twice: 1\r\nTwice: 2\r\n",
        b"Colons: a:b:c\r\n",
        b"Folded: one\r\n two\r\n\tthree\r\nNext: 1\r\n",
        "Latin: ü\r\n".encode("latin-1"),
        "Utf: ü\r\n".encode(),
        b"A name: with a blank\r\nNext: 1\r\n",
        b"no colon\r\nNext: 1\r\n",
        b"Tab:\tvalue\r\n",
        b"Return: a\rb\r\n",
        b"X-Object-Meta-%CE%B1: %CE%B2\r\n",
    ],
)
def test_headers_are_read_as_by_the_standard_library(head: bytes) -> None:
    ours, theirs = differential(head)
    assert ours == theirs


@given(st.lists(st.text("abc:-_ \t%\x85ü", max_size=12), max_size=5))
def test_any_headers_are_read_as_by_the_standard_library(lines: list[str]) -> None:
    ours, theirs = differential("".join(f"{line}\r\n" for line in lines if line).encode("latin-1"))
    assert ours == theirs


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200\r\nConnection: close\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: rubbish\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b""),
    ],
)
def test_where_a_body_ends(session: Session, wire: bytes, body: bytes) -> None:
    with Scripted(then_close(wire)) as server:
        assert session.request("GET", server.url + "/").content == body


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/3.0 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
    ],
)
def test_heads_that_are_none(session: Session, wire: bytes) -> None:
    with Scripted(then_close(wire)) as server, pytest.raises(errors.BadReply):
        session.request("GET", server.url + "/")


def test_odd_headers_are_sent_as_they_are(session: Session) -> None:
    headers = {"X-Object-Meta-a%20b": "=;,%C3%BC", "X-Empty": "", "x-lower": "1"}
    with Scripted(answer()) as server:
        session.request("PUT", server.url + "/", data=b"x", headers=headers)
        seen = server.seen[0].headers
    assert seen["x-object-meta-a%20b"] == "=;,%C3%BC"
    assert (seen["x-empty"], seen["x-lower"], seen["content-length"]) == ("", "1", "1")


@pytest.mark.parametrize("name", ["bad:name", "", " bad"])
def test_what_is_no_header_is_not_sent(session: Session, name: str) -> None:
    with Scripted(answer()) as server:
        with pytest.raises(ValueError):
            session.request("PUT", server.url + "/", data=b"x", headers={name: "x"})
        assert server.seen == []


# connections --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "MOVE"])
def test_a_refused_connection_is_tried_again_for_any_request(session: Session, method: str) -> None:
    with pytest.raises(errors.NoConnection, match="Connection refused") as caught:
        session.request(method, f"http://127.0.0.1:{free_port()}/")
    assert caught.value.exit_code == 7
    assert session.counters.requests == QUICK.attempts


def test_an_unknown_host(session: Session) -> None:
    with pytest.raises(errors.NoConnection, match=r"name of http://nowhere.invalid is not known"):
        session.request("GET", "http://nowhere.invalid/")


@pytest.mark.parametrize(
    "url", ["", "x", "/a", "ftp://h/", "http:///a", "http://u:p@h/", "http://h:port/", f"http://{'a' * 80}.b/"]
)
def test_what_is_no_address(session: Session, url: str) -> None:
    with pytest.raises(errors.ConfigError):
        session.request("GET", url)


def test_a_server_that_is_silent(session: Session) -> None:
    with Scripted(hang) as server:
        with pytest.raises(errors.TimedOut) as caught:
            session.request("GET", server.url + "/", timeout=0.05, policy=RetryPolicy(attempts=2, base=0.001))
        assert caught.value.exit_code == 8
        assert len(server.seen) == 2


def test_a_server_that_is_silent_in_the_middle_of_a_body(session: Session) -> None:
    def half(connection: Connection) -> None:
        connection.send(answer(200, b"hel", length=5))
        hang(connection)

    with Scripted(half) as server, pytest.raises(errors.TimedOut):
        session.request("GET", server.url + "/", timeout=0.05, policy=RetryPolicy(attempts=1))


def test_a_connection_that_ends_without_an_answer(session: Session) -> None:
    with Scripted(then_close(b""), answer(200, b"x")) as server:
        assert session.request("GET", server.url + "/").attempts == 2
    with Scripted(then_close(b"")) as server:
        with pytest.raises(errors.NoConnection, match="without an answer"):
            session.request("MOVE", server.url + "/")
        assert len(server.seen) == 1


def test_what_does_not_speak_http(session: Session) -> None:
    rubbish = then_close(b"SSH-2.0-OpenSSH_9.2\r\n")
    with Scripted(rubbish) as server, pytest.raises(errors.BadReply, match="does not speak HTTP"):
        session.request("GET", server.url + "/")


@pytest.mark.parametrize("method", ["GET", "MOVE"])
def test_a_connection_that_was_closed_while_idle_is_not_noticed(session: Session, method: str) -> None:
    with Scripted(then_close(answer(200, b"1")), answer(200, b"2")) as server:
        session.request("GET", server.url + "/")
        assert server.idle_closed.wait(20)
        assert session.request(method, server.url + "/").content == b"2"
        assert len(server.seen) == 2


@pytest.mark.parametrize("method", ["GET", "MOVE"])
def test_a_connection_that_is_closed_under_the_request_is_not_noticed(session: Session, method: str) -> None:
    with Scripted(answer(200, b"1"), reset_unread, answer(200, b"2")) as server:
        session.request("GET", server.url + "/")
        assert session.request(method, server.url + "/").content == b"2"
        assert len(server.seen) == 2


def test_a_new_connection_that_is_reset_may_have_brought_the_request(session: Session) -> None:
    with Scripted(reset) as server:
        with pytest.raises(errors.NoConnection):
            session.request("MOVE", server.url + "/")
        assert len(server.seen) == 1
    with Scripted(reset, answer(200, b"x")) as server:
        assert session.request("GET", server.url + "/").attempts == 2


def test_a_kept_connection_that_ends_after_the_request_was_read_may_have_done_it(session: Session) -> None:
    with Scripted(answer(200, b"1"), then_close(b""), answer(200, b"2")) as server:
        session.request("GET", server.url + "/")
        with pytest.raises(errors.NoConnection):
            session.request("MOVE", server.url + "/")
        assert len(server.seen) == 2


def test_a_closed_session_says_so(session: Session) -> None:
    session.close()
    with pytest.raises(errors.NoConnection, match="closed"):
        session.request("GET", "http://127.0.0.1:1/")


# TLS ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_a_certificate_that_nobody_vouches_for(session: Session, tls: ssl.SSLContext) -> None:
    with Scripted(answer(200, b"x"), tls=tls) as server:
        with pytest.raises(errors.NoConnection, match=r"certificate of .* cannot be verified") as caught:
            session.request("GET", server.url + "/", headers={"X-Auth-Token": TOKEN})
        assert "ca_certs" in caught.value.hint
        assert server.seen == []
    assert session.counters.requests == 1


def test_a_certificate_of_ones_own(tls: ssl.SSLContext, certificate: tuple[Path, Path]) -> None:
    with (
        Session(policy=QUICK, ca_certs=str(certificate[0])) as session,
        Scripted(answer(200, b"x" * 9), tls=tls) as server,
    ):
        for _ in range(3):
            assert session.request("PUT", server.url + "/", data=bytes(1_000_000)).content == b"x" * 9
        assert server.connections == 1


def test_certificates_can_be_ignored(tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> None:
    with Session(policy=QUICK, ignore_ssl=True) as session, Scripted(answer(200, b"x"), tls=tls) as server:
        assert session.request("GET", server.url + "/").content == b"x"
    assert "not verified" in caplog.text


def test_tls_to_a_server_without(session: Session) -> None:
    def plain(connection: Connection) -> None:
        connection.sock.recv(65536)  # a hello, which is no request
        connection.send(answer(400))
        connection.close()

    plain.unread = True  # type: ignore[attr-defined]
    with Scripted(plain) as server, pytest.raises(errors.NoConnection, match="does not speak TLS"):
        session.request("GET", server.url.replace("http:", "https:") + "/")


# secrets --------------------------------------------------------------------------------------------------------------


def test_no_token_shows_anywhere(session: Session, caplog: pytest.LogCaptureFixture, tls: ssl.SSLContext) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"X-Auth-Token": TOKEN}
    echo = (
        b'{"unauthorized": {"message": "unknown token ' + TOKEN.encode() + b'", "details": "' + TOKEN.encode() + b'"}}'
    )
    caught: list[BaseException] = []

    def fail(method: str, url: str, token: str = TOKEN) -> None:
        with pytest.raises(errors.PithosfsError) as error:
            session.request(method, url, headers={"X-Auth-Token": token})
        caught.append(error.value)

    with Scripted(answer(401, echo)) as server:
        fail("GET", server.url + "/a")
        fail("GET", f"{server.url}/a?X-Auth-Token={TOKEN}&x=1")
    with Scripted(answer(200, TOKEN.encode())) as server:
        reply = session.request("GET", server.url + "/a", headers=headers)
    for step in (
        then_close(b""),
        reset,
        then_close(answer(200, b"x", length=9)),
        then_close(b"rubbish\r\n"),
        answer(500),
    ):
        with Scripted(step) as server:
            fail("GET", server.url + "/a")
    with Scripted(answer(), tls=tls) as server:
        fail("GET", server.url + "/a")
    fail("GET", f"http://127.0.0.1:{free_port()}/")
    fail("GET", "http://127.0.0.1:1/", TOKEN + "\r\nX-Evil: 1")
    fail("GET", "http://127.0.0.1:1/", TOKEN + "é")

    shown = [caplog.text, repr(session), repr(reply), repr(vars(session)), *map(repr, caught)]
    for error in caught:
        shown += traceback.format_exception(error)
        shown += [str(vars(error)), str(error.args), getattr(error, "hint", "")]
    assert [line for text in shown for line in text.splitlines() if TOKEN in line] == []


def test_addresses_are_shown_without_secrets() -> None:
    assert redacted("http://h/p?a=1&X-Auth-Token=abc&b=2#f") == "http://h/p?a=1&X-Auth-Token=***&b=2#f"
    assert redacted("http://h/token/x") == "http://h/token/x"
    assert redacted("http://h/identity/v2.0/tokens/abc") == "http://h/identity/v2.0/tokens/***"
    assert redacted("http://h/v2.0/tokens/abc/endpoints?token=x") == "http://h/v2.0/tokens/***/endpoints?token=***"
    assert redacted("http://h/identity/v2.0/tokens") == "http://h/identity/v2.0/tokens"
    assert redacted("http://h/v1/account/tokens/file") == "http://h/v1/account/tokens/file"
