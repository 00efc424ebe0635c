"""Servers as they are shown: what the service sends, the names of what it names by id, and the addresses in a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pithosfs_cli.layout import Column

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation
    from pithosfs_cli.kinds import Thing

__all__ = ["DETAILS", "INFO", "KNOWN", "SUMMARY", "Known", "addresses_of", "server_record", "shown_status", "task_of"]

SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("status", "STATUS", "status"),
    Column("flavor_name", "FLAVOR"),
    Column("ips", "ADDRESSES"),
    Column("created", "CREATED", "time"),
]
DETAILS = [
    *SUMMARY[:4],
    Column("image_name", "IMAGE"),
    Column("ips", "ADDRESSES"),
    Column("tags", "TAGS"),
    Column("tenant_id", "PROJECT"),
    Column("created", "CREATED", "time"),
]
KNOWN = [
    *DETAILS,
    Column("volumes", "VOLUMES"),
    Column("metadata", "METADATA"),
    Column("SNF:key_names", "KEY PAIRS"),
    Column("SNF:fqdn", "HOST"),
    Column("user_id", "OWNER"),
    Column("progress", "PROGRESS", "count"),
    Column("updated", "CHANGED", "time"),
]
INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("status", "status", "status"),
    Column("progress", "progress in %"),
    Column("flavor_name", "flavor"),
    Column("image_name", "image"),
    Column("ips", "address"),
    Column("SNF:fqdn", "host"),
    Column("SNF:port_forwarding", "port"),
    Column("volumes", "volume"),
    Column("tags", "tag"),
    Column("metadata", "metadata"),
    Column("SNF:key_names", "key pair"),
    Column("tenant_id", "project"),
    Column("user_id", "owner"),
    Column("created", "created", "time"),
    Column("updated", "changed", "time"),
]


@dataclass(frozen=True, slots=True)
class Known:
    """Names of flavors and images by their ids (as text)."""

    flavors: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def ask(cls, run: Invocation, *, images: bool) -> Known:
        """All of the cloud."""
        from pithosfs_cli.services import compute

        client = compute(run)
        return cls(_names(client.list_flavors()), _names(client.list_images()) if images else {})

    def naming(self, server: Thing) -> Thing:
        """The fields that name what the server names by id; null when it is not known, of which tables show the id."""
        named: Thing = {}
        for what, names in (("flavor", self.flavors), ("image", self.images)):
            ident = _ref(server, what)
            named[f"{what}_name"] = names.get(ident)
            named[f"_{what}_name"] = names.get(ident) or ident
        return named


def _names(things: Iterable[Thing]) -> dict[str, str]:
    return {str(one.get("id")): str(one.get("name")) for one in things}


def _ref(server: Thing, what: str) -> str:
    found = server.get(what)
    return str(found.get("id")) if isinstance(found, dict) else ""


def addresses_of(server: Thing) -> list[str]:
    """The addresses, in the order of the interfaces."""
    nics = server.get("attachments") or []
    return [str(nic[key]) for nic in nics for key in ("ipv4", "ipv6") if nic.get(key)]


def task_of(server: Thing) -> str:
    """What is being done to it, in lower case; empty for nothing."""
    return str(server.get("SNF:task_state") or "").lower().replace("_", " ")


def shown_status(server: Thing) -> str:
    """The status, and what is being done if anything is."""
    status, task = str(server.get("status")), task_of(server)
    return f"{status} ({task})" if task and status != "BUILD" else status  # which is "building" anyway


def server_record(server: Thing, known: Known) -> dict[str, Any]:
    """A server for documents and tables."""
    return {
        **server,
        **known.naming(server),
        "ips": addresses_of(server),
        "_status": shown_status(server),
        "_progress": server.get("progress") if server.get("status") == "BUILD" else None,
    }
