"""Carrying out decisions: a method for each action. Each is idempotent, and conditional on what was decided about.

An action first acts and then writes its row, so a pass that is killed in between finds the work done (the two sides are
the same, or both are without it) and only notes it. Called from several threads at once; rows of different names do not
touch each other, folders on the way are made under `_folders`.

Errors are sorted in one place, `attempt`: what has only moved on since it was decided is decided again; what concerns
one file is told with that file; what would fail for every file ends the pass.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from pithosfs.blocks import Hashmap
from pithosfs.errors import (
    BadReply,
    ConfigError,
    NoConnection,
    NotLoggedIn,
    PithosfsError,
    QuotaExceeded,
    ServerFailed,
)
from pithosfs.mount.attributes import Attributes, from_meta
from pithosfs.mount.conflictnames import conflict_name
from pithosfs.store import ObjectInfo, ObjectPath
from pithosfs.transfer import TransferCancelled
from pithosfs_daemon.activity import Activity
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.reconcile import Action
from pithosfs_daemon.remote import LocalFile, NewFile, OldContent, RemoteBase, RemoteFolder, Sent
from pithosfs_daemon.state import Agreed, Node, State
from pithosfs_daemon.state.nodes import parent_of
from pithosfs_daemon.troubles import LocalChanged, NeedsYou, NotAFile, RemoteChanged
from pithosfs_daemon.values import Content, Kind, Pair, Reason, Seen, Stamp, Trouble

__all__ = ["Actor", "Event", "size_of"]

log = logging.getLogger(__name__)

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
        self._activity = activity
        self._host = host
        self._cancel = cancel
        self._unsettled = unsettled
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._folders = threading.Lock()
        self._parents_kept: set[str] = set()
        self._claimed: dict[str, str] = {}  # collision key → the name that has it
        self._failures = 0
        self._disk_full = self._over_quota = False

    # the pass -------------------------------------------------------------------------------------------------------

    def stop_if_told(self) -> None:
        """Raise what ends the pass, if something does."""
        if self.fatal is not None:
            raise self.fatal
        if self._cancel.is_set():
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

    def attempt(self, node: Node, action: Action) -> None:
        """Carry out an action and sort its errors. Raises nothing."""
        with self._sorting(node, action):
            self._methods[action](self, node)
        self._activity.did(1, size_of(node, action))

    def attempt_batch(self, nodes: Sequence[Node]) -> None:
        """Upload several small new files in one request. Raises nothing."""
        read_at = self._now_ns()
        files: list[tuple[Node, NewFile]] = []
        for node in nodes:
            with self._sorting(node, Action.UPLOAD):
                files.append((node, self._small_file(node)))
        answers: list[Sent | PithosfsError] = []
        if files:
            try:
                self.stop_if_told()
                answers = self.remote.send_batch([file for _, file in files])
            except Exception as error:  # noqa: BLE001 (sorted for each)
                answers = [error if isinstance(error, PithosfsError) else BadReply(str(error))] * len(files)
        for (node, _), answer in zip(files, answers, strict=True):
            with self._sorting(node, Action.UPLOAD):
                if isinstance(answer, PithosfsError):
                    raise answer
                self._uploaded(node, answer, read_at)
        for node in nodes:
            self._activity.did(1, size_of(node, Action.UPLOAD))

    def _small_file(self, node: Node) -> NewFile:
        stamp = node.stamp
        assert stamp is not None
        with self.folder.open(node.name, stamp) as stream:
            file = LocalFile(stream, stamp.size)
            data = file.read(0, stamp.size)
            file.check()
        return NewFile(node.name, data, Attributes(mode=stamp.mode, mtime_ns=stamp.mtime_ns))

    @contextmanager
    def _sorting(self, node: Node, action: Action) -> Iterator[None]:
        name = node.name
        try:
            self.stop_if_told()
            yield
        except TransferCancelled:
            pass
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
            self._over_quota = self._over_quota or isinstance(error, QuotaExceeded)
            self._failed(name, error)
            with self._lock:
                self._failures += 1
                too_many = self._failures >= _PATIENCE and not isinstance(error, QuotaExceeded)
            if too_many:
                self._end(error)
        except PithosfsError as error:
            self._failed(name, error)
        except OSError as error:
            self.local_trouble(name, error)
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

    def local_trouble(self, name: str, error: OSError) -> None:
        """A call of the operating system has failed for this name."""
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ESTALE):
            self._moved_on(name, LocalChanged(f"{name}: {error.strerror}"))
        elif error.errno in (errno.EACCES, errno.EPERM):
            self._failed(name, error, Reason.UNREADABLE)
        else:
            if error.errno in _FULL:
                self._disk_full = True
            self._failed(name, error)

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
        with self._folders:
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
        with self._folders:
            if not parent or parent in self._parents_kept:
                return
            self._parents_kept.add(parent)
            node = self.state.node(parent)
            if node is not None and node.local_kind is Kind.FOLDER and node.remote is not None and node.remote.implied:
                info = self.remote.make_folder(parent, Attributes())
                self.state.made_marker(parent, info.version)

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
        date = time.strftime("%Y-%m-%d", time.localtime(self._clock()))

        def candidate(number: int) -> str:
            return conflict_name(ObjectPath("", "", name), self._host, date, number).name

        return candidate

    def _free(self, name: str) -> str:
        """A name for a conflict copy that nothing has on either side."""
        candidates = self.conflict_copy(name)
        number = 1
        while self.state.node(candidates(number)) is not None or self.folder.look(candidates(number)) is not None:
            number += 1
        return candidates(number)

    def is_racy(self, stamp: Stamp, read_at_ns: int) -> bool:
        """Whether the file may be written to again without getting another stamp."""
        grain = FINE_GRAIN if stamp.mtime_ns % 1_000_000_000 else COARSE_GRAIN
        return stamp.mtime_ns > read_at_ns - grain

    # actions --------------------------------------------------------------------------------------------------------

    def _nothing(self, node: Node) -> None:
        self._restamp(node)
        self.state.settled(node.name)

    def _restamp(self, node: Node) -> None:
        """The content is what was agreed on: note with which stamp it was seen now."""
        agreed = node.agreed
        if agreed is None or agreed.kind is not Kind.FILE or node.stamp is None or node.is_untouched:
            return
        blocks, sums = self.state.old_content(node.name)
        now = Agreed(
            Kind.FILE, agreed.content, agreed.version, agreed.etag, agreed.uuid, node.stamp,
            self.is_racy(node.stamp, self._now_ns()),
        )  # fmt: skip
        self.state.agree(node.name, now, blocks=blocks, sums=sums)

    def _forget(self, node: Node) -> None:
        self.state.forget(node.name)

    def _leave(self, node: Node) -> None:
        self.state.settled(node.name)
        if not node.local_other and not node.remote_other:
            self.state.left(node.name, Trouble(node.name, Reason.ONE_WAY, self.pair.direction))

    def _join(self, node: Node) -> None:
        remote = node.remote
        assert remote is not None
        assert node.local_kind is not None
        racy = node.stamp is not None and self.is_racy(node.stamp, self._now_ns())
        agreed = Agreed(node.local_kind, remote.content, remote.version, None, remote.uuid, node.stamp, racy)
        self.state.agree(node.name, agreed)
        with self._lock:
            self.done += 1

    def _upload(self, node: Node) -> None:
        if self._over_quota:
            self.state.left(node.name, Trouble(node.name, Reason.FAILED, "the quota is used up"))
            return
        stamp = node.stamp
        assert stamp is not None
        base = old = None
        if node.remote is not None and node.remote.content is not None:
            base = self.base_of(node)
            if node.agreed is not None and node.agreed.content == node.remote.content:
                old = self._old_content(node.name, node.remote.content)
        read_at = self._now_ns()
        with (
            self.folder.open(node.name, stamp) as stream,
            self._activity.transfer(node.name, "up", stamp.size) as meter,
        ):
            sent = self.remote.send(
                node.name,
                stream,
                stamp.size,
                base=base,
                attributes=Attributes(mode=stamp.mode, mtime_ns=stamp.mtime_ns),
                old=old,
                meter=meter.at,
                cancel=self._cancel,
            )
        self._uploaded(node, sent, read_at)

    def _uploaded(self, node: Node, sent: Sent, read_at: int) -> None:
        stamp, info = node.stamp, sent.info
        assert stamp is not None
        agreed = Agreed(
            Kind.FILE, sent.content, info.version, info.etag, info.uuid, stamp, self.is_racy(stamp, read_at)
        )
        self.state.agree(node.name, agreed, blocks=sent.hashmap.hashes, sums=sent.sums)
        self._unsettled.pop(node.name, None)
        self.event("upload", node.name, f"{stamp.size} bytes")

    def _download(self, node: Node, *, expected: Stamp | None = None) -> None:
        if self._disk_full:
            self.state.left(node.name, Trouble(node.name, Reason.FAILED, "no space left on this disk"))
            return
        remote = node.remote
        assert remote is not None
        assert remote.content is not None
        if self.may_not_be(node.name):
            return
        self.make_parents(node.name)
        info = ObjectInfo(
            node.name, remote.content.size, "", remote.content.hash, remote.version or "", 0, uuid=remote.uuid
        )
        if remote.version is None:
            info = replace(info, version=self.base_of(node).version)
        size = remote.content.size
        with self.folder.part() as part, self._activity.transfer(node.name, "down", size) as meter:
            received = self.remote.receive(
                node.name, info, part.stream, find=self._find, meter=meter.at, cancel=self._cancel
            )
            attributes = from_meta(received.info.meta or {})
            put = self.folder.put(
                part,
                node.name,
                expected if expected is not None else node.stamp,
                mode=attributes.mode,
                mtime_ns=attributes.mtime_ns,
                conflict=self.conflict_copy(node.name),
            )
        if put.conflict_copy is not None:
            self._conflicted(node.name, put.conflict_copy)
        stamp = put.stamp
        agreed = Agreed(
            Kind.FILE, received.content, received.info.version, received.info.etag, received.info.uuid or remote.uuid,
            stamp, self.is_racy(stamp, self._now_ns()),
        )  # fmt: skip
        self.state.agree(node.name, agreed, blocks=received.hashmap.hashes, sums=received.sums)
        self._unsettled.pop(node.name, None)
        self.event("download", node.name, f"{size} bytes")

    def _conflicted(self, name: str, copy: str) -> None:
        self.state.add_conflict(name, copy)
        self.event("conflict", name, f"ours is {copy}")
        self.look_again(copy)

    def _find(self, block: str) -> list[tuple[Callable[[], BinaryIO], int]]:
        size = self.remote.block_size
        return [
            (partial(self.folder.open, place.name, place.stamp), place.position * size)
            for place in self.state.places(block)
        ]

    def _old_content(self, name: str, content: Content) -> OldContent:
        blocks, sums = self.state.old_content(name)
        size, algorithm = self.remote.block_size, self.remote.algorithm
        if not blocks and 0 < content.size <= size:
            blocks = [content.hash]
        try:
            hashmap = Hashmap(content.size, tuple(blocks), size, algorithm)
        except ValueError:  # it was joined, not transferred: its blocks are not known
            hashmap = None
        return OldContent(hashmap, sums or None)

    def _make_remote_folder(self, node: Node) -> None:
        assert node.stamp is not None
        info = self.remote.make_folder(node.name, Attributes(mode=node.stamp.mode))
        self.state.agree(node.name, Agreed(Kind.FOLDER, None, info.version, info.etag, info.uuid, node.stamp))
        self.event("make remote folder", node.name)

    def _make_local_folder(self, node: Node) -> None:
        if self.may_not_be(node.name):
            return
        remote = node.remote
        assert remote is not None
        self.make_parents(node.name)
        with self._folders:
            stamp = self.folder.make_folder(node.name)
        self.state.agree(node.name, Agreed(Kind.FOLDER, None, remote.version, None, remote.uuid, stamp))
        self.event("make local folder", node.name)

    def _delete_remote(self, node: Node) -> None:
        remote = node.remote
        assert remote is not None
        if remote.kind is Kind.FOLDER:
            if self.state.has_below(node.name, "r_kind <> 0"):
                if node.local_kind is Kind.FILE:
                    self._set_local_aside(node)  # the folder lives on: something in it was changed elsewhere
                return
            if not remote.implied:
                self.remote.delete(node.name, None, looked=True)
        else:
            self.keep_parent(node.name)
            self.remote.delete(node.name, self.base_of(node))
            self.state.note_vanished("local")
        self.state.gone(node.name, remote=True)
        self.event("delete remote", node.name)
        if node.local_kind is not None:
            self._decide_again(node.name)

    def _delete_local(self, node: Node) -> None:
        if node.remote is None and self.remote.look(node.name) is not None:
            # Somebody has just made it, or the list is not to be trusted: nothing is deleted because of it.
            self.list_again()
            raise BadReply(f"{node.name} is in the cloud, although its list did not show it")
        if node.local_kind is Kind.FOLDER:
            if self.folder.remove_folder(node.name):
                self.state.gone(node.name, local=True)
                self.event("delete local", node.name)
            else:
                self._kept_folder(node)
                return
        else:
            assert node.stamp is not None
            self.folder.trash(node.name, node.stamp)
            self.state.note_vanished("remote")
            self.state.gone(node.name, local=True)
            self.event("delete local", node.name, "now in the trash")
        if node.remote is not None:
            self._decide_again(node.name)

    def _kept_folder(self, node: Node) -> None:
        """A folder that is gone in the cloud, and not empty here."""
        if node.remote is not None and self.state.has_below(node.name, "l_kind IN (1, 2)"):
            self._set_remote_aside(node)
            return
        # It holds only what is ignored, or what has just come: nothing is agreed on about it any more.
        self.state.forget(node.name)
        self.look_again(node.name)

    def _decide_again(self, name: str) -> None:
        self.state.touch(name)
        with self._lock:
            self.again = True

    def _keep_both(self, node: Node) -> None:
        assert node.stamp is not None
        copy = self._free(node.name)
        moved = self.folder.move(node.name, copy, node.stamp)
        self.state.saw_no_local(node.name)
        self.state.saw_local(copy, Seen(Kind.FILE, moved))
        self._conflicted(node.name, copy)
        now = self.state.node(node.name)
        if now is not None and now.local_kind is None:
            self._download(now)

    def _set_local_aside(self, node: Node) -> None:
        assert node.stamp is not None
        copy = self._free(node.name)
        moved = self.folder.move(node.name, copy, node.stamp)
        self.state.saw_no_local(node.name)
        self.state.saw_local(copy, Seen(Kind.FILE, moved))
        self._conflicted(node.name, copy)
        self._decide_again(node.name)

    def _set_remote_aside(self, node: Node) -> None:
        assert node.remote is not None
        copy = self._free(node.name)
        self.remote.move(node.name, copy, self.base_of(node))
        self.state.gone(node.name, remote=True)
        self.state.add_conflict(node.name, copy)
        self.event("conflict", node.name, f"theirs is {copy}")
        self._decide_again(node.name)
        self.list_again()

    def _send_attributes(self, node: Node) -> None:
        stamp, agreed = node.stamp, node.agreed
        assert stamp is not None
        assert agreed is not None
        info = self.remote.set_attributes(
            node.name, self.base_of(node), Attributes(mode=stamp.mode, mtime_ns=stamp.mtime_ns)
        )
        self._same_content(node, info, stamp)
        self.event("send attributes", node.name)

    def _take_attributes(self, node: Node) -> None:
        stamp = node.stamp
        assert stamp is not None
        info = self.remote.look(node.name)
        if info is None or node.remote is None or info.version != node.remote.version:
            raise RemoteChanged(f"{node.name} has changed in the cloud")
        attributes = from_meta(info.meta or {})
        mode = attributes.mode if attributes.mode is not None else stamp.mode
        mtime_ns = attributes.mtime_ns if attributes.mtime_ns is not None else stamp.mtime_ns
        if (mode & 0o777, mtime_ns) != (stamp.mode, stamp.mtime_ns):
            stamp = self.folder.set_attributes(node.name, stamp, mode=mode, mtime_ns=mtime_ns)
            self.event("take attributes", node.name)
        self._same_content(node, info, stamp)

    def _same_content(self, node: Node, info: ObjectInfo, stamp: Stamp) -> None:
        """A new version, or a new stamp, of what was agreed on."""
        agreed = node.agreed
        assert agreed is not None
        blocks, sums = self.state.old_content(node.name)
        now = Agreed(
            agreed.kind, agreed.content, info.version, info.etag, info.uuid or agreed.uuid, stamp,
            self.is_racy(stamp, self._now_ns()),
        )  # fmt: skip
        self.state.agree(node.name, now, blocks=blocks, sums=sums)

    def _now_ns(self) -> int:
        return time.time_ns()

    _methods: dict[Action, Callable[[Actor, Node], None]] = {  # noqa: RUF012
        Action.NOTHING: _nothing,
        Action.FORGET: _forget,
        Action.JOIN: _join,
        Action.UPLOAD: _upload,
        Action.DOWNLOAD: _download,
        Action.MAKE_REMOTE_FOLDER: _make_remote_folder,
        Action.MAKE_LOCAL_FOLDER: _make_local_folder,
        Action.DELETE_REMOTE: _delete_remote,
        Action.DELETE_LOCAL: _delete_local,
        Action.KEEP_BOTH: _keep_both,
        Action.SET_LOCAL_ASIDE: _set_local_aside,
        Action.SET_REMOTE_ASIDE: _set_remote_aside,
        Action.SEND_ATTRIBUTES: _send_attributes,
        Action.TAKE_ATTRIBUTES: _take_attributes,
        Action.LEAVE: _leave,
    }


def size_of(node: Node, action: Action) -> int:
    """The bytes that an action transfers."""
    if action is Action.UPLOAD:
        return node.stamp.size if node.stamp is not None else 0
    if action in (Action.DOWNLOAD, Action.KEEP_BOTH) and node.remote is not None and node.remote.content is not None:
        return node.remote.content.size
    return 0
