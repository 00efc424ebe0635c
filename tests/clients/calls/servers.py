"""Calls of ComputeClient and CycladesComputeClient about servers."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from clients.calls.compute_requests import lately
from clients.calls.table import World, exercises
from fixtures.exchanges import exchange

from pithosfs.clients.compute import ComputeClient
from pithosfs.clients.cyclades import CycladesComputeClient
from pithosfs.errors import BadRequest, NotFound

FILE = {"path": "/root/motd", "contents": base64.b64encode(b"hello").decode(), "owner": "root"}


def filled(**wanted: Any) -> dict[str, Any]:
    return {"location": None, "x-none": "kept", **wanted}


@exercises("ComputeClient", "create_server", "list_servers", "get_server_details", "update_server_name")
@exercises("ComputeClient", "delete_server")
def openstack_servers(world: World) -> None:
    client = world.service(ComputeClient)
    headers = filled()
    made = client.create_server(
        "plain",
        world.flavors[0]["id"],
        world.image_id,
        security_group="s",
        user_data="#!/bin/sh",
        availability_zone="z",
        metadata={"a": "b"},
        personality=[FILE],
        networks=[],
        response_headers=headers,
    )
    assert (made["status"], made["metadata"], headers["x-none"]) == ("BUILD", {"a": "b"}, "kept")
    filters = {
        "changes_since": lately(),
        "image": world.image_id,
        "flavor": world.flavors[0]["id"],
        "name": "plain",
        "marker": 1,
        "limit": 99,
        "status": "BUILD",
        "host": "h",
    }
    pages = {"next": None, "content-type": None}
    assert made["id"] in [one["id"] for one in client.list_servers(detail=True, response_headers=pages, **filters)]
    assert pages["next"] is None
    assert pages["content-type"].startswith("application/json")
    assert client.get_server_details(made["id"], response_headers=filled(), headers={"X-Note": "1"}, **filters)["name"]
    assert world.cyclades.wait_server(made["id"], delay=0.1) == "ACTIVE"
    client.update_server_name(made["id"], "renamed")
    assert client.get_server_details(made["id"])["name"] == "renamed"
    client.delete_server(made["id"])
    assert world.cyclades.wait_server_until(made["id"], "DELETED", delay=0.1) == "DELETED"
    assert made["id"] not in [one["id"] for one in client.list_servers()]
    assert made["id"] in [one["id"] for one in client.list_servers(changes_since=lately())]


@exercises("ComputeClient", "shutdown_server", "start_server", "reboot_server", "resize_server")
@exercises("ComputeClient", "confirm_resize_server", "revert_resize_server", "rebuild_server", "change_admin_password")
@exercises("ComputeClient", "create_server_image")
def openstack_actions(world: World) -> None:
    client, look = world.service(ComputeClient), world.cyclades
    server_id = world.server()
    client.reboot_server(server_id, hard=True)
    assert look.wait_server_until(server_id, delay=0.1) == "ACTIVE"
    world.until_idle(server_id)
    client.shutdown_server(server_id)
    assert look.wait_server(server_id, "ACTIVE", delay=0.1) == "STOPPED"
    client.resize_server(server_id, world.flavors[1]["id"])
    world.until_idle(server_id)
    assert look.get_server_details(server_id)["flavor"]["id"] == world.flavors[1]["id"]
    client.start_server(server_id)
    assert look.wait_server(server_id, "STOPPED", delay=0.1) == "ACTIVE"
    # Cyclades resizes in one step, and knows nothing of these.
    for call in (
        lambda: client.confirm_resize_server(server_id),
        lambda: client.revert_resize_server(server_id),
        lambda: client.rebuild_server(server_id, response_headers=filled()),
        lambda: client.change_admin_password(server_id, new_password="Str0ngEnough1"),
        lambda: client.create_server_image(server_id, "image", a="b"),
    ):
        with pytest.raises(BadRequest):
            call()


@exercises("ComputeClient", "get_server_nics", "get_server_network_nics", "get_server_metadata")
@exercises("ComputeClient", "create_server_metadata", "update_server_metadata", "delete_server_metadata")
def parts_of_a_server(world: World) -> None:
    client = world.service(ComputeClient)
    server_id, network_id = world.connected_server()
    (nic,) = client.get_server_nics(server_id)["attachments"]
    assert nic["network_id"] == network_id
    addresses = client.get_server_network_nics(server_id, network_id)
    assert addresses[network_id][0]["addr"] == nic["ipv4"]
    since = lately()
    assert client.get_server_nics(server_id, changes_since=since).keys() <= {"addresses", "attachments"}
    assert client.get_server_network_nics(server_id, network_id, changes_since=since).keys() <= {network_id}
    assert client.create_server_metadata(server_id, "a", "b") == {"a": "b"}
    both = client.update_server_metadata(server_id, response_headers=filled(), c="d")
    assert both["a"] + both["c"] == "bd"
    assert client.get_server_metadata(server_id, key="c", response_headers=filled()) == {"c": "d"}
    client.delete_server_metadata(server_id, "c")
    assert "c" not in client.get_server_metadata(server_id)
    with pytest.raises(NotFound):
        client.get_server_metadata(server_id, "c")


@exercises("CycladesComputeClient", "create_server", "wait_server", "get_server_console", "get_server_stats")
@exercises("CycladesComputeClient", "get_server_diagnostics", "reassign_server", "set_firewall_profile")
@exercises("CycladesComputeClient", "shutdown_server", "start_server")
def cyclades_servers(world: World) -> None:
    client = world.service(CycladesComputeClient)
    network_id = world.network()
    project = world.shared_project()
    headers, seen = filled(), []
    made = client.create_server(
        "cyclades",
        world.flavors[0]["id"],
        world.image_id,
        metadata={"role": "db"},
        personality=[FILE],
        networks=[{"uuid": network_id}],
        project_id=project,
        response_headers=headers,
    )
    server_id = made["id"]
    assert made["tenant_id"] == project
    assert made["metadata"].keys() == {"os", "users", "role"}
    status = client.wait_server(
        server_id,
        current_status="BUILD",
        delay=0.1,
        max_wait=60,
        wait_cb=lambda done, total: seen.append((done, total)),
    )
    assert status == "ACTIVE"
    assert seen[-1] == (600, 600)
    console = client.get_server_console(server_id, console_type="vnc-ws")
    assert (console["type"], bool(console["password"])) == ("vnc-ws", True)
    assert client.get_server_stats(server_id)["serverRef"] == server_id
    assert isinstance(client.get_server_diagnostics(server_id), list)
    (nic,) = client.get_server_details(server_id)["attachments"]
    client.set_firewall_profile(server_id, "ENABLED", nic["id"])
    client.reassign_server(server_id, world.alice.uuid)
    assert client.get_server_details(server_id)["tenant_id"] == world.alice.uuid
    world.until_idle(server_id)
    client.shutdown_server(server_id)
    assert client.wait_server(server_id, "ACTIVE", delay=0.1) == "STOPPED"
    client.start_server(server_id)
    assert client.wait_server(server_id, "STOPPED", delay=0.1) == "ACTIVE"


@exercises("ComputeClient", "rebuild_server", "create_server_image")
def what_only_openstack_does(world: World) -> None:
    server = {"id": 4, "name": "web", "image": {"id": "i"}}
    look = exchange("GET /servers/4", reply={"server": server})
    act = exchange("POST /servers/4/action", {"rebuild": {"imageRef": "i", "name": "web"}}, 202, {"server": server})
    with world.played(ComputeClient, look, act) as client:
        assert client.rebuild_server(4) == server
    wish = {"createImage": {"name": "n"}}
    made = exchange("POST /servers/4/action", wish, 202, reply_headers={"Location": "here"})
    with world.played(ComputeClient, made) as client:
        assert client.create_server_image(4, "n") == "here"
