"""Synced folders of one account for the tests of the engine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.synced import Machine, Place

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def sync_user(cloud: TestCloud) -> User:
    """An account for all of them."""
    return cloud.user("syncer")


@pytest.fixture
def place(sync_user: User) -> Place:
    """An empty folder in the cloud."""
    return Place(sync_user, f"place-{next(_numbers)}")


@pytest.fixture
def machine(tmp_path: Path, place: Place) -> Iterator[Callable[..., Machine]]:
    """`machine()` is one more folder that is kept in step with the place."""
    made: list[Machine] = []

    def make(where: Place = place, **settings: object) -> Machine:
        made.append(Machine(tmp_path / f"machine-{len(made)}", where, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def one(machine: Callable[..., Machine]) -> Machine:
    """A synced folder."""
    return machine()


@pytest.fixture
def two(machine: Callable[..., Machine], one: Machine) -> Machine:
    """Another one of the same place."""
    return machine()
