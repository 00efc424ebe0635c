"""Every section of the specification has rules, and no two rules have one name."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
SECTIONS = ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.6", "2.7", "3", "4", "5", "6", "7", "7.1", "7.2", "7.3")
MORE = ("7.4", "8.2", "8.3", "8.4", "8.5", "8.6", "8.7", "9.1", "9.2", "10", "10.1", "10.2", "10.4")


def _rules() -> list[str]:
    found: list[str] = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"conformance.identity.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith("test_"):
                found += getattr(value, "rules", ())
    return found


def test_every_section_has_rules() -> None:
    counted = Counter(rule.partition("-")[0] for rule in _rules())
    assert [section for section in (*SECTIONS, *MORE) if not counted[section]] == []
    assert sum(counted.values()) > 400


def test_every_rule_has_a_name_of_its_own() -> None:
    rules = _rules()
    assert [rule for rule, times in Counter(rules).items() if times > 1] == []
    assert [rule for rule in rules if not re.fullmatch(r"[0-9]+(\.[0-9]+)?-\S+", rule)] == []


def test_the_suite_needs_nothing_of_ours() -> None:
    """It runs where nothing of pithosfs but this suite is."""
    for path in HERE.glob("*.py"):
        assert not re.search(r"^\s*(from|import) (pithosfs|fixtures)", path.read_text(), re.MULTILINE), path
