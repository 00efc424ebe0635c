"""The process of a background mount: `python -m pithosfs.mount`, started by `pithosfs.mount.service`.

Standard input has the description as JSON. Standard output gets one line, ready or an error, and is the log after that.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import logging.handlers
import os
import sys
from pathlib import Path
from typing import Any

from pithosfs import control
from pithosfs.config import Cloud, Directories
from pithosfs.errors import PithosfsError, UsageError
from pithosfs.mount.options import MountOptions

LARGEST_LOG = 1 << 20  # bytes; two older ones are kept
OLD_LOGS = 2

log = logging.getLogger("pithosfs.mount")


def main() -> int:
    """Returns the exit code."""
    os.umask(0o077)
    ready = os.dup(1)
    os.set_inheritable(ready, False)
    os.dup2(2, 1)
    try:
        options, cloud, directories, log_file = _described(sys.stdin.read())
        os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
        _log_to(log_file, debug=options.debug)
        # Imported after the log is there: what is wrong with the installation is told in it.
        from pithosfs.mount.server import run_mount

        return run_mount(options, cloud, directories, ready, log_file=log_file)
    except PithosfsError as error:
        log.info("not mounted: %s", error)
        _tell(ready, error)
        return error.exit_code
    except BaseException as error:
        log.exception("the mount process failed")
        _tell(ready, error)
        return 1


def _described(text: str) -> tuple[MountOptions, Cloud, Directories, Path]:
    try:
        whole: dict[str, Any] = json.loads(text)
        cloud = {**whole["cloud"], "tokens": tuple(whole["cloud"].get("tokens", ()))}
        directories = {key: Path(value) for key, value in whole["directories"].items()}
        return (
            MountOptions.from_json(json.dumps(whole["options"])),
            Cloud(**cloud),
            Directories(**directories),
            Path(whole["log"]),
        )
    except (ValueError, KeyError, TypeError) as trouble:
        raise UsageError(f"not a description of a mount: {trouble!r}", hint="use pithosfs mount") from None


def _log_to(path: Path, *, debug: bool) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LARGEST_LOG, backupCount=OLD_LOGS, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    faulthandler.enable()


def _tell(ready: int, error: BaseException) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more, once ready was said
        os.write(ready, json.dumps({"error": control.pack_error(error)}).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
