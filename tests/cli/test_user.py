"""`pithosfs user`."""

from __future__ import annotations

from fixtures.cli import Cli
from fixtures.clouds import TestCloud, User


def test_info(cli: Cli, owner: User) -> None:
    found = cli.ok("user", "info", "-j").json
    assert (found["id"], found["name"], found["used"], found["quota"]) == (owner.uuid, owner.name, 0, None)
    assert "no limit" in cli.ok("user", "info").out


def test_info_with_a_quota(bare: Cli, cloud: TestCloud) -> None:
    bare.home.add_cloud(cloud.user("limited", quota=10 * 1024 * 1024).cloud())
    bare.ok("file", "upload", "-", "x", stdin=b"12345")
    found = bare.ok("user", "info", "-j").json
    assert (found["used"], found["quota"]) == (5, 10 * 1024 * 1024)


def test_one_of_several_users(cli: Cli, cloud: TestCloud, owner: User) -> None:
    other = cloud.user("other")
    cli.ok("config", "set", "cloud.test.token", f"{owner.token} {other.token}")
    assert cli.ok("user", "info", "-j").json["id"] == owner.uuid
    assert cli.ok("user", "info", "--username", other.name, "-j").json["id"] == other.uuid
    assert cli.ok("user", "info", "--uuid", other.uuid, "-j").json["name"] == other.name
    assert cli("user", "info", "--username", "nobody").code == 3
    assert cli("user", "info", "--username", "a", "--uuid", "b").code == 2


def test_authenticate(cli: Cli, cloud: TestCloud, owner: User) -> None:
    result = cli.ok("user", "authenticate")
    assert owner.token not in result.out
    assert "object-store" in result.out
    assert owner.token in cli.ok("user", "authenticate", "--show-secrets").out
    access = cli.ok("user", "authenticate", "-j").json
    assert access["user"]["id"] == owner.uuid
    assert access["token"]["id"] == "********"
    other = cloud.user("other")
    assert cli.ok("user", "authenticate", other.token, "-j").json["user"]["id"] == other.uuid
    assert (
        cli.ok("user", "authenticate", "-", "-j", stdin=other.token.encode() + b"\n").json["user"]["id"] == other.uuid
    )
    refused = cli("user", "authenticate", "wrong")
    assert refused.code == 4
    assert "refuses this token" in refused.err
