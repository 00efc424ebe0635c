"""How much room the account has left: for `statfs`, and for an early EDQUOT to writers.

The server is the judge when an object is sent; this only keeps a program from writing for minutes what can never be
sent. What is pending in the journal counts as used.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from dataclasses import replace

from pithosfs.errors import PithosfsError
from pithosfs.mount.journal import Journal
from pithosfs.store import ObjectStore, Usage

__all__ = ["Space"]

log = logging.getLogger(__name__)

FRESH = 10.0  # seconds that an answer about the quota is used
UNLIMITED = 1 << 50  # what statfs shows where there is no quota: 1 PiB


class Space:
    """Quota and usage of the own account, asked for at most once every few seconds.

    What is written into others' folders is charged to them; only the server knows their quota.
    """

    def __init__(self, store: ObjectStore, journal: Journal) -> None:
        self.account = store.account
        self._store = store
        self._journal = journal
        self._asking = threading.Lock()
        self._adding = threading.Lock()
        self._known: Usage | None = None
        self._asked = 0.0

    def _usage(self) -> Usage | None:
        """The last answer of the server, renewed when it is old; None when there never was one."""
        if time.monotonic() - self._asked > FRESH and self._asking.acquire(blocking=False):
            # One asker at a time; all others go on with what is known.
            try:
                told = self._store.usage()
                with self._adding:
                    self._known = told
            except PithosfsError as trouble:
                log.debug("the quota is not known: %s", trouble)
            finally:
                self._asked = time.monotonic()
                self._asking.release()
        return self._known

    def sent(self, growth: int) -> None:
        """The cloud holds so many bytes more (or, negative, less) through this mount since it was asked last."""
        with self._adding:
            known = self._known
            if known is not None:
                self._known = replace(known, used=max(0, known.used + growth))

    def total_and_free(self) -> tuple[int, int]:
        """Bytes allowed and bytes left."""
        usage = self._usage()
        if usage is None or usage.quota is None:
            return UNLIMITED, UNLIMITED - (usage.used if usage is not None else 0)
        return usage.quota, max(0, usage.quota - usage.used - self._journal.usage())

    def check(self, growth: int) -> None:
        """Raises EDQUOT when `growth` more bytes do not fit."""
        usage = self._usage()
        if usage is None or usage.quota is None:
            return
        if usage.used + self._journal.usage() + growth > usage.quota:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
