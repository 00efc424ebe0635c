"""Which files of a folder take part: `--exclude` and `--include`, with the patterns of a .gitignore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pithosfs.errors import UsageError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["EVERYTHING", "Wanted", "exclusion_options"]

exclusion_options = [
    click.option(
        "--exclude",
        metavar="PATTERN",
        multiple=True,
        help="Leave out what this matches, as a line of .gitignore would: *.tmp, build/, /top. Repeatable.",
    ),
    click.option(
        "--include",
        metavar="PATTERN",
        multiple=True,
        help="Only what this matches; with --exclude: that in spite of it. Repeatable.",
    ),
]


class Wanted:
    """The choice of files. Names are relative to the folder that is transferred, with slashes between their parts."""

    def __init__(self, exclude: Sequence[str] = (), include: Sequence[str] = ()) -> None:
        """Raises UsageError for what is no pattern."""
        for pattern in (*exclude, *include):
            if not pattern.strip() or pattern.startswith(("!", "#")):
                raise UsageError(
                    f"{pattern!r} is not a pattern of names",
                    hint="write it as in a .gitignore: *.tmp, build/, /top; --include is for exceptions",
                )
        self._excluded = _spec(exclude)
        self._included = _spec(include)

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self._excluded is None and self._included is None

    @property
    def makes_empty_folders(self) -> bool:
        """Whether folders take part for their own sake, and not only on the way to files that do."""
        return self._included is None or self._excluded is not None

    def file(self, name: str) -> bool:
        """Whether a file takes part."""
        if self._included is not None and self._included.match_file(name):
            return True
        if self._excluded is not None:
            return not self._excluded.match_file(name)
        return self._included is None

    def folder(self, name: str) -> bool:
        """Whether a folder itself takes part."""
        return self._excluded is None or self.file(f"{name}/")

    def enters(self, name: str) -> bool:
        """Whether anything below a folder can take part."""
        return self._included is not None or self.folder(name)


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)


EVERYTHING = Wanted()
