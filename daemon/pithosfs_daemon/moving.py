"""Carrying renames over as renames: no content moves, and shares, links and the history's owner stay.

A rename that was not recognised, or that fails, is still carried over as a deletion and a new file: only dearer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from pithosfs_daemon.acting import Actor
from pithosfs_daemon.state import State
from pithosfs_daemon.state.renames import Rename, Renames
from pithosfs_daemon.troubles import LocalChanged, RemoteChanged
from pithosfs_daemon.values import Direction

__all__ = ["carry_renames"]

log = logging.getLogger(__name__)


def carry_renames(actor: Actor, state: State) -> int:
    """Find and carry over all renames; returns how many were."""
    renames = Renames(state)
    direction = actor.pair.direction
    done = 0
    # Folders first: what is below them has moved with them then.
    if direction is not Direction.DOWN:
        done += _each(actor, renames.local_folders(), lambda one: _folder_in_cloud(actor, renames, one))
        done += _each(actor, renames.local_files(), lambda one: _file_in_cloud(actor, state, renames, one))
    if direction is not Direction.UP:
        done += _each(actor, renames.remote_folders(), lambda one: _here(actor, state, renames, one))
        done += _each(actor, renames.remote_files(), lambda one: _here(actor, state, renames, one))
    return done


def _each(actor: Actor, renames: list[Rename], carry: Callable[[Rename], None]) -> int:
    done = 0
    for one in renames:
        actor.stop_if_told()
        if actor.may_not_be(one.new):
            continue
        try:
            carry(one)
        except LocalChanged as error:
            log.info("%s is not renamed to %s: %s", one.old, one.new, error)
            actor.look_again(one.old)
            actor.look_again(one.new)
        except RemoteChanged as error:
            log.info("%s is not renamed to %s: %s", one.old, one.new, error)
            actor.list_again()
        else:
            done += 1
    return done


def _folder_in_cloud(actor: Actor, renames: Renames, one: Rename) -> None:
    actor.keep_parent(one.old)
    actor.remote.move_folder(one.old, one.new)
    renames.moved_remote(one)
    actor.event("moved remote", one.old, f"to {one.new}")


def _file_in_cloud(actor: Actor, state: State, renames: Renames, one: Rename) -> None:
    node = state.node(one.old)
    if node is None or node.remote is None or node.remote.content is None:
        return  # an earlier one has taken it along
    actor.keep_parent(one.old)
    info = actor.remote.move(one.old, one.new, actor.base_of(node))
    renames.moved_remote(one, version=info.version)
    actor.event("moved remote", one.old, f"to {one.new}")


def _here(actor: Actor, state: State, renames: Renames, one: Rename) -> None:
    node = state.node(one.old)
    if node is None or node.stamp is None or node.local_kind is None:
        return
    actor.make_parents(one.new)
    is_file = node.agreed is not None and node.agreed.content is not None
    stamp = actor.folder.move(one.old, one.new, node.stamp if is_file else None)
    renames.moved_local(one, stamp.ctime_ns)
    actor.event("moved local", one.old, f"to {one.new}")
