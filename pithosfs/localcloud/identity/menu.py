"""What web pages of the platform show of its parts (identity.md section 4)."""

from __future__ import annotations

import json
import re

from starlette.responses import Response

from pithosfs.localcloud.faults import COMMON_HEADERS, bad_request
from pithosfs.localcloud.identity.exchange import Call, reply

__all__ = ["links", "services"]

_CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,99}")

_TITLES = {"astakos": "Identity", "cyclades": "Compute and network", "pithos": "Files"}


async def services(call: Call) -> Response:
    """GET get_services: the parts that are in the catalog."""
    names = dict.fromkeys(service.name.partition("_")[0] for service in call.services)
    return _answer(
        call,
        [
            {
                "name": name,
                "verbose_name": _TITLES.get(name, name.capitalize()),
                "url": f"{call.base}/ui",
                "order": number,
                "cloudbar": {"show": True, "title": name},
                "dashboard": {"show": True, "order": number, "description": _TITLES.get(name, "")},
            }
            for number, name in enumerate(names, 1)
        ],
    )


async def links(call: Call) -> Response:
    """GET get_menu: this cloud has no page but that of the log-in."""
    return _answer(call, [{"url": f"{call.base}/ui/login", "name": "Log in"}])


def _answer(call: Call, value: object) -> Response:
    """JSON, or with `callback` a script that hands it to a function. Raises Fault 400."""
    callback = call.query.get("callback")
    if callback is None:
        return reply(value)
    if not _CALLBACK.fullmatch(callback):
        raise bad_request("callback is the name of a function")
    headers = {**COMMON_HEADERS, "Content-Type": "application/javascript; charset=UTF-8"}
    return Response(f"{callback}({json.dumps(value)});".encode(), 200, headers)
