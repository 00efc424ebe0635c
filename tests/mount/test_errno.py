"""Every error has an errno, and programs get the one that tells them what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from pithosfs import errors
from pithosfs.errors import PithosfsError, client_error
from pithosfs.mount.errno import errno_of, is_expected

EXPECTED = {
    errors.PithosfsError: errno.EIO,
    errors.UsageError: errno.EINVAL,
    errors.ConfigError: errno.EIO,
    errors.ClientError: errno.EIO,
    errors.BadRequest: errno.EINVAL,
    errors.NotLoggedIn: errno.EACCES,
    errors.NotAllowed: errno.EACCES,
    errors.NotFound: errno.ENOENT,
    errors.Conflict: errno.EEXIST,
    errors.PreconditionFailed: errno.EBUSY,
    errors.QuotaExceeded: errno.EDQUOT,
    errors.ServerFailed: errno.EIO,
    errors.NoConnection: errno.EIO,
    errors.TimedOut: errno.EIO,
    errors.BadReply: errno.EIO,
    errors.NotSupported: errno.ENOTSUP,
    errors.LocalError: errno.EIO,
    errors.TransferCancelled: errno.EIO,
}


def every_class() -> list[type[PithosfsError]]:
    kinds = [getattr(errors, name) for name in errors.__all__]
    return [kind for kind in kinds if isinstance(kind, type)]


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
def test_every_class_of_the_tree(kind: type[PithosfsError]) -> None:
    assert errno_of(kind("trouble")) == EXPECTED[kind]
    assert is_expected(kind("trouble"))


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, errno.EACCES), (403, errno.EACCES), (404, errno.ENOENT), (413, errno.EDQUOT), (503, errno.EIO)],
)
def test_statuses_of_the_server(status: int, code: int) -> None:
    assert errno_of(client_error(status, "trouble")) == code


def test_an_os_error_keeps_its_own() -> None:
    assert errno_of(FileNotFoundError(errno.ENOENT, "no")) == errno.ENOENT
    assert errno_of(OSError(errno.ENOSPC, "full")) == errno.ENOSPC
    assert is_expected(OSError(errno.ENOSPC, "full"))


@pytest.mark.parametrize("error", [OSError("no number"), OSError(-3, "wrong"), TimeoutError()], ids=repr)
def test_an_os_error_without_a_number(error: OSError) -> None:
    assert errno_of(error) == errno.EIO
    assert not is_expected(error)


def test_a_full_disk_under_sqlite(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "database")
    try:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA max_page_count = 3")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    finally:
        connection.close()
    assert errno_of(caught.value) == errno.ENOSPC
    assert is_expected(caught.value)


def test_a_fault_of_ours() -> None:
    for error in (ZeroDivisionError("x"), sqlite3.ProgrammingError("x"), KeyError("x")):
        assert errno_of(error) == errno.EIO
        assert not is_expected(error)
    assert errno_of(MemoryError()) == errno.ENOMEM
