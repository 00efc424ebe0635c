"""Each cell of the table of volumes: what an action does in a state, and what has become of the volume afterwards.

The expectation is written out here from compute.md 8 and 9, not taken from the code's own table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from fixtures.held_cloud import Answer, HeldCloud, Person

from pithosfs.localcloud.volume.states import TABLE


@dataclass(slots=True)
class Subject:
    """A volume, and a running server that it is on or could be on."""

    owner: Person
    server: int
    volume: str

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        return self.owner(method, path, body)

    @property
    def attachments(self) -> str:
        return f"compute/servers/{self.server}/os-volume_attachments"


def running(cloud: HeldCloud, owner: Person) -> int:
    server = owner.server()
    cloud.settle()
    return server


# the states -----------------------------------------------------------------------------------------------------------


def creating(cloud: HeldCloud, owner: Person) -> Subject:
    server = running(cloud, owner)
    return Subject(owner, server, owner.volume(server_id=server))


def available(cloud: HeldCloud, owner: Person) -> Subject:
    return Subject(owner, running(cloud, owner), owner.volume())


def attaching(cloud: HeldCloud, owner: Person) -> Subject:
    made = available(cloud, owner)
    owner.ok("POST", made.attachments, {"volumeAttachment": {"volumeId": made.volume}})
    return made


def in_use(cloud: HeldCloud, owner: Person) -> Subject:
    made = attaching(cloud, owner)
    cloud.settle()
    return made


def root(cloud: HeldCloud, owner: Person) -> Subject:
    server = running(cloud, owner)
    return Subject(owner, server, str(owner.show(server)["volumes"][0]))


def detaching(cloud: HeldCloud, owner: Person) -> Subject:
    made = in_use(cloud, owner)
    owner.ok("DELETE", f"{made.attachments}/{made.volume}")
    return made


def deleting(cloud: HeldCloud, owner: Person) -> Subject:
    made = in_use(cloud, owner)
    owner.ok("DELETE", f"volume/volumes/{made.volume}")
    return made


def failed(cloud: HeldCloud, owner: Person) -> Subject:
    return Subject(owner, running(cloud, owner), owner.volume(metadata={"sandbox": "error"}))


def failed_on_server(cloud: HeldCloud, owner: Person) -> Subject:
    server = running(cloud, owner)
    made = Subject(owner, server, owner.volume(server_id=server, metadata={"sandbox": "error"}))
    cloud.settle()
    return made


def deleted(cloud: HeldCloud, owner: Person) -> Subject:
    made = available(cloud, owner)
    owner.ok("DELETE", f"volume/volumes/{made.volume}")
    return made


STATES: Mapping[str, Callable[[HeldCloud, Person], Subject]] = {
    "creating": creating,
    "available": available,
    "attaching": attaching,
    "in_use": in_use,
    "root": root,
    "detaching": detaching,
    "deleting": deleting,
    "error": failed,
    "error_on_server": failed_on_server,
    "deleted": deleted,
}

# the actions ----------------------------------------------------------------------------------------------------------

ACTIONS: Mapping[str, Callable[[Subject], Answer]] = {
    "attach": lambda one: one.call("POST", one.attachments, {"volumeAttachment": {"volumeId": one.volume}}),
    "detach": lambda one: one.call("DELETE", f"{one.attachments}/{one.volume}"),
    "delete": lambda one: one.call("DELETE", f"volume/volumes/{one.volume}"),
    "snapshot": lambda one: one.call("POST", "volume/snapshots", {"snapshot": {"volume_id": one.volume}}),
    "rename": lambda one: one.call("PUT", f"volume/volumes/{one.volume}", {"volume": {"display_name": "other"}}),
    "describe": lambda one: one.call("POST", f"volume/volumes/{one.volume}/metadata", {"metadata": {"use": "tests"}}),
    "reassign": lambda one: one.call(
        "POST", f"volume/volumes/{one.volume}/action", {"reassign": {"project": one.owner.id}}
    ),
}

SUCCESS = {
    "attach": 202,
    "detach": 202,
    "delete": 202,
    "snapshot": 202,
    "rename": 200,
    "describe": 200,
    "reassign": 200,
}

# `word` or `word/word`: the status at once and in the end; `kept`: as without it.
EXPECTED = """
          creating available           attaching in_use              root detaching deleting error            error_on_server     deleted
attach    400      attaching/in_use    400       400                 400  400       400      400              400                 400
detach    400      400                 400       detaching/available 400  400       400      400              detaching/available 400
delete    400      deleted             400       deleting/deleted    400  400       400      deleted          deleting/deleted    400
snapshot  400      400                 400       kept                kept 400       400      400              400                 400
rename    kept     kept                kept      kept                kept kept      kept     kept             kept                400
describe  kept     kept                kept      kept                kept kept      kept     kept             kept                400
reassign  kept     kept                kept      kept                409  kept      kept     kept             kept                400
"""  # noqa: E501

FATES = {
    "creating": "in_use",
    "available": "available",
    "attaching": "in_use",
    "in_use": "in_use",
    "root": "in_use",
    "detaching": "available",
    "deleting": "deleted",
    "error": "error",
    "error_on_server": "error",
    "deleted": "deleted",
}
"""What each state leads to when nothing else is done."""

_LINES = EXPECTED.strip("\n").splitlines()
CELLS = [
    (action, state, cell)
    for action, *cells in (line.split() for line in _LINES[1:])
    for state, cell in zip(_LINES[0].split(), cells, strict=True)
]


def test_every_cell_is_looked_at() -> None:
    assert len(CELLS) == len(ACTIONS) * len(STATES)
    assert {status for status, _ in TABLE} == {state for state in STATES if state not in ("root", "error_on_server")}


@pytest.mark.parametrize(("action", "state", "cell"), CELLS, ids=[f"{one[0]}-{one[1]}" for one in CELLS])
def test_cell(held_cloud: HeldCloud, alice: Person, action: str, state: str, cell: str) -> None:
    subject = STATES[state](held_cloud, alice)
    path = f"volume/volumes/{subject.volume}"
    before = alice.get(path)["status"]
    assert before == {"root": "in_use", "error_on_server": "error"}.get(state, state)
    answer = ACTIONS[action](subject)
    if cell.isdigit():
        assert answer.status == int(cell), answer
        assert answer.fault == {400: "badRequest", 409: "conflict"}[int(cell)]
        at_once, end = before, FATES[state]
    else:
        assert answer.status == SUCCESS[action], answer
        at_once, _, end = (before, "", FATES[state]) if cell == "kept" else cell.partition("/")
    assert alice.get(path)["status"] == at_once
    held_cloud.settle()
    settled = alice.get(path)
    assert settled["status"] == (end or at_once)
    assert bool(settled["attachments"]) == (
        settled["status"] in ("in_use",) or (state, end) == ("error_on_server", "error")
    )
