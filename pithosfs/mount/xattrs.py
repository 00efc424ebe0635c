"""The extended attributes `user.pithos.*` (design, section 5).

This module formats what the server told and parses what programs set. Setting only yields a `Change`, which the file
system carries out: metadata of a file that is still pending is folded into what is pending.

What cannot be set answers ENOTSUP, which programs that copy all attributes of a file (`cp -a`, `mv`) pass over.
"""

from __future__ import annotations

import errno
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pithosfs.config import parse_size
from pithosfs.errors import NotFound, UsageError
from pithosfs.mount.attributes import MAX_VALUE, OWN_KEYS, SYMLINK_TYPE, is_storable
from pithosfs.store.seam import DIRECTORY_TYPES, ContainerInfo, ObjectInfo, ObjectPath, ObjectStore, Sharing

__all__ = ["PREFIX", "Change", "Xattrs"]

PREFIX = "user.pithos."
_META = "meta."
_POLICY = "policy."
_POLICIES = ("versioning", "quota", "project")

_OBJECT: dict[str, Callable[[ObjectInfo], str | None]] = {
    "version": lambda info: info.version,
    "hash": lambda info: info.hash,
    "etag": lambda info: info.etag,
    "content_type": lambda info: info.content_type,
    "modified_by": lambda info: info.modified_by,
    "uuid": lambda info: info.uuid,
    "public": lambda info: info.public,
}

# 32 items fit on an object, 3 of which may be Content-Encoding and the like (object-store.md 3.4); ours come first.
MOST_KEYS = 32 - 3 - len(OWN_KEYS)
LONGEST_KEY = 128 - len("X-Object-Meta-")
LONGEST_TYPE = 255
# The newest versions that are told: with some 50 bytes a line they stay below the kernel's 64 KiB for a value.
MOST_VERSIONS = 1000
HEADS_AT_ONCE = 16
REMEMBERED_SIZES = 20_000

_MEDIA_TYPE = re.compile(r"[!#$&^_.+\-A-Za-z0-9]+/[!#$&^_.+\-A-Za-z0-9]+( *;[ -~]*)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What setting or removing an attribute asks for; exactly one field is not None.

    `meta`: user metadata keys to set, or to remove (None). `sharing`: the new rule, an empty one ends it. `policy`: the
    container policies to change.
    """

    meta: Mapping[str, str | None] | None = None
    content_type: str | None = None
    sharing: Sharing | None = None
    public: bool | None = None
    policy: Mapping[str, str] | None = None


class Xattrs:
    """The table of attributes of objects and containers. Thread-safe.

    `subject` is what the server told of the path, with what is pending merged in; `state` is the word for
    `user.pithos.state`.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] = OrderedDict()

    # reading --------------------------------------------------------------------------------------------------------

    def list(self, path: ObjectPath, subject: ObjectInfo | ContainerInfo, state: str) -> list[str]:
        """Full names of the attributes that are there. Asks the server nothing."""
        if isinstance(subject, ContainerInfo):
            return [PREFIX + _POLICY + name for name in _POLICIES if subject.policy.get(name)]
        names = [name for name, told in _OBJECT.items() if told(subject)]
        if subject.version and self._store.capabilities.versions:
            names.append("versions")
        rule = _own_rule(subject)
        names += [f"sharing.{part}" for part in ("read", "write") if getattr(rule, part)]
        names += [_META + key for key in sorted(_shown_meta(subject))]
        return [PREFIX + name for name in [*names, "state"]]

    def get(self, path: ObjectPath, subject: ObjectInfo | ContainerInfo, name: str, state: str) -> bytes:
        """The value of an attribute. Raises ENODATA when it is not there, ENOTSUP outside of `user.pithos.`."""
        value = self._value(path, subject, _short(name), state)
        if value is None:
            raise _oserror(errno.ENODATA, path)
        return value.encode("utf-8", "replace")

    def _value(self, path: ObjectPath, subject: ObjectInfo | ContainerInfo, name: str, state: str) -> str | None:
        if isinstance(subject, ContainerInfo):
            policy = name.removeprefix(_POLICY)
            return subject.policy.get(policy) or None if policy != name and policy in _POLICIES else None
        if name in _OBJECT:
            return _OBJECT[name](subject) or None
        if name == "state":
            return state
        if name == "versions":
            return self._versions(path) if subject.version and self._store.capabilities.versions else None
        if name in ("sharing.read", "sharing.write"):
            who = getattr(_own_rule(subject), name.rpartition(".")[2])
            return ",".join(self._shown(who)) or None
        if name.startswith(_META):
            return _shown_meta(subject).get(_key(name))
        return None

    def _shown(self, principals: tuple[str, ...]) -> Iterator[str]:
        """Principals of a rule with user names where the cloud knows them."""
        accounts = sorted({one.partition(":")[0] for one in principals if one != "*"})
        names = self._store.user_names(accounts) if accounts else {}
        for one in principals:
            account, colon, group = one.partition(":")
            yield names.get(account, account) + colon + group

    def _versions(self, path: ObjectPath) -> str | None:
        """One line a version, oldest first: id, time (ISO 8601, UTC), size. The newest thousand at most."""
        try:
            history = self._store.versions(path)[-MOST_VERSIONS:]
        except NotFound:
            return None
        with self._lock:
            sizes = {one.version: self._sizes[one.version] for one in history if one.version in self._sizes}
        unknown = [one.version for one in history if one.version not in sizes]
        if unknown:
            with ThreadPoolExecutor(min(HEADS_AT_ONCE, len(unknown)), thread_name_prefix="versions") as pool:
                found = pool.map(lambda version: self._size(path, version), unknown)
                learnt = {version: size for version, size in zip(unknown, found, strict=True) if size is not None}
            sizes.update(learnt)
            with self._lock:
                self._sizes.update(learnt)
                while len(self._sizes) > REMEMBERED_SIZES:
                    self._sizes.popitem(last=False)
        lines = [
            f"{one.version} {_iso(one.modified_ns)} {sizes[one.version]}" for one in history if one.version in sizes
        ]
        return "\n".join(lines) or None

    def _size(self, path: ObjectPath, version: str) -> int | None:
        try:
            return self._store.head(path, version).size
        except NotFound:
            return None  # purged since the list was made

    # changing -------------------------------------------------------------------------------------------------------

    def set(
        self,
        path: ObjectPath,
        subject: ObjectInfo | ContainerInfo,
        name: str,
        value: bytes,
        *,
        create: bool = False,
        replace: bool = False,
    ) -> Change:
        """The change that sets an attribute.

        Raises EEXIST (`create`) and ENODATA (`replace`) as setxattr(2), EINVAL for a value that makes no sense there
        or would not come back as it is, E2BIG for a longer one than the server keeps, ENOSPC for one key too many,
        ENOTSUP for what cannot be set.
        """
        short = _short(name)
        if create or replace:
            there = self._exists(path, subject, short)
            if create and there:
                raise _oserror(errno.EEXIST, path)
            if replace and not there:
                raise _oserror(errno.ENODATA, path)
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise _oserror(errno.EINVAL, path) from None
        if isinstance(subject, ContainerInfo):
            return self._set_policy(path, short, text)
        if short.startswith(_META):
            return _set_meta(path, subject, _key(short), text)
        if short == "content_type":
            return _set_type(path, subject, text)
        capabilities = self._store.capabilities
        if short in ("sharing.read", "sharing.write") and capabilities.sharing:
            who = self._principals(path, text)
            return Change(sharing=_with_part(_own_rule(subject), short, who))
        if short == "public" and capabilities.public_links:
            wanted = {"1": True, "true": True, "0": False, "false": False}.get(text.strip().lower())
            if wanted is None:
                raise _oserror(errno.EINVAL, path)
            return Change(public=wanted)
        raise _oserror(errno.ENOTSUP, path)

    def remove(self, path: ObjectPath, subject: ObjectInfo | ContainerInfo, name: str) -> Change:
        """The change that removes an attribute. Raises ENODATA when it is not there, ENOTSUP when it must stay."""
        short = _short(name)
        if not self._exists(path, subject, short):
            raise _oserror(errno.ENODATA, path)
        if isinstance(subject, ObjectInfo):
            if short.startswith(_META):
                return Change(meta={_key(short): None})
            if short in ("sharing.read", "sharing.write"):
                return Change(sharing=_with_part(_own_rule(subject), short, ()))
            if short == "public":
                return Change(public=False)
        raise _oserror(errno.ENOTSUP, path)

    def _exists(self, path: ObjectPath, subject: ObjectInfo | ContainerInfo, short: str) -> bool:
        if short.startswith(_META) and isinstance(subject, ObjectInfo):
            return _key(short) in _shown_meta(subject)
        return PREFIX + short in self.list(path, subject, "")

    def _principals(self, path: ObjectPath, text: str) -> tuple[str, ...]:
        """Ids for a comma-separated list of user names, ids, `account:group` and `*`. Unknown ones: EINVAL."""
        wanted = [one.strip() for one in text.split(",") if one.strip()]
        accounts = sorted({one.partition(":")[0] for one in wanted if one != "*"})
        ids = self._store.user_ids(accounts) if accounts else {}
        unnamed = [one for one in accounts if one not in ids]
        known_ids = self._store.user_names([one.lower() for one in unnamed]) if unnamed else {}
        found: dict[str, None] = {}  # each once, in order
        for one in wanted:
            if one == "*":
                return ("*",)  # everybody: the others in the list are among them
            account, colon, group = one.partition(":")
            known = account in ids or account.lower() in known_ids
            if not known or bool(colon) != bool(group):
                raise _oserror(errno.EINVAL, path)
            found[ids.get(account, account.lower()) + colon + group.lower()] = None
        return tuple(found)

    def _set_policy(self, path: ObjectPath, short: str, text: str) -> Change:
        name = short.removeprefix(_POLICY)
        if short == name or name not in _POLICIES or not self._store.capabilities.policies:
            raise _oserror(errno.ENOTSUP, path)
        text = text.strip()
        if name == "quota":
            try:
                text = str(parse_size(text))
            except UsageError:
                raise _oserror(errno.EINVAL, path) from None
        if (name == "versioning" and text not in ("auto", "none")) or not is_storable(text):
            raise _oserror(errno.EINVAL, path)
        return Change(policy={name: text})


def _short(name: str) -> str:
    if not name.startswith(PREFIX):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), name)
    return name[len(PREFIX) :]


def _key(short: str) -> str:
    """The metadata key that an attribute name means: the server keeps no case and no `_` (object-store.md 13)."""
    return short[len(_META) :].lower().replace("_", "-")


def _shown_meta(info: ObjectInfo) -> dict[str, str]:
    return {key: value for key, value in (info.meta or {}).items() if key not in OWN_KEYS}


def _own_rule(info: ObjectInfo) -> Sharing:
    """The rule that the object carries itself: a rule it inherits cannot be changed or copied with it."""
    return info.sharing if info.sharing is not None and info.shared_by is None else Sharing()


def _with_part(rule: Sharing, short: str, who: tuple[str, ...]) -> Sharing:
    """The rule with one of its lists replaced. Who may write stays on that list alone: it includes reading."""
    if short == "sharing.write":
        rule = replace(rule, write=who)
    return replace(
        rule, read=tuple(one for one in (who if short == "sharing.read" else rule.read) if one not in rule.write)
    )


def _set_meta(path: ObjectPath, info: ObjectInfo, key: str, text: str) -> Change:
    if key in OWN_KEYS:
        raise _oserror(errno.EPERM, path)  # chmod, chown, touch and ln are the ways to change those
    if not key or not key.isprintable() or "~" in key:
        raise _oserror(errno.EINVAL, path)
    if len(key) > LONGEST_KEY or len(text) > MAX_VALUE:
        raise _oserror(errno.E2BIG, path)
    if not is_storable(text):
        raise _oserror(errno.EINVAL, path)
    shown = _shown_meta(info)
    if key not in shown and len(shown) >= MOST_KEYS:
        raise _oserror(errno.ENOSPC, path)
    return Change(meta={key: text})


def _set_type(path: ObjectPath, info: ObjectInfo, text: str) -> Change:
    """A content type. It must not turn a file into a folder or symlink, or the reverse."""
    text = text.strip()
    if len(text) > LONGEST_TYPE:
        raise _oserror(errno.E2BIG, path)
    if not _MEDIA_TYPE.fullmatch(text) or _family(text) != _family(info.content_type):
        raise _oserror(errno.EINVAL, path)
    return Change(content_type=text)


def _family(content_type: str) -> str:
    media = content_type.partition(";")[0].strip().lower()
    return "folder" if media in DIRECTORY_TYPES else "symlink" if media == SYMLINK_TYPE else "file"


def _iso(ns: int) -> str:
    return (_EPOCH + timedelta(microseconds=ns // 1000)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _oserror(code: int, path: ObjectPath) -> OSError:
    return OSError(code, os.strerror(code), str(path))
