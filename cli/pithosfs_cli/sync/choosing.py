"""Which synced folder a command is about: written as its id, the beginning of that, its path, or a path in it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from pithosfs_cli.invocation import Invocation

if TYPE_CHECKING:
    from pithosfs_daemon.values import Pair

__all__ = ["chosen", "chosen_id", "home_relative", "pair_argument", "pair_or_path_argument"]


def _complete(context: click.Context, incomplete: str, *, paths: bool) -> list[Any]:
    found: list[CompletionItem] = []
    with contextlib.suppress(Exception):
        from pithosfs_cli.command import invocation
        from pithosfs_daemon.registry import Registry

        for pair in Registry(invocation(context).directories).read()[0]:
            names = (home_relative(str(pair.folder)), str(pair.folder), pair.id)
            name = next((one for one in names if one.startswith(incomplete) and one.isprintable()), None)
            if name is not None:
                found.append(CompletionItem(name, help=f"{pair.folder} {pair.remote}"))
    if paths and not found:
        return [CompletionItem(incomplete, type="file")]
    return found


def _complete_pair(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    return _complete(context, incomplete, paths=False)


def _complete_path(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    return _complete(context, incomplete, paths=True)


def pair_argument(*, required: bool = False) -> Callable[[Any], Any]:
    """PAIR; without one the command is about all of them."""
    metavar = "PAIR" if required else "[PAIR]"
    return click.argument("pair", metavar=metavar, required=required, shell_complete=_complete_pair)


pair_or_path_argument = click.argument("target", metavar="[PAIR|PATH]", required=False, shell_complete=_complete_path)


def chosen(run: Invocation, text: str) -> Pair:
    """The pair that is meant. Raises NotFound, UsageError."""
    from pithosfs_daemon.registry import Registry

    return Registry(run.directories).find(os.path.expanduser(text))  # noqa: PTH111


def chosen_id(run: Invocation, text: str | None) -> str | None:
    """Its id, for a request; None for all of them."""
    return None if text is None else chosen(run, text).id


def home_relative(path: str) -> str:
    """As people write it: with ~ for their home."""
    home = os.environ.get("HOME", "").rstrip("/")
    return f"~{path[len(home) :]}" if home and path.startswith(f"{home}/") else path
