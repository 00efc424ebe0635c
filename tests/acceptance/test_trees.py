"""A real tree of thousands of files, in and out again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.mount, pytest.mark.big, pytest.mark.long]


def everything(top: Path) -> Iterator[tuple[str, int, int, int, str]]:
    """Every path below a folder with mode, size, time and link target."""
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = Path(folder, name)
            seen = path.lstat()
            link = os.readlink(path) if path.is_symlink() else ""
            size = 0 if path.is_dir() and not path.is_symlink() else seen.st_size
            yield str(path.relative_to(top)), seen.st_mode, size, seen.st_mtime_ns, link


def test_the_standard_library(mount: Any, cloud: Any, tmp_path: Path) -> None:
    source = tmp_path / "lib"
    # The library alone: what pip has installed into it and what was compiled of it is anybody's guess.
    others = shutil.ignore_patterns("site-packages", "__pycache__")
    shutil.copytree(sysconfig.get_path("stdlib"), source, symlinks=True, ignore=others)
    user = cloud.user("tree")
    mounted = mount(user=user)
    copy = mounted.path / "pithos" / "lib"
    start = time.monotonic()
    subprocess.run(["cp", "-a", str(source), str(copy)], check=True)
    copied = time.monotonic() - start
    mounted.flush()
    flushed = time.monotonic() - start
    sent = mounted.requests()
    mounted.unmount()
    shutil.rmtree(mounted.cache)
    again = mount(user=user, like=mounted)
    start = time.monotonic()
    compared = subprocess.run(
        ["diff", "-r", "--no-dereference", str(source), str(copy)], capture_output=True, text=True
    )
    assert compared.stdout + compared.stderr == ""
    assert compared.returncode == 0
    cold = time.monotonic() - start
    wanted, found = sorted(everything(source)), sorted(everything(copy))
    assert found == wanted
    print(
        f"\n{len(wanted)} entries: cp -a {copied:.1f} s, on the cloud after {flushed:.1f} s with {sent} requests; "
        f"diff -r with an empty cache {cold:.1f} s with {again.requests()} requests"
    )
