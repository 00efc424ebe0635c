"""Somebody else is faster, at each moment between a look and the deed."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from fixtures.local_folder import ABILITIES, LocalFolder, facts, right_before

from pithosfs_daemon.folder import changing, putting, renames
from pithosfs_daemon.folder.leases import without_writers
from pithosfs_daemon.folder.probing import Nature
from pithosfs_daemon.folder.trash import Bin
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind

Make = Callable[..., LocalFolder]


def on(make: Make, ability: str) -> LocalFolder:
    local = make(nature=Nature(can=ABILITIES[ability]))
    local.write("d/a.txt", b"old")
    return local


def is_clean(local: LocalFolder) -> bool:
    return local.private("parts") == local.private("replaced") == local.private("trash") == []


# a download ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", ["in place", "by rename"])
def test_an_edit_right_before_the_exchange_is_kept_beside_it(make: Make, save: str) -> None:
    local = on(make, "everything")
    local.write("d/a (copy 1).txt", b"taken")

    def edit() -> None:
        path = local.root / "d" / "a.txt"
        if save == "by rename":
            path.with_name("saving").write_bytes(b"mine")
            path.with_name("saving").rename(path)
        else:
            path.write_bytes(b"mine")

    stamp = local.stamp("d/a.txt")
    with right_before(renames.exchange, edit):
        put = local.download("d/a.txt", b"new", stamp)
    assert put.conflict_copy == "d/a (copy 2).txt"
    assert local.stamp("d/a.txt") == put.stamp
    assert local.files() == {"d/a.txt": b"new", "d/a (copy 1).txt": b"taken", "d/a (copy 2).txt": b"mine"}
    assert local.leftovers() == []
    assert is_clean(local)


@pytest.mark.parametrize("ability", ["everything", "no exchange", "links only"])
@pytest.mark.parametrize("there", ["folder", "link", "pipe"])
def test_something_else_right_before_gets_its_name_back(make: Make, ability: str, there: str) -> None:
    local = on(make, ability)
    path = local.root / "d" / "a.txt"

    def swap() -> None:
        path.unlink()
        if there == "folder":
            path.mkdir()
            (path / "x").write_bytes(b"x")
        elif there == "link":
            path.symlink_to("nowhere")
        else:
            os.mkfifo(path)

    stamp = local.stamp("d/a.txt")
    moment = renames.exchange if ability == "everything" else putting._step_aside
    with right_before(moment, swap), pytest.raises(LocalChanged):
        local.download("d/a.txt", b"new", stamp)
    assert sorted(os.listdir(local.root / "d")) == ["a.txt"]
    assert (path.is_dir(), path.is_symlink(), path.is_fifo()) == (there == "folder", there == "link", there == "pipe")
    assert local.leftovers() == []
    assert is_clean(local)


@pytest.mark.parametrize("ability", ABILITIES)
def test_a_file_that_goes_right_before_is_not_made_again(make: Make, ability: str) -> None:
    local = on(make, ability)
    moment = renames.exchange if ability == "everything" else putting._step_aside
    stamp = local.stamp("d/a.txt")
    with right_before(moment, (local.root / "d" / "a.txt").unlink), pytest.raises(LocalChanged):
        local.download("d/a.txt", b"new", stamp)
    assert local.files() == {}
    assert local.leftovers() == []
    assert is_clean(local)


@pytest.mark.parametrize("ability", ["no exchange", "links only", "nothing"])
def test_an_edit_right_before_it_steps_aside_stays(make: Make, ability: str) -> None:
    local = on(make, ability)
    stamp = local.stamp("d/a.txt")
    with (
        right_before(putting._step_aside, lambda: local.write("d/a.txt", b"mine")),
        pytest.raises(LocalChanged),
    ):
        local.download("d/a.txt", b"new", stamp)
    assert local.files() == {"d/a.txt": b"mine"}
    assert local.leftovers() == []
    assert is_clean(local)


@pytest.mark.parametrize("ability", ["no exchange", "links only", "nothing"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_file_that_comes_while_the_old_one_is_aside_stays(make: Make, ability: str, edited: bool) -> None:
    """The old one goes if it is what was to be replaced, and is kept if somebody had it open and wrote to it."""
    local = on(make, ability)
    stamp = local.stamp("d/a.txt")
    with open(local.root / "d" / "a.txt", "ab") as editor:

        def save() -> None:
            if edited:
                editor.write(b" and edited")
                editor.flush()
            local.write("d/a.txt", b"mine")

        with right_before(renames.rename_new, save), pytest.raises(LocalChanged):
            local.download("d/a.txt", b"new", stamp)
    local.leftovers()
    files = local.files()
    assert files.pop("d/a.txt") == b"mine"
    assert list(files.values()) == ([b"old and edited"] if edited else [])
    assert is_clean(local)


@pytest.mark.parametrize("ability", ABILITIES)
@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_comes_right_before_a_new_file_stays(make: Make, ability: str, there: str) -> None:
    local = on(make, ability)
    path = local.root / "d" / "new"

    def appear() -> None:
        if there == "file":
            path.write_bytes(b"mine")
        elif there == "folder":
            path.mkdir()
        else:
            path.symlink_to("a.txt")
        seen.append(facts(path))

    seen: list[tuple[int, ...]] = []
    with right_before(renames.rename_new, appear), pytest.raises(LocalChanged):
        local.download("d/new", b"new")
    assert [facts(path)] == seen
    assert is_clean(local)


def test_its_folder_is_moved_away_right_before(local: LocalFolder) -> None:
    """It lands in the folder that it was decided for, wherever that is now, and nowhere else."""
    local.write("d/a.txt", b"old")
    stamp = local.stamp("d/a.txt")
    with right_before(renames.exchange, lambda: (local.root / "d").rename(local.root / "e")):
        local.download("d/a.txt", b"new", stamp)
    assert local.files() == {"e/a.txt": b"new"}


# the trash ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ability", ABILITIES)
def test_an_edit_right_before_it_is_trashed_brings_it_back(make: Make, ability: str) -> None:
    local = on(make, ability)
    stamp = local.stamp("d/a.txt")
    with right_before(Bin.slot, lambda: local.write("d/a.txt", b"mine")), pytest.raises(LocalChanged):
        local.folder.trash("d/a.txt", stamp)
    assert local.files() == {"d/a.txt": b"mine"}
    assert is_clean(local)


def test_an_edit_that_was_seen_too_late_is_in_the_trash(local: LocalFolder) -> None:
    local.write("a", b"old")
    with open(local.root / "a", "ab") as editor:
        entry = local.folder.trash("a", local.stamp("a"))
        editor.write(b" and edited")
    local.trash.restore(entry.id)
    assert local.files() == {"a": b"old and edited"}


@pytest.mark.parametrize("ability", ABILITIES)
def test_it_does_not_come_back_over_a_new_file(make: Make, ability: str) -> None:
    local = on(make, ability)
    stamp = local.stamp("d/a.txt")

    moments = right_before(
        Bin.slot,
        lambda: local.write("d/a.txt", b"mine"),
        (changing.holds, lambda: local.write("d/a.txt", b"another")),
    )
    with moments, pytest.raises(LocalChanged):
        local.folder.trash("d/a.txt", stamp)
    assert local.files() == {"d/a.txt": b"another"}
    assert local.hidden() == {b"mine"}
    (entry,) = local.trash.list()
    assert entry.name == "d/a.txt"


# moves --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ability", ABILITIES)
@pytest.mark.parametrize("kind", list(Kind))
def test_another_one_right_before_a_move_gets_its_name_back(make: Make, ability: str, kind: Kind) -> None:
    local = on(make, ability)
    (local.root / "e").mkdir()
    old = "d/a.txt" if kind is Kind.FILE else "d"
    expected = local.stamp(old) if kind is Kind.FILE else None

    def swap() -> None:
        (local.root / old).rename(local.root / "aside")
        if kind is Kind.FILE:
            local.write(old, b"another")
        else:
            (local.root / old).mkdir()

    with right_before(renames.rename_new, swap), pytest.raises(LocalChanged):
        local.folder.move(old, "e/new", expected)
    assert (local.root / old).exists()
    assert (local.root / "aside").exists()
    assert os.listdir(local.root / "e") == []


@pytest.mark.parametrize("ability", ABILITIES)
def test_what_comes_right_before_a_move_stays(make: Make, ability: str) -> None:
    local = on(make, ability)
    stamp = local.stamp("d/a.txt")
    with right_before(renames.rename_new, lambda: local.write("new", b"mine")), pytest.raises(LocalChanged):
        local.folder.move("d/a.txt", "new", stamp)
    assert local.files() == {"d/a.txt": b"old", "new": b"mine"}


def test_a_file_that_goes_right_before_a_move(local: LocalFolder) -> None:
    local.write("a", b"old")
    stamp = local.stamp("a")
    with right_before(renames.rename_new, (local.root / "a").unlink), pytest.raises(LocalChanged):
        local.folder.move("a", "b", stamp)
    assert local.files() == {}


# attributes ---------------------------------------------------------------------------------------------------------


def test_an_edit_right_before_its_time_is_set_keeps_its_time(local: LocalFolder) -> None:
    local.write("a", b"old")
    stamp = local.stamp("a")
    with right_before(without_writers, lambda: local.write("a", b"new")), pytest.raises(LocalChanged):
        local.folder.set_attributes("a", stamp, mode=0o600, mtime_ns=1)
    assert local.stamp("a").mtime_ns != 1
    assert local.stamp("a").mode == stamp.mode


def test_another_file_right_before_its_time_is_set(local: LocalFolder) -> None:
    local.write("a", b"old")
    stamp = local.stamp("a")

    def swap() -> None:
        local.write("b", b"new")
        (local.root / "b").rename(local.root / "a")

    with right_before(without_writers, swap), pytest.raises(LocalChanged):
        local.folder.set_attributes("a", stamp, mode=None, mtime_ns=1)
    assert local.stamp("a").mtime_ns != 1
    assert local.files() == {"a": b"new"}
