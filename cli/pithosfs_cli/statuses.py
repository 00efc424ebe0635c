"""How the status of a thing is coloured on a terminal: what is well, what has failed, what is not in use, the rest."""

from __future__ import annotations

__all__ = ["style_of"]

_WELL = frozenset({"ACTIVE", "AVAILABLE", "IN_USE", "ACCEPTED", "UP"})
_FAILED = frozenset({"ERROR", "SUSPENDED", "DENIED", "REJECTED", "TERMINATED", "UNKNOWN"})
_ASIDE = frozenset({"STOPPED", "SHUTOFF", "DOWN", "DELETED", "CANCELLED", "DISMISSED"})


def style_of(status: str) -> str:
    """The style for a status, in whose first word it is; what is neither settled nor failed is under way."""
    word, _, doing = status.upper().replace("-", "_").partition(" ")
    if word in _FAILED or word.startswith("ERROR"):
        return "red"
    if doing:
        return "yellow"
    return "green" if word in _WELL else "dim" if word in _ASIDE else "yellow"
