"""The place in the cloud that a pair is kept in step with: its names, and what an error means there.

A change that cannot be carried out because the cloud is not as it was becomes RemoteChanged. Only when the container
itself is gone, the pair stops: a 404 alone does not say which of the two it is (object-store.md section 3.3).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE
from pithosfs.errors import NotAllowed, NotFound, PithosfsError, PreconditionFailed
from pithosfs.store import ContainerInfo, ObjectInfo, ObjectPath, ObjectStore
from pithosfs_daemon.remote.terms import RemoteBase
from pithosfs_daemon.troubles import ContainerGone, RemoteChanged
from pithosfs_daemon.values import Content, Pair

__all__ = ["Place"]


class Place:
    """Thread-safe."""

    def __init__(self, store: ObjectStore, pair: Pair) -> None:
        self.store = store
        self.account = pair.account
        self.container = pair.container
        self._below = f"{pair.prefix}/" if pair.prefix else ""
        self._remote = pair.remote
        self._lock = threading.Lock()
        self._parameters: tuple[int, str] | None = None

    @property
    def below(self) -> str:
        """What all names of the pair begin with in the container."""
        return self._below

    def path(self, name: str) -> ObjectPath:
        """The object of a name; "" is the folder of the pair itself, which a whole container has not."""
        return ObjectPath(self.account, self.container, self._below + name if name else self._below[:-1])

    def relative(self, info: ObjectInfo) -> ObjectInfo:
        """The same under its name in the pair."""
        return replace(info, name=info.name[len(self._below) :]) if self._below else info

    @property
    def parameters(self) -> tuple[int, str]:
        """Block size in bytes and block hash, asked for once, unless a listing has told them."""
        known = self._parameters
        if known is None:
            with self._lock:
                known = self._parameters = self._parameters or _parameters(self._container())
        return known

    def learn(self, info: ContainerInfo) -> None:
        """What a listing told of the container: it need not be asked for."""
        with self._lock:
            self._parameters = self._parameters or _parameters(info)

    def look(self, name: str) -> ObjectInfo | None:
        """What is there, by a HEAD. Raises ContainerGone rather than say that nothing is."""
        try:
            return self.relative(self.store.head(self.path(name)))
        except NotFound:
            self.check_container()
            return None

    def present(self, name: str, base: RemoteBase) -> ObjectInfo:
        """The object that is to be changed. Raises RemoteChanged when it is not `base`."""
        info = self.look(name)
        if info is None:
            raise RemoteChanged(f"{name} is not in the cloud any more", hint="")
        if info.version != base.version:
            raise RemoteChanged(f"{name} was changed in the cloud meanwhile", hint="")
        return info

    def settled(self, name: str, content: Content, refusal: PreconditionFailed) -> ObjectInfo:
        """What is there after a write was refused, if that is what was to be made. Raises the refusal otherwise.

        A request whose answer was lost is sent again and then meets its own first try.
        """
        try:
            found = self.store.head(self.path(name))
        except NotFound:
            raise refusal from None
        if found.is_directory or found.is_manifest or Content(found.hash, found.size) != content:
            raise refusal
        return found

    def check_container(self) -> None:
        """Raises ContainerGone when it is."""
        self._container()

    def _container(self) -> ContainerInfo:
        try:
            return self.store.container(self.container, self.account)
        except (NotFound, NotAllowed) as error:
            raise self.gone(error) from error

    def gone(self, error: PithosfsError) -> ContainerGone:
        """What to say of a container that answered so."""
        if isinstance(error, NotAllowed):
            return ContainerGone(f"the cloud does not allow {self._remote} to be read", hint=error.hint)
        return ContainerGone(
            f"the container of {self._remote} is gone from the cloud",
            hint="nothing was deleted here; make it again to upload this folder, or end the pair: pithosfs sync remove",
        )

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """What is asked inside is based on how the cloud was. Raises RemoteChanged, ContainerGone."""
        try:
            yield
        except PreconditionFailed as error:
            raise RemoteChanged(f"{name} was changed in the cloud meanwhile", hint="") from error
        except NotFound as error:
            self.check_container()
            raise RemoteChanged(f"{name} is not in the cloud any more", hint="") from error


def _parameters(info: ContainerInfo) -> tuple[int, str]:
    return info.block_size or DEFAULT_BLOCK_SIZE, info.block_hash or DEFAULT_BLOCK_HASH
