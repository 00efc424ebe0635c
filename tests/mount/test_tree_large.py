"""Containers that are too large to be listed whole, and the bounds of memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.gated_store import PATIENCE
from fixtures.trees import World, world_of

from pithosfs.mount.tree import Kind


@pytest.fixture
def world(cloud: TestCloud, tmp_path: Path) -> Iterator[World]:
    """A container of 15 objects, in trees that list whole only what has at most four."""
    with world_of(cloud, tmp_path) as made:
        for name in ("a/1", "a/2", "a/sub/deep/1", "b/1", "top", "mark/in", "/lead"):
            made.put(name)
        made.put("mark", b"", "application/directory")
        made.put("empty", b"", "application/directory")
        for number in range(6):
            made.put(f"many/{number}")
        made.tree = made.new_tree(whole_limit=5)
        yield made


def test_folders_are_listed_one_by_one(world: World) -> None:
    tree, path = world.tree, world.path
    assert {local: entry.kind for local, entry in tree.children(path()).items()} == {
        "a": Kind.FOLDER,
        "b": Kind.FOLDER,
        "top": Kind.FILE,
        "mark": Kind.FOLDER,
        "empty": Kind.FOLDER,
        "many": Kind.FOLDER,
    }
    assert world.names("a") == {"1", "2", "sub"}
    assert world.names("a/sub") == {"deep"}
    assert world.names("empty") == set()
    assert len(world.names("many")) == 6
    entry = tree.entry(path("mark"))
    assert entry is not None
    assert entry.info is not None
    for missing in ("none", "a/none", "top/below"):
        assert tree.entry(path(missing)) is None
        with pytest.raises(FileNotFoundError):
            tree.children(path(missing))
    with pytest.raises(NotADirectoryError):
        tree.children(path("top"))
    assert tree.has_below(path("a/sub"))
    assert tree.has_below(path("many"))
    assert not tree.has_below(path("empty"))
    assert not tree.has_below(path("none"))
    assert sorted(one.name for one in tree.below(path("a"))) == ["a/1", "a/2", "a/sub/deep/1"]
    assert len(tree.below(path())) == 15


def test_a_name_costs_the_listing_of_its_folder(world: World) -> None:
    assert world.tree.entry(world.path("a/sub/deep/1")) is not None
    world.store.forget()
    assert world.tree.entry(world.path("a/sub/deep/1")) is not None
    assert world.tree.entry(world.path("a/sub/deep/2")) is None
    assert world.listings() == []
    assert world.tree.entry(world.path("b/1")) is not None
    assert [one["prefix"] for one in world.listings()] == ["b/"]


def test_the_account_list_tells_that_a_container_is_too_large(world: World) -> None:
    world.tree.containers()
    world.store.forget()
    world.names("a")
    assert [one["prefix"] for one in world.listings()] == ["a/"]


def test_one_name_in_a_folder_that_is_too_large(world: World) -> None:
    tree, path = world.tree, world.path
    entry = tree.entry(path("many/3"))
    assert entry is not None
    assert entry.kind is Kind.FILE
    world.store.forget()
    assert tree.entry(path("many/3")) == entry
    assert world.store.calls == {}
    assert tree.entry(path("many/none")) is None
    world.put("many/sub/1")
    assert tree.entry(path("many/sub")) is not None
    world.put_here("many/none")
    assert tree.entry(path("many/none")) is not None
    world.delete_here("many/3")
    assert tree.entry(path("many/3")) is None
    world.elsewhere.delete(path("many/4"))
    assert tree.info(path("many/4")) is None
    world.later()
    assert world.names("many") == {"0", "1", "2", "5", "none", "sub"}


def test_a_single_look_up_that_is_overtaken_is_not_kept(world: World) -> None:
    tree, path = world.tree, world.path
    assert tree.entry(path("many/0")) is not None
    hold = world.store.hold("head")
    asked = world.aside(tree.entry, path("many/1"))
    hold.wait()
    world.delete_here("many/1")
    hold.release()
    asked.result(PATIENCE)
    assert tree.entry(path("many/1")) is None


def test_changes_elsewhere(world: World) -> None:
    for folder in ("", "a", "b"):
        world.names(folder)
    world.put("a/3")
    world.put("a/1", b"longer")
    world.elsewhere.delete(world.path("b/1"))
    world.later()
    assert world.names("a") == {"1", "2", "3", "sub"}
    assert world.told() == {"a/1", "a/3"}
    assert world.names() == {"a", "top", "mark", "empty", "many"}
    assert world.told() == {"b", "b/1"}


def test_one_answer_vouches_for_all_folders(world: World) -> None:
    world.settle()
    for folder in ("", "a", "b"):
        world.names(folder)
    world.store.forget()
    world.later()
    for folder in ("", "a", "b", "a"):
        world.names(folder)
    [asked] = world.listings()
    assert asked["modified_since"] is not None
    world.later(1)
    world.tree.refresh()
    assert len(world.listings()) == 1


def test_own_changes(world: World) -> None:
    tree, path = world.tree, world.path
    world.names()
    world.names("a")
    world.put_here("a/new")
    world.put_here("c/new/deep")
    world.delete_here("a/1")
    world.delete_here("b/1")
    assert world.names("a") == {"2", "new", "sub"}
    assert world.names() == {"a", "c", "top", "mark", "empty", "many"}
    assert world.names("c/new") == {"deep"}
    world.wire.move_folder(path("a"), path("z"))
    tree.moved(path("a"), path("z"))
    assert "a" not in world.names()
    assert world.names("z") == {"2", "new", "sub"}
    assert world.names("z/sub/deep") == {"1"}
    info = tree.info(path("z/sub/deep/1"))
    assert info is not None
    assert world.wire.read_range(path("z/sub/deep/1"), 0, 1, info.version) == b"x"


def test_own_changes_while_a_folder_is_listed(world: World) -> None:
    world.names()
    hold = world.store.hold("list_objects")
    listing = world.aside(world.names, "a")
    hold.wait()
    world.put_here("a/new")
    world.delete_here("a/1")
    hold.release()
    assert listing.result(PATIENCE) == {"2", "new", "sub"}
    hold = world.store.hold("list_objects")
    below = world.aside(world.tree.below, world.path("b"))
    world.put_here("b/2")
    hold.wait()
    world.put_here("b/3")
    hold.release()
    assert {"b/1", "b/3"} <= {one.name for one in below.result(PATIENCE)}


def test_a_container_grows_too_large(world: World) -> None:
    world.tree = world.new_tree(whole_limit=20)
    world.names()
    for number in range(6):
        world.put(f"more/{number}")
    world.later()
    # What was known is no longer looked after: it is all told, so that nobody else keeps it.
    assert "more" in world.names()
    assert {"a/1", "top", "mark"} <= world.told()
    assert world.names("a") == {"1", "2", "sub"}


def test_a_container_that_goes_away(world: World) -> None:
    world.names()
    for one in world.tree.below(world.path()):
        world.elsewhere.delete(world.path(one.name))
    world.elsewhere.delete_container(world.container)
    world.later()
    assert world.tree.entry(world.path("a/1")) is None
    assert "top" in world.told()
    with pytest.raises(FileNotFoundError):
        world.names()


def test_memory_is_bounded(world: World) -> None:
    world.tree = world.new_tree(whole_limit=5, most_names=8)
    for folder in ("", "a", "a/sub", "b", "mark", "many"):
        world.names(folder)
    # The folders that were not used for longest were forgotten, and whoever relies on them told.
    assert {"a", "top", "a/1"} <= world.told()
    world.store.forget()
    assert len(world.names("many")) == 6
    assert world.listings() == []
    assert world.names("a") == {"1", "2", "sub"}
    assert [one["prefix"] for one in world.listings()] == ["a/"]


def test_containers_that_were_not_used_for_longest_are_forgotten(world: World) -> None:
    world.tree = world.new_tree(whole_limit=100, most_names=25)
    world.names()
    other = f"{world.container}-other"
    world.wire.create_container(other)
    for number in range(10):
        world.wire.put_object(world.path(str(number), other), b"", content_type="a/b", meta={}, base=None)
    assert len(world.tree.children(world.path("", other))) == 10
    assert {"a", "top", "a/1"} <= world.told()
    world.store.forget()
    assert len(world.names()) == 7
    assert len(world.listings()) == 1
