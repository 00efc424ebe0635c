"""What a path under the mount point means.

    /                                   every container (or, with --container, that container)
    /<container>/<folders>/<name>       objects of the own account
    /.shared/<account>/<container>/…    what others share; the account by user name or id
    /.versions/<container>/<path>/<id>  every version of an object, read-only

A path is turned into one of the place classes below without asking the server, but for names that need the listing
to be told apart (see `names`) and accounts that are named by user name.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from pithosfs.mount import names
from pithosfs.mount.tree import Tree
from pithosfs.store import ObjectPath, ObjectStore

__all__ = ["SHARED", "VERSIONS", "Object", "Place", "Resolver", "Root", "SharedAccount", "SharedRoot", "Versions"]

SHARED = ".shared"
VERSIONS = ".versions"


@dataclass(frozen=True, slots=True)
class Root:
    """The top of the mount, when it shows containers."""


@dataclass(frozen=True, slots=True)
class SharedRoot:
    """`/.shared`: the accounts that share something."""


@dataclass(frozen=True, slots=True)
class SharedAccount:
    """`/.shared/<account>`: the containers of one other account."""

    account: str


@dataclass(frozen=True, slots=True)
class Versions:
    """Something below `/.versions`; `path` None stands for `/.versions` itself."""

    path: ObjectPath | None


@dataclass(frozen=True, slots=True)
class Object:
    """A container (`path.name` empty), folder or object."""

    path: ObjectPath


Place = Root | SharedRoot | SharedAccount | Versions | Object


class Resolver:
    """Turns local paths into places.

    `container` is the one container that the mount shows as its top, None for all of them.
    """

    def __init__(self, store: ObjectStore, tree: Tree, container: str | None) -> None:
        self._store = store
        self._tree = tree
        self._container = container

    def __call__(self, path: str) -> Place:
        """Raises OSError: ENOENT for an unknown account, ENAMETOOLONG."""
        parts = [part for part in path.split("/") if part]
        for part in parts:
            names.check_length(part)
        if parts and parts[0] == SHARED:
            return self._shared(parts[1:])
        if parts and parts[0] == VERSIONS:
            top = self._own(parts[1:])
            return Versions(top.path if isinstance(top, Object) else None)
        return self._own(parts)

    def _own(self, parts: list[str]) -> Root | Object:
        if self._container is not None:
            return Object(self._walk(ObjectPath(self._store.account, self._container, ""), parts))
        if not parts:
            return Root()
        container = ObjectPath(self._store.account, names.to_server(parts[0]), "")
        return Object(self._walk(container, parts[1:]))

    def _shared(self, parts: list[str]) -> SharedRoot | SharedAccount | Object:
        if not parts:
            return SharedRoot()
        account = self._account(parts[0])
        if len(parts) == 1:
            return SharedAccount(account)
        return Object(self._walk(ObjectPath(account, names.to_server(parts[1]), ""), parts[2:]))

    def _account(self, name: str) -> str:
        ids = self._store.user_ids([name])
        if name in ids:
            return ids[name]
        if name in self._store.user_names([name]):
            return name
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), name)

    def _walk(self, folder: ObjectPath, parts: list[str]) -> ObjectPath:
        for part in parts:
            # Only a name that carries the quote character can stand for an odd server name.
            listed = self._listed(folder, part) if names.QUOTE in part else None
            folder = listed if listed is not None else folder.child(names.to_server(part))
        if len(folder.name) > names.MAX_OBJECT_NAME or len(folder.container) > names.MAX_CONTAINER_NAME:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(folder))
        return folder

    def _listed(self, folder: ObjectPath, local: str) -> ObjectPath | None:
        try:
            entry = self._tree.children(folder).get(local)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if entry is None else self._tree.path_of(folder, entry)
