"""How an error leaves the program: one line on what happened, one on what to do next, and the exit code.

Codes (design, section 7): 0 done, 1 failed, 2 usage or settings, 3 not found, 4 not allowed or not logged in, 5
conflict or exists already, 6 quota, 7 no connection, 8 timed out, 130 interrupted. Those of the library's errors are
their own; the others are decided here.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import click

from pithosfs.errors import NoConnection, PithosfsError, TimedOut
from pithosfs_cli.printable import printable

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = ["Declined", "Failure", "describe", "report"]

INTERRUPTED = 130
_DETAILS_LIMIT = 300  # characters: an error is one line

_BY_ERRNO = {
    errno.ENOENT: 3,
    errno.ENOTDIR: 3,
    errno.EACCES: 4,
    errno.EPERM: 4,
    errno.EEXIST: 5,
    errno.ENOTEMPTY: 5,
    errno.EDQUOT: 6,
}
_ERRNO_HINTS = {
    errno.ENOSPC: "make room on the disk and try again",
    errno.EACCES: "check who may read and write there: ls -l",
    errno.EPERM: "check who may read and write there: ls -l",
}


class Declined(PithosfsError):
    """The answer to "are you sure" was no."""

    exit_code = 1


class Failure(PithosfsError):
    """Some of several things failed, each of which has been told already; `exit_code` is the first one's."""

    def __init__(self, message: str, exit_code: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


def describe(error: BaseException) -> tuple[str, str, int]:
    """What happened, what to do next (may be empty), and the exit code."""
    if isinstance(error, PithosfsError):
        message = error.message or type(error).__name__
        details = " ".join(str(getattr(error, "details", "")).split())
        # JSON and the like is for programs: what it says to people is in the message already.
        if details and details[0] not in "{[<" and details not in message:
            message = f"{message}: {details[:_DETAILS_LIMIT]}"
        return message, error.hint, error.exit_code
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "pithosfs"
        return error.format_message(), f"see: {path} --help", 2
    if isinstance(error, click.ClickException):
        return error.format_message(), "", error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", "", INTERRUPTED
    if isinstance(error, OSError) and error.errno is not None:
        what = error.strerror or str(error)
        where = error.filename if error.filename is not None else error.filename2
        message = what if where is None else f"{_text(where)}: {what}"
        return message, _ERRNO_HINTS.get(error.errno, ""), _BY_ERRNO.get(error.errno, 1)
    return (
        f"internal error: {type(error).__name__}: {error}",
        "run it again with --debug and report what it shows",
        1,
    )


def report(error: BaseException, run: Invocation) -> int:
    """Tell of an error on standard error, as JSON when the output is JSON; returns the exit code."""
    if run.debug and not isinstance(error, KeyboardInterrupt | click.Abort):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    message, hint, code = describe(error)
    if isinstance(error, NoConnection) and not isinstance(error, TimedOut) and run.is_local:
        hint = "start the local cloud: pithosfs localcloud start"
    hint = hint.replace("cloud.NAME.", f"cloud.{run.known_cloud}.") if run.known_cloud else hint
    if run.output == "json":
        import json

        print(json.dumps({"error": {"message": message, "hint": hint, "exit_code": code}}), file=sys.stderr)
        return code
    color = None if "NO_COLOR" not in os.environ else False
    click.echo(f"{click.style('error:', fg='red', bold=True)} {printable(message)}", err=True, color=color)
    if hint:
        first, *others = (printable(line) for line in hint.splitlines())
        click.echo("\n".join([f"{click.style('hint:', fg='yellow')} {first}", *others]), err=True, color=color)
    return code


def _text(name: str | bytes | int) -> str:
    if isinstance(name, int):
        return f"file descriptor {name}"
    return os.fsdecode(name)
