"""The name that a change gets when somebody else was faster: `name (conflict <host> <date>).ext`."""

from __future__ import annotations

from dataclasses import replace

from pithosfs.store import ObjectPath

__all__ = ["conflict_name"]

LONGEST_SEGMENT = 255  # bytes of a local name
LONGEST_NAME = 1024  # characters of an object's name (object-store.md section 3.4)
LONGEST_EXTENSION = 16  # characters; what is longer is no extension


def conflict_name(path: ObjectPath, host: str, date: str, number: int) -> ObjectPath:
    """The name of copy `number` (from 1), in the same folder. Long names are shortened, never the extension."""
    folder, slash, segment = path.name.rpartition("/")
    dot = segment.rfind(".")
    if dot <= 0 or len(segment) - dot > LONGEST_EXTENSION:
        dot = len(segment)
    stem, extension = segment[:dot], segment[dot:]
    mark = f" (conflict {host.replace('/', '-')} {date}{f' {number}' if number > 1 else ''})"
    room = LONGEST_NAME - len(folder) - len(slash) - len(mark) - len(extension)
    while stem and (len(stem) > room or _bytes(stem + mark + extension) > LONGEST_SEGMENT):
        stem = stem[:-1]
    return replace(path, name=f"{folder}{slash}{stem}{mark}{extension}")


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
