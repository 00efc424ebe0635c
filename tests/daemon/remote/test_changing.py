"""Changes without content: folders, attributes, new names, deletions; nothing happens to what is not as decided."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fixtures.proxy import Answer, LoseAnswer, Request

from pithosfs.errors import ServerFailed, UsageError
from pithosfs.mount.attributes import Attributes, from_meta
from pithosfs.store import Delivery, ObjectInfo, Sharing
from pithosfs_daemon.remote import RemoteBase
from pithosfs_daemon.troubles import ContainerGone, RemoteChanged

from .conftest import Side

MODES = Attributes(mode=0o755, mtime_ns=1_700_000_000_123_456_789)
FOLDER = "application/directory"


def names(side: Side) -> list[str]:
    return [one.name for one in side.listed()]


def when_asked(side: Side, method: str, act: Callable[[], object]) -> None:
    """Do something once, when the first request of a method is on its way."""
    done: list[object] = []

    def look(request: Request) -> bool:
        if request.method == method and not done:
            done.append(request)
            act()
        return False

    side.wire.when(look, Answer())


def close_down(side: Side) -> None:
    """Delete the container, with all that is in it."""
    for name in side.there.names():
        side.there.store.delete(side.there.path(name))
    side.there.store.delete_container(side.there.container)


def listed(side: Side, name: str) -> RemoteBase:
    """The base as a listing tells it: without the ETag."""
    return RemoteBase.of(next(one for one in side.listed() if one.name == name))


# folders --------------------------------------------------------------------------------------------------------------


def test_a_folder_is_made(either: Side) -> None:
    side = either
    made = side.folder.make_folder("a/b", MODES)
    assert (made.name, made.is_directory, made.size) == ("a/b", True, 0)
    head = side.there.head(side.full("a/b"))
    assert (head.content_type, head.version, head.etag) == (FOLDER, made.version, made.etag)
    assert from_meta(head.meta or {}) == MODES
    assert names(side) == ["a/b"]


def test_a_folder_that_is_there_is_fine(side: Side) -> None:
    before = side.put("a", b"", FOLDER, meta={"mode": "700"})
    again = side.folder.make_folder("a", MODES)
    assert again.version == before.version
    assert again.meta == {"mode": "700"}


def test_a_file_is_no_folder(side: Side) -> None:
    side.put("a", b"")
    with pytest.raises(RemoteChanged):
        side.folder.make_folder("a", MODES)
    assert side.there.head(side.full("a")).content_type == "text/plain"


def test_a_folder_whose_answer_was_lost_was_made(side: Side) -> None:
    side.wire.when("^PUT", LoseAnswer(), times=1)
    assert side.folder.make_folder("a", MODES).is_directory
    assert len(side.there.versions(side.full("a"))) == 1


def test_the_folder_of_the_pair_itself(make_side: Callable[..., Side]) -> None:
    side = make_side("work/dir")
    side.folder.make_folder("", MODES)
    assert side.there.head("work/dir").is_directory
    assert names(side) == []
    with pytest.raises(UsageError):
        make_side().folder.make_folder("", MODES)


# attributes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag_known", [True, False])
def test_attributes_are_noted_and_the_rest_stays(either: Side, etag_known: bool) -> None:
    side = either
    put = side.put(
        "x", b"data", "image/png", meta={"mtime": "1.5", "k": "ü"}, delivery=Delivery("gzip"), sharing=Sharing(("*",))
    )
    before = side.there.head(side.full("x"))
    base = RemoteBase.of(put) if etag_known else listed(side, "x")
    side.asked()
    info = side.folder.set_attributes("x", base, MODES)
    assert side.asked() == ["POST", "HEAD"] if etag_known else ["HEAD", "POST", "HEAD"]
    after = side.there.head(side.full("x"))
    assert after.meta == {"mtime": "1700000000.123456789", "mode": "755", "k": "ü"}
    assert (after.content_type, after.delivery, after.sharing) == ("image/png", before.delivery, before.sharing)
    assert (info.name, info.version, info.etag, info.meta) == ("x", after.version, after.etag, after.meta)
    assert side.read("x") == b"data"


@pytest.mark.parametrize("etag_known", [True, False])
@pytest.mark.parametrize("change", ["content", "gone"])
def test_attributes_of_what_is_not_the_base(side: Side, change: str, etag_known: bool) -> None:
    put = side.put("x", b"data")
    base = RemoteBase.of(put) if etag_known else listed(side, "x")
    if change == "content":
        side.put("x", b"theirs")
    else:
        side.there.store.delete(side.there.path(side.full("x")))
    with pytest.raises(RemoteChanged):
        side.folder.set_attributes("x", base, MODES)
    assert change == "gone" or side.there.head(side.full("x")).meta == {}


# new names ------------------------------------------------------------------------------------------------------------


def test_a_move_carries_everything_along(either: Side) -> None:
    side = either
    side.put(
        "a/x", b"data", "image/png", meta={"k": "v"}, delivery=Delivery("gzip"), sharing=Sharing(("*",)), public=True
    )
    before = side.there.head(side.full("a/x"))
    side.asked()
    moved = side.folder.move("a/x", "b/c/y", RemoteBase.of(before))
    assert side.asked() == ["HEAD", "PUT", "HEAD"]
    after = side.there.head(side.full("b/c/y"))
    assert names(side) == ["b/c/y"]
    assert (moved.name, moved.version, moved.etag) == ("b/c/y", after.version, after.etag)
    assert (after.hash, after.size, after.meta, after.uuid) == (before.hash, 4, {"k": "v"}, before.uuid)
    assert (after.content_type, after.delivery, after.sharing) == ("image/png", before.delivery, before.sharing)
    assert after.public


def test_an_inherited_rule_is_not_carried_along(side: Side) -> None:
    side.put("shared", b"", FOLDER, sharing=Sharing(("*",)))
    put = side.put("shared/x")
    side.folder.move("shared/x", "private", RemoteBase.of(put))
    assert side.there.head(side.full("private")).sharing is None


@pytest.mark.parametrize("change", ["content", "metadata", "gone"])
def test_a_move_of_what_is_not_the_base(side: Side, change: str) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    match change:
        case "content":
            side.put("x", b"theirs")
        case "metadata":
            side.there.store.update_meta(side.there.path(side.full("x")), {"k": "v"})
        case "gone":
            side.there.store.delete(side.there.path(side.full("x")))
    with pytest.raises(RemoteChanged):
        side.folder.move("x", "y", base)
    assert names(side) == ([] if change == "gone" else ["x"])


def test_a_move_to_a_name_that_is_taken(side: Side) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    side.put("y", b"theirs")
    with pytest.raises(RemoteChanged):
        side.folder.move("x", "y", base)
    assert (side.read("x"), side.read("y")) == (b"data", b"theirs")


def test_somebody_changes_it_in_the_last_moment(side: Side) -> None:
    """The server takes no condition on what is moved. His content is at the new name, and we know."""
    base = RemoteBase.of(side.put("x", b"data"))
    when_asked(side, "PUT", lambda: side.put("x", b"theirs"))
    with pytest.raises(RemoteChanged):
        side.folder.move("x", "y", base)
    assert names(side) == ["y"]
    assert side.read("y") == b"theirs"


def test_somebody_takes_the_name_in_the_last_moment(side: Side) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    when_asked(side, "PUT", lambda: side.put("y", b"theirs"))
    with pytest.raises(RemoteChanged):
        side.folder.move("x", "y", base)
    assert (side.read("x"), side.read("y")) == (b"data", b"theirs")


def test_a_move_whose_answer_was_lost_was_done(side: Side) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    side.wire.when("^PUT", LoseAnswer(), times=1)
    assert side.folder.move("x", "y", base).size == 4
    assert names(side) == ["y"]


# folders with all that is in them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("marker", [True, False])
def test_a_folder_moves_whole(either: Side, marker: bool) -> None:
    side = either
    if marker:
        side.put("old", b"", FOLDER)
    for name in ("old/a", "old/b/c", "older", "old.txt"):
        side.put(name, name.encode())
    side.there.share(side.full("old/a"), read=("*",))
    side.folder.move_folder("old", "new/place")
    assert names(side) == sorted(["new/place", "new/place/a", "new/place/b/c", "older", "old.txt"])
    assert side.read("new/place/b/c") == b"old/b/c"
    assert side.there.rule(side.full("new/place/a")) == Sharing(("*",))


def test_a_folder_moves_into_itself(side: Side) -> None:
    """Here that takes three steps, of which only the outcome is seen."""
    for name in ("old", "old/a", "old/b/c"):
        side.put(name, b"x", FOLDER if name == "old" else "text/plain")
    side.folder.move_folder("old", "old/deeper")
    assert names(side) == ["old/deeper", "old/deeper/a", "old/deeper/b/c"]


def test_an_empty_folder_moves_too(side: Side) -> None:
    side.put("old", b"", FOLDER)
    side.folder.move_folder("old", "new")
    assert names(side) == ["new"]


def test_a_folder_that_is_not_there(side: Side) -> None:
    side.put("old", b"a file")
    for name in ("old", "nothing"):
        with pytest.raises(RemoteChanged):
            side.folder.move_folder(name, "new")
    assert names(side) == ["old"]


@pytest.mark.parametrize("taken", ["new", "new/x", "new/other"])
def test_a_folder_that_would_land_on_something(either: Side, taken: str) -> None:
    side = either
    side.put("old/x", b"ours")
    side.put(taken, b"theirs")
    with pytest.raises(RemoteChanged):
        side.folder.move_folder("old", "new")
    assert side.read(taken) == b"theirs"
    assert side.read("old/x") == b"ours"
    assert not [one for one in names(side) if one.startswith("new") and one != taken]


def test_a_folder_move_whose_answer_was_lost_was_done(side: Side) -> None:
    side.put("old", b"", FOLDER)
    side.put("old/x")
    side.wire.when("^PUT", LoseAnswer(), times=1)
    side.folder.move_folder("old", "new")
    assert names(side) == ["new", "new/x"]


def test_a_large_folder_is_a_handful_of_requests(make_side: Callable[..., Side]) -> None:
    side = make_side()
    for number in range(50):
        side.put(f"old/{number}", bytes(1000))
    side.folder.move_folder("old", "new")
    assert len(side.asked()) <= 8
    assert side.wire.sent < 5000
    assert len(names(side)) == 51


# deletions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag_known", [True, False])
def test_a_deletion(either: Side, etag_known: bool) -> None:
    side = either
    put = side.put("x", b"data")
    base = RemoteBase.of(put) if etag_known else listed(side, "x")
    side.asked()
    side.folder.delete("x", base)
    assert side.asked() == ["HEAD", "DELETE"]
    assert names(side) == []
    assert side.there.store.read_range(side.there.path(side.full("x")), 0, 4, put.version) == b"data"


def test_what_goes_between_the_look_and_the_deletion(side: Side) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    side.wire.when("^DELETE", Answer(404))
    side.folder.delete("x", base)


def test_what_is_gone_already_is_deleted(side: Side) -> None:
    put = side.put("x", b"data")
    side.there.store.delete(side.there.path(side.full("x")))
    side.folder.delete("x", RemoteBase.of(put))
    side.folder.delete("never", None)


@pytest.mark.parametrize("change", ["content", "metadata", "made anew"])
def test_what_is_not_the_base_is_not_deleted(side: Side, change: str) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    match change:
        case "content":
            side.put("x", b"theirs")
        case "metadata":
            side.there.store.update_meta(side.there.path(side.full("x")), {"k": "v"})
        case "made anew":
            side.there.store.delete(side.there.path(side.full("x")))
            side.put("x", b"data")
    with pytest.raises(RemoteChanged):
        side.folder.delete("x", base)
    assert names(side) == ["x"]


def test_without_a_base_only_empty_folders_are_deleted(side: Side) -> None:
    side.put("folder", b"", FOLDER)
    side.put("folder/x")
    side.put("full", b"x", FOLDER)
    side.folder.delete("folder", None)
    assert names(side) == ["folder/x", "full"]
    for name in ("folder/x", "full"):
        with pytest.raises(RemoteChanged):
            side.folder.delete(name, None)


def test_a_deletion_whose_answer_was_lost_was_done(side: Side) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    side.wire.when("^DELETE", LoseAnswer(), times=1)
    side.folder.delete("x", base)
    assert names(side) == []


# servers that fail, containers that are gone --------------------------------------------------------------------------


def calls(side: Side, base: RemoteBase) -> dict[str, Callable[[], object]]:
    folder = side.folder
    return {
        "make_folder": lambda: folder.make_folder("d", MODES),
        "set_attributes": lambda: folder.set_attributes("x", base, MODES),
        "move": lambda: folder.move("x", "y", base),
        "move_folder": lambda: folder.move_folder("d", "e"),
        "delete": lambda: folder.delete("x", base),
    }


CALLS = ["make_folder", "set_attributes", "move", "move_folder", "delete"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("etag_known", [True, False])
def test_a_container_that_is_gone(either: Side, call: str, etag_known: bool) -> None:
    side = either
    put = side.put("x", b"data")
    base = RemoteBase.of(put) if etag_known else listed(side, "x")
    close_down(side)
    with pytest.raises(ContainerGone) as caught:
        calls(side, base)[call]()
    assert side.there.container in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_fails(side: Side, call: str) -> None:
    base = RemoteBase.of(side.put("x", b"data"))
    side.put("d/x", b"data")
    side.wire.when("^(PUT|POST|DELETE|COPY|MOVE)", Answer(503))
    with pytest.raises(ServerFailed):
        calls(side, base)[call]()
    assert names(side) == ["d/x", "x"]
    assert side.there.head(side.full("x")).version == base.version


def test_all_answers_have_the_names_of_the_pair(make_side: Callable[..., Side]) -> None:
    side = make_side("work")
    made: list[ObjectInfo] = [
        side.send("x", b"data").info,
        side.folder.make_folder("x d", MODES),
        side.folder.make_folder("x d", MODES),
    ]
    made.append(side.folder.set_attributes("x", RemoteBase.of(made[0]), MODES))
    assert [one.name for one in made] == ["x", "x d", "x d", "x"]
    assert side.folder.move("x", "x2", RemoteBase.of(made[-1])).name == "x2"
