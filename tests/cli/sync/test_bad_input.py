"""Every wrong way to call a sync command: the exit code, one line on what is wrong, one on what to do, nothing done."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.daemons import SyncHome
from fixtures.invoker import Invoker

from pithosfs_daemon import service

ADD = ("sync", "add", "Work", "/pithos/x")

# What is called, the exit code, what must be said, and what must be advised.
TABLE: list[tuple[tuple[str, ...], int, str, str]] = [
    (("sync", "nonsense"), 2, "no command 'nonsense'", "--help"),
    (("sync", "stats"), 2, "did you mean 'status'", "--help"),
    (("sync", "add"), 2, "LOCAL", "--help"),
    (("sync", "add", "Work"), 2, "REMOTE", "--help"),
    (("sync", "add", "nowhere/deep", "/pithos/x"), 1, "there is no folder", "mkdir -p"),
    (("sync", "add", "Work/a.txt", "/pithos/x"), 1, "is not a folder", "the folder that the file is in"),
    (("sync", "add", "/", "/pithos/x"), 1, "is in /", "choose a folder in it"),
    (("sync", "add", "Work", "/a/../b"), 2, "leads elsewhere", "without . and .."),
    (("sync", "add", "Work", "/pithos//x"), 2, "empty name", "doubled slashes"),
    (("sync", "add", "Work", "/.."), 2, "name of a container", "without slashes"),
    (("sync", "add", "Work", "/pithos/file"), 2, "is a file in the cloud", "a folder"),
    (("sync", "add", "Work", "/pithos/file/below"), 2, "is a file in the cloud", "a folder"),
    (("sync", "add", "Work", "/none", "--no-create"), 3, "no container 'none'", "container create none"),
    ((*ADD, "--direction", "sideways"), 2, "sideways", "--help"),
    ((*ADD, "--symlinks", "copy"), 2, "copy", "--help"),
    ((*ADD, "--interval", "often"), 2, "'often' is not a time span", "30s"),
    ((*ADD, "--interval", "0"), 2, "0 seconds", "0.2 to 86400"),
    ((*ADD, "--interval", "2d"), 2, "172800 seconds", "0.2 to 86400"),
    ((*ADD, "--interval", "-1"), 2, "'-1'", "30s"),
    ((*ADD, "--max-delete", "101%"), 2, "101%", "0% to 100%"),
    ((*ADD, "--max-delete", "half"), 2, "'half'", "0% to 100%"),
    ((*ADD, "--upload-limit", "fast"), 2, "'fast' is not a size", "MiB"),
    ((*ADD, "--upload-limit", "0"), 2, "a limit of nothing", "none"),
    ((*ADD, "--download-limit", "10"), 2, "too few", "1KiB"),
    ((*ADD, "--exclude", ""), 2, "excludes nothing", ".gitignore"),
    ((*ADD, "--exclude", "# comment"), 2, "excludes nothing", ".gitignore"),
    ((*ADD, "--exclude", "a\nb"), 2, "more than one pattern", "once for each"),
    ((*ADD, "--exclude", "[z-a]"), 2, "is not a pattern", ".gitignore"),
    ((*ADD, "--cloud", "nowhere"), 2, "no cloud 'nowhere'", "there are: test"),
    ((*ADD, "-o", "cloud.test.token=x"), 2, "not by options of this command", "config set"),
    ((*ADD, "--ignore-ssl"), 2, "not by options of this command", "config set"),
    (("sync", "list", "--columns", "nonsense"), 2, "no column 'nonsense'", "--help"),
    (("sync", "remove"), 2, "PAIR", "--help"),
    (("sync", "remove", "Work"), 3, "no folder is synced", "sync add"),
    (("sync", "set", "Work"), 3, "no folder is synced", "sync add"),
    (("sync", "pause", "Work"), 3, "no folder is synced", "sync add"),
    (("sync", "status", "Work"), 3, "no folder is synced", "sync add"),
    (("sync", "now", "--max-delete", "x"), 2, "'x'", "0% to 100%"),
    (("sync", "resolve", "Work/a.txt"), 2, "--keep", "--help"),
    (("sync", "resolve", "Work/a.txt", "--keep", "ours"), 2, "ours", "--help"),
    (("sync", "resolve", "Work/a.txt", "--keep", "mine"), 3, "not in a synced folder", "sync list"),
    (("sync", "log", "-n", "-1"), 2, "-1", "--help"),
    (("sync", "trash", "restore", "0badcafe"), 3, "no 0badcafe in the trash", "trash list"),
    (("sync", "trash", "empty", "--older-than", "long"), 2, "'long'", "30s"),
]

# The same when Work and Docs are synced (with --no-start).
SYNCED: list[tuple[tuple[str, ...], int, str, str]] = [
    (ADD, 1, "is synced already, with /pithos/x", "sync status"),
    (("sync", "add", "Work/sub", "/pithos/y"), 1, "which is synced already", "sync remove"),
    (("sync", "add", ".", "/pithos/y"), 1, "is synced already with", "sync remove"),
    (("sync", "remove", "Work"), 2, "needs a confirmation", "--yes"),
    (("sync", "remove", "nothing", "--yes"), 3, "nothing is not a synced folder", "sync list"),
    (("sync", "set", "Work"), 2, "nothing to set", "--help"),
    (("sync", "set", "Work", "--exclude", "x", "--no-excludes"), 2, "exclude each other", ""),
    (("sync", "set", "Work", "--folder", "Docs"), 1, "synced already", ""),
    (("sync", "set", "Work", "--folder", "a"), 1, "is not the folder that", "sync add"),
    (("sync", "set", "Work", "--interval", "0.1"), 2, "0.1 seconds", "0.2 to 86400"),
    (("sync", "status", "Work/nothing"), 3, "here or in the cloud", "how it is written"),
    (("sync", "status", "Work/a.txt", "--watch"), 2, "--watch is for whole folders", "leave it out"),
    (("sync", "status", "/etc"), 3, "not a synced folder", "sync list"),
    (("sync", "resolve", "Work/a.txt", "--keep", "mine"), 3, "no conflict about a.txt", "sync conflicts"),
    (("sync", "trash", "restore", "Work/a.txt"), 3, "in the trash", "trash list"),
    (("sync", "trash", "restore", "x", "--to", "/tmp/x"), 2, "not in a synced folder", "move it then"),
]


def told(program: Invoker, arguments: tuple[str, ...], code: int, said: str, advised: str) -> None:
    result = program(*arguments)
    assert result.code == code, result.err
    assert result.raw == b""
    lines = result.err.splitlines()
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert "Traceback" not in result.err
    assert "internal error" not in result.err
    if advised:
        assert len(lines) == 2, lines
        assert lines[1].startswith("hint: ")
        assert advised in lines[1]


def test_nothing_is_synced_yet(program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("file", "upload", "-", "/pithos/file", stdin=b"data")
    before = {one.name for one in sync.user.store.containers()}
    for row in TABLE:
        told(program, *row)
    assert sync.registry.pairs() == []
    assert service.find(sync.directories) is None
    assert {one.name for one in sync.user.store.containers()} == before
    assert [one.name for one in work.iterdir()] == ["a.txt"]


def test_something_is_synced(program: Invoker, sync: SyncHome, work: Path) -> None:
    for name in ("Docs", "a"):
        (program.cwd / name).mkdir()
    program.ok(*ADD, "--no-start")
    program.ok("sync", "add", "Docs", "/pithos/docs", "--no-start")
    before = sync.registry.pairs()
    for row in SYNCED:
        told(program, *row)
    assert sync.registry.pairs() == before


def test_a_cloud_of_the_environment(program: Invoker, sync: SyncHome, work: Path) -> None:
    result = program(*ADD, PITHOSFS_URL=sync.user.url, PITHOSFS_TOKEN=sync.user.token)
    assert result.code == 2
    assert "not of the environment" in result.err
    assert sync.user.token not in result.err


@pytest.mark.parametrize(
    ("setting", "code"), [("cloud.test.token=wrong", 4), ("cloud.test.url=http://127.0.0.1:9/", 7)]
)
def test_a_cloud_that_refuses_or_does_not_answer(
    program: Invoker, sync: SyncHome, work: Path, setting: str, code: int
) -> None:
    program.ok("config", "set", *setting.split("="))
    result = program(*ADD)
    assert result.code == code
    assert len(result.err.splitlines()) == 2
    assert sync.registry.pairs() == []
