"""The requests that only Cyclades has, as compute.md has them, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures.exchanges import NOTHING, exchange, plays

from pithosfs.clients import cyclades
from pithosfs.clients.cyclades import CycladesClient, CycladesComputeClient
from pithosfs.clients.cyclades.choosing import chosen, page
from pithosfs.errors import BadReply, BadRequest, NotFound

IMAGE = {"image": {"id": "i", "metadata": {"os": "debian", "users": "root", "kernel": "6"}}}
SERVER = {"id": 42, "name": "web", "status": "BUILD", "adminPass": "kT7"}
ACT = "POST /servers/4/action"
PAIR = {"name": "my laptop", "fingerprint": "c1", "public_key": "ssh-rsa A"}
ATTACHED = {"id": 57, "volumeId": 57, "serverId": 4, "device": ""}

ROWS: list[tuple[Callable[[CycladesComputeClient], Any], str, Any, int, Any, Any]] = [
    (lambda c: bool(c.start_server(4)), ACT, {"start": {}}, 202, b"", True),
    (lambda c: bool(c.shutdown_server(4)), ACT, {"shutdown": {}}, 202, b"", True),
    (lambda c: bool(c.rescue_server(4)), ACT, {"rescue": {}}, 202, b"", True),
    (lambda c: bool(c.rescue_server(4, 3)), ACT, {"rescue": {"rescue_image_ref": 3}}, 202, b"", True),
    (lambda c: bool(c.unrescue_server(4)), ACT, {"unrescue": {}}, 202, b"", True),
    (lambda c: bool(c.reassign_server(4, "p")), ACT, {"reassign": {"project": "p"}}, 200, b"", True),
    (
        lambda c: bool(c.reassign_server(4, project="p", shared_to_project=True)),
        ACT,
        {"reassign": {"project": "p", "shared_to_project": True}},
        200,
        b"",
        True,
    ),
    (
        lambda c: bool(c.set_firewall_profile(4, "ENABLED", "18")),
        ACT,
        {"firewallProfile": {"profile": "ENABLED", "nic": "18"}},
        202,
        b"",
        True,
    ),
    (lambda c: c.get_server_console(4), ACT, {"console": {"type": "vnc"}}, 200, {"console": {"port": 1}}, {"port": 1}),
    (lambda c: c.get_server_console(4, "vnc-wss"), ACT, {"console": {"type": "vnc-wss"}}, 200, {"console": {}}, {}),
    (
        lambda c: c.get_server_stats(4),
        "GET /servers/4/stats",
        NOTHING,
        200,
        {"stats": {"cpuBar": "u"}},
        {"cpuBar": "u"},
    ),
    (
        lambda c: c.get_server_diagnostics(4),
        "GET /servers/4/diagnostics",
        NOTHING,
        200,
        [{"level": "INFO"}],
        [{"level": "INFO"}],
    ),
    (lambda c: c.get_server_password(4), "GET /servers/4/password", NOTHING, 200, {"password": "p"}, "p"),
    (lambda c: bool(c.delete_server_password(4)), "DELETE /servers/4/password", NOTHING, 204, b"", True),
    (lambda c: c.list_flavors(is_public=True), "GET /flavors?SNF%3Ais_public=True", NOTHING, 200, {"flavors": []}, []),
    (
        lambda c: c.list_flavors(True, project_id="p"),
        "GET /flavors/detail?SNF%3Aflavor-access=p",
        NOTHING,
        200,
        {"flavors": []},
        [],
    ),
    (lambda c: c.list_keypairs(), "GET /os-keypairs", NOTHING, 200, {"keypairs": [{"keypair": PAIR}]}, [PAIR]),
    (
        lambda c: c.get_keypair_details("my laptop"),
        "GET /os-keypairs/my%20laptop",
        NOTHING,
        200,
        {"keypair": PAIR},
        PAIR,
    ),
    (lambda c: c.generate_keypair("g"), "POST /os-keypairs", {"keypair": {"name": "g"}}, 201, {"keypair": PAIR}, PAIR),
    (
        lambda c: c.upload_keypair("g", "ssh-rsa A"),
        "POST /os-keypairs",
        {"keypair": {"name": "g", "public_key": "ssh-rsa A"}},
        201,
        {"keypair": PAIR},
        PAIR,
    ),
    (lambda c: bool(c.delete_keypair("a/b")), "DELETE /os-keypairs/a%2Fb", NOTHING, 204, b"", True),
    (
        lambda c: c.list_server_tags(4),
        "GET /servers/4/tags",
        NOTHING,
        200,
        {"tags": ["a", "b"], "statuses": ["ACTIVE", "PENDADD"]},
        {"a": "ACTIVE", "b": "PENDADD"},
    ),
    (lambda c: c.list_server_tags(4), "GET /servers/4/tags", NOTHING, 200, {"tags": ["a"]}, {"a": "ACTIVE"}),
    (lambda c: bool(c.add_server_tag(4, "a b")), "PUT /servers/4/tags/a%20b", NOTHING, 201, b"", True),
    (
        lambda c: c.replace_server_tags(4, iter("ab")),
        "PUT /servers/4/tags",
        {"tags": ["a", "b"]},
        200,
        {"tags": ["a", "b"], "statuses": ["PENDADD"] * 2},
        {"a": "PENDADD", "b": "PENDADD"},
    ),
    (lambda c: bool(c.delete_server_tag(4, "a")), "DELETE /servers/4/tags/a", NOTHING, 204, b"", True),
    (lambda c: bool(c.delete_server_tags(4)), "DELETE /servers/4/tags", NOTHING, 204, b"", True),
    (
        lambda c: c.list_volume_attachments(4),
        "GET /servers/4/os-volume_attachments",
        NOTHING,
        200,
        {"volumeAttachments": [ATTACHED]},
        [ATTACHED],
    ),
    (
        lambda c: c.get_volume_attachment(4, 57),
        "GET /servers/4/os-volume_attachments/57",
        NOTHING,
        200,
        {"volumeAttachment": ATTACHED},
        ATTACHED,
    ),
    (
        lambda c: c.attach_volume(4, 57),
        "POST /servers/4/os-volume_attachments",
        {"volumeAttachment": {"volumeId": "57"}},
        202,
        {"volumeAttachment": ATTACHED},
        ATTACHED,
    ),
    (
        lambda c: bool(c.delete_volume_attachment(4, 57)),
        "DELETE /servers/4/os-volume_attachments/57",
        NOTHING,
        202,
        b"",
        True,
    ),
]


@pytest.mark.parametrize(("call", "line", "body", "status", "reply", "result"), ROWS, ids=[row[1] for row in ROWS])
def test_calls(call: Any, line: str, body: Any, status: int, reply: Any, result: Any) -> None:
    assert plays(CycladesClient, call, exchange(line, body, status, reply)) == result


def test_older_names() -> None:
    assert cyclades.CycladesClient is CycladesComputeClient
    assert cyclades.CycladesRestClient is cyclades.CycladesComputeRestClient
    assert CycladesComputeClient("http://e/", "t").base_url == "http://e"
    assert CycladesComputeClient("", "t", "http://e/").endpoint_url == "http://e"


# servers ------------------------------------------------------------------------------------------------------------


def create(call: Callable[[CycladesComputeClient], Any], server: dict[str, Any], image: bool = True) -> Any:
    """What a call gives that sends this description."""
    look = [exchange("GET /images/i", reply=IMAGE)] if image else []
    made = exchange("POST /servers", {"server": server}, 202, {"server": SERVER}, reply_headers={"Location": "here"})
    return plays(CycladesComputeClient, call, *look, made)


WISH = {"name": "web", "flavorRef": 3, "imageRef": "i"}


def test_the_image_says_system_and_users() -> None:
    wish = {**WISH, "metadata": {"os": "debian", "users": "root"}}
    assert create(lambda c: c.create_server("web", 3, "i"), wish) == SERVER
    given = {"OS": "mine", "role": "db"}
    wish = {**WISH, "metadata": {"OS": "mine", "role": "db", "users": "root"}}
    create(lambda c: c.create_server("web", 3, "i", metadata=given), wish)
    assert given == {"OS": "mine", "role": "db"}


def test_everything_that_a_server_may_be_given() -> None:
    headers: dict[str, Any] = {"location": None}
    device = {"source_type": "volume", "uuid": "57", "boot_index": 0}

    def call(client: CycladesComputeClient) -> Any:
        return client.create_server(
            "web",
            3,
            "i",
            metadata={"os": "o", "users": "u"},
            personality=[{"path": "/p"}],
            networks=[{"uuid": "7"}],
            project_id="p",
            response_headers=headers,
            key_names=["k"],
            user_data=b"#!",
            admin_pass="Str0ngEnough1",
            tags=["t"],
            shared_to_project=False,
            block_devices=[device],
        )

    create(
        call,
        {
            **WISH,
            "metadata": {"os": "o", "users": "u"},
            "personality": [{"path": "/p"}],
            "networks": [{"uuid": "7"}],
            "project": "p",
            "key_name": "k",
            "user_data": "IyE=",
            "adminPass": "Str0ngEnough1",
            "tags": ["t"],
            "shared_to_project": False,
            "block_device_mapping_v2": [device],
        },
    )
    assert headers == {"location": "here"}


def test_no_network_is_not_the_same_as_not_said() -> None:
    metadata = {"os": "debian", "users": "root"}
    create(lambda c: c.create_server("web", 3, "i", networks=[]), {**WISH, "metadata": metadata, "networks": []})
    create(
        lambda c: c.create_server("web", 3, "i", key_names=["a", "b"]),
        {**WISH, "metadata": metadata, "SNF:key_names": ["a", "b"]},
    )


def test_a_server_without_an_image() -> None:
    wish = {"name": "web", "flavorRef": 3, "imageRef": "", "block_device_mapping_v2": [{"uuid": "57"}]}
    create(lambda c: c.create_server("web", 3, "", block_devices=[{"uuid": "57"}]), wish, image=False)


DETAILS = [
    {
        "id": number,
        "name": f"s{number}",
        "links": [],
        "status": status,
        "flavor": {"id": flavor},
        "image": {"id": image},
    }
    for number, status, flavor, image in (
        (1, "ACTIVE", 3, "a"),
        (2, "STOPPED", 3, "a"),
        (3, "ACTIVE", 4, "b"),
        (4, "SHUTOFF", 3, "b"),
    )
]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({}, [1, 2, 3, 4]),
        ({"name": "s2"}, [2]),
        ({"status": "stopped"}, [2, 4]),
        ({"image": "b"}, [3, 4]),
        ({"flavor": "3"}, [1, 2, 4]),
        ({"flavor": 3, "status": "ACTIVE"}, [1]),
        ({"name": "s9"}, []),
    ],
)
def test_servers_are_sifted_here(wanted: dict[str, Any], left: list[int]) -> None:
    assert [one["id"] for one in chosen(DETAILS, wanted)] == left


def test_pages_are_cut_here() -> None:
    def ids(marker: Any, limit: int | None) -> list[int]:
        return [one["id"] for one in page(DETAILS, marker, limit)]

    assert ids(None, None) == [1, 2, 3, 4]
    assert ids(None, 2) == [1, 2]
    assert ids("2", 1) == [3]
    assert ids(4, None) == []
    assert ids(99, 0) == []


def test_a_brief_list_stays_brief() -> None:
    target = "GET /servers/detail?image=a&flavor=3&marker=1&limit=9&status=STOPPED&host=h"

    def call(client: CycladesComputeClient) -> Any:
        return client.list_servers(image="a", flavor=3, marker=1, limit=9, status="STOPPED", host="h")

    found = plays(CycladesComputeClient, call, exchange(target, reply={"servers": DETAILS}))
    assert found == [{"id": 2, "name": "s2", "links": []}]
    brief = exchange("GET /servers?name=s1", reply={"servers": [{"id": 1, "name": "s1"}, {"id": 2, "name": "s10"}]})
    assert plays(CycladesComputeClient, lambda c: c.list_servers(name="s1"), brief) == [{"id": 1, "name": "s1"}]
    full = exchange("GET /servers/detail", reply={"servers": DETAILS})
    assert plays(CycladesComputeClient, lambda c: c.list_servers(detail=True), full) == DETAILS
    same = exchange("GET /servers?changes-since=d", status=304)
    assert plays(CycladesComputeClient, lambda c: c.list_servers(changes_since="d"), same) == []


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ({"status": "BUILD", "progress": 40}, ("BUILD", 40)),
        ({"status": "BUILD"}, ("BUILD", None)),
        ({"status": "ACTIVE", "progress": 100}, ("ACTIVE", None)),
        ({"status": "STOPPED", "progress": 80}, ("STOPPED", None)),
    ],
)
def test_only_building_has_a_progress(server: dict[str, Any], told: Any) -> None:
    def call(client: CycladesComputeClient) -> Any:
        return client.get_server_status(4)

    assert plays(CycladesComputeClient, call, exchange("GET /servers/4", reply={"server": server})) == told


def test_a_server_without_a_status() -> None:
    with pytest.raises(BadReply):
        plays(CycladesComputeClient, lambda c: c.get_server_status(4), exchange("GET /servers/4", reply={"server": {}}))


def test_consoles_that_there_are_not() -> None:
    with pytest.raises(BadRequest) as caught:
        CycladesComputeClient("http://127.0.0.1:1", "t").get_server_console(4, "telepathy")
    assert "vnc-ws" in caught.value.hint


@pytest.mark.parametrize(
    ("call", "line", "reply"),
    [
        (lambda c: c.get_server_diagnostics(4), "GET /servers/4/diagnostics", {}),
        (lambda c: c.get_server_password(4), "GET /servers/4/password", {"password": None}),
        (lambda c: c.list_server_tags(4), "GET /servers/4/tags", []),
    ],
)
def test_answers_of_another_shape(call: Any, line: str, reply: Any) -> None:
    with pytest.raises(BadReply):
        plays(CycladesComputeClient, call, exchange(line, reply=reply))


def test_one_tag() -> None:
    there = exchange("GET /servers/4/tags/a", status=204, reply_headers={"tag-status": "PENDADD"})
    assert plays(CycladesComputeClient, lambda c: c.get_server_tag_status(4, "a"), there) == "PENDADD"
    with pytest.raises(NotFound):
        plays(
            CycladesComputeClient,
            lambda c: c.get_server_tag_status(4, "a"),
            exchange("GET /servers/4/tags/a", status=404),
        )
    client = CycladesComputeClient("http://127.0.0.1:1", "t")
    for call in (client.get_server_tag_status, client.add_server_tag, client.delete_server_tag):
        with pytest.raises(BadRequest):
            call(4, "")


def test_detaching_by_volume() -> None:
    others = [{"id": 1, "volumeId": 58}, {"id": 2, "volumeId": "57"}, {"volumeId": 57}]
    detached = plays(
        CycladesComputeClient,
        lambda c: c.detach_volume(4, 57),
        exchange("GET /servers/4/os-volume_attachments", reply={"volumeAttachments": others}),
        exchange("DELETE /servers/4/os-volume_attachments/2", status=202),
    )
    assert detached == ["2"]
