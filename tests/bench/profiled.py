"""Runs a program with a profile of all of its threads.

    python tests/bench/profiled.py PROFILE SCRIPT|-m MODULE [ARGUMENT...]

PROFILE is written for `pstats`. Its times are what each thread has had of a processor: waiting is not in them.
"""

from __future__ import annotations

import cProfile
import pstats
import runpy
import sys
import threading
import time
from types import FrameType
from typing import Any


class Profiles:
    """One for each thread: the interpreter keeps them apart."""

    def __init__(self) -> None:
        self._made: list[cProfile.Profile] = []

    def begin(self, *_: FrameType | str | Any) -> None:
        """For the thread that calls."""
        sys.setprofile(None)
        profile = cProfile.Profile(time.thread_time)
        self._made.append(profile)
        profile.enable()

    def write(self, path: str) -> None:
        """All together; their threads have ended."""
        for profile in self._made:
            profile.disable()
        pstats.Stats(*self._made).dump_stats(path)


def main() -> None:
    path, *words = sys.argv[1:]
    profiles = Profiles()
    threading.setprofile(profiles.begin)
    profiles.begin()
    try:
        if words[0] == "-m":
            sys.argv = words[1:]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            runpy.run_path(words[0], run_name="__main__")
    finally:
        profiles.write(path)


if __name__ == "__main__":
    main()
