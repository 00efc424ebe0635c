"""Lists over real HTTP against a model that filters, groups and pages by hand (object-store.md 8, 12.4, 12.5).

One container is filled once, with names from a tiny alphabet so that they meet, and then asked hundreds of questions.
"""

from __future__ import annotations

import operator
import os
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.register_assert_rewrite("fixtures.object_model")

from fixtures.object_model import rolled_up  # noqa: E402

EXAMPLES = int(os.environ.get("PITHOSFS_TEST_EXAMPLES", "400"))
ALPHABET = "ab/é\U0010ffff"
OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
TEXTS = st.text(ALPHABET, max_size=4)
TERMS = st.builds(
    "".join,
    st.tuples(st.sampled_from(["", "", "!"]), st.sampled_from(["A", "b-c", "é"]))
    | st.tuples(
        st.sampled_from(["a", "B_C"]), st.sampled_from([*OPERATORS, " > "]), st.sampled_from(["1", "10", "9", "x"])
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as far as lists are concerned."""

    name: str
    meta: dict[str, str]
    directory: bool
    shared: bool  # with the other user
    public: bool


@dataclass(slots=True)
class Query:
    """The parameters of a list; '' is absent."""

    prefix: str = ""
    delimiter: str = ""
    path: str = ""
    marker: str = ""
    limit: int = 0
    meta: list[str] = field(default_factory=list)
    flags: frozenset[str] = frozenset()
    past: bool = False

    def text(self, form: str) -> str:
        texts = {"prefix": self.prefix, "delimiter": self.delimiter, "path": self.path, "marker": self.marker}
        given = {key: value for key, value in texts.items() if value}
        if self.limit:
            given["limit"] = str(self.limit)
        if self.meta:
            given["meta"] = ",".join(self.meta)
        if self.past:
            given["until"] = str(int(time.time()) + 100)
        return urlencode({**given, **dict.fromkeys(self.flags, ""), "format": form}, quote_via=quote)


QUERIES = st.builds(
    Query,
    TEXTS,
    st.sampled_from(["", "/", "/", "a", "/a"]),
    st.just("") | st.just("") | TEXTS,
    st.just("") | TEXTS,
    st.sampled_from([0, 0, 1, 2, 5]),
    st.lists(TERMS, max_size=2),
    st.sampled_from(
        [frozenset(), frozenset(), frozenset({"shared"}), frozenset({"public"}), frozenset({"shared", "public"})]
    ),
    st.booleans(),
)


def covered(entries: list[Entry], name: str) -> bool:
    """Whether any rule covers a name."""
    return any(
        one.shared and (one.name == name or (one.directory and name.startswith(one.name.removesuffix("/") + "/")))
        for one in entries
    )


def passes(meta: dict[str, str], terms: list[str]) -> bool:
    """Section 8.4. `meta` has keys in lower case with dashes."""
    wanted: list[bool] = []
    for term in terms:
        sign = next((one for one in ("!=", "<=", ">=", "=", "<", ">") if one in term[1:]), None)
        key, _, value = term.partition(sign) if sign is not None else (term, "", "")
        key = key.strip().lower().replace("_", "-")
        if sign is not None:
            if key not in meta or not OPERATORS[sign](meta[key], value.strip()):
                return False
        elif key.startswith("!"):
            if key[1:] in meta:
                return False
        else:
            wanted.append(key in meta)
    return any(wanted) if wanted else True


def expected(entries: list[Entry], query: Query) -> list[tuple[str, bool]]:
    """All that a list shows: name, and whether it is a roll-up."""
    names = [one.name for one in entries if passes(one.meta, query.meta)]
    if query.flags:
        shown = {one.name for one in entries if one.public} if "public" in query.flags else set()
        if "shared" in query.flags:
            shown |= {name for name in names if covered(entries, name)}
        names = [name for name in names if name in shown]
    prefix, delimiter = (query.path, "/") if query.path else (query.prefix, query.delimiter)
    found = rolled_up([name for name in names if name > query.marker], prefix, delimiter)
    # A roll-up that is the marker was the last entry of the page before.
    marker = query.marker.rstrip("\U0010ffff")
    before = rolled_up([one.name for one in entries], prefix, delimiter)
    found = [one for one in found if not (one[1] and one == (marker, True) and one in before)]
    if query.path:
        found = [one for one in found if not one[1]]
    limit = query.limit or 10_000
    if found[limit : limit + 1] == [(found[limit - 1][0], True)] if len(found) > limit else False:
        limit += 1  # an object `d/` and the roll-up of that name stay together
    return found[:limit]


def fill(alice: Any, bob: Any) -> list[Entry]:
    """A container with a history, of which only the last state is in the lists."""
    random = Random(4)
    entries: dict[str, Entry] = {}
    for _ in range(90):
        name = "".join(random.choices(ALPHABET, (4, 3, 4, 1, 1), k=random.randrange(1, 6)))
        keys = random.sample(["a", "b-c", "é"], random.randrange(4))
        meta = {key: random.choice(["1", "10", "9", "x"]) for key in keys}
        one = Entry(name, meta, random.random() < 0.3, random.random() < 0.15, random.random() < 0.15)
        headers = {f"X-Object-Meta-{quote(key)}": value for key, value in meta.items()}
        headers["X-Object-Sharing"] = f"read={bob.id}" if one.shared else ""
        headers["X-Object-Public"] = str(one.public)
        alice.put(f"c/{quote(name)}", b"", "application/directory" if one.directory else "a/b", raw=headers)
        entries[name] = one
        if random.random() < 0.2:
            gone = random.choice(list(entries))
            assert alice("DELETE", f"c/{quote(gone)}").status == 204
            del entries[gone]
    return [entries[name] for name in sorted(entries)]


def shown(answer: Any) -> list[tuple[str, bool]]:
    assert answer.status == 200, answer
    return [(one.get("subdir", one.get("name")), "subdir" in one) for one in answer.json()]


def test_lists(alice: Any, bob: Any) -> None:
    entries = fill(alice, bob)

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(QUERIES)
    def ask(query: Query) -> None:
        found = expected(entries, query)
        assert shown(alice("GET", f"c?{query.text('json')}")) == found
        text = alice("GET", f"c?{query.text('text')}")
        assert text.status == (200 if found else 204)
        assert text.body.decode().split("\n")[:-1] == [name for name, _ in found]
        root = ElementTree.fromstring(alice("GET", f"c?{query.text('xml')}").body)
        assert [(one.get("name") or one.findtext("name"), one.tag == "subdir") for one in root] == found

    ask()


def test_lists_of_others(alice: Any, bob: Any) -> None:
    """Only what is granted; 403 when nothing granted can be under the prefix."""
    entries = fill(alice, bob)
    visible = [one for one in entries if covered(entries, one.name)]
    carriers = [one for one in entries if one.shared]

    @settings(max_examples=EXAMPLES // 2, deadline=None)
    @given(QUERIES)
    def ask(query: Query) -> None:
        answer = bob("GET", f"c?{query.text('json')}", account=alice.id)
        prefix = (query.path or query.prefix).lstrip("/")
        delimiter = "/" if query.path else query.delimiter
        if prefix and delimiter and not prefix.endswith(delimiter):
            prefix += delimiter
        reachable = any(
            one.name.startswith(prefix)
            or (one.directory and (one.name.removesuffix("/") + "/").startswith(prefix))
            or (one.directory and prefix.startswith(one.name.removesuffix("/") + "/"))
            for one in carriers
        )
        if query.past or "public" in query.flags or not reachable:
            assert answer.status == 403
        else:
            query.flags = frozenset()
            assert shown(answer) == expected(visible, query)

    ask()


@pytest.mark.parametrize("delimiter", ["", "/", "a", "/a"])
def test_pages_make_up_the_whole(alice: Any, bob: Any, delimiter: str) -> None:
    entries = fill(alice, bob)
    whole = expected(entries, Query(delimiter=delimiter))
    for limit in (1, 2, 3, 7, len(whole), len(whole) + 1):
        paged: list[tuple[str, bool]] = []
        while True:
            query = Query(delimiter=delimiter, marker=paged[-1][0] if paged else "", limit=limit)
            page = shown(alice("GET", f"c?{query.text('json')}"))
            if not page:
                break
            paged += page
        assert paged == whole


def test_pages_of_containers(bob: Any) -> None:
    names = sorted({"".join(Random(number).choices("ab\U0010ffffé", k=3)) for number in range(12)})
    for name in names:
        bob.make(quote(name))

    @settings(max_examples=EXAMPLES // 4, deadline=None)
    @given(TEXTS, st.integers(1, 14))
    def ask(marker: str, limit: int) -> None:
        query = urlencode({"marker": marker, "limit": limit, "format": "json"}, quote_via=quote)
        listed = [one["name"] for one in bob("GET", f"?{query}").json()]
        assert listed == [name for name in names if name > marker][:limit]

    ask()
