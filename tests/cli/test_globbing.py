"""Patterns for names in the cloud: what they match, and what a container gives for them."""

from __future__ import annotations

import warnings

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents

from pithosfs.errors import NotFound
from pithosfs.store import Sharing
from pithosfs_cli.globbing import expand, is_pattern, matcher
from pithosfs_cli.locations import Location


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("*", ["a", "a b", "ü", "a\nb"], ["a/b", ".a"]),
        ("*.txt", ["a.txt", "-.txt"], [".txt", "a.txt~", "d/a.txt"]),
        ("a*", ["a", "a.b", "ab"], ["ba", "a/b"]),
        ("?", ["a", "ü", "😀", "*"], ["", "ab", ".", "/"]),
        ("a?c", ["abc", "a.c", "a?c"], ["ac", "a/c"]),
        (".*", [".a", "."], ["a"]),
        ("d/*", ["d/a"], ["d/.a", "d/a/b", "d"]),
        ("d/.*", ["d/.a"], ["d/a"]),
        ("*/x", ["d/x"], ["x", ".d/x", "d/e/x"]),
        # across slashes
        ("**", ["a", "a/b", "a/b/c"], [".a", "a/.b", ".a/b", "a/.b/c"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax", "a/xb", ".a/x"]),
        ("d/**", ["d/a", "d/a/b"], ["d", "e/a", "d/.a"]),
        ("d/**/x", ["d/x", "d/a/x", "d/a/b/x"], ["dx", "d/ax"]),
        ("**/d/*", ["d/a", "b/d/a"], ["d", "d/a/b"]),
        ("a**b", ["ab", "a/b", "a/x/b"], ["ba"]),
        ("a**/b", ["a/b", "ax/b", "a/x/b"], ["ab"]),
        ("***", ["a", "a/b"], [".a"]),
        ("***/x", ["x", "a/b/x"], ["ax"]),
        # sets
        ("[ab]", ["a", "b"], ["c", "ab", "[ab]"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[!a]", ["b", "!", "ü"], ["a", "/", "."]),
        ("[^a]", ["b", "!"], ["a"]),
        ("x[!a]", ["x.", "xb"], ["xa", "x/"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[!]a]", ["b"], ["]", "a"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[-a]", ["a", "-"], ["b"]),
        ("[а-я]", ["ж"], ["a"]),
        ("[\\d]", ["\\", "d"], ["1"]),
        ("[[]", ["["], ["a"]),
        ("[a&&b]", ["a", "b", "&"], ["|"]),
        ("[a||b]", ["|"], ["&"]),
        ("[x~~y]", ["~"], ["z"]),
        # sets that hold nothing, or are none
        ("[z-a]", [], ["a", "m", "z", "-", "[z-a]"]),
        ("[!z-a]", ["a", "-"], ["/"]),
        ("[z-ab]", ["b"], ["a", "z"]),
        ("[", ["["], ["a"]),
        ("[]", ["[]"], ["a", ""]),
        ("[!", ["[!"], ["a"]),
        ("[!]", ["[!]"], ["a", "!"]),
        ("a[b", ["a[b"], ["ab"]),
        ("[a-", ["[a-"], ["a"]),
        # characters that mean something elsewhere
        ("a.b+(c)$", ["a.b+(c)$"], ["axb+(c)$", "a.bb(c)$"]),
        ("a\\*", ["a\\", "a\\b"], ["a*"]),
        ("*{a,b}", ["x{a,b}"], ["xa"]),
    ],
)
def test_what_a_pattern_matches(pattern: str, fitting: list[str], others: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits = matcher(pattern).fullmatch
    assert [name for name in fitting if not fits(name)] == []
    assert [name for name in others if fits(name)] == []


def test_a_pattern_takes_no_time_that_grows_with_its_stars() -> None:
    fits = matcher("*a*a*a*/**/*b*b").fullmatch
    assert fits("/".join(["a" * 12, *("xb" * 4 for _ in range(12))])) is not None
    assert fits("/".join(["a" * 12, *("xb" * 4 for _ in range(12)), "c"])) is None


def test_what_is_a_pattern() -> None:
    assert [name for name in ("a", "a*", "b?", "c[", "d]", "e{f}") if is_pattern(name)] == ["a*", "b?", "c["]


# in a container -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def things(cloud: TestCloud) -> Contents:
    """Nothing here changes what is in it."""
    user = cloud.user("globbing")
    made = Contents(user)
    made.folder("marked")
    for name in (
        ".hidden",
        "a.jpg",
        "b.jpg",
        "c.png",
        "dir/.hidden",
        "dir/d.jpg",
        "dir/sub/e.jpg",
        "dir2/f.jpg",
        "marked/g.jpg",
        "one[1].txt",
        "one1.txt",
        "q?.txt",
        "ünï.txt",
    ):
        made.put(name)
    return made


def found(things: Contents, *patterns: str, literally: bool = False) -> list[str]:
    places = [Location(None, "pithos", pattern) for pattern in patterns]
    return [
        one.place.name + ("/" if one.is_folder else "") for one in expand(things.store, places, literally=literally)
    ]


def test_one_level_and_all_levels(things: Contents) -> None:
    assert found(things, "*.jpg") == ["a.jpg", "b.jpg"]
    assert found(things, "dir*") == ["dir/", "dir2/"]
    assert found(things, "dir/*") == ["dir/d.jpg", "dir/sub/"]
    assert found(things, "*/*.jpg") == ["dir/d.jpg", "dir2/f.jpg", "marked/g.jpg"]
    assert found(things, "**/*.jpg") == [
        "a.jpg",
        "b.jpg",
        "dir/d.jpg",
        "dir/sub/e.jpg",
        "dir2/f.jpg",
        "marked/g.jpg",
    ]
    assert found(things, "dir/**") == ["dir/d.jpg", "dir/sub/", "dir/sub/e.jpg"]
    assert found(things, "**/sub") == ["dir/sub/"]
    assert found(things, "*/") == ["dir/", "dir2/", "marked/"]
    assert found(things, "m*") == ["marked/"]
    assert found(things, "?nï*") == ["ünï.txt"]
    assert found(things, ".*") == [".hidden"]
    assert found(things, "dir/.h*") == ["dir/.hidden"]


def test_each_once_in_the_order_of_the_words(things: Contents) -> None:
    assert found(things, "b*", "*.jpg", "b.jpg", "nothing") == ["b.jpg", "a.jpg", "nothing"]


def test_a_name_that_is_there_is_meant_before_what_it_matches(things: Contents) -> None:
    assert found(things, "one[1].txt") == ["one[1].txt"]
    assert found(things, "one[12].txt") == ["one1.txt"]
    assert found(things, "q?.txt") == ["q?.txt"]
    assert found(things, "*.jpg", literally=True) == ["*.jpg"]


def test_nothing_matches(things: Contents) -> None:
    for pattern in ("*.gif", "nowhere/*", "[z-a]", "a.jpg/*"):
        with pytest.raises(NotFound, match="nothing matches"):
            found(things, pattern)
    with pytest.raises(NotFound, match="no container 'nowhere'"):
        list(expand(things.store, [Location(None, "nowhere", "*")]))


def test_in_somebody_elses_container(things: Contents, cloud: TestCloud) -> None:
    other = cloud.user("other")
    theirs = Contents(other)
    theirs.put("open.txt", sharing=Sharing(read=(things.user.uuid,)))
    theirs.put("secret.txt")
    places = [Location(other.uuid, "pithos", "*.txt")]
    assert [one.place.name for one in expand(things.store, places)] == ["open.txt"]


def test_more_than_a_page_of_names(cloud: TestCloud) -> None:
    """10 000 names are a page; they are made by copies of copies."""
    user: User = cloud.user("many")
    many = Contents(user)
    management = user.store.management()
    many.folder("p")
    for number in range(9):
        many.put(f"p/{number}")
    for before, name in ("pq", "qr", "rs"):  # each is ten times the one before, and a marker
        many.folder(name)
        for number in range(10):
            management.copy_folder(many.path(before), many.path(f"{name}/{number}"))
    management.copy_folder(many.path("s"), many.path("s0"))

    def found(pattern: str) -> list[str]:
        return [one.place.name for one in expand(user.store, [Location(None, "pithos", pattern)])]

    assert found("s0/9/9/9/**") == [f"s0/9/9/9/{number}" for number in range(9)]
    assert len(found("**/7")) == 2 * (1000 + 100 + 10 + 1) + 111 + 11 + 1
    everything = found("s*/**")
    assert len(everything) == len(set(everything)) == 2 * 10_110
    assert everything == sorted(everything)
