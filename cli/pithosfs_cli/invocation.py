"""One run of the program: the global options, and what the commands open with them.

Options may stand before or after the command words; both write into the same `Invocation`. Everything of the library
is imported when a command first asks for it, so that help and completion stay fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pithosfs_cli.layout import Layout

if TYPE_CHECKING:
    from pithosfs.clients import Connection
    from pithosfs.config import Cloud, Directories, Settings
    from pithosfs.http import Session
    from pithosfs.store import ObjectStore

__all__ = ["FORMATS", "Invocation"]

FORMATS = ("table", "json", "yaml", "csv", "value")


@dataclass(slots=True)
class Invocation:
    """The global options of this run, and what has been opened; `close` lets it go."""

    config_file: str | None = None
    cloud_name: str | None = None
    overrides: list[str] = field(default_factory=list)
    output: str = "table"
    verbose: int = 0
    debug: bool = False
    ignore_ssl: bool = False
    ca_certs: str | None = None
    is_local: bool = False
    known_cloud: str = ""  # the name of the cloud that was asked, for messages
    layout: Layout = field(default_factory=Layout)
    words: Sequence[str] = ()  # the command line as it was given
    _resources: ExitStack = field(default_factory=ExitStack)
    _store: ObjectStore | None = None
    _session: Session | None = None
    _connection: Connection | None = None

    @property
    def directories(self) -> Directories:
        """Where files are kept."""
        from pithosfs.config import Directories

        return Directories.from_environ()

    def settings(self, *, must_exist: bool = True, overridden: bool = True) -> Settings:
        """The settings, with the `--option` values of this run in them unless they are to be saved.

        Raises ConfigError, also for a `--config` file that is not there unless it may be made now.
        """
        from pithosfs.config import Settings
        from pithosfs.errors import ConfigError, UsageError

        path = Path(self.config_file) if self.config_file else None
        if path is not None and must_exist and not path.exists():
            raise ConfigError(
                f"there is no settings file {path}", hint="check --config; `pithosfs config set` makes one"
            )
        settings = Settings.load(path)
        for one in self.overrides if overridden else []:
            key, equals, value = one.partition("=")
            if not equals or not key:
                raise UsageError(
                    f"{one!r} is not an option of the settings",
                    hint="write -o KEY=VALUE or -o cloud.NAME.KEY=VALUE; the output format is --output",
                )
            settings.set(key, value)
        return settings

    def cloud(self) -> Cloud:
        """The cloud that this run is about. Raises ConfigError."""
        from dataclasses import replace

        from pithosfs.config import ENVIRONMENT_CLOUD
        from pithosfs.errors import ConfigError

        settings = self.settings()
        try:
            cloud = settings.cloud(self.cloud_name)
        except ConfigError:
            if settings.clouds() or self.cloud_name not in (None, ENVIRONMENT_CLOUD) or _environment_is_half_set():
                raise
            raise ConfigError(
                "no cloud is configured",
                hint="for a cloud of your own on this machine, type:\n"
                "    pithosfs localcloud start\n"
                "for an account elsewhere, type:\n"
                "    pithosfs config set cloud.NAME.url URL\n"
                "    pithosfs config set cloud.NAME.token",
            ) from None
        self.known_cloud = "" if cloud.name == ENVIRONMENT_CLOUD else cloud.name
        # How to go on when it does not answer: the local cloud may just not have been started.
        self.is_local = "localcloud_data" in cloud.options
        if self.ignore_ssl:
            cloud = replace(cloud, ignore_ssl=True)
        if self.ca_certs:
            cloud = replace(cloud, ca_certs=self.ca_certs)
        return cloud

    def store(self) -> ObjectStore:
        """The cloud's object store, on the connection of this run."""
        if self._store is None:
            from pithosfs.store.pithos import PithosStore

            connection = self.connection()
            self._store = PithosStore(connection.wire(), connection.account_id, connection.astakos)
        return self._store

    def connection(self) -> Connection:
        """The cloud's services; opened once, closed at the end of the run."""
        if self._connection is None:
            from pithosfs.clients import connect

            self._connection = connect(self.cloud(), self.session())
        return self._connection

    def session(self) -> Session:
        """The connections of this run, for what goes without the user's token."""
        if self._session is None:
            self._session = _session(self.cloud(), self.settings())
            self._resources.callback(self._session.close)
        return self._session

    def close(self) -> None:
        """Close what was opened."""
        self._resources.close()
        self._store = self._connection = self._session = None


def _session(cloud: Cloud, settings: Settings) -> Session:
    """As patient as the settings want it: `timeout` and `retries`, of the cloud or of all."""
    from pithosfs.errors import ConfigError
    from pithosfs.http import RetryPolicy, Session

    def number(key: str, default: float, least: float) -> float:
        text = cloud.options.get(key) or settings.get(f"global.{key}") or default
        try:
            value = float(str(text))
        except ValueError:
            value = -1.0
        if not least <= value < 1e6:
            raise ConfigError(
                f"{key} = {text} is not a number that makes sense", hint=f"pithosfs config set {key} NUMBER"
            )
        return value

    timeout = number("timeout", 60.0, 0.001)
    return Session(
        ca_certs=cloud.ca_certs,
        ignore_ssl=cloud.ignore_ssl,
        connect_timeout=min(10.0, timeout),
        read_timeout=timeout,
        policy=RetryPolicy(attempts=1 + int(number("retries", 4, 0))),
    )


def _environment_is_half_set() -> bool:
    """One of PITHOSFS_URL and PITHOSFS_TOKEN without the other: that has an error of its own."""
    import os

    return bool(os.environ.get("PITHOSFS_URL", "").strip() or os.environ.get("PITHOSFS_TOKEN", "").strip())
