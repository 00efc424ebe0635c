"""The identity clients against the local cloud, and `connect`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.scripted import Scripted, answer

from pithosfs import errors
from pithosfs.clients import connect
from pithosfs.clients.astakos import (
    AstakosClient,
    AstakosClientError,
    CachedAstakosClient,
    LoggedAstakosClient,
    NoUserName,
    NoUserUUID,
    Unauthorized,
)
from pithosfs.clients.catalog import find_service
from pithosfs.clients.cyclades import CycladesBlockStorageClient, CycladesComputeClient, CycladesNetworkClient
from pithosfs.config import Cloud
from pithosfs.http import RetryPolicy, Session


@pytest.fixture(scope="module")
def ada(cloud: TestCloud) -> User:
    return cloud.user("ada@example.org")


@pytest.fixture(scope="module")
def bob(cloud: TestCloud) -> User:
    return cloud.user("bob@example.org")


@pytest.fixture
def client(ada: User) -> Iterator[AstakosClient]:
    with AstakosClient(ada.url, ada.token) as made:
        yield made


def test_a_token_is_somebody(client: AstakosClient, ada: User) -> None:
    access = client.authenticate()["access"]
    assert access["user"]["id"] == client.user_info["id"] == client.user_term("id") == ada.uuid
    assert access["token"]["id"] == ada.token
    assert client.authenticate(tenant_name=ada.uuid)["access"]["user"]["id"] == ada.uuid


def test_the_address_may_be_named_in_older_ways(ada: User) -> None:
    for kwargs in ({"auth_url": ada.url}, {"base_url": ada.url}, {"endpoint_url": ada.url.removesuffix("/v2.0")}):
        with AstakosClient(token=ada.token, **kwargs) as client:  # type: ignore[arg-type]
            assert client.auth_url == ada.url
            assert client.user_term("id") == ada.uuid


def test_the_catalog(client: AstakosClient, cloud: TestCloud) -> None:
    types = {service["type"] for service in client.get_endpoints()["access"]["serviceCatalog"]}
    assert {"identity", "account", "object-store"} <= types
    assert client.get_service_endpoints("object-store")["publicURL"].startswith(cloud.base)
    assert client.get_endpoint_url("object-store") == f"{cloud.base}/object-store/v1"
    with pytest.raises(AstakosClientError):
        client.get_endpoint_url("teleport")


def test_names_and_ids(client: AstakosClient, ada: User, bob: User) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    assert client.get_usernames([ada.uuid, bob.uuid, nobody]) == {ada.uuid: ada.name, bob.uuid: bob.name}
    assert client.get_uuids([bob.name.upper(), "nobody"]) == {bob.name.upper(): bob.uuid}
    assert client.get_username(bob.uuid) == bob.name
    assert client.get_uuid(bob.name) == bob.uuid
    with pytest.raises(NoUserName):
        client.get_username(nobody)
    with pytest.raises(NoUserUUID) as caught:
        client.get_uuid("nobody")
    assert isinstance(caught.value, errors.NotFound)


def test_quotas_and_resources(client: AstakosClient, ada: User) -> None:
    assert client.get_quotas()[ada.uuid]["pithos.diskspace"]["usage"] >= 0
    assert client.get_resources()["pithos.diskspace"]["unit"] == "bytes"


def test_a_wrong_token(ada: User) -> None:
    with AstakosClient(ada.url, "wrong") as client:
        with pytest.raises(Unauthorized) as caught:
            client.authenticate()
        assert isinstance(caught.value, AstakosClientError)
        assert isinstance(caught.value, errors.NotLoggedIn)
        assert (caught.value.status, caught.value.exit_code) == (401, 4)
    for token in ("", "a\nb", "tö"):
        with AstakosClient(ada.url, token) as client, pytest.raises(Unauthorized):
            client.authenticate()


def test_several_users_are_remembered(cloud: TestCloud, ada: User, bob: User) -> None:
    with Session() as session:
        client = CachedAstakosClient(ada.url, ada.token, session=session)
        assert client.user_info()["id"] == client.user_term("id") == client.term("id") == ada.uuid
        assert client.term("nothing") is None
        assert client.user_info(bob.token)["id"] == bob.uuid
        assert {user["id"]: user["auth_token"] for user in client.list_users()} == {
            ada.uuid: ada.token,
            bob.uuid: bob.token,
        }
        assert client.get_token(bob.uuid) == bob.token
        assert client.get_client(bob.token).token == bob.token
        assert isinstance(client.get_client(), LoggedAstakosClient)
        assert client.get_endpoint_url("object-store") == f"{cloud.base}/object-store/v1"
        assert client.get_service_details("object-store")["type"] == "object-store"
        assert client.get_service_endpoints("account", "v1.0")["versionId"] == "v1.0"
        assert client.get_services(bob.token)
        before = session.counters.requests
        assert client.uuids2usernames([ada.uuid, bob.uuid]) == {ada.uuid: ada.name, bob.uuid: bob.name}
        assert client.usernames2uuids([bob.name, "nobody"]) == {bob.name: bob.uuid}
        assert client.uuids2usernames([bob.uuid]) == {bob.uuid: bob.name}
        assert session.counters.requests == before + 2
        client.remove_user(bob.uuid)
        with pytest.raises(NoUserName):
            client.get_token(bob.uuid)
        with pytest.raises(AstakosClientError):
            client.get_service_details("teleport")
        with pytest.raises(Unauthorized):
            client.user_info("wrong")


# connect --------------------------------------------------------------------------------------------------------------


def test_connect_authenticates_once(cloud: TestCloud, ada: User) -> None:
    with Session() as session:
        connection = connect(Cloud("work", ada.url, ada.token), session)
        assert connection.account_id == ada.uuid
        assert connection.user_name
        assert connection.endpoint("object-store") == f"{cloud.base}/object-store/v1"
        assert connection.endpoint("account") == f"{cloud.base}/account/v1.0"
        assert connection.astakos.user_term("id") == ada.uuid
        assert session.counters.requests == 1
        connection.close()
        assert connection.wire().account_head(ada.uuid).status_code == 204  # the session was ours to close
        assert ada.token not in repr(connection) + repr(connection.astakos) + repr(connection.cloud)


def test_the_settings_of_a_cloud_go_before_its_catalog(ada: User) -> None:
    options = {
        "pithos_url": "http://elsewhere/v1/",
        "pithos_token": "other",
        "cyclades_type": "object-store",
        "cyclades_version": "v1",
        "network_type": "teleport",
        "plankton_version": "v77",
    }
    with connect(Cloud("work", ada.url, ada.token, options=options)) as connection:
        assert connection.endpoint("object-store") == "http://elsewhere/v1"
        assert connection.token("object-store") == "other"
        assert connection.token("account") == ada.token
        assert connection.endpoint("compute").endswith("/object-store/v1")
        with pytest.raises(errors.ClientError, match="teleport"):
            connection.endpoint("network")


def test_a_wrong_token_is_told_with_the_name_of_the_cloud(ada: User) -> None:
    with pytest.raises(errors.NotLoggedIn) as caught:
        connect(Cloud("work", ada.url, "wrong"))
    assert "cloud.work.token" in caught.value.hint


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"access": {}}', b'{"access": {"user": {"id": "x"}}}'])
def test_what_is_no_identity_service(body: bytes) -> None:
    with Session(policy=RetryPolicy(attempts=1)) as session, Scripted(answer(200, body)) as server:
        with pytest.raises(errors.BadReply):
            connect(Cloud("work", server.url, "token"), session)
        assert server.seen[0].target == "/v2.0/tokens"


def test_an_identity_service_that_falters() -> None:
    access = {"access": {"user": {"id": "u"}, "serviceCatalog": [], "token": {"id": "t"}}}
    policy = RetryPolicy(attempts=3, base=0.001)
    with Session(policy=policy) as session, Scripted(answer(503), answer(200, json.dumps(access).encode())) as server:
        assert connect(Cloud("work", server.url, "token"), session).account_id == "u"


def test_a_connection_makes_the_clients_of_its_services(cloud: TestCloud, ada: User) -> None:
    options = {"cyclades_url": "http://elsewhere/v2.0", "cyclades_token": "other", "volume_type": "teleport"}
    with connect(Cloud("work", ada.url, ada.token, options=options)) as connection:
        network = connection.client(CycladesNetworkClient)
        assert isinstance(network, CycladesNetworkClient)
        assert network.endpoint_url == f"{cloud.base}/network/v2.0"
        assert (network.token, network.session) == (ada.token, connection.session)
        assert network.list_networks()
        compute = connection.client(CycladesComputeClient)
        assert (compute.endpoint_url, compute.token) == ("http://elsewhere/v2.0", "other")
        with pytest.raises(errors.ClientError, match="teleport") as caught:
            connection.client(CycladesBlockStorageClient)
        assert caught.value.hint.startswith("it has account, ")
        assert caught.value.hint.endswith("pithosfs config set cloud.work.volume_type TYPE")
        with pytest.raises(errors.ClientError) as caught:
            find_service([{"type": "identity"}], "volume")
        assert (
            caught.value.hint
            == "it has identity; if it is one of these: pithosfs config set cloud.NAME.volume_type TYPE"
        )


def test_a_service_that_a_cloud_has_not_names_the_setting_of_that_cloud(ada: User) -> None:
    access = {"user": {"id": "u"}, "token": {"id": "t"}, "serviceCatalog": [{"type": "compute", "endpoints": []}]}
    with Session() as session, Scripted(answer(200, json.dumps({"access": access}).encode())) as server:
        connection = connect(Cloud("work", server.url, ada.token), session)
        with pytest.raises(errors.ClientError, match="'volume'") as caught:
            connection.client(CycladesBlockStorageClient)
    assert "pithosfs config set cloud.work.volume_type TYPE" in caught.value.hint
