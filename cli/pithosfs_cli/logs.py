"""What the library logs, on standard error: warnings always, requests with -v, everything with --debug."""

from __future__ import annotations

import logging
import sys

from pithosfs_cli.invocation import Invocation
from pithosfs_cli.printable import printable

__all__ = ["configure"]


class _Lines(logging.Formatter):
    """One line a record, safe to show."""

    def format(self, record: logging.LogRecord) -> str:
        text = printable(record.getMessage())
        if record.levelno >= logging.WARNING:
            text = f"{record.levelname.lower()}: {text}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def configure(run: Invocation) -> None:
    """Set the loggers up for this run."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    top = logging.getLogger("pithosfs")
    top.handlers[:] = [handler]
    top.propagate = False
    top.setLevel(logging.DEBUG if run.debug else logging.WARNING)
    # Attempts that failed and are repeated are for somebody who watches; the last one's failure is told as the error.
    quiet = logging.NOTSET if run.debug or sys.stderr.isatty() else logging.ERROR
    logging.getLogger("pithosfs.http").setLevel(logging.DEBUG if run.verbose else quiet)
