"""What the suite of the identity service shares: the server of the command line, or a local cloud and users of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from conformance.identity.site import Person, Site
from conformance.wire import Wire

VERSIONED = re.compile(r"/v[0-9]+(\.[0-9]+)?$")


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The identity service that the suite is held against; what the suite made there is ended at the end."""
    option = request.config.getoption
    base = option("--base-url")
    tokens = {"me": option("--token"), "other": option("--token2"), "admin": option("--admin-token")}
    services = {"service": option("--service-token"), "service2": option("--service-token2")}
    if base is None:
        cloud = request.getfixturevalue("cloud")
        base = cloud.url
        tokens = {who: cloud.user(f"identity-{who}@example.org").token for who in ("me", "other")}
        tokens["admin"] = cloud.admin
        services = {"service": cloud.service_token("cyclades"), "service2": cloud.service_token("pithos")}
    elif None in (tokens["me"], tokens["other"]):
        pytest.fail("--base-url needs the tokens of two users: --token and --token2")
    wire = Wire()
    identity = base.rstrip("/")
    identity = identity if VERSIONED.search(identity) else f"{identity}/v2.0"
    people: dict[str, Person] = {}
    account = ""
    for who, token in tokens.items():
        if token is not None:
            access = _access(wire, identity, token)
            account = account or _account(access)
            people[who] = Person(access["user"]["id"], "", token)
    found = Site(identity, account, wire, people, {who: token for who, token in services.items() if token})
    names = found.do("/user_catalogs", {"uuids": [one.id for one in people.values()]})["uuid_catalog"]
    found.people = {who: Person(one.id, names[one.id], one.token) for who, one in people.items()}
    yield found
    try:
        left = found.clean()
    finally:
        wire.close()
    if left and request.session.testsfailed == 0:
        pytest.fail(f"left behind on {found.account}: {', '.join(left)}")


@pytest.fixture(autouse=True)
def _nothing_pending(site: Site) -> Iterator[None]:
    yield
    site.settle()


def _access(wire: Wire, identity: str, token: str) -> Any:
    body = json.dumps({"auth": {"token": {"id": token}}}).encode()
    try:
        answer = wire.send("POST", f"{identity}/tokens", {"Content-Type": "application/json"}, body)
    except OSError as failure:
        pytest.fail(f"{identity}: {failure}")
    if answer.status != 200:
        pytest.fail(f"{identity} is no identity service that takes the tokens: {answer}")
    return answer.json()["access"]


def _account(access: Any) -> str:
    for service in access["serviceCatalog"]:
        if service["type"] == "account":
            url = str(service["endpoints"][0]["publicURL"]).rstrip("/")
            return url if VERSIONED.search(url) else f"{url}/v1.0"
    pytest.fail("the catalog has no account service")
