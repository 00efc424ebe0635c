"""Every Unicode name and value comes back as it was sent: through the clients' requests, real HTTP and the server.

Sections 1 (paths), 3.2 (headers) and 13 (metadata names) of object-store.md. What the specification takes away is
taken away here too: `~` in values, `_` and the case of metadata keys.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.http import Session

EXAMPLES = int(os.environ.get("PITHOSFS_TEST_EXAMPLES", "40"))
AWKWARD = (
    "%", "%2F", "%41", "+", " ", " x ", ".", "..", "./c", "../c", "a/../b", "/", "//", "/x", "a//b", "dir/", "~", "é~ü",
    "👩‍🚀", "e\u0301",
    "\u00e9", "\ufeffx", "אבג", "\u202egnp", "\U0010ffff", "\ud7ff", "\ue000", "\r", "\t", "\x01", "\x7f",
    "\x85", "\xa0", "\u2028", "\\", '"', "'", "<&>", "?q=1", "#f", ";p", "a.json", "a.xml", "ß", "İ", "ŉ", "ǆ", "ΑΣ",
    ",", "=",
)  # fmt: skip
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\n\0")
NAMES = st.text(CHARACTERS, min_size=1, max_size=24) | st.text("./%2Fé +~", min_size=1, max_size=8)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="~"), max_size=40)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(AWKWARD)
EVERYTHING = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = itertools.count()


@pytest.fixture
def wire(alice: Any) -> Iterator[PithosWire]:
    """The clients' requests, as alice."""
    with Session() as session:
        yield PithosWire(session, f"http://{alice.host}/object-store/v1", alice.token)


def normal_key(key: str) -> str:
    """A metadata key as the clients show it."""
    return key.replace("_", "-").lower()


def in_xml(text: str) -> str:
    """XML 1.0 cannot carry all characters."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text)


@EVERYTHING
@example(list(AWKWARD))
@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_object_names(alice: Any, wire: PithosWire, names: list[str]) -> None:
    """In paths, in all three forms of lists, in markers and prefixes, in the headers that carry paths."""
    container = f"n{next(NUMBERS)}"
    alice.make(container)
    for name in names:
        data = name.encode()
        wire.object_put(alice.id, container, name, data, content_type="a/b")
        # Every byte may be escaped, the slashes too; and what need not be may stay as it is.
        for escaped in ("".join(f"%{byte:02X}" for byte in data), quote(name, safe="/+~!$&'()*,;=:@.")):
            reply = alice("GET", f"{container}/{escaped}")
            assert (reply.status, reply.body) == (200, data)
        shown = unquote(reply.headers["content-disposition"])
        assert shown == 'inline; filename="{}"'.format(name.replace('"', "'"))
    expected = sorted(names)
    assert [one["name"] for one in replies.entries(wire.container_get(alice.id, container))] == expected
    assert alice("GET", container).body.decode().split("\n")[:-1] == expected
    listed = ElementTree.fromstring(alice("GET", f"{container}?format=xml").body)
    assert [one.findtext("name") for one in listed] == [in_xml(name) for name in expected]
    paged: list[str] = []
    while page := replies.entries(wire.container_get(alice.id, container, limit=2, marker=paged[-1] if paged else "")):
        paged += [one["name"] for one in page]
    assert paged == expected
    for name in names:
        found = replies.entries(wire.container_get(alice.id, container, prefix=name))
        assert [one["name"] for one in found] == [one for one in expected if one.startswith(name.lstrip("/"))]
    for name in names:
        wire.object_copy(alice.id, container, name, (alice.id, container, f"copy/{name}"))
        wire.object_put_from(alice.id, container, f"moved/{name}", (alice.id, container, name), move=True)
    everything = sorted([f"copy/{name}" for name in names] + [f"moved/{name}" for name in names])
    assert [one["name"] for one in replies.entries(wire.container_get(alice.id, container))] == everything


@EVERYTHING
@example("a.json", "x")
@example("..", "..")
@given(NAMES.map(lambda name: name.replace("/", "|")), NAMES)
def test_container_names(alice: Any, wire: PithosWire, container: str, name: str) -> None:
    wire.container_put(alice.id, container)
    wire.object_put(alice.id, container, name, b"", content_type="a/b")
    assert wire.object_head(alice.id, container, name).status_code == 200
    wire.object_copy(alice.id, container, name, (alice.id, container, "copied"))
    listed = replies.entries(wire.account_get(alice.id))
    assert container in [one["name"] for one in listed]
    assert container in alice("GET", "?format=text").body.decode().split("\n")
    found = ElementTree.fromstring(alice("GET", "?format=xml").body)
    assert in_xml(container) in [one.findtext("name") for one in found]
    root = ElementTree.fromstring(alice("GET", f"{quote(container, safe='').replace('.', '%2E')}?format=xml").body)
    assert root.get("name") == in_xml(container)
    wire.container_delete(alice.id, container, delimiter="/")
    wire.container_delete(alice.id, container)
    assert container not in [one["name"] for one in replies.entries(wire.account_get(alice.id))]


@EVERYTHING
@example({key: key for key in AWKWARD if "~" not in key})
@example({"a": " ", "b": "  x  ", "c": "\t", "d": " \t ", "e": "%20"})
@given(st.dictionaries(KEYS, VALUES.filter(bool), min_size=1, max_size=5))
def test_metadata(alice: Any, wire: PithosWire, meta: dict[str, str]) -> None:
    """Keys and values, on objects, containers and accounts; and what was read can be sent again as it is."""
    some = dict(itertools.islice({normal_key(key): (key, value) for key, value in meta.items()}.items(), 30))
    meta = dict(some.values())
    expected = {normal: value for normal, (_, value) in some.items()}
    wire.object_put(alice.id, "c", "o", b"", content_type="a/b", meta=meta)
    for _ in range(2):
        found = replies.object_head(wire.object_head(alice.id, "c", "o")).meta
        assert found == expected
        wire.object_post(alice.id, "c", "o", meta=found)
    wire.container_post(alice.id, "c", meta=meta, update=False)
    for _ in range(2):
        assert replies.container_head(wire.container_head(alice.id, "c")).meta == expected
        wire.container_post(alice.id, "c", meta=expected)
    wire.account_post(alice.id, meta=meta, update=False)
    for _ in range(2):
        assert replies.account_head(wire.account_head(alice.id)).meta == expected
        wire.account_post(alice.id, meta=expected)
    # One by one, by the names that were shown.
    wire.object_post(alice.id, "c", "o", meta=dict.fromkeys(expected, ""))
    assert replies.object_head(wire.object_head(alice.id, "c", "o")).meta == {}


@EVERYTHING
@given(VALUES.filter(bool), VALUES.filter(bool))
@example("attachment; filename=\"ü.txt\"; filename*=UTF-8''%C3%BC.txt", " gzip ")
def test_disposition_and_encoding(alice: Any, wire: PithosWire, disposition: str, encoding: str) -> None:
    wire.object_put(
        alice.id, "c", "o", b"x", content_type="a/b", content_disposition=disposition, content_encoding=encoding
    )
    head = replies.object_head(wire.object_head(alice.id, "c", "o"))
    assert (head.content_disposition, head.content_encoding) == (disposition, encoding)


@EVERYTHING
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40).map(str.strip))
@example('image/svg+xml; charset="utf-8"; x=100%25~\'')
def test_content_types(alice: Any, wire: PithosWire, kind: str) -> None:
    """ASCII only (section 3.2), and `%` means itself."""
    wire.object_put(alice.id, "c", "o", b"x", content_type=kind)
    assert replies.object_head(wire.object_head(alice.id, "c", "o")).content_type == kind
    (entry,) = (one for one in replies.entries(wire.container_get(alice.id, "c")) if one["name"] == "o")
    assert entry["content_type"] == kind


@EVERYTHING
@given(st.lists(KEYS.map(lambda key: re.sub("[-_]", "", key)).filter(bool), min_size=1, max_size=4))
@example(["ß", "İ", "ŉ", "ΑΣ", "~", "%", " ", "é ü"])
def test_group_names(alice: Any, wire: PithosWire, names: list[str]) -> None:
    """Lower case, and otherwise as sent."""
    wire.account_post(alice.id, groups={name: [alice.id] for name in names})
    expected = dict.fromkeys({name.lower() for name in names}, (alice.id,))
    for _ in range(2):
        found = replies.account_head(wire.account_head(alice.id)).groups
        assert found == expected
        wire.account_post(alice.id, groups=found)
    wire.account_post(alice.id, groups=dict.fromkeys(found, ()))
    assert replies.account_head(wire.account_head(alice.id)).groups == {}


@EVERYTHING
@example(list(AWKWARD))
@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_names_in_what_is_said_of_shared_and_public_objects(
    alice: Any, bob: Any, wire: PithosWire, names: list[str]
) -> None:
    container = f"s{next(NUMBERS)}"
    alice.make(container)
    with Session() as session:
        other = PithosWire(session, f"http://{alice.host}/object-store/v1", bob.token)
        for name in names:
            wire.object_put(
                alice.id, container, name, b"", content_type="application/directory", sharing=f"read={bob.id}"
            )
            below = f"{name.removesuffix('/')}/below"
            wire.object_put(alice.id, container, below, b"under", content_type="a/b", public=True)
            head = replies.object_head(other.object_head(alice.id, container, below))
            nearest = max((one for one in names if below.startswith(f"{one.removesuffix('/')}/")), key=len)
            if nearest == name:
                assert head.shared_by == f"{alice.id}/{container}/{name}"
            mine = replies.object_head(wire.object_head(alice.id, container, below))
            assert mine.public is not None
            public = bob.send("GET", urlsplit(mine.public).path, None, {})
            assert (public.status, public.body) == (200, b"under")
            assert unquote(public.headers["content-disposition"]).startswith("inline; filename=")
        listed = [one["name"] for one in replies.entries(other.container_get(alice.id, container))]
    assert set(names) <= set(listed)
