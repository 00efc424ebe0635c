"""Servers as the wire shows them (compute.md 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pithosfs.localcloud.compute.diagnostics import diagnostics_of
from pithosfs.localcloud.compute.model import Server
from pithosfs.localcloud.compute.states import TASK_STATES, Action
from pithosfs.localcloud.network.model import Port, ports_where
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.sandbox.routes import links
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "Surroundings",
    "addresses_of",
    "attachments_of",
    "image_links",
    "server_json",
    "server_links",
    "servers_json",
]

Attachments = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What belongs to servers, by their ids: ports that are connected, volumes that are attached."""

    ports: Mapping[int, Sequence[Port]]
    volumes: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, turn: Turn, servers: Sequence[Server]) -> Surroundings:
        """Two look-ups, for however many servers."""
        idents = ",".join(str(server.id) for server in servers)
        ports: dict[int, list[Port]] = {}
        for port in ports_where(turn, f"p.server IN ({idents})"):
            assert port.server is not None
            ports.setdefault(port.server, []).append(port)
        volumes: dict[int, list[int]] = {}
        for row in turn.rows(f"SELECT server, id FROM volumes WHERE server IN ({idents}) ORDER BY position"):  # noqa: S608
            volumes.setdefault(row["server"], []).append(row["id"])
        return cls(ports, volumes)


def servers_json(turn: Turn, base: str, servers: Sequence[Server]) -> list[dict[str, Any]]:
    """The whole of each."""
    around = Surroundings.of(turn, servers)
    return [_json(turn, base, server, around) for server in servers]


def server_json(turn: Turn, base: str, server: Server) -> dict[str, Any]:
    return servers_json(turn, base, [server])[0]


def server_links(base: str, ident: int) -> list[dict[str, str]]:
    return links(f"{base}/compute/v2.0/servers/{ident}")


def image_links(base: str, uuid: str) -> list[dict[str, str]]:
    """An image is also in the image service."""
    alternate = {"rel": "alternate", "href": f"{base}/image/v1.0/images/{uuid}"}
    return [*links(f"{base}/compute/v2.0/images/{uuid}"), alternate]


def shown_status(server: Server, now: int) -> str:
    """The status; a reboot or a resize is seen in its second half, when it is really being done."""
    task = server.task
    if task is not None and now >= (task.started + task.due) // 2:
        if task.name == Action.REBOOT.name and server.status == "ACTIVE":
            return "REBOOT"
        if task.name == Action.RESIZE.name:
            return "RESIZE"
    return server.status


def attachments_of(ports: Sequence[Port]) -> Attachments:
    """The network interfaces that are there; those still being built are not."""
    found: Attachments = []
    for port in ports:
        if port.status != "ACTIVE":
            continue
        nic: dict[str, Any] = {
            "id": port.id,
            "network_id": str(port.network),
            "mac_address": port.mac,
            "ipv4": port.ipv4 or "",
            "ipv6": port.ipv6 or "",
        }
        if port.firewall is not None:
            nic["firewallProfile"] = port.firewall
        if port.ipv4 or port.ipv6:
            nic["OS-EXT-IPS:type"] = "fixed" if port.floating_ip is None else "floating"
        found.append(nic)
    return found


def addresses_of(attachments: Attachments) -> dict[str, list[dict[str, Any]]]:
    """The same by network. All interfaces of one network are there, unlike on the reference."""
    found: dict[str, list[dict[str, Any]]] = {}
    for nic in attachments:
        for version in (4, 6):
            if address := nic[f"ipv{version}"]:
                entry = {"version": version, "addr": address, "OS-EXT-IPS:type": nic["OS-EXT-IPS:type"]}
                found.setdefault(nic["network_id"], []).append(entry)
    return found


def _json(turn: Turn, base: str, server: Server, around: Surroundings) -> dict[str, Any]:
    attachments = attachments_of(around.ports.get(server.id, ()))
    task = server.task
    progress = task.progress(turn.now) if task is not None and server.status == "BUILD" else server.progress
    image: Any = {"id": server.image, "links": image_links(base, server.image)} if server.image else ""
    return {
        "id": server.id,
        "name": server.name,
        "user_id": server.user,
        "tenant_id": server.project,
        "shared_to_project": server.shared,
        "status": shown_status(server, turn.now),
        "SNF:task_state": "" if task is None else TASK_STATES[task.name],
        "progress": progress,
        "suspended": server.suspended,
        "deleted": server.status == "DELETED",
        "SNF:rescue": False,
        "created": iso_time(server.created),
        "updated": iso_time(server.updated),
        "hostId": "",
        "flavor": {"id": server.flavor, "links": links(f"{base}/compute/v2.0/flavors/{server.flavor}")},
        "image": image,
        "metadata": dict(server.metadata),
        "tags": [tag for tag, confirmed in server.tags.items() if confirmed <= turn.now],
        "attachments": attachments,
        "addresses": addresses_of(attachments),
        "volumes": list(around.volumes.get(server.id, ())),
        "diagnostics": diagnostics_of(server)[:1],
        "security_groups": [{"name": "default"}],
        "key_name": server.keys[0] if server.keys else None,
        "SNF:key_names": list(server.keys),
        "config_drive": "",
        "accessIPv4": "",
        "accessIPv6": "",
        "SNF:fqdn": f"srv-{server.id}.sandbox.invalid",
        "SNF:port_forwarding": _forwarding(base, attachments),
        "links": server_links(base, server.id),
    }


def _forwarding(base: str, attachments: Attachments) -> dict[str, dict[str, str]]:
    """Where ports of a server with a public address would be reached, if it had any machine."""
    if not any(nic["ipv4"] and nic.get("OS-EXT-IPS:type") == "floating" for nic in attachments):
        return {}
    return {"22": {"host": urlsplit(base).hostname or "", "port": str(10000 + attachments[0]["id"] % 50000)}}
