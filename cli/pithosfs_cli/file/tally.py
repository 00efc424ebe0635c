"""What a transfer of many files has come to, in one line and as records."""

from __future__ import annotations

import threading
import time
from typing import Any

from pithosfs.config import format_size
from pithosfs_cli.output import note

__all__ = ["Tally"]


class Tally:
    """Counts, from any thread. `verb` as in "Uploaded", `way` what happened to the bytes: "sent", "received".

    With `rehearsal` nothing is transferred: what would be is told on standard output.
    """

    def __init__(self, verb: str, way: str, *, rehearsal: bool = False) -> None:
        self._verb = verb
        self._way = way
        self.rehearsal = rehearsal
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._files = 0
        self._bytes = 0
        self._saved = 0
        self._skipped = 0
        self._records: list[dict[str, Any]] = []

    def done(self, source: str, target: str, size: int, moved: int, action: str) -> None:
        """A file of `size` bytes has been transferred, for which `moved` bytes went over the wire."""
        with self._lock:
            self._files += 1
            self._bytes += moved
            self._saved += max(0, size - moved)
        self.record(action, source, target, size)

    def skipped(self, source: str, target: str, size: int) -> None:
        """A file is the same on both sides."""
        with self._lock:
            self._skipped += 1
        if self.rehearsal:
            self.record("skip", source, target, size)

    def left_out(self) -> None:
        """A file was passed over for a condition."""
        with self._lock:
            self._skipped += 1

    def record(self, action: str, source: str, target: str, size: int | None) -> None:
        """Something was done, or would be."""
        with self._lock:
            self._records.append({"path": target, "action": action, "source": source, "bytes": size})

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was done, sorted by target."""
        with self._lock:
            return sorted(self._records, key=lambda one: str(one["path"]))

    def say(self, where: str, failed: int) -> None:
        """The summary, on standard error."""
        if self.rehearsal:
            counts = [f"would have {self._verb.lower()} {_files(self._files)}, {format_size(self._saved)}"]
        else:
            moved = f"{format_size(self._bytes)} {self._way}"
            if self._saved:
                moved += f" ({format_size(self._saved)} were there)"
            counts = [f"{self._verb} {_files(self._files)} to {where}: {moved}"]
        if self._skipped:
            counts.append(f"{self._skipped} skipped, the same already")
        if failed:
            counts.append(f"{failed} failed")
        counts.append(f"{time.monotonic() - self._started:.1f} s")
        note("; ".join(counts))


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"
