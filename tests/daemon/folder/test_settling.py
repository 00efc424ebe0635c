"""Replaced files are looked at once more: what somebody wrote to them is kept."""

from __future__ import annotations

import json
import mmap
import subprocess
import sys
from collections.abc import Callable

import pytest
from fixtures.local_folder import LocalFolder, copy_name

from pithosfs_daemon.folder.probing import Nature
from pithosfs_daemon.folder.renames import Abilities
from pithosfs_daemon.values import Seen


def test_without_replaced_files_there_is_nothing_to_do(local: LocalFolder) -> None:
    assert local.leftovers() == []
    assert local.private() == ["lock", "marker"]


def test_what_nobody_wrote_to_goes(limited: LocalFolder) -> None:
    limited.download("a", b"new", limited.written("a", b"old"))
    assert limited.hidden() == {b"old"}
    assert limited.leftovers() == []
    assert limited.hidden() == set()
    assert limited.files() == {"a": b"new"}


def test_what_an_open_editor_wrote_is_kept_beside_it(limited: LocalFolder) -> None:
    stamp = limited.written("d/a.txt", b"old")
    with open(limited.root / "d" / "a.txt", "ab") as editor:
        limited.download("d/a.txt", b"new", stamp)
        editor.write(b" and edited")
    assert limited.leftovers() == ["d/a (copy 1).txt"]
    assert limited.files() == {"d/a.txt": b"new", "d/a (copy 1).txt": b"old and edited"}
    assert limited.hidden() == set()
    assert limited.leftovers() == []


def test_while_somebody_can_still_write_it_stays(limited: LocalFolder) -> None:
    stamp = limited.written("a", b"old")
    with open(limited.root / "a", "ab") as editor:
        limited.download("a", b"new", stamp)
        for _ in range(3):
            assert limited.leftovers() == []
            assert limited.hidden() == {b"old"}
        editor.write(b" and edited")
    assert limited.leftovers() == ["a (copy 1)"]
    assert limited.files() == {"a": b"new", "a (copy 1)": b"old and edited"}


def test_a_reader_does_not_keep_it(local: LocalFolder) -> None:
    stamp = local.written("a", b"old")
    with open(local.root / "a", "rb") as reader:
        local.download("a", b"new", stamp)
        assert local.leftovers() == []
        assert local.hidden() == set()
        assert reader.read() == b"old"


def test_a_file_that_is_mapped_for_writing_stays(local: LocalFolder) -> None:
    stamp = local.written("a", b"old")
    with open(local.root / "a", "r+b") as file:
        mapped = mmap.mmap(file.fileno(), 3)
    local.download("a", b"new", stamp)
    assert local.leftovers() == []
    assert local.hidden() == {b"old"}
    mapped[:] = b"odd"
    mapped.flush()
    mapped.close()
    assert len(local.leftovers()) == 1
    assert set(local.files().values()) == {b"new", b"odd"}


def test_a_writer_in_another_process_is_seen(local: LocalFolder) -> None:
    stamp = local.written("a", b"old")
    script = "import sys; file = open(sys.argv[1], 'ab'); print(flush=True); file.write(sys.stdin.buffer.read())"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(local.root / "a")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        local.download("a", b"new", stamp)
        assert local.leftovers() == []
        writer.communicate(b" and more")
    assert len(local.leftovers()) == 1
    assert set(local.files().values()) == {b"new", b"old and more"}


def test_a_conflict_copy_replaces_nothing(local: LocalFolder) -> None:
    stamp = local.written("a.txt", b"old")
    local.write("a (copy 1).txt", b"1")
    (local.root / "a (copy 2).txt").mkdir()
    (local.root / "a (copy 3).txt").symlink_to("nowhere")
    with open(local.root / "a.txt", "ab") as editor:
        local.download("a.txt", b"new", stamp)
        editor.write(b"!")
    assert local.leftovers() == ["a (copy 4).txt"]
    assert local.files() == {"a.txt": b"new", "a (copy 1).txt": b"1", "a (copy 4).txt": b"old!"}


@pytest.mark.parametrize("folder", ["removed", "file", "link", "unspeakable copies"])
def test_without_a_folder_for_it_an_edit_goes_to_the_trash(local: LocalFolder, folder: str) -> None:
    stamp = local.written("d/a", b"old")
    with open(local.root / "d" / "a", "ab") as editor:
        local.download("d/a", b"new", stamp)
        editor.write(b"!")
    conflict = copy_name
    if folder == "unspeakable copies":
        conflict = lambda name, n: f"../{name}{n}"  # noqa: E731
    else:
        (local.root / "d" / "a").unlink()
        (local.root / "d").rmdir()
        if folder == "file":
            local.write("d", b"x")
        elif folder == "link":
            (local.root / "d").symlink_to("/tmp")
    assert local.folder.leftovers(conflict) == []
    (entry,) = local.trash.list()
    assert entry.name == "d/a"
    assert local.trash.restore(entry.id, "b") == "b"
    assert (local.root / "b").read_bytes() == b"old!"


def test_parts_of_a_killed_process_are_cleared_at_the_start_only(local: LocalFolder) -> None:
    with local.folder.part() as part:
        part.stream.write(b"x")
    left = local.root / ".pithosfs" / "parts" / "left"
    left.write_bytes(b"half")
    local.leftovers()
    assert local.private("parts") == []
    with local.folder.part():
        local.leftovers()
        assert len(local.private("parts")) == 1


def test_a_note_without_a_file_goes(local: LocalFolder) -> None:
    local.download("a", b"new", local.written("a", b"old"))
    (id,) = [name for name in local.private("replaced") if not name.endswith(".info")]
    (local.root / ".pithosfs" / "replaced" / id).unlink()
    (local.root / ".pithosfs" / "replaced" / "x.info.1234.new").write_bytes(b"half")
    assert local.leftovers() == []
    assert local.private("replaced") == []


@pytest.mark.parametrize("note", [None, b"", b"{}", b'{"name": "a", "stamp": 5}'])
def test_a_file_whose_note_is_lost_goes_to_the_trash(local: LocalFolder, note: bytes | None) -> None:
    local.download("a", b"new", local.written("a", b"old"))
    (info,) = [name for name in local.private("replaced") if name.endswith(".info")]
    path = local.root / ".pithosfs" / "replaced" / info
    if note is None:
        path.unlink()
    else:
        path.write_bytes(note)
    assert local.leftovers() == []
    assert local.private("replaced") == []
    (entry,) = local.trash.list()
    assert entry.name.startswith("recovered-")
    assert local.hidden() == {b"old"}


def test_a_note_says_what_was_replaced(local: LocalFolder) -> None:
    stamp = local.written("a", b"old")
    put = local.download("a", b"new", stamp)
    (info,) = [name for name in local.private("replaced") if name.endswith(".info")]
    told = json.loads((local.root / ".pithosfs" / "replaced" / info).read_text())
    assert told["name"] == "a"
    assert told["new"] == put.stamp.inode
    assert told["stamp"]["inode"] == stamp.inode


def test_a_file_that_was_put_aside_and_never_replaced_comes_back(make: Callable[..., LocalFolder]) -> None:
    """What a process leaves that is killed in the middle where files cannot change places in one step."""
    local = make(nature=Nature(can=Abilities(noreplace=True, link=True)))
    stamp = local.written("a", b"old")
    local.download("a", b"new", stamp)
    (info,) = [name for name in local.private("replaced") if name.endswith(".info")]
    folder = local.root / ".pithosfs" / "replaced"
    told = json.loads((folder / info).read_text())
    assert told["aside"] is False
    (folder / info).write_text(json.dumps(told | {"aside": True}))
    (local.root / "a").unlink()
    local.restart()
    assert local.leftovers() == []
    assert local.files() == {"a": b"old"}
    assert isinstance(local.folder.look("a"), Seen)
    assert local.private("replaced") == []
