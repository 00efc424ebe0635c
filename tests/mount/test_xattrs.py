"""Extended attributes: the table of what shows, what can be set, and what is refused and how."""

from __future__ import annotations

import errno
import re
from dataclasses import replace

import pytest
from fixtures.clouds import TestCloud, User

from pithosfs.mount.xattrs import MOST_KEYS, PREFIX, Change, Xattrs
from pithosfs.store import ContainerInfo, ObjectInfo, ObjectPath, Sharing

DIRECTORY = "application/directory"


class Subject:
    """One object of a user, with the short names of its attributes."""

    def __init__(self, user: User, other: User, name: str) -> None:
        self.user = user
        self.other = other
        self.store = user.store
        self.xattrs = Xattrs(user.store)
        self.path = ObjectPath(user.uuid, "pithos", name)
        self.info: ObjectInfo | ContainerInfo = self.put(b"content")

    def put(self, data: bytes, content_type: str = "text/plain", **meta: str) -> ObjectInfo:
        self.store.put_object(self.path, data, content_type=content_type, meta=meta, base=None)
        return self.look()

    def look(self) -> ObjectInfo:
        self.info = self.store.head(self.path)
        return self.info

    def names(self) -> set[str]:
        found = self.xattrs.list(self.path, self.info, "clean")
        assert len(found) == len(set(found))
        assert all(one.startswith(PREFIX) for one in found)
        # Whatever is listed can be read, and nothing else.
        for one in found:
            self.xattrs.get(self.path, self.info, one, "clean")
        return {one.removeprefix(PREFIX) for one in found}

    def get(self, name: str, state: str = "clean") -> str:
        return self.xattrs.get(self.path, self.info, PREFIX + name, state).decode()

    def set(self, name: str, value: str | bytes, *, create: bool = False, replace: bool = False) -> Change:
        raw = value.encode() if isinstance(value, str) else value
        return self.xattrs.set(self.path, self.info, PREFIX + name, raw, create=create, replace=replace)

    def remove(self, name: str) -> Change:
        return self.xattrs.remove(self.path, self.info, PREFIX + name)


@pytest.fixture
def subject(cloud: TestCloud) -> Subject:
    return Subject(cloud.user("xattr"), cloud.user("other"), "file.txt")


def refuses(code: int) -> pytest.RaisesExc[OSError]:
    return pytest.raises(OSError, check=lambda error: error.errno == code)


# reading --------------------------------------------------------------------------------------------------------------


def test_a_plain_file(subject: Subject) -> None:
    info = subject.look()
    assert subject.names() == {
        "version", "hash", "etag", "content_type", "modified_by", "uuid", "versions", "state",
    }  # fmt: skip
    assert subject.get("version") == info.version
    assert subject.get("hash") == subject.get("etag") == info.hash
    assert subject.get("content_type") == "text/plain"
    assert subject.get("modified_by") == subject.user.uuid
    assert subject.get("uuid") == info.uuid
    assert subject.get("state", "uploading") == "uploading"


@pytest.mark.parametrize("name", ["sharing.read", "public", "meta.x", "policy.quota", "nothing", "", "meta."])
def test_what_is_not_there(subject: Subject, name: str) -> None:
    with refuses(errno.ENODATA):
        subject.get(name)
    with refuses(errno.ENODATA):
        subject.remove(name)


@pytest.mark.parametrize("name", ["user.other", "security.selinux", "system.posix_acl_access", "trusted.x"])
def test_other_namespaces(subject: Subject, name: str) -> None:
    with refuses(errno.ENOTSUP):
        subject.xattrs.get(subject.path, subject.info, name, "clean")
    with refuses(errno.ENOTSUP):
        subject.xattrs.set(subject.path, subject.info, name, b"x")
    with refuses(errno.ENOTSUP):
        subject.xattrs.remove(subject.path, subject.info, name)


def test_something_that_was_never_sent(subject: Subject) -> None:
    subject.info = ObjectInfo("new", 0, "text/plain", "", "", 0, meta={"color": "red", "mode": "644"})
    assert subject.names() == {"content_type", "meta.color", "state"}
    with refuses(errno.ENODATA):
        subject.get("versions")


def test_metadata_without_our_own_keys(subject: Subject) -> None:
    subject.put(b"x", color="rot 100 %", mode="644", mtime="1.000000000", owner="root")
    assert {one for one in subject.names() if one.startswith("meta.")} == {"meta.color"}
    assert subject.get("meta.color") == subject.get("meta.COLOR") == "rot 100 %"
    with refuses(errno.ENODATA):
        subject.get("meta.mode")


def test_versions(subject: Subject) -> None:
    for size in (3, 0, 70):
        subject.put(b"x" * size)
    lines = [line.split(" ") for line in subject.get("versions").split("\n")]
    assert [int(size) for _, _, size in lines] == [7, 3, 0, 70]
    assert [version for version, _, _ in lines] == [one.version for one in subject.store.versions(subject.path)]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", when) for _, when, _ in lines)
    assert sorted(when for _, when, _ in lines) == [when for _, when, _ in lines]
    subject.store.delete(subject.path)
    assert len(subject.get("versions").split("\n")) == 4


def test_sharing_shows_user_names(subject: Subject) -> None:
    stranger = "00000000-0000-0000-0000-000000000001"
    rule = Sharing((subject.other.uuid, f"{subject.other.uuid}:friends", stranger), (subject.user.uuid,))
    subject.store.set_sharing(subject.path, rule)
    subject.look()
    assert {"sharing.read", "sharing.write"} <= subject.names()
    assert set(subject.get("sharing.read").split(",")) == {
        subject.other.name,
        f"{subject.other.name}:friends",
        stranger,
    }
    assert subject.get("sharing.write") == subject.user.name
    subject.store.set_sharing(subject.path, Sharing(("*",)))
    subject.look()
    assert subject.get("sharing.read") == "*"
    with refuses(errno.ENODATA):
        subject.get("sharing.write")


def test_a_rule_that_is_inherited_is_not_shown_as_the_files_own(subject: Subject) -> None:
    folder = replace(subject.path, name="folder")
    subject.store.put_object(
        folder, b"", content_type=DIRECTORY, meta={}, base=None, sharing=Sharing((subject.other.uuid,))
    )
    subject.path = replace(subject.path, name="folder/inside")
    subject.put(b"x")
    assert "sharing.read" not in subject.names()


def test_publication(subject: Subject) -> None:
    url = subject.store.set_public(subject.path, True)
    subject.look()
    assert "public" in subject.names()
    assert subject.get("public") == url


def test_a_container(subject: Subject) -> None:
    subject.info = subject.store.container("pithos")
    assert subject.names() == {"policy.versioning", "policy.quota", "policy.project"}
    assert subject.get("policy.versioning") == "auto"
    assert subject.get("policy.quota") == "0"
    for name in ("state", "policy.color", "versioning", "meta.x", "version"):
        with refuses(errno.ENODATA):
            subject.get(name)


# setting --------------------------------------------------------------------------------------------------------------


def test_setting_metadata(subject: Subject) -> None:
    assert subject.set("meta.color", "grün & gelb %") == Change(meta={"color": "grün & gelb %"})
    assert subject.set("meta.My_Key", "v") == Change(meta={"my-key": "v"})
    subject.put(b"x", color="red")
    assert subject.remove("meta.color") == Change(meta={"color": None})
    # What comes back from the server is what was set.
    for value in ("grün & gelb %", "a,b;c=d", "%41", "x" * 256, "ü" * 256):
        change = subject.set("meta.color", value)
        assert change.meta is not None
        subject.store.update_meta(subject.path, change.meta)
        subject.look()
        assert subject.get("meta.color") == value


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("meta.color", "", errno.EINVAL),
        ("meta.color", "a~b", errno.EINVAL),  # the server would drop it
        ("meta.color", "a\nb", errno.EINVAL),
        ("meta.color", b"\xff", errno.EINVAL),
        ("meta.color", "x" * 257, errno.E2BIG),
        ("meta." + "k" * 200, "x", errno.E2BIG),
        ("meta.", "x", errno.EINVAL),
        ("meta.a~", "x", errno.EINVAL),
        ("meta.mode", "777", errno.EPERM),
        ("meta.MTIME", "1", errno.EPERM),
        ("meta.symlink_target", "/etc/passwd", errno.EPERM),
        ("content_type", "", errno.EINVAL),
        ("content_type", "text", errno.EINVAL),
        ("content_type", "text/plain\nX: y", errno.EINVAL),
        ("content_type", "text/ü", errno.EINVAL),
        ("content_type", "application/directory", errno.EINVAL),
        ("content_type", "Application/Folder; x=y", errno.EINVAL),
        ("content_type", "inode/symlink", errno.EINVAL),
        ("content_type", "a/" + "b" * 300, errno.E2BIG),
        ("sharing.read", "nobody-of-that-name", errno.EINVAL),
        ("sharing.read", "00000000-0000-0000-0000-000000000001", errno.EINVAL),
        ("sharing.write", ":group", errno.EINVAL),
        ("public", "https://example.org/", errno.EINVAL),
        ("public", "", errno.EINVAL),
        ("version", "1", errno.ENOTSUP),
        ("hash", "1", errno.ENOTSUP),
        ("versions", "1", errno.ENOTSUP),
        ("state", "clean", errno.ENOTSUP),
        ("policy.quota", "1", errno.ENOTSUP),
        ("new", "1", errno.ENOTSUP),
    ],
)
def test_what_cannot_be_set(subject: Subject, name: str, value: str | bytes, code: int) -> None:
    with refuses(code):
        subject.set(name, value)


def test_create_and_replace(subject: Subject) -> None:
    with refuses(errno.ENODATA):
        subject.set("meta.color", "x", replace=True)
    assert subject.set("meta.color", "x", create=True) == Change(meta={"color": "x"})
    subject.put(b"x", color="red")
    with refuses(errno.EEXIST):
        subject.set("meta.Color", "x", create=True)
    assert subject.set("meta.color", "x", replace=True) == Change(meta={"color": "x"})
    with refuses(errno.EEXIST):
        subject.set("content_type", "text/html", create=True)


def test_only_so_much_metadata_fits(subject: Subject) -> None:
    full = {f"k{number}": "v" for number in range(MOST_KEYS)}
    ours = {"mode": "644", "mtime": "1.000000000", "owner": "o", "group": "g", "symlink-target": "t"}
    info = subject.put(b"x", **full, **ours)  # the server takes that much
    assert info.meta == full | ours
    with refuses(errno.ENOSPC):
        subject.set("meta.more", "x")
    assert subject.set("meta.k1", "x") == Change(meta={"k1": "x"})


def test_content_types(subject: Subject) -> None:
    assert subject.set("content_type", "image/svg+xml; charset=utf-8") == Change(
        content_type="image/svg+xml; charset=utf-8"
    )
    subject.put(b"", DIRECTORY)
    assert subject.set("content_type", "application/folder") == Change(content_type="application/folder")
    with refuses(errno.EINVAL):
        subject.set("content_type", "text/plain")
    with refuses(errno.ENOTSUP):
        subject.remove("content_type")


def test_sharing_takes_names_and_ids(subject: Subject) -> None:
    other, me = subject.other, subject.user
    assert subject.set("sharing.read", f" {other.name} , {me.uuid.upper()},{other.uuid}") == Change(
        sharing=Sharing((other.uuid, me.uuid))
    )
    assert subject.set("sharing.read", f"{other.name}:Friends") == Change(sharing=Sharing((f"{other.uuid}:friends",)))
    assert subject.set("sharing.write", f"*,{other.name}") == Change(sharing=Sharing((), ("*",)))
    assert subject.set("sharing.read", "") == Change(sharing=Sharing())


def test_one_list_of_a_rule_leaves_the_other(subject: Subject) -> None:
    other, me = subject.other.uuid, subject.user.uuid
    subject.store.set_sharing(subject.path, Sharing((other,), (me,)))
    subject.look()
    assert subject.set("sharing.read", "*") == Change(sharing=Sharing(("*",), (me,)))
    assert subject.remove("sharing.read") == Change(sharing=Sharing((), (me,)))
    assert subject.remove("sharing.write") == Change(sharing=Sharing((other,)))
    # Who may write may read: nobody is on both lists, as the server has it.
    assert subject.set("sharing.write", other) == Change(sharing=Sharing((), (other,)))
    change = subject.set("sharing.read", f"{me},{other}")
    assert change == Change(sharing=Sharing((other,), (me,)))
    assert change.sharing is not None
    subject.store.set_sharing(subject.path, change.sharing)
    assert subject.look().sharing == change.sharing


def test_publishing(subject: Subject) -> None:
    assert subject.set("public", "1") == Change(public=True)
    assert subject.set("public", "0") == Change(public=False)
    subject.store.set_public(subject.path, True)
    subject.look()
    assert subject.remove("public") == Change(public=False)


@pytest.mark.parametrize(
    ("name", "value", "policy"),
    [
        ("policy.versioning", "none", {"versioning": "none"}),
        ("policy.quota", "1000", {"quota": "1000"}),
        ("policy.quota", "2 MiB", {"quota": str(2 << 20)}),
        ("policy.project", "some-project", {"project": "some-project"}),
    ],
)
def test_policies(subject: Subject, name: str, value: str, policy: dict[str, str]) -> None:
    subject.info = subject.store.container("pithos")
    assert subject.set(name, value) == Change(policy=policy)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("policy.versioning", "manual", errno.EINVAL),
        ("policy.quota", "-1", errno.EINVAL),
        ("policy.quota", "much", errno.EINVAL),
        ("policy.project", "", errno.EINVAL),
        ("policy.color", "red", errno.ENOTSUP),
        ("quota", "1", errno.ENOTSUP),
        ("meta.x", "1", errno.ENOTSUP),
        ("sharing.read", "*", errno.ENOTSUP),
        ("public", "1", errno.ENOTSUP),
        ("content_type", "text/plain", errno.ENOTSUP),
    ],
)
def test_policies_that_cannot_be_set(subject: Subject, name: str, value: str, code: int) -> None:
    subject.info = subject.store.container("pithos")
    with refuses(code):
        subject.set(name, value)


def test_policies_stay(subject: Subject) -> None:
    subject.info = subject.store.container("pithos")
    with refuses(errno.ENOTSUP):
        subject.remove("policy.quota")
    assert subject.set("policy.quota", "1", replace=True) == Change(policy={"quota": "1"})
    with refuses(errno.EEXIST):
        subject.set("policy.quota", "1", create=True)
