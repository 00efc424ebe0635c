"""What to do next about an error of a service beside the object store, whose own hints name commands for files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pithosfs.errors import ClientError, Conflict, NotFound, QuotaExceeded

__all__ = ["hinted"]

# Collections on the wire, and the commands that list them.
_LISTS: Mapping[str, str] = {
    "servers": "server list",
    "flavors": "flavor list",
    "images": "image list",
    "shared-images": "image list",
    "os-keypairs": "keypair list",
    "os-floating-ips": "ip list",
    "volumes": "volume list",
    "snapshots": "snapshot list",
    "types": "volume types",
    "networks": "network list",
    "subnets": "subnet list",
    "ports": "port list",
    "floatingips": "ip list",
    "projects": "project list",
    "commissions": "commission pending",
}


@contextmanager
def hinted(collection: object) -> Iterator[None]:
    """Give an error that says nothing of its own to do the command that shows what there is in this collection."""
    try:
        yield
    except ClientError as error:
        command = _LISTS.get(str(collection))
        if error.hint == error.default_hint:
            if isinstance(error, QuotaExceeded):
                error.hint = "see what is left, and of which project: pithosfs quota list"
            elif isinstance(error, NotFound | Conflict) and command:
                error.hint = f"see what there is: pithosfs {command}"
        raise
