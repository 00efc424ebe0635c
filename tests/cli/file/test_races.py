"""Commands that look first and act then, while somebody else acts in between: nothing of theirs is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from fixtures.contents import Contents
from fixtures.gated_store import PATIENCE, GatedStore

from pithosfs.errors import Conflict, NotFound, PithosfsError
from pithosfs_cli.errors import Failure
from pithosfs_cli.file import restoring
from pithosfs_cli.file.deleting import delete_all
from pithosfs_cli.file.relocating import Destination, Plan, Request, decide
from pithosfs_cli.file.relocation import carry_out
from pithosfs_cli.globbing import Match
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location


@pytest.fixture
def aside() -> Iterator[Callable[[Callable[[], None]], Future[None]]]:
    """Runs a command's work while the test goes on."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit


def plan(own: Contents, source: str, target: str, request: Request) -> Plan:
    places = [Match(Location(None, own.container, source))]
    return decide(own.store, places, Destination(None, None, target, False), request, several=False)


@pytest.mark.parametrize("move", [False, True])
def test_a_target_that_appears(own: Contents, move: bool) -> None:
    own.put("x", b"mine")
    request = Request(move=move, force=True)
    decided = plan(own, "x", "y", request)
    own.put("y", b"theirs")
    with pytest.raises(Conflict, match="/pithos/y was made or changed by somebody else"):
        carry_out(Invocation(), own.store, decided, request)
    assert (own.read("x"), own.read("y")) == (b"mine", b"theirs")


@pytest.mark.parametrize("move", [False, True])
def test_a_target_that_becomes_something_else(own: Contents, move: bool) -> None:
    own.put("x", b"mine")
    own.put("y", b"mine")
    request = Request(move=move)
    decided = plan(own, "x", "y", request)  # the same: nothing to do
    own.put("y", b"theirs")
    with pytest.raises(Conflict, match="/pithos/y exists already"):
        carry_out(Invocation(), own.store, decided, request)
    assert (own.read("x"), own.read("y")) == (b"mine", b"theirs")


def test_a_target_that_changes_right_before_it_is_replaced(
    own: Contents, aside: Callable[[Callable[[], None]], Future[None]]
) -> None:
    own.put("x", b"mine")
    own.put("y", b"old")
    gated = GatedStore(own.store)
    request = Request(force=True)
    decided = plan(own, "x", "y", request)
    hold = gated.hold("head")  # of the target, whose ETag the copy is based on
    done = aside(lambda: carry_out(Invocation(), gated.as_store(), decided, request))
    hold.wait()
    own.put("y", b"theirs")
    hold.release()
    with pytest.raises(Conflict):
        done.result(PATIENCE)
    assert own.read("y") == b"theirs"


def test_a_source_that_changes_before_a_repeated_move_ends(
    own: Contents, aside: Callable[[Callable[[], None]], Future[None]]
) -> None:
    own.put("x", b"mine")
    own.put("y", b"mine")
    gated = GatedStore(own.store)
    request = Request(move=True)
    decided = plan(own, "x", "y", request)
    target, source = gated.hold("head"), gated.hold("head")
    target.release()
    done = aside(lambda: carry_out(Invocation(), gated.as_store(), decided, request))
    source.wait()
    own.put("x", b"changed")
    source.release()
    with pytest.raises(Conflict, match="was changed just now"):
        done.result(PATIENCE)
    assert (own.read("x"), own.read("y")) == (b"changed", b"mine")


def test_a_source_that_goes_away(own: Contents) -> None:
    own.put("x")
    decided = plan(own, "x", "y", Request())
    own.store.delete(own.path("x"))
    with pytest.raises(NotFound, match="there is no /pithos/x"):
        carry_out(Invocation(), own.store, decided, Request())


@pytest.mark.parametrize("move", [False, True])
def test_a_folder_that_appears_where_one_goes_whole(own: Contents, move: bool) -> None:
    own.folder("dir")
    own.put("dir/a", b"mine")
    own.put("dir/b", b"mine")
    request = Request(move=move, recursive=True)
    decided = plan(own, "dir", "new", request)
    assert decided.folders
    own.folder("new")
    own.put("new/a", b"theirs")
    with pytest.raises((Failure, PithosfsError)):
        carry_out(Invocation(), own.store, decided, request)
    assert (own.read("new/a"), own.read("dir/a")) == (b"theirs", b"mine")
    assert own.has("new/b") is not move  # what is not in the way is copied


def test_a_restored_file_that_changes_meanwhile(
    own: Contents, aside: Callable[[Callable[[], None]], Future[None]]
) -> None:
    first = own.put("x", b"first")
    own.put("x", b"second")
    gated = GatedStore(own.store)
    place = Location(None, "pithos", "x")
    steps = restoring.decide(own.store, place, None, version=first.version, at=None, recursive=False)
    old, present = gated.hold("head"), gated.hold("head")
    old.release()
    done = aside(lambda: restoring.restore_all(Invocation(_store=gated.as_store()), steps))
    present.wait()
    own.put("x", b"theirs")
    present.release()
    with pytest.raises(Conflict, match="changed by somebody else"):
        done.result(PATIENCE)
    assert own.read("x") == b"theirs"


def test_a_folder_whose_marker_is_deleted_meanwhile(
    own: Contents, aside: Callable[[Callable[[], None]], Future[None]]
) -> None:
    own.folder("dir")
    own.put("dir/a")
    own.put("dir/b")
    gated = GatedStore(own.store)
    hold = gated.hold("list_objects")
    place = Location(None, "pithos", "dir")
    run = Invocation(_store=gated.as_store())
    done = aside(lambda: delete_all(run, [place], recursive=True, yes=True, dry_run=False))
    hold.wait()
    own.store.delete(own.path("dir"))
    hold.release()
    done.result(PATIENCE)
    assert own.names() == []
