"""The options of a synced folder, as `sync add` and `sync set` take them. Most names are those of the pair's fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from pithosfs.errors import UsageError

__all__ = ["PERCENT", "SPAN", "changes", "pair_options"]

_TIME_SPAN = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|m|min|h|d)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PERCENTAGE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*%?", re.ASCII)


class _Span(click.ParamType[float]):
    """A time span: seconds, or with a unit."""

    name = "time"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        match = _TIME_SPAN.fullmatch(value.strip().lower())
        if match is None:
            raise UsageError(f"{value!r} is not a time span", hint="write seconds, or as in 500ms, 30s, 5m, 1h, 1d")
        return float(match[1]) * _SECONDS[match[2] or "s"]


class _Percent(click.ParamType[float]):
    """A part of a whole, written as a percentage; 0 to 1 inside."""

    name = "percent"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        match = _PERCENTAGE.fullmatch(value.strip())
        part = float(match[1]) / 100 if match is not None else -1.0
        if not 0 <= part <= 1:
            raise UsageError(f"{value!r} is not a percentage", hint="write 0% to 100%")
        return part


class _Limit(click.ParamType[int]):
    """Bytes a second; 0 inside stands for no limit."""

    name = "limit"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> int:
        from pithosfs.config import parse_size

        if isinstance(value, int):
            return value
        if value.strip().lower() == "none":
            return 0
        size = parse_size(value.strip().removesuffix("/s"))
        if not size:
            raise UsageError("a limit of nothing would never let anything through", hint="write none for no limit")
        return size


SPAN, PERCENT, LIMIT = _Span(), _Percent(), _Limit()


def pair_options() -> list[Callable[[Any], Any]]:
    """Their decorators."""
    return [
        click.option(
            "--exclude",
            "excludes",
            metavar="PATTERN",
            multiple=True,
            help="Leave these names alone, as in .gitignore; may be repeated. More go into LOCAL/.pithosignore.",
        ),
        click.option(
            "--direction",
            type=click.Choice(["both", "up", "down"]),
            help="Which way changes are carried (default: both).",
        ),
        click.option(
            "--interval", type=SPAN, metavar="T", help="How often to look for changes in the cloud (default: 1s)."
        ),
        click.option(
            "--symlinks",
            type=click.Choice(["skip", "follow"]),
            help="Leave symbolic links alone, or sync what they lead to (default: skip).",
        ),
        click.option("--upload-limit", type=LIMIT, metavar="N", help="Bytes a second, as in 500KiB; none: no limit."),
        click.option("--download-limit", type=LIMIT, metavar="N", help="The same for the other way."),
        click.option(
            "--max-delete",
            type=PERCENT,
            metavar="N%",
            help="Stop and ask when more than this part of the files vanishes at once (default: 50%).",
        ),
    ]


def changes(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a pair that were given, and their values."""
    from pithosfs_daemon.values import Direction

    found: dict[str, Any] = {}
    for key, value in given.items():
        if value is None or value == ():
            continue
        if key in ("upload_limit", "download_limit"):
            found[key] = value or None
        else:
            found[key] = Direction(value) if key == "direction" else value
    return found
