"""Each cell of the table of servers: what an action does in a state, and what has become of the server afterwards.

The expectation is written out here from compute.md 3.2, not taken from the code's own table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from fixtures.held_cloud import Answer, HeldCloud, Person

from pithosfs.localcloud import process
from pithosfs.localcloud.compute.states import Action


@dataclass(slots=True)
class Subject:
    """A server with a port on a network, and a second disk; and what the actions need beside it."""

    cloud: HeldCloud
    owner: Person
    server: int
    network: str
    port: str
    disk: int

    def act(self, **action: Any) -> Answer:
        return self.owner.act(self.server, **action)

    def settle(self) -> None:
        self.cloud.settle()


def make(cloud: HeldCloud, owner: Person, **more: Any) -> Subject:
    network, image = owner.network(), owner.image()
    port = owner.port(network)["id"]
    disks = [
        {"source_type": "image", "uuid": image, "volume_size": 20},
        {"source_type": "blank", "volume_size": 1},
    ]
    server = owner.server(networks=[{"port": port}], block_device_mapping_v2=disks, **more)
    return Subject(cloud, owner, server, network, port, owner.show(server)["volumes"][1])


# the states -----------------------------------------------------------------------------------------------------------


def building(cloud: HeldCloud, owner: Person) -> Subject:
    return make(cloud, owner)


def active(cloud: HeldCloud, owner: Person) -> Subject:
    made = make(cloud, owner)
    cloud.settle()
    return made


def stopped(cloud: HeldCloud, owner: Person) -> Subject:
    made = active(cloud, owner)
    assert made.act(shutdown={}).status == 202
    cloud.settle()
    return made


def failed(cloud: HeldCloud, owner: Person) -> Subject:
    made = make(cloud, owner, metadata={"sandbox": "error"})
    cloud.settle()
    return made


def busy(cloud: HeldCloud, owner: Person) -> Subject:
    made = active(cloud, owner)
    assert made.act(reboot={"type": "SOFT"}).status == 202
    return made


def going(cloud: HeldCloud, owner: Person) -> Subject:
    made = active(cloud, owner)
    owner.ok("DELETE", f"compute/servers/{made.server}")
    return made


def gone(cloud: HeldCloud, owner: Person) -> Subject:
    made = going(cloud, owner)
    cloud.settle()
    return made


def suspended(cloud: HeldCloud, owner: Person) -> Subject:
    made = active(cloud, owner)
    process.suspend_server(cloud.data, made.server, suspended=True)
    return made


# the actions ----------------------------------------------------------------------------------------------------------


def resize(subject: Subject) -> Answer:
    return subject.act(resize={"flavorRef": subject.owner.flavor("C2R4096D20ext_store")})


def connect(subject: Subject) -> Answer:
    body = {"port": {"network_id": subject.network, "device_id": str(subject.server)}}
    return subject.owner("POST", "network/ports", body)


def disconnect(subject: Subject) -> Answer:
    return subject.owner("DELETE", f"network/ports/{subject.port}")


def attach_volume(subject: Subject) -> Answer:
    volume = subject.owner.volume()
    path = f"compute/servers/{subject.server}/os-volume_attachments"
    return subject.owner("POST", path, {"volumeAttachment": {"volumeId": volume}})


def detach_volume(subject: Subject) -> Answer:
    path = f"compute/servers/{subject.server}/os-volume_attachments/{subject.disk}"
    return subject.owner("DELETE", path)


def describe(subject: Subject) -> Answer:
    return subject.owner("PUT", f"compute/servers/{subject.server}", {"server": {"name": "db"}})


STATES: Mapping[str, Callable[[HeldCloud, Person], Subject]] = {
    "BUILD": building,
    "ACTIVE": active,
    "STOPPED": stopped,
    "ERROR": failed,
    "busy": busy,
    "deleting": going,
    "DELETED": gone,
    "suspended": suspended,
}

ACTIONS: Mapping[str, Callable[[Subject], Answer]] = {
    "START": lambda subject: subject.act(start={}),
    "SHUTDOWN": lambda subject: subject.act(shutdown={}),
    "REBOOT": lambda subject: subject.act(reboot={"type": "HARD"}),
    "RESIZE": resize,
    "CONNECT": connect,
    "DISCONNECT": disconnect,
    "ATTACH_VOLUME": attach_volume,
    "DETACH_VOLUME": detach_volume,
    "DESTROY": lambda subject: subject.owner("DELETE", f"compute/servers/{subject.server}"),
    "REASSIGN": lambda subject: subject.act(reassign={"project": subject.owner.id}),
    "FIREWALL": lambda subject: subject.act(firewallProfile={"profile": "ENABLED", "nic": subject.port}),
    "CONSOLE": lambda subject: subject.act(console={"type": "vnc"}),
    "DESCRIBE": describe,
}

TASKS = {
    "START": "STARTING",
    "SHUTDOWN": "STOPPING",
    "REBOOT": "REBOOTING",
    "RESIZE": "RESIZING",
    "CONNECT": "CONNECTING",
    "DISCONNECT": "DISCONNECTING",
    "ATTACH_VOLUME": "ATTACHING_VOLUME",
    "DETACH_VOLUME": "DETACHING_VOLUME",
    "DESTROY": "DESTROYING",
}

SUCCESS = {
    **dict.fromkeys(("START", "SHUTDOWN", "REBOOT", "RESIZE", "ATTACH_VOLUME", "DETACH_VOLUME", "FIREWALL"), 202),
    **dict.fromkeys(("DISCONNECT", "DESTROY", "DESCRIBE"), 204),
    **dict.fromkeys(("REASSIGN", "CONSOLE"), 200),
    "CONNECT": 201,
}

# A word is the status in the end; `kept` the one that there would have been anyway. A port goes with its server (404).
EXPECTED = """
               BUILD    ACTIVE   STOPPED  ERROR    busy     deleting DELETED  suspended
START          409      400      ACTIVE   400      400      400      400      403
SHUTDOWN       409      STOPPED  400      400      400      400      400      403
REBOOT         409      ACTIVE   ACTIVE   400      400      400      400      403
RESIZE         409      400      STOPPED  400      400      400      400      403
CONNECT        409      kept     kept     400      400      400      400      403
DISCONNECT     409      kept     kept     400      400      400      404      403
ATTACH_VOLUME  409      kept     kept     400      400      400      400      403
DETACH_VOLUME  409      kept     kept     400      400      400      400      403
DESTROY        DELETED  DELETED  DELETED  DELETED  DELETED  DELETED  400      403
REASSIGN       409      kept     kept     kept     400      400      400      403
FIREWALL       409      kept     kept     400      400      400      400      403
CONSOLE        409      kept     400      400      400      400      400      403
DESCRIBE       kept     kept     kept     kept     kept     kept     400      403
"""

FATES = {
    "BUILD": "ACTIVE",
    "ACTIVE": "ACTIVE",
    "STOPPED": "STOPPED",
    "ERROR": "ERROR",
    "busy": "ACTIVE",
    "deleting": "DELETED",
    "DELETED": "DELETED",
    "suspended": "ACTIVE",
}
"""What each state leads to when nothing else is done."""

FAULTS = {400: "badRequest", 403: "forbidden", 404: "itemNotFound", 409: "buildInProgress"}

_LINES = EXPECTED.strip("\n").splitlines()
CELLS = [
    (action, state, cell)
    for action, *cells in (line.split() for line in _LINES[1:])
    for state, cell in zip(_LINES[0].split(), cells, strict=True)
]


def test_every_cell_is_looked_at() -> None:
    assert {action for action, _, _ in CELLS} == set(ACTIONS) == {one.name for one in Action}
    assert {state for _, state, _ in CELLS} == set(STATES)
    assert len(CELLS) == len(ACTIONS) * len(STATES)


@pytest.mark.parametrize(("action", "state", "cell"), CELLS, ids=[f"{one[0]}-{one[1]}" for one in CELLS])
def test_cell(held_cloud: HeldCloud, alice: Person, action: str, state: str, cell: str) -> None:
    subject = STATES[state](held_cloud, alice)
    before = alice.show(subject.server)
    answer = ACTIONS[action](subject)
    if cell.isdigit():
        assert answer.status == int(cell), answer
        assert answer.fault == FAULTS[int(cell)]
        after = alice.show(subject.server)
        assert (after["status"], after["SNF:task_state"]) == (before["status"], before["SNF:task_state"])
        end = FATES[state]
    else:
        assert answer.status == SUCCESS[action], answer
        now = alice.show(subject.server)
        assert now["status"] == before["status"]  # until it is over
        assert now["SNF:task_state"] == TASKS.get(action, before["SNF:task_state"])
        end = FATES[state] if cell == "kept" else cell
    held_cloud.settle()
    settled = alice.show(subject.server)
    assert settled["status"] == end
    assert settled["SNF:task_state"] == ""
    assert settled["deleted"] == (end == "DELETED")
