"""The tree over the real local cloud: what it shows, when it asks, and what it tells of changes elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.gated_store import PATIENCE
from fixtures.trees import World, world_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pithosfs.errors import NotAllowed
from pithosfs.mount.tree import Entry, Kind, ShadowedPath, Tree
from pithosfs.store import ObjectInfo, ObjectPath, Sharing

DIRECTORY = "application/directory"


@pytest.fixture
def world(cloud: TestCloud, tmp_path: Path) -> Iterator[World]:
    with world_of(cloud, tmp_path) as made:
        yield made


def kinds(tree: Tree, folder: ObjectPath) -> dict[str, Kind]:
    return {local: entry.kind for local, entry in tree.children(folder).items()}


def info_of(entry: Entry | None) -> ObjectInfo:
    assert entry is not None
    assert entry.info is not None
    return entry.info


# what it shows --------------------------------------------------------------------------------------------------------


def test_files_folders_prefixes_and_symlinks(world: World) -> None:
    world.put("file")
    world.put("marked", b"", DIRECTORY)
    world.put("marked/inside")
    world.put("empty", b"", DIRECTORY)
    world.put("bare/deep/file")
    world.put("link", b"file", "inode/symlink")
    tree, path = world.tree, world.path
    assert kinds(tree, path()) == {
        "file": Kind.FILE,
        "marked": Kind.FOLDER,
        "empty": Kind.FOLDER,
        "bare": Kind.FOLDER,
        "link": Kind.SYMLINK,
    }
    assert kinds(tree, path("bare")) == {"deep": Kind.FOLDER}
    assert kinds(tree, path("empty")) == {}
    assert tree.entry(path("bare")) == Entry(Kind.FOLDER, "bare", None)
    assert info_of(tree.entry(path("marked"))).is_directory
    assert info_of(tree.entry(path("bare/deep/file"))).size == 1
    assert tree.entry(path("bare/none")) is None
    assert tree.entry(path("file/none")) is None
    assert tree.entry(path()) == Entry(Kind.FOLDER, world.container, None)
    assert tree.has_below(path("bare"))
    assert not tree.has_below(path("empty"))
    assert not tree.has_below(path("file"))
    assert sorted(one.name for one in tree.below(path("marked"))) == ["marked/inside"]
    assert len(tree.below(path())) == 6
    for missing in ("none", "bare/none", "file/below"):
        with pytest.raises(FileNotFoundError):
            tree.children(path(missing))
    with pytest.raises(NotADirectoryError):
        tree.children(path("file"))


def test_containers(world: World) -> None:
    tree, store = world.tree, world.elsewhere
    assert {"pithos", world.container} <= tree.containers().keys()
    missing = world.path("", "missing")
    assert tree.entry(missing) is None
    assert tree.entry(world.path("x", "missing")) is None
    with pytest.raises(FileNotFoundError):
        tree.children(missing)
    world.wire.create_container("missing")
    tree.container_made("missing")
    assert "missing" in tree.containers()
    assert tree.entry(missing) is not None
    assert tree.children(missing) == {}
    world.wire.delete_container("missing")
    tree.container_gone("missing")
    assert tree.entry(missing) is None
    store.create_container("another")
    assert "another" not in tree.containers()
    world.later()
    assert "another" in tree.containers()


def test_a_container_that_is_deleted_elsewhere(world: World) -> None:
    world.put("a")
    assert world.names() == {"a"}
    world.elsewhere.delete(world.path("a"))
    world.elsewhere.delete_container(world.container)
    world.later()
    assert world.tree.entry(world.path("a")) is None
    assert world.tree.entry(world.path()) is None
    assert world.told() == {"a", ""}
    with pytest.raises(FileNotFoundError):
        world.tree.children(world.path())
    world.elsewhere.create_container(world.container)
    world.put("b")
    world.later()
    assert world.names() == {"b"}


def test_odd_names_show_safely_and_are_reached_through_their_entries(world: World) -> None:
    odd = [
        "a//b",
        "/lead",
        "//two",
        "..",
        ".",
        "../up",
        "d/",
        "d/x",
        "s/..",
        "‛q",
        "n␊l",
        "x" * 256,
        "file",
        "file/below",
    ]
    for name in odd:
        world.put(name, name.encode())
    found: dict[str, ObjectInfo] = {}

    def walk(folder: ObjectPath) -> None:
        for local, entry in world.tree.children(folder).items():
            assert local not in ("", ".", "..")
            assert "/" not in local
            assert len(os.fsencode(local)) <= 255
            path = world.tree.path_of(folder, entry)
            assert world.tree.entry(path) == entry
            if entry.kind is Kind.FOLDER:
                walk(path)
            else:
                found[path.name] = info_of(entry)

    walk(world.path())
    assert sorted(found) == sorted(odd)
    for name, info in found.items():
        assert info.size == len(name.encode())


def test_a_file_that_has_objects_below_its_name(world: World) -> None:
    world.put("x", b"content", mode="600")
    world.put("x/y")
    tree, path = world.tree, world.path
    assert kinds(tree, path()) == {"x": Kind.FOLDER, "x‛file": Kind.FILE}
    assert tree.entry(path("x")) == Entry(Kind.FOLDER, "x", None)
    assert kinds(tree, path("x")) == {"y": Kind.FILE}
    shadowed = tree.path_of(path(), tree.children(path())["x‛file"])
    assert shadowed == ShadowedPath(world.account, world.container, "x")
    assert shadowed != path("x")
    info = tree.info(shadowed)
    assert info is not None
    assert (info.size, info.meta) == (7, {"mode": "600"})
    world.delete_here("x/y")
    assert kinds(tree, path()) == {"x": Kind.FILE}
    assert tree.entry(shadowed) is None


# when it asks ---------------------------------------------------------------------------------------------------------


def test_one_request_answers_everything_for_a_while(world: World) -> None:
    world.put("a/b/c")
    world.store.forget()
    for _ in range(3):
        world.tree.entry(world.path("a/b/c"))
        world.tree.children(world.path("a"))
        world.tree.entry(world.path("none"))
        world.tree.entry(world.path())
    assert len(world.listings()) == 1


def test_nothing_new_is_told_by_a_conditional_request(world: World) -> None:
    world.put("a")
    world.settle()
    assert world.names() == {"a"}
    world.listings()
    world.later()
    assert world.names() == {"a"}
    [asked] = world.listings()
    assert asked["modified_since"] is not None
    world.put("b")
    world.later()
    assert world.names() == {"a", "b"}
    assert world.told() == {"b"}


def test_changes_within_the_second_of_the_listing_are_found(world: World) -> None:
    for number in range(8):  # all within a second or two: HTTP dates cannot tell them apart
        world.put(f"n{number}")
        world.later()
        assert len(world.names()) == number + 1


def test_concurrent_askers_share_one_request(world: World) -> None:
    world.put("a")
    hold = world.store.hold("list_objects")
    asked = [world.aside(world.names) for _ in range(4)]
    asked += [world.aside(lambda: {"a"} if world.tree.entry(world.path("a")) else set()) for _ in range(4)]
    hold.wait()
    hold.release()
    assert all(one.result(PATIENCE) == {"a"} for one in asked)
    assert len(world.listings()) == 1


def test_a_listing_under_way_stops_nobody_who_looks_elsewhere(world: World) -> None:
    world.put("a")
    world.names()
    hold = world.store.hold("list_objects")
    other = world.aside(world.tree.children, world.path("", "pithos"))
    hold.wait()
    assert world.names() == {"a"}
    world.put_here("b")
    assert world.names() == {"a", "b"}
    hold.release()
    assert other.result(PATIENCE) == {}


# what is told ---------------------------------------------------------------------------------------------------------


def test_changes_elsewhere_are_told_once(world: World) -> None:
    for name in ("same", "changed", "gone", "folder/only"):
        world.put(name)
    world.names()
    assert world.told() == set()
    world.put("changed", b"more")
    world.elsewhere.delete(world.path("gone"))
    world.elsewhere.delete(world.path("folder/only"))
    world.put("new/deep")
    world.later()
    assert world.names() == {"same", "changed", "new"}
    assert world.told() == {"changed", "gone", "folder/only", "folder", "new", "new/deep"}
    world.later()
    world.names()
    assert world.told() == set()


def test_own_changes_are_not_told(world: World) -> None:
    world.put("a")
    world.put("f/x")
    world.names()
    world.put_here("b")
    world.delete_here("a")
    world.wire.move_folder(world.path("f"), world.path("g"))
    world.tree.moved(world.path("f"), world.path("g"))
    world.later()
    assert world.names() == {"b", "g"}
    # The marker that the move of a bare prefix needed is new to us, nothing else.
    assert world.told() <= {"g"}


def test_refresh_looks_after_what_was_used_lately(world: World) -> None:
    world.put("a")
    world.names()
    world.settle()
    world.put("b")
    world.later(1)
    world.tree.refresh()
    assert world.told() == {"b"}
    world.settle()
    world.later(1)
    world.tree.refresh()
    world.listings()
    world.later(1)
    world.tree.refresh()
    [asked] = world.listings()
    assert asked["modified_since"] is not None
    world.later(100)
    world.tree.refresh()
    assert world.listings() == []


# attributes -----------------------------------------------------------------------------------------------------------


def test_attributes_are_learnt_side_by_side_and_remembered_for_good(world: World) -> None:
    for number in range(20):
        world.put(f"d/f{number}", mode=f"6{number:02o}")
    world.put("d/sub", b"", DIRECTORY, mode="700")
    tree = world.tree
    tree.learn(world.path("d"))
    assert world.store.calls["head"] == 21
    tree.learn(world.path("d"))
    info = tree.info(world.path("d/f9"))
    assert info is not None
    assert info.meta == {"mode": "611"}
    assert info.etag == info.hash
    assert info_of(tree.entry(world.path("d/sub"))).meta == {"mode": "700"}
    assert world.store.calls["head"] == 21
    # A listing's times are finer than those of headers, and stay.
    assert (
        info.modified_ns % 1_000_000_000 != 0 or info.modified_ns == info_of(tree.entry(world.path("d/f9"))).modified_ns
    )
    world.later()
    tree.learn(world.path("d"))
    tree.close()
    again = world.new_tree()
    again.learn(world.path("d"))
    learnt = again.info(world.path("d/f3"))
    assert learnt is not None
    assert learnt.meta == {"mode": "603"}
    assert learnt.etag == learnt.hash
    assert world.store.calls["head"] == 21
    world.put("d/f3", b"new", mode="644")
    world.later()
    changed = again.info(world.path("d/f3"))
    assert changed is not None
    assert changed.meta == {"mode": "644"}
    assert world.store.calls["head"] == 22


def test_a_container_without_metadata_needs_no_head_for_each_object(world: World) -> None:
    for number in range(20):
        world.put(f"f{number}")
    world.tree.info(world.path("f0"))  # the first answer of the server tells what its ETags are
    world.tree.learn(world.path())
    for number in range(20):
        info = world.tree.info(world.path(f"f{number}"))
        assert info is not None
        assert info.meta == {}
        assert info.etag == info.hash
    assert world.store.calls["head"] == 1
    assert world.store.calls["container"] == 1
    world.put("f0", mode="600")
    world.later()
    world.tree.learn(world.path())
    info = world.tree.info(world.path("f0"))
    assert info is not None
    assert info.meta == {"mode": "600"}


def test_info_finds_out_that_an_object_has_changed_or_gone(world: World) -> None:
    world.put("a", mode="600")
    world.put("b", mode="600")
    world.names()
    world.put("a", b"longer", mode="644")
    world.elsewhere.delete(world.path("b"))
    info = world.tree.info(world.path("a"))
    assert info is not None
    assert (info.size, info.meta) == (6, {"mode": "644"})
    assert world.tree.info(world.path("b")) is None
    assert world.names() == {"a"}
    assert world.told() == {"a", "b"}


def test_somebody_who_needs_one_answer_does_not_wait_for_all(world: World) -> None:
    for number in range(30):
        world.put(f"f{number:02}", mode="600")
    holds = [world.store.hold("head") for _ in range(16)]
    learning = world.aside(world.tree.learn, world.path())
    for hold in holds:
        hold.wait()  # every thread of the learner is busy
    last = world.tree.info(world.path("f29"))
    assert last is not None
    assert last.meta == {"mode": "600"}
    for hold in holds:
        hold.release()
    learning.result(PATIENCE)
    assert world.store.calls["head"] == 30


# sharing --------------------------------------------------------------------------------------------------------------


def test_sharing_that_is_inherited_is_not_the_objects_own(world: World) -> None:
    world.put("shared", b"", DIRECTORY, Sharing(("*",)))
    world.put("shared/a")
    marker, inside = world.tree.info(world.path("shared")), world.tree.info(world.path("shared/a"))
    assert marker is not None
    assert inside is not None
    assert marker.sharing == Sharing(("*",))
    assert inside.sharing is None
    assert inside.shared_by is not None
    world.later()
    world.names()
    assert world.told() == set()


def test_sharing_changed_elsewhere_is_seen_on_demand(world: World) -> None:
    world.put("a")
    world.settle()
    assert world.tree.info(world.path("a")) is not None
    world.elsewhere.set_sharing(world.path("a"), Sharing(("*",)))
    exact = world.tree.info(world.path("a"), exact=True)
    assert exact is not None
    assert exact.sharing == Sharing(("*",))
    assert info_of(world.tree.entry(world.path("a"))).sharing == Sharing(("*",))


def test_what_others_share(world: World, cloud: TestCloud, tmp_path: Path) -> None:
    reader = cloud.user("reader")
    mine = (reader.uuid,)
    with world_of(cloud, tmp_path / "reader") as other:
        # The other one's tree looks at the world's account.
        tree = other.tree
        assert tree.containers(world.account) == {} or world.container not in tree.containers(world.account)
        world.put("private")
        world.put("ro", sharing=Sharing((other.account,)))
        world.put("rw", sharing=Sharing((), (other.account,)), mode="600")
        world.put("dir", b"", DIRECTORY, Sharing((), (other.account,)))
        world.put("dir/inside")
        world.put("none", sharing=Sharing(mine))
        other.later()
        assert world.container in tree.containers(world.account)
        assert world.names(tree=tree) == {"ro", "rw", "dir"}
        assert world.names("dir", tree=tree) == {"inside"}
        rights = {}
        for name in ("ro", "rw", "dir", "dir/inside"):
            info = tree.info(world.path(name))
            assert info is not None
            rights[name] = info.allowed_to
        assert rights == {"ro": "read", "rw": "write", "dir": "write", "dir/inside": "write"}
        heads = other.store.calls["head"]
        other.later()
        assert tree.info(world.path("dir/inside")) is not None
        assert other.store.calls["head"] == heads
        # A rule that changes makes no version and leaves the container's date: it shows all the same.
        world.elsewhere.set_sharing(world.path("dir"), Sharing((other.account,)))
        world.elsewhere.set_sharing(world.path("private"), Sharing((other.account,)))
        world.elsewhere.set_sharing(world.path("ro"), Sharing())
        other.later()
        assert world.names(tree=tree) == {"private", "rw", "dir"}
        info = tree.info(world.path("dir/inside"))
        assert info is not None
        assert info.allowed_to == "read"
        for name in ("private", "rw", "dir"):
            world.elsewhere.set_sharing(world.path(name), Sharing())
        with pytest.raises(NotAllowed):
            tree.info(world.path("rw"), exact=True)
        other.later()
        assert tree.entry(world.path("rw")) is None
        assert world.container not in tree.containers(world.account)


# the whole, at random -------------------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "f", "f/a", "f/b", "f/g/a", "h/a"])
folders = st.sampled_from(["f", "f/g", "h", "k", "k/f"])
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "put here", "delete", "delete here"]), names, st.none()),
        st.tuples(st.just("move here"), folders, folders),
        st.tuples(st.sampled_from(["later", "learn", "refresh"]), folders, st.none()),
    ),
    max_size=20,
)


@given(steps, st.sampled_from([10_000, 2]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_changes_here_and_elsewhere(
    cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str | None]], limit: int
) -> None:
    """Own changes show at once, those of others once the tree asks; in the end it shows what the server has."""
    with world_of(cloud, tmp_path_factory.mktemp("model")) as world:
        world.tree = world.new_tree(whole_limit=limit)
        model: dict[str, bytes] = {}
        world.names()
        for number, (what, name, other) in enumerate(steps):
            data = b"%d" % number
            below = [one for one in model if one.startswith(f"{name}/")]
            if what == "put" and name != "f":
                world.put(name, data)
                model[name] = data
            elif what == "put here" and name != "f":
                world.put_here(name, data)
                model[name] = data
                assert info_of(world.tree.entry(world.path(name))).size == len(data)
            elif what == "delete" and name in model:
                world.elsewhere.delete(world.path(name))
                del model[name]
            elif what == "delete here" and name in model:
                world.delete_here(name)
                del model[name]
                entry = world.tree.entry(world.path(name))
                assert entry is None or entry.info is None
            elif what == "move here" and other is not None and below:
                taken = other in model or any(one.startswith(f"{other}/") for one in model)
                if taken or f"{other}/".startswith(f"{name}/") or f"{name}/".startswith(f"{other}/"):
                    continue
                world.wire.move_folder(world.path(name), world.path(other))
                world.tree.moved(world.path(name), world.path(other))
                for one in below:
                    model[other + one[len(name) :]] = model.pop(one)
                assert world.tree.has_below(world.path(other))
            elif what == "later":
                world.later()
            elif what == "learn" and world.tree.has_below(world.path(name)):
                world.tree.learn(world.path(name))
            elif what == "refresh":
                world.tree.refresh()
        world.later(60)
        # Markers are what a move of a bare prefix leaves; the model has none.
        shown = {one.name: one for one in world.tree.below(world.path()) if not one.is_directory}
        assert shown.keys() == model.keys()

        def walk(folder: str) -> set[str]:
            found = set()
            for entry in world.tree.children(world.path(folder)).values():
                path = world.tree.path_of(world.path(folder), entry)
                found |= walk(path.name) if entry.kind is Kind.FOLDER else {path.name}
            return found

        assert walk("") == model.keys()
        for name, data in model.items():
            info = world.tree.info(world.path(name))
            assert info is not None
            assert world.wire.read_range(world.path(name), 0, len(data), info.version) == data
