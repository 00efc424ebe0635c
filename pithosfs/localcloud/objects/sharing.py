"""Sharing rules: their grammar, the names a rule covers, what a rule gives to whom (object-store.md section 12)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from pithosfs.localcloud.faults import bad_request

__all__ = ["EVERYBODY", "Rule", "covered_prefix", "is_directory", "parents", "parse_rule", "stored_rule"]

EVERYBODY = "*"
MAX_PRINCIPAL = 256  # characters

_DIRECTORY_TYPES = frozenset({"application/directory", "application/folder"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may read and who may write: user ids, `account:group`, or `*`. Nobody is in both; writing means reading."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.read or self.write)

    def __str__(self) -> str:
        """The wire form `read=a,b; write=c`, which is also what is stored (`stored_rule`)."""
        parts = [f"{key}={','.join(who)}" for key, who in (("read", self.read), ("write", self.write)) if who]
        return "; ".join(parts)

    def allows(self, principals: Collection[str]) -> Literal["read", "write"] | None:
        """The most that any of the principals (a user's id, groups, `*`) may do."""
        if any(who in principals for who in self.write):
            return "write"
        if any(who in principals for who in self.read):
            return "read"
        return None


def parse_rule(text: str) -> Rule:
    """From `X-Object-Sharing`, normalised. An empty text is the empty rule. Raises Fault 400."""
    text = "".join(text.split()).replace("~", "")
    if not text:
        return Rule()
    lists: dict[str, tuple[str, ...]] = {}
    for part in text.split(";"):
        if not part:
            continue
        keyword, _, value = part.partition("=")
        if keyword not in ("read", "write"):
            raise bad_request("a sharing rule is 'read=…; write=…'")
        who = sorted({one.lower() for one in value.split(",") if one})
        if not who:
            raise bad_request(f"a sharing rule with nobody in {keyword!r}")
        if any(len(one) > MAX_PRINCIPAL for one in who):
            raise bad_request(f"a name in a sharing rule is longer than {MAX_PRINCIPAL} characters")
        lists[keyword] = (EVERYBODY,) if EVERYBODY in who else tuple(who)
    write = lists.get("write", ())
    read = tuple(one for one in lists.get("read", ()) if one not in write)
    return Rule(read, write)


def stored_rule(text: str) -> Rule:
    """What `str` of a rule says. A public image has members beside `*`, which `parse_rule` would drop."""
    lists = dict(part.split("=", 1) for part in text.split("; "))
    read, write = (tuple(lists[key].split(",")) if key in lists else () for key in ("read", "write"))
    return Rule(read, write)


def is_directory(content_type: str) -> bool:
    """Whether an object of that type is a directory marker, whose rule covers what is below it."""
    return content_type.partition(";")[0].strip().lower() in _DIRECTORY_TYPES


def covered_prefix(name: str) -> str:
    """What the names start with that a rule on the directory marker `name` covers."""
    return name if name.endswith("/") else name + "/"


def parents(name: str) -> Iterator[str]:
    """The names of the directory markers that could cover `name`, the nearest first: `a/b` → `a/`, `a`."""
    position = name.rfind("/")
    while position >= 0:
        with_slash = name[: position + 1]
        if with_slash != name:
            yield with_slash
        if position:
            yield name[:position]
        position = name.rfind("/", 0, position)
