"""Output through a pager: `--more`, on a terminal only."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

from pithosfs_cli.printable import printable

__all__ = ["paged"]


@contextlib.contextmanager
def paged(wanted: bool) -> Iterator[IO[str]]:
    """Where to print: standard output, or a pager's input if one is wanted and there is a terminal to page on.

    When the reader leaves the pager early, what is still being printed ends without a word.
    """
    pager = _start() if wanted and sys.stdout.isatty() else None
    if pager is None:
        yield sys.stdout
        return
    assert pager.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            yield pager.stdin
    finally:
        with contextlib.suppress(BrokenPipeError):
            pager.stdin.close()
        while True:
            # An interrupt is for the pager to deal with; the terminal is its own until it ends.
            with contextlib.suppress(KeyboardInterrupt):
                pager.wait()
                break


def _start() -> subprocess.Popen[str] | None:
    command = shlex.split(os.environ.get("PAGER", "less"))
    if not command or command == ["cat"]:
        return None
    sys.stdout.flush()
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            env={"LESS": "FRX", **os.environ},
        )
    except OSError as error:
        print(printable(f"No pager: {command[0]}: {error.strerror}"), file=sys.stderr)
        return None
