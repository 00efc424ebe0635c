"""Which library is taken, and what is said when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pithosfs.errors import ConfigError, LocalError
from pithosfs.mount import binding


def run(code: str, **environment: str) -> str:
    """In a process of its own, with every warning an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.strip()


SHOW = "from pithosfs.mount import binding; b = binding.load(); print(b.choice, b.major, b.module.__name__)"


def test_libfuse_3_is_preferred() -> None:
    assert run(SHOW, PITHOSFS_FUSE="") == "fuse3 3 mfusepy"


@pytest.mark.parametrize(("choice", "shown"), [("fuse3", "fuse3 3 mfusepy"), ("fuse2", "fuse2 2 fuse")])
def test_the_choice_can_be_forced(choice: str, shown: str) -> None:
    assert run(SHOW, PITHOSFS_FUSE=choice) == shown


def test_the_environment_is_left_as_it_was() -> None:
    code = f"import os; {SHOW}; print(os.environ.get('FUSE_LIBRARY_PATH'))"
    assert run(code, PITHOSFS_FUSE="fuse3") == "fuse3 3 mfusepy\nNone"
    assert run(code, PITHOSFS_FUSE="fuse2", FUSE_LIBRARY_PATH="/nowhere") == "fuse2 2 fuse\n/nowhere"


def test_another_package_called_fuse(tmp_path: Path) -> None:
    """Then mfusepy drives libfuse 2 too."""
    (tmp_path / "fuse.py").write_text("class Fuse: pass\n")
    assert run(SHOW, PITHOSFS_FUSE="fuse2", PYTHONPATH=str(tmp_path)) == "fuse2 2 mfusepy"


def test_an_unknown_choice() -> None:
    with pytest.raises(ConfigError, match="fuse4") as caught:
        binding.load({"PITHOSFS_FUSE": "fuse4"})
    assert "fuse3 or fuse2" in caught.value.hint


def test_no_library() -> None:
    """As on a machine where nothing is installed: the linker finds nothing."""
    code = (
        "import ctypes\n"
        "def nothing(*_): raise OSError('cannot open shared object file')\n"
        "ctypes.CDLL = nothing\n"
        "from pithosfs.mount import binding\n"
        "try: binding.load()\n"
        "except binding.LocalError as error: print(error, '|', error.hint, '|', error.exit_code)\n"
    )
    message, hint, code_shown = run(code, PITHOSFS_FUSE="").split(" | ")
    assert "libfuse3.so.3" in message
    assert code_shown == "1"
    if shutil.which("apt-get"):
        assert hint == "install it: sudo apt-get install fuse3"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_keeps_an_ordinary_user_from_mounting() -> None:
    code = (
        "import os\n"
        "from pithosfs.mount import binding\n"
        "loaded = binding.load()\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: binding.check_machine(loaded, allow_other=False)\n"
        "except binding.LocalError as error: print(error)\n"
        "else: print('may mount')\n"
    )
    said = run(code)
    writable = os.stat("/dev/fuse").st_mode & 0o006 == 0o006
    assert said == ("may mount" if writable else "this user may not open /dev/fuse")


def test_this_machine_can_mount() -> None:
    for choice in binding.CHOICES:
        try:
            binding.check_machine(binding.load({"PITHOSFS_FUSE": choice}), allow_other=False)
        except LocalError as error:
            pytest.fail(f"{error}: {error.hint}")
