"""`pithosfs file mkdir|delete`."""

from __future__ import annotations

from typing import Any

from fixtures.cli import Cli
from fixtures.clouds import User

from pithosfs.store import ObjectPath


def put(user: User, name: str, data: bytes = b"x", content_type: str = "text/plain", **settings: Any) -> None:
    settings = {"meta": {}, "base": None, **settings}
    user.store.put_object(ObjectPath(user.uuid, "pithos", name), data, content_type=content_type, **settings)


def names(cli: Cli, *arguments: str) -> list[str]:
    return [one["name"] for one in cli.ok("file", "list", "-j", *arguments).json]


# mkdir ----------------------------------------------------------------------------------------------------------------


def test_mkdir(cli: Cli) -> None:
    cli.ok("file", "mkdir", "dir", "dir/sub/")
    assert [(one["name"], one["type"]) for one in cli.ok("file", "list", "-r", "-j").json] == [
        ("dir", "folder"),
        ("dir/sub", "folder"),
    ]
    assert cli("file", "mkdir", "dir").code == 5
    assert cli("file", "mkdir", "/pithos").code == 2
    assert cli("file", "mkdir", "/nowhere/dir").code == 3
