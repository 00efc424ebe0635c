"""What `server create` is told in values of several parts: networks, files for the server, its start-up data."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pithosfs.errors import UsageError
from pithosfs_cli.finding import Finder
from pithosfs_cli.kinds import NETWORK, PORT
from pithosfs_cli.options import labelled

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = ["files_to_inject", "networks_to_join", "start_data"]

_MOST_FILES, _LARGEST_FILE = 5, 10240  # bytes (compute.md section 3.3)
_OCTAL = 8


def networks_to_join(run: Invocation, specs: Sequence[str]) -> list[dict[str, Any]]:
    """Networks by id or name, each with an address of it if one is wanted; or ports that are there already."""
    networks, ports = Finder(run, NETWORK), Finder(run, PORT)
    found: list[dict[str, Any]] = []
    for spec in specs:
        if spec.startswith("port="):
            found.append({"port": PORT.id_of(ports(spec.removeprefix("port=")))})
            continue
        parts = labelled(spec, ("id", "ip"))
        wish = {"uuid": NETWORK.id_of(networks(parts["id"]))}
        found.append({**wish, "fixed_ip": parts["ip"]} if parts.get("ip") else wish)
    return found


def files_to_inject(specs: Sequence[str]) -> list[dict[str, Any]]:
    """Local files, and where they go in the server: by default to where they are here."""
    if len(specs) > _MOST_FILES:
        raise UsageError(
            f"a server takes {_MOST_FILES} files at most, not {len(specs)}", hint="give --user-data a script"
        )
    return [_file(spec) for spec in specs]


def _file(spec: str) -> dict[str, Any]:
    parts = labelled(spec, ("local-path", "server-path", "owner", "group", "mode"))
    source = Path(parts["local-path"])
    content = source.read_bytes()
    if len(content) > _LARGEST_FILE:
        raise UsageError(
            f"{source} has {len(content)} bytes; a server takes {_LARGEST_FILE} at most",
            hint="let the server fetch it: give --user-data a script",
        )
    file: dict[str, Any] = {
        "path": parts.get("server-path") or str(source.absolute()),
        "contents": base64.b64encode(content).decode("ascii"),
    }
    file |= {key: parts[key] for key in ("owner", "group") if parts.get(key)}
    if mode := parts.get("mode"):
        try:
            file["mode"] = int(mode, _OCTAL)
        except ValueError:
            raise UsageError(f"{mode!r} are no permissions", hint="write them in octal: mode=0644") from None
    return file


def start_data(source: str | None) -> bytes | None:
    """What a file, or - for standard input, holds."""
    if source is None:
        return None
    return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
