"""Pairs on disk."""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures.homes import Home

from pithosfs.errors import ConfigError, LocalError, NotFound, UsageError
from pithosfs_daemon.registry import Registry, containing
from pithosfs_daemon.values import Pair


@pytest.fixture
def registry(home: Home) -> Registry:
    return Registry(home.directories)


def add(registry: Registry, folder: Path) -> Pair:
    return registry.add(lambda id, pairs: Pair(id, folder, "work", "uuid", "c"))


def test_nothing_yet(registry: Registry) -> None:
    assert registry.pairs() == []
    assert registry.get("abc") is None
    with pytest.raises(NotFound, match="no folder is synced"):
        registry.find("x")
    assert not registry.root.exists()  # looking makes nothing


def test_a_pair_is_kept_privately(registry: Registry, tmp_path: Path) -> None:
    pair = add(registry, tmp_path / "b")
    other = add(registry, tmp_path / "a")
    assert registry.pairs() == [other, pair]
    assert registry.get(pair.id) == pair
    file = registry.directory(pair.id) / "pair.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == ["pair.json"]


def test_an_add_that_is_refused_leaves_nothing(registry: Registry) -> None:
    def refuse(id: str, pairs: list[Pair]) -> Pair:
        raise LocalError("no")

    with pytest.raises(LocalError):
        registry.add(refuse)
    with pytest.raises(UsageError):
        registry.add(lambda id, pairs: Pair(id, Path("/x"), "work", "uuid", "a/b"))
    assert registry.pairs() == []
    assert os.listdir(registry.root) == ["lock"]


def test_updates(registry: Registry, tmp_path: Path) -> None:
    pair = add(registry, tmp_path)
    changed = registry.update(pair.id, lambda old: replace(old, interval=5.0, id="other"))
    assert changed == replace(pair, interval=5.0)
    assert Registry.get(registry, pair.id) == changed
    with pytest.raises(UsageError):
        registry.update(pair.id, lambda old: replace(old, interval=-1))
    assert registry.get(pair.id) == changed
    with pytest.raises(NotFound):
        registry.update("nothing", lambda old: old)


def test_removing(registry: Registry, tmp_path: Path) -> None:
    pair, other = add(registry, tmp_path / "a"), add(registry, tmp_path / "b")
    registry.state_file(pair.id).write_bytes(b"rows")
    registry.discard(pair.id)  # it is there still
    assert registry.get(pair.id) == pair
    registry.remove(pair.id)
    assert registry.pairs() == [other]
    assert registry.state_file(pair.id).exists()  # somebody may be using it
    registry.discard(pair.id)
    assert not registry.directory(pair.id).exists()
    registry.remove(pair.id)  # again is fine


def test_the_next_add_clears_up_after_a_kill(registry: Registry, tmp_path: Path) -> None:
    pair = add(registry, tmp_path / "a")
    registry.remove(pair.id)  # and killed before it was discarded
    (registry.root / "0badcafe").mkdir()  # and one that was killed before pair.json was there
    (registry.root / "0badcafe" / ".pair.json.x").write_text("half")
    other = add(registry, tmp_path / "b")
    assert sorted(one.name for one in registry.root.iterdir()) == sorted(["lock", other.id])


def test_finding(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, other = tmp_path / "Work", tmp_path / "Docs"
    for one in (folder, other):
        one.mkdir()
    pair, second = add(registry, folder), add(registry, other)
    (tmp_path / "link").symlink_to(folder)
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder)
    for text in (pair.id, pair.id[:6], str(folder), f"{folder}/", str(folder / "sub"), "sub", str(tmp_path / "link")):
        assert registry.find(text) == pair, text
    assert registry.find(second.id.upper()) == second
    assert registry.find("../Docs") == second
    for text in ("nothing", "", str(tmp_path), "/"):
        with pytest.raises(NotFound, match="not a synced folder"):
            registry.find(text)
    # Somebody who stands in a folder and writes an id means the id, unless there is a file of that name.
    assert registry.find(second.id[:5]) == second
    (folder / second.id[:5]).write_text("")
    with pytest.raises(UsageError, match="can mean several"):
        registry.find(second.id[:5])


def test_the_beginning_of_several_ids(registry: Registry, tmp_path: Path) -> None:
    pairs = [add(registry, tmp_path / str(number)) for number in range(40)]  # two of them begin alike
    starts = [one.id[0] for one in pairs]
    twice = next(one for one in starts if starts.count(one) > 1)
    with pytest.raises(UsageError, match="can mean several"):
        registry.find(twice)


def test_a_link_in_a_folder_is_in_it(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "Work"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    pair = add(registry, folder)
    assert containing([pair], str(folder / "link")) == pair
    assert containing([pair], "/etc/passwd") is None
    assert containing([pair], str(folder) + "-not") is None


def test_one_that_cannot_be_read_does_not_hide_the_others(registry: Registry, tmp_path: Path) -> None:
    pair, broken, copy = (add(registry, tmp_path / name) for name in "abc")
    (registry.directory(broken.id) / "pair.json").write_text("{")
    (registry.directory(copy.id) / "pair.json").write_bytes((registry.directory(pair.id) / "pair.json").read_bytes())
    found, troubles = registry.read()
    assert found == [pair]
    assert set(troubles) == {broken.id, copy.id}
    assert "is of another synced folder" in troubles[copy.id].message
    with pytest.raises(ConfigError):
        registry.pairs()


def test_changes_at_the_same_time_are_all_kept(registry: Registry, tmp_path: Path) -> None:
    pair = add(registry, tmp_path / "first")

    def work(number: int) -> None:
        own = Registry.__new__(Registry)
        own.root = registry.root
        add(own, tmp_path / str(number))
        own.update(pair.id, lambda old: replace(old, excludes=(*old.excludes, f"{number}")))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(registry.pairs()) == 9
    kept = registry.get(pair.id)
    assert kept is not None
    assert sorted(kept.excludes) == [str(number) for number in range(8)]


def test_a_state_directory_that_cannot_be_made(registry: Registry, home: Home, tmp_path: Path) -> None:
    (home.root / "state" / "pithosfs").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot make the directory"):
        add(registry, tmp_path)
