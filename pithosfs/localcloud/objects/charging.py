"""Who pays for the bytes of a container: its project, for the owner of the account (object-store.md section 14).

The object store reports what the quotas refuse under the name `fault`, as of another service (object-store.md 3.3).
"""

from __future__ import annotations

import sqlite3

from pithosfs.localcloud import quota
from pithosfs.localcloud.faults import Fault, not_found, relayed
from pithosfs.localcloud.objects.model import Container
from pithosfs.localcloud.resources import DISKSPACE, UNLIMITED

__all__ = ["account_quotas", "charge_growth", "check_growth", "exceeded", "pay_from", "room", "total"]


def charge_growth(connection: sqlite3.Connection, container: Container, size: int, *, written: bool) -> None:
    """Charge `size` bytes more (negative: give them back). `written`: something was stored, which needs a project.

    Raises Fault 413 when there is no room, 404 when the project cannot be used.
    """
    if size < 0:
        quota.release(connection, container.account, container.project, DISKSPACE, -size)
    if size > 0 or written:
        try:
            quota.charge(connection, container.account, container.project, DISKSPACE, max(0, size))
        except (quota.QuotaExceeded, quota.NotInProject) as refusal:
            raise _relayed(refusal) from None


def check_growth(connection: sqlite3.Connection, container: Container, size: int) -> None:
    """Refuse early what `charge_growth` would refuse."""
    try:
        quota.check(connection, container.account, container.project, DISKSPACE, size)
    except (quota.QuotaExceeded, quota.NotInProject) as refusal:
        raise _relayed(refusal) from None


def room(connection: sqlite3.Connection, container: Container) -> int:
    """Bytes by which a container may grow for all that its project says; negative when that is over its limit.

    Raises Fault 404 when the project cannot be used.
    """
    try:
        found = quota.quota(connection, container.account, container.project, DISKSPACE)
    except quota.NotInProject as refusal:
        raise _relayed(refusal) from None
    return min(found.limit - found.usage, found.project_limit - found.project_usage)


def exceeded(container: Container, left: int, wanted: int) -> Fault:
    """The Fault 413 for a container whose project has `left` bytes where `wanted` are."""
    return _relayed(quota.QuotaExceeded(DISKSPACE, container.project, max(0, left), wanted))


def pay_from(connection: sqlite3.Connection, container: Container, project: str) -> None:
    """Let another project pay for what is in a container, if anything. Raises Fault 413, 404."""
    try:
        quota.reassign(connection, container.account, container.project, project, DISKSPACE, container.bytes)
    except (quota.QuotaExceeded, quota.NotInProject) as refusal:
        raise _relayed(refusal) from None


def account_quotas(connection: sqlite3.Connection, account: str) -> dict[str, int]:
    """Project id → bytes that the owner of an account may store there, of the projects that can be used now."""
    return {
        project: quota.quota(connection, account, project, DISKSPACE).limit
        for project in quota.projects_of(connection, account)
    }


def total(quotas: dict[str, int]) -> int:
    """The sum over all projects; `UNLIMITED` when one of them has no limit."""
    return min(sum(quotas.values()), UNLIMITED)


def _relayed(refusal: Fault) -> Fault:
    if isinstance(refusal, quota.NotInProject):
        refusal = not_found("you have no share in the project of the container")
    return relayed(refusal.status, refusal)
