"""What services charge users for: limits, both of the user and of the project, inside the caller's transaction."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pithosfs.localcloud import users
from pithosfs.localcloud.database import connect, migrate, transaction
from pithosfs.localcloud.holdings import refresh
from pithosfs.localcloud.identity_schema import MIGRATIONS, SERVICE
from pithosfs.localcloud.quota import (
    NotInProject,
    Quota,
    QuotaExceeded,
    charge,
    check,
    projects_of,
    quota,
    quotas_of,
    reassign,
    release,
)
from pithosfs.localcloud.resources import CPU, RESOURCES, TOTAL_CPU, UNLIMITED, VM

ROOM = {VM: (5, 3)}
_NUMBERS = itertools.count(1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "db")
    migrate(connection, SERVICE, MIGRATIONS)
    yield connection
    connection.close()


@pytest.fixture
def ada(database: sqlite3.Connection) -> str:
    return users.add_user(database, "ada").uuid


@pytest.fixture
def bob(database: sqlite3.Connection, ada: str) -> str:
    return users.add_user(database, "bob").uuid


def project(
    connection: sqlite3.Connection,
    members: dict[str, str],
    limits: dict[str, tuple[int, int]] = ROOM,
    state: str = "active",
) -> str:
    """A project with members in these states, and (project, member) limits."""
    uuid = f"00000000-0000-4000-8000-{next(_NUMBERS):012}"
    connection.execute(
        "INSERT INTO projects (uuid, name, state, created) VALUES (?1, ?1, ?2, ?3)", (uuid, state, int(uuid[-12:]))
    )
    for user, membership in members.items():
        connection.execute("INSERT INTO memberships (user, project, state) VALUES (?, ?, ?)", (user, uuid, membership))
    for resource, (capacity, member_capacity) in limits.items():
        connection.execute(
            "INSERT INTO project_limits VALUES (?, ?, ?, ?)", (uuid, resource, capacity, member_capacity)
        )
    refresh(connection, uuid)
    return uuid


def refused(act: Callable[[], object]) -> tuple[int, int]:
    """What a call that must be refused says is available, and was asked for."""
    with pytest.raises(QuotaExceeded) as caught:
        act()
    assert (caught.value.status, caught.value.name) == (413, "overLimit")
    return caught.value.available, caught.value.requested


def test_a_personal_project_has_no_limits_until_they_are_set(database: sqlite3.Connection, ada: str) -> None:
    assert quota(database, ada, ada, VM) == Quota(UNLIMITED, 0, 0, UNLIMITED, 0, 0)
    charge(database, ada, ada, VM, 7)
    assert quota(database, ada, ada, VM) == Quota(UNLIMITED, 7, 0, UNLIMITED, 7, 0)
    users.set_limit(database, users.find_user(database, uuid=ada), VM, 8)
    assert quota(database, ada, ada, VM).room == 1
    assert refused(lambda: charge(database, ada, ada, VM, 2)) == (1, 2)


def test_the_members_limit_and_the_projects_limit_both_hold(database: sqlite3.Connection, ada: str, bob: str) -> None:
    shared = project(database, {ada: "accepted", bob: "accepted"})
    charge(database, ada, shared, VM, 3)

    def one_more(user: str) -> Callable[[], None]:
        return lambda: transaction(database, lambda connection: charge(connection, user, shared, VM, 1))

    assert refused(one_more(ada)) == (0, 1)
    charge(database, bob, shared, VM, 2)
    assert quota(database, bob, shared, VM) == Quota(3, 2, 0, 5, 5, 0)
    assert refused(one_more(bob)) == (0, 1)
    release(database, ada, shared, VM, 1)
    one_more(bob)()
    assert quota(database, ada, shared, VM) == Quota(3, 2, 0, 5, 5, 0)


def test_what_a_refused_transaction_had_charged_is_not_kept(database: sqlite3.Connection, ada: str) -> None:
    shared = project(database, {ada: "accepted"}, {VM: (5, 3), CPU: (1, 1)})

    def both(connection: sqlite3.Connection) -> None:
        charge(connection, ada, shared, VM, 1)
        charge(connection, ada, shared, CPU, 2)

    assert refused(lambda: transaction(database, both)) == (1, 2)
    assert quota(database, ada, shared, VM).usage == quota(database, ada, shared, VM).project_usage == 0


def test_the_message_names_the_resource_and_the_numbers(database: sqlite3.Connection, ada: str) -> None:
    shared = project(database, {ada: "accepted"})
    with pytest.raises(QuotaExceeded) as caught:
        charge(database, ada, shared, VM, 4)
    assert caught.value.details == "limit for 'Virtual Machine' exceeded: available 3, requested 4"


@pytest.mark.parametrize("amount", [2**63 - 2, 2**63 - 1, 2**63, 10**40])
def test_amounts_beyond_all_numbers(database: sqlite3.Connection, ada: str, amount: int) -> None:
    charge(database, ada, ada, VM, 3)

    def more() -> None:
        transaction(database, lambda connection: charge(connection, ada, ada, VM, amount))

    assert refused(more) == (UNLIMITED - 3, amount)
    assert refused(lambda: check(database, ada, ada, VM, amount)) == (UNLIMITED - 3, amount)
    release(database, ada, ada, VM, amount)
    assert quota(database, ada, ada, VM).usage == 0


def test_a_refusal_leaves_the_books_as_they_were(database: sqlite3.Connection, ada: str, bob: str) -> None:
    """Also for a caller that goes on in the same transaction: whichever of the two limits it was."""
    shared = project(database, {ada: "accepted", bob: "accepted"}, {VM: (4, 3)})
    charge(database, ada, shared, VM, 2)
    assert refused(lambda: charge(database, ada, shared, VM, 2)) == (1, 2)
    assert quota(database, ada, shared, VM) == Quota(3, 2, 0, 4, 2, 0)
    assert refused(lambda: charge(database, bob, shared, VM, 3)) == (2, 3)
    assert quota(database, bob, shared, VM) == Quota(3, 0, 0, 4, 2, 0)
    with pytest.raises(NotInProject):
        charge(database, "nobody", shared, VM, 1)
    assert quota(database, bob, shared, VM) == Quota(3, 0, 0, 4, 2, 0)


def test_negative_amounts_are_mistakes_of_the_program(database: sqlite3.Connection, ada: str) -> None:
    with pytest.raises(ValueError, match="released"):
        charge(database, ada, ada, VM, -1)
    with pytest.raises(ValueError, match="charged"):
        release(database, ada, ada, VM, -1)
    with pytest.raises(KeyError):
        charge(database, ada, ada, "cyclades.vmm", 1)


@pytest.mark.parametrize("membership", [None, "requested", "rejected", "cancelled", "removed"])
@pytest.mark.parametrize("amount", [0, 1])
def test_who_never_had_a_share(
    database: sqlite3.Connection, ada: str, bob: str, membership: str | None, amount: int
) -> None:
    members = {bob: "accepted"} | ({} if membership is None else {ada: membership})
    shared = project(database, members)
    for where in (shared, bob, "nonsense", ""):
        with pytest.raises(NotInProject) as caught:
            charge(database, ada, where, VM, amount)
        assert (caught.value.status, caught.value.name) == (400, "badRequest")
        with pytest.raises(NotInProject):
            check(database, ada, where, VM, amount)


def test_leaving_takes_the_limit_and_keeps_the_usage(database: sqlite3.Connection, ada: str) -> None:
    shared = project(database, {ada: "accepted"})
    charge(database, ada, shared, VM, 2)
    database.execute("UPDATE memberships SET state = 'removed' WHERE project = ?", (shared,))
    refresh(database, shared, ada)
    assert quota(database, ada, shared, VM) == Quota(0, 2, 0, 5, 2, 0)
    assert refused(lambda: charge(database, ada, shared, VM, 1)) == (0, 1)
    charge(database, ada, shared, VM, 0)
    release(database, ada, shared, VM, 2)
    assert quota(database, ada, shared, VM).usage == 0


@pytest.mark.parametrize("state", ["suspended", "terminated"])
def test_a_project_that_does_not_live_gives_nothing(database: sqlite3.Connection, ada: str, state: str) -> None:
    shared = project(database, {ada: "accepted"})
    charge(database, ada, shared, VM, 2)
    database.execute("UPDATE projects SET state = ? WHERE uuid = ?", (state, shared))
    refresh(database, shared)
    assert quota(database, ada, shared, VM) == Quota(0, 2, 0, 0, 2, 0)
    assert refused(lambda: charge(database, ada, shared, VM, 1)) == (0, 1)
    assert shared in quotas_of(database, ada)
    assert projects_of(database, ada) == [ada]
    release(database, ada, shared, VM, 1)
    assert quota(database, ada, shared, VM).usage == 1


@pytest.mark.parametrize(("membership", "limit"), [("leave_requested", 3), ("suspended", 0)])
def test_what_members_hold_who_are_about_to_leave_or_suspended(
    database: sqlite3.Connection, ada: str, membership: str, limit: int
) -> None:
    shared = project(database, {ada: membership})
    assert quota(database, ada, shared, VM).limit == limit
    assert (shared in projects_of(database, ada)) == (limit > 0)
    charge(database, ada, shared, VM, 0)


def test_more_than_is_held_cannot_be_given_back(database: sqlite3.Connection, ada: str, bob: str) -> None:
    shared = project(database, {ada: "accepted", bob: "accepted"})
    charge(database, ada, shared, VM, 1)
    charge(database, bob, shared, VM, 2)
    release(database, ada, shared, VM, 5)
    assert quota(database, ada, shared, VM).usage == 0
    assert quota(database, bob, shared, VM).usage == 2
    assert quota(database, bob, shared, VM).project_usage >= 0


def test_reassigning_moves_the_usage(database: sqlite3.Connection, ada: str) -> None:
    shared = project(database, {ada: "accepted"})
    charge(database, ada, ada, VM, 5)
    reassign(database, ada, ada, shared, VM, 2)
    assert (quota(database, ada, ada, VM).usage, quota(database, ada, shared, VM).usage) == (3, 2)

    def move(amount: int, target: str) -> None:
        transaction(database, lambda connection: reassign(connection, ada, ada, target, VM, amount))

    assert refused(lambda: move(2, shared)) == (1, 2)
    with pytest.raises(NotInProject):
        move(1, "nonsense")
    move(3, ada)
    assert (quota(database, ada, ada, VM).usage, quota(database, ada, shared, VM).usage) == (3, 2)


def test_check_refuses_what_charge_would_and_changes_nothing(database: sqlite3.Connection, ada: str) -> None:
    shared = project(database, {ada: "accepted"})
    check(database, ada, shared, VM, 3)
    check(database, ada, shared, VM, 0)
    assert refused(lambda: check(database, ada, shared, VM, 4)) == (3, 4)
    charge(database, ada, shared, VM, 3)
    assert refused(lambda: check(database, ada, shared, VM, 1)) == (0, 1)
    assert quota(database, ada, shared, VM).usage == 3


def test_defaults_of_what_no_application_mentioned(database: sqlite3.Connection, ada: str) -> None:
    shared = project(database, {ada: "accepted"}, {})
    assert quota(database, ada, shared, CPU).limit == 0
    assert quota(database, ada, shared, TOTAL_CPU).limit == UNLIMITED  # nobody can ask for it
    assert set(quotas_of(database, ada)[shared]) == set(RESOURCES)


def test_projects_of_a_user_begin_with_their_own(database: sqlite3.Connection, ada: str, bob: str) -> None:
    first = project(database, {ada: "accepted"})
    second = project(database, {ada: "leave_requested", bob: "accepted"})
    project(database, {bob: "accepted"})
    project(database, {ada: "accepted"}, state="uninitialized")
    assert projects_of(database, ada) == [ada, first, second]
    assert list(quotas_of(database, ada)) == [ada, first, second]
