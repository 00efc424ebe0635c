"""POSIX attributes as object metadata.

    key             value
    mtime           decimal seconds since the epoch with nine decimals (the key and form of rclone)
    mode            permission bits in octal, without the file type: "644"
    owner, group    names; numbers where the machine that wrote them knew no name
    symlink-target  the target of a symlink, when metadata can hold it; the object's content always has it

What other programs put under these keys and makes no sense is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MAX_VALUE", "OWN_KEYS", "SYMLINK_TYPE", "Attributes", "from_meta", "is_storable", "to_meta"]

SYMLINK_TYPE = "inode/symlink"
MTIME, MODE, OWNER, GROUP, TARGET = "mtime", "mode", "owner", "group", "symlink-target"
OWN_KEYS = frozenset({MTIME, MODE, OWNER, GROUP, TARGET})
"""Metadata keys that carry attributes and are not shown as `user.pithos.meta.*`."""

MAX_VALUE = 256  # characters of a metadata value (object-store.md 3.4)

# Twelve digits of seconds reach 30 000 years either way: more is rubbish.
_MTIME = re.compile(r"\s*([+-]?)(\d{1,12})(?:\.(\d*))?\s*", re.ASCII)
_MODE = re.compile(r"\s*([0-7]{1,7})\s*", re.ASCII)
_LOST = re.compile("[~\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is stored about a file besides its content; None where nothing is.

    `mode` has the permission bits (07777), `mtime_ns` nanoseconds since the epoch, `link` the target of a symlink.
    """

    mode: int | None = None
    mtime_ns: int | None = None
    owner: str | None = None
    group: str | None = None
    link: bytes | None = None


def from_meta(meta: Mapping[str, str]) -> Attributes:
    """The attributes in an object's metadata, whose keys are in lower case (as `ObjectInfo.meta` has them)."""
    link = meta.get(TARGET)
    return Attributes(
        mode=_mode(meta.get(MODE, "")),
        mtime_ns=_mtime_ns(meta.get(MTIME, "")),
        owner=meta.get(OWNER) or None,
        group=meta.get(GROUP) or None,
        link=link.encode() if link and is_storable(link) else None,
    )


def _mode(text: str) -> int | None:
    match = _MODE.fullmatch(text)
    return int(match[1], 8) & 0o7777 if match else None


def _mtime_ns(text: str) -> int | None:
    match = _MTIME.fullmatch(text)
    if match is None:
        return None
    sign, seconds, fraction = match.groups()
    value = int(seconds) * _SECOND + int((fraction or "")[:9].ljust(9, "0"))
    return -value if sign == "-" else value


def to_meta(attributes: Attributes) -> dict[str, str]:
    """The metadata for attributes; what is not set, or cannot be kept there unchanged, has no key."""
    meta: dict[str, str] = {}
    if attributes.mtime_ns is not None:
        seconds, fraction = divmod(abs(attributes.mtime_ns), _SECOND)
        meta[MTIME] = f"{'-' if attributes.mtime_ns < 0 else ''}{seconds}.{fraction:09d}"
    if attributes.mode is not None:
        meta[MODE] = f"{attributes.mode & 0o7777:o}"
    texts = {OWNER: attributes.owner, GROUP: attributes.group, TARGET: _text(attributes.link)}
    meta.update((key, text) for key, text in texts.items() if text is not None and is_storable(text))
    return meta


def _text(link: bytes | None) -> str | None:
    try:
        return None if link is None else link.decode()
    except UnicodeDecodeError:
        return None


def is_storable(value: str) -> bool:
    """Whether a metadata value comes back as it was sent.

    The server drops `~` and takes an empty value for "remove" (object-store.md 3.2, 13); control characters do not
    survive every proxy, blanks at the ends not every server.
    """
    return 0 < len(value) <= MAX_VALUE and not _LOST.search(value) and value.strip() == value
