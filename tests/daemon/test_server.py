"""The daemon as a process: started, asked, signalled, killed; and what its pairs do about trouble from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from fixtures.clouds import TestCloud, User
from fixtures.daemons import SyncHome
from fixtures.homes import Home
from fixtures.synced import tree_of

from pithosfs.errors import LocalError, UsageError
from pithosfs.localcloud import process
from pithosfs_daemon import service
from pithosfs_daemon.claim import Claim, read_record
from pithosfs_daemon.states import Condition

if TYPE_CHECKING:
    from fixtures.proxy import FaultProxy

ProxyMaker = Callable[[TestCloud], "FaultProxy"]


# life and death ---------------------------------------------------------------------------------------------------


def test_a_life(sync: SyncHome) -> None:
    pair = sync.add()
    (pair.folder / "a").write_bytes(b"ours")
    assert service.find(sync.directories) is None
    record = sync.start()
    assert service.find(sync.directories) == record
    assert service.start(sync.directories, environ=sync.home.environ) == (record, False)
    status = sync.await_condition(pair, Condition.IN_STEP)
    assert (status.alive, status.files, status.bytes) == (True, 1, 4)
    # Both ways, by itself.
    (pair.folder / "b").write_bytes(b"new")
    sync.until(lambda: "b" in sync.place(pair).objects())
    sync.place(pair).put("c", b"theirs")
    sync.until((pair.folder / "c").exists)
    sync.await_condition(pair, Condition.IN_STEP)
    assert sync.did(pair) == [("sent", "a"), ("sent", "b"), ("received", "c")]
    assert service.stop(sync.directories)
    assert sync.is_over(record)
    assert not service.stop(sync.directories)
    assert sync.status(pair).situation.what == "the sync daemon does not run"
    log = sync.log()
    assert "WARNING" not in log
    assert "ERROR" not in log


def test_one_that_has_nothing_to_do(sync: SyncHome) -> None:
    record = sync.start()
    assert sync.ask("status") == {"pairs": []}
    assert "no folder is synced" in sync.log()
    # A second one is refused.
    with sync.spawn() as second:
        out, err = second.communicate(timeout=30)
    assert second.returncode == 5
    assert out == b""
    assert f"error: the sync daemon runs already (process {record.pid}" in err.decode()
    assert "hint: " in err.decode()
    # Its log says more when it is told to.
    sync.ask("log_level", level="debug")
    sync.signal(signal.SIGHUP)
    with pytest.raises(UsageError, match="'loud'"):
        sync.ask("log_level", level="loud")
    # It can be ended when its socket has gone with the session.
    Path(record.socket).unlink()
    assert service.stop(sync.directories)
    assert sync.is_over(record)
    # On another machine of the same home there may be one, whose socket is no good here.
    claim = Claim(sync.directories)
    claim.announce(replace(record, host="elsewhere"))
    try:
        with pytest.raises(LocalError, match="runs on elsewhere"):
            sync.ask("status")
    finally:
        claim.release()


def test_two_starts_at_once_make_one(sync: SyncHome) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: service.start(sync.directories, environ=sync.home.environ), range(4)))
    assert len({record.pid for record, _ in started}) == 1
    assert [is_new for _, is_new in started].count(True) == 1


def test_killed_and_started_again(sync: SyncHome) -> None:
    pair = sync.add()
    sync.start()
    sync.await_condition(pair, Condition.IN_STEP)
    sync.kill()
    assert service.find(sync.directories) is None
    (pair.folder / "a").write_bytes(b"while nobody looked")
    sync.start()
    sync.in_step(pair)


def test_a_signal_ends_it_soon_whatever_it_does(
    home: Home, user: User, cloud: TestCloud, proxy: ProxyMaker, tmp_path: Path
) -> None:
    wire = proxy(cloud)
    sync = SyncHome(home, user, tmp_path, through=wire)
    pair = sync.add()
    for count in range(40):
        (pair.folder / f"{count}").write_bytes(os.urandom(100_000))
    record = sync.start()
    sync.until(lambda: len(sync.place(pair).objects()) > 3)
    wire.dark()  # whatever is under way gets no answer
    begun = time.monotonic()
    try:
        sync.signal(signal.SIGTERM)
        sync.until(lambda: sync.is_over(record))
        assert time.monotonic() - begun < 12
        wire.restore()
        sync.start()
        sync.in_step(pair)
    finally:
        sync.close()


# systemd ----------------------------------------------------------------------------------------------------------


def test_what_systemd_is_told(sync: SyncHome, tmp_path: Path) -> None:
    pair = sync.add()
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(20)
        heard: list[bytes] = []

        def hear(wanted: bytes) -> None:
            while not any(one.startswith(wanted) for one in heard):
                heard.append(manager.recv(1000))

        with sync.spawn(NOTIFY_SOCKET=name, WATCHDOG_USEC="400000") as running:
            hear(b"READY=1")
            # It answers by then.
            assert sync.status(pair).alive
            hear(b"STATUS=1 folder: 1 in step")
            heard.clear()
            hear(b"WATCHDOG=1")
            hear(b"WATCHDOG=1")
            (pair.folder).rename(tmp_path / "away")
            hear(b"STATUS=1 folder: 1 needs you")
            running.send_signal(signal.SIGHUP)
            hear(b"RELOADING=1")
            heard.clear()
            hear(b"READY=1")
            running.send_signal(signal.SIGINT)
            hear(b"STOPPING=1")
            _, err = running.communicate(timeout=20)
    assert running.returncode == 0
    assert b"NEEDS YOU" in err  # in the foreground it logs to standard error as well


# requests ---------------------------------------------------------------------------------------------------------


def test_pairs_come_and_go(sync: SyncHome) -> None:
    first, broken = sync.add("first"), sync.add("broken")
    (sync.registry.directory(broken.id) / "pair.json").write_text("{")
    sync.start()
    sync.await_condition(first, Condition.IN_STEP)
    # One that cannot be read is told beside the others.
    found = {one["id"]: one["situation"] for one in sync.ask("status")["pairs"]}
    assert found[broken.id]["condition"] == "NEEDS YOU"
    assert "does not describe a synced folder" in found[broken.id]["what"]
    (sync.registry.directory(broken.id) / "pair.json").unlink()
    second = sync.add("second")
    (second.folder / "x").write_bytes(b"x")
    sync.ask("fit")
    sync.in_step(second)
    assert {one["id"] for one in sync.ask("status")["pairs"]} == {first.id, second.id}
    sync.registry.update(second.id, lambda old: replace(old, paused=True))
    sync.registry.remove(first.id)
    sync.signal(signal.SIGHUP)
    sync.await_condition(second, Condition.PAUSED)
    assert [one["id"] for one in sync.ask("status")["pairs"]] == [second.id]
    record = read_record(sync.directories)
    assert record is not None
    running = psutil.Process(record.pid)
    # PAUSED is said before the last file is closed.
    sync.until(lambda: not [one for one in running.open_files() for id in (first.id, second.id) if id in one.path])


def test_no_secret_is_shown(sync: SyncHome) -> None:
    pair = sync.add()
    record, _ = service.start(sync.directories, debug=True, environ=sync.home.environ)
    (pair.folder / "a").write_bytes(b"x")
    sync.in_step(pair)
    running = psutil.Process(record.pid)
    assert sync.user.token not in " ".join(running.cmdline())
    assert sync.user.token not in json.dumps(running.environ())
    assert "GET " in sync.log()
    for path in sync.directories.state.rglob("*"):
        if path.is_file():
            assert sync.user.token.encode() not in path.read_bytes(), path
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE(Path(record.socket).stat().st_mode) == 0o600


# trouble from outside ---------------------------------------------------------------------------------------------


def test_a_folder_that_is_unmounted_or_moved_away(sync: SyncHome) -> None:
    pair = sync.add()
    (pair.folder / "a").write_bytes(b"dear")
    sync.start()
    sync.in_step(pair)
    away = pair.folder.rename(sync.root / "away")
    status = sync.await_condition(pair, Condition.NEEDS_YOU)
    assert str(pair.folder) in status.situation.what
    assert status.situation.todo
    pair.folder.mkdir()  # the empty mount point
    sync.ask("now", pair=pair.id)
    assert "marker" in sync.status(pair).situation.what
    assert set(sync.place(pair).objects()) == {"a"}
    assert os.listdir(pair.folder) == []
    pair.folder.rmdir()
    away.rename(pair.folder)
    sync.await_condition(pair, Condition.IN_STEP)
    assert tree_of(pair.folder) == {"a": b"dear"}


def test_a_token_that_expires_and_is_renewed(sync: SyncHome, cloud: TestCloud) -> None:
    pair = sync.add()
    sync.start()
    sync.await_condition(pair, Condition.IN_STEP)
    token = process.user_token(cloud.data, sync.user.name, revoke=True)
    (pair.folder / "a").write_bytes(b"x")
    status = sync.await_condition(pair, Condition.NEEDS_YOU)
    assert "does not accept the token" in status.situation.what
    assert "pithosfs config set cloud.test.token" in status.situation.todo
    sync.set_token(token)
    sync.await_condition(pair, Condition.IN_STEP)
    assert (pair.folder / "a").read_bytes() == b"x"
    assert token not in sync.log()


def test_somebody_elses_token(sync: SyncHome, cloud: TestCloud) -> None:
    pair = sync.add()
    (pair.folder / "a").write_bytes(b"x")
    other = cloud.user("other")
    sync.start()
    sync.in_step(pair)
    sync.set_token(other.token)
    status = sync.await_condition(pair, Condition.NEEDS_YOU)
    assert "another user's" in status.situation.what
    sync.set_token(sync.user.token)
    sync.in_step(pair)


def test_no_room_in_the_cloud(home: Home, cloud: TestCloud, tmp_path: Path) -> None:
    sync = SyncHome(home, cloud.user("poor", quota=100_000), tmp_path)
    try:
        pair = sync.add()
        (pair.folder / "big").write_bytes(os.urandom(200_000))
        (pair.folder / "small").write_bytes(b"x")
        sync.start()
        status = sync.await_condition(pair, Condition.NEEDS_YOU)
        assert "no room left in the cloud" in status.situation.what
        sync.until(lambda: "small" in sync.place(pair).objects())
        (pair.folder / "big").unlink()
        sync.await_condition(pair, Condition.IN_STEP)
    finally:
        sync.close()


def test_a_network_that_goes_and_comes(
    home: Home, user: User, cloud: TestCloud, proxy: ProxyMaker, tmp_path: Path
) -> None:
    wire = proxy(cloud)
    sync = SyncHome(home, user, tmp_path, through=wire)
    try:
        pair = sync.add()
        sync.start()
        sync.await_condition(pair, Condition.IN_STEP)
        wire.refuse()
        (pair.folder / "a").write_bytes(b"x")
        status = sync.await_status(pair, lambda status: status.situation.retry is not None)
        assert status.situation.condition == Condition.WORKING
        assert status.situation.what == "waiting for the cloud: no connection"
        [done] = sync.ask("now", pair=pair.id)["pairs"]
        assert (done["in_step"], done["error"]["type"]) == (False, "NoConnection")
        wire.restore()
        sync.await_condition(pair, Condition.IN_STEP)
        assert set(sync.place(pair).objects()) == {"a"}
        assert sync.did(pair) == [("sent", "a")]
    finally:
        sync.close()


def test_most_of_the_files_vanish(sync: SyncHome) -> None:
    pair = sync.add()
    for name in "abcdefgh":
        (pair.folder / name).write_bytes(name.encode())
    sync.start()
    sync.in_step(pair)
    for name in "abcdefg":
        (pair.folder / name).unlink()
    status = sync.await_condition(pair, Condition.NEEDS_YOU)
    assert "7 of 8 files have vanished from the folder" in status.situation.what
    assert "--max-delete 100%" in status.situation.todo
    assert len(sync.place(pair).objects()) == 8
    [done] = sync.ask("now", pair=pair.id, max_delete=1.0)["pairs"]
    assert done["in_step"]
    assert set(sync.place(pair).objects()) == {"h"}
