"""Programs that people use, in a mounted folder."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.mount, pytest.mark.long]


def run(*command: str, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.big
def test_git(folder: Path) -> None:
    work = folder / "repo"
    who = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    run("git", "init", "-q", str(work), **who)
    git = ["git", "-C", str(work), "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0"]
    for number in range(200):
        (work / f"file-{number % 20}").write_text(f"content {number}\n" * (number + 1))
        run(*git, "add", "-A", **who)
        run(*git, "commit", "-q", "-m", f"change {number}", **who)
    run(*git, "gc", "-q", **who)
    assert "error" not in run(*git, "fsck", "--full", "--strict", **who)
    assert len(run(*git, "log", "--oneline", **who).splitlines()) == 200
    assert run(*git, "status", "--porcelain", **who) == ""


def test_sqlite(folder: Path) -> None:
    connection = sqlite3.connect(folder / "data.db")
    try:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        for start in range(0, 10_000, 500):
            with connection:
                rows = [(number, f"row {number} " * 5) for number in range(start, start + 500)]
                connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        with connection:
            connection.execute("UPDATE t SET text = 'changed' WHERE id % 7 = 0")
    finally:
        connection.close()
    connection = sqlite3.connect(folder / "data.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (10_000,)
        assert connection.execute("SELECT count(*) FROM t WHERE text = 'changed'").fetchone() == (1429,)
    finally:
        connection.close()


def test_tar_and_checksums(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    sums = []
    for number in range(150):
        place = source / f"d{number % 7}"
        place.mkdir(exist_ok=True)
        data = os.urandom(number * 211)
        (place / f"f{number}").write_bytes(data)
        sums.append(f"{hashlib.sha256(data).hexdigest()}  d{number % 7}/f{number}\n")
    (source / "SUMS").write_text("".join(sums))
    run("tar", "-cf", str(tmp_path / "a.tar"), "-C", str(source), ".")
    target = folder / "unpacked"
    target.mkdir()
    run("tar", "-xf", str(tmp_path / "a.tar"), "-C", str(target))
    run("sha256sum", "--quiet", "-c", "SUMS", cwd=target)
    run("tar", "-df", str(tmp_path / "a.tar"), "-C", str(target))


def test_an_editors_save_a_hundred_times(folder: Path) -> None:
    target = folder / "document.txt"
    for number in range(100):
        temporary = folder / f".document.txt.{number}.swp"
        with temporary.open("w") as file:
            file.write(f"state {number}\n" * 50)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, target)
        assert target.read_text().startswith(f"state {number}\n")
    assert os.listdir(folder) == ["document.txt"]


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_rsync_moves_nothing_the_second_time(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(60):
        place = source / f"d{number % 5}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"f{number}").write_bytes(os.urandom(1000 + number))
        os.utime(place / f"f{number}", ns=(10**18 + number, 10**18 + number))
    (source / "link").symlink_to("d0/f0")
    os.chmod(source / "d1" / "f1", 0o755)
    target = folder / "copy"
    run("rsync", "-a", f"{source}/", str(target))
    second = run("rsync", "-a", "--stats", "--itemize-changes", f"{source}/", str(target))
    assert "Number of regular files transferred: 0" in second
    assert not [line for line in second.splitlines() if line.startswith((">f", "cd", ".f", "cL"))]
    assert run("rsync", "-anc", "--itemize-changes", f"{source}/", str(target)).strip() == ""


def test_dd_into_the_middle(folder: Path) -> None:
    data = bytearray(os.urandom(9_000_000))
    target = folder / "disk.img"
    target.write_bytes(data)
    run("sh", "-c", f"printf 0123456789 | dd of='{target}' bs=1 seek=5000000 conv=notrunc status=none")
    data[5_000_000:5_000_010] = b"0123456789"
    assert target.read_bytes() == data


def test_mapped_reads(folder: Path) -> None:
    data = os.urandom(5_000_000)
    (folder / "mapped").write_bytes(data)
    with (folder / "mapped").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:10] == data[:10]
        assert mapped[4_194_300:4_194_310] == data[4_194_300:4_194_310]
        assert hashlib.sha256(mapped).digest() == hashlib.sha256(data).digest()


def test_an_unlinked_open_file_goes_on(folder: Path) -> None:
    with (folder / "temporary").open("w+b") as file:
        file.write(b"still here")
        file.flush()
        os.unlink(folder / "temporary")
        file.seek(0)
        assert file.read() == b"still here"
        file.write(b", and more")
        file.flush()
        assert os.fstat(file.fileno()).st_size == 20
        assert os.listdir(folder) == []


def test_appending(folder: Path) -> None:
    log = folder / "log"
    for number in range(20):
        with log.open("a") as file:
            file.write(f"line {number}\n")
    assert log.read_text() == "".join(f"line {number}\n" for number in range(20))
