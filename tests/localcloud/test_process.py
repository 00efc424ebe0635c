"""Starting, stopping and asking the local cloud; users beside a running server; kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from pithosfs.errors import Conflict, LocalError, NotFound, UsageError
from pithosfs.localcloud import process
from pithosfs.localcloud.lock import FileLock
from pithosfs.localcloud.process import Status


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "data"
    yield directory
    process.stop(directory)


def kill(status: Status) -> None:
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    os.waitpid(status.pid, 0)


def authenticate(status: Status, token: str) -> dict[str, Any]:
    reply = requests.post(f"{status.identity_url}/tokens", json={"auth": {"token": {"id": token}}})
    reply.raise_for_status()
    return dict(reply.json()["access"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_start_status_stop(data: Path) -> None:
    assert process.status(data) == Status(False, False, data, None, None, None, None, ())
    assert not data.exists()
    started = process.start(data)
    assert started.running
    assert not started.crashed
    assert started.pid not in (None, os.getpid())
    assert started.url is not None
    assert started.url.startswith("http://127.0.0.1:")
    assert started.identity_url == f"{started.url}/identity/v2.0"
    assert process.status(data) == started
    assert requests.get(f"{started.identity_url}/").status_code == 200
    stopped = process.stop(data)
    assert not stopped.running
    assert not stopped.crashed
    assert stopped.pid is None
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{started.identity_url}/")
    assert process.stop(data) == stopped


def test_starting_twice_is_starting_once(data: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: process.start(data), range(4)))
    assert len(set(found)) == 1
    assert found[0].running


def test_everything_is_for_its_owner_only(data: Path) -> None:
    data.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        process.add_user(data, "ada")
        process.start(data)
    finally:
        os.umask(before)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for path in data.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_port_stays_the_same(data: Path) -> None:
    first = process.start(data)
    process.stop(data)
    second = process.start(data)
    assert second.url == first.url
    assert second.pid != first.pid
    process.stop(data)
    # Somebody else has it now: another one is taken, and remembered from then on.
    with socket.create_server(("127.0.0.1", int(str(first.url).rpartition(":")[2]))):
        third = process.start(data)
        assert third.running
        assert third.url != first.url
        process.stop(data)
    assert process.start(data).url == third.url


def test_a_given_port_is_taken_or_refused(data: Path) -> None:
    port = free_port()
    assert process.start(data, port=port).url == f"http://127.0.0.1:{port}"
    process.stop(data)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = int(other.getsockname()[1])
        with pytest.raises(LocalError, match=f"cannot listen on 127.0.0.1:{taken}") as caught:
            process.start(data, port=taken)
        assert "--port" in caught.value.hint
    assert not process.status(data).running
    assert process.start(data).running


def test_a_host_that_is_not_ours(data: Path) -> None:
    with pytest.raises(LocalError, match=r"cannot listen on 192\.0\.2\.1"):
        process.start(data, host="192.0.2.1")
    with pytest.raises(LocalError, match="cannot listen"):
        process.start(data, host="no such host")


def test_the_wildcard_address_is_reached_through_loopback(data: Path) -> None:
    status = process.start(data, host="0.0.0.0")
    assert status.url is not None
    assert status.url.startswith("http://127.0.0.1:")
    assert requests.get(f"{status.identity_url}/").status_code == 200


def test_a_data_directory_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(LocalError, match="cannot be used"):
            process.start(path)


def test_data_that_cannot_be_opened_is_one_clear_error(data: Path) -> None:
    data.mkdir()
    (data / "cloud.sqlite3").write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(LocalError, match="cannot open its data"):
        process.start(data)
    with pytest.raises(LocalError, match="cannot be used"):
        process.add_user(data, "ada")
    (data / "cloud.sqlite3").unlink()
    assert process.start(data).running


def test_requests_under_way_are_finished_before_the_end(data: Path) -> None:
    status = process.start(data)
    token = process.add_user(data, "ada")
    body = json.dumps({"auth": {"token": {"id": token}}}).encode()
    host, _, port = str(status.url).removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port))) as client:
        head = "POST /identity/v2.0/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
        # The server asks for the body, so the request is being handled now.
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        stopping = threading.Thread(target=process.stop, args=(data,))
        stopping.start()
        while True:  # until the server does not listen any more
            try:
                socket.create_connection((host, int(port))).close()
            except ConnectionResetError:
                continue  # this one was waiting to be accepted when the server closed its ear
            except ConnectionRefusedError:
                break
        client.sendall(body)
        reply = b""
        while piece := client.recv(65536):
            reply += piece
        stopping.join()
    assert reply.startswith(b"HTTP/1.1 200")
    assert token.encode() in reply
    assert not process.status(data).running


# kill -9 --------------------------------------------------------------------------------------------------------------


def test_a_killed_server_is_not_taken_for_a_running_one(data: Path) -> None:
    first = process.start(data)
    kill(first)
    found = process.status(data)
    assert not found.running
    assert found.crashed
    assert found.pid is None
    # Not even if something else has its number by now.
    record = json.loads((data / "server.json").read_text())
    (data / "server.json").write_text(json.dumps({**record, "pid": os.getpid()}))
    assert process.status(data).crashed
    assert not process.stop(data).running
    second = process.start(data)
    assert second.running
    assert second.url == first.url


def test_kill_9_while_users_are_made(data: Path) -> None:
    """Tokens that were handed out are good after the server was killed again and again."""
    tokens: list[str] = []
    status = process.start(data)
    for first in (0, 10, 20):
        with ThreadPoolExecutor(1) as pool:
            made = [pool.submit(process.add_user, data, f"user{first + i}") for i in range(10)]
            kill(status)
            tokens += [one.result() for one in made]
        status = process.start(data)
        found = [authenticate(status, token)["user"]["name"] for token in tokens]
        assert found == [f"user{i}" for i in range(len(tokens))]


def content(name: str) -> bytes:
    """What is put under a name: some objects are smaller than a block, some have several."""
    return f"{name} ".encode() * (700_000 if name.endswith("3") else 5)


class Putter:
    """Puts objects until the server is gone and remembers which were answered."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {"X-Auth-Token": token, "Content-Type": "application/octet-stream"}
        self.answered: list[str] = []
        self.progress = threading.Semaphore(0)

    def run(self, worker: int) -> None:
        with requests.Session() as session, contextlib.suppress(requests.ConnectionError):
            for i in range(10_000):
                name = f"{worker}-{i}"
                reply = session.put(f"{self.url}/{name}", data=content(name), headers=self.headers)
                assert reply.status_code == 201, reply.text
                self.answered.append(name)
                self.progress.release()


def test_kill_9_while_objects_are_put(data: Path) -> None:
    """Whatever was answered is there after the kill, whole; whatever was not is there whole or not at all."""
    status = process.start(data)
    token = process.add_user(data, "ada")
    account = authenticate(status, token)["user"]["id"]
    headers = {"X-Auth-Token": token}
    for round_ in range(3):
        base = f"{status.url}/object-store/v1/{account}/box{round_}"
        assert requests.put(base, headers=headers).status_code == 201
        putter = Putter(base, token)
        with ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(putter.run, worker) for worker in range(4)]
            for _ in range(25):
                putter.progress.acquire()
            kill(status)
            for worker in workers:
                worker.result()
        status = process.start(data)
        with requests.Session() as session:
            for name in putter.answered:
                reply = session.get(f"{base}/{name}", headers=headers)
                assert reply.status_code == 200, name
                assert reply.content == content(name), name
            listed = session.get(base, params={"format": "json"}, headers=headers).json()
            for entry in listed:
                reply = session.get(f"{base}/{entry['name']}", headers=headers)
                assert reply.content == content(entry["name"]), entry
            assert {entry["name"] for entry in listed} >= set(putter.answered)


@pytest.mark.big
def test_memory_does_not_grow_with_the_size_of_an_object(data: Path) -> None:
    token = process.add_user(data, "ada")
    status = process.start(data)
    headers = {"X-Auth-Token": token, "Content-Type": "application/octet-stream"}
    base = f"{status.url}/object-store/v1/{process.users(data)[0].uuid}/box"
    size = 512
    with requests.Session() as session:
        assert session.put(base, headers=headers).status_code == 201
        mebibytes = (os.urandom(1024 * 1024) for _ in range(size))
        assert session.put(f"{base}/big", data=mebibytes, headers=headers).status_code == 201
        with session.get(f"{base}/big", headers=headers, stream=True) as reply:
            assert sum(len(piece) for piece in reply.iter_content(1024 * 1024)) == size * 1024 * 1024
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{status.pid}/status").read_text())
    assert peak is not None
    assert int(peak.group(1)) < 150 * 1024  # about 60 MiB here, 36 of them without any request


# the foreground -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground(data: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "pithosfs.localcloud", "--data", str(data), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if "startup complete" in line:
                break
        # Somebody who starts it now waits until it is ready.
        status = process.start(data)
        assert status.pid == server.pid
        assert requests.get(f"{status.identity_url}/").status_code == 200
        server.send_signal(number)
        assert server.wait() == 0
    assert not process.status(data).running
    assert not process.status(data).crashed


def test_the_foreground_tells_when_it_is_ready(data: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pithosfs.localcloud import process\n"
        "end = process.start(Path(sys.argv[1]), foreground=True, ready=lambda status: print(status.pid, flush=True))\n"
        "print(end.running, end.crashed)"
    )
    command = [sys.executable, "-c", script, str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert int(server.stdout.readline()) == server.pid
        assert process.stop(data).running is False
        assert server.stdout.read() == "False False\n"
        assert server.wait() == 0


def test_a_second_server_on_the_same_data_is_refused(data: Path) -> None:
    status = process.start(data)
    command = [sys.executable, "-m", "pithosfs.localcloud", "--announce", "--data", str(data)]
    second = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert second.returncode == 1
    assert "already runs" in json.loads(second.stdout)["error"]
    assert process.status(data) == status


def test_the_log_tells_no_tokens(data: Path) -> None:
    status = process.start(data)
    token = process.add_user(data, "ada")
    authenticate(status, token)
    requests.get(f"{status.url}/account/v1.0/quotas", params={"X-Auth-Token": token})
    requests.get(f"{status.url}/nothing", params={"X-Auth-Token": token})
    host, _, port = str(status.url).removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"GET / HTTP/1.1\r\nX-Auth-Token: {token}\r\nbroken\r\n\r\n".encode())
        client.recv(1000)
    process.stop(data)
    log = (data / "server.log").read_text()
    assert log
    assert token not in log


# users ----------------------------------------------------------------------------------------------------------------


def test_users_are_kept_with_and_without_a_server(data: Path) -> None:
    assert process.users(data) == []
    before = process.add_user(data, "ada", quota=10**9)
    status = process.start(data)
    assert status.users == ("ada",)
    beside = process.add_user(data, "Bob Example")
    assert authenticate(status, before)["user"]["name"] == "ada"
    assert authenticate(status, beside)["user"]["name"] == "Bob Example"
    another = process.user_token(data, "bob example")
    assert authenticate(status, another)["user"] == authenticate(status, beside)["user"]
    process.stop(data)
    assert [(user.name, user.quota) for user in process.users(data)] == [("ada", 10**9), ("Bob Example", 2**63 - 1)]
    after = process.user_token(data, "ada")
    assert authenticate(process.start(data), after)["user"]["name"] == "ada"


def test_user_names_that_are_taken_unknown_or_impossible(data: Path) -> None:
    process.add_user(data, "Straße")
    for name in ("Straße", "STRASSE", "strasse"):
        with pytest.raises(Conflict) as caught:
            process.add_user(data, name)
        assert caught.value.exit_code == 5
        assert caught.value.hint
    with pytest.raises(NotFound) as unknown:
        process.user_token(data, "nobody")
    assert unknown.value.exit_code == 3
    for name in ("", " ada", "ada ", "a\nb", "a,b", "x" * 257, "\0"):
        with pytest.raises(UsageError):
            process.add_user(data, name)
    for quota in (-1, 2**63):
        with pytest.raises(UsageError):
            process.add_user(data, "carol", quota)
    assert [user.name for user in process.users(data)] == ["Straße"]


def test_two_processes_make_users_at_once(data: Path) -> None:
    script = "import sys; from pathlib import Path; from pithosfs.localcloud import process\n"
    script += "[process.add_user(Path(sys.argv[1]), f'{sys.argv[2]}{i}') for i in range(20)]"
    commands = [[sys.executable, "-c", script, str(data), prefix] for prefix in "ab"]
    running = [subprocess.Popen(command) for command in commands]
    assert [one.wait() for one in running] == [0, 0]
    users = process.users(data)
    assert len(users) == 40
    assert [user.admin for user in users] == [True] + [False] * 39


def test_users_are_changed_with_and_without_a_server(data: Path) -> None:
    process.add_user(data, "ada")
    token = process.add_user(data, "bob", quota=10, admin=True)
    process.change_user(data, "BOB", limits={"pithos.diskspace": 20, "cyclades.vm": 2}, admin=False)
    assert [(user.name, user.quota, user.admin) for user in process.users(data)][1] == ("bob", 20, False)
    status = process.start(data)
    quotas = request(status, "/account/v1.0/quotas", token)
    (found,) = quotas.values()
    assert (found["pithos.diskspace"]["limit"], found["cyclades.vm"]["project_limit"]) == (20, 2)
    process.change_user(data, "bob", limits={"pithos.diskspace": None}, admin=True)
    (found,) = request(status, "/account/v1.0/quotas", token).values()
    assert (found["pithos.diskspace"]["limit"], found["cyclades.vm"]["limit"]) == (2**63 - 1, 2)
    assert process.users(data)[1].admin


def test_changes_that_make_no_sense_change_nothing(data: Path) -> None:
    process.add_user(data, "ada")
    with pytest.raises(NotFound):
        process.change_user(data, "nobody", admin=True)
    for limits in ({"cyclades.elephant": 1}, {"cyclades.vm": -1}, {"cyclades.vm": 2**63}):
        with pytest.raises(UsageError):
            process.change_user(data, "ada", limits={"pithos.diskspace": 5, **limits}, admin=False)
    assert [(user.quota, user.admin) for user in process.users(data)] == [(2**63 - 1, True)]


def test_tokens_of_services(data: Path) -> None:
    status = process.start(data)
    first, second = (process.service_token(data, "cyclades") for _ in range(2))
    for token in (first, second):
        assert request(status, "/account/v1.0/commissions", token) == []
    last = process.service_token(data, "cyclades", revoke=True)
    other = process.service_token(data, "pithos", revoke=True)
    for token in (last, other):
        assert request(status, "/account/v1.0/commissions", token) == []
    for token in (first, second):
        with pytest.raises(requests.HTTPError, match="401"):
            request(status, "/account/v1.0/commissions", token)
    with pytest.raises(UsageError):
        process.service_token(data, "elephant")
    for path in data.glob("cloud.sqlite3*"):
        assert last.encode() not in path.read_bytes()  # stored hashed, as users' tokens are


def request(status: process.Status, path: str, token: str) -> Any:
    """What a GET gives; requests.HTTPError for a refusal."""
    answer = requests.get(f"{status.url}{path}", headers={"X-Auth-Token": token}, timeout=30)
    answer.raise_for_status()
    return answer.json()


# the lock -------------------------------------------------------------------------------------------------------------


def test_asking_for_a_lock_does_not_take_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not FileLock(path).is_held()
    first, second = FileLock(path), FileLock(path)
    assert first.try_acquire()
    assert second.is_held()
    assert not second.try_acquire()
    first.release()
    assert not second.is_held()
    with second:
        second.acquire()
        assert first.is_held()
    assert not first.is_held()
