"""What a mount can be asked for: one frozen value that travels as JSON from the command line to the process."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from pithosfs.errors import UsageError

__all__ = ["DEFAULT_ATTR_TIMEOUT", "MountOptions"]

# Seconds. One conditional request per container and period while the mount is used: cheap, and short enough that
# two people who work side by side see each other's files.
DEFAULT_ATTR_TIMEOUT = 5.0


def _umask() -> int:
    """The umask of this process; there is no call that only reads it."""
    current = os.umask(0o077)
    os.umask(current)
    return current


@dataclass(frozen=True, slots=True, kw_only=True)
class MountOptions:
    """How to mount.

    `mount_point` is an absolute path. `container` shows that one container as the top instead of all of them. `uid`
    and `gid` own what carries no owner of its own, `umask` is taken from the mode of what carries no mode of its own.
    `attr_timeout` (seconds) is how soon changes made elsewhere show. `fsync` says what an fsync waits for: the
    journal on the local disk, or the cloud. `cache_size` is in bytes (None: the cache's default), `cache_dir` a
    directory (None: the usual one).
    """

    mount_point: str
    container: str | None = None
    read_only: bool = False
    uid: int = field(default_factory=os.getuid)
    gid: int = field(default_factory=os.getgid)
    umask: int = field(default_factory=_umask)
    attr_timeout: float = DEFAULT_ATTR_TIMEOUT
    fsync: Literal["local", "remote"] = "local"
    show_special: bool = False
    cache_size: int | None = None
    cache_dir: str | None = None
    allow_other: bool = False
    debug: bool = False

    def __post_init__(self) -> None:
        if not Path(self.mount_point).is_absolute():
            raise UsageError(f"the mount point must be an absolute path, not {self.mount_point!r}")
        if not 0 <= self.attr_timeout <= 86400:
            raise UsageError("the attribute time-out is a number of seconds between 0 and 86400 (a day)")
        if self.fsync not in ("local", "remote"):
            raise UsageError("fsync is either local or remote")
        if not 0 <= self.umask <= 0o777:
            raise UsageError("the umask is an octal number between 000 and 777")
        if self.cache_size is not None and self.cache_size < 0:
            raise UsageError("the cache size cannot be negative")

    def to_json(self) -> str:
        """As JSON text; undecodable bytes of paths stay as surrogate escapes."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MountOptions:
        """The inverse of `to_json`. Raises UsageError for anything else."""
        try:
            values: Any = json.loads(text)
            known = {one.name for one in fields(cls)}
            return cls(**{key: value for key, value in values.items() if key in known})
        except (ValueError, TypeError, AttributeError) as trouble:
            raise UsageError(f"not a description of a mount: {trouble}") from None
