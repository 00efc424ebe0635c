"""How places in the object store are written on the command line (cli.md section 2.2).

    path/to/x                        the cloud's default container
    /container                       a container
    /container/path/to/x
    //path/to/x                      the default container again
    pithos://account                 the default container of another account
    pithos://account/container/path/to/x

Nothing is squeezed: after the slash that follows the container every character belongs to the name, so `/c//x` is the
object `/x` and `/c/a//b` is `a//b`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pithosfs.errors import NotFound, UsageError

if TYPE_CHECKING:
    from pithosfs.store import ObjectPath, ObjectStore

__all__ = ["Location", "account_id", "is_account_id", "parse_location"]

_SCHEME = "pithos://"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Location:
    """A place: account (None: the user's own), container, and object name ("" for the container itself)."""

    account: str | None
    container: str
    name: str

    @property
    def is_container(self) -> bool:
        return not self.name

    def named(self, name: str) -> Location:
        """Another name in the same container."""
        return Location(self.account, self.container, name)

    def path(self, store: ObjectStore) -> ObjectPath:
        """The address for the store."""
        from pithosfs.store import ObjectPath

        return ObjectPath(self.account or store.account, self.container, self.name)

    def __str__(self) -> str:
        shown = f"/{self.container}/{self.name}" if self.name else f"/{self.container}"
        return f"{_SCHEME}{self.account}{shown}" if self.account else shown


def parse_location(
    text: str, default: str, *, container: str | None = None, account: str | None = None, object_needed: bool = False
) -> Location:
    """Read a place. Raises UsageError.

    `default` is the cloud's default container. `container` and `account` are the options -C and -A; the text wins over
    them.
    """
    standard = container or default
    rest = text
    if text.startswith(_SCHEME):
        account, slash, rest = text.removeprefix(_SCHEME).partition("/")
        if not account:
            raise UsageError(f"{text!r} names no account", hint="write pithos://ACCOUNT/CONTAINER/PATH")
        rest = slash + rest
        if rest == "/":
            rest = ""
    if rest.startswith("/"):
        found, _, name = rest[1:].partition("/")
        found = found or standard
    else:
        found, name = standard, rest
    if "/" in found or found in (".", ".."):
        raise UsageError(f"{found!r} cannot be the name of a container", hint="give a name without slashes")
    if object_needed and not name:
        raise UsageError(
            f"{text!r} names a container, not a file in it", hint="write /CONTAINER/PATH, or PATH for the default one"
        )
    return Location(account, found, name)


def is_account_id(text: str) -> bool:
    """Whether it has the form of an account's id, which no user name has."""
    return _UUID.fullmatch(text) is not None


def account_id(store: ObjectStore, who: str | None) -> str | None:
    """The account id for what was given as one: an id, or a user name. None stays None. Raises NotFound."""
    if who is None or is_account_id(who):
        return who
    found = store.user_ids([who]).get(who)
    if found is None:
        raise NotFound(f"there is no user {who!r}", 404, hint="give the user's id or exact name")
    return found
