"""Names of the cloud in the folder: only those that come back as they were, and nothing ever outside."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pithosfs.mount.names import to_server
from pithosfs_daemon.folder.probing import Nature
from pithosfs_daemon.folder.spelling import Spelling
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind, Reason, Seen

segments = st.text(
    st.one_of(
        st.sampled_from("aA.é\u201b\u240a\n/\\ ~0F"),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=12,
)
names = st.lists(segments, min_size=1, max_size=3).map("/".join)
raw_names = st.binary(min_size=1, max_size=40).filter(
    lambda raw: not set(raw) & set(b"/\0") and raw not in (b".", b"..") and raw != b".pithosfs"
)


@pytest.mark.parametrize(
    "name",
    [
        *("/a", "a/", "a//b", "//", ".", "..", "a/../b", "../a", "a/./b", "./a"),
        *("a\0b", "a\nb", "x" * 256, "é" * 128, "\ud800", "a\u201b", "\u201b41", "\u201b8", "\u240aa\u201b"),
        *(".pithosfs", ".pithosfs/marker", "d/.pithosfs/marker"),
    ],
)
def test_names_that_cannot_exist_here(local: LocalFolder, name: str) -> None:
    trouble = local.folder.local_trouble(name)
    if name == "\u240aa\u201b":  # the newline is fine, the lonely quote is not
        assert trouble is not None
    assert trouble is not None
    assert (trouble.name, trouble.reason) == (name, Reason.LOCAL_NAME)
    assert trouble.detail


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a/b",
        " ",
        "...",
        ".a",
        "x" * 255,
        "é" * 127,
        "a\u240ab",
        "\u201bFF",
        "\u201b\u201b",
        ".pithosfsx",
        "-",
        "~",
    ],
)
def test_names_that_can(local: LocalFolder, name: str) -> None:
    assert local.folder.local_trouble(name) is None
    parent, _, _ = name.rpartition("/")
    if parent:
        local.folder.make_folder(parent)
    local.download(name, b"x")
    assert local.kind(name) is Kind.FILE


def test_paths_longer_than_any_program_can_open(local: LocalFolder) -> None:
    room = 4095 - len(os.fsencode(local.root)) - 1
    fits = "/".join(["d" * 99] * (room // 100))
    fits += "/" + "x" * (room - len(fits) - 1) if len(fits) < room - 1 else ""
    assert local.folder.local_trouble(fits) is None
    trouble = local.folder.local_trouble(f"{fits}x")
    assert trouble is not None
    assert trouble.detail == "its whole path is too long"


@pytest.mark.parametrize("name", ["../outside", "/etc/x", "d/../../outside", "..", "d/.."])
def test_nothing_is_ever_made_outside(local: LocalFolder, name: str) -> None:
    (local.root / "d").mkdir()
    before = sorted(local.root.parent.rglob("*"))
    for change in (
        lambda: local.download(name, b"x"),
        lambda: local.folder.make_folder(name),
        lambda: local.folder.move("d", name, None),
        lambda: local.folder.remove_folder(name),
    ):
        with pytest.raises(Exception, match="name that cannot exist"):
            change()
    parts = local.root / ".pithosfs" / "parts"
    assert sorted(set(local.root.parent.rglob("*")) - {parts}) == before


@settings(max_examples=300, deadline=None)
@given(raw_names)
@example(b"\xff")
@example("\u240a\u201b".encode())
@example(b"\n")
def test_every_local_name_goes_to_the_cloud_and_back(raw: bytes) -> None:
    spelling = Spelling(Path("/home/someone/folder"), Nature(), "")
    local = os.fsdecode(raw)
    segment = spelling.to_cloud(local)
    segment.encode()  # can be sent
    assert "\n" not in segment
    assert "/" not in segment
    assert spelling.problem(segment) is None
    assert spelling.to_local(segment) == local


@settings(max_examples=500, deadline=None)
@given(segments)
@example("\u201b41")
@example("..")
@example("\u201bC3\u201bA9")
def test_a_segment_comes_here_only_if_it_comes_back(segment: str) -> None:
    spelling = Spelling(Path("/home/someone/folder"), Nature(), "")
    problem = spelling.problem(segment)
    if problem is not None:
        with pytest.raises(ValueError, match=re.escape(problem)):
            spelling.to_local(segment)
    else:
        local = spelling.to_local(segment)
        assert to_server(local) == segment
        raw = os.fsencode(local)
        assert os.fsdecode(raw) == local
        assert 0 < len(raw) <= 255
        assert not set(raw) & set(b"/\0")
        assert raw not in (b".", b"..", b".pithosfs")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFolder]:
    made = LocalFolder(tmp_path_factory.mktemp("shared") / "folder")
    yield made
    made.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names)
@example("a/..")
@example("/a")
@example("\u240a")
def test_what_is_downloaded_is_seen_under_the_same_name(shared: LocalFolder, name: str) -> None:
    if shared.folder.local_trouble(name) is not None:
        with pytest.raises(Exception, match=r"cannot exist|not there"):
            shared.download(name, b"x")
        return
    *folders, last = name.split("/")
    at = ""
    try:
        for segment in folders:
            at = f"{at}/{segment}" if at else segment
            shared.folder.make_folder(at)
        put = shared.download(name, name.encode())
    except LocalChanged:  # an earlier example has made a file of a folder, or the other way round
        return
    assert shared.folder.look(name) == Seen(Kind.FILE, put.stamp)
    assert shared.folder.scan(at).entries[last] == Seen(Kind.FILE, put.stamp)
    shared.folder.trash(name, put.stamp)
    assert shared.folder.look(name) is None


# paths --------------------------------------------------------------------------------------------------------------


def test_paths_have_names(local: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    local.write("d/e", b"x")
    root = local.root
    for path, name in {
        root: "",
        f"{root}/": "",
        root / "d": "d",
        root / "d" / "e": "d/e",
        f"{root}/d//e/../e": "d/e",
        root / "new" / "file": "new/file",
        root / ".pithosfs": None,
        root / ".pithosfs" / "marker": None,
        root.parent: None,
        f"{root}x": None,
        "/": None,
    }.items():
        assert local.folder.name_of(path) == name
    monkeypatch.chdir(root / "d")
    assert local.folder.name_of("e") == "d/e"
    assert local.folder.name_of("..") == ""
    assert local.folder.name_of("../..") is None


def test_paths_through_a_link_to_the_folder_have_names(local: LocalFolder) -> None:
    local.write("d/e", b"x")
    (local.root / "d" / "link").symlink_to("e")
    way = local.root.with_name("way")
    way.symlink_to(local.root)
    assert local.folder.name_of(way / "d" / "e") == "d/e"
    assert local.folder.name_of(way / "d" / "link") == "d/link"


def test_the_path_of_a_name_is_inside(local: LocalFolder) -> None:
    assert local.folder.path("") == local.root
    assert local.folder.path("d/a\u240ab") == local.root / "d" / "a\nb"
    for name in ("..", "a/../..", "/etc/passwd"):
        assert local.folder.path(name).is_relative_to(local.root)
        assert ".." not in local.folder.path(name).parts


# file systems with ideas of their own -------------------------------------------------------------------------------


@pytest.fixture
def spelled() -> Callable[..., Spelling]:
    return lambda **nature: Spelling(Path("/home/someone/folder"), Nature(**nature), "")


def test_names_do_not_collide_on_ordinary_file_systems(local: LocalFolder) -> None:
    assert not local.folder.folds
    for name in ("a", "A", "é", unicodedata.normalize("NFD", "é"), "ß"):
        assert local.folder.fold(name) == name


def test_keys_where_case_is_ignored(spelled: Callable[..., Spelling]) -> None:
    spelling = spelled(ignores_case=True)
    assert spelling.folds
    assert spelling.fold("D/Ä.TXT") == spelling.fold("d/ä.txt")
    assert spelling.fold("é") != spelling.fold(unicodedata.normalize("NFD", "é"))
    assert spelling.problem(".PithosFS") is not None


def test_keys_where_normal_forms_are_ignored(spelled: Callable[..., Spelling]) -> None:
    spelling = spelled(ignores_form=True)
    assert spelling.folds
    assert spelling.fold("é") == spelling.fold(unicodedata.normalize("NFD", "é"))
    assert spelling.fold("É") != spelling.fold("é")
    both = spelled(ignores_form=True, ignores_case=True)
    assert both.fold("É") == both.fold(unicodedata.normalize("NFD", "é"))


def test_a_file_system_that_decomposes_names(spelled: Callable[..., Spelling]) -> None:
    """What is stored there as NFD is known in the cloud as NFC, the form that others write; NFD cannot come here."""
    spelling = spelled(ignores_form=True, form="NFD")
    composed, decomposed = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    assert spelling.to_cloud(decomposed) == composed
    assert spelling.problem(composed) is None
    assert spelling.problem(decomposed) is not None


def test_a_file_system_that_composes_names(spelled: Callable[..., Spelling]) -> None:
    spelling = spelled(ignores_form=True, form="NFC")
    assert spelling.problem(unicodedata.normalize("NFC", "é")) is None
    assert spelling.problem(unicodedata.normalize("NFD", "é")) is not None


@pytest.mark.parametrize("segment", ["a:b", "what?", "x\ty", "ends.", "ends "])
def test_names_that_windows_does_not_know(spelled: Callable[..., Spelling], segment: str) -> None:
    assert spelled(ignores_case=True, forbidden=frozenset(':?"')).problem(segment) is not None
    assert spelled().problem(segment) is None


def test_file_systems_with_short_names_or_only_utf8(spelled: Callable[..., Spelling]) -> None:
    assert spelled(longest=100).problem("x" * 101) == "a part of it is too long"
    assert spelled(any_bytes=False).problem("\u201bFF") is not None
    assert spelled(any_bytes=False).problem("é") is None
