"""Contents between open files and the local cloud: what goes wrong on the way, and what is left then."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.proxy import Answer, Drop, FaultProxy, LoseAnswer, ReplaceBody

from pithosfs import errors
from pithosfs.clients.pithos import PithosClient
from pithosfs.http import RetryPolicy, Session

BLOCK = 4 * 1024 * 1024
NUMBERS = itertools.count()
BLOCK_POST = r"^POST .*update"


@pytest.fixture(scope="module")
def ada(cloud: TestCloud) -> User:
    return cloud.user("contents")


@pytest.fixture
def wire(proxy: Any, cloud: TestCloud) -> FaultProxy:
    found: FaultProxy = proxy(cloud)
    return found


@pytest.fixture
def client(ada: User, wire: FaultProxy) -> Iterator[PithosClient]:
    """A client behind a proxy, with a container of its own."""
    url = wire.instead_of(ada.storage_url.rpartition("/")[0])
    with Session(policy=RetryPolicy(base=0.001)) as session:
        made = PithosClient(url, ada.token, ada.uuid, f"contents{next(NUMBERS)}", session=session)
        made.create_container()
        yield made


@pytest.fixture
def big(client: PithosClient) -> bytes:
    """The content of the object "big"."""
    content = os.urandom(3 * BLOCK + 5)
    client.upload_from_string("big", content)
    return content


# uploads --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, BLOCK + 1])
def test_an_answer_that_was_lost_is_no_conflict(client: PithosClient, wire: FaultProxy, size: int) -> None:
    content = os.urandom(size)
    wire.when(r"^PUT .*/o\b", LoseAnswer(), times=1)
    if size > BLOCK:
        client.container_post(data=content[:BLOCK], content_type="application/octet-stream")
        client.container_post(data=content[BLOCK:], content_type="application/octet-stream")
    headers = client.upload_from_string("o", content, if_not_exist=True)
    assert headers["x-object-version"]
    assert client.session.counters.retries == 1
    assert client.download_to_string("o") == content
    # Somebody else's content under the name is one, lost answer or not.
    wire.when(r"^PUT .*/o\b", Drop(), times=1)
    with pytest.raises(errors.PreconditionFailed):
        client.upload_from_string("o", os.urandom(size), if_not_exist=True)


def test_blocks_that_fail_are_sent_again(client: PithosClient, wire: FaultProxy, tmp_path: Path) -> None:
    content = os.urandom(5 * BLOCK)
    (tmp_path / "f").write_bytes(content)
    wire.when(BLOCK_POST, Answer(503), times=6)
    wire.when(BLOCK_POST, ReplaceBody(), times=1)
    steps: list[tuple[int, int]] = []
    with (tmp_path / "f").open("rb") as file:
        client.upload_object("o", file, upload_cb=lambda done, total: steps.append((done, total)))
    assert steps == [(number, 5) for number in range(6)]
    assert client.download_to_string("o") == content


def rewrite(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def shrink(path: Path) -> None:
    os.truncate(path, 5)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize("change", [rewrite, shrink, grow])
@pytest.mark.parametrize("when", ["hash_cb", "upload_cb"])
def test_a_file_that_changes_meanwhile_makes_nothing(
    client: PithosClient, tmp_path: Path, change: Any, when: str
) -> None:
    path = tmp_path / "f"
    path.write_bytes(os.urandom(2 * BLOCK))

    def bar(done: int, total: int) -> None:
        if done == 1:
            change(path)

    client.MAX_THREADS = 1
    with path.open("rb") as file, pytest.raises(errors.LocalError):
        client.upload_object("o", file, **{when: bar})
    assert client.list_objects() == []


class Changing(io.BufferedReader):
    """A file that somebody changes after the first read."""

    change: Any = None

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        change, self.change = self.change, None
        if change is not None:
            change(Path(self.raw.name))  # type: ignore[attr-defined]
        return piece


@pytest.mark.parametrize("change", [rewrite, shrink, grow])
def test_nor_does_it_in_one_request(client: PithosClient, tmp_path: Path, change: Any) -> None:
    path = tmp_path / "f"
    path.write_bytes(os.urandom(BLOCK))
    with Changing(io.FileIO(path)) as file, pytest.raises(errors.LocalError):
        file.change = change
        client.upload_object_unchunked("o", file)  # type: ignore[arg-type]
    assert client.list_objects() == []


def test_one_request_does_not_need_the_memory(client: PithosClient, wire: FaultProxy, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(os.urandom(BLOCK + 3))
    wire.when(r"^PUT .*/o\b", Answer(503), times=1)  # what is a file can be sent again
    with path.open("rb") as file:
        file.seek(2)
        client.upload_object_unchunked("o", file, size=BLOCK)
    assert client.download_to_string("o") == path.read_bytes()[2 : 2 + BLOCK]
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    os.close(writing)
    with open(reading, "rb") as pipe:
        client.upload_object_unchunked("p", pipe, size=9)
    assert client.download_to_string("p") == b"through a"


def test_pieces_are_appended_in_order(client: PithosClient, wire: FaultProxy, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(os.urandom(3 * BLOCK + 1))
    client.upload_from_string("o", "start")
    with path.open("rb") as file:
        replies = client.append_object("o", file)
    versions = [int(one["x-object-version"]) for one in replies]
    assert len(versions) == 4
    assert versions == sorted(versions)
    assert client.download_to_string("o") == b"start" + path.read_bytes()
    # An append whose answer is lost may have been done: it is not repeated.
    wire.when(r"^POST .*/o\b", LoseAnswer(), times=1)
    with pytest.raises(errors.NoConnection):
        client.append_object("o", io.BytesIO(b"end"))
    assert client.download_to_string("o") == b"start" + path.read_bytes() + b"end"


def test_overwriting_writes_nothing_when_the_file_is_too_short(client: PithosClient) -> None:
    version = client.upload_from_string("o", "0123456789")["x-object-version"]
    with pytest.raises(errors.LocalError):
        client.overwrite_object("o", 0, 9, io.BytesIO(b"12345"))
    assert client.get_object_info("o")["x-object-version"] == version


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
def test_truncated_objects_come_back(client: PithosClient, big: bytes, tmp_path: Path, size: int) -> None:
    client.truncate_object("big", size)
    assert client.download_to_string("big") == big[:size]
    target = tmp_path / "target"
    target.write_bytes(big)
    with target.open("r+b") as file:
        client.download_object("big", file, resume=True)
    assert target.read_bytes() == big[:size]


# downloads ------------------------------------------------------------------------------------------------------------


def test_a_download_is_of_one_version(client: PithosClient, big: bytes) -> None:
    def bar(done: int, total: int) -> None:
        if done == 1:
            client.upload_from_string("big", os.urandom(2 * BLOCK))

    client.MAX_THREADS = 1
    assert client.download_to_string("big", download_cb=bar) == big


def test_a_change_is_said_where_no_versions_are_kept(client: PithosClient, tmp_path: Path) -> None:
    client.set_container_versioning("none")
    client.upload_from_string("o", os.urandom(3 * BLOCK))

    def bar(done: int, total: int) -> None:
        if done == 1:
            client.upload_from_string("o", os.urandom(3 * BLOCK))

    client.MAX_THREADS = 1
    with (tmp_path / "f").open("wb") as file, pytest.raises(errors.PreconditionFailed, match="changed or deleted"):
        client.download_object("o", file, download_cb=bar)
    # What is there is the beginning of what was asked for, not a mixture.
    assert (tmp_path / "f").stat().st_size == BLOCK


def test_damage_on_the_way_is_found(client: PithosClient, wire: FaultProxy, big: bytes, tmp_path: Path) -> None:
    wire.when(lambda request: "range" in request.headers, ReplaceBody(), times=1)
    assert client.download_to_string("big") == big
    wire.when(lambda request: "range" in request.headers, ReplaceBody())
    with (tmp_path / "f").open("wb") as file, pytest.raises(errors.BadReply):
        client.download_object("big", file)
    assert (tmp_path / "f").stat().st_size == 0


def test_a_file_holds_the_object_and_nothing_else(client: PithosClient, tmp_path: Path) -> None:
    client.upload_from_string("o", "content")
    path = tmp_path / "f"
    path.write_bytes(b"something longer than that")
    with path.open("r+b") as file:
        file.seek(3)
        for _ in range(2):
            client.download_object("o", file)
            assert path.read_bytes() == b"content"
    with tempfile.NamedTemporaryFile() as temporary:
        temporary.write(b"something longer than that")
        client.download_object("o", temporary)  # type: ignore[arg-type]
        assert Path(temporary.name).read_bytes() == b"content"
    memory = io.BytesIO(b"something longer than that")
    client.download_object("o", memory)
    assert memory.getvalue() == b"content"


def test_streams_go_on_where_they_are(client: PithosClient, ada: User, tmp_path: Path) -> None:
    client.upload_from_string("o", "content")
    path = tmp_path / "f"
    path.write_bytes(b"before ")
    with path.open("ab") as file:
        client.download_object("o", file)
    assert path.read_bytes() == b"before content"
    with gzip.open(path, "wb") as packed:
        client.download_object("o", packed)  # type: ignore[arg-type]
    assert gzip.decompress(path.read_bytes()) == b"content"
    program = (
        "import sys; from pithosfs.clients.pithos import PithosClient\n"
        "print('before'); PithosClient(*sys.argv[1:]).download_object('o', sys.stdout); print(' after')"
    )
    arguments = [client.endpoint_url, ada.token, ada.uuid, str(client.container)]
    with path.open("wb") as out:
        subprocess.run([sys.executable, "-W", "error", "-c", program, *arguments], stdout=out, check=True, timeout=60)
    assert path.read_bytes() == b"before\ncontent after\n"


@pytest.mark.parametrize("mode", ["r+b", "ab", "a+b"])
def test_resuming_fetches_what_differs(
    client: PithosClient, wire: FaultProxy, big: bytes, tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "f"
    damaged = bytearray(big + b"too much")
    damaged[BLOCK + 1] ^= 1
    path.write_bytes(damaged)
    with path.open(mode) as file:
        path.unlink()  # it is the open file that counts, whatever became of its name
        wire.forget()
        client.download_object("big", file, resume=True)
        assert wire.received < BLOCK + 100_000
        assert file.tell() == len(big)
        with open(f"/proc/self/fd/{file.fileno()}", "rb") as same:
            assert same.read() == big


def test_attributes_may_be_set_later(client: PithosClient, ada: User) -> None:
    with PithosClient(client.endpoint_url, "wrong") as late:
        late.token, late.account = ada.token, ada.uuid
        late.container = client.container
        late.MAX_THREADS = 2
        late.upload_from_string("o", "x")
        late.container = "pithos"
        late.upload_from_string("o", "y")
        assert late.download_to_string("o") == b"y"
    assert client.download_to_string("o") == b"x"


def test_headers_are_found_in_any_spelling(client: PithosClient) -> None:
    headers = client.upload_from_string("o", "x")
    assert all(name == name.lower() for name in headers)
    assert headers["ETag"] == headers["etag"] == headers.get("Etag")
    assert "X-Object-Version" in headers
    assert headers.get("Nothing", "7") == "7"
    for missing in ("nothing", "Nothing", "1"):
        with pytest.raises(KeyError):
            headers[missing]
