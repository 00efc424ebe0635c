"""What was done in a pair, one line for each action, for people and programs: `pithosfs sync log`.

A line is `TIME<tab>WHAT<tab>NAME<tab>DETAIL`: the time in UTC as ISO 8601 with milliseconds, a verb phrase ("sent",
"received", "moved to the trash"), the name as the cloud spells it (empty for what is about the whole pair), and perhaps
a size or a reason. Tabs, line breaks and backslashes in them are escaped. The file is `events.log` in the pair's folder
of state; at 1 MiB it becomes `events.log.1`, and that `.2`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

__all__ = ["Event", "EventLog", "follow", "last"]

NAME = "events.log"
LARGEST = 1 << 20  # bytes: some ten thousand events
KEPT = 2  # older files

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_MEANT = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done. `time` is in seconds since the epoch."""

    time: float
    what: str
    name: str = ""
    detail: str = ""

    def line(self) -> str:
        """As it is kept, with its line break."""
        when = datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return "\t".join([when, *(part.translate(_ESCAPES) for part in (self.what, self.name, self.detail))]) + "\n"

    @classmethod
    def parse(cls, line: str) -> Event | None:
        """The inverse of `line`; None for what is none (a line that was cut off by a crash)."""
        parts = line.rstrip("\n").split("\t")
        if len(parts) != 4:
            return None
        try:
            when = datetime.fromisoformat(parts[0]).timestamp()
        except ValueError:
            return None
        return cls(when, *(_unescaped(part) for part in parts[1:]))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    pieces = iter(text)
    return "".join(_MEANT.get(next(pieces, "\\"), "\\") if one == "\\" else one for one in pieces)


class EventLog:
    """Writes the events of one pair; thread-safe. A full disk costs events, never a pass."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time, largest: int = LARGEST) -> None:
        self.path = folder / NAME
        self._clock = clock
        self._largest = largest
        self._lock = threading.Lock()
        self._fd = -1
        self._lost = 0

    def did(self, what: str, name: str = "", detail: str = "") -> None:
        """Something has been done, just now."""
        line = Event(self._clock(), what, name, detail).line().encode("utf-8", "surrogateescape")
        with self._lock:
            try:
                self._open()
                if self._lost:
                    note = Event(self._clock(), "lost", "", f"{self._lost} lines of this log: the disk was full")
                    os.write(self._fd, note.line().encode())
                    self._lost = 0
                os.write(self._fd, line)
            except OSError:
                self._lost += 1

    def _open(self) -> None:
        if self._fd >= 0 and os.fstat(self._fd).st_size >= self._largest:
            os.close(self._fd)
            self._fd = -1
            for number in range(KEPT, 0, -1):
                source = self.path if number == 1 else Path(f"{self.path}.{number - 1}")
                if source.exists():
                    source.replace(f"{self.path}.{number}")
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def last(folder: Path, count: int | None) -> list[Event]:
    """The last so many events of the pair whose folder of state it is, the oldest first; None: all that are kept."""
    return list(follow(folder, lambda: False, count))


def follow(folder: Path, wait: Callable[[], bool], count: int | None = 0) -> Iterator[Event]:
    """The last `count` events, and then those that come. `wait` is called when there is nothing new; False ends it.

    A log that is put aside meanwhile is read to its end before the new one is begun.
    """
    path = folder / NAME
    file = _opened(path)
    before: deque[Event] = deque(maxlen=count)
    for number in range(KEPT, 0, -1):
        older = _opened(Path(f"{path}.{number}"))
        if older is not None:
            with older:
                before.extend(_events(older.read().split(b"\n")))
    pending = b""
    try:
        if file is not None:
            *lines, pending = file.read().split(b"\n")
            before.extend(_events(lines))
        yield from before
        while True:
            # Looked at before reading: what is put aside is not written to any more, so the read gets its end.
            newer = _is_newer(path, None if file is None else file.fileno())
            *lines, pending = (pending + (file.read() if file is not None else b"")).split(b"\n")
            yield from _events(lines)
            if lines:
                continue
            if newer:
                if file is not None:
                    file.close()
                file, pending = _opened(path), b""
            elif not wait():
                return
    finally:
        if file is not None:
            file.close()


def _events(lines: Iterable[bytes]) -> Iterator[Event]:
    found = (Event.parse(line.decode("utf-8", "surrogateescape")) for line in lines)
    return (event for event in found if event is not None)


def _opened(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _is_newer(path: Path, fd: int | None) -> bool:
    try:
        shown = path.stat()
    except FileNotFoundError:
        return False
    return fd is None or not os.path.samestat(shown, os.fstat(fd))
