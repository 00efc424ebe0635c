"""`pithosd` says what it cannot do."""

from __future__ import annotations

import pytest

from pithosfs import __version__
from pithosfs_daemon.main import run


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for option, words in (("--version", __version__), ("--help", "not part of this version")):
        with pytest.raises(SystemExit) as ended:
            run([option])
        assert ended.value.code == 0
        assert words in " ".join(capsys.readouterr().out.split())


def test_it_does_not_pretend(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "cannot keep folders in step yet" in said.err
    assert "pithosfs mount" in said.err
