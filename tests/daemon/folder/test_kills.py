"""kill -9 right before every single system call of a change: after a restart the name has the old content or the new
one, and whatever somebody wrote is somewhere."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest
from fixtures.local_folder import ABILITIES, LocalFolder, killed_at

from pithosfs_daemon.folder.probing import Nature
from pithosfs_daemon.values import Seen

Make = Callable[..., LocalFolder]


def each_kill(make: Make, work: Callable[[LocalFolder], object], ability: str) -> Iterator[LocalFolder]:
    """A fresh folder with `a` and `d/b`, in which `work` was killed at its first call, at its second, and so on."""
    for step in itertools.count():
        local = make(nature=Nature(can=ABILITIES[ability]))
        local.write("a", b"old")
        local.write("d/b", b"other")
        local.folder.look("a")

        def at_once(local: LocalFolder = local) -> None:
            work(local)

        died = killed_at(step, at_once)
        local.restart()
        yield local
        local.close()
        if not died:
            assert step > 3
            return
        assert step < 500


def is_clean(local: LocalFolder) -> bool:
    return local.private("parts") == local.private("replaced") == []


@pytest.mark.parametrize("ability", ABILITIES)
def test_a_new_download(make: Make, ability: str) -> None:
    outcomes = set()
    for local in each_kill(make, lambda local: local.download("d/new", b"new", mtime_ns=5), ability):
        assert local.leftovers() == []
        files = local.files()
        assert files.pop("a") == b"old"
        assert files.pop("d/b") == b"other"
        outcomes.add(tuple(files.items()))
        for name in files:
            if files[name] == b"new":
                assert local.stamp(name).mtime_ns == 5
        assert is_clean(local)
    expected: set[tuple[tuple[str, bytes], ...]] = {(), (("d/new", b"new"),)}
    if ability == "nothing":
        expected.add((("d/new", b""),))  # its name was taken first
    assert outcomes == expected


@pytest.mark.parametrize("ability", ABILITIES)
def test_a_download_over_a_file(make: Make, ability: str) -> None:
    outcomes = set()
    for local in each_kill(make, lambda local: local.download("a", b"new", local.stamp("a")), ability):
        visible = local.files()
        assert visible.get("a") in (
            b"old",
            b"new",
            *([None] if ability != "everything" else []),
            *([b""] if ability == "nothing" else []),
        )
        assert {b"old", b"new"} & (set(visible.values()) | local.hidden())
        assert local.leftovers() == []
        files = local.files()
        outcomes.add(files.pop("a"))
        assert files == {"d/b": b"other"}
        assert is_clean(local)
        assert local.trash.list() == []
    assert outcomes >= {b"old", b"new"}
    assert outcomes <= {b"old", b"new", b""}
    assert (b"" in outcomes) <= (ability == "nothing")


@pytest.mark.parametrize("ability", ["everything", "no exchange"])
def test_a_download_over_a_file_that_an_editor_has_open(make: Make, ability: str) -> None:
    """The editor writes when the daemon is dead already."""
    kept = set()

    def work(local: LocalFolder) -> None:
        local.download("a", b"new", local.stamp("a"))

    for step in itertools.count():
        local = make(nature=Nature(can=ABILITIES[ability]))
        local.write("a", b"old")
        with open(local.root / "a", "ab") as editor:

            def at_once(local: LocalFolder = local) -> None:
                work(local)

            died = killed_at(step, at_once)
            editor.write(b" and edited")
        local.restart()
        copies = local.leftovers()
        contents = sorted(local.files().values())
        assert contents in ([b"new", b"old and edited"], [b"old and edited"])
        assert (len(contents) == 2) == bool(copies)
        kept.add(len(contents))
        assert is_clean(local)
        local.close()
        if not died:
            break
    assert kept == {1, 2}


@pytest.mark.parametrize("ability", ABILITIES)
def test_trashing(make: Make, ability: str) -> None:
    outcomes = set()
    for local in each_kill(make, lambda local: local.folder.trash("a", local.stamp("a")), ability):
        assert local.leftovers() == []
        files = local.files()
        assert files.pop("d/b") == b"other"
        in_trash = [(entry.name, entry.size) for entry in local.trash.list()]
        outcomes.add((tuple(files.values()), tuple(in_trash)))
        if not files:
            local.trash.restore(local.trash.list()[0].id)
            assert local.files()["a"] == b"old"
    assert outcomes == {((b"old",), ()), ((), (("a", 3),))}


def test_restoring(make: Make) -> None:
    def work(local: LocalFolder) -> None:
        local.trash.restore(local.trash.list()[0].id, "e/restored")

    outcomes = set()
    for step in itertools.count():
        local = make()
        local.folder.trash("a", local.written("a", b"old"))

        def at_once(local: LocalFolder = local) -> None:
            work(local)

        died = killed_at(step, at_once)
        local.restart()
        files = local.files()
        assert set(files) <= {"e/restored"}
        assert {b"old"} == set(files.values()) | local.hidden()
        outcomes.add((bool(files), len(local.trash.list())))
        local.close()
        if not died:
            break
    assert outcomes >= {(False, 1), (True, 0)}


@pytest.mark.parametrize("ability", ABILITIES)
def test_moving(make: Make, ability: str) -> None:
    for local in each_kill(make, lambda local: local.folder.move("a", "d/moved", local.stamp("a")), ability):
        assert local.leftovers() == []
        files = local.files()
        assert files.pop("d/b") == b"other"
        assert b"old" in files.values()
        assert set(files) <= {"a", "d/moved"}
        if ability != "nothing":
            assert set(files.values()) == {b"old"}


def test_emptying_the_trash(make: Make) -> None:
    for local in each_kill(make, lambda local: empty_all(local), "everything"):
        entries = local.trash.list()
        assert len(entries) <= 2
        assert local.files() == {} or len(entries) < 2
        local.trash.empty()
        assert local.trash.list() == []


def empty_all(local: LocalFolder) -> None:
    for name in ("a", "d/b"):
        seen = local.folder.look(name)
        assert isinstance(seen, Seen)
        local.folder.trash(name, seen.stamp)
    local.trash.empty()


def test_opening(make: Make) -> None:
    """Trying the file system out leaves nothing behind for long."""
    local = make()
    local.folder.close()
    marker = local.root / ".pithosfs" / "marker"
    for step in itertools.count():
        os.utime(marker, ns=(step, step))  # another folder, for all that this process knows

        def at_once() -> None:
            type(local.folder)(local.pair)

        died = killed_at(step, at_once)
        if not died:
            break
    trials = [name for name in local.private() if name.startswith("probe-")]
    assert trials
    for name in trials:
        os.utime(local.root / ".pithosfs" / name, (0, 0))
    local.folder = type(local.folder)(local.pair)
    local.leftovers()
    assert [name for name in local.private() if name.startswith("probe-")] == []
