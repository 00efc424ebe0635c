"""What a pair's state is after a pass, or after an error, and how it goes on. Pure.

| what happened | state | goes on by itself |
| --- | --- | --- |
| nothing is left to do | IN STEP | |
| no connection, time-outs, server trouble, damaged answers | WORKING: waits for the cloud | after 1 s, … 1 min |
| the token is not accepted, or somebody else's | NEEDS YOU | when the settings change; after 5 min |
| the settings name no such cloud | NEEDS YOU | when the settings change; after 5 min |
| no room in the cloud | NEEDS YOU | after 30 s, … 5 min |
| no room on the disk, a read-only or failing disk | NEEDS YOU | after 10 s, … 1 min |
| the folder or its marker is gone | NEEDS YOU | after 1 s, … 10 s |
| another process syncs the folder | NEEDS YOU | after 1 s, … 10 s |
| the container is gone, or may not be used | NEEDS YOU | after 30 s, … 5 min |
| too many files vanished at once | NEEDS YOU | when they are back, or with `sync now --max-delete` |
| names that cannot be synced | NEEDS YOU | when they change |
| files that keep changing while they are read | WORKING | after 5 s |
"""

from __future__ import annotations

import errno
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from pithosfs.errors import (
    BadReply,
    ConfigError,
    NoConnection,
    NotAllowed,
    NotLoggedIn,
    PithosfsError,
    QuotaExceeded,
    ServerFailed,
    TimedOut,
)
from pithosfs_daemon.ports import Outcome
from pithosfs_daemon.state import NotNoted
from pithosfs_daemon.states import Condition
from pithosfs_daemon.troubles import (
    ContainerGone,
    FolderGone,
    FolderTaken,
    LocalChanged,
    NeedsYou,
    OtherAccount,
    RemoteChanged,
    TooManyDeletes,
)
from pithosfs_daemon.values import Pair, Reason, Trouble

__all__ = ["CHOSEN", "Diagnosis", "Remedy", "diagnose", "judge"]

# What the user has chosen, or what nobody can change: told, but the pair is in step without it.
CHOSEN = frozenset(
    {Reason.SYMLINK, Reason.SPECIAL, Reason.OTHER_DISK, Reason.OTHER_PAIR, Reason.NOT_A_FILE, Reason.ONE_WAY}
)

_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})
_MINUTE = 60.0


class Remedy(Enum):
    """What must be made anew before the next attempt, or what else may end the waiting."""

    REPEAT = auto()  # the pass, as it is
    FOLDER = auto()  # the folder has to be opened again
    LOGIN = auto()  # the settings may have changed by then: log in again
    EVENTS = auto()  # local changes may mend it


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A condition with its reason, and when and how it goes on: waits grow from `first` to `cap` (seconds)."""

    condition: Condition
    what: str = ""
    todo: str = ""
    remedy: Remedy = Remedy.REPEAT
    first: float = 1.0
    cap: float = _MINUTE


def diagnose(error: BaseException, pair: Pair) -> Diagnosis:
    """What an error that has ended a pass means for the pair."""
    match error:
        case NeedsYou():
            return _needs_you(error, pair)
        case LocalChanged() | RemoteChanged():
            return Diagnosis(Condition.WORKING, "something changed meanwhile", first=0.5, cap=5)
        case NoConnection() | ServerFailed() | BadReply():
            return Diagnosis(Condition.WORKING, f"waiting for the cloud: {_away(error)}", error.hint)
        case NotLoggedIn():
            return Diagnosis(
                Condition.NEEDS_YOU,
                f"the cloud {pair.cloud!r} does not accept the token: {error.message}",
                f"pithosfs config set cloud.{pair.cloud}.token (it goes on by itself then)",
                Remedy.LOGIN, 5 * _MINUTE, 5 * _MINUTE,
            )  # fmt: skip
        case ConfigError():
            return Diagnosis(Condition.NEEDS_YOU, error.message, error.hint, Remedy.LOGIN, 5 * _MINUTE, 5 * _MINUTE)
        case QuotaExceeded():
            return Diagnosis(
                Condition.NEEDS_YOU,
                f"there is no room left in the cloud: {error.message}",
                "delete something, or ask for more: pithosfs user info shows the quota (it goes on by itself then)",
                first=30, cap=5 * _MINUTE,
            )  # fmt: skip
        case NotAllowed():
            return Diagnosis(Condition.NEEDS_YOU, error.message, error.hint, first=30, cap=5 * _MINUTE)
        case PithosfsError():
            return Diagnosis(Condition.NEEDS_YOU, error.message, error.hint, first=30, cap=5 * _MINUTE)
        case sqlite3.DatabaseError() if "full" in str(error):
            return _disk(errno.ENOSPC, str(error), pair)
        case sqlite3.DatabaseError():
            return Diagnosis(
                Condition.NEEDS_YOU,
                f"what is known of both sides cannot be read: {error}",
                f"pithosfs sync remove {pair.id}, then add it again: files that are the same are only looked at",
                Remedy.FOLDER, 30, 10 * _MINUTE,
            )  # fmt: skip
        case NotNoted() if error.errno == errno.ENOSPC:
            again = "(it goes on by itself then)"
            return replace(
                _disk(errno.ENOSPC, _os_text(error), pair), todo=f"make room on it: df -h {error.filename} {again}"
            )
        case OSError():
            return _disk(error.errno or 0, _os_text(error), pair)
        case _:
            return Diagnosis(
                Condition.NEEDS_YOU,
                f"an internal error: {type(error).__name__}: {error}",
                "it is tried again; please report it with what pithosfs sync log and the daemon's log say",
                Remedy.FOLDER, 30, 10 * _MINUTE,
            )  # fmt: skip


def _needs_you(error: NeedsYou, pair: Pair) -> Diagnosis:
    folder, again = str(pair.folder), "(it goes on by itself then)"
    match error:
        case TooManyDeletes():
            hint = error.hint or (
                f"if that is meant: pithosfs sync now {pair.id} --max-delete 100%; if not, bring them back"
            )
            return Diagnosis(Condition.NEEDS_YOU, error.message, hint, Remedy.EVENTS, _MINUTE, 10 * _MINUTE)
        case FolderGone():
            hint = error.hint or f"mount the disk that {folder} is on, or: pithosfs sync set {pair.id} --folder NEW"
            return Diagnosis(Condition.NEEDS_YOU, error.message, f"{hint} {again}", Remedy.FOLDER, 1, 10)
        case FolderTaken():
            hint = error.hint or f"end the other one {again}"
            return Diagnosis(Condition.NEEDS_YOU, error.message, hint, Remedy.FOLDER, 1, 10)
        case OtherAccount():
            hint = error.hint or f"pithosfs config set cloud.{pair.cloud}.token with the token of {pair.account}"
            return Diagnosis(Condition.NEEDS_YOU, error.message, hint, Remedy.LOGIN, 5 * _MINUTE, 5 * _MINUTE)
        case ContainerGone():
            hint = error.hint or (
                f"if it is gone for good: pithosfs sync remove {pair.id}; your files in {folder} stay as they are"
            )
            return Diagnosis(Condition.NEEDS_YOU, error.message, hint, first=30, cap=5 * _MINUTE)
        case _:
            return Diagnosis(Condition.NEEDS_YOU, error.message, error.hint, first=30, cap=5 * _MINUTE)


def _away(error: PithosfsError) -> str:
    match error:
        case TimedOut():
            return "it does not answer in time"
        case NoConnection():
            return "no connection"
        case ServerFailed():
            return f"it has trouble of its own ({error.status})"
        case _:
            return f"its answers cannot be relied on ({error.message})"


def _disk(number: int, text: str, pair: Pair) -> Diagnosis:
    again = "(it goes on by itself then)"
    match number:
        case errno.ENOSPC | errno.EDQUOT:
            what, todo = f"the disk is full: {text}", f"make room on it: df -h {pair.folder} {again}"
        case errno.EROFS:
            what, todo = f"the disk of {pair.folder} is read-only", f"see dmesg; mount it for writing {again}"
        case errno.EIO:
            what, todo = f"the disk of {pair.folder} fails: {text}", "see dmesg, and make a copy while it can be read"
        case errno.EMFILE | errno.ENFILE:
            what, todo = f"too many files are open: {text}", "raise the limit: ulimit -n, fs.file-max"
        case errno.EACCES | errno.EPERM:
            what, todo = text, f"check who may read and write there: ls -l {pair.folder} {again}"
        case _:
            what, todo = text, ""
    return Diagnosis(Condition.NEEDS_YOU, what, todo, Remedy.FOLDER if number == errno.ENOTCONN else Remedy.REPEAT, 10)


def _os_text(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename is not None else what


def judge(outcome: Outcome, pair: Pair) -> Diagnosis:
    """What a pass that came to its end leaves: the names that it could not bring in step."""
    if outcome.error is not None and _befalls_all(outcome.error):
        return diagnose(outcome.error, pair)
    moved_on = Diagnosis(Condition.WORKING, "something changed meanwhile", first=0.5, cap=5)
    if outcome.again:
        return moved_on
    troubles = outcome.troubles
    counts = Counter(one.reason for one in troubles)
    bad = sum(count for reason, count in counts.items() if reason not in CHOSEN and reason != Reason.UNSETTLED)
    if bad:
        return Diagnosis(
            Condition.NEEDS_YOU,
            f"{_names(bad)} cannot be synced: {_named(troubles)}",
            f"see which and why: pithosfs sync status {pair.id}; it goes on with the others",
            first=_MINUTE, cap=10 * _MINUTE,
        )  # fmt: skip
    if counts[Reason.UNSETTLED]:
        what = f"{_names(counts[Reason.UNSETTLED])} kept changing while being read"
        return Diagnosis(Condition.WORKING, what, first=5)
    if not outcome.in_step:
        return moved_on
    return Diagnosis(Condition.IN_STEP)


def _befalls_all(error: PithosfsError | OSError) -> bool:
    """Whether what failed for one name fails for others too; else its trouble says more."""
    if isinstance(error, OSError):
        return error.errno in _OF_THE_DISK
    return isinstance(error, NoConnection | ServerFailed | BadReply | QuotaExceeded | NotLoggedIn | NeedsYou)


def _names(count: int) -> str:
    return "1 name" if count == 1 else f"{count} names"


def _named(troubles: Sequence[Trouble]) -> str:
    first = next(one for one in troubles if one.reason not in CHOSEN and one.reason != Reason.UNSETTLED)
    return f"{first.name} {first.reason.value}"
