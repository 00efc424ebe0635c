"""What `.pithosignore` and the pair's excludes leave alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest
from fixtures.local_folder import LocalFolder, as_nobody

from pithosfs.errors import LocalError
from pithosfs_daemon.folder import Folder, IgnoreRules
from pithosfs_daemon.values import Kind

FILE, FOLDER = Kind.FILE, Kind.FOLDER


def test_without_patterns_nothing_is_ignored() -> None:
    rules = IgnoreRules(["", "# a comment", "   "])
    assert not rules.ignores("a/b", FILE)
    assert not rules.ignores("# a comment", FILE)
    assert not rules.ignores("", FOLDER)


@pytest.mark.parametrize(
    ("line", "name", "kind", "is_ignored"),
    [
        ("*.o", "a.o", FILE, True),
        ("*.o", "d/e/a.o", FILE, True),
        ("*.o", "a.oo", FILE, False),
        ("build/", "build", FOLDER, True),
        ("build/", "build", FILE, False),
        ("build/", "build/deep/x", FILE, True),
        ("build/", "d/build/x", FILE, True),
        ("/build", "d/build", FILE, False),
        ("/build", "build", FILE, True),
        ("d/*.txt", "d/a.txt", FILE, True),
        ("d/*.txt", "x/d/a.txt", FILE, False),
        ("**/d/a", "x/y/d/a", FILE, True),
        ("d/**", "d", FOLDER, False),
        ("d/**", "d/x/y", FILE, True),
        ("d/**/", "d", FOLDER, False),
        ("d/**/", "d/x", FOLDER, True),
        ("d/**/", "d/x", FILE, False),
        ("a?c", "abc", FILE, True),
        ("a[!b]c", "abc", FILE, False),
        (r"\#x", "#x", FILE, True),
        (r"\!x", "!x", FILE, True),
        ("x ", "x", FILE, True),
        (r"x\ ", "x ", FILE, True),
        ("caf\udce9", "caf\u201bE9", FILE, True),
        ("*\udce9*", "caf\u201bE9s", FILE, True),
        ("\u201bE9", "\u201b\u201bE9", FILE, True),
    ],
)
def test_the_syntax_is_that_of_gitignore(line: str, name: str, kind: Kind, is_ignored: bool) -> None:
    assert IgnoreRules([line]).ignores(name, kind) is is_ignored


def test_what_is_taken_back() -> None:
    rules = IgnoreRules(["*.log", "!keep.log", "logs/"])
    assert not rules.ignores("keep.log", FILE)
    assert rules.ignores("other.log", FILE)
    # As in git: not below a folder that is ignored itself.
    assert rules.ignores("logs/keep.log", FILE)


def test_excludes_of_the_pair_have_the_last_word() -> None:
    rules = IgnoreRules(["!secret"], ["secret"])
    assert rules.ignores("secret", FILE)


def test_lines_that_are_no_patterns_match_nothing_and_are_known() -> None:
    rules = IgnoreRules(["!", "\\", "*.o"])
    assert rules.nonsense == ["!", "\\"]
    assert rules.ignores("a.o", FILE)
    assert not rules.ignores("!", FILE)


def test_equal_lines_make_equal_rules() -> None:
    assert IgnoreRules(["a"], ["b"]) == IgnoreRules(["a", "b"])
    assert hash(IgnoreRules(["a"])) == hash(IgnoreRules(["a"]))
    assert IgnoreRules(["a"]) != IgnoreRules(["b"])
    assert IgnoreRules() != "no rules"


def test_git_agrees(local: LocalFolder) -> None:
    """The real thing decides about a tree, pattern by pattern."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    lines = [
        "*.o",
        "!keep.o",
        "/top",
        "build/",
        "a/**/z",
        "**/deep",
        "d/*",
        "!d/x",
        "sp ace",
        "[ab]1",
        "x/y/",
        "w/**",
        "!w/k",
        "v/**/",
    ]
    files = [
        *("a.o", "keep.o", "d/keep.o", "top", "n/top", "build/x", "n/build/x", "a/z", "a/b/z", "a/b/c/z"),
        *("deep/x", "q/deep", "d/x", "d/y", "d/e/f", "sp ace", "a1", "b1", "c1", "x/y/z", "m/x/y/z", "plain"),
        *("w/a", "w/k", "w/b/k", "v/a", "v/b/a"),
    ]
    for name in files:
        local.write(name, b"")
    subprocess.run(["git", "init", "-q", local.root], check=True)
    (local.root / ".git" / "info" / "exclude").write_text("\n".join(lines))
    rules = IgnoreRules(lines)
    listed = subprocess.run(
        ["git", "-C", local.root, "ls-files", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"},
    ).stdout.split("\0")
    by_git = {name for name in listed if name and not name.startswith(".pithosfs/")}
    assert {name for name in files if not rules.ignores(name, FILE)} == by_git


# of a folder --------------------------------------------------------------------------------------------------------


def test_a_scan_separates_what_is_ignored(make: Callable[..., LocalFolder]) -> None:
    local = make(excludes=("*.tmp",))
    local.write(".pithosignore", b"*.o\nbuild/\n")
    for name in ("a.o", "a.c", "a.tmp", "build/x", "d/b.o", "d/b.c"):
        local.write(name, b"")
    assert local.folder.refresh_rules()
    found = local.folder.scan("")
    assert found.entries.keys() == {".pithosignore", "a.c", "d"}
    assert found.ignored == {"a.o", "a.tmp", "build"}
    assert local.folder.scan("d").ignored == {"b.o"}
    for name, kind in (("a.o", FILE), ("build", FOLDER), ("build/x", FILE), ("d/b.o", FILE)):
        assert local.folder.ignores(name, kind)
    assert not local.folder.ignores("d/b.c", FILE)


def test_the_rules_are_read_at_the_start(local: LocalFolder) -> None:
    local.write(".pithosignore", b"*.o")
    assert local.restart().ignores("a.o", FILE)


def test_rules_that_stay_the_same_are_not_new(local: LocalFolder) -> None:
    assert not local.folder.refresh_rules()
    local.write(".pithosignore", b"*.o")
    assert local.folder.refresh_rules()
    local.write(".pithosignore", b"*.o")
    assert not local.folder.refresh_rules()
    (local.root / ".pithosignore").unlink()
    assert local.folder.refresh_rules()
    assert not local.folder.ignores("a.o", FILE)


def test_the_ignore_file_itself_is_always_synced(local: LocalFolder) -> None:
    local.write(".pithosignore", b".*\n*\n")
    local.write("d/.pithosignore", b"")
    local.folder.refresh_rules()
    assert local.folder.scan("").entries.keys() == {".pithosignore"}
    assert local.folder.ignores("d/.pithosignore", FILE)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf*.o\r\n*.tmp\r\n", b"*.o\n\x0c\n*.tmp", b"*.o\n\n*.tmp\n"])
def test_files_from_other_systems(local: LocalFolder, content: bytes) -> None:
    local.write(".pithosignore", content)
    local.folder.refresh_rules()
    assert local.folder.ignores("a.o", FILE)
    assert local.folder.ignores("a.tmp", FILE)


def test_a_name_that_is_not_utf8_can_be_ignored(local: LocalFolder) -> None:
    local.write(".pithosignore", b"caf\xe9\n")
    with open(os.fsencode(local.root) + b"/caf\xe9", "xb"):
        pass
    local.folder.refresh_rules()
    assert local.folder.scan("").ignored == {"caf\u201bE9"}


@pytest.mark.parametrize("what", ["folder", "pipe", "link to nowhere", "huge"])
def test_rules_that_cannot_be_read_are_not_taken_for_none(local: LocalFolder, what: str) -> None:
    local.write(".pithosignore", b"*.o")
    local.folder.refresh_rules()
    path = local.root / ".pithosignore"
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "huge":
        path.write_bytes(b"x\n" * (1 << 20))
    else:
        path.symlink_to("nowhere")
    with pytest.raises(LocalError, match="cannot be read"):
        local.folder.refresh_rules()
    assert local.folder.ignores("a.o", FILE)


def test_rules_that_may_not_be_read_are_not_taken_for_none(local: LocalFolder) -> None:
    local.write(".pithosignore", b"*.o")
    (local.root / ".pithosignore").chmod(0)

    def refresh() -> None:
        with pytest.raises(LocalError, match="cannot be read"):
            local.folder.refresh_rules()

    as_nobody(refresh)


def test_rules_in_a_linked_file_count(make: Callable[..., LocalFolder]) -> None:
    local = make()
    (local.root.parent / "mine").write_text("*.o")
    (local.root / ".pithosignore").symlink_to("../mine")
    local.folder.refresh_rules()
    assert local.folder.ignores("a.o", FILE)


def test_an_unreadable_ignore_file_stops_the_start(local: LocalFolder) -> None:
    (local.root / ".pithosignore").mkdir()
    local.folder.close()
    with pytest.raises(LocalError):
        Folder(local.pair)
    (local.root / ".pithosignore").rmdir()
    local.folder = Folder(local.pair)
