"""`pithosfs sync status`, `--watch`, and the synced folders in `pithosfs status`."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import click
import pexpect
import pytest
from fixtures.cli import Cli
from fixtures.daemons import SyncHome
from fixtures.invoker import Invoker

from pithosfs_cli.sync.showing import block, record
from pithosfs_daemon.activity import Running, Totals
from pithosfs_daemon.states import Condition, PairStatus, Situation
from pithosfs_daemon.values import Reason, Trouble

STATUS = PairStatus(
    "a1b2c3d4",
    "/home/ada/Work",
    "work",
    "/work/x",
    "both",
    Situation(Condition.IN_STEP),
    files=1204,
    bytes=2_469_606_195,
)


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")


def shown(status: PairStatus, width: int = 80, *, details: bool = False) -> list[str]:
    lines = [click.unstyle(line) for line in block(status, width, details=details)]
    assert all(len(line) <= max(width, 40) or "pithosfs " in line for line in lines), lines
    return lines


# the picture ------------------------------------------------------------------------------------------------------


def test_in_step() -> None:
    headline, facts = shown(replace(STATUS, checked=time.time()))
    assert headline == "~/Work ⇄ /work/x" + " " * 57 + "IN STEP"
    assert facts == "  1204 files, 2.3GiB; looked at just now"


def test_working_with_transfers() -> None:
    name = "a/very/long/name/" + "x" * 100
    lines = shown(
        replace(
            STATUS,
            direction="up",
            situation=Situation(Condition.WORKING, "3 of 120 changes done, 45MiB of 1.1GiB, about 2 min left"),
            totals=Totals("working", 3, 120, 45 << 20, 1 << 30, 0),
            running=(Running("b.mov", "up", 12 << 20, 340 << 20), Running(name, "down", 0, 0)) * 4,
        )
    )
    assert lines[0].startswith("~/Work → /work/x ")
    assert lines[0].endswith(" WORKING")
    assert lines[1] == "  3 of 120 changes done, 45MiB of 1.1GiB, about 2 min left"
    assert re.fullmatch(r"    ↑ b\.mov +12MiB of 340MiB +3%", lines[3])
    assert "…" in lines[4]
    assert lines[-1] == "    and 2 more"


def test_waiting_and_needing_somebody() -> None:
    waiting = Situation(Condition.WORKING, "waiting for the cloud: no connection", retry=time.time() + 12.4)
    assert shown(replace(STATUS, situation=waiting))[1] == "  waiting for the cloud: no connection; next try in 12 s"
    over = replace(waiting, retry=time.time() - 5)
    assert shown(replace(STATUS, situation=over))[1].endswith("; next try now")
    needs = Situation(Condition.NEEDS_YOU, "the token is not accepted", "pithosfs config set cloud.work.token")
    lines = shown(replace(STATUS, direction="down", situation=needs))
    assert lines[0].startswith("~/Work ← /work/x ")
    assert lines[1:3] == ["  the token is not accepted", "  → pithosfs config set cloud.work.token"]


def test_names_that_are_not_synced() -> None:
    names = [Trouble("link\n", Reason.SYMLINK, "to x"), *(Trouble(f"{n}", Reason.COLLISION) for n in range(30))]
    status = STATUS.with_troubles(tuple(names))
    assert "  31 names left alone: pithosfs sync status a1b2c3d4" in shown(status)
    lines = shown(status, details=True)
    assert "    link\\n is a symbolic link: to x" in lines
    assert lines[-1] == "    and 11 more: pithosfs sync status a1b2c3d4 --output json"
    assert record(status)["not_synced"] == 31
    assert record(status)["names"][0] == {"name": "link\n", "reason": "is a symbolic link", "detail": "to x"}


def test_conflicts_and_watching() -> None:
    lines = shown(replace(STATUS, conflicts=2, watch_problem="raise the limit"))
    assert "  2 conflicts to resolve: pithosfs sync conflicts a1b2c3d4" in lines
    assert "  raise the limit" in lines


def test_a_pair_that_cannot_be_read() -> None:
    [headline, *_] = shown(PairStatus("a1", "", "", "", "", Situation(Condition.NEEDS_YOU, "x", "y"), alive=False))
    assert headline.startswith("a1 (cannot be read) ")


def test_a_narrow_terminal() -> None:
    shown(replace(STATUS, running=(Running("x" * 50, "up", 1, 2),)), 20)


# the command ------------------------------------------------------------------------------------------------------


def test_folders_and_paths(program: Invoker, sync: SyncHome, work: Path) -> None:
    assert "No folder is synced" in program.ok("sync", "status").err
    program.ok("sync", "add", "Work", "x", "--no-start")
    stopped = program.ok("sync", "status").out
    assert "NEEDS YOU" in stopped
    assert "→ pithosfs sync start" in stopped
    program.ok("sync", "start")
    [pair] = sync.registry.pairs()
    (work / "link").symlink_to("a.txt")
    sync.ask("now")
    lines = program.ok("sync", "status").out.splitlines()
    assert lines[0].split() == [str(work), "⇄", "/pithos/x", "IN", "STEP"]
    assert lines[1].startswith("  1 file, 5B; looked at just now; last change ")
    assert lines[2] == f"  1 name left alone: pithosfs sync status {pair.id}"
    for name in ("Work", "Work/", pair.id, pair.id[:6], str(work)):
        assert "    link is a symbolic link: to a.txt" in program.ok("sync", "status", name).out, name
    path = program.ok("sync", "status", "Work/a.txt")
    assert path.out == f"{work}/a.txt: IN STEP\n"
    assert program.ok("sync", "status", "Work/link").out == f"{work}/link: IGNORED\n  is a symbolic link: to a.txt\n"
    found = program.ok("sync", "status", "Work/a.txt", "-j").json
    assert (found["state"], found["name"], found["folder"]) == ("IN STEP", "a.txt", str(work))
    program.ok("sync", "pause")
    (work / "a.txt").write_bytes(b"changed")
    assert program.ok("sync", "status", "Work/a.txt").out.startswith(f"{work}/a.txt: PAUSED\n")


def test_as_documents(program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x", "--no-start")
    program.ok("sync", "now")
    [found] = program.ok("sync", "status", "-j").json
    assert (found["state"], found["daemon"], found["files"], found["bytes"]) == ("NEEDS YOU", False, 1, 5)
    assert program.ok("sync", "status", "--output", "yaml").out.startswith("- id: ")
    assert program.ok("sync", "status", "--output", "csv").out.startswith("id,folder,cloud,remote,direction,state,")


def test_in_the_status_of_mounts(program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x", "--no-start")
    status = program.ok("status")
    [line] = status.out.splitlines()
    assert line.split() == [str(work), "⇄", "/pithos/x", "NEEDS", "YOU"]
    assert program.ok("status", "-j").json == []  # a list of mounts, as before


# watching ---------------------------------------------------------------------------------------------------------


def test_watching_piped_is_a_line_for_each_change(cli: Cli, program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x")
    [pair] = sync.registry.pairs()
    sync.in_step(pair)
    run = cli.spawn("sync", "status", "--watch")
    assert run.stdout is not None
    lines: list[str] = []
    come = threading.Semaphore(0)

    def read(stream: object) -> None:
        for line in run.stdout or ():
            lines.append(line.decode())
            come.release()

    reader = threading.Thread(target=read, args=(run.stdout,))
    reader.start()
    try:
        assert come.acquire(timeout=20)
        program.ok("sync", "pause")
        assert come.acquire(timeout=20)
        program.ok("sync", "stop")
        program.ok("sync", "resume")
        assert come.acquire(timeout=20)
    finally:
        run.send_signal(signal.SIGINT)
        reader.join(20)
        code = run.wait()
        run.communicate()
    assert code == 130
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
    assert re.fullmatch(stamp + re.escape(f"{work} IN STEP\n"), lines[0])
    assert re.fullmatch(stamp + re.escape(f"{work} PAUSED\n"), lines[1])
    assert re.fullmatch(stamp + re.escape(f"{work} NEEDS YOU: the sync daemon does not run\n"), lines[2])


def test_watching_for_programs(cli: Cli, program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x", "--no-start")
    run = cli.spawn("sync", "status", "--watch", "-j")
    assert run.stdout is not None
    with run:
        first = json.loads(run.stdout.readline())
        assert first["state"] == "NEEDS YOU"
        run.send_signal(signal.SIGINT)
        assert run.wait() == 130


def test_watching_on_a_terminal_refreshes_in_place(cli: Cli, program: Invoker, sync: SyncHome, work: Path) -> None:
    program.ok("sync", "add", "Work", "x")
    [pair] = sync.registry.pairs()
    sync.in_step(pair)
    run: pexpect.spawn[str] = cli.terminal("sync", "status", "--watch")
    run.expect("IN STEP")
    (work / "b").write_bytes(os.urandom(10))
    run.expect("2 files, 15B")
    program.ok("sync", "pause")
    run.expect("PAUSED")
    assert "\x1b[" in str(run.before)  # moved up and overwritten, not printed below
    run.kill(signal.SIGINT)
    run.read()
    run.close()
    assert run.exitstatus == 130
