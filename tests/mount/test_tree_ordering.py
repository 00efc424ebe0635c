"""Own changes and listings that overtake each other: what was changed here shows, whatever was asked for before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.gated_store import PATIENCE, Hold
from fixtures.trees import World, world_of

from pithosfs.mount.tree import Kind
from pithosfs.store import ObjectInfo

Interrupt = Callable[[Callable[[], object]], set[str]]


@pytest.fixture
def world(cloud: TestCloud, tmp_path: Path) -> Iterator[World]:
    with world_of(cloud, tmp_path) as made:
        yield made


@pytest.fixture
def overtake(world: World) -> Interrupt:
    """`overtake(change)`: the change is made and noted while the answer to an older listing is on its way."""

    def interrupted(change: Callable[[], object]) -> set[str]:
        hold = world.store.hold("list_objects")
        listing = world.aside(world.names)
        hold.wait()
        change()
        hold.release()
        return listing.result(PATIENCE)

    return interrupted


def info(world: World, name: str) -> ObjectInfo:
    entry = world.tree.entry(world.path(name))
    assert entry is not None
    assert entry.info is not None
    return entry.info


def test_a_new_object_is_not_hidden(world: World, overtake: Interrupt) -> None:
    world.put("old")
    assert overtake(lambda: world.put_here("new/deep")) == {"old", "new"}
    assert info(world, "new/deep").size == 1


def test_a_new_object_is_not_hidden_by_a_renewed_listing(world: World, overtake: Interrupt) -> None:
    world.put("old")
    world.names()
    world.later()
    assert overtake(lambda: world.put_here("new")) == {"old", "new"}
    assert world.told() == set()


def test_an_overwritten_object_stays_new(world: World, overtake: Interrupt) -> None:
    world.put("a", b"1")
    world.names()
    world.later()
    overtake(lambda: world.put_here("a", b"22"))
    assert info(world, "a").size == 2
    assert world.told() == set()


def test_a_deleted_object_does_not_come_back(world: World, overtake: Interrupt) -> None:
    world.put("a")
    world.put("b/c")
    world.names()
    world.later()

    def change() -> None:
        world.delete_here("a")
        world.delete_here("b/c")

    assert overtake(change) == set()
    assert world.told() == set()


def test_deleted_and_made_again(world: World, overtake: Interrupt) -> None:
    world.put("a", b"1")
    world.names()
    world.later()

    def change() -> None:
        world.delete_here("a")
        world.put_here("a", b"333")

    assert overtake(change) == {"a"}
    assert info(world, "a").size == 3


def test_a_moved_folder_does_not_come_back(world: World, overtake: Interrupt) -> None:
    world.put("f", b"", "application/directory")
    world.put("f/x", b"1")
    world.put("f/g/y", b"22")
    world.names()
    world.later()

    def change() -> None:
        world.wire.move_folder(world.path("f"), world.path("h"))
        world.tree.moved(world.path("f"), world.path("h"))

    assert overtake(change) == {"h"}
    assert world.names("h") == {"x", "g"}
    assert world.tree.entry(world.path("f/x")) is None
    # The versions there are new ones, and what is shown leads to the content.
    found = world.tree.info(world.path("h/g/y"))
    assert found is not None
    assert world.wire.read_range(world.path("h/g/y"), 0, 2, found.version) == b"22"


def test_a_folder_moved_to_another_container(world: World) -> None:
    other = f"{world.container}-other"
    world.wire.create_container(other)
    world.tree.container_made(other)
    world.put("f", b"", "application/directory")
    world.put("f/x", b"1")
    world.names()
    assert world.tree.children(world.path("", other)) == {}
    world.wire.move_folder(world.path("f"), world.path("g", other))
    world.tree.moved(world.path("f"), world.path("g", other))
    assert world.names() == set()
    assert set(world.tree.children(world.path("g", other))) == {"x"}
    # One whose old place was never looked at is found as well.
    fresh = world.new_tree()
    assert set(fresh.children(world.path("", other))) == {"g"}
    world.wire.move_folder(world.path("g", other), world.path("back"))
    fresh.moved(world.path("g", other), world.path("back"))
    assert world.names(tree=fresh) == {"back"}


def test_an_answer_that_was_overtaken_is_not_trusted(world: World, overtake: Interrupt) -> None:
    world.put("a")
    world.settle()
    overtake(lambda: world.put_here("b"))
    world.listings()
    world.later()
    world.names()
    [asked] = world.listings()
    assert asked["modified_since"] is None


def test_a_listing_that_is_newer_than_the_note_wins(world: World, overtake: Interrupt) -> None:
    world.put("a", b"1")
    world.names()
    world.later()
    ours = world.wire.put_object(world.path("a"), b"22", content_type="text/plain", meta={}, base=None)
    world.put("a", b"333")  # somebody else, right after us; the listing sees that, then the note comes
    overtake(lambda: world.tree.noted(world.path("a"), ours))
    assert info(world, "a").size == 3


def test_changes_of_others_show_beside_our_own(world: World) -> None:
    world.put("theirs", b"1")
    world.names()
    world.later()
    world.put("theirs", b"22")
    hold = world.store.hold("list_objects")
    listing = world.aside(world.names)
    hold.wait()
    world.put_here("ours")
    hold.release()
    assert listing.result(PATIENCE) == {"theirs", "ours"}
    assert info(world, "theirs").size == 2
    assert world.told() == {"theirs"}


def test_containers_that_were_made_and_deleted_meanwhile(world: World) -> None:
    world.tree.containers()
    world.wire.create_container("to-go")
    world.tree.container_made("to-go")
    world.later()
    hold = world.store.hold("containers")
    listing = world.aside(world.tree.containers)
    hold.wait()
    world.wire.create_container("made")
    world.tree.container_made("made")
    world.wire.delete_container("to-go")
    world.tree.container_gone("to-go")
    hold.release()
    assert "made" in listing.result(PATIENCE)
    assert "to-go" not in world.tree.containers()


def test_attributes_that_were_asked_for_before_a_change(world: World) -> None:
    world.put("a", b"1", mode="600")
    world.names()
    hold = world.store.hold("head")
    asked = world.aside(world.tree.info, world.path("a"))
    hold.wait()
    world.put_here("a", b"22", mode="644")
    hold.release()
    asked.result(PATIENCE)
    assert info(world, "a").size == 2
    assert info(world, "a").meta == {"mode": "644"}


def test_what_a_put_does_not_tell_stays(world: World) -> None:
    world.put("a", b"1")
    world.wire.set_public(world.path("a"), True)
    before = world.tree.info(world.path("a"))
    assert before is not None
    world.put_here("a", b"22", mode="600")
    after = world.tree.info(world.path("a"))
    assert after is not None
    assert (after.size, after.public, after.uuid) == (2, before.public, before.uuid)
    assert after.meta == {"mode": "600"}
    assert world.store.calls["head"] == 1


@pytest.mark.parametrize("limit", [10_000, 1])
def test_many_threads_change_and_look(world: World, limit: int) -> None:
    """Each thread sees its own changes at once, all the time, while listings come and go."""
    world.tree = world.new_tree(whole_limit=limit, freshness=0.0)
    world.put("seed", b"1")
    world.put("seed2", b"1")

    def work(number: int) -> None:
        for round_ in range(12):
            name = f"t{number}/r{round_ % 3}"
            if round_ % 4 == 3:
                world.delete_here(name)
                assert world.tree.entry(world.path(name)) is None
            else:
                world.put_here(name, b"x" * (round_ + 1))
                assert info(world, name).size == round_ + 1
            assert world.tree.entry(world.path("seed")) is not None
            world.tree.refresh()

    for done in [world.aside(work, number) for number in range(6)]:
        done.result(PATIENCE)
    shown = {one.name for one in world.tree.below(world.path())}
    listing = world.elsewhere.list_objects(world.container)
    assert listing is not None
    assert shown == {one.name for one in listing.found.objects}
    assert world.tree.children(world.path())["seed"].kind is Kind.FILE


def test_holds_are_over() -> None:
    hold = Hold()
    hold.release()
    hold.pass_through()
    hold.wait()
