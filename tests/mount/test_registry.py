"""Descriptions of running mounts, and how a killed one is told from a living one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.homes import Home

from pithosfs.errors import LocalError
from pithosfs.mount import registry
from pithosfs.mount.registry import Record, Registration

HOLD = """
import sys, time
from pathlib import Path
from pithosfs.config import Directories
from pithosfs.mount.registry import Record, Registration
claim = Registration(Directories.from_environ(), "/point")
claim.announce(Record("/point", 1, "cloud", None, "binding", None, 2.5))
print("held", flush=True)
sys.stdin.read()
"""


def record(point: str) -> Record:
    return Record(point, os.getpid(), "cloud", "container", "binding", "/log", 1.5)


def test_a_description_is_there_as_long_as_it_is_claimed(home: Home) -> None:
    claim = Registration(home.directories, "/point")
    claim.announce(record("/point"))
    assert list(registry.records(home.directories)) == [(record("/point"), True)]
    claim.release()
    claim.release()
    assert list(registry.records(home.directories)) == []
    assert os.listdir(home.directories.runtime / "mounts") == []


def test_one_claim_at_a_time(home: Home) -> None:
    claim = Registration(home.directories, "/point")
    with pytest.raises(LocalError, match="/point"):
        Registration(home.directories, "/point")
    other = Registration(home.directories, "/other")
    claim.release()
    Registration(home.directories, "/point").release()
    other.release()


def test_a_killed_process_is_known_to_be_dead(home: Home) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=home.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert [alive for _, alive in registry.records(home.directories)] == [True]
        process.kill()
    assert [(one.mount_point, alive) for one, alive in registry.records(home.directories)] == [("/point", False)]
    again = Registration(home.directories, "/point")
    again.announce(record("/point"))
    assert list(registry.records(home.directories)) == [(record("/point"), True)]
    again.release()


def test_a_dead_description_can_be_forgotten(home: Home) -> None:
    claim = Registration(home.directories, "/point")
    claim.announce(record("/point"))
    registry.forget(home.directories, "/point")
    assert list(registry.records(home.directories)) == []
    claim.release()


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"unknown": 1}', b"\xff"])
def test_rubbish_is_passed_over(home: Home, rubbish: bytes) -> None:
    claim = Registration(home.directories, "/point")
    claim.announce(record("/point"))
    Path(home.directories.runtime, "mounts", "0.json").write_bytes(rubbish)
    assert [one.mount_point for one, _ in registry.records(home.directories)] == ["/point"]
    claim.release()


def test_a_shorter_description_leaves_nothing_of_a_longer_one(home: Home) -> None:
    claim = Registration(home.directories, "/point")
    claim.announce(Record("/point", 1, "a long name for a cloud" * 9, None, "binding", None, 1.0))
    claim.announce(record("/point"))
    assert list(registry.records(home.directories)) == [(record("/point"), True)]
    claim.release()
