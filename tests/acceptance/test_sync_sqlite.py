"""A database in a synced folder that a program writes to while the daemons run."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fixtures.sync_homes import SyncHomes
from fixtures.synced import side_by_side

# Bursts of transactions with pauses between them, as somebody uses a program, until told to end.
WRITER = """
import random, select, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
assert db.execute(f"PRAGMA journal_mode = {sys.argv[2]}").fetchone() == (sys.argv[2],)
db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
db.execute("CREATE INDEX by_text ON t (text)")
done = 0
while done % 20 or not select.select([sys.stdin], [], [], random.uniform(0.2, 1.0))[0]:
    db.execute("BEGIN IMMEDIATE")
    rows = [(f"{number} in transaction {done} " * 5,) for number in range(10)]
    db.executemany("INSERT INTO t (text) VALUES (?)", rows)
    db.execute("UPDATE t SET text = text || '!' WHERE id % 97 = ?", (done % 97,))
    db.execute("COMMIT")
    done += 1
    print(done, flush=True)
db.close()
"""


def check(path: Path) -> int:
    """Open it as a program would, to recover what is to be recovered; the number of its rows."""
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(db.execute("SELECT count(*) FROM t").fetchone()[0])
    finally:
        db.close()


def is_another(path: Path, seen: list[int]) -> bool:
    """Whether a file has another time than before; those that it had are collected."""
    if not path.exists() or (now := path.stat().st_mtime_ns) in seen:
        return False
    seen.append(now)
    return True


def in_use(homes: SyncHomes, mode: str, ends: str) -> None:
    """A program uses a database until versions of it have arrived on the other side; then it ends."""
    here, there = (folder / f"{mode} {ends}" / "data.db" for folder in homes.folders)
    here.parent.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, here, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"1\n"
        seen: list[int] = []
        # Whether they are of any use while it is being written to is not promised.
        homes.until(lambda: is_another(there, seen) and len(seen) > 1)
        assert writer.poll() is None
        if ends == "killed":
            writer.kill()
        writer.stdin.close()
        done = len(writer.stdout.readlines()) + 1
        assert writer.wait(20) == (0 if ends == "closed" else -9)
    found = {name.rpartition("/")[2] for name in homes.equal() if name.startswith(f"{here.parent.name}/")}
    assert found == {"data.db"} if ends == "closed" else "data.db" in found
    # On copies: opening it may change it.
    rows = []
    for folder in homes.folders:
        copy = folder.parent / f"copy of {mode} {ends}"
        shutil.copytree(folder / here.parent.name, copy)
        rows.append(check(copy / "data.db"))
    assert rows[0] == rows[1]
    assert rows[0] // 10 in ((done,) if ends == "closed" else (done, done + 1))


def test_databases_that_are_written_to(sync_homes: Callable[..., SyncHomes]) -> None:
    """In both ways that SQLite has to survive a crash, closed in the end or killed: four at the same time."""
    homes = sync_homes()
    for number in range(20):  # alone, the databases' helper files would be most of the folder
        (homes.folders[0] / f"paper {number}").write_text(f"{number}")
    homes.start()
    side_by_side(*(partial(in_use, homes, mode, ends) for mode in ("wal", "delete") for ends in ("closed", "killed")))
    homes.equal()
    assert homes.conflicts() == []
    # Nothing was ever taken away or put here.
    assert homes.trash(0) == set()
    changes = {"sent", "made in the cloud", "deleted in the cloud", "moved in the cloud", "sent mode and time"}
    assert {what for what, _ in homes.did(0)} <= changes
    homes.rest()
