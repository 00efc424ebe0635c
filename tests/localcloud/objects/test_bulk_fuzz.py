"""Hostile archives: no 5xx, no trace in the log, nothing of anybody else's is seen or changed, no memory is used up."""

from __future__ import annotations

import bz2
import http.client
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fixtures.archives import Packed, packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pithosfs.localcloud import process

EXAMPLES = int(os.environ.get("PITHOSFS_TEST_EXAMPLES", "300"))
FUZZING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MIB = 1024 * 1024
LIMIT = 150 * MIB

NAMES = st.sampled_from(
    [
        *(
            "o",
            "d/o",
            "../secret/known",
            "/etc/passwd",
            "..",
            ".",
            "",
            "/",
            "./",
            "a" * 1100,
            "a\nb",
            "\udcff",
            "é",
            "%00",
        ),
        *("c/../../x", "d/", "//", "secret", "CON", "\\..\\x", "a\0b"),
    ]
)
KEYS = st.sampled_from(
    [
        *(
            "SCHILY.xattr.user.meta.a",
            "SCHILY.xattr.user.meta.",
            "SCHILY.xattr.user.meta.%00",
            "SCHILY.xattr.user.meta.%FF",
        ),
        *(
            "SCHILY.xattr.user.mime_type",
            "LIBARCHIVE.xattr.user.meta.b",
            "PITHOSFS.md5",
            "path",
            "size",
            "GNU.sparse.x",
        ),
        *("hdrcharset", "linkpath", "SCHILY.xattr.user.meta.X-Object-Sharing", "SCHILY.xattr.user.meta.a\nb", "mtime"),
    ]
)
VALUES = st.sampled_from(
    [
        "",
        "x",
        "%FF",
        "%00",
        "\0",
        "\udcff",
        "a\r\nX-Evil: 1",
        "9" * 30,
        "-1",
        "100",
        "../../secret/known",
        "é",
        "x" * 300,
    ]
)
TYPES = st.sampled_from(
    [tarfile.REGTYPE] * 6 + [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, b"S", b"g", b"Z", b"\0"]
)
MEMBERS = st.lists(
    st.builds(Packed, NAMES, st.binary(max_size=700), st.dictionaries(KEYS, VALUES, max_size=3), TYPES), max_size=4
)


@st.composite
def archives(draw: st.DrawFn) -> tuple[str, bytes]:
    compression = draw(st.sampled_from(["", "", "", "gz", "bz2"]))
    data = bytearray(packed(draw(MEMBERS)))
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    found = bytes(data)
    if compression:
        make = zlib.compressobj(wbits=31) if compression == "gz" else bz2.BZ2Compressor()
        found = make.compress(found) + make.flush()
        if draw(st.booleans()):
            found = found[: draw(st.integers(0, len(found)))]
    return "tar" + (f".{compression}" if compression else ""), found


@FUZZING
@given(archives(), st.sampled_from(["c", "c/p", "secret"]), st.booleans(), st.booleans())
def test_archives(people: Any, server: Any, made: tuple[str, bytes], at: str, mine: bool, only_new: bool) -> None:
    kind, data = made
    victim, attacker = people("victim"), people("attacker")
    victim.make("secret")
    victim.put("secret/known", b"tops3cret")
    attacker.make("c")
    headers = {"If_None_Match": "*"} if only_new else {}
    account = attacker.id if mine else victim.id
    answer = attacker("PUT", f"{at}?extract-archive={kind}", data, account=account, **headers)
    if not mine:
        assert answer.status == 403
    elif at == "secret":
        assert answer.status == 404
    else:
        assert answer.status == 200
        told = answer.json()
        assert len(told["Objects"]) == told["Number Files Created"]
        listed = {one["name"]: one for one in attacker("GET", "c?format=json").json()}
        assert {one["name"] for one in told["Objects"]} == set(listed)
        assert all(name.startswith("p/") for name in listed if at == "c/p")
        head = attacker("HEAD", "c").headers
        assert head["x-container-object-count"] == str(len(listed))
        assert head["x-container-bytes-used"] == str(sum(one["bytes"] for one in listed.values()))
    assert [one["name"] for one in attacker("GET", "?format=json").json()] == ["c"]
    assert victim.list("secret") == ["known"]
    assert len(victim.versions("secret/known")) == 1
    assert b"Traceback" not in (Path(server.data) / "server.log").read_bytes()


# memory ---------------------------------------------------------------------------------------------------------------


def _highest(pid: int) -> int:
    """The most memory that the process ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def _many() -> Iterator[bytes]:
    """Small files, files of one block and one of many blocks: 200 MiB."""
    info = tarfile.TarInfo("")
    for number in range(2000):
        info.name, info.size = f"small/{number}", 20_000
        yield info.tobuf() + number.to_bytes(8, "big") * 2500 + bytes(480)
    for number in range(20):
        info.name, info.size = f"block/{number}", 4 * MIB
        yield info.tobuf()
        for piece in range(4):
            yield (number * 4 + piece + 1).to_bytes(8, "big") * (MIB // 8)
    info.name, info.size = "large", 80 * MIB
    yield info.tobuf()
    for piece in range(80):
        yield (piece + 1000).to_bytes(8, "big") * (MIB // 8)
    yield bytes(1024)


def _bomb() -> Iterator[bytes]:
    """192 MiB of a member that is skipped, and of one that is all NULs, in 400 KiB."""
    make = zlib.compressobj(9, wbits=31)
    for kind in (tarfile.SYMTYPE, b"Z", tarfile.REGTYPE):
        info = tarfile.TarInfo("bomb")
        info.type, info.size = kind, 0 if kind == tarfile.SYMTYPE else 192 * MIB
        yield make.compress(info.tobuf())
        for _ in range(0 if kind == tarfile.SYMTYPE else 192):
            yield make.compress(bytes(MIB))
    yield make.compress(bytes(1024)) + make.flush()


@pytest.mark.parametrize(("kind", "made", "count"), [("tar", _many, 2021), ("tar.gz", _bomb, 1)], ids=["many", "bomb"])
def test_memory(tmp_path: Path, kind: str, made: Any, count: int) -> None:
    data = tmp_path / "data"
    token = process.add_user(data, "alice")
    (user,) = process.users(data)
    status = process.start(data)
    assert status.url is not None
    assert status.pid is not None
    connection = http.client.HTTPConnection(urlsplit(status.url).netloc)
    try:
        path = f"/object-store/v1/{user.uuid}/c"
        connection.request("PUT", path, headers={"X-Auth-Token": token})
        assert connection.getresponse().read() == b""
        headers = {"X-Auth-Token": token, "Accept": "application/json"}
        body = (piece for piece in made() if piece)
        connection.request("PUT", f"{path}?extract-archive={kind}", body, headers, encode_chunked=True)
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200
        assert f'"Number Files Created": {count},'.encode() in answer
        assert _highest(status.pid) < LIMIT
    finally:
        connection.close()
        process.stop(data)
