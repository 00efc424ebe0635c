"""Key pairs of users (compute.md 6)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from pithosfs.localcloud.compute.creating import MAX_NAME
from pithosfs.localcloud.faults import Fault, bad_request, conflict, forbidden, not_found
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.sandbox.world import Sandbox

__all__ = ["create_keypair", "delete_keypair", "list_keypairs", "show_keypair"]

MAX_KEYPAIRS = 10
"""Of one user."""

MAX_PUBLIC_KEY = 16384
"""Characters: room for the largest keys that anybody uses."""

_UNKNOWN = "unknown fingerprint"
_BITS = 2048
_GENERATOR = "ssh-keygen"


def list_keypairs(turn: Turn, call: Call) -> Reply:
    rows = turn.rows("SELECT * FROM keypairs WHERE user = ? ORDER BY name", call.user)
    return Reply(200, {"keypairs": [{"keypair": _brief(row)} for row in rows]})


def show_keypair(turn: Turn, call: Call) -> Reply:
    row = turn.row("SELECT * FROM keypairs WHERE user = ? AND name = ?", call.user, _name(call))
    if row is None:
        raise not_found("you have no such key pair")
    # Times without an offset, unlike everywhere else.
    time = datetime.fromtimestamp(row["created"] / 1_000_000, UTC).replace(tzinfo=None).isoformat()
    more = {"id": row["id"], "created_at": time, "updated_at": time, "deleted": False, "deleted_at": None}
    return Reply(200, {"keypair": {**_brief(row), **more}})


def delete_keypair(turn: Turn, call: Call) -> Reply:
    if not turn.run("DELETE FROM keypairs WHERE user = ? AND name = ?", call.user, _name(call)):
        raise not_found("you have no such key pair")
    return Reply(204)


async def create_keypair(sandbox: Sandbox, call: Call) -> Reply:
    """Keep a public key, or make a pair and tell the private one, this once. What is sent is kept unseen."""
    fields = Fields(call.body, "keypair")
    name = fields.text("name", MAX_NAME)
    if not name:
        raise bad_request("name is empty")
    public = fields.optional_text("public_key", MAX_PUBLIC_KEY)
    sandbox.read_now(lambda turn: _check_room(turn, call.user, name))
    private = None
    if public is None:
        private, public = await _generate()

    def keep(turn: Turn) -> Reply:
        _check_room(turn, call.user, name)
        made: dict[str, Any] = {"name": name, "fingerprint": _fingerprint(public), "public_key": public}
        turn.insert(
            "INSERT INTO keypairs (user, name, public_key, fingerprint, created) VALUES (?, ?, ?, ?, ?)",
            call.user,
            name,
            public,
            made["fingerprint"],
            turn.now,
        )
        return Reply(201, {"keypair": made if private is None else {**made, "private_key": private}})

    return await sandbox.write(keep)


def _check_room(turn: Turn, user: str, name: str) -> None:
    """Raises Fault 409 for a name that is taken, 413 when the user has as many as there may be."""
    if turn.row("SELECT 1 FROM keypairs WHERE user = ? AND name = ?", user, name) is not None:
        raise conflict(f"you have a key pair {name!a} already")
    row = turn.row("SELECT count(*) FROM keypairs WHERE user = ?", user)
    if row is not None and row[0] >= MAX_KEYPAIRS:
        raise Fault(413, "overLimit", f"a user has at most {MAX_KEYPAIRS} key pairs")


async def _generate() -> tuple[str, str]:
    """A new RSA key: the private one as PEM, the public one as a line. Raises Fault 403 where it cannot be made."""
    program = shutil.which(_GENERATOR)
    if program is None:
        raise forbidden(f"key pairs cannot be made here, for want of {_GENERATOR}: send a public key")
    with tempfile.TemporaryDirectory(prefix="keypair-") as folder:
        path = Path(folder) / "key"
        arguments = ("-q", "-t", "rsa", "-b", str(_BITS), "-m", "PEM", "-N", "", "-C", "", "-f", str(path))
        process = await asyncio.create_subprocess_exec(
            program, *arguments, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        if await process.wait() != 0:
            raise forbidden(f"{_GENERATOR} made no key pair: send a public key")
        return path.read_text(), path.with_suffix(".pub").read_text().strip()


def _fingerprint(public: str) -> str:
    """The MD5 of the key's bytes, as ssh shows it; a fixed text for what is no public key."""
    parts = public.split()
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error, ValueError):
        return _UNKNOWN
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _name(call: Call) -> str:
    try:
        return unquote_to_bytes(call.arguments[0]).decode()
    except UnicodeDecodeError:
        raise bad_request("the name is not UTF-8") from None


def _brief(row: sqlite3.Row) -> dict[str, Any]:
    return {"name": row["name"], "fingerprint": row["fingerprint"], "public_key": row["public_key"]}
