"""Reading archives as they arrive: what the standard library packs, in pieces of any size, and what nobody would."""

from __future__ import annotations

import asyncio
import bz2
import contextlib
import gzip
import io
import tarfile
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
from fixtures.archives import Packed, packed
from hypothesis import given, settings
from hypothesis import strategies as st

from pithosfs.localcloud.objects.archive import (
    MAX_EXTENSION,
    SLICE,
    ArchiveError,
    ArchiveReader,
    Member,
    decompressed,
)

FAST = settings(max_examples=80, deadline=None)
LIMIT = 1 << 40


async def pieces_of(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def members_of(data: bytes, size: int, how: str) -> list[tuple[Member, bytes]]:
    archive = ArchiveReader(pieces_of(data, size))
    found = []
    while (member := await archive.next()) is not None:
        if how == "read":
            content = await archive.read()
        elif how == "pieces":
            content = b"".join([piece async for piece in archive.pieces()])
        else:
            content = b""
        found.append((member, content))
    return found


def read(data: bytes, size: int = 65536, how: str = "read") -> list[tuple[Member, bytes]]:
    return asyncio.run(members_of(data, size, how))


def by_the_library(data: bytes) -> list[tuple[str, int, bytes]]:
    """Names, sizes and contents of the regular files."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errors="surrogateescape") as archive:
        for info in archive:
            if info.isreg():
                content = archive.extractfile(info)
                assert content is not None
                found.append((info.name, info.size, content.read()))
    return found


NAMES = st.text(
    st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), min_size=1, max_size=12
) | st.sampled_from(["a" * 100, "a" * 101, "d/" * 80 + "x", "ü" * 60, "/abs", "./a", "../a", "x" * 300])
RECORDS = st.dictionaries(
    st.text(st.characters(blacklist_characters="=\0", blacklist_categories=("Cs",)), min_size=1, max_size=20).map(
        lambda key: "X." + key
    ),
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=40),
    max_size=3,
)
MEMBERS = st.lists(st.builds(Packed, NAMES, st.binary(max_size=1500), RECORDS), max_size=5)


@FAST
@given(MEMBERS, st.integers(1, 2000), st.sampled_from(["read", "pieces"]))
def test_pax_archives(members: list[Packed], size: int, how: str) -> None:
    found = read(packed(members), size, how)
    assert [(one.name, one.size, content) for one, content in found] == [
        (one.name, len(one.data), one.data) for one in members
    ]
    for (one, _), given_one in zip(found, members, strict=True):
        assert {key: value for key, value in one.records.items() if key.startswith("X.")} == given_one.records
        assert one.kind == "file"


@FAST
@given(MEMBERS, st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT]), st.integers(1, 700))
def test_older_archives(members: list[Packed], format: int, size: int) -> None:
    fitting = [Packed(one.name, one.data) for one in members]
    try:
        data = packed(fitting, format=format)
    except ValueError:
        return  # a name that this format cannot hold
    found = read(data, size)
    assert [(one.name, one.size, content) for one, content in found] == by_the_library(data)


def test_kinds() -> None:
    members = [
        Packed("folder/", type=tarfile.DIRTYPE),
        Packed("file", b"x"),
        Packed("old", b"y", type=tarfile.AREGTYPE),
        Packed("contiguous", b"z", type=tarfile.CONTTYPE),
        Packed("link", type=tarfile.SYMTYPE, link="/etc/passwd"),
        Packed("hard", type=tarfile.LNKTYPE, link="file"),
        Packed("null", type=tarfile.CHRTYPE),
        Packed("disk", type=tarfile.BLKTYPE),
        Packed("fifo", type=tarfile.FIFOTYPE),
        Packed("new", b"?" * 700, type=b"Z"),
        Packed("volume", type=b"V"),
        Packed("last", b"."),
    ]
    found = read(packed(members))
    assert [(one.name.rstrip("/"), one.kind, content) for one, content in found] == [
        ("folder", "folder", b""),
        ("file", "file", b"x"),
        ("old", "file", b"y"),
        ("contiguous", "file", b"z"),
        *((name, "other", b"") for name in ("link", "hard", "null", "disk", "fifo")),
        ("new", "other", b"?" * 700),
        ("volume", "other", b""),
        ("last", "file", b"."),
    ]


def test_sparse_files_are_told_apart() -> None:
    new = Packed("sparse", b"1\n0\n3\n".ljust(512, b"\0") + b"abc", {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})
    header = bytearray(tarfile.TarInfo("old").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[124:136] = b"%011o\0" % 3
    header[482] = 1  # one more block of the map follows
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    old = bytes(header) + bytes(512) + b"abc".ljust(512, b"\0")
    found = read(old + packed([new, Packed("plain", b"x")]))
    assert [(one.name, one.kind) for one, _ in found] == [("old", "sparse"), ("sparse", "sparse"), ("plain", "file")]


def test_global_records_hold_for_what_follows() -> None:
    data = packed([Packed("a", b"", {"own": "1"}), Packed("b", b"", {"all": "mine"})], everywhere={"all": "yes"})
    found = [one.records for one, _ in read(data)]
    assert [(one.get("all"), one.get("own")) for one in found] == [("yes", "1"), ("mine", None)]


def test_numbers_of_all_kinds() -> None:
    def archive(field: bytes) -> bytes:
        header = bytearray(tarfile.TarInfo("f").tobuf(tarfile.USTAR_FORMAT))
        header[124:136] = field
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        return bytes(header) + b"abc".ljust(512, b"\0") + bytes(1024)

    for field in (
        b"00000000003\0",
        b"          3 ",
        b"3\0xxxxxxxxxx",
        b"\x80" + bytes(10) + b"\x03",
        b"  0000003 \0\0",
    ):
        ((member, content),) = read(archive(field.ljust(12, b"\0")))
        assert (member.size, content) == (3, b"abc")
    for field in (b"-1\0", b"1_0\0", b"0x3\0", b"9\0", b"\xff" * 12, b"\x80" + b"\xff" * 11, b"\xc2\xb2\0"):
        with pytest.raises(ArchiveError):
            read(archive(field.ljust(12, b"\0")))


def test_sums_of_signed_bytes() -> None:
    header = bytearray(tarfile.TarInfo("f").tobuf(tarfile.USTAR_FORMAT))
    header[0:2] = "ü".encode()
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % (sum(header) - 512)
    ((member, _),) = read(bytes(header) + bytes(1024))
    assert member.name == "ü"
    header[148] ^= 1
    with pytest.raises(ArchiveError):
        read(bytes(header) + bytes(1024))


def test_a_name_that_is_not_utf8() -> None:
    ((member, _),) = read(packed([Packed("a\udcff")], format=tarfile.USTAR_FORMAT))
    assert member.name == "a\udcff"


def test_an_archive_that_breaks_off() -> None:
    members = [Packed("long " * 30, b"a" * 700, {"X.a": "b"}), Packed("second", b"b" * 300)]
    data = packed(members)
    end = len(data.rstrip(b"\0"))
    ends = 0
    for cut in range(0, end, 7):
        try:
            found = read(data[:cut])
        except ArchiveError:
            continue
        ends += 1
        # Only where a header would begin can nobody tell.
        assert cut % 512 == 0
        assert [content for _, content in found] == [one.data for one in members][: len(found)]
    assert ends <= 2
    assert len(read(data[: end // 512 * 512 + 512])) == 2  # the closing blocks may be missing
    with pytest.raises(ArchiveError, match="empty file"):
        read(b"")
    assert read(bytes(10240)) == []


def extension(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    info = tarfile.TarInfo("ext")
    info.type = kind
    info.size = len(data) if size is None else size
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 1024,
        extension(b"x", b"", MAX_EXTENSION + 1),
        extension(b"g", b"", MAX_EXTENSION + 1),
        extension(b"L", b"", 8**11 - 1),
        extension(b"x", b"5 a=\n" * (MAX_EXTENSION // 10)) * 3,
        b"".join([extension(b"g", b"5 a=\n" * (MAX_EXTENSION // 10)) + packed([Packed("f")])[:512]] * 3),
        extension(b"x", b"99 a=b\n"),
        extension(b"x", b"0 a=b\n"),
        extension(b"x", b"-6 a=b\n"),
        extension(b"x", b"6_0 a=b\n"),
        extension(b"x", b"6 a b\n"),
        extension(b"x", b"5 a=b"),
        extension(b"x", b"4 a=b\n"),
        extension(b"x", b"a=b\n"),
        extension(b"x", b"14 size=-100\n\n") + packed([Packed("f")]),
        extension(b"x", b"11 size=1_\n") + packed([Packed("f")]),
        extension(b"x", b"6 a=b\n"),  # and then nothing
        extension(b"x", b"6 a=b\n") + bytes(1024),
        extension(b"L", b"name\0"),
    ],
)
def test_nonsense(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        read(data, how="skip")


def test_an_extended_header_without_records() -> None:
    assert [one.name for one, _ in read(extension(b"x", b"") + extension(b"x", bytes(20)) + packed([Packed("f")]))] == [
        "f"
    ]


@FAST
@given(st.binary(max_size=3000), st.integers(1, 600))
def test_rubbish(data: bytes, size: int) -> None:
    with contextlib.suppress(ArchiveError):
        read(data, size, "skip")


@FAST
@given(MEMBERS, st.data())
def test_damage(members: list[Packed], draw: st.DataObject) -> None:
    data = bytearray(packed(members))
    for _ in range(draw.draw(st.integers(1, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(ArchiveError):
        read(bytes(data), how="skip")


# compression ----------------------------------------------------------------------------------------------------------


def unpacked(data: bytes, compression: str, size: int = 65536) -> list[bytes]:
    async def run() -> list[bytes]:
        return [piece async for piece in decompressed(pieces_of(data, size), compression, LIMIT)]

    return asyncio.run(run())


@pytest.mark.parametrize(("compression", "make"), [("tar.gz", gzip.compress), ("tar.bz2", bz2.compress)])
@pytest.mark.parametrize("size", [1, 100, 65536])
def test_compressed(compression: str, make: Callable[[bytes], bytes], size: int) -> None:
    text = b"some text that can be shorter " * 100
    whole = make(text)
    assert b"".join(unpacked(whole, compression, size)) == text
    assert b"".join(unpacked(whole + whole, compression, size)) == text * 2
    assert b"".join(unpacked(whole + bytes(1000), compression, size)) == text
    for bad in (whole[:-1], whole[: len(whole) // 2], b"", b"rubbish", whole + b"rubbish", whole[:-9] + b"\0" * 9):
        with pytest.raises(ArchiveError):
            unpacked(bad, compression, size)


@pytest.mark.parametrize("compression", ["tar.gz", "tar.bz2"])
def test_a_bomb_goes_off_in_slices(compression: str) -> None:
    make = zlib.compressobj(9, wbits=31) if compression == "tar.gz" else bz2.BZ2Compressor()
    data = b"".join(make.compress(bytes(1 << 20)) for _ in range(64)) + make.flush()
    assert len(data) < 100_000
    found = unpacked(data, compression)
    assert sum(map(len, found)) == 64 << 20
    assert max(map(len, found)) <= SLICE


def test_a_body_that_is_too_long() -> None:
    async def run(limit: int) -> int:
        return sum([len(piece) async for piece in decompressed(pieces_of(bytes(1000), 10), "tar", limit)])

    assert asyncio.run(run(1000)) == 1000
    with pytest.raises(ArchiveError):
        asyncio.run(run(999))
