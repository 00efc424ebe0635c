"""Routes of the sandbox's services: a pattern of the path, its verbs, and how each is carried out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pithosfs.localcloud.sandbox.turn import Turn

if TYPE_CHECKING:
    from pithosfs.localcloud.sandbox.world import Sandbox

__all__ = ["Asking", "Call", "Changing", "Listing", "Looking", "Reply", "Route", "Verb", "links"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. `value` becomes JSON; None is an empty body. `headers` are added to the usual ones."""

    status: int = 200
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read: who asks, and what its path, query and body say.

    `user` and the `project` that pays for what names no other are "" where no token is needed; `admin`: the user
    decides about others. `base` is the cloud's address as the client sees it, `arguments` the groups of the route's
    pattern, `body` the JSON object (empty where the verb has none), `headers` the raw ones.
    """

    user: str
    project: str
    admin: bool
    base: str
    arguments: tuple[str, ...]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    headers: tuple[tuple[bytes, bytes], ...]

    @property
    def ident(self) -> int:
        """The first argument of the path, which is digits only, as a number."""
        return self.number(0)

    def number(self, position: int) -> int:
        """An argument that is digits only; -1, which is nobody's id, for one longer than any that is given out."""
        text = self.arguments[position]
        return int(text) if len(text) <= 18 else -1


@dataclass(frozen=True, slots=True)
class Looking:
    """A verb that reads a few rows, by key. `token`: whether the caller must be somebody."""

    fn: Callable[[Turn, Call], Reply]
    token: bool = True
    has_body = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A verb that reads many rows."""

    fn: Callable[[Turn, Call], Reply]
    token = True
    has_body = False


@dataclass(frozen=True, slots=True)
class Changing:
    """A verb that changes something: all of it in one transaction. `has_body`: it takes a JSON object."""

    fn: Callable[[Turn, Call], Reply]
    has_body: bool = True
    token = True


@dataclass(frozen=True, slots=True)
class Asking:
    """A verb that does something outside of the database before it changes that."""

    fn: Callable[[Sandbox, Call], Awaitable[Reply]]
    has_body: bool = True
    token = True


Verb = Looking | Listing | Changing | Asking


@dataclass(frozen=True, slots=True)
class Route:
    """The verbs of the paths that match a pattern, in the order in which `Allow` shows them."""

    pattern: re.Pattern[str]
    verbs: Mapping[str, Verb]

    @classmethod
    def of(cls, pattern: str, **verbs: Verb) -> Route:
        return cls(re.compile(pattern), verbs)


def links(url: str) -> list[dict[str, str]]:
    """The two links to one address that every resource carries."""
    return [{"rel": "self", "href": url}, {"rel": "bookmark", "href": url}]
