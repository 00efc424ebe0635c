"""`pithosfs sync add`, `list`, `set`, `remove`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud
from fixtures.daemons import SyncHome
from fixtures.invoker import Invoker

from pithosfs_daemon import service


def test_add_list_and_remove(program: Invoker, sync: SyncHome, work: Path) -> None:
    assert "No folder is synced" in program.ok("sync", "list").err
    added = program.ok("sync", "add", "Work", "/work/sub/")
    [pair] = sync.registry.pairs()
    assert added.out == f"{work} is kept in step with /work/sub now, as {pair.id}\n"
    assert "Made the container work" in added.err
    assert "Started the sync daemon" in added.err
    sync.until(lambda: "sub/a.txt" in {one.name for one in sync.user.store.list_objects("work").found.objects})  # type: ignore[union-attr]
    [listed] = program.ok("sync", "list", "-j").json
    assert listed == {
        "id": pair.id,
        "folder": str(work),
        "cloud": "test",
        "remote": "/work/sub",
        "direction": "both",
        "interval": 1.0,
        "excludes": [],
        "symlinks": "skip",
        "upload_limit": None,
        "download_limit": None,
        "max_delete": 0.5,
        "paused": False,
    }
    assert program.ok("sync", "list").out.splitlines()[1].split() == [
        pair.id, str(work), "both", "test", "/work/sub", "no",
    ]  # fmt: skip
    # A second one: the daemon runs already, and takes it up.
    second = program.ok("sync", "add", "Docs", "docs", "-j")
    assert second.json["remote"] == "/pithos/docs"
    assert "Made the folder" in second.err
    [_, docs] = sorted(sync.registry.pairs(), key=lambda one: one.folder.name == "Docs")
    sync.in_step(docs)
    removed = program.ok("sync", "remove", "Work", "--yes")
    assert "its files stay" in removed.out
    assert os.listdir(work) == ["a.txt"]
    assert [one["id"] for one in program.ok("sync", "list", "-j").json] == [docs.id]
    assert [one["id"] for one in program.ok("sync", "status", "-j").json] == [docs.id]


def test_options(program: Invoker, sync: SyncHome, work: Path) -> None:
    added = program.ok(
        "sync", "add", "Work", "x", "--no-start", "-j", "--exclude", "*.tmp", "--exclude", "/build/",
        "--direction", "up", "--interval", "2m", "--symlinks", "follow", "--upload-limit", "1MiB",
        "--download-limit", "500k/s", "--max-delete", "10%",
    ).json  # fmt: skip
    assert service.find(sync.directories) is None
    assert added["excludes"] == ["*.tmp", "/build/"]
    assert (added["direction"], added["interval"], added["symlinks"]) == ("up", 120.0, "follow")
    assert (added["upload_limit"], added["download_limit"], added["max_delete"]) == (1 << 20, 500 << 10, 0.1)
    id = added["id"]
    changed = program.ok(
        "sync", "set", id[:5], "--interval", "500ms", "--upload-limit", "none", "--no-excludes", "-j"
    ).json
    assert changed == {**added, "interval": 0.5, "upload_limit": None, "excludes": []}
    assert program.ok("sync", "set", id, "--direction", "down").out == f"{work} goes by that now\n"
    assert program.ok("sync", "set", id, "--direction", "down").out == f"{work} did so already\n"
    assert program.ok("sync", "list", "--columns", "interval,max_delete", "-j").json == [
        {"interval": 0.5, "max_delete": 0.1}
    ]


def test_options_reach_the_daemon_that_runs(program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x", "--interval", "1h")
    [pair] = sync.registry.pairs()
    sync.in_step(pair)
    (work / "b.tmp").write_bytes(b"")
    program.ok("sync", "set", "Work", "--exclude", "*.tmp")
    program.ok("sync", "now")
    assert set(sync.place(pair).objects()) == {"a.txt"}


def test_a_folder_that_was_moved(program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x")
    work.rename(program.cwd / "New")
    missing = program("sync", "now")
    assert missing.code == 1
    assert "is not there" in missing.err
    [pair] = sync.registry.pairs()
    program.ok("sync", "set", pair.id, "--folder", "New")
    assert program.ok("sync", "now", "New").code == 0
    assert set(sync.place(pair).objects()) == {"a.txt"}


def test_the_settings_file_of_the_command_is_the_daemons(program: Invoker, sync: SyncHome, work: Path) -> None:
    sync.directories.config_file.rename(program.cwd / "mine")
    program.ok("sync", "add", "Work", "x", "--config", "mine")
    [pair] = sync.registry.pairs()
    sync.in_step(pair)


def test_removing_asks(cli: Cli, program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x", "--no-start")
    [pair] = sync.registry.pairs()
    program.ok("sync", "now")
    sync.user.store.delete(sync.place(pair).path("a.txt"))
    program.ok("sync", "now")
    refused = program("sync", "remove", "Work")
    assert refused.code == 2
    assert "--yes" in refused.err
    run = cli.terminal("sync", "remove", "Work")
    run.expect("both sides keep their files")
    run.sendline("n")
    shown, code = finish(run)
    assert code == 1
    assert "nothing was done" in shown
    run = cli.terminal("sync", "remove", "Work")
    run.expect("both sides keep their files")
    run.sendline("y")
    run.expect(r"Delete the 1 file \(5B\) in its trash for good\?")
    run.sendline("y")
    shown, code = finish(run)
    assert code == 0
    assert "is not synced any more" in shown
    assert os.listdir(work) == []
    assert sync.registry.pairs() == []


@pytest.mark.parametrize(("options", "stays"), [(("--yes",), True), (("--yes", "--empty-trash"), False)])
def test_the_trash_when_nobody_is_asked(
    program: Invoker, sync: SyncHome, work: Path, options: tuple[str, ...], stays: bool
) -> None:
    program.ok("sync", "add", "Work", "x", "--no-start")
    [pair] = sync.registry.pairs()
    program.ok("sync", "now")
    sync.user.store.delete(sync.place(pair).path("a.txt"))
    program.ok("sync", "now")
    removed = program.ok("sync", "remove", "Work", *options)
    assert ("1 file of its trash stay" in removed.err) == stays
    assert (work / ".pithosfs" / "trash").exists() == stays


def test_a_shared_container_cannot_be_synced(program: Invoker, sync: SyncHome, work: Path, cloud: TestCloud) -> None:
    other = cloud.user("friend")
    result = program("sync", "add", "Work", f"pithos://{other.uuid}/pithos/x")
    assert result.code == 2
    assert "only your own containers" in result.err
    assert "pithosfs mount" in result.err
