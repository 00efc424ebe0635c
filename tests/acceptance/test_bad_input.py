"""What goes wrong from outside: each time one clear error, the right errno, and nothing lost."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fixtures.proxy import Answer, CutBody, Garbage, ReplaceBody

from pithosfs.config import Cloud
from pithosfs.errors import NoConnection, NotFound, NotLoggedIn, PithosfsError
from pithosfs.mount import service
from pithosfs.mount.options import MountOptions
from pithosfs.store import ObjectPath

pytestmark = pytest.mark.mount

BLOCK = 4 * 1024 * 1024


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# at the start ---------------------------------------------------------------------------------------------------------


def start(home: Any, point: Path, cloud: Cloud, **options: Any) -> None:
    service.start_background(
        MountOptions(mount_point=str(point), **options), cloud, home.directories, environ=home.environ
    )


def test_a_wrong_token(home: Any, cloud: Any, tmp_path: Path) -> None:
    with pytest.raises(NotLoggedIn) as failed:
        start(home, tmp_path / "point", Cloud("test", cloud.url, "not-a-token"))
    assert failed.value.exit_code == 4
    assert "config set" in failed.value.hint
    assert "not-a-token" not in str(failed.value) + failed.value.hint


def test_nobody_there(home: Any, tmp_path: Path) -> None:
    with pytest.raises(NoConnection) as failed:
        start(home, tmp_path / "point", Cloud("test", "http://127.0.0.1:9/identity/v2.0", "x"))
    assert failed.value.exit_code == 7


def test_no_such_container(home: Any, cloud: Any, tmp_path: Path) -> None:
    user = cloud.user("typo")
    with pytest.raises(NotFound) as failed:
        start(home, tmp_path / "point", user.cloud(), container="pihtos")
    assert failed.value.exit_code == 3
    assert "pithosfs container create" in failed.value.hint


def test_a_mount_point_that_is_none(home: Any, cloud: Any, mount: Any, tmp_path: Path) -> None:
    user = cloud.user("place")
    file = tmp_path / "file"
    file.write_text("in the way")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("hidden by a mount")
    taken = mount(user=user).path
    for point in (file, full, taken):
        with pytest.raises(PithosfsError) as failed:
            start(home, point, user.cloud())
        assert str(point) in str(failed.value)
        assert failed.value.hint
    assert file.read_text() == "in the way"
    assert (full / "mine").read_text() == "hidden by a mount"


# names ----------------------------------------------------------------------------------------------------------------


def test_every_byte_in_a_name(mount: Any) -> None:
    mounted = mount()
    folder = os.fsencode(mounted.path / "pithos")
    wanted = {bytes([byte]) + b"-name" for byte in range(1, 256) if byte != ord("/")}
    for name in wanted:
        with open(folder + b"/" + name, "wb") as file:
            file.write(name)
    assert set(os.listdir(folder)) == wanted
    mounted.flush()
    mounted.unmount()
    again = mount(like=mounted)
    assert set(os.listdir(folder)) == wanted
    for name in wanted:
        with open(folder + b"/" + name, "rb") as file:
            assert file.read() == name
    again.unmount()


def test_long_names(mount: Any) -> None:
    folder = mount().path / "pithos"
    (folder / ("n" * 255)).write_text("fits")
    assert (folder / ("n" * 255)).read_text() == "fits"
    with pytest.raises(OSError, check=lambda error: error.errno == errno.ENAMETOOLONG):
        (folder / ("n" * 256)).write_text("does not")


def test_names_from_the_server_lead_nowhere_else(mount: Any, cloud: Any, tmp_path: Path) -> None:
    user = cloud.user("hostile")
    hostile = ["../escape", "..", ".", "a/../../b", "/etc/passwd", "//x", "d//e", "./f", "trailing/", "x/../y"]
    for name in hostile:
        user.store.put_object(
            ObjectPath(user.uuid, "pithos", name), b"hostile", content_type="text/plain", meta={}, base=""
        )
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    top = mount(user=user).path / "pithos"
    found = 0
    for at, folders, files in os.walk(top):
        assert Path(os.path.realpath(at)).is_relative_to(top)
        for name in folders + files:
            assert name not in ("", ".", "..")
            assert "/" not in name
        found += sum((Path(at) / name).read_bytes() == b"hostile" for name in files)
    assert found >= len(hostile) - 1
    shown = {path for path in (str(one) for one in tmp_path.rglob("*")) if not path.startswith(str(top.parent))}
    assert {path for path in shown if "/home" not in path} <= set(before)


# space ----------------------------------------------------------------------------------------------------------------


def test_over_quota(mount: Any, cloud: Any) -> None:
    user = cloud.user("small", quota=1024 * 1024)
    mounted = mount(user=user, expect="quota")
    folder = mounted.path / "pithos"
    (folder / "fits").write_bytes(os.urandom(300_000))
    mounted.flush()
    status = os.statvfs(mounted.path)
    assert status.f_blocks * status.f_frsize == 1024 * 1024
    assert 600_000 < status.f_bavail * status.f_frsize < 750_000
    with pytest.raises(OSError, check=lambda error: error.errno == errno.EDQUOT):
        (folder / "too-big").write_bytes(os.urandom(2_000_000))
    os.unlink(folder / "too-big")
    os.unlink(folder / "fits")
    mounted.flush()
    assert os.listdir(folder) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs")
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


def test_the_local_disk_is_full(mount: Any, cloud: Any, small_disk: Path, proxy: Any) -> None:
    from fixtures.homes import Home

    home = Home.make(small_disk / "home")
    user = cloud.user("full")
    wire = proxy(cloud)
    mounted = mount(user=user, home=home, through=wire, expect=r"No space left|cannot keep|cloud|disk|cache")
    folder = mounted.path / "pithos"
    kept = os.urandom(3 * BLOCK)
    (folder / "first").write_text("so that the container is known")
    mounted.flush()
    wire.refuse()  # nothing can leave: everything stays on the small disk
    (folder / "kept").write_bytes(kept)
    with pytest.raises(OSError, check=lambda error: error.errno == errno.ENOSPC):
        (folder / "too-much").write_bytes(os.urandom(6 * BLOCK))
    assert digest((folder / "kept").read_bytes()) == digest(kept)
    wire.restore()
    (folder / "too-much").unlink(missing_ok=True)
    mounted.flush()
    assert digest((folder / "kept").read_bytes()) == digest(kept)
    stored = user.store.head(ObjectPath(user.uuid, "pithos", "kept"))
    assert stored.size == len(kept)
    mounted.unmount()


# answers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [Answer(status=500), Answer(status=503), Garbage(), ReplaceBody(), CutBody(after=3)],
    ids=["500", "503", "garbage", "other-body", "half-a-body"],
)
@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
def test_a_server_that_answers_nonsense(mount: Any, cloud: Any, proxy: Any, fault: Any, times: int | None) -> None:
    user = cloud.user("nonsense")
    data = os.urandom(200_000)
    user.store.put_object(ObjectPath(user.uuid, "pithos", "file"), data, content_type="text/plain", meta={}, base="")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire, attr_timeout=1, expect="cloud|answer|input/output|look for changes|reply")
    path = mounted.path / "pithos" / "file"
    wire.when(rf"GET /object-store/v1/{user.uuid}/pithos", fault, times)
    try:
        found = path.read_bytes()
    except OSError as error:
        assert error.errno == errno.EIO
    else:
        # Never anything else than what is there.
        assert found == data
    wire.restore()
    mounted_again = mount(user=user, through=wire)
    assert (mounted_again.path / "pithos" / "file").read_bytes() == data


def test_what_was_written_while_the_server_failed_arrives_later(mount: Any, cloud: Any, proxy: Any) -> None:
    user = cloud.user("later")
    wire = proxy(cloud)
    mounted = mount(user=user, through=wire, expect="cloud|answer|changes|sent")
    folder = mounted.path / "pithos"
    (folder / "before").write_text("known")
    mounted.flush()
    assert (folder / "before").read_text() == "known"
    wire.when("PUT|POST", Answer(status=500))
    (folder / "during").write_text("kept here")
    os.rename(folder / "during", folder / "renamed")
    assert (folder / "renamed").read_text() == "kept here"
    assert os.getxattr(folder / "renamed", "user.pithos.state") in (b"pending", b"uploading")
    wire.restore()
    mounted.flush()
    answer = requests.get(f"{user.storage_url}/pithos/renamed", headers={"X-Auth-Token": user.token}, timeout=20)
    assert answer.text == "kept here"
