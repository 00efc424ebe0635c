"""Telling systemd how the daemon is (sd_notify(3)): datagrams to the Unix socket that `NOTIFY_SOCKET` names.

Nothing happens where nobody has asked for it, and nothing that goes wrong here ever matters to the caller.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Mapping

__all__ = ["Notifier"]

log = logging.getLogger(__name__)

LONGEST_STATUS = 400  # characters: one line in `systemctl status`


class Notifier:
    """`interval` is how often `alive` is to be called, in seconds: half of what systemd waits (None: it does not)."""

    def __init__(self, environ: Mapping[str, str] | None = None, pid: int | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.interval = _interval(environ, os.getpid() if pid is None else pid) if self._address else None
        self._status = ""

    @property
    def is_wanted(self) -> bool:
        return bool(self._address)

    def ready(self) -> None:
        """The daemon answers requests and its pairs are at work."""
        self._send("READY=1")

    def reloading(self) -> None:
        """It reads everything anew; `ready` ends that."""
        self._send("RELOADING=1")

    def stopping(self) -> None:
        """It ends."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """It still lives."""
        if self.interval is not None:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line about how it is; the same one again is not sent."""
        text = " ".join(text.split())[:LONGEST_STATUS]
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            # A manager that does not read must not hold the daemon up.
            connection.settimeout(1.0)
            connection.sendto(message.encode("utf-8", "replace"), self._address)


def _address(named: str) -> str:
    """The socket's address: a path, or with a leading `@` a name in the abstract namespace."""
    if named.startswith("@"):
        return "\0" + named[1:]
    if named.startswith("/"):
        return named
    if named:
        log.warning("NOTIFY_SOCKET is %r, which is no Unix socket", named)
    return ""


def _interval(environ: Mapping[str, str], pid: int) -> float | None:
    wanted = environ.get("WATCHDOG_PID")
    if wanted is not None and wanted != str(pid):
        return None  # meant for another process
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 2e6 if microseconds > 0 else None
