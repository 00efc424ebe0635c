"""`pithosfs localcloud`: the first start, users, stopping, other settings."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from fixtures.cli import Cli
from fixtures.clouds import User

from pithosfs.localcloud import process


@pytest.fixture
def own(bare: Cli) -> Iterator[Cli]:
    """A home whose local cloud may be started; it is stopped in the end."""
    yield bare
    process.stop(bare.home.directories.data / "localcloud")


def test_the_first_start_is_all_one_needs(own: Cli) -> None:
    result = own.ok("localcloud", "start")
    assert "The local cloud runs now at http://127.0.0.1:" in result.out
    assert "first user: ada" in result.err
    assert "No cloud was configured" in result.err
    assert own.ok("user", "info", "-j").json["name"] == "ada"
    own.ok("file", "upload", "-", "x", stdin=b"data")
    again = own.ok("localcloud", "start")
    assert "already runs" in again.out
    assert again.err == ""
    status = own.ok("localcloud", "status", "--output", "json").json
    assert status["running"] is True
    assert status["identity_url"] == own.ok("config", "get", "cloud.local.url").out.strip()
    assert status["data"] == str(own.home.directories.data / "localcloud")
    assert status["users"] == ["ada"]
    assert status["pid"] > 0
    own.ok("localcloud", "stop")
    assert own.ok("localcloud", "status", "-j").json["running"] is False
    stopped = own("file", "cat", "x")
    assert stopped.code == 7
    assert "pithosfs localcloud start" in stopped.err
    own.ok("localcloud", "start")
    assert own.ok("file", "cat", "x").raw == b"data"


def test_stopping_what_does_not_run(own: Cli) -> None:
    assert "does not run" in own.ok("localcloud", "stop").out
    assert own.ok("localcloud", "status", "-j").json["identity_url"] is None
    assert own.ok("localcloud", "user", "list", "-j").json == []


def test_a_changed_port_is_followed(own: Cli) -> None:
    own.ok("localcloud", "start")
    before = own.ok("config", "get", "cloud.local.url").out
    own.ok("localcloud", "stop")
    result = own.ok("localcloud", "start", "--port", "0", "--host", "127.0.0.2")
    assert "Its address has changed" in result.err
    assert own.ok("config", "get", "cloud.local.url").out != before
    own.ok("container", "list")


def test_other_settings_are_left_alone(cli: Cli, tmp_path: Path, owner: User) -> None:
    data = tmp_path / "data"
    try:
        before = cli.home.directories.config_file.read_bytes()
        result = cli.ok("localcloud", "start", "--data", data)
        assert "localcloud start --add-cloud" in result.err
        assert cli.home.directories.config_file.read_bytes() == before
        assert cli.ok("localcloud", "status", "--data", data, "-j").json["cloud"] is None
        for _ in range(2):
            cli.ok("localcloud", "start", "--data", data, "--add-cloud")
            assert cli.ok("localcloud", "status", "--data", data, "-j").json["cloud"] == "local"
        assert cli.ok("--cloud", "local", "user", "info", "-j").json["name"] == "ada"
        assert cli.ok("user", "info", "-j").json["name"] == owner.name
    finally:
        process.stop(data)


def test_users(own: Cli) -> None:
    own.ok("localcloud", "start")
    token = own.ok("localcloud", "user", "add", "bob", "--quota", "1GiB").out.strip()
    assert own.ok("user", "authenticate", token, "-j").json["user"]["name"] == "bob"
    listed = own.ok("localcloud", "user", "list", "-j").json
    assert [(one["name"], one["quota"]) for one in listed] == [("ada", None), ("bob", 1 << 30)]
    assert own("localcloud", "user", "add", "bob").code == 5
    assert own("localcloud", "user", "add", "bad,name").code == 2
    assert own("localcloud", "user", "add", "eve", "--quota", "lots").code == 2
    another = own.ok("localcloud", "user", "token", "bob")
    assert another.err == ""
    assert len(another.out.splitlines()) == 1
    assert own("localcloud", "user", "token", "nobody").code == 3
    own.ok("localcloud", "user", "token", "bob", "--revoke")
    assert own("user", "authenticate", token).code == 4


def test_administrators_and_limits(own: Cli) -> None:
    own.ok("localcloud", "start")
    own.ok("localcloud", "user", "add", "bob")
    added = own.ok("localcloud", "user", "add", "eve", "--admin", "-j").json
    assert added["admin"] is True

    def shown() -> dict[str, tuple[int | None, bool]]:
        return {one["name"]: (one["quota"], one["admin"]) for one in own.ok("localcloud", "user", "list", "-j").json}

    assert shown() == {"ada": (None, True), "bob": (None, False), "eve": (None, True)}  # the first one always is
    assert own.ok("localcloud", "user", "set", "bob", "--quota", "1GiB", "--admin").out == "Changed bob\n"
    changed = own.ok("localcloud", "user", "set", "BOB", "--no-admin", "--limit", "cyclades.vm=2", "-j").json
    assert (changed["name"], changed["quota"], changed["admin"]) == ("bob", 1 << 30, False)
    own.ok("localcloud", "user", "set", "bob", "--limit", "cyclades.ram=8GiB", "--limit", "cyclades.disk=unlimited")
    token = own.ok("localcloud", "user", "token", "bob").out.strip()
    url = own.ok("localcloud", "status", "-j").json["url"]
    answer = requests.get(f"{url}/account/v1.0/quotas", headers={"X-Auth-Token": token}, timeout=30)
    (quotas,) = answer.json().values()
    limits = {name: one["limit"] for name, one in quotas.items()}
    assert (limits["cyclades.vm"], limits["cyclades.ram"], limits["cyclades.disk"]) == (2, 8 << 30, 2**63 - 1)
    own.ok("localcloud", "user", "set", "bob", "--quota", "unlimited")
    assert shown()["bob"] == (None, False)
    table = own.ok("localcloud", "user", "list").out
    assert "ADMIN" in table


@pytest.mark.parametrize(
    "options",
    [
        ["bob"],
        ["bob", "--limit", "cyclades.vm"],
        ["bob", "--limit", "cyclades.elephant=1"],
        ["bob", "--limit", "cyclades.vm=-1"],
        ["bob", "--limit", "cyclades.vm=2GiB"],
        ["bob", "--limit", "cyclades.ram=lots"],
        ["bob", "--quota", "lots"],
        ["bob", "--quota", "9999999999GiB"],
    ],
)
def test_changes_of_users_that_make_no_sense(own: Cli, options: list[str]) -> None:
    own.ok("localcloud", "user", "add", "bob")
    refused = own("localcloud", "user", "set", *options)
    assert refused.code == 2
    assert "Traceback" not in refused.err
    assert own("localcloud", "user", "set", "nobody", "--admin").code == 3


def test_tokens_of_services(own: Cli) -> None:
    own.ok("localcloud", "start")
    token = own.ok("localcloud", "service", "token", "cyclades").out.strip()
    url = own.ok("localcloud", "status", "-j").json["url"] + "/account/v1.0/commissions"
    assert requests.get(url, headers={"X-Auth-Token": token}, timeout=30).json() == []
    shown = own.ok("localcloud", "service", "token", "cyclades", "--revoke", "-j").json
    assert shown["component"] == "cyclades"
    assert requests.get(url, headers={"X-Auth-Token": token}, timeout=30).status_code == 401
    assert requests.get(url, headers={"X-Auth-Token": shown["token"]}, timeout=30).json() == []
    assert own("localcloud", "service", "token", "elephant").code == 2


def test_in_the_foreground(own: Cli) -> None:
    run = own.spawn("localcloud", "start", "--foreground")
    assert run.stdout is not None
    assert run.stdin is not None
    assert run.stderr is not None
    with run:
        assert b"interrupt it" in run.stdout.readline()
        assert own.ok("user", "info", "-j").json["name"] == "ada"
        run.send_signal(signal.SIGINT)
        run.stdin.close()
        said = run.stderr.read().decode()
        assert run.wait() == 0
    assert "The local cloud has stopped" in said
    assert "Traceback" not in said


def test_what_keeps_it_from_starting(own: Cli) -> None:
    blocked = own.cwd / "file"
    blocked.write_text("")
    result = own("localcloud", "start", "--data", blocked)
    assert result.code == 1
    assert len(result.err.splitlines()) == 2
    assert own("localcloud", "start", "--host", "203.0.113.1").code == 1
    assert own("localcloud", "start", "--port", "99999").code == 2


def test_it_says_what_is_a_sandbox(own: Cli) -> None:
    own.ok("localcloud", "start")
    assert own.ok("localcloud", "status", "-j").json["sandbox"] == ["compute", "network", "image", "volume"]
    shown = own.ok("localcloud", "status")
    assert "compute" in shown.out
    assert "no machines behind it" in shown.err
    assert "no machine behind" in own.ok("localcloud", "--help").out


def test_how_long_things_take_and_who_may_change_them(own: Cli) -> None:
    """With a delay of a minute a server is still being built when one looks; the administrator suspends it."""
    own.ok("localcloud", "start", "--sandbox-delay", "60")
    status = own.ok("localcloud", "status", "-j").json
    token = own.ok("localcloud", "user", "token", "ada").out.strip()
    with requests.Session() as session:
        session.headers["X-Auth-Token"] = token
        url = f"{status['url']}/compute/v2.0"
        (image,) = session.get(f"{url}/images").json()["images"]
        wanted = {"name": "web", "flavorRef": 1, "imageRef": image["id"]}
        made = session.post(f"{url}/servers", json={"server": wanted}).json()["server"]["id"]
        shown = session.get(f"{url}/servers/{made}").json()["server"]
        assert (shown["status"], shown["suspended"]) == ("BUILD", False)
        own.ok("localcloud", "server", "suspend", str(made))
        assert session.delete(f"{url}/servers/{made}").status_code == 403
        assert own.ok("localcloud", "server", "resume", str(made), "-j").json == {"id": made, "suspended": False}
        assert session.delete(f"{url}/servers/{made}").status_code == 204
    assert own("localcloud", "server", "suspend", "999").code == 3
    for delay in ("-1", "nan", "inf", "soon"):
        assert own("localcloud", "start", "--sandbox-delay", delay).code == 2, delay
