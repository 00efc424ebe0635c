"""`pithosd` from the outside: what it says of itself, and how it fails. What it does is in `test_server`."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.daemons import PITHOSD
from fixtures.homes import Home

from pithosfs import __version__
from pithosfs.errors import ConfigError, Conflict, NotLoggedIn, UsageError
from pithosfs_daemon.main import run

UNIT = Path(__file__).parents[2] / "packaging" / "pithosd.service"


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for option, words in (("--version", __version__), ("--help", "pithosfs sync add")):
        with pytest.raises(SystemExit) as ended:
            run([option])
        assert ended.value.code == 0
        assert words in " ".join(capsys.readouterr().out.split())


def test_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom pithosfs_daemon import main\ntry: main.run(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"requests", "sqlite3", "watchdog", "pathspec"} == set()


def failed(home: Home, *arguments: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [*PITHOSD, *arguments], env=home.environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()


def test_what_keeps_it_from_starting(home: Home) -> None:
    code, lines = failed(home, "--nonsense")
    assert code == 2
    assert "--nonsense" in lines[-1]
    (home.root / "state" / "pithosfs").write_text("in the way")
    code, lines = failed(home)
    assert code == 2
    assert lines[-2].startswith("error: cannot make the directory")
    assert lines[-1].startswith("hint: ")


def test_the_unit_says_what_the_daemon_does(home: Home) -> None:
    unit = configparser.RawConfigParser(strict=True, comment_prefixes=("#",), inline_comment_prefixes=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNIT.read_text())
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    service = unit["Service"]
    assert (service["Type"], service["Restart"], service["NoNewPrivileges"]) == ("notify", "on-failure", "yes")
    assert service["ExecStart"] == "/usr/bin/env pithosd"
    assert float(service["WatchdogSec"]) >= 10
    assert float(service["TimeoutStopSec"]) > 10  # the daemon ends within that
    # What a second attempt would not mend is not attempted again.
    codes = {UsageError.exit_code, ConfigError.exit_code, NotLoggedIn.exit_code, Conflict.exit_code}
    assert {int(one) for one in service["RestartPreventExitStatus"].split()} == codes
    if shutil.which("systemd-analyze") is None:
        return
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(UNIT)],
        env=home.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "pithosd.service" not in done.stderr
