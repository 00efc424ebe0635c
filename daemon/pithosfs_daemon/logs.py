"""The daemon's own log: `state/log/sync.log`, put aside at 1 MiB, two older ones kept."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import sys
from pathlib import Path

from pithosfs.config import Directories, make_private
from pithosfs.errors import LocalError, UsageError

__all__ = ["LEVELS", "configure", "log_file", "set_level"]

LARGEST = 1 << 20  # bytes
KEPT = 2
LEVELS = ("debug", "info", "warning", "error")

_OURS = ("pithosfs", "pithosfs_daemon")


def log_file(directories: Directories) -> Path:
    """Where it is."""
    return directories.state / "log" / "sync.log"


def configure(directories: Directories, *, debug: bool, also_stderr: bool) -> Path:
    """Log into the file from now on, and to standard error as well when somebody may watch that."""
    path = log_file(directories)
    make_private(path.parent)
    try:
        handlers: list[logging.Handler] = [
            logging.handlers.RotatingFileHandler(path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
        ]
    except OSError as trouble:
        raise LocalError(f"cannot write {path}: {trouble.strerror}", hint="check its owner, and the disk") from trouble
    path.chmod(0o600)
    handlers[0].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if also_stderr:
        # systemd's journal and a terminal know the time.
        handlers.append(logging.StreamHandler())
        handlers[1].setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=handlers)
    logging.raiseExceptions = False  # what cannot be logged, on a full disk, is not logged
    set_level("debug" if debug else "info")
    logging.captureWarnings(True)
    faulthandler.enable(sys.stderr)
    return path


def set_level(name: str) -> None:
    """How much is said. Raises UsageError for a level that there is not."""
    if name not in LEVELS:
        raise UsageError(f"{name!r} is not a level of the log", hint=f"there are: {', '.join(LEVELS)}")
    for one in _OURS:
        logging.getLogger(one).setLevel(name.upper())
    # Attempts that are repeated are of no interest as long as all goes well in the end.
    logging.getLogger("pithosfs.http").setLevel(logging.NOTSET if name == "debug" else logging.ERROR)
