"""What only the platform does: suspending members, ending projects, deactivating users (identity.md 8.7, 9.2, 10.1)."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from fixtures.projects import Account, project_for
from fixtures.waiting import eventually
from localcloud.identity.conftest import open_cloud

from pithosfs.localcloud import process
from pithosfs.localcloud.database import connect
from pithosfs.localcloud.holdings import refresh

VM = "cyclades.vm"


def project(cloud: Any, *members: Account, **terms: object) -> str:
    return project_for(cloud.url, cloud.admin.token, [one.token for one in members], {VM: (5, 3)}, **terms)


def suspend(cloud: Any, ident: str, user: str) -> int:
    """Suspend a member, as only the platform does; returns the membership's id."""
    connection = connect(cloud.data / "cloud.sqlite3")
    try:
        connection.execute("BEGIN IMMEDIATE")
        (number,) = connection.execute(
            "UPDATE memberships SET state = 'suspended' WHERE project = ? AND user = ? RETURNING id", (ident, user)
        ).fetchall()[0]
        refresh(connection, ident, user)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return int(number)


SUSPENDED = [
    ("join", "bob", {"auto": None, "moderated": None, "closed": None}),
    ("enroll", "ada", {"auto": None, "moderated": None, "closed": None}),
    ("accept", "ada", {"auto": None, "moderated": None, "closed": None}),
    ("reject", "ada", {"auto": None, "moderated": None, "closed": None}),
    ("cancel", "bob", {"auto": None, "moderated": None, "closed": None}),
    ("leave", "bob", {"auto": "removed", "moderated": "leave_requested", "closed": None}),
    ("remove", "ada", {"auto": "removed", "moderated": "removed", "closed": None}),
]
CELLS = [(action, who, policy, after[policy]) for action, who, after in SUSPENDED for policy in after]


@pytest.mark.parametrize(("action", "who", "policy", "after"), CELLS, ids=[f"{a}-{p}" for a, _, p, _ in CELLS])
def test_suspended_memberships(cloud: Any, action: str, who: str, policy: str, after: str | None) -> None:
    """The row `suspended` of the table of memberships (states.py), which no request leads to."""
    ident = project(cloud, cloud.ada, cloud.bob, leave_policy=policy)
    number = suspend(cloud, ident, cloud.ids["bob"])
    person: Account = getattr(cloud, who)
    if action in ("join", "enroll"):
        body = {"join": {"project": ident}} if action == "join" else {"enroll": {"project": ident, "user": "bob"}}
        answer = person.ask("POST", "/projects/memberships", body)
    else:
        answer = person.ask("POST", f"/projects/memberships/{number}/action", {action: ""})
    shown = cloud.bob.do("GET", f"/projects/memberships/{number}")
    if after is None:
        assert answer.status_code == 409
        assert list(answer.json()) == ["conflict"]
        assert shown["state"] == "suspended"
    else:
        assert answer.status_code == 200
        assert shown["state"] == after


def test_suspended_members_see_the_project_and_use_nothing(cloud: Any) -> None:
    ident = project(cloud, cloud.ada, cloud.bob, private=True)
    suspend(cloud, ident, cloud.ids["bob"])
    assert cloud.bob.do("GET", f"/projects/{ident}")["name"]
    assert ident in {one["id"] for one in cloud.bob.do("GET", "/projects")}
    assert ident not in {one["id"] for one in cloud.bob.do("GET", "/projects?mode=member")}
    assert ident not in cloud.bob.do("GET", "/quotas")
    provision = {"holder": f"user:{cloud.ids['bob']}", "source": f"project:{ident}", "resource": VM, "quantity": 1}
    answer = cloud.service.ask("POST", "/commissions", {"provisions": [provision]})
    assert answer.status_code == 413
    assert answer.json()["overLimit"]["data"]["limit"] == 0


# the end of a project -------------------------------------------------------------------------------------------------


def test_a_project_ends_with_its_time(tmp_path: Path) -> None:
    """The server looks when it starts, and every minute."""
    cloud = open_cloud(tmp_path / "data")
    try:
        active, suspended, lasting = (project(cloud, cloud.ada) for _ in range(3))
        cloud.ada.do("POST", "/myaccount/default_project", {"project_id": active})
        cloud.admin.do("POST", f"/projects/{suspended}/action", {"suspend": {}})
        process.stop(cloud.data)
        now = time.time_ns() // 1000
        cloud.sql("UPDATE projects SET ends = ? WHERE uuid IN (?, ?)", now - 1, active, suspended)
        process.start(cloud.data)
        eventually(lambda: cloud.ada.do("GET", f"/projects/{active}")["state"] == "terminated")
        shown = {ident: cloud.ada.do("GET", f"/projects/{ident}") for ident in (active, suspended, lasting)}
        assert [one["state"] for one in shown.values()] == ["terminated", "terminated", "active"]
        assert shown[active]["deactivation_date"]
        assert cloud.ada.do("GET", "/quotas")[active][VM]["limit"] == 0
        assert tenant(cloud, cloud.ada) == cloud.ids["ada"]
        assert "has come to its end" in (cloud.data / "server.log").read_text()
    finally:
        process.stop(cloud.data)


def tenant(cloud: Any, account: Account) -> str:
    """The default project that a token shows."""
    body = {"auth": {"token": {"id": account.token}}}
    access = requests.post(f"{cloud.url}/identity/v2.0/tokens", json=body, timeout=60).json()["access"]
    return str(access["token"]["tenant"]["id"])


@pytest.mark.parametrize("field", ["start_date", "end_date"])
@pytest.mark.parametrize("date", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_dates_that_cannot_be_shown(cloud: Any, field: str, date: str) -> None:
    """In the year 10000, or before the first, once they are in UTC."""
    terms = {"name": "dates.example.org", "end_date": "2099-01-01T00:00:00+00:00", field: date}
    answer = cloud.ada.ask("POST", "/projects", terms)
    assert (answer.status_code, list(answer.json())) == (400, ["badRequest"])


def test_the_last_date_of_all(cloud: Any) -> None:
    terms = {"name": "dates.example.org", "end_date": "9999-12-31T23:59:59.999999+00:00"}
    made = cloud.ada.do("POST", "/projects", terms)
    assert cloud.ada.do("GET", f"/projects/{made['id']}")["end_date"] == terms["end_date"]
    cloud.ada.do("POST", f"/projects/{made['id']}/action", {"cancel": {"app_id": made["application"]}})


# users ----------------------------------------------------------------------------------------------------------------

_NUMBERS = itertools.count(1)


def new_user(cloud: Any) -> tuple[str, str, Account]:
    """A user made by an administrator: name, id, and who they are."""
    name = f"new-{next(_NUMBERS)}@example.org"
    made = users(cloud, "POST", "", {"user": {"username": name, "first_name": "New", "last_name": "User"}})["user"]
    assert made["password"] is None
    return name, made["id"], Account(cloud.url, made["auth_token"])


def users(cloud: Any, method: str, path: str, value: object = None, status: int = 200) -> Any:
    answer = requests.request(
        method,
        f"{cloud.url}/identity/v2.0/users{path}",
        headers={"X-Auth-Token": cloud.admin.token},
        json=value,
        timeout=60,
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def test_users_that_an_administrator_makes(cloud: Any) -> None:
    name, ident, account = new_user(cloud)
    assert account.do("POST", "/user_catalogs", {"uuids": [ident]})["uuid_catalog"] == {ident: name}
    assert ident in account.do("GET", "/quotas")
    shown = users(cloud, "GET", f"/{ident}")["user"]
    assert (shown["email"], shown["first_name"], shown["last_name"]) == (name, "New", "User")
    assert (shown["roles"], shown["is_active"]) == (["default"], True)
    changed = users(cloud, "PUT", f"/{ident}", {"user": {"username": f"x{name}", "last_name": "Name"}})["user"]
    assert (changed["email"], changed["first_name"], changed["last_name"]) == (f"x{name}", "New", "Name")
    assert account.do("POST", "/user_catalogs", {"uuids": [ident]})["uuid_catalog"] == {ident: f"x{name}"}
    for body in ({"user": {"username": "a,b"}}, {"user": {"username": "a@example.org", "password": "x"}}):
        users(cloud, "POST", "", body, 400)
    users(cloud, "POST", "", {"user": {"username": f"X{name.upper()}"}}, 409)


def test_deactivated_users(cloud: Any) -> None:
    name, ident, account = new_user(cloud)
    shared = project(cloud, cloud.ada, join_policy="moderated")
    number = account.do("POST", "/projects/memberships", {"join": {"project": shared}})["id"]
    users(cloud, "POST", f"/{ident}/action", {"deactivate": {"reason": "a test"}})
    assert account.ask("GET", "/quotas").status_code == 401
    assert users(cloud, "GET", f"/{ident}")["user"]["deactivated_reason"] == "a test"
    assert cloud.ada.ask("POST", f"/projects/memberships/{number}/action", {"accept": ""}).status_code == 409
    body = {"enroll": {"project": shared, "user": name}}
    assert cloud.ada.ask("POST", "/projects/memberships", body).status_code == 409
    terms = {"name": "owned.example.org", "end_date": "2099-01-01T00:00:00+00:00", "owner": ident}
    assert cloud.ada.ask("POST", "/projects", terms).status_code == 400
    users(cloud, "POST", f"/{ident}/action", {"activate": {}})
    assert account.ask("GET", "/quotas").status_code == 200
    assert users(cloud, "GET", f"/{ident}")["user"]["deactivated_reason"] is None
    assert cloud.ada.ask("POST", f"/projects/memberships/{number}/action", {"accept": ""}).status_code == 200


def test_new_tokens_end_the_old_ones(cloud: Any) -> None:
    _, ident, account = new_user(cloud)
    made = users(cloud, "POST", f"/{ident}/action", {"renewToken": {}})["user"]
    assert made["id"] == ident
    assert account.ask("GET", "/quotas").status_code == 401
    assert Account(cloud.url, made["auth_token"]).ask("GET", "/quotas").status_code == 200


def test_the_default_project_of_another_user(cloud: Any) -> None:
    _, ident, account = new_user(cloud)
    shared = project(cloud, cloud.ada, account)
    users(cloud, "POST", f"/{ident}/action", {"setDefaultProject": {"project_id": shared}})
    assert tenant(cloud, account) == shared
    users(cloud, "POST", f"/{ident}/action", {"setDefaultProject": {}}, 400)
    users(cloud, "POST", f"/{ident}/action", {"setDefaultProject": {"project_id": "nonsense"}}, 404)


def test_feedback_is_in_the_log(cloud: Any) -> None:
    headers = {"X-Auth-Token": cloud.ada.token}
    url = f"{cloud.url}/account/v1.0/feedback"
    for form in ({"data": {"feedback_msg": "plain\nform"}}, {"files": {"feedback_msg": (None, "form in parts")}}):
        assert requests.post(url, headers=headers, timeout=60, **form).status_code == 200  # type: ignore[arg-type]
    log = (cloud.data / "server.log").read_text()
    assert "feedback of ada: 'plain\\nform'" in log
    assert "feedback of ada: 'form in parts'" in log
