"""POSIX attributes as object metadata.

`mtime` is decimal seconds with nine digits (the key that rclone uses too), `mode` octal text, `owner` and `group` are
names, `symlink-target` is a symlink's target where it is short UTF-8 text. Content that others put there is ignored
when it makes no sense.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

__all__ = ["OWN_KEYS", "SYMLINK_TYPE", "Attributes", "from_meta", "to_meta"]

SYMLINK_TYPE = "inode/symlink"
MTIME, MODE, OWNER, GROUP, TARGET = "mtime", "mode", "owner", "group", "symlink-target"
OWN_KEYS = frozenset({MTIME, MODE, OWNER, GROUP, TARGET})
MAX_VALUE = 256  # characters of a metadata value (object-store.md section 3.4)

_MODE = re.compile(r"0*[0-7]{1,6}")
_BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is stored about a file besides its content; None where nothing is.

    `mode` is permission bits (0 to 07777), `mtime_ns` nanoseconds since the epoch, `link` a symlink's target.
    """

    mode: int | None = None
    mtime_ns: int | None = None
    owner: str | None = None
    group: str | None = None
    link: bytes | None = None


def from_meta(meta: Mapping[str, str]) -> Attributes:
    """From an object's user metadata (keys in lower case)."""
    mode = meta.get(MODE, "")
    target = meta.get(TARGET)
    return Attributes(
        int(mode, 8) & 0o7777 if _MODE.fullmatch(mode) else None,
        _nanoseconds(meta.get(MTIME, "")),
        meta.get(OWNER) or None,
        meta.get(GROUP) or None,
        target.encode() if target else None,
    )


def _nanoseconds(text: str) -> int | None:
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        return None
    # What stat can show: 64 bits of nanoseconds.
    if not seconds.is_finite() or abs(seconds) > 9_000_000_000:
        return None
    return int(seconds.scaleb(9))


def to_meta(shown: Attributes) -> dict[str, str]:
    """The metadata that says the same. A target that does not fit is left to the object's content."""
    meta = {}
    if shown.mtime_ns is not None:
        sign = "-" if shown.mtime_ns < 0 else ""
        seconds, rest = divmod(abs(shown.mtime_ns), _BILLION)
        meta[MTIME] = f"{sign}{seconds}.{rest:09d}"
    if shown.mode is not None:
        meta[MODE] = f"{shown.mode:o}"
    if shown.owner is not None:
        meta[OWNER] = shown.owner
    if shown.group is not None:
        meta[GROUP] = shown.group
    if shown.link is not None and (target := _text(shown.link)) is not None:
        meta[TARGET] = target
    return meta


def _text(target: bytes) -> str | None:
    text = os.fsdecode(target)
    # `~` disappears from values on the wire, blanks around them too.
    plain = text.isprintable() and text == text.strip() and "~" not in text
    return text if plain and 0 < len(text) <= MAX_VALUE else None
