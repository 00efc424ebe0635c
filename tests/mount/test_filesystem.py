"""What the mount does, as one suite that runs on the plain object and through the kernel (see `fixtures.subject`).

`subject` shows an account with an empty container; `top` is that container's path. After `subject.flush()` and
`settle` everything is on the cloud, so each rule is checked on what is pending and on what was sent.
"""

from __future__ import annotations

import errno
import os
import stat

import pytest
from fixtures.subject import Subject

pytestmark = pytest.mark.mount

BLOCK = 4 * 1024 * 1024
SENT = pytest.mark.parametrize("sent", [False, True], ids=["pending", "sent"])


def settle(subject: Subject, sent: bool) -> None:
    if sent:
        subject.flush()


def raises(code: int) -> pytest.RaisesExc[OSError]:
    return pytest.RaisesExc(OSError, check=lambda error: error.errno == code)


@SENT
def test_a_written_file_is_read_back(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"hello")
    settle(subject, sent)
    assert subject.read(f"{top}/a") == b"hello"
    assert subject.names(top) == {"a"}
    assert subject.size(f"{top}/a") == 5


@SENT
@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
def test_sizes_around_the_block_size(subject: Subject, top: str, sent: bool, size: int) -> None:
    data = os.urandom(size)
    subject.write(f"{top}/a", data)
    settle(subject, sent)
    assert subject.read(f"{top}/a") == data


@SENT
def test_trailing_zeros_count(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"abc")
    subject.write(f"{top}/b", b"abc\0\0")
    settle(subject, sent)
    assert subject.read(f"{top}/a") == b"abc"
    assert subject.read(f"{top}/b") == b"abc\0\0"
    subject.write(f"{top}/a", b"abc\0")
    settle(subject, sent)
    assert subject.read(f"{top}/a") == b"abc\0"


@SENT
def test_a_patch_in_the_middle(subject: Subject, top: str, sent: bool) -> None:
    data = bytearray(os.urandom(2 * BLOCK + 100))
    subject.write(f"{top}/a", bytes(data))
    settle(subject, sent)
    for offset in (0, 17, BLOCK - 2, 2 * BLOCK + 50):
        subject.patch(f"{top}/a", offset, b"patch")
        data[offset : offset + 5] = b"patch"
    assert subject.read(f"{top}/a") == data
    settle(subject, sent)
    assert subject.read(f"{top}/a") == data


@SENT
def test_a_hole_reads_as_zeros(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"x")
    settle(subject, sent)
    subject.patch(f"{top}/a", BLOCK + 10, b"y")
    settle(subject, sent)
    assert subject.read(f"{top}/a") == b"x" + bytes(BLOCK + 9) + b"y"


@SENT
@pytest.mark.parametrize("size", [0, 3, BLOCK, BLOCK + 5, 3 * BLOCK])
def test_truncate(subject: Subject, top: str, sent: bool, size: int) -> None:
    data = os.urandom(BLOCK + 100)
    subject.write(f"{top}/a", data)
    settle(subject, sent)
    subject.truncate(f"{top}/a", size)
    wanted = data[:size] + bytes(max(0, size - len(data)))
    assert subject.size(f"{top}/a") == size
    assert subject.read(f"{top}/a") == wanted
    settle(subject, sent)
    assert subject.read(f"{top}/a") == wanted


def test_what_was_cut_off_does_not_come_back(subject: Subject, top: str) -> None:
    subject.write(f"{top}/a", b"secret words")
    subject.flush()
    subject.truncate(f"{top}/a", 3)
    subject.flush()
    subject.truncate(f"{top}/a", 12)
    assert subject.read(f"{top}/a") == b"sec" + bytes(9)


@SENT
def test_overwriting_is_one_file(subject: Subject, top: str, sent: bool) -> None:
    for content in (b"one", b"two, longer", b"3"):
        subject.write(f"{top}/a", content)
        settle(subject, sent)
        assert subject.read(f"{top}/a") == content
    assert subject.names(top) == {"a"}


def test_exclusive_creation(subject: Subject, top: str) -> None:
    subject.write(f"{top}/a", b"", exclusive=True)
    with raises(errno.EEXIST):
        subject.write(f"{top}/a", b"", exclusive=True)
    subject.flush()
    with raises(errno.EEXIST):
        subject.write(f"{top}/a", b"", exclusive=True)


@SENT
def test_folders(subject: Subject, top: str, sent: bool) -> None:
    subject.mkdir(f"{top}/d", 0o750)
    subject.mkdir(f"{top}/d/e")
    subject.write(f"{top}/d/e/f", b"deep")
    settle(subject, sent)
    assert subject.is_folder(f"{top}/d/e")
    assert stat.S_IMODE(subject.mode(f"{top}/d")) == 0o750
    assert subject.names(f"{top}/d") == {"e"}
    assert subject.read(f"{top}/d/e/f") == b"deep"
    with raises(errno.ENOTEMPTY):
        subject.rmdir(f"{top}/d")
    with raises(errno.EEXIST):
        subject.mkdir(f"{top}/d")
    with raises(errno.ENOTDIR):
        subject.rmdir(f"{top}/d/e/f")
    with raises(errno.EISDIR):
        subject.unlink(f"{top}/d/e")
    subject.unlink(f"{top}/d/e/f")
    settle(subject, sent)
    subject.rmdir(f"{top}/d/e")
    settle(subject, sent)
    assert subject.names(f"{top}/d") == set()
    subject.rmdir(f"{top}/d")
    settle(subject, sent)
    assert subject.names(top) == set()


def test_errors_about_names(subject: Subject, top: str) -> None:
    subject.write(f"{top}/file", b"")
    for operation in (
        lambda: subject.read(f"{top}/none"),
        lambda: subject.names(f"{top}/none"),
        lambda: subject.unlink(f"{top}/none"),
        lambda: subject.rmdir(f"{top}/none"),
        lambda: subject.rename(f"{top}/none", f"{top}/x"),
        lambda: subject.write(f"{top}/none/x", b""),
        lambda: subject.mkdir(f"{top}/none/x"),
        lambda: subject.chmod(f"{top}/none", 0o600),
        lambda: subject.truncate(f"{top}/none", 0),
    ):
        with raises(errno.ENOENT):
            operation()
    for operation in (
        lambda: subject.write(f"{top}/file/x", b""),
        lambda: subject.mkdir(f"{top}/file/x"),
        lambda: subject.names(f"{top}/file"),
    ):
        with raises(errno.ENOTDIR):
            operation()
    with raises(errno.EPERM):
        subject.link(f"{top}/file", f"{top}/other")


@SENT
def test_removal(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"1")
    settle(subject, sent)
    subject.unlink(f"{top}/a")
    assert not subject.exists(f"{top}/a")
    settle(subject, sent)
    assert not subject.exists(f"{top}/a")
    assert subject.names(top) == set()


@SENT
def test_a_name_can_be_used_again_at_once(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"1")
    settle(subject, sent)
    subject.unlink(f"{top}/a")
    subject.mkdir(f"{top}/a")
    settle(subject, sent)
    assert subject.is_folder(f"{top}/a")
    subject.rmdir(f"{top}/a")
    subject.write(f"{top}/a", b"2")
    settle(subject, sent)
    assert subject.read(f"{top}/a") == b"2"


@SENT
def test_rename_to_a_free_name(subject: Subject, top: str, sent: bool) -> None:
    data = os.urandom(BLOCK + 1)
    subject.write(f"{top}/a", data)
    subject.mkdir(f"{top}/d")
    settle(subject, sent)
    number = subject.ino(f"{top}/a")
    subject.rename(f"{top}/a", f"{top}/d/b")
    assert subject.names(top) == {"d"}
    assert subject.read(f"{top}/d/b") == data
    assert subject.ino(f"{top}/d/b") == number
    settle(subject, sent)
    assert subject.names(top) == {"d"}
    assert subject.read(f"{top}/d/b") == data


@pytest.mark.parametrize("target_sent", [False, True])
@pytest.mark.parametrize("source_sent", [False, True])
def test_rename_over_a_file(subject: Subject, top: str, source_sent: bool, target_sent: bool) -> None:
    subject.write(f"{top}/target", b"old")
    settle(subject, target_sent)
    subject.write(f"{top}/source", b"new content")
    settle(subject, source_sent)
    subject.rename(f"{top}/source", f"{top}/target")
    assert subject.names(top) == {"target"}
    assert subject.read(f"{top}/target") == b"new content"
    subject.flush()
    assert subject.names(top) == {"target"}
    assert subject.read(f"{top}/target") == b"new content"


@SENT
def test_rename_of_a_folder(subject: Subject, top: str, sent: bool) -> None:
    subject.mkdir(f"{top}/d")
    subject.mkdir(f"{top}/d/sub")
    for number in range(5):
        subject.write(f"{top}/d/sub/{number}", str(number).encode())
    settle(subject, sent)
    subject.write(f"{top}/d/late", b"late")
    subject.rename(f"{top}/d", f"{top}/e")
    for _ in range(2):
        assert subject.names(top) == {"e"}
        assert subject.names(f"{top}/e") == {"sub", "late"}
        assert subject.names(f"{top}/e/sub") == {"0", "1", "2", "3", "4"}
        assert subject.read(f"{top}/e/sub/3") == b"3"
        assert subject.read(f"{top}/e/late") == b"late"
        subject.flush()


@SENT
def test_rename_rules(subject: Subject, top: str, sent: bool) -> None:
    subject.mkdir(f"{top}/full")
    subject.write(f"{top}/full/x", b"")
    subject.mkdir(f"{top}/empty")
    subject.mkdir(f"{top}/other")
    subject.write(f"{top}/file", b"")
    settle(subject, sent)
    with raises(errno.ENOTEMPTY):
        subject.rename(f"{top}/empty", f"{top}/full")
    with raises(errno.ENOTDIR):
        subject.rename(f"{top}/empty", f"{top}/file")
    with raises(errno.EISDIR):
        subject.rename(f"{top}/file", f"{top}/empty")
    with raises(errno.EINVAL):
        subject.rename(f"{top}/full", f"{top}/full/inside")
    subject.rename(f"{top}/full", f"{top}/empty")
    subject.rename(f"{top}/file", f"{top}/file")
    subject.flush()
    assert subject.names(top) == {"empty", "other", "file"}
    assert subject.names(f"{top}/empty") == {"x"}


@SENT
def test_rename_between_containers(subject: Subject, top: str, sent: bool) -> None:
    other = top + "-other"
    subject.mkdir(other)
    subject.write(f"{top}/a", b"moves")
    subject.mkdir(f"{top}/d")
    subject.write(f"{top}/d/x", b"too")
    settle(subject, sent)
    subject.rename(f"{top}/a", f"{other}/a")
    subject.rename(f"{top}/d", f"{other}/d")
    assert subject.read(f"{other}/a") == b"moves"
    assert subject.read(f"{other}/d/x") == b"too"
    assert subject.names(top) == set()
    subject.flush()
    assert subject.read(f"{other}/a") == b"moves"
    assert subject.read(f"{other}/d/x") == b"too"


@SENT
def test_symlinks(subject: Subject, top: str, sent: bool) -> None:
    long = "x" * 300 + "/é"
    subject.symlink("target/of it", f"{top}/s")
    subject.symlink(long, f"{top}/long")
    settle(subject, sent)
    assert stat.S_ISLNK(subject.mode(f"{top}/s"))
    assert subject.readlink(f"{top}/s") == "target/of it"
    assert subject.readlink(f"{top}/long") == long
    assert subject.size(f"{top}/s") == len("target/of it")
    subject.rename(f"{top}/s", f"{top}/t")
    subject.unlink(f"{top}/long")
    settle(subject, sent)
    assert subject.readlink(f"{top}/t") == "target/of it"
    assert subject.names(top) == {"t"}


@SENT
def test_mode_and_time(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"x", mode=0o640)
    subject.mkdir(f"{top}/d")
    settle(subject, sent)
    assert stat.S_IMODE(subject.mode(f"{top}/a")) == 0o640
    for path in (f"{top}/a", f"{top}/d"):
        subject.chmod(path, 0o711)
        subject.utime(path, 1_234_567_890_123_456_789)
    for _ in range(2):
        for path in (f"{top}/a", f"{top}/d"):
            assert stat.S_IMODE(subject.mode(path)) == 0o711
            assert subject.mtime_ns(path) == 1_234_567_890_123_456_789
        assert subject.read(f"{top}/a") == b"x"
        subject.flush()


@SENT
def test_odd_names(subject: Subject, top: str, sent: bool) -> None:
    odd = ["new\nline", "\udcff\udcfebytes", "back\\slash", "quo\u201bte", "\u240a", "%41", "a b?#&+", "é", "..."]
    for name in odd:
        subject.write(f"{top}/{name}", name.encode("utf-8", "surrogateescape"))
    settle(subject, sent)
    assert subject.names(top) == set(odd)
    for name in odd:
        assert subject.read(f"{top}/{name}") == name.encode("utf-8", "surrogateescape")


def test_long_names(subject: Subject, top: str) -> None:
    subject.write(f"{top}/{'n' * 255}", b"fits")
    with raises(errno.ENAMETOOLONG):
        subject.write(f"{top}/{'n' * 256}", b"")
    with raises(errno.ENAMETOOLONG):
        subject.mkdir(f"{top}/{'é' * 128}")
    subject.flush()
    assert subject.read(f"{top}/{'n' * 255}") == b"fits"


# extended attributes --------------------------------------------------------------------------------------------------


def test_attributes_of_a_sent_file(subject: Subject, top: str) -> None:
    subject.write(f"{top}/a.txt", b"hello world")
    assert subject.getxattr(f"{top}/a.txt", "user.pithos.state") == b"pending"
    subject.flush()
    get = subject.getxattr
    assert get(f"{top}/a.txt", "user.pithos.state") == b"clean"
    root = b"b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
    assert get(f"{top}/a.txt", "user.pithos.hash") == root
    assert get(f"{top}/a.txt", "user.pithos.content_type") == b"text/plain"
    assert get(f"{top}/a.txt", "user.pithos.version").isdigit()
    assert len(get(f"{top}/a.txt", "user.pithos.uuid")) == 36
    names = subject.listxattr(f"{top}/a.txt")
    assert {"user.pithos.version", "user.pithos.hash", "user.pithos.state"} <= names
    assert "user.pithos.public" not in names
    with raises(errno.ENODATA):
        get(f"{top}/a.txt", "user.pithos.public")
    with raises(errno.ENODATA):
        get(f"{top}/a.txt", "user.other")


@SENT
def test_metadata(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"x")
    settle(subject, sent)
    subject.setxattr(f"{top}/a", "user.pithos.meta.colour", "grün".encode())
    subject.setxattr(f"{top}/a", "user.pithos.meta.shape", b"round")
    subject.setxattr(f"{top}/a", "user.pithos.content_type", b"image/svg+xml")
    settle(subject, sent)
    assert subject.getxattr(f"{top}/a", "user.pithos.meta.colour") == "grün".encode()
    subject.removexattr(f"{top}/a", "user.pithos.meta.shape")
    subject.flush()
    assert subject.getxattr(f"{top}/a", "user.pithos.meta.colour") == "grün".encode()
    assert subject.getxattr(f"{top}/a", "user.pithos.content_type") == b"image/svg+xml"
    assert "user.pithos.meta.shape" not in subject.listxattr(f"{top}/a")
    assert subject.read(f"{top}/a") == b"x"


def test_publication(subject: Subject, top: str) -> None:
    subject.write(f"{top}/a", b"x")
    subject.setxattr(f"{top}/a", "user.pithos.public", b"1")
    url = subject.getxattr(f"{top}/a", "user.pithos.public")
    assert url.startswith(b"http")
    subject.write(f"{top}/a", b"y")
    subject.flush()
    assert subject.getxattr(f"{top}/a", "user.pithos.public") == url
    subject.removexattr(f"{top}/a", "user.pithos.public")
    with raises(errno.ENODATA):
        subject.getxattr(f"{top}/a", "user.pithos.public")


def test_an_editors_save_keeps_the_file(subject: Subject, top: str) -> None:
    for content in (b"1", b"22", b"333"):
        subject.write(f"{top}/a", content)
        subject.flush()
    subject.setxattr(f"{top}/a", "user.pithos.sharing.read", b"*")
    subject.setxattr(f"{top}/a", "user.pithos.public", b"1")
    url = subject.getxattr(f"{top}/a", "user.pithos.public")
    uuid = subject.getxattr(f"{top}/a", "user.pithos.uuid")
    before = subject.getxattr(f"{top}/a", "user.pithos.versions").splitlines()
    subject.write(f"{top}/.a.tmp", b"4444")
    subject.rename(f"{top}/.a.tmp", f"{top}/a")
    subject.flush()
    after = subject.getxattr(f"{top}/a", "user.pithos.versions").splitlines()
    assert len(after) == len(before) + 1
    assert subject.getxattr(f"{top}/a", "user.pithos.sharing.read") == b"*"
    assert subject.getxattr(f"{top}/a", "user.pithos.public") == url
    assert subject.getxattr(f"{top}/a", "user.pithos.uuid") == uuid
    assert subject.read(f"{top}/a") == b"4444"


@SENT
def test_a_new_file_does_not_inherit_a_deleted_ones_readers(subject: Subject, top: str, sent: bool) -> None:
    subject.write(f"{top}/a", b"for all")
    subject.flush()
    subject.setxattr(f"{top}/a", "user.pithos.sharing.read", b"*")
    subject.unlink(f"{top}/a")
    settle(subject, sent)
    subject.write(f"{top}/a", b"private")
    subject.flush()
    with raises(errno.ENODATA):
        subject.getxattr(f"{top}/a", "user.pithos.sharing.read")


def test_sharing_follows_a_rename(subject: Subject, top: str) -> None:
    subject.mkdir(f"{top}/d")
    subject.write(f"{top}/d/a", b"x")
    subject.flush()
    subject.setxattr(f"{top}/d/a", "user.pithos.sharing.read", b"*")
    subject.rename(f"{top}/d/a", f"{top}/d/b")
    assert subject.getxattr(f"{top}/d/b", "user.pithos.sharing.read") == b"*"
    subject.rename(f"{top}/d", f"{top}/e")
    assert subject.getxattr(f"{top}/e/b", "user.pithos.sharing.read") == b"*"
    subject.removexattr(f"{top}/e/b", "user.pithos.sharing.read")
    with raises(errno.ENODATA):
        subject.getxattr(f"{top}/e/b", "user.pithos.sharing.read")


def test_container_policy(subject: Subject, top: str) -> None:
    assert subject.getxattr(top, "user.pithos.policy.versioning") == b"auto"
    subject.setxattr(top, "user.pithos.policy.quota", b"1000000")
    assert subject.getxattr(top, "user.pithos.policy.quota") == b"1000000"
    assert subject.getxattr(top, "user.pithos.policy.versioning") == b"auto"
    with raises(errno.EINVAL):
        subject.setxattr(top, "user.pithos.policy.versioning", b"sometimes")


def test_versions(subject: Subject, top: str) -> None:
    contents = [b"first", b"second", b"third", b"fourth", b"fifth"]
    for content in contents:
        subject.write(f"{top}/a", content)
        subject.flush()
    lines = subject.getxattr(f"{top}/a", "user.pithos.versions").decode().splitlines()
    ids = [line.split()[0] for line in lines]
    assert [int(line.split()[-1]) for line in lines] == [len(content) for content in contents]
    folder = f"/.versions{top}/a"
    assert subject.names(folder) == set(ids)
    assert [subject.read(f"{folder}/{one}") for one in ids] == contents
    assert [subject.size(f"{folder}/{one}") for one in ids] == [len(content) for content in contents]
    with raises(errno.EROFS):
        subject.write(f"{folder}/{ids[0]}", b"no")
    subject.unlink(f"{top}/a")
    subject.flush()
    assert subject.read(f"{folder}/{ids[1]}") == b"second"


# containers -----------------------------------------------------------------------------------------------------------


def test_containers_are_the_folders_at_the_top(subject: Subject, top: str) -> None:
    new = top + "-new"
    subject.mkdir(new)
    assert new[1:] in subject.names("/")
    assert subject.is_folder(new)
    subject.write(f"{new}/a", b"x")
    with raises(errno.ENOTEMPTY):
        subject.rmdir(new)
    subject.flush()
    with raises(errno.ENOTEMPTY):
        subject.rmdir(new)
    subject.unlink(f"{new}/a")
    subject.rmdir(new)
    assert new[1:] not in subject.names("/")
    with raises(errno.EPERM):
        subject.write("/file-at-the-top", b"")
    with raises(errno.EXDEV):
        subject.rename(top, new)
    assert ".versions" not in subject.names("/")
    assert ".shared" not in subject.names("/")
    assert subject.is_folder("/.versions")
    assert subject.is_folder("/.shared")
