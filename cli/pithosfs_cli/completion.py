"""Shell completion: the scripts, and the names of clouds, containers, files, users, and of servers and the like.

A completion must never be felt. Names that the cloud knows come from small files in the cache directory, one for the
containers, one for each folder and each kind of thing; when that is old, or is not there yet, a process in the
background asks the cloud for the next time, and only the very first time is it waited for, briefly.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from pithosfs_cli.command import Command, invocation
from pithosfs_cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pithosfs.config import Cloud, Directories
    from pithosfs_cli.kinds import Kind, Thing

__all__ = [
    "cache_file",
    "cloud_names",
    "completion",
    "container_names",
    "place_names",
    "refresh",
    "remember_containers",
    "remember_things",
    "remember_users",
    "thing_names",
    "things_changed",
    "user_names",
]

FRESH_SECONDS = 60.0
FIRST_WAIT_SECONDS = 0.7
FORGOTTEN_SECONDS = 86400.0  # what nobody has asked for in so long is thrown away
FOLDER_LIMIT = 1000  # more than that is not for choosing from

# A folder is not the end of a word, so no blank is put behind it.
_BASH_ENDS = "    return 0\n}"
_BASH_FOLDERS = """    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace
    fi

"""


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
    text = script.source_template % script.source_vars()
    if shell == "bash":
        text = text.replace(_BASH_ENDS, _BASH_FOLDERS + _BASH_ENDS, 1)
    click.echo(text)


def cloud_names(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """The clouds of the settings."""
    with contextlib.suppress(Exception):
        return _matching(_run(context).settings(must_exist=False).clouds(), incomplete)
    return []


def container_names(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """The containers of the cloud."""
    with contextlib.suppress(Exception):
        return _matching(_known(_run(context), "containers"), incomplete)
    return []


def user_names(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """The users who share something."""
    with contextlib.suppress(Exception):
        return _matching(_known(_run(context), "users"), incomplete)
    return []


def thing_names(context: click.Context, kind: Kind, incomplete: str) -> list[CompletionItem]:
    """The names of things of a kind; the ids of those without a name of their own, and where an id is being typed."""
    with contextlib.suppress(Exception):
        known = _known(_run(context), *_things(kind))
        counts = Counter(name for _, name in known)
        found = []
        for ident, name in known:
            if name and counts[name] == 1 and name.isprintable() and name.startswith(incomplete):
                found.append(CompletionItem(name, help=ident if ident != name else None))
            elif ident.startswith(incomplete) and (incomplete or counts[name] != 1 or not name):
                found.append(CompletionItem(ident, help=name or None))
        return found
    return []


def place_names(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Places in the object store: containers, then what is in a folder; bare container names for container commands.

    Own places only: `/container/path`, and `path` in the default container.
    """
    with contextlib.suppress(Exception):
        run = _run(context)
        of_containers = context.parent is not None and context.parent.info_name == "container"
        if of_containers and not incomplete.startswith("/"):
            return _matching(_known(run, "containers"), incomplete)
        if incomplete.startswith(("//", "pithos:")):
            return []
        if incomplete.startswith("/") and incomplete.count("/") == 1:
            return _matching((f"/{name}/" for name in _known(run, "containers")), incomplete)
        if of_containers:
            return []
        if not incomplete:
            return _matching((f"/{name}/" for name in _known(run, "containers")), "/")
        if incomplete.startswith("/"):
            container, _, name = incomplete[1:].partition("/")
            start = f"/{container}/"
        else:
            container, name, start = context.params.get("container") or run.cloud().container, incomplete, ""
        folder = name[: name.rfind("/") + 1]
        return _matching((start + folder + one for one in _known(run, "folder", container, folder)), incomplete)
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


def cache_file(directories: Directories, cloud: Cloud, *what: str) -> Path:
    """Where names are kept: `containers`, `users`, `folder` with its container and prefix, `things` with their listing
    (pairs of id and name)."""
    import hashlib

    key = hashlib.sha256("\0".join((cloud.url, cloud.token, *what)).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return directories.cache / "completion" / f"{key}.json"


def _things(kind: Kind) -> tuple[str, str]:
    return "things", kind.listing


def _known(run: Invocation, *what: str) -> list[Any]:
    path = cache_file(run.directories, run.cloud(), *what)
    names = _read(path)
    if names is not None and time.time() - path.stat().st_mtime < FRESH_SECONDS:
        return names
    asking = _ask_in_background(run, *what)
    if names is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            asking.wait(FIRST_WAIT_SECONDS)
        names = _read(path)
    return names or []


def _read(path: Path) -> list[Any] | None:
    try:
        found: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, list) else None


def _ask_in_background(run: Invocation, *what: str) -> subprocess.Popen[bytes]:
    arguments = [f"--cloud={run.cloud_name}"] if run.cloud_name else []
    arguments += [f"--config={run.config_file}"] if run.config_file else []
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("_PITHOSFS", "COMP_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "pithosfs_cli.completion", *arguments, "--", *what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def remember_containers(run: Invocation, names: list[str]) -> None:
    """Keep the names for completion; failing to is no matter."""
    _remember(run, names, "containers")


def remember_users(run: Invocation, names: list[str]) -> None:
    """The same for the names of users who share something."""
    _remember(run, names, "users")


def remember_things(run: Invocation, kind: Kind, things: Iterable[Thing]) -> None:
    """The same for all things of a kind."""
    _remember(run, [[kind.id_of(one), kind.name_of(one)] for one in things], *_things(kind))


def things_changed(run: Invocation, kind: Kind) -> None:
    """What is kept of a kind is not all any more: it still does, but the next time the cloud is asked."""
    from pithosfs.errors import PithosfsError

    old = time.time() - FRESH_SECONDS
    with contextlib.suppress(PithosfsError, OSError):
        os.utime(cache_file(run.directories, run.cloud(), *_things(kind)), (old, old))


def _remember(run: Invocation, names: list[Any], *what: str) -> None:
    import tempfile

    from pithosfs.config import make_private
    from pithosfs.errors import PithosfsError

    with contextlib.suppress(PithosfsError, OSError):
        path = cache_file(run.directories, run.cloud(), *what)
        make_private(path.parent)
        for other in path.parent.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - other.stat().st_mtime > FORGOTTEN_SECONDS:
                    other.unlink()
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
            json.dump(names, file)
        Path(temporary).replace(path)


def refresh(arguments: list[str]) -> None:
    """Ask the cloud for names and keep them: what the background process does."""
    run = Invocation()
    split = arguments.index("--")
    for argument in arguments[:split]:
        name, _, value = argument.partition("=")
        setattr(run, {"--cloud": "cloud_name", "--config": "config_file"}[name], value)
    what = arguments[split + 1 :]
    try:
        _remember(run, _asked(run, *what), *what)
    finally:
        run.close()


def _asked(run: Invocation, kind: str, *place: str) -> list[Any]:
    if kind == "things":
        from pithosfs_cli.kinds import KINDS

        of = KINDS[place[0]]
        return [[of.id_of(one), of.name_of(one)] for one in of.all(run)]
    store = run.store()
    if kind == "containers":
        return [one.name for one in store.containers()]
    if kind == "users":
        return sorted(store.user_names(store.shared_accounts()).values())
    container, prefix = place
    listing = store.list_objects(container, prefix=prefix, delimiter="/", limit=FOLDER_LIMIT)
    assert listing is not None
    folders = {f"{name}/" for name in listing.found.folders}
    folders |= {f"{info.name}/" for info in listing.found.objects if info.is_directory}
    files = {info.name for info in listing.found.objects if not info.is_directory}
    return sorted(name[len(prefix) :] for name in folders | files if len(name) > len(prefix))


if __name__ == "__main__":
    refresh(sys.argv[1:])
