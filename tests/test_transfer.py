"""The transfer engine between real files and a cloud in memory that can be made to misbehave.

The same engine over HTTP is tested with the store and the clients.
"""

from __future__ import annotations

import io
import os
import random
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.blocks import Hashmap, block_hash, hash_stream
from pithosfs.errors import BadReply, LocalError, NotAllowed, ServerFailed, UsageError
from pithosfs.transfer import Phase, Progress, TransferCancelled, download, upload

BLOCK = 16


class Cloud:
    """Blocks and one object, with the rules of the protocol and a count of what was asked."""

    def __init__(self, block_size: int = BLOCK, algorithm: str = "sha256") -> None:
        self.block_size = block_size
        self.algorithm = algorithm
        self.blocks: dict[str, bytes] = {}
        self.committed: Hashmap | None = None
        self.whole: bytes | None = None
        self.asked: list[str] = []
        self.sent: list[bytes] = []
        self.on_send: Callable[[bytes], str | None] = lambda data: None
        self.on_read: Callable[[int, int, bytes], bytes] = lambda start, end, data: data
        self._lock = threading.Lock()

    # a target

    def missing(self, hashmap: Hashmap) -> list[str]:
        self.asked.append("missing")
        return list(dict.fromkeys(name for name in hashmap.hashes if name not in self.blocks))

    def send(self, data: bytes) -> str:
        answer = self.on_send(data)
        with self._lock:
            self.asked.append("send")
            self.sent.append(data)
            if answer is not None:
                return answer
            name = block_hash(data, self.algorithm)
            self.blocks[name] = data.rstrip(b"\0")
            return name

    def commit(self, hashmap: Hashmap) -> list[str]:
        missing = self.missing(hashmap)
        self.asked[-1] = "commit"
        if not missing:
            self.committed = hashmap
        return missing

    def put(self, data: bytes) -> None:
        self.asked.append("put")
        self.whole = data

    # a source

    @property
    def hashmap(self) -> Hashmap | None:
        return self.committed

    @property
    def size(self) -> int:
        return self.committed.size if self.committed is not None else len(self.whole or b"")

    @property
    def content(self) -> bytes:
        if self.committed is None:
            assert self.whole is not None
            return self.whole
        hashmap = self.committed
        return b"".join(
            self.blocks[name].ljust(self.block_size, b"\0")[: hashmap.block_length(index)]
            for index, name in enumerate(hashmap.hashes)
        )

    def read_range(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= self.size
        with self._lock:
            self.asked.append(f"{start}-{end}")
        return self.on_read(start, end, self.content[start:end])


class Cold(Cloud):
    """The same, counting from after it was filled."""

    def __init__(self, content: bytes, block_size: int = BLOCK) -> None:
        super().__init__(block_size)
        upload(self, io.BytesIO(content), whole_limit=-1)
        self.asked.clear()


def some(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def flow(content: bytes) -> BinaryIO:
    """A stream that is no file, neither on disk nor in memory."""
    return io.BufferedReader(io.BytesIO(content))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "source"


# uploads --------------------------------------------------------------------------------------------------------------


def test_a_small_file_is_one_request(file: Path) -> None:
    cloud = Cloud()
    file.write_bytes(b"small")
    assert upload(cloud, file) == hash_stream(io.BytesIO(b"small"), BLOCK)
    assert cloud.asked == ["put"]
    assert cloud.whole == b"small"


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 10 * BLOCK, 10 * BLOCK + 7])
def test_files_of_every_length_arrive(file: Path, size: int) -> None:
    file.write_bytes(some(size))
    for source in (file, file.open("rb"), io.BytesIO(some(size)), flow(some(size))):
        cloud = Cloud()
        sent = upload(cloud, source, whole_limit=0)
        assert cloud.content == some(size)
        assert sent == hash_stream(io.BytesIO(some(size)), BLOCK)
        if isinstance(source, io.BufferedReader):
            source.close()


def test_only_what_is_missing_is_sent_and_each_once(file: Path) -> None:
    cloud = Cloud()
    blocks = [some(BLOCK, seed) for seed in range(6)]
    for known in blocks[:3]:
        cloud.send(known)
    cloud.sent.clear()
    cloud.asked.clear()
    file.write_bytes(b"".join(blocks + blocks))
    upload(cloud, file, whole_limit=0)
    assert sorted(cloud.sent) == sorted(blocks[3:])
    assert cloud.asked == ["commit", "send", "send", "send", "commit"]
    cloud.asked.clear()
    upload(cloud, file, whole_limit=0)
    assert cloud.asked == ["commit"]


def test_a_content_in_memory_is_hashed_first() -> None:
    cloud = Cloud()
    for _ in range(2):
        content = io.BytesIO(b"12345" + some(99))
        content.seek(5)
        upload(cloud, content, size=90, whole_limit=0)
    assert cloud.content == some(99)[:90]
    assert cloud.asked == ["commit", *["send"] * 6, "commit", "commit"]
    with pytest.raises(LocalError):
        upload(cloud, io.BytesIO(bytes(99)), size=100)


def test_nuls_do_not_travel(file: Path) -> None:
    cloud = Cloud()
    file.write_bytes(bytes(BLOCK) + b"x" + bytes(BLOCK * 3))
    upload(cloud, file, whole_limit=0)
    assert sorted(cloud.sent) == [b"\0", b"x"]
    assert cloud.content == file.read_bytes()


def test_a_part_of_an_open_file(file: Path) -> None:
    file.write_bytes(some(200))
    with file.open("rb") as stream:
        stream.seek(10)
        cloud = Cloud()
        upload(cloud, stream, size=100, whole_limit=0)
        assert cloud.content == some(200)[10:110]
        cloud = Cloud()
        upload(cloud, stream, whole_limit=0)
        assert cloud.content == some(200)[10:]
        with pytest.raises(LocalError):
            upload(Cloud(), stream, size=191)


def test_files_that_do_not_know_their_size() -> None:
    cloud = Cloud(4096)
    upload(cloud, Path("/proc/self/status"))
    assert (cloud.whole or b"").startswith(b"Name:")


def test_a_pipe_is_sent_while_it_is_read() -> None:
    cloud = Cloud()
    receiving, sending = os.pipe()
    arrived = threading.Event()

    def answer(data: bytes) -> None:
        arrived.set()

    cloud.on_send = answer

    def feed() -> None:
        with open(sending, "wb", buffering=0) as out:
            for start in range(0, 10 * BLOCK, 10):
                out.write(some(1000)[start : start + 10])
            arrived.wait()
            out.write(some(1000)[10 * BLOCK :])

    feeder = threading.Thread(target=feed)
    feeder.start()
    with open(receiving, "rb") as stream:
        upload(cloud, stream, connections=2)
    feeder.join()
    assert cloud.content == some(1000)


def test_a_stream_sends_no_known_block(file: Path) -> None:
    cloud = Cold(some(300))
    upload(cloud, flow(some(300) + b"more"), whole_limit=0, connections=4)
    assert cloud.asked.count("send") == 1
    assert cloud.content == some(300) + b"more"


def test_a_stream_of_the_wrong_length() -> None:
    cloud = Cloud()
    with pytest.raises(LocalError):
        upload(cloud, flow(bytes(99)), size=100, whole_limit=0)
    assert cloud.committed is None
    upload(cloud, flow(some(300)), size=100, whole_limit=0)
    assert cloud.content == some(100)


def test_memory_does_not_grow_with_the_stream() -> None:
    class Endless(io.RawIOBase):
        left = 64 << 20

        def read(self, size: int = -1, /) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return os.urandom(size)

    class Sink(Cloud):
        def send(self, data: bytes) -> str:
            return block_hash(data)

        def commit(self, hashmap: Hashmap) -> list[str]:
            self.committed = hashmap
            return []

    cloud = Sink(1 << 20)
    tracemalloc.start()
    try:
        upload(cloud, Endless(), connections=2)  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert cloud.committed is not None
    assert cloud.committed.size == 64 << 20
    assert peak < 12 << 20


def test_blocks_that_get_lost_are_sent_again_while_that_helps(file: Path) -> None:
    file.write_bytes(some(10 * BLOCK))
    cloud = Cloud()
    dropped: set[bytes] = set()

    def lose_once(data: bytes) -> str | None:
        if len(dropped) < 4 and data not in dropped:
            dropped.add(data)
            return block_hash(data)
        return None

    cloud.on_send = lose_once
    upload(cloud, file, whole_limit=0)
    assert cloud.content == some(10 * BLOCK)
    assert cloud.asked.count("commit") == 3

    cloud = Cloud()
    cloud.on_send = block_hash
    with pytest.raises(ServerFailed):
        upload(cloud, file, whole_limit=0)
    with pytest.raises(ServerFailed):
        upload(cloud, flow(some(10 * BLOCK)), whole_limit=0)
    assert cloud.committed is None


def test_passing_troubles_are_tried_again(file: Path) -> None:
    file.write_bytes(some(10 * BLOCK))
    for source in (file, flow(some(10 * BLOCK))):
        cloud = Cloud()
        failed: set[bytes] = set()

        def fail_once(data: bytes, failed: set[bytes] = failed) -> str | None:
            if len(failed) < 5 and data not in failed:
                failed.add(data)
                if len(failed) % 2:
                    raise ServerFailed("busy", 503)
                return "00" * 32
            return None

        cloud.on_send = fail_once
        upload(cloud, source, whole_limit=0)
        assert cloud.content == some(10 * BLOCK)


def test_troubles_that_stay_are_raised(file: Path) -> None:
    file.write_bytes(some(10 * BLOCK))
    for trouble in (ServerFailed("down", 503), NotAllowed("no", 403)):
        for source in (file, flow(some(10 * BLOCK))):
            cloud = Cloud()

            def fail(data: bytes, trouble: Exception = trouble) -> str | None:
                raise trouble

            cloud.on_send = fail
            with pytest.raises(type(trouble)):
                upload(cloud, source, whole_limit=0)
            assert cloud.committed is None


def test_a_cloud_that_asks_for_strange_blocks(file: Path) -> None:
    class Strange(Cloud):
        def missing(self, hashmap: Hashmap) -> list[str]:
            return ["ab" * 32]

        commit = missing

    file.write_bytes(some(10 * BLOCK))
    with pytest.raises(BadReply):
        upload(Strange(), file, whole_limit=0)
    with pytest.raises(BadReply):
        upload(Strange(), flow(some(100)), whole_limit=0)


@pytest.mark.parametrize("change", ["grow", "cut", "rewrite", "touch"])
def test_a_file_that_changes_while_it_is_read(file: Path, change: str) -> None:
    file.write_bytes(some(10 * BLOCK))
    cloud = Cloud()

    def meddle(data: bytes) -> None:
        if change == "grow":
            with file.open("ab") as out:
                out.write(b"more")
        elif change == "cut":
            os.truncate(file, 20)
        elif change == "rewrite":
            status = file.stat()
            file.write_bytes(some(10 * BLOCK, 2))
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if within one tick of the clock
        else:
            os.utime(file, ns=(1, 1))

    cloud.on_send = meddle
    with pytest.raises(LocalError, match="changed while it was read"):
        upload(cloud, file, whole_limit=0, connections=1)
    assert cloud.committed is None


def test_upload_progress(file: Path) -> None:
    file.write_bytes(some(5 * BLOCK + 3))
    cloud = Cloud()
    cloud.send(some(5 * BLOCK)[:BLOCK])
    told: list[Progress] = []
    upload(cloud, file, whole_limit=0, progress=told.append)
    hashing = [one for one in told if one.phase is Phase.HASHING]
    sending = [one for one in told if one.phase is Phase.SENDING]
    assert told == hashing + sending
    assert [one.done for one in hashing] == sorted(one.done for one in hashing)
    assert (hashing[0].done, hashing[-1].done, hashing[-1].total) == (0, 83, 83)
    assert (sending[0].done, sending[-1].done, sending[-1].total) == (0, 67, 67)

    told.clear()
    upload(cloud, flow(some(99)), whole_limit=0, progress=told.append)
    assert told[-1] == Progress(Phase.SENDING, 99, None)
    told.clear()
    upload(cloud, io.BytesIO(some(9)), progress=told.append)
    assert told == [Progress(phase, done, 9) for phase in (Phase.HASHING, Phase.SENDING) for done in (0, 9)]


def test_upload_cancelled(file: Path) -> None:
    file.write_bytes(some(50 * BLOCK))
    for source in (file, flow(some(50 * BLOCK))):
        cloud = Cloud()
        cancel = threading.Event()

        def stop(data: bytes, cancel: threading.Event = cancel) -> None:
            cancel.set()

        cloud.on_send = stop
        with pytest.raises(TransferCancelled):
            upload(cloud, source, whole_limit=0, cancel=cancel)
        assert len(cloud.sent) < 20
        assert cloud.committed is None
    with pytest.raises(TransferCancelled):
        upload(Cloud(), io.BytesIO(b"x"), cancel=cancel)


def test_an_interrupt_in_the_progress_call_ends_it(file: Path) -> None:
    file.write_bytes(some(50 * BLOCK))

    def interrupt(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upload(Cloud(), file, whole_limit=0, progress=interrupt)


# downloads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 20 * BLOCK, 20 * BLOCK + 7])
def test_contents_of_every_length(tmp_path: Path, size: int) -> None:
    cloud = Cold(some(size))
    download(cloud, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == some(size)
    out = io.BytesIO()
    download(cloud, out)
    assert out.getvalue() == some(size)
    assert os.listdir(tmp_path) == ["target"]


def test_each_distinct_block_is_fetched_once(tmp_path: Path) -> None:
    data = some(BLOCK) * 5 + bytes(BLOCK) * 3 + some(BLOCK, 2) + b"tail"
    cloud = Cold(data)
    download(cloud, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data
    assert sorted(cloud.asked) == ["0-16", "128-144", "144-148"]


def test_holes_stay_holes(tmp_path: Path) -> None:
    size = 1 << 20
    data = b"start" + bytes(size - 5) + bytes(3 * size) + some(size)
    cloud = Cold(data, size)
    download(cloud, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data
    assert (tmp_path / "target").stat().st_blocks * 512 < 2 * size


def test_one_name_for_blocks_of_two_lengths(tmp_path: Path) -> None:
    data = b"abc" + bytes(BLOCK - 3) + b"abc\0"
    cloud = Cold(data)
    assert cloud.committed is not None
    assert len(set(cloud.committed.hashes)) == 1
    download(cloud, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data


def cut(content: bytes, size: int) -> Cold:
    """An object that was truncated on the server: its last block's hash covers hidden bytes."""
    cloud = Cold(content)
    assert cloud.committed is not None
    hashes = cloud.committed.hashes[: -(-size // BLOCK)]
    cloud.committed = Hashmap(size, hashes, BLOCK)
    return cloud


def test_the_last_block_of_a_truncated_object_is_taken_by_its_length(tmp_path: Path) -> None:
    data = some(40)
    download(cut(data, 25), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data[:25]
    out = io.BytesIO()
    download(cut(data, 25), out)
    assert out.getvalue() == data[:25]
    download(cut(data, 25), tmp_path / "target", resume=True)
    assert (tmp_path / "target").read_bytes() == data[:25]
    # Also when the hidden part makes it the same as another, whole block.
    twice = some(BLOCK) * 2
    download(cut(twice, 20), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == twice[:20]
    out = io.BytesIO()
    download(cut(twice, 20), out)
    assert out.getvalue() == twice[:20]


@pytest.mark.parametrize("place", ["first", "last", "short"])
def test_damaged_ranges(tmp_path: Path, place: str) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"before")
    cloud = Cold(some(3 * BLOCK + 5))
    damaged = {"first": 0, "last": 3 * BLOCK, "short": BLOCK}[place]
    times = [0]

    def damage(start: int, end: int, data: bytes) -> bytes:
        if start != damaged or (place == "last" and times[0]):
            return data
        times[0] += 1
        return data[:-1] if place == "short" else bytes([data[0] ^ 1 ^ (times[0] & 1)]) + data[1:]

    cloud.on_read = damage
    if place == "last":  # damaged once only: it is fetched again
        download(cloud, target)
        assert target.read_bytes() == some(3 * BLOCK + 5)
    else:
        times[0] = 1 if place == "first" else 0
        cloud.on_read = lambda start, end, data: (
            data if start != damaged else (data[:-1] if place == "short" else b"\xff" + data[1:])
        )
        for destination in (target, io.BytesIO()):
            with pytest.raises(BadReply):
                download(cloud, destination)
        assert target.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["target"]


def test_a_block_damaged_once_is_fetched_again(tmp_path: Path) -> None:
    cloud = Cold(some(5 * BLOCK))
    seen: set[int] = set()

    def damage(start: int, end: int, data: bytes) -> bytes:
        if start in seen:
            return data
        seen.add(start)
        return bytes(len(data) - 1) + b"!"

    cloud.on_read = damage
    download(cloud, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == some(5 * BLOCK)


def test_the_target_is_the_old_or_the_new_content(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o640)
    cloud = Cold(some(100))

    def look(start: int, end: int, data: bytes) -> bytes:
        assert target.read_bytes() == b"old"
        hidden = [name for name in os.listdir(tmp_path) if name != "target"]
        assert [name[0] for name in hidden] == ["."]
        return data

    cloud.on_read = look
    download(cloud, target)
    assert target.read_bytes() == some(100)
    assert target.stat().st_mode & 0o777 == 0o640


def test_new_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        download(Cold(b"data" * 20), tmp_path / "target")
    finally:
        os.umask(before)
    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o640


def test_links_folders_and_devices(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    cloud = Cold(some(100))
    download(cloud, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == some(100)
    with pytest.raises(UsageError):
        download(cloud, tmp_path)
    with pytest.raises(FileNotFoundError):
        download(cloud, tmp_path / "no" / "such")
    download(cloud, Path("/dev/null"))
    longest = tmp_path / ("n" * 255)
    download(cloud, longest)
    assert longest.read_bytes() == some(100)


def test_resume_fetches_only_what_differs(tmp_path: Path) -> None:
    data = some(10 * BLOCK + 5)
    target = tmp_path / "target"
    for here, fetched in (
        (data, []),
        (data[: 6 * BLOCK + 3], ["112-128", "128-144", "144-160", "160-165", "96-112"]),
        (data[:BLOCK] + bytes(BLOCK) + data[2 * BLOCK :], ["16-32"]),
        (data + b"longer", []),
        (b"", None),
        (None, None),
    ):
        if here is None:
            target.unlink()
        else:
            target.write_bytes(here)
        cloud = Cold(data)
        download(cloud, target, resume=True)
        assert target.read_bytes() == data
        if fetched is None:
            assert len(cloud.asked) == 11
        else:
            assert sorted(cloud.asked) == fetched


def test_resume_writes_nuls_over_what_was_there(tmp_path: Path) -> None:
    data = some(BLOCK) + bytes(2 * BLOCK) + b"x" + bytes(BLOCK - 1)
    target = tmp_path / "target"
    target.write_bytes(b"y" * len(data))
    download(Cold(data), target, resume=True)
    assert target.read_bytes() == data


def test_a_source_without_a_hashmap(tmp_path: Path) -> None:
    cloud = Cloud()
    cloud.whole = some(9 << 20)
    download(cloud, tmp_path / "target", resume=True)
    assert (tmp_path / "target").read_bytes() == cloud.whole
    assert sorted(cloud.asked) == ["0-4194304", "4194304-8388608", "8388608-9437184"]
    out = io.BytesIO()
    download(cloud, out)
    assert out.getvalue() == cloud.whole


def test_a_hashmap_of_another_size(tmp_path: Path) -> None:
    class Odd(Cold):
        @property
        def size(self) -> int:
            return 7

    with pytest.raises(BadReply):
        download(Odd(some(100)), tmp_path / "target")
    assert os.listdir(tmp_path) == []


def test_download_progress_and_cancel(tmp_path: Path) -> None:
    told: list[Progress] = []
    download(Cold(some(100)), tmp_path / "target", progress=told.append)
    assert told[0] == Progress(Phase.RECEIVING, 0, 100)
    assert told[-1] == Progress(Phase.RECEIVING, 100, 100)

    for destination in (tmp_path / "other", io.BytesIO()):
        cloud = Cold(some(100 * BLOCK))
        cancel = threading.Event()

        def stop(start: int, end: int, data: bytes, cancel: threading.Event = cancel) -> bytes:
            cancel.set()
            return data

        cloud.on_read = stop
        with pytest.raises(TransferCancelled):
            download(cloud, destination, cancel=cancel)
        assert len(cloud.asked) < 20
    assert os.listdir(tmp_path) == ["target"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    full = Path("/dev/full")
    cloud = Cold(some(100))
    with pytest.raises(OSError):
        download(cloud, full)


def test_streams_that_take_a_little_at_a_time() -> None:
    class Narrow(io.RawIOBase):
        def __init__(self) -> None:
            self.got = b""

        def write(self, data: memoryview, /) -> int:  # type: ignore[override]
            self.got += bytes(data[:7])
            return min(7, len(data))

    out = Narrow()
    download(Cold(some(100)), out)  # type: ignore[arg-type]
    assert out.got == some(100)


@given(
    st.lists(st.sampled_from([b"\0", b"a", b"b", b"a\0", bytes(BLOCK), b"a" * BLOCK]), max_size=40).map(b"".join),
    st.integers(1, 4),
    st.booleans(),
)
def test_what_goes_up_comes_down(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, connections: int, streamed: bool
) -> None:
    folder = tmp_path_factory.mktemp("round")
    (folder / "source").write_bytes(content)
    source: Path | BinaryIO = flow(content) if streamed else folder / "source"
    cloud = Cloud()
    hashmap = upload(cloud, source, connections=connections, whole_limit=-1)
    assert hashmap == hash_stream(io.BytesIO(content), BLOCK)
    download(cloud, folder / "target", connections=connections)
    assert (folder / "target").read_bytes() == content
