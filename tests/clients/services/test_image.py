"""The requests of the image client, as image.md has them, and what is made of the answers."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.exchanges import NOTHING, exchange, plays

from pithosfs.clients.image import ImageClient, ImageRestClient
from pithosfs.clients.image.metadata import location_text, meta_headers, read_metadata, sifted
from pithosfs.errors import BadReply, BadRequest

META = {
    "x-image-meta-id": "7e0c",
    "x-image-meta-name": "Debian%20Base%20%C3%A9",
    "X-Image-Meta-Location": "pithos://u/c/a%20b",
    "x-image-meta-size": "734003200",
    "x-image-meta-is-public": "True",
    "x-image-meta-deleted-at": "",
    "x-image-meta-property-root-partition": "1",
    "x-image-meta-property-users": "root%20debian",
}
READ = {
    "id": "7e0c",
    "name": "Debian Base é",
    "location": "pithos://u/c/a b",
    "size": "734003200",
    "is-public": "True",
    "deleted-at": "",
    "properties": {"root_partition": "1", "users": "root debian"},
}
IMAGES = [
    {"id": "1", "name": "a", "status": "AVAILABLE", "disk_format": "diskdump", "container_format": "bare", "size": 10},
    {"id": "2", "name": "b", "status": "available", "disk_format": "extdump", "container_format": "aki", "size": 20},
]


def test_lists() -> None:
    found = plays(
        ImageClient, lambda c: c.list_public(), exchange("GET /images?sort_dir=asc", reply={"images": IMAGES})
    )
    assert found == IMAGES
    bare = exchange("GET /images/detail?sort_dir=asc&sort_key=name", reply=IMAGES)
    assert plays(ImageClient, lambda c: c.list_public(detail=True, order="name"), bare) == IMAGES
    down = exchange("GET /images?name=b&size_min=15&sort_dir=desc&sort_key=size", reply={"images": IMAGES})

    def call(client: ImageClient) -> Any:
        return client.list_public(filters={"name": "b", "status": "", "size_min": 15}, order="-size")

    assert plays(ImageClient, call, down) == IMAGES[1:]
    with pytest.raises(BadReply):
        plays(ImageClient, lambda c: c.list_public(), exchange("GET /images?sort_dir=asc", reply={}))


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, ["1", "2"]),
        ({"name": "a"}, ["1"]),
        ({"status": "AVAILABLE"}, ["1", "2"]),
        ({"disk_format": "extdump"}, ["2"]),
        ({"container_format": "bare"}, ["1"]),
        ({"size_min": "20"}, ["2"]),
        ({"size_max": 19}, ["1"]),
        ({"colour": "red"}, ["1", "2"]),
    ],
)
def test_filters_that_servers_do_not_apply(filters: dict[str, Any], left: list[str]) -> None:
    assert [one["id"] for one in sifted(IMAGES, filters)] == left


def test_metadata() -> None:
    found = plays(ImageClient, lambda c: c.get_meta("7e0c"), exchange("HEAD /images/7e0c", reply_headers=META))
    assert found == READ
    glance = {"x-image-meta-disk_format": "raw", "x-image-meta-property-OS_Family": "linux", "etag": "x"}
    assert read_metadata(glance) == {"disk-format": "raw", "properties": {"os_family": "linux"}}


def test_registering() -> None:
    headers = {
        "Content-Length": "0",
        "X-Image-Meta-Name": "Debian%20Base%20%C3%A9",
        "X-Image-Meta-Location": "pithos://u/c/a%20b/100%25",
        "X-Image-Meta-Disk-Format": "diskdump",
        "X-Image-Meta-Container-Format": "bare",
        "X-Image-Meta-Is-Public": "true",
        "X-Image-Meta-Checksum": "5d3c",
        "X-Image-Meta-Store": "pithos",
        "X-Image-Meta-Owner": "u",
        "X-Image-Meta-Property-ROOT-PARTITION": "1",
        "X-Image-Meta-Property-users": "root%20debian",
    }
    params = {
        "disk_format": "diskdump",
        "container-format": "bare",
        "is_public": True,
        "checksum": "5d3c",
        "store": "pithos",
        "owner": "u",
        # What a description of an image has beside, which servers refuse.
        "size": 5,
        "id": "7e0c",
        "status": "AVAILABLE",
        "created-at": "2026-03-01 09:30:00",
    }

    def call(client: ImageClient) -> Any:
        properties = {"ROOT_PARTITION": 1, "users": "root debian", "none": None}
        return client.register("Debian Base é", "pithos://u/c/a b/100%", params=params, properties=properties)

    made = exchange("POST /images", headers=headers, reply_headers=META)
    assert plays(ImageClient, call, made) == READ
    refused = {
        "X-Image-Meta-Size": None,
        "X-Image-Meta-Id": None,
        "X-Image-Meta-Status": None,
        "X-Image-Meta-Property-none": None,
    }
    plays(ImageClient, call, exchange("POST /images", headers=refused, reply_headers=META))
    private = exchange("POST /images", headers={"X-Image-Meta-Is-Public": "false"}, reply_headers=META)
    plays(ImageClient, lambda c: c.register("n", ("u", "c", "o"), {"is_public": False}), private)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("pithos://u/c/o", "pithos://u/c/o"),
        ("PITHOS://u/c/a/b", "pithos://u/c/a/b"),
        ("u/c/é", "pithos://u/c/%C3%A9"),
        ("/u/c/o", "pithos://u/c/o"),
        (("u", "c", "a/b?"), "pithos://u/c/a/b%3F"),
    ],
)
def test_locations(given: Any, text: str) -> None:
    assert location_text(given) == text


@pytest.mark.parametrize("given", ["", "http://u/c/o", "pithos://u/c", "pithos://u//o", ("u", "c"), ("u", "", "o")])
def test_what_is_no_location(given: Any) -> None:
    with pytest.raises(BadRequest):
        location_text(given)


def test_an_image_needs_a_name_and_a_member_a_user() -> None:
    client = ImageClient("http://127.0.0.1:1", "t")
    for call in (
        lambda: client.register("", "u/c/o"),
        lambda: client.add_member("i", ""),
        lambda: client.remove_member("i", ""),
        lambda: client.unregister(""),
        lambda: client.get_meta(""),
    ):
        with pytest.raises(BadRequest):
            call()


def test_updating() -> None:
    headers = {
        "Content-Length": "0",
        "X-Image-Meta-Name": "n",
        "X-Image-Meta-Disk-Format": "ntfsdump",
        "X-Image-Meta-Container-Format": "ovf",
        "X-Image-Meta-Status": "AVAILABLE",
        "X-Image-Meta-Is-Public": "false",
        "X-Image-Meta-Owner": "u",
        "X-Image-Meta-Property-GUI": "",
        "X-Image-Meta-Property-os-family": "linux",
    }

    def call(client: ImageClient) -> Any:
        return client.update_image(
            "7e0c",
            name="n",
            disk_format="ntfsdump",
            container_format="ovf",
            status="AVAILABLE",
            public=False,
            owner_id="u",
            GUI="",
            os_family="linux",
        )

    changed = plays(ImageClient, call, exchange("PUT /images/7e0c", headers=headers, reply_headers=META))
    assert changed["x-image-meta-name"] == changed["X-Image-Meta-Name"] == "Debian Base é"
    silent = {"X-Image-Meta-Name": None, "X-Image-Meta-Is-Public": None, "X-Image-Meta-Status": None}
    plays(ImageClient, lambda c: c.update_image("7e0c"), exchange("PUT /images/7e0c", headers=silent))


def test_empty_properties_are_sent_and_missing_ones_are_not() -> None:
    assert meta_headers({"name": None}, {"a": "", "b": None}) == {"X-Image-Meta-Property-a": ""}


def test_members() -> None:
    who = [{"member_id": "2f6b", "can_share": False}]
    line = "/images/7e0c/members"
    assert plays(ImageClient, lambda c: c.list_members("7e0c"), exchange(f"GET {line}", reply={"members": who})) == who
    shared = [{"image_id": "7e0c", "can_share": False}]
    listed = exchange("GET /shared-images/2f6b", reply={"shared_images": shared})
    assert plays(ImageClient, lambda c: c.list_shared("2f6b"), listed) == shared
    plays(ImageClient, lambda c: c.add_member("7e0c", "a:b"), exchange(f"PUT {line}/a%3Ab", NOTHING, 204))
    plays(ImageClient, lambda c: c.remove_member("7e0c", "2f6b"), exchange(f"DELETE {line}/2f6b", NOTHING, 204))
    sent = {"memberships": [{"member_id": "2f6b"}, {"member_id": "9c1d"}]}
    plays(ImageClient, lambda c: c.set_members("7e0c", ("2f6b", "9c1d")), exchange(f"PUT {line}", sent, 204))
    plays(ImageClient, lambda c: c.unregister("7e0c"), exchange("DELETE /images/7e0c", NOTHING, 204))


def test_further_headers_of_a_request() -> None:
    sent = exchange("PUT /images/7e0c", headers={"X-Image-Meta-Name": "n", "X-More": "1"})
    plays(ImageRestClient, lambda c: c.images_put("7e0c", headers={"X-Image-Meta-Name": "n", "X-More": "1"}), sent)
