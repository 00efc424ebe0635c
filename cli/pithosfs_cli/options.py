"""What options of several commands have in common: values of one form, and which of them go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from pithosfs.errors import UsageError

__all__ = ["GIBIBYTES", "MEBIBYTES", "PAIR", "at_least_one", "at_most_one", "labelled"]


class _Pair(click.ParamType[tuple[str, str]]):
    """`KEY=VALUE`; the value may be empty, and may have equals signs in it."""

    name = "pair"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> tuple[str, str]:
        if not isinstance(value, str):
            return tuple(value)
        key, equals, rest = value.partition("=")
        if not equals or not key:
            self.fail(f"{value!r} is not KEY=VALUE", parameter, context)
        return key, rest


class _Size(click.ParamType[int]):
    """A size as a whole number of one unit: a bare number is of that unit, others have their own."""

    name = "size"

    def __init__(self, unit: int, called: str) -> None:
        self._unit = unit
        self._called = called

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        from pithosfs.config import parse_size

        if isinstance(value, int):
            return value
        if value.isascii() and value.isdigit():
            return int(value)
        size = parse_size(value)
        if size % self._unit:
            self.fail(f"{value!r} is no whole number of {self._called}", parameter, context)
        return size // self._unit


PAIR = _Pair()
MEBIBYTES = _Size(2**20, "MiB")
GIBIBYTES = _Size(2**30, "GiB")


def at_least_one(options: Mapping[str, Any], *flags: str) -> None:
    """Raises UsageError when none of the flags is given; `options` are the command's values by their names."""
    if not any(_given(options[_name(flag)]) for flag in flags):
        raise UsageError("nothing is to be changed", hint=f"give {_listed(flags, 'or')}")


def at_most_one(options: Mapping[str, Any], *flags: str) -> None:
    """Raises UsageError when several of the flags are given."""
    given = [flag for flag in flags if _given(options[_name(flag)])]
    if len(given) > 1:
        raise UsageError(f"{_listed(given, 'and')} exclude each other", hint="leave one of them out")


def labelled(text: str, labels: Sequence[str], *, required: int = 1) -> dict[str, str]:
    """A value of several parts, as in `id=5,ip=10.0.0.1`: label → part.

    Parts without a label are those of `labels` that are not given yet, in their order; `required` are the first so many
    of these that have to be there. Raises UsageError.
    """
    found: dict[str, str] = {}
    form = ",".join(f"{one}={one.upper()}" for one in labels)
    for part in text.split(","):
        label, equals, value = part.partition("=")
        if not equals or label not in labels:
            free = next((one for one in labels if one not in found), None)
            misspelt = equals and label.replace("-", "").isalpha()
            if free is None or misspelt:
                raise UsageError(f"{text!r}: what is {part!r}?", hint=f"write {form}; labels may be left out")
            label, value = free, part
        if label in found:
            raise UsageError(f"{text!r} has two parts {label!r}", hint=f"write {form}")
        found[label] = value
    if missing := [one for one in labels[:required] if not found.get(one)]:
        raise UsageError(f"{text!r} has no {missing[0]}", hint=f"write {form}")
    return found


def _name(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _given(value: Any) -> bool:
    return value is not None and value is not False and value != ()


def _listed(flags: Sequence[str], word: str) -> str:
    return flags[0] if len(flags) == 1 else f"{', '.join(flags[:-1])} {word} {flags[-1]}"
