"""Every storage command and option that users of the older client know is there, and works.

The specification (tests/data/spec/cli.json) says which; `fixtures.command_rows` has the runs.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from fixtures.clouds import TestCloud, User
from fixtures.command_rows import ROWS
from fixtures.invoker import Invoker
from fixtures.storage_world import World

from pithosfs_cli.main import main

SPEC = Path(__file__).parents[1] / "data" / "spec" / "cli.json"
GROUPS = ("file", "container", "group", "sharer")
COMMANDS: dict[str, Mapping[str, Any]] = {
    entry["command"]: entry for entry in json.loads(SPEC.read_text()) if entry["group"] in GROUPS
}


def command(words: str) -> click.Command:
    group, name = words.split()
    context = click.Context(main)
    found = main.get_command(context, group)
    assert isinstance(found, click.Group), f"there is no group {group}"
    inner = found.get_command(context, name)
    assert inner is not None, f"there is no command {words}"
    return inner


def options(words: str) -> dict[str, click.Option]:
    """flag → the option that it belongs to."""
    found: dict[str, click.Option] = {}
    for one in command(words).params:
        if isinstance(one, click.Option):
            found |= dict.fromkeys([*one.opts, *one.secondary_opts], one)
    return found


def test_the_specification_is_what_it_was() -> None:
    assert len(COMMANDS) == 28
    assert sum(len(entry["options"]) for entry in COMMANDS.values()) == 178


@pytest.mark.parametrize("words", COMMANDS)
def test_it_is_there_with_every_flag(words: str) -> None:
    entry, known = COMMANDS[words], options(words)
    for option in entry["options"]:
        for flag in option["flags"]:
            assert flag in known, f"{words} has no {flag}"
            takes_a_value = not known[flag].is_flag
            assert takes_a_value is (option["kind"] != "flag"), f"{words} {flag}"
            if option["repeatable"]:
                assert known[flag].multiple, f"{words} {flag} cannot be repeated"
    arguments = [one for one in command(words).params if isinstance(one, click.Argument)]
    most = sum(one.nargs for one in arguments) if all(one.nargs > 0 for one in arguments) else len(entry["args"])
    assert most >= len(entry["args"])
    assert sum(one.required for one in arguments) <= max(1, sum(one["required"] for one in entry["args"]))


@pytest.mark.parametrize("words", COMMANDS)
def test_a_run_uses_every_option(words: str) -> None:
    """No option is there in name only: for each there is a row below that has it and looks at what it did."""
    known = options(words)
    used: set[str | None] = set()
    for row, _ in ROWS[words]:
        for word in shlex.split(row):
            flag = word.partition("=")[0]
            if flag in known:
                used.add(known[flag].name)
    missing = [
        flag for option in COMMANDS[words]["options"] for flag in option["flags"] if known[flag].name not in used
    ]
    assert missing == []


def test_no_run_is_of_a_command_that_is_not_there() -> None:
    assert set(ROWS) == set(COMMANDS)


# what a command needs that the world does not have --------------------------------------------------------------------


def _blocks(world: World) -> None:
    head = world.own.head("x")
    world.local("blocks.json", json.dumps({"bytes": head.size, "hashes": [head.hash]}).encode())


def _published(world: World) -> None:
    world.owner.store.set_public(world.other.path("y"), True)
    world.friend.store.set_public(world.theirs.path("open/z"), True)


def _groups(world: World) -> None:
    management = world.owner.store.management()
    management.set_group("ours", [world.friend.uuid])


def _two_groups(world: World) -> None:
    _groups(world)
    world.owner.store.management().set_group("second", [world.friend.uuid])


PREPARED: dict[str, Callable[[World], None]] = {
    "file upload": _blocks,
    "file unpublish": _published,
    "group list": _groups,
    "group delete": _two_groups,
}
# Before the row that begins so.
MEANWHILE: dict[tuple[str, str], Callable[[World], object]] = {
    ("file unpublish", "y --container"): _published,
    ("file unpublish", "open/z --account"): _published,
    ("file delete", "again "): lambda world: world.own.put("again"),
    ("container delete", "empty "): lambda world: world.owner.store.create_container("empty"),
    ("container empty", "pithos --yes --account"): lambda world: world.own.put("again"),
    ("group delete", "third"): lambda world: world.owner.store.management().set_group("third", [world.owner.uuid]),
}


@pytest.mark.parametrize("words", COMMANDS)
def test_it_does_what_it_is_for(words: str, program: Invoker, owner: User, cloud: TestCloud) -> None:
    world = World(program, owner, cloud)
    PREPARED.get(words, lambda _: None)(world)
    for row, check in ROWS[words]:
        for (of, beginning), prepare in MEANWHILE.items():
            if of == words and row.startswith(beginning):
                prepare(world)
        has_css = "{css}" in row
        filled = row.format(
            owner=owner.uuid,
            owner_name=owner.name,
            friend=world.friend.uuid,
            friend_name=world.friend.name,
            first=world.first,
            hash=world.own.head("x").hash if "{hash}" in row else "",
            css=world.own.head("css").version if has_css else "",
        )
        result = program(*words.split(), *shlex.split(filled))
        assert result.code == 0, f"{words} {filled}: {result.err}"
        assert check(world, result), f"{words} {filled}: {result.out}{result.err}"
