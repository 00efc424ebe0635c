"""The image that every local cloud has from the start, so that a server can be made at once (image.md 11)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.database import Migration
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.clock import Clock
from pithosfs.localcloud.objects.images import keep_image
from pithosfs.localcloud.objects.model import EMPTY_ROOT, find_container, find_object
from pithosfs.localcloud.objects.sharing import EVERYBODY, Rule

__all__ = ["MIGRATIONS", "SERVICE", "SYSTEM_USER"]

SERVICE = "image"

SYSTEM_USER = "00000000-0000-4000-8000-000000000000"
"""The account of what the cloud itself provides. Nobody can log in as it."""

_CONTAINER = "images"
_PATH = "sandbox.diskdump"


def _furnish(connection: sqlite3.Connection) -> None:
    """A public image without bytes: there is nothing that could start from them."""
    change = Change(connection, Clock(), SYSTEM_USER, charged=False)
    account = change.account(SYSTEM_USER)
    change.add_container(account, _CONTAINER, SYSTEM_USER)
    container = find_container(connection, SYSTEM_USER, _CONTAINER)
    assert container is not None
    draft = Draft.of_hashmap(Hashmap(0, ()), EMPTY_ROOT, "application/octet-stream", {}, "")
    change.put(container, _PATH, None, draft)
    change.share(container, _PATH, Rule((EVERYBODY, SYSTEM_USER)))
    change.settle()
    stored = find_object(connection, container.id, _PATH)
    assert stored is not None
    assert stored.version is not None
    keep_image(
        connection,
        stored.version.uuid,
        stored.id,
        name="Sandbox",
        disk_format="diskdump",
        container_format="bare",
        status="AVAILABLE",
        properties={
            "description": "a system for servers of the local cloud, which have no machine behind them",
            "os": "debian",
            "osfamily": "linux",
            "root_partition": "1",
            "users": "root debian",
        },
        time=change.time,
    )


MIGRATIONS: Sequence[Migration] = (_furnish,)
