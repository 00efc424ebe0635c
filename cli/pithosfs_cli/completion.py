"""Shell completion: the scripts, and the names of clouds and containers.

A completion must never be felt. Names of containers come from a small file in the cache directory; when that is old, or
is not there yet, a process in the background asks the cloud for the next time, and only the very first time is it
waited for, briefly.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from pithosfs_cli.command import Command, invocation
from pithosfs_cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "cloud_names",
    "completion",
    "container_names",
    "place_names",
    "refresh",
    "remember_containers",
]

FRESH_SECONDS = 60.0
FIRST_WAIT_SECONDS = 0.7


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    bash: eval "$(pithosfs completion bash)"        in ~/.bashrc
    zsh:  eval "$(pithosfs completion zsh)"         in ~/.zshrc
    fish: pithosfs completion fish | source         in ~/.config/fish/config.fish
    """
    from pithosfs_cli.main import COMPLETION_VARIABLE, main

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(main, {}, "pithosfs", COMPLETION_VARIABLE)
    click.echo(script.source_template % script.source_vars())


def cloud_names(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """The clouds of the settings."""
    with contextlib.suppress(Exception):
        return _matching(_run(context).settings(must_exist=False).clouds(), incomplete)
    return []


def container_names(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """The containers of the cloud."""
    with contextlib.suppress(Exception):
        return _matching(_containers(_run(context)), incomplete)
    return []


def place_names(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Places in the object store: the container part of `/container/path`, or bare names for container commands."""
    with contextlib.suppress(Exception):
        names = _containers(_run(context))
        if context.parent is not None and context.parent.info_name == "container" and not incomplete.startswith("/"):
            return _matching(names, incomplete)
        if incomplete.startswith("//") or incomplete.count("/") > 1:
            return []
        return _matching((f"/{name}/" for name in names), incomplete or "/")
    return []


def _matching(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    # Names with control characters are no good on a command line.
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]


def _run(context: click.Context) -> Invocation:
    """The run of a command line that is still being typed; its options have been read as far as they go."""
    import logging

    logging.disable()  # whatever is said would land in the line that is being typed
    return invocation(context)


# the cache ----------------------------------------------------------------------------------------------------------


def _cache_file(run: Invocation) -> Path:
    import hashlib

    cloud = run.cloud()
    key = hashlib.sha256(f"{cloud.url}\0{cloud.token}".encode()).hexdigest()[:16]
    return run.directories.cache / "completion" / f"{key}.json"


def _containers(run: Invocation) -> list[str]:
    path = _cache_file(run)
    names = _read(path)
    if names is not None and time.time() - path.stat().st_mtime < FRESH_SECONDS:
        return names
    asking = _ask_in_background(run)
    if names is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            asking.wait(FIRST_WAIT_SECONDS)
        names = _read(path)
    return names or []


def _read(path: Path) -> list[str] | None:
    try:
        found: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else None


def _ask_in_background(run: Invocation) -> subprocess.Popen[bytes]:
    arguments = [f"--cloud={run.cloud_name}"] if run.cloud_name else []
    arguments += [f"--config={run.config_file}"] if run.config_file else []
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("_PITHOSFS", "COMP_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "pithosfs_cli.completion", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def remember_containers(run: Invocation, names: list[str]) -> None:
    """Keep the names for completion; failing to is no matter."""
    import tempfile

    from pithosfs.config import make_private
    from pithosfs.errors import PithosfsError

    with contextlib.suppress(PithosfsError, OSError):
        path = _cache_file(run)
        make_private(path.parent)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
            json.dump(names, file)
        Path(temporary).replace(path)


def refresh(arguments: list[str]) -> None:
    """Ask the cloud for its containers and keep their names: what the background process does."""
    run = Invocation()
    for argument in arguments:
        name, _, value = argument.partition("=")
        setattr(run, {"--cloud": "cloud_name", "--config": "config_file"}[name], value)
    try:
        remember_containers(run, [one.name for one in run.store().containers()])
    finally:
        run.close()


if __name__ == "__main__":
    refresh(sys.argv[1:])
