"""Requests to a process in the background over its socket."""

from __future__ import annotations

import functools
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pithosfs import control
from pithosfs.control import ControlServer, Progress
from pithosfs.errors import ClientError, LocalError, NotFound, NotLoggedIn, PithosfsError, QuotaExceeded, UsageError

Request = Mapping[str, Any]

call = functools.partial(control.call, peer="the mount")


def echo(request: Request, _progress: Progress) -> Request:
    return dict(request)


def count(request: Request, progress: Progress) -> Request:
    for number in range(int(request["to"])):
        progress({"number": number})
    return {"counted": request["to"]}


def fail(_request: Request, _progress: Progress) -> Request:
    raise QuotaExceeded("no room", 413, hint="make some")


def stumble(_request: Request, _progress: Progress) -> Request:
    raise ZeroDivisionError("of ours")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mount.sock"


@pytest.fixture
def server(path: Path) -> Iterator[ControlServer]:
    made = ControlServer(path, {"echo": echo, "count": count, "fail": fail, "stumble": stumble})
    made.start()
    yield made
    made.close()


@pytest.mark.usefixtures("server")
def test_a_request_and_its_answer(path: Path) -> None:
    answer = call(path, "echo", path="/a/\udcff", limit=None, number=1)
    assert answer == {"request": "echo", "path": "/a/\udcff", "limit": None, "number": 1}


@pytest.mark.usefixtures("server")
def test_progress_comes_before_the_answer(path: Path) -> None:
    seen: list[Any] = []
    assert call(path, "count", to=100, on_progress=seen.append) == {"counted": 100}
    assert seen == [{"number": number} for number in range(100)]


@pytest.mark.usefixtures("server")
def test_an_error_arrives_as_it_was(path: Path) -> None:
    with pytest.raises(QuotaExceeded, match="no room") as caught:
        call(path, "fail")
    assert (caught.value.status, caught.value.hint, caught.value.exit_code) == (413, "make some", 6)


@pytest.mark.usefixtures("server")
def test_a_fault_is_told_and_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LocalError, match="of ours"):
        call(path, "stumble")
    assert [record.exc_info is not None for record in caplog.records] == [True]


@pytest.mark.usefixtures("server")
def test_an_unknown_request(path: Path) -> None:
    with pytest.raises(UsageError, match="unknown request 'nonsense'"):
        call(path, "nonsense")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("line", [b"rubbish\n", b"[]\n", b"\xff\xfe\n", b"{" + b" " * 100_000])
def test_rubbish_is_answered_and_harms_nothing(path: Path, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        answer = json.loads(connection.makefile("rb").readline())
    assert answer["error"]["type"] == "UsageError"
    assert call(path, "echo") == {"request": "echo"}


@pytest.mark.usefixtures("server")
def test_somebody_who_goes_before_the_answer(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b'{"request": "count", "to": 20000}\n')
    assert call(path, "echo") == {"request": "echo"}


@pytest.mark.usefixtures("server")
def test_only_the_owner_gets_in(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_others_are_turned_away() -> None:
    """Even where the file modes would let them in."""
    with tempfile.TemporaryDirectory(prefix="pithosfs-open-", dir="/tmp") as folder:
        path = Path(folder) / "mount.sock"
        server = ControlServer(path, {"echo": echo})
        server.start()
        try:
            Path(folder).chmod(0o755)
            path.chmod(0o666)
            assert asked_by_nobody(path) == "b''\n"
        finally:
            server.close()


def asked_by_nobody(path: Path) -> str:
    code = (
        "import os, socket, sys\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "with socket.socket(socket.AF_UNIX) as connection:\n"
        "    connection.connect(sys.argv[1])\n"
        "    try:\n"
        '        connection.sendall(b\'{"request": "echo"}\\n\')\n'
        "        print(connection.recv(100))\n"
        "    except OSError: print(b'')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd="/"
    ).stdout


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 150) / ("y" * 150)
    folder.mkdir(parents=True)
    made = ControlServer(folder / "mount.sock", {"echo": echo})
    made.start()
    try:
        assert call(folder / "mount.sock", "echo") == {"request": "echo"}
    finally:
        made.close()
    assert os.listdir(folder) == []


def test_nobody_there(path: Path) -> None:
    with pytest.raises(LocalError, match="cannot be reached"):
        call(path, "echo")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(LocalError, match="cannot be reached"):
        call(path, "echo")


def test_a_dead_socket_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    made = ControlServer(path, {"echo": echo})
    made.start()
    made.close()
    assert not path.exists()


def test_somebody_who_does_not_answer(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with pytest.raises(LocalError, match="does not answer"):
            call(path, "echo", timeout=0.05)


def test_closing_waits_for_the_answer(path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_request: Request, _progress: Progress) -> Request:
        begun.set()
        assert go_on.wait(20)
        return {"late": True}

    server = ControlServer(path, {"slow": slow})
    server.start()
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(call(path, "slow")))
    caller.start()
    assert begun.wait(20)
    closer = threading.Thread(target=server.close)
    closer.start()
    go_on.set()
    closer.join(20)
    caller.join(20)
    assert answers == [{"late": True}]


@pytest.mark.parametrize(
    "error",
    [NotFound("gone", 404), LocalError("busy", hint="wait"), ClientError("odd", 418, hint="tea")],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_way(error: PithosfsError) -> None:
    back = control.unpack_error(json.loads(json.dumps(control.pack_error(error))))
    assert type(back) is type(error)
    assert (back.message, back.hint, back.exit_code) == (error.message, error.hint, error.exit_code)
    assert getattr(back, "status", None) == getattr(error, "status", None)


def test_a_refined_error_arrives_as_what_it_refines() -> None:
    class Unauthorized(NotLoggedIn):
        pass

    back = control.unpack_error(control.pack_error(Unauthorized("who are you", 401)))
    assert type(back) is NotLoggedIn


def test_an_os_error_becomes_a_local_one() -> None:
    back = control.unpack_error(control.pack_error(OSError(28, "No space left on device", "/tmp/x")))
    assert (type(back), str(back)) == (LocalError, "/tmp/x: No space left on device")
