"""`pithosfs container`."""

from __future__ import annotations

from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User


def test_create_list_info_delete(cli: Cli) -> None:
    cli.ok("container", "create", "photos", "/music")
    assert [one["name"] for one in cli.ok("container", "list", "-j").json] == ["music", "photos", "pithos"]
    found = cli.ok("container", "info", "photos", "-j").json
    assert (found["count"], found["bytes"], found["block_size"], found["block_hash"]) == (0, 0, 4194304, "sha256")
    cli.ok("container", "delete", "photos", "music", "--yes")
    assert [one["name"] for one in cli.ok("container", "list", "-j").json] == ["pithos"]


def test_policies_and_metadata(cli: Cli) -> None:
    cli.ok("container", "create", "c", "--size-limit", "10MiB", "--versioning", "none", "--meta", "colour=dark blue")
    found = cli.ok("container", "info", "c", "-j").json
    assert (found["quota"], found["versioning"], found["meta"]) == (10485760, "none", {"colour": "dark blue"})
    assert cli.ok("container", "info", "c", "--size-limit").out.split() == [
        "size",
        "limit",
        "10MiB",
        "(10485760",
        "bytes)",
    ]
    assert cli.ok("container", "info", "c", "--metadata", "-j").json == {"colour": "dark blue"}


def test_one_that_exists_is_left_as_it_is(cli: Cli) -> None:
    result = cli("container", "create", "pithos", "--versioning", "none")
    assert result.code == 5
    assert cli.ok("container", "info", "pithos", "-j").json["versioning"] == "auto"


def test_deleting_asks(cli: Cli) -> None:
    cli.ok("file", "upload", "-", "x", stdin=b"data")
    refused = cli("container", "delete", "pithos")
    assert refused.code == 5
    assert "--recursive" in refused.err
    assert cli("container", "delete", "pithos", "-r").code == 2
    run = cli.terminal("container", "delete", "pithos", "-r")
    run.expect("and the 1 objects in it")
    run.sendline("n")
    shown, code = finish(run)
    assert code == 1
    assert "nothing was done" in shown
    assert cli.ok("container", "delete", "pithos", "-r", "--dry-run").err.startswith(
        "Would delete the container pithos"
    )
    assert cli.ok("file", "cat", "x").raw == b"data"
    run = cli.terminal("container", "delete", "pithos", "-r")
    run.expect("objects in it")
    run.sendline("y")
    assert finish(run)[1] == 0
    assert cli.ok("container", "list", "-j").json == []


def test_bad_names(cli: Cli) -> None:
    assert cli("container", "info", "nothing").code == 3
    assert cli("container", "delete", "nothing", "--yes").code == 3
    assert cli("container", "create", "a/b").code == 2
    assert cli("container", "create", "c", "--size-limit", "much").code == 2


def test_selection(cli: Cli) -> None:
    cli.ok("container", "create", "alpha", "beta", "gamma")

    def names(*arguments: str) -> list[str]:
        return [one["name"] for one in cli.ok("container", "list", "-j", *arguments).json]

    assert names("-n", "2") == ["alpha", "beta"]
    assert names("--marker", "beta") == ["gamma", "pithos"]
    assert names("--name-like", "ALPH") == ["alpha"]
    assert names("--name-suffix", "a", "-n", "2") == ["alpha", "beta"]
    assert "VERSIONING" in cli.ok("container", "list", "-l").out
    cli.ok("file", "upload", "-", "/beta/x", stdin=b"")
    assert names("beta") == ["x"]


def test_somebody_elses(cli: Cli, bare: Cli, cloud: TestCloud, owner: User) -> None:
    other = cloud.user("other")
    refused = cli("container", "list", "-A", other.name)
    assert refused.code == 4
    assert "ask the owner" in refused.err
    assert cli("container", "list", "-A", "nobody at all").code == 3
    assert cli("container", "info", "pithos", "-A", other.uuid).code == 4
    cli.ok("file", "upload", "-", "for-other", "--read-permission", other.name, stdin=b"x")
    bare.ok("config", "set", "cloud.theirs.url", other.url)
    bare.ok("config", "set", "cloud.theirs.token", "-", stdin=other.token.encode())
    found = cli.ok("--cloud", "theirs", "container", "list", "-A", owner.name, "-j").json
    assert [one["name"] for one in found] == ["pithos"]
    assert cli.ok("--cloud", "theirs", "file", "cat", f"pithos://{owner.uuid}/pithos/for-other").raw == b"x"
