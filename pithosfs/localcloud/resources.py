"""What is counted against quotas: the resources of the platform (identity.md section 5).

Every resource is counted by one service of the local cloud; `quota` does the counting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "COMPONENTS",
    "CPU",
    "DISK",
    "DISKSPACE",
    "FLOATING_IP",
    "PENDING_APP",
    "PRIVATE_NETWORK",
    "RAM",
    "RESOURCES",
    "TOTAL_CPU",
    "TOTAL_RAM",
    "UNLIMITED",
    "VM",
    "Resource",
]

UNLIMITED = 2**63 - 1
"""The limit that stands for "none" (identity.md 1.1)."""

PENDING_APP = "astakos.pending_app"
VM = "cyclades.vm"
TOTAL_CPU = "cyclades.total_cpu"
CPU = "cyclades.cpu"
TOTAL_RAM = "cyclades.total_ram"
RAM = "cyclades.ram"
DISK = "cyclades.disk"
PRIVATE_NETWORK = "cyclades.network.private"
FLOATING_IP = "cyclades.floating_ip"
DISKSPACE = "pithos.diskspace"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    `title` is its name in messages about an exceeded quota; `unit` is None for things that are counted; `service` is
    the catalog name of the service that counts it. `visible`: users see it and ask for it in applications.
    `personal` is the limit of a personal project that nobody has changed; `shared` the limit of any other project whose
    application did not mention the resource.
    """

    name: str
    title: str
    unit: str | None
    description: str
    service: str
    visible: bool = True
    personal: int = UNLIMITED
    shared: int = 0

    @property
    def component(self) -> str:
        """The part of the platform that the service belongs to: `astakos`, `cyclades` or `pithos`."""
        return self.service.partition("_")[0]


_COMPUTE, _NETWORK = "cyclades_compute", "cyclades_network"

# Nobody can ask for what is not visible, so projects have no limit of it but that of what they asked for beside it.
_ALL = (
    Resource(
        PENDING_APP,
        "Pending Application",
        None,
        "Pending project applications",
        "astakos_account",
        visible=False,
        personal=10,
        shared=UNLIMITED,
    ),
    Resource(VM, "Virtual Machine", None, "Servers", _COMPUTE),
    Resource(TOTAL_CPU, "CPU", None, "CPUs of all servers", _COMPUTE, visible=False, shared=UNLIMITED),
    Resource(CPU, "Active CPU", None, "CPUs of running servers", _COMPUTE),
    Resource(TOTAL_RAM, "RAM", "bytes", "Memory of all servers", _COMPUTE, visible=False, shared=UNLIMITED),
    Resource(RAM, "Active RAM", "bytes", "Memory of running servers", _COMPUTE),
    Resource(DISK, "Disk", "bytes", "Volumes", _COMPUTE),
    Resource(PRIVATE_NETWORK, "Private Network", None, "Private networks", _NETWORK),
    Resource(FLOATING_IP, "Floating IP address", None, "Floating IP addresses", _NETWORK),
    Resource(DISKSPACE, "Storage Space", "bytes", "Storage space", "pithos_object-store"),
)

RESOURCES: Mapping[str, Resource] = {one.name: one for one in _ALL}

COMPONENTS = tuple(dict.fromkeys(one.component for one in _ALL))
"""The parts of the platform, each of which may have tokens of its own for the calls of services."""
