"""The commands about users, projects, quotas and commissions, and about the program itself, do what they are for.

`fixtures.identity_rows` has the runs; that these are all commands with all options is said in `test_parity`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents
from fixtures.identity_rows import IDENTITY_ROWS
from fixtures.identity_world import Circle, Matters
from fixtures.invoker import Invoker


@pytest.fixture
def circle(program: Invoker, cloud: TestCloud, owner: User) -> Iterator[Circle]:
    made = Circle(cloud, owner, cloud.user("friend"), program.cwd)
    yield made
    made.close()


# What a row needs that is not named in it -----------------------------------------------------------------------------


def _with_friend(program: Invoker, circle: Circle) -> None:
    program.ok("config", "set", "cloud.test.token", f"{circle.owner.token} {circle.friend.token}")


def _some_commission(_program: Invoker, circle: Circle) -> None:
    circle.service.issue_one_commission(circle.owner.uuid, {(circle.owner.uuid, "cyclades.vm"): 1})


def _some_history(program: Invoker, _circle: Circle) -> None:
    program.ok("history", "clean", "--yes")
    program.ok("config", "set", "history", "on")
    program.ok("user", "list")
    program.ok("config", "get", "default_cloud")


def _odd_names(_program: Invoker, circle: Circle) -> None:
    own = Contents(circle.owner)
    if not own.names():
        own.put("a", b"a file")
        own.put("a/b", b"below it")
        own.put("c/d/e", b"without folders")
        own.folder("x\\y")


BEFORE: dict[str, Callable[[Invoker, Circle], None]] = {
    "user select": _with_friend,
    "user delete": _with_friend,
    "commission pending": _some_commission,
    "history show": _some_history,
    "scripts verifyfs": _odd_names,
}


@pytest.mark.parametrize("words", IDENTITY_ROWS)
def test_it_does_what_it_is_for(words: str, program: Invoker, circle: Circle) -> None:
    for row, check in IDENTITY_ROWS[words]:
        before = circle.me.do("GET", "/quotas")[circle.owner.uuid]["cyclades.vm"]["usage"]
        BEFORE.get(words, lambda _program, _circle: None)(program, circle)
        matters = Matters(circle, before)
        filled = row.format_map(matters)
        result = program(*words.split(), *shlex.split(filled))
        assert result.code == 0, f"{words} {filled}: {result.err}"
        assert check(matters, result), f"{words} {filled}: {result.out}{result.err}"
