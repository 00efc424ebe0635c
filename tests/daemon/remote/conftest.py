"""A pair's remote side on the local cloud: straight, and through a proxy that counts and breaks."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents
from fixtures.proxy import FaultProxy

from pithosfs.http import RetryPolicy
from pithosfs.mount.attributes import Attributes
from pithosfs.store import ObjectInfo, ObjectStore
from pithosfs.store.pithos import open_store
from pithosfs_daemon.remote import OldContent, Received, RemoteBase, RemoteFolder, Sent
from pithosfs_daemon.values import Pair

_NUMBERS = itertools.count(1)
MIB = 1024 * 1024
BLOCK = 4 * MIB


@pytest.fixture(scope="session")
def ada(cloud: TestCloud) -> User:
    return cloud.user("ada")


class Nobody:
    """A user catalog: these tests ask for nobody's name."""

    def uuids2usernames(self, uuids: object) -> dict[str, str]:
        return {}

    usernames2uuids = uuids2usernames


def pair_of(user: User, container: str, prefix: str = "") -> Pair:
    return Pair("p", Path("/nowhere"), "test", user.uuid, container, prefix)


@dataclass(eq=False)
class Side:
    """`folder` is what is tested, behind `wire`; `there` is the container by the shortest way."""

    folder: RemoteFolder
    wire: FaultProxy
    there: Contents
    prefix: str
    files: Path

    def full(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def put(self, name: str, data: bytes = b"x", content_type: str = "text/plain", **settings: object) -> ObjectInfo:
        return self.there.put(self.full(name), data, content_type, **settings)

    def read(self, name: str) -> bytes:
        return self.there.read(self.full(name))

    def file(self, data: bytes) -> Path:
        """A local file of its own."""
        path = self.files / f"file-{next(_NUMBERS)}"
        path.write_bytes(data)
        return path

    def send(
        self,
        name: str,
        source: bytes | Path,
        *,
        base: RemoteBase | None = None,
        attributes: Attributes | None = None,
        old: OldContent | None = None,
        meter: Callable[[int], None] = lambda done: None,
        cancel: threading.Event | None = None,
    ) -> Sent:
        path = source if isinstance(source, Path) else self.file(source)
        with path.open("rb") as stream:
            return self.folder.send(
                name,
                stream,
                path.stat().st_size,
                base=base,
                attributes=attributes or Attributes(mode=0o644, mtime_ns=1_700_000_000_123_456_789),
                old=old,
                meter=meter,
                cancel=cancel or threading.Event(),
            )

    def receive(
        self,
        name: str,
        info: ObjectInfo | None = None,
        *,
        find: Callable[[str], list[tuple[Callable[[], BinaryIO], int]]] = lambda block: [],
        meter: Callable[[int], None] = lambda done: None,
        cancel: threading.Event | None = None,
    ) -> tuple[Received, bytes]:
        if info is None:
            info = next(one for one in self.listed() if one.name == name)
        path = self.file(b"")
        with path.open("r+b") as stream:
            got = self.folder.receive(name, info, stream, find=find, meter=meter, cancel=cancel or threading.Event())
        return got, path.read_bytes()

    def listed(self) -> list[ObjectInfo]:
        listing = self.folder.listing(None)
        assert listing is not None
        return [one for page in listing.pages() for one in page]

    def asked(self) -> list[str]:
        """The methods of the requests since the last call of this."""
        lines = self.wire.request_lines()
        self.wire.forget()
        return [line.split(" ", 1)[0] for line in lines]


@pytest.fixture
def make_side(
    ada: User, cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy], tmp_path: Path
) -> Iterator[Callable[..., Side]]:
    """`make_side(prefix, **settings of the RemoteFolder)` is a side in a container of its own."""
    stores = []

    def make(prefix: str = "", **settings: object) -> Side:
        container = f"remote-{next(_NUMBERS)}"
        ada.store.create_container(container)
        wire = proxy(cloud)
        store = open_store(ada.cloud(wire), policy=RetryPolicy(attempts=3, base=0.01, cap=0.02))
        stores.append(store)
        folder = RemoteFolder(store, pair_of(ada, container, prefix), **settings)  # type: ignore[arg-type]
        assert folder.block_size == BLOCK
        wire.forget()
        return Side(folder, wire, Contents(ada, container), prefix, tmp_path)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def side(make_side: Callable[..., Side]) -> Side:
    """Of a folder in a container."""
    return make_side("work/dir")


@pytest.fixture(params=["", "work/dir"])
def either(request: pytest.FixtureRequest, make_side: Callable[..., Side]) -> Side:
    """Of a whole container, and of a folder in one."""
    return make_side(request.param)


@pytest.fixture
def limited(make_side: Callable[..., Side], ada: User) -> Iterator[Callable[..., Side]]:
    """A side whose store has limits, which are bytes a second."""

    def make(**limits: int) -> Side:
        side = make_side()
        store = open_store(ada.cloud(side.wire), **limits)
        stores.append(store)
        side.folder = RemoteFolder(store, pair_of(ada, side.there.container))
        assert side.folder.block_size == BLOCK
        side.wire.forget()
        return side

    stores: list[ObjectStore] = []
    yield make
    for store in stores:
        store.close()
