"""The requests of the compute clients, as compute.md has them, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures.exchanges import NOTHING, exchange, plays

from pithosfs.clients.compute import ComputeClient, ComputeRestClient
from pithosfs.errors import BadReply, BadRequest, ClientError, NotFound

SERVER = {"id": 42, "name": "web", "status": "BUILD", "adminPass": "kT7"}
EVERY = {
    "changes_since": "2026-03-01T09:30:00+00:00",
    "image": "i",
    "flavor": 3,
    "name": "a b",
    "marker": 7,
    "limit": 5,
    "status": "ACTIVE",
    "host": "h",
}
EVERY_QUERY = (
    "?changes-since=2026-03-01T09%3A30%3A00%2B00%3A00&image=i&flavor=3&name=a%20b&marker=7&limit=5&status=ACTIVE&host=h"
)
WISH = {"server": {"name": "web", "flavorRef": 3, "imageRef": "i"}}

# (call, request, body, status, answer, result)
ROWS: list[tuple[Callable[[ComputeClient], Any], str, Any, int, Any, Any]] = [
    (lambda c: c.list_servers(), "GET /servers", NOTHING, 200, {"servers": [SERVER]}, [SERVER]),
    (lambda c: c.list_servers(detail=True), "GET /servers/detail", NOTHING, 200, {"servers": []}, []),
    (lambda c: c.list_servers(**EVERY), f"GET /servers{EVERY_QUERY}", NOTHING, 304, b"", []),
    (lambda c: c.get_server_details(42), "GET /servers/42", NOTHING, 200, {"server": SERVER}, SERVER),
    (
        lambda c: c.get_server_details("42", **EVERY),
        f"GET /servers/42{EVERY_QUERY}",
        NOTHING,
        200,
        {"server": SERVER},
        SERVER,
    ),
    (lambda c: c.create_server("web", 3, "i"), "POST /servers", WISH, 202, {"server": SERVER}, SERVER),
    (
        lambda c: c.create_server(
            "web",
            3,
            "i",
            security_group="s g",
            user_data="#!",
            availability_zone="z",
            metadata={"a": "b"},
            personality=[{"path": "/p"}],
            networks=[],
        ),
        "POST /servers?security_group=s%20g&availability_zone=z",
        {
            "server": {
                **WISH["server"],
                "user_data": "IyE=",
                "metadata": {"a": "b"},
                "personality": [{"path": "/p"}],
                "networks": [],
            }
        },
        202,
        {"server": SERVER},
        SERVER,
    ),
    (lambda c: dict(c.delete_server(42)), "DELETE /servers/42", NOTHING, 204, b"", {"Content-Length": "0"}),
    (lambda c: bool(c.update_server_name(4, "x")), "PUT /servers/4", {"server": {"name": "x"}}, 204, b"", True),
    (lambda c: bool(c.start_server(4)), "POST /servers/4/action", {"os-start": None}, 202, b"", True),
    (lambda c: bool(c.shutdown_server(4)), "POST /servers/4/action", {"os-stop": None}, 202, b"", True),
    (lambda c: bool(c.reboot_server(4)), "POST /servers/4/action", {"reboot": {"type": "SOFT"}}, 202, b"", True),
    (
        lambda c: bool(c.reboot_server(4, hard=True)),
        "POST /servers/4/action",
        {"reboot": {"type": "HARD"}},
        202,
        b"",
        True,
    ),
    (lambda c: bool(c.resize_server(4, 5)), "POST /servers/4/action", {"resize": {"flavorRef": 5}}, 202, b"", True),
    (lambda c: bool(c.confirm_resize_server(4)), "POST /servers/4/action", {"confirmResize": None}, 204, b"", True),
    (lambda c: bool(c.revert_resize_server(4)), "POST /servers/4/action", {"revertResize": None}, 202, b"", True),
    (
        lambda c: bool(c.change_admin_password(4, "p")),
        "POST /servers/4/action",
        {"changePassword": {"adminPass": "p"}},
        202,
        b"",
        True,
    ),
    (lambda c: c.get_server_nics(4), "GET /servers/4/ips", NOTHING, 200, {"addresses": {}}, {"addresses": {}}),
    (lambda c: c.get_server_nics(4, changes_since="d"), "GET /servers/4/ips?changes-since=d", NOTHING, 304, b"", {}),
    (
        lambda c: c.get_server_network_nics(4, 31),
        "GET /servers/4/ips/31",
        NOTHING,
        200,
        {"network": {"31": []}},
        {"31": []},
    ),
    (
        lambda c: c.get_server_network_nics(4, "31", changes_since="d"),
        "GET /servers/4/ips/31?changes-since=d",
        NOTHING,
        304,
        b"",
        {},
    ),
    (lambda c: c.get_server_metadata(4), "GET /servers/4/metadata", NOTHING, 200, {"metadata": {"a": "b"}}, {"a": "b"}),
    (
        lambda c: c.get_server_metadata(4, key="a/é"),
        "GET /servers/4/metadata/a%2F%C3%A9",
        NOTHING,
        200,
        {"meta": {}},
        {},
    ),
    (
        lambda c: c.create_server_metadata(4, "a", "b"),
        "PUT /servers/4/metadata/a",
        {"meta": {"a": "b"}},
        201,
        {"meta": {"a": "b"}},
        {"a": "b"},
    ),
    (
        lambda c: c.update_server_metadata(4, a="b"),
        "POST /servers/4/metadata",
        {"metadata": {"a": "b"}},
        201,
        {"metadata": {"a": "b", "c": "d"}},
        {"a": "b", "c": "d"},
    ),
    (lambda c: bool(c.delete_server_metadata(4, "..")), "DELETE /servers/4/metadata/%2E%2E", NOTHING, 204, b"", True),
    (lambda c: c.list_flavors(), "GET /flavors", NOTHING, 200, {"flavors": []}, []),
    (lambda c: c.list_flavors(detail=True), "GET /flavors/detail", NOTHING, 200, {"flavors": [{"id": 1}]}, [{"id": 1}]),
    (lambda c: c.get_flavor_details(3), "GET /flavors/3", NOTHING, 200, {"flavor": {"id": 3}}, {"id": 3}),
    (lambda c: c.list_images(), "GET /images", NOTHING, 200, {"images": []}, []),
    (lambda c: c.list_images(detail=True), "GET /images/detail", NOTHING, 200, {"images": []}, []),
    (lambda c: c.get_image_details("i", params={"a": 1}), "GET /images/i?a=1", NOTHING, 200, {"image": {}}, {}),
    (lambda c: bool(c.delete_image("i")), "DELETE /images/i", NOTHING, 204, b"", True),
    (lambda c: c.get_image_metadata("i"), "GET /images/i/metadata", NOTHING, 200, {"metadata": {}}, {}),
    (
        lambda c: c.get_image_metadata("i", key="os"),
        "GET /images/i/metadata/os",
        NOTHING,
        200,
        {"meta": {"os": "x"}},
        {"os": "x"},
    ),
    (
        lambda c: c.update_image_metadata("i", os="x"),
        "POST /images/i/metadata",
        {"metadata": {"os": "x"}},
        201,
        {"metadata": {"os": "x"}},
        {"os": "x"},
    ),
    (lambda c: bool(c.delete_image_metadata("i", "os")), "DELETE /images/i/metadata/os", NOTHING, 204, b"", True),
    (
        lambda c: c.get_floating_ip_pools("t"),
        "GET /os-floating-ip-pools",
        NOTHING,
        200,
        {"floating_ip_pools": []},
        {"floating_ip_pools": []},
    ),
    (
        lambda c: c.get_floating_ips("t"),
        "GET /os-floating-ips",
        NOTHING,
        200,
        {"floating_ips": []},
        {"floating_ips": []},
    ),
    (lambda c: c.alloc_floating_ip("t"), "POST /os-floating-ips", {}, 200, {"floating_ip": {"id": 8}}, {"id": 8}),
    (
        lambda c: c.alloc_floating_ip("t", pool="p"),
        "POST /os-floating-ips",
        {"pool": "p"},
        200,
        {"floating_ip": {}},
        {},
    ),
    (
        lambda c: c.get_floating_ip("t", fip_id=8),
        "GET /os-floating-ips/8",
        NOTHING,
        200,
        {"floating_ip": {"id": 8}},
        {"id": 8},
    ),
    (
        lambda c: c.get_floating_ip("t", 8),
        "GET /os-floating-ips/8",
        NOTHING,
        200,
        {"floatingip": {"id": "8"}},
        {"id": "8"},
    ),
    (lambda c: bool(c.delete_floating_ip("t", fip_id=8)), "DELETE /os-floating-ips/8", NOTHING, 202, b"", True),
]


@pytest.mark.parametrize(("call", "line", "body", "status", "reply", "result"), ROWS, ids=[row[1] for row in ROWS])
def test_calls(call: Any, line: str, body: Any, status: int, reply: Any, result: Any) -> None:
    assert plays(ComputeClient, call, exchange(line, body, status, reply)) == result


REST: list[tuple[Callable[[ComputeRestClient], Any], str, Any, int]] = [
    (
        lambda c: c.servers_post(user_data="u", json_data={"a": 1}, headers={"X-A": "1"}),
        "POST /servers?user_data=u",
        {"a": 1},
        202,
    ),
    (lambda c: c.servers_put(4, json_data={"a": 1}), "PUT /servers/4", {"a": 1}, 200),
    (lambda c: c.servers_metadata_put(4, json_data={"a": 1}), "PUT /servers/4/metadata", {"a": 1}, 200),
    (lambda c: c.servers_metadata_put(4, "k", json={"a": 1}), "PUT /servers/4/metadata/k", {"a": 1}, 204),
    (lambda c: c.servers_metadata_post(4, json_data={"a": 1}), "POST /servers/4/metadata", {"a": 1}, 202),
    (
        lambda c: c.flavors_get(changes_since="d", minDisk=1, minRam=2, marker=3, limit=4),
        "GET /flavors?changes-since=d&minDisk=1&minRam=2&marker=3&limit=4",
        NOTHING,
        200,
    ),
    (
        lambda c: c.images_get(
            detail=True, changes_since="d", server_name="s", name="n", status="x", marker="m", limit=1, type="t"
        ),
        "GET /images/detail?changes-since=d&server=s&name=n&status=x&marker=m&limit=1&type=t",
        NOTHING,
        200,
    ),
    (lambda c: c.images_metadata_put("i", "k", {"a": 1}), "PUT /images/i/metadata/k", {"a": 1}, 201),
    (lambda c: c.images_metadata_put("i", json_data={"a": 1}), "PUT /images/i/metadata", {"a": 1}, 200),
    (lambda c: c.floating_ips_post({"a": 1}, ip=8), "POST /os-floating-ips/8", {"a": 1}, 201),
    (lambda c: c.limits_get(async_params={"a": 1}), "GET /limits?a=1", NOTHING, 200),
    (lambda c: c.servers_action_post(4, data="{}"), "POST /servers/4/action", b"{}", 202),
    (lambda c: c.servers_delete(4, success=200), "DELETE /servers/4", NOTHING, 200),
    (lambda c: c.servers_get(4, success=(200, 404)), "GET /servers/4", NOTHING, 404),
]


@pytest.mark.parametrize(("call", "line", "body", "status"), REST, ids=[row[1] for row in REST])
def test_requests(call: Any, line: str, body: Any, status: int) -> None:
    assert plays(ComputeRestClient, call, exchange(line, body, status)).status_code == status


def test_what_nobody_knows_is_refused() -> None:
    client = ComputeRestClient("http://127.0.0.1:1", "t")
    with pytest.raises(TypeError, match="colour"):
        client.servers_get(colour="red")


def test_a_status_that_was_ruled_out() -> None:
    with pytest.raises(BadReply):
        plays(
            ComputeRestClient,
            lambda c: c.servers_put(4, json_data={}, success=200),
            exchange("PUT /servers/4", {}, 204),
        )


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.get_server_details(""),
        lambda c: c.delete_server(""),
        lambda c: c.delete_image(""),
        lambda c: c.get_flavor_details(None),
        lambda c: c.create_server_metadata(4, "", "x"),
        lambda c: c.delete_server_metadata(4, ""),
        lambda c: c.get_floating_ip("t"),
        lambda c: c.delete_floating_ip("t"),
        lambda c: c.images_delete(),
        lambda c: c.get_image_details("\ud800"),
    ],
)
def test_an_empty_id_never_means_the_whole_list(call: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        call(ComputeClient("http://127.0.0.1:1", "t"))
    assert caught.value.status == 0


def test_headers_of_the_reply_are_filled_in() -> None:
    wanted: dict[str, Any] = {"location": None, "next": "none"}

    def call(client: ComputeClient) -> Any:
        return client.create_server("web", 3, "i", response_headers=wanted)

    made = exchange("POST /servers", WISH, 202, {"server": SERVER}, reply_headers={"Location": "http://x/servers/42"})
    assert plays(ComputeClient, call, made) == SERVER
    assert wanted == {"location": "http://x/servers/42", "next": "none"}


@pytest.mark.parametrize(
    ("call", "line", "body", "reply"),
    [
        (lambda c, h: c.list_servers(response_headers=h), "GET /servers", NOTHING, {"servers": []}),
        (lambda c, h: c.get_server_details(4, response_headers=h), "GET /servers/4", NOTHING, {"server": {}}),
        (
            lambda c, h: c.get_server_metadata(4, response_headers=h),
            "GET /servers/4/metadata",
            NOTHING,
            {"metadata": {}},
        ),
        (
            lambda c, h: c.update_server_metadata(4, response_headers=h, a="b"),
            "POST /servers/4/metadata",
            {"metadata": {"a": "b"}},
            {"metadata": {}},
        ),
        (lambda c, h: c.list_flavors(response_headers=h), "GET /flavors", NOTHING, {"flavors": []}),
        (lambda c, h: c.list_images(response_headers=h), "GET /images", NOTHING, {"images": []}),
        (
            lambda c, h: c.get_image_metadata("i", response_headers=h),
            "GET /images/i/metadata",
            NOTHING,
            {"metadata": {}},
        ),
        (
            lambda c, h: c.update_image_metadata("i", response_headers=h, a="b"),
            "POST /images/i/metadata",
            {"metadata": {"a": "b"}},
            {"metadata": {}},
        ),
    ],
)
def test_pages_are_told_in_headers(call: Any, line: str, body: Any, reply: Any) -> None:
    wanted = {"next": None, "previous": None}
    plays(ComputeClient, lambda c: call(c, wanted), exchange(line, body, 200, reply, reply_headers={"Next": "n"}))
    assert wanted == {"next": "n", "previous": None}


def test_a_rebuild_is_from_the_same_image() -> None:
    before = {"id": 4, "name": "web", "image": {"id": "i"}, "metadata": {"a": "b"}}
    wish = {"rebuild": {"imageRef": "i", "name": "web", "metadata": {"a": "b"}}}
    headers: dict[str, Any] = {"location": None}
    made = plays(
        ComputeClient,
        lambda c: c.rebuild_server(4, response_headers=headers),
        exchange("GET /servers/4", reply={"server": before}),
        exchange("POST /servers/4/action", wish, 202, {"server": SERVER}, reply_headers={"Location": "l"}),
    )
    assert made == SERVER
    assert headers == {"location": "l"}
    with pytest.raises(BadReply):
        plays(ComputeClient, lambda c: c.rebuild_server(4), exchange("GET /servers/4", reply={"server": {"id": 4}}))


def test_an_image_of_a_server() -> None:
    wish = {"createImage": {"name": "n", "metadata": {"a": "b"}}}
    line = "POST /servers/4/action"
    made = exchange(line, wish, 202, reply_headers={"Location": "http://x/images/9"})
    assert plays(ComputeClient, lambda c: c.create_server_image(4, "n", a="b"), made) == "http://x/images/9"
    with pytest.raises(BadReply):
        plays(ComputeClient, lambda c: c.create_server_image(4, "n", a="b"), exchange(line, wish, 202))


@pytest.mark.parametrize("reply", [[], {}, {"server": []}, {"servers": {}}, {"server": None}])
def test_answers_of_another_shape(reply: Any) -> None:
    with pytest.raises(BadReply):
        plays(ComputeClient, lambda c: c.get_server_details(4), exchange("GET /servers/4", reply=reply))
    with pytest.raises(BadReply):
        plays(ComputeClient, lambda c: c.list_servers(), exchange("GET /servers", reply=reply))


def test_what_is_not_there() -> None:
    fault = {"itemNotFound": {"code": 404, "message": "no server 4", "details": ""}}
    with pytest.raises(NotFound, match="no server 4") as caught:
        plays(ComputeClient, lambda c: c.get_server_details(4), exchange("GET /servers/4", status=404, reply=fault))
    assert caught.value.exit_code == 3
    assert caught.value.hint == "see what there is: pithosfs server list"


@pytest.mark.parametrize(
    ("call", "line", "status", "hint"),
    [
        (lambda c: c.get_flavor_details(9), "GET /flavors/9", 404, "pithosfs flavor list"),
        (lambda c: c.delete_image("i"), "DELETE /images/i", 409, "pithosfs image list"),
        (lambda c: c.start_server(4), "POST /servers/4/action", 413, "pithosfs quota list"),
        (lambda c: c.get_server_details(4), "GET /servers/4", 401, "pithosfs config set cloud.NAME.token TOKEN"),
    ],
)
def test_errors_say_which_command_helps(call: Any, line: str, status: int, hint: str) -> None:
    body = {"os-start": None} if line.startswith("POST") else NOTHING
    with pytest.raises(ClientError) as caught:
        plays(ComputeClient, call, exchange(line, body, status))
    assert hint in caught.value.hint
