"""What an application may ask for: the fields of a project and their rules (identity.md 8.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.identity.states import POLICIES
from pithosfs.localcloud.resources import RESOURCES, UNLIMITED

__all__ = ["DEFAULTS", "asked_terms"]

DEFAULTS: Mapping[str, Any] = {
    "homepage": "",
    "description": "",
    "comments": "",
    "start_date": None,
    "join_policy": "moderated",
    "leave_policy": "auto",
    "max_members": UNLIMITED,
    "private": False,
    "resources": {},
}
"""What a new project has of what its application does not say; `name` and `end_date` it must say."""

LONGEST_NAME = 80
LONGEST_HOMEPAGE = 255
LONGEST_TEXT = 4096

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z]{{2,6}}")
_AMOUNT = re.compile(r"([0-9]{1,19})([KMGTP]?)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def asked_terms(body: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The fields of an application as they are kept, of those that were sent; what else is in the body is ignored.

    Dates become microseconds since the epoch, `max_members` a number. Raises Fault 400. Whether the owner exists is
    not looked at here.
    """
    asked = {field: rule(field, body[field]) for field, rule in _RULES.items() if field in body}
    if "end_date" in asked and asked["end_date"] <= now:
        raise bad_request("end_date has passed already")
    return asked


def _text(longest: int) -> Callable[[str, object], str]:
    def rule(field: str, value: object) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise bad_request(f"{field} is a text of at most {longest} characters")
        return value

    return rule


def _name(field: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not _DOMAIN.fullmatch(value):
        raise bad_request(f"the name has the form of a domain, as in genomics.example.org: {value!a:.100}")
    return value


def _date(field: str, value: object) -> int:
    """Microseconds since the epoch."""
    try:
        if not isinstance(value, str):
            raise TypeError
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)  # out of range in UTC: OverflowError
    except (TypeError, ValueError, OverflowError):
        raise bad_request(f"{field} is a date with an offset, as in 2027-02-01T00:00:00+00:00") from None


def _optional_date(field: str, value: object) -> int | None:
    return None if value is None else _date(field, value)


def _policy(field: str, value: object) -> str:
    if value not in POLICIES:
        raise bad_request(f"{field} is one of these: {', '.join(POLICIES)}")
    return str(value)


def _members(field: str, value: object) -> int:
    if isinstance(value, str):
        if value in ("inf", "infinite"):
            return UNLIMITED
        if found := _AMOUNT.fullmatch(value):
            value = int(found[1]) * 1024 ** " KMGTP".index(found[2] or " ")
    if not _is_count(value):
        raise bad_request(f"{field} is a number from 0 to 2^63-1, or inf")
    return value


def _boolean(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise bad_request(f"{field} is true or false")
    return value


def _resources(field: str, value: object) -> dict[str, dict[str, int]]:
    if not isinstance(value, dict):
        raise bad_request(f"{field} is an object of resources")
    return {name: _capacities(name, one) for name, one in value.items()}


def _capacities(name: str, value: object) -> dict[str, int]:
    if name not in RESOURCES or not RESOURCES[name].visible:
        raise bad_request(f"there is no resource {name!a:.100}")
    if not isinstance(value, dict):
        raise bad_request(f"{name} needs project_capacity and member_capacity")
    project, member = value.get("project_capacity"), value.get("member_capacity")
    if not _is_count(project) or not _is_count(member):
        raise bad_request(f"project_capacity and member_capacity of {name} are numbers from 0 to 2^63-1")
    if member > project:
        raise bad_request(f"member_capacity of {name} is more than its project_capacity")
    return {"project_capacity": project, "member_capacity": member}


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= UNLIMITED


_RULES: Mapping[str, Callable[[str, object], Any]] = {
    "name": _name,
    "owner": _text(64),
    "homepage": _text(LONGEST_HOMEPAGE),
    "description": _text(LONGEST_TEXT),
    "comments": _text(LONGEST_TEXT),
    "start_date": _optional_date,
    "end_date": _date,
    "join_policy": _policy,
    "leave_policy": _policy,
    "max_members": _members,
    "private": _boolean,
    "resources": _resources,
}
