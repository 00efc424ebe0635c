"""Images as metadata of objects: what the conformance suite cannot make happen on any cloud."""

from __future__ import annotations

import contextlib
import time
from typing import Any
from urllib.parse import unquote

import pytest
from fixtures.held_cloud import HeldCloud, Person

from pithosfs.localcloud.database import connect
from pithosfs.localcloud.datadir import DATABASE

LOCATION = "X_Image_Meta_Location"


def register(person: Person, path: str, **fields: str) -> dict[str, str]:
    headers = {"Name": "one", "Location": f"pithos://{person.id}/{path}", **fields}
    sent = {f"X_Image_Meta_{name}": value for name, value in headers.items()}
    return dict(person.ok("POST", "image/images/", b"", **sent).headers)


def put(person: Person, path: str, data: bytes = b"bytes", **headers: str) -> None:
    person.ok("PUT", f"store/{person.id}/{path}", data, Content_Type="application/octet-stream", **headers)


@pytest.fixture
def made(alice: Person) -> str:
    """The id of an image `box/one`."""
    alice.ok("PUT", f"store/{alice.id}/box")
    put(alice, "box/one")
    return register(alice, "box/one", **{"Property-os": "debian"})["x-image-meta-id"]


def ids(person: Person) -> list[str]:
    """What the user sees that is not for everybody: other tests may have left some of that."""
    return [one["id"] for one in person.get("image/images/detail") if not one["is_public"]]


def test_every_cloud_has_an_image_from_the_start(alice: Person) -> None:
    """Public, of a user that is nobody, and good for a server."""
    (image,) = [one for one in alice.get("image/images/detail") if one["name"] == "Sandbox"]
    assert (image["is_public"], image["size"], image["status"]) == (True, 0, "AVAILABLE")
    assert image["properties"]["osfamily"] == "linux"
    assert alice("PUT", f"image/images/{image['id']}", b"", X_Image_Meta_Name="mine").status == 403
    assert alice("DELETE", f"image/images/{image['id']}").status == 403
    path = image["location"].removeprefix("pithos://")
    assert alice.ok("GET", f"store/{path}").body == b""
    assert alice("PUT", f"store/{path}", b"x", Content_Type="a/b").status == 403


def test_a_folder_that_is_shared_shares_its_images(alice: Person, bob: Person, made: str) -> None:
    put(alice, "box/folder", b"", **{"X-Object-Sharing": f"read={bob.id}"})
    alice.ok("PUT", f"store/{alice.id}/box/folder", b"", Content_Type="application/directory")
    put(alice, "box/folder/two")
    two = register(alice, "box/folder/two")["x-image-meta-id"]
    assert ids(bob) == []  # registering gave it a rule of its own
    alice.ok("POST", f"store/{alice.id}/box/folder/two?update", b"", X_Object_Sharing="")
    assert ids(bob) == [two]
    assert bob("HEAD", f"image/images/{two}").status == 200
    assert [one["image_id"] for one in bob.get(f"image/shared-images/{alice.id}")] == [two]


def test_a_group_of_members(alice: Person, bob: Person, made: str) -> None:
    alice.ok("POST", f"store/{alice.id}?update", b"", X_Account_Group_Friends=bob.id)
    alice.ok("PUT", f"image/images/{made}/members/{alice.id}:friends")
    assert ids(bob) == [made]
    alice.ok("POST", f"store/{alice.id}?update", b"", X_Account_Group_Friends=alice.id)
    assert ids(bob) == []


def test_somebody_elses_copy_is_their_image(alice: Person, bob: Person, made: str) -> None:
    alice.ok("PUT", f"image/images/{made}/members/{bob.id}")
    bob.ok("PUT", f"store/{bob.id}/mine")
    bob.ok("COPY", f"store/{alice.id}/box/one", None, Destination="/mine/copy")
    assert sorted(ids(bob)) == sorted([made, *(one for one in ids(bob) if one != made)])
    (copy,) = [one for one in bob.get("image/images/detail") if one["owner"] == bob.id]
    assert copy["properties"] == {"os": "debian"}
    bob.ok("PUT", f"image/images/{copy['id']}", b"", X_Image_Meta_Name="theirs")
    assert alice.ok("HEAD", f"image/images/{made}").headers["x-image-meta-name"] == "one"


def test_moving_a_folder_takes_its_images_along(alice: Person, made: str) -> None:
    put(alice, "box/folder", b"")
    put(alice, "box/folder/two")
    two = register(alice, "box/folder/two")["x-image-meta-id"]
    alice.ok("MOVE", f"store/{alice.id}/box/folder?delimiter=/", None, Destination="/box/other")
    (shown,) = [one for one in alice.get("image/images/detail") if one["id"] == two]
    assert shown["location"].endswith("/box/other/two")


def test_an_object_that_is_replaced_by_a_copy_is_another(alice: Person, made: str) -> None:
    put(alice, "box/plain", b"plain")
    alice.ok("COPY", f"store/{alice.id}/box/plain", None, Destination="/box/one")
    assert alice("HEAD", f"image/images/{made}").status == 404
    assert ids(alice) == []


def test_going_back_to_an_old_version_stays_the_image(alice: Person, made: str) -> None:
    version = alice.ok("HEAD", f"store/{alice.id}/box/one").headers["X-Object-Version"]
    put(alice, "box/one", b"something else")
    headers = {"Destination": "/box/one", "X_Source_Version": version, "Content_Type": "a/b"}
    alice.ok("COPY", f"store/{alice.id}/box/one", None, **headers)
    assert alice.ok("HEAD", f"image/images/{made}").headers["x-image-meta-size"] == "5"


def test_a_container_that_goes_takes_its_images_along(alice: Person, made: str) -> None:
    alice.ok("DELETE", f"store/{alice.id}/box?delimiter=/")
    alice.ok("DELETE", f"store/{alice.id}/box")
    assert alice("HEAD", f"image/images/{made}").status == 404


def test_a_public_image_keeps_its_members_in_the_rule(alice: Person, bob: Person, made: str) -> None:
    """`*` in a rule that is sent swallows the others (object-store.md 12.1), and in one that publicity makes not."""
    alice.ok("PUT", f"image/images/{made}/members/{bob.id}")
    alice.ok("PUT", f"image/images/{made}", b"", X_Image_Meta_Is_Public="true")
    rule = unquote(alice.ok("HEAD", f"store/{alice.id}/box/one").headers["X-Object-Sharing"])
    assert set(rule.removeprefix("read=").split(",")) == {"*", alice.id, bob.id}
    alice.ok("POST", f"store/{alice.id}/box/one?update", b"", X_Object_Sharing=rule)
    assert alice.ok("HEAD", f"store/{alice.id}/box/one").headers["X-Object-Sharing"] == "read=%2A"
    assert alice.get(f"image/images/{made}/members") == []


@pytest.mark.parametrize("member", ["a%2Cb", "%2A", "a%20b", "a%3Bb", "x" * 257, "%00"])
def test_members_that_are_nobody(alice: Person, made: str, member: str) -> None:
    before = alice.get(f"image/images/{made}/members")
    assert alice("PUT", f"image/images/{made}/members/{member}").status == 400
    assert alice.get(f"image/images/{made}/members") == before


def test_filters_are_applied(alice: Person, made: str) -> None:
    put(alice, "box/two", b"longer bytes")
    two = register(alice, "box/two", Name="two", **{"Disk-Format": "extdump"})["x-image-meta-id"]

    def found(query: str) -> list[str]:
        return [one["id"] for one in alice.get(f"image/images?{query}") if one["id"] in (made, two)]

    assert found("name=two") == [two]
    assert found("disk_format=diskdump") == [made]
    assert found("size_max=5&size_min=5") == [made]
    assert found("status=available&sort_key=size&sort_dir=asc") == [made, two]
    assert found("name=three") == []


def test_images_that_are_not_there_yet_are_good_for_nothing(held_cloud: HeldCloud, alice: Person, made: str) -> None:
    alice.ok("PUT", f"image/images/{made}", b"", X_Image_Meta_Status="ERROR")
    assert alice.get(f"compute/images/{made}")["status"] == "ERROR"
    wanted: dict[str, Any] = {"name": "x", "flavorRef": 3, "imageRef": made}
    assert alice("POST", "compute/servers", {"server": wanted}).status == 400
    alice.ok("PUT", f"image/images/{made}", b"", X_Image_Meta_Status="available")
    assert alice("POST", "compute/servers", {"server": wanted}).status == 202


def test_registrations_do_not_outlive_their_objects(held_cloud: HeldCloud, alice: Person, made: str) -> None:
    """Of a deleted object something is kept while it could come back, and nothing once it was purged."""

    def registered() -> set[str]:
        with contextlib.closing(connect(held_cloud.data / DATABASE, read_only=True)) as connection:
            return {row["uuid"] for row in connection.execute("SELECT uuid FROM images")}

    alice.ok("DELETE", f"store/{alice.id}/box/one")
    put(alice, "box/two")
    register(alice, "box/two")
    assert made in registered()
    alice.ok("DELETE", f"store/{alice.id}/box/one?until={int(time.time()) + 100}")
    register(alice, "box/two")
    assert made not in registered()
