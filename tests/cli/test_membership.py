"""`pithosfs project` and `membership` on a terminal, with names for ids, and completed."""

from __future__ import annotations

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User
from fixtures.identity_world import Circle, Matters
from fixtures.invoker import Invoker


@pytest.fixture
def matters(cloud: TestCloud, owner: User, cli: Cli) -> Matters:
    return Matters(Circle(cloud, owner, cloud.user("friend"), cli.cwd), 0)


def test_leaving_is_asked_about(cli: Cli, matters: Matters) -> None:
    ident, name = matters["own_membership"], matters["open_name"]
    run = cli.terminal("membership", "leave", name)
    run.expect_exact(f"Leave the membership {name} ({ident})? [y/N]: ")
    run.sendline("n")
    shown, code = finish(run)
    assert (code, "nothing was done" in shown) == (1, True)
    assert matters.of_membership("own_membership")["state"] == "accepted"
    assert f"Would leave the membership {name} ({ident})" in cli.ok("membership", "leave", name, "--dry-run").out
    run = cli.terminal("membership", "leave", name)
    run.expect_exact("[y/N]: ")
    run.sendline("y")
    assert finish(run)[1] == 0
    assert matters.of_membership("own_membership")["state"] == "removed"


def test_dropping_a_token_and_terminating_are_asked_about(cli: Cli, matters: Matters, owner: User) -> None:
    cli.ok("user", "add", "--token", matters["friend_token"])
    run = cli.terminal("user", "delete", "--user", matters["friend_name"])
    run.expect_exact(f"Drop the token of {matters['friend_name']} from the cloud 'test'? [y/N]: ")
    run.sendline("y")
    assert finish(run)[1] == 0
    assert cli.ok("config", "get", "cloud.test.token", "--show-secrets").out.split() == [owner.token]
    admin = matters["admin"].split()
    run = cli.terminal("project", "terminate", matters["project_name"], *admin)
    run.expect_exact(f"Terminate the project {matters['project_name']} ({matters['project']})? [y/N]: ")
    run.sendline("n")
    assert finish(run)[1] == 1
    assert matters.of_project()["state"] == "active"


def test_names_for_ids(program: Invoker, matters: Matters) -> None:
    ident = int(matters["membership"])
    called = f"{matters['project_name']}/{matters['friend_name']}"
    assert program.ok("membership", "info", called, "-j").json["id"] == ident
    assert program.ok("membership", "info", called.upper(), "-j").json["id"] == ident
    assert program.ok("membership", "info", f"{matters['project_name']}/", "-j").json["id"] == ident
    assert program.ok("project", "info", matters["project"][:8], "-j").json["name"] == matters["project_name"]
    assert program.ok("project", "info", "personal", "-j").json["id"] == matters["owner"]


def test_a_name_that_has_gone_on_to_another_project(program: Invoker, matters: Matters) -> None:
    name = matters["project_name"]
    matters.world.admin.do("POST", f"/projects/{matters['project']}/action", {"terminate": {"reason": ""}})
    assert program.ok("project", "info", name, "-j").json["state"] == "terminated"
    made = matters.world.apply(matters.world.me, name=name)
    assert program.ok("project", "info", name, "-j").json["id"] == made["id"]


def test_completion(cli: Cli, matters: Matters) -> None:
    name, _ = matters["project_name"], matters["membership"]
    cli.ok("project", "list")
    cli.ok("membership", "list")
    assert cli.complete("project", "info", name[:-4]) == [name]
    assert cli.complete("quota", "list", "--project-id", "pers") == ["personal"]
    assert cli.complete("membership", "remove", name) == [f"{name}/{matters['friend_name']}"]
    assert cli.complete("config", "get", "cloud.test.u") == ["cloud.test.url"]
    assert "history" in " ".join(cli.complete("config", "set", "global."))
