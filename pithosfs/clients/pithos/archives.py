"""Objects as members of a tar archive, for servers that make many objects of one request.

Not a protocol of the family's: the local cloud's own, after OpenStack Swift's "extract-archive". What it makes of a
member is told in `pithosfs/localcloud/objects/bulk.py`; metadata go as PAX records, with the escapes of headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pithosfs.clients.pithos.encoding import encode_name, encode_path, encode_value
from pithosfs.errors import BadRequest

__all__ = ["ArchiveMember", "archive_of"]

_BLOCK = 512
_END = bytes(2 * _BLOCK)
_ATTRIBUTE = "SCHILY.xattr.user."
_LONGEST_NAME = 1024


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """An object to be made. `md5` (hex) lets the server check what arrived."""

    name: str
    data: bytes
    content_type: str
    md5: str
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def keeps_its_name(self) -> bool:
        """Whether the object gets just this name: unpacking takes some beginnings away, and too long ones are refused
        under a name that is cut."""
        return not self.name.startswith(("/", "./")) and len(self.name) <= _LONGEST_NAME

    def header(self) -> bytes:
        """All that comes before the content. Raises BadRequest for what no object can have."""
        encode_path(self.name)  # refuses names that cannot be
        if not (self.content_type.isascii() and self.content_type.isprintable()):
            raise BadRequest(f"{self.content_type!r} cannot be the type of an object", 0)
        records = [
            _record("path", self.name),
            _record(f"{_ATTRIBUTE}mime_type", self.content_type),
            _record("PITHOSFS.md5", self.md5),
            *(_record(f"{_ATTRIBUTE}meta.{encode_name(key)}", encode_value(value)) for key, value in self.meta.items()),
        ]
        extension = b"".join(records)
        return b"".join((_EXTENSION.block(len(extension)), _padded(extension), _FILE.block(len(self.data))))


def archive_of(members: Iterable[tuple[bytes, bytes]]) -> bytes:
    """An archive of headers (`ArchiveMember.header`) and contents."""
    parts: list[bytes] = []
    for header, data in members:
        parts += (header, _padded(data))
    parts.append(_END)
    return b"".join(parts)


# The format is POSIX.1-2017's (pax, "pax Interchange Format"). `tarfile` writes it too, but ten times as slowly, and an
# archive of small files is little else than headers.


def _record(key: str, value: str) -> bytes:
    """`LENGTH KEY=VALUE` and a line break; the length counts itself."""
    rest = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    length = len(rest)
    while length < len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return b"%d%b" % (length, rest)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK)


class _Header:
    """The header block of members that differ in nothing but their size: what else there is to say is in records."""

    def __init__(self, name: bytes, kind: bytes) -> None:
        mode, number, time = b"0000644\0", b"0000000\0", b"00000000000\0"
        self._before = name.ljust(100, b"\0") + mode + number + number
        self._between = b"\0" + time
        self._after = kind + bytes(100) + b"ustar\x0000" + bytes(247)
        self._sum = sum(self._before + self._between + b" " * 8 + self._after)

    def block(self, size: int) -> bytes:
        digits = b"%011o" % size
        return b"%b%b%b%06o\0 %b" % (self._before, digits, self._between, self._sum + sum(digits), self._after)


_EXTENSION = _Header(b"././@PaxHeader", b"x")
_FILE = _Header(b"object", b"0")
