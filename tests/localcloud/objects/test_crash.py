"""Kill -9 and clients that hang up: what was answered is there, what was not leaves nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from pithosfs.localcloud import process

B = 4 * 1024 * 1024


def content(number: int) -> bytes:
    """Mostly small; some over the border of a block."""
    size = B + number if number % 7 == 0 else number * 37
    return (b"%d," % number) * (size // len(b"%d," % number) + 1)


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """Whatever was answered with 201 before a kill -9 is served whole after the next start."""
    data = tmp_path / "data"
    token = process.add_user(data, "alice")
    (user,) = process.users(data)
    answered: dict[str, tuple[str, bytes]] = {}
    for round_number in range(3):
        status = process.start(data)
        assert status.url is not None
        assert status.pid is not None
        enough = threading.Event()
        threads = [
            threading.Thread(target=_write, args=(status.url, user.uuid, token, round_number, one, answered, enough))
            for one in range(4)
        ]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        os.kill(status.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        os.waitpid(status.pid, 0)
    status = process.start(data)
    try:
        assert status.url is not None
        connection = http.client.HTTPConnection(urlsplit(status.url).netloc)
        try:
            assert len(answered) > 60
            for name, (etag, expected) in answered.items():
                connection.request("GET", f"/object-store/v1/{user.uuid}/c/{name}", headers={"X-Auth-Token": token})
                response = connection.getresponse()
                body = response.read()
                assert (response.status, response.headers["etag"]) == (200, etag), name
                assert hashlib.sha256(body).digest() == hashlib.sha256(expected).digest(), name
        finally:
            connection.close()
    finally:
        process.stop(data)


def _write(
    url: str,
    account: str,
    token: str,
    round_number: int,
    writer: int,
    answered: dict[str, tuple[str, bytes]],
    enough: threading.Event,
) -> None:
    """PUT one object after the other until the server is gone."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    base = f"/object-store/v1/{account}/c"
    headers = {"X-Auth-Token": token, "Content-Type": "a/b"}
    try:
        connection.request("PUT", base, headers=headers)
        connection.getresponse().read()
        for number in range(100_000):
            name, data = f"{round_number}-{writer}-{number}", content(number)
            connection.request("PUT", f"{base}/{name}", data, headers)
            response = connection.getresponse()
            response.read()
            if response.status == 201:
                answered[name] = (response.headers["etag"], data)
            if number == 15:
                enough.set()
    except (OSError, http.client.HTTPException):
        pass  # killed, as intended
    finally:
        connection.close()


class Changer:
    """Changes objects of its own at random, and knows what was acknowledged, and what was under way at the end."""

    NAMES = ("a", "b", "a/b")

    def __init__(self, url: str, account: str, token: str, number: int) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.base = f"/object-store/v1/{account}/c"
        self.headers = {"X-Auth-Token": token}
        self.prefix = f"{number}-"
        self.random = Random(number)
        self.content: dict[str, bytes | None] = dict.fromkeys(self.NAMES)
        self.versions = dict.fromkeys(self.NAMES, 0)
        self.under_way: tuple[str, bytes | None, int] | None = None

    def run(self, enough: threading.Event) -> None:
        """Until the server is gone."""
        try:
            for step in range(100_000):
                self.change()
                if step == 25:
                    enough.set()
        except (OSError, http.client.HTTPException):
            pass  # killed, as intended
        finally:
            self.connection.close()

    def change(self) -> None:
        name = self.random.choice(self.NAMES)
        present = self.content[name]
        data = self.random.randbytes(self.random.choice((0, 9, 300, 70_000)))
        if self.random.random() < 0.03:
            data += bytes(range(256)) * (B // 256)
        verb = self.random.choice(("PUT", "PUT", "append", "meta", "DELETE")) if present is not None else "PUT"
        headers: dict[str, str] = {}
        after: bytes | None = data
        if verb == "append":
            headers = {"Content-Type": "application/octet-stream", "Content-Range": "bytes */*"}
            after = (present or b"") + data
        elif verb == "meta":
            headers, after, data = {"X-Object-Meta-A": str(self.random.random())}, present, b""
        elif verb == "DELETE":
            after = None
        else:
            headers = {"Content-Type": "a/b"}
        query = "?update" if verb in ("append", "meta") else ""
        self.under_way = (name, after, verb != "DELETE")
        method = "POST" if query else verb
        self.request(method, name, data if verb != "DELETE" else None, headers, query)
        self.content[name] = after
        self.versions[name] += verb != "DELETE"
        self.under_way = None

    def request(
        self, method: str, name: str, data: bytes | None = None, headers: dict[str, str] | None = None, query: str = ""
    ) -> bytes:
        target = f"{self.base}/{self.prefix}{name}{query}"
        self.connection.request(method, target, data, {**self.headers, **(headers or {})})
        response = self.connection.getresponse()
        body = response.read()
        if response.status not in (200, 201, 202, 204, 404):
            raise AssertionError(f"{method} {target}: {response.status}")
        return b"" if response.status == 404 else body

    def check(self, url: str) -> int:
        """Everything is as it was acknowledged, or as what was under way would make it. Returns the bytes held."""
        held = 0
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        for name in self.NAMES:
            self.connection.request("GET", f"{self.base}/{self.prefix}{name}", headers=self.headers)
            response = self.connection.getresponse()
            body = response.read()
            found = body if response.status == 200 else None
            allowed = [(self.content[name], self.versions[name])]
            if self.under_way is not None and self.under_way[0] == name:
                allowed.append((self.under_way[1], self.versions[name] + self.under_way[2]))
            listed = self.request("GET", name, query="?version=list")
            versions = json.loads(listed)["versions"] if listed else []
            assert (found, len(versions)) in allowed, (name, response.status, len(versions))
            for ident, _ in versions:
                self.connection.request("GET", f"{self.base}/{self.prefix}{name}?version={ident}", headers=self.headers)
                old = self.connection.getresponse()
                assert len(old.read()) == int(old.headers["content-length"])
                assert old.status == 200
            held += len(found or b"")
        self.connection.close()
        return held


def test_killed_while_everything_changes(tmp_path: Path) -> None:
    """Overwriting, appending, metadata and deletions too: nothing acknowledged is lost, nothing is half done."""
    data = tmp_path / "data"
    token = process.add_user(data, "alice")
    (user,) = process.users(data)
    changers: list[Changer] = []
    for round_number in range(3):
        status = process.start(data)
        assert status.url is not None
        assert status.pid is not None
        if not changers:
            with contextlib.closing(http.client.HTTPConnection(urlsplit(status.url).netloc)) as connection:
                connection.request("PUT", f"/object-store/v1/{user.uuid}/c", headers={"X-Auth-Token": token})
                assert connection.getresponse().status == 201
        some = [Changer(status.url, user.uuid, token, round_number * 4 + one) for one in range(4)]
        changers += some
        enough = threading.Event()
        threads = [threading.Thread(target=one.run, args=(enough,)) for one in some]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        os.kill(status.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        os.waitpid(status.pid, 0)
    status = process.start(data)
    try:
        assert status.url is not None
        held = sum(one.check(status.url) for one in changers)
        with contextlib.closing(http.client.HTTPConnection(urlsplit(status.url).netloc)) as connection:
            connection.request("HEAD", f"/object-store/v1/{user.uuid}", headers={"X-Auth-Token": token})
            assert connection.getresponse().headers["x-account-bytes-used"] == str(held)
    finally:
        process.stop(data)


class TestHangUp:
    @pytest.mark.parametrize("chunked", [False, True])
    def test_in_the_middle_of_a_body(self, alice: Any, chunked: bool) -> None:
        host, port = alice.host.split(":")
        with socket.create_connection((host, int(port))) as connection:
            length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {3 * B}"
            connection.sendall(
                f"PUT /object-store/v1/{alice.id}/c/o HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {alice.token}\r\n"
                f"Content-Type: a/b\r\n{length}\r\n\r\n".encode()
            )
            if chunked:
                connection.sendall(b"%x\r\n" % (3 * B))
            connection.sendall(bytes(B + 5))
        # The server notices at some time; whenever that is, no object appears.
        for _ in range(20):
            assert alice("HEAD", "c/o").status == 404
            time.sleep(0.01)
        alice.put("c/o", b"whole")
        assert alice("GET", "c/o").body == b"whole"

    def test_in_the_middle_of_a_reply(self, alice: Any) -> None:
        alice.put("c/o", bytes(range(256)) * (3 * B // 256))
        host, port = alice.host.split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"GET /object-store/v1/%s/c/o HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\n\r\n"
                % (alice.id.encode(), alice.token.encode())
            )
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert len(alice("GET", "c/o").body) == 3 * B


def test_a_lost_block_is_told(alice: Any, server: Any) -> None:
    """A block that is gone from the disk is a 500 before the first byte, and cuts the reply short after it."""
    data = bytes([1]) * B + bytes([2]) * B
    alice.put("c/o", data)
    hashes = alice("GET", "c/o?hashmap").json()["hashes"]

    def lose(name: str) -> None:
        (server.data / "blocks" / name[:2] / name[2:4] / name).unlink()

    lose(hashes[1])
    with pytest.raises(http.client.IncompleteRead):
        alice("GET", "c/o")
    alice.close()
    assert alice("GET", "c/o", Range=f"bytes={B}-{B}").fault() == "internalServerError"
    assert alice("GET", "c/o", Range="bytes=0-0").status == 206
    alice.put("c/o", data)  # sent again, it is whole again
    assert alice("GET", "c/o").body == data
