"""Two mounts of one account, and two users of one cloud."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest
import requests
from fixtures.waiting import eventually

from pithosfs.store import ObjectPath

pytestmark = pytest.mark.mount


def refused(operation: Callable[[], Any]) -> bool:
    try:
        operation()
    except OSError as error:
        return error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT)
    return False


def test_changes_are_seen_by_the_other_mount(mount: Any, cloud: Any) -> None:
    user = cloud.user("both")
    one, other = mount(user=user, attr_timeout=1), mount(user=user, attr_timeout=1)
    here, there = one.path / "pithos", other.path / "pithos"
    (here / "d").mkdir()
    (here / "d" / "a").write_text("first")
    one.flush()
    eventually(lambda: (there / "d" / "a").exists() and (there / "d" / "a").read_text() == "first")
    (there / "d" / "a").write_text("second, from the other side")
    other.flush()
    eventually(lambda: (here / "d" / "a").read_text() == "second, from the other side")
    os.rename(here / "d", here / "e")
    one.flush()
    eventually(lambda: os.listdir(there) == ["e"])
    os.unlink(there / "e" / "a")
    other.flush()
    eventually(lambda: os.listdir(here / "e") == [])


def test_both_change_one_file(mount: Any, cloud: Any) -> None:
    user = cloud.user("clash")
    expected = "was changed elsewhere meanwhile"
    one = mount(user=user, attr_timeout=1, expect=expected)
    other = mount(user=user, attr_timeout=1)
    here, there = one.path / "pithos", other.path / "pithos"
    (here / "a.txt").write_text("base")
    one.flush()
    eventually((there / "a.txt").exists)
    with (here / "a.txt").open("r+") as mine, (there / "a.txt").open("r+") as theirs:
        mine.write("mine, changed here")
        theirs.write("theirs, changed there")
    other.flush()
    one.flush()

    def kept() -> set[str]:
        return {(here / name).read_text() for name in os.listdir(here)}

    eventually(lambda: kept() == {"mine, changed here", "theirs, changed there"})
    assert (here / "a.txt").read_text() == "theirs, changed there"
    copies = [name for name in os.listdir(here) if name != "a.txt"]
    assert len(copies) == 1
    assert copies[0].startswith("a (conflict ")
    assert copies[0].endswith(".txt")
    assert os.getxattr(here / "a.txt", "user.pithos.state") == b"conflict"


def test_what_is_shared_and_what_is_not(mount: Any, cloud: Any) -> None:
    alice, bob = cloud.user("alice"), cloud.user("bob")
    hers = mount(user=alice).path / "pithos"
    theirs = mount(user=bob, attr_timeout=1)
    for name in ("private", "for-reading", "for-writing"):
        (hers / name).mkdir()
        (hers / name / "file").write_text(f"in {name}")
    os.setxattr(hers / "for-reading", "user.pithos.sharing.read", bob.name.encode())
    os.setxattr(hers / "for-writing", "user.pithos.sharing.write", bob.name.encode())
    os.sync()
    hers_mount = mount.last_of(alice)
    hers_mount.flush()
    shared = theirs.path / ".shared" / alice.name / "pithos"
    eventually(lambda: shared.exists() and set(os.listdir(shared)) == {"for-reading", "for-writing"})
    assert (shared / "for-reading" / "file").read_text() == "in for-reading"
    assert refused(lambda: (shared / "for-reading" / "new").write_text("no"))
    assert refused(lambda: (shared / "for-reading" / "file").write_text("no"))
    assert refused(lambda: os.unlink(shared / "for-writing" / "file"))
    for forbidden in ("private", "private/file"):
        assert refused(lambda name=forbidden: os.stat(shared / name))  # type: ignore[misc]
    assert refused(lambda: os.listdir(shared / "private"))
    assert refused(lambda: (shared / "private" / "new").write_text("no"))
    (shared / "for-writing" / "file").write_text("changed by bob")
    (shared / "for-writing" / "new").write_text("made by bob")
    theirs.flush()
    eventually(lambda: (hers / "for-writing" / "file").read_text() == "changed by bob")
    eventually(lambda: (hers / "for-writing" / "new").exists())
    base = f"{alice.storage_url}/pithos"
    for method, path in (
        ("GET", "private/file"),
        ("HEAD", "private/file"),
        ("GET", "private/file?hashmap"),
        ("GET", "private/file?version=list"),
        ("PUT", "private/file"),
        ("POST", "private/file?update"),
        ("DELETE", "private/file"),
        ("DELETE", "for-writing/file"),
        ("PUT", "for-reading/file"),
        ("COPY", "private/file"),
        ("MOVE", "for-writing/file"),
    ):
        headers = {
            "X-Auth-Token": bob.token,
            "Content-Type": "text/plain",
            "Destination": "/pithos/stolen",
            "Destination-Account": bob.uuid,
        }
        answer = requests.request(method, f"{base}/{path}", headers=headers, timeout=20)
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
    assert (hers / "private" / "file").read_text() == "in private"
    os.removexattr(hers / "for-reading", "user.pithos.sharing.read")
    eventually(lambda: refused(lambda: os.listdir(shared / "for-reading")))


def test_an_editors_temporary_is_never_an_object(mount: Any, cloud: Any, proxy: Any) -> None:
    user = cloud.user("editor")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire)
    target = mounted.path / "pithos" / "a.txt"
    for number in range(3):
        target.write_text(f"version {number}")
        mounted.flush()
    os.setxattr(target, "user.pithos.sharing.read", b"*")
    os.setxattr(target, "user.pithos.public", b"1")
    link = os.getxattr(target, "user.pithos.public")
    temporary = target.with_name(".a.txt.tmp")
    with temporary.open("w") as file:
        file.write("version 3")
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, target)
    mounted.flush()
    assert len(os.getxattr(target, "user.pithos.versions").splitlines()) == 4
    assert os.getxattr(target, "user.pithos.sharing.read") == b"*"
    assert os.getxattr(target, "user.pithos.public") == link
    assert requests.get(link.decode(), timeout=20).text == "version 3"
    assert not [line for line in wire.request_lines() if ".a.txt.tmp" in line and not line.startswith(("GET", "HEAD"))]


def test_a_rename_onto_what_another_client_has_just_made_keeps_its_history(mount: Any, cloud: Any) -> None:
    user = cloud.user("race")
    mounted = mount(user=user, attr_timeout=3600)
    here = mounted.path / "pithos"
    (here / "mine").write_text("mine")
    mounted.flush()
    assert os.listdir(here) == ["mine"]
    theirs = ObjectPath(user.uuid, "pithos", "taken")
    first = user.store.put_object(theirs, b"theirs", content_type="text/plain", meta={}, base="")
    os.rename(here / "mine", here / "taken")
    mounted.flush()
    assert (here / "taken").read_text() == "mine"
    history = [one.version for one in user.store.versions(theirs)]
    assert len(history) == 2
    assert user.store.read_range(theirs, 0, 6, first.version) == b"theirs"


def test_a_folder_is_not_moved_onto_what_another_client_has_just_put_there(mount: Any, cloud: Any) -> None:
    user = cloud.user("race-folder")
    mounted = mount(user=user, attr_timeout=3600)
    here = mounted.path / "pithos"
    for name in ("mine", "empty"):
        (here / name).mkdir()
    (here / "mine" / "same").write_text("mine")
    mounted.flush()
    assert os.listdir(here / "empty") == []
    theirs = ObjectPath(user.uuid, "pithos", "empty/same")
    user.store.put_object(theirs, b"theirs", content_type="text/plain", meta={}, base="")
    with pytest.raises(OSError, check=lambda error: error.errno == errno.ENOTEMPTY):
        os.rename(here / "mine", here / "empty")
    assert (here / "empty" / "same").read_text() == "theirs"
    assert (here / "mine" / "same").read_text() == "mine"
