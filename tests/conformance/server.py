"""The server that is looked at, its two users, and how they are found from a URL and two tokens."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from conformance.wire import Answer, Body, Wire

__all__ = ["NoServer", "Person", "Server"]

VERSIONED = re.compile(r"/v[0-9]+(\.[0-9]+)?$")
STORE = re.compile(r"/object-store(/v1)?$")


class NoServer(Exception):
    """The options do not lead to an object store; the text says what to give."""


@dataclass(frozen=True, slots=True)
class Person:
    """One of the users: the account's id and the token."""

    id: str
    token: str


@dataclass(slots=True)
class Server:
    """An object store and two of its users. `run` begins the name of everything that this run makes there."""

    endpoint: str  # without a slash at its end
    me: Person
    other: Person
    wire: Wire
    run: str = field(default_factory=lambda: f"conformance-{secrets.token_hex(4)}")
    facts: dict[str, Any] = field(default_factory=dict)  # what was asked once and does not change

    def person(self, who: str) -> Person:
        return {"me": self.me, "other": self.other}[who]

    def ask(self, method: str, path: str, by: str = "me", body: Body = None, **headers: str) -> Answer:
        """A plain request for `/account/…` as a user."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.wire.send(
            method, self.endpoint + path, {"X-Auth-Token": self.person(by).token, "Accept": "*/*", **sent}, body
        )

    @classmethod
    def find(
        cls, base: str, tokens: tuple[str, str], identity: str | None, accounts: tuple[str | None, str | None]
    ) -> Server:
        """From an identity URL, or the URL of an object store. Raises NoServer.

        Of an object store the users' ids are needed: given, or asked of the identity service, which is looked for at
        its usual place beside the object store.
        """
        wire = Wire()
        try:
            return cls._found(wire, base.rstrip("/"), tokens, identity, accounts)
        except BaseException:
            wire.close()
            raise

    @classmethod
    def _found(
        cls,
        wire: Wire,
        base: str,
        tokens: tuple[str, str],
        identity: str | None,
        accounts: tuple[str | None, str | None],
    ) -> Server:
        catalog = None if identity else _access(wire, base, tokens[0])
        if catalog is not None:
            endpoint = _endpoint(catalog)
            found = [catalog, _access(wire, base, tokens[1])]
        else:
            endpoint = base if VERSIONED.search(base) else f"{base}/v1"
            if all(accounts):
                return cls(endpoint, Person(str(accounts[0]), tokens[0]), Person(str(accounts[1]), tokens[1]), wire)
            asked = identity.rstrip("/") if identity else STORE.sub("/identity/v2.0", endpoint)
            found = [_access(wire, asked, token) for token in tokens]
        people = []
        for access, token in zip(found, tokens, strict=True):
            if access is None:
                raise NoServer(
                    f"{base}: neither an identity service that takes the tokens, nor an object store with one beside"
                    " it. Give --identity-url, or the users' ids with --account and --account2."
                )
            people.append(Person(str(access["user"]["id"]), token))
        if people[0].id == people[1].id:
            raise NoServer("the two tokens belong to the same user")
        return cls(endpoint, people[0], people[1], wire)

    def clean(self) -> list[str]:
        """Remove every container of this run from both accounts; returns those that the server would not remove."""
        left = []
        for who in ("me", "other"):
            account = f"/{self.person(who).id}"
            marker = self.run
            while True:
                names = self.ask("GET", f"{account}?format=text&limit=1000&marker={marker}", who).lines()
                ours = [f"{account}/{quote(name, safe='')}" for name in names if name.startswith(self.run)]
                left += [container for container in ours if not self.remove(container, who)]
                if len(ours) < len(names) or not names:
                    break
                marker = quote(names[-1], safe="")
        return left

    def remove(self, container: str, who: str) -> bool:
        """A container with all that is in it; whether it is gone. One that does not exist is."""
        for emptied in (self._empty_at_once, self._empty_one_by_one):
            if self.ask("DELETE", container, who).status in (204, 404):
                return True
            emptied(container, who)
        return self.ask("DELETE", container, who).status in (204, 404)

    def _empty_at_once(self, container: str, who: str) -> None:
        self.ask("DELETE", f"{container}?delimiter=%2F", who)

    def _empty_one_by_one(self, container: str, who: str) -> None:
        answer = self.ask("GET", f"{container}?format=json", who)
        for name in answer.names() if answer.status == 200 else []:
            self.ask("DELETE", f"{container}/{quote(name, safe='')}", who)


def _access(wire: Wire, identity: str, token: str) -> dict[str, Any] | None:
    """What the identity service at that URL says about a token; None when there is none, or it does not know it."""
    url = identity if VERSIONED.search(identity) else f"{identity}/v2.0"
    body = json.dumps({"auth": {"token": {"id": token}}}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json", "X-Auth-Token": token}
    try:
        answer = wire.send("POST", f"{url}/tokens", headers, body)
    except OSError as failure:
        raise NoServer(f"{url}: {failure}") from failure
    if answer.status != 200:
        return None
    try:
        access = answer.json()["access"]
    except (ValueError, KeyError, TypeError):
        return None
    return access if isinstance(access, dict) and "user" in access else None


def _endpoint(access: dict[str, Any]) -> str:
    """The object store of a catalog, with its version. Raises NoServer."""
    for service in access.get("serviceCatalog", []):
        if str(service.get("type", "")).lower() == "object-store" and service.get("endpoints"):
            url = str(service["endpoints"][0]["publicURL"]).rstrip("/")
            return url if VERSIONED.search(url) else f"{url}/v1"
    raise NoServer("the catalog has no object-store service")
