"""A whole sitting, as somebody would have it who has just got an account: in a shell, in a real terminal, by hand."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from fixtures.clouds import TestCloud, User
from fixtures.homes import Home

PROMPT = re.compile(r"sitting:(\d+)> ")
NAME = "sitting.example.org"


class Shell:
    """A bash in a terminal, in which `pithosfs` is the program under test."""

    def __init__(self, home: Home, cwd: Path) -> None:
        environ = {**home.environ, "TERM": "xterm", "PS1": "sitting:$?> ", "USER": "ada"}
        self.cwd = cwd
        self.terminal = pexpect.spawn(
            "bash",
            ["--norc", "--noediting"],
            env=environ,
            cwd=str(cwd),
            encoding="utf-8",
            timeout=60,
            dimensions=(50, 160),
            echo=False,
        )
        self._ready()
        program = shlex.join([sys.executable, "-m", "pithosfs_cli.main"])
        self.types(f'pithosfs() {{ {program} "$@"; }}')

    def types(self, line: str, *answers: tuple[str, str], code: int = 0) -> str:
        """Type a line, give the answers to the questions, and wait for the end; what the terminal has shown."""
        self.terminal.sendline(line)
        shown = ""
        for question, answer in answers:
            self.terminal.expect_exact(question)
            shown += self.terminal.before + question
            self.terminal.sendline(answer)
        text, ended = self._ready()
        assert ended == code, f"{line}: {ended}\n{shown}{text}"
        return shown + text

    def json(self, line: str) -> Any:
        """The JSON that a command writes into a file."""
        self.types(f"{line} -j > answer.json")
        return json.loads((self.cwd / "answer.json").read_text())

    def _ready(self) -> tuple[str, int]:
        self.terminal.expect(PROMPT)
        return self.terminal.before, int(self.terminal.match.group(1))

    def close(self) -> None:
        self.terminal.close(force=True)


@pytest.fixture
def shell(home: Home, tmp_path: Path) -> Iterator[Shell]:
    work = tmp_path / "work"
    work.mkdir()
    made = Shell(home, work)
    yield made
    made.close()


def test_a_whole_sitting(shell: Shell, cloud: TestCloud) -> None:
    ada, bob = cloud.user("ada@example.org"), cloud.user("bob@example.org")
    log_in(shell, cloud, ada)
    before = shell.json("pithosfs quota list")
    a_project(shell, ada, bob)
    address = a_quota_is_reached(shell)
    an_image(shell)
    a_network(shell)
    a_server(shell, address)
    all_goes(shell, address, bob)
    assert shell.json("pithosfs quota list") == before


def log_in(shell: Shell, cloud: TestCloud, ada: User) -> None:
    assert "pithosfs localcloud start" in shell.types("pithosfs quota list", code=2)
    shell.types(f"pithosfs config set cloud.lab.url {cloud.url}")
    shown = shell.types("pithosfs config set cloud.lab.token", ("cloud.lab.token: ", ada.token))
    assert ada.token not in shown  # it is typed unseen
    shown = shell.types("pithosfs user authenticate")
    assert ada.uuid in shown
    assert ada.token not in shown
    shown = shell.types("pithosfs quota list")
    assert "cyclades.vm" in shown
    assert "no limit" in shown
    # Whoever runs the cloud sits beside her.
    shell.types(f"pithosfs config set cloud.admin.url {cloud.url}")
    shell.types(f"pithosfs config set cloud.admin.token {cloud.admin}")
    shell.types("pithosfs config set default_cloud lab")


def a_project(shell: Shell, ada: User, bob: User) -> None:
    shown = shell.types(
        f"pithosfs project create --name {NAME} --end-date 2099-01-01 --description 'An afternoon'"
        " --resource cyclades.vm=2,2 --resource cyclades.cpu=16,16 --resource cyclades.ram=32GiB,32GiB"
        " --resource cyclades.disk=1TiB,1TiB --resource cyclades.floating_ip=1,2"
        " --resource cyclades.network.private=1,1"
    )
    assert "waits for an administrator" in shown
    assert "only administrators" in shell.types(f"pithosfs project approve {NAME}", code=4)
    shell.types(f"pithosfs --cloud admin project approve {NAME}")
    for user in (ada, bob):
        assert "accepted" in shell.types(f"pithosfs project enroll {NAME} --email {user.name}")
    shown = shell.types(f"pithosfs membership list --project-id {NAME}")
    assert bob.name in shown
    assert "\x1b[32m" in shown  # what is well is green on a terminal


def a_quota_is_reached(shell: Shell) -> str:
    """One floating IP is what a member may have."""
    address = str(shell.json(f"pithosfs ip create --project-id {NAME}")["floating_ip_address"])
    shown = shell.types(f"pithosfs ip create --project-id {NAME}", code=6)
    assert "cyclades.floating_ip" in shown or "Floating IP" in shown
    assert "pithosfs quota list" in shown
    shown = shell.types(f"pithosfs quota list --project-id {NAME}")
    (row,) = (line for line in shown.splitlines() if "cyclades.floating_ip" in line)
    assert "\x1b[31m██████████ 100%" in row
    return address


def an_image(shell: Shell) -> None:
    shell.types("head -c 300000 /dev/urandom > disk.img")
    shell.types("pithosfs file upload disk.img")
    shell.types("pithosfs image register --location disk.img --name my-image -p OSFAMILY=linux -p OS=debian")
    assert "my-image" in shell.types("pithosfs image list")


def a_network(shell: Shell) -> None:
    shell.types(f"pithosfs network create --name lan --project-id {NAME}")
    shell.types("pithosfs subnet create --network-id lan --cidr 10.7.0.0/24 --name lan-addresses")
    assert "10.7.0.0/24" in shell.types("pithosfs subnet list")


def a_server(shell: Shell, address: str) -> None:
    flavors = shell.json("pithosfs flavor list --disk 20 -l")
    small, large, *_ = (one["id"] for one in flavors if one["SNF:disk_template"] == flavors[0]["SNF:disk_template"])
    shown = shell.types(
        f"pithosfs server create --name web --flavor-id {small} --image-id my-image --network lan"
        f" --project-id {NAME} --wait"
    )
    assert "ACTIVE" in shown
    shown = shell.types("pithosfs server list")
    assert re.search(r"web\b.*ACTIVE", shown)
    shell.types(f"pithosfs ip attach {address} --server-id web --wait")
    assert address in shell.types("pithosfs server info web --nics")
    assert "password" in shell.types("pithosfs server console web")
    # A running server keeps its size, and one is told what to do about it.
    assert "pithosfs server shutdown" in shell.types(f"pithosfs server modify web --flavor-id {large}", code=5)
    shell.types("pithosfs server shutdown web --wait")
    shell.types(f"pithosfs server modify web --flavor-id {large} --wait")
    assert shell.json("pithosfs server info web")["flavor"]["id"] == large
    shell.types("pithosfs server start web --wait")
    assert shell.json(f"pithosfs quota list --project-id {NAME}")[project(shell)]["cyclades.vm"]["usage"] == 1


def all_goes(shell: Shell, address: str, bob: User) -> None:
    yes, no = ("[y/N]: ", "y"), ("[y/N]: ", "n")
    assert "nothing was done" in shell.types("pithosfs server delete web", no, code=1)
    shell.types("pithosfs server delete web --wait", yes)
    shell.types(f"pithosfs ip delete {address}", yes)
    shell.types("pithosfs network delete lan", yes)
    shell.types("pithosfs image unregister my-image", yes)
    shell.types("pithosfs file delete disk.img disk.img.meta", yes)
    usage = shell.json(f"pithosfs quota list --project-id {NAME}")[project(shell)]
    assert {name: one["usage"] for name, one in usage.items() if one["usage"]} == {}
    shell.types(f"pithosfs membership remove {NAME}/{bob.name}", yes)
    shell.types(f"pithosfs membership leave {NAME}", yes)
    shell.types(f"pithosfs --cloud admin project terminate {NAME}", yes)
    assert "terminated" in shell.types("pithosfs project list")


def project(shell: Shell) -> str:
    return str(shell.json(f"pithosfs project info {NAME}")["id"])
