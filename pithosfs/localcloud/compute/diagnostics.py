"""What there is to know about how a server came to be, its statistics, and its consoles (compute.md 3.9, 3.10).

All of it says that there is no machine, or leads nowhere: names under `.invalid` never resolve (RFC 2606).
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import zlib
from typing import Any
from urllib.parse import urlencode

from pithosfs.localcloud.compute.model import Server, find_server, server_by_id
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import require
from pithosfs.localcloud.faults import Fault, bad_request, not_found
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "GRAPHS",
    "diagnostics_of",
    "open_console",
    "open_vnc_console",
    "refuse_console",
    "show_diagnostics",
    "show_graph",
    "show_stats",
]

_CONSOLE_HOST = "console.sandbox.invalid"

GRAPHS = ("cpu-bar", "cpu-ts", "net-bar", "net-ts", "cpu-ts-w", "net-ts-w")


# diagnostics ----------------------------------------------------------------------------------------------------------


def show_diagnostics(turn: Turn, call: Call) -> Reply:
    """All entries, the newest first."""
    return Reply(200, diagnostics_of(find_server(turn, call.user, call.ident)))


def diagnostics_of(server: Server) -> list[dict[str, Any]]:
    """What has been noted about the building of a server, the newest first."""
    entries = [_entry(server.created, "INFO", "there is no machine behind a server of the sandbox")]
    if server.built is not None:
        failed = server.progress < 100
        entries.insert(
            0,
            _entry(server.built, "ERROR", "the building failed, as its metadata asked for")
            if failed
            else _entry(server.built, "INFO", "the building has ended"),
        )
    return entries


def _entry(time: int, level: str, message: str) -> dict[str, Any]:
    return {
        "level": level,
        "created": iso_time(time),
        "source": "sandbox",
        "source_date": iso_time(time),
        "message": message,
        "details": None,
    }


# statistics -----------------------------------------------------------------------------------------------------------


def show_stats(turn: Turn, call: Call) -> Reply:
    """Where the graphs of a server are."""
    server = find_server(turn, call.user, call.ident)
    base = f"{call.base}/stats/v1.0"
    token = f"{server.id}-{_seal(server)}"
    return Reply(
        200,
        {
            "stats": {
                "serverRef": server.id,
                "refresh": 60,
                "cpuBar": f"{base}/cpu-bar/{token}",
                "cpuTimeSeries": f"{base}/cpu-ts/{token}",
                "netBar": f"{base}/net-bar/{token}",
                "netTimeSeries": f"{base}/net-ts/{token}",
            }
        },
    )


def show_graph(turn: Turn, call: Call) -> Reply:
    """A graph of a server that does nothing: a PNG picture of one grey line. Whoever knows the URL may see it."""
    row = turn.row("SELECT 1 FROM servers WHERE id = ?", call.ident)
    if row is None or call.arguments[1] != _seal(server_by_id(turn, call.ident)):
        raise not_found("there are no such statistics")
    return Reply(200, _PICTURE, {"Content-Type": "image/png"})


def _seal(server: Server) -> str:
    """What cannot be guessed from the number alone."""
    return hashlib.sha256(f"{server.id} {server.created} {server.user}".encode()).hexdigest()[:32]


def _picture(width: int, height: int) -> bytes:
    """A greyscale PNG: white, with a grey line at the bottom."""
    rows = [b"\0" + b"\xff" * width] * (height - 1) + [b"\0" + b"\x80" * width]
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


_PICTURE = _picture(210, 45)


# consoles -------------------------------------------------------------------------------------------------------------


def open_console(turn: Turn, call: Call, server: Server) -> Reply:
    """The action `console`."""
    kind = Fields(call.body, "console").text("type", 32)
    if kind not in ("vnc", "vnc-ws", "vnc-wss"):
        raise bad_request("the type of a console is vnc, vnc-ws or vnc-wss")
    require(server, Action.CONSOLE)
    return Reply(
        200,
        {
            "console": {
                "type": kind,
                "host": _CONSOLE_HOST,
                "port": _console_port(server),
                "password": secrets.token_hex(4),
            }
        },
    )


def open_vnc_console(turn: Turn, call: Call, server: Server) -> Reply:
    """The action `os-getVNCConsole`."""
    kind = Fields(call.body, "os-getVNCConsole").text("type", 32)
    if kind not in ("novnc", "xvpvnc"):
        raise bad_request("the type of a console is novnc or xvpvnc")
    require(server, Action.CONSOLE)
    password, port = secrets.token_hex(4), _console_port(server)
    if kind == "xvpvnc":
        url = f"{_CONSOLE_HOST}:{port}?{urlencode({'password': password})}"
    else:
        query = urlencode({"host": _CONSOLE_HOST, "port": port, "password": password})
        url = f"{call.base}/ui/machines/console?{query}"
    return Reply(200, {"console": {"type": kind, "url": url}})


def refuse_console(turn: Turn, call: Call, server: Server) -> Reply:
    """RDP and SPICE."""
    raise Fault(501, "notImplemented", "there are VNC consoles only")


def _console_port(server: Server) -> int:
    return 20000 + server.id % 10000
