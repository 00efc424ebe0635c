"""Many deletions in one request."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_many_are_deleted_at_once(person: Any, method: str) -> None:
    names = [f"d/{number} ü%" for number in range(7)]
    for name in names:
        person.put(f"c/{quote(name)}")
    person("PUT", "empty", b"")
    lines = [f"/c/{quote(name)}" for name in names[:3]] + [f"c/{quote(names[3])}", "c/none", "none/x", "empty", "c", ""]
    answer = person(method, "?bulk-delete", "\n".join(lines).encode(), Accept="application/json")
    assert answer.status == 200
    assert answer.json() == {
        "Response Status": "400 Bad Request",
        "Response Body": "",
        "Number Deleted": 5,
        "Number Not Found": 2,
        "Errors": [["c", "409 Conflict"]],
    }
    assert person.names("c") == names[4:]
    assert person.names("") == ["c", "pithos"]
    answer = person(method, "?bulk-delete", f"c/{quote(names[5])}\n".encode())
    assert answer.headers["content-type"] == "text/plain"
    assert answer.body.decode().splitlines() == [
        "Number Deleted: 1",
        "Number Not Found: 0",
        "Response Body: ",
        "Response Status: 200 OK",
        "Errors:",
    ]
    assert person("HEAD", "c").headers["x-container-object-count"] == "2"


def test_the_answer_comes_in_the_form_that_is_wanted(person: Any) -> None:
    person.put("c/o")
    answer = person("POST", "?bulk-delete", b"c\nc/a%26b\n", Accept="application/xml, text/plain; q=0.9")
    assert answer.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(answer.body)
    assert (root.tag, root.findtext("number_not_found"), root.findtext("errors/object/name")) == ("delete", "1", "c")
    assert person("POST", "?bulk-delete", b"c/o\n", Accept="image/png, text/*; q=0").status == 406
    assert person.names("c") == ["o"]
    kind = person("POST", "?bulk-delete", b"c/o\n", Accept="text/plain; q=0.5, application/*").headers["content-type"]
    assert kind == "application/json"


def test_a_container_goes_with_all_that_is_in_it(person: Any) -> None:
    """In any order: objects are deleted first, as Swift does it."""
    for name in ("a", "b", "d/e"):
        person.put(f"c/{name}")
    answer = person("POST", "?bulk-delete", b"/c/\nc/a\nc/d/e\nc/b\nc\n", Accept="application/json").json()
    assert (answer["Number Deleted"], answer["Number Not Found"], answer["Errors"]) == (4, 1, [])
    assert person.names("") == ["pithos"]
    assert person("HEAD", "").headers["x-account-bytes-used"] == "0"


def test_nonsense_deletes_nothing(person: Any, other: Any) -> None:
    other.put("c/o")
    person.put("c/o")
    paths = ["%ff", "c/%00", "/", f"../{other.account}/c/o", f"{other.account}/c/o", "c/" + "x" * 2000]
    answer = person("POST", "?bulk-delete", "\n".join(paths).encode(), Accept="application/json").json()
    assert answer["Number Deleted"] == 0
    assert person("POST", "?bulk-delete", b"", Accept="application/json").json()["Response Status"].startswith("400")
    assert person("POST", "?bulk-delete", b"c/x\n" * 10_001).status == 413
    assert person.names("c") == other.names("c") == ["o"]


def test_what_was_deleted_has_its_history(person: Any) -> None:
    """The Pithos API still finds the versions."""
    person.put("c/o", b"first")
    person.put("c/o", b"second")
    assert person("DELETE", "c/o").status == 204
    versions = person.pithos("GET", "c/o?version=list&format=json").json()["versions"]
    assert [person.pithos("GET", f"c/o?version={one}").body for one, _ in versions] == [b"first", b"second"]
