"""`pithosfs sync start`, `stop`, `pause`, `resume` and `now`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud
from fixtures.daemons import SyncHome
from fixtures.invoker import Invoker

from pithosfs_daemon import service
from pithosfs_daemon.states import Condition

if TYPE_CHECKING:
    from fixtures.proxy import FaultProxy


def test_start_and_stop(program: Invoker, sync: SyncHome) -> None:
    assert program.ok("sync", "stop").out == "The sync daemon does not run\n"
    started = program.ok("sync", "start")
    record = service.find(sync.directories)
    assert record is not None
    assert started.out == f"The sync daemon runs now (process {record.pid})\n"
    assert "No folder is synced yet" in started.err
    again = program.ok("sync", "start", "-j").json
    assert (again["pid"], again["log"]) == (record.pid, record.log)
    assert "DEBUG" not in sync.log()
    assert "runs already" in program.ok("sync", "start", "--debug").out
    sync.ask("fit")
    assert program.ok("sync", "stop", "-j").json == {"running": False, "was_running": True}
    assert sync.is_over(record)


def test_pause_and_resume(program: Invoker, sync: SyncHome, work: Path) -> None:
    assert "Nothing to pause" in program.ok("sync", "pause").err
    program.ok("sync", "add", "Work", "x")
    [pair] = sync.registry.pairs()
    sync.in_step(pair)
    assert program.ok("sync", "pause", "Work").out == f"Paused {work}\n"
    (work / "b").write_bytes(b"b")
    program.ok("sync", "stop")
    program.ok("sync", "start")  # over a restart too
    assert sync.status(pair).situation.condition == Condition.PAUSED
    assert "PAUSED" in program.ok("sync", "status").out
    program.ok("sync", "stop")
    resumed = program.ok("sync", "resume", "-j")
    assert resumed.json == [{"id": pair.id, "folder": str(work), "paused": False}]
    assert "Nothing is paused" in program.ok("sync", "resume").err
    program.ok("sync", "start")
    sync.until(lambda: "b" in sync.place(pair).objects())
    assert program.ok("sync", "pause", "-j").json == [{"id": pair.id, "folder": str(work), "paused": True}]


@pytest.mark.parametrize("running", [True, False], ids=["daemon", "alone"])
def test_now(program: Invoker, sync: SyncHome, work: Path, running: bool) -> None:
    assert "No folder is synced" in program.ok("sync", "now").err
    program.ok("sync", "add", "Work", "x", *(() if running else ("--no-start",)))
    [pair] = sync.registry.pairs()
    done = program.ok("sync", "now", "Work")
    assert done.out == f"{work}: in step: 1 file, 5B\n"
    assert set(sync.place(pair).objects()) == {"a.txt"}
    for name in "bcdef":
        (work / name).write_bytes(b"x")
    (work / "link").symlink_to("a.txt")
    done = program.ok("sync", "now", "-j")
    assert [(one["folder"], one["in_step"], one["files"]) for one in done.json] == [(str(work), True, 6)]
    assert "1 name is left alone" in program.ok("sync", "now").err
    # Too much vanishes at once: that is asked about.
    program.ok("sync", "pause")
    for name in ("a.txt", *"bcde"):
        (work / name).unlink()
    refused = program("sync", "now", "Work")
    assert refused.code == 1
    assert "not in step: 5 of 6 files have vanished from the folder at once" in refused.out
    assert "--max-delete 100%" in refused.err
    assert len(sync.place(pair).objects()) == 6
    program.ok("sync", "now", "--max-delete", "100%")
    assert set(sync.place(pair).objects()) == {"f"}


def test_now_tells_why_not_by_its_exit_code(
    program: Invoker, sync: SyncHome, work: Path, cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy]
) -> None:
    program.ok("sync", "add", "Work", "x", "--no-start")
    wire = proxy(cloud)
    sync.set_token(sync.user.token, through=wire)
    wire.refuse()
    away = program("sync", "now")
    assert away.code == 7
    assert "not in step: waiting for the cloud: no connection" in away.out
    assert len(away.err.splitlines()) == 2
    wire.restore()
    sync.set_token("wrong", through=wire)
    expired = program("sync", "now", "-j")
    assert expired.code == 4
    assert [(one["in_step"], one["state"]) for one in expired.json] == [(False, "NEEDS YOU")]
    assert "config set cloud.test.token" in expired.err
    sync.set_token(sync.user.token)
    assert program.ok("sync", "now").code == 0


def test_now_of_several(program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x", "--no-start")
    program.ok("sync", "add", "Gone", "y", "--no-start")
    (program.cwd / "Gone").rename(program.cwd / "away")
    result = program("sync", "now")
    assert result.code == 1
    assert f"{work}: in step" in result.out
    assert "error: 1 of 2 folders are not in step" in result.err


def test_an_interrupted_pass_is_gone_on_with(cli: Cli, program: Invoker, sync: SyncHome, work: Path) -> None:
    for number in range(60):
        (work / f"{number}").write_bytes(os.urandom(20_000))
    program.ok("sync", "add", "Work", "x", "--no-start", "--upload-limit", "400KiB")
    [pair] = sync.registry.pairs()
    run = cli.terminal("sync", "now")
    run.expect("bringing in step")
    sync.until(lambda: len(sync.place(pair).objects()) > 1)
    run.kill(signal.SIGINT)
    shown, code = finish(run)
    assert code == 130
    assert "interrupted" in shown
    program.ok("sync", "set", "Work", "--upload-limit", "none")
    sync.in_step(pair)
