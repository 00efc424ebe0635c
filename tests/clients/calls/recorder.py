"""A record of the parameters that calls pass. One counts as passed when it is given a value that is not its default."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["Method", "Recorder"]

Method = tuple[str, str]  # class, method


class Recorder:
    """A client that remembers which parameters its methods were given."""

    def __init__(self, client: Any, passed: dict[Method, set[str]]) -> None:
        self.__dict__.update(_client=client, _passed=passed)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._client, name, value)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        key = (type(self._client).__name__, name)
        if not inspect.ismethod(value):
            self._passed[key]  # a property
            return value
        signature = inspect.signature(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs).arguments
            known = signature.parameters
            self._passed[key].update(one for one, given in bound.items() if given is not known[one].default)
            return value(*args, **kwargs)

        return call
