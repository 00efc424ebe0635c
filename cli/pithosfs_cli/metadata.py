"""Metadata as it is written on the command line: KEY=VALUE (cli.md section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence

from pithosfs.errors import UsageError

__all__ = ["metadata_changes", "pair"]


def pair(text: str) -> tuple[str, str]:
    """A key and its value. Raises UsageError; the cloud cannot keep an empty value, it removes the key."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"{text!r} is not KEY=VALUE", hint="write the key, an equals sign and the value")
    if not value:
        raise UsageError(f"{key!r} cannot be empty", hint="give it a value; --metadata-del removes a key")
    return key, value


def metadata_changes(added: Sequence[str], removed: Sequence[str]) -> dict[str, str | None]:
    """What `--metadata-add` and `--metadata-del` ask for; None removes a key. Raises UsageError."""
    changes: dict[str, str | None] = dict(pair(one) for one in added)
    keys = {_normal(key) for key in changes}
    for key in removed:
        if not key or _normal(key) in keys:
            raise UsageError(f"the key {key!r} is to be both set and removed" if key else "a key cannot be empty")
        changes[key] = None
    return changes


def _normal(key: str) -> str:
    """A key as the cloud compares it (object-store.md section 13)."""
    return key.replace("_", "-").lower()
