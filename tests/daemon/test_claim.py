"""One daemon for the pairs of a user."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from fixtures.homes import Home

from pithosfs.errors import Conflict
from pithosfs_daemon.claim import Claim, Record, is_held, read_record

RECORD = Record(4711, "here", "/run/sync.sock", "/log", 1.5, "0.1")

HOLDER = """
import sys
from pithosfs.config import Directories
from pithosfs_daemon.claim import Claim, Record
claim = Claim(Directories.from_environ())
claim.announce(Record(4711, "here", "/run/sync.sock", "/log", 1.5, "0.1"))
print("held", flush=True)
sys.stdin.read()
"""


def test_it_is_told_while_it_is_held(home: Home) -> None:
    directories = home.directories
    assert (read_record(directories), is_held(directories)) == (None, False)
    claim = Claim(directories)
    assert (read_record(directories), is_held(directories)) == (None, True)  # starting
    claim.announce(RECORD)
    assert read_record(directories) == RECORD
    with pytest.raises(Conflict, match="runs already \\(process 4711 on here\\)"):
        Claim(directories)
    claim.release()
    claim.release()
    assert (read_record(directories), is_held(directories)) == (None, False)
    Claim(directories).release()


def test_a_killed_process_holds_nothing(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=home.environ
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert read_record(home.directories) == RECORD
        with pytest.raises(Conflict):
            Claim(home.directories)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert read_record(home.directories) is None
        claim = Claim(home.directories)
        assert read_record(home.directories) is None  # what the killed one wrote does not count
        claim.release()
