"""Which part of a file has to travel after a small edit: a pure decision over the sums of two contents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pithosfs.blocks import Hashmap
from pithosfs.transfer import WHOLE_LIMIT
from pithosfs_daemon.remote.hashing import PIECE, SUM_SIZE
from pithosfs_daemon.remote.terms import Hashed, OldContent
from pithosfs_daemon.values import Content

__all__ = ["Span", "changed_span", "short_way"]


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` (included) to `end` (excluded) of a new content; outside of them it is as the old one was."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def changed_span(
    old_size: int, old_sums: bytes, new_size: int, new_sums: bytes, sum_of: Callable[[int, int], bytes]
) -> Span | None:
    """The shortest span of whole pieces, and of what was appended, that makes the new content of the old one.

    None when there is none: the content has become shorter, or is the same. `sum_of(start, end)` is the sum of a part
    of the new content: the last piece of the old one may go on now, and then only what it goes on with is new.
    """
    if new_size < old_size or len(old_sums) != -(-old_size // PIECE) * SUM_SIZE:
        return None
    whole = old_size // PIECE  # pieces that are full in both
    first = next((at for at in range(whole) if _sum(old_sums, at) != _sum(new_sums, at)), whole)
    start = first * PIECE
    if first == whole:  # nothing but perhaps the end has changed
        tail = old_sums[whole * SUM_SIZE :]
        if not tail or sum_of(start, old_size) == tail:
            start = old_size
    if new_size > old_size:
        return Span(start, new_size)
    last = next((at for at in reversed(range(-(-new_size // PIECE))) if _sum(old_sums, at) != _sum(new_sums, at)), -1)
    end = min((last + 1) * PIECE, new_size)
    return Span(start, end) if start < end else None


def _sum(sums: bytes, at: int) -> bytes:
    return sums[at * SUM_SIZE : (at + 1) * SUM_SIZE]


def short_way(
    old: OldContent | None, base: Content | None, new: Hashed, sum_of: Callable[[int, int], bytes]
) -> Span | None:
    """The span to send instead of the blocks that it is in; None when the blocks are the better way, or the only one.

    A span is sent in one piece from memory, and without asking what the cloud has. So it has to be very short, or at
    most half of what the blocks would be, and of one block.
    """
    if old is None or old.sums is None or base is None:
        return None
    span = changed_span(base.size, old.sums, new.content.size, new.sums, sum_of)
    if span is None or span.length <= WHOLE_LIMIT:
        return span
    blocks = min(_blocks_length(old.hashmap, new.hashmap, span), new.hashmap.block_size)
    return span if span.length * 2 <= blocks else None


def _blocks_length(old: Hashmap | None, new: Hashmap, span: Span) -> int:
    """Bytes in the blocks that would be sent."""
    before = old.hashes if old is not None and old.block_size == new.block_size else ()
    return sum(
        new.block_length(at)
        for at in new.indexes(span.start, span.end)
        if at >= len(before) or before[at] != new.hashes[at]
    )
