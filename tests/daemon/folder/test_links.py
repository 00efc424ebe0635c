"""Symbolic links: left alone or followed, but never written through."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder, copy_name, facts

from pithosfs.errors import LocalError
from pithosfs_daemon.folder import Put
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind, Reason, Seen, Stamp, Trouble


@pytest.fixture
def following(make: Callable[..., LocalFolder]) -> LocalFolder:
    return make(symlinks="follow")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder next to the synced one, with a file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_bytes(b"outside")
    return folder


# left alone ---------------------------------------------------------------------------------------------------------


def test_links_are_reported_and_left_alone(local: LocalFolder, outside: Path) -> None:
    (local.root / "to-folder").symlink_to(outside)
    (local.root / "to-file").symlink_to(outside / "file")
    (local.root / "to-nothing").symlink_to("nowhere")
    found = local.folder.scan("")
    assert (found.entries, found.complete) == ({}, True)
    assert {trouble.reason for trouble in found.troubles.values()} == {Reason.SYMLINK}
    assert found.troubles["to-nothing"] == Trouble("to-nothing", Reason.SYMLINK, "to nowhere")
    assert local.folder.look("to-folder/file") == Trouble("to-folder/file", Reason.SYMLINK)
    assert not local.folder.scan("to-folder").complete


def test_a_link_of_odd_bytes_is_shown(local: LocalFolder) -> None:
    os.symlink(b"caf\xe9", os.fsencode(local.root) + b"/link")
    seen = local.folder.look("link")
    assert isinstance(seen, Trouble)
    assert seen.detail == "to caf\\xe9"


def test_a_file_that_became_a_link_is_not_opened(local: LocalFolder, outside: Path) -> None:
    stamp = local.written("a", b"outside")
    (local.root / "a").unlink()
    (local.root / "a").symlink_to(outside / "file")
    with pytest.raises(LocalChanged):
        local.folder.open("a", stamp)


def everything_that_writes(local: LocalFolder, name: str) -> list[Callable[[], object]]:
    """Each way to change something, at a name that a link is in the way of."""
    stamp = Stamp(7, 0, 0, 0, 0o644)
    local.write("other", b"other")
    return [
        lambda: local.download(name, b"new"),
        lambda: local.download(name, b"new", stamp),
        lambda: local.folder.make_folder(name),
        lambda: local.folder.remove_folder(name),
        lambda: local.folder.trash(name, stamp),
        lambda: local.folder.set_attributes(name, stamp, mode=0o600, mtime_ns=1),
        lambda: local.folder.move(name, "elsewhere", stamp),
        lambda: local.folder.move(name, "elsewhere", None),
        lambda: local.folder.move("other", name, local.stamp("other")),
    ]


@pytest.mark.parametrize("policy", ["skip", "follow"])
@pytest.mark.parametrize("name", ["link", "link/file", "link/new", "link/d/new", "file-link"])
def test_nothing_is_written_through_a_link(
    make: Callable[..., LocalFolder], outside: Path, policy: str, name: str
) -> None:
    local = make(symlinks=policy)
    (outside / "d").mkdir()
    (local.root / "link").symlink_to(outside)
    (local.root / "file-link").symlink_to(outside / "file")
    before = facts(outside / "file")
    for change in everything_that_writes(local, name):
        with pytest.raises(LocalChanged if policy == "skip" else LocalError):
            change()
    assert sorted(os.listdir(outside)) == ["d", "file"]
    assert os.listdir(outside / "d") == []
    assert (outside / "file").read_bytes() == b"outside"
    assert facts(outside / "file") == before
    assert os.readlink(local.root / "link") == str(outside)
    assert local.files() == {"other": b"other", "file-link": b"outside"}


def test_a_folder_that_turns_into_a_link_again_and_again(local: LocalFolder, outside: Path) -> None:
    """A race against somebody who swaps a folder and a link: no download ever lands outside."""
    (local.root / "d").mkdir()
    os.symlink(outside, local.root / "link")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            os.rename(local.root / "d", local.root / "aside")
            os.rename(local.root / "link", local.root / "d")
            os.rename(local.root / "d", local.root / "link")
            os.rename(local.root / "aside", local.root / "d")

    thread = threading.Thread(target=swap)
    thread.start()
    landed = refused = 0
    try:
        for number in range(150):
            try:
                landed += isinstance(local.download(f"d/{number}", b"x"), Put)
            except LocalChanged:
                refused += 1
    finally:
        done.set()
        thread.join()
    assert os.listdir(outside) == ["file"]
    assert len(os.listdir(local.root / "d")) == landed
    assert landed + refused == 150
    assert landed


# followed -----------------------------------------------------------------------------------------------------------


def test_the_content_of_targets_is_what_is_seen(following: LocalFolder, outside: Path) -> None:
    (outside / "d").mkdir()
    (outside / "d" / "deep").write_bytes(b"deep")
    (following.root / "folder").symlink_to(outside)
    (following.root / "file").symlink_to(outside / "file")
    found = following.folder.scan("")
    assert found.troubles == {}
    assert {name: seen.kind for name, seen in found.entries.items()} == {"folder": Kind.FOLDER, "file": Kind.FILE}
    assert found.entries["file"].stamp.size == len(b"outside")
    assert following.folder.scan("folder").entries.keys() == {"file", "d"}
    assert following.folder.scan("folder/d").entries.keys() == {"deep"}
    assert following.folder.look("file") == found.entries["file"]
    for name in ("file", "folder/file", "folder/d/deep"):
        with following.folder.open(name, following.stamp(name)) as stream:
            assert stream.read() == (b"deep" if name.endswith("deep") else b"outside")


def test_a_target_that_changed_is_another_file(following: LocalFolder, outside: Path) -> None:
    (following.root / "file").symlink_to(outside / "file")
    stamp = following.stamp("file")
    (outside / "file").write_bytes(b"another")
    with pytest.raises(LocalChanged):
        following.folder.open("file", stamp)


def test_links_that_lead_nowhere_or_in_circles(following: LocalFolder) -> None:
    (following.root / "nowhere").symlink_to("no/such")
    (following.root / "itself").symlink_to("itself")
    (following.root / "pipe-link").symlink_to("pipe")
    os.mkfifo(following.root / "pipe")
    found = following.folder.scan("")
    assert found.entries == {}
    assert found.complete
    assert {name: trouble.reason for name, trouble in found.troubles.items()} == {
        "nowhere": Reason.SYMLINK,
        "itself": Reason.SYMLINK,
        "pipe-link": Reason.SPECIAL,
        "pipe": Reason.SPECIAL,
    }
    assert following.folder.look("nowhere/x") is None
    seen = following.folder.look("itself/x")
    assert isinstance(seen, Trouble)
    assert seen.reason is Reason.SYMLINK


def everything_below(local: LocalFolder, folder: str = "") -> dict[str, Seen | Trouble]:
    """As the engine walks; a loop would not end."""
    found: dict[str, Seen | Trouble] = {}
    scan = local.folder.scan(folder)
    for segment, seen in {**scan.entries, **scan.troubles}.items():
        name = f"{folder}/{segment}" if folder else segment
        found[name] = seen
        assert len(found) < 1000
        if isinstance(seen, Seen) and seen.kind is Kind.FOLDER:
            found |= everything_below(local, name)
    return found


def test_loops_end(following: LocalFolder, tmp_path: Path) -> None:
    following.write("a/b/file", b"x")
    (following.root / "a" / "b" / "up").symlink_to("..")
    (following.root / "a" / "b" / "here").symlink_to(".")
    (following.root / "a" / "top").symlink_to(following.root)
    (following.root / "a" / "above").symlink_to(tmp_path)
    found = everything_below(following)
    assert isinstance(found["a/b/file"], Seen)
    looped = {name for name, seen in found.items() if isinstance(seen, Trouble) and seen.reason is Reason.SYMLINK}
    assert {"a/b/up", "a/b/here", "a/top"} <= looped
    # The folder above is entered, and in it the way does not lead into the synced folder again.
    inside = f"a/above/{following.root.name}"
    assert inside in looped or isinstance(found[inside], Trouble)
    for name in (*looped, f"{inside}/a"):
        assert not following.folder.scan(name).complete
        assert isinstance(following.folder.look(f"{name}/x"), Trouble)


def test_two_links_to_one_folder_are_no_loop(following: LocalFolder, outside: Path) -> None:
    (following.root / "one").symlink_to(outside)
    (following.root / "two").symlink_to("one")
    assert everything_below(following).keys() == {"one", "one/file", "two", "two/file"}


def test_the_private_folder_is_not_entered_through_a_link(following: LocalFolder) -> None:
    (following.root / "sly").symlink_to(".pithosfs")
    (following.root / "marker").symlink_to(".pithosfs/marker")
    (following.root / "d").mkdir()
    (following.root / "d" / "deep").symlink_to("../.pithosfs/trash")
    following.folder.trash("x", following.written("x", b"x"))
    found = everything_below(following)
    assert {name for name, seen in found.items() if isinstance(seen, Trouble)} == {"sly", "marker", "d/deep"}
    for name in ("sly/marker", "d/deep/x"):
        assert isinstance(following.folder.look(name), Trouble)


def test_another_disk_may_be_linked_to(following: LocalFolder) -> None:
    (following.root / "shm").symlink_to("/dev/shm")
    (following.root / "proc").symlink_to("/proc/self/status")
    assert following.kind("shm") is Kind.FOLDER
    assert following.folder.scan("shm").complete


def test_a_linked_folder_of_another_pair_is_not_entered(following: LocalFolder, outside: Path) -> None:
    (outside / ".pithosfs").mkdir()
    (outside / ".pithosfs" / "marker").write_text("{}")
    (following.root / "link").symlink_to(outside)
    assert following.folder.scan("").troubles == {"link": Trouble("link", Reason.OTHER_PAIR)}
    assert not following.folder.scan("link").complete


def test_what_is_no_link_is_written_as_ever(following: LocalFolder) -> None:
    following.folder.make_folder("d")
    put = following.download("d/a", b"one")
    with following.folder.part() as part:
        part.stream.write(b"two")
        following.folder.put(part, "d/a", put.stamp, mode=None, mtime_ns=None, conflict=lambda n: copy_name("d/a", n))
    assert following.files() == {"d/a": b"two"}
