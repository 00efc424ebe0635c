"""The commands that have been run, for who wants them kept: `pithosfs config set history on`.

One a line, the newest last. No secret gets there: what options with tokens and passwords are given, the cloud's own
tokens wherever they stand, and what is to be authenticated are masked; `config set` is not kept at all.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pithosfs.config import Settings
    from pithosfs_cli.invocation import Invocation

__all__ = ["history_file", "past_commands", "record"]

_MASK = "********"
_YES = frozenset({"on", "yes", "true", "1"})
_SECRET_OPTIONS = ("token", "password", "pass", "secret", "key")  # how the names of such options end
_SECRET_ARGUMENTS = [("user", "authenticate")]  # commands whose arguments are secrets
_NOT_KEPT = [("config", "set"), ("history", "show"), ("history", "clean")]


def record(run: Invocation) -> None:
    """Keep the command of this run, if that is wanted. Not being able to is no reason for a command to fail."""
    if _command(run.words) in _NOT_KEPT:
        return
    from contextlib import suppress

    from pithosfs.config import make_private
    from pithosfs.errors import PithosfsError

    with suppress(PithosfsError, OSError, ValueError):
        settings = run.settings()
        if str(settings.get("global.history") or "").lower() not in _YES:
            return
        path = history_file(run)
        make_private(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "a", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 (a descriptor)
            file.write(_line(run.words, _tokens(settings)) + "\n")
        limit = int(str(settings.get("global.history_limit") or 0))
        lines = past_commands(run)
        if limit and len(lines) > limit:
            path.write_text("".join(f"{one}\n" for one in lines[-limit:]), encoding="utf-8", errors="surrogateescape")


def history_file(run: Invocation) -> Path:
    """Where commands are kept."""
    chosen = run.settings(must_exist=False).get("global.history_file")
    return Path(str(chosen)).expanduser() if chosen else run.directories.state / "history"


def past_commands(run: Invocation) -> list[str]:
    """What is there, the oldest first."""
    try:
        return history_file(run).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _command(words: Sequence[str]) -> tuple[str, ...]:
    """The group and the command, unless the values of options before them look like these."""
    from pithosfs_cli.main import MEMBERS

    start = next((index for index, one in enumerate(words) if one in MEMBERS), 0)
    return tuple([one for one in words[start:] if not one.startswith("-")][:2])


def _tokens(settings: Settings) -> set[str]:
    return {token for key, value in settings.items() if key.lower().endswith("token") for token in value.split()}


def _line(words: Sequence[str], tokens: Iterable[str]) -> str:
    masked: list[str] = []
    command = _command(words)
    hide_next = False
    for word in words:
        name, equals, _ = word.partition("=")
        is_option = word.startswith("-") and len(word) > 1
        if hide_next:
            shown, hide_next = _MASK, False
        elif is_option and name.endswith(_SECRET_OPTIONS):
            shown, hide_next = (f"{name}={_MASK}", False) if equals else (word, True)
        elif "=" in word and not is_option and name.endswith(_SECRET_OPTIONS):
            shown = f"{name}={_MASK}"  # the value of -o
        elif command in _SECRET_ARGUMENTS and not is_option and word not in command:
            shown = _MASK
        else:
            shown = word
        for token in tokens:
            shown = shown.replace(token, _MASK)
        masked.append(shlex.quote(shown) if shown != _MASK else shown)
    return " ".join(one.replace("\n", "\\n") for one in ("pithosfs", *masked))
