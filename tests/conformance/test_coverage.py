"""Every section of the specification has rows, no two rules have one name, and the options lead to a server."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conformance.rows import Row

HERE = Path(__file__).parent
SECTIONS = [*range(1, 19), 20, 21, 22]


def _rules() -> list[str]:
    """All rules: those of the tables, and those that functions say they show."""
    found: list[str] = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"conformance.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith("test_"):
                found += getattr(value, "rules", ())
                found += [row.rule for row in _table(value)]
    return found


def _table(function: Any) -> list[Row]:
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    return [value for mark in marks for value in mark.args[1] if isinstance(value, Row)]


def test_every_section_has_rules() -> None:
    rules = _rules()
    counted = Counter(int(re.match("[0-9]+", rule)[0]) for rule in rules if re.match("[0-9]+", rule))  # type: ignore[index]
    assert [section for section in SECTIONS if not counted[section]] == []
    assert len(rules) > 1000


def test_every_rule_has_a_name_of_its_own() -> None:
    rules = _rules()
    assert [rule for rule, times in Counter(rules).items() if times > 1] == []
    assert [rule for rule in rules if not re.fullmatch(r"[0-9]+(\.[0-9]+)?-\S+", rule)] == []


def test_every_row_of_section_20_is_looked_at() -> None:
    numbers = {int(found[1]) for rule in _rules() if (found := re.match(r"20\.([0-9]+)-", rule))}
    assert set(range(1, 42)) - numbers == set()


def test_the_suite_needs_no_client_of_ours() -> None:
    """It runs where nothing of pithosfs but this suite is."""
    for path in HERE.glob("*.py"):
        assert not re.search(r"^\s*(from|import) pithosfs", path.read_text(), re.MULTILINE), path


@pytest.mark.parametrize("form", ["identity", "endpoint", "endpoint-and-identity", "endpoint-and-ids"])
def test_the_options_lead_to_a_server(cloud: Any, tmp_path: Path, form: str) -> None:
    """pytest in a process of its own, held against a server that it knows by the command line alone."""
    users = [cloud.user("options"), cloud.user("options")]
    endpoint = f"{cloud.base}/object-store/v1"
    ids = ["--account", users[0].uuid, "--account2", users[1].uuid]
    where = {
        "identity": ["--base-url", cloud.url],
        "endpoint": ["--base-url", f"{endpoint}/"],
        "endpoint-and-identity": ["--base-url", endpoint, "--identity-url", cloud.url],
        "endpoint-and-ids": ["--base-url", endpoint, *ids],
    }[form]
    tokens = ["--token", users[0].token, "--token2", users[1].token]
    # From the suite's own folder in one case, from the root in the others.
    start, target = (HERE, "test_auth.py") if form == "identity" else (HERE.parent.parent, str(HERE / "test_auth.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *where, *tokens, target]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    run = subprocess.run(command, cwd=start, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"\d\d passed", run.stdout), run.stdout
    for user in users:
        assert [name.name for name in user.store.containers()] == ["pithos"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token", "x"], "--token2"),
        (["--token", "x", "--token2", "y"], "--identity-url"),
    ],
)
def test_options_that_lead_nowhere_say_so(cloud: Any, options: list[str], message: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--base-url", cloud.url, *options]
    command += ["-k", "20.8", str(HERE / "test_surprises.py")]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 1
    assert message in run.stdout
