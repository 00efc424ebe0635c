"""`pithosfs container history`: what two listings tell of what has happened between them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fixtures.clouds import TestCloud
from fixtures.contents import Contents
from fixtures.invoker import Invoker


def next_second(own: Contents) -> int:
    """The beginning of a second that no change so far is in: everything before it is past, all that follows is not."""
    made = own.put("clock").version
    now = next(one.modified_ns for one in own.store.versions(own.path("clock")) if one.version == made) // 10**9 + 1
    while time.time() < now:  # the server's clock is this machine's
        time.sleep(now - time.time())
    return now


@pytest.fixture
def changed(own: Contents) -> tuple[Contents, int]:
    """A container with something of everything that can happen, all of it after that second."""
    for name in ("same", "edited", "retagged", "dir/replaced", "dir/gone", "old-name"):
        own.put(name, name.encode())
    since = next_second(own)
    own.put("edited", b"1")
    own.put("edited", b"longer")
    own.store.update_meta(own.path("retagged"), {"colour": "red"})
    own.store.delete(own.path("dir/replaced"))
    own.put("dir/replaced", b"made again")
    own.store.delete(own.path("dir/gone"))
    own.store.move(own.path("old-name"), own.path("new-name"))
    own.put("fleeting")
    own.store.delete(own.path("fleeting"))
    own.put("added", b"12345")
    return own, since


def rows(program: Invoker, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = program.ok("container", "history", "pithos", "-j", *arguments).json
    return found


def test_each_kind_of_change(program: Invoker, changed: tuple[Contents, int]) -> None:
    own, since = changed
    found = rows(program, "--since", f"@{since}")
    assert {one["name"]: one["change"] for one in found} == {
        "added": "added",
        "edited": "changed",
        "retagged": "metadata",
        "dir/replaced": "replaced",
        "dir/gone": "deleted",
        "new-name": "moved",
    }
    by_name = {one["name"]: one for one in found}
    assert by_name["new-name"]["previous_name"] == "old-name"
    assert (by_name["edited"]["bytes_before"], by_name["edited"]["bytes"]) == (6, 6)
    assert by_name["edited"]["version_before"] == own.versions("edited")[0]
    assert by_name["edited"]["modified_by"] == own.user.uuid
    assert (by_name["dir/gone"]["time"], by_name["dir/gone"]["bytes_before"]) == (None, 8)
    # The newest first; what has no time at the end.
    times = [one["time"] for one in found]
    assert times[-1] is None
    assert times[:-1] == sorted(times[:-1], reverse=True)
    assert rows(program, "--at", f"@{since}") == found
    assert [one["name"] for one in rows(program, "--since", f"@{since}", "-n", "1")] == [found[0]["name"]]
    assert [one["name"] for one in rows(program, "--since", f"@{since}", "--name-prefix", "EDI")] == ["edited"]
    below = program.ok("container", "history", "/pithos/dir", "--since", f"@{since}", "-j").json
    assert {one["name"] for one in below} == {"dir/replaced", "dir/gone"}


def test_the_steps_in_between_and_the_table(program: Invoker, changed: tuple[Contents, int]) -> None:
    own, since = changed
    found = rows(program, "--since", f"@{since}", "--versions", "--name", "edited")
    assert [(one["change"], one["version"]) for one in found] == [
        ("changed", own.versions("edited")[2]),
        ("version", own.versions("edited")[1]),
    ]
    lines = program.ok("container", "history", "pithos", "--since", f"@{since}").out.splitlines()
    assert lines[0].split() == ["TIME", "CHANGE", "SIZE", "BEFORE", "BY", "NAME"]
    assert any(line.endswith("old-name → new-name") and own.user.name in line for line in lines)


def test_a_window_of_time(program: Invoker, own: Contents) -> None:
    own.put("x", b"1")
    first = next_second(own)
    own.put("x", b"22")
    second = next_second(own)
    own.put("x", b"333")
    found = {one["name"]: one for one in rows(program, "--since", f"@{first}", "--until", f"@{second}")}
    assert (found["x"]["bytes_before"], found["x"]["bytes"]) == (1, 2)
    nothing = program.ok("container", "history", "pithos", "--since", f"@{second}", "--until", f"@{second + 1}", "-j")
    assert {one["name"] for one in nothing.json} <= {"x"}
    assert program("container", "history", "pithos", "--since", f"@{second}", "--until", f"@{first}").code == 2


def test_a_container_made_since_then(program: Invoker, own: Contents) -> None:
    own.put("x")
    # A week ago, which is what is meant without a date, there was nothing of it.
    assert [(one["name"], one["change"]) for one in rows(program)] == [("x", "added")]
    assert program("container", "history", "nowhere").code == 3


def test_nothing_has_changed(program: Invoker, own: Contents) -> None:
    result = program.ok("container", "history", "pithos")
    assert result.out == ""
    assert "Nothing in /pithos is different between" in result.err
    assert rows(program) == []


def test_only_the_owner_looks_into_the_past(program: Invoker, own: Contents, cloud: TestCloud) -> None:
    other = Contents(cloud.user("other"))
    other.put("x")
    other.share("x", read=(own.user.uuid,))
    refused = program("container", "history", "pithos", "-A", other.user.name)
    assert refused.code == 4
    assert "/pithos" in refused.err
