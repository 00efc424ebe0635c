"""What is not synced: the patterns of `.pithosignore` and those of the pair, in the syntax of gitignore.

They are matched against names as the cloud spells them, so they mean the same on both sides and on every machine.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from pithosfs.mount.names import to_server
from pithosfs_daemon.values import Kind

__all__ = ["IGNORE_FILE", "IgnoreRules"]

IGNORE_FILE = ".pithosignore"


# git: everything in the folder, but not the folder itself. pathspec takes the latter for ignored too, and then nothing
# in it could be taken back.
_BELOW = re.compile(r"/\*\*(/?) *$")


class IgnoreRules:
    """Compiled patterns. Two of the same lines are equal.

    The pair's excludes come last and so win over what the file, which other machines can change, takes back.
    """

    def __init__(self, lines: Iterable[str] = (), excludes: Iterable[str] = ()) -> None:
        self._lines = tuple(to_server(line) for line in (*lines, *excludes))
        self.nonsense: list[str] = []  # lines that are no pattern; as in git, they match nothing
        patterns: list[GitIgnoreSpecPattern] = []
        for line in self._lines:
            try:
                pattern = GitIgnoreSpecPattern(_BELOW.sub(r"/**/*\1", line))
            except ValueError:
                self.nonsense.append(line)
                continue
            if pattern.include is not None:
                patterns.append(pattern)
        self._spec = GitIgnoreSpec(patterns)
        self._any = bool(patterns)
        self._ignores_folder = functools.lru_cache(maxsize=4096)(self._does_ignore_folder)

    @property
    def lines(self) -> tuple[str, ...]:
        """What they were made of, as the cloud spells it."""
        return self._lines

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IgnoreRules) and self._lines == other._lines

    def __hash__(self) -> int:
        return hash(self._lines)

    def ignores(self, name: str, kind: Kind) -> bool:
        """Whether a name is left alone, because of itself or of a folder that it is in."""
        if not self._any or not name:
            return False
        folder, _, _ = name.rpartition("/")
        if folder and self._ignores_folder(folder):
            return True
        return self._matches(name, kind is Kind.FOLDER)

    def within(self, folder: str) -> Callable[[str, bool], bool]:
        """For many names of one folder that is not ignored: asks with a segment and whether it is a folder."""
        if not self._any:
            return _nothing
        start = f"{folder}/" if folder else ""
        return lambda segment, is_folder: self._matches(start + segment, is_folder)

    def _does_ignore_folder(self, folder: str) -> bool:
        outer, _, _ = folder.rpartition("/")
        return (bool(outer) and self._ignores_folder(outer)) or self._matches(folder, True)

    def _matches(self, name: str, is_folder: bool) -> bool:
        if name == IGNORE_FILE:
            return False  # otherwise the machines would not agree on what is ignored
        return self._spec.match_file(f"{name}/" if is_folder else name)


def _nothing(_segment: str, _is_folder: bool) -> bool:
    return False
