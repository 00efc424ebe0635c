"""Many small new files, or many folders, in one request."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest
from fixtures.proxy import Answer, Drop, LoseAnswer

from pithosfs.errors import PithosfsError, ServerFailed, TransferCancelled
from pithosfs.mount.attributes import Attributes, from_meta
from pithosfs.store import ObjectInfo
from pithosfs.store.seam import DIRECTORY_TYPE as FOLDER
from pithosfs_daemon.remote import NewFile, NewFolder, RemoteBase, Sent
from pithosfs_daemon.troubles import ContainerGone, RemoteChanged

from .conftest import Side

MODES = Attributes(mode=0o755, mtime_ns=1_700_000_000_123_456_789)


def files(count: int, size: int = 1000) -> list[NewFile]:
    return [NewFile(f"d/{number}.txt", os.urandom(size), MODES) for number in range(count)]


def folders(count: int) -> list[NewFolder]:
    return [NewFolder(f"d/{number}", Attributes(mode=0o750)) for number in range(count)]


def made(answers: list[Sent | PithosfsError]) -> list[Sent]:
    assert all(isinstance(one, Sent) for one in answers), answers
    return [one for one in answers if isinstance(one, Sent)]


def test_files_are_made(either: Side) -> None:
    side = either
    assert side.folder.takes_batches
    given = [*files(20), NewFile("empty", b"", MODES), NewFile("ü ☃", b"abc\0\0", Attributes())]
    side.asked()
    sent = made(side.folder.send_batch(given))
    assert side.asked() == ["PUT"]
    for one, answer in zip(given, sent, strict=True):
        assert side.read(one.name) == one.data
        head = side.there.head(side.full(one.name))
        assert from_meta(head.meta or {}) == one.attributes
        assert answer.info.name == one.name
        assert RemoteBase.of(answer.info) == RemoteBase.of(head)
    # The same as by a request of its own.
    alone = side.send("alone", given[0].data, attributes=MODES)
    assert (sent[0].content, sent[0].hashmap, sent[0].sums) == (alone.content, alone.hashmap, alone.sums)
    assert sent[0].info.content_type == "text/plain"


def test_names_that_are_taken(side: Side) -> None:
    given = files(5)
    side.put(given[1].name, b"theirs")
    side.put(given[3].name, given[3].data)  # the same content, and other attributes
    answers = side.folder.send_batch(given)
    assert [isinstance(one, RemoteChanged) for one in answers] == [False, True, False, True, False]
    assert side.read(given[1].name) == b"theirs"
    assert side.read(given[4].name) == given[4].data


def test_an_answer_that_was_lost(side: Side) -> None:
    given = files(5)
    side.wire.when("^PUT", LoseAnswer(), times=1)
    made(side.folder.send_batch(given))
    assert all(len(side.there.versions(side.full(one.name))) == 1 for one in given)


def test_folders_are_made(either: Side) -> None:
    side = either
    given = [*folders(20), NewFolder("ü ☃", Attributes())]
    side.asked()
    answers = side.folder.make_folders(given)
    assert side.asked() == ["PUT"]
    for one, answer in zip(given, answers, strict=True):
        assert isinstance(answer, ObjectInfo)
        head = side.there.head(side.full(one.name))
        assert (head.is_directory, head.size, from_meta(head.meta or {})) == (True, 0, one.attributes)
        assert (answer.name, answer.is_directory) == (one.name, True)
        assert RemoteBase.of(answer) == RemoteBase.of(head)
    alone = side.folder.make_folder("alone", given[0].attributes)
    first = answers[0]
    assert isinstance(first, ObjectInfo)
    assert (first.hash, first.content_type, first.meta) == (alone.hash, alone.content_type, alone.meta)


def test_folders_that_are_there_are_fine(side: Side) -> None:
    given = folders(5)
    here = side.put(given[1].name, b"", FOLDER, meta={"mode": "700"})
    side.put(given[2].name, b"")
    side.put(f"{given[3].name}/below")  # it is there by that alone, and gets an object of its own
    answers = side.folder.make_folders(given)
    assert [isinstance(one, RemoteChanged) for one in answers] == [False, False, True, False, False]
    there = answers[1]
    assert isinstance(there, ObjectInfo)
    assert (there.version, there.meta) == (here.version, {"mode": "700"})
    assert side.there.head(side.full(given[2].name)).content_type == "text/plain"
    assert side.there.head(side.full(given[3].name)).is_directory


def test_an_answer_about_folders_that_was_lost(side: Side) -> None:
    given = folders(5)
    side.wire.when("^PUT", LoseAnswer(), times=1)
    assert all(isinstance(one, ObjectInfo) for one in side.folder.make_folders(given))
    assert all(len(side.there.versions(side.full(one.name))) == 1 for one in given)


CALLS = {
    "files": lambda side: side.folder.send_batch(files(5)),
    "folders": lambda side: side.folder.make_folders(folders(5)),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("broken", [Answer(503), Drop()])
def test_a_server_that_fails(side: Side, call: str, broken: object) -> None:
    side.wire.when("^PUT", broken)  # type: ignore[arg-type]
    with pytest.raises(PithosfsError) as caught:
        CALLS[call](side)
    assert not isinstance(broken, Answer) or isinstance(caught.value, ServerFailed)
    assert side.listed() == []


@pytest.mark.parametrize("call", CALLS)
def test_a_container_that_is_gone(side: Side, call: str) -> None:
    side.there.store.delete_container(side.there.container)
    with pytest.raises(ContainerGone):
        CALLS[call](side)


def test_called_off_while_it_waits(limited: Callable[..., Side]) -> None:
    """At this rate it would take an hour."""
    side = limited(upload_limit=1000)
    cancel = threading.Event()
    begun = threading.Timer(0.2, cancel.set)
    begun.start()
    with pytest.raises(TransferCancelled):
        side.folder.send_batch(files(50, 60_000), cancel=cancel)
    begun.join()
    assert side.listed() == []
