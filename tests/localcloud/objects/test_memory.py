"""Memory of the server does not depend on the size of what goes through it."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from pithosfs.localcloud import process

SIZE = 256 * 1024 * 1024
LIMIT = 150 * 1024 * 1024


def _stream() -> Iterator[bytes]:
    """256 MiB in pieces of 64 KiB; no two blocks are the same."""
    for number in range(SIZE // 65536):
        yield number.to_bytes(8, "big") * 8192


def _highest(pid: int) -> int:
    """The most memory that the process ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


@pytest.mark.parametrize("chunked", [True, False])
def test_a_big_object_streams_through(tmp_path: Path, chunked: bool) -> None:
    data = tmp_path / "data"
    token = process.add_user(data, "alice")
    (user,) = process.users(data)
    status = process.start(data)
    assert status.url is not None
    assert status.pid is not None
    path = f"/object-store/v1/{user.uuid}/c"
    headers = {"X-Auth-Token": token, "Content-Type": "a/b"}
    connection = http.client.HTTPConnection(urlsplit(status.url).netloc)
    try:
        before = psutil.Process(status.pid).memory_info().rss
        assert before < LIMIT
        connection.request("PUT", path, headers=headers)
        connection.getresponse().read()
        if not chunked:
            headers["Content-Length"] = str(SIZE)
        connection.request("PUT", f"{path}/o", _stream(), headers, encode_chunked=chunked)
        response = connection.getresponse()
        response.read()
        assert response.status == 201
        connection.request("GET", f"{path}/o", headers={"X-Auth-Token": token})
        response = connection.getresponse()
        received = hashlib.sha256()
        while piece := response.read(65536):
            received.update(piece)
        expected = hashlib.sha256()
        for piece in _stream():
            expected.update(piece)
        assert received.digest() == expected.digest()
        assert _highest(status.pid) < LIMIT
    finally:
        connection.close()
        process.stop(data)


def test_a_long_list_is_quick_to_page(alice: Any) -> None:
    """Ten thousand objects come in one page, and a folder of them costs one step in the list above it."""
    alice.put("c/seed", b"x")
    # A copy of a folder makes many objects in one request: 1, 2, 4, … times those that are there.
    alice.put("c/d", b"", type="application/directory")
    alice.put("c/d/0", b"x")
    for step in range(13):
        assert alice("COPY", "c/d?delimiter=/", None, Destination=f"/c/d/{step}-").status == 201
    page = alice("GET", "c?format=json&prefix=d/").json()
    assert len(page) == 10_000
    names = [one["name"] for one in page]
    assert names == sorted(names)
    rest = alice("GET", f"c?format=json&prefix=d/&marker={names[-1].replace('/', '%2F')}").json()
    count = int(alice("HEAD", "c").headers["x-container-object-count"])
    assert len(page) + len(rest) == count - 2
    assert alice.list(delimiter="/") == ["d", "d/", "seed"]


def test_a_big_folder_goes_at_once(alice: Any) -> None:
    """More objects than are held in memory at a time are deleted in one request, and moved in one."""
    alice.put("c/d", b"", type="application/directory")
    alice.put("c/d/0", b"xyz")
    for step in range(10):
        alice("COPY", "c/d?delimiter=/", None, Destination=f"/c/d/{step}-")
    count = int(alice("HEAD", "c").headers["x-container-object-count"])
    assert count > 1000
    assert alice("MOVE", "c/d?delimiter=/", None, Destination="/c/e").status == 201
    assert len(alice.list(prefix="e")) == count
    assert alice("DELETE", "c/e?delimiter=/").status == 204
    headers = alice("HEAD", "c").headers
    assert (headers["x-container-object-count"], headers["x-container-bytes-used"]) == ("0", "0")
