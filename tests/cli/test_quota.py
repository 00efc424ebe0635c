"""`pithosfs quota list` as people see it, and what its numbers mean."""

from __future__ import annotations

import re

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents

from pithosfs.errors import UsageError
from pithosfs_cli.quotas import UNLIMITED, Holding, parse_amount, shown_amount
from pithosfs_cli.shares import shown_share, style_of_share

GREEN, YELLOW, RED = "\x1b[32m", "\x1b[33m", "\x1b[31m"


@pytest.fixture
def used(owner: User, cloud: TestCloud) -> User:
    """The owner has 8 GiB, a third of it of use; servers have a limit, networks have none."""
    cloud.set_limit(owner, "pithos.diskspace", 1000)
    cloud.set_limit(owner, "cyclades.vm", 4)
    cloud.set_limit(owner, "cyclades.ram", 8 * 2**30)
    Contents(owner).put("x", bytes(950))
    return owner


def test_a_table_for_people(cli: Cli, used: User) -> None:
    lines = cli.ok("quota", "list", "--resource", "cyclades").out.splitlines()
    assert lines[0].split() == ["PROJECT", "RESOURCE", "USED", "LIMIT"]
    rows = {line.split()[1]: line for line in lines[1:]}
    assert rows["cyclades.ram"].split()[2:] == ["0B", "8GiB", "░░░░░░░░░░", "0%"]
    assert rows["cyclades.network.private"].split()[2:] == ["0", "no", "limit"]
    # Aligned: numbers end below each other.
    assert (
        len({line.index("8GiB") + 4 for line in (rows["cyclades.ram"],)} | {rows["cyclades.vm"].index(" 4 ") + 2}) == 1
    )
    assert "\x1b" not in "".join(lines)
    assert "950B" in cli.ok("quota", "list").out
    assert "8589934592" in cli.ok("quota", "list", "--bytes").out


def test_colours_on_a_terminal_only(cli: Cli, used: User) -> None:
    shown, code = finish(cli.terminal("quota", "list"))
    assert code == 0
    assert f"{RED}█████████░  95%" in shown
    assert f"{GREEN}░░░░░░░░░░   0%" in shown
    lines = [line.rstrip() for line in shown.splitlines()]
    assert "personal" in lines  # at the top of its block
    assert any(line.startswith("  cyclades.vm ") for line in lines)
    assert all(len(re.sub("\x1b[^m]*m", "", line)) <= 80 for line in lines)
    cli.environ["NO_COLOR"] = "1"
    shown, _ = finish(cli.terminal("quota", "list"))
    assert RED not in shown
    assert GREEN not in shown


def test_projects_with_what_others_have_left(cli: Cli, cloud: TestCloud, owner: User) -> None:
    friend = cloud.user("friend")
    project = cloud.project([owner, friend], {"cyclades.vm": (5, 4)})
    name = cli.ok("project", "info", project, "-j").json["name"]
    rows = cli.ok("quota", "list", "--project-id", name, "--resource", "cyclades.vm", "--output", "csv").out
    header, row = (line.split(",") for line in rows.splitlines())
    assert dict(zip(header, row, strict=True))["ceiling"] == "4"
    details = cli.ok("quota", "list", "-l", "--project-id", name, "--resource", "cyclades.vm").out.splitlines()
    assert details[0].split("  ")[-1].strip() == "LIMIT"
    assert details[1].split()[2:8] == ["0", "0", "4", "0", "0", "5"]
    by_use = cli.ok("quota", "list", "--sort", "-usage", "--columns", "resource,usage", "-j").json
    assert by_use == sorted(by_use, key=lambda one: -int(one["usage"]))


@pytest.mark.parametrize(
    ("limit", "usage", "project_limit", "project_usage", "ceiling", "percent"),
    [
        (4, 1, 10, 1, 4, 25),
        (4, 1, 10, 8, 3, 33),  # others hold 7 of 10
        (4, 1, 10, 12, 0, 100),  # more than there is: limits were lowered
        (UNLIMITED, 5, UNLIMITED, 5, UNLIMITED, None),
        (UNLIMITED, 5, 10, 5, 10, 50),
        (0, 0, 0, 0, 0, 0),
        (0, 2, 0, 2, 0, 100),
        (3, 2, 10, 2, 3, 66),
    ],
)
def test_how_far_one_can_go(
    limit: int, usage: int, project_limit: int, project_usage: int, ceiling: int, percent: int | None
) -> None:
    holding = Holding(limit, usage, project_limit, project_usage)
    assert (holding.ceiling, holding.percent) == (ceiling, percent)


def test_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    for percent, full in ((0, 0), (1, 1), (10, 1), (55, 5), (99, 9), (100, 10), (250, 10)):
        shown = shown_share(percent)
        assert sum(one in "█#" for one in shown) == full
        assert shown.endswith(f" {percent:3}%")
    assert [style_of_share(shown_share(one)) for one in (0, 74, 75, 89, 90, 300)] == [
        "green",
        "green",
        "yellow",
        "yellow",
        "red",
        "red",
    ]
    assert style_of_share("") == ""


def test_amounts() -> None:
    assert [shown_amount(one) for one in (0, 7, UNLIMITED, None)] == ["0", "7", "no limit", "-"]
    assert shown_amount(8 * 2**30, size=True) == "8GiB"
    assert [parse_amount(one) for one in ("7", "8GiB", "unlimited", "inf")] == [7, 8 * 2**30, UNLIMITED, UNLIMITED]
    for wrong in ("", "some", "-1", "9999999999999TiB"):
        with pytest.raises(UsageError, match="is not an amount"):
            parse_amount(wrong)
