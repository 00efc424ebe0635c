"""The database: groups of writes, snapshots, migrations, and what is left after kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from pithosfs.errors import LocalError
from pithosfs.localcloud.database import Database, connect, migrate, transaction

SCHEMA = "CREATE TABLE item (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    database = Database(path)
    database.open()
    try:
        database.migrate("test", [SCHEMA])
        yield database
    finally:
        database.close()


def insert(connection: sqlite3.Connection, name: str, value: int = 0) -> str:
    connection.execute("INSERT INTO item (name, value) VALUES (?, ?)", (name, value))
    return name


def names(connection: sqlite3.Connection) -> list[str]:
    return [row["name"] for row in connection.execute("SELECT name FROM item ORDER BY name")]


def commits(path: Path) -> int:
    """How many transactions the write-ahead log holds: frames whose header carries a database size end one."""
    log = Path(f"{path}-wal").read_bytes()
    page_size = struct.unpack_from(">I", log, 8)[0]
    return sum(struct.unpack_from(">I", log, at + 4)[0] != 0 for at in range(32, len(log), 24 + page_size))


def test_what_was_written_is_read_by_every_way_and_after_reopening(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            assert await database.write(lambda connection: insert(connection, "a")) == "a"
            assert database.read_now(names) == ["a"]
            assert await database.read(names) == ["a"]
            assert await database.read_long(names) == ["a"]
        async with opened(tmp_path / "db") as database:
            assert await database.read(names) == ["a"]

    asyncio.run(scenario())


def test_a_function_that_raises_loses_only_its_own_changes(tmp_path: Path) -> None:
    def bad(connection: sqlite3.Connection) -> None:
        insert(connection, "bad")
        raise LookupError("refused")

    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            outcomes = await asyncio.gather(
                database.write(lambda connection: insert(connection, "one")),
                database.write(bad),
                database.write(lambda connection: insert(connection, "one")),  # a duplicate
                database.write(lambda connection: insert(connection, "two")),
                return_exceptions=True,
            )
            assert outcomes[0] == "one"
            assert isinstance(outcomes[1], LookupError)
            assert isinstance(outcomes[2], sqlite3.IntegrityError)
            assert outcomes[3] == "two"
            assert await database.read(names) == ["one", "two"]

    asyncio.run(scenario())


def test_writes_that_come_together_share_a_commit(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            gate = threading.Event()
            # While the first function holds the writer, the others queue up; then all of them are one transaction.
            first = asyncio.ensure_future(database.write(lambda connection: gate.wait()))
            rest = [asyncio.ensure_future(database.write(partial(insert, name=f"{i:03}"))) for i in range(100)]
            await asyncio.sleep(0)
            before = commits(tmp_path / "db")
            gate.set()
            await asyncio.gather(first, *rest)
            assert commits(tmp_path / "db") == before + 1
            assert len(database.read_now(names)) == 100

    asyncio.run(scenario())


def test_writes_are_carried_out_in_the_order_they_were_asked_for(tmp_path: Path) -> None:
    def append(connection: sqlite3.Connection, name: str) -> int:
        insert(connection, name)
        return int(connection.execute("SELECT count(*) FROM item").fetchone()[0])

    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            counts = await asyncio.gather(*(database.write(partial(append, name=str(i))) for i in range(50)))
            assert counts == list(range(1, 51))

    asyncio.run(scenario())


def test_a_read_sees_one_snapshot_and_cannot_write(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            inside, go_on = threading.Event(), threading.Event()

            def look_twice(connection: sqlite3.Connection) -> tuple[list[str], list[str]]:
                before = names(connection)
                inside.set()
                go_on.wait()
                return before, names(connection)

            reading = asyncio.ensure_future(database.read_long(look_twice))
            await asyncio.to_thread(inside.wait)
            await database.write(lambda connection: insert(connection, "new"))
            go_on.set()
            assert await reading == ([], [])
            assert await database.read(names) == ["new"]
            for read in (database.read, database.read_long):
                with pytest.raises(sqlite3.OperationalError):
                    await read(lambda connection: insert(connection, "never"))
            assert await database.read(names) == ["new"]

    asyncio.run(scenario())


def test_a_cancelled_caller_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            gate = threading.Event()
            first = asyncio.ensure_future(database.write(lambda connection: gate.wait()))
            given_up = asyncio.ensure_future(database.write(lambda connection: insert(connection, "given up")))
            last = asyncio.ensure_future(database.write(lambda connection: insert(connection, "last")))
            await asyncio.sleep(0)
            given_up.cancel()
            gate.set()
            await asyncio.gather(first, last)
            assert given_up.cancelled()
            assert await database.read(names) == ["given up", "last"]

    asyncio.run(scenario())


def test_close_finishes_what_is_queued(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            pending = [asyncio.ensure_future(database.write(partial(insert, name=f"{i:02}"))) for i in range(20)]
            await asyncio.sleep(0)
        assert len(await asyncio.gather(*pending)) == 20
        with pytest.raises(RuntimeError):
            await database.write(names)
        with pytest.raises(RuntimeError):
            database.read_now(names)

    asyncio.run(scenario())
    with contextlib.closing(connect(tmp_path / "db")) as connection:
        assert len(names(connection)) == 20
    assert not (tmp_path / "db-wal").exists()


def test_a_full_database_refuses_the_write_and_serves_on(tmp_path: Path) -> None:
    def limit(connection: sqlite3.Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 1}")

    def lift(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count=1073741823")

    def fill(connection: sqlite3.Connection) -> None:
        for i in range(1000):
            insert(connection, f"{i:03}-" + "x" * 1000)

    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:
            await database.write(lambda connection: insert(connection, "kept"))
            await database.write(limit)
            with pytest.raises(sqlite3.OperationalError):
                await database.write(fill)
            assert await database.read(names) == ["kept"]
            await database.write(lift)
            await database.write(lambda connection: insert(connection, "later"))
            assert await database.read(names) == ["kept", "later"]

    asyncio.run(scenario())


def test_another_process_may_write_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "db") as database:

            def elsewhere() -> None:
                with contextlib.closing(connect(tmp_path / "db")) as connection:
                    for i in range(50):
                        transaction(connection, partial(insert, name=f"there {i}"))

            await asyncio.gather(
                asyncio.to_thread(elsewhere),
                *(database.write(partial(insert, name=f"here {i}")) for i in range(50)),
            )
            assert len(await database.read(names)) == 100

    asyncio.run(scenario())


# migrations -----------------------------------------------------------------------------------------------------------


def test_migrations_run_once_in_order_and_only_the_new_ones(tmp_path: Path) -> None:
    ran: list[str] = []

    def step(connection: sqlite3.Connection) -> None:
        ran.append("function")
        insert(connection, "from a function")

    script = (
        "INSERT INTO item VALUES ('a; b', 1); -- a comment; with a semicolon\nCREATE INDEX by_value ON item (value);"
    )
    with contextlib.closing(connect(tmp_path / "db")) as connection:
        migrate(connection, "test", [SCHEMA])
        migrate(connection, "test", [SCHEMA, step, script])
        migrate(connection, "test", [SCHEMA, step, script])
        migrate(connection, "other", ["CREATE TABLE other (x)"])
        assert ran == ["function"]
        assert names(connection) == ["a; b", "from a function"]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    with contextlib.closing(connect(tmp_path / "db")) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, "test", [SCHEMA, "this is not SQL"])
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        migrate(connection, "test", [SCHEMA])
        assert names(connection) == []


def test_data_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with contextlib.closing(connect(tmp_path / "db")) as connection:
        migrate(connection, "test", [SCHEMA, "CREATE TABLE later (x)"])
        with pytest.raises(LocalError, match="newer version") as caught:
            migrate(connection, "test", [SCHEMA])
        assert caught.value.hint


def test_a_trigger_is_one_statement(tmp_path: Path) -> None:
    trigger = (
        "CREATE TRIGGER twice AFTER INSERT ON item WHEN new.value = 1 BEGIN"
        " INSERT INTO item VALUES (new.name || '2', 2); SELECT 1; END;"
    )
    with contextlib.closing(connect(tmp_path / "db")) as connection:
        migrate(connection, "test", [SCHEMA, trigger])
        insert(connection, "x", 1)
        assert names(connection) == ["x", "x2"]


# kill -9 --------------------------------------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from pithosfs.localcloud.database import Database

async def main():
    database = Database(Path(sys.argv[1]))
    database.open()
    database.migrate("test", ["CREATE TABLE item (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"])

    async def forever(worker):
        i = 0
        while True:
            name = f"{worker}-{i}"
            await database.write(lambda c: c.execute("INSERT INTO item VALUES (?, ?)", (name, i)))
            print(name, flush=True)
            i += 1

    await asyncio.gather(*(forever(worker) for worker in range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("answers", [1, 40, 900])
def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path, answers: int) -> None:
    path = tmp_path / "db"
    answered: list[str] = []
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            answered.append(line.rstrip("\n"))
            if len(answered) == answers:
                os.kill(writer.pid, signal.SIGKILL)
                break
        # What was in the pipe was answered too; a last line without its end was cut off by the kill.
        answered += [line.rstrip("\n") for line in writer.stdout if line.endswith("\n")]
    with contextlib.closing(connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert set(answered) <= set(names(connection))
    assert len(answered) >= answers
