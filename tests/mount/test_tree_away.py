"""The tree while the cloud is away, slow, or answers with errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud
from fixtures.gated_store import PATIENCE, GatedStore
from fixtures.proxy import Answer, FaultProxy, Garbage
from fixtures.trees import World, world_of

from pithosfs.errors import BadReply, NoConnection, NotLoggedIn, PithosfsError, ServerFailed
from pithosfs.http import RetryPolicy
from pithosfs.store.pithos import open_store


class Through:
    """A world whose tree reaches the cloud through a proxy, and gives up after one attempt."""

    def __init__(self, world: World, proxy: FaultProxy) -> None:
        self.world = world
        self.proxy = proxy
        self.wire = open_store(world.user.cloud(proxy), policy=RetryPolicy(attempts=1))
        self.store = GatedStore(self.wire)
        self.tree = world.tree = world.new_tree(store=self.store)
