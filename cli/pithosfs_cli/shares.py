"""How much of something is taken, as a bar and a number, in the colour of how urgent it is."""

from __future__ import annotations

import sys

__all__ = ["shown_share", "style_of_share"]

_CELLS = 10
_BLOCKS = ("█", "░")
_PLAIN = ("#", ".")  # where the terminal has no such characters
_MUCH, _NEARLY_ALL = 75, 90  # percent


def shown_share(percent: int) -> str:
    """`███░░░░░░░  30%`. What is taken at all is seen, and what is full is only what is."""
    filled = min(_CELLS, percent * _CELLS // 100) or int(percent > 0)
    full, empty = _BLOCKS if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" else _PLAIN
    return f"{full * filled}{empty * (_CELLS - filled)} {percent:3}%"


def style_of_share(shown: str) -> str:
    """The style for what `shown_share` made; none for what it did not."""
    percent = shown.rpartition(" ")[2].removesuffix("%")
    if not percent.isdigit():
        return ""
    return "red" if int(percent) >= _NEARLY_ALL else "yellow" if int(percent) >= _MUCH else "green"
