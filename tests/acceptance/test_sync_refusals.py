"""What two daemons must not do: keep one folder in step, or a folder inside another one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.daemons import SyncHome
from fixtures.homes import Home
from fixtures.sync_homes import SyncHomes, entries

from pithosfs.errors import LocalError
from pithosfs_daemon.states import Condition


def test_a_second_daemon_on_a_folder_is_refused(sync_homes: Callable[..., SyncHomes], tmp_path: Path) -> None:
    """As when a home was copied, with its synced folders in the same places."""
    homes = sync_homes(1)
    [first], [pair] = homes.homes, homes.pairs
    (pair.folder / "a").write_bytes(b"a")
    first.start()
    first.in_step(pair)
    shutil.copytree(first.home.root, tmp_path / "copy", ignore=shutil.ignore_patterns("run"))
    second = SyncHome(Home.make(tmp_path / "copy"), homes.user, tmp_path)
    try:
        second.start()
        status = second.await_condition(pair, Condition.NEEDS_YOU)
        assert f"keeps {pair.folder} in step" in status.situation.what
        # It stays so, whatever happens and whoever asks; the first goes on.
        for number in range(2):
            (pair.folder / f"file-{number}").write_bytes(b"x")
            homes.until(lambda number=number: f"file-{number}" in homes.place.objects())
            [done] = second.ask("now", pair=pair.id)["pairs"]
            assert not done["in_step"]
            assert done["error"]["message"] == f"another process keeps {pair.folder} in step"
        assert second.status(pair).situation.condition == Condition.NEEDS_YOU
        assert second.did(pair)[-1] == ("needs you", "")
        assert first.status(pair).situation.condition == Condition.IN_STEP
        # When the first has ended, the second takes over by itself.
        first.close()
        (pair.folder / "later").write_bytes(b"x")
        second.await_condition(pair, Condition.IN_STEP)
        homes.until(lambda: "later" in homes.place.objects())
        assert entries(pair.folder).keys() == homes.place.objects().keys()
    finally:
        second.close()


def test_a_pair_inside_another_is_refused(sync_homes: Callable[..., SyncHomes]) -> None:
    homes = sync_homes()
    one, two = homes.homes
    homes.start()
    inner = homes.folders[0] / "inner"
    inner.mkdir()
    homes.until((homes.folders[1] / "inner").is_dir)
    for home, folder in [(one, inner), (one, one.root), (one, homes.folders[0]), (two, inner), (two, homes.folders[0])]:
        with pytest.raises(LocalError, match=r"synced|in step| is in "):
            add(home, folder)
    (inner / "a").write_bytes(b"a")
    homes.until((homes.folders[1] / "inner" / "a").exists)
    assert os.listdir(inner) == ["a"]
    # One that is moved in afterwards is left alone, and told.
    outer = one.root / "other"
    outer.mkdir()
    other = add(one, outer)
    (outer / "b").write_bytes(b"b")
    outer.rename(inner / "other")
    (inner / "c").write_bytes(b"c")
    homes.until((homes.folders[1] / "inner" / "c").exists)
    status = one.await_status(homes.pairs[0], lambda status: status.troubles)
    assert [(each.name, each.reason.name) for each in status.troubles] == [("inner/other", "OTHER_PAIR")]
    assert entries(homes.folders[1]).keys() == {"inner", "inner/a", "inner/c"}
    assert other.folder == outer


def add(home: SyncHome, folder: Path) -> object:
    from pithosfs_daemon.pairing import add_pair
    from pithosfs_daemon.values import Pair

    wish = Pair("", Path("/"), "test", "", "pithos", f"place of {folder.name}")
    return add_pair(wish, str(folder), home.directories, home.user.store).pair
