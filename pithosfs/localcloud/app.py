"""The local cloud as one ASGI application: opens the data, puts the services together, sends each request to its own.

Services are found by the path as it was sent: decoding or collapsing it would change object names (`a//b`, `%2F`).
A service gets the request's scope untouched, with the whole path.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from pithosfs.localcloud.blockstore import BlockStore
from pithosfs.localcloud.catalog import Service
from pithosfs.localcloud.database import Database
from pithosfs.localcloud.datadir import BLOCKS, DATABASE
from pithosfs.localcloud.faults import Fault, bad_request, fault_response, requested_form
from pithosfs.localcloud.identity import PATHS as IDENTITY_PATHS
from pithosfs.localcloud.identity import Identity
from pithosfs.localcloud.objects import ObjectService
from pithosfs.localcloud.sandbox.assembly import CaughtUp, open_sandbox, sandbox_services
from pithosfs.localcloud.sandbox.timing import Timing
from pithosfs.localcloud.smallblocks import SmallBlocks
from pithosfs.localcloud.swift import SwiftService

__all__ = ["LocalCloud", "create_app"]

COLLECT_FIRST_SECONDS = 3600.0
"""How long after a start unused blocks are collected: not while everything else wants the disk."""

COLLECT_SECONDS = 24 * 3600.0
"""How long from one collection to the next; blocks are kept about as long anyway (`blockstore.KEEP_SECONDS`)."""

EXPIRE_SECONDS = 60.0
"""How long after its end a project may still be used."""

logger = logging.getLogger(__name__)


class LocalCloud:
    """Everything one server has open. `open()` and `close()` in the event loop's thread.

    Whoever opens it has made sure that no other server has the same data directory open (`process` does).
    """

    def __init__(self, data: Path, configured_url: str | None = None, timing: Timing | None = None) -> None:
        self.database = Database(data / DATABASE)
        self.blocks = BlockStore(data / BLOCKS, small=SmallBlocks(self.database))
        self._configured_url = configured_url
        self._timing = timing or Timing()
        self._identity: Identity | None = None
        self._objects: ObjectService | None = None
        self._services: list[tuple[bytes, ASGIApp]] = []  # in the order in which they are asked for most

    def open(self) -> None:
        """Open, or recover, the data and start the services."""
        self.database.open()
        try:
            self.blocks.open()
            self._identity = identity = Identity(self.database, self._configured_url)
            identity.add_service(Service("object-store", "pithos_object-store", "v1", "/object-store/v1"))
            self._objects = objects = ObjectService(self.database, self.blocks, identity)
            swift = SwiftService(objects.backend)
            sandbox = open_sandbox(objects.backend, self._timing)
        except BaseException:
            self.close()
            raise
        self._services = [
            (b"/object-store", objects),
            *((path, CaughtUp(sandbox, identity)) for path in IDENTITY_PATHS),
            (b"/public", objects),
            (b"/swift", swift),
            (b"/auth", swift),
            (b"/info", swift),
            *sandbox_services(sandbox),
        ]

    def close(self) -> None:
        """Finish what is queued and let everything go. May be called twice."""
        self._services = []
        self._identity = None
        self._objects = None
        self.blocks.close()
        self.database.close()

    async def collect_blocks(self) -> tuple[int, int]:
        """Remove blocks that no version refers to any more; returns how many, and their bytes."""
        if self._objects is None:
            raise RuntimeError("the local cloud is closed")
        return await self.blocks.collect(self._objects.blocks_in_use)

    async def collect_regularly(self) -> None:
        """Collect now and then, until cancelled."""
        pause = COLLECT_FIRST_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = COLLECT_SECONDS
            try:
                count, size = await self.collect_blocks()
            except (OSError, sqlite3.Error):
                logger.exception("unused blocks could not be removed; trying again later")
            else:
                logger.info("removed %d unused blocks, %d bytes", count, size)

    async def expire_regularly(self) -> None:
        """Terminate projects whose end has come, soon after it, until cancelled."""
        while self._identity is not None:
            try:
                for name in await self._identity.expire_projects():
                    logger.info("the project %s has come to its end", name)
            except sqlite3.Error:
                logger.exception("projects that have ended could not be terminated; trying again later")
            await asyncio.sleep(EXPIRE_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope["raw_path"]
        for prefix, service in self._services:
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"", b"/"):
                await service(scope, receive, send)
                return
        raise bad_request("there is no service at this address")


class _EveryPath(BaseRoute):
    """The one route: all HTTP requests go to the cloud, whatever their path and method."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._cloud(scope, receive, send)


def create_app(data: Path, base_url: str | None = None, timing: Timing | None = None) -> Starlette:
    """The application for one data directory, which must exist and belong to this process alone while it runs.

    `base_url` is the address that clients are told; None takes it from each request's `Host`. `timing` is how long
    things take in the sandbox. When opening the data fails, `app.state.failure` holds the exception.
    """
    cloud = LocalCloud(data, base_url, timing)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            cloud.open()
        except Exception as failure:
            app.state.failure = failure
            raise
        chores = [asyncio.create_task(cloud.collect_regularly()), asyncio.create_task(cloud.expire_regularly())]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.wait(chores)
            cloud.close()

    app = Starlette(
        routes=[_EveryPath(cloud)],
        lifespan=lifespan,
        exception_handlers={
            Fault: _refuse,
            ClientDisconnect: _nobody_listens,
            OSError: _no_room,
            sqlite3.OperationalError: _no_room,
            Exception: _crash,
        },
    )
    app.state.failure = None
    return app


async def _refuse(request: Request, fault: Exception) -> Response:
    if not isinstance(fault, Fault):
        raise fault
    return fault_response(fault, requested_form(request.scope))


async def _nobody_listens(request: Request, gone: Exception) -> Response:
    return Response(status_code=400)


async def _no_room(request: Request, failure: Exception) -> Response:
    """A full disk is nobody's mistake in the program: 503, without a trace in the log."""
    full_disk = isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT)
    full_database = isinstance(failure, sqlite3.Error) and failure.sqlite_errorcode == sqlite3.SQLITE_FULL
    if not (full_disk or full_database):
        raise failure
    fault = Fault(503, "serviceUnavailable", "the disk of the local cloud is full")
    return fault_response(fault, requested_form(request.scope))


async def _crash(request: Request, failure: Exception) -> Response:
    """The reply to a mistake in the program; the server logs the trace."""
    fault = Fault(500, "internalServerError", f"the local cloud failed: {type(failure).__name__}")
    return fault_response(fault, requested_form(request.scope))
