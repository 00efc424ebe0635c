"""Thousands of files in a synced folder: what they cost in requests, bytes and memory."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.sync_homes import SyncHomes, entries

pytestmark = [pytest.mark.big, pytest.mark.long, pytest.mark.timeout(600)]

MIB = 2**20
PACKAGES = 250
PER_PACKAGE = 40
DROPPED = 75  # packages that turn out not to be needed
LONG = 300.0


def install(modules: Path) -> None:
    """As package managers do it: each package is unpacked beside, and renamed in; some are removed again."""
    staging = modules / ".staging"
    staging.mkdir(parents=True)
    for number in range(PACKAGES):
        package = staging / f"package-{number}-{number * 7919 % 1000}"
        for folder in ("lib", "dist/esm", "node_modules/inner/lib"):
            (package / folder).mkdir(parents=True)
        for file in range(PER_PACKAGE - 1):
            where = package / ("lib", "dist", "dist/esm", "node_modules/inner/lib")[file % 4]
            (where / f"module-{file}.js").write_text(f"exports.value = {number * file};\n" * (1 + file % 30))
        (package / "package.json").write_text(f'{{"name": "package-{number}"}}\n')
        package.rename(modules / f"package-{number}")
        if number >= DROPPED and number % 2:
            shutil.rmtree(modules / f"package-{(number - DROPPED) // 2}", ignore_errors=True)
    staging.rmdir()


def test_an_installation_and_its_renaming(sync_homes: Callable[..., SyncHomes]) -> None:
    """10 000 files come in a burst, some go again; then what is left, well over 5 000, is renamed as one folder."""
    homes = sync_homes()
    homes.start()
    here, there = homes.folders
    (here / "index.js").write_text("require('package-200');\n")
    homes.equal()
    idle = [homes.traffic(which) for which in (0, 1)]
    begun = time.monotonic()
    install(here / "node_modules")
    installed = time.monotonic() - begun
    found = homes.equal(LONG)
    took = time.monotonic() - begun
    files = sum(kind == "file" for kind, *_ in found.values())
    assert 5_000 < files < PACKAGES * PER_PACKAGE
    costs = [
        tuple(now - before for now, before in zip(homes.traffic(which), idle[which], strict=True)) for which in (0, 1)
    ]
    print(
        f"\n{PACKAGES * PER_PACKAGE} files written in {installed:.1f} s, {files} left, {len(found) - files} folders, "
        f"in step after {took:.1f} s; requests, bytes sent and received here {costs[0]}, there {costs[1]}; memory "
        f"{[f'{homes.memory(which) / MIB:.0f} MiB' for which in (0, 1)]}"
    )
    assert costs[0][0] < PACKAGES * PER_PACKAGE
    assert costs[1][0] < PACKAGES * PER_PACKAGE
    assert all(homes.memory(which) < 150 * MIB for which in (0, 1))
    assert homes.conflicts() == []

    idle = [homes.traffic(which) for which in (0, 1)]
    before = len(homes.did(0)), len(homes.did(1))
    inode = (there / "node_modules" / "package-200" / "package.json").stat().st_ino
    (here / "node_modules").rename(here / "modules")
    begun = time.monotonic()
    renamed = homes.equal(LONG)
    took = time.monotonic() - begun
    assert renamed == {name.replace("node_modules", "modules", 1): what for name, what in found.items()}
    costs = [
        tuple(now - before for now, before in zip(homes.traffic(which), idle[which], strict=True)) for which in (0, 1)
    ]
    print(f"renamed there after {took:.1f} s; requests, bytes sent and received here {costs[0]}, there {costs[1]}")
    assert homes.did(0)[before[0] :] == [("moved in the cloud", "node_modules")]
    assert homes.did(1)[before[1] :] == [("moved here", "node_modules")]
    assert (there / "modules" / "package-200" / "package.json").stat().st_ino == inode
    assert costs[0][1] == costs[1][1] == 0  # bytes of bodies: not one
    assert max(cost[0] for cost in costs) < 20 + 2 * took  # it is looked for changes once a second
    homes.rest()
    assert entries(here) == renamed
