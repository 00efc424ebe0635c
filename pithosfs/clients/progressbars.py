"""Progress call-backs of programs that use the clients, in both of the styles that there are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

__all__ = ["Bar", "ProgressBar"]

ProgressBar = Callable[..., Any]
"""Either a generator function of the number of steps, or a plain function of (steps done, steps in all).

The iterator that the first one returns is advanced once at the start and once more for each step that is done; it may
end when it likes. The second one is called at the start with 0 and again for each step. What a step is (a block, a
second, a percent) is said where the call-back is taken.
"""


class Bar:
    """One call-back over a number of steps. That a call-back ends early is its own affair; other errors are raised."""

    def __init__(self, call: ProgressBar | None, total: int) -> None:
        self.total = total
        self._done = 0
        self._plain: ProgressBar | None = None
        self._iterator: Iterator[Any] = iter(())
        if call is None:
            return
        if _takes_two(call):
            self._plain = call
            _unless_ended(partial(call, 0, total))
            return
        answer = _unless_ended(partial(call, total))
        if hasattr(answer, "__iter__"):
            self._iterator = iter(answer)
            _unless_ended(partial(next, self._iterator))

    def advance(self, done: int) -> None:
        """So many of the steps are done now."""
        for number in range(self._done + 1, min(done, self.total) + 1):
            self._done = number
            if self._plain is not None:
                _unless_ended(partial(self._plain, number, self.total))
            else:
                _unless_ended(partial(next, self._iterator))


def _takes_two(call: ProgressBar) -> bool:
    """Whether it is called with what is done and the total, rather than with the total alone."""
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return False
    return _fits(signature, 2) and not _fits(signature, 1)


def _fits(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _unless_ended(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except StopIteration:
        return None
    except RuntimeError as error:
        # What becomes of a StopIteration that leaves the body of a generator.
        if isinstance(error.__cause__, StopIteration):
            return None
        raise
