"""Calls of the identity client with the token of a service, and those of short-lived tokens."""

from __future__ import annotations

import pytest
from clients.calls.astakos import NOBODY
from clients.calls.table import World, exercises
from fixtures.exchanges import exchange
from fixtures.identity_service import identity

from pithosfs.clients.astakos import AstakosClient, NotFound, NoUserName, NoUserUUID, QuotaLimit, Unauthorized

RESOURCE = "cyclades.network.private"


@exercises("AstakosClient", "service_get_username", "service_get_usernames", "service_get_uuid", "service_get_uuids")
@exercises("AstakosClient", "service_get_quotas", "service_get_project_quotas")
def what_services_may_know(world: World) -> None:
    client, alice = world.service_client, world.alice
    assert client.service_get_username(alice.uuid) == alice.name
    assert client.service_get_usernames([alice.uuid, NOBODY]) == {alice.uuid: alice.name}
    assert client.service_get_uuid(alice.name) == alice.uuid
    assert client.service_get_uuids([alice.name, "nobody"]) == {alice.name: alice.uuid}
    with pytest.raises(NoUserName):
        client.service_get_username(NOBODY)
    with pytest.raises(NoUserUUID):
        client.service_get_uuid("nobody")
    for found in (
        client.service_get_quotas(user=alice.uuid, project_id=alice.uuid),
        client.service_get_quotas(alice.uuid, project=alice.uuid),
    ):
        assert found[alice.uuid].keys() == {alice.uuid}
        assert found[alice.uuid][alice.uuid][RESOURCE]["usage"] >= 0
    for found in (
        client.service_get_project_quotas(project_id=alice.uuid),
        client.service_get_project_quotas(project=alice.uuid),
    ):
        assert found[alice.uuid][RESOURCE]["project_usage"] >= 0
    with pytest.raises(Unauthorized):
        world.astakos.service_get_quotas()


@exercises("AstakosClient", "issue_one_commission", "get_pending_commissions", "get_commission_info")
@exercises("AstakosClient", "commission_action", "accept_commission", "reject_commission", "resolve_commissions")
@exercises("AstakosClient", "mk_provisions", "issue_commission_generic", "issue_resource_reassignment")
def commissions(world: World) -> None:
    client, user = world.service_client, world.alice.uuid
    project = world.shared_project()

    def usage(of: str = project) -> int:
        return int(client.service_get_quotas(user=user)[user][of][RESOURCE]["usage"])

    one = {(project, RESOURCE): 1}
    serial = client.issue_one_commission(user, one, name="first", force=True)
    assert serial in client.get_pending_commissions()
    info = client.get_commission_info(serial)
    assert info["name"] == "first"
    key = str
    expected = client.mk_provisions(user, project, RESOURCE, 1)
    assert sorted(info["provisions"], key=key) == sorted(expected, key=key)
    client.accept_commission(serial)
    assert usage() == 1
    with pytest.raises(NotFound):
        client.get_commission_info(serial)

    client.reject_commission(client.issue_one_commission(user, one))
    client.commission_action(client.issue_one_commission(user, one), action="reject")
    assert usage() == 1
    client.issue_one_commission(user, one, auto_accept=True)
    assert usage() == 2
    generic = client.issue_commission_generic(
        {(user, project, RESOURCE): -1}, {(project, RESOURCE): -1}, name="generic", force=True, auto_accept=True
    )
    assert generic not in client.get_pending_commissions()
    assert usage() == 1

    with pytest.raises(QuotaLimit, match=rf"{RESOURCE}.* available 8, requested 1000"):
        client.issue_one_commission(user, {(project, RESOURCE): 1000})

    serials = [client.issue_one_commission(user, one) for _ in range(2)]
    resolved = client.resolve_commissions(serials[:1], reject_serials=[serials[1], 999999])
    assert (resolved["accepted"], resolved["rejected"]) == (serials[:1], serials[1:])
    assert resolved["failed"][0][0] == 999999
    assert usage() == 2

    before = usage(user)
    client.issue_resource_reassignment(user, {(project, user, RESOURCE): 2}, name="move", force=True, auto_accept=True)
    assert (usage(), usage(user)) == (0, before + 2)
    client.issue_one_commission(user, {(user, RESOURCE): -2}, auto_accept=True)


@exercises("AstakosClient", "get_token", "validate_token")
def short_lived_tokens(world: World) -> None:
    """The local cloud gives none out."""
    with pytest.raises(NotFound):
        world.astakos.validate_token("unknown", belongs_to="view")
    made = exchange("POST /oauth2/token/", b"grant_type=g&code=c", reply={"access_token": "a"})
    known = exchange("GET /identity/v2.0/tokens/a?belongsTo=view", reply={"access": {}})
    with identity(made, known) as (url, session, _):
        client = world.recorded(AstakosClient(url, "token", session=session))
        token = client.get_token("g", client_id="id", client_secret="secret", code="c")
        assert client.validate_token(token["access_token"], belongs_to="view") == {"access": {}}
