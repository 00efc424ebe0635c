"""Mounts of this user: starting them in the background, listing, flushing and ending them.

A background mount is a process of its own (`python -m pithosfs.mount`) in a session of its own. What it needs, the
token among it, goes through its standard input; that it is ready, or the error, comes back through its standard
output. Its log is `state/log/mount-<name>.log`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pithosfs import control
from pithosfs.config import Cloud, Directories, make_private
from pithosfs.control import Progress
from pithosfs.descriptors import first_line, readable
from pithosfs.errors import LocalError, PithosfsError
from pithosfs.mount import binding as bindings
from pithosfs.mount import mountpoints, registry
from pithosfs.mount.options import MountOptions
from pithosfs.mount.session import unmount as kernel_unmount

__all__ = ["MountStatus", "Unsent", "find_mount", "flush", "mounts", "run_mount", "start_background", "unmount"]

START_SECONDS = 120.0  # a start may have to open a big journal and list containers on a slow cloud
STATUS_SECONDS = 5.0

_ask = functools.partial(control.call, peer="the mount")


@dataclass(frozen=True, slots=True)
class MountStatus:
    """A mount of this user.

    `alive`: its process runs. `state` is what it says of itself (empty when it does not answer): pending files and
    bytes, uploads, failures, conflicts. `started` is in seconds since the epoch.
    """

    mount_point: str
    pid: int
    cloud: str
    container: str | None
    binding: str
    log: str | None
    started: float
    alive: bool
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsent:
    """A change that is not on the cloud, and why. It stays in the journal."""

    path: str
    error: str


def run_mount(
    options: MountOptions,
    cloud: Cloud,
    directories: Directories | None = None,
    ready_fd: int | None = None,
    *,
    log_file: Path | None = None,
) -> int:
    """Mount in this process until it is unmounted; see `pithosfs.mount.server.run_mount`."""
    # Imported here: whoever only asks or starts needs nothing of the file system.
    from pithosfs.mount import server

    return server.run_mount(options, cloud, _directories(directories), ready_fd, log_file=log_file)


def start_background(
    options: MountOptions,
    cloud: Cloud,
    directories: Directories | None = None,
    *,
    timeout: float = START_SECONDS,
    environ: Mapping[str, str] | None = None,
) -> MountStatus:
    """Mount in a process of its own; returns when the mount answers. Raises what kept it from mounting.

    `timeout` in seconds; `environ` is the environment of the process (None: this one's).
    """
    directories = _directories(directories)
    log_file = make_private(directories.state / "log") / f"mount-{_log_name(options.mount_point)}.log"
    description = {
        "options": json.loads(options.to_json()),
        "cloud": {**asdict(cloud), "options": dict(cloud.options)},
        "directories": {key: str(value) for key, value in asdict(directories).items()},
        "log": str(log_file),
    }
    errors_to = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-P", "-m", "pithosfs.mount"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors_to,
            cwd="/",
            start_new_session=True,
            env=environ,
        )
    except OSError as trouble:
        raise LocalError(f"the mount process cannot be started: {trouble.strerror}") from trouble
    finally:
        os.close(errors_to)
    try:
        answer = _first_answer(process, json.dumps(description).encode(), timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
    if "ready" not in answer:
        process.wait()
        if "error" in answer:
            raise control.unpack_error(answer["error"])
        raise LocalError("the mount process ended before the mount was ready", hint=f"see {log_file}")
    process.returncode = 0  # it lives on without us: nobody is to wait for it
    found = find_mount(answer["ready"], directories)
    if found is None:
        raise LocalError("the mount ended right after it had begun", hint=f"see {log_file}")
    return found


def _first_answer(process: subprocess.Popen[bytes], description: bytes, timeout: float) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("started with pipes")
    with contextlib.suppress(BrokenPipeError):  # it failed early: its answer says why
        process.stdin.write(description)
        process.stdin.close()
    line = first_line(process.stdout.fileno(), timeout)
    if line is None:
        raise LocalError(f"the mount did not get ready within {timeout:.0f} seconds")
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return answer


def mounts(directories: Directories | None = None) -> list[MountStatus]:
    """All mounts of this user, dead ones too (killed processes whose changes wait for the next mount)."""
    directories = _directories(directories)
    return [_status(directories, record, alive) for record, alive in registry.records(directories)]


def find_mount(path: str, directories: Directories | None = None) -> MountStatus | None:
    """The mount that a path is in, None when it is in none."""
    directories = _directories(directories)
    found = _record_of(path, directories)
    return None if found is None else _status(directories, *found)


def flush(
    path: str,
    directories: Directories | None = None,
    *,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> list[Unsent]:
    """Bring everything at and below a path in a mount to the cloud; returns what could not be sent.

    `timeout` in seconds (None: as long as it takes). Raises LocalError when the path is in no mount.
    """
    directories = _directories(directories)
    found = _record_of(path, directories)
    if found is None:
        raise LocalError(f"{path} is not in a mounted cloud folder", hint="pithosfs status shows the mounts")
    record = found[0]
    inside = _real(path)[len(record.mount_point) :] or None
    answer = _ask(
        registry.socket_of(directories, record.mount_point), "flush", on_progress=progress, path=inside, timeout=None,
        limit=timeout,
    )  # fmt: skip
    return _unsent(answer)


def unmount(
    path: str,
    directories: Directories | None = None,
    *,
    timeout: float | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> list[Unsent]:
    """Send everything (for at most `timeout` seconds), unmount, and wait for the process to end.

    Returns what could not be sent: it stays in the journal, and the next mount of the cloud goes on with it. `force`
    unmounts even while programs use the folder. Raises LocalError when nothing of ours is mounted there, or it is in
    use.
    """
    directories = _directories(directories)
    point = mountpoints.real_path(path)
    known = next((found for found in registry.records(directories) if found[0].mount_point == point), None)
    mounted = mountpoints.kernel_mount(point)
    if known is None or not known[1]:
        if mounted is None or not mounted.is_ours:
            registry.forget(directories, point)
            raise LocalError(f"no cloud folder is mounted on {path}", hint="pithosfs status shows the mounts")
        # Its process was killed, or is another user's: nobody can be asked to send anything.
        _kernel_unmount(point, lazy=force or known is not None)
        registry.forget(directories, point)
        return []
    socket = registry.socket_of(directories, point)
    with contextlib.ExitStack() as stack:
        process = _watch(known[0].pid)
        if process is not None:
            stack.callback(os.close, process)
        # What goes wrong while sending does not keep anybody from unmounting: the end tells what is left.
        with contextlib.suppress(PithosfsError):
            _ask(socket, "flush", on_progress=progress, path=None, timeout=None, limit=timeout)
        _kernel_unmount(point, lazy=force)
        unsent = []
        with contextlib.suppress(LocalError):  # it may be gone before it could be asked
            unsent = _unsent(_ask(socket, "finish", on_progress=progress))
        if process is not None:
            readable(process)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(known[0].pid, os.WNOHANG)  # when this very process had started it
    return unsent


def _kernel_unmount(point: str, *, lazy: bool) -> None:
    if mountpoints.kernel_mount(point) is None:
        return
    said = kernel_unmount(bindings.load().unmount_program, point, lazy=lazy)
    if not said or mountpoints.kernel_mount(point) is None:
        return
    if "busy" in said.lower():
        raise LocalError(
            f"{point} is in use", hint=f"close the programs that use it (fuser -vm {point}), or unmount with --force"
        )
    raise LocalError(f"{point} cannot be unmounted: {said}", hint="unmount it as the user who mounted it")


def _directories(given: Directories | None) -> Directories:
    return Directories.from_environ() if given is None else given


def _status(directories: Directories, record: registry.Record, alive: bool) -> MountStatus:
    state: dict[str, Any] = {}
    if alive:
        with contextlib.suppress(PithosfsError):
            state = _ask(registry.socket_of(directories, record.mount_point), "status", timeout=STATUS_SECONDS)
    return MountStatus(**asdict(record), alive=alive, state=state)


def _record_of(path: str, directories: Directories) -> tuple[registry.Record, bool] | None:
    """The mount with the longest mount point at or above a path."""
    real = _real(path)
    above = [
        found
        for found in registry.records(directories)
        if real == found[0].mount_point or real.startswith(found[0].mount_point.rstrip("/") + "/")
    ]
    return max(above, key=lambda found: len(found[0].mount_point), default=None)


def _real(path: str) -> str:
    return mountpoints.real_path(path)


def _watch(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _unsent(answer: Mapping[str, Any]) -> list[Unsent]:
    return [Unsent(str(path), str(error)) for path, error in answer.get("unsent", [])]


def _log_name(mount_point: str) -> str:
    """A readable file name for a mount point; two may share one, they only share a log then."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", mount_point).strip("-")[-80:] or "root"
