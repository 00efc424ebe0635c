"""A user's own settings, and what they have to say (identity.md section 10)."""

from __future__ import annotations

import logging
import sqlite3
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs

from starlette.responses import Response

from pithosfs.localcloud.faults import bad_request, forbidden, not_found
from pithosfs.localcloud.holdings import LIVE_MEMBER
from pithosfs.localcloud.identity.exchange import Call, nothing
from pithosfs.localcloud.identity.model import find_project, membership_state
from pithosfs.localcloud.identity.states import NO_MEMBER

__all__ = ["feedback", "set_default_project", "use_as_default"]

logger = logging.getLogger(__name__)


async def set_default_project(call: Call) -> Response:
    """POST myaccount/default_project: what pays for things whose creation names no project."""
    user = call.user()
    project = (await call.json()).get("project_id")
    if project is None:
        raise forbidden("project_id is missing")
    if not isinstance(project, str):
        raise bad_request("project_id is a text")
    await call.write(lambda connection: use_as_default(connection, user.uuid, project))
    return nothing()


def use_as_default(connection: sqlite3.Connection, user: str, project: str) -> None:
    """Make a project the default one of a user. Raises Fault 404 and 403 where it cannot be used."""
    found = find_project(connection, project)
    state = membership_state(connection, project, user)
    if state == NO_MEMBER:
        raise not_found("you have no part in that project")
    if found.state != "active" or state not in LIVE_MEMBER:
        raise forbidden("the project cannot be used now")
    connection.execute("UPDATE users SET default_project = ? WHERE uuid = ?", (project, user))


async def feedback(call: Call) -> Response:
    """POST feedback: there is nobody to send it to but whoever reads the log of this cloud."""
    user = call.user()
    form = _form(call.request.headers.get("content-type", ""), await call.body())
    message = form.get("feedback_msg", "").strip()
    if not message:
        raise bad_request("feedback_msg is missing")
    logger.info("feedback of %s: %r (data: %r)", user.name, message, form.get("feedback_data", ""))
    return nothing()


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form, in either way of sending one. Raises Fault 400 for anything else."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=100)
        except ValueError:
            raise bad_request("the form cannot be read") from None
        return {name: values[-1] for name, values in fields.items()}
    if kind != "multipart/form-data":
        raise bad_request("a form is wanted")
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    parsed = BytesParser(policy=HTTP).parsebytes(head + body)
    found: dict[str, str] = {}
    for part in parsed.iter_parts() if parsed.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content.decode(errors="replace")
    return found
