"""The services of a cloud beside its object store: where they are, who uses them, and the world in which rows run."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.rows import Row
from conformance.server import VERSIONED, NoServer, Person
from conformance.service_rows import ABSENT, ANY, Contains, Ident, ServiceStep
from conformance.wire import Answer, Wire

__all__ = ["ServiceWorld", "Services"]

PATIENCE = 100.0
"""Seconds that a server may take over a task (compute.md 9.7)."""

PAUSE = 0.02
"""Seconds between two looks at something that takes a while."""

_DEFAULTS = {"compute": "v2.0", "network": "v2.0", "image": "v1.0", "volume": "v2.0", "account": "v1.0"}
_SERVICES = (*_DEFAULTS, "object-store")
_NAME = re.compile(r"\{(\w+)\}")

_FAULTS: Mapping[int, tuple[str, ...]] = {
    400: ("badRequest",),
    401: ("unauthorized", "fault"),
    403: ("forbidden",),
    404: ("itemNotFound", "featureNotEnabled"),
    405: ("notAllowed",),
    409: ("conflict", "buildInProgress"),
    413: ("overLimit", "requestEntityTooLarge"),
    501: ("notImplemented",),
}

# What rows may leave, and how it is removed: by the order of dependence.
_COLLECTIONS = (
    ("compute/servers", "server"),
    ("volume/snapshots", "snapshot"),
    ("volume/volumes", "volume"),
    ("network/ports", "port"),
    ("network/floatingips", "floatingip"),
    ("network/networks", "network"),
    ("compute/os-keypairs", "keypair"),
)


@dataclass(slots=True)
class Services:
    """A cloud and two of its users. `run` begins the name of everything that this run makes there."""

    urls: Mapping[str, str]  # by service, with the version, without a slash at the end
    me: Person
    other: Person
    wire: Wire
    run: str = field(default_factory=lambda: f"conformance-{secrets.token_hex(4)}")
    facts: dict[str, str] = field(default_factory=dict)  # what was asked once and does not change

    @classmethod
    def find(cls, base: str, tokens: tuple[str, str]) -> Services:
        """From an identity URL. Raises NoServer."""
        wire = Wire()
        try:
            base = base.rstrip("/")
            url = base if VERSIONED.search(base) else f"{base}/v2.0"
            accesses = [_access(wire, url, token) for token in tokens]
            urls = _urls(accesses[0])
            people = [Person(str(one["user"]["id"]), token) for one, token in zip(accesses, tokens, strict=True)]
        except BaseException:
            wire.close()
            raise
        return cls(urls, people[0], people[1], wire)

    def person(self, who: str) -> Person:
        return {"me": self.me, "other": self.other}[who]

    def url(self, path: str) -> str:
        """Where a path of a service is. `network:/x` is below the service's root instead of its version."""
        if path.startswith(("http://", "https://")):
            return path
        service, mark, rest = re.split(r"([:/?])", path, maxsplit=1) if re.search("[:/?]", path) else (path, "", "")
        url = self.urls[service]
        return VERSIONED.sub("", url) + rest if mark == ":" else url + mark + rest

    def ask(self, method: str, path: str, by: str = "me", body: Any = None, **headers: str) -> Answer:
        """A plain request as a user; a body goes as JSON, bytes as they are."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        return self.wire.send(method, self.url(path), {"X-Auth-Token": self.person(by).token, **sent}, body)


def _access(wire: Wire, identity: str, token: str) -> dict[str, Any]:
    body = json.dumps({"auth": {"token": {"id": token}}}).encode()
    answer = wire.send("POST", f"{identity}/tokens", {"Content-Type": "application/json"}, body)
    if answer.status != 200:
        raise NoServer(f"{identity} is no identity service that takes the tokens: {answer}")
    access: dict[str, Any] = answer.json()["access"]
    return access


def _urls(access: Mapping[str, Any]) -> dict[str, str]:
    """Where the services are (identity.md 2.5)."""
    urls = {}
    for service in access["serviceCatalog"]:
        kind = str(service["type"])
        if kind in _SERVICES and kind not in urls and service["endpoints"]:
            url = str(service["endpoints"][0]["publicURL"]).rstrip("/")
            urls[kind] = url if VERSIONED.search(url) else f"{url}/{_DEFAULTS[kind]}"
    missing = [kind for kind in _SERVICES if kind not in urls]
    if missing:
        raise NoServer(f"the catalog lacks {', '.join(missing)}")
    return urls


Maker = Callable[["ServiceWorld"], str]


class ServiceWorld:
    """What one test works in. Everything that it makes is removed by `close()`.

    `look_ups` find what the cloud has, once a run; `makers` make what a row begins with (`things`).
    """

    def __init__(self, services: Services, look_ups: Mapping[str, Maker], makers: Mapping[str, Maker]) -> None:
        self.services = services
        self._look_ups = look_ups
        self._makers = makers
        self.names: dict[str, str] = {
            "me": services.me.id,
            "other": services.other.id,
            "run": services.run,
            "token": services.me.token,
        }
        self._made: list[tuple[str, str, str]] = []  # collection, id, by whom

    def run(self, row: Row) -> None:
        for step in row.steps:
            assert isinstance(step, ServiceStep)
            self.do(step)

    def do(self, step: ServiceStep) -> Answer:
        """Send a request and hold the answer against what the step expects."""
        deadline = time.monotonic() + (PATIENCE if step.patient else 0)
        while True:
            answer = self._send(step)
            problems = self._problems(step, answer)
            if not problems or time.monotonic() >= deadline:
                break
            time.sleep(PAUSE)
        assert not problems, f"{step.method} {step.path} {step.body}\n" + "\n".join(problems) + f"\nanswer: {answer}"
        for name, find in step.save.items():
            self.names[name] = find(answer)
        return answer

    def _send(self, step: ServiceStep) -> Answer:
        headers = {name: self.fill(value) for name, value in step.headers.items()}
        if step.by != "nobody":
            headers["X-Auth-Token"] = self.services.person(step.by).token
        body = None if step.body is None else self.fill(step.body).encode()
        path = self.fill(step.path)
        answer = self.services.wire.send(step.method, self.services.url(path), headers, body)
        if step.method == "POST" and 200 <= answer.status < 300:
            self._remember(path.rstrip("/"), answer, step.by)
        return answer

    def _remember(self, path: str, answer: Answer, by: str) -> None:
        for collection, member in _COLLECTIONS:
            if path == collection:
                value = answer.json()
                for one in value.get(f"{member}s", [value.get(member)]):
                    self._made.append((collection, str(one["name" if member == "keypair" else "id"]), by))

    # names ----------------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> str:
        return self.fill("{" + name + "}")

    def fill(self, text: str) -> str:
        """The text with the names in braces replaced; things are made, or looked up, when they are named first."""
        return _NAME.sub(lambda found: self._named(found[1]), text)

    def _named(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if name in self.services.facts:
            return self.services.facts[name]
        if name in self._look_ups:
            found = self.services.facts[name] = self._look_ups[name](self)
            return found
        kind = name.rstrip("0123456789")  # a row may need two of a kind
        if kind not in self._makers:
            raise KeyError(f"nothing is named {name}")
        self.names[name] = self._makers[kind](self)
        return self.names[name]

    def make(self, collection: str, body: Any, member: str, by: str = "me") -> str:
        """Make something that the row begins with; returns its id."""
        text = json.dumps(body)
        step = ServiceStep("POST", collection, text, {"Content-Type": "application/json"}, by)
        answer = self._send(step)
        assert 200 <= answer.status < 300, answer
        return str(answer.json()[member]["id"])

    def wait(self, path: str, member: str, *statuses: str, by: str = "me") -> None:
        """Until something has one of these statuses."""
        deadline = time.monotonic() + PATIENCE
        while (status := self.services.ask("GET", path, by).json()[member]["status"]) not in statuses:
            assert time.monotonic() < deadline, f"{path} is {status}"
            time.sleep(PAUSE)

    # answers --------------------------------------------------------------------------------------------------------

    def _problems(self, step: ServiceStep, answer: Answer) -> list[str]:
        if answer.status not in step.statuses and not (not step.statuses and 200 <= answer.status < 300):
            return [f"status {answer.status}, not {step.statuses or 'success'}"]
        problems = [
            f"{name}: {answer.get(name)!r} is not {match!r}"
            for name, match in step.shown.items()
            if not self._same(match, ABSENT if answer.get(name) is None else answer.get(name))
        ]
        if step.empty and answer.body:
            problems.append("the answer has a body")
        if step.method == "HEAD" or step.empty:
            return problems
        if answer.status >= 400 and step.fault != "":
            problems += self._fault_problems(step, answer)
        elif step.like is not ANY:
            try:
                value = answer.json()
            except ValueError:
                return [*problems, "the body is not JSON"]
            problems += self._differences(step.like, value, "body")
        return problems

    @staticmethod
    def _fault_problems(step: ServiceStep, answer: Answer) -> list[str]:
        """An error has one key, the fault's name, with its status inside (compute.md 1.1)."""
        wanted = step.fault if step.fault is not None else _FAULTS.get(answer.status, ())
        names = (wanted,) if isinstance(wanted, str) else wanted
        try:
            ((name, inside),) = json.loads(answer.body).items()
            code = inside["code"]
        except (ValueError, AttributeError, KeyError, TypeError):
            return ["the body is not a fault"]
        if code != answer.status or "message" not in inside:
            return [f"the fault is {inside}"]
        return [] if not names or name in names else [f"the fault is {name}, not {names}"]

    def _differences(self, wanted: Any, value: Any, where: str) -> list[str]:
        """Where a JSON value is not as expected."""
        if isinstance(wanted, dict):
            if not isinstance(value, dict):
                return [f"{where} is {value!r}, not an object"]
            found = []
            for key, one in wanted.items():
                name = self.fill(key)
                found += self._differences(one, value.get(name, ABSENT), f"{where}.{name}")
            return found
        if isinstance(wanted, Contains):
            fits = isinstance(value, list) and any(not self._differences(wanted.item, one, where) for one in value)
            return [] if fits == wanted.wanted else [f"{where} {'lacks' if wanted.wanted else 'has'} {wanted.item!r}"]
        if isinstance(wanted, list):
            if not isinstance(value, list) or len(value) != len(wanted):
                return [f"{where} is {value!r}, not {wanted!r}"]
            pairs = enumerate(zip(wanted, value, strict=True))
            return [text for at, (one, has) in pairs for text in self._differences(one, has, f"{where}.{at}")]
        return [] if self._same(wanted, value) else [f"{where} is {value!r}, not {wanted!r}"]

    def _same(self, wanted: Any, value: Any) -> bool:
        if wanted is ABSENT or value is ABSENT:
            return wanted is value
        if isinstance(wanted, type):
            return isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
        if isinstance(wanted, re.Pattern):
            return isinstance(value, str) and wanted.fullmatch(value) is not None
        if callable(wanted):
            return bool(wanted(value))
        if isinstance(wanted, Ident):
            return isinstance(value, str | int) and str(value) == self.fill(wanted.text)
        if isinstance(wanted, str):
            return bool(value == self.fill(wanted))
        return bool(wanted == value and type(wanted) is type(value))

    # the end --------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Remove everything, waiting where that takes a while; says what could not be removed."""
        left = []
        for collection, _ in _COLLECTIONS:
            mine = [(ident, by) for where, ident, by in self._made if where == collection]
            for ident, by in mine:
                if not self._gone(f"{collection}/{ident}", by):
                    left.append(f"{collection}/{ident}")
        assert left == [], "these could not be removed"

    def _gone(self, path: str, by: str) -> bool:
        """Delete until it is gone: something else may be under way for it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.services.ask("DELETE", path, by).status == 404:
                return True
            answer = self.services.ask("GET", path, by)
            if answer.status == 404 or _is_deleted(answer):
                return True
            time.sleep(PAUSE)
        return False


def _is_deleted(answer: Answer) -> bool:
    (value,) = answer.json().values()
    return bool(value.get("deleted")) or str(value.get("status", "")).lower() == "deleted"
