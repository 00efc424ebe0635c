"""Requests that mean nothing: each route of each service answers them with a fault of 4xx, and never fails.

The routes are taken from the services' own tables, so that none is left out.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fixtures.held_cloud import Answer, HeldCloud, Person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pithosfs.localcloud.compute.service import ROUTES as COMPUTE
from pithosfs.localcloud.image.service import ROUTES as IMAGE
from pithosfs.localcloud.network.service import ROUTES as NETWORK
from pithosfs.localcloud.sandbox.routes import Route
from pithosfs.localcloud.volume.service import ROUTES as VOLUME

ROUTES = (*COMPUTE, *NETWORK, *IMAGE, *VOLUME)

TAIL = re.compile(r"\(\?:\\\.json\|/\)\?$|/\?$")
GROUP = re.compile(r"\((?!\?)[^()]*\)|\[\^/\]\+")
ALTERNATIVES = re.compile(r"\(\?:([^()|]*)\|?[^()]*\)\??")


def path_of(route: Route, *ids: str) -> str:
    """A path that a route's pattern matches, with the ids in the places of its groups."""
    text = route.pattern.pattern.partition("|/image/versions")[0]
    text = ALTERNATIVES.sub(r"\1", TAIL.sub("", text))
    left = list(ids)
    return GROUP.sub(lambda _: left.pop(0) if left else "1", text).replace("\\", "")


def accepts(answer: Answer) -> bool:
    """Refused, or done; what is not implemented says so."""
    if answer.status < 400:
        return True
    if answer.status == 405 or not answer.body:
        return answer.status in (404, 405, 501)
    return (answer.status < 500 or answer.status == 501) and bool(answer.fault)


@pytest.fixture
def things(held_cloud: HeldCloud, alice: Person) -> dict[str, str]:
    """One of everything, by the word that stands before its id in a path."""
    network = alice.network()
    server = alice.server(networks=[{"uuid": network}])
    held_cloud.settle()
    alice.ok("PUT", f"store/{alice.id}/images")
    alice.ok("PUT", f"store/{alice.id}/images/one", b"bytes", Content_Type="a/b")
    location = f"pithos://{alice.id}/images/one"
    made = alice.ok("POST", "image/images/", b"", X_Image_Meta_Name="one", X_Image_Meta_Location=location)
    volume = alice.volume(server_id=server)
    held_cloud.settle()
    snapshot = alice.ok("POST", "volume/snapshots", {"snapshot": {"volume_id": volume}})["snapshot"]["id"]
    alice.ok("POST", "compute/os-keypairs", {"keypair": {"name": "k", "public_key": "x"}})
    return {
        "servers": str(server),
        "networks": network,
        "subnets": alice.get("network/subnets")[-1]["id"],
        "ports": alice.get("network/ports")[-1]["id"],
        "floatingips": alice.floating_ip()["id"],
        "os-floating-ips": "1",
        "images": made.headers["x-image-meta-id"],
        "volumes": volume,
        "snapshots": snapshot,
        "types": "2",
        "flavors": "3",
        "os-keypairs": "k",
    }


def own_path(route: Route, things: dict[str, str]) -> str:
    """A path of a route that names things that there are."""
    path = path_of(route, "@", "@")
    for word, ident in things.items():
        path = path.replace(f"/{word}/@", f"/{word}/{ident}")
    return path.replace("@", "1")


def test_the_paths_are_those_of_the_routes(things: dict[str, str]) -> None:
    paths = {own_path(route, things) for route in ROUTES}
    assert len(paths) == len(ROUTES)
    for route in ROUTES:
        assert route.pattern.fullmatch(own_path(route, things)), (route.pattern, own_path(route, things))


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def test_each_method_on_each_route(alice: Person, things: dict[str, str]) -> None:
    """Those of the route without a body, and those that it does not have, which are told in `Allow`."""
    for route in ROUTES:
        path = own_path(route, things)
        for method in METHODS:
            if method in route.verbs and method == "DELETE":
                continue  # done at last
            answer = alice(method, path)
            assert method == "HEAD" or accepts(answer), (method, path, answer)
            if method not in route.verbs:
                assert answer.status == 405, (method, path, answer)
                assert answer.headers["Allow"] == ",".join(route.verbs)
    for route in ROUTES:
        if "DELETE" in route.verbs:
            answer = alice("DELETE", own_path(route, things))
            assert accepts(answer), (route.pattern, answer)


BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"{}",
    b"\xff\xfe",
    b'{"a": NaN}',
    b"[" * 100_000,
    b'{"server": ' * 2000 + b"1" + b"}" * 2000,
    b'{"server": {"name": "\\ud800"}}',
    b'{"\\udfff": 1}',
    b'{"server": 1, "network": 1, "port": 1, "subnet": 1, "floatingip": 1, "volume": 1, "snapshot": 1}',
)


def test_bodies_that_are_none(alice: Person, things: dict[str, str]) -> None:
    for route in ROUTES:
        for method in {"POST", "PUT"} & route.verbs.keys():
            if not route.verbs[method].has_body:
                continue
            for body in BODIES:
                answer = alice(method, own_path(route, things), body, Content_Type="application/json")
                assert accepts(answer), (method, route.pattern, body[:60], answer)
                assert answer.status >= 400, (method, route.pattern, body[:60], answer)


def test_a_body_beyond_all_bounds(alice: Person) -> None:
    body = json.dumps({"server": {"name": "x" * 2_000_000}}).encode()
    answer = alice("POST", "compute/servers", body, Content_Type="application/json")
    assert (answer.status, answer.fault) == (413, "requestEntityTooLarge")


def test_unknown_ids(alice: Person, bob: Person, things: dict[str, str]) -> None:
    """Of nothing, of others, and of the wrong kind; none is told more than that it is not there."""
    for route in ROUTES:
        for ids in (("999999999",) * 2, ("0",) * 2, ("9" * 400,) * 2, ("%00", "%FF"), ("a" * 3000, "1"), ("..", "-1")):
            path = path_of(route, *ids)
            for method in route.verbs:
                answer = bob(method, path, {} if route.verbs[method].has_body else None)
                assert method == "HEAD" or accepts(answer), (method, path[:90], answer)
        if not route.pattern.groups:
            continue
        for method in route.verbs.keys() - {"HEAD"}:
            shared = "flavors" in route.pattern.pattern or "types" in route.pattern.pattern
            answer = bob(method, own_path(route, things), {} if route.verbs[method].has_body else None)
            if not shared:
                assert answer.status >= 400 or answer.json == {"shared_images": []}, (method, route.pattern, answer)


# values of the wrong type where the right names are ------------------------------------------------------------------

SHAPES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("POST", "compute/servers", "server", (
        "name", "flavorRef", "imageRef", "metadata", "tags", "personality", "networks", "project", "key_name",
        "SNF:key_names", "adminPass", "user_data", "block_device_mapping_v2", "shared_to_project")),
    ("PUT", "compute/servers/{server}", "server", ("name",)),
    ("POST", "compute/servers/{server}/action", "reboot", ("type",)),
    ("POST", "compute/servers/{server}/action", "resize", ("flavorRef",)),
    ("POST", "compute/servers/{server}/action", "console", ("type",)),
    ("POST", "compute/servers/{server}/action", "firewallProfile", ("profile", "nic")),
    ("POST", "compute/servers/{server}/action", "reassign", ("project", "shared_to_project")),
    ("POST", "compute/servers/{server}/action", "addFloatingIp", ("address",)),
    ("POST", "compute/servers/{server}/action", "removeFloatingIp", ("address",)),
    ("POST", "compute/servers/{server}/metadata", "metadata", ("a", "b")),
    ("PUT", "compute/servers/{server}/metadata/a", "meta", ("a",)),
    ("POST", "compute/servers/{server}/os-volume_attachments", "volumeAttachment", ("volumeId",)),
    ("POST", "compute/os-keypairs", "keypair", ("name", "public_key")),
    ("POST", "network/networks", "network", ("type", "name", "project", "shared_to_project")),
    ("PUT", "network/networks/{network}", "network", ("name",)),
    ("POST", "network/subnets", "subnet", (
        "network_id", "cidr", "ip_version", "name", "gateway_ip", "enable_dhcp", "enable_slaac", "allocation_pools",
        "dns_nameservers", "host_routes")),
    ("POST", "network/ports", "port", ("network_id", "device_id", "name", "fixed_ips", "security_groups")),
    ("POST", "network/floatingips", "floatingip", ("floating_network_id", "floating_ip_address", "project")),
    ("POST", "volume/volumes", "volume", (
        "size", "display_name", "display_description", "volume_type", "server_id", "imageRef", "snapshot_id",
        "source_volid", "metadata", "project", "shared_to_project")),
    ("PUT", "volume/volumes/{volume}", "volume", ("display_name", "display_description", "delete_on_termination")),
    ("POST", "volume/snapshots", "snapshot", ("volume_id", "display_name", "display_description", "metadata")),
    ("PUT", "image/images/{image}/members", "memberships", ("member_id",)),
)  # fmt: skip

GOOD: dict[str, Any] = {
    "name": "x", "flavorRef": 3, "type": "MAC_FILTERED", "network_id": "{network}", "cidr": "10.0.0.0/24",
    "display_name": "x", "size": 1, "volume_type": 2, "volume_id": "{volume}", "imageRef": "{image}",
    "volumeId": "{volume}", "project": "{me}", "address": "203.0.113.9", "profile": "ENABLED", "nic": 1,
}  # fmt: skip

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1", "-1", "9" * 30])
)
VALUES = st.recursive(
    SCALARS | st.sampled_from([2**63, -(2**63) - 1, 10**400, "x" * 600, "\0", "é", "10.0.0.5", "{me}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["uuid", "port", "fixed_ip", "start", "end", "path", "contents", "source_type", "ip_address", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=st.sampled_from(SHAPES), data=st.data())
def test_values_of_the_wrong_type(
    held_cloud: HeldCloud, alice: Person, shape: tuple[str, str, str, tuple[str, ...]], data: st.DataObject
) -> None:
    """A right request in which some members are anything. Whatever comes of it, it is an answer."""
    method, path, name, members = shape
    if "known" not in alice.__dict__:
        alice.__dict__["known"] = _known(held_cloud, alice)
    known: dict[str, str] = alice.__dict__["known"]
    spoilt = data.draw(st.sets(st.sampled_from(members), min_size=1, max_size=2))
    values = {key: data.draw(VALUES) if key in spoilt else GOOD[key] for key in members if key in spoilt or key in GOOD}
    text = json.dumps({name: values})
    for key, ident in known.items():
        text = text.replace("{" + key + "}", ident)
        path = path.replace("{" + key + "}", ident)
    answer = alice(method, path, text.encode(), Content_Type="application/json")
    assert accepts(answer), (method, path, text, answer)


def _known(cloud: HeldCloud, person: Person) -> dict[str, str]:
    server = person.server()
    cloud.settle()
    return {
        "server": str(server),
        "network": person.network(None),
        "volume": person.volume(),
        "image": person.image(),
        "me": person.id,
    }


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["POST", "PUT"]),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Name",
                "Location",
                "Disk-Format",
                "Is-Public",
                "Size",
                "Checksum",
                "Status",
                "Property-a",
                "Property-%C3%A9",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
        | st.sampled_from(["%", "%FF", "%00", "pithos://a/b/c", "pithos://%00/b/c", "x" * 300, "true", "5"]),
        max_size=5,
    ),
)
def test_headers_of_the_wrong_kind(alice: Person, method: str, headers: dict[str, str]) -> None:
    path = "image/images/" if method == "POST" else f"image/images/{alice.image()}"
    sent = {f"X_Image_Meta_{name}": value.strip() for name, value in headers.items()}
    answer = alice(method, path, b"", **sent)
    assert 400 <= answer.status < 500, (method, sent, answer)
    assert answer.fault
