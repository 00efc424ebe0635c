"""What systemd is told, over real sockets."""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pithosfs_daemon.notify import Notifier

Manager = tuple[socket.socket, str]


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A socket as systemd has it, and how it is named in NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(10)
        if request.param == "path":
            name = str(tmp_path / "notify")
            listener.bind(name)
        else:
            name = f"@pithosfs-test-{secrets.token_hex(8)}"
            listener.bind("\0" + name[1:])
        yield listener, name


def test_each_message(manager: Manager) -> None:
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "10000000"}, pid=1)
    calls: list[tuple[Callable[[], None], bytes]] = [
        (notifier.ready, b"READY=1"),
        (notifier.alive, b"WATCHDOG=1"),
        (notifier.reloading, b"RELOADING=1"),
        (lambda: notifier.status("2 folders:\n all well \u2713"), "STATUS=2 folders: all well \u2713".encode()),
        (notifier.stopping, b"STOPPING=1"),
    ]
    for call, message in calls:
        call()
        assert listener.recv(1000) == message
    assert notifier.interval == 5
    notifier.status("2 folders: all well \u2713")  # nothing new
    notifier.ready()
    assert listener.recv(1000) == b"READY=1"


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_how_often_it_has_to_live(environ: dict[str, str], interval: float | None, tmp_path: Path) -> None:
    assert Notifier({"NOTIFY_SOCKET": str(tmp_path / "x"), **environ}, pid=7).interval == interval


def test_nobody_has_asked() -> None:
    notifier = Notifier({"WATCHDOG_USEC": "10000000"})
    assert not notifier.is_wanted
    assert notifier.interval is None
    notifier.ready()
    notifier.alive()


def test_a_manager_that_has_gone_or_never_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nothing")}).ready()
    with caplog.at_level(logging.WARNING):
        notifier = Notifier({"NOTIFY_SOCKET": "vsock:2:1"})
    notifier.ready()
    assert not notifier.is_wanted
    assert "no Unix socket" in caplog.text


def test_a_manager_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    filler.sendto(b"x", name)
        begun = time.monotonic()
        Notifier({"NOTIFY_SOCKET": name}).ready()
        assert time.monotonic() - begun < 5
