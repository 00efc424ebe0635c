"""The requests of the identity client, as identity.md has them, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures.exchanges import NOTHING, TOKEN, exchange
from fixtures.identity_service import PROVISIONS, commission, identity, plays

from pithosfs.clients.astakos import AstakosClient

PROJECT = {"id": "b0a7", "name": "genomics.example.org"}

ROWS: list[tuple[Callable[[AstakosClient], Any], str, Any, int, Any, Any]] = [
    (lambda c: c.get_quotas(), "GET /account/v1.0/quotas", NOTHING, 200, {"p": {}}, {"p": {}}),
    (lambda c: c.get_resources(), "GET /account/v1.0/resources", NOTHING, 200, {"r": {}}, {"r": {}}),
    (lambda c: c.get_services(), "GET /ui/get_services", NOTHING, 200, [{"name": "n"}], [{"name": "n"}]),
    (
        lambda c: c.send_feedback("h é", "d&d"),
        "POST /account/v1.0/feedback",
        b"feedback_msg=h+%C3%A9&feedback_data=d%26d",
        200,
        b"",
        None,
    ),
    (
        lambda c: c.set_default_project("p"),
        "POST /account/v1.0/myaccount/default_project",
        {"project_id": "p"},
        200,
        b"",
        None,
    ),
    (
        lambda c: c.validate_token("short/lived", belongs_to="view x"),
        "GET /identity/v2.0/tokens/short%2Flived?belongsTo=view%20x",
        NOTHING,
        200,
        {"access": {}},
        {"access": {}},
    ),
    (
        lambda c: c.get_token("authorization_code", "id", "sec:ret", code="c", redirect_uri="http://x/"),
        "POST /oauth2/token/",
        b"grant_type=authorization_code&code=c&redirect_uri=http%3A%2F%2Fx%2F",
        200,
        {"access_token": "a"},
        {"access_token": "a"},
    ),
    # names
    (
        lambda c: c.get_usernames(["1d7c"]),
        "POST /account/v1.0/user_catalogs",
        {"uuids": ["1d7c"]},
        200,
        {"uuid_catalog": {"1d7c": "ada"}, "displayname_catalog": {}},
        {"1d7c": "ada"},
    ),
    (
        lambda c: c.get_uuid("ada"),
        "POST /account/v1.0/user_catalogs",
        {"displaynames": ["ada"]},
        200,
        {"displayname_catalog": {"ada": "1d7c"}},
        "1d7c",
    ),
    (
        lambda c: c.service_get_username("1d7c"),
        "POST /account/v1.0/service/user_catalogs",
        {"uuids": ["1d7c"]},
        200,
        {"uuid_catalog": {"1d7c": "ada"}},
        "ada",
    ),
    (
        lambda c: c.service_get_uuids(["ada", "x"]),
        "POST /account/v1.0/service/user_catalogs",
        {"displaynames": ["ada", "x"]},
        200,
        {"displayname_catalog": {"ada": "1d7c"}},
        {"ada": "1d7c"},
    ),
    # quotas of others
    (lambda c: c.service_get_quotas(), "GET /account/v1.0/service_quotas", NOTHING, 200, {}, {}),
    (
        lambda c: c.service_get_quotas(user="a,b", project="p"),
        "GET /account/v1.0/service_quotas?user=a%2Cb&project=p",
        NOTHING,
        200,
        {},
        {},
    ),
    (
        lambda c: c.service_get_quotas(project_id="p"),
        "GET /account/v1.0/service_quotas?project=p",
        NOTHING,
        200,
        {},
        {},
    ),
    (
        lambda c: c.service_get_project_quotas(project_id="p"),
        "GET /account/v1.0/service_project_quotas?project=p",
        NOTHING,
        200,
        {},
        {},
    ),
    (
        lambda c: c.service_get_project_quotas(project="q"),
        "GET /account/v1.0/service_project_quotas?project=q",
        NOTHING,
        200,
        {},
        {},
    ),
    # commissions
    (lambda c: c.get_pending_commissions(), "GET /account/v1.0/commissions", NOTHING, 200, [12, 15], [12, 15]),
    (
        lambda c: c.get_commission_info(57),
        "GET /account/v1.0/commissions/57",
        NOTHING,
        200,
        {"serial": 57},
        {"serial": 57},
    ),
    (lambda c: c.accept_commission(57), "POST /account/v1.0/commissions/57/action", {"accept": ""}, 200, b"", None),
    (lambda c: c.reject_commission(57), "POST /account/v1.0/commissions/57/action", {"reject": ""}, 200, b"", None),
    (
        lambda c: c.commission_action(57, action="accept"),
        "POST /account/v1.0/commissions/57/action",
        {"accept": ""},
        200,
        b"",
        None,
    ),
    (
        lambda c: c.resolve_commissions([1], reject_serials=iter([2, 3])),
        "POST /account/v1.0/commissions/action",
        {"accept": [1], "reject": [2, 3]},
        200,
        {"accepted": [1], "rejected": [2], "failed": []},
        {"accepted": [1], "rejected": [2], "failed": []},
    ),
    (
        lambda c: c.issue_one_commission("u", {("p", "r"): 2}),
        "POST /account/v1.0/commissions",
        commission(PROVISIONS),
        201,
        {"serial": 57},
        57,
    ),
    (
        lambda c: c.issue_one_commission("u", {("p", "r"): 2}, name="n", force=True, auto_accept=True),
        "POST /account/v1.0/commissions",
        commission(PROVISIONS, "n", True, True),
        201,
        {"serial": 57},
        57,
    ),
    (
        lambda c: c.issue_commission_generic(
            {("u", "p", "r"): 2}, {("p", "r"): 2}, name="n", force=True, auto_accept=True
        ),
        "POST /account/v1.0/commissions",
        commission(PROVISIONS, "n", True, True),
        201,
        {"serial": 57},
        57,
    ),
    (
        lambda c: c.issue_resource_reassignment("u", {("o", "p", "r"): 2}, name="n", force=True, auto_accept=True),
        "POST /account/v1.0/commissions",
        commission(
            [
                {"holder": "user:u", "source": "project:o", "resource": "r", "quantity": -2},
                {"holder": "project:o", "source": None, "resource": "r", "quantity": -2},
                *PROVISIONS,
            ],
            "n",
            True,
            True,
        ),
        201,
        {"serial": 57},
        57,
    ),
    # projects
    (lambda c: c.get_projects(), "GET /account/v1.0/projects", NOTHING, 200, [PROJECT], [PROJECT]),
    (
        lambda c: c.get_projects(name="n", state="active", owner="o", mode="member"),
        "GET /account/v1.0/projects?name=n&state=active&owner=o&mode=member",
        NOTHING,
        200,
        [],
        [],
    ),
    (lambda c: c.get_project("b0a7"), "GET /account/v1.0/projects/b0a7", NOTHING, 200, PROJECT, PROJECT),
    (
        lambda c: c.create_project({"name": "n"}),
        "POST /account/v1.0/projects",
        {"name": "n"},
        201,
        {"id": "b0a7", "application": 41},
        {"id": "b0a7", "application": 41},
    ),
    (
        lambda c: c.modify_project("b0a7", specs={"private": True}),
        "PUT /account/v1.0/projects/b0a7",
        {"private": True},
        201,
        {"id": "b0a7"},
        {"id": "b0a7"},
    ),
    (
        lambda c: c.project_action("b0a7", "suspend", reason="why"),
        "POST /account/v1.0/projects/b0a7/action",
        {"suspend": {"reason": "why"}},
        200,
        b"",
        None,
    ),
    (
        lambda c: c.application_action("b0a7", "41", "approve", reason="why"),
        "POST /account/v1.0/projects/b0a7/action",
        {"approve": {"reason": "why", "app_id": 41}},
        200,
        b"",
        None,
    ),
    # memberships
    (lambda c: c.get_memberships(), "GET /account/v1.0/projects/memberships", NOTHING, 200, [], []),
    (
        lambda c: c.get_memberships(project_id="p"),
        "GET /account/v1.0/projects/memberships?project=p",
        NOTHING,
        200,
        [],
        [],
    ),
    (
        lambda c: c.get_memberships(project="q"),
        "GET /account/v1.0/projects/memberships?project=q",
        NOTHING,
        200,
        [],
        [],
    ),
    (lambda c: c.get_membership(5), "GET /account/v1.0/projects/memberships/5", NOTHING, 200, {"id": 5}, {"id": 5}),
    (
        lambda c: c.membership_action(5, "leave"),
        "POST /account/v1.0/projects/memberships/5/action",
        {"leave": ""},
        200,
        b"",
        None,
    ),
    (
        lambda c: c.membership_action(5, "accept", reason="why"),
        "POST /account/v1.0/projects/memberships/5/action",
        {"accept": "why"},
        200,
        b"",
        None,
    ),
    (
        lambda c: c.join_project("p"),
        "POST /account/v1.0/projects/memberships",
        {"join": {"project": "p"}},
        200,
        {"id": 5},
        {"id": 5},
    ),
    (
        lambda c: c.enroll_member("p", "ada@example.org"),
        "POST /account/v1.0/projects/memberships",
        {"enroll": {"project": "p", "user": "ada@example.org"}},
        200,
        {"id": 5},
        {"id": 5},
    ),
]


@pytest.mark.parametrize(("call", "line", "body", "status", "reply", "result"), ROWS, ids=[row[1] for row in ROWS])
def test_calls(call: Any, line: str, body: Any, status: int, reply: Any, result: Any) -> None:
    assert plays(call, exchange(line, body, status, reply)) == result


def test_where_the_token_goes_and_where_not() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    basic = {"X-Auth-Token": None, "Authorization": "Basic aWQ6c2VjcmV0", **form}
    sent = exchange("POST /oauth2/token/", b"grant_type=g", reply={}, headers=basic)
    plays(lambda c: c.get_token("g", "id", "secret"), sent)
    plays(lambda c: c.get_services(), exchange("GET /ui/get_services", reply=[], headers={"X-Auth-Token": None}))
    path = "/identity/v2.0/tokens/short"
    plays(lambda c: c.validate_token("short"), exchange(f"GET {path}", reply={}, headers={"X-Auth-Token": None}))
    sent = exchange("GET /account/v1.0/quotas", reply={}, headers={"X-Auth-Token": TOKEN})
    plays(lambda c: c.get_quotas(), sent)
    feedback = exchange("POST /account/v1.0/feedback", b"feedback_msg=m&feedback_data=d", headers=form)
    plays(lambda c: c.send_feedback("m", "d"), feedback)


def test_what_is_learnt_of_the_catalog_is_kept() -> None:
    with identity(*[exchange("GET /account/v1.0/quotas", reply={})] * 3) as (url, session, _):
        client = AstakosClient(url, TOKEN, session=session)
        client.authenticate()
        for _ in range(3):
            client.get_quotas()
        assert session.counters.requests == 4
