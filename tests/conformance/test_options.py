"""The options of the command line lead to a server, or say what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conformance.server import NoServer, Server

HERE = Path(__file__).parent
# The inner runs are runs of their own, also when this one is spread over several processes.
ALONE = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.fixture
def users(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A local cloud and two of its users: here the options are looked at, not the server that they name."""
    if request.config.getoption("--base-url") is not None:
        pytest.skip("this run is held against a server of its own")
    cloud = request.getfixturevalue("cloud")
    made = [cloud.user("options"), cloud.user("options")]
    yield cloud, *made
    assert [[one.name for one in user.store.containers()] for user in made] == [["pithos"], ["pithos"]]


@pytest.mark.parametrize("start", [HERE, HERE.parent.parent])
def test_a_run_by_options_alone(users: Any, start: Path) -> None:
    """pytest in a process of its own, from the suite's folder and from the root."""
    cloud, one, two = users
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    command += ["--base-url", cloud.url, "--token", one.token, "--token2", two.token, str(HERE / "test_auth.py")]
    run = subprocess.run(command, cwd=start, capture_output=True, text=True, timeout=120, check=False, env=ALONE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"\d\d passed", run.stdout), run.stdout


def test_a_run_with_one_token_says_what_is_missing(users: Any) -> None:
    cloud, one, _ = users
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--base-url", cloud.url]
    command += ["--token", one.token, "-k", "2-token-in-the-header", str(HERE / "test_auth.py")]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120, check=False, env=ALONE)
    assert run.returncode == 1
    assert "--token2" in run.stdout


def _found(users: Any, base: str, identity: str | None = None, *ids: str | None) -> Server:
    _, one, two = users
    accounts = (ids[0], ids[1]) if ids else (None, None)
    server = Server.find(base, (one.token, two.token), identity, accounts)
    server.wire.close()
    return server


def test_every_form_of_the_address_leads_there(users: Any) -> None:
    """An identity URL with and without version; an object store's with its identity service beside, told, or not."""
    cloud, one, two = users
    store = f"{cloud.base}/object-store"
    found = [
        _found(users, cloud.url),
        _found(users, f"{cloud.url}/"),
        _found(users, cloud.url.removesuffix("/v2.0")),
        _found(users, f"{store}/v1"),
        _found(users, f"{store}/v1/"),
        _found(users, store),
        _found(users, store, cloud.url),
        _found(users, f"{store}/v1", None, one.uuid, two.uuid),
    ]
    assert {(server.endpoint, server.me.id, server.other.id) for server in found} == {
        (f"{store}/v1", one.uuid, two.uuid)
    }


def test_addresses_that_lead_nowhere(users: Any) -> None:
    cloud, one, two = users
    with pytest.raises(NoServer, match="--identity-url"):
        Server.find(cloud.url, (one.token, "rubbish"), None, (None, None))
    with pytest.raises(NoServer, match="--identity-url"):
        Server.find(f"{cloud.base}/elsewhere", (one.token, two.token), None, (None, None))
    with pytest.raises(NoServer, match="same user"):
        Server.find(cloud.url, (one.token, one.token), None, (None, None))
    with pytest.raises(NoServer, match="refused"):
        Server.find("http://127.0.0.1:9/identity/v2.0", (one.token, two.token), None, (None, None))


def test_a_run_cleans_up_what_its_rows_leave_behind(users: Any) -> None:
    """Containers that a row could not remove, with whatever is in them; nothing of anybody else's."""
    _, one, _ = users
    server = _found(users, users[0].url)
    for number in range(3):
        path = f"/{one.uuid}/{server.run}-left%20{number}"
        assert server.ask("PUT", path, body=b"").status == 201
        assert server.ask("PUT", f"{path}/a/b", body=b"x", Content_Type="text/plain").status == 201
    assert server.clean() == []
    server.wire.close()
