"""What one side did is carried to the other: contents, folders, deletions, renames, mode and time."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.proxy import Drop, FaultProxy, Request
from fixtures.synced import Machine, Place

from pithosfs_daemon.values import Direction, Dirty, Reason

BLOCK = 4 * 1024 * 1024


def test_what_is_written_here_comes_to_the_cloud(one: Machine, place: Place) -> None:
    one.write("a", b"first")
    one.write("deep/er/b", b"second")
    (one.folder / "empty").mkdir()
    one.settle()
    assert place.tree() == {"a": b"first", "deep": None, "deep/er": None, "deep/er/b": b"second", "empty": None}
    assert place.tree() == one.tree()


def test_what_is_in_the_cloud_comes_here(one: Machine, place: Place) -> None:
    place.put("x/y/z", b"data")
    place.put("marker", b"", content_type="application/directory")
    place.put("big", b"", content_type="text/plain")
    one.settle()
    assert one.tree() == {"x": None, "x/y": None, "x/y/z": b"data", "marker": None, "big": b""}


def test_a_pass_in_which_nothing_changed_is_one_request(one: Machine, place: Place, cloud: object) -> None:
    one.write("a", b"1")
    one.settle()
    one.settle()
    before = place.store.traffic().requests
    outcome = one.run()
    assert (outcome.in_step, outcome.changed) == (True, 0)
    assert place.store.traffic().requests - before == 1


def test_many_new_folders_and_small_files_are_a_handful_of_requests(one: Machine, two: Machine, place: Place) -> None:
    one.settle()
    for number in range(60):
        for file in "abc":
            one.write(f"in/{number}/{file}", b"%d" % number)
        (one.folder / "empty" / f"{number}").mkdir(parents=True)
    before = place.store.traffic().requests
    outcome = one.run()
    assert (outcome.in_step, outcome.changed) == (True, 180 + 122)
    assert place.store.traffic().requests - before == 1 + 2 + 2  # a list, 122 folders, 180 files
    assert len(one.done("make remote folder")) == 122
    two.settle()
    assert one.tree() == two.tree() == place.tree()


def test_folders_are_there_before_what_is_in_them(
    machine: Callable[..., Machine], cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy], place: Place
) -> None:
    wire = proxy(cloud)
    one = machine(through=wire)
    one.settle()
    for number in range(120):
        one.write(f"in/{number % 3}/{number}", b"%d" % number)
    begun: list[float] = []

    def put(request: Request) -> bool:
        if request.method == "PUT":
            begun.append(time.monotonic())
        return False

    wire.when(put, Drop())
    wire.delay = 0.3
    one.run()
    assert len(begun) == 3  # the folders, and two for the files
    assert begun[1] - begun[0] >= 0.3
    assert place.tree() == one.tree()


def test_changes_and_deletions_go_both_ways(one: Machine, two: Machine) -> None:
    for name in "abcdef":
        one.write(name, name.encode())
    one.settle()
    two.settle()
    one.write("a", b"changed by one")
    two.write("b", b"changed by two")
    (one.folder / "c").unlink()
    (two.folder / "d").unlink()
    one.settle()
    two.settle()
    one.settle()
    wanted = {"a": b"changed by one", "b": b"changed by two", "e": b"e", "f": b"f"}
    assert one.tree() == two.tree() == wanted
    assert (one.trash(), two.trash()) == (["d"], ["c"])


def test_a_deleted_file_is_in_the_trash_and_in_the_history(one: Machine, two: Machine, place: Place) -> None:
    for name in ("a", "b", "c"):
        one.write(name, f"content of {name}".encode())
    one.settle()
    two.settle()
    (one.folder / "a").unlink()
    one.settle()
    two.settle()
    assert two.trashed() == [b"content of a"]
    assert place.versions("a") == [b"content of a"]


def test_a_change_wins_over_a_deletion(one: Machine, two: Machine) -> None:
    for name in "abc":
        one.write(name, name.encode())
    one.settle()
    two.settle()
    (one.folder / "a").unlink()
    two.write("a", b"still needed")
    (two.folder / "b").unlink()
    one.write("b", b"this too")
    one.settle()
    two.settle()
    one.settle()
    assert one.tree() == two.tree() == {"a": b"still needed", "b": b"this too", "c": b"c"}


def test_mode_and_time_are_kept(one: Machine, two: Machine) -> None:
    script = one.write("run", b"#!/bin/sh\n")
    script.chmod(0o755)
    os.utime(script, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    one.settle()
    two.settle()
    there = (two.folder / "run").stat()
    assert stat.S_IMODE(there.st_mode) == 0o755
    assert there.st_mtime_ns == 1_600_000_000_123_456_789


def test_a_change_of_mode_alone_moves_no_content(one: Machine, two: Machine, place: Place) -> None:
    one.write("run", b"x" * 100_000)
    one.settle()
    two.settle()
    (one.folder / "run").chmod(0o755)
    sent = place.store.traffic().sent
    one.settle()
    assert place.store.traffic().sent - sent < 1000
    received = place.store.traffic().received
    two.settle()
    assert stat.S_IMODE((two.folder / "run").stat().st_mode) == 0o755
    assert place.store.traffic().received - received < 10_000
    assert (one.done("upload"), two.done("download")) == (["run"], ["run"])


def test_touching_without_changing_sends_no_content(one: Machine) -> None:
    path = one.write("a", b"same")
    one.settle()
    path.write_bytes(b"same")
    one.settle()
    assert one.done("upload") == ["a"]


def test_the_set_id_bits_of_a_cloud_are_not_taken_over(one: Machine, place: Place) -> None:
    place.put("bad", b"#!/bin/sh\n", meta={"mode": "6755"})
    one.settle()
    assert stat.S_IMODE((one.folder / "bad").stat().st_mode) == 0o755


# renames --------------------------------------------------------------------------------------------------------------


def test_a_renamed_file_is_renamed_everywhere_and_no_content_moves(one: Machine, two: Machine, place: Place) -> None:
    one.write("old", b"x" * 200_000)
    one.settle()
    two.settle()
    before = place.objects()["old"]
    (one.folder / "old").rename(one.folder / "new")
    one.settle()
    assert place.objects()["new"].uuid == before.uuid
    two.settle()
    assert two.tree() == {"new": b"x" * 200_000}
    assert one.done("moved remote") == ["old"]
    assert two.done("moved local") == ["old"]
    assert (one.done("upload"), two.done("download")) == (["old"], ["old"])


def test_a_renamed_folder_is_one_request(one: Machine, two: Machine, place: Place) -> None:
    for number in range(50):
        one.write(f"old/in/{number}", b"%d" % number)
    one.settle()
    two.settle()
    inode = (two.folder / "old").stat().st_ino
    (one.folder / "old").rename(one.folder / "new")
    requests = place.store.traffic().requests
    one.run()
    assert place.store.traffic().requests - requests < 15
    two.settle()
    one.settle()
    assert one.tree() == two.tree() == place.tree()
    assert (two.folder / "new").stat().st_ino == inode
    assert two.done("download") == [f"old/in/{number}" for number in range(50)] or len(two.done("download")) == 50
    requests = place.store.traffic().requests
    assert (one.run().changed, two.run().changed) == (0, 0)


@pytest.mark.parametrize("before", ["implied", "another"])
def test_a_folder_whose_marker_comes_later_is_renamed_as_one(
    one: Machine, two: Machine, place: Place, before: str
) -> None:
    for number in range(5):
        place.put(f"old/{number}", b"%d" % number)
    if before == "another":
        place.put("old", b"", content_type="application/directory")
    one.settle()
    two.settle()
    if before == "another":
        place.store.delete(place.path("old"))
    place.put("old", b"", content_type="application/directory")
    one.settle()
    two.settle()
    (one.folder / "old").rename(one.folder / "new")
    one.settle()
    two.settle()
    assert (one.done("moved remote"), two.done("moved local")) == (["old"], ["old"])
    assert one.tree() == two.tree() == place.tree()


def test_a_folder_renamed_on_the_other_machine_takes_along_what_is_being_written_here(
    one: Machine, two: Machine
) -> None:
    one.write("old/a", b"a")
    one.settle()
    two.settle()
    two.write("old/mine", b"mine")
    two.write("old/a", b"changed by two")
    (one.folder / "old").rename(one.folder / "new")
    one.settle()
    two.settle()
    one.settle()
    assert one.tree() == two.tree() == {"new": None, "new/a": b"changed by two", "new/mine": b"mine"}


def test_a_rename_that_only_changes_the_case(one: Machine, two: Machine) -> None:
    one.write("Readme", b"text")
    one.settle()
    two.settle()
    (one.folder / "Readme").rename(one.folder / "README")
    one.settle()
    two.settle()
    assert two.tree() == {"README": b"text"}
    assert two.done("moved local") == ["Readme"]


def test_a_file_renamed_over_another_is_a_new_version_of_that(one: Machine, two: Machine, place: Place) -> None:
    one.write("a", b"content of a")
    one.write("b", b"content of b")
    one.settle()
    two.settle()
    kept = place.objects()["b"].uuid
    (one.folder / "a").rename(one.folder / "b")
    one.settle()
    two.settle()
    assert one.tree() == two.tree() == {"b": b"content of a"}
    assert place.objects()["b"].uuid == kept
    assert place.versions("b") == [b"content of b", b"content of a"]


def test_an_office_style_save_is_a_new_version(one: Machine, two: Machine, place: Place) -> None:
    path = one.write("letter.odt", b"one")
    one.settle()
    two.settle()
    kept = place.objects()["letter.odt"].uuid
    new = path.with_name("letter.odt.tmp")
    new.write_bytes(b"two")
    path.rename(path.with_name("letter.odt.bak"))
    new.rename(path)
    path.with_name("letter.odt.bak").unlink()
    one.settle()
    two.settle()
    assert two.tree() == {"letter.odt": b"two"}
    assert place.objects()["letter.odt"].uuid == kept


def test_folders_moved_out_of_and_into_the_tree(one: Machine, two: Machine, tmp_path: Path) -> None:
    for number in range(4):
        one.write(f"stay/{number}", b"%d" % number)
    one.write("go/a", b"a")
    one.settle()
    two.settle()
    shutil.move(one.folder / "go", tmp_path / "elsewhere")
    one.settle()
    two.settle()
    assert sorted(two.tree()) == ["stay", *(f"stay/{number}" for number in range(4))]
    shutil.move(tmp_path / "elsewhere", one.folder / "back")
    one.settle()
    two.settle()
    assert two.read("back/a") == b"a"


# large files ----------------------------------------------------------------------------------------------------------


def test_one_changed_byte_sends_little_and_fetches_one_block(one: Machine, two: Machine, place: Place) -> None:
    data = bytearray(os.urandom(6 * BLOCK + 12345))
    path = one.write("big", bytes(data))
    one.settle()
    two.settle()
    with path.open("r+b") as file:
        file.seek(3 * BLOCK + 77)
        file.write(b"\xff" if data[3 * BLOCK + 77] != 0xFF else b"\0")
    sent = place.store.traffic().sent
    one.settle()
    assert place.store.traffic().sent - sent < 200_000
    received = place.store.traffic().received
    two.settle()
    assert place.store.traffic().received - received < BLOCK + 100_000
    assert two.read("big") == path.read_bytes()


def test_a_copy_made_in_the_cloud_is_not_fetched(one: Machine, place: Place) -> None:
    one.write("big", os.urandom(3 * BLOCK))
    one.write("small", b"s" * 100_000)
    one.settle()
    place.store.copy(place.path("big"), place.path("big copy"))
    place.store.copy(place.path("small"), place.path("small copy"))
    received = place.store.traffic().received
    one.settle()
    assert place.store.traffic().received - received < 50_000
    assert one.read("big copy") == one.read("big")
    assert one.read("small copy") == one.read("small")


# rules and directions -------------------------------------------------------------------------------------------------


def test_ignored_names_are_left_alone_on_both_sides(machine: Callable[..., Machine], place: Place) -> None:
    one = machine(excludes=("*.tmp", "build/"))
    one.write("keep", b"1")
    one.write("x.tmp", b"2")
    one.write("build/out", b"3")
    place.put("there.tmp", b"4")
    place.put("build/theirs", b"5")
    one.settle()
    assert sorted(place.objects()) == ["build/theirs", "keep", "there.tmp"]
    assert sorted(one.tree()) == ["build", "build/out", "keep", "x.tmp"]


def test_the_ignore_file_is_synced_and_works_at_once(one: Machine, two: Machine, place: Place) -> None:
    one.write(".pithosignore", b"*.log\n")
    one.write("a.log", b"noise")
    one.settle()
    two.write("b.log", b"noise")
    two.settle()
    assert sorted(place.objects()) == [".pithosignore"]
    one.write(".pithosignore", b"nothing\n")
    one.settle()
    two.settle()
    one.settle()
    assert one.tree() == two.tree()
    assert one.read("b.log") == b"noise"


def test_what_becomes_ignored_is_not_deleted(one: Machine, two: Machine, place: Place) -> None:
    for name in ("a.log", "b", "c"):
        one.write(name, b"1")
    one.settle()
    two.settle()
    one.write(".pithosignore", b"*.log\n")
    (one.folder / "a.log").unlink()
    one.settle()
    two.settle()
    assert "a.log" in place.objects()
    assert "a.log" in two.tree()


def test_a_folder_with_nothing_but_ignored_things_outlives_its_deletion(one: Machine, two: Machine) -> None:
    one.write(".pithosignore", b"*.o\n")
    one.write("src/a.c", b"int a;")
    one.write("x", b"x")
    one.settle()
    two.settle()
    two.write("src/a.o", b"object")
    shutil.rmtree(one.folder / "src")
    one.settle()
    two.settle()
    one.settle()
    two.settle()
    assert sorted(two.tree()) == [".pithosignore", "src", "src/a.o", "x"]
    assert sorted(one.tree()) == [".pithosignore", "x"]


def test_a_pair_that_goes_up_only_never_changes_the_folder(machine: Callable[..., Machine], place: Place) -> None:
    one = machine(direction=Direction.UP)
    one.write("mine", b"mine")
    one.write("both", b"first")
    place.put("theirs", b"theirs")
    one.sync()
    assert sorted(one.tree()) == ["both", "mine"]
    place.put("both", b"changed there")
    one.write("both", b"changed here")
    one.sync()
    assert place.read("both") == b"changed here"
    copies = [name for name in place.objects() if "conflict" in name]
    assert [place.read(name) for name in copies] == [b"changed there"]
    place.store.delete(place.path("mine"))
    outcome = one.sync()
    assert sorted(one.tree()) == ["both", "mine"]
    assert {(trouble.name, trouble.reason) for trouble in outcome.troubles} >= {("theirs", Reason.ONE_WAY)}


def test_a_pair_that_goes_down_only_never_changes_the_cloud(machine: Callable[..., Machine], place: Place) -> None:
    one = machine(direction=Direction.DOWN)
    place.put("theirs", b"theirs")
    place.put("both", b"first")
    one.write("mine", b"mine")
    one.sync()
    assert sorted(place.objects()) == ["both", "theirs"]
    one.write("both", b"changed here")
    place.put("both", b"changed there")
    (one.folder / "theirs").unlink()
    one.sync()
    assert place.read("both") == b"changed there"
    assert one.read("both") == b"changed there"
    assert sorted(place.objects()) == ["both", "theirs"]
    copies = [name for name in one.tree() if "conflict" in name]
    assert [one.read(name) for name in copies] == [b"changed here"]


# what a watcher tells -------------------------------------------------------------------------------------------------


def test_only_what_may_have_changed_is_looked_at(one: Machine, place: Place) -> None:
    one.write("a", b"1")
    one.write("b", b"1")
    one.settle()
    one.write("a", b"2")
    one.write("b", b"2")
    one.run(scan=Dirty(frozenset({"a"})))
    assert (place.read("a"), place.read("b")) == (b"2", b"1")
    one.run(scan=Dirty(frozenset(), frozenset({""})))
    assert place.read("b") == b"2"


@pytest.mark.parametrize("told", ["name", "folder"])
def test_a_file_in_new_folders(one: Machine, place: Place, told: str) -> None:
    one.settle()
    one.write("x/y/z", b"deep")
    one.run(scan=Dirty(frozenset({"x/y/z"})) if told == "name" else Dirty(frozenset(), frozenset({"x"})))
    assert place.tree() == {"x": None, "x/y": None, "x/y/z": b"deep"}
    assert one.run().changed == 0


def test_a_vanished_folder_is_told_by_its_name(one: Machine, place: Place) -> None:
    one.write("x/y", b"1")
    for number in range(5):
        one.write(f"keep{number}", b"1")
    one.settle()
    shutil.rmtree(one.folder / "x")
    one.run(scan=Dirty(frozenset({"x"})))
    assert [name for name in place.objects() if name.startswith("x")] == []
