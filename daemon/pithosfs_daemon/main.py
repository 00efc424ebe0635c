"""`pithosd`: the sync daemon in the foreground, for systemd and for whoever wants to watch it.

`pithosfs sync start` starts the same in the background (`--announce`): that tells on its standard output that it is
ready, or why not, as one line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from dataclasses import asdict

from pithosfs import __version__
from pithosfs.config import Directories
from pithosfs.control import pack_error
from pithosfs.errors import PithosfsError

__all__ = ["run"]

log = logging.getLogger("pithosfs_daemon")

_ABOUT = """\
Keeps local folders in step with a cloud, in the foreground, until it gets SIGTERM or SIGINT (^C). SIGHUP makes it read
everything anew. Which folders: pithosfs sync add, list, remove. How they are: pithosfs sync status.
"""


def run(arguments: list[str] | None = None) -> int:
    """The program; returns the exit code (design, section 7: those of the errors)."""
    given = _parser().parse_args(arguments)
    os.umask(0o077)
    ready = _silent_start() if given.announce else None
    try:
        # Late: `--help` and `--version` need nothing of it.
        from pithosfs_daemon import logs
        from pithosfs_daemon.remote.memory import give_blocks_back
        from pithosfs_daemon.server import Daemon

        give_blocks_back()

        directories = Directories.from_environ()
        logs.configure(directories, debug=given.debug, also_stderr=ready is None)
        ended = Daemon(directories).run(lambda record: _tell(ready, {"ready": asdict(record)}))
    except PithosfsError as error:
        log.debug("not started", exc_info=True)
        _fail(ready, error)
        return error.exit_code
    except BaseException as error:
        log.exception("the sync daemon failed")
        _fail(ready, error)
        return 1
    if not ended:
        # Its threads would be waited for at the end of the interpreter.
        logging.shutdown()
        os._exit(0)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pithosd", description=_ABOUT)
    parser.add_argument("-V", "--version", action="version", version=f"pithosd {__version__}")
    parser.add_argument("-d", "--debug", action="store_true", help="log everything that happens")
    parser.add_argument(
        "--foreground",
        action="store_true",
        help="stay in the foreground, as it always does; in the background: pithosfs sync start",
    )
    parser.add_argument("--announce", action="store_true", help=argparse.SUPPRESS)
    return parser


def _silent_start() -> int:
    """The pipe to whoever started this, taken off standard output, where somebody's print would land in it."""
    ready = os.dup(1)
    os.set_inheritable(ready, False)
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    return ready


def _tell(ready: int | None, message: dict[str, object]) -> None:
    if ready is not None:
        with contextlib.suppress(OSError):  # whoever started it has gone
            os.write(ready, json.dumps(message).encode() + b"\n")
            os.close(ready)


def _fail(ready: int | None, error: BaseException) -> None:
    if ready is not None:
        _tell(ready, {"error": pack_error(error)})
        return
    print(f"error: {error or type(error).__name__}", file=sys.stderr)
    if hint := getattr(error, "hint", ""):
        print(f"hint: {hint}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run())
