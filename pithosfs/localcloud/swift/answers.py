"""Answers to requests that do many things: 200 whatever came of them, as JSON, XML or text, as `Accept` has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal
from xml.sax.saxutils import escape

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.exchange import Reply
from pithosfs.localcloud.swift.wire import SwiftRequest

__all__ = ["answer_kind", "bulk_reply"]

_KINDS = ("text/plain", "application/json", "application/xml", "text/xml")


def answer_kind(request: SwiftRequest) -> str:
    """The type that the client likes best for the answer; to be asked before anything is done. Raises Fault 406."""
    named = {"json": "application/json", "xml": "application/xml"}.get(request.parameters.get("format", ""))
    accept = request.headers.get("accept")
    if named is not None or not accept:
        return named or "text/plain"
    best = max(_KINDS, key=lambda kind: _quality(kind, accept))
    if not _quality(best, accept):
        raise Fault(406, "notAcceptable", f"the answer can be {', '.join(_KINDS)}")
    return best


def bulk_reply(answer: Mapping[str, Any], root: Literal["delete", "extract"], kind: str) -> Reply:
    """`answer` is what JSON shows, with `Errors`, pairs of a percent-encoded path and a status; `root` the XML's."""
    if kind == "application/json":
        return Reply(200, [("Content-Type", kind)], json.dumps(answer).encode())
    values = [(key, str(answer[key])) for key in sorted(answer) if key != "Errors"]
    if kind == "text/plain":
        lines = [f"{key}: {value}" for key, value in values]
        lines += ["Errors:", *(f"{path}, {status}" for path, status in answer["Errors"])]
    else:
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<{root}>"]
        lines += [f"<{key}>{escape(value)}</{key}>" for key, value in _tags(values)]
        lines.append("<errors>")
        lines += [
            f"<object><name>{escape(path)}</name><status>{escape(status)}</status></object>"
            for path, status in answer["Errors"]
        ]
        lines += ["</errors>", f"</{root}>"]
    return Reply(200, [("Content-Type", kind)], ("\n".join(lines) + "\n").encode("utf-8", "replace"))


def _tags(values: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(key.replace(" ", "_").lower(), value) for key, value in values]


def _quality(kind: str, accept: str) -> float:
    """How much a format is wanted: what the most exact item of `Accept` says of it, 0 when none does."""
    found, exactness = 0.0, -1
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        patterns = ("*/*", kind.partition("/")[0] + "/*", kind)
        if name not in patterns or patterns.index(name) <= exactness:
            continue
        exactness, found = patterns.index(name), 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    found = float(parameter[2:])
                except ValueError:
                    found = 0.0
    return found
