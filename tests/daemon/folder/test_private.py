"""The marker, the lock, and being sure that the folder is still the one that was opened."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder, as_nobody, in_child, let_in, pair_of

from pithosfs.errors import LocalError
from pithosfs_daemon.folder import Folder, Marker, lay_marker, marker_above, read_marker, remove_marker
from pithosfs_daemon.folder.renames import Abilities
from pithosfs_daemon.troubles import FolderGone, FolderTaken


def test_the_marker_says_whose_folder_it_is(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, prefix="a/b")
    lay_marker(pair, "laptop")
    assert read_marker(tmp_path) == Marker("pair", "/work/a/b", "laptop")
    assert stat.S_IMODE((tmp_path / ".pithosfs").stat().st_mode) == 0o700
    assert json.loads((tmp_path / ".pithosfs" / "marker").read_text())["host"] == "laptop"


def test_laying_it_again_is_fine(tmp_path: Path) -> None:
    lay_marker(pair_of(tmp_path), "one")
    lay_marker(pair_of(tmp_path), "two")
    assert read_marker(tmp_path) == Marker("pair", "/work", "two")
    assert os.listdir(tmp_path / ".pithosfs") == ["marker"]


def test_the_folder_of_another_pair_is_refused(tmp_path: Path) -> None:
    lay_marker(pair_of(tmp_path, id="first"), "laptop")
    with pytest.raises(LocalError, match="by laptop"):
        lay_marker(pair_of(tmp_path), "here")
    assert read_marker(tmp_path) == Marker("first", "/work", "laptop")


def test_a_private_folder_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / ".pithosfs").symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"\.pithosfs"):
        lay_marker(pair_of(tmp_path / "top"), "here")
    assert os.listdir(elsewhere) == []


def test_without_its_marker_a_folder_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FolderGone) as caught:
        Folder(pair_of(tmp_path))
    assert caught.value.hint
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '"pair"', '{"remote": "x"}', "null"])
def test_nonsense_is_no_marker(tmp_path: Path, content: str) -> None:
    lay_marker(pair_of(tmp_path), "here")
    (tmp_path / ".pithosfs" / "marker").write_text(content)
    assert read_marker(tmp_path) is None
    with pytest.raises(FolderGone):
        Folder(pair_of(tmp_path))


def test_a_pipe_is_no_marker_and_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".pithosfs").mkdir()
    os.mkfifo(tmp_path / ".pithosfs" / "marker")
    assert read_marker(tmp_path) is None


def test_a_folder_that_is_not_there_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FolderGone, match="not there"):
        Folder(pair_of(tmp_path / "no"))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderGone):
        Folder(pair_of(tmp_path / "file"))


def test_check_is_content_with_the_same_folder(local: LocalFolder) -> None:
    local.folder.check()


def test_check_finds_that_the_marker_is_gone(local: LocalFolder) -> None:
    (local.root / ".pithosfs" / "marker").unlink()
    with pytest.raises(FolderGone):
        local.folder.check()


def test_check_finds_that_everything_is_gone(local: LocalFolder) -> None:
    shutil.rmtree(local.root)
    with pytest.raises(FolderGone):
        local.folder.check()


def test_check_finds_another_folder_in_its_place(local: LocalFolder) -> None:
    aside = local.root.with_name("aside")
    local.root.rename(aside)
    shutil.copytree(aside, local.root)
    with pytest.raises(FolderGone, match="another folder"):
        local.folder.check()


def test_check_finds_the_marker_of_another_pair(local: LocalFolder) -> None:
    marker = local.root / ".pithosfs" / "marker"
    marker.write_text(json.dumps({"pair": "other", "remote": "/theirs", "host": "there"}))
    with pytest.raises(FolderGone, match="/theirs"):
        local.folder.check()


def test_a_moved_folder_is_gone_where_it_was(local: LocalFolder) -> None:
    local.root.rename(local.root.with_name("moved"))
    with pytest.raises(FolderGone):
        local.folder.check()
    local.root.with_name("moved").rename(local.root)
    local.folder.check()


# the lock -----------------------------------------------------------------------------------------------------------


def test_two_in_one_process_are_refused(local: LocalFolder) -> None:
    with pytest.raises(FolderTaken) as caught:
        Folder(local.pair)
    assert str(os.getpid()) in str(caught.value)
    assert caught.value.hint


def test_another_process_is_refused_until_this_one_is_done(local: LocalFolder) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from fixtures.local_folder import pair_of\n"
        "from pithosfs_daemon.folder import Folder\n"
        "Folder(pair_of(Path(sys.argv[1]))).close()\n"
    )
    command = [sys.executable, "-c", script, str(local.root)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    refused = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "FolderTaken" in refused.stderr
    local.folder.close()
    assert subprocess.run(command, env=environment).returncode == 0
    local.folder = Folder(local.pair)


def test_a_killed_process_leaves_no_lock(make: Callable[..., LocalFolder]) -> None:
    local = make()
    local.folder.close()

    def open_and_die() -> None:
        Folder(local.pair)
        os.kill(os.getpid(), 9)

    assert os.WTERMSIG(in_child(open_and_die)) == 9
    local.folder = Folder(local.pair)


def test_a_failed_start_gives_the_lock_back(local: LocalFolder) -> None:
    local.folder.close()
    (local.root / ".pithosignore").mkdir()
    with pytest.raises(LocalError):
        Folder(local.pair)
    (local.root / ".pithosignore").rmdir()
    local.folder = Folder(local.pair)


def test_opening_and_closing_leaks_no_descriptors(local: LocalFolder) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        local.restart()
        local.write("a", b"x")
        local.download("b", b"y")
        local.folder.trash("b", local.stamp("b"))
        (local.root / "a").unlink()
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # parts and trash of the open one


def test_only_the_marker_and_the_lock_are_made_by_opening(local: LocalFolder) -> None:
    assert local.private() == ["lock", "marker"]


def test_a_folder_that_may_only_be_read_is_opened_and_looked_at(local: LocalFolder) -> None:
    local.write("a", b"x")
    local.folder.close()
    for path in (local.root / ".pithosfs", local.root / ".pithosfs" / "marker", local.root / ".pithosfs" / "lock"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    local.root.chmod(0o555)
    let_in(local.root)

    def look() -> None:
        with Folder(local.pair) as folder:
            assert folder.scan("").entries.keys() == {"a"}
            assert folder.abilities == Abilities(noreplace=True)  # what could not be tried is not counted on
            with pytest.raises(PermissionError):
                folder.make_folder("b")

    as_nobody(look)
    local.root.chmod(0o755)
    (local.root / ".pithosfs").chmod(0o700)
    (local.root / ".pithosfs" / "lock").chmod(0o600)
    local.folder = Folder(local.pair)


# removing -----------------------------------------------------------------------------------------------------------


def test_removing_the_marker_makes_an_ordinary_folder(local: LocalFolder) -> None:
    local.write("a", b"x")
    local.download("b", b"y")
    local.folder.close()
    remove_marker(local.pair)
    assert sorted(os.listdir(local.root)) == ["a", "b"]
    lay_marker(local.pair, "here")
    local.folder = Folder(local.pair)


def test_what_is_in_the_trash_outlives_the_pair(local: LocalFolder) -> None:
    local.folder.trash("a", local.written("a", b"x"))
    remove_marker(local.pair)
    assert [entry.name for entry in local.trash.list()] == ["a"]
    assert read_marker(local.root) is None


def test_the_marker_of_another_pair_is_not_removed(local: LocalFolder) -> None:
    remove_marker(pair_of(local.root, id="other"))
    local.folder.check()
    remove_marker(pair_of(local.root / "no"))


def test_a_pair_around_is_found(local: LocalFolder) -> None:
    inner = local.root / "a" / "b"
    inner.mkdir(parents=True)
    assert marker_above(inner) == local.root
    assert marker_above(local.root) is None
