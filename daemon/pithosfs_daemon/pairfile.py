"""A pair as it is kept on disk: JSON, checked whenever it is read or made.

What somebody edited by hand, or an older version wrote, is either understood or refused with the field that is wrong.
Fields of later versions are kept as they are (`Pair.options`).
"""

from __future__ import annotations

import json
import math
import re
import warnings
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from pathspec import GitIgnoreSpec

from pithosfs.errors import ConfigError, UsageError
from pithosfs_daemon.values import Direction, Pair

__all__ = ["check", "check_exclude", "from_json", "to_json"]

LEAST_INTERVAL, LONGEST_INTERVAL = 0.2, 86400.0  # seconds
LEAST_LIMIT = 1024  # bytes a second: with less, a single block of 4 MiB would take more than an hour
LONGEST_NAME = 1024  # characters of an object's name (object-store.md section 3.4)
LONGEST_CONTAINER = 256

_VERSION = 1
_KNOWN = frozenset(one.name for one in fields(Pair))


def check(pair: Pair) -> Pair:
    """The same pair, when everything in it makes sense. Raises UsageError with what does not, and what would."""
    _check_remote(pair)
    if not LEAST_INTERVAL <= pair.interval <= LONGEST_INTERVAL:
        raise UsageError(
            f"an interval of {pair.interval:g} seconds makes no sense",
            hint=f"give seconds from {LEAST_INTERVAL:g} to {LONGEST_INTERVAL:.0f} (a day), or as in 30s, 5m, 1h",
        )
    for what, limit in (("uploads", pair.upload_limit), ("downloads", pair.download_limit)):
        if limit is not None and limit < LEAST_LIMIT:
            raise UsageError(
                f"{limit} bytes a second are too few as a limit for {what}",
                hint="give at least 1KiB, as in 500KiB or 2MiB; none means no limit",
            )
    if not 0 <= pair.max_delete <= 1:
        raise UsageError(
            f"{pair.max_delete * 100:g} % is not a part of the files", hint="give a percentage from 0% to 100%"
        )
    for pattern in pair.excludes:
        check_exclude(pattern)
    return pair


def check_exclude(pattern: str) -> str:
    """The pattern, when `.pithosignore` could hold it as a line that means something. Raises UsageError."""
    hint = "write it as in .gitignore: *.tmp, /build/, docs/**/old"
    if "\n" in pattern or "\r" in pattern or "\0" in pattern:
        raise UsageError(f"{pattern!r} is more than one pattern", hint="give --exclude once for each")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what the regular expressions are not sure of means something else
            spec = GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error, FutureWarning):
        raise UsageError(f"{pattern!r} is not a pattern", hint=hint) from None
    if all(one.include is None for one in spec.patterns):
        raise UsageError(f"{pattern!r} excludes nothing", hint=hint)
    return pattern


def _check_remote(pair: Pair) -> None:
    hint = "write /CONTAINER or /CONTAINER/PATH"
    if not pair.container or "/" in pair.container or pair.container in (".", ".."):
        raise UsageError(f"{pair.container!r} cannot be the name of a container", hint=hint)
    if len(pair.container) > LONGEST_CONTAINER or not _is_plain(pair.container):
        raise UsageError(f"{pair.container[:60]!r} cannot be the name of a container", hint=hint)
    if not pair.prefix:
        return
    segments = pair.prefix.split("/")
    if "" in segments:
        raise UsageError(f"{pair.remote!r} has an empty name in it", hint="give it without doubled slashes")
    if "." in segments or ".." in segments:
        raise UsageError(f"{pair.remote!r} leads elsewhere than it says", hint="give it without . and ..")
    if not _is_plain(pair.prefix):
        raise UsageError(f"{pair.remote!r} has characters in it that no name in the cloud has", hint=hint)
    if len(pair.prefix) > LONGEST_NAME // 2:
        raise UsageError(f"{pair.remote[:60]}… is too long to leave room for names in it", hint=hint)


def _is_plain(name: str) -> bool:
    """Without line breaks, NUL and undecodable bytes, which no object's name has (object-store.md section 1)."""
    return not any(one in "\n\r\0" or "\ud800" <= one <= "\udfff" for one in name)


def to_json(pair: Pair) -> str:
    """As JSON text; undecodable bytes of paths stay as surrogate escapes."""
    values = asdict(pair)
    values.update(values.pop("options"))
    return json.dumps({"version": _VERSION, **values, "folder": str(pair.folder)}, indent=1) + "\n"


def from_json(text: str | bytes, source: Path) -> Pair:
    """The inverse of `to_json`. Raises ConfigError, which names `source`, for anything else."""
    try:
        found: Any = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("it is not an object")
        if int(found.get("version", _VERSION)) > _VERSION:
            raise ValueError("a later version of the program has written it")
        return check(_build(found))
    except (ValueError, TypeError, KeyError) as trouble:
        reason = f"{trouble} is missing" if isinstance(trouble, KeyError) else str(trouble)
    except UsageError as trouble:
        reason = trouble.message
    raise ConfigError(
        f"{source} does not describe a synced folder: {reason}",
        hint="repair it, or move it away and add the folder again: pithosfs sync add (nothing is lost by that)",
    )


def _build(found: dict[str, Any]) -> Pair:
    made = Pair(
        id=_text(found, "id"),
        folder=Path(_text(found, "folder")),
        cloud=_text(found, "cloud"),
        account=_text(found, "account"),
        container=_text(found, "container"),
    )
    if not made.folder.is_absolute():
        raise ValueError("the folder is not an absolute path")
    changes: dict[str, Any] = {
        "prefix": str(found.get("prefix", "")),
        "direction": Direction(found.get("direction", made.direction)),
        "interval": _number(found.get("interval", made.interval)),
        "excludes": tuple(map(str, found.get("excludes", ()))),
        "symlinks": _symlinks(found.get("symlinks", made.symlinks)),
        "upload_limit": _limit(found.get("upload_limit")),
        "download_limit": _limit(found.get("download_limit")),
        "max_delete": _number(found.get("max_delete", made.max_delete)),
        "paused": found.get("paused") is True,
        "options": {key: value for key, value in found.items() if key not in _KNOWN and key != "version"},
    }
    return replace(made, **changes)


def _text(found: dict[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is not a text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _limit(value: Any) -> int | None:
    return None if value is None else int(_number(value))


def _symlinks(value: Any) -> str:
    if value not in ("skip", "follow"):
        raise ValueError(f"symlinks is {value!r}, not skip or follow")
    return str(value)
