"""Many at once: only one wins a condition, nothing is lost, the books stay right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

DATA = "application/octet-stream"


def at_once(people: Any, person: Any, count: int, act: Callable[[Any, int], Any]) -> list[Any]:
    """`act(connection, number)` in as many threads, each with a connection of its own."""
    clones = [people.again(person.name, person.id, person.token) for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, clones, range(count)))


@pytest.mark.parametrize("chunked", [False, True])
def test_one_creator(people: Any, alice: Any, chunked: bool) -> None:
    def create(one: Any, number: int) -> int:
        data = b"%d" % number
        return int(one("PUT", "c/o", iter([data]) if chunked else data, Content_Type="a/b", If_None_Match="*").status)

    assert Counter(at_once(people, alice, 20, create)) == {201: 1, 412: 19}
    assert len(alice.versions("c/o")) == 1


def test_one_replacer(people: Any, alice: Any) -> None:
    etag = alice.put("c/o", b"base").headers["etag"]

    def replace(one: Any, number: int) -> int:
        return int(one("PUT", "c/o", b"%d" % number, Content_Type="a/b", If_Match=etag).status)

    assert Counter(at_once(people, alice, 20, replace)) == {201: 1, 412: 19}


def test_one_mover(people: Any, alice: Any) -> None:
    alice.put("c/o")
    statuses = at_once(
        people, alice, 10, lambda one, number: one("MOVE", "c/o", None, Destination=f"/c/{number}").status
    )
    assert Counter(statuses) == {201: 1, 404: 9}
    assert len(alice.list()) == 1


def test_one_container(people: Any, bob: Any) -> None:
    statuses = at_once(people, bob, 10, lambda one, number: one("PUT", "new", b"").status)
    assert Counter(statuses) == {201: 1, 202: 9}


def test_quota_is_never_exceeded(people: Any) -> None:
    eve = people("eve", quota=100)
    eve.make("c")
    statuses = at_once(
        people, eve, 10, lambda one, number: one("PUT", f"c/{number}", b"x" * 30, Content_Type="a/b").status
    )
    assert Counter(statuses) == {201: 3, 413: 7}
    assert eve("HEAD").headers["x-account-bytes-used"] == "90"


def test_metadata_changes_do_not_lose_each_other(people: Any, alice: Any) -> None:
    alice.put("c/o")
    at_once(
        people, alice, 10, lambda one, number: one("POST", "c/o?update", b"", raw={f"X-Object-Meta-N{number}": "1"})
    )
    found = [name for name in alice("HEAD", "c/o").headers if name.startswith("x-object-meta-n")]
    assert len(found) == 10


def test_appends_do_not_lose_each_other(people: Any, alice: Any) -> None:
    alice.put("c/o", b"")

    def append(one: Any, number: int) -> int:
        return int(one("POST", "c/o?update", b"%d," % number, Content_Type=DATA, Content_Range="bytes */*").status)

    assert set(at_once(people, alice, 8, append)) == {204}
    assert sorted(alice("GET", "c/o").body.split(b",")) == sorted([b"", *(b"%d" % number for number in range(8))])


def test_large_appends_do_not_lose_each_other(people: Any, alice: Any) -> None:
    """Whoever loses the race writes again what the server has stored already: more than it keeps in memory."""
    size = 5 * 1024 * 1024 + 7
    alice.put("c/o", b"")

    def append(one: Any, number: int) -> int:
        data = b"%d" % number * size
        return int(one("POST", "c/o?update", data, Content_Type=DATA, Content_Range="bytes */*").status)

    assert set(at_once(people, alice, 5, append)) == {204}
    whole = alice("GET", "c/o").body
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert sorted(pieces) == [b"%d" % number * size for number in range(5)]


def test_a_large_body_that_was_cut_is_not_written_again(people: Any, alice: Any) -> None:
    """Its end is nowhere any more: 409, and the object is that of one of the others, whole."""
    data = bytes(range(256)) * (20 * 1024 + 1)
    alice.put("c/o", b"")

    def append(one: Any, number: int) -> int:
        cut = str(len(data) - 1)
        answer = one("POST", "c/o?update", data, Content_Type=DATA, Content_Range="bytes */*", X_Object_Bytes=cut)
        return int(answer.status)

    assert set(at_once(people, alice, 5, append)) <= {204, 409}
    assert alice("GET", "c/o").body == data[:-1]


def test_the_books_agree_with_the_lists(people: Any, alice: Any) -> None:
    """After a mixed crowd of changes the counters are what counting gives."""
    alice.make("d")

    def act(one: Any, number: int) -> None:
        for step in range(6):
            name = f"o{(number + step) % 4}"
            one("PUT", f"c/{name}", b"x" * (number + step), Content_Type="a/b", X_Object_Meta_A="1")
            one("COPY", f"c/{name}", None, Destination=f"/d/{name}")
            one("MOVE", f"d/{name}", None, Destination=f"/c/{name}-{number}")
            one("POST", f"c/{name}?update", b"yy", Content_Type=DATA, Content_Range="bytes */*")
            one("DELETE", f"c/{name}")

    at_once(people, alice, 8, act)
    alice.put("c/last")
    total = 0
    for entry in alice("GET", "?format=json").json():
        listed = alice("GET", f"{entry['name']}?format=json").json()
        assert (entry["count"], entry["bytes"]) == (len(listed), sum(one["bytes"] for one in listed))
        total += entry["bytes"]
    assert alice("HEAD").headers["x-account-bytes-used"] == str(total)
    versions = [one["x_object_version"] for one in alice("GET", "c?format=json").json()]
    assert len(set(versions)) == len(versions)
