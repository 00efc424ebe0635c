"""Downloads land whole, and nowhere but in their folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from pithosfs.errors import Conflict, LocalError
from pithosfs_cli.file.landing import Attributes, Landing


def receive(
    landing: Landing, parts: list[str], data: bytes, *, replace: bool = False, keep_as: str | None = None
) -> None:
    landing.receive(
        parts, lambda stream, older: stream.write(data) and None, Attributes(), replace=replace, keep_as=keep_as
    )


def test_a_file_and_its_attributes(tmp_path: Path) -> None:
    with Landing(tmp_path / "new" / "folder") as landing:
        landing.receive(
            ["a", "b", "c.txt"],
            lambda stream, older: stream.write(b"data") and None,
            Attributes(0o4750, 1_234_567_890_123_456_789),
            replace=False,
        )
    made = tmp_path / "new/folder/a/b/c.txt"
    assert made.read_bytes() == b"data"
    assert stat.S_IMODE(made.stat().st_mode) == 0o750
    assert made.stat().st_mtime_ns == 1_234_567_890_123_456_789
    assert [one.name for one in made.parent.iterdir()] == ["c.txt"]


def test_an_existing_file_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with Landing(tmp_path) as landing:
        with pytest.raises(Conflict):
            receive(landing, ["x"], b"new")
        assert (tmp_path / "x").read_bytes() == b"old"
        receive(landing, ["x"], b"new", replace=True)
    assert (tmp_path / "x").read_bytes() == b"new"


def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def write(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(b"ours")
        (tmp_path / "x").write_bytes(b"theirs")

    with Landing(tmp_path) as landing, pytest.raises(Conflict):
        landing.receive(["x"], write, Attributes(), replace=False)
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"theirs"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")

    def write(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(b"half")
        raise LocalError("no more")

    with Landing(tmp_path) as landing, pytest.raises(LocalError):
        landing.receive(["x"], write, Attributes(), replace=True)
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_kept_part_is_offered_again(tmp_path: Path) -> None:
    def fail(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(b"half")
        raise LocalError("no more")

    offered: list[bytes] = []

    def go_on(stream: BinaryIO, older: BinaryIO | None) -> None:
        assert older is not None
        offered.append(older.read())
        stream.write(b"ok")

    with Landing(tmp_path) as landing:
        with pytest.raises(LocalError):
            landing.receive(["x"], fail, Attributes(), replace=True, keep_as="v1")
        assert not (tmp_path / "x").exists()
        landing.receive(["x"], go_on, Attributes(), replace=True, keep_as="v1")
    assert offered == [b"half"]
    assert (tmp_path / "x").read_bytes() == b"ok"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("parts", [[".."], ["..", "x"], ["a", "..", "..", "x"], [""], ["."], ["a/b"], ["a\0b"]])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, parts: list[str]) -> None:
    inside = tmp_path / "inside"
    with Landing(inside) as landing, pytest.raises(LocalError):
        receive(landing, parts, b"x", replace=True)
    assert os.listdir(tmp_path) == ["inside"]


def test_links_inside_are_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "file").write_bytes(b"precious")
    (inside / "folder").symlink_to(outside)
    (inside / "file").symlink_to(outside / "file")
    (inside / "dangling").symlink_to(outside / "new")
    with Landing(inside) as landing:
        with pytest.raises(LocalError, match="nothing is written through it"):
            receive(landing, ["folder", "x"], b"x", replace=True)
        receive(landing, ["file"], b"new", replace=True)
        receive(landing, ["dangling"], b"new", replace=True)
    assert os.listdir(outside) == ["file"]
    assert (outside / "file").read_bytes() == b"precious"
    assert not (inside / "file").is_symlink()


def test_a_link_is_made_but_not_through_another(tmp_path: Path) -> None:
    with Landing(tmp_path) as landing:
        landing.link(["a", "link"], b"/etc/\xff", 5_000_000_000, replace=False)
        with pytest.raises(Conflict):
            landing.link(["a", "link"], b"other", None, replace=False)
        landing.link(["a", "link"], b"other", None, replace=True)
        with pytest.raises(LocalError):
            receive(landing, ["a", "link", "x"], b"x")
    assert os.readlink(tmp_path / "a/link") == "other"
    assert os.listdir(tmp_path / "a") == ["link"]
