"""How an object is handed out over HTTP (its disposition, its encoding) outlives what programs do to the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fixtures.proxy import Answer

from pithosfs.store import Delivery, ObjectPath

pytestmark = pytest.mark.mount

KEPT = Delivery("gzip", 'attachment; filename="tax.pdf"')


def put(user: Any, name: str, data: bytes, delivery: Delivery, meta: dict[str, str] | None = None) -> ObjectPath:
    path = ObjectPath(user.uuid, "pithos", name)
    user.store.put_object(path, data, content_type="application/pdf", meta=meta or {}, base="", delivery=delivery)
    return path


def save(target: Path, text: str, how: str) -> None:
    """As programs save: in place, anew, or by a temporary that replaces the file."""
    if how == "in place":
        with target.open("r+") as file:
            file.write(text)
            file.truncate()
    elif how == "anew":
        target.write_text(text)
    else:
        temporary = target.with_name(".tmp")
        temporary.write_text(text)
        os.rename(temporary, target)


@pytest.mark.parametrize("how", ["in place", "anew", "by a temporary"])
@pytest.mark.parametrize("meta", [{}, {"colour": "red"}])
def test_a_saved_file(mount: Any, cloud: Any, how: str, meta: dict[str, str]) -> None:
    user = cloud.user()
    path = put(user, "tax", b"old", KEPT, meta)
    mounted = mount(user=user)
    save(mounted.path / "pithos" / "tax", "new content", how)
    mounted.flush()
    info = user.store.head(path)
    assert (info.size, info.delivery) == (11, KEPT)


def test_a_save_that_is_sent_after_a_kill(mount: Any, cloud: Any, proxy: Any) -> None:
    user, wire = cloud.user(), proxy(cloud)
    path = put(user, "tax", b"old", KEPT)
    mounted = mount(user=user, through=wire, expect="cloud|answer|sent")
    wire.when("PUT|POST", Answer(status=503))
    save(mounted.path / "pithos" / "tax", "new content", "in place")
    mounted.kill()
    wire.restore()
    mount(user=user, like=mounted).flush()
    info = user.store.head(path)
    assert (info.size, info.delivery) == (11, KEPT)


def test_renames(mount: Any, cloud: Any) -> None:
    user = cloud.user()
    other = Delivery(None, "inline")
    path = put(user, "tax", b"old", KEPT)
    put(user, "source", b"source", other)
    mounted = mount(user=user)
    folder = mounted.path / "pithos"
    os.rename(folder / "source", folder / "tax")
    assert user.store.head(path).delivery == KEPT
    os.rename(folder / "tax", folder / "moved")
    mounted.flush()
    assert user.store.head(ObjectPath(user.uuid, "pithos", "moved")).delivery == KEPT


def test_a_manifest_that_replaces_a_file_stays_one(mount: Any, cloud: Any) -> None:
    user = cloud.user()
    for number in range(2):
        put(user, f"parts/{number}", b"part%d" % number, Delivery())
    put(user, "large", b"", Delivery(None, None, "pithos/parts/"))
    path = put(user, "target", b"old", KEPT)
    mounted = mount(user=user)
    folder = mounted.path / "pithos"
    assert (folder / "large").read_bytes() == b"part0part1"
    os.rename(folder / "large", folder / "target")
    mounted.flush()
    info = user.store.head(path)
    assert info.delivery == Delivery(KEPT.encoding, KEPT.disposition, "pithos/parts/")
    assert (folder / "target").read_bytes() == b"part0part1"


@pytest.mark.parametrize("meta", [{}, {"colour": "red"}])
def test_a_manifest_shows_its_parts(mount: Any, cloud: Any, meta: dict[str, str]) -> None:
    user = cloud.user()
    part = put(user, "parts/0", b"first", Delivery())
    put(user, "parts/1", b" part", Delivery())
    put(user, "large", b"", Delivery(None, None, "pithos/parts/"), meta)
    mounted = mount(user=user, attr_timeout=0)
    large = mounted.path / "pithos" / "large"
    assert (large.stat().st_size, large.read_bytes()) == (10, b"first part")
    with large.open("r+b", buffering=0) as file, pytest.raises(OSError, match="not supported"):
        file.write(b"F")
    user.store.put_object(part, b"other", content_type="text/plain", meta={}, base=None)
    assert large.read_bytes() == b"other part"
    user.store.put_object(part, b"longer", content_type="text/plain", meta={}, base=None)
    listed = next(iter(user.store.list_pages("pithos"))).objects
    assert [one.size for one in listed if one.name == "large"] == [0]
    mounted.unmount()
    assert mount(user=user, like=mounted).path.joinpath("pithos", "large").read_bytes() == b"longer part"


def test_a_manifest_that_is_written_becomes_a_file(mount: Any, cloud: Any) -> None:
    user = cloud.user()
    put(user, "parts/0", b"part", Delivery())
    path = put(user, "large", b"", Delivery(None, "inline", "pithos/parts/"))
    mounted = mount(user=user)
    (mounted.path / "pithos" / "large").write_text("mine")
    mounted.flush()
    info = user.store.head(path)
    assert (info.size, info.delivery) == (4, Delivery(None, "inline"))
    assert user.store.read_range(path, 0, 4, info.version) == b"mine"
