"""Calls of the identity client about projects and memberships."""

from __future__ import annotations

import pytest
from clients.calls.table import World, exercises

from pithosfs.clients.astakos import AstakosClientError, Forbidden, NotFound


@exercises("AstakosClient", "create_project", "get_project", "get_projects", "modify_project", "application_action")
@exercises("AstakosClient", "project_action")
def projects(world: World) -> None:
    client, admin = world.astakos, world.service_admin
    specs = world.project_specs()
    made = client.create_project(specs)
    assert client.get_project(made["id"])["state"] == "uninitialized"
    with pytest.raises(Forbidden):
        client.application_action(made["id"], made["application"], "approve")
    admin.application_action(made["id"], made["application"], "approve", reason="why not")
    found = client.get_project(made["id"])
    assert (found["state"], found["owner"]) == ("active", world.alice.uuid)
    filters = {"name": specs["name"], "state": "active", "owner": world.alice.uuid, "mode": "related"}
    assert [one["id"] for one in client.get_projects(**filters)] == [made["id"]]
    assert client.get_projects(name=specs["name"], state="suspended") == []
    change = client.modify_project(made["id"], specs={"description": "changed"})
    client.application_action(made["id"], change["application"], "cancel", reason="never mind")
    assert client.get_project(made["id"])["description"] == ""
    for action, state in (
        ("suspend", "suspended"),
        ("unsuspend", "active"),
        ("terminate", "terminated"),
        ("reinstate", "active"),
    ):
        with pytest.raises(Forbidden):
            client.project_action(made["id"], action)
        admin.project_action(made["id"], action, reason="so it is")
        assert client.get_project(made["id"])["state"] == state
    with pytest.raises(NotFound):
        client.get_project("00000000-0000-4000-8000-00000000ffff")


@exercises("AstakosClient", "join_project", "enroll_member", "get_memberships", "get_membership", "membership_action")
def memberships(world: World) -> None:
    owner, other = world.astakos, world.astakos_of(world.bob)
    project_id = world.shared_project()
    asked = other.join_project(project_id)
    assert owner.get_membership(asked["id"])["state"] == "requested"
    owner.membership_action(asked["id"], "reject", reason="not now")
    assert owner.get_membership(asked["id"])["state"] == "rejected"
    assert owner.enroll_member(project_id, world.bob.name) == asked
    assert other.get_membership(asked["id"])["state"] == "accepted"
    for found in (owner.get_memberships(project_id=project_id), owner.get_memberships(project=project_id)):
        assert {one["user"] for one in found} == {world.alice.uuid, world.bob.uuid}
    assert asked["id"] in [one["id"] for one in other.get_memberships()]
    other.membership_action(asked["id"], action="leave")
    assert other.get_membership(asked["id"])["state"] == "removed"
    with pytest.raises(AstakosClientError):
        other.membership_action(asked["id"], "leave")


@exercises("AstakosClient", "send_feedback", "get_services")
def the_people_who_run_the_cloud(world: World) -> None:
    assert world.astakos.send_feedback("it works", data="é=1") is None
    assert {"pithos", "cyclades"} <= {one["name"] for one in world.astakos.get_services()}
