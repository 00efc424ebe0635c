"""The store as the transfer engine sees it: one object to make, one version to read."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, Hashmap
from pithosfs.store.seam import Delivery, ObjectInfo, ObjectPath, ObjectStore, Sharing

__all__ = ["ObjectSource", "ObjectTarget"]


class ObjectTarget:
    """A `BlockTarget`: the object at `path`, made or replaced as by `ObjectStore.put_object`.

    `parameters` are the container's block size and hash; making one without them asks the cloud. `result` is what is
    there after the upload.
    """

    def __init__(
        self,
        store: ObjectStore,
        path: ObjectPath,
        *,
        content_type: str,
        meta: Mapping[str, str] | None = None,
        base: str | None = None,
        sharing: Sharing | None = None,
        public: bool | None = None,
        delivery: Delivery | None = None,
        parameters: tuple[int, str] | None = None,
    ) -> None:
        self.path = path
        self.result: ObjectInfo | None = None
        self._store = store
        self._content_type = content_type
        self._meta = dict(meta or {})
        self._base = base
        self._sharing = sharing
        self._public = public
        self._delivery = delivery
        if parameters is None:
            info = store.container(path.container, path.account)
            parameters = info.block_size or DEFAULT_BLOCK_SIZE, info.block_hash or DEFAULT_BLOCK_HASH
        self._block_size, self._algorithm = parameters

    @property
    def block_size(self) -> int:
        return self._block_size

    @property
    def algorithm(self) -> str:
        return self._algorithm

    def missing(self, hashmap: Hashmap) -> Sequence[str]:
        return self._store.missing_blocks(self.path.container, hashmap)

    def send(self, data: bytes) -> str:
        return self._store.put_block(self.path.container, data, check=False)  # who sends it compares

    def commit(self, hashmap: Hashmap) -> Sequence[str]:
        answer = self._store.put_hashmap(
            self.path,
            hashmap,
            content_type=self._content_type,
            meta=self._meta,
            base=self._base,
            sharing=self._sharing,
            public=self._public,
            delivery=self._delivery,
        )
        if isinstance(answer, ObjectInfo):
            self.result = answer
            return []
        return answer

    def put(self, data: bytes) -> None:
        self.result = self._store.put_object(
            self.path,
            data,
            content_type=self._content_type,
            meta=self._meta,
            base=self._base,
            sharing=self._sharing,
            public=self._public,
            delivery=self._delivery,
        )


class ObjectSource:
    """A `RangeSource`: the version of the object at `path` that `info` describes."""

    def __init__(self, store: ObjectStore, path: ObjectPath, info: ObjectInfo) -> None:
        self.path = path
        self.info = info
        self._store = store
        self._lock = threading.Lock()
        self._asked = False
        self._hashmap: Hashmap | None = None

    @property
    def size(self) -> int:
        return self.info.size

    @property
    def hashmap(self) -> Hashmap | None:
        """None for a manifest, whose size is that of its parts and whose blocks are its own (section 17)."""
        if not self._store.capabilities.hashmaps:
            return None
        with self._lock:  # asked for once; whoever needs it has nothing to do before it is there
            if not self._asked:
                found = self._store.hashmap(self.path, self.info.version)
                self._hashmap = found if found.size == self.info.size else None
                self._asked = True
            return self._hashmap

    def read_range(self, start: int, end: int) -> bytes:
        return self._store.read_range(self.path, start, end, self.info.version)
