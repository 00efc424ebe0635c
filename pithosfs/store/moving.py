"""Moving objects and folders on a Pithos server, sharing and publication included.

A MOVE drops both at the old names and gives none to the new ones (object-store.md section 20, row 36). And it must
not be sent twice blindly: when its answer is lost, what is at the two names tells whether it was done.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply, NoConnection, NotFound, PithosfsError, PreconditionFailed, ServerFailed
from pithosfs.store.listing import PAGE, list_objects
from pithosfs.store.replies import object_from_entry
from pithosfs.store.seam import DIRECTORY_TYPE, NameRule, ObjectInfo, ObjectPath, Sharing

__all__ = ["move", "move_folder", "name_rules", "set_name_rules"]

_log = logging.getLogger(__name__)

_ATTEMPTS = 3
_CONNECTIONS = 8


def move(
    wire: PithosWire,
    source: ObjectPath,
    target: ObjectPath,
    *,
    sharing: Sharing | None = None,
    public: bool = False,
    content_type: str | None = None,
    delimiter: str | None = None,
) -> None:
    """One request, which is also asked after when its answer got lost; with `delimiter` all below goes along.

    It is a PUT with `X-Move-From` and not a MOVE: only a PUT's conditions are about the target (section 7.4), and a
    move onto something that another client has made just now would drop that with its history.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            wire.object_put_from(
                target.account,
                target.container,
                target.name,
                (source.account, source.container, source.name),
                move=True,
                content_type=content_type,
                delimiter=delimiter,
                if_none_match="*",
                sharing=str(sharing) if sharing else None,
                public=True if public else None,
            )
        except PreconditionFailed:
            if attempt == 1 or _exists(wire, source):
                raise
            return  # an earlier attempt did it, and its answer was lost
        except (NoConnection, ServerFailed, BadReply):
            # Carried out or not? A name cannot tell lies: it is at one of the two.
            if _exists(wire, source):
                if attempt == _ATTEMPTS:
                    raise
            elif _exists(wire, target):
                return
            else:
                raise
        else:
            return


def move_folder(
    wire: PithosWire, source: ObjectPath, target: ObjectPath, rules: Sequence[NameRule] | None = None
) -> None:
    """As `ObjectStore.move_folder`. The server's bulk MOVE needs an object of the folder's own name: it is made."""
    known = name_rules(wire, source) if rules is None else rules
    _make_marker(wire, source)
    own = next((rule for rule in known if not rule.below), None)
    move(
        wire,
        source,
        target,
        sharing=own.sharing if own else None,
        public=own.public if own else False,
        delimiter="/",
    )
    if rules is None:
        set_name_rules(wire, target, known)


def set_name_rules(wire: PithosWire, folder: ObjectPath, rules: Sequence[NameRule], *, again: bool = False) -> None:
    """As `ObjectStore.set_name_rules`."""
    # The marker's rule went along with the move.
    wanted = [rule for rule in rules if rule.below or again]
    if not wanted:
        return
    failures: list[PithosfsError] = []

    def give(rule: NameRule) -> None:
        path = replace(folder, name=folder.name + rule.below)
        try:
            if again and not _still_bare(wire, path, rule.uuid):
                return
            wire.object_post(
                path.account,
                path.container,
                path.name,
                sharing=str(rule.sharing) if rule.sharing else None,
                public=True if rule.public else None,
            )
        except NotFound:
            pass  # somebody deleted it meanwhile
        except PithosfsError as error:
            _log.error("moved %s, but could not share it again as %s: %s", path, rule.sharing or "public", error)
            failures.append(error)

    with ThreadPoolExecutor(min(_CONNECTIONS, len(wanted)), thread_name_prefix="rules") as pool:
        list(pool.map(give, wanted))
    if failures:
        raise failures[0]


def _still_bare(wire: PithosWire, path: ObjectPath, uuid: str) -> bool:
    """Whether the object that was moved is there and nobody has given it a rule, or a link, of its own."""
    head = replies.object_head(wire.object_head(path.account, path.container, path.name))
    return head.uuid == uuid and not head.public and (not head.sharing or bool(head.shared_by))


def name_rules(wire: PithosWire, folder: ObjectPath) -> list[NameRule]:
    """As `ObjectStore.name_rules`."""
    # The server strips slashes from the start of a prefix; then everything is asked for.
    prefix = None if folder.name.startswith("/") else folder.name
    # With `public` the server ignores markers: it is one page or none (section 8.5).
    reply = wire.container_get(folder.account, folder.container, prefix=prefix, shared=True, public=True, limit=PAGE)
    found = replies.entries(reply)
    objects: list[ObjectInfo] = []
    if len(found) < PAGE:
        objects = [object_from_entry(entry) for entry in found if "name" in entry]
    else:
        listing = list_objects(wire, folder.account, folder.container, prefix=folder.name)
        objects = list(listing.found.objects) if listing is not None else []
    return [
        NameRule(one.name.removeprefix(folder.name), one.uuid, one.sharing, one.public is not None)
        for one in objects
        if (one.name == folder.name or one.name.startswith(folder.name + "/")) and (one.sharing or one.public)
    ]


def _make_marker(wire: PithosWire, folder: ObjectPath) -> None:
    if _exists(wire, folder):
        return
    with suppress(PreconditionFailed):  # somebody else was faster
        wire.object_put(
            folder.account, folder.container, folder.name, b"", content_type=DIRECTORY_TYPE, if_none_match="*"
        )


def _exists(wire: PithosWire, path: ObjectPath) -> bool:
    try:
        wire.object_head(path.account, path.container, path.name)
    except NotFound:
        return False
    return True
