"""Every section of compute.md, network.md and image.md has rules, and each rule has a name of its own."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conformance.service_rows import Row

HERE = Path(__file__).parent

SECTIONS = {
    "network": [
        "1",
        "1.1",
        "1.3",
        "2",
        "3.1",
        "3.2",
        "3.3",
        "3.4",
        "3.5",
        "4.1",
        "4.2",
        "4.3",
        "5.1",
        "5.2",
        "5.3",
        "5.4",
        "6.1",
        "6.2",
        "6.3",
        "7",
    ],
    "image": ["1", "1.1", "2", "3.1", "4", "5", "6", "7"],
    "compute": [
        "1",
        "1.2",
        "1.3",
        "2",
        "3.1",
        "3.3",
        "3.4",
        "3.5",
        "3.6",
        "3.7",
        "3.8",
        "3.9",
        "3.10",
        "3.11",
        "4",
        "5",
        "6",
        "7",
    ],
    "volume": ["8", "9.1", "9.2", "9.3", "9.4", "9.5", "9.6"],
}


def rules(service: str) -> list[str]:
    """All rules: those of the tables, and those that functions say they show."""
    found: list[str] = []
    for path in sorted((HERE / service).glob("test_*.py")):
        module = importlib.import_module(f"conformance.{service}.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith("test_"):
                found += getattr(value, "rules", ())
                found += [one.rule for one in _table(value)]
    return found


def _table(function: Any) -> list[Row]:
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    return [value for mark in marks for value in mark.args[1] if isinstance(value, Row)]


@pytest.mark.parametrize("service", SECTIONS)
def test_every_section_has_rules(service: str) -> None:
    seen = {rule.partition("-")[0] for rule in rules(service)}
    assert [section for section in SECTIONS[service] if section not in seen] == []


@pytest.mark.parametrize("service", SECTIONS)
def test_every_rule_has_a_name_of_its_own(service: str) -> None:
    named = rules(service)
    assert [rule for rule, times in Counter(named).items() if times > 1] == []
    assert [rule for rule in named if not re.fullmatch(r"[0-9]+(\.[0-9]+)?-\S+", rule)] == []
    assert len(named) > 70


@pytest.mark.parametrize("service", SECTIONS)
def test_the_suite_needs_no_client_of_ours(service: str) -> None:
    for path in (HERE / service).glob("*.py"):
        assert not re.search(r"^\s*(from|import) pithosfs", path.read_text(), re.MULTILINE), path
