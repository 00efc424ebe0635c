"""Clients of the identity service (Astakos): who a token belongs to, where the services are, names of users, quotas,
projects.

`AstakosClient` asks the server each time but for the catalog; `CachedAstakosClient` remembers what it learnt of each
token. Methods and parameters are those that existing programs use.
"""

from pithosfs.clients.astakos.cached import CachedAstakosClient
from pithosfs.clients.astakos.client import AstakosClient
from pithosfs.clients.astakos.errors import (
    AstakosClientError,
    AstakosClientException,
    BadRequest,
    BadValue,
    Forbidden,
    InvalidResponse,
    NoEndpoints,
    NotFound,
    NoUserName,
    NoUserUUID,
    QuotaLimit,
    Unauthorized,
)
from pithosfs.clients.astakos.logged import LoggedAstakosClient
from pithosfs.clients.astakos.rest_api import AstakosRestClient
from pithosfs.errors import ClientError

__all__ = [
    "AstakosClient",
    "AstakosClientError",
    "AstakosClientException",
    "AstakosRestClient",
    "BadRequest",
    "BadValue",
    "CachedAstakosClient",
    "ClientError",
    "Forbidden",
    "InvalidResponse",
    "LoggedAstakosClient",
    "NoEndpoints",
    "NoUserName",
    "NoUserUUID",
    "NotFound",
    "QuotaLimit",
    "Unauthorized",
]
