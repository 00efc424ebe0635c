"""Shell completion: scripts that shells accept, names that come from the cache."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable

import psutil
import pytest
from fixtures.cli import Cli
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents
from fixtures.machine_world import Machines
from fixtures.proxy import FaultProxy
from fixtures.waiting import eventually

from pithosfs_cli.completion import cache_file
from pithosfs_cli.invocation import Invocation


def wait_for(cli: Cli, *kinds: str) -> None:
    """Until the processes in the background have written what they were to ask for."""
    cloud = Invocation(config_file=str(cli.home.directories.config_file)).cloud()
    for kind in kinds:
        file = cache_file(cli.home.directories, cloud, *kind.split("\0"))
        eventually(file.exists)


def asking(cli: Cli) -> list[int]:
    """The processes that ask this home's cloud in the background; they are nobody's children."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            mine = process.environ().get("HOME") == cli.environ["HOME"]
            if mine and "pithosfs_cli.completion" in process.cmdline():
                found.append(process.pid)
    return found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(bare: Cli, shell: str) -> None:
    script = bare.ok("completion", shell).out
    assert "_PITHOSFS_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
    assert bare("completion", "tcsh").code == 2


def test_commands_and_options(bare: Cli) -> None:
    assert bare.complete("fi") == ["file"]
    assert bare.complete("file", "up") == ["upload"]
    assert "--recursive" in bare.complete("file", "upload", "--rec")
    assert bare.complete("--output", "") == ["table", "json", "yaml", "csv", "value"]


def test_clouds(cli: Cli) -> None:
    cli.ok("config", "set", "cloud.work.url", "x")
    assert cli.complete("--cloud", "") == ["test", "work"]
    assert cli.complete("file", "list", "--cloud", "wo") == ["work"]


def test_containers(cli: Cli) -> None:
    cli.ok("container", "create", "photos")
    cli.ok("container", "list")
    assert cli.complete("file", "list", "/p") == ["/photos/", "/pithos/"]
    assert cli.complete("file", "list", "/ph") == ["/photos/"]
    assert cli.complete("container", "info", "p") == ["photos", "pithos"]
    assert cli.complete("mount", "--container", "ph") == ["photos"]


def test_containers_come_from_the_cache(cli: Cli) -> None:
    cli.ok("container", "list")
    cli.ok("config", "set", "cloud.test.url", cli.ok("config", "get", "cloud.test.url").out.strip())
    # The cloud is not asked while the names are fresh: a proxy that nobody answers at does not matter.
    assert cli.complete("file", "list", "/pi", http_proxy="http://127.0.0.1:9") == ["/pithos/"]


def test_what_is_in_a_folder(cli: Cli, own: Contents) -> None:
    for name in ("dir/a.txt", "dir/a long name", "dir/sub/x", "dir2/y", "doc", "evil\x1b[31m"):
        own.put(name)
    own.folder("empty")
    # The first time it is waited for, as long as nobody feels it; then it is there for sure.
    cli.complete("file", "list", "/pithos/")
    wait_for(cli, "folder\0pithos\0")
    assert cli.complete("file", "list", "/pithos/") == [f"/pithos/{one}" for one in ("dir/", "dir2/", "doc", "empty/")]
    assert cli.complete("file", "cat", "/pithos/d") == ["/pithos/dir/", "/pithos/dir2/", "/pithos/doc"]
    assert cli.complete("file", "info", "do") == ["doc"]
    assert cli.complete("file", "list", "--container", "pithos", "do") == ["doc"]
    cli.complete("file", "list", "/pithos/dir/")
    wait_for(cli, "folder\0pithos\0dir/")
    assert cli.complete("file", "list", "/pithos/dir/a") == ["/pithos/dir/a long name", "/pithos/dir/a.txt"]
    eventually(lambda: not asking(cli))  # what has been asked for is being written, or has just been
    # Nobody asks the cloud again while that is fresh.
    assert cli.complete("file", "list", "/pithos/dir/s") == ["/pithos/dir/sub/"]
    assert asking(cli) == []


def test_a_cloud_that_does_not_answer_is_not_waited_for(
    bare: Cli, owner: User, cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy]
) -> None:
    wire = proxy(cloud)
    bare.home.add_cloud(owner.cloud(through=wire))
    wire.dark()
    assert bare.complete("file", "list", "/pithos/") == []
    assert bare.complete("container", "info", "p") == []
    assert bare.complete("server", "create", "--image-id", "S") == []
    wire.restore()
    # What was asked for in the background is there for the next time.
    wait_for(bare, "containers", "folder\0pithos\0", "things\0imagecompute list")
    assert bare.complete("server", "create", "--image-id", "S") == ["Sandbox"]
    assert bare.complete("container", "info", "p") == ["pithos"]


def test_users_who_share_something(cli: Cli, own: Contents, cloud: TestCloud) -> None:
    other = Contents(cloud.user("sharing"))
    other.put("x")
    other.share("x", read=(own.user.uuid,))
    cli.ok("sharer", "list")
    assert other.user.name in cli.complete("file", "list", "-A", "shar")
    assert other.user.name in cli.complete("sharer", "info", "shar")


def test_servers_and_the_like(cli: Cli, owner: User, cloud: TestCloud) -> None:
    machines = Machines(cloud, owner, owner, cli.cwd)
    made = {name: machines.server(name)["id"] for name in ("web-1", "web-2", "twin")}
    twin = machines.server("twin")["id"]
    cli.ok("server", "list")
    assert cli.complete("server", "info", "web") == ["web-1", "web-2"]
    assert cli.complete("server", "delete", "web-1", "web-2") == ["web-2"]
    assert cli.complete("network", "connect", "x", "--device-id", "web-") == ["web-1", "web-2"]
    # Names of several are no good: there are ids in their place.
    assert cli.complete("server", "start", "tw") == []
    assert set(cli.complete("server", "start", "")) == {"web-1", "web-2", str(made["twin"]), str(twin)}
    assert str(made["web-1"]) in cli.complete("server", "start", str(made["web-1"]))
    machines.close()


def test_images_flavors_and_networks(cli: Cli) -> None:
    for listing, words in (
        ("flavor list", ("server", "create", "--flavor-id", "C2R2048D20d")),
        ("imagecompute list", ("server", "create", "--image-id", "Sand")),
        ("network list", ("subnet", "create", "--network-id", "pub")),
        ("volume types", ("volume", "create", "--volume-type", "ext")),
    ):
        cli.complete(*words)
        wait_for(cli, f"things\0{listing}")
        assert [one.startswith(words[-1]) for one in cli.complete(*words)] == [True]


def test_what_changed_is_asked_for_again(cli: Cli, cloud: TestCloud) -> None:
    cli.ok("network", "create", "--name", "first")
    cli.ok("network", "list")
    assert cli.complete("network", "info", "") == ["public", "first"]
    cli.ok("network", "create", "--name", "second")
    # It is not waited for: what is known is offered, and the rest the next time.
    assert "first" in cli.complete("network", "info", "")
    eventually(lambda: cli.complete("network", "info", "sec") == ["second"])


def test_columns(bare: Cli) -> None:
    assert bare.complete("file", "list", "--columns", "content") == ["content_type"]
    assert bare.complete("file", "list", "--columns", "bytes,na") == ["bytes,name"]
    assert "name" not in bare.complete("file", "list", "--columns", "name,")


def test_nothing_configured_offers_nothing(bare: Cli) -> None:
    assert bare.complete("file", "list", "/") == []
    assert bare.complete("--cloud", "") == []
    bare.home.directories.config_file.parent.mkdir(parents=True, exist_ok=True)
    bare.home.directories.config_file.write_text("rubbish")
    assert bare.complete("file", "list", "/") == []
