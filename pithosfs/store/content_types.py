"""The content type of an object, guessed from its name.

An encoding is never guessed together with the type: a stored `Content-Encoding` goes out with every reply
(object-store.md section 20, row 39), so that browsers and HTTP libraries would unpack `x.tar.gz` behind the user's
back, and what they then have fits neither its size nor its hash. Packed files get the type of their packing.
"""

from __future__ import annotations

import mimetypes

__all__ = ["UNKNOWN_TYPE", "content_type", "guess"]

UNKNOWN_TYPE = "application/octet-stream"
# What a packed file is when nobody unpacks it.
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def guess(name: str) -> tuple[str | None, str | None]:
    """The type and the encoding (`gzip`, …) that the last segment of a name speaks of; None where it does not."""
    # The library takes URLs: a name must not look like one.
    return mimetypes.guess_type(f"./{name.rpartition('/')[2]}")


def content_type(name: str) -> str:
    """The type of an object of that name, of whose encoding nothing is stored."""
    kind, encoding = guess(name)
    if encoding:
        return _PACKED.get(encoding, UNKNOWN_TYPE)
    return kind or UNKNOWN_TYPE
