"""The entry point: speed, help, usage errors, exit codes, errors as text and JSON."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from fixtures.cli import Cli
from fixtures.clouds import User

from pithosfs_cli.main import MEMBERS, main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["file", "--help"],
        ["file", "upload", "--help"],
        ["file", "list", "--help"],
        ["file", "info", "--help"],
        ["container", "list", "--help"],
        ["container", "history", "--help"],
        ["sharer", "list", "--help"],
        ["server", "list", "--help"],
        ["server", "create", "--help"],
        ["user", "--help"],
        ["user", "list", "--help"],
        ["quota", "list", "--help"],
        ["project", "create", "--help"],
        ["membership", "list", "--help"],
        ["commission", "issue", "--help"],
        ["server", "--help"],
        ["network", "connect", "--help"],
        ["image", "register", "--help"],
        ["volume", "--help"],
        ["keypair", "--help"],
        ["sync", "--help"],
        ["sync", "add", "--help"],
        ["sync", "log", "--help"],
        ["sync", "now", "--help"],
        ["sync", "resolve", "--help"],
        ["sync", "status", "--help"],
        ["sync", "trash", "list", "--help"],
        ["sync", "verify", "--help"],
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom pithosfs_cli.main import run\nrun(sys.argv[1:])\nprint(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    heavy = {"requests", "urllib3", "rich", "yaml", "sqlite3", "starlette", "uvicorn", "fuse", "mfusepy", "concurrent"}
    heavy |= {"pithosfs_daemon", "watchdog", "pathspec"}
    assert loaded & heavy == set()
    ours = {name for name in loaded if name.startswith("pithosfs.")}
    assert ours <= {"pithosfs.errors"}


@pytest.mark.parametrize(
    ("arguments", "client"),
    [
        (["server", "list"], "cyclades"),
        (["server", "list", "-j"], "cyclades"),
        (["ip", "list", "-j"], "cyclades"),
        (["user", "list", "-j"], "astakos"),
        (["quota", "list", "-j"], "astakos"),
        (["project", "list", "-j"], "astakos"),
    ],
)
def test_a_command_imports_what_it_needs(arguments: list[str], client: str, cli: Cli) -> None:
    code = (
        "import sys\nfrom pithosfs_cli.main import run\nrun(sys.argv[1:])\nprint(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=cli.environ
    )
    loaded = set(done.stderr.splitlines()[-1].split())
    assert f"pithosfs.clients.{client}" in loaded
    files = {"store", "transfer", "blocks", "cache", "mount", "clients.pithos", "clients.storage", "clients.image"}
    if client == "astakos":
        files |= {"clients.cyclades", "clients.compute", "clients.network"}
    heavy = {"rich", "yaml", "sqlite3", "starlette", "uvicorn", "fuse", "mfusepy", "concurrent", "pathspec"}
    assert loaded & (heavy | {f"pithosfs.{name}" for name in files}) == set()


def test_every_command_can_be_loaded_and_explains_itself(bare: Cli) -> None:
    def explore(command: click.Command, path: list[str]) -> None:
        context = click.Context(command, info_name=" ".join(path))
        assert command.get_short_help_str()
        assert command.get_help(context)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                explore(inner, [*path, name])

    explore(main, ["pithosfs"])
    assert set(MEMBERS) == set(main.list_commands(click.Context(main)))


def test_hints_name_commands_that_exist() -> None:
    context = click.Context(main)
    seen = 0
    for path in [*ROOT.glob("cli/**/*.py"), *ROOT.glob("pithosfs/**/*.py"), *ROOT.glob("daemon/**/*.py")]:
        for group, name in re.findall(r"pithosfs ([a-z]+) ([a-z]+)\b", path.read_text()):
            if group not in MEMBERS:
                continue
            command = main.get_command(context, group)
            if isinstance(command, click.Group):
                assert command.get_command(context, name) is not None, f"{path}: pithosfs {group} {name}"
                seen += 1
    assert seen > 10


def test_help_without_a_command(bare: Cli) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        result = bare.ok(*arguments)
        assert "Commands:" in result.out
        assert "localcloud" in result.out
    assert "upload" in bare.ok("file").out


def test_usage_errors(bare: Cli) -> None:
    for arguments, words in (
        (["fiel", "list"], "did you mean 'file'"),
        (["file", "lst"], "did you mean 'list'"),
        (["file", "list", "--recursiv"], "--recursive"),
        (["file", "info"], "PATH"),
        (["config", "get", "a", "b"], "unexpected"),
        (["file", "list", "--output", "xml"], "xml"),
        (["file", "list", "-o", "json"], "--output"),
    ):
        result = bare(*arguments)
        assert result.code == 2, arguments
        assert result.raw == b""
        assert words in result.err
        assert len(result.err.splitlines()) == 2
        assert "Traceback" not in result.err


def test_no_cloud_is_configured(bare: Cli) -> None:
    result = bare("file", "list")
    assert result.code == 2
    assert "no cloud is configured" in result.err
    assert "\n    pithosfs localcloud start\n" in result.err
    assert "\n    pithosfs config set cloud.NAME.url URL\n" in result.err


def test_global_options_before_and_after_the_command(cli: Cli) -> None:
    before = cli.ok("--output", "json", "container", "list").json
    assert [one["name"] for one in before] == ["pithos"]
    assert cli.ok("container", "list", "--output", "json").json == before
    for old in (["-j"], ["--json"], ["--output-format", "json"], ["--output", "JSON"]):
        assert cli.ok("container", "list", *old).json == before
    assert cli("--cloud", "nowhere", "container", "list").code == 2
    assert cli("container", "list", "--cloud", "nowhere").code == 2
    assert "nowhere" in cli("container", "list", "-o", "default_cloud=nowhere").err


def test_settings_can_be_overridden(cli: Cli) -> None:
    result = cli("file", "list", "-o", "cloud.test.pithos_container=elsewhere", "-o", "global.ignore_ssl=off")
    assert result.code == 3
    assert "'elsewhere'" in result.err
    assert cli("file", "list", "-c", "/nonexistent/config").code == 2


def test_errors_as_json(cli: Cli) -> None:
    result = cli("file", "info", "nothing", "--output", "json")
    assert result.code == 3
    assert result.raw == b""
    error = json.loads(result.err)["error"]
    assert error["exit_code"] == 3
    assert "/pithos/nothing" in error["message"]
    assert "file list /pithos" in error["hint"]


def test_debug_shows_the_trace(cli: Cli) -> None:
    assert "Traceback" not in cli("file", "info", "nothing").err
    assert "Traceback" in cli("file", "info", "nothing", "--debug").err


def test_verbose_shows_requests_but_no_token(cli: Cli, owner: User) -> None:
    result = cli("-v", "container", "list")
    assert "GET " in result.err
    assert owner.token not in result.err


def test_wrong_token_and_unreachable_server(cli: Cli) -> None:
    wrong = cli("container", "list", PITHOSFS_URL="", PITHOSFS_TOKEN="")
    assert wrong.code == 0
    refused = cli("container", "list", "-o", "cloud.test.token=wrong")
    assert refused.code == 4
    assert "config set cloud.test.token" in refused.err
    gone = cli("container", "list", "-o", "cloud.test.url=http://127.0.0.1:9/identity/v2.0")
    assert gone.code == 7
    assert len(gone.err.splitlines()) == 2


def test_an_interrupt_ends_with_130(cli: Cli) -> None:
    run = cli.spawn("file", "upload", "-", "stream")
    assert run.stdin is not None
    assert run.stdout is not None
    assert run.stderr is not None
    with run:
        # More than a pipe holds: that it is taken shows that the upload runs.
        run.stdin.write(bytes(300_000))
        run.stdin.flush()
        run.send_signal(signal.SIGINT)
        run.stdin.close()
        said = run.stderr.read().decode()
        assert run.wait() == 130
    assert said.strip() == "error: interrupted"
    assert cli("file", "info", "stream").code == 3


def test_a_reader_that_has_seen_enough(cli: Cli, owner: User) -> None:
    cli.ok("file", "upload", "-", "big", stdin=bytes(3_000_000))
    run = cli.spawn("file", "cat", "big")
    assert run.stdout is not None
    assert run.stderr is not None
    assert run.stdin is not None
    with run:
        run.stdin.close()
        assert run.stdout.read(10) == bytes(10)
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait() == 1
