"""Headers: decoding of requests, encoding of replies, metadata names, dates (object-store.md 3.2, 13)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from pithosfs.localcloud.faults import bad_request

__all__ = [
    "MAX_META_HEADERS",
    "META_EXTRAS",
    "RequestHeaders",
    "capitalised",
    "decode_value",
    "encode_name",
    "encode_value",
    "http_date",
    "iso_time",
    "meta_key",
    "parse_http_date",
    "stamp",
]

MAX_META_HEADERS = 90
MAX_META_NAME = 128  # characters of a metadata header's name, prefix included
MAX_META_VALUE = 256  # characters of a decoded value

META_EXTRAS = ("Content-Encoding", "Content-Disposition", "X-Object-Manifest")
"""Headers of an object that are stored and replaced together with its `X-Object-Meta-*`."""

_DECODED = re.compile(r"x-|if-|content-disposition$|content-encoding$|destination")
_ENCODED = ("x-account-", "x-container-", "x-object-", "content-")
_HEADER_SAFE = "".join(map(chr, range(0x20, 0x7F)))
_PLAIN = re.compile(r'[A-Za-z0-9_.\-/=,:@;" ]*')
_META_PREFIXES = ("x-account-meta-", "x-container-meta-", "x-object-meta-")
_TILDE_LOSERS = re.compile(r"x-(account|container|object)-(meta|policy)-|x-account-group-|x-object-sharing$")


def decode_value(text: str) -> str:
    """One percent-decoding as UTF-8, where there is a `%`; malformed escapes stay, `+` stays.

    Raises Fault 400 for bytes that are not UTF-8.
    """
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise bad_request("a header's percent-encoded value is not UTF-8") from None


def encode_value(text: str) -> str:
    """A value as the reply headers `X-Account-*`, `X-Container-*`, `X-Object-*` and `Content-*` carry it.

    Blanks stay as they are, except at the ends, where HTTP would drop them.
    """
    if not _PLAIN.fullmatch(text):
        text = quote(text, safe='_.-/=,:@;" ').replace("~", "%7E")
    inner = text.strip(" ")
    if len(inner) == len(text):
        return text
    before = len(text) - len(text.lstrip(" "))
    return "%20" * before + inner + "%20" * (len(text) - before - len(inner))


def encode_name(text: str) -> str:
    """The name of a metadata or group header in a reply: everything that a header name cannot hold is encoded."""
    return quote(text, safe="").replace("~", "%7E")


def is_encoded(name: str) -> bool:
    """Whether the values of that reply header are percent-encoded."""
    return name.lower().startswith(_ENCODED)


@lru_cache(maxsize=4096)
def meta_key(name: str) -> str:
    """A metadata name as it is stored: `foo_bar` → `Foo-Bar`."""
    return "-".join(capitalised(part) for part in name.replace("_", "-").split("-"))


def capitalised(text: str) -> str:
    """Lower case but for the first letter.

    That stays as it is where its capital is another text in lower case (`ß` → `SS` → `ss`): what a client reads and
    sends again must be the same name.
    """
    text = text.lower()
    first = text[:1].upper()
    return first + text[1:] if first.lower() == text[:1] else text


class RequestHeaders:
    """The headers of one request, decoded by the rules of section 3.2.

    Names are lower case. Raises Fault 400 for what is not ASCII or beyond a limit of section 3.4.
    """

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, str] = {}
        self._meta: dict[str, dict[str, str]] = {}
        count = 0
        for name_bytes, value_bytes in raw:
            name = name_bytes.decode("latin-1").lower()
            value = value_bytes.decode("latin-1").strip()
            if _DECODED.match(name):
                if not name.isascii() or not value.isascii():
                    raise bad_request(f"the header {name!a} has characters that are not ASCII: percent-encode them")
                if "%" in name:
                    name = decode_value(name).lower()
                value = decode_value(value)
                dashed = name.replace("_", "-")
                if _TILDE_LOSERS.match(dashed):
                    value = value.replace("~", "")
                prefix = next((one for one in _META_PREFIXES if dashed.startswith(one)), None)
                if prefix is not None:
                    count += 1
                    self._add_meta(prefix, dashed, value)
                    continue
            elif name == "content-type" and not value.isascii():
                raise bad_request("Content-Type has characters that are not ASCII")
            earlier = self._values.get(name)
            self._values[name] = value if earlier is None else f"{earlier},{value}"
        if count > MAX_META_HEADERS:
            raise bad_request(f"more than {MAX_META_HEADERS} metadata headers")

    @classmethod
    def of_metadata(cls, pairs: Iterable[tuple[str, str]]) -> RequestHeaders:
        """An object's metadata that came as texts and not as headers: the same, but that they need not be ASCII."""
        return cls((b"x-object-meta-" + _as_header(name), _as_header(value)) for name, value in pairs)

    def _add_meta(self, prefix: str, name: str, value: str) -> None:
        if len(name) > MAX_META_NAME:
            raise bad_request(f"a metadata header's name is longer than {MAX_META_NAME} characters")
        if len(value) > MAX_META_VALUE:
            raise bad_request(f"a metadata value is longer than {MAX_META_VALUE} characters")
        key = meta_key(name[len(prefix) :])
        if not key:
            raise bad_request("a metadata header without a key")
        self._meta.setdefault(prefix, {})[key] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str) -> str | None:
        """The value of a header by its lower-case name; None when it was not sent. Repeated ones are joined by `,`."""
        return self._values.get(name)

    def meta(self, level: str) -> dict[str, str]:
        """The metadata sent for `account`, `container` or `object`: stored key → value, possibly empty."""
        return dict(self._meta.get(f"x-{level}-meta-", {}))

    def object_meta(self) -> dict[str, str]:
        """All that counts as an object's metadata, by header name as stored; empty values mean "remove"."""
        found = {f"X-Object-Meta-{key}": value for key, value in self.meta("object").items()}
        for name in META_EXTRAS:
            value = self._values.get(name.lower())
            if value:  # empty: not sent (row 40 of section 20)
                if len(value) > MAX_META_VALUE:
                    raise bad_request(f"{name} is longer than {MAX_META_VALUE} characters")
                found[name] = value
        return found

    def prefixed(self, prefix: str) -> Mapping[str, str]:
        """Headers whose lower-case name starts with `prefix`, which is cut off: groups and policies."""
        return {name[len(prefix) :]: value for name, value in self._values.items() if name.startswith(prefix)}


def _as_header(text: str) -> bytes:
    """Encoded as far as a header needs it; what is encoded already stays so."""
    return (text if text.isascii() and text.isprintable() else quote(text, safe=_HEADER_SAFE)).encode("ascii")


# dates ----------------------------------------------------------------------------------------------------------------

_FORMS = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


@lru_cache(maxsize=4096)
def _date_of_second(second: int) -> str:
    return formatdate(second, usegmt=True)


def http_date(time: int) -> str:
    """Microseconds since the epoch as an HTTP date (whole seconds, cut)."""
    return _date_of_second(time // 1_000_000)


def parse_http_date(text: str) -> int | None:
    """Seconds since the epoch from an RFC 1123, RFC 850 or asctime date; None for anything else."""
    for form in _FORMS:
        try:
            return int(datetime.strptime(text.strip(), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None


@lru_cache(maxsize=4096)
def _iso_of_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso_time(time: int) -> str:
    """Microseconds since the epoch in the form of lists: `2026-11-23T14:05:47.830801+00:00`."""
    second, fraction = divmod(time, 1_000_000)
    return f"{_iso_of_second(second)}.{fraction:06}+00:00" if fraction else f"{_iso_of_second(second)}+00:00"


def stamp(time: int) -> str:
    """Microseconds since the epoch as decimal seconds with six decimals."""
    return f"{time // 1_000_000}.{time % 1_000_000:06}"
