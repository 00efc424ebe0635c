"""Names under the mount point and names on the server, one path segment at a time.

A local name is any bytes but NUL and `/`, here a str as of `os.fsdecode` (undecodable bytes as surrogate escapes). A
server name is Unicode without newlines (object-store.md section 1). Where they differ, the server name is quoted with
U+201B (the scheme of rclone, whose files show under the same names here):

    local                        server
    newline                      U+240A
    a byte that is not UTF-8     U+201B and two upper-case hex digits
    U+240A, U+201B themselves    U+201B in front of them

Server names that are no local name's image (`..`, an empty segment, stray quotes) get a local name that is legal and
carries U+201B, so that only names with that character ever need a look at the listing.

An object name is cut into segments at its slashes. The empty segment in front of a leading slash is glued to the next
one (`/a/b` is `/a`, `b`), so that no folder has the empty name, which stands for the container.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re

__all__ = [
    "MAX_CONTAINER_NAME",
    "MAX_LOCAL_NAME",
    "MAX_OBJECT_NAME",
    "QUOTE",
    "check_length",
    "join",
    "segments",
    "shadow_name",
    "split_last",
    "to_local",
    "to_server",
]

QUOTE = "\u201b"
NEWLINE = "\u240a"

MAX_LOCAL_NAME = 255  # bytes of one segment: NAME_MAX of Linux
MAX_OBJECT_NAME = 1024  # characters of a whole object name (object-store.md 3.4)
MAX_CONTAINER_NAME = 256  # characters

_TO_QUOTE = re.compile("[\n\u240a\u201b\ud800-\udfff]")
_UNUSUAL = re.compile("[\0\n/\u240a\u201b\ud800-\udfff]")
_QUOTED = re.compile("\u201b(?:([\u201b\u240a])|([89A-F][0-9A-F]))|(\u240a)|([\0\n/\u201b\ud800-\udfff])")
_VISIBLE = str.maketrans({"\0": "\u2400", "\n": NEWLINE, "/": "\uff0f"})


def to_server(local: str) -> str:
    """The server name of a local name. Different local names have different server names."""
    return _TO_QUOTE.sub(_quoted, local)


def _quoted(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\n":
        return NEWLINE
    if character in (NEWLINE, QUOTE):
        return QUOTE + character
    # A surrogate escape U+DC80…U+DCFF stands for the byte 0x80…0xFF.
    return f"{QUOTE}{ord(character) & 0xFF:02X}"


def to_local(segment: str) -> str:
    """The local name of a server segment; `to_local(to_server(x)) == x` for every legal local name.

    Any other segment gets a safe name: not empty, `.` or `..`, without `/` and NUL, at most 255 bytes.
    """
    if not _UNUSUAL.search(segment) and segment not in ("", ".", "..") and _fits(segment):
        return segment
    local = _unquoted(segment)
    if local is not None and _is_legal(local) and to_server(local) == segment:
        return local
    return _safe(segment)


def _unquoted(segment: str) -> str | None:
    """The local name whose image a segment may be; None when it is none's."""
    parts: list[str] = []
    end = 0
    for match in _QUOTED.finditer(segment):
        parts.append(segment[end : match.start()])
        end = match.end()
        literal, byte, newline, _ = match.groups()
        if literal is not None:
            parts.append(literal)
        elif byte is not None:
            parts.append(chr(0xDC00 + int(byte, 16)))
        elif newline is not None:
            parts.append("\n")
        else:
            return None
    return "".join([*parts, segment[end:]])


def _is_legal(local: str) -> bool:
    """Whether the kernel can hand out this name, and hands it back as the same str."""
    if local in ("", ".", "..") or "/" in local or "\0" in local:
        return False
    try:
        raw = local.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return len(raw) <= MAX_LOCAL_NAME and raw.decode("utf-8", "surrogateescape") == local


def _safe(segment: str) -> str:
    if segment in ("", ".", ".."):
        return QUOTE + segment
    visible = segment.translate(_VISIBLE).encode("utf-8", "replace").decode()
    rest = segment[1:]
    if segment[0] == "/" and not _UNUSUAL.search(rest) and _fits(QUOTE + visible):
        return QUOTE + visible
    # What was replaced or cut off could make two names one: a short hash of the whole name keeps them apart.
    mark = hashlib.blake2b(segment.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return _cut(visible, f"{QUOTE}{mark}")


def shadow_name(local: str) -> str:
    """The local name of a file whose own name is taken by the folder of the objects below it."""
    return _cut(local, f"{QUOTE}file")


def _cut(text: str, ending: str) -> str:
    room = MAX_LOCAL_NAME - len(ending.encode())
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > room:
        text = raw[:room].decode("utf-8", "ignore")
    return text + ending


def _fits(name: str) -> bool:
    return len(name) * 4 <= MAX_LOCAL_NAME or len(name.encode("utf-8", "surrogateescape")) <= MAX_LOCAL_NAME


def check_length(local: str) -> None:
    """Raises ENAMETOOLONG for a local name of more than 255 bytes.

    (Its server name then has at most 765 characters; whole object names are limited by `MAX_OBJECT_NAME`.)
    """
    if not _fits(local):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), local)


# whole object names ---------------------------------------------------------------------------------------------------


def split_last(name: str) -> tuple[str, str]:
    """An object name as its folder's name ("": the container itself) and its own segment."""
    folder, slash, segment = name.rpartition("/")
    return (folder, segment) if folder or not slash else ("", name)


def segments(name: str) -> list[str]:
    """All segments of an object name; none for the container itself."""
    parts = name.split("/") if name else []
    return ["/" + parts[1], *parts[2:]] if len(parts) > 1 and not parts[0] else parts


def join(folder: str, segment: str) -> str:
    """The inverse of `split_last`."""
    return f"{folder}/{segment}" if folder else segment
