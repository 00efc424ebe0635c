"""What is in the cloud, page by page, and when "nothing is newer" may be believed the next time.

The server compares times in whole seconds (object-store.md section 15), so a listing from the second of the last change
may miss a change of the same second for ever. It is trusted when it was made `SURE_AFTER` seconds after the last change
or later; until then the next one is asked for without a condition.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from pithosfs.errors import BadReply, NotAllowed, NotFound
from pithosfs.store import SURE_AFTER, ListingStream, ObjectInfo
from pithosfs_daemon.remote.place import Place

__all__ = ["Listing", "begin_listing"]


class Listing:
    """A listing of a pair's objects that has begun. To be used by one thread."""

    def __init__(self, place: Place, stream: ListingStream, asked_for: float) -> None:
        self._place = place
        self._stream = stream
        # The answer's date is that of its end, its names may be from its beginning.
        self._trusted = stream.date - asked_for - stream.modified >= SURE_AFTER
        self._finished = False

    @property
    def since(self) -> int | None:
        """What to ask for the next time; None, for everything, before the last page and while it is too young."""
        return self._stream.modified if self._finished and self._trusted else None

    def pages(self) -> Iterator[list[ObjectInfo]]:
        """Once: the objects in the order of their names, which are relative to the pair.

        Raises ContainerGone, BadReply when much less came than the container has, and the errors of the store; then
        nothing may be concluded from what did not come.
        """
        total = 0
        try:
            for page in self._stream.pages:
                total += len(page)
                yield [one for one in page if one.name]  # without what is called like the folder, with a slash
        except (NotFound, NotAllowed) as error:
            raise self._place.gone(error) from error
        count = self._stream.count
        # Not exactly: others write meanwhile. What is caught is a failing server whose list comes back short or empty.
        if not self._place.below and count is not None and total * 2 < count:
            raise BadReply(f"the cloud listed {total} of the {count} objects in {self._place.container!r}")
        self._finished = True


def begin_listing(place: Place, since: int | None) -> Listing | None:
    """None: nothing in the container is newer than `since`. Raises ContainerGone and the errors of the store."""
    started = time.monotonic()
    try:
        stream = place.store.stream_listing(
            place.container, prefix=place.below, relative=True, account=place.account, modified_since=since
        )
    except (NotFound, NotAllowed) as error:
        raise place.gone(error) from error
    if stream is not None and stream.container is not None:
        place.learn(stream.container)
    return None if stream is None else Listing(place, stream, time.monotonic() - started)
