"""Manifests: objects whose data is that of all objects with a prefix, one after the other (object-store.md 17)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import islice

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.faults import bad_request, not_found
from pithosfs.localcloud.objects.access import effective_rule, principals
from pithosfs.localcloud.objects.listing import MAX_LIMIT
from pithosfs.localcloud.objects.model import Version, find_container, hashmap_of, objects_between
from pithosfs.localcloud.objects.sharing import EVERYBODY
from pithosfs.localcloud.objects.spans import Span

__all__ = ["manifest_objects", "manifest_of", "manifest_parts"]


def manifest_of(version: Version) -> str | None:
    """The value of `X-Object-Manifest`; None for an ordinary object."""
    return version.metadata.get("X-Object-Manifest")


def manifest_parts(
    connection: sqlite3.Connection, caller: str, account: str, manifest: str, *, public: bool
) -> Sequence[Hashmap]:
    """The block lists of the parts. Raises what `manifest_objects` does."""
    parts = manifest_objects(connection, caller, account, manifest, public=public)
    return [hashmap_of(connection, part) for part in parts]


def manifest_objects(
    connection: sqlite3.Connection, caller: str, account: str, manifest: str, *, public: bool
) -> Sequence[Version]:
    """The parts in the order of their names; at most 10000 of them.

    Raises Fault 400 for a value without a prefix, 404 for a container that does not exist or a part that the caller
    may not read (on a public URL: that is not shared with everybody).
    """
    container_name, _, prefix = manifest.lstrip("/").partition("/")
    if not container_name or not prefix:
        raise bad_request("the manifest does not name a container and a prefix")
    container = find_container(connection, account, container_name)
    if container is None:
        raise not_found("the container of the manifest's parts does not exist")
    below = Span.below(prefix)
    parts = list(islice(objects_between(connection, container.id, below.low, below.high), MAX_LIMIT))
    if public or caller != account:
        who = frozenset({EVERYBODY}) if public else principals(connection, caller)
        for part in parts:
            rule, _ = effective_rule(connection, container.id, part.name)
            if rule.allows(who) is None:
                raise not_found("a part of the manifest is not shared")
    return [part.version for part in parts if part.version is not None]
