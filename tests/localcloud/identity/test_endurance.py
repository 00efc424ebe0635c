"""Restarts, many at once, and requests that make no sense at all."""

from __future__ import annotations

import json
import os
import signal
import string
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from fixtures.projects import Account, project_for
from fixtures.waiting import eventually
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from localcloud.identity.conftest import open_cloud

from pithosfs.localcloud import process

VM = "cyclades.vm"


def both(user: str, project: str, quantity: int) -> list[dict[str, object]]:
    common: dict[str, object] = {"resource": VM, "quantity": quantity}
    return [
        {"holder": f"user:{user}", "source": f"project:{project}", **common},
        {"holder": f"project:{project}", "source": None, **common},
    ]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_everything_is_there_after_a_restart(tmp_path: Path, end: signal.Signals) -> None:
    cloud = open_cloud(tmp_path / "data")
    try:
        project = project_for(cloud.url, cloud.admin.token, [cloud.ada.token, cloud.bob.token], {VM: (5, 3)})
        cloud.ada.do("PUT", f"/projects/{project}", {"description": "soon"})
        cloud.ada.do("POST", "/myaccount/default_project", {"project_id": project})
        ada = cloud.ids["ada"]
        accepted = {"provisions": both(ada, project, 2), "auto_accept": True}
        cloud.service.do("POST", "/commissions", accepted)
        serial = cloud.service.do("POST", "/commissions", {"provisions": both(ada, project, 1)})["serial"]

        def state() -> list[Any]:
            return [
                cloud.ada.do("GET", f"/projects/{project}"),
                cloud.ada.do("GET", f"/projects/memberships?project={project}"),
                cloud.ada.do("GET", "/quotas"),
                cloud.service.do("GET", f"/commissions/{serial}"),
                requests.post(
                    f"{cloud.url}/identity/v2.0/tokens", json={"auth": {"token": {"id": cloud.ada.token}}}, timeout=60
                ).json()["access"]["token"]["tenant"],
            ]

        before = state()
        assert before[2][project][VM]["usage"] == 3
        pid = process.status(cloud.data).pid
        assert pid is not None
        os.kill(pid, end)
        eventually(lambda: not process.status(cloud.data).running)
        process.start(cloud.data)
        assert state() == before
        cloud.service.do("POST", f"/commissions/{serial}/action", {"reject": ""})
        assert cloud.ada.do("GET", "/quotas")[project][VM]["usage"] == 2
        assert cloud.service.do("POST", "/commissions", {"provisions": []})["serial"] > serial
    finally:
        process.stop(cloud.data)


def test_limits_hold_among_many_at_once(cloud: Any) -> None:
    """Eight at once reserve, accept, reject and give back, and join and leave; the books agree in the end."""
    project = project_for(cloud.url, cloud.admin.token, [cloud.ada.token, cloud.bob.token], {VM: (7, 5)})
    path = f"/service_project_quotas?project={project}"
    failures: list[str] = []
    left: list[dict[str, int]] = []

    def work(name: str, number: int) -> None:
        user, held = cloud.ids[name], 0
        with requests.Session() as session:
            session.headers["X-Auth-Token"] = cloud.service.token
            base = f"{cloud.url}/account/v1.0/commissions"
            for step in range(15):
                quantity = 1 if held == 0 or (step + number) % 3 else -1
                answer = session.post(base, json={"provisions": both(user, project, quantity)}, timeout=60)
                if answer.status_code == 413:
                    continue
                if answer.status_code != 201:
                    failures.append(answer.text)
                    return
                action = "reject" if step % 4 == 0 else "accept"
                serial = answer.json()["serial"]
                done = session.post(f"{base}/{serial}/action", json={action: ""}, timeout=60)
                if done.status_code != 200:
                    failures.append(done.text)
                held += quantity if action == "accept" else 0
            left.append({name: held})

    def watch() -> None:
        while not over.is_set():
            found = cloud.service.do("GET", path)[project][VM]
            if not 0 <= found["project_usage"] <= 7:
                failures.append(str(found))

    over = threading.Event()
    watcher = threading.Thread(target=watch)
    workers = [threading.Thread(target=work, args=(("ada", "bob")[n % 2], n)) for n in range(8)]
    watcher.start()
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    over.set()
    watcher.join()
    assert failures == []
    sums = {name: sum(one.get(name, 0) for one in left) for name in ("ada", "bob")}
    shown = {name: getattr(cloud, name).do("GET", "/quotas")[project][VM] for name in ("ada", "bob")}
    assert {name: one["usage"] for name, one in shown.items()} == sums
    assert {one["project_usage"] for one in shown.values()} == {sum(sums.values())}
    assert {one["pending"] for one in shown.values()} == {0}


# nonsense -------------------------------------------------------------------------------------------------------------

ROUTES = [
    ("POST", "/account/v1.0/projects"),
    ("PUT", "/account/v1.0/projects/{project}"),
    ("POST", "/account/v1.0/projects/{project}/action"),
    ("POST", "/account/v1.0/projects/memberships"),
    ("POST", "/account/v1.0/projects/memberships/{number}/action"),
    ("POST", "/account/v1.0/user_catalogs"),
    ("POST", "/account/v1.0/service/user_catalogs"),
    ("POST", "/account/v1.0/myaccount/default_project"),
    ("POST", "/account/v1.0/feedback"),
    ("POST", "/account/v1.0/commissions"),
    ("POST", "/account/v1.0/commissions/action"),
    ("POST", "/account/v1.0/commissions/{number}/action"),
    ("POST", "/identity/v2.0/tokens"),
    ("POST", "/identity/v2.0/users"),
    ("PUT", "/identity/v2.0/users/{user}"),
    ("POST", "/identity/v2.0/users/{user}/action"),
]
# `deactivate`, `terminate` and `renewToken` would end what the others are about.
KEYS = [
    "name",
    "owner",
    "homepage",
    "description",
    "comments",
    "start_date",
    "end_date",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
    "resources",
    "project_capacity",
    "member_capacity",
    "cyclades.vm",
    "join",
    "enroll",
    "project",
    "user",
    "accept",
    "reject",
    "cancel",
    "leave",
    "remove",
    "approve",
    "deny",
    "dismiss",
    "app_id",
    "suspend",
    "unsuspend",
    "reinstate",
    "reason",
    "uuids",
    "displaynames",
    "project_id",
    "provisions",
    "holder",
    "source",
    "resource",
    "quantity",
    "force",
    "auto_accept",
    "auth",
    "token",
    "id",
    "passwordCredentials",
    "username",
    "password",
    "tenantName",
    "first_name",
    "activate",
]
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), 10**400, 1e308, float("inf"), float("nan")])
    | st.text(max_size=12)
    | st.sampled_from(["auto", "moderated", "inf", "9K", "2099-01-01T00:00:00+00:00", "9999-12-31T23:59:59-14:00"])
    | st.sampled_from(
        ["0001-01-01T00:00:00+14:00", "user:{me}", "project:{me}", "{me}", "{project}", VM, "a.example.org"]
    )
    | st.sampled_from(["\ud800", "\x00", "x" * 5000])
)
BODIES = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        VALUES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=8,
    ),
    max_size=4,
)


@pytest.fixture
def standing(cloud: Any) -> str:
    """A project that all of it is about."""
    return project_for(cloud.url, cloud.admin.token, [cloud.ada.token], {VM: (5, 3)})


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(ROUTES),
    who=st.sampled_from(["ada", "admin", "service"]),
    body=BODIES,
    number=st.sampled_from(["1", "2", "3", "0", "9" * 25]),
    query=st.dictionaries(st.text(string.ascii_letters, max_size=8), st.text(max_size=8), max_size=2),
)
def test_no_request_makes_the_server_fail(
    cloud: Any, standing: str, route: tuple[str, str], who: str, body: Any, number: str, query: dict[str, str]
) -> None:
    """An answer below 500 to whatever comes, in the shape of section 1.2 when it is a refusal."""
    me = cloud.ids["ada"]
    text = json.dumps(body).replace("{me}", me).replace("{project}", standing)
    path = route[1].format(project=standing, number=number, user=cloud.ids["bob"])
    if query:
        path += "?" + "&".join(f"{quote(key)}={quote(value)}" for key, value in query.items())
    person: Account = getattr(cloud, who)
    answer = requests.request(
        route[0],
        cloud.url + path,
        data=text.encode(),
        headers={"X-Auth-Token": person.token, "Content-Type": "application/json"},
        timeout=60,
    )
    assert answer.status_code < 500, (route, text, answer.text)
    if answer.status_code >= 400 and answer.content and "xml" not in answer.headers["Content-Type"]:
        (fault,) = answer.json().values()
        assert fault["code"] == answer.status_code
