"""How places are written (cli.md section 2.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.errors import UsageError
from pithosfs_cli.locations import Location, parse_location

UUID = "c76b61b4-7ad7-4404-bf0f-d27fd215e851"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("path/to/x", (None, "pithos", "path/to/x")),
        ("/container", (None, "container", "")),
        ("/container/", (None, "container", "")),
        ("/container/path/to/x", (None, "container", "path/to/x")),
        ("//path/to/x", (None, "pithos", "path/to/x")),
        (f"pithos://{UUID}", (UUID, "pithos", "")),
        (f"pithos://{UUID}/", (UUID, "pithos", "")),
        (f"pithos://{UUID}/container/path/to/x", (UUID, "container", "path/to/x")),
        (f"pithos://{UUID}/container", (UUID, "container", "")),
        (f"pithos://{UUID}//x", (UUID, "pithos", "x")),
        ("", (None, "pithos", "")),
        ("/c//x", (None, "c", "/x")),
        ("/c/a//b", (None, "c", "a//b")),
        ("/c/../x", (None, "c", "../x")),
        ("/c/dir/", (None, "c", "dir/")),
        ("a*?[b]", (None, "pithos", "a*?[b]")),
    ],
)
def test_forms(text: str, place: tuple[str | None, str, str]) -> None:
    assert parse_location(text, "pithos") == Location(*place)


def test_options_give_what_the_text_does_not() -> None:
    assert parse_location("x", "pithos", container="c", account=UUID) == Location(UUID, "c", "x")
    assert parse_location("/d/x", "pithos", container="c") == Location(None, "d", "x")
    assert parse_location(f"pithos://{UUID}/d/x", "pithos", account="other") == Location(UUID, "d", "x")


@pytest.mark.parametrize("text", ["pithos://", "pithos:///c/x", "/./x", "/../x"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_location(text, "pithos")


def test_an_object_may_be_needed() -> None:
    with pytest.raises(UsageError, match="names a container"):
        parse_location("/container", "pithos", object_needed=True)


@given(st.text(min_size=1))
def test_every_name_can_be_written(name: str) -> None:
    place = Location(None, "c", name)
    assert parse_location(str(place), "pithos") == place
