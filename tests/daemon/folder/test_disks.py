"""Disks that are full, read-only, or others than the folder's: real ones, in a namespace with its own mounts."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.local_folder import LocalFolder, in_namespace

from pithosfs_daemon.folder import Folder

_FULL = """
import errno, os, subprocess, sys
from pathlib import Path
from fixtures.local_folder import LocalFolder
from pithosfs_daemon.folder import Folder
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(root)], check=True)
local = LocalFolder(root)
local.write("a", b"old")
stamp = local.stamp("a")
for size in (1 << 21, 100):
    if size == 100:  # so full that not even a note can be written
        with open(root / "filler", "wb") as file:
            try:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()
            except OSError:
                pass
            try:
                file.close()
            except OSError:
                pass
    try:
        with local.folder.part() as part:
            part.stream.write(b"n" * size)
            local.folder.put(part, "a", stamp, mode=None, mtime_ns=None, conflict=str)
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
    else:
        raise AssertionError("there was room")
    assert (root / "a").read_bytes() == b"old"
    assert local.stamp("a") == stamp
    assert local.private("parts") == [] and local.private("replaced") == []
os.utime(root / ".pithosfs" / "marker")  # as if it were opened for the first time
local.restart()
assert local.folder.scan("").entries.keys() == {"a", "filler"}
assert local.stamp("a") == stamp
os.unlink(root / "filler")
local.download("a", b"new", stamp)
assert local.leftovers() == []
assert local.files() == {"a": b"new"}
local.close()
subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
local.folder = Folder(local.pair)
for change in (
    lambda: local.download("b", b"x"),
    lambda: local.folder.make_folder("d"),
    lambda: local.folder.trash("a", local.stamp("a")),
    lambda: local.folder.move("a", "b", local.stamp("a")),
    lambda: local.folder.set_attributes("a", local.stamp("a"), mode=0o600, mtime_ns=1),
):
    try:
        change()
    except OSError as error:
        assert error.errno == errno.EROFS, error
    else:
        raise AssertionError("changed")
assert local.files() == {"a": b"new"}
assert local.leftovers() == []
assert local.folder.scan("").entries.keys() == {"a"}
local.close()
"""


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    in_namespace(_FULL, tmp_path / "small")


_OTHER_DISK = """
import errno, os, subprocess, sys
from pathlib import Path
from fixtures.local_folder import LocalFolder
local = LocalFolder(Path(sys.argv[1]))
local.write("a", b"old")
stamp = local.stamp("a")
for part in ("parts", "trash", "replaced"):
    (local.root / ".pithosfs" / part).mkdir()
for part in ("parts", "trash", "replaced"):
    where = local.root / ".pithosfs" / part
    subprocess.run(["mount", "-t", "tmpfs", "none", str(where)], check=True)
    changes = {
        "parts": [lambda: local.download("a", b"new", stamp), lambda: local.download("b", b"new")],
        "trash": [lambda: local.folder.trash("a", stamp)],
        "replaced": [lambda: local.download("a", b"new", stamp)],
    }
    for change in changes[part]:
        try:
            change()
        except OSError as error:
            assert error.errno == errno.EXDEV, error
        else:
            raise AssertionError("changed")
    assert local.leftovers() == []
    assert local.private(part) == []
    local.restart()
    subprocess.run(["umount", str(where)], check=True)
    local.restart()
    assert local.files() == {"a": b"old"}
    assert local.stamp("a") == stamp
local.close()
"""


def test_what_cannot_be_renamed_into_place_is_left_alone(tmp_path: Path) -> None:
    """As between directories with quotas or keys of their own: the kernel takes them for different disks."""
    in_namespace(_OTHER_DISK, tmp_path / "here")


_MOUNTING = """
import os, subprocess, sys
from pathlib import Path
from fixtures.local_folder import pair_of
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.values import Reason, Trouble
root = Path(sys.argv[1])
if sys.argv[2] == "disk":
    command = ["mount", "-t", "tmpfs", "none", str(root / "d/point")]
else:
    command = ["mount", "--bind", str(root / "inside"), str(root / "d/point")]
subprocess.run(command, check=True)
(root / "d/point/file").write_text("x")
with Folder(pair_of(root)) as folder:
    found = folder.scan("d")
    assert found.complete and not found.entries, found
    assert found.troubles == {"point": Trouble("d/point", Reason.OTHER_DISK)}, found
    below = folder.scan("d/point")
    assert not below.complete and below.trouble == Trouble("d/point", Reason.OTHER_DISK), below
    assert folder.look("d/point/file") == Trouble("d/point/file", Reason.OTHER_DISK)
    from pithosfs_daemon.troubles import LocalChanged
    for change in (lambda: folder.make_folder("d/point/x"), lambda: folder.remove_folder("d/point/x")):
        try:
            change()
        except LocalChanged:
            continue
        raise AssertionError("changed on another disk")
    assert os.listdir(root / "d/point") == ["file"]
"""


@pytest.mark.parametrize("kind", ["disk", "bind"])
def test_what_is_mounted_inside_is_not_entered(local: LocalFolder, kind: str) -> None:
    (local.root / "d" / "point").mkdir(parents=True)
    (local.root / "inside").mkdir()
    local.folder.close()
    in_namespace(_MOUNTING, local.root, kind)
    local.folder = Folder(local.pair)
