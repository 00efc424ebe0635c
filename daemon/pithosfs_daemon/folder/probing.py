"""What the file system under a folder does with names and renames, tried out with hidden files.

Nothing is concluded from its type: the same ext4, tmpfs or network share ignores case on one machine and not on
another.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from pithosfs_daemon.folder.renames import Abilities, exchange, rename_new
from pithosfs_daemon.folder.status import identity, names_in, status

__all__ = ["Nature", "clear_probes", "known_nature", "probe"]

_COMPOSED = unicodedata.normalize("NFC", "é")
_DECOMPOSED = unicodedata.normalize("NFD", "é")
_DOUBTFUL = '\\:*?"<>|'
_TRIAL = 600.0  # seconds; none takes longer
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Nature:
    """What a file system does. `form` is the Unicode normal form into which it changes names, if it changes them;
    `forbidden` the characters that it has no names with; `any_bytes` whether names need not be UTF-8."""

    ignores_case: bool = False
    ignores_form: bool = False
    form: Literal["NFC", "NFD"] | None = None
    forbidden: frozenset[str] = field(default=frozenset())
    any_bytes: bool = True
    longest: int = 255  # bytes of one name
    is_sure: bool = True  # everything could be tried out
    can: Abilities = field(default=Abilities())


_known: dict[tuple[int, ...], Nature] = {}


def known_nature(folder: int, own_name: str, parent: int, mark: str) -> Nature:
    """As `probe`, but only once for each folder in the life of this process.

    `mark` is a file in it. Another disk can get the number of an earlier one, and its folders the same inodes; but its
    file was not made at the same nanosecond.
    """
    made = os.stat(mark, dir_fd=folder, follow_symlinks=False)
    key = (*identity(os.fstat(folder)), *identity(made), made.st_mtime_ns, made.st_ctime_ns)
    nature = _known.get(key)
    if nature is None:
        nature = probe(folder, own_name, parent)
        if nature.is_sure:
            _known[key] = nature
    return nature


def probe(folder: int, own_name: str, parent: int) -> Nature:
    """Try `folder` (a descriptor) out; `own_name` is its name in `parent`. Nothing stays behind.

    In a folder that cannot be written to only what needs no file is found out: nothing will be made in it anyway.
    """
    ignores_case = _is_same(own_name, parent, own_name.swapcase(), parent)
    longest = min(255, os.statvfs(folder).f_namemax or 255)
    # What cannot be tried is not counted on. That a name is free the kernel looks after, whatever the file system is.
    unsure = Nature(ignores_case=ignores_case, longest=longest, is_sure=False, can=Abilities(noreplace=True))
    trial = f"probe-{secrets.token_hex(8)}"
    try:
        os.mkdir(trial, 0o700, dir_fd=folder)
    except OSError as error:
        if error.errno in _FULL or error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return unsure
        raise
    fd = os.open(trial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        ignores_form, form = _forms(fd)
        doubtful = _DOUBTFUL if ignores_case else ""
        return Nature(
            ignores_case=ignores_case,
            ignores_form=ignores_form,
            form=form,
            forbidden=frozenset(one for one in doubtful if not _can_hold(fd, f"a{one}b")),
            any_bytes=_can_hold(fd, "a\udcff"),
            longest=longest,
            can=Abilities(exchange=_can_exchange(fd), noreplace=_can_refuse(fd), link=_can_link(fd)),
        )
    except OSError as error:
        if error.errno in _FULL:
            return unsure
        raise
    finally:
        for name in names_in(fd):
            os.unlink(name, dir_fd=fd)
        os.close(fd)
        os.rmdir(trial, dir_fd=folder)


def clear_probes(folder: int) -> None:
    """Remove what a killed process has left of its trials."""
    for trial in names_in(folder):
        if trial.startswith("probe-"):
            with contextlib.suppress(OSError):
                if time.time() - os.stat(trial, dir_fd=folder, follow_symlinks=False).st_mtime < _TRIAL:
                    continue  # a command that looks into the trash may be at it
                fd = os.open(trial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                try:
                    for name in names_in(fd):
                        os.unlink(name, dir_fd=fd)
                finally:
                    os.close(fd)
                os.rmdir(trial, dir_fd=folder)


def _make(folder: int, name: str) -> None:
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder))


def _can_hold(folder: int, name: str) -> bool:
    try:
        _make(folder, name)
    except OSError as error:
        if error.errno in _FULL:
            raise
        return False
    is_kept = os.fsencode(name) in map(os.fsencode, names_in(folder))
    os.unlink(name, dir_fd=folder)
    return is_kept


def _is_same(one: str, folder: int, other: str, other_folder: int) -> bool:
    first, second = status(folder, one), status(other_folder, other)
    return first is not None and second is not None and identity(first) == identity(second)


def _forms(folder: int) -> tuple[bool, Literal["NFC", "NFD"] | None]:
    """Whether names that differ in their normal form only are one, and which form names are changed into."""
    try:
        _make(folder, _COMPOSED)
    except OSError as error:
        if error.errno in _FULL:
            raise
        return False, None
    ignores_form = _is_same(_COMPOSED, folder, _DECOMPOSED, folder)
    if _DECOMPOSED in names_in(folder):
        return ignores_form, "NFD"
    os.unlink(_COMPOSED, dir_fd=folder)
    _make(folder, _DECOMPOSED)
    is_composed = _COMPOSED in names_in(folder)
    os.unlink(_DECOMPOSED, dir_fd=folder)
    return ignores_form, "NFC" if is_composed else None


def _can_exchange(folder: int) -> bool:
    _make(folder, "one")
    _make(folder, "two")
    before = status(folder, "one"), status(folder, "two")
    try:
        exchange("one", folder, "two", folder)
    except OSError:
        return False
    after = status(folder, "two"), status(folder, "one")
    for was, now in zip(before, after, strict=True):
        if was is None or now is None or identity(was) != identity(now):
            return False
    return True


def _can_refuse(folder: int) -> bool:
    for name in ("one", "two"):
        with contextlib.suppress(FileExistsError):
            _make(folder, name)
    always = Abilities(noreplace=True)
    try:
        rename_new("one", folder, "two", folder, always)
    except FileExistsError:
        pass
    except OSError:
        return False
    else:
        return False
    try:
        rename_new("one", folder, "free", folder, always)
    except OSError:
        return False
    return True


def _can_link(folder: int) -> bool:
    _make(folder, "linked")
    try:
        os.link("linked", "link", src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return _is_same("linked", folder, "link", folder)
