"""The tree while the cloud is away, slow, or answers with errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.gated_store import PATIENCE, GatedStore
from fixtures.proxy import Action, Answer, FaultProxy, Garbage
from fixtures.trees import FRESH, World, world_of

from pithosfs.errors import BadReply, NoConnection, NotLoggedIn, PithosfsError, ServerFailed
from pithosfs.http import RetryPolicy
from pithosfs.mount import asking
from pithosfs.store.pithos import open_store


@pytest.fixture
def wire(cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy]) -> FaultProxy:
    return proxy(cloud)


@pytest.fixture
def world(cloud: TestCloud, tmp_path: Path, wire: FaultProxy) -> Iterator[World]:
    """A tree that reaches the cloud through a proxy and tries each request once; it knows of `a` and `d/b`."""
    with world_of(cloud, tmp_path) as made:
        made.put("a", mode="600")
        made.put("d/b", mode="600")
        through = open_store(made.user.cloud(wire), policy=RetryPolicy(attempts=1))
        made.store = GatedStore(through)
        made.tree = made.new_tree()
        assert made.names() == {"a", "d"}
        made.later()
        yield made
        made.tree.close()
        through.close()


def test_what_is_known_stays_usable(world: World, wire: FaultProxy) -> None:
    wire.refuse()
    assert world.names() == {"a", "d"}
    assert world.names("d") == {"b"}
    assert world.tree.entry(world.path("a")) is not None
    assert world.tree.entry(world.path("none")) is None
    assert world.tree.entry(world.path()) is not None
    with pytest.raises(NoConnection):
        world.tree.children(world.path("", "pithos"))
    with pytest.raises(NoConnection):
        world.tree.info(world.path("a"))
    with pytest.raises(NoConnection):
        world.tree.learn(world.path())


def test_a_server_that_is_away_is_not_asked_again_and_again(world: World, wire: FaultProxy) -> None:
    wire.refuse()
    world.names()
    world.store.forget()
    for _ in range(5):
        world.names("d")
        for ask in (world.tree.children, world.tree.entry, world.tree.info):
            with pytest.raises(NoConnection):
                ask(world.path("x", "pithos"))
        with pytest.raises(NoConnection):
            world.tree.info(world.path("a"))
        with pytest.raises(NoConnection):
            world.tree.containers()
    world.tree.refresh()
    assert world.store.calls == {}


def test_it_is_asked_in_the_background_until_it_is_back(world: World, wire: FaultProxy) -> None:
    wire.refuse()
    world.names()
    wire.restore()
    world.put("new")
    world.later()
    hold = world.store.hold("list_objects")
    # Nobody waits for a server that was away a moment ago.
    assert world.names() == {"a", "d"}
    hold.wait()
    assert world.names() == {"a", "d"}
    hold.release()
    world.pool.submit(world.tree.close).result(PATIENCE)  # the background request is over
    assert world.names() == {"a", "d", "new"}
    assert world.told() == {"new"}


def test_it_is_said_once(world: World, wire: FaultProxy, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=asking.__name__):
        wire.refuse()
        world.names()
        for _ in range(3):
            world.later()
            with pytest.raises(NoConnection):
                world.tree.children(world.path("", "pithos"))
        wire.restore()
        world.later()
        world.tree.children(world.path("", "pithos"))
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("the cloud does not answer, going on with what is known")
    assert said[1] == "the cloud answers again"


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Answer(500), ServerFailed), (Answer(401), NotLoggedIn), (Garbage(), PithosfsError), (Answer(200), BadReply)],
)
def test_a_server_that_fails(world: World, wire: FaultProxy, answer: Action, error: type[PithosfsError]) -> None:
    wire.when(lambda request: request.method == "GET", answer)
    assert world.names() == {"a", "d"}
    with pytest.raises(error):
        world.tree.children(world.path("", "pithos"))
    world.store.forget()
    # It is left alone for a while, then it is asked again.
    with pytest.raises(error):
        world.tree.children(world.path("", "pithos"))
    assert world.names() == {"a", "d"}
    assert world.store.calls == {}
    wire.restore()
    world.later()
    assert world.tree.children(world.path("", "pithos")) == {}


def test_everybody_who_waits_hears_of_the_failure(world: World, wire: FaultProxy) -> None:
    world.tree = world.new_tree(store=world.store)
    wire.refuse()
    hold = world.store.hold("list_objects")
    waiting = [world.aside(world.names) for _ in range(4)]
    hold.wait()
    hold.release()
    for one in waiting:
        with pytest.raises(NoConnection):
            one.result(PATIENCE)


def test_a_slow_answer_keeps_nobody_who_has_an_older_one(world: World) -> None:
    world.tree = world.new_tree(store=world.store, patience=0.05)
    world.names()
    world.later()
    world.put("new")
    hold = world.store.hold("list_objects")
    assert world.names() == {"a", "d"}
    hold.wait()
    assert world.names("d") == {"b"}
    hold.release()
    world.tree.close()
    assert world.names() == {"a", "d", "new"}


def test_a_large_listing_is_not_asked_for_all_the_time(world: World) -> None:
    world.put("new")
    hold = world.store.hold("list_objects")
    asked = world.aside(world.names)
    hold.wait()
    world.later(2 * FRESH)  # so long the listing takes
    hold.release()
    assert asked.result(PATIENCE) == {"a", "d", "new"}
    world.put("newer")
    world.later(19 * FRESH)
    world.store.forget()
    assert world.names() == {"a", "d", "new"}
    world.tree.refresh()
    assert world.store.calls["list_objects"] == 0
    world.later(2 * FRESH)
    assert world.names() == {"a", "d", "new", "newer"}
    # What is known to be wrong is asked for at once.
    world.put("last")
    world.tree.forget(world.container)
    assert "last" in world.names()


def test_learning_goes_on_past_what_is_gone(world: World) -> None:
    for number in range(4):
        world.put(f"e/{number}", mode="600")
    world.names("e")
    world.later()
    world.names("e")
    world.elsewhere.delete(world.path("e/1"))
    world.tree.learn(world.path("e"))
    assert world.names("e") == {"0", "2", "3"}
    world.store.forget()
    info = world.tree.info(world.path("e/3"))
    assert info is not None
    assert info.meta == {"mode": "600"}
    assert world.store.calls["head"] == 0


def test_learning_stops_when_the_server_fails(world: World, wire: FaultProxy) -> None:
    for number in range(60):
        world.put(f"e/{number}", mode="600")
    world.names("e")
    wire.when(lambda request: request.method == "HEAD" and "/e/" in request.target, Answer(500))
    with pytest.raises(ServerFailed):
        world.tree.learn(world.path("e"))
    assert world.store.calls["head"] < 60
