"""Creating a server: all of the request is checked, and charged, before anything is under way (compute.md 3.3)."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import string
from collections.abc import Sequence
from typing import Any

from pithosfs.localcloud.compute.charges import charge_new_server
from pithosfs.localcloud.compute.disks import add_disks, read_disks
from pithosfs.localcloud.compute.finishing import BUILD
from pithosfs.localcloud.compute.model import SERVER_TASK, Flavor, find_flavor, find_server
from pithosfs.localcloud.compute.networking import connect_new_server
from pithosfs.localcloud.compute.tags import checked_tags
from pithosfs.localcloud.compute.views import server_json
from pithosfs.localcloud.faults import Fault, bad_request, forbidden, not_found
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.owners import asked_owner
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.tasks import schedule
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["MAX_KEY", "MAX_METADATA", "MAX_NAME", "MAX_VALUE", "create_server", "flavor_of"]

MAX_NAME = 255  # characters
MAX_METADATA, MAX_KEY, MAX_VALUE = 10, 50, 500
MAX_FILES, MAX_FILE = 5, 10240  # bytes
MAX_SCRIPT = 65536  # bytes of user_data

_FILE_MEMBERS = ("path", "contents", "owner", "group", "mode")
_FLAVOR_URL = re.compile(r".*/flavors/([0-9]{1,18})")
_STRONG = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{10,255}", re.DOTALL)


def create_server(turn: Turn, call: Call) -> Reply:
    fields = Fields(call.body, "server")
    name = fields.text("name", MAX_NAME)
    if not name:
        raise bad_request("name is empty")
    if not fields.has("imageRef"):
        raise bad_request("imageRef is missing")
    metadata = fields.texts("metadata", MAX_METADATA, MAX_KEY, MAX_VALUE)
    tags = checked_tags(fields.strings("tags"))
    _check_personality(fields.items("personality") or [])
    _check_script(fields.optional_text("user_data", 2 * MAX_SCRIPT))
    password = _password(fields)
    flavor = flavor_of(turn, fields)
    if not flavor.allow_create:
        raise forbidden(f"flavor {flavor.id} is for servers that have it already")
    disks = read_disks(turn, call, fields, flavor)
    keys = _keys(turn, call.user, fields)
    owner = asked_owner(call, fields)
    held = charge_new_server(turn, owner, flavor)
    ident = turn.insert(
        "INSERT INTO servers (name, user, project, shared, status, flavor, image, password, keys, metadata, tags,"
        " created, updated, held_total_cpu, held_total_ram, held_cpu, held_ram)"
        " VALUES (?, ?, ?, ?, 'BUILD', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        name,
        owner.user,
        owner.project,
        owner.shared,
        flavor.id,
        disks[0].image or "",
        password,
        json.dumps(keys),
        json.dumps(metadata),
        json.dumps(dict.fromkeys(tags, turn.now + turn.delay)),
        turn.now,
        turn.now,
        held.total_cpu,
        held.total_ram,
        held.cpu,
        held.ram,
    )
    add_disks(turn, owner, ident, disks)
    connect_new_server(turn, call.user, ident, fields.items("networks") or [])
    schedule(turn, SERVER_TASK, ident, BUILD)
    made = server_json(turn, call.base, find_server(turn, call.user, ident))
    return Reply(202, {"server": {**made, "adminPass": password}})


def flavor_of(turn: Turn, fields: Fields) -> Flavor:
    """The flavor that `flavorRef` names: a number, or an address that ends in one. Raises Fault 400, 404."""
    given = fields.raw("flavorRef")
    if isinstance(given, str) and (match := _FLAVOR_URL.fullmatch(given)):
        return find_flavor(turn, int(match[1]))
    return find_flavor(turn, fields.number("flavorRef"))


def _keys(turn: Turn, user: str, fields: Fields) -> list[str]:
    """Names of the user's key pairs. Raises Fault 400, 404."""
    names = fields.strings("SNF:key_names")
    if "key_name" in fields:
        if "SNF:key_names" in fields:
            raise bad_request("key_name and SNF:key_names cannot be given together")
        names = [fields.text("key_name", MAX_NAME)]
    for name in names:
        if turn.row("SELECT 1 FROM keypairs WHERE user = ? AND name = ?", user, name) is None:
            raise not_found(f"you have no key pair {name!a}")
    return names


def _password(fields: Fields) -> str:
    """The one that is asked for, if it is strong enough; else a random one. Raises Fault 400."""
    given = fields.optional_text("adminPass", 255)
    if given is None:
        return _random_password()
    if not _STRONG.fullmatch(given):
        raise bad_request("adminPass needs 10 characters, with capital letters, small letters and digits")
    return given


def _random_password() -> str:
    alphabet = string.ascii_letters + string.digits
    while True:
        made = "".join(secrets.choice(alphabet) for _ in range(12))
        if _STRONG.fullmatch(made):
            return made


def _check_personality(files: Sequence[Any]) -> None:
    """There is no disk that they could be written to, so they are checked and forgotten. Raises Fault 400, 413."""
    if len(files) > MAX_FILES:
        raise Fault(413, "overLimit", f"a personality has at most {MAX_FILES} files")
    for file in files:
        fields = Fields({"file": file}, "file")
        fields.only(_FILE_MEMBERS)
        if not fields.text("path", MAX_NAME):
            raise bad_request("path is empty")
        for optional in ("owner", "group"):
            fields.optional_text(optional, MAX_NAME)
        fields.optional_number("mode")
        if len(_decoded(fields.text("contents", 2 * MAX_FILE), "contents")) > MAX_FILE:
            raise Fault(413, "overLimit", f"a file of a personality has at most {MAX_FILE} bytes")


def _check_script(text: str | None) -> None:
    """Raises Fault 400."""
    if text is not None and len(_decoded(text, "user_data")) > MAX_SCRIPT:
        raise bad_request(f"user_data has at most {MAX_SCRIPT} bytes")


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(f"{name} is not base64") from None
