"""Folders to mount on, and what the kernel's mount table says of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fixtures.adapter import mounted

from pithosfs.errors import LocalError
from pithosfs.mount import binding as bindings
from pithosfs.mount import mountpoints

pytestmark = pytest.mark.mount


@pytest.mark.parametrize("name", ["plain", "with space", "tab\tnewline\nback\\slash", "ü", "\udcff", "octal\\040"])
@pytest.mark.parametrize("choice", bindings.CHOICES)
def test_a_mount_is_found_under_any_name(tmp_path: Path, choice: str, name: str) -> None:
    point = tmp_path / name
    point.mkdir()
    assert mountpoints.kernel_mount(str(point)) is None
    with mounted(choice, point):
        found = mountpoints.kernel_mount(str(point))
        assert found is not None
        assert found.is_ours
        assert found.mount_point == str(point)
        (point / "a").write_bytes(b"x")
    assert mountpoints.kernel_mount(str(point)) is None


def test_what_others_mounted_is_not_ours() -> None:
    found = mountpoints.kernel_mount("/proc")
    assert found is not None
    assert not found.is_ours
    with pytest.raises(LocalError, match="proc is mounted there"):
        mountpoints.prepare("/proc", "fusermount3")


def test_real_paths(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    for text in (f"{tmp_path}/link/sub", f"{tmp_path}/./real/sub/", f"{tmp_path}/link/../real/sub"):
        assert mountpoints.real_path(text) == str(tmp_path / "real" / "sub")
    assert mountpoints.real_path(f"{tmp_path}/link") == str(tmp_path / "real")
    assert mountpoints.real_path(f"{tmp_path}/link/new") == str(tmp_path / "real" / "new")


def test_an_empty_folder_is_fine_and_a_missing_one_is_made(tmp_path: Path) -> None:
    assert mountpoints.prepare(str(tmp_path), "fusermount3") == str(tmp_path)
    assert mountpoints.prepare(str(tmp_path / "a" / "b"), "fusermount3") == str(tmp_path / "a" / "b")
    assert os.listdir(tmp_path / "a" / "b") == []


def test_refusals_say_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere/at/all")
    for path, words in (
        (tmp_path / "file", "is not a folder"),
        (tmp_path / "file" / "below", "Not a directory"),
        (tmp_path, "is not empty"),
    ):
        with pytest.raises(LocalError, match=words) as caught:
            mountpoints.prepare(str(path), "fusermount3")
        assert caught.value.hint
