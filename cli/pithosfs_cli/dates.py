"""Dates as they are written on the command line (cli.md section 2.3), as whole seconds since the epoch.

The object store reads nothing but whole seconds: anything else counts as absent there, which turns a purge up to a date
into a deletion (object-store.md section 20, row 5). So no command sends a date that has not been through here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

from pithosfs.errors import UsageError

__all__ = ["DATE", "parse_date", "shown_date"]

_SECONDS = re.compile(r"@(\d+)(?:\.\d*)?|(\d{9,11})(?:\.\d*)?", re.ASCII)
_AGO = re.compile(r"(\d+)\s*(s|sec|second|m|min|minute|h|hour|d|day|w|week)s?\s+ago", re.ASCII | re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LAST = 253402300799  # the end of the year 9999
_HINT = "write it as 2026-01-31, '2026-01-31 14:00:00', 2026-01-31T14:00:00Z, '3 days ago' or @SECONDS"


def parse_date(text: str) -> int:
    """A date in any usual form as whole seconds since the epoch (a fraction is dropped); local time without a zone.

    `now`, `3 days ago` (seconds to weeks) and seconds since the epoch (`@1767225600`, or a bare number of 9 to 11
    digits) are understood too. Raises UsageError, also for a date before 1970, which no server has anything of.
    """
    said = text.strip()
    if match := _SECONDS.fullmatch(said):
        seconds = int(match[1] or match[2])
    elif said.lower() == "now":
        seconds = int(datetime.now(UTC).timestamp())
    elif match := _AGO.fullmatch(said):
        seconds = int(datetime.now(UTC).timestamp()) - int(match[1]) * _UNITS[match[2][0].lower()]
    elif said.replace(".", "", 1).isdecimal() and len(said) < 8:
        # The lenient parser takes "5" for the fifth of this month: too bold a guess where history is destroyed by date.
        raise UsageError(f"{text!r} is not a date", hint=_HINT)
    else:
        from dateutil import parser

        try:
            seconds = int(parser.parse(said).timestamp())
        except (ValueError, OverflowError, OSError):
            raise UsageError(f"{text!r} is not a date", hint=_HINT) from None
    if not 0 <= seconds <= _LAST:
        raise UsageError(f"{text!r} is out of range: dates begin with 1970", hint=_HINT)
    return seconds


class _Date(click.ParamType[int]):
    """A date as an option's value: the command gets whole seconds."""

    name = "date"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> int:
        return value if isinstance(value, int) else parse_date(value)


DATE = _Date()


def shown_date(seconds: int) -> str:
    """A date in messages for people: local time."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
