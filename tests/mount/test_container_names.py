"""The names of one container against a model that is nothing but a dictionary of objects."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pithosfs.mount import names
from pithosfs.mount.container_names import ContainerNames, Kind, Slot, folder_table
from pithosfs.store import ObjectInfo, Sharing

DIRECTORY = "application/directory"
# A tiny alphabet: names are prefixes of each other all the time, and odd ones are as common as others.
segment = st.sampled_from(["a", "b", "", "..", "c"])
object_name = st.lists(segment, min_size=1, max_size=4).map("/".join).filter(bool)
content_type = st.sampled_from(["text/plain", "inode/symlink", DIRECTORY])


def info(name: str, content_type: str = "text/plain", version: int = 1, **more: object) -> ObjectInfo:
    return replace(ObjectInfo(name, 1, content_type, "hash", str(version), version), **more)  # type: ignore[arg-type]


def rolled_up(objects: Iterable[ObjectInfo], folder: str) -> tuple[list[ObjectInfo], list[str]]:
    """The objects right in a folder, and the prefixes of what is deeper, as a server lists it by folder."""
    found: dict[str, None] = {}
    here = []
    for one in objects:
        parts, depth = names.segments(one.name), len(names.segments(folder))
        if parts[:depth] != names.segments(folder) or len(parts) <= depth:
            continue
        if len(parts) == depth + 1:
            here.append(one)
        else:
            found["/".join(parts[: depth + 1])] = None
    return here, list(found)


def kind(model: dict[str, ObjectInfo], name: str) -> Kind | None:
    depth = len(names.segments(name))
    if any(names.segments(one)[:depth] == names.segments(name) and one != name for one in model):
        return Kind.FOLDER
    if name not in model:
        return None
    return {DIRECTORY: Kind.FOLDER, "inode/symlink": Kind.SYMLINK}.get(model[name].content_type, Kind.FILE)


def folders(model: dict[str, ObjectInfo]) -> set[str]:
    found = {""}
    for one in model:
        parts = names.segments(one)
        found |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    return found


class Names(RuleBasedStateMachine):
    """Puts, drops and moves in complete and in partly known names; the complete ones are also listed anew."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, ObjectInfo] = {}
        self.whole = ContainerNames(complete=True)
        self.part = ContainerNames(complete=False)
        self.part.take_table("", {})
        self.versions = 0

    def version(self) -> int:
        self.versions += 1
        return self.versions

    @rule(name=object_name, content_type=content_type)
    def put(self, name: str, content_type: str) -> None:
        made = self.model[name] = info(name, content_type, self.version())
        self.whole.put(made)
        self.part.put(made)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        del self.model[name]
        self.whole.drop(name)
        uncertain = self.part.uncertain_without(name)
        self.part.drop(name)
        for folder in uncertain:
            self.list_folder(folder)

    @rule(name=object_name)
    def drop_what_is_not_there(self, name: str) -> None:
        if name not in self.model:
            self.whole.drop(name)
            self.part.drop(name)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), goal=object_name)
    def move(self, data: st.DataObject, goal: str) -> None:
        at = data.draw(st.sampled_from(sorted((folders(self.model) | self.model.keys()) - {""})))
        inside = [one for one in self.model if one == at or one.startswith(f"{at}/")]
        free = not any(one == goal or one.startswith(f"{goal}/") for one in self.model)
        if goal == at or goal.startswith(f"{at}/") or at.startswith(f"{goal}/") or not free:
            return
        for one in inside:
            moved = self.model.pop(one)
            self.model[goal + one[len(at) :]] = replace(moved, name=goal + one[len(at) :], version="")
        self.whole.attach(goal, self.whole.detach(at))
        uncertain = self.part.uncertain_without(at)
        self.part.attach(goal, self.part.detach(at))
        for folder in uncertain:
            self.list_folder(folder)
        # What was moved from folders that are not known is not known in the new place either.
        for folder in self.part.folders_from(goal):
            self.list_folder(folder)
        self.list_folder(names.split_last(goal)[0])

    @rule()
    def list_whole(self) -> None:
        fresh = ContainerNames.of(self.model.values())
        changed, rules = fresh.follow(self.whole)
        assert changed == []
        assert not rules
        self.whole = fresh

    @rule(folder=object_name | st.just(""))
    def list_folder(self, folder: str) -> None:
        self.part.take_table(folder, folder_table(folder, *rolled_up(self.model.values(), folder)))

    @precondition(lambda self: len(self.part.tables) > 1)
    @rule(data=st.data())
    def forget_folder(self, data: st.DataObject) -> None:
        self.part.forget(data.draw(st.sampled_from(sorted(self.part.tables.keys() - {""}))))

    @invariant()
    def complete_names_show_the_model(self) -> None:
        assert sorted(one.name for one in self.whole.below("")) == sorted(self.model)
        assert set(self.whole.tables) == folders(self.model)
        self.shows(self.whole, folders(self.model))

    @invariant()
    def known_folders_show_the_model(self) -> None:
        self.shows(self.part, set(self.part.tables))

    def shows(self, known: ContainerNames, tables: set[str]) -> None:
        slots = 0
        for folder in tables:
            here, prefixes = rolled_up(self.model.values(), folder)
            expected = {one.name for one in here} | set(prefixes)
            entries = known.children(folder).values()
            shown = {names.join(folder, one.name): one for one in entries if not one.shadowed}
            assert set(shown) == expected
            for name, entry in shown.items():
                assert entry.kind is kind(self.model, name)
                assert entry == known.entry(name)
            shadowed = {names.join(folder, one.name) for one in entries if one.shadowed}
            assert shadowed == {one.name for one in here if one.name in prefixes and one.content_type != DIRECTORY}
            slots += len(expected)
            assert known.has_below(folder) == bool(expected)
        assert known.size == slots


TestNames = Names.TestCase
TestNames.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(
    st.lists(st.tuples(object_name, content_type), max_size=8),
    st.lists(st.tuples(object_name, content_type), max_size=8),
)
def test_a_listing_tells_what_differs(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> None:
    old = {name: info(name, kind) for name, kind in before}
    new = {name: old.get(name) or info(name, kind) for name, kind in after}
    changed, _ = ContainerNames.of(new.values()).follow(ContainerNames.of(old.values()))
    every = old.keys() | new.keys() | folders(old) | folders(new)
    assert {one for one in changed if one in old or one in new} >= old.keys() ^ new.keys()
    assert set(changed) == {one for one in every if one and kind(old, one) is not kind(new, one)} | (
        old.keys() ^ new.keys()
    )


def test_what_was_learnt_of_a_version_survives_a_listing() -> None:
    known = ContainerNames.of([info("a"), info("b")])
    known.learnt(info("a", etag="e", meta={"mode": "600"}))
    known.learnt(info("b", version=7, etag="of another version"))
    fresh = ContainerNames.of([info("a"), info("b")])
    assert fresh.follow(known) == ([], False)
    assert fresh.slot("a") == Slot(info("a", etag="e", meta={"mode": "600"}), False)
    assert fresh.slot("b") == Slot(info("b"), False)
    newer = ContainerNames.of([info("a", version=2)])
    assert newer.follow(fresh) == (["a", "b"], False)
    assert newer.slot("a") == Slot(info("a", version=2), False)


def test_a_listing_without_news_keeps_the_objects() -> None:
    first = info("a", etag="e", meta={})
    fresh = ContainerNames.of([info("a")])
    fresh.follow(ContainerNames.of([first]))
    slot = fresh.slot("a")
    assert slot is not None
    assert slot.info is first


def test_sharing_and_publication_are_news_without_a_new_version() -> None:
    known = ContainerNames.of([info("a", etag="e", meta={}), info("b")])
    shared = ContainerNames.of([info("a", sharing=Sharing(("bob",))), info("b", public="https://x/1")])
    assert shared.follow(known) == (["a", "b"], True)
    slot = shared.slot("a")
    assert slot is not None
    assert slot.info == info("a", sharing=Sharing(("bob",)), etag="e", meta={})


def test_one_of_two_names_that_look_the_same_is_hidden(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        known = ContainerNames.of([info(".."), info("‛‛.."), info("x"), info("x/y"), info("x‛‛file")])
        assert {local: entry.name for local, entry in known.children("").items()} == {
            "‛..": "‛‛..",  # the one whose very name this is
            "x": "x",
            "x‛file": "x‛‛file",
        }
        again = ContainerNames.of([info(".."), info("‛‛..")])
        again.follow(known)
        again.children("")
    assert [record.getMessage() for record in caplog.records] == [
        "'..' is hidden: another name in its folder looks the same here",
        "'x' is hidden: another name in its folder looks the same here",
    ]


def test_rights_are_forgotten() -> None:
    known = ContainerNames.of([info("a", allowed_to="write", meta={}), info("b")])
    known.children("")
    known.forget_rights()
    assert [entry.info for entry in known.children("").values()] == [info("a", meta={}), info("b")]
