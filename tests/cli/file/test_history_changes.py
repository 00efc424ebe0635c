"""`pithosfs file purge` and `restore`: what was, destroyed or brought back."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents
from fixtures.homes import Home
from fixtures.invoker import Invoker

from pithosfs.store import Delivery, Sharing


def next_second() -> int:
    """Wait for the beginning of a new second, which the server's whole seconds can tell from the one before."""
    now = time.time()
    time.sleep(1.02 - now % 1)
    return int(time.time())


@dataclass(frozen=True)
class Past:
    """A user with some history; `then` is a second between its two halves."""

    program: Invoker
    own: Contents
    then: str
    first: dict[str, str]  # name → version in the first half


@pytest.fixture(scope="module")
def past(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Made once: between its halves a second must pass. Each test uses names of its own."""
    folder = tmp_path_factory.mktemp("past")
    user: User = cloud.user("past")
    own = Contents(user)
    home = Home.make(folder / "home")
    home.add_cloud(user.cloud())
    first = {
        name: own.put(name, b"first", "text/html", meta={"k": "1"}, delivery=Delivery(encoding="gzip")).version
        for name in ("kept", "changed", "deleted", "dated", "again", "purged", "gone", "asked", "until", "twice")
    }
    own.folder("tree")
    for name in ("tree/same", "tree/changed", "tree/deleted", "tree/sub/deleted", "tree/noted", "tree2/other"):
        own.put(name, b"first", meta={"k": "1"})
    own.store.delete(own.path("again"))
    then = next_second()
    own.put("again", b"second")
    for name in ("changed", "dated", "purged", "asked", "until", "twice"):
        own.put(name, b"second", meta={"k": "2", "new": "yes"})
    for name in ("deleted", "gone", "tree/deleted", "tree/sub/deleted"):
        own.store.delete(own.path(name))
    own.put("tree/changed", b"second")
    own.put("tree/added", b"second")
    own.store.update_meta(own.path("tree/noted"), {"k": "2"})
    own.put("tree2/other", b"second")
    return Past(Invoker(home, folder), own, f"@{then}", first)


# restore --------------------------------------------------------------------------------------------------------------


def test_a_version_comes_back_with_type_and_metadata(past: Past) -> None:
    own, version = past.own, past.first["changed"]
    own.share("changed", read=("*",))
    assert past.program.ok("file", "restore", "changed", "--version", version, "--dry-run").out == (
        f"Would restore version {version} of /pithos/changed\n"
    )
    assert own.read("changed") == b"second"
    past.program.ok("file", "restore", "changed", "--version", version)
    info = own.head("changed")
    assert (own.read("changed"), info.content_type, info.meta) == (b"first", "text/html", {"k": "1"})
    assert info.delivery == Delivery(encoding="gzip")
    assert own.rule("changed") == Sharing(read=("*",))
    assert len(own.versions("changed")) == 3
    assert "nothing has changed" in past.program.ok("file", "restore", "changed", "--version", version).err
    assert len(own.versions("changed")) == 3


def test_a_deleted_file_comes_back(past: Past) -> None:
    result = past.program.ok("file", "restore", "deleted", "--version", past.first["deleted"], "-j").json
    info = past.own.head("deleted")
    assert [(one["target"], one["new_version"]) for one in result] == [("/pithos/deleted", info.version)]
    assert (past.own.read("deleted"), info.content_type, info.meta) == (b"first", "text/html", {"k": "1"})


def test_what_a_file_was_at_a_date(past: Past) -> None:
    own = past.own
    past.program.ok("file", "restore", "dated", "--at", past.then)
    assert own.read("dated") == b"first"
    version = own.head("kept").version
    assert "nothing has changed" in past.program.ok("file", "restore", "kept", "--at", past.then).err
    assert own.head("kept").version == version
    refused = past.program("file", "restore", "again", "--at", past.then)  # it was deleted then
    assert (refused.code, own.read("again")) == (3, b"second")
    assert "was not there at" in refused.err
    assert past.program("file", "restore", "kept", "--at", "2001-01-01").code == 3


def test_to_another_place(past: Past) -> None:
    own, version = past.own, past.first["twice"]
    past.program.ok("file", "restore", "twice", "--version", version, "--to", "elsewhere")
    past.program.ok("file", "restore", "twice", "--at", past.then, "--to", "there/")
    assert (own.read("elsewhere"), own.read("there/twice"), own.read("twice")) == (b"first", b"first", b"second")
    assert past.program("file", "restore", "twice", "--version", version, "--to", "kept").code == 0  # the same is there
    own.put("other", b"other")
    assert past.program("file", "restore", "twice", "--version", version, "--to", "other").code == 5
    assert own.read("other") == b"other"


def test_a_folder_becomes_what_it_was_and_loses_nothing(past: Past) -> None:
    own, program = past.own, past.program
    assert program("file", "restore", "tree", "--version", "1", "-r").code == 2
    plan = program.ok("file", "restore", "-r", "tree", "--at", past.then, "--dry-run", "-j").json
    restored = ["tree/changed", "tree/deleted", "tree/noted", "tree/sub/deleted"]
    assert sorted(one["target"] for one in plan) == [f"/pithos/{name}" for name in restored]
    assert own.read("tree/changed") == b"second"
    program.ok("file", "restore", "-r", "tree/", "--at", past.then, "--to", "copy")
    assert own.names("copy") == ["copy"] + [f"copy{name[4:]}" for name in sorted([*restored, "tree/same"])]
    program.ok("file", "restore", "-r", "tree", "--at", past.then)
    assert [own.read(name) for name in restored] == [b"first"] * 4
    assert own.head("tree/noted").meta == {"k": "1"}
    assert own.read("tree/added") == b"second"
    assert own.read("tree2/other") == b"second"
    again = program.ok("file", "restore", "-r", "tree", "--at", past.then)
    assert "nothing has changed" in again.err
    assert len(own.versions("tree/changed")) == 3
    assert program("file", "restore", "tree3", "-r", "--at", past.then).code == 3


def test_a_whole_container(program: Invoker, own: Contents, owner: User) -> None:
    owner.store.create_container("c")
    other = Contents(owner, "c")
    other.put("a", b"first")
    then = next_second()
    program.ok("container", "empty", "c", "--yes")
    program.ok("file", "restore", "-r", "/c", "--at", f"@{then}")
    assert other.read("a") == b"first"
    assert program("file", "restore", "-r", "/c", "--at", "2001-01-01").code == 3


def test_what_cannot_be_restored(past: Past) -> None:
    for words, code in (
        (["kept"], 2),
        (["kept", "--version", "1", "--at", "now"], 2),
        (["kept", "--version", "999999"], 3),
        (["kept", "--version", past.first["changed"]], 3),
        (["nothing", "--at", "now"], 3),
        (["/pithos", "--at", "now"], 2),
        (["/nowhere", "-r", "--at", "now"], 3),
        (["kept", "--at", "once upon a time"], 2),
    ):
        result = past.program("file", "restore", *words)
        assert result.code == code, (words, result.err)
        assert len(result.err.splitlines()) == 2


# purge ----------------------------------------------------------------------------------------------------------------


def test_all_old_versions(past: Past) -> None:
    own, version = past.own, past.first["purged"]
    dry = past.program.ok("file", "purge", "purged", "--all-versions", "--dry-run")
    assert dry.out.startswith(f"Would destroy version {version} of /pithos/purged")
    assert past.program.ok("file", "purge", "purged", "--all-versions", "--dry-run", "-j").json[0]["version"] == version
    assert past.program("file", "purge", "purged", "--all-versions").code == 2
    assert version in own.versions("purged")
    result = past.program.ok("file", "purge", "purged", "--all-versions", "--yes", "-j")
    assert result.json == [{"path": "/pithos/purged", "destroyed": [version]}]
    assert own.versions("purged") == [own.head("purged").version]
    assert own.read("purged") == b"second"


def test_a_deleted_file_can_be_forgotten(past: Past) -> None:
    said = past.program.ok("file", "purge", "gone", "--all-versions", "--yes").err
    assert said == "/pithos/gone: destroyed 1 old version\n"
    assert past.program("file", "restore", "gone", "--version", past.first["gone"]).code == 3


def test_purging_asks(cli: Cli, own: Contents, past: Past) -> None:
    terminal = Cli(past.program.home, past.program.cwd).terminal("file", "purge", "asked", "--all-versions")
    terminal.expect(r"Destroy 1 old version of /pithos/asked for good\?")
    terminal.sendline("")
    assert finish(terminal)[1] == 1
    assert len(past.own.versions("asked")) == 2


def test_up_to_a_date(past: Past) -> None:
    own = past.own
    assert "destroyed 0" in past.program.ok("file", "purge", "until", "--until", "2001-01-01", "--yes").err
    assert len(own.versions("until")) == 2
    for words in (["purge", "until", "--until", past.then], ["delete", "until", "--until", "now"]):
        past.program.ok("file", *words, "--yes")
        assert own.versions("until") == [own.head("until").version]
        assert own.read("until") == b"second"


def test_what_cannot_be_purged(program: Invoker, own: Contents) -> None:
    own.put("x")
    for words, code in (
        (["x"], 2),
        (["x", "--until", "now", "--all-versions"], 2),
        (["x", "--until", "1.5"], 2),
        (["/pithos", "--all-versions"], 2),
        (["nothing", "--all-versions"], 3),
        (["x", "nothing", "--all-versions"], 3),
        (["*.gif", "--all-versions"], 3),
    ):
        assert program("file", "purge", *words, "--yes").code == code, words
    assert own.read("x") == b"x"
