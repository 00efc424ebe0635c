"""What the identity clients make of errors, and what of all that they log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fixtures.exchanges import NOTHING, TOKEN, exchange
from fixtures.identity_service import PROVISIONS, commission, identity, plays

from pithosfs import errors
from pithosfs.clients import astakos
from pithosfs.clients.astakos import AstakosClient, CachedAstakosClient, LoggedAstakosClient

# errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "ours"),
    [
        (400, astakos.BadRequest, errors.BadRequest),
        (401, astakos.Unauthorized, errors.NotLoggedIn),
        (403, astakos.Forbidden, errors.NotAllowed),
        (404, astakos.NotFound, errors.NotFound),
        (409, astakos.AstakosClientError, errors.ClientError),
        (413, astakos.QuotaLimit, errors.QuotaExceeded),
        (500, astakos.AstakosClientError, errors.ClientError),
    ],
)
def test_errors_are_of_two_trees(status: int, kind: type[Exception], ours: type[Exception]) -> None:
    fault = {"whatever": {"code": status, "message": "so it is", "details": "d"}}
    with pytest.raises(kind, match="so it is") as caught:
        plays(lambda c: c.get_quotas(), exchange("GET /account/v1.0/quotas", status=status, reply=fault))
    assert isinstance(caught.value, ours)
    assert isinstance(caught.value, astakos.AstakosClientException)
    assert (caught.value.status, caught.value.details) == (status, "d")


def over_limit(name: str, **more: Any) -> dict[str, Any]:
    provision = {
        "holder": "user:u",
        "source": "project:p",
        "resource": "cyclades.vm",
        "quantity": more.pop("quantity", 3),
    }
    return {"overLimit": {"code": 413, "message": "m", "data": {"name": name, "provision": provision, **more}}}


@pytest.mark.parametrize(
    ("status", "fault", "kind", "words"),
    [
        (413, over_limit("NoCapacityError", limit=4, usage=2), astakos.QuotaLimit, "available 2, requested 3"),
        (413, over_limit("NoQuantityError", limit=0, usage=2, quantity=-3), astakos.QuotaLimit, "give back 3"),
        (404, over_limit("NoHoldingError"), astakos.NotFound, "user:u holds nothing of cyclades.vm"),
        (413, {"overLimit": {"code": 413, "message": "m", "details": "[]"}}, astakos.QuotaLimit, "m"),
    ],
)
def test_a_refused_commission_says_how_much_there_is(status: int, fault: Any, kind: Any, words: str) -> None:
    sent = exchange("POST /account/v1.0/commissions", commission(PROVISIONS), status, fault)
    with pytest.raises(kind, match=words) as caught:
        plays(lambda c: c.issue_one_commission("u", {("p", "r"): 2}), sent)
    assert ("pithosfs quota list" in caught.value.hint) is (status == 413)


@pytest.mark.parametrize(
    ("call", "line", "body", "reply"),
    [
        (lambda c: c.get_quotas(), "GET /account/v1.0/quotas", NOTHING, []),
        (lambda c: c.get_quotas(), "GET /account/v1.0/quotas", NOTHING, b"<html>"),
        (lambda c: c.get_projects(), "GET /account/v1.0/projects", NOTHING, {}),
        (lambda c: c.get_usernames([]), "POST /account/v1.0/user_catalogs", {"uuids": []}, {}),
        (lambda c: c.issue_one_commission("u", {}), "POST /account/v1.0/commissions", commission([]), {"serial": "x"}),
    ],
)
def test_answers_of_another_shape(call: Any, line: str, body: Any, reply: Any) -> None:
    with pytest.raises(astakos.InvalidResponse) as caught:
        plays(call, exchange(line, body, 200, reply))
    assert isinstance(caught.value, errors.BadReply)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.mk_provisions("u", "p", "r", 1.5),
        lambda c: c.mk_provisions("u", "p", "r", True),
        lambda c: c.issue_one_commission("u", {"r": 1}),
        lambda c: c.issue_commission_generic({("p", "r"): 1}, {}),
        lambda c: c.issue_resource_reassignment("u", {("p", "r"): 1}),
    ],
)
def test_quantities_that_are_none(call: Any) -> None:
    with pytest.raises(astakos.BadValue):
        call(AstakosClient("http://127.0.0.1:1", TOKEN))


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.get_project(""),
        lambda c: c.get_membership(""),
        lambda c: c.get_commission_info(None),
        lambda c: c.commission_action(None, "accept"),
        lambda c: c.project_action("", "suspend"),
    ],
)
def test_an_empty_id_never_means_the_whole_list(call: Any) -> None:
    with identity() as (url, session, _), pytest.raises(astakos.BadValue):
        call(AstakosClient(url, TOKEN, session=session))


def test_a_service_that_is_not_there() -> None:
    with pytest.raises(astakos.NoEndpoints, match="'volume'") as caught:
        plays(lambda c: c.get_endpoint_url("volume"))
    assert "account, astakos_auth" in caught.value.hint
    assert "volume_type" in caught.value.hint
    with identity() as (url, session, _), pytest.raises(astakos.NoEndpoints):
        CachedAstakosClient(url, TOKEN, session=session).get_endpoint_url("account", "v9")


def test_what_older_programs_say_of_connections() -> None:
    client = AstakosClient("http://127.0.0.1:1", TOKEN, 0, True, 4)
    with client, pytest.raises(errors.NoConnection):
        client.authenticate()
    logger = logging.getLogger("mine")
    assert AstakosClient("http://127.0.0.1:1", TOKEN, logger=logger).logger is logger


# logs ---------------------------------------------------------------------------------------------------------------

SECRETS = [TOKEN, "short-lived-secret", "client-secret", "one-time-code"]


def logged(caplog: pytest.LogCaptureFixture, data: bool, token: bool) -> str:
    """Everything that any log says of some calls with secrets in them."""

    class Client(LoggedAstakosClient):
        LOG_DATA = data
        LOG_TOKEN = token

    answers = [
        exchange("GET /account/v1.0/quotas", reply={"p": {"echo": TOKEN, "auth_token": "short-lived-secret"}}),
        exchange(
            "POST /oauth2/token/", b"grant_type=g&code=one-time-code", reply={"access_token": "short-lived-secret"}
        ),
        exchange(
            "GET /identity/v2.0/tokens/short-lived-secret", reply={"access": {"token": {"id": "short-lived-secret"}}}
        ),
        exchange("GET /account/v1.0/resources", status=500, reply={"fault": {"message": f"no {TOKEN}"}}),
        exchange("GET /ui/get_services", reply=b"<html>"),
    ]
    with caplog.at_level(logging.DEBUG), identity(*answers) as (url, session, _):
        client = Client(url, TOKEN, session=session)
        client.authenticate()
        client.get_quotas()
        client.get_token("g", "id", "client-secret", code="one-time-code")
        client.validate_token("short-lived-secret")
        with pytest.raises(errors.ClientError):
            client.get_resources()
        with pytest.raises(errors.BadReply):
            client.get_services()
    return "\n".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("data", "token"), [(False, False), (True, False), (False, True), (True, True)])
def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture, data: bool, token: bool) -> None:
    text = logged(caplog, data, token)
    assert [secret for secret in SECRETS if secret in text] == []
    assert "> GET http://127.0.0.1" in text
    assert "/account/v1.0/quotas" in text
    assert "< 200" in text
    assert ('"echo": "***"' in text) is data
    assert ("<html>" in text) is data
    assert (f"X-Auth-Token: {TOKEN[:4]}…" in text) is token


def test_nothing_is_logged_when_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), identity() as (url, session, _):
        LoggedAstakosClient(url, TOKEN, session=session).authenticate()
    assert caplog.text == ""
    with caplog.at_level(logging.DEBUG, "pithosfs.clients.astakos"), identity() as (url, session, _):
        LoggedAstakosClient(url, TOKEN, session=session).authenticate()
    assert "> POST" in caplog.text
