"""300 000 files: the memory of a daemon that looks at them on both sides, joins them, and looks again."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from fixtures.clouds import User
from fixtures.sync_homes import SyncHomes

pytestmark = [pytest.mark.big, pytest.mark.long, pytest.mark.timeout(900)]

MIB = 2**20
FILES, INNER, OUTER = 100, 10, 300  # in a folder, folders in a folder, and of those
ALL = FILES * INNER * OUTER
LONG = 600.0


def fill_cloud(user: User) -> None:
    """One folder of empty files, copied by the server."""
    with requests.Session() as session:
        session.headers["X-Auth-Token"] = user.token

        def put(name: str, kind: str, **headers: str) -> None:
            reply = session.put(
                f"{user.storage_url}/pithos/Work/{name}",
                data=b"",
                headers={"Content-Type": kind, **headers},
                timeout=60,
            )
            assert reply.status_code == 201, reply.text

        folder = "application/directory"
        put("g0", folder)
        put("g0/d0", folder)
        for number in range(FILES):
            put(f"g0/d0/file-{number}", "text/plain")
        for number in range(1, INNER):
            put(f"g0/d{number}?delimiter=/", folder, **{"X-Copy-From": "/pithos/Work/g0/d0"})
        for number in range(1, OUTER):
            put(f"g{number}?delimiter=/", folder, **{"X-Copy-From": "/pithos/Work/g0"})


def fill_folder(top: Path) -> None:
    for outer in range(OUTER):
        for inner in range(INNER):
            folder = f"{top}/g{outer}/d{inner}"
            os.makedirs(folder)
            for number in range(FILES):
                os.mknod(f"{folder}/file-{number}")


def test_three_hundred_thousand_files(sync_homes: Callable[..., SyncHomes]) -> None:
    homes = sync_homes(1)
    [home], [pair] = homes.homes, homes.pairs
    times = [time.monotonic()]
    fill_cloud(homes.user)
    fill_folder(pair.folder)
    times.append(time.monotonic())
    home.start()
    homes.until(lambda: homes.status(0).files == ALL and homes.is_in_step(0), LONG)
    linked = homes.memory(0)
    times.append(time.monotonic())
    [done] = home.ask("now", pair=pair.id)["pairs"]
    assert done["in_step"], done
    times.append(time.monotonic())
    (pair.folder / "g17" / "d3" / "file-42").write_bytes(b"one of them is changed")
    homes.until(lambda: homes.place.store.head(homes.place.path("g17/d3/file-42")).size > 0)
    homes.until(lambda: homes.is_in_step(0))
    times.append(time.monotonic())
    made, linked_in, again, change = (later - sooner for sooner, later in itertools.pairwise(times))
    print(
        f"\n{ALL} files: made in {made:.0f} s; both sides looked at and joined in {linked_in:.0f} s with "
        f"{linked / MIB:.0f} MiB; looked at once more in {again:.1f} s, a change in the cloud after {change:.1f} s, "
        f"with {homes.memory(0) / MIB:.0f} MiB in all; requests and bytes {homes.traffic(0)}"
    )
    assert homes.did(0) == [("sent", "g17/d3/file-42")]
    assert homes.memory(0) < 150 * MIB
