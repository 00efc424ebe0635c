"""The clouds of the settings, as the daemon sees them: read anew whenever a settings file has changed."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from pathlib import Path

from pithosfs.config import ENVIRONMENT_CLOUD, Cloud, Settings
from pithosfs.errors import ConfigError
from pithosfs_daemon.values import Pair

__all__ = ["CONFIG_OPTION", "Clouds"]

CONFIG_OPTION = "config"  # in a pair's options: the settings file it was made with, when that is not the usual one


class Clouds:
    """`environ` says where the settings are (None: this process's)."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def cloud(self, pair: Pair) -> Cloud:
        """How to reach a pair's cloud now. Raises ConfigError."""
        if pair.cloud == ENVIRONMENT_CLOUD:
            # It would be whatever this process was started with, which nobody can mend while it runs.
            raise ConfigError(
                "a synced folder needs a cloud of the settings",
                hint="pithosfs config set cloud.NAME.url URL, then cloud.NAME.token",
            )
        return Settings.load(_named(pair), self._environ).cloud(pair.cloud)

    def stamp(self, pair: Pair) -> Hashable:
        """Something that differs once the settings that a pair's cloud is in may say something else. Cheap."""
        return tuple(_shown(path) for path in Settings.candidates(_named(pair), self._environ))


def _named(pair: Pair) -> Path | None:
    named = pair.options.get(CONFIG_OPTION)
    return Path(named) if named else None


def _shown(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
