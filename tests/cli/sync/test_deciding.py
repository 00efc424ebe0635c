"""`pithosfs sync conflicts`, `resolve`, `trash`, `log` and `verify`; completion."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.cli import Cli, finish
from fixtures.daemons import SyncHome
from fixtures.invoker import Invoker

from pithosfs_daemon.values import Pair


@pytest.fixture
def pair(program: Invoker, sync: SyncHome, work: Path) -> Pair:
    """Work is synced by hand."""
    program.ok("sync", "add", "Work", "x", "--no-start")
    program.ok("sync", "now")
    return sync.registry.pairs()[0]


def make_conflict(program: Invoker, sync: SyncHome, pair: Pair, mine: bytes = b"mine") -> Path:
    (pair.folder / "a.txt").write_bytes(mine)
    sync.place(pair).put("a.txt", b"theirs")
    assert "1 conflict is to be resolved" in program.ok("sync", "now").err
    [copy] = pair.folder.glob("a (conflict *).txt")
    return copy


# conflicts --------------------------------------------------------------------------------------------------------


def test_a_conflict_is_listed_and_resolved(program: Invoker, sync: SyncHome, pair: Pair) -> None:
    assert "There are no conflicts" in program.ok("sync", "conflicts").err
    copy = make_conflict(program, sync, pair)
    listed = program.ok("sync", "conflicts")
    assert listed.out.splitlines()[0].split() == ["WHEN", "FILE", "YOUR", "COPY"]
    assert listed.out.splitlines()[1].endswith(f"{pair.folder}/a.txt  {copy}")
    assert "sync resolve PATH" in listed.err
    [found] = program.ok("sync", "conflicts", "Work", "-j").json
    assert (found["path"], found["copy_path"]) == (str(pair.folder / "a.txt"), str(copy))
    done = program.ok("sync", "resolve", "Work/a.txt", "--keep", "mine")
    assert done.out == "a.txt has your content again; theirs is in the trash\n"
    program.ok("sync", "now")
    assert sync.place(pair).read("a.txt") == b"mine"
    copy = make_conflict(program, sync, pair, b"mine again")
    assert program.ok("sync", "resolve", copy, "--keep", "theirs", "-j").json["keep"] == "theirs"
    assert not copy.exists()


# the trash --------------------------------------------------------------------------------------------------------


def delete_in_cloud(program: Invoker, sync: SyncHome, pair: Pair, name: str = "a.txt") -> None:
    sync.user.store.delete(sync.place(pair).path(name))
    program.ok("sync", "now", "--max-delete", "100%")
    assert not (pair.folder / name).exists()


def test_the_trash(cli: Cli, program: Invoker, sync: SyncHome, pair: Pair) -> None:
    assert "The trash is empty" in program.ok("sync", "trash", "list").err
    delete_in_cloud(program, sync, pair)
    assert program.ok("sync", "trash", "list").out.splitlines()[1].split()[-2:] == [str(pair.folder), "a.txt"]
    [entry] = program.ok("sync", "trash", "list", "Work", "-j").json
    assert (entry["name"], entry["size"], entry["folder"]) == ("a.txt", 5, str(pair.folder))
    assert program.ok("sync", "trash", "restore", "Work/a.txt").out == f"{pair.folder}/a.txt is back\n"
    assert (pair.folder / "a.txt").read_bytes() == b"hello"
    program.ok("sync", "now")
    delete_in_cloud(program, sync, pair)
    [entry] = program.ok("sync", "trash", "list", "-j").json
    back = program.ok("sync", "trash", "restore", entry["id"], "--to", "Work/d/b", "-j").json
    assert (back["name"], (pair.folder / "d" / "b").read_bytes()) == ("d/b", b"hello")
    program.ok("sync", "now")
    delete_in_cloud(program, sync, pair, "d/b")
    assert program.ok("sync", "trash", "empty", "--dry-run").out == "Would delete d/b for good\n"
    assert program.ok("sync", "trash", "empty", "--older-than", "1h", "--yes").out == "There is nothing to delete\n"
    assert program("sync", "trash", "empty").code == 2
    run = cli.terminal("sync", "trash", "empty")
    run.expect(r"Delete the 1 file \(5B\) for good\?")
    run.sendline("y")
    shown, code = finish(run)
    assert code == 0
    assert "Deleted 1 file for good" in shown
    assert program.ok("sync", "trash", "list", "-j").json == []


def test_an_id_is_an_id_wherever_one_stands(cli: Cli, program: Invoker, sync: SyncHome, pair: Pair) -> None:
    delete_in_cloud(program, sync, pair)
    [entry] = program.ok("sync", "trash", "list", "-j").json
    Cli(cli.home, pair.folder).ok("sync", "trash", "restore", entry["id"])
    assert (pair.folder / "a.txt").exists()


# the log ----------------------------------------------------------------------------------------------------------


def test_the_log(program: Invoker, sync: SyncHome, pair: Pair) -> None:
    (pair.folder / "new\tname").write_bytes(b"x" * 2000)
    sync.place(pair).put("b", b"theirs")
    program.ok("sync", "now")
    lines = program.ok("sync", "log").out.splitlines()
    assert lines[0].split() == ["TIME", "WHAT", "NAME", "DETAIL"]
    rows = [re.split(r"  +", line) for line in lines[1:]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", one[0]) for one in rows)
    assert rows[0][1:] == ["sent", "a.txt", "5B"]
    assert sorted(one[1:] for one in rows[1:]) == [["received", "b", "6B"], ["sent", "new\\tname", "2KiB"]]
    assert len(program.ok("sync", "log", "-n", "1", "-j").json) == 1
    found = program.ok("sync", "log", "Work", "--output", "csv").out.splitlines()
    assert found[0] == "time,folder,what,name,detail"
    program.ok("sync", "add", "Docs", "docs", "--no-start")
    (program.cwd / "Docs" / "y").write_bytes(b"")
    program.ok("sync", "now")
    both = program.ok("sync", "log").out
    assert "FOLDER" in both
    assert str(program.cwd / "Docs") in both


def test_following_the_log(cli: Cli, program: Invoker, sync: SyncHome, pair: Pair) -> None:
    run = cli.terminal("sync", "log", "-f", "-n", "1")
    run.expect("sent +a.txt")
    for name in ("first", "second"):
        (pair.folder / name).write_bytes(b"")
        program.ok("sync", "now")
        run.expect(f"sent +{name}")
    run.kill(signal.SIGINT)
    _, code = finish(run)
    assert code == 130


# comparing --------------------------------------------------------------------------------------------------------


def test_verify(program: Invoker, sync: SyncHome, pair: Pair) -> None:
    same = program.ok("sync", "verify")
    assert (same.out, same.err) == ("", "Both sides hold the same\n")
    before = (pair.folder / "a.txt").stat()
    (pair.folder / "a.txt").write_bytes(b"HELLO")
    os.utime(pair.folder / "a.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    (pair.folder / "here").write_bytes(b"x")
    (pair.folder / "link").symlink_to("a.txt")
    differs = program("sync", "verify", "Work")
    assert differs.code == 1
    rows = [re.split(r"  +", line.strip()) for line in differs.out.splitlines()]
    assert rows == [
        ["NAME", "DIFFERENCE", "HERE", "IN THE CLOUD"],
        ["a.txt", "another content", "5B", "5B"],
        ["here", "only here", "1B", "-"],
    ]
    assert "1 name is left alone" in differs.err
    assert "error: 2 names differ" in differs.err
    assert "sync now" in differs.err
    assert [one["name"] for one in program("sync", "verify", "-j").json] == ["a.txt", "here"]
    assert sync.place(pair).read("a.txt") == b"hello"


# completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["sync"], "re", ["remove", "resolve", "resume"]),
        (["sync", "pause"], "", ["Work"]),
        (["sync", "remove"], "{folder}", ["Work"]),
        (["sync", "status"], "{id}", ["id"]),
        (["sync", "trash"], "", ["empty", "list", "restore"]),
        (["sync", "resolve", "x", "--keep"], "", ["mine", "theirs", "both"]),
    ],
)
def test_completion(
    cli: Cli, sync: SyncHome, pair: Pair, words: list[str], incomplete: str, expected: list[str]
) -> None:
    incomplete = incomplete.replace("{folder}", str(pair.folder)[:-2]).replace("{id}", pair.id[:4])
    meant = {"Work": str(pair.folder), "id": pair.id}
    line = ["pithosfs", *words, incomplete]
    done = subprocess.run(
        [sys.executable, "-m", "pithosfs_cli.main"],
        env={
            **cli.environ,
            "_PITHOSFS_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(line),
            "COMP_CWORD": str(len(line) - 1),
        },
        cwd=cli.cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = [one.partition(",")[2] for one in done.stdout.splitlines()]
    assert [one for one in found if one] == [meant.get(one, one) for one in expected]
