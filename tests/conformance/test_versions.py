"""Section 11: versions, time travel, purge."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from conformance.rows import C, Differs, O, Row, copy, delete, each, get, head, make, move, post, put, row, rule
from conformance.server import Server
from conformance.world import World


def versions(count: int) -> Any:
    return lambda value: len(value["versions"]) == count


def first(answer: Any) -> str:
    """The oldest version's id of a version list."""
    return str(answer.json()["versions"][0][0])


NONE = make(X_Container_Policy_Versioning="none")

ROWS = (
    row("11-put-makes-a-version", put(O), put(O), get(f"{O}?version=list").gives(json=versions(2))),
    row(
        "11-copy-onto-makes-a-version",
        put(O),
        put(f"{O}b"),
        copy(O, f"{O}b"),
        get(f"{O}b?version=list").gives(json=versions(2)),
    ),
    row(
        "11-move-onto-makes-a-version",
        put(O),
        put(f"{O}b"),
        move(O, f"{O}b"),
        get(f"{O}b?version=list").gives(json=versions(2)),
    ),
    row(
        "11-data-post-makes-a-version",
        put(O),
        post(f"{O}?update", b"x", Content_Type="application/octet-stream", Content_Range="bytes */*"),
        get(f"{O}?version=list").gives(json=versions(2)),
    ),
    row(
        "11-metadata-post-makes-a-version",
        put(O),
        post(f"{O}?update", X_Object_Meta_A="1"),
        get(f"{O}?version=list").gives(json=versions(2)),
    ),
    row("11-delete-mark-is-not-listed", put(O), delete(O), get(f"{O}?version=list").gives(200, json=versions(1))),
    row(
        "11-sharing-makes-none",
        put(O),
        post(f"{O}?update", X_Object_Sharing="read=*", X_Object_Public="true"),
        get(f"{O}?version=list").gives(json=versions(1)),
    ),
    row(
        "11-list-oldest-first",
        put(O).gives(save={"v": "X-Object-Version"}),
        put(O).gives(save={"w": "X-Object-Version"}),
        get(f"{O}?version=list").gives(
            json=lambda value: value["versions"] == sorted(value["versions"]), save={"first": first}
        ),
        get(f"{O}?version={{first}}").gives(X_Object_Version="{v}"),
    ),
    row(
        "11-list-shape",
        put(O),
        get(f"{O}?version=list").gives(
            json=lambda value: (
                list(value) == ["versions"]
                and isinstance(value["versions"][0][0], int)
                and isinstance(value["versions"][0][1], str)
            )
        ),
    ),
    row(
        "11-list-xml",
        put(O),
        put(O),
        get(f"{O}?version=list&format=xml").gives(
            xml=lambda root: (
                root.tag == "object"
                and bool(root.get("name"))
                and [bool(one.get("timestamp")) and (one.text or "").isdigit() for one in root.iter("version")]
                == [True, True]
            )
        ),
    ),
    row(
        "11-list-has-no-object-headers",
        put(O),
        get(f"{O}?version=list").gives(200, ETag=None, X_Object_Version=None, X_Object_Hash=None),
    ),
    row("11-list-of-nothing", get(f"{O}?version=list").gives(404)),
    row(
        "11-list-spans-recreation",
        put(O, "1"),
        delete(O),
        put(O, "2"),
        get(f"{O}?version=list").gives(json=versions(2)),
    ),
    row(
        "11-read-old-data",
        put(O, "1").gives(save={"v": "X-Object-Version"}),
        put(O, "2"),
        get(f"{O}?version={{v}}").gives(200, body="1"),
    ),
    row(
        "11-read-old-range",
        put(O, "0123").gives(save={"v": "X-Object-Version"}),
        put(O, ""),
        get(f"{O}?version={{v}}", Range="bytes=1-2").gives(206, body="12"),
    ),
    row(
        "11-head-current-by-its-id",
        put(O).gives(save={"v": "X-Object-Version"}),
        head(f"{O}?version={{v}}").gives(200, X_Object_Version="{v}"),
    ),
    row(
        "11-the-mark-of-deletion-cannot-be-read",
        put(O).gives(save={"v": "X-Object-Version"}),
        delete(O),
        get(f"{O}?version={{v}}").gives(200),
        get(O).gives(404),
    ),
    row(
        "11-list-by-a-reader",
        put(O, X_Object_Sharing="read={other}"),
        get(f"{O}?version=list", by="other").gives(200, json=versions(1)),
    ),
    row("11-list-by-a-stranger", put(O), get(f"{O}?version=list", by="other").gives(403)),
    row(
        "11-old-version-by-a-reader",
        put(O, "1").gives(save={"v": "X-Object-Version"}),
        put(O, "2", X_Object_Sharing="read={other}"),
        get(f"{O}?version={{v}}", by="other").gives(200, body="1"),
    ),
    row(
        "11-old-version-by-a-stranger",
        put(O).gives(save={"v": "X-Object-Version"}),
        get(f"{O}?version={{v}}", by="other").gives(403),
    ),
    row(
        "11-deleted-object-in-a-shared-directory",
        put(f"{C}/d", "", type="application/directory", X_Object_Sharing="read={other}"),
        put(f"{C}/d/a", "x").gives(save={"v": "X-Object-Version"}),
        delete(f"{C}/d/a"),
        get(f"{C}/d/a?version=list", by="other").gives(200, json=versions(1)),
        get(f"{C}/d/a?version={{v}}", by="other").gives(200, body="x"),
    ),
    row(
        "11-restore-by-copy-onto-itself",
        put(O, "1", X_Object_Meta_A="1", type="text/x").gives(save={"v": "X-Object-Version"}),
        put(O, "2"),
        copy(O, O, X_Source_Version="{v}", Content_Type="text/x").gives(201),
        get(O).gives(body="1", X_Object_Meta_A="1", Content_Type="text/x"),
        get(f"{O}?version=list").gives(json=versions(3)),
    ),
    row(
        "11-restore-keeps-the-uuid",
        put(O, "1").gives(save={"v": "X-Object-Version"}),
        head(O).gives(save={"u": "X-Object-UUID"}),
        put(O, "2"),
        copy(O, O, X_Source_Version="{v}", Content_Type="text/x"),
        head(O).gives(X_Object_UUID="{u}"),
    ),
    row(
        "11-restore-a-deleted-object",
        put(O, "1", X_Object_Sharing="read=*", X_Object_Public="true").gives(save={"v": "X-Object-Version"}),
        head(O).gives(save={"u": "X-Object-UUID"}),
        delete(O),
        copy(O, O, X_Source_Version="{v}", Content_Type="text/x").gives(201),
        get(O).gives(
            200,
            body="1",
            Content_Type="text/x",
            X_Object_UUID=Differs("{u}"),
            X_Object_Sharing=None,
            X_Object_Public=None,
        ),
    ),
    row(
        "11-restore-by-data-post",
        put(O, "12").gives(save={"v": "X-Object-Version"}),
        put(O, "3456"),
        post(
            f"{O}?update",
            b"",
            X_Source_Object=f"/{O}",
            X_Source_Version="{v}",
            Content_Range="bytes 0-/*",
            X_Object_Bytes="2",
        ).gives(204),
        get(O).gives(body="12"),
    ),
    row(
        "11-restore-a-deleted-object-by-data-post",
        put(O, "12").gives(save={"v": "X-Object-Version"}),
        delete(O),
        post(
            f"{O}?update",
            b"",
            X_Source_Object=f"/{O}",
            X_Source_Version="{v}",
            Content_Range="bytes 0-/*",
            X_Object_Bytes="2",
        ).gives(404),
    ),
    # versioning none
    row(
        "11-none-drops-the-previous",
        NONE,
        put("{new}/a", "1").gives(save={"v": "X-Object-Version"}),
        put("{new}/a", "2"),
        get("{new}/a?version=list").gives(json=versions(1)),
        get("{new}/a?version={v}").gives(404),
    ),
    row(
        "11-none-after-delete-the-list-is-empty",
        NONE,
        put("{new}/a"),
        delete("{new}/a"),
        get("{new}/a?version=list").gives(
            200, 404, body=lambda body: b'"versions": []' in body or b'"versions":[]' in body or b"itemNotFound" in body
        ),
    ),
    row(
        "11-none-metadata-post-drops-too",
        NONE,
        put("{new}/a"),
        post("{new}/a?update", X_Object_Meta_A="1"),
        get("{new}/a?version=list").gives(json=versions(1)),
    ),
    row(
        "11-none-by-data-post",
        NONE,
        put("{new}/a", "1"),
        post("{new}/a?update", b"2", Content_Type="application/octet-stream", Content_Range="bytes */*"),
        get("{new}/a?version=list").gives(json=versions(1)),
        get("{new}/a").gives(body="12"),
    ),
    row(
        "11-until-of-others",
        put(f"{C}/a", X_Object_Sharing="read={other}"),
        get(f"{C}?until=4000000000", by="other").gives(403),
    ),
    row(
        "11-until-has-no-effect-on-objects",
        put(O, "x"),
        get(f"{O}?until=1").gives(200, body="x"),
        head(f"{O}?until=1").gives(200),
    ),
    row(
        "11-history-is-free-of-charge",
        make(X_Container_Policy_Quota="6"),
        put("{new}/a", "12345"),
        put("{new}/a", "54321").gives(201),
        put("{new}/a", "99999").gives(201),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@dataclass(frozen=True, slots=True)
class Past:
    """A container with a history, and whole seconds between its chapters."""

    container: str
    made: int  # a second after the container and its first objects were made, before the rest
    changed: int  # after a change, a deletion and an addition, before another round of them


@pytest.fixture(scope="module")
def past(server: Server) -> Any:
    """Made once: each chapter costs a second."""
    world = World(server)
    world.do(make("{c}", X_Container_Meta_Chapter="one"))
    world.do(put(f"{C}/changes", "1", X_Object_Meta_Color="red"))
    world.do(put(f"{C}/goes", "12"))
    world.do(put(f"{C}/d/stays", "123"))
    first = world.next_second()
    world.do(put(f"{C}/changes", "1234", X_Object_Meta_Color="blue"))
    world.do(delete(f"{C}/goes"))
    world.do(put(f"{C}/comes", "12345"))
    world.do(post(f"{C}?update", X_Container_Meta_Chapter="two"))
    second = world.next_second()
    world.do(put(f"{C}/goes", "back"))
    world.do(delete(f"{C}/comes"))
    world.do(delete(f"{C}/d/stays"))
    world.do(post(f"{C}?update", X_Container_Meta_Chapter="three"))
    yield Past(world["c"], first, second)
    world.close()


THEN = (
    row("11-until-lists-what-was-there", get("{past}?until={made}").gives(lines=("changes", "d/stays", "goes"))),
    row("11-until-after-changes", get("{past}?until={changed}").gives(lines=("changes", "comes", "d/stays"))),
    row("11-until-now", get("{past}?until=4000000000").gives(lines=("changes", "goes"))),
    row("11-until-absent", get("{past}").gives(lines=("changes", "goes"))),
    row(
        "11-until-shows-old-values",
        get("{past}?until={made}&format=json&prefix=changes").gives(
            json=lambda value: value[0]["bytes"] == 1 and "last_modified" not in value[0]
        ),
    ),
    row("11-until-with-delimiter", get("{past}?until={made}&delimiter=/").gives(lines=("changes", "d/", "goes"))),
    row("11-until-with-prefix", get("{past}?until={made}&prefix=d/").gives(lines=("d/stays",))),
    row("11-until-with-path", get("{past}?until={made}&path=d").gives(lines=("d/stays",))),
    row("11-until-with-limit-and-marker", get("{past}?until={made}&marker=changes&limit=1").gives(lines=("d/stays",))),
    row(
        "11-until-with-meta",
        get("{past}?until={made}&meta=Color%3Dred").gives(lines=("changes",)),
        get("{past}?until={made}&meta=Color%3Dblue").gives(204),
    ),
    row("11-until-as-xml", get("{past}?until={made}&format=xml").gives(has=("goes", "d/stays"), lacks=("comes",))),
    row(
        "11-until-head-counts",
        head("{past}?until={made}").gives(204, X_Container_Object_Count="3", X_Container_Bytes_Used="6"),
    ),
    row(
        "11-until-head-counts-later",
        head("{past}?until={changed}").gives(204, X_Container_Object_Count="3", X_Container_Bytes_Used="12"),
    ),
    row("11-until-head-now", head("{past}").gives(204, X_Container_Object_Count="2", X_Container_Bytes_Used="8")),
    row(
        "11-until-metadata",
        head("{past}?until={made}").gives(X_Container_Meta_Chapter="one"),
        head("{past}?until={changed}").gives(X_Container_Meta_Chapter="two"),
        head("{past}").gives(X_Container_Meta_Chapter="three"),
    ),
    row(
        "11-until-last-modified-stays-current",
        head("{past}").gives(save={"at": "Last-Modified"}),
        head("{past}?until={made}").gives(204, Last_Modified="{at}", X_Container_Until_Timestamp=Differs("{at}")),
    ),
    row(
        "11-until-in-the-account-list",
        get("?until={made}&format=json").gives(
            has=("{past}",), json=lambda value: all("x_container_until_timestamp" in one for one in value)
        ),
    ),
    row("11-until-account-list-before-the-container", get("?until=1&format=json").gives(json=[])),
    row(
        "8.2-until-counts-of-that-time",
        get("?until={made}&format=json").gives(
            json=lambda value: any((one["count"], one["bytes"]) == (3, 6) for one in value)
        ),
    ),
)


@each(THEN)
def test_then(row: Row, world: World, past: Past) -> None:
    world.names.update(past=past.container, made=str(past.made), changed=str(past.changed))
    world.run(row)


@rule("6-delete-until-keeps-what-came-later", "11-purge-of-a-container-between-two-times")
def test_11_purge_of_a_container(world: World) -> None:
    world.do(put(f"{C}/a", "1"))
    world.do(put(f"{C}/a", "2"))
    world.do(put(f"{C}/b", "1"))
    border = world.next_second()
    world.do(put(f"{C}/a", "3"))
    world.do(put(f"{C}/a", "4"))
    world.do(delete(f"{C}/b"))
    world.do(delete(f"{C}?until={border}").gives(204))
    world.do(get(f"{C}/a").gives(200, body="4"))
    world.do(get(f"{C}/a?version=list").gives(200, json=versions(2)))
    world.do(get(f"{C}/b?version=list").gives(200, 404, body=lambda body: b"[[" not in body))
    world.do(get(C).gives(lines=("a",)))


@pytest.mark.usefixtures("kept_account")
@rule("11-until-of-account-metadata", "5-until-timestamp-is-the-last-change-before")
def test_11_account_metadata_in_the_past(world: World) -> None:
    world.do(post("?update", X_Account_Meta_Conformance="then"))
    border = world.next_second()
    world.do(post("?update", X_Account_Meta_Conformance="now"))
    then = world.do(head(f"?until={border}").gives(204, X_Account_Meta_Conformance="then"))
    assert parsedate_to_datetime(then["X-Account-Until-Timestamp"]).timestamp() < border
    world.do(head("").gives(204, X_Account_Meta_Conformance="now"))
