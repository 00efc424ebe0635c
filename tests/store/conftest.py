"""Every store implementation, each as three users of one cloud, over real HTTP."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from fixtures.clouds import TestCloud

from pithosfs.config import Cloud
from pithosfs.store import ObjectInfo, ObjectPath, ObjectStore

_NUMBERS = itertools.count(1)
MIB = 1024 * 1024


@dataclass(frozen=True)
class Users:
    """Alice owns things, Bob is whom she shares them with, Carol has 64 MiB; and each one's user name and cloud."""

    alice: ObjectStore
    bob: ObjectStore
    carol: ObjectStore
    names: tuple[str, str, str]
    cloud: Cloud  # Alice's


@pytest.fixture(scope="session", params=["pithos on the local cloud"])
def users(cloud: TestCloud) -> Users:
    alice, bob, carol = cloud.user("alice"), cloud.user("bob"), cloud.user("carol", 64 * MIB)
    for one in bob.store.containers():  # he begins with nothing
        bob.store.delete_container(one.name)
    return Users(alice.store, bob.store, carol.store, (alice.name, bob.name, carol.name), alice.cloud())


@pytest.fixture
def store(users: Users) -> ObjectStore:
    """Alice's."""
    return users.alice


@pytest.fixture
def container(store: ObjectStore) -> str:
    """A new, empty container of Alice's."""
    name = f"c{next(_NUMBERS)}"
    store.create_container(name)
    return name


class Place:
    """Alice's container, with short ways to put things there."""

    def __init__(self, store: ObjectStore, container: str) -> None:
        self.store = store
        self.container = container

    def path(self, name: str) -> ObjectPath:
        return ObjectPath(self.store.account, self.container, name)

    def put(self, name: str, data: bytes = b"data", **meta: str) -> ObjectInfo:
        return self.store.put_object(self.path(name), data, content_type="text/plain", meta=meta, base=None)

    def read(self, name: str) -> bytes:
        info = self.store.head(self.path(name))
        return self.store.read_range(self.path(name), 0, info.size, info.version)

    def folder(self, name: str) -> ObjectInfo:
        return self.store.put_object(self.path(name), b"", content_type="application/directory", meta={}, base=None)

    def names(self) -> list[str]:
        listing = self.store.list_objects(self.container)
        assert listing is not None
        return [one.name for one in listing.found.objects]


@pytest.fixture
def place(store: ObjectStore, container: str) -> Place:
    return Place(store, container)
