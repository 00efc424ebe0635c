"""kill -9 of the mount process: what a program was promised at close() is still there, and goes to the cloud."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from fixtures.proxy import Answer, LoseAnswer, Request, Silence
from fixtures.waiting import eventually

from pithosfs.errors import NotFound
from pithosfs.mount.journal import Journal
from pithosfs.store import ObjectPath, Sharing

pytestmark = pytest.mark.mount

WRITER = """
import hashlib, os, sys
folder = sys.argv[1]
number = 0
while True:
    data = os.urandom(1 + number * 7919 % 300_000)
    try:
        with open(f"{folder}/f{number}.tmp", "wb") as file:
            file.write(data)
        os.rename(f"{folder}/f{number}.tmp", f"{folder}/f{number}")
    except OSError:
        break
    print(number, hashlib.sha256(data).hexdigest(), flush=True)
    number += 1
"""


def exists(user: Any, path: ObjectPath) -> bool:
    try:
        user.store.head(path)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("answers", [5, 40, 150])
def test_everything_that_was_closed_survives(mount: Any, cloud: Any, answers: int) -> None:
    import hashlib

    user = cloud.user("killed")
    mounted = mount(user=user)
    folder = mounted.path / "pithos"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    promised: dict[str, str] = {}
    assert writer.stdout is not None
    for _ in range(answers):
        number, digest = writer.stdout.readline().split()
        promised[f"f{number}"] = digest
    mounted.kill()
    for line in writer.stdout:
        # Closed and reported before the kill reached the process.
        number, digest = line.split()
        promised[f"f{number}"] = digest
    writer.stdout.close()
    writer.wait()
    again = mount(user=user, like=mounted)
    for name, digest in promised.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    again.flush()
    for name, digest in promised.items():
        path = ObjectPath(user.uuid, "pithos", name)
        info = user.store.head(path)
        data = user.store.read_range(path, 0, info.size, info.version)
        assert hashlib.sha256(data).hexdigest() == digest


def test_an_edit_that_was_not_sent_survives(mount: Any, cloud: Any, proxy: Any) -> None:
    user = cloud.user("edit")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire, expect="cloud|answer|sent")
    target = mounted.path / "pithos" / "big"
    data = bytearray(os.urandom(9_000_000))
    target.write_bytes(data)
    mounted.flush()
    wire.when("PUT|POST", Answer(status=503))
    with target.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"edited")
    data[5_000_000:5_000_006] = b"edited"
    mounted.kill()
    wire.restore()
    again = mount(user=user, through=wire, like=mounted)
    assert target.read_bytes() == data
    again.flush()
    assert target.read_bytes() == data
    assert len(os.getxattr(target, "user.pithos.versions").splitlines()) == 2


def test_a_synced_file_that_was_still_open_survives(mount: Any, cloud: Any) -> None:
    user = cloud.user("synced")
    mounted = mount(user=user)
    target = mounted.path / "pithos" / "log"
    code = (
        "import os, sys, time\n"
        "file = open(sys.argv[1], 'wb')\n"
        "file.write(b'synced'); file.flush(); os.fsync(file.fileno())\n"
        "print('synced', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "synced\n"
        mounted.kill()
        program.kill()
    again = mount(user=user, like=mounted)
    assert target.read_bytes() == b"synced"
    again.flush()
    assert user.store.head(ObjectPath(user.uuid, "pithos", "log")).size == 6


def test_another_mount_finishes_what_was_left(mount: Any, cloud: Any, proxy: Any, tmp_path: Path) -> None:
    user = cloud.user("left")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire, expect="cloud|answer|sent")
    wire.when("PUT|POST", Answer(status=503))
    (mounted.path / "pithos" / "left").write_text("behind")
    mounted.kill()
    wire.restore()
    other = mount(user=user, through=wire, home=mounted.home, path=tmp_path / "elsewhere")
    other.flush()
    assert user.store.head(ObjectPath(user.uuid, "pithos", "left")).size == 6


def test_another_mount_finishes_a_rename_that_was_interrupted(
    mount: Any, cloud: Any, proxy: Any, tmp_path: Path
) -> None:
    user, wire = cloud.user("left"), proxy(cloud)
    expected = "cloud|answer|sent"
    # Two mounts are killed: the next one takes over the journal of the first, and only sends that of the second.
    first = mount(user=user, through=wire, expect=expected)
    second = mount(user=user, through=wire, home=first.home, path=tmp_path / "second", expect=expected)
    folder = second.path / "pithos" / "old"
    folder.mkdir()
    (folder / "sent").write_text("sent")
    second.flush()
    wire.when("PUT .*/unsent", Answer(status=503))
    (first.path / "pithos" / "unsent").write_text("first")
    (folder / "unsent").write_text("left")
    reached = threading.Event()

    def is_the_move(request: Request) -> bool:
        if request.line.startswith("PUT") and "/new" in request.line:
            reached.set()
            return True
        return False

    wire.when(is_the_move, LoseAnswer(), times=1)
    wire.when(lambda _: reached.is_set(), Silence())
    rename = subprocess.Popen(
        [sys.executable, "-c", "import os, sys; os.rename(*sys.argv[1:])", str(folder), str(folder.with_name("new"))],
        stderr=subprocess.DEVNULL,
    )
    assert reached.wait(60)
    new, old = (ObjectPath(user.uuid, "pithos", name) for name in ("new", "old"))
    eventually(lambda: exists(user, new))
    first.kill()
    second.kill()
    rename.wait(60)
    wire.restore()
    third = mount(user=user, home=first.home, path=tmp_path / "third")
    third.flush()
    assert user.store.head(ObjectPath(user.uuid, "pithos", "unsent")).size == 5
    assert user.store.head(new.child("unsent")).size == 4
    assert not exists(user, old)
    assert not exists(user, old.child("unsent"))


@pytest.mark.parametrize("done", [False, True])
def test_a_folder_rename_that_was_interrupted(mount: Any, cloud: Any, done: bool) -> None:
    user = cloud.user("half")
    mounted = mount(user=user)
    folder = mounted.path / "pithos" / "old"
    folder.mkdir()
    (folder / "sent").write_text("sent")
    mounted.unmount()
    old, new = (ObjectPath(user.uuid, "pithos", name) for name in ("old", "new"))
    # As it is when the process ends between the intent and its end, before or after the server's part.
    journal, _ = Journal.open_slot(mounted.home.directories.state, user.uuid)
    journal.intent(
        "move_folder", {key: [path.account, path.container, path.name] for key, path in (("old", old), ("new", new))}
    )
    journal.close()
    if done:
        user.store.move_folder(old, new)
    else:
        user.store.put_object(new, b"", content_type="application/directory", meta={}, base="")
    top = mount(user=user, like=mounted).path / "pithos"
    assert sorted(os.listdir(top)) == (["new"] if done else ["new", "old"])
    assert (top / ("new" if done else "old") / "sent").read_text() == "sent"


@pytest.mark.parametrize("when", ["before the move", "after the move"])
def test_a_folder_rename_that_is_killed_keeps_what_is_shared(mount: Any, cloud: Any, proxy: Any, when: str) -> None:
    user, other = cloud.user("shares"), cloud.user("reads")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire, expect="cloud|answer|sent|renamed")
    folder = mounted.path / "pithos" / "old"
    folder.mkdir()
    for name in ("shared", "public", "plain", "withdrawn"):
        (folder / name).write_text(name)
    mounted.flush()
    old = ObjectPath(user.uuid, "pithos", "old")
    rule = Sharing(read=(other.uuid,))
    for name in ("shared", "withdrawn"):
        user.store.set_sharing(old.child(name), rule)
    user.store.set_public(old.child("public"), True)
    reached = threading.Event()

    def at_the_step(request: Request) -> bool:
        step = request.line.startswith("PUT" if when == "before the move" else "POST") and "/new" in request.line
        if step:
            reached.set()
        return step

    wire.when(at_the_step, Silence())
    rename = subprocess.Popen(
        [sys.executable, "-c", "import os, sys; os.rename(*sys.argv[1:])", str(folder), str(folder.with_name("new"))],
        stderr=subprocess.DEVNULL,
    )
    assert reached.wait(60)
    mounted.kill()
    assert rename.wait(60) != 0
    wire.restore()
    moved = when == "after the move"
    now = ObjectPath(user.uuid, "pithos", "new" if moved else "old")
    if moved:
        # What another client has made of a name meanwhile is not touched.
        user.store.delete(now.child("withdrawn"))
        user.store.put_object(now.child("withdrawn"), b"another", content_type="text/plain", meta={}, base="")
    mount(user=user, like=mounted)
    heads = {name: user.store.head(now.child(name)) for name in ("shared", "public", "plain", "withdrawn")}
    assert heads["shared"].own_sharing == rule
    assert heads["public"].public
    assert heads["plain"].own_sharing is None
    assert heads["withdrawn"].own_sharing == (None if moved else rule)
    assert other.store.head(now.child("shared")).size == 6


def test_close_itself_keeps_the_content(mount: Any, cloud: Any) -> None:
    mounted = mount(user=cloud.user("close"))
    target = mounted.path / "pithos" / "file"
    # With a second descriptor open, the kernel's later "release" cannot do what close() has promised.
    first = os.open(target, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.write(first, b"kept by close")
        os.close(os.dup(first))
        mounted.kill()
    finally:
        with contextlib.suppress(OSError):
            os.close(first)
    mount(like=mounted)
    assert target.read_bytes() == b"kept by close"
