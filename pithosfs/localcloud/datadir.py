"""What a local cloud keeps in its data directory beside its data, and how it is found there.

cloud.sqlite3   the database (`database`, with its -wal and -shm files), small blocks among it
blocks/         the block store (`blockstore`): all others
server.lock     held while a server runs; the kernel lets go of it however the server ends
server.json     how to reach the server (`Record`); stays after the end, for the port to come back
server.log      what the server in the background has to say
control.lock    held while somebody starts or stops the server
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pithosfs.errors import LocalError
from pithosfs.localcloud.lock import FileLock

__all__ = [
    "BLOCKS",
    "DATABASE",
    "LOG",
    "STOP_SECONDS",
    "Record",
    "control_lock",
    "prepare",
    "read_record",
    "server_lock",
    "write_record",
]

DATABASE = "cloud.sqlite3"
BLOCKS = "blocks"
LOG = "server.log"
_RECORD = "server.json"

STOP_SECONDS = 10
"""How long requests that are under way may take to finish when the server is told to stop."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where the server is or was. `pid` is 0 after an orderly end."""

    pid: int
    url: str
    host: str
    port: int
    started: float


def prepare(data: Path) -> None:
    """Make the data directory, for its owner only. Raises LocalError."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        data.chmod(0o700)
    except OSError as error:
        raise LocalError(
            f"the data directory {data} cannot be used: {error.strerror}", hint="choose another one with --data"
        ) from error


def read_record(data: Path) -> Record | None:
    """What the last server wrote; None when there never was one."""
    try:
        return Record(**json.loads((data / _RECORD).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None  # not ours, or of another version: as good as none


def write_record(data: Path, record: Record) -> None:
    """Replace the record as a whole; only the holder of the server's lock may."""
    temporary = data / f"{_RECORD}.new"
    temporary.write_text(json.dumps(asdict(record)) + "\n")
    temporary.chmod(0o600)
    temporary.replace(data / _RECORD)


def server_lock(data: Path) -> FileLock:
    """Held by the server of this data directory."""
    return FileLock(data / "server.lock")


def control_lock(data: Path) -> FileLock:
    """Held by whoever starts or stops that server."""
    return FileLock(data / "control.lock")
