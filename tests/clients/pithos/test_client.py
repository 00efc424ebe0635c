"""The object store's clients against the local cloud."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from fixtures.clouds import TestCloud, User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pithosfs import errors
from pithosfs.clients.pithos import PithosClient, replies
from pithosfs.clients.pithos.rest_api import PithosRestClient
from pithosfs.clients.pithos.transfers import byte_ranges
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.clients.storage import StorageClient

MIB4 = 4 * 1024 * 1024


@pytest.fixture(scope="module")
def ada(cloud: TestCloud) -> User:
    return cloud.user("client-ada")


@pytest.fixture(scope="module")
def bob(cloud: TestCloud) -> User:
    return cloud.user("client-bob")


@pytest.fixture
def client(ada: User, request: pytest.FixtureRequest) -> Iterator[PithosClient]:
    """A client with a container of its own."""
    name = f"c{abs(hash(request.node.nodeid))}"
    with PithosClient(ada.storage_url.rpartition("/")[0], ada.token, ada.uuid, name) as made:
        made.create_container()
        yield made
        made.del_container(delimiter="/")
        made.del_container()


class Bar:
    """A progress bar that remembers."""

    def __init__(self) -> None:
        self.total = self.steps = 0

    def __call__(self, total: int) -> Iterator[int]:
        self.total = total
        for step in range(total):
            self.steps += 1
            yield step


# names ----------------------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=60) | st.text(
    "./%é ?#&+~=;,\\\"'<>", min_size=1, max_size=20
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
def test_any_name_is_the_name_of_an_object(client: PithosClient, name: str) -> None:
    wire, account, container = client.wire, client.account or "", client.container or ""
    wire.object_put(account, container, name, name.encode(), content_type="text/plain")
    try:
        assert wire.object_get(account, container, name).content == name.encode()
        assert [one["name"] for one in replies.entries(wire.container_get(account, container))] == [name]
        wire.object_copy(account, container, name, (account, container, f"{name}/copy"))
        wire.object_put_from(account, container, f"{name}/again", (account, container, f"{name}/copy"), move=True)
        assert wire.object_head(account, container, f"{name}/again").status_code == 200
    finally:
        client.del_container(delimiter="/")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="~"), min_size=1, max_size=200))
def test_any_value_is_kept_as_metadata(client: PithosClient, value: str) -> None:
    client.object_put("o", content_type="text/plain", metadata={"k_e-y": value})
    # Replies do not escape blanks (object-store.md section 3.2), and those at the ends of a header mean nothing.
    found = client.get_object_meta("o")
    assert {key: text.strip(" ") for key, text in found.items()} == {"x-object-meta-k-e-y": value.strip(" ")}


# working layer --------------------------------------------------------------------------------------------------------


def test_containers(ada: User, client: PithosClient) -> None:
    client.create_container("second", sizelimit=1000, versioning="none", metadata={"k": "v"})
    assert client.container != "second"
    assert {"second", client.container} <= {one["name"] for one in client.list_containers()}
    assert client.get_container_limit("second") == {"x-container-policy-quota": "1000"}
    assert client.get_container_versioning("second") == {"x-container-policy-versioning": "none"}
    client.set_container_limit(5)
    client.set_container_versioning("none")
    client.set_container_meta({"a": "ü", "b": "2"})
    client.del_container_meta("b")
    assert client.get_container_info()["x-container-policy-quota"] == "5"
    assert client.get_container_meta() == {"x-container-meta-a": "ü"}
    client.reassign_container(ada.uuid)
    assert client.get_container_info()["x-container-policy-project"] == ada.uuid
    client.delete_container("second")
    with pytest.raises(errors.NotFound):
        client.get_container_info("second")
    client.set_container_limit(0)
    client.create_object("o")
    with pytest.raises(errors.Conflict):
        client.del_container()


def test_the_account(client: PithosClient, bob: User) -> None:
    client.set_account_meta({"colour": "réd"})
    assert client.get_account_meta() == {"x-account-meta-colour": "réd"}
    client.del_account_meta("colour")
    assert client.get_account_meta() == {}
    client.set_account_group("friends", [bob.uuid])
    assert client.get_account_group() == {"x-account-group-friends": bob.uuid}
    client.del_account_group("friends")
    assert client.get_account_group() == {}
    with pytest.raises(errors.BadRequest):
        client.set_account_group("my-friends", [bob.uuid])
    assert int(client.get_account_quota()["x-account-policy-quota"]) > 0
    assert int(client.get_account_info()["x-account-container-count"]) >= 1


def test_small_objects(client: PithosClient) -> None:
    headers = client.upload_from_string("a/b", "tëxt", content_type="text/plain", content_encoding="gzip")
    assert headers["X-Object-Version"]
    assert client.download_to_string("a/b") == "tëxt".encode()
    info: dict[str, str] = {}
    assert client.download_to_string("a/b", range_str="0-1,-1", headers=info) == b"t\xc3t"
    assert (info["content-type"], info["content-encoding"]) == ("text/plain", "gzip")
    assert [one["name"] for one in client.list_objects(prefix="a")] == ["a/b"]
    assert client.list_objects(delimiter="/") == [{"subdir": "a/"}]
    client.create_directory("a")
    assert [one["name"] for one in client.list_objects_in_path("a")] == ["a/b"]
    with pytest.raises(errors.PreconditionFailed):
        client.upload_from_string("a/b", b"x", if_not_exist=True)
    with pytest.raises(errors.PreconditionFailed):
        client.upload_from_string("a/b", b"x", if_etag_match="0" * 64)
    client.upload_from_string("a/b", b"x", if_etag_match=headers["ETag"])
    client.del_object("a", delimiter="/")
    assert client.list_objects() == []
    with pytest.raises(errors.NotFound):
        client.delete_object("a/b")


def test_big_objects_go_by_blocks_and_only_once(client: PithosClient, tmp_path: Path) -> None:
    content = os.urandom(2 * MIB4 + 5) + bytes(MIB4)
    source = tmp_path / "source"
    source.write_bytes(content)
    hashing, sending, receiving = Bar(), Bar(), Bar()
    cache: dict[str, dict[str, str]] = {}
    with source.open("rb") as file:
        client.upload_object("big", file, hash_cb=hashing, upload_cb=sending, container_info_cache=cache)  # type: ignore[arg-type]
    assert (hashing.total, hashing.steps, sending.steps) == (4, 4, sending.total)
    assert list(cache) == [client.container]
    before = client.session.counters
    with source.open("rb") as file:
        client.upload_object("twin", file, container_info_cache=cache)  # type: ignore[arg-type]
    assert client.session.counters.requests == before.requests + 1
    assert client.session.counters.bytes_sent < before.bytes_sent + 1000
    assert client.upload_object("memory", io.BytesIO(content))["ETag"] == client.get_object_info("twin")["etag"]

    target = tmp_path / "target"
    with target.open("w+b") as file:
        client.download_object("big", file, download_cb=receiving)
    assert target.read_bytes() == content
    assert receiving.total == receiving.steps == 4
    damaged = bytearray(content[:-2])
    damaged[MIB4 + 3] ^= 1
    target.write_bytes(damaged)
    before = client.session.counters
    with target.open("r+b") as file:
        client.download_object("big", file, resume=True)
    assert target.read_bytes() == content
    assert client.session.counters.bytes_received < before.bytes_received + 2 * MIB4
    assert client.download_to_string("big", range_str=f"{MIB4 - 2}-{MIB4 + 1}") == content[MIB4 - 2 : MIB4 + 2]
    hashmap = client.get_object_hashmap("big")
    assert hashmap["bytes"] == len(content)
    assert client.get_object_hashmap("big", if_match="0" * 64) == {}
    assert client.get_object_hashmap("big", if_none_match=client.get_object_info("big")["etag"]) == {}
    with pytest.raises(errors.ClientError) as caught:
        client.download_to_string("big", if_none_match="*")
    assert caught.value.status == 304


def test_objects_in_one_request(client: PithosClient) -> None:
    client.upload_object_unchunked("o", io.BytesIO(b"12345"), size=3, sharing={"read": ["*"]})
    assert client.download_to_string("o") == b"123"
    assert client.get_object_sharing("o") == {"read": "*"}
    hashes = client.get_object_hashmap("o")["hashes"]
    asked = io.BytesIO(f'{{"bytes": 3, "hashes": ["{hashes[0]}"]}}'.encode())
    client.upload_object_unchunked("p", asked, withHashFile=True, content_type="x/y")
    assert client.download_to_string("p") == b"123"
    with pytest.raises(errors.BadRequest):
        client.upload_object_unchunked("p", io.BytesIO(b"123"), withHashFile=True)
    unknown = io.BytesIO(b'{"bytes": 3, "hashes": ["' + b"ab" * 32 + b'"]}')
    with pytest.raises(errors.Conflict):
        client.upload_object_unchunked("p", unknown, withHashFile=True)


def test_changing_content(client: PithosClient) -> None:
    client.upload_from_string("o", b"0123456789")
    bar = Bar()
    assert len(client.append_object("o", io.BytesIO(b"abc"), upload_cb=bar)) == bar.steps == 1
    client.overwrite_object("o", 2, 4, io.BytesIO(b"XYZrest"))
    assert client.download_to_string("o") == b"01XYZ56789abc"
    client.truncate_object("o", 4)
    assert client.download_to_string("o") == b"01XY"
    assert client.append_object("o", io.BytesIO(b"")) == []
    with pytest.raises(errors.BadRequest):
        client.overwrite_object("o", 9, 10, io.BytesIO(b"ab"))
    with pytest.raises(errors.BadRequest):
        client.overwrite_object("o", 3, 2, io.BytesIO(b"ab"))


def test_manifests(client: PithosClient) -> None:
    client.upload_from_string("parts/1", b"one")
    client.upload_from_string("parts/2", b"two")
    client.create_object_by_manifestation("parts/", content_type="text/plain")
    assert client.download_to_string("parts/") == b"onetwo"
    assert client.download_to_string("parts/", range_str="2-3") == b"et"


def test_copies_and_moves(client: PithosClient) -> None:
    container = client.container or ""
    client.upload_from_string("d/x", b"x", content_type="text/plain")
    client.create_directory("d")
    client.copy_object(container, "d", container, "e", delimiter="/")
    client.move_object(container, "d/x", container, "y", content_type="text/html", public=True)
    assert {one["name"] for one in client.list_objects()} == {"d", "e", "e/x", "y"}
    assert client.get_object_info("y")["content-type"] == "text/html"
    assert client.get_object_info("y")["x-object-public"]
    assert client.get_object_info("e/x")["content-type"] == "text/plain"


def test_versions(client: PithosClient) -> None:
    for content in (b"1", b"22", b"333"):
        client.upload_from_string("o", content)
    versions = client.get_object_versionlist("o")
    assert len(versions) == 3
    assert client.download_to_string("o", version=versions[0][0]) == b"1"
    assert client.get_object_info("o", version=versions[1][0])["content-length"] == "2"
    container = client.container or ""
    client.copy_object(container, "o", container, "o", source_version=versions[0][0], content_type="text/plain")
    assert client.download_to_string("o") == b"1"
    client.del_object("o")
    assert len(client.get_object_versionlist("o")) == 4
    with pytest.raises(errors.BadRequest):
        client.del_object("o", until=time.time() + 0.5)


def test_metadata(client: PithosClient) -> None:
    client.create_object("o")
    client.set_object_meta("o", {"a": "1", "b_c": "ü %"})
    client.del_object_meta("o", "a")
    assert client.get_object_meta("o") == {"x-object-meta-b-c": "ü %"}
    assert client.get_container_object_meta()["x-container-object-meta"].lower() == "b-c"
    client.replace_object_meta({"z": "9"}, obj="o")
    assert client.get_object_meta("o") == {"x-object-meta-z": "9"}
    with pytest.raises(errors.BadRequest):
        client.replace_object_meta({"z": "9"})


def test_sharing_and_publishing(client: PithosClient, ada: User, bob: User) -> None:
    client.upload_from_string("o", b"for bob")
    client.set_object_sharing("o", read_permission=[bob.uuid], write_permission=False)
    assert client.get_object_sharing("o") == {"read": bob.uuid}
    with PithosClient(client.endpoint_url, bob.token, ada.uuid, client.container) as other:
        assert ada.uuid in {one["name"] for one in other.get_sharing_accounts()}
        assert other.download_to_string("o") == b"for bob"
        with pytest.raises(errors.NotAllowed):
            other.upload_from_string("o", b"x")
    client.object_post("o", permissions={})
    assert client.get_object_sharing("o") == {"read": bob.uuid}
    client.del_object_sharing("o")
    assert client.get_object_sharing("o") == {}
    link = client.publish_object("o")
    assert requests.get(link, timeout=20).content == b"for bob"
    client.unpublish_object("o")
    assert requests.get(link, timeout=20).status_code == 404


def test_purging_leaves_what_is_there(client: PithosClient) -> None:
    client.upload_from_string("o", b"x")
    client.purge_container()
    assert client.download_to_string("o") == b"x"


# REST layer -----------------------------------------------------------------------------------------------------------


def test_rest_methods_return_responses_and_take_extras(client: PithosClient) -> None:
    rest: PithosRestClient = client
    reply = rest.object_put("o", data=b"abc", content_type="text/plain", content_length=99, success=201)
    assert isinstance(reply, requests.Response)
    etag = reply.headers["etag"]
    assert rest.object_head("o", if_etag_match=etag).status_code == 200
    assert rest.object_get("o", data_range="1-1").content == b"b"
    assert rest.object_get("o", if_etag_not_match=etag).status_code == 304
    assert rest.object_get("o", hashmap=True).json()["bytes"] == 3
    assert rest.object_get("o", version="list").json()["versions"]
    assert rest.object_head("missing", success=(200, 404)).status_code == 404
    with pytest.raises(errors.BadReply):
        rest.object_head("o", success=204)
    here = f"/{client.container}"
    rest.object_copy("o", f"{here}/p", metadata={"k": "v"}, headers={"X-Object-Meta-Extra": "1"})
    assert rest.object_head("p").headers["X-Object-Meta-Extra"] == "1"
    rest.object_move("p", destination=f"{here.lstrip('/')}/ö")
    rest.object_put("q", copy_from=f"{here}/%C3%B6", content_type="x/y")
    assert rest.object_head("q").headers["content-type"] == "x/y"
    missing = rest.object_put(
        "h", hashmap=True, json={"bytes": 1, "hashes": ["ab" * 32]}, content_type="x/y", success=(201, 409)
    )
    assert missing.json() == ["ab" * 32]
    blocks = rest.container_post(data=b"abc", content_type="application/octet-stream").json()
    assert len(blocks) == 1
    rest.object_post("o", content_type="application/octet-stream", content_range="bytes */*", data=b"d")
    assert rest.object_get("o").text == "abcd"
    assert len(rest.container_get(prefix="q", limit=1, format="json").json()) == 1
    assert rest.container_get(format="xml").text.startswith("<?xml")
    assert rest.container_head(if_modified_since=int(time.time()) + 60).status_code == 304
    assert rest.account_head().status_code == 204
    assert rest.account_get(params={"limit": 1}).json()
    assert rest.object_delete("o").status_code == 204
    with pytest.raises(TypeError, match="colour"):
        rest.object_head("q", colour="red")
    with pytest.raises(errors.BadRequest):
        rest.object_move("q")


def test_a_client_needs_account_and_container(ada: User) -> None:
    with PithosClient("http://127.0.0.1:1", "t") as client:
        with pytest.raises(errors.BadRequest, match="account"):
            client.account_head()
        client.account = ada.uuid
        with pytest.raises(errors.BadRequest, match="container"):
            client.object_head("o")


def test_plain_storage(ada: User, client: PithosClient) -> None:
    with StorageClient(client.endpoint_url, ada.token, ada.uuid, client.container) as plain:
        plain.upload_object("o", io.BytesIO(b"12345"), size=3)
        assert plain.get_object_info("o")["content-length"] == "3"
        plain.create_object("empty", content_length=2)
        plain.copy_object(client.container or "", "o", client.container or "", "p")
        plain.move_object(client.container or "", "p", client.container or "", "q")
        assert [one["name"] for one in plain.list_objects()] == ["empty", "o", "q"]
        with pytest.raises(errors.Conflict):
            plain.create_container(client.container)
        plain.replace_account_meta({"x": "y"})
        assert plain.get_account_info()["x-account-meta-x"] == "y"
        plain.replace_account_meta({})
        plain.delete_object("o")


def test_clients_show_no_token(ada: User) -> None:
    assert "sesame" not in repr(PithosClient("http://h", "sesame", "a", "c"))


def test_ranges() -> None:
    assert byte_ranges("0-4,7-,-2,3", 9) == [(0, 5), (7, 9), (7, 9), (0, 4)]
    assert byte_ranges("5-100,20-30,-100", 9) == [(5, 9), (0, 9)]
    assert byte_ranges("0-", 0) == []
    for wrong in ("", "-", "a", "1-2-3", "1,,2"):
        with pytest.raises(errors.UsageError):
            byte_ranges(wrong, 9)


def test_a_wire_serves_many_threads(client: PithosClient, ada: User) -> None:
    wire = PithosWire(client.session, client.endpoint_url, ada.token)
    container = client.container or ""

    def write_and_read(number: int) -> bytes:
        wire.object_put(ada.uuid, container, f"n{number}", b"%d" % number, content_type="x/y")
        return wire.object_get(ada.uuid, container, f"n{number}").content

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(write_and_read, range(40))) == [b"%d" % number for number in range(40)]
