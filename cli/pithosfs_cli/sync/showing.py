"""How the status of synced folders looks: a block for each on a terminal or piped, records for programs.

~/Work ⇄ /work                                                       IN STEP
  1204 files, 2.3GiB; looked at 2 s ago, last change 14:02
~/Photos → /photos                                                   WORKING
  3 of 120 changes done, 45.2MiB of 1.1GiB, about 2 min left
    ↑ 2026/holiday.mov                     12MiB of 340.2MiB    4%
~/Docs ⇄ /docs                                                     NEEDS YOU
  the cloud 'work' does not accept the token: it has expired
  → pithosfs config set cloud.work.token (it goes on by itself then)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.output import iso_time
from pithosfs_cli.printable import printable
from pithosfs_cli.sync.choosing import home_relative

if TYPE_CHECKING:
    from pithosfs_daemon.activity import Running
    from pithosfs_daemon.states import PairStatus, Situation
    from pithosfs_daemon.values import Trouble

__all__ = ["block", "record"]

WIDTH = 80  # columns, where nobody says how many there are
TRANSFERS = 6  # shown at most
TROUBLES = 20

_COLORS = {"IN STEP": "green", "WORKING": "cyan", "PAUSED": "yellow", "NEEDS YOU": "red"}
_ARROWS = {"both": "⇄", "up": "→", "down": "←"}
_PLAIN_ARROWS = {"both": "<->", "up": "->", "down": "<-"}


def block(status: PairStatus, width: int | None = None, *, details: bool = False) -> list[str]:
    """The lines of one pair; styled, for whoever prints them to take that off. `details`: with names in trouble."""
    width = max(40, width or WIDTH)
    lines = [_headline(status, width)]
    situation = status.situation
    if situation.what:
        lines.append(f"  {printable(_sentence(situation))}")
    if situation.todo:
        lines.append(f"  {_sign('→', '->')} {printable(situation.todo)}")
    facts = _facts(status)
    if facts:
        lines.append(click.style(f"  {facts}", dim=True))
    lines += [_transfer(one, width) for one in status.running[:TRANSFERS]]
    if len(status.running) > TRANSFERS:
        lines.append(click.style(f"    and {len(status.running) - TRANSFERS} more", dim=True))
    if status.conflicts:
        lines.append(f"  {_count(status.conflicts, 'conflict')} to resolve: pithosfs sync conflicts {status.id}")
    if status.watch_problem:
        lines.append(f"  {printable(status.watch_problem)}")
    if details:
        lines += list(_trouble_lines(status))
    elif status.trouble_count and situation.condition.value != "NEEDS YOU":
        lines.append(f"  {_count(status.trouble_count, 'name')} left alone: pithosfs sync status {status.id}")
    return lines


def _headline(status: PairStatus, width: int) -> str:
    arrows = _ARROWS if _can_show("⇄→←") else _PLAIN_ARROWS
    name = home_relative(status.folder) if status.folder else f"{status.id} (cannot be read)"
    place = f" {arrows.get(status.direction, '')} {status.remote}" if status.remote else ""
    title, word = printable(name + place), str(status.situation.condition)
    gap = " " * max(2, width - len(title) - len(word))
    return click.style(title, bold=True) + gap + click.style(word, fg=_COLORS.get(word), bold=True)


def _sentence(situation: Situation) -> str:
    """What it is about, with the time of the next attempt when there is one."""
    from pithosfs_daemon.timing import rough_time

    if situation.retry is None:
        return situation.what
    left = situation.retry - time.time()
    return f"{situation.what}; next try {'now' if left < 1 else f'in {rough_time(left)}'}"


def _facts(status: PairStatus) -> str:
    from pithosfs.config import format_size
    from pithosfs_daemon.timing import rough_time

    parts = []
    if status.files is not None and status.bytes is not None:
        parts.append(f"{_count(status.files, 'file')}, {format_size(status.bytes)}")
    now = time.time()
    if status.checked is not None:
        ago = max(0.0, now - status.checked)
        parts.append("looked at just now" if ago < 2 else f"looked at {rough_time(ago)} ago")
    if status.changed is not None:
        parts.append(f"last change {_clock_time(status.changed, now)}")
    return "; ".join(parts)


def _transfer(running: Running, width: int) -> str:
    from pithosfs.config import format_size

    sign = _sign("↑", "^") if running.way == "up" else _sign("↓", "v")
    part = f"{running.done * 100 // running.size:3d}%" if running.size else ""
    figures = f"{format_size(running.done)} of {format_size(running.size)}  {part}"
    room = max(10, width - len(figures) - 8)
    name = printable(running.name)
    if len(name) > room:
        name = f"{name[: room // 2 - 1]}…{name[len(name) - (room - room // 2) :]}"
    return f"    {sign} {name.ljust(room)}  {figures}"


def _trouble_lines(status: PairStatus) -> Iterator[str]:
    for one in status.troubles[:TROUBLES]:
        yield f"    {printable(one.name)} {printable(_reason(one))}"
    if status.trouble_count > TROUBLES:
        rest = status.trouble_count - TROUBLES
        yield click.style(f"    and {rest} more: pithosfs sync status {status.id} --output json", dim=True)


def _reason(trouble: Trouble) -> str:
    return f"{trouble.reason.value}: {trouble.detail}" if trouble.detail else trouble.reason.value


def record(status: PairStatus) -> dict[str, Any]:
    """For programs."""
    situation = status.situation
    return {
        "id": status.id,
        "folder": status.folder,
        "cloud": status.cloud,
        "remote": status.remote,
        "direction": status.direction,
        "state": situation.condition.value,
        "what": situation.what,
        "todo": situation.todo,
        "since": _iso(situation.since),
        "next_try": _iso(situation.retry),
        "daemon": status.alive,
        "files": status.files,
        "bytes": status.bytes,
        "checked": _iso(status.checked),
        "changed": _iso(status.changed),
        "conflicts": status.conflicts,
        "progress": {
            "phase": status.totals.phase,
            "changes_done": status.totals.actions_done,
            "changes": status.totals.actions_total,
            "bytes_done": status.totals.bytes_done,
            "bytes": status.totals.bytes_total,
        },
        "transfers": [
            {"name": one.name, "way": one.way, "bytes_done": one.done, "bytes": one.size} for one in status.running
        ],
        "not_synced": status.trouble_count,
        "names": [{"name": one.name, "reason": one.reason.value, "detail": one.detail} for one in status.troubles],
        "watching": status.watch_problem,
        "requests": status.requests,
        "bytes_sent": status.bytes_sent,
        "bytes_received": status.bytes_received,
    }


def _clock_time(when: float, now: float) -> str:
    """The time of a day, with the day when that is not today."""
    then, today = datetime.fromtimestamp(when), datetime.fromtimestamp(now)
    return then.strftime("%H:%M:%S" if then.date() == today.date() else "%Y-%m-%d %H:%M")


def _iso(seconds: float | None) -> str | None:
    return iso_time(None if seconds is None else seconds * 1e9)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _sign(sign: str, plain: str) -> str:
    return sign if _can_show(sign) else plain


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
