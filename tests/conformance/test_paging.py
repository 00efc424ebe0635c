"""Section 8.5: paging through lists."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from conformance.rows import C, get, put, rule
from conformance.world import World

NAMES = ["a", "b/1", "b/2", "c", "d/", "d/1", "e/f/1", "e/g", "h", "é/1", "é0"]


def _pages(world: World, query: str, limit: int) -> list[str]:
    """All names of a list, page by page, as section 8.5 tells a client to ask."""
    found: list[str] = []
    marker = ""
    for _ in range(4 * len(NAMES)):
        answer = world.do(get(f"{C}?format=json&limit={limit}{query}&marker={quote(marker, safe='')}"))
        entries = answer.json()
        found += answer.names()
        if len(entries) < limit:
            return found
        last = entries[-1]
        marker = last["name"] if "name" in last else last["subdir"] + "\U0010ffff"
    pytest.fail(f"the list goes round in circles: {found}")


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@rule(
    "8.5-pages-make-the-whole-list",
    "8.5-pages-with-prefix",
    "8.5-pages-with-delimiter-and-the-clients-marker",
    "8.5-pages-with-path",
)
def test_8_5_pages_make_the_whole(world: World, limit: int) -> None:
    for name in NAMES:
        world.do(put(f"{C}/{quote(name)}", ""))
    assert _pages(world, "", limit) == NAMES
    assert _pages(world, "&prefix=e", limit) == ["e/f/1", "e/g"]
    assert _pages(world, "&delimiter=%2F&prefix=e%2F", limit) == ["e/f/", "e/g"]
    assert _pages(world, "&path=e", limit) == ["e/g"]
    rolled = _pages(world, "&delimiter=%2F", limit)
    # `d/` is a name and a roll-up: a server may lose one of the two between pages, but nothing else.
    assert sorted(set(rolled)) == sorted({"a", "b/", "c", "d/", "e/", "h", "é/", "é0"})


@rule("8.5-shared-pages", "8.5-public-honours-limit")
def test_8_5_own_views(world: World) -> None:
    for number in range(4):
        world.do(put(f"{C}/{number}", "", X_Object_Sharing="read=*", X_Object_Public="true"))
    world.do(put(f"{C}/x", ""))
    assert _pages(world, "&shared", 3) == ["0", "1", "2", "3"]
    world.do(get(f"{C}?public&limit=2").gives(200, lines=("0", "1")))


@rule("8.5-pages-of-others")
def test_8_5_pages_of_others(world: World) -> None:
    """A list of what is granted is paged like one's own."""
    for number in range(5):
        world.do(put(f"{C}/{number}", "", X_Object_Sharing="read={other}" if number % 2 == 0 else ""))
    world.do(get(f"{C}?limit=2", by="other").gives(200, lines=("0", "2")))
    world.do(get(f"{C}?limit=2&marker=2", by="other").gives(200, lines=("4",)))
