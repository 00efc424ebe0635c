"""Every section of the specification has rows, and no two rules have one name."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

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
