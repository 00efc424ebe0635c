"""What the tests share: a local cloud, users, homes, real mounts, a proxy that breaks things, and leak checks.

Everything lives in one temporary directory, which is removed at the end (PITHOSFS_TEST_KEEP=1 keeps it). A test fails
when it leaves a mount, a process or a temporary file behind, or when a mount has logged a warning that it did not
announce.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# What stands on the whole program is imported where it is used: a test of one part runs without the others.
if TYPE_CHECKING:
    from fixtures.clouds import TestCloud, User
    from fixtures.homes import Home
    from fixtures.mounts import MountFactory
    from fixtures.proxy import FaultProxy
    from fixtures.subject import Subject
    from fixtures.subjects import Subjects

_ROOT = pytest.StashKey[Path]()
_TMPDIR = pytest.StashKey[str | None]()
_CLOUD = pytest.StashKey["TestCloud"]()  # that of the session, once it runs


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here and not beside the suite: pytest reads this file early, from wherever and with whatever it is started.
    group = parser.getgroup("conformance", "the server that tests/conformance looks at (default: a local cloud)")
    group.addoption("--base-url", metavar="URL", help="its identity URL, or the URL of the object store itself")
    group.addoption("--token", help="the token of one of its users")
    group.addoption("--token2", metavar="TOKEN", help="the token of another")
    group.addoption("--admin-token", metavar="TOKEN", help="the token of a user who decides about projects")
    group.addoption("--service-token", metavar="TOKEN", help="the token of a service that counts cyclades.vm")
    group.addoption("--service-token2", metavar="TOKEN", help="the token of another service")
    group.addoption("--identity-url", metavar="URL", help="where to ask for the users' ids, with an object store's URL")
    group.addoption("--account", metavar="ID", help="the first user's id, if there is nobody to ask")
    group.addoption("--account2", metavar="ID", help="the second user's id")
    group = parser.getgroup("sandbox", "the compute, network and volume services of the local cloud")
    group.addoption(
        "--crowd-seconds",
        type=float,
        default=4.0,
        metavar="N",
        help="how long twenty clients make and delete servers at once (default: 4; the whole test is 60)",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long = {item.path for item in items if item.get_closest_marker("long") is not None}
    items.sort(key=lambda item: item.path not in long)


def pytest_configure(config: pytest.Config) -> None:
    here = str(Path(__file__).parent)
    if here not in sys.path:  # `fixtures` is found from wherever pytest is started
        sys.path.insert(0, here)
    root = Path(tempfile.mkdtemp(prefix="pithosfs-test-"))
    config.stash[_ROOT] = root
    config.stash[_TMPDIR] = os.environ.get("TMPDIR")
    temporary = root / "tmp"
    temporary.mkdir(mode=0o700)
    # Child processes too: what they forget is found.
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    if config.option.basetemp is None:
        config.option.basetemp = str(root / "tests")


def pytest_unconfigure(config: pytest.Config) -> None:
    root = config.stash.get(_ROOT, None)
    if root is None:
        return
    before = config.stash[_TMPDIR]
    if before is None:
        os.environ.pop("TMPDIR", None)
    else:
        os.environ["TMPDIR"] = before
    tempfile.tempdir = None
    if not os.environ.get("PITHOSFS_TEST_KEEP"):
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def session_root(request: pytest.FixtureRequest) -> Path:
    """The one temporary directory of this run; fixtures of the session put their things here."""
    return request.config.stash[_ROOT]


@pytest.fixture(autouse=True)
def _nothing_is_left(request: pytest.FixtureRequest, session_root: Path) -> Iterator[None]:
    from fixtures import leaks

    temporary = session_root / "tmp"
    mounts, files = leaks.mounts_below(session_root), leaks.files_in(temporary)
    processes = set(leaks.our_processes())
    yield
    shared = request.config.stash.get(_SHARED, set())
    left = [f"mounted: {point}" for point in leaks.mounts_below(session_root) - mounts - shared]
    left += [
        f"running: {line}"
        for pid, line in leaks.our_processes().items()
        if pid not in processes and str(pid) not in shared
    ]
    left += [f"temporary file: {name}" for name in leaks.files_in(temporary) - files]
    assert left == []


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands that run in this process set logging up for themselves."""
    loggers = [logging.getLogger(name) for name in ("pithosfs", "pithosfs.http")]
    before = [(one, one.handlers[:], one.propagate, one.level) for one in loggers]
    yield
    for one, handlers, propagate, level in before:
        one.handlers[:] = handlers
        one.propagate = propagate
        one.setLevel(level)


@pytest.fixture(autouse=True)
def _connections_are_closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Those of the users that this test made for itself: fixtures that it shares with others have theirs by now."""
    cloud = request.config.stash.get(_CLOUD, None)
    first = 0 if cloud is None else cloud.users_made
    yield
    cloud = request.config.stash.get(_CLOUD, None)
    if cloud is not None:
        cloud.close_stores(first)


_SHARED = pytest.StashKey[set[str]]()  # processes and mount points that belong to fixtures of the session


@pytest.fixture(scope="session")
def cloud(request: pytest.FixtureRequest, session_root: Path) -> Iterator[TestCloud]:
    """A local cloud for the whole run; `cloud.user(name, quota=None)` makes an account."""
    from fixtures.clouds import TestCloud

    made = TestCloud(session_root / "cloud")
    request.config.stash.setdefault(_SHARED, set()).add(str(made.pid))
    request.config.stash[_CLOUD] = made
    yield made
    made.close()
    shutil.rmtree(session_root / "cloud", ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A private home; nothing is in its settings yet."""
    from fixtures.homes import Home

    return Home.make(tmp_path / "home")


@pytest.fixture
def proxy() -> Iterator[Callable[[TestCloud], FaultProxy]]:
    """`proxy(cloud)` is a proxy before the cloud's server, closed at the end of the test."""
    from fixtures.proxy import FaultProxy

    made: list[FaultProxy] = []

    def make(cloud: TestCloud) -> FaultProxy:
        made.append(FaultProxy(cloud.address))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def mount(tmp_path: Path, proxy: object, request: pytest.FixtureRequest) -> Iterator[MountFactory]:
    """`mount(user=…, through=…, attr_timeout=…)` is a real kernel mount, gone at the end of the test."""
    from fixtures.mounts import MountFactory

    def new_user() -> User:
        found: TestCloud = request.getfixturevalue("cloud")
        return found.user()

    factory = MountFactory(tmp_path, new_user)
    yield factory
    assert factory.close() == []


@pytest.fixture
def folder(mount: MountFactory) -> Path:
    """An empty folder in a mount."""
    return mount().path / "pithos"


@pytest.fixture(scope="session")
def subjects(cloud: TestCloud, session_root: Path) -> Iterator[Subjects]:
    """The subjects of the functional suite, made once a run."""
    from fixtures.subjects import Subjects

    made = Subjects(cloud, session_root / "subjects")
    yield made
    assert made.close() == []
    shutil.rmtree(session_root / "subjects", ignore_errors=True)


@pytest.fixture(params=["direct", "fuse3", "fuse2"])
def subject(request: pytest.FixtureRequest, subjects: Subjects) -> Subject:
    """The plain object, and mounts on both bindings."""
    found = subjects.get(request.param)
    request.config.stash.setdefault(_SHARED, set()).update(map(str, subjects.pids), subjects.points)
    return found


@pytest.fixture
def top(subject: Subject, subjects: Subjects) -> str:
    """The path of an empty container of the subject."""
    return subjects.new_top(subject)
