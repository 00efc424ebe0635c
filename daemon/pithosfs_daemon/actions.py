"""What each decision does, one function an action. Each is idempotent, and conditional on what was decided about.

An action first acts and then writes its row, so a pass that is killed in between finds the work done (the two sides are
the same, or both are without it) and only notes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pithosfs.errors import BadReply, PithosfsError
from pithosfs.mount.attributes import Attributes, from_meta
from pithosfs.store import ObjectInfo
from pithosfs_daemon.acting import Actor, size_of
from pithosfs_daemon.reconcile import Action
from pithosfs_daemon.remote import NewFolder
from pithosfs_daemon.state import Agreed, Node
from pithosfs_daemon.transferring import download, upload
from pithosfs_daemon.troubles import RemoteChanged
from pithosfs_daemon.values import Kind, Reason, Seen, Stamp, Trouble

__all__ = ["attempt", "make_remote_folders"]


def attempt(actor: Actor, node: Node, action: Action) -> None:
    """Carry out an action; its errors are sorted by the actor. Raises nothing."""
    with actor.sorting(node, action):
        _ACTIONS[action](actor, node)
    actor.activity.did(1, size_of(node, action))


def _nothing(actor: Actor, node: Node) -> None:
    _restamp(actor, node)
    _remark(actor, node)
    actor.state.settled(node.name)


def _remark(actor: Actor, node: Node) -> None:
    """A folder that the cloud only implied, or whose marker was made anew, has another id now, by which its renaming is
    recognised."""
    agreed, remote = node.agreed, node.remote
    if agreed is None or agreed.kind is not Kind.FOLDER or remote is None or remote.implied:
        return
    if (agreed.version, agreed.uuid) != (remote.version, remote.uuid):
        actor.state.agree(node.name, Agreed(Kind.FOLDER, None, remote.version, None, remote.uuid, node.stamp))


def _restamp(actor: Actor, node: Node) -> None:
    """The content is what was agreed on: note with which stamp it was seen now."""
    agreed = node.agreed
    if agreed is None or agreed.kind is not Kind.FILE or node.stamp is None or node.is_untouched:
        return
    blocks, sums = actor.state.old_content(node.name)
    now = Agreed(
        Kind.FILE, agreed.content, agreed.version, agreed.etag, agreed.uuid, node.stamp,
        actor.was_racy(node.name, node.stamp),
    )  # fmt: skip
    actor.state.agree(node.name, now, blocks=blocks, sums=sums)


def _forget(actor: Actor, node: Node) -> None:
    actor.state.forget(node.name)


def _leave(actor: Actor, node: Node) -> None:
    actor.state.settled(node.name)
    if not node.local_other and not node.remote_other:
        actor.state.left(node.name, Trouble(node.name, Reason.ONE_WAY, actor.pair.direction))


def _join(actor: Actor, node: Node) -> None:
    remote = node.remote
    assert remote is not None
    assert node.local_kind is not None
    racy = node.stamp is not None and actor.was_racy(node.name, node.stamp)
    agreed = Agreed(node.local_kind, remote.content, remote.version, None, remote.uuid, node.stamp, racy)
    actor.state.agree(node.name, agreed)
    actor.count()


def _make_remote_folder(actor: Actor, node: Node) -> None:
    assert node.stamp is not None
    _made_remote_folder(actor, node, actor.remote.make_folder(node.name, Attributes(mode=node.stamp.mode)))


def make_remote_folders(actor: Actor, nodes: Sequence[Node]) -> None:
    """Make the markers of several folders in one request. Raises nothing."""
    wanted: list[NewFolder] = []
    for node in nodes:
        assert node.stamp is not None
        wanted.append(NewFolder(node.name, Attributes(mode=node.stamp.mode)))
    answers = actor.each(len(wanted), lambda: actor.remote.make_folders(wanted, cancel=actor.cancel))
    with actor.noting():
        for node, answer in zip(nodes, answers, strict=True):
            with actor.sorting(node, Action.MAKE_REMOTE_FOLDER):
                if isinstance(answer, PithosfsError):
                    raise answer
                _made_remote_folder(actor, node, answer)
    actor.activity.did(len(nodes), 0)


def _made_remote_folder(actor: Actor, node: Node, info: ObjectInfo) -> None:
    actor.state.agree(node.name, Agreed(Kind.FOLDER, None, info.version, info.etag, info.uuid, node.stamp))
    actor.event("make remote folder", node.name)


def _make_local_folder(actor: Actor, node: Node) -> None:
    if actor.may_not_be(node.name):
        return
    remote = node.remote
    assert remote is not None
    actor.make_parents(node.name)
    with actor.folders:
        stamp = actor.folder.make_folder(node.name)
    actor.state.agree(node.name, Agreed(Kind.FOLDER, None, remote.version, None, remote.uuid, stamp))
    actor.event("make local folder", node.name)


def _delete_remote(actor: Actor, node: Node) -> None:
    remote = node.remote
    assert remote is not None
    if remote.kind is Kind.FOLDER:
        if actor.state.has_below(node.name, "r_kind <> 0"):
            if node.local_kind is Kind.FILE:
                _set_local_aside(actor, node)  # the folder lives on: something in it was changed elsewhere
            return
        if not remote.implied:
            actor.remote.delete(node.name, None)  # which looks whether it still is a folder's object
    else:
        actor.keep_parent(node.name)
        actor.remote.delete(node.name, actor.base_of(node))
        actor.state.note_vanished("local")
    actor.state.gone(node.name, remote=True)
    actor.event("delete remote", node.name)
    if node.local_kind is not None:
        actor.decide_again(node.name)


def _delete_local(actor: Actor, node: Node) -> None:
    if node.remote is None and actor.remote.look(node.name) is not None:
        # Somebody has just made it, or the list is not to be trusted: nothing is deleted because of it.
        actor.list_again()
        raise BadReply(f"{node.name} is in the cloud, although its list did not show it")
    if node.local_kind is Kind.FOLDER:
        if actor.folder.remove_folder(node.name):
            actor.state.gone(node.name, local=True)
            actor.event("delete local", node.name)
        else:
            _kept_folder(actor, node)
            return
    else:
        assert node.stamp is not None
        actor.folder.trash(node.name, node.stamp)
        actor.state.note_vanished("remote")
        actor.state.gone(node.name, local=True)
        actor.event("delete local", node.name, "now in the trash")
    if node.remote is not None:
        actor.decide_again(node.name)


def _kept_folder(actor: Actor, node: Node) -> None:
    """A folder that is gone in the cloud, and not empty here."""
    if node.remote is not None and actor.state.has_below(node.name, "l_kind IN (1, 2)"):
        _set_remote_aside(actor, node)
        return
    # It holds only what is ignored, or what has just come: nothing is agreed on about it any more.
    actor.state.forget(node.name)
    actor.look_again(node.name)


def _keep_both(actor: Actor, node: Node) -> None:
    assert node.stamp is not None
    copy = actor.free_name(node.name)
    moved = actor.folder.move(node.name, copy, node.stamp)
    actor.state.saw_no_local(node.name)
    actor.state.saw_local(copy, Seen(Kind.FILE, moved))
    actor.conflicted(node.name, copy)
    now = actor.state.node(node.name)
    if now is not None and now.local_kind is None:
        download(actor, now)


def _set_local_aside(actor: Actor, node: Node) -> None:
    assert node.stamp is not None
    copy = actor.free_name(node.name)
    moved = actor.folder.move(node.name, copy, node.stamp)
    actor.state.saw_no_local(node.name)
    actor.state.saw_local(copy, Seen(Kind.FILE, moved))
    actor.conflicted(node.name, copy)
    actor.decide_again(node.name)


def _set_remote_aside(actor: Actor, node: Node) -> None:
    assert node.remote is not None
    copy = actor.free_name(node.name)
    actor.remote.move(node.name, copy, actor.base_of(node))
    actor.state.gone(node.name, remote=True)
    actor.state.add_conflict(node.name, copy, theirs=True)
    actor.event("conflict", node.name, f"theirs is {copy}")
    actor.decide_again(node.name)
    actor.list_again()


def _send_attributes(actor: Actor, node: Node) -> None:
    stamp, agreed = node.stamp, node.agreed
    assert stamp is not None
    assert agreed is not None
    info = actor.remote.set_attributes(
        node.name, actor.base_of(node), Attributes(mode=stamp.mode, mtime_ns=stamp.mtime_ns)
    )
    _same_content(actor, node, info, stamp)
    actor.event("send attributes", node.name)


def _take_attributes(actor: Actor, node: Node) -> None:
    stamp = node.stamp
    assert stamp is not None
    info = actor.remote.look(node.name)
    if info is None or node.remote is None or info.version != node.remote.version:
        raise RemoteChanged(f"{node.name} has changed in the cloud")
    attributes = from_meta(info.meta or {})
    mode = attributes.mode if attributes.mode is not None else stamp.mode
    mtime_ns = attributes.mtime_ns if attributes.mtime_ns is not None else stamp.mtime_ns
    if (mode & 0o777, mtime_ns) != (stamp.mode, stamp.mtime_ns):
        stamp = actor.folder.set_attributes(node.name, stamp, mode=mode, mtime_ns=mtime_ns)
        actor.event("take attributes", node.name)
    _same_content(actor, node, info, stamp)


def _same_content(actor: Actor, node: Node, info: ObjectInfo, stamp: Stamp) -> None:
    """A new version, or a new stamp, of what was agreed on."""
    agreed = node.agreed
    assert agreed is not None
    blocks, sums = actor.state.old_content(node.name)
    now = Agreed(
        agreed.kind, agreed.content, info.version, info.etag, info.uuid or agreed.uuid, stamp,
        actor.was_racy(node.name, stamp),
    )  # fmt: skip
    actor.state.agree(node.name, now, blocks=blocks, sums=sums)


_ACTIONS: dict[Action, Callable[[Actor, Node], None]] = {
    Action.NOTHING: _nothing,
    Action.FORGET: _forget,
    Action.JOIN: _join,
    Action.UPLOAD: upload,
    Action.DOWNLOAD: download,
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
