"""The decision table: every combination of base, local and remote, held against the documentation."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pithosfs_daemon.reconcile import UNKNOWN, Action, Base, Item, Unknown, reconcile
from pithosfs_daemon.values import Content, Direction, Kind

AGREED, ONE, TWO = Content("aa" * 32, 5), Content("bb" * 32, 5), Content("cc" * 32, 7)
PADDED = Content("aa" * 32, 6)  # the same hash as what was agreed on, but a zero more
README = Path(__file__).parents[2] / "daemon" / "README.md"

BASES = {
    "-": None,
    "F": Base(Kind.FILE, AGREED, "local", "remote"),
    "D": Base(Kind.FOLDER),
}


def side(text: str, base: str, tag: str) -> Item | None:
    if text == "same":
        text = base
    return {
        "-": None,
        "F": Item(Kind.FILE, AGREED, tag),
        "F1": Item(Kind.FILE, ONE, "new"),
        "F2": Item(Kind.FILE, TWO, "new"),
        "D": Item(Kind.FOLDER),
    }[text]


def documented() -> list[tuple[str, str, str, str]]:
    """The rows of the table in the documentation."""
    lines = README.read_text().split("## How it decides")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    table = list(itertools.takewhile(lambda row: len(row) == 4, rows))
    return [(row[0], row[1], row[2], row[3]) for row in table[2:] if row[0] in BASES]


ROWS = documented()


@pytest.mark.parametrize(("base", "local", "remote", "action"), ROWS, ids=[" ".join(row) for row in ROWS])
def test_the_documented_action(base: str, local: str, remote: str, action: str) -> None:
    assert reconcile(BASES[base], side(local, base, "local"), side(remote, base, "remote")) is Action(action)


def test_the_documentation_has_every_combination() -> None:
    """Which content is called F1 and which F2 makes no difference, so F2 stands only beside F1."""
    wanted = set()
    for base in BASES:
        known = {"-": ["-", "F1", "D"], "F": ["-", "same", "F1", "D"], "D": ["-", "same", "F1"]}[base]
        for local, remote in itertools.product(known, known):
            wanted.add((base, local, remote))
            if local == remote == "F1":
                wanted.add((base, "F1", "F2"))
    assert {row[:3] for row in ROWS} == wanted
    assert len(ROWS) == len(wanted)


EVERYTHING: dict[str, Item | Unknown | None] = {
    "absent": None,
    "same": Item(Kind.FILE, AGREED, "local"),
    "same content and other attributes": Item(Kind.FILE, AGREED, "touched"),
    "other content": Item(Kind.FILE, ONE, "new"),
    "a zero more": Item(Kind.FILE, PADDED, "new"),
    "folder": Item(Kind.FOLDER),
    "folder of ignored things": Item(Kind.FOLDER, only_ignored=True),
    "unknown": UNKNOWN,
}
COMBINATIONS = [
    pytest.param(BASES[base], EVERYTHING[local], EVERYTHING[remote], id=f"{base} | {local} | {remote}")
    for base, local, remote in itertools.product(BASES, EVERYTHING, EVERYTHING)
]


@pytest.mark.parametrize(("base", "local", "remote"), COMBINATIONS)
def test_nothing_is_lost(base: Base | None, local: Item | Unknown | None, remote: Item | Unknown | None) -> None:
    """An action never takes away a content that the other side, or what was agreed on, does not have."""
    action = reconcile(base, local, remote)
    here = local.content if isinstance(local, Item) else None
    there = remote.content if isinstance(remote, Item) else None
    agreed = base.content if base is not None else None
    if action in (Action.DELETE_LOCAL, Action.DOWNLOAD, Action.MAKE_LOCAL_FOLDER):
        assert here is None or here == agreed
    if action in (Action.DELETE_REMOTE, Action.UPLOAD, Action.MAKE_REMOTE_FOLDER):
        assert there is None or there == agreed
    if action in (Action.NOTHING, Action.JOIN, Action.FORGET, Action.SEND_ATTRIBUTES, Action.TAKE_ATTRIBUTES):
        assert here == there
    if local is UNKNOWN or remote is UNKNOWN:
        assert action is Action.LEAVE


@pytest.mark.parametrize(("base", "local", "remote"), COMBINATIONS)
def test_a_one_way_pair_never_changes_its_master(
    base: Base | None, local: Item | Unknown | None, remote: Item | Unknown | None
) -> None:
    no_change = {Action.NOTHING, Action.FORGET, Action.JOIN, Action.LEAVE}
    in_the_cloud = {
        Action.UPLOAD, Action.MAKE_REMOTE_FOLDER, Action.DELETE_REMOTE, Action.SET_REMOTE_ASIDE, Action.SEND_ATTRIBUTES,
    }  # fmt: skip
    assert reconcile(base, local, remote, Direction.UP) in no_change | in_the_cloud
    down = reconcile(base, local, remote, Direction.DOWN)
    assert down not in in_the_cloud
    if down not in no_change:
        assert down is reconcile(base, local, remote)


@pytest.mark.parametrize(("base", "local", "remote"), COMBINATIONS)
def test_carrying_out_comes_to_an_end(
    base: Base | None, local: Item | Unknown | None, remote: Item | Unknown | None
) -> None:
    """Acting on a name, and deciding again, reaches NOTHING (or LEAVE) after a few steps."""
    for _ in range(5):
        action = reconcile(base, local, remote)
        if action in (Action.NOTHING, Action.LEAVE):
            return
        base, local, remote = carried_out(action, base, local, remote)
    pytest.fail(f"still {action}")


def carried_out(
    action: Action, base: Base | None, local: Item | Unknown | None, remote: Item | Unknown | None
) -> tuple[Base | None, Item | None, Item | None]:
    assert not isinstance(local, Unknown)
    assert not isinstance(remote, Unknown)
    match action:
        case Action.FORGET:
            base = None
        case Action.UPLOAD | Action.MAKE_REMOTE_FOLDER | Action.SEND_ATTRIBUTES:
            remote = local
        case Action.DOWNLOAD | Action.MAKE_LOCAL_FOLDER | Action.TAKE_ATTRIBUTES | Action.KEEP_BOTH:
            local = remote
        case Action.DELETE_REMOTE | Action.SET_REMOTE_ASIDE:
            return base, local, None
        case Action.DELETE_LOCAL | Action.SET_LOCAL_ASIDE:
            return base, None, remote
    if local is not None and remote is not None:
        base = Base(local.kind, local.content, local.tag, remote.tag)
    return base, local, remote


def test_attributes_go_the_way_of_the_side_that_changed_them() -> None:
    base = BASES["F"]
    local, remote = Item(Kind.FILE, AGREED, "local"), Item(Kind.FILE, AGREED, "remote")
    touched = Item(Kind.FILE, AGREED, "touched")
    assert reconcile(base, touched, remote) is Action.SEND_ATTRIBUTES
    assert reconcile(base, local, touched) is Action.TAKE_ATTRIBUTES
    assert reconcile(base, touched, touched) is Action.TAKE_ATTRIBUTES


def test_contents_with_one_hash_and_two_sizes_are_two_contents() -> None:
    base, same, padded = BASES["F"], Item(Kind.FILE, AGREED, "remote"), Item(Kind.FILE, PADDED, "new")
    assert reconcile(base, padded, same) is Action.UPLOAD
    assert reconcile(base, Item(Kind.FILE, AGREED, "local"), padded) is Action.DOWNLOAD
    assert reconcile(None, padded, same) is Action.KEEP_BOTH


def test_a_folder_of_ignored_things_is_not_made_in_the_cloud() -> None:
    folder = Item(Kind.FOLDER, only_ignored=True)
    assert reconcile(None, folder, None) is Action.NOTHING
    assert reconcile(BASES["D"], folder, None) is Action.DELETE_LOCAL
