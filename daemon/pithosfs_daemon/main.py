"""`pithosd`: says what it is and, honestly, that it cannot sync yet."""

from __future__ import annotations

import argparse
import sys

from pithosfs import __version__

__all__ = ["run"]


def run(arguments: list[str] | None = None) -> int:
    """Answer --help and --version; anything else fails with exit code 1 and says why."""
    parser = argparse.ArgumentParser(
        prog="pithosd",
        description="The daemon that keeps local folders in step with a cloud. "
        "Syncing is not part of this version: use `pithosfs mount`.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"pithosd {__version__}")
    parser.parse_args(arguments)
    print(
        f"error: pithosfs {__version__} cannot keep folders in step yet\n"
        "hint: use the cloud as a folder instead: pithosfs mount DIR",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(run())
