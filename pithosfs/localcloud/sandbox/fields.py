"""The members of a JSON object in a request, each read as what it must be. Everything else is refused with 400."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pithosfs.localcloud.faults import bad_request

__all__ = ["Fields", "checked_texts", "the_only_member"]

_ABSENT = object()

LARGEST = 2**63 - 1
"""The largest number that the tables hold."""


class Fields:
    """The object that a body has under `name`; null members count as absent.

    Every reader raises Fault 400 for a member of the wrong type or beyond its bounds.
    """

    def __init__(self, body: Mapping[str, Any], name: str) -> None:
        value = body.get(name)
        if not isinstance(value, dict):
            raise bad_request(f"the body has no object {name!r}")
        self._values: dict[str, Any] = value

    def __contains__(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return self._values.get(name) is not None

    def has(self, name: str) -> bool:
        """Whether the member is there, null or not."""
        return name in self._values

    def raw(self, name: str) -> Any:
        """The member as it came; None when absent."""
        return self._values.get(name)

    def only(self, names: Collection[str]) -> None:
        """Refuse members of any other name."""
        for name in self._values:
            if name not in names:
                raise bad_request(f"{name!a} cannot be given here")

    def text(self, name: str, limit: int, default: str | None = None) -> str:
        """A string of at most `limit` characters; required unless there is a default."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise bad_request(f"{name} must be a string")
        if len(value) > limit:
            raise bad_request(f"{name} has at most {limit} characters")
        return value

    def optional_text(self, name: str, limit: int) -> str | None:
        return self.text(name, limit) if name in self else None

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise bad_request(f"{name} must be true or false")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number from 0 on, as a number or a string of digits; required unless there is a default."""
        value = self._get(name, default)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
            raise bad_request(f"{name} must be a whole number")
        return value

    def optional_number(self, name: str) -> int | None:
        return self.number(name) if name in self else None

    def strings(self, name: str) -> list[str]:
        """A list of strings, empty when absent."""
        value = self._get(name, _ABSENT)
        if value is _ABSENT:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise bad_request(f"{name} must be a list of strings")
        return value

    def items(self, name: str) -> list[Any] | None:
        """A list of anything; None when absent."""
        if name not in self:
            return None
        value = self._values[name]
        if not isinstance(value, list):
            raise bad_request(f"{name} must be a list")
        return value

    def texts(self, name: str, most: int, key_limit: int, value_limit: int) -> dict[str, str]:
        """An object of strings with at most `most` members: metadata. Empty when absent."""
        value = self._get(name, _ABSENT)
        return {} if value is _ABSENT else checked_texts(value, name, most, key_limit, value_limit)

    def _get(self, name: str, default: object) -> Any:
        value = self._values.get(name)
        if value is not None:
            return value
        if default is None:
            raise bad_request(f"{name} is missing")
        return default


def checked_texts(value: object, name: str, most: int, key_limit: int, value_limit: int) -> dict[str, str]:
    """A JSON value that must be metadata. Raises Fault 400."""
    if not isinstance(value, dict):
        raise bad_request(f"{name} must be an object")
    if len(value) > most:
        raise bad_request(f"{name} has at most {most} items")
    for key, text in value.items():
        if not isinstance(text, str):
            raise bad_request(f"the values of {name} must be strings")
        if len(key) > key_limit or len(text) > value_limit:
            raise bad_request(f"keys of {name} have at most {key_limit} characters, values {value_limit}")
    return value


def the_only_member(body: Mapping[str, Any]) -> tuple[str, Any]:
    """Name and argument of the action that a body asks for. Raises Fault 400 unless there is exactly one."""
    if len(body) != 1:
        raise bad_request("the body must have exactly one action")
    ((name, argument),) = body.items()
    return name, argument
