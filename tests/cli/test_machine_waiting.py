"""Waiting for servers and the like, and being asked: on a terminal, and in a cloud in which things take their time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud
from fixtures.homes import Home
from fixtures.invoker import Invoker
from fixtures.machine_world import Machines, Things

DELAY = 0.7  # seconds of every task: several looks at it, and long enough to meet it


@pytest.fixture(scope="module")
def machines(session_root: Path) -> Iterator[Machines]:
    cloud = TestCloud(session_root / "slow", sandbox_delay=DELAY)
    work = session_root / "slow-work"
    work.mkdir()
    made = Machines(cloud, cloud.user("patient"), cloud.user("other"), work)
    yield made
    made.close()
    cloud.close()


@pytest.fixture(scope="module")
def fast(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """The same in a cloud in which nothing takes any time."""
    made = Machines(cloud, cloud.user("impatient"), cloud.user("other"), tmp_path_factory.mktemp("work"))
    yield made
    made.close()


@pytest.fixture
def program(machines: Machines, home: Home) -> Invoker:
    home.add_cloud(machines.owner.cloud())
    return Invoker(home, machines.cwd)


@pytest.fixture
def terminal(program: Invoker) -> Cli:
    return Cli(program.home, program.cwd)


@pytest.fixture
def quick(fast: Machines, home: Home) -> Invoker:
    """The program in the fast cloud."""
    home.add_cloud(fast.owner.cloud())
    return Invoker(home, fast.cwd)


CREATE = ["server", "create", "--flavor-id", "1", "--image-id", "Sandbox", "--no-network"]


def plain(shown: str) -> str:
    """What a terminal was sent, without its colours and movements."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)


# the display ----------------------------------------------------------------------------------------------------------


def test_how_far_a_server_is(terminal: Cli) -> None:
    run = terminal.terminal(*CREATE, "--name", "shown", "--wait")
    run.expect(r"shown \(\d+\): BUILD")
    run.expect(r"[1-9]\d?%")
    shown, code = finish(run)
    assert code == 0
    table = plain(shown).split("\r\n")
    assert any(re.fullmatch(r"status +ACTIVE *", line) for line in table)
    assert re.fullmatch(r"password +\S+ *", next(line for line in reversed(table) if line.strip()))


def test_no_progress_if_none_is_wanted(terminal: Cli) -> None:
    shown, code = finish(terminal.terminal(*CREATE, "--name", "hidden", "--wait", "-N"))
    assert code == 0
    assert "BUILD" not in shown


def test_nothing_is_shown_to_a_pipe(terminal: Cli) -> None:
    result = terminal(*CREATE, "--name", "piped", "--wait", "-j")
    assert result.code == 0
    assert result.err == ""
    assert result.json["status"] == "ACTIVE"


def test_an_interrupt_ends_only_the_waiting(terminal: Cli, program: Invoker) -> None:
    run = terminal.terminal(*CREATE, "--name", "interrupted", "--wait")
    run.expect(r"BUILD")
    run.sendintr()
    shown, code = finish(run)
    assert code == 130
    assert "Only the waiting ends: the cloud goes on with the server interrupted" in plain(shown)
    assert "password" in plain(shown)
    assert program.ok("server", "wait", "interrupted", "-j").json[0]["status"] == "ACTIVE"


def test_the_end_of_patience(program: Invoker) -> None:
    result = program(*CREATE, "--name", "slow", "--wait", "--timeout", "0.1", "-j")
    assert result.code == 8
    assert "the server slow" in result.err
    assert "is still BUILD" in result.err
    assert "pithosfs server wait" in result.err
    # It was made: nobody else knows the password.
    assert result.json["status"] == "BUILD"
    assert result.json["adminPass"]
    assert program("server", "wait", "slow", "--timeout", "0.1").code == 8
    assert program.ok("server", "wait", "slow").err == f"slow ({result.json['id']}) is ACTIVE\n"


def test_a_server_that_fails(program: Invoker) -> None:
    result = program(*CREATE, "--name", "doomed", "--wait", "-m", "sandbox=error", "-j")
    assert result.code == 1
    assert "is in the state ERROR" in result.err
    assert "--diagnostics" in result.err
    assert result.json["adminPass"]
    assert program.ok("server", "info", "doomed", "--diagnostics", "-j").json is not None


def test_several_at_once(quick: Invoker) -> None:
    result = quick(*CREATE, "--name", "many", "--cluster-size", "3", "--threads", "3", "--wait", "-j")
    assert [one["name"] for one in result.json] == ["many1", "many2", "many3"]
    assert {one["status"] for one in result.json} == {"ACTIVE"}
    result = quick("server", "shutdown", "many1", "many2", "many3", "--wait", "-j")
    assert {one["status"] for one in result.json} == {"STOPPED"}
    # Nothing is done when one is not there; one that cannot be is told, and the others are done.
    assert quick("server", "start", "many1", "many2", "many4", "-w").code == 3
    assert quick.ok("server", "info", "many1", "-j").json["status"] == "STOPPED"
    quick.ok("server", "start", "many1", "--wait")
    result = quick("server", "start", "many1", "many2", "--wait")
    assert result.code == 5
    assert "many1" in result.err
    assert "1 of 2 were not started" in result.err
    assert quick.ok("server", "info", "many2", "-j").json["status"] == "ACTIVE"


def test_passwords_in_a_file(quick: Invoker) -> None:
    result = quick.ok(*CREATE, "--name", "secret", "--password-file", "secret.txt", "-j")
    assert "adminPass" not in result.json
    file = quick.cwd / "secret.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().strip()) >= 10
    quick.ok(*CREATE, "--name", "secrets", "--password-file", "secrets.txt", "--cluster-size", "2")
    lines = (quick.cwd / "secrets.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["secrets1", "secrets2"]
    # What could not be made leaves nothing behind.
    assert quick(*CREATE, "--name", "x" * 300, "--password-file", "none.txt").code == 1
    assert not (quick.cwd / "none.txt").exists()


# states that pass -----------------------------------------------------------------------------------------------------


def test_a_server_that_is_being_built(program: Invoker) -> None:
    made = program.ok(*CREATE, "--name", "young", "-j").json["id"]
    for line in (f"server start {made}", f"server console {made}", f"server modify {made} --flavor-id 2"):
        result = program(*line.split())
        assert result.code == 5
        assert f"the server young ({made}) is still being built" in result.err
        assert f"pithosfs server wait {made}" in result.err


def test_a_server_that_is_busy(program: Invoker, machines: Machines) -> None:
    things = Things(machines)
    for line in (
        "server shutdown {server}",
        "network connect {network} --device-id {server}",
        "ip attach {ip} --server-id {server}",
        "volume create --name x --size 1 --server-id {server}",
        "server attach {server} --volume-id {volume}",
    ):
        filled = line.format_map(things).split()
        for _attempt in range(5):  # on a machine under load the reboot may be over before the command gets there
            machines.compute.reboot_server(things["server"])
            result = program(*filled)
            if result.code != 0:
                break
            machines.idle(things["server"])
        assert result.code == 5, line
        assert "is busy: it is rebooting" in result.err
        assert "pithosfs server info" in result.err
        machines.idle(things["server"])
    machines.compute.reboot_server(things["server"])
    assert "(rebooting)" in program.ok("server", "list", "--id", things["server"]).out


def test_what_is_still_connecting(program: Invoker, machines: Machines) -> None:
    things = Things(machines)
    made = program.ok("network", "connect", things["network"], "--device-id", things["server"], "-j").json[0]
    assert made["status"] == "BUILD"
    assert program.ok("port", "wait", made["id"], "-j").json[0]["status"] == "ACTIVE"
    program.ok("network", "disconnect", things["network"], "--device-id", things["server"], "--wait")
    assert program("port", "info", made["id"]).code == 3


# questions ------------------------------------------------------------------------------------------------------------


def test_nothing_is_deleted_without_a_yes(terminal: Cli, program: Invoker, machines: Machines) -> None:
    things = Things(machines)
    ident, name = things["server"], things["server_name"]
    run = terminal.terminal("server", "delete", name)
    run.expect_exact(f"Delete the server {name} ({ident}) with its volume? [y/N]")
    run.sendline("n")
    shown, code = finish(run)
    assert code == 1
    assert "nothing was done" in shown
    assert program.ok("server", "info", name, "-j").json["status"] == "ACTIVE"
    refused = program("server", "delete", name)
    assert refused.code == 2
    assert "--yes" in refused.err
    planned = program.ok("server", "delete", name, "--dry-run")
    assert planned.out == f"Would delete the server {name} ({ident}) with its volume\n"
    planned = program.ok("server", "delete", name, "--dry-run", "-j")
    assert planned.json == [{"action": "delete", "id": int(ident), "name": name}]
    run = terminal.terminal("server", "delete", name, "--wait")
    run.expect_exact("[y/N]")
    run.sendline("y")
    run.expect(rf"{name} \({ident}\): ACTIVE")
    _, code = finish(run)
    assert code == 0
    assert program("server", "info", name).code == 3


def test_a_question_names_all_that_goes(quick: Invoker, fast: Machines) -> None:
    things = Things(fast)
    for line, question in (
        ("network delete {network}", "Delete the network {network_name} ({network})?"),
        ("ip delete {ip} {attached_ip}", "Give back the floating IP {address} ({ip}); the floating IP "),
        ("volume delete {attached_volume}", "of the server {holder}?"),
        ("image unregister {image}", "Unregister the image {image_name} "),
        ("keypair delete {key}", "Delete the key pair {key}?"),
    ):
        run = Cli(quick.home, quick.cwd).terminal(*line.format_map(things).split())
        run.expect_exact(question.format_map(things))
        run.sendline("")
        assert finish(run)[1] == 1


# colours --------------------------------------------------------------------------------------------------------------


def test_statuses_have_colours_on_a_terminal(quick: Invoker, fast: Machines) -> None:
    server, terminal = Things(fast)["server"], Cli(quick.home, quick.cwd)
    green = re.compile(r"\x1b\[32mACTIVE *\x1b\[0m")
    shown, code = finish(terminal.terminal("server", "list", "--id", server))
    assert code == 0
    assert green.search(shown)
    shown, _ = finish(terminal.terminal("server", "info", server))
    assert green.search(shown)
    terminal.environ["NO_COLOR"] = "1"
    shown, _ = finish(terminal.terminal("server", "list", "--id", server))
    assert "\x1b[32m" not in shown
    assert "\x1b" not in terminal.ok("server", "list", "--id", server).out


def test_a_table_that_is_too_wide(quick: Invoker, fast: Machines) -> None:
    things, terminal = Things(fast), Cli(quick.home, quick.cwd)
    shown, _ = finish(terminal.terminal("server", "list", "-l", "--id", things["server"]))
    lines = dict(line.strip().split(maxsplit=1) for line in plain(shown).splitlines() if " " in line.strip())
    assert lines["name"] == things["server_name"]
    assert lines["project"] == things["owner"]
    assert "ADDRESSES" in terminal.ok("server", "list", "-l", "--id", things["server"]).out
