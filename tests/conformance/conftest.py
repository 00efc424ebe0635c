"""What the conformance suite shares: the server named on the command line, or a local cloud with two fresh users.

The options themselves are in tests/conftest.py, which pytest reads however it is started.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conformance.server import NoServer, Server
from conformance.services import Services, ServiceWorld
from conformance.things import LOOK_UPS, MAKERS, clean
from conformance.wire import Answer
from conformance.world import World

QUOTA = 8 * 1024**3
"""Bytes that the first user of a local cloud may hold: a limit that a short request can go over."""


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server that the suite is held against; what the suite made there is gone at the end."""
    option = request.config.getoption
    base, tokens = option("--base-url"), (option("--token"), option("--token2"))
    if base is None:
        cloud = request.getfixturevalue("cloud")
        users = [cloud.user("conformance", quota=QUOTA), cloud.user("conformance")]
        base, tokens = users[0].url, (users[0].token, users[1].token)
        cloud.project([users[0]], {"pithos.diskspace": (1000, 1000)})
    elif None in tokens:
        pytest.fail("--base-url needs the tokens of two users: --token and --token2")
    elif hasattr(request.config, "workerinput"):
        pytest.fail("rows that change the account itself cannot share it with other processes: run without -n")
    try:
        found = Server.find(base, tokens, option("--identity-url"), (option("--account"), option("--account2")))
    except NoServer as failure:
        pytest.fail(str(failure))
    yield found
    try:
        left = found.clean()
    finally:
        found.wire.close()
    if left:
        message = f"left behind on {found.endpoint}: {', '.join(left)}"
        if request.session.testsfailed == 0:
            pytest.fail(message)
        # A failure here, after others, would cost the summary of those.
        if (reporter := request.config.pluginmanager.getplugin("terminalreporter")) is not None:
            reporter.write_line(message, red=True)


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    """Where one row or one story runs."""
    made = World(server)
    yield made
    made.close()


@pytest.fixture
def kept_account(server: Server) -> Iterator[None]:
    """For tests that change the first user's account itself: its metadata and groups are put back afterwards."""
    path = f"/{server.me.id}"
    before = _account_state(server.ask("HEAD", path))
    yield
    after = _account_state(server.ask("HEAD", path))
    if after != before:
        changed = {**dict.fromkeys(after, ""), **before}
        answer = server.ask("POST", f"{path}?update", body=b"", **{k.replace("-", "_"): v for k, v in changed.items()})
        assert answer.status == 202, answer


def _account_state(answer: Answer) -> dict[str, str]:
    prefixes = ("x-account-meta-", "x-account-group-")
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith(prefixes)}


# the other services ---------------------------------------------------------------------------------------------------

LIMITS = {"cyclades.vm": 2, "cyclades.network.private": 2, "cyclades.floating_ip": 2}
"""What the second user of a local cloud may have: limits that a few requests can go over."""


@pytest.fixture(scope="session")
def services(request: pytest.FixtureRequest) -> Iterator[Services]:
    """The cloud whose compute, network, image and volume services are looked at."""
    option = request.config.getoption
    base, tokens = option("--base-url"), (option("--token"), option("--token2"))
    if base is None:
        cloud = request.getfixturevalue("cloud")
        users = [cloud.user("services"), cloud.user("services")]
        for resource, limit in LIMITS.items():
            cloud.set_limit(users[1], resource, limit)
        base, tokens = users[0].url, (users[0].token, users[1].token)
    elif None in tokens:
        pytest.fail("--base-url needs the tokens of two users: --token and --token2")
    try:
        found = Services.find(base, tokens)
    except NoServer as failure:
        pytest.fail(str(failure))
    yield found
    left = clean(found)
    found.wire.close()
    assert left == [], "left behind"


@pytest.fixture
def service_world(services: Services) -> Iterator[ServiceWorld]:
    """Where one row or one story runs."""
    made = ServiceWorld(services, LOOK_UPS, MAKERS)
    yield made
    made.close()
