"""The sandbox with a clock that the tests hold, and its users."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from fixtures.held_cloud import HeldCloud, Person
from fixtures.sandbox_books import book_problems


@pytest.fixture(scope="session")
def held_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeldCloud]:
    made = HeldCloud(tmp_path_factory.mktemp("held-cloud"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _the_books_are_right(held_cloud: HeldCloud) -> Iterator[None]:
    """After each test, and when everything that it has left under way has ended too."""
    yield
    assert book_problems(held_cloud.data) == []
    held_cloud.settle()
    assert requests.get(f"{held_cloud.url}/compute/", timeout=30).status_code == 200
    assert book_problems(held_cloud.data) == []


@pytest.fixture
def alice(held_cloud: HeldCloud) -> Person:
    return held_cloud.person()


@pytest.fixture
def bob(held_cloud: HeldCloud) -> Person:
    return held_cloud.person()
