"""The identity service of the local cloud: users, tokens, the catalog, projects and quotas (identity.md).

`service` is its front: what the other services ask, and the table of routes. One module for each part of the
specification holds the handlers; `states` says what can become of projects, applications and memberships. What the
command line shares with it lies beside this package and loads without the libraries of the server: `users`,
`holdings`, `resources` and `identity_schema`.
"""

from pithosfs.localcloud.identity.exchange import sent_token
from pithosfs.localcloud.identity.service import PATHS, Identity
from pithosfs.localcloud.users import User

__all__ = ["PATHS", "Identity", "User", "sent_token"]
