"""Objects as members of a tar archive, for servers that make many objects of one request.

Not a protocol of the family's: the local cloud's own, after OpenStack Swift's "extract-archive". What it makes of a
member is told in `pithosfs/localcloud/objects/bulk.py`; metadata go as PAX records, with the escapes of headers.
"""

from __future__ import annotations

import tarfile
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
        info = tarfile.TarInfo(self.name)
        info.size = len(self.data)
        info.pax_headers = {
            "path": self.name,
            f"{_ATTRIBUTE}mime_type": self.content_type,
            "PITHOSFS.md5": self.md5,
            **{f"{_ATTRIBUTE}meta.{encode_name(key)}": encode_value(value) for key, value in self.meta.items()},
        }
        return info.tobuf(tarfile.PAX_FORMAT)


def archive_of(members: Iterable[tuple[bytes, bytes]]) -> bytes:
    """An archive of headers (`ArchiveMember.header`) and contents."""
    parts: list[bytes] = []
    for header, data in members:
        parts += (header, data, bytes(-len(data) % _BLOCK))
    parts.append(_END)
    return b"".join(parts)
