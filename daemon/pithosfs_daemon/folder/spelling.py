"""How names of the cloud are spelled in a folder, and which of them cannot exist there.

A name comes here only when it goes back to the cloud as exactly the same name; all others are skipped and reported.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from pithosfs.mount.names import MAX_OBJECT_NAME, to_local, to_server
from pithosfs_daemon.folder.private import PRIVATE
from pithosfs_daemon.folder.probing import Nature
from pithosfs_daemon.values import Reason, Trouble

__all__ = ["Spelling"]

_LONGEST_PATH = 4095  # PATH_MAX of Linux without its NUL: longer ones no program can open


class Spelling:
    """Names of one folder. `prefix` is where it is in its container, "" for the container itself."""

    def __init__(self, root: Path, nature: Nature, prefix: str) -> None:
        self._nature = nature
        self._room = _LONGEST_PATH - len(os.fsencode(root)) - 1
        self._remote_room = MAX_OBJECT_NAME - (len(prefix) + 1 if prefix else 0)
        self.folds = nature.ignores_case or nature.ignores_form

    def fold(self, name: str) -> str:
        """The key under which names collide in this folder; the name itself where different names never do."""
        if self._nature.ignores_form:
            name = unicodedata.normalize("NFD", name)
        if self._nature.ignores_case:
            name = name.casefold()
            if self._nature.ignores_form:
                name = unicodedata.normalize("NFD", name)
        return name

    def to_cloud(self, local: str) -> str:
        """The segment that a local name is in the cloud."""
        if self._nature.form == "NFD" and not local.isascii():
            # Such a file system turns what comes from elsewhere, mostly NFC, into NFD, and takes both for one.
            local = unicodedata.normalize("NFC", local)
        return to_server(local)

    def to_local(self, segment: str) -> str:
        """The local name of a segment of a cloud name. Raises ValueError, which says why, when it cannot exist here."""
        if problem := self.problem(segment):
            raise ValueError(problem)
        return to_local(segment)

    def trouble(self, name: str) -> Trouble | None:
        """Why a name of the cloud cannot exist here; None when it can."""
        problem = self.long_path(name)
        if problem is None:
            for segment in name.split("/"):
                problem = self.problem(segment)
                if problem is not None:
                    break
        return None if problem is None else Trouble(name, Reason.LOCAL_NAME, problem)

    def long_path(self, name: str) -> str | None:
        """Why a whole name cannot exist here, as far as its length goes."""
        # 8: the longest that a character can become in bytes, quotes included.
        if len(name) * 8 > self._room and len(os.fsencode("/".join(map(to_local, name.split("/"))))) > self._room:
            return "its whole path is too long"
        return None

    def problem(self, segment: str) -> str | None:
        """Why one segment cannot be a local name, in words; None when it can."""
        local = to_local(segment)
        if to_server(local) != segment:
            if segment in ("", ".", ".."):
                return "it has an empty part" if not segment else f"{segment} is a part of it"
            if len(segment.encode("utf-8", "surrogatepass")) > self._nature.longest:
                return "a part of it is too long"
            return "it has characters that no local name has"
        if len(os.fsencode(local)) > self._nature.longest:
            return "a part of it is too long"
        if self.is_private(local):
            return f"{PRIVATE} is for the sync daemon itself"
        return self._refused(local, segment)

    def _refused(self, local: str, segment: str) -> str | None:
        nature = self._nature
        if nature.forbidden:
            if bad := next((one for one in local if one in nature.forbidden or one < " "), None):
                return f"the file system here has no names with {bad!r}"
            if local[-1] in ". ":
                return "the file system here has no names that end like this"
        if not nature.any_bytes and any("\udc80" <= one <= "\udcff" for one in local):
            return "the file system here has only names in UTF-8"
        if nature.form is not None and self.to_cloud(unicodedata.normalize(nature.form, local)) != segment:
            return "the file system here would spell it otherwise"
        return None

    def is_private(self, local: str) -> bool:
        """Whether a local name is that of a private folder, or the same to this file system."""
        return local == PRIVATE or (len(local) >= len(PRIVATE) and self.fold(local) == self.fold(PRIVATE))

    def remote_problem(self, name: str) -> str | None:
        """Why a local name, given as it would be in the cloud, cannot be in the cloud."""
        if len(name) > self._remote_room:
            return f"names in the cloud have at most {MAX_OBJECT_NAME} characters, its folder included"
        return None
