"""One path segment: its name here, and its name in the cloud.

A local name is bytes (here as text with surrogate escapes), anything but NUL, `/`, `.` and `..`. A server name is
UTF-8 text without newlines (object-store.md section 1). The mapping is that of rclone, so that both show the same:
a newline is written as U+240A, an undecodable byte as U+201B and two hex digits, and both special characters are
quoted by a U+201B before them.

Server names that no local name maps to (empty segments of `a//b`, `.`, `..`, stray quote characters) get a local name
that is safe; the tree keeps their server name, so they stay reachable.
"""

from __future__ import annotations

import errno
import os
import re

__all__ = ["MAX_LOCAL_NAME", "MAX_OBJECT_NAME", "QUOTE", "check_length", "to_local", "to_server"]

QUOTE = "\u201b"
NEWLINE = "\u240a"
MAX_LOCAL_NAME = 255  # bytes, as of Linux
MAX_OBJECT_NAME = 1024  # characters of a whole object name (object-store.md section 3.4)

_TO_SERVER = re.compile("[\udc80-\udcff\n\u240a\u201b]")
_TO_LOCAL = re.compile(f"{NEWLINE}|{QUOTE}([{NEWLINE}{QUOTE}]|[0-9A-F]{{2}})")


def to_server(local: str) -> str:
    """The server's name for a local one."""
    if local.isascii() and "\n" not in local:
        return local
    return _TO_SERVER.sub(_quoted, local)


def _quoted(found: re.Match[str]) -> str:
    one = found.group()
    if one == "\n":
        return NEWLINE
    if one in (NEWLINE, QUOTE):
        return QUOTE + one
    return f"{QUOTE}{ord(one) - 0xDC00:02X}"


def to_local(segment: str) -> str:
    """The local name for a server's segment; never one that leads elsewhere, at most 255 bytes."""
    if segment.isascii() and segment not in ("", ".", "..") and "\0" not in segment and "\n" not in segment:
        local = segment
    else:
        local = _decoded(segment)
    if len(local) <= MAX_LOCAL_NAME // 4 or len(os.fsencode(local)) <= MAX_LOCAL_NAME:
        return local
    return _shortened(local, segment)


def _decoded(segment: str) -> str:
    local = _TO_LOCAL.sub(_unquoted, segment)
    if to_server(local) == segment and local not in ("", ".", "..") and "/" not in local and "\0" not in local:
        return local
    # No local name is written like this: shown with a quote character before it, which no such name has.
    shown = segment.replace("\0", QUOTE + "00").replace("\n", NEWLINE).replace("/", QUOTE + "2F")
    return QUOTE + shown


def _unquoted(found: re.Match[str]) -> str:
    code = found.group(1)
    if code is None:
        return "\n"
    if code in (NEWLINE, QUOTE):
        return code
    number = int(code, 16)
    # Only bytes that cannot be decoded are written in hex.
    return chr(0xDC00 + number) if number >= 0x80 else found.group()


def _shortened(local: str, segment: str) -> str:
    import hashlib

    mark = f"{QUOTE}~{hashlib.sha256(segment.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    room = MAX_LOCAL_NAME - len(mark.encode())
    kept = os.fsencode(local)[:room].decode("utf-8", "ignore")
    return kept + mark


def check_length(local: str) -> None:
    """Raises OSError(ENAMETOOLONG) for a local name over 255 bytes."""
    if len(local) > MAX_LOCAL_NAME or len(os.fsencode(local)) > MAX_LOCAL_NAME:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), local)
