"""Logging in with a browser, for programs that wait for a token at an address of theirs (identity.md 10.3, 10.4).

There is no session: the form takes one of the user's tokens and the browser is sent on with it. OAuth2 needs TLS, which
this cloud does not speak.
"""

from __future__ import annotations

import html
import sqlite3
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from starlette.responses import Response

from pithosfs.localcloud import users
from pithosfs.localcloud.faults import COMMON_HEADERS, bad_request, forbidden
from pithosfs.localcloud.identity.exchange import Call, reply
from pithosfs.localcloud.users import User

__all__ = ["SCHEMES", "finish", "no_oauth", "show_form", "start"]

SCHEMES = ("pithos", "pithosdev")
"""Addresses of these schemes belong to programs on the user's own machine."""

LONGEST_ADDRESS = 4096
"""Characters of the address that the browser is sent on to."""

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Log in to the local cloud</title></head><body>
<h1>Local cloud</h1>
<p>The program at <b>{where}</b> asks for access to your account.</p>
{remark}<form method="post">
<input type="hidden" name="next" value="{next}">{renew}
<label>Token <input name="token" type="password" autocomplete="off" autofocus></label>
<button>Allow</button></form>
<p>A token is printed by: <code>pithosfs localcloud user token NAME</code></p>
</body></html>
"""

_HEADERS = {
    **COMMON_HEADERS,
    "Content-Type": "text/html; charset=UTF-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


async def start(call: Call) -> Response:
    """GET login: on to the form. Raises Fault 400 without `next`, 403 where it leads elsewhere."""
    query = {"next": _next(call, call.query.get("next"))}
    if "renew" in call.query:
        query["renew"] = ""
    return _redirect(f"{call.base}/ui/login?{urlencode(query)}")


async def show_form(call: Call) -> Response:
    """GET the form. Raises Fault 400, 403 as `start` does."""
    return _form(_next(call, call.query.get("next")), renew="renew" in call.query)


async def finish(call: Call) -> Response:
    """POST the form: on to the program, with the user's id and a token; with `renew` a new one, all others end."""
    try:
        form = parse_qs((await call.body()).decode(), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        raise bad_request("the form cannot be read") from None
    next_, renew = _next(call, form.get("next", [None])[-1]), "renew" in form
    token = form.get("token", [""])[-1].strip()
    found = call.database.read_now(lambda connection: users.find_token(connection, token))
    if found is None:
        return _form(next_, renew=renew, remark="The token is unknown or has expired.", status=401)
    user = found[0]
    if renew:
        token = await call.write(lambda connection: _renewed(connection, user))
    parts = urlsplit(next_)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("uuid", user.uuid), ("token", token)])
    return _redirect(urlunsplit(parts._replace(query=query)))


async def no_oauth(call: Call) -> Response:
    """Any OAuth2 request: refused as over plain HTTP everywhere."""
    return reply({"error": "generic_error", "exception": "OAuth2 needs TLS"}, 400)


def _renewed(connection: sqlite3.Connection, user: User) -> str:
    users.revoke_tokens(connection, user)
    return users.issue_token(connection, user)


def _next(call: Call, text: str | None) -> str:
    """Where the browser may be sent on to: a program's own scheme, or this cloud. Raises Fault 400, 403."""
    if not text:
        raise bad_request("next is missing")
    if len(text) > LONGEST_ADDRESS or not text.isprintable() or " " in text or "\\" in text:
        raise bad_request("next is not an address")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise bad_request("next is not an address") from None
    if parts.scheme in SCHEMES or f"{parts.scheme}://{parts.netloc}" == call.base:
        return text
    if not parts.scheme and not parts.netloc and text.startswith("/") and not text.startswith("//"):
        return text
    raise forbidden("next leads to a place that gets no tokens from here")


def _form(next_: str, *, renew: bool, remark: str = "", status: int = 200) -> Response:
    page = _PAGE.format(
        where=html.escape(next_.partition("?")[0]),
        next=html.escape(next_),
        renew='<input type="hidden" name="renew">' if renew else "",
        remark=f"<p>{html.escape(remark)}</p>\n" if remark else "",
    )
    return Response(page.encode(), status, _HEADERS)


def _redirect(address: str) -> Response:
    return Response(
        status_code=302, headers={**COMMON_HEADERS, "Location": quote(address, safe=":/?#[]@!$&'()*+,;=%~")}
    )
