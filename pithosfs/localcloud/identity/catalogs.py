"""Names and ids of users (identity.md section 3)."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from pithosfs.localcloud import users
from pithosfs.localcloud.identity.exchange import Call, json_object, reply, strings

__all__ = ["service_user_catalogs", "user_catalogs"]


async def user_catalogs(call: Call) -> Response:
    """POST user_catalogs: of those that are asked for. The content type does not matter."""
    call.user()
    return await _catalogs(call, null_is_everybody=False)


async def service_user_catalogs(call: Call) -> Response:
    """POST service/user_catalogs: the same for a service, which may ask for all users."""
    call.component()
    return await _catalogs(call, null_is_everybody=True)


async def _catalogs(call: Call, *, null_is_everybody: bool) -> Response:
    wanted = json_object(await call.body())
    uuids = strings(wanted, "uuids", null_is_empty=True)
    names = strings(wanted, "displaynames")
    everybody = null_is_everybody and "uuids" in wanted and wanted["uuids"] is None

    def look_up(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
        if everybody:
            found = {user.uuid: user.name for user in users.all_users(connection)}
        else:
            found = users.names_of(connection, uuids)
        return {"uuid_catalog": found, "displayname_catalog": users.uuids_of(connection, names)}

    return reply(await call.read(look_up))
