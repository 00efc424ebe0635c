"""Every command and option that users of the older client know is there, and works.

The specification (tests/data/spec/cli.json) says which; `fixtures.command_rows` has the runs of those about storage,
`fixtures.machine_rows` of those about servers, networks, volumes and images, `fixtures.identity_rows` of all others.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
import pytest
from fixtures.clouds import TestCloud, User
from fixtures.command_rows import ROWS
from fixtures.homes import Home
from fixtures.identity_rows import IDENTITY_ROWS
from fixtures.invoker import Invoker
from fixtures.machine_rows import MACHINE_ROWS, Refused
from fixtures.machine_world import Machines, Things
from fixtures.specified import SPECIFIED, command, option_flags, unused_flags
from fixtures.storage_world import World

COMMANDS = {words: entry for words, entry in SPECIFIED.items() if " " in words}
"""Without the one entry that is a group."""
ALL_ROWS: dict[str, Sequence[tuple[str, Any]]] = {**ROWS, **MACHINE_ROWS, **IDENTITY_ROWS}


def test_the_specification_is_what_it_was() -> None:
    assert (len(SPECIFIED), sum(len(entry["options"]) for entry in SPECIFIED.values())) == (154, 626)
    assert set(SPECIFIED) - set(COMMANDS) == {"membership"}


def test_a_group_alone_shows_its_commands(program: Invoker) -> None:
    result = program.ok("membership")
    assert "Commands:" in result.out
    assert "leave" in result.out


@pytest.mark.parametrize("words", COMMANDS)
def test_it_is_there_with_every_flag(words: str) -> None:
    entry, known = COMMANDS[words], option_flags(words)
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
    assert unused_flags(words, (row for row, _ in ALL_ROWS[words])) == []


def test_no_run_is_of_a_command_that_is_not_there() -> None:
    assert set(ALL_ROWS) == set(COMMANDS)


@pytest.mark.parametrize("words", ALL_ROWS)
def test_it_is_run_in_table_and_json(words: str) -> None:
    as_json = {bool({"-j", "--output-format"} & {*shlex.split(row)}) for row, _ in ALL_ROWS[words]}
    assert as_json == {False, True}


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


@pytest.mark.parametrize("words", ROWS)
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


# servers, networks, volumes, images -----------------------------------------------------------------------------------

# What only looks may look at the same things again and again.
LOOKING = ("list", "info", "types", "type", "tags", "tagexists", "tagstatus", "attachments", "attachment", "wait")


@pytest.fixture(scope="module")
def machines(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    made = Machines(cloud, cloud.user("machinist"), cloud.user("mate"), tmp_path_factory.mktemp("work"))
    made.local("local.txt")
    made.local("described.json", b'{"disk-format": "extdump", "name": "ignored", "properties": {"SORTORDER": 5}}')
    yield made
    made.close()


@pytest.mark.parametrize("words", MACHINE_ROWS)
def test_it_does_it_to_machines(words: str, machines: Machines, home: Home) -> None:
    home.add_cloud(machines.owner.cloud())
    program = Invoker(home, machines.cwd)
    things = Things(machines)
    for row, check in MACHINE_ROWS[words]:
        if words.split()[1] not in LOOKING:
            things = Things(machines)
        filled = row.format_map(things)
        result = program(*words.split(), *shlex.split(filled))
        if not isinstance(check, Refused) and result.code != 0:
            assert words == "server tagexists", f"{words} {filled}: {result.err}"
        assert check(things, result), f"{words} {filled}: {result.out}{result.err}"
