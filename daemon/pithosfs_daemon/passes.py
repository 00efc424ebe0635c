"""One pass of a pair: look at both sides, carry renames over, make sure that the deletions are meant, decide about
every name that is not in step, and carry that out.

Order within a pass: renames; then everything that makes or changes something, several at once; then deletions of files;
then of folders, the innermost first. What is deleted last can still give its blocks to what is downloaded before.

Locks, outermost first: `Actor._folders`, the state's own, `Actor._lock`. None is held over the network but `_folders`
while a folder's marker is made, which the deletions in that folder have to wait for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from pithosfs.errors import PithosfsError
from pithosfs.transfer import TransferCancelled
from pithosfs_daemon.acting import Actor, Event
from pithosfs_daemon.actions import attempt
from pithosfs_daemon.activity import Activity
from pithosfs_daemon.folder import IGNORE_FILE, Folder
from pithosfs_daemon.looking import LocalLook, RemoteLook
from pithosfs_daemon.moving import carry_renames
from pithosfs_daemon.reconcile import Action, reconcile
from pithosfs_daemon.remote import RemoteFolder, hash_local
from pithosfs_daemon.state import Node, State
from pithosfs_daemon.state.renames import Renames
from pithosfs_daemon.troubles import LocalChanged, TooManyDeletes
from pithosfs_daemon.values import Direction, Dirty, Kind, Pair, Stamp, Trouble
from pithosfs_daemon.working import SMALL, carry_out

__all__ = ["Engine", "Outcome"]

log = logging.getLogger(__name__)

HASHERS = 2
MOST_TROUBLES = 100  # that an outcome tells of; the state has them all
WHOLE_LIST_EVERY = 1800.0  # seconds between lists that are asked for without a condition, with a whole look
AT_ONCE = 15.0  # seconds within which deletions count as one
_ONLY_NOTED = frozenset({Action.NOTHING, Action.JOIN, Action.FORGET, Action.LEAVE})
_DELETES = frozenset({Action.DELETE_LOCAL, Action.DELETE_REMOTE})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass has ended.

    `in_step`: both sides are the same now, but for `troubles` (what cannot be, or is not to be, synced). `again`:
    something has moved on meanwhile, and a further pass should follow at once. `error`: the first trouble that a later
    pass may be without (quota, full disk, a failing server).
    """

    in_step: bool
    changed: int
    again: bool
    troubles: tuple[Trouble, ...]
    error: PithosfsError | OSError | None = None


class Engine:
    """Keeps one pair. One pass at a time."""

    def __init__(
        self,
        pair: Pair,
        state: State,
        open_folder: Callable[[], Folder],
        remote: RemoteFolder,
        *,
        activity: Activity | None = None,
        host: str,
        clock: Callable[[], float] = time.time,
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.pair = pair
        self.state = state
        self.remote = remote
        self._open_folder = open_folder
        self.activity = activity or Activity()
        self._host = host
        self._clock = clock
        self._tell = tell
        self._unsettled: dict[str, int] = {}
        self._looks: set[str] = set()

    def run(
        self,
        *,
        scan: Literal["full"] | Dirty = "full",
        max_delete: float | None = None,
        cancel: threading.Event | None = None,
    ) -> Outcome:
        """One pass.

        `scan` says what is looked at: "full" is everything on both sides, as far as that is due; else what a watcher
        has noticed, which may be everything here, and what is newer in the cloud. `max_delete` replaces the pair's.
        Raises what ends a pass: NeedsYou and its kinds, NotLoggedIn, NoConnection, …, OSError when the state cannot be
        written, TransferCancelled.
        """
        cancel = cancel or threading.Event()
        # Open for a pass only: a disk that is idle can be unmounted.
        with closing(self._open_folder()) as folder:
            return self._run(folder, scan, self.pair.max_delete if max_delete is None else max_delete, cancel)

    def _run(
        self, folder: Folder, scan: Literal["full"] | Dirty, max_delete: float, cancel: threading.Event
    ) -> Outcome:
        actor = Actor(
            self.pair, folder, self.remote, self.state,
            activity=self.activity, host=self._host, cancel=cancel, unsettled=self._unsettled, clock=self._clock,
            tell=self._tell,
        )  # fmt: skip
        try:
            self.activity.phase("looking")
            self._look(scan, actor, cancel)
            if self._rules_first(actor):
                return self._outcome(actor, again=True)
            self._hash(actor, [Renames(self.state).doubtful()], cancel)
            carry_renames(actor, self.state)
            self._ask(max_delete)
            self.activity.phase("hashing")
            changed = "dirty AND l_kind = 1 AND l_hash IS NULL AND (b_kind = 1 OR r_kind = 1)"
            in_doubt = ([one for one in page if one.must_be_hashed] for page in self.state.pages(changed))
            self._hash(actor, in_doubt, cancel)
            self.activity.phase("working")
            self._work(actor)
            actor.stop_if_told()
        finally:
            self._looks |= actor.looks
            with ExitStack() as last:  # whatever fails of it
                last.callback(self.activity.phase, "")
                last.callback(self.state.commit)
                if actor.listing_is_old:
                    self.state.set_fact("since", None)
        return self._outcome(actor)

    def _outcome(self, actor: Actor, *, again: bool = False) -> Outcome:
        troubles = tuple(self.state.troubles(MOST_TROUBLES))
        waiting = bool(self.state.rows("SELECT 1 FROM node WHERE dirty LIMIT 1"))
        # As long as something gets done, what is left may be possible next.
        again = again or actor.again or (waiting and actor.done > 0 and actor.error is None)
        return Outcome(not waiting and not again and actor.error is None, actor.done, again, troubles, actor.error)

    # looking --------------------------------------------------------------------------------------------------------

    def _look(self, scan: Literal["full"] | Dirty, actor: Actor, cancel: threading.Event) -> None:
        actor.folder.check()
        candidates: dict[str, str] = {}  # conflict copy → whose

        def conflict(name: str, number: int) -> str:
            copy = actor.conflict_copy(name)(number)
            candidates[copy] = name
            return copy

        for copy in actor.folder.leftovers(conflict):
            log.warning("%s: a file was written to while it was replaced: kept as %s", self.pair.folder, copy)
            self.state.add_conflict(candidates[copy], copy)
            self._looks.add(copy)
        rules = list(actor.folder.rules.lines)
        if rules != self.state.fact("rules"):
            self.state.distrust()
            self.state.set_fact("rules", rules)
            scan = "full"
        look = LocalLook(actor.folder, self.state, cancel)
        if scan == "full" or scan.full:
            look.whole()
        else:
            look.some(scan)
        # The cloud's "nothing is newer" is only as good as its clock, which knows whole seconds and has noted a change
        # before others can see it: now and then it is asked for everything.
        now, last = self._clock(), self.state.fact("listed")
        is_due = scan == "full" and (last is None or abs(now - last) >= WHOLE_LIST_EVERY)
        since = None if is_due else self.state.fact("since")
        for name in sorted(self._looks):
            look.name(name)
        self._looks.clear()  # only now: a pass that ends before leaves them to the next
        actor.folder.check()
        listing = self.remote.listing(since)
        if listing is not None:
            RemoteLook(actor.folder, self.state, cancel).take(listing)
            if since is None:
                self.state.set_fact("listed", now)
        self._reconsider()

    def _rules_first(self, actor: Actor) -> bool:
        """Bring the ignore file here before anything is decided by what it says; whether it has come."""
        node = self.state.node(IGNORE_FILE)
        if node is None or node.remote is None or node.local_other or node.remote_other:
            return False
        agreed = node.agreed
        if self.pair.direction is Direction.UP or (agreed is not None and agreed.content == node.remote.content):
            return False
        self._hash(actor, [[node]] if node.must_be_hashed else [], threading.Event())
        node = self.state.node(IGNORE_FILE)
        assert node is not None
        action = reconcile(node.base, node.local, node.remote_item, self.pair.direction)
        if action not in (Action.DOWNLOAD, Action.KEEP_BOTH):
            return False
        attempt(actor, node, action)
        actor.stop_if_told()
        return actor.done > 0

    def _reconsider(self) -> None:
        """What stood in the way of a name may be gone without anything having changed about the name itself."""
        with self.state.changing() as db:
            db.execute("UPDATE node SET dirty = 1 WHERE trouble LIKE 'COLLISION%'")

    def _ask(self, most: float) -> None:
        """Stop when more than a part of the files has vanished from a side. Raises TooManyDeletes."""
        for side, where in (("local", "folder"), ("remote", "cloud")):
            now = self.state.vanished(side)
            if not now:
                continue
            agreed, before = self.state.files_agreed(), self.state.recently_vanished(side, AT_ONCE)
            if now + before > 1 and now + before > most * (agreed + before):
                raise TooManyDeletes(
                    where,
                    now + before,
                    agreed + before,
                    hint=f"if that is meant: pithosfs sync now {self.pair.folder} --max-delete 100%; "
                    "if not, bring them back first, or remove the pair: pithosfs sync remove",
                )

    def _hash(self, actor: Actor, pages: Iterable[list[Node]], cancel: threading.Event) -> None:
        """Find out the contents of files of which only the hash can tell what is to be done."""

        def digest(nodes: Sequence[Node]) -> None:
            self.state.hashed([one for one in map(found_in, nodes) if one is not None])

        def found_in(node: Node) -> tuple[str, Stamp, str] | None:
            stamp = node.stamp
            assert stamp is not None
            read_at = time.time_ns()
            try:
                with actor.folder.open(node.name, stamp) as stream:
                    had_writers = actor.folder.is_open_for_writing(stream)
                    found = hash_local(stream, stamp.size, self.remote.block_size, self.remote.algorithm, cancel)
            except LocalChanged:
                actor.look_again(node.name)
            except TransferCancelled:
                pass
            except OSError as error:
                actor.local_trouble(node.name, error)
            else:
                actor.hashed(node.name, stamp, read_at, had_writers=had_writers)
                return node.name, stamp, found.content.hash
            return None

        with ThreadPoolExecutor(HASHERS, thread_name_prefix="hash") as pool:
            for page in pages:
                actor.stop_if_told()
                large = [node for node in page if _is_large(node)]
                running = [pool.submit(digest, (node,)) for node in large]
                # In this thread: two would only wait for each other, as reading small files is little of the work.
                digest([node for node in page if not _is_large(node)])
                for one in running:
                    one.result()

    # working --------------------------------------------------------------------------------------------------------

    def _work(self, actor: Actor) -> None:
        self._note(actor)
        # New folders first: so they go together, and before what is in them.
        folders = self._decided(actor, _makes_folder, where="dirty AND l_kind = 2 AND r_kind = 0")
        others = self._decided(actor, lambda action, node: action not in _DELETES and not _makes_folder(action, node))
        carry_out(actor, chain(folders, others))
        carry_out(
            actor, self._decided(actor, lambda action, node: action in _DELETES and not _takes_folder(action, node))
        )
        for node, action in self._decided(actor, _takes_folder_away, backwards=True):
            attempt(actor, node, action)

    def _note(self, actor: Actor) -> None:
        """What is only to be noted, a page at a time: mostly it is on both sides, or on neither. The rest is noted with
        what else there is to do."""
        for page in self.state.pages("dirty AND (l_kind <> 0) = (r_kind <> 0)"):
            actor.stop_if_told()
            decided = [(node, _action(node, self.pair.direction)) for node in page if not node.must_be_hashed]
            with self.state.changing():
                for node, action in decided:
                    if action in _ONLY_NOTED:
                        self.activity.plan(1, 0)
                        attempt(actor, node, action)

    def _decided(
        self, actor: Actor, wanted: Callable[[Action, Node], bool], *, where: str = "dirty", backwards: bool = False
    ) -> Iterable[tuple[Node, Action]]:
        for page in self.state.pages(where, backwards=backwards):
            for node in page:
                actor.stop_if_told()
                if node.must_be_hashed:
                    continue  # it changed while it was hashed: next time
                action = _action(node, self.pair.direction)
                if wanted(action, node):
                    yield node, action


def _is_large(node: Node) -> bool:
    return node.stamp is not None and node.stamp.size > SMALL


def _action(node: Node, direction: Direction) -> Action:
    if node.is_clash and direction is not Direction.DOWN:
        # One of us has made a file while another one made a folder of that name: there, both can be.
        assert node.remote is not None
        agreed = node.agreed
        deleted = node.local_kind is None and agreed is not None and agreed.content == node.remote.content
        return Action.DELETE_REMOTE if deleted else Action.SET_REMOTE_ASIDE
    return reconcile(node.base, node.local, node.remote_item, direction)


def _makes_folder(action: Action, node: Node) -> bool:
    return action is Action.MAKE_REMOTE_FOLDER and node.remote is None


def _takes_folder(action: Action, node: Node) -> bool:
    if action is Action.DELETE_LOCAL:
        return node.local_kind is Kind.FOLDER
    return action is Action.DELETE_REMOTE and node.remote is not None and node.remote.kind is Kind.FOLDER


def _takes_folder_away(action: Action, node: Node) -> bool:
    return action in _DELETES and _takes_folder(action, node)
