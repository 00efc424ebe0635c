"""Both sides have changed: both contents are kept, under names that say so, on both sides."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.synced import Machine, Place

from pithosfs.errors import NotFound, UsageError
from pithosfs_daemon.conflicts import Keep, find_conflict, open_conflicts, resolve
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.values import Reason


def conflict_of(one: Machine) -> str:
    found = [name for name in one.tree() if "conflict" in name]
    assert len(found) == 1, found
    return found[0]


def test_two_changes_keep_both(one: Machine, two: Machine) -> None:
    one.write("letter.txt", b"draft")
    one.settle()
    two.settle()
    one.write("letter.txt", b"by one")
    two.write("letter.txt", b"by two")
    one.settle()
    two.settle()
    one.settle()
    copy = conflict_of(two)
    assert one.tree() == two.tree() == {"letter.txt": b"by one", copy: b"by two"}
    assert copy.startswith(f"letter (conflict {two.host} ")
    assert copy.endswith(").txt")


def test_the_first_link_of_two_full_sides(one: Machine, place: Place) -> None:
    for name, data in (("same", b"same"), ("other", b"theirs"), ("only there", b"1"), ("d/same", b"deep")):
        place.put(name, data)
    for name, data in (("same", b"same"), ("other", b"ours"), ("only here", b"2"), ("d/same", b"deep")):
        one.write(name, data)
    one.settle()
    copy = conflict_of(one)
    assert one.tree() == place.tree() == {
        "same": b"same", "other": b"theirs", copy: b"ours", "only there": b"1", "only here": b"2", "d": None,
        "d/same": b"deep",
    }  # fmt: skip
    assert "same" not in one.done("upload", "download")
    assert one.trashed() == []


def test_contents_that_share_a_hash_are_told_apart(one: Machine, two: Machine, place: Place) -> None:
    one.write("padded", b"abc")
    one.settle()
    two.settle()
    one.write("padded", b"abc\0")
    two.write("padded", b"abc\0\0")
    one.settle()
    two.settle()
    one.settle()
    copy = conflict_of(one)
    assert one.tree() == two.tree() == {"padded": b"abc\0", copy: b"abc\0\0"}
    place.put("padded", b"abc")
    one.settle()
    assert one.read("padded") == b"abc"


@pytest.mark.parametrize("local_first", [True, False])
def test_a_file_here_and_a_folder_there(one: Machine, two: Machine, local_first: bool) -> None:
    one.write("x", b"file")
    two.write("x/inside", b"folder")
    for machine in (one, two) if local_first else (two, one):
        machine.settle()
    one.settle()
    two.settle()
    one.settle()
    copy = conflict_of(one)
    assert one.tree() == two.tree() == {"x": None, "x/inside": b"folder", copy: b"file"}


def test_a_file_replaced_by_a_folder_and_back(one: Machine, two: Machine) -> None:
    one.write("x", b"file")
    for number in range(3):
        one.write(f"keep{number}", b"k")
    one.settle()
    two.settle()
    (one.folder / "x").unlink()
    one.write("x/inside", b"folder")
    one.settle()
    two.settle()
    assert two.read("x/inside") == b"folder"
    (two.folder / "x" / "inside").unlink()
    (two.folder / "x").rmdir()
    two.write("x", b"file again")
    two.settle()
    one.settle()
    assert one.read("x") == b"file again"


def test_a_folder_replaced_by_a_file_while_something_in_it_was_changed(one: Machine, two: Machine) -> None:
    one.write("x/inside", b"1")
    for number in range(3):
        one.write(f"keep{number}", b"k")
    one.settle()
    two.settle()
    (one.folder / "x" / "inside").unlink()
    (one.folder / "x").rmdir()
    one.write("x", b"file now")
    two.write("x/inside", b"changed")
    two.settle()
    one.settle()
    two.settle()
    one.settle()
    assert one.tree() == two.tree()
    contents = set(one.tree().values())
    assert {b"file now", b"changed"} <= contents


def test_a_file_that_gets_objects_below_it_makes_room_for_them(one: Machine, two: Machine, place: Place) -> None:
    """In the cloud a name can be both, so two machines can make a file and a folder of one name at the same time."""
    one.write("d", b"file")
    one.settle()
    place.put("d/inside", b"folder")
    one.settle()
    two.settle()
    one.settle()
    copy = conflict_of(one)
    assert one.tree() == two.tree() == place.tree() == {"d": None, "d/inside": b"folder", copy: b"file"}


def test_a_file_with_objects_below_it_that_others_have_made_is_left_alone(one: Machine, place: Place) -> None:
    place.put("d", b"file")
    place.put("d/inside", b"folder")
    outcome = one.settle()
    assert one.tree() == {"d": None, "d/inside": b"folder"}
    assert [(trouble.name, trouble.reason) for trouble in outcome.troubles] == [("d", Reason.IN_THE_WAY)]
    assert place.read("d") == b"file"
    place.store.delete(place.path("d"))
    assert one.settle().troubles == ()
    place.store.delete(place.path("d/inside"))
    place.put("d", b"only a file")
    one.settle()
    assert one.tree() == {"d": b"only a file"}


def test_a_second_conflict_of_the_same_name_gets_a_name_of_its_own(one: Machine, two: Machine) -> None:
    one.write("a", b"0")
    one.settle()
    two.settle()
    for number in range(3):
        one.write("a", b"one %d" % number)
        two.write("a", b"two %d" % number)
        one.settle()
        two.settle()
        one.settle()
    contents = set(one.tree().values())
    assert contents == {b"one 2", b"two 0", b"two 1", b"two 2"}


def test_names_with_little_room(one: Machine, two: Machine) -> None:
    name = "n" * 250 + ".txt"
    one.write(name, b"0")
    one.settle()
    two.settle()
    one.write(name, b"by one")
    two.write(name, b"by two")
    one.settle()
    two.settle()
    one.settle()
    assert sorted(one.tree().values(), key=str) == sorted([b"by one", b"by two"], key=str)
    assert all(len(os.fsencode(one)) <= 255 for one in two.tree())


# resolving ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clash(one: Machine, two: Machine) -> tuple[Machine, Machine, str]:
    """A conflict copy on `two`, whose content is "mine"."""
    one.write("a", b"0")
    one.write("b", b"b")
    one.settle()
    two.settle()
    one.write("a", b"theirs")
    two.write("a", b"mine")
    one.settle()
    two.settle()
    return one, two, conflict_of(two)


def decide(machine: Machine, name: str, keep: Keep) -> None:
    with Folder(machine.pair) as folder:
        resolve(folder, machine.state, find_conflict(folder, machine.state, name), keep)


def test_keep_mine(clash: tuple[Machine, Machine, str], place: Place) -> None:
    one, two, _ = clash
    decide(two, "a", Keep.MINE)
    two.settle()
    one.settle()
    assert one.tree() == two.tree() == {"a": b"mine", "b": b"b"}
    assert place.versions("a")[-2:] == [b"theirs", b"mine"]
    assert two.trashed() == [b"theirs"]


def test_keep_theirs(clash: tuple[Machine, Machine, str]) -> None:
    one, two, copy = clash
    decide(two, copy, Keep.THEIRS)
    two.settle()
    one.settle()
    assert one.tree() == two.tree() == {"a": b"theirs", "b": b"b"}
    assert two.trashed() == [b"mine"]


def test_keep_both(clash: tuple[Machine, Machine, str]) -> None:
    _, two, copy = clash
    decide(two, "a", Keep.BOTH)
    assert two.tree() == {"a": b"theirs", "b": b"b", copy: b"mine"}
    with Folder(two.pair) as folder, pytest.raises(NotFound):
        find_conflict(folder, two.state, "a")


def test_keep_theirs_where_the_copy_is_theirs(one: Machine, place: Place) -> None:
    """A file of theirs that a folder of ours has displaced, whose folder is gone since."""
    one.write("x/inside", b"ours")
    place.put("x", b"theirs")
    one.settle()
    copy = conflict_of(one)
    assert one.tree() == {"x": None, "x/inside": b"ours", copy: b"theirs"}
    with pytest.raises(UsageError, match="folder"):
        decide(one, "x", Keep.THEIRS)
    (one.folder / "x" / "inside").rename(one.folder / "elsewhere")
    (one.folder / "x").rmdir()
    decide(one, "x", Keep.THEIRS)
    one.settle()
    assert one.tree() == place.tree() == {"x": b"theirs", "elsewhere": b"ours"}
    assert one.trashed() == []


def test_keep_mine_where_the_copy_is_theirs(one: Machine, place: Place) -> None:
    one.write("x/inside", b"ours")
    place.put("x", b"theirs")
    one.settle()
    decide(one, "x", Keep.MINE)
    one.settle()
    assert one.tree() == place.tree() == {"x": None, "x/inside": b"ours"}
    assert one.trashed() == [b"theirs"]


def test_a_conflict_that_was_dealt_with_by_hand_is_none_any_more(clash: tuple[Machine, Machine, str]) -> None:
    _, two, copy = clash
    (two.folder / copy).unlink()
    two.settle()
    with Folder(two.pair) as folder:
        assert open_conflicts(folder, two.state) == []


def test_conflicts_survive_a_restart(clash: tuple[Machine, Machine, str]) -> None:
    _, two, copy = clash
    two.restart()
    with Folder(two.pair) as folder:
        assert [(one.name, one.copy) for one in open_conflicts(folder, two.state)] == [("a", copy)]


# edits that land in between -------------------------------------------------------------------------------------------


def test_an_edit_that_lands_while_a_download_comes(
    machine: Callable[..., Machine], place: Place, proxy: Callable[..., object], cloud: object, tmp_path: Path
) -> None:
    """The local file is written to between the decision and the end of the download: both contents are kept."""
    wire = proxy(cloud)
    one = machine(through=wire)
    path = one.write("a", b"0")
    one.write("b", b"b")
    one.settle()
    place.put("a", b"from the cloud")
    edited: list[bool] = []

    def edit(request: object) -> bool:
        if getattr(request, "method", "") == "GET" and "/a?" in getattr(request, "target", "") and not edited:
            path.write_bytes(b"edited here")
            edited.append(True)
        return False

    wire.when(edit, None)  # type: ignore[attr-defined]
    one.settle()
    assert edited
    assert set(one.tree().values()) == {b"from the cloud", b"edited here", b"b"}
    assert set(place.tree().values()) == {b"from the cloud", b"edited here", b"b"}


def test_a_remote_edit_that_lands_while_an_upload_goes(
    machine: Callable[..., Machine], place: Place, proxy: Callable[..., object], cloud: object
) -> None:
    wire = proxy(cloud)
    one = machine(through=wire)
    one.write("a", b"0")
    one.settle()
    one.write("a", b"edited here")
    done: list[bool] = []

    def edit(request: object) -> bool:
        if getattr(request, "method", "") == "PUT" and not done:
            done.append(True)
            place.put("a", b"edited there")
        return False

    wire.when(edit, None)  # type: ignore[attr-defined]
    one.settle()
    assert done
    assert set(one.tree().values()) == {b"edited there", b"edited here"}
    assert one.read("a") == b"edited there"


def test_a_program_that_still_writes_to_what_a_download_has_replaced(one: Machine, place: Place) -> None:
    path = one.write("a", b"0" * 10)
    one.write("b", b"b")
    one.settle()
    with path.open("r+b", buffering=0) as program:
        place.put("a", b"from the cloud")
        one.sync()
        assert path.read_bytes() == b"from the cloud"
        program.write(b"still here")
        one.sync()
    one.settle()
    copy = conflict_of(one)
    assert one.tree() == place.tree() == {"a": b"from the cloud", "b": b"b", copy: b"still here"}
    with Folder(one.pair) as folder:
        assert [(found.name, found.copy) for found in open_conflicts(folder, one.state)] == [("a", copy)]
