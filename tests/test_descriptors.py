"""Waiting for pipes and processes, whatever number their descriptors have."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pithosfs.descriptors import first_line, readable

HIGH = 1100  # above what select() takes


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of one, with high numbers."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        if limit <= HIGH + 2:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, HIGH + 100), most))
            stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (limit, most))
        ends = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, HIGH) for end in ends]
        for end in ends:
            os.close(end)
        reader, writer = high
        stack.callback(os.close, reader)
        open_writer = stack.enter_context(os.fdopen(writer, "wb", buffering=0))
        yield reader, open_writer.fileno()


def test_a_line_that_comes_in_pieces(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"first ")
    later = threading.Timer(0.05, os.write, (writer, b"line\n"))
    later.start()
    assert first_line(reader, 60) == b"first line\n"
    later.join()


def test_no_line_in_time(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"half a li")
    assert first_line(reader, 0.05) is None
    assert not readable(reader, 0)


def test_the_end_of_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"half a li")
    os.close(writer)
    assert first_line(reader, 60) == b"half a li"
    assert readable(reader)
    os.close(reader)


def test_a_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        descriptor = os.pidfd_open(process.pid)
        try:
            assert not readable(descriptor, 0.05)
            process.communicate(b"\n")
            assert readable(descriptor, 60)
        finally:
            os.close(descriptor)
