"""The daemon as a process: all pairs at work, requests answered on the control socket, until it is told to end.

Order of an end: the pairs first (what runs gets a few seconds), so that whoever waits for a pass is answered, then the
socket, then the claim. What could not be finished is found and done by the next start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

from pithosfs import __version__
from pithosfs.config import Directories
from pithosfs.control import ControlServer, Progress
from pithosfs.descriptors import readable
from pithosfs_daemon import logs
from pithosfs_daemon.assembly import Assembly
from pithosfs_daemon.claim import Claim, Record
from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.crew import Crew
from pithosfs_daemon.house import FullHouse
from pithosfs_daemon.notify import Notifier
from pithosfs_daemon.requests import handlers
from pithosfs_daemon.timing import Timing

__all__ = ["Daemon"]

log = logging.getLogger(__name__)

LONGEST_SLEEP = 60.0  # seconds; nothing depends on it
ANSWER_SECONDS = 1.0  # for requests under way at the end: what they waited for has been answered by then


class Daemon:
    """One daemon. `environ` says where the settings are and whom to notify (None: this process's)."""

    def __init__(
        self, directories: Directories, environ: Mapping[str, str] | None = None, *, timing: Timing | None = None
    ) -> None:
        """Raises Conflict when another one runs."""
        self._directories = directories
        self._claim = Claim(directories)
        self._notifier = Notifier(environ)
        clouds = Clouds(environ)
        self._assembly = Assembly(directories, timing)
        self._crew = Crew(self._assembly.registry, self._assembly.open, clouds, timing=timing, changed=self._wake)
        house = FullHouse(self._crew, self._assembly, clouds)
        self._server = ControlServer(
            self._claim.socket,
            {**handlers(house, self._assembly.registry), "stop": self._on_stop, "log_level": self._on_log_level},
        )
        # A byte comes through when there is something to do. The interpreter writes one itself for each signal: a
        # signal that another thread takes, or that comes just before the wait, would not end the wait.
        self._news, self._tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._told_to_end = threading.Event()
        self._signals: list[int] = []

    def run(self, ready: Callable[[Record], None] = lambda record: None) -> bool:
        """Serve until told to end (`stop`, SIGTERM, SIGINT); SIGHUP reads everything anew. `ready` is called once
        requests are answered. Says whether all pairs have ended in time; if not, the process must not wait for them."""
        record = Record(
            os.getpid(),
            socket.gethostname(),
            str(self._claim.socket),
            str(logs.log_file(self._directories)),
            time.time(),
            __version__,
        )
        with contextlib.ExitStack() as parts:
            parts.callback(self._close_pipe)
            parts.callback(self._claim.release)
            parts.enter_context(self._signal_handlers())
            self._server.start()
            parts.callback(self._server.close, ANSWER_SECONDS)
            try:
                self._crew.fit()
                self._claim.announce(record)
                log.info("pithosd %s: %s", __version__, self._crew.summary())
                ready(record)
                self._notifier.ready()
                self._serve()
            finally:
                self._notifier.stopping()
                log.info("ending")
                ended = self._crew.end()
                if ended:
                    self._assembly.close()
                else:
                    log.warning("not everything has ended in time; the next start goes on with it")
        return ended

    def _serve(self) -> None:
        notifier = self._notifier
        while not self._told_to_end.is_set():
            while self._signals:
                number = self._signals.pop(0)
                if number != signal.SIGHUP:
                    log.info("told to end by %s", signal.Signals(number).name)
                    return
                log.info("reading everything anew")
                notifier.reloading()
                self._crew.fit()
                notifier.ready()
            if self._crew.is_alive:
                notifier.alive()
            else:
                log.critical(
                    "a thread of a pair is dead"
                )  # systemd starts it anew when it is not told that all is well
            notifier.status(self._crew.summary())
            readable(self._news, notifier.interval or LONGEST_SLEEP)
            with contextlib.suppress(BlockingIOError):
                os.read(self._news, 4096)

    # requests -------------------------------------------------------------------------------------------------------

    def _on_stop(self, _request: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
        self._told_to_end.set()
        self._wake()
        return {}

    def _on_log_level(self, request: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
        logs.set_level(str(request.get("level")))
        return {}

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will be read; closed: nobody serves any more
            os.write(self._tell, b"!")

    # signals --------------------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # Only this: a signal may come while any lock is held.
        self._signals.append(number)

    @contextlib.contextmanager
    def _signal_handlers(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        wakeup = signal.set_wakeup_fd(self._tell, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _close_pipe(self) -> None:
        news, tell, self._news, self._tell = self._news, self._tell, -1, -1
        os.close(news)
        os.close(tell)
