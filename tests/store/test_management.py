"""What commands do with an account beyond reading and writing files, also while others change it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from pithosfs.clients import connect
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import (
    BadRequest,
    ClientError,
    Conflict,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    UsageError,
)
from pithosfs.store import Delivery, Filters, ObjectPath, ObjectStore, Sharing
from pithosfs.store.management import Management
from pithosfs.store.pithos_management import PithosManagement

from .conftest import Place, Users

FOREVER = 2**31


@pytest.fixture
def management(store: ObjectStore) -> Management:
    return store.management()


def next_second() -> int:
    """The beginning of a new second, which the server's whole seconds can tell from the one before."""
    time.sleep(1.02 - time.time() % 1)
    return int(time.time())


class Interrupted:
    """The requests to a real server; before the next one of a name something else happens, once."""

    def __init__(self, wire: PithosWire) -> None:
        self._wire = wire
        self._before: dict[str, list[Callable[[], object]]] = {}

    def before(self, name: str, *actions: Callable[[], object]) -> None:
        """Do these before the next calls of that name, one before each."""
        self._before[name] = list(actions)

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if self._before.get(name):
                self._before[name].pop(0)()
            return getattr(self._wire, name)(*arguments, **named)

        return call


@pytest.fixture
def wire(users: Users) -> Iterator[Interrupted]:
    with connect(users.cloud) as connection:
        yield Interrupted(connection.wire())


@pytest.fixture
def interrupted(wire: Interrupted, store: ObjectStore) -> Management:
    """Alice's, between whose requests somebody else's come."""
    return PithosManagement(cast(PithosWire, wire), store.account)


# accounts -------------------------------------------------------------------------------------------------------------


def test_account(management: Management, users: Users, place: Place) -> None:
    place.put("x", b"12345")
    info = management.account()
    assert info.account == users.alice.account
    assert info.container_count is not None
    assert info.container_count >= 1
    assert info.bytes_used is not None
    assert info.bytes_used >= 5
    assert management.account(until=1).container_count == 0
    place.put("shared")
    place.store.set_sharing(place.path("shared"), Sharing(read=("*",)))
    other = users.bob.management().account(users.alice.account)
    assert (other.bytes_used, other.groups, other.modified_ns is None) == (None, {}, False)
    with pytest.raises(NotAllowed):
        users.bob.management().account(users.alice.account, until=1)
    assert users.alice.account in [one.account for one in users.bob.management().sharing_accounts()]
    assert users.alice.account not in [one.account for one in management.sharing_accounts()]


def test_groups(management: Management, users: Users) -> None:
    bob, carol = sorted((users.bob.account, users.carol.account))  # members come back sorted
    management.set_group("Friends", [bob, carol])
    management.set_group("others", [carol])
    assert management.account().groups == {"friends": (bob, carol), "others": (carol,)}
    management.set_group("friends", [carol])
    assert management.account().groups["friends"] == (carol,)
    with pytest.raises(BadRequest):
        management.set_group("friends", [bob, "nobody"])
    with pytest.raises(BadRequest):
        management.set_group("a-b", [bob])
    management.set_group("friends", [])
    management.set_group("others", [])
    assert management.account().groups == {}


# containers -----------------------------------------------------------------------------------------------------------


def test_a_container_and_its_policies(management: Management, container: str) -> None:
    name = f"{container}-new"
    management.create_container(name, policy={"quota": "100", "versioning": "none"}, meta={"a": "1", "b": "2"})
    info = management.container(name)
    assert (info.policy["quota"], info.policy["versioning"], info.meta) == ("100", "none", {"a": "1", "b": "2"})
    management.update_container(name, policy={"quota": "0"}, meta={"a": None, "c": "3"})
    info = management.container(name)
    assert (info.policy["quota"], info.policy["versioning"], info.meta) == ("0", "none", {"b": "2", "c": "3"})
    with pytest.raises(NotFound):
        management.container(name, until=1)
    with pytest.raises(BadRequest):
        management.create_container(f"{name}-bad", policy={"versioning": "sometimes"})
    management.delete_container(name)
    with pytest.raises(NotFound):
        management.container(name)


def test_an_existing_container_is_not_changed_by_making_it(management: Management, container: str) -> None:
    before = management.container(container)
    with pytest.raises(Conflict, match="exists already"):
        management.create_container(container, policy={"quota": "1"}, meta={"a": "1"})
    assert management.container(container) == before


def test_somebody_makes_the_container_at_the_same_time(
    interrupted: Management, wire: Interrupted, store: ObjectStore, container: str
) -> None:
    name = f"{container}-raced"
    wire.before("container_put", lambda: store.create_container(name))
    with pytest.raises(Conflict, match="somebody else just now"):
        interrupted.create_container(name)


def test_listing_containers(management: Management, users: Users, place: Place) -> None:
    names = [one.name for one in management.containers()]
    assert place.container in names
    assert [one.name for one in management.containers(marker=place.container)] == [
        one for one in names if one > place.container
    ]
    assert place.container not in [one.name for one in management.containers(filters=Filters(shared=True))]
    place.put("x")
    place.store.set_sharing(place.path("x"), Sharing(read=(users.bob.account,)))
    assert place.container in [one.name for one in management.containers(filters=Filters(shared=True))]
    assert place.container in [one.name for one in users.bob.management().containers(users.alice.account)]
    assert management.containers(filters=Filters(until=1)) == []
    with pytest.raises(PreconditionFailed):
        management.containers(filters=Filters(modified_since=FOREVER))
    with pytest.raises(PreconditionFailed):
        management.containers(filters=Filters(unmodified_since=1))


def test_emptying_purging_and_deleting_a_container(management: Management, place: Place) -> None:
    place.put("a", b"1")
    place.put("a", b"2")
    place.put("b/c")
    place.store.delete(place.path("b/c"))
    management.purge_container(place.container, 1)
    assert len(place.store.versions(place.path("a"))) == 2
    management.purge_container(place.container, FOREVER)
    assert [one.version for one in place.store.versions(place.path("a"))] == [place.store.head(place.path("a")).version]
    with pytest.raises(NotFound):
        place.store.versions(place.path("b/c"))
    with pytest.raises(Conflict):
        management.delete_container(place.container)
    management.empty_container(place.container)
    assert place.names() == []
    assert place.store.versions(place.path("a"))
    management.delete_container(place.container)


# purge ----------------------------------------------------------------------------------------------------------------


def test_the_present_version_is_never_destroyed(management: Management, place: Place) -> None:
    place.put("only", b"present")
    (only,) = place.store.versions(place.path("only"))
    assert management.purge(place.path("only"), FOREVER) * 10**9 < only.modified_ns
    assert place.read("only") == b"present"
    old = place.put("x", b"old")
    moment = next_second()
    present = place.put("x", b"present")
    assert management.purge(place.path("x"), 1) == 1
    assert [one.version for one in place.store.versions(place.path("x"))] == [old.version, present.version]
    used = management.purge(place.path("x"), FOREVER)
    assert used <= moment
    assert [one.version for one in place.store.versions(place.path("x"))] == [present.version]
    for _ in range(3):
        management.purge(place.path("x"), FOREVER)
        assert place.read("x") == b"present"


def test_two_versions_of_one_second_stay_both(management: Management, place: Place) -> None:
    next_second()
    place.put("x", b"1")
    place.put("x", b"2")
    management.purge(place.path("x"), FOREVER)
    assert (place.read("x"), len(place.store.versions(place.path("x")))) == (b"2", 2)


def test_of_a_deleted_object_everything_goes(management: Management, place: Place) -> None:
    place.put("x", b"1")
    place.put("x", b"2")
    place.store.delete(place.path("x"))
    management.purge(place.path("x"), FOREVER)  # within the second of the deletion
    try:
        left = place.store.versions(place.path("x"))
    except NotFound:
        left = []
    assert left == []
    with pytest.raises(NotFound):
        management.purge(place.path("never was"), FOREVER)


@pytest.mark.parametrize("when", ["object_head", "object_delete"])
@pytest.mark.parametrize("deleted", [False, True])
def test_what_is_written_while_purging_stays(
    interrupted: Management, wire: Interrupted, place: Place, when: str, deleted: bool
) -> None:
    place.put("x", b"old")
    if deleted:
        place.store.delete(place.path("x"))
    wire.before(when, lambda: place.put("x", b"written meanwhile"))
    interrupted.purge(place.path("x"), FOREVER)
    assert place.read("x") == b"written meanwhile"


def test_nothing_is_lost_where_no_history_is_kept(interrupted: Management, wire: Interrupted, place: Place) -> None:
    place.store.set_policy(place.container, {"versioning": "none"})
    place.put("x", b"old")
    wire.before("object_head", lambda: place.put("x", b"meanwhile"))  # the version listed is no more
    interrupted.purge(place.path("x"), FOREVER)
    assert place.read("x") == b"meanwhile"


# copy and move --------------------------------------------------------------------------------------------------------


def test_copy(management: Management, place: Place) -> None:
    place.put("x", b"first", k="1")
    place.put("there", b"there")
    place.store.set_sharing(place.path("there"), Sharing(read=("*",)))
    link = place.store.set_public(place.path("there"), True)
    made = management.copy(place.path("x"), place.path("y"), base="", content_type="text/html", meta={"n": "2"})
    assert (made.content_type, made.meta, made.sharing) == ("text/html", {"k": "1", "n": "2"}, None)
    with pytest.raises(PreconditionFailed):
        management.copy(place.path("x"), place.path("there"), base="")
    with pytest.raises(PreconditionFailed):
        management.copy(place.path("x"), place.path("there"), base="0" * 64)
    base = place.store.head(place.path("there")).etag
    replaced = management.copy(place.path("x"), place.path("there"), base=base)
    assert (replaced.sharing, replaced.public) == (Sharing(read=("*",)), link)
    shared = management.copy(place.path("x"), place.path("z"), sharing=Sharing(write=("*",)), public=True)
    assert shared.sharing == Sharing(write=("*",))
    assert shared.public


def test_copying_an_old_version_of_a_deleted_object(management: Management, place: Place) -> None:
    old = place.store.put_object(place.path("x"), b"old", content_type="text/html", meta={"k": "1"}, base=None)
    place.put("x", b"new", other="2")
    place.store.delete(place.path("x"))
    made = management.copy(place.path("x"), place.path("y"), version=old.version)
    assert (place.read("y"), made.content_type, made.meta) == (b"old", "text/html", {"k": "1"})


def test_copying_a_folder(management: Management, place: Place) -> None:
    place.folder("dir")
    for name in ("dir/a", "dir/b/c", "dir2/d", "plain/e"):
        place.put(name, name.encode())
    assert management.copy_folder(place.path("dir"), place.path("new")).is_directory
    assert [name for name in place.names() if name.startswith("new")] == ["new", "new/a", "new/b/c"]
    assert place.read("new/b/c") == b"dir/b/c"
    with pytest.raises(PreconditionFailed):
        management.copy_folder(place.path("dir"), place.path("new"))
    with pytest.raises(NotFound):
        management.copy_folder(place.path("plain"), place.path("newer"))


def test_moving_to_a_free_name(management: Management, place: Place) -> None:
    place.put("x", b"content", k="1")
    info = management.move(
        place.path("x"), place.path("y"), sharing=Sharing(read=("*",)), public=True, content_type="text/html"
    )
    assert (info.meta, info.sharing, info.content_type) == ({"k": "1"}, Sharing(read=("*",)), "text/html")
    assert info.public
    assert place.names() == ["y"]
    place.put("z")
    with pytest.raises(PreconditionFailed):
        management.move(place.path("y"), place.path("z"))
    assert place.names() == ["y", "z"]


@pytest.mark.parametrize("conditional", [True, False])
def test_moving_over_an_existing_name_keeps_what_it_has(
    management: Management, place: Place, conditional: bool
) -> None:
    place.put("x", b"new")
    old = place.put("there", b"old")
    place.store.set_sharing(place.path("there"), Sharing(read=("*",)))
    link = place.store.set_public(place.path("there"), True)
    info = management.move(place.path("x"), place.path("there"), base=old.etag if conditional else None)
    assert (info.sharing, info.public) == (Sharing(read=("*",)), link)
    assert place.read("there") == b"new"
    assert [one.version for one in place.store.versions(place.path("there"))] == [old.version, info.version]
    assert place.names() == ["there"]
    place.put("y")
    with pytest.raises(PreconditionFailed):
        management.move(place.path("y"), place.path("there"), base=old.etag)
    assert place.names() == ["there", "y"]


def test_moving_an_old_version(management: Management, place: Place) -> None:
    old = place.store.put_object(place.path("x"), b"old", content_type="text/html", meta={"k": "1"}, base=None)
    place.put("x", b"new")
    info = management.move(place.path("x"), place.path("y"), version=old.version)
    assert (place.read("y"), info.content_type, info.meta) == (b"old", "text/html", {"k": "1"})
    assert place.names() == ["y"]


def test_a_source_that_changes_while_it_is_moved_stays(
    interrupted: Management, wire: Interrupted, place: Place
) -> None:
    place.put("x", b"old")
    there = place.put("there")
    wire.before("object_put_from", lambda: place.put("x", b"changed"))
    with pytest.raises(Conflict, match="was changed while it was moved"):
        interrupted.move(place.path("x"), place.path("there"), base=there.etag)
    assert (place.read("x"), place.read("there")) == (b"changed", b"old")


def test_a_target_that_changes_while_it_is_replaced_stays(
    interrupted: Management, wire: Interrupted, place: Place
) -> None:
    place.put("x", b"mine")
    there = place.put("there", b"old")
    wire.before("object_put_from", lambda: place.put("there", b"theirs"))
    with pytest.raises(PreconditionFailed):
        interrupted.move(place.path("x"), place.path("there"), base=there.etag)
    assert (place.read("x"), place.read("there")) == (b"mine", b"theirs")
    wire.before("object_put_from", lambda: place.put("free", b"theirs"))
    with pytest.raises(PreconditionFailed):
        interrupted.move(place.path("x"), place.path("free"))
    assert (place.read("x"), place.read("free")) == (b"mine", b"theirs")


def test_a_source_that_somebody_else_deletes_is_moved(interrupted: Management, wire: Interrupted, place: Place) -> None:
    place.put("x", b"mine")
    there = place.put("there", b"old")
    wire.before("object_delete", lambda: place.store.delete(place.path("x")))
    interrupted.move(place.path("x"), place.path("there"), base=there.etag)
    assert (place.names(), place.read("there")) == (["there"], b"mine")


# restore --------------------------------------------------------------------------------------------------------------


def test_restoring(management: Management, place: Place) -> None:
    path = place.path("x")
    delivery = Delivery(encoding="gzip", disposition="attachment")
    old = place.store.put_object(path, b"old", content_type="text/html", meta={"k": "1"}, base=None, delivery=delivery)
    new = place.put("x", b"new", other="2")
    with pytest.raises(PreconditionFailed):
        management.restore(path, old.version, base=old.etag)
    info = management.restore(path, old.version, base=new.etag)
    assert (place.read("x"), info.content_type, info.meta, info.delivery) == (
        b"old",
        "text/html",
        {"k": "1"},
        delivery,
    )
    assert len(place.store.versions(path)) == 3
    place.store.delete(path)
    with pytest.raises(PreconditionFailed):
        management.restore(path, new.version, base=new.etag)
    info = management.restore(path, new.version, base="")
    assert (place.read("x"), info.content_type, info.meta) == (b"new", "text/plain", {"other": "2"})
    for version in ("999999999", place.put("y").version):
        with pytest.raises(NotFound):
            management.restore(path, version)


# contents -------------------------------------------------------------------------------------------------------------


def test_append_overwrite_truncate(management: Management, place: Place) -> None:
    path = place.path("x")
    info = place.put("x", b"0123456789", k="1")
    with pytest.raises(PreconditionFailed):
        management.append(path, b"!", base="0" * 64)
    info = management.append(path, b"abc", base=info.etag or "")
    assert (place.read("x"), info.size, info.meta) == (b"0123456789abc", 13, {"k": "1"})
    info = management.overwrite(path, 11, b"XYZ!", base=info.etag or "")
    assert place.read("x") == b"0123456789aXYZ!"
    with pytest.raises(ClientError):
        management.overwrite(path, 100, b"hole", base=info.etag or "")
    with pytest.raises(UsageError):
        management.truncate(path, 16, base=info.etag or "")
    info = management.truncate(path, 4, base=info.etag or "")
    assert (place.read("x"), info.size) == (b"0123", 4)
    place.put("x", b"changed")
    with pytest.raises(PreconditionFailed):
        management.truncate(path, 1, base=info.etag or "")
    assert place.read("x") == b"changed"


def test_put_whole(management: Management, place: Place) -> None:
    path = place.path("x")
    info = management.put_whole(
        path,
        io.BytesIO(b"data"),
        content_type="text/html",
        meta={"k": "1"},
        base="",
        md5="8d777f385d3dfec8815d20f7496026dc",
        delivery=Delivery(disposition="attachment"),
    )
    assert (place.read("x"), info.content_type, info.meta) == (b"data", "text/html", {"k": "1"})
    with pytest.raises(BadRequest):
        management.put_whole(path, iter([b"da", b"to"]), content_type="a/b", meta={}, base=None, md5="0" * 32)
    assert place.read("x") == b"data"
    management.put_whole(path, iter([b"da", b"to"]), content_type="a/b", meta={}, base=info.etag)
    assert place.read("x") == b"dato"


def test_deleting_everything_below_a_name(management: Management, place: Place) -> None:
    for name in ("x", "x.a", "x.b", "xy", "dir/a"):
        place.put(name)
    management.delete_below(place.path("x"), ".")
    assert place.names() == ["dir/a", "xy"]
    with pytest.raises(NotFound):
        management.delete_below(place.path("dir"))
    assert place.names() == ["dir/a", "xy"]


def test_only_the_owner(users: Users, place: Place) -> None:
    place.put("x")
    place.store.set_sharing(place.path("x"), Sharing(write=(users.bob.account,)))
    theirs = users.bob.management()
    for call in (
        lambda: theirs.purge(place.path("x"), FOREVER),
        lambda: theirs.delete_below(place.path("x")),
        lambda: theirs.move(place.path("x"), ObjectPath(users.alice.account, place.container, "y")),
        lambda: theirs.purge_container(place.container, FOREVER, users.alice.account),
        lambda: theirs.empty_container(place.container, users.alice.account),
        lambda: theirs.delete_container(place.container, users.alice.account),
        lambda: theirs.update_container(place.container, policy={"versioning": "none"}, account=users.alice.account),
        lambda: theirs.create_container("new", account=users.alice.account),
    ):
        with pytest.raises(NotAllowed):
            call()
    assert place.names() == ["x"]
