"""Watching what symbolic links lead to, where they are followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder
from fixtures.watched_folder import Watched, covers

from pithosfs_daemon.values import Dirty


@pytest.fixture
def following(watch: Callable[..., Watched], tmp_path: Path) -> Watched:
    """`folder` and `file` lead outside."""
    outside = tmp_path / "outside"
    (outside / "d").mkdir(parents=True)
    (outside / "file").write_bytes(b"x")

    def link(local: LocalFolder) -> None:
        (local.root / "folder").symlink_to(outside)
        (local.root / "file").symlink_to(outside / "file")
        (local.root / "loop").symlink_to(".")
        (local.root / "circle").symlink_to("circle")

    return watch(link, symlinks="follow")


def test_changes_behind_links_are_seen(following: Watched, tmp_path: Path) -> None:
    (tmp_path / "outside" / "d" / "new").write_bytes(b"x")
    assert covers(following.seen(), "folder/d/new")
    (tmp_path / "outside" / "file").write_bytes(b"edited")
    dirty = following.seen()
    assert {"file", "folder/file"} <= dirty.names


def test_a_target_that_is_saved_by_a_rename(following: Watched, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "saving").write_bytes(str(number).encode())
        (tmp_path / "saving").rename(tmp_path / "outside" / "file")
        assert "file" in following.seen().names


def test_links_that_come_and_go(following: Watched, tmp_path: Path) -> None:
    (following.root / "more").symlink_to(tmp_path / "outside" / "d")
    assert following.seen().folders == {"more"}
    (tmp_path / "outside" / "d" / "x").write_bytes(b"x")
    dirty = following.seen()
    assert covers(dirty, "more/x")
    assert covers(dirty, "folder/d/x")
    (following.root / "more").unlink()
    assert covers(following.seen(), "more")
    (tmp_path / "outside" / "d" / "x").write_bytes(b"y")
    dirty = following.seen()
    assert not covers(dirty, "more/x")
    assert covers(dirty, "folder/d/x")


def test_links_are_not_watched_through_otherwise(watch: Callable[..., Watched], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    watched = watch(lambda local: (local.root / "link").symlink_to(outside))
    (outside / "x").write_bytes(b"x")
    assert watched.seen() == Dirty()
