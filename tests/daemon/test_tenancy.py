"""A folder is kept in step by one process of a machine, which holds nothing of it open for that."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.local_folder import pair_of

from pithosfs_daemon.tenancy import take_folder
from pithosfs_daemon.troubles import FolderTaken

OTHER = """
import sys
from pathlib import Path
from fixtures.local_folder import pair_of
from pithosfs_daemon.tenancy import take_folder
give_back = take_folder(pair_of(Path(sys.argv[1])))
print("taken", flush=True)
sys.stdin.readline()
"""


def take(folder: Path, **pair: str) -> Callable[[], None]:
    return take_folder(pair_of(folder, **pair))


def test_another_process_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"taken\n"
        with pytest.raises(FolderTaken, match="another process"):
            take(tmp_path)
        take(tmp_path, id="of-another-pair")()
        (tmp_path / "inner").mkdir()
        take(tmp_path / "inner")()
        other.kill()
        other.wait()
    take(tmp_path)()


def test_one_process_can_have_it_several_times(tmp_path: Path) -> None:
    first, second = take(tmp_path), take(tmp_path)
    command = [sys.executable, "-c", OTHER, tmp_path]
    first()
    refused = subprocess.run(command, capture_output=True, env={"PYTHONPATH": ":".join(sys.path)}, input=b"\n")
    assert b"FolderTaken" in refused.stderr
    second()
    allowed = subprocess.run(command, capture_output=True, env={"PYTHONPATH": ":".join(sys.path)}, input=b"\n")
    assert allowed.stdout == b"taken\n"
