"""Archives as others read them: by the standard library, which knows nothing of what the records mean."""

from __future__ import annotations

import io
import tarfile

import pytest

from pithosfs.clients.pithos.archives import ArchiveMember, archive_of

MD5 = "0123456789abcdef" * 2


def test_what_is_written_is_read() -> None:
    members = [
        ArchiveMember("a", b"", "text/plain", MD5),
        ArchiveMember("folder/é\U0001f600 %=", b"x" * 511, "text/plain", MD5, {"Mode": "644", "É key": "any 100%"}),
        ArchiveMember("one block", b"x" * 512, "text/plain", MD5),
        ArchiveMember("more", b"x" * 70_000, "text/plain", MD5),
    ]
    with tarfile.open(fileobj=io.BytesIO(archive_of((one.header(), one.data) for one in members))) as archive:
        read = archive.getmembers()
        for member, info in zip(members, read, strict=True):
            assert info.isreg()
            assert info.name == member.name
            stream = archive.extractfile(info)
            assert stream is not None
            assert stream.read() == member.data
            assert info.pax_headers["SCHILY.xattr.user.mime_type"] == "text/plain"
            assert info.pax_headers["PITHOSFS.md5"] == MD5
    meta = {key: value for key, value in read[1].pax_headers.items() if ".meta." in key}
    assert meta == {
        "SCHILY.xattr.user.meta.Mode": "644",
        "SCHILY.xattr.user.meta.%C3%89%20key": "any 100%25",
    }


@pytest.mark.parametrize("length", [*range(1, 110), *range(980, 1010)])
def test_names_of_any_length(length: int) -> None:
    """A record begins with its own length, of which the number of digits is a part."""
    member = ArchiveMember("n" * length, b"data", "t/t", MD5)
    with tarfile.open(fileobj=io.BytesIO(archive_of([(member.header(), member.data)]))) as archive:
        assert archive.getnames() == [member.name]
