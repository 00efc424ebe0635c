"""What the actions of one pass share: both sides, the state, what has to be looked at again, and how errors are sorted.

Used by several threads at once. Rows of different names do not touch each other; folders on the way are made under
`folders`.

Errors are sorted in one place, `sorting`: what has only moved on since it was decided is decided again; what concerns
one file is told with that file; what would fail for every file ends the pass.
"""

from __future__ import annotations

import errno
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pithosfs.errors import (
    BadReply,
    ConfigError,
    NoConnection,
    NotLoggedIn,
    PithosfsError,
    QuotaExceeded,
    ServerFailed,
)
from pithosfs.mount.attributes import Attributes
from pithosfs.transfer import TransferCancelled
from pithosfs_daemon.activity import Activity
from pithosfs_daemon.copies import copy_name
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.reconcile import Action
from pithosfs_daemon.remote import RemoteBase, RemoteFolder
from pithosfs_daemon.state import Node, NotNoted, State
from pithosfs_daemon.state.nodes import parent_of
from pithosfs_daemon.troubles import LocalChanged, NeedsYou, NotAFile, RemoteChanged
from pithosfs_daemon.values import Content, Kind, Pair, Reason, Seen, Stamp, Trouble

__all__ = ["Actor", "Event", "size_of"]

log = logging.getLogger(__name__)

T = TypeVar("T")

# What a file system's clock may be behind: a write within this time of the last one may leave no trace in the stamp.
FINE_GRAIN = 30_000_000  # ns: a few ticks of the kernel
COARSE_GRAIN = 2_100_000_000  # ns: file systems that keep whole seconds, or (FAT) every other one
UNSETTLED_AFTER = 4  # attempts at a file that changes while it is read, before a person is told
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PATIENCE = 8  # failures of the server in a row before the pass is given up


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done: for the log of the pair."""

    action: str
    name: str
    detail: str = ""


def size_of(node: Node, action: Action) -> int:
    """The bytes that an action transfers."""
    if action is Action.UPLOAD:
        return node.stamp.size if node.stamp is not None else 0
    if action in (Action.DOWNLOAD, Action.KEEP_BOTH) and node.remote is not None and node.remote.content is not None:
        return node.remote.content.size
    return 0


class Actor:
    """The hands of one pass."""

    def __init__(
        self,
        pair: Pair,
        folder: Folder,
        remote: RemoteFolder,
        state: State,
        *,
        activity: Activity,
        host: str,
        cancel: threading.Event,
        unsettled: dict[str, int],
        clock: Callable[[], float],
        tell: Callable[[Event], None],
    ) -> None:
        """`unsettled` counts over the passes how often a file changed under our eyes."""
        self.pair, self.folder, self.remote, self.state = pair, folder, remote, state
        self.again = False  # something is to be decided about once more, at once
        self.error: PithosfsError | OSError | None = None  # the first that concerns more than a moment
        self.fatal: BaseException | None = None  # what has ended the pass
        self.done = 0
        self.looks: set[str] = set()  # names to be looked at again here
        self.listing_is_old = False
        self.activity = activity
        self._host = host
        self.cancel = cancel
        self._unsettled = unsettled
        self._racy: set[str] = set()
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self.folders = threading.Lock()
        self._parents_kept: set[str] = set()
        self._claimed: dict[str, str] = {}  # collision key → the name that has it
        self._failures = 0
        # Sizes that did not fit: what is as large is not tried in this pass, what is smaller may have room.
        self.too_large_here = self.too_large_there = math.inf

    # the pass -------------------------------------------------------------------------------------------------------

    def stop_if_told(self) -> None:
        """Raise what ends the pass, if something does."""
        if self.fatal is not None:
            raise self.fatal
        if self.cancel.is_set():
            raise TransferCancelled

    def look_again(self, name: str) -> None:
        """The local side is not as it was thought to be."""
        with self._lock:
            self.looks.add(name)
            self.again = True

    def list_again(self) -> None:
        """The cloud is not as it was listed."""
        with self._lock:
            self.listing_is_old = True
            self.again = True

    def event(self, action: str, name: str, detail: str = "") -> None:
        """Tell of something that was done."""
        with self._lock:
            self.done += 1
            self._failures = 0
        self._tell(Event(action, name, detail))

    @contextmanager
    def sorting(self, node: Node, action: Action) -> Iterator[None]:
        """Around an action: whatever it raises is dealt with here."""
        try:
            with self._sorting(node, action):
                yield
        except NotNoted as error:
            self._end(error)

    @contextmanager
    def _sorting(self, node: Node, action: Action) -> Iterator[None]:
        name = node.name
        try:
            self.stop_if_told()
            yield
        except TransferCancelled:
            pass
        except NotNoted:
            raise
        except LocalChanged as error:
            self._moved_on(name, error)
        except RemoteChanged as error:
            log.info("%s: %s; deciding again", name, error)
            self.list_again()
        except NotAFile:
            version = node.remote.version if node.remote is not None else None
            self.state.saw_remote_other(name, version or "", Trouble(name, Reason.NOT_A_FILE))
        except (NeedsYou, NotLoggedIn, NoConnection, ConfigError) as error:
            self._end(error)
        except (QuotaExceeded, ServerFailed, BadReply) as error:
            if isinstance(error, QuotaExceeded):
                with self._lock:
                    self.too_large_there = min(self.too_large_there, size_of(node, action))
            self._failed(name, error)
            with self._lock:
                self._failures += 1
                too_many = self._failures >= _PATIENCE and not isinstance(error, QuotaExceeded)
            if too_many:
                self._end(error)
        except PithosfsError as error:
            self._failed(name, error)
        except OSError as error:
            self.local_trouble(name, error, size_of(node, action))
        except Exception as error:
            log.exception("%s: %s failed", name, action)
            self._end(error)

    def _moved_on(self, name: str, error: PithosfsError) -> None:
        with self._lock:
            count = self._unsettled[name] = self._unsettled.get(name, 0) + 1
        log.info("%s: %s; looking again", name, error)
        if count >= UNSETTLED_AFTER:
            self.state.left(name, Trouble(name, Reason.UNSETTLED))
            with self._lock:
                self.looks.add(name)  # but not at once
        else:
            self.look_again(name)

    def _end(self, error: BaseException) -> None:
        with self._lock:
            self.fatal = self.fatal or error

    def _failed(self, name: str, error: PithosfsError | OSError, reason: Reason = Reason.FAILED) -> None:
        text = str(error) if isinstance(error, PithosfsError) else (error.strerror or str(error))
        log.warning("%s: %s", name, text)
        self.state.left(name, Trouble(name, reason, " ".join(text.split())))
        with self._lock:
            if self.error is None or isinstance(error, QuotaExceeded):
                self.error = error

    def local_trouble(self, name: str, error: OSError, size: int = 0) -> None:
        """A call of the operating system has failed for this name, for which so many bytes were to be written."""
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ESTALE):
            self._moved_on(name, LocalChanged(f"{name}: {error.strerror}"))
        elif error.errno in (errno.EACCES, errno.EPERM):
            self._failed(name, error, Reason.UNREADABLE)
        else:
            if error.errno in _FULL:
                with self._lock:
                    self.too_large_here = min(self.too_large_here, size)
            self._failed(name, error)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Around what is to be noted of many names: together, that costs a fraction. Nothing in it asks the cloud."""
        try:
            with self.state.changing():
                yield
        except NotNoted as error:
            self._end(error)

    def each(self, count: int, ask: Callable[[], Sequence[T | PithosfsError]]) -> Sequence[T | PithosfsError]:
        """What one request for `count` names has come to for each of them. Raises nothing: what concerns all of them
        is the answer for each."""
        if not count:
            return []
        try:
            self.stop_if_told()
            return ask()
        except Exception as error:  # noqa: BLE001 (sorted for each)
            return [error if isinstance(error, PithosfsError) else BadReply(str(error))] * count

    # what others need -----------------------------------------------------------------------------------------------

    def may_not_be(self, name: str) -> bool:
        """Whether another name stands in the way of this one here: two names that this file system takes for one. The
        first that asks has the name."""
        if not self.folder.folds:
            return False
        one = name
        while one:
            parent = parent_of(one)
            key = self.folder.fold(one)
            there = [
                f"{parent}/{segment}" if parent else segment
                for segment, row in self.state.children(parent).items()
                if row.kind
            ]
            with self._lock:
                others = [other for other in (self._claimed.setdefault(key, one), *there) if other != one]
            for other in others:
                if self.folder.fold(other) == key:
                    self.state.left(name, Trouble(name, Reason.COLLISION, f"as {other}"))
                    return True
            one = parent
        return False

    def make_parents(self, name: str) -> None:
        """Make the folders here that a name is in."""
        parent = parent_of(name)
        if not parent:
            return
        with self.folders:
            node = self.state.node(parent)
            if node is not None and node.local_kind is Kind.FOLDER:
                return
            above = []
            while parent and self.folder.look(parent) is None:
                above.append(parent)
                parent = parent_of(parent)
            for one in reversed(above):
                self.state.saw_local(one, Seen(Kind.FOLDER, self.folder.make_folder(one)))

    def keep_parent(self, name: str) -> None:
        """Before something is taken away in the cloud: a folder that is there only because of what is in it must not
        vanish with that while it is still here."""
        parent = parent_of(name)
        with self.folders:
            if not parent or parent in self._parents_kept:
                return
            node = self.state.node(parent)
            if node is not None and node.local_kind is Kind.FOLDER and node.remote is not None and node.remote.implied:
                info = self.remote.make_folder(parent, Attributes())
                self.state.made_marker(parent, info.version)
            self._parents_kept.add(parent)  # only now: what has failed is tried before the next deletion

    def base_of(self, node: Node) -> RemoteBase:
        """What the cloud shows of a file, as the condition of a change of it. Raises RemoteChanged when it does not any
        more."""
        remote, agreed = node.remote, node.agreed
        assert remote is not None
        assert remote.content is not None
        if remote.version is None:  # it was moved in the cloud, and not listed since
            found = self.remote.look(node.name)
            if found is None or Content(found.hash, found.size) != remote.content:
                raise RemoteChanged(f"{node.name} is another one in the cloud by now", hint="")
            return RemoteBase.of(found)
        known = agreed is not None and agreed.version == remote.version and agreed.content == remote.content
        return RemoteBase(remote.version, agreed.etag if known and agreed is not None else None, remote.content)

    def conflict_copy(self, name: str) -> Callable[[int], str]:
        """The candidates for the name of a conflict copy, from 1."""
        return partial(copy_name, name, self._host, self._clock())

    def free_name(self, name: str) -> str:
        """A name for a conflict copy that nothing has on either side."""
        candidates = self.conflict_copy(name)
        number = 1
        while self.state.node(candidates(number)) is not None or self.folder.look(candidates(number)) is not None:
            number += 1
        return candidates(number)

    def is_racy(self, stamp: Stamp, read_at_ns: int) -> bool:
        """Whether the file may be written to again without getting another stamp, by somebody who opens it only now."""
        grain = FINE_GRAIN if stamp.mtime_ns % 1_000_000_000 else COARSE_GRAIN
        return stamp.mtime_ns > read_at_ns - grain

    def hashed(self, name: str, stamp: Stamp, read_at_ns: int, *, had_writers: bool) -> None:
        """The content that goes with a stamp was read from that time on, when somebody had the file open for writing
        or nobody had."""
        if had_writers or self.is_racy(stamp, read_at_ns):
            with self._lock:
                self._racy.add(name)

    def was_racy(self, name: str, stamp: Stamp) -> bool:
        """Whether the file may have been written to, without another stamp, after its content was read just now."""
        with self._lock:
            return name in self._racy or self.is_racy(stamp, time.time_ns())

    def conflicted(self, name: str, copy: str) -> None:
        """Our content of a name is called `copy` now."""
        self.state.add_conflict(name, copy)
        self.event("conflict", name, f"ours is {copy}")
        self.look_again(copy)

    def decide_again(self, name: str) -> None:
        """A first step was made; what is there now wants another one."""
        self.state.touch(name)
        with self._lock:
            self.again = True

    def count(self) -> None:
        """Something was done that is not worth a line in the log."""
        with self._lock:
            self.done += 1

    def has_settled(self, name: str) -> None:
        """A file that kept changing does not any more."""
        self._unsettled.pop(name, None)
