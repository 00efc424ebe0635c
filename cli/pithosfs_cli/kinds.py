"""The kinds of things that a cloud has beside files: how each is listed, looked up and called.

A thing is the dictionary that its service sends. Ids are compared as text: services write them as numbers in some
places and as text in others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pithosfs_cli.locations import is_account_id
from pithosfs_cli.services import compute, identity, images, networks, volumes

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = [
    "FLAVOR",
    "IMAGE",
    "IP",
    "KEYPAIR",
    "KINDS",
    "NETWORK",
    "PORT",
    "PROJECT",
    "REGISTERED",
    "SERVER",
    "SNAPSHOT",
    "SUBNET",
    "VOLUME",
    "VOLUME_TYPE",
    "Kind",
    "Thing",
]

Thing = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`noun` is what messages call one, `listing` the command that shows all (`pithosfs …`), `info` the one for one.

    `has_id_form` says whether a text looks as its ids do; `one` asks for one by its id (raises NotFound), `all` for all
    that the user may see, in full. `id` and `name` are the fields of both; names need not be unique, nor there.
    """

    noun: str
    listing: str
    has_id_form: Callable[[str], bool]
    one: Callable[[Invocation, str], Thing]
    all: Callable[[Invocation], list[Thing]]
    id: str = "id"
    name: str = "name"

    @property
    def info(self) -> str:
        return f"{self.listing.partition(' ')[0]} info"

    @property
    def word(self) -> str:
        """What help calls one: `SERVER`."""
        return self.noun.rpartition(" ")[2].upper()

    def id_of(self, thing: Mapping[str, Any]) -> str:
        return str(thing.get(self.id))

    def name_of(self, thing: Mapping[str, Any]) -> str:
        """The name, empty when it has none."""
        return str(thing.get(self.name) or "")

    def label(self, thing: Mapping[str, Any]) -> str:
        """The name, and the id behind it: `web (42)`."""
        name, ident = self.name_of(thing), self.id_of(thing)
        return ident if name in ("", ident) else f"{name} ({ident})"

    def called(self, thing: Mapping[str, Any]) -> str:
        """What a sentence calls it: `the server web (42)`."""
        return f"the {self.noun} {self.label(thing)}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _never(_text: str) -> bool:
    return False


SERVER = Kind(
    "server",
    "server list",
    _is_number,
    lambda run, ident: compute(run).get_server_details(ident),
    lambda run: compute(run).list_servers(detail=True),
)
FLAVOR = Kind(
    "flavor",
    "flavor list",
    _is_number,
    lambda run, ident: compute(run).get_flavor_details(ident),
    lambda run: compute(run).list_flavors(detail=True),
)
IMAGE = Kind(
    "image",
    "imagecompute list",
    is_account_id,
    lambda run, ident: compute(run).get_image_details(ident),
    lambda run: compute(run).list_images(detail=True),
)
"""An image as the compute service shows it: what servers are made of."""
REGISTERED = Kind(
    "image",
    "image list",
    is_account_id,
    lambda run, ident: images(run).get_meta(ident),
    lambda run: images(run).list_public(detail=True),
)
"""The same image as the registry has it. One that is asked for alone has other keys than one of a list."""
KEYPAIR = Kind(
    "key pair",
    "keypair list",
    _never,
    lambda run, name: compute(run).get_keypair_details(name),
    lambda run: compute(run).list_keypairs(),
    id="name",
)
NETWORK = Kind(
    "network",
    "network list",
    _is_number,
    lambda run, ident: networks(run).get_network_details(ident),
    lambda run: networks(run).list_networks(),
)
SUBNET = Kind(
    "subnet",
    "subnet list",
    _is_number,
    lambda run, ident: networks(run).get_subnet_details(ident),
    lambda run: networks(run).list_subnets(),
)
PORT = Kind(
    "port",
    "port list",
    _is_number,
    lambda run, ident: networks(run).get_port_details(ident),
    lambda run: networks(run).list_ports(),
)
IP = Kind(
    "floating IP",
    "ip list",
    _is_number,
    lambda run, ident: networks(run).get_floatingip_details(ident),
    lambda run: networks(run).list_floatingips(),
    name="floating_ip_address",
)
VOLUME = Kind(
    "volume",
    "volume list",
    _is_number,
    lambda run, ident: volumes(run).get_volume_details(ident),
    lambda run: volumes(run).list_volumes(detail=True),
    name="display_name",
)
VOLUME_TYPE = Kind(
    "volume type",
    "volume types",
    _is_number,
    lambda run, ident: volumes(run).get_volume_type_details(ident),
    lambda run: volumes(run).list_volume_types(),
)
SNAPSHOT = Kind(
    "snapshot",
    "snapshot list",
    is_account_id,
    lambda run, ident: volumes(run).get_snapshot_details(ident),
    lambda run: volumes(run).list_snapshots(detail=True),
    name="display_name",
)
PROJECT = Kind(
    "project",
    "project list",
    is_account_id,
    lambda run, ident: identity(run).get_project(ident),
    lambda run: identity(run).get_projects(),
)

KINDS: Mapping[str, Kind] = {
    one.listing: one
    for one in (
        SERVER,
        FLAVOR,
        IMAGE,
        REGISTERED,
        KEYPAIR,
        NETWORK,
        SUBNET,
        PORT,
        IP,
        VOLUME,
        VOLUME_TYPE,
        SNAPSHOT,
        PROJECT,
    )
}
"""By the command that lists them, which is what completion keeps their names under."""
