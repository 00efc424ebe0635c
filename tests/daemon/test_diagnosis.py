"""What errors and leftovers mean for a pair: its state, what the user reads, and how it goes on."""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

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
from pithosfs_daemon.diagnosis import CHOSEN, Remedy, diagnose, judge
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

PAIR = Pair("a1b2c3d4", Path("/home/ada/Work"), "work", "uuid", "c")
WORKING, NEEDS_YOU = Condition.WORKING, Condition.NEEDS_YOU


def os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/home/ada/Work/x")


@pytest.mark.parametrize(
    ("error", "condition", "words", "todo", "remedy"),
    [
        (NoConnection("refused"), WORKING, "waiting for the cloud: no connection", "network", Remedy.REPEAT),
        (TimedOut("late"), WORKING, "does not answer in time", "", Remedy.REPEAT),
        (ServerFailed("oops", 503), WORKING, "trouble of its own (503)", "later", Remedy.REPEAT),
        (BadReply("cut"), WORKING, "cannot be relied on (cut)", "proxy", Remedy.REPEAT),
        (LocalChanged("x"), WORKING, "changed meanwhile", "", Remedy.REPEAT),
        (RemoteChanged("x"), WORKING, "changed meanwhile", "", Remedy.REPEAT),
        (NotLoggedIn("it has expired", 401), NEEDS_YOU, "'work' does not accept the token: it has expired",
         "config set cloud.work.token", Remedy.LOGIN),
        (ConfigError("there is no cloud 'work'", hint="there are: x"), NEEDS_YOU, "no cloud 'work'", "there are",
         Remedy.LOGIN),
        (OtherAccount("somebody else"), NEEDS_YOU, "somebody else", "cloud.work.token", Remedy.LOGIN),
        (QuotaExceeded("413", 413), NEEDS_YOU, "no room left in the cloud", "user info", Remedy.REPEAT),
        (NotAllowed("no", 403), NEEDS_YOU, "no", "owner", Remedy.REPEAT),
        (ContainerGone("the container is gone"), NEEDS_YOU, "is gone", "sync remove a1b2c3d4", Remedy.REPEAT),
        (FolderGone("it is not there"), NEEDS_YOU, "not there", "--folder NEW", Remedy.FOLDER),
        (FolderGone("it is not there", hint="mount it"), NEEDS_YOU, "not there", "mount it", Remedy.FOLDER),
        (FolderTaken("another process"), NEEDS_YOU, "another process", "end the other", Remedy.FOLDER),
        (TooManyDeletes("folder", 9, 10, hint=""), NEEDS_YOU, "9 of 10 files have vanished from the folder",
         "--max-delete 100%", Remedy.EVENTS),
        (NeedsYou("something else", hint="do it"), NEEDS_YOU, "something else", "do it", Remedy.REPEAT),
        (PithosfsError("odd"), NEEDS_YOU, "odd", "", Remedy.REPEAT),
        (os_error(errno.ENOSPC), NEEDS_YOU, "the disk is full", "df -h", Remedy.REPEAT),
        (os_error(errno.EDQUOT), NEEDS_YOU, "the disk is full", "df -h", Remedy.REPEAT),
        (os_error(errno.EROFS), NEEDS_YOU, "read-only", "dmesg", Remedy.REPEAT),
        (os_error(errno.EIO), NEEDS_YOU, "fails", "copy", Remedy.REPEAT),
        (os_error(errno.EMFILE), NEEDS_YOU, "too many files", "ulimit", Remedy.REPEAT),
        (os_error(errno.EACCES), NEEDS_YOU, "/home/ada/Work/x", "ls -l", Remedy.REPEAT),
        (os_error(errno.ENOTCONN), NEEDS_YOU, "/home/ada/Work/x", "", Remedy.FOLDER),
        (sqlite3.OperationalError("database or disk is full"), NEEDS_YOU, "disk is full", "df -h", Remedy.REPEAT),
        (sqlite3.DatabaseError("malformed"), NEEDS_YOU, "malformed", "sync remove a1b2c3d4", Remedy.FOLDER),
        (ZeroDivisionError("ours"), NEEDS_YOU, "an internal error: ZeroDivisionError: ours", "report", Remedy.FOLDER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)  # fmt: skip
def test_each_error_has_a_state_and_a_way_on(
    error: Exception, condition: Condition, words: str, todo: str, remedy: Remedy
) -> None:
    found = diagnose(error, PAIR)
    assert (found.condition, found.remedy) == (condition, remedy)
    assert words in found.what
    assert todo in found.todo
    assert "\n" not in found.what
    assert 0 < found.first <= found.cap


@dataclass
class Left:
    in_step: bool = True
    changed: int = 0
    again: bool = False
    troubles: tuple[Trouble, ...] = ()
    error: PithosfsError | OSError | None = None


def troubles(*reasons: Reason) -> tuple[Trouble, ...]:
    return tuple(Trouble(f"name-{number}", reason) for number, reason in enumerate(reasons))


def test_in_step() -> None:
    assert judge(Left(), PAIR).condition == Condition.IN_STEP


@pytest.mark.parametrize("reason", sorted(CHOSEN))
def test_what_the_user_has_chosen_does_not_count(reason: Reason) -> None:
    assert judge(Left(troubles=troubles(reason, reason)), PAIR).condition == Condition.IN_STEP


@pytest.mark.parametrize("reason", sorted(set(Reason) - CHOSEN - {Reason.UNSETTLED}))
def test_names_that_cannot_be_synced_need_somebody(reason: Reason) -> None:
    found = judge(Left(troubles=troubles(Reason.SYMLINK, reason, reason)), PAIR)
    assert found.condition == NEEDS_YOU
    assert found.what == f"2 names cannot be synced: name-1 {reason.value}"
    assert "sync status a1b2c3d4" in found.todo


def test_what_keeps_changing_is_tried_again() -> None:
    found = judge(Left(in_step=False, troubles=troubles(Reason.UNSETTLED)), PAIR)
    assert (found.condition, found.what) == (WORKING, "1 name kept changing while being read")


def test_what_has_moved_on_is_decided_again_soon() -> None:
    for left in (Left(in_step=False, again=True), Left(in_step=False)):
        found = judge(left, PAIR)
        assert found.condition == WORKING
        assert found.first < 1


def test_an_error_of_one_name_that_would_befall_all() -> None:
    left = Left(in_step=False, troubles=troubles(Reason.FAILED), error=QuotaExceeded("full", 413))
    assert "no room left" in judge(left, PAIR).what
    left.error = os_error(errno.ENOSPC)
    assert "disk is full" in judge(left, PAIR).what
    left.error = NoConnection("gone")
    assert judge(left, PAIR).condition == WORKING


def test_an_error_of_one_name_alone_is_told_with_that_name() -> None:
    left = Left(in_step=False, troubles=troubles(Reason.UNREADABLE), error=os_error(errno.EACCES))
    assert judge(left, PAIR).what == "1 name cannot be synced: name-0 cannot be read"
