"""The program in private homes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixtures.cli import Cli
from fixtures.contents import Contents
from fixtures.invoker import Invoker

if TYPE_CHECKING:
    from fixtures.clouds import TestCloud, User
    from fixtures.homes import Home


@pytest.fixture
def bare(home: Home, tmp_path: Path) -> Cli:
    """The program in a home without any settings."""
    work = tmp_path / "work"
    work.mkdir()
    return Cli(home, work)


@pytest.fixture
def owner(cloud: TestCloud) -> User:
    return cloud.user("owner")


@pytest.fixture
def cli(bare: Cli, owner: User) -> Cli:
    """The program with a cloud that has one user and the empty container "pithos"."""
    bare.home.add_cloud(owner.cloud())
    return bare


@pytest.fixture
def program(cli: Cli) -> Invoker:
    """The same program and home as `cli`, in this process: much faster, for what needs no process of its own."""
    return Invoker(cli.home, cli.cwd)


@pytest.fixture
def own(owner: User) -> Contents:
    """The owner's container "pithos", past the program."""
    return Contents(owner)
