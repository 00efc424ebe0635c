"""Starting, stopping and asking the local cloud, and its users: what `pithosfs localcloud …` does.

One server per data directory. Whether it runs is told by a lock that the server holds, not by a process number in a
file, so a server that was killed is never taken for a running one. Starts and stops of one data directory wait for
each other (`control.lock`), so two starts at once make one server. Users can be changed whether it runs or not: the
same database file is written, and the server looks users up at each request.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from pithosfs.descriptors import first_line, readable
from pithosfs.errors import LocalError, NotFound
from pithosfs.localcloud import users as user_tables
from pithosfs.localcloud.database import connect, migrate, schema_version, transaction
from pithosfs.localcloud.datadir import (
    DATABASE,
    LOG,
    STOP_SECONDS,
    Record,
    control_lock,
    prepare,
    read_record,
    server_lock,
)
from pithosfs.localcloud.identity_schema import MIGRATIONS, SERVICE
from pithosfs.localcloud.resources import UNLIMITED
from pithosfs.localcloud.sandbox.timing import DEFAULT_DELAY, Timing
from pithosfs.localcloud.users import TOKEN_LIFETIME, ListedUser

__all__ = [
    "Status",
    "add_user",
    "change_user",
    "service_token",
    "start",
    "status",
    "stop",
    "suspend_server",
    "user_token",
    "users",
]

T = TypeVar("T")

START_SECONDS = 60.0
"""How long a start may take: opening a big database after a crash replays its log."""

LARGEST_LOG = 1024 * 1024
"""Bytes; a longer log is put aside (one old one is kept) when a server starts."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the local cloud of a data directory is.

    `identity_url` and `url` are the last known ones when it does not run (None: it never did); `pid` and `started`
    (seconds since the epoch) are None then. `crashed`: it does not run, but was not stopped either.
    """

    running: bool
    crashed: bool
    data: Path
    pid: int | None
    url: str | None
    identity_url: str | None
    started: float | None
    users: tuple[str, ...]


def start(
    data: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    foreground: bool = False,
    base_url: str | None = None,
    sandbox_delay: float = DEFAULT_DELAY,
    ready: Callable[[Status], None] | None = None,
) -> Status:
    """Start the local cloud and return once it answers; if it runs already, just return how it is.

    `port` 0: the one it had last time if that is free, else any. `base_url` is the address that clients are told
    when it is not the one they connect to (behind a proxy). `sandbox_delay` is how many seconds it takes to build a
    server, or whatever else is done to one. In the foreground this calls `ready` once the server answers, and returns
    when SIGINT or SIGTERM stopped it. Raises LocalError when the address or the data cannot be had, UsageError for an
    impossible delay.
    """
    timing = Timing(sandbox_delay)
    data = data.absolute()
    prepare(data)
    control = control_lock(data)
    control.acquire()
    with control:
        if server_lock(data).is_held():
            return status(data)
        if not foreground:
            _spawn(data, host, port, base_url, sandbox_delay)
            return status(data)
        # Imported here: the server's libraries take longer to load than everything else here.
        from pithosfs.localcloud.server import serve

        def is_ready(record: Record) -> None:
            # The server has its own lock by now, so whoever has waited for this one sees that it runs.
            control.release()
            if ready is not None:
                ready(status(data))

        serve(data, host, port, base_url, timing, is_ready)
    return status(data)


def stop(data: Path) -> Status:
    """Stop the local cloud if it runs; requests that are under way are finished first, within bounds.

    Returns how it is afterwards. A server that does not end in time is killed, which loses nothing that was answered.
    """
    data = data.absolute()
    if not data.is_dir():
        return status(data)
    control = control_lock(data)
    control.acquire()
    with control:
        record = read_record(data)
        if record is None or not record.pid or not server_lock(data).is_held():
            return status(data)
        try:
            process = os.pidfd_open(record.pid)
        except ProcessLookupError:
            return status(data)
        try:
            # Asked again now that the process cannot be replaced by another of the same number unnoticed.
            if server_lock(data).is_held():
                signal.pidfd_send_signal(process, signal.SIGTERM)
                if not readable(process, STOP_SECONDS + 5):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                    readable(process, STOP_SECONDS)
        except PermissionError as error:
            raise LocalError(
                f"the local cloud on {data} is another user's process ({record.pid})",
                hint="stop it as the user who started it",
            ) from error
        finally:
            os.close(process)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(record.pid, os.WNOHANG)  # when this very process had started it
    return status(data)


def status(data: Path) -> Status:
    """How the local cloud of this data directory is; changes nothing."""
    data = data.absolute()
    record = read_record(data)
    running = server_lock(data).is_held() and record is not None and record.pid != 0
    return Status(
        running=running,
        crashed=not running and record is not None and record.pid != 0,
        data=data,
        pid=record.pid if running and record is not None else None,
        url=record.url if record is not None else None,
        identity_url=f"{record.url}/identity/v2.0" if record is not None else None,
        started=record.started if running and record is not None else None,
        users=tuple(user.name for user in users(data)),
    )


def add_user(data: Path, name: str, quota: int | None = None, *, admin: bool = False) -> str:
    """Make a user who may hold `quota` bytes (None: no limit) and return a token for them.

    The first user is an administrator in any case. Raises UsageError for an impossible name, Conflict when there is
    such a user.
    """
    limit = UNLIMITED if quota is None else quota

    def add(connection: sqlite3.Connection) -> str:
        return user_tables.issue_token(connection, user_tables.add_user(connection, name, limit, admin=admin))

    return _change(data, add)


def user_token(data: Path, name: str, *, lifetime: timedelta = TOKEN_LIFETIME, revoke: bool = False) -> str:
    """A new token for a user. Tokens are stored hashed, so one that was shown before cannot be shown again.

    Older tokens stay valid unless `revoke` ends them all. Raises NotFound for an unknown name.
    """

    def issue(connection: sqlite3.Connection) -> str:
        user = user_tables.find_user(connection, name=name)
        if revoke:
            user_tables.revoke_tokens(connection, user)
        return user_tables.issue_token(connection, user, lifetime)

    return _change(data, issue)


def change_user(
    data: Path, name: str, *, limits: Mapping[str, int | None] | None = None, admin: bool | None = None
) -> None:
    """Change what a user's personal project may use, and whether the user is an administrator; all of it or nothing.

    `limits`: resource → limit in its unit, None for no limit. Raises NotFound for an unknown user, UsageError for an
    unknown resource or an impossible limit.
    """

    def change(connection: sqlite3.Connection) -> None:
        user = user_tables.find_user(connection, name=name)
        for resource, limit in (limits or {}).items():
            user_tables.set_limit(connection, user, resource, UNLIMITED if limit is None else limit)
        if admin is not None:
            user_tables.set_admin(connection, user, admin)

    _change(data, change)


def service_token(data: Path, component: str, *, revoke: bool = False) -> str:
    """A new token for a part of the platform (`resources.COMPONENTS`), for the calls that only services may make.

    Older ones stay valid unless `revoke` ends them all. Raises UsageError for an unknown part.
    """

    def issue(connection: sqlite3.Connection) -> str:
        if revoke:
            user_tables.revoke_service_tokens(connection, component)
        return user_tables.issue_service_token(connection, component)

    return _change(data, issue)


def suspend_server(data: Path, ident: int, *, suspended: bool) -> None:
    """Let nobody change a server, or everybody again who could: what an administrator does (compute.md 3.2).

    Raises NotFound for one that does not exist, or no longer.
    """

    def change(connection: sqlite3.Connection) -> None:
        try:
            changed = connection.execute(
                "UPDATE servers SET suspended = ? WHERE id = ? AND status != 'DELETED'", (suspended, ident)
            ).rowcount
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            changed = 0  # it has never run
        if not changed:
            raise NotFound(f"there is no server {ident}", hint="see which there are: pithosfs server list")

    _change(data, change)


def users(data: Path) -> list[ListedUser]:
    """All users, oldest first; none when there is no data yet."""
    if not (data / DATABASE).exists():
        return []
    try:
        with contextlib.closing(connect(data / DATABASE, read_only=True)) as connection:
            version = schema_version(connection, SERVICE)
            if version == len(MIGRATIONS):
                return user_tables.all_users(connection)
    except sqlite3.OperationalError as error:
        raise _unusable(data, error) from error
    # Written by an older version of this program, which kept them otherwise; or killed while it was first made.
    return [] if version == 0 else _change(data, user_tables.all_users)


def _change(data: Path, fn: Callable[[sqlite3.Connection], T]) -> T:
    """Run `fn` in a transaction on the database, which may be a running server's or may not be there yet."""
    prepare(data)
    try:
        with contextlib.closing(connect(data / DATABASE)) as connection:
            migrate(connection, SERVICE, MIGRATIONS)
            return transaction(connection, fn)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(data, error) from error


def _unusable(data: Path, error: Exception) -> LocalError:
    return LocalError(f"the database {data / DATABASE} cannot be used: {error}", hint="is the disk full, or damaged?")


def _spawn(data: Path, host: str, port: int, base_url: str | None, sandbox_delay: float) -> None:
    """Start a server in the background and wait until it says that it is ready, or why it is not."""
    log = data / LOG
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(data / f"{LOG}.old")
    command = [sys.executable, "-P", "-m", "pithosfs.localcloud", "--announce"]
    command += ["--data", str(data), "--host", host, "--port", str(port), "--sandbox-delay", str(sandbox_delay)]
    if base_url is not None:
        command += ["--base-url", base_url]
    reader, writer = os.pipe()
    try:
        try:
            pid = os.posix_spawn(
                sys.executable,
                command,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, writer, 1),
                    (os.POSIX_SPAWN_OPEN, 2, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                ],
                setsid=True,
            )
        except OSError as error:
            raise LocalError(f"the local cloud cannot be started: {error}") from error
        finally:
            os.close(writer)
        line = first_line(reader, START_SECONDS)
    finally:
        os.close(reader)
    if line is None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise LocalError(f"the local cloud did not start within {START_SECONDS:.0f} seconds", hint=f"see {log}")
    try:
        answer = json.loads(line)
    except ValueError:
        os.waitpid(pid, 0)
        raise LocalError("the local cloud ended before it was ready", hint=f"see {log}") from None
    if "error" in answer:
        os.waitpid(pid, 0)
        raise LocalError(answer["error"], hint=answer["hint"])
