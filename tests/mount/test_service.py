"""A mount as a process: started, listed, drained, ended, killed; and what is said when it cannot be."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from fixtures.clouds import TestCloud
from fixtures.homes import Home
from fixtures.mounts import Mounted, MountFactory
from fixtures.proxy import Answer, FaultProxy
from fixtures.waiting import eventually

from pithosfs import control
from pithosfs.config import Cloud
from pithosfs.descriptors import readable
from pithosfs.errors import ConfigError, LocalError, NoConnection, NotLoggedIn
from pithosfs.mount import binding as bindings
from pithosfs.mount import registry, service
from pithosfs.mount.options import MountOptions
from pithosfs.store import ObjectPath

pytestmark = pytest.mark.mount


def content(mounted: Mounted, name: str) -> bytes:
    """What the server has under a name in the container "pithos"."""
    store = mounted.user.store
    path = ObjectPath(store.account, "pithos", name)
    info = store.head(path)
    return store.read_range(path, 0, info.size, info.version)


def names(mounted: Mounted) -> set[str]:
    listing = mounted.user.store.list_objects("pithos")
    assert listing is not None
    return {one.name for one in listing.found.objects}


def await_end(mounted: Mounted) -> int:
    """Wait for the process; its exit code."""
    process = os.pidfd_open(mounted.pid)
    try:
        assert readable(process, 60)
    finally:
        os.close(process)
    return os.waitstatus_to_exitcode(os.waitpid(mounted.pid, 0)[1])


# a life ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binding", bindings.CHOICES)
def test_from_start_to_end(mount: MountFactory, binding: str) -> None:
    mounted = mount(binding=binding)
    directories = mounted.home.directories
    assert mounted.is_mounted()
    assert mounted.status.alive
    assert mounted.status.cloud == "test"
    assert ("libfuse 3" if binding == "fuse3" else "libfuse 2") in mounted.status.binding
    (mounted.path / "pithos" / "a").write_bytes(b"hello")
    assert (mounted.path / "pithos" / "a").read_bytes() == b"hello"
    assert [one.mount_point for one in service.mounts(directories)] == [str(mounted.path)]
    inside = service.find_mount(str(mounted.path / "pithos" / "a"), directories)
    assert inside is not None
    assert inside.pid == mounted.pid
    assert service.find_mount(str(mounted.path.parent), directories) is None
    assert mounted.unmount() == []
    assert content(mounted, "a") == b"hello"
    assert not mounted.is_mounted()
    assert not psutil.pid_exists(mounted.pid)
    assert service.mounts(directories) == []
    assert os.listdir(directories.runtime / "mounts") == []
    assert os.listdir(mounted.path) == []


def test_secrets_stay_secret(mount: MountFactory) -> None:
    mounted = mount(debug=True)
    (mounted.path / "pithos" / "a").write_bytes(b"hello")
    mounted.flush()
    token = mounted.user.token
    process = psutil.Process(mounted.pid)
    assert token not in " ".join(process.cmdline())
    assert token not in " ".join(process.environ().values())
    assert mounted.status.log is not None
    log = Path(mounted.status.log)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert token not in log.read_text()
    directories = mounted.home.directories
    for folder in (directories.runtime / "mounts", directories.state / "log"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in (directories.runtime / "mounts").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_missing_mount_point_is_made(mount: MountFactory, tmp_path: Path) -> None:
    mounted = mount(path=tmp_path / "not" / "there" / "yet")
    assert os.listdir(mounted.path) == ["pithos"]


def test_a_mount_point_through_a_symlink(mount: MountFactory, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    mounted = mount(path=tmp_path / "link")
    assert mounted.status.mount_point == str(tmp_path / "real")
    found = service.find_mount(str(tmp_path / "link" / "pithos"), mounted.home.directories)
    assert found is not None
    mounted.unmount()


def test_one_container(mount: MountFactory) -> None:
    mounted = mount(container="pithos")
    (mounted.path / "a").write_bytes(b"hello")
    mounted.unmount()
    assert content(mounted, "a") == b"hello"


def test_several_mounts(mount: MountFactory) -> None:
    first = mount()
    second = mount(home=first.home)
    found = {one.mount_point for one in service.mounts(first.home.directories)}
    assert found == {str(first.path), str(second.path)}
    first.unmount()
    assert [one.pid for one in service.mounts(first.home.directories)] == [second.pid]


def test_a_deep_runtime_directory(mount: MountFactory, tmp_path: Path) -> None:
    """A socket address has room for 107 bytes."""
    root = tmp_path / ("x" * 120)
    mounted = mount(home=Home.make(root))
    assert mounted.state() != {}
    mounted.unmount()


# ends -----------------------------------------------------------------------------------------------------------------


def test_unmounting_from_outside_sends_everything(mount: MountFactory) -> None:
    mounted = mount()
    (mounted.path / "pithos" / "a").write_bytes(b"hello")
    subprocess.run(["umount", mounted.path], check=True)
    assert await_end(mounted) == 0
    assert content(mounted, "a") == b"hello"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_unmounts_and_sends_everything(mount: MountFactory, number: signal.Signals) -> None:
    mounted = mount()
    (mounted.path / "pithos" / "a").write_bytes(b"hello")
    os.kill(mounted.pid, number)
    assert await_end(mounted) == 0
    assert not mounted.is_mounted()
    assert content(mounted, "a") == b"hello"


def test_told_to_end(mount: MountFactory) -> None:
    mounted = mount()
    (mounted.path / "pithos" / "a").write_bytes(b"hello")
    control.call(registry.socket_of(mounted.home.directories, str(mounted.path)), "stop", peer="the mount")
    assert await_end(mounted) == 0
    assert content(mounted, "a") == b"hello"


@pytest.mark.parametrize("binding", bindings.CHOICES)
def test_a_signal_while_a_file_is_open(mount: MountFactory, binding: str) -> None:
    mounted = mount(binding=binding)
    fd = os.open(mounted.path / "pithos" / "a", os.O_CREAT | os.O_WRONLY)
    try:
        os.write(fd, b"hello")
        os.kill(mounted.pid, signal.SIGTERM)
        assert await_end(mounted) == 0
        assert content(mounted, "a") == b"hello"
    finally:
        with pytest.RaisesExc(OSError):
            os.close(fd)


def test_a_mount_in_use(mount: MountFactory) -> None:
    mounted = mount()
    with open(mounted.path / "pithos" / "a", "wb") as file:
        file.write(b"hello")
        file.flush()
        with pytest.raises(LocalError, match="is in use") as caught:
            mounted.unmount()
        assert "--force" in caught.value.hint
        assert mounted.is_mounted()
    assert mounted.unmount() == []
    assert content(mounted, "a") == b"hello"


def test_force(mount: MountFactory) -> None:
    mounted = mount()
    with open(mounted.path / "pithos" / "a", "wb") as file:
        file.write(b"hello")
        file.flush()
        unmounting = subprocess.Popen(
            [sys.executable, "-c", FORCE, str(mounted.path)], env=mounted.home.environ, stdout=subprocess.PIPE
        )
        eventually(lambda: not mounted.is_mounted())
        file.write(b" world")
    assert unmounting.communicate(timeout=60)[0] == b"[]\n"
    assert await_end(mounted) == 0
    assert content(mounted, "a") == b"hello world"


FORCE = "import sys; from pithosfs.mount import service; print(service.unmount(sys.argv[1], force=True))"


def test_unmounting_what_is_not_mounted(home: Home, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no cloud folder is mounted"):
        service.unmount(str(tmp_path), home.directories)
    with pytest.raises(LocalError, match="is not in a mounted cloud folder"):
        service.flush(str(tmp_path), home.directories)
    assert service.mounts(home.directories) == []


# kills ----------------------------------------------------------------------------------------------------------------


def test_after_a_kill_the_next_mount_goes_on(
    mount: MountFactory, cloud: TestCloud, proxy: Callable[..., FaultProxy]
) -> None:
    wire = proxy(cloud)
    mounted = mount(through=wire)
    wire.when("PUT|POST", Answer(503))
    mounted.expect(".*")
    for number in range(20):
        (mounted.path / "pithos" / f"{number}").write_bytes(b"%d" % number)
    os.kill(mounted.pid, signal.SIGKILL)
    os.waitpid(mounted.pid, 0)
    dead = service.mounts(mounted.home.directories)
    assert [(one.mount_point, one.alive) for one in dead] == [(str(mounted.path), False)]
    wire.restore()
    again = mount(like=mounted, through=wire)
    assert {one.alive for one in service.mounts(mounted.home.directories)} == {True}
    assert (again.path / "pithos" / "7").read_bytes() == b"7"
    again.flush()
    assert names(again) == {f"{number}" for number in range(20)}
    assert content(again, "13") == b"13"


def test_a_dead_mount_can_be_unmounted(mount: MountFactory) -> None:
    mounted = mount()
    os.kill(mounted.pid, signal.SIGKILL)
    os.waitpid(mounted.pid, 0)
    assert mounted.is_mounted()
    assert mounted.unmount() == []
    assert not mounted.is_mounted()
    assert service.mounts(mounted.home.directories) == []


def test_what_cannot_be_sent_is_told_and_kept(
    mount: MountFactory, cloud: TestCloud, proxy: Callable[..., FaultProxy]
) -> None:
    wire = proxy(cloud)
    mounted = mount(through=wire)
    mounted.expect(".*")
    (mounted.path / "pithos" / "before").write_bytes(b"sent")
    mounted.flush()
    wire.refuse()
    (mounted.path / "pithos" / "a").write_bytes(b"hello")
    unsent = service.flush(str(mounted.path), mounted.home.directories, timeout=0.5)
    assert [one.path for one in unsent] == ["/pithos/a"]
    unsent = mounted.unmount(timeout=0.5)
    assert [one.path for one in unsent] == ["/pithos/a"]
    assert unsent[0].error
    assert not psutil.pid_exists(mounted.pid)
    wire.restore()
    again = mount(like=mounted, through=wire)
    again.flush()
    assert content(again, "a") == b"hello"


# refusals -------------------------------------------------------------------------------------------------------------


def start(home: Home, cloud: Cloud, point: Path, **environment: str) -> None:
    service.start_background(
        MountOptions(mount_point=str(point)), cloud, home.directories, environ={**home.environ, **environment}
    )


def test_a_wrong_token(home: Home, cloud: TestCloud, tmp_path: Path) -> None:
    with pytest.raises(NotLoggedIn) as caught:
        start(home, Cloud("test", cloud.url, "wrong"), tmp_path / "point")
    assert caught.value.exit_code == 4
    assert "token" in caught.value.hint
    assert service.mounts(home.directories) == []


def test_an_unreachable_server(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NoConnection) as caught:
        start(home, Cloud("test", "http://127.0.0.1:1/identity/v2.0", "token"), tmp_path / "point")
    assert caught.value.exit_code == 7
    assert caught.value.hint


def test_a_folder_that_is_not_empty(home: Home, cloud: TestCloud, tmp_path: Path) -> None:
    point = tmp_path / "point"
    point.mkdir()
    (point / "file").touch()
    with pytest.raises(LocalError, match="is not empty"):
        start(home, cloud.user().cloud(), point)


def test_a_file(home: Home, cloud: TestCloud, tmp_path: Path) -> None:
    point = tmp_path / "point"
    point.touch()
    with pytest.raises(LocalError, match="is not a folder"):
        start(home, cloud.user().cloud(), point)
    with pytest.raises(LocalError):
        start(home, cloud.user().cloud(), point / "below")


def test_a_mount_point_in_use(mount: MountFactory, home: Home) -> None:
    mounted = mount()
    with pytest.raises(LocalError, match="is mounted there already") as caught:
        start(home, mounted.user.cloud(), mounted.path)
    assert caught.value.hint
    assert (mounted.path / "pithos").is_dir()


def test_an_unknown_binding(home: Home, cloud: TestCloud, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PITHOSFS_FUSE"):
        start(home, cloud.user().cloud(), tmp_path / "point", PITHOSFS_FUSE="fuse9")


def test_a_process_that_cannot_even_begin(home: Home, cloud: TestCloud, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="ended before") as caught:
        start(home, cloud.user().cloud(), tmp_path / "point", PYTHONHOME="/nowhere")
    assert "log" in caught.value.hint
