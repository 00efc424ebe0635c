"""The sync daemon seen from outside: whether it runs, starting and ending it, and asking it.

Everything that can be asked can be asked without it as well: then this process does what is asked for. See
`pithosfs_daemon.requests` for the requests.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pithosfs import control
from pithosfs.config import Directories, make_private
from pithosfs.control import Progress
from pithosfs.descriptors import first_line, readable
from pithosfs.errors import Conflict, LocalError
from pithosfs_daemon.claim import Record, is_held, read_record
from pithosfs_daemon.logs import log_file

__all__ = ["PEER", "ask", "find", "start", "stop"]

PEER = "the sync daemon"
START_SECONDS = 60.0  # it answers before the first pass; a slow disk may have big databases to recover
STOP_SECONDS = 15.0  # it gives what is under way 8 seconds
SETTLE_SECONDS = 10.0  # for a daemon that is just starting or ending


def find(directories: Directories) -> Record | None:
    """The daemon that runs, None when none does. Raises LocalError when it runs on another machine of this home."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (record := read_record(directories)) is None and is_held(directories) and time.monotonic() < deadline:
        time.sleep(0.02)  # it is starting or ending, and has no socket yet, or none any more
    if record is not None and record.host != socket.gethostname():
        raise LocalError(
            f"the sync daemon of this home runs on {record.host}", hint="use it there, or end it there first"
        )
    return record


def ask(
    directories: Directories,
    request: str,
    /,
    *,
    progress: Progress | None = None,
    timeout: float | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """The answer of the daemon when it runs, else of this process. `timeout` is the longest silence in seconds.

    Raises what the request raises.
    """
    record = find(directories)
    if record is not None:
        if not Path(record.socket).exists():
            raise LocalError(
                f"the socket of the sync daemon is gone: {record.socket}",
                hint="end it and start it again: pithosfs sync stop, pithosfs sync start",
            )
        return control.call(Path(record.socket), request, peer=PEER, on_progress=progress, timeout=timeout, **arguments)
    # Imported here: with a daemon nothing of the engine is needed.
    from pithosfs_daemon.assembly import Assembly
    from pithosfs_daemon.clouds import Clouds
    from pithosfs_daemon.house import EmptyHouse
    from pithosfs_daemon.requests import handlers

    with contextlib.closing(Assembly(directories)) as assembly:
        handle = handlers(EmptyHouse(assembly, Clouds()), assembly.registry)[request]
        return dict(handle({"request": request, **arguments}, progress or (lambda state: None)))


def start(
    directories: Directories,
    *,
    debug: bool = False,
    timeout: float = START_SECONDS,
    environ: Mapping[str, str] | None = None,
) -> tuple[Record, bool]:
    """Start the daemon in the background unless it runs; returns it, and whether it was started now.

    `environ` is its environment (None: this process's). Raises what kept it from starting.
    """
    running = find(directories)
    if running is not None:
        return running, False
    log = log_file(directories)
    make_private(log.parent)
    errors_to = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    command = [sys.executable, "-X", "utf8", "-P", "-m", "pithosfs_daemon.main", "--announce"]
    try:
        process = subprocess.Popen(
            [*command, "--debug"] if debug else command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors_to,
            cwd="/",
            start_new_session=True,
            env=environ,
        )
    except OSError as trouble:
        raise LocalError(f"the sync daemon cannot be started: {trouble.strerror}") from trouble
    finally:
        os.close(errors_to)
    try:
        answer = _first_answer(process, timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if "ready" in answer:
        process.returncode = 0  # it lives on without us: nobody is to wait for it
        return Record(**answer["ready"]), True
    process.wait()
    if "error" not in answer:
        raise LocalError("the sync daemon ended before it was ready", hint=f"see {log}")
    error = control.unpack_error(answer["error"])
    if isinstance(error, Conflict):
        # Somebody else has started one at the same moment.
        other = find(directories)
        if other is not None:
            return other, False
    raise error


def _first_answer(process: subprocess.Popen[bytes], timeout: float) -> dict[str, Any]:
    assert process.stdout is not None
    with process.stdout as pipe:
        line = first_line(pipe.fileno(), timeout)
    if line is None:
        raise LocalError(f"the sync daemon did not get ready within {timeout:.0f} seconds")
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return answer


def stop(directories: Directories, timeout: float = STOP_SECONDS) -> bool:
    """End the daemon and wait until it has ended; False when none ran. What does not end in time is killed: that loses
    nothing, its next start goes on with what was under way."""
    record = find(directories)
    if record is None:
        return False
    try:
        process = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return False
    try:
        # Asked again now that the process cannot be replaced by another of the same number unnoticed.
        if read_record(directories) != record:
            return False
        try:
            control.call(Path(record.socket), "stop", peer=PEER, timeout=5.0)
        except LocalError:  # its socket is gone, as when the runtime directory went with the session
            signal.pidfd_send_signal(process, signal.SIGTERM)
        if not readable(process, timeout):
            signal.pidfd_send_signal(process, signal.SIGKILL)
            readable(process, timeout)
    except ProcessLookupError:
        pass
    finally:
        os.close(process)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(record.pid, os.WNOHANG)  # when this very process had started it
    return True
