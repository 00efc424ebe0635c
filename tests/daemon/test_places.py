"""Which folders can be synced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.homes import Home

from pithosfs.config import Settings
from pithosfs.errors import LocalError
from pithosfs_daemon.folder import lay_marker
from pithosfs_daemon.places import check_folder, make_folder
from pithosfs_daemon.values import Pair


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "Work"
    folder.mkdir()
    return folder


def pair(folder: Path, id: str = "0badcafe") -> Pair:
    return Pair(id, folder, "work", "uuid", "c", "x")


def refused(path: Path, home: Home, *pairs: Pair) -> str:
    with pytest.raises(LocalError) as caught:
        check_folder(str(path), pairs, home.directories)
    assert caught.value.hint
    return f"{caught.value.message} {caught.value.hint}"


def test_an_ordinary_folder(work: Path, home: Home, tmp_path: Path) -> None:
    assert check_folder(str(work), [], home.directories) == work
    (tmp_path / "link").symlink_to(work)
    assert check_folder(str(tmp_path / "link"), [], home.directories) == work
    assert check_folder(f"{work}/../Work/", [], home.directories) == work
    assert check_folder(str(work), [pair(tmp_path / "Work-too")], home.directories) == work


def test_one_that_is_not_there_yet(work: Path, home: Home) -> None:
    assert check_folder(str(work / "new"), [], home.directories) == work / "new"
    assert not (work / "new").exists()
    assert make_folder(work / "new")
    assert not make_folder(work / "new")
    assert "mkdir -p" in refused(work / "a" / "b", home)


def test_what_is_no_folder_or_not_ones_own(work: Path, home: Home) -> None:
    (work / "file").write_text("")
    assert "is not a folder" in refused(work / "file", home)
    assert "Not a directory" in refused(work / "file" / "x", home)


def test_the_same_one_twice_inside_and_around(work: Path, home: Home) -> None:
    inner = work / "inner"
    inner.mkdir()
    known = pair(inner)
    assert "is synced already, with /c/x" in refused(inner, home, known)
    assert f"is in {inner}" in refused(inner / "sub", home, known)
    assert f"{inner}, which is in {work}" in refused(work, home, known)


PLACES: list[tuple[str, Callable[[Home], Path]]] = [
    ("state", lambda home: home.directories.state),
    ("in the state", lambda home: home.directories.state / "x"),
    ("around the state", lambda home: home.root / "state"),
    ("cache", lambda home: home.directories.cache),
    ("data", lambda home: home.directories.data / "localcloud" / "blocks"),
    ("sockets", lambda home: home.directories.runtime),
    ("home", lambda home: home.root),
    ("everything", lambda home: Path("/")),
]


@pytest.mark.parametrize("place", [one[1] for one in PLACES], ids=[one[0] for one in PLACES])
def test_the_programs_own_files(place: Callable[[Home], Path], home: Home) -> None:
    folder = place(home)
    folder.mkdir(parents=True, exist_ok=True)
    refused(folder, home)


def test_the_data_of_a_local_cloud_elsewhere(work: Path, home: Home) -> None:
    settings = Settings.load(environ=home.environ)
    settings.set("cloud.mine.localcloud_data", str(work / "cloud"))
    settings.save()
    assert "local cloud" in refused(work, home)
    assert "local cloud" in refused(work / "cloud" / "x", home)


def test_folders_of_other_homes_are_known_by_their_markers(work: Path, home: Home) -> None:
    other = pair(work)
    lay_marker(other, "elsewhere")
    assert "by another home or machine (elsewhere)" in refused(work, home)
    (work / "sub" / "deep").mkdir(parents=True)
    assert f"is in {work}" in refused(work / "sub" / "deep", home)
    # Its own pair may have moved it.
    assert check_folder(str(work), [], home.directories, pair_id=other.id) == work


@pytest.mark.mount
def test_a_folder_in_a_mounted_cloud(folder: Path, home: Home) -> None:
    (folder / "sub").mkdir()
    assert "mounted cloud folder" in refused(folder / "sub", home)


def test_nothing_is_made_by_looking(work: Path, home: Home) -> None:
    check_folder(str(work), [], home.directories)
    assert os.listdir(work) == []
