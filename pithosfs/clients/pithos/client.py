"""The working layer above the requests: `PithosClient`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, cast

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.contents import ContentClient, conditions
from pithosfs.clients.pithos.options import Seconds
from pithosfs.clients.storage import ReplyHeaders, named
from pithosfs.errors import BadReply, PreconditionFailed
from pithosfs.http import Reply

__all__ = ["PithosClient"]


class PithosClient(ContentClient):
    """The object store of one account: containers, objects, versions, sharing.

    `account` and `container` may be set at any time, `MAX_THREADS` too. Methods that change something return the
    headers of the reply. Sizes are bytes, times whole seconds since the epoch. `upload_cb`, `hash_cb` and `download_cb`
    are progress bars (`ProgressBar`): generator functions of a number of blocks, or functions of blocks done and blocks
    in all. Errors are those of `pithosfs.errors`.
    """

    # objects: names -------------------------------------------------------------------------------------------------

    def copy_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | bool | None = None,
        source_version: str | int | None = None,
        source_account: str | None = None,
        public: bool = False,
        content_type: str | None = None,
        delimiter: str | None = None,
    ) -> ReplyHeaders:
        """Copy on the server, by default under the same name; with `delimiter` everything below too.

        An old version keeps its type, unless `content_type` is given.
        """
        source = (source_account or self._account(), src_container, src_object)
        if source_version is not None and content_type is None:
            # The server would take the newest version's (object-store.md section 20, row 15).
            content_type = replies.object_head(self.wire.object_head(*source, version=source_version)).content_type
        reply = self.wire.object_put_from(
            self._account(),
            dst_container,
            str(dst_object or src_object),
            source,
            source_version=source_version,
            content_type=content_type,
            delimiter=delimiter,
            public=True if public else None,
        )
        return named(reply.headers)

    def move_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | bool | None = False,
        source_account: str | None = None,
        source_version: str | int | None = None,
        public: bool = False,
        content_type: str | None = None,
        delimiter: str | None = None,
    ) -> ReplyHeaders:
        """Move on the server, by default to the same name; with `delimiter` everything below too.

        History, sharing and publication do not move along (object-store.md section 20, row 36). `source_version` is
        without effect: what is there now moves.
        """
        source = (source_account or self._account(), src_container, src_object)
        reply = self.wire.object_put_from(
            self._account(),
            dst_container,
            str(dst_object or src_object),
            source,
            move=True,
            source_version=source_version,
            content_type=content_type,
            delimiter=delimiter,
            public=True if public else None,
        )
        return named(reply.headers)

    def del_object(self, obj: str, until: Seconds | None = None, delimiter: str | None = None) -> ReplyHeaders:
        """Delete an object; with `delimiter` everything below too; with `until` its versions up to then, for good."""
        return named(self.object_delete(obj, until=until, delimiter=delimiter).headers)

    # objects: what is known of them ---------------------------------------------------------------------------------

    def get_object_info(self, obj: str, version: str | int | None = None) -> ReplyHeaders:
        """The headers of an object, names in lower case, values decoded. Raises NotFound."""
        return named(self.object_head(obj, version=version).headers)

    def get_object_meta(self, obj: str, version: str | int | None = None) -> ReplyHeaders:
        """The metadata, as `x-object-meta-KEY` → value."""
        return named(self.object_head(obj, version=version).headers, "X-Object-Meta-")

    def set_object_meta(self, obj: str, metapairs: Mapping[str, str]) -> ReplyHeaders:
        """Set some of the metadata and leave the rest."""
        return named(self.object_post(obj, metadata=metapairs).headers)

    def get_object_hashmap(
        self,
        obj: str,
        version: str | int | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        headers: MutableMapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """`{"block_hash", "block_size", "bytes", "hashes"}`; empty when a condition does not hold."""
        tests = conditions(if_match, if_none_match, if_modified_since, if_unmodified_since)
        try:
            reply = self.wire.object_hashmap(*self._object(obj), version=version, **tests)
        except PreconditionFailed:
            return {}
        if reply.status_code == 304:
            return {}
        if headers is not None:
            headers.update(named(reply.headers))
        return _json_object(reply)

    def get_object_versionlist(self, obj: str) -> list[list[Any]]:
        """`[id, decimal seconds]` of each version, oldest first; of a deleted object too."""
        found = _json_object(self.wire.object_versions(*self._object(obj))).get("versions")
        if not isinstance(found, list):
            raise BadReply("the server sent a bad list of versions")
        return found

    # sharing --------------------------------------------------------------------------------------------------------

    def get_object_sharing(self, obj: str) -> dict[str, str]:
        """`{"read": "who,who", "write": "who"}`; empty when it is not shared."""
        rule = self.get_object_info(obj).get("x-object-sharing", "")
        pairs = (part.strip().partition("=") for part in rule.split(";"))
        return {key: who for key, sign, who in pairs if sign}

    def set_object_sharing(
        self, obj: str, read_permission: Iterable[str] | bool = False, write_permission: Iterable[str] | bool = False
    ) -> ReplyHeaders:
        """Replace the sharing rule by these users and groups (`account:group`, `*`); without any it ends."""
        read = [] if isinstance(read_permission, bool) else list(read_permission)
        write = [] if isinstance(write_permission, bool) else list(write_permission)
        return named(self.object_post(obj, permissions={"read": read, "write": write}).headers)

    def del_object_sharing(self, obj: str) -> ReplyHeaders:
        """End the sharing of an object."""
        return self.set_object_sharing(obj)

    def publish_object(self, obj: str) -> str:
        """Give an object a public link, and return it."""
        self.object_post(obj, public=True)
        link: str = self.get_object_info(obj).get("x-object-public", "")
        if not link:
            raise BadReply(f"the server published {obj} but tells no link")
        return link

    def unpublish_object(self, obj: str) -> ReplyHeaders:
        """Withdraw the public link."""
        return named(self.object_post(obj, public=False).headers)


def _json_object(reply: Reply) -> dict[str, Any]:
    found = reply.json()
    if not isinstance(found, dict):
        raise BadReply("the answer of the server is not a JSON object")
    return cast(dict[str, Any], found)
