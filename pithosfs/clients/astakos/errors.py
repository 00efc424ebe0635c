"""The errors of the identity service: each is of its kind in the tree of `pithosfs.errors` too.

AstakosClientError
├── BadRequest      400
│   └── BadValue    refused before it was sent
├── Unauthorized    401
├── Forbidden       403
├── NotFound        404
│   ├── NoUserName
│   └── NoUserUUID
├── QuotaLimit      413
├── NoEndpoints     the catalog has no such service
└── InvalidResponse the answer is not of the protocol
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pithosfs import errors

__all__ = [
    "AstakosClientError",
    "AstakosClientException",
    "BadRequest",
    "BadValue",
    "Forbidden",
    "InvalidResponse",
    "NoEndpoints",
    "NoUserName",
    "NoUserUUID",
    "NotFound",
    "QuotaLimit",
    "Unauthorized",
    "astakos_errors",
]


class AstakosClientError(errors.ClientError):
    """An error of the identity service. Existing programs want another positional order than ClientError's."""

    def __init__(
        self,
        message: str = "Astakos Client Error",
        details: object = "",
        status: int = 0,
        *,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, status, details, hint=hint)


AstakosClientException = AstakosClientError


class BadRequest(AstakosClientError, errors.BadRequest):
    """400."""


class BadValue(BadRequest):
    """An argument makes no sense; nothing was sent."""


class Unauthorized(AstakosClientError, errors.NotLoggedIn):
    """401."""


class Forbidden(AstakosClientError, errors.NotAllowed):
    """403."""


class NotFound(AstakosClientError, errors.NotFound):
    """404."""


class NoUserName(NotFound):
    """No user has that uuid."""


class NoUserUUID(NotFound):
    """No user has that name."""


class QuotaLimit(AstakosClientError, errors.QuotaExceeded):
    """413."""


class NoEndpoints(AstakosClientError):
    """The catalog has no such service, or more than one address of it."""


class InvalidResponse(AstakosClientError, errors.BadReply):
    """The answer is not of the protocol: perhaps that is not an identity service."""


_KINDS: Mapping[int, type[AstakosClientError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: QuotaLimit,
}


@contextmanager
def astakos_errors(otherwise: type[AstakosClientError] = AstakosClientError) -> Iterator[None]:
    """ClientError and BadReply → the kind of AstakosClientError that is also of the same kind in our own tree."""
    try:
        yield
    except AstakosClientError:
        raise
    except errors.ClientError as error:
        unsent = isinstance(error, errors.BadRequest) and not error.status
        kind = BadValue if unsent else _KINDS.get(error.status, otherwise)
        message = _over_limit(error.details) or error.message
        raise kind(message, error.details, error.status, hint=error.hint) from error
    except errors.BadReply as error:
        raise InvalidResponse(error.message, hint=error.hint) from error


def _over_limit(details: object) -> str:
    """What a refused commission says in its `data` (identity.md section 7.1); empty when it says nothing."""
    try:
        data: Any = json.loads(str(details))
        provision = data["provision"]
        resource, wanted, holder = provision["resource"], int(provision["quantity"]), provision["holder"]
        if data.get("name") == "NoHoldingError":
            return f"{holder} holds nothing of {resource}"
        left = int(data["limit"]) - int(data["usage"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    if data.get("name") == "NoQuantityError":
        return f"{holder} cannot give back {-wanted} of {resource}: {data['usage']} are in use"
    return f"the limit of {resource} is exceeded: available {left}, requested {wanted}"
