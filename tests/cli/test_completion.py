"""Shell completion: scripts that shells accept, names that come from the cache."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from fixtures.cli import PROGRAM, Cli


def complete(cli: Cli, *words: str, **environ: str) -> list[str]:
    """What bash would offer for the last of the words."""
    done = subprocess.run(
        PROGRAM,
        capture_output=True,
        text=True,
        check=True,
        cwd=cli.cwd,
        env={
            **cli.environ,
            "_PITHOSFS_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["pithosfs", *words]),
            "COMP_CWORD": str(len(words)),
            **environ,
        },
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(bare: Cli, shell: str) -> None:
    script = bare.ok("completion", shell).out
    assert "_PITHOSFS_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
    assert bare("completion", "tcsh").code == 2


def test_commands_and_options(bare: Cli) -> None:
    assert complete(bare, "fi") == ["file"]
    assert complete(bare, "file", "up") == ["upload"]
    assert "--recursive" in complete(bare, "file", "upload", "--rec")
    assert complete(bare, "--output", "") == ["table", "json", "yaml", "csv"]


def test_clouds(cli: Cli) -> None:
    cli.ok("config", "set", "cloud.work.url", "x")
    assert complete(cli, "--cloud", "") == ["test", "work"]
    assert complete(cli, "file", "list", "--cloud", "wo") == ["work"]


def test_containers(cli: Cli) -> None:
    cli.ok("container", "create", "photos")
    cli.ok("container", "list")
    assert complete(cli, "file", "list", "/p") == ["/photos/", "/pithos/"]
    assert complete(cli, "file", "list", "/ph") == ["/photos/"]
    assert complete(cli, "container", "info", "p") == ["photos", "pithos"]
    assert complete(cli, "mount", "--container", "ph") == ["photos"]
    assert complete(cli, "file", "list", "/photos/x") == []


def test_containers_come_from_the_cache(cli: Cli) -> None:
    cli.ok("container", "list")
    cli.ok("config", "set", "cloud.test.url", cli.ok("config", "get", "cloud.test.url").out.strip())
    # The cloud is not asked while the names are fresh: a proxy that nobody answers at does not matter.
    assert complete(cli, "file", "list", "/pi", http_proxy="http://127.0.0.1:9") == ["/pithos/"]


def test_nothing_configured_offers_nothing(bare: Cli) -> None:
    assert complete(bare, "file", "list", "/") == []
    assert complete(bare, "--cloud", "") == []
    bare.home.directories.config_file.parent.mkdir(parents=True, exist_ok=True)
    bare.home.directories.config_file.write_text("rubbish")
    assert complete(bare, "file", "list", "/") == []
