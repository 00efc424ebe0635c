"""Folders on file systems that ignore case, or Unicode forms, or can do little in one step: mounted for real."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.folding_filesystem import FoldingFilesystem, mounted
from fixtures.local_folder import LocalFolder
from fixtures.memory_filesystem import MemoryFilesystem

from pithosfs.mount import binding
from pithosfs_daemon.folder import Watcher
from pithosfs_daemon.folder.renames import Abilities
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind, Reason, Seen

pytestmark = pytest.mark.mount

COMPOSED, DECOMPOSED = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Callable[..., LocalFolder]]:
    """`on(filesystem)` is a synced folder on it."""
    opened: list[tuple[LocalFolder, Any]] = []

    def make(filesystem: MemoryFilesystem, choice: str = "fuse3") -> LocalFolder:
        root = tmp_path / f"mount-{len(opened)}"
        root.mkdir()
        serving = mounted(root, filesystem, choice)
        serving.__enter__()
        try:
            opened.append((LocalFolder(root / "folder"), serving))
        except BaseException:
            serving.__exit__(None, None, None)
            raise
        return opened[-1][0]

    yield make
    for local, serving in opened:
        local.close()
        serving.__exit__(None, None, None)


@pytest.fixture
def folding(on: Callable[..., LocalFolder]) -> LocalFolder:
    """A synced folder where case is ignored."""
    return on(FoldingFilesystem())


def test_case_is_found_to_be_ignored(folding: LocalFolder) -> None:
    assert folding.folder.folds
    assert folding.folder.fold("D/Name") == folding.folder.fold("d/nAME")
    assert folding.private() == ["lock", "marker"]  # nothing is left of trying


def test_an_ordinary_file_system_is_not_taken_for_one(on: Callable[..., LocalFolder]) -> None:
    assert not on(MemoryFilesystem()).folder.folds


def test_another_spelling_is_not_what_is_there(folding: LocalFolder) -> None:
    """The system would open it; for the sync it is another name."""
    folding.write("Dir/Name", b"x")
    assert (folding.root / "dir" / "NAME").read_bytes() == b"x"
    assert folding.kind("Dir/Name") is Kind.FILE
    for other in ("Dir/name", "dir/Name", "DIR/NAME", "dir", "dir/no"):
        assert folding.folder.look(other) is None
    assert not folding.folder.scan("dir").complete
    assert folding.folder.scan("Dir").entries.keys() == {"Name"}


def test_nothing_is_done_to_another_spelling(folding: LocalFolder) -> None:
    folding.write("Dir/Name", b"x")
    stamp = folding.stamp("Dir/Name")
    for work in (
        lambda: folding.download("Dir/name", b"new"),
        lambda: folding.download("Dir/name", b"new", stamp),
        lambda: folding.download("dir/other", b"new"),
        lambda: folding.folder.trash("Dir/NAME", stamp),
        lambda: folding.folder.trash("dir/Name", stamp),
        lambda: folding.folder.set_attributes("Dir/name", stamp, mode=0o600, mtime_ns=1),
        lambda: folding.folder.make_folder("dir"),
        lambda: folding.folder.remove_folder("dir"),
        lambda: folding.folder.move("Dir/name", "Dir/b", stamp),
        lambda: folding.folder.move("dir", "other", None),
        lambda: folding.folder.open("Dir/name", stamp),
    ):
        with pytest.raises(LocalChanged):
            work()
    assert folding.files() == {"Dir/Name": b"x"}
    assert folding.stamp("Dir/Name") == stamp


def test_a_rename_to_another_spelling_only(folding: LocalFolder) -> None:
    stamp = folding.written("Name", b"x")
    moved = folding.folder.move("Name", "NAME", stamp)
    assert sorted(folding.files()) == ["NAME"]
    assert folding.folder.look("NAME") == Seen(Kind.FILE, moved)
    folding.write("Dir/a", b"y")
    folding.folder.move("Dir", "dIR", None)
    assert folding.folder.scan("dIR").entries.keys() == {"a"}
    assert folding.private("replaced") == []


def test_a_move_onto_another_spelling_of_another_file(folding: LocalFolder) -> None:
    folding.write("one", b"1")
    folding.write("Two", b"2")
    with pytest.raises(LocalChanged):
        folding.folder.move("one", "two", folding.stamp("one"))
    assert folding.files() == {"one": b"1", "Two": b"2"}


def test_the_private_folder_is_private_in_every_spelling(folding: LocalFolder) -> None:
    trouble = folding.folder.local_trouble(".PithosFS/marker")
    assert trouble is not None
    assert trouble.reason is Reason.LOCAL_NAME
    assert folding.folder.name_of(folding.root / ".PITHOSFS" / "marker") is None
    assert folding.folder.scan("").entries == {}


def test_files_are_replaced_trashed_and_restored_there_too(folding: LocalFolder) -> None:
    put = folding.download("Name", b"one", mtime_ns=10**18)
    put = folding.download("Name", b"two", put.stamp)
    assert folding.hidden() == {b"one"}
    assert folding.leftovers() == []
    entry = folding.folder.trash("Name", put.stamp)
    folding.write("NAME", b"other")
    with pytest.raises(Exception, match="exists already"):
        folding.trash.restore(entry.id)
    folding.trash.restore(entry.id, "Back")
    assert folding.files() == {"NAME": b"other", "Back": b"two"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_file_systems_that_change_names(on: Callable[..., LocalFolder], form: str) -> None:
    """Whatever the form on the disk: in the cloud such names are NFC, and those in NFD cannot come here."""
    kept, other = COMPOSED, DECOMPOSED
    local = on(FoldingFilesystem(case=False, form=form))  # type: ignore[arg-type]
    assert local.folder.folds
    put = local.download(kept, b"x")
    assert set(os.listdir(local.root)) == {".pithosfs", unicodedata.normalize(form, kept)}  # type: ignore[arg-type]
    assert local.folder.scan("").entries == {kept: Seen(Kind.FILE, put.stamp)}
    assert local.folder.look(kept) == Seen(Kind.FILE, put.stamp)
    trouble = local.folder.local_trouble(other)
    assert trouble is not None
    assert trouble.reason is Reason.LOCAL_NAME
    local.folder.trash(kept, put.stamp)
    assert local.folder.scan("").entries == {}


def test_characters_that_such_file_systems_do_not_have(on: Callable[..., LocalFolder]) -> None:
    local = on(FoldingFilesystem(forbidden=':?*"'))
    for name in ("a:b", "what?", "d/a*"):
        trouble = local.folder.local_trouble(name)
        assert trouble is not None
        assert "no names with" in trouble.detail
    assert local.folder.local_trouble("a|b") is None


@pytest.mark.parametrize("choice", binding.CHOICES)
def test_what_it_can_do_in_one_step_is_found_out(on: Callable[..., LocalFolder], choice: str) -> None:
    local = on(MemoryFilesystem(), choice)
    is_fuse3 = binding.load({"PITHOSFS_FUSE": choice}).major == 3
    assert local.folder.abilities == Abilities(exchange=False, noreplace=is_fuse3, link=False)
    put = local.download("a", b"1")
    put = local.download("a", b"2", put.stamp)
    local.folder.move("a", "b", put.stamp)
    local.write("c", b"3")
    with pytest.raises(LocalChanged):
        local.folder.move("b", "c", local.stamp("b"))
    assert local.leftovers() == []
    assert local.files() == {"b": b"2", "c": b"3"}


def test_where_others_may_change_things_unseen_everything_is_scanned_now_and_then(
    on: Callable[..., LocalFolder], local: LocalFolder
) -> None:
    """Inotify tells only what this machine does; the file system here changes as a server's does."""
    filesystem = MemoryFilesystem()
    shared = on(filesystem)
    shared.write("a", b"x")
    with Watcher(shared.folder, rescan_every=0.1) as watcher:
        assert watcher.take().full
        filesystem.replace_content("/folder/a", b"theirs")
        assert watcher.wait(20)
        assert watcher.take().full
        assert watcher.problem is None
    with Watcher(local.folder, rescan_every=0.1) as watcher:
        assert watcher.take().full
        assert not watcher.wait(0.3)


class IgnoringFlags(MemoryFilesystem):
    """Takes every rename for an ordinary one, as more than one FUSE file system does."""

    def rename(self, old: str, new: str, flags: int = 0) -> None:
        super().rename(old, new)


def test_a_file_system_that_ignores_the_flags_of_renames_is_not_believed(on: Callable[..., LocalFolder]) -> None:
    local = on(IgnoringFlags())
    # (That a name is free the kernel itself looks after, for what it knows of.)
    assert local.folder.abilities == Abilities(noreplace=True)
    local.write("a", b"mine")
    with pytest.raises(LocalChanged):
        local.download("a", b"new")
    stamp = local.stamp("a")
    local.download("a", b"new", stamp)
    assert local.files() == {"a": b"new"}
    assert local.hidden() == {b"mine"}
