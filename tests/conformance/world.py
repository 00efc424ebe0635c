"""Runs the steps of one row, or of a test that tells a story: names are filled in, answers are held against the row."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from conformance.rows import Differs, Expect, Row, Step
from conformance.server import Server
from conformance.wire import Answer

__all__ = ["World"]

_NAME = re.compile(r"\{(\w+)\}")
_NUMBERS = itertools.count(1)

_FAULTS: Mapping[int, tuple[str, ...]] = {
    400: ("badRequest",),
    401: ("unauthorized", "fault"),
    403: ("forbidden",),
    404: ("itemNotFound",),
    405: ("notAllowed",),
    409: ("conflict",),
    411: ("lengthRequired",),
    412: ("preconditionFailed",),
    413: ("requestEntityTooLarge",),
    416: ("rangeNotSatisfiable",),
    422: ("unprocessableEntity",),
}


class World:
    """What one test works in. Containers that it makes are removed by `close()`."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.names: dict[str, str] = {"me": server.me.id, "other": server.other.id, "run": server.run}
        self._made: list[tuple[str, str]] = []

    def run(self, row: Row) -> None:
        for step in row.steps:
            self.do(step)

    def do(self, step: Step) -> Answer:
        """Send a request and hold the answer against what the step expects."""
        url = self._url(step)
        headers: dict[str, str | bytes] = {"Accept": "*/*"}
        if step.by != "nobody":
            headers["X-Auth-Token"] = self.server.person(step.by).token
        for name, value in step.headers.items():
            headers[name] = self.fill(value) if isinstance(value, str) else value
        body = self.fill(step.body).encode() if isinstance(step.body, str) else step.body
        answer = self.server.wire.send(step.method, url, headers, body)
        problems = self._problems(step.method, step.expect, answer)
        assert not problems, f"{step.method} {url}\n" + "\n".join(problems) + f"\nThe answer: {answer}"
        for name, what in step.save.items():
            self.names[name] = answer[what] if isinstance(what, str) else str(what(answer))
        return answer

    def __getitem__(self, name: str) -> str:
        return self.fill("{" + name + "}")

    def fill(self, text: str) -> str:
        """The text with the names in braces replaced; containers are made when they are named first."""
        return _NAME.sub(lambda found: self._named(found[1]), text)

    # names ----------------------------------------------------------------------------------------------------------

    def _named(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if name == "shared":
            made = self.server.facts.get("shared")
            if made is None:
                made = self.server.facts["shared"] = f"{self.server.run}-shared"
                self._make("me", made)
        elif name in ("c", "c2", "theirs"):
            made = self._free()
            who = "other" if name == "theirs" else "me"
            self._made.append((who, made))
            self._make(who, made)
        elif name in ("new", "new2"):
            made = self._free()
            self._made.append(("me", made))
        elif name == "o":
            made = f"o{next(_NUMBERS):05}"
        else:
            raise KeyError(f"nothing is named {name}")
        self.names[name] = made
        return made

    def _free(self) -> str:
        return f"{self.server.run}-{next(_NUMBERS):05}"  # as long as all others: none is the beginning of one

    def _make(self, who: str, name: str) -> None:
        answer = self.server.ask("PUT", f"/{self.server.person(who).id}/{name}", who, b"")
        assert answer.status == 201, answer

    def _url(self, step: Step) -> str:
        path = self.fill(step.path)
        if path.startswith(("http://", "https://")):
            return path
        if path.startswith("/") or step.path == "<endpoint>":
            return self.server.endpoint + path.removeprefix("<endpoint>")
        account = f"{self.server.endpoint}/{self.server.person(step.of).id}"
        return account + path if path.startswith("?") or not path else f"{account}/{path}"

    # answers --------------------------------------------------------------------------------------------------------

    def _problems(self, method: str, expect: Expect, answer: Answer) -> list[str]:
        problems = []
        if answer.status not in expect.statuses and not (not expect.statuses and 200 <= answer.status < 300):
            problems.append(f"status {answer.status}, not {expect.statuses or 'success'}")
        for name, match in expect.headers.items():
            value = answer.get(self.fill(name))
            if not self._matches(match, value):
                problems.append(f"{name}: {value!r} is not {match!r}")
        if problems or method == "HEAD":
            if method == "HEAD" and answer.body:
                problems.append("the answer to HEAD has a body")
            return problems
        plain = answer.status >= 400 and expect == Expect(expect.statuses, expect.headers)
        if expect.fault is not None or (plain and not (answer.status == 409 and answer.body.startswith(b"["))):
            problems += self._fault_problems(expect, answer)
        if expect.body is not None:
            wanted = self.fill(expect.body).encode() if isinstance(expect.body, str) else expect.body
            if not (wanted(answer.body) if callable(wanted) else answer.body == wanted):
                problems.append(f"the body is not {wanted!r}")
        if expect.json is not None:
            value = answer.json()
            if not (expect.json(value) if callable(expect.json) else value == self._filled(expect.json)):
                problems.append(f"the JSON body is not {expect.json!r}")
        if expect.xml is not None and not expect.xml(answer.xml()):
            problems.append("the XML body is not as expected")
        if expect.lines is not None:
            lines = answer.lines()
            if not (expect.lines(lines) if callable(expect.lines) else lines == [*map(self.fill, expect.lines)]):
                problems.append(f"the list is {lines}, not {expect.lines!r}")
        if expect.names is not None and answer.names() != [*map(self.fill, expect.names)]:
            problems.append(f"the list is {answer.names()}, not {expect.names!r}")
        listed = answer.listed() if expect.has or expect.lacks else []
        problems += [f"{name} is not listed" for name in map(self.fill, expect.has) if name not in listed]
        problems += [f"{name} is listed" for name in map(self.fill, expect.lacks) if name in listed]
        return problems

    @staticmethod
    def _fault_problems(expect: Expect, answer: Answer) -> list[str]:
        """An error has one key, the fault's name, with its status inside (section 3.3)."""
        wanted = expect.fault if expect.fault is not None else _FAULTS.get(answer.status, ())
        names = (wanted,) if isinstance(wanted, str) else wanted
        try:
            ((name, inside),) = json.loads(answer.body).items()
            code = inside["code"]
        except (ValueError, AttributeError, KeyError, TypeError):
            return ["the body is not a fault"]
        if code != answer.status or not {"code", "message", "details"} <= inside.keys():
            return [f"the fault is {inside}"]
        return [] if not names or name in names else [f"the fault is {name}, not {names}"]

    def _matches(self, match: Any, value: str | None) -> bool:
        if match is None:
            return value is None
        if callable(match):
            return value is not None and bool(match(value))
        if isinstance(match, Differs):
            return value is not None and value != self.fill(match.text)
        if isinstance(match, re.Pattern):
            return value is not None and match.fullmatch(value) is not None
        return value == self.fill(match)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if isinstance(value, dict):
            return {self.fill(key): self._filled(one) for key, one in value.items()}
        return value

    # time -----------------------------------------------------------------------------------------------------------

    def next_second(self) -> int:
        """Wait until the server's clock shows another second, and return that second.

        `until` counts whole seconds, so what happens before and after one must be a second apart; the clock that
        counts is the server's, as its replies show it.
        """
        before = self._server_second()
        while True:
            time.sleep(1.02 - time.time() % 1)
            now = self._server_second()
            if now > before:
                return now

    def _server_second(self) -> int:
        """`Last-Modified` of a reply that describes nothing is "now" (section 3.2); `Date` may lag behind it."""
        answer = self.server.ask("HEAD", f"/{self.server.me.id}/{self.server.run}-absent")
        shown = [answer.get(name) for name in ("Last-Modified", "Date")]
        return max(int(parsedate_to_datetime(one).timestamp()) for one in shown if one is not None)

    def close(self) -> None:
        left = [
            name for who, name in self._made if not self.server.remove(f"/{self.server.person(who).id}/{name}", who)
        ]
        assert left == [], "these containers could not be removed"
