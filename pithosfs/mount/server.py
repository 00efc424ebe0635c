"""One mount as a process: built, mounted, served, drained, taken down.

`run_mount` is the process; `pithosfs.mount.service` starts it in the background and talks to it.

Order of an end: the kernel mount goes first (nothing new can be written), then the journal is drained, then control
requests that wait for the outcome are answered, then everything is closed. A mount that cannot send everything ends
nevertheless once nothing moves any more; the rest stays in the journal for the next mount.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from pithosfs import control
from pithosfs.config import Cloud, Directories
from pithosfs.control import Progress
from pithosfs.descriptors import readable
from pithosfs.errors import LocalError, PithosfsError
from pithosfs.mount import binding as bindings
from pithosfs.mount import fuse, mountpoints, registry
from pithosfs.mount.assembly import Assembly, assemble
from pithosfs.mount.options import MountOptions
from pithosfs.mount.session import Session

__all__ = ["Unsent", "run_mount"]

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0  # how long the kernel mount may take to answer its first stat
ROUNDS = 2  # the last drain is given up after so many more attempts that sent nothing
PAUSE = 1.0  # seconds between them: a server that is just being restarted gets a chance
END_SECONDS = 30.0  # for closing, after the drain


@dataclass(frozen=True, slots=True)
class Unsent:
    """A change that is not on the cloud, and why."""

    path: str
    error: str


def run_mount(
    options: MountOptions,
    cloud: Cloud,
    directories: Directories,
    ready_fd: int | None = None,
    *,
    log_file: Path | None = None,
) -> int:
    """Mount, serve until unmounted or told to end (SIGTERM, SIGINT, SIGHUP), drain; returns the exit code.

    0: everything is on the cloud. 1: some is not, and stays in the journal. `ready_fd` gets one line of JSON as soon as
    the mount answers. Raises what keeps it from mounting.
    """
    binding = bindings.load()
    bindings.check_machine(binding, allow_other=options.allow_other)
    point = mountpoints.prepare(options.mount_point, binding.unmount_program)
    options = replace(options, mount_point=point)
    claim = registry.Registration(directories, point)
    try:
        with assemble(options, cloud, directories) as parts:
            return _Service(options, cloud, binding, claim, parts, log_file).run(ready_fd)
    finally:
        claim.release()


class _Service:
    """A mount that runs."""

    def __init__(
        self,
        options: MountOptions,
        cloud: Cloud,
        binding: bindings.Binding,
        claim: registry.Registration,
        parts: Assembly,
        log_file: Path | None,
    ) -> None:
        self._options = options
        self._binding = binding
        self._claim = claim
        self._parts = parts
        self._record = registry.Record(
            options.mount_point,
            os.getpid(),
            cloud.name,
            options.container,
            str(binding),
            None if log_file is None else str(log_file),
            time.time(),
        )
        self._session: Session = fuse.attach(parts.filesystem, options, binding)
        # A byte comes through when the kernel mount is over, or is to be ended. The interpreter writes one itself for
        # each signal: a signal that another thread takes, or that comes just before the wait, would not end the wait.
        self._news, self._tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._served = threading.Event()  # the kernel mount is over
        self._told_to_end = threading.Event()
        self._ending = threading.Event()
        self._hurry = threading.Event()  # a second signal came: do not wait for the drain
        self._finished = threading.Event()  # the last drain is over
        self._left: list[Unsent] = []
        self._signals = 0

    def run(self, ready_fd: int | None) -> int:
        server = control.ControlServer(
            self._claim.socket,
            {"status": self._on_status, "flush": self._on_flush, "finish": self._on_finish, "stop": self._on_stop},
        )
        with self._signal_handlers():
            self._session.mount()
            serving = threading.Thread(target=self._serve, name="serve", daemon=True)
            serving.start()
            try:
                self._await_answer()
                server.start()
                self._claim.announce(self._record)
                if ready_fd is not None:
                    _say(ready_fd, {"ready": self._options.mount_point})
                log.info("mounted %s on %s (%s)", self._record.cloud, self._options.mount_point, self._binding)
                self._serve_until_the_end()
            except BaseException:
                self._session.stop()
                self._finished.set()
                server.close()
                raise
            serving.join(END_SECONDS)
            self._finish()
            self._finished.set()
            server.close()
        return 1 if self._left else 0

    def _serve(self) -> None:
        try:
            self._session.serve()
        except Exception:
            log.exception("the mount failed")
        finally:
            self._served.set()
            self._wake()

    def _await_answer(self) -> None:
        """The mount is there when a stat of it comes back through the kernel."""
        if not self._session.initialized.wait(ANSWER_SECONDS):
            raise LocalError("the kernel does not use the mount", hint="see dmesg")
        try:
            Path(self._options.mount_point).stat()
        except OSError as trouble:
            raise LocalError(f"{self._options.mount_point} does not answer: {trouble.strerror}") from trouble
        fuse.raise_read_ahead(self._options.mount_point)

    def _serve_until_the_end(self) -> None:
        refresher = threading.Thread(target=self._refresh, name="refresh", daemon=True)
        if self._options.attr_timeout > 0:
            refresher.start()
        while not (self._signals or self._served.is_set() or self._told_to_end.is_set()):
            readable(self._news)
            os.read(self._news, 4096)
        self._ending.set()
        if not self._served.is_set():
            self._session.stop()
        if refresher.ident is not None:
            refresher.join(END_SECONDS)

    def _refresh(self) -> None:
        """Look for changes made elsewhere, as long as the mount is in use (the tree knows what is)."""
        said = ""
        while not self._ending.wait(self._options.attr_timeout):
            try:
                self._parts.filesystem.refresh()
                said = ""
            except (PithosfsError, OSError) as trouble:
                if str(trouble) != said:
                    said = str(trouble)
                    log.warning("cannot look for changes: %s", trouble)
            except Exception:
                log.exception("looking for changes failed")

    def _finish(self) -> None:
        """Send what is left, as long as that moves. A second signal ends the waiting."""
        drained = threading.Event()

        def drain() -> None:
            try:
                self._left = self._drain_while_it_moves()
            except Exception as trouble:
                self._left = [Unsent("/", str(trouble))]
                if not isinstance(trouble, PithosfsError | OSError):
                    log.exception("the last drain failed")
            finally:
                drained.set()

        signals = self._signals
        threading.Thread(target=drain, name="drain", daemon=True).start()
        while not drained.wait(0.5):
            if self._signals > signals:
                self._hurry.set()
                self._left = [Unsent("/", "told to end at once")]
                break
        for one in self._left:
            log.warning("not sent, kept in the journal: %s: %s", one.path, one.error)

    def _drain_while_it_moves(self) -> list[Unsent]:
        """Everything is tried again and again until `ROUNDS` rounds in a row have sent nothing."""
        fewest: int | None = None
        idle = 0
        while True:
            failed = self._parts.drain()
            if not failed:
                return []
            idle = idle + 1 if fewest is not None and len(failed) >= fewest else 0
            fewest = len(failed) if fewest is None else min(fewest, len(failed))
            if idle >= ROUNDS or self._hurry.wait(PAUSE):
                return [Unsent(one.path, one.error or "not sent in time") for one in failed]

    # requests -------------------------------------------------------------------------------------------------------

    def _on_status(self, _request: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
        return self._parts.status()

    def _on_flush(self, request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        timeout = request.get("limit")
        failed = self._parts.drain(
            request.get("path"),
            deadline=None if timeout is None else time.monotonic() + float(timeout),
            progress=lambda state: progress(state),
        )
        return {"unsent": [[one.path, one.error] for one in failed]}

    def _on_finish(self, _request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        """Answered when the mount has ended and drained."""
        while not self._finished.wait(1.0):
            with contextlib.suppress(PithosfsError, OSError):
                progress(self._parts.status())
        return {"unsent": [[one.path, one.error] for one in self._left]}

    def _on_stop(self, _request: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
        self._told_to_end.set()
        self._wake()
        return {}

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it will be read
            os.write(self._tell, b"!")

    # signals --------------------------------------------------------------------------------------------------------

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Only this: a signal may come while any lock is held.
        self._signals += 1

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


def _say(fd: int, message: Mapping[str, Any]) -> None:
    """Tell whoever started this, who may have gone."""
    with contextlib.suppress(OSError):
        os.write(fd, json.dumps(message).encode() + b"\n")
