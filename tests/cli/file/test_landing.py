"""Downloads land whole, and nowhere but in their folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from pithosfs.errors import Conflict, LocalError
from pithosfs_cli.file.landing import Attributes, Landing


def receive(landing: Landing, parts: list[str], data: bytes, *, replace: bool = False) -> None:
    landing.receive(parts, lambda stream, older: stream.write(data) and None, Attributes(), replace=replace)


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
        stream.write(b"half of it")
        raise LocalError("no more")

    offered: list[bytes] = []

    def go_on(stream: BinaryIO, older: BinaryIO | None) -> None:
        assert older is not None
        offered.append(older.read())
        stream.write(b"ok")

    with Landing(tmp_path) as landing:
        with pytest.raises(LocalError):
            landing.receive(["x"], fail, Attributes(), replace=True, keep=True)
        assert not (tmp_path / "x").exists()
        [kept] = tmp_path.iterdir()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600  # nobody has said yet who may read it
        landing.receive(["x"], go_on, Attributes(), replace=True, keep=True)
    assert offered == [b"half of it"]
    assert (tmp_path / "x").read_bytes() == b"ok"
    (tmp_path / "default").touch()
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "default").stat().st_mode
    assert sorted(os.listdir(tmp_path)) == ["default", "x"]


def test_nuls_over_what_was_there(tmp_path: Path) -> None:
    """Where there was nothing they are holes; where there was something they are written."""

    def fail(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(b"x" * 10)
        raise LocalError("no more")

    def write(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(bytes(8))
        stream.write(bytes(8))

    with Landing(tmp_path) as landing:
        with pytest.raises(LocalError):
            landing.receive(["x"], fail, Attributes(), replace=True, keep=True)
        landing.receive(["x"], write, Attributes(), replace=True, keep=True)
    assert (tmp_path / "x").read_bytes() == bytes(16)


def test_what_a_killed_process_has_left_is_taken_up(tmp_path: Path) -> None:
    """Also when it had just given the file its name, and would then write to what is complete."""

    def fail(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(b"whole")
        raise LocalError("killed")

    with Landing(tmp_path) as landing:
        with pytest.raises(LocalError):
            landing.receive(["x"], fail, Attributes(), replace=False, keep=True)
        [left] = tmp_path.iterdir()
        os.link(left, tmp_path / "x")
        landing.receive(["x"], lambda stream, older: stream.write(b"new") and None, Attributes(), replace=True)
        os.link(tmp_path / "x", tmp_path / "second")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["second", "x"]


def test_two_downloads_of_one_file(tmp_path: Path) -> None:
    """One that can be taken up is not written by two; others get out of each other's way."""

    def write(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(b"first")
        with Landing(tmp_path) as other:
            with pytest.raises(LocalError, match="under way"):
                other.receive(["x"], write, Attributes(), replace=True, keep=True)
            receive(other, ["x"], b"second", replace=True)
        assert (tmp_path / "x").read_bytes() == b"second"

    with Landing(tmp_path) as landing:
        landing.receive(["x"], write, Attributes(), replace=True, keep=True)
    assert (tmp_path / "x").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["x"]


def test_what_has_the_hidden_name_and_is_not_ours(tmp_path: Path) -> None:
    def fail(stream: BinaryIO, older: BinaryIO | None) -> None:
        stream.write(b"x")
        raise LocalError("no more")

    inside, outside = tmp_path / "inside", tmp_path / "outside"
    with Landing(inside) as landing:
        with pytest.raises(LocalError):
            landing.receive(["x"], fail, Attributes(), replace=False, keep=True)
        [hidden] = inside.iterdir()
        hidden.unlink()
        outside.write_bytes(b"precious")
        hidden.symlink_to(outside)
        landing.receive(
            ["x"], lambda stream, older: stream.write(b"new") and None, Attributes(), replace=False, keep=True
        )
    assert outside.read_bytes() == b"precious"
    assert (inside / "x").read_bytes() == b"new"


def test_what_has_come_is_not_replaced_by_what_comes_later(tmp_path: Path) -> None:
    """As for names that differ only in case, where they are one name here."""
    (tmp_path / "x").write_bytes(b"old")
    with Landing(tmp_path) as landing:
        receive(landing, ["x"], b"first", replace=True)
        with pytest.raises(Conflict, match="just been made"):
            receive(landing, ["x"], b"second", replace=True)
    assert (tmp_path / "x").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["x"]


def test_a_folder_that_is_only_looked_at(tmp_path: Path) -> None:
    with Landing(tmp_path / "none", make=False) as landing:
        assert landing.status(["a", "b"]) is None
    (tmp_path / "file").write_bytes(b"x")
    with Landing(tmp_path, make=False) as landing:
        assert landing.status(["none", "b"]) is None
        assert landing.status(["file"]) is not None
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_knows_what_it_was_made_for(tmp_path: Path) -> None:
    for _ in range(2):
        with Landing(tmp_path / "new") as landing:
            landing.mark(f"pithos://me/{landing.is_new}")
    if Landing.origin(tmp_path / "new") is None:
        pytest.skip("no extended attributes here")
    assert Landing.origin(tmp_path / "new") == "pithos://me/True"
    assert Landing.origin(tmp_path) is None


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
    with Landing(tmp_path) as landing:
        landing.link(["a", "link"], b"other", None, replace=True)
        with pytest.raises(LocalError):
            receive(landing, ["a", "link", "x"], b"x")
    assert os.readlink(tmp_path / "a/link") == "other"
    assert os.listdir(tmp_path / "a") == ["link"]
