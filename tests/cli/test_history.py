"""`pithosfs history`, and what of a command line is kept."""

from __future__ import annotations

import stat

from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User
from fixtures.invoker import Invoker

TOKEN = "0123456789abcdef0123456789abcdef"


def kept(program: Invoker) -> list[str]:
    return [one["command"] for one in program.ok("history", "show", "-j").json]


def test_nothing_is_kept_unless_wanted(program: Invoker) -> None:
    program.ok("user", "list")
    assert kept(program) == []
    assert "config set history on" in program.ok("history", "show").err
    assert not (program.home.directories.state / "history").exists()


def test_what_is_kept(program: Invoker) -> None:
    program.ok("config", "set", "history", "on")
    program("file", "info", "a name with blanks")
    program.ok("--output", "json", "user", "list")
    program("user", "lst")
    program.ok("user", "--help")
    assert kept(program) == ["pithosfs file info 'a name with blanks'", "pithosfs --output json user list"]
    assert [one["number"] for one in program.ok("history", "show", "-1:", "-j").json] == [1]
    assert [one["number"] for one in program.ok("history", "show", "0", "-j").json] == [0]
    assert [one["number"] for one in program.ok("history", "show", ":1", "-j").json] == [0]
    assert [one["number"] for one in program.ok("history", "show", "-1", "-j").json] == [1]
    assert "1  pithosfs --output" in program.ok("history", "show", "--match", "list user").out
    assert stat.S_IMODE((program.home.directories.state / "history").stat().st_mode) == 0o600


def test_secrets_are_not_kept(program: Invoker, owner: User, cloud: TestCloud) -> None:
    program.ok("config", "set", "history", "on")
    program.ok("config", "set", "cloud.other.token", TOKEN)
    program("user", "authenticate", TOKEN)
    program("user", "add", "--token", TOKEN)
    program("user", "add", f"--token={TOKEN}")
    program("service", "quotas", "--service-token", TOKEN)
    program("user", "info", "-o", f"cloud.test.token={TOKEN}")
    program("file", "info", f"x{owner.token}")
    text = (program.home.directories.state / "history").read_text()
    assert TOKEN not in text
    assert owner.token not in text
    assert text.count("********") == 6
    assert "pithosfs user authenticate ********\n" in text


def test_the_file_and_its_length(program: Invoker) -> None:
    program.ok("config", "set", "history", "on")
    program.ok("config", "set", "history_file", str(program.cwd / "mine"))
    program.ok("config", "set", "history_limit", "2")
    for name in ("one", "two", "three"):
        program("file", "info", name)
    assert (program.cwd / "mine").read_text() == "pithosfs file info two\npithosfs file info three\n"
    # A place that cannot be written to is no reason for a command to fail.
    program.ok("config", "set", "history_file", "/proc/none")
    assert program("user", "list").code == 0


def test_it_is_asked_before_it_is_forgotten(cli: Cli) -> None:
    cli.ok("config", "set", "history", "on")
    cli.ok("config", "list")
    run = cli.terminal("history", "clean")
    run.expect_exact("Forget 1 commands? [y/N]: ")
    run.sendline("n")
    shown, code = finish(run)
    assert code == 1
    assert "nothing was done" in shown
    assert cli("history", "clean").code == 2
    assert "Would forget 1 commands" in cli.ok("history", "clean", "--dry-run").out
    cli.ok("history", "clean", "--yes")
    assert cli.ok("history", "show", "-j").json == []
