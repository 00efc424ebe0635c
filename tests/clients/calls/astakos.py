"""Calls of the identity clients."""

from __future__ import annotations

import pytest
from clients.calls.table import World, exercises

from pithosfs.clients.astakos import AstakosClientError, NoUserName, NoUserUUID

NOBODY = "00000000-0000-0000-0000-000000000000"


@exercises("AstakosClient", "authenticate", "user_info", "user_term", "get_endpoints")
@exercises("AstakosClient", "get_service_endpoints", "get_endpoint_url")
def who_and_where(world: World) -> None:
    client, alice = world.astakos, world.alice
    assert client.authenticate(tenant_name=alice.uuid)["access"]["user"]["id"] == alice.uuid
    with pytest.raises(AstakosClientError):
        client.authenticate(tenant_name=world.bob.uuid)
    assert client.user_info["name"] == alice.name == client.user_term("name")
    services = client.get_endpoints(extra=True)["access"]["serviceCatalog"]
    assert {"identity", "account", "object-store"} <= {one["type"] for one in services}
    assert client.get_endpoint_url("object-store", "v1") == world.endpoint
    assert client.get_service_endpoints("object-store", version="v1")["versionId"] == "v1"
    with pytest.raises(AstakosClientError):
        client.get_endpoint_url("object-store", version="v7")


@exercises("AstakosClient", "get_username", "get_usernames", "get_uuid", "get_uuids")
def names(world: World) -> None:
    client, bob = world.astakos, world.bob
    assert client.get_usernames([bob.uuid, NOBODY]) == {bob.uuid: bob.name}
    assert client.get_username(bob.uuid) == bob.name
    assert client.get_uuids([bob.name, "nobody"]) == {bob.name: bob.uuid}
    assert client.get_uuid(bob.name) == bob.uuid
    with pytest.raises(NoUserName):
        client.get_username(NOBODY)
    with pytest.raises(NoUserUUID):
        client.get_uuid("nobody")


@exercises("AstakosClient", "get_quotas", "get_resources")
def quotas(world: World) -> None:
    assert world.astakos.get_quotas()[world.alice.uuid]["pithos.diskspace"]["limit"] > 0
    assert world.astakos.get_resources()["pithos.diskspace"]["unit"] == "bytes"


@exercises("CachedAstakosClient", "authenticate", "get_client", "get_token", "list_users", "remove_user", "term")
@exercises("CachedAstakosClient", "user_info", "user_term")
def several_users(world: World) -> None:
    client, alice, bob = world.cached, world.alice, world.bob
    assert client.authenticate(bob.token)["access"]["user"]["id"] == bob.uuid
    assert client.authenticate()["access"]["user"]["id"] == alice.uuid
    assert client.get_client(bob.token).user_term("id") == bob.uuid
    assert client.get_token(bob.uuid) == bob.token
    assert {one["id"]: one["auth_token"] for one in client.list_users()} == {
        alice.uuid: alice.token,
        bob.uuid: bob.token,
    }
    assert (client.user_info()["id"], client.user_info(bob.token)["id"]) == (alice.uuid, bob.uuid)
    assert (client.term("id"), client.term("id", token=bob.token)) == (alice.uuid, bob.uuid)
    assert (client.user_term("name"), client.user_term("name", token=bob.token)) == (alice.name, bob.name)
    client.remove_user(bob.uuid)
    with pytest.raises(NoUserName):
        client.get_token(bob.uuid)


@exercises("CachedAstakosClient", "get_services", "get_service_details", "get_service_endpoints", "get_endpoint_url")
def cached_catalog(world: World) -> None:
    client, token = world.cached, world.bob.token
    assert {"object-store"} <= {one["type"] for one in client.get_services(token=token)}
    assert client.get_service_details("object-store", token=token)["type"] == "object-store"
    assert client.get_service_endpoints("object-store", "v1", token=token)["versionId"] == "v1"
    assert client.get_endpoint_url("object-store", version="v1", token=token) == world.endpoint
    with pytest.raises(AstakosClientError):
        client.get_endpoint_url("object-store", version="v7")
    with pytest.raises(AstakosClientError):
        client.get_services(token="wrong")


@exercises("CachedAstakosClient", "post_user_catalogs", "usernames2uuids", "uuids2usernames")
def cached_names(world: World) -> None:
    client, alice, bob = world.cached, world.alice, world.bob
    assert client.post_user_catalogs(uuids=[bob.uuid], token=bob.token) == {bob.uuid: bob.name}
    assert client.post_user_catalogs(displaynames=[bob.name]) == {bob.name: bob.uuid}
    assert client.usernames2uuids([alice.name, bob.name]) == {alice.name: alice.uuid, bob.name: bob.uuid}
    assert client.uuids2usernames([alice.uuid, bob.uuid]) == {alice.uuid: alice.name, bob.uuid: bob.name}
