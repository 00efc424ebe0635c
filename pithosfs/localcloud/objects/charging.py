"""Who pays for the bytes of a container: its project, for the owner of the account (object-store.md section 14).

The object store reports what the quotas refuse under the name `fault`, as of another service (object-store.md 3.3).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from pithosfs.localcloud import quota
from pithosfs.localcloud.faults import not_found, relayed
from pithosfs.localcloud.objects.model import Container
from pithosfs.localcloud.resources import DISKSPACE, UNLIMITED

__all__ = ["account_quotas", "charge_growth", "check_growth", "pay_from", "total"]


def charge_growth(connection: sqlite3.Connection, account: str, project: str, size: int, *, written: bool) -> None:
    """Charge `size` bytes more (negative: give them back). `written`: something was stored, which needs a project.

    Raises Fault 413 when there is no room, 404 when the project cannot be used.
    """
    if size < 0:
        quota.release(connection, account, project, DISKSPACE, -size)
    if written or size > 0:
        with _relayed():
            quota.charge(connection, account, project, DISKSPACE, max(0, size))


def check_growth(connection: sqlite3.Connection, container: Container, size: int) -> None:
    """Refuse early what `charge_growth` would refuse."""
    with _relayed():
        quota.check(connection, container.account, container.project, DISKSPACE, size)


def pay_from(connection: sqlite3.Connection, container: Container, project: str) -> None:
    """Let another project pay for what is in a container. Raises Fault 413, 404."""
    with _relayed():
        # Asked first: nothing is moved of an empty container, but the project must be usable all the same.
        quota.charge(connection, container.account, project, DISKSPACE, 0)
        quota.reassign(connection, container.account, container.project, project, DISKSPACE, container.bytes)


def account_quotas(connection: sqlite3.Connection, account: str) -> dict[str, int]:
    """Project id → bytes that the owner of an account may store there, of the projects that can be used now."""
    return {
        project: quota.quota(connection, account, project, DISKSPACE).limit
        for project in quota.projects_of(connection, account)
    }


def total(quotas: dict[str, int]) -> int:
    """The sum over all projects; `UNLIMITED` when one of them has no limit."""
    return min(sum(quotas.values()), UNLIMITED)


@contextlib.contextmanager
def _relayed() -> Iterator[None]:
    try:
        yield
    except quota.QuotaExceeded as refusal:
        raise relayed(413, refusal) from None
    except quota.NotInProject:
        raise relayed(404, not_found("you have no share in the project of the container")) from None
