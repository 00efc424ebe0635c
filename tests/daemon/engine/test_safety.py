"""The safety rules: when a side is not what it seems, nothing is deleted, and the pair says what happened."""

from __future__ import annotations

import errno
import json
import mmap
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.proxy import Answer, CutBody, Drop, FaultProxy, LoseAnswer, Request
from fixtures.synced import Machine, Place

from pithosfs.errors import BadReply, NotLoggedIn, PithosfsError
from pithosfs_daemon.folder import Folder, lay_marker
from pithosfs_daemon.state import NotNoted
from pithosfs_daemon.troubles import ContainerGone, FolderGone, FolderTaken, TooManyDeletes
from pithosfs_daemon.values import Dirty, Reason

TEN = {f"f{number}": b"%d" % number for number in range(10)}
LARGER = {name: data * 70_000 for name, data in TEN.items()}  # too large to go together with others


@pytest.fixture
def full(one: Machine) -> Machine:
    """Ten files in step."""
    for name, data in TEN.items():
        one.write(name, data)
    one.settle()
    return one


def listings_answer(wire: FaultProxy, answer: Answer) -> None:
    """From now on lists come back like this."""
    wire.when(lambda request: request.method == "GET" and "format=json" in request.target, answer)


# the folder -----------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_gone(full: Machine, place: Place) -> None:
    shutil.move(full.folder, full.root / "elsewhere")
    with pytest.raises(FolderGone):
        full.run()
    full.folder.mkdir()  # as an empty mount point would be
    with pytest.raises(FolderGone):
        full.run()
    assert place.tree() == TEN
    full.folder.rmdir()
    shutil.move(full.root / "elsewhere", full.folder)
    assert full.settle().changed == 0


@pytest.mark.mount
def test_a_disk_that_is_unmounted(machine: Callable[..., Machine], place: Place, tmp_path: Path) -> None:
    point = tmp_path / "machine-0" / "folder"
    point.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", point], check=True)
    try:
        one = machine()
        for name, data in TEN.items():
            one.write(name, data)
        one.settle()
    finally:
        subprocess.run(["umount", point], check=True)  # which a folder that is kept in step does not hinder
    with pytest.raises(FolderGone):
        one.run()
    assert place.tree() == TEN


def test_a_folder_that_is_swapped_for_another_pairs(full: Machine, two: Machine, place: Place) -> None:
    two.settle()
    shutil.move(full.folder, full.root / "elsewhere")
    shutil.copytree(two.folder, full.folder)
    with pytest.raises(FolderGone, match="another pair"):
        full.run()
    assert place.tree() == TEN


def test_a_folder_that_is_emptied(full: Machine, place: Place) -> None:
    for name in TEN:
        (full.folder / name).unlink()
    with pytest.raises(TooManyDeletes) as trouble:
        full.run()
    assert (trouble.value.where, trouble.value.count, trouble.value.total) == ("folder", 10, 10)
    assert "--max-delete" in trouble.value.hint
    assert place.tree() == TEN
    full.run(max_delete=1.0)
    assert place.tree() == {}
    assert place.versions("f3") == [b"3"]


def test_half_of_the_files_may_go(full: Machine, place: Place) -> None:
    for number in range(5):
        (full.folder / f"f{number}").unlink()
    full.settle()
    assert len(place.tree()) == 5


def test_deletions_that_come_in_small_portions_are_counted_together(full: Machine, place: Place) -> None:
    for number in range(3):
        (full.folder / f"f{number}").unlink()
    full.settle()
    for number in range(3, 6):
        (full.folder / f"f{number}").unlink()
    with pytest.raises(TooManyDeletes):
        full.run()
    assert len(place.tree()) == 7


def test_renaming_everything_is_no_deletion(full: Machine, place: Place) -> None:
    for name in TEN:
        (full.folder / name).rename(full.folder / f"renamed {name}")
    full.settle()
    assert sorted(place.tree()) == sorted(f"renamed {name}" for name in TEN)


def test_a_second_engine_on_the_folder_is_refused(full: Machine) -> None:
    with Folder(full.pair), pytest.raises(FolderTaken):
        full.run()
    full.settle()


def test_the_folder_of_another_pair_is_refused(full: Machine) -> None:
    from dataclasses import replace

    with pytest.raises(PithosfsError, match="already"):
        lay_marker(replace(full.pair, id="another"), "here")


# the cloud ------------------------------------------------------------------------------------------------------------


def test_a_container_that_is_deleted(machine: Callable[..., Machine], sync_user: User) -> None:
    sync_user.store.create_container("shortlived")
    place = Place(sync_user, "", "shortlived")
    one = machine(place)
    for name, data in TEN.items():
        one.write(name, data)
    one.settle()
    sync_user.store.management().empty_container("shortlived")
    sync_user.store.delete_container("shortlived")
    with pytest.raises(ContainerGone):
        one.run()
    one.write("new", b"new")
    with pytest.raises(ContainerGone):
        one.run()
    assert one.tree() == {**TEN, "new": b"new"}


def test_a_container_that_is_emptied(full: Machine, place: Place) -> None:
    for name in TEN:
        place.store.delete(place.path(name))
    with pytest.raises(TooManyDeletes) as trouble:
        full.run()
    assert trouble.value.where == "cloud"
    assert full.tree() == TEN
    full.run(max_delete=1.0)
    assert full.tree() == {}
    assert sorted(full.trash()) == sorted(TEN)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_list_that_comes_back_empty_from_a_failing_server(
    machine: Callable[..., Machine],
    place: Place,
    proxy: Callable[[TestCloud], FaultProxy],
    cloud: TestCloud,
    count: int,
) -> None:
    wire = proxy(cloud)
    one = machine(through=wire, max_delete=1.0)  # even then
    files = dict(list(TEN.items())[:count])
    for name, data in files.items():
        one.write(name, data)
    one.settle()
    listings_answer(
        wire, Answer(200, b"[]", {"Content-Type": "application/json", "Last-Modified": now(), "Date": now()})
    )
    try:
        error: object = one.run().error
    except PithosfsError as ended:  # after so many contradictions
        error = ended
    assert one.tree() == files
    assert isinstance(error, BadReply)
    wire.restore()
    one.settle()
    assert one.tree() == place.tree() == files


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(503, headers={"Retry-After": "0"}),
        Answer(429, headers={"Retry-After": "0"}),
        Answer(200, b"<html>welcome to the hotel's network</html>"),
        Answer(200, b'[{"name": "f0"}]'),
        Answer(200, b"{}"),
        Answer(302, headers={"Location": "http://127.0.0.1:9/"}),
        Answer(204),
    ],
    ids=["500", "503", "429", "html", "half an entry", "no list", "redirect", "204"],
)
def test_a_list_that_is_none(
    machine: Callable[..., Machine],
    place: Place,
    proxy: Callable[[TestCloud], FaultProxy],
    cloud: TestCloud,
    answer: Answer,
) -> None:
    wire = proxy(cloud)
    one = machine(through=wire, max_delete=1.0)
    for name, data in TEN.items():
        one.write(name, data)
    one.settle()
    place.put("f0", b"changed meanwhile")
    listings_answer(wire, answer)
    try:
        outcome = one.run()
    except PithosfsError:
        pass
    else:
        assert not outcome.in_step
    assert one.tree() == TEN
    wire.restore()
    one.settle()
    assert one.tree() == {**TEN, "f0": b"changed meanwhile"}


def test_a_list_that_breaks_off(
    machine: Callable[..., Machine], place: Place, proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud
) -> None:
    wire = proxy(cloud)
    one = machine(through=wire, max_delete=1.0)
    for name, data in TEN.items():
        one.write(name, data)
    one.settle()
    place.put("f0", b"changed meanwhile")
    wire.when(lambda request: request.method == "GET" and "format=json" in request.target, CutBody(700))
    with pytest.raises(PithosfsError):
        one.run()
    assert one.tree() == TEN


def test_a_token_that_expires_in_the_middle(
    machine: Callable[..., Machine], place: Place, proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud
) -> None:
    wire = proxy(cloud)
    one = machine(through=wire)
    for name, data in LARGER.items():
        one.write(name, data)
    count = iter(range(100))
    wire.when(lambda request: request.method == "PUT" and next(count) >= 4, Answer(401, b"token expired"))
    with pytest.raises(NotLoggedIn):
        one.run()
    assert one.tree() == LARGER
    assert 0 < len(place.tree()) < 10
    wire.restore()
    one.settle()
    assert place.tree() == LARGER


def test_the_quota_is_used_up(machine: Callable[..., Machine], cloud: TestCloud) -> None:
    user = cloud.user("poor", quota=100_000)
    place = Place(user, "here")
    one = machine(place)
    place.put("theirs", b"comes all the same")
    one.write("big", b"x" * 200_000)
    outcome = one.sync()
    assert not outcome.in_step
    assert type(outcome.error).__name__ == "QuotaExceeded"
    assert one.read("theirs") == b"comes all the same"
    (one.folder / "big").unlink()
    one.write("small", b"fits")
    one.settle()
    assert set(place.tree()) == {"theirs", "small"}


def test_what_fits_is_uploaded_beside_what_does_not(machine: Callable[..., Machine], cloud: TestCloud) -> None:
    place = Place(cloud.user("poor", quota=100_000), "here")
    one = machine(place)
    for number in range(50):  # more than there are workers: those after them know that there was no room
        one.write(f"a/{number:02}", b"x" * 200_000)
    one.write("z", b"fits")
    outcome = one.run()
    assert type(outcome.error).__name__ == "QuotaExceeded"
    assert place.tree() == {"a": None, "z": b"fits"}
    assert len(outcome.troubles) == 50


@pytest.mark.mount
def test_the_disk_is_full(machine: Callable[..., Machine], place: Place, tmp_path: Path) -> None:
    point = tmp_path / "machine-0" / "folder"
    point.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", point], check=True)
    try:
        one = machine()
        one.write("mine", b"mine")
        one.settle()
        place.put("big", os.urandom(3_000_000))
        one.write("more", b"goes up all the same")
        outcome = one.run()
        assert isinstance(outcome.error, OSError)
        assert place.read("more") == b"goes up all the same"
        assert sorted(one.tree()) == ["mine", "more"]
        assert [trouble.name for trouble in outcome.troubles] == ["big"]
        subprocess.run(["mount", "-o", "remount,size=8m", point], check=True)
        one.settle()
        assert one.read("big") == place.read("big")
    finally:
        subprocess.run(["umount", "-l", point], check=True)


@pytest.mark.mount
def test_the_disk_with_the_state_is_full(machine: Callable[..., Machine], place: Place, tmp_path: Path) -> None:
    """With the folder on it, as at home. Nothing can be noted any more: the pass ends and says so, and nothing of what
    it had found out is missing in the next ones."""
    point = tmp_path / "machine-0"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", point], check=True)
    try:
        one = machine()
        one.settle()
        names = [f"{number}-{'long name ' * 10}" for number in range(600)]
        for name in names[:300]:
            one.write(name, b"")
        for name in names[300:]:
            place.put(name, b"")
        ballast = point / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        for _ in range(3):
            with pytest.raises(NotNoted) as trouble:
                one.run()
            assert trouble.value.errno == errno.ENOSPC
            assert one.engine.activity.snapshot()[0].phase == ""
        ballast.unlink()
        one.settle()
        assert sorted(one.tree()) == sorted(place.tree()) == sorted(names)
        assert one.trash() == []
    finally:
        subprocess.run(["umount", "-l", point], check=True)


# names and things that cannot be --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../outside", "a/../../outside", "/absolute", "a//b", "x/.", ".pithosfs/marker", "n" * 256]
)
def test_names_that_cannot_be_here_are_left_in_the_cloud(
    machine: Callable[..., Machine], sync_user: User, name: str, tmp_path: Path
) -> None:
    container = f"odd{time.time_ns()}"
    sync_user.store.create_container(container)
    place = Place(sync_user, "", container)
    one = machine(place)
    place.put(name, b"bad")
    place.put("good", b"good")
    before = {path for path in tmp_path.rglob("*") if ".pithosfs" not in str(path)}
    outcome = one.sync()
    assert one.read("good") == b"good"
    after = {path for path in tmp_path.rglob("*") if ".pithosfs" not in str(path)}
    # Folders on the way to such a name may come to be.
    assert after - before <= {one.folder / "good", one.folder / "a", one.folder / "x"}
    assert {trouble.reason for trouble in outcome.troubles} == {Reason.LOCAL_NAME}
    assert len(place.objects()) == 2


def test_odd_local_names_survive_the_round_trip(one: Machine, two: Machine) -> None:
    names = [
        b"new\nline",
        b"not utf-8 \xff",
        "é".encode(),
        "e\u0301".encode(),
        b"back\\slash",
        b" blanks ",
        b"%2F",
        b"~",
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(one.folder) + b"/" + name)).write_bytes(name)
    one.settle()
    two.settle()
    assert sorted(os.listdir(os.fsencode(two.folder))) == sorted([*names, b".pithosfs"])
    assert one.tree() == two.tree()


def test_links_pipes_and_sockets_are_left_alone_and_told(one: Machine, place: Place, tmp_path: Path) -> None:
    import socket

    (tmp_path / "secret").write_bytes(b"secret")
    (one.folder / "link").symlink_to(tmp_path / "secret")
    (one.folder / "dangling").symlink_to("nowhere")
    os.mkfifo(one.folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        where = os.getcwd()
        os.chdir(one.folder)
        listening.bind("socket")
        os.chdir(where)
    outcome = one.settle()
    assert place.tree() == {}
    found = {trouble.name: trouble.reason for trouble in outcome.troubles}
    assert found == {
        "link": Reason.SYMLINK, "dangling": Reason.SYMLINK, "pipe": Reason.SPECIAL, "socket": Reason.SPECIAL,
    }  # fmt: skip


def test_nothing_is_written_through_a_link(one: Machine, place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_bytes(b"untouched")
    (one.folder / "folder").symlink_to(outside)
    (one.folder / "file").symlink_to(outside / "victim")
    place.put("folder/evil", b"evil")
    place.put("folder/victim", b"evil")
    place.put("file", b"evil")
    one.sync()
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"victim": b"untouched"}
    assert place.tree() == {"folder": None, "folder/evil": b"evil", "folder/victim": b"evil", "file": b"evil"}


def test_a_file_that_never_stops_changing(one: Machine, place: Place) -> None:
    """Each time that it is read it is another one: it is told, and everything else goes on."""
    for number in range(3):
        one.write(f"quiet{number}", b"q")
    path = one.write("busy", b"0" * 20_000_000)
    scribble = "import sys\nfile = open(sys.argv[1], 'r+b', 0)\nwhile True:\n    file.seek(0)\n    file.write(b'x')\n"
    with subprocess.Popen([sys.executable, "-c", scribble, path]) as writer:
        outcome = one.sync(8)
        writer.kill()
    assert not outcome.in_step
    assert [(trouble.name, trouble.reason) for trouble in outcome.troubles] == [("busy", Reason.UNSETTLED)]
    assert sorted(name for name in place.tree() if name != "busy") == ["quiet0", "quiet1", "quiet2"]
    one.settle()
    assert place.read("busy") == path.read_bytes()


def test_an_edit_that_leaves_no_trace_in_the_time_of_a_file(one: Machine, place: Place) -> None:
    """As one that comes in the same tick of the kernel's clock as the reading. Here it is made through a mapping, which
    moves the time only with the first write to a page, or when the kernel has just written the page back."""
    path = one.write("a", b"0" * 5000)
    one.settle()
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:1] = b"1"
        later = time.time_ns() + 10**11  # so that it counts as just written, however slow this is
        os.utime(path, ns=(later, later))
        one.settle()
        assert place.read("a")[:3] == b"100"
        for byte in (b"2", b"3"):  # once more when it was looked at, and found to be the same, meanwhile
            one.settle()
            mapped[1:2] = byte
            one.settle()
            assert place.read("a")[:3] == b"1" + byte + b"0"


@pytest.mark.parametrize("count", [1, 5], ids=["alone", "with others"])
def test_an_edit_through_a_mapping_that_is_there_already(one: Machine, place: Place, count: int) -> None:
    """It leaves no trace but that of the end of the mapping, unless the kernel has just written the page back."""
    paths = [one.write(f"{number}", b"0" * 5000) for number in range(count)]
    with ExitStack() as stack:
        mappings = []
        for path in paths:
            file = stack.enter_context(path.open("r+b"))
            mappings.append(stack.enter_context(mmap.mmap(file.fileno(), 0)))
            mappings[-1][0:1] = b"1"
            os.utime(path, ns=(0, 10**18 + 1))  # long ago: the time alone says that nothing can have been missed
        one.settle()
        for mapping in mappings:
            mapping[1:2] = b"2"
    noticed = Dirty(frozenset(path.name for path in paths))
    one.sync(scan=noticed)
    assert [place.read(path.name)[:3] for path in paths] == [b"120"] * count
    one.settle()
    assert one.sync(scan=noticed).changed == 0


def test_a_whole_look_does_not_rely_on_the_clock_of_the_cloud(one: Machine, place: Place) -> None:
    """As when a change is noted with an earlier time than that of a list that did not show it yet."""
    one.settle()
    place.put("a", b"data")
    one.state.set_fact("since", 2**32)
    assert one.run(scan=Dirty()).changed == 0
    one.state.set_fact("listed", time.time() - 3600)
    assert one.run(scan=Dirty()).changed == 0
    one.settle()
    assert one.tree() == {"a": b"data"}


def test_the_clock_of_this_machine_does_not_matter(machine: Callable[..., Machine], place: Place) -> None:
    """All comparisons of times are within one side. The file's own time may be any."""
    one, two = machine(), machine()
    for name, when in (("past", 0), ("future", 4_000_000_000)):
        path = one.write(name, b"first")
        os.utime(path, (when, when))
    one.settle()
    two.settle()
    assert (two.folder / "future").stat().st_mtime == 4_000_000_000
    for name in ("past", "future"):
        stamp = (two.folder / name).stat()
        two.write(name, b"other")
        os.utime(two.folder / name, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as rsync -t would leave it
    two.settle()
    one.settle()
    assert one.tree() == {"past": b"other", "future": b"other"}


def test_a_marker_that_is_rubbish(full: Machine, place: Place) -> None:
    marker = full.folder / ".pithosfs" / "marker"
    kept = marker.read_bytes()
    for rubbish in (b"", b"rubbish", json.dumps({"pair": 5}).encode(), b"\xff" * 100):
        marker.write_bytes(rubbish)
        with pytest.raises(FolderGone):
            full.run()
    marker.write_bytes(kept)
    assert full.settle().changed == 0
    assert place.tree() == TEN


def test_a_lost_state_costs_nothing(full: Machine, place: Place) -> None:
    """Without its database the pair is linked again: what is the same is joined."""
    full.state.close()
    for path in full.root.glob("state.db*"):
        path.unlink()
    full.open()
    full.events.clear()
    full.settle()
    assert full.tree() == place.tree() == TEN
    assert full.done("upload", "download") == []


def test_a_connection_that_is_lost_in_the_middle(
    machine: Callable[..., Machine], place: Place, proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud
) -> None:
    wire = proxy(cloud)
    one = machine(through=wire)
    for name, data in LARGER.items():
        one.write(name, data)
    count = iter(range(100))
    wire.when(lambda request: is_put(request) and next(count) >= 5, Drop())
    with pytest.raises(PithosfsError):
        one.run()
    wire.restore()
    one.settle()
    assert place.tree() == one.tree() == LARGER


def test_an_answer_to_many_that_is_lost(
    machine: Callable[..., Machine], place: Place, proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud
) -> None:
    """What was made by the request is recognised when it is made again."""
    wire = proxy(cloud)
    one = machine(through=wire)
    for name, data in TEN.items():
        one.write(name, data)
    wire.when(is_put, LoseAnswer(), times=1)
    one.settle()
    assert place.tree() == one.tree() == TEN
    assert {len(place.versions(name)) for name in TEN} == {1}


def test_some_of_many_are_taken(
    machine: Callable[..., Machine], place: Place, proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud
) -> None:
    """Others make two of the names while ours are on their way: both contents are kept."""
    wire = proxy(cloud)
    one = machine(through=wire)
    for name, data in TEN.items():
        one.write(name, data)
    done: list[bool] = []

    def interfere(request: Request) -> bool:
        if is_put(request) and not done:
            done.append(True)
            place.put("f3", b"theirs")
            place.put("f4", b"4")
        return False

    wire.when(interfere, Drop())
    one.settle()
    assert done
    there = place.tree()
    copies = [name for name in there if "conflict" in name]
    assert [there[name] for name in copies] == [b"3"]
    assert there["f3"] == b"theirs"
    assert one.tree() == there
    assert {name: there[name] for name in TEN if name != "f3"} == {name: TEN[name] for name in TEN if name != "f3"}


def is_put(request: Request) -> bool:
    return request.method == "PUT"


def now() -> str:
    from email.utils import formatdate

    return formatdate(time.time() - 60, usegmt=True)


def test_a_folder_that_has_just_become_a_file_in_the_cloud_is_not_deleted(
    machine: Callable[..., Machine], place: Place, proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud
) -> None:
    """Somebody puts a file in place of the folder's object between the list and the deletion."""
    wire = proxy(cloud)
    one = machine(through=wire)
    one.write("keep", b"k")
    (one.folder / "x").mkdir()
    one.settle()
    (one.folder / "x").rmdir()
    done: list[bool] = []

    def interfere(request: Request) -> bool:
        if request.method in ("HEAD", "DELETE") and request.target.endswith("/x") and not done:
            done.append(True)
            place.put("x", b"theirs")
        return False

    wire.when(interfere, Drop())
    one.settle()
    assert done
    assert one.tree() == place.tree() == {"keep": b"k", "x": b"theirs"}
