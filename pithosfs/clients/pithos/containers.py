"""The working layer for accounts and containers; the part for objects is in `pithosfs.clients.pithos.client`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.options import Seconds
from pithosfs.clients.pithos.rest_api import PithosRestClient, container_policy, extra_options
from pithosfs.clients.storage import ReplyHeaders, named

__all__ = ["ContainerClient"]

_DAY = 24 * 60 * 60


class ContainerClient(PithosRestClient):
    """What `PithosClient` does with accounts and containers."""

    # account --------------------------------------------------------------------------------------------------------

    def get_account_info(self, until: Seconds | None = None) -> ReplyHeaders:
        """The headers of the account, names in lower case."""
        return named(self.account_head(until=until).headers)

    def get_account_quota(self) -> ReplyHeaders:
        """`x-account-policy-quota` → bytes over all projects."""
        return named(self.account_head().headers, "X-Account-Policy-Quota", exact=True)

    def get_account_meta(self, until: Seconds | None = None) -> ReplyHeaders:
        """The metadata, as `x-account-meta-KEY` → value."""
        return named(self.account_head(until=until).headers, "X-Account-Meta-")

    def set_account_meta(self, metapairs: Mapping[str, str]) -> ReplyHeaders:
        """Set some of the metadata and leave the rest."""
        return named(self.account_post(metadata=metapairs).headers)

    def get_account_group(self) -> ReplyHeaders:
        """The groups, as `x-account-group-NAME` → members, comma-separated."""
        return named(self.account_head().headers, "X-Account-Group-")

    def set_account_group(self, group: str, usernames: Iterable[str]) -> ReplyHeaders:
        """Make a group of user ids, or replace its members. No `-` and no `_` in its name."""
        return named(self.account_post(groups={group: usernames}).headers)

    def del_account_group(self, group: str) -> ReplyHeaders:
        """Remove a group."""
        return named(self.account_post(groups={group: ()}).headers)

    def get_sharing_accounts(
        self, limit: int | None = None, marker: str | None = None, *args: Any, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """The accounts that share something with this user: `{"name", "last_modified"}`. All of them: servers ignore
        `limit` and `marker` here."""
        return replies.entries(self.wire.accounts_get())

    # containers -----------------------------------------------------------------------------------------------------

    def create_container(
        self,
        container: str | None = None,
        sizelimit: int | None = None,
        versioning: str | None = None,
        metadata: Mapping[str, str] | None = None,
        project_id: str | None = None,
        **kwargs: Any,
    ) -> ReplyHeaders:
        """Make a container, or merge these settings into an existing one. `sizelimit`: bytes, 0 for none; `versioning`:
        auto or none."""
        reply = self.wire.container_put(
            *self._container(container),
            policy=container_policy(sizelimit, versioning, project_id),
            meta=metadata,
            **extra_options((), kwargs),
        )
        return named(reply.headers)

    def del_container(self, until: Seconds | None = None, delimiter: str | None = None) -> ReplyHeaders:
        """Delete the empty container; with `delimiter` what is in it; with `until` its history up to then."""
        return named(self.container_delete(until=until, delimiter=delimiter).headers)

    def purge_container(self, container: str | None = None) -> ReplyHeaders:
        """Destroy the history of everything in the container; what is there now stays."""
        # Ahead of the clock, which may be behind the server's: what is there now is not history at any time.
        until = int(time.time()) + _DAY
        return named(self.wire.container_delete(*self._container(container), until=until).headers)

    def get_container_info(self, container: str | None = None, until: Seconds | None = None) -> ReplyHeaders:
        """The headers of the container, names in lower case. Raises NotFound."""
        return named(self.wire.container_head(*self._container(container), until=until).headers)

    def get_container_meta(self, until: Seconds | None = None) -> ReplyHeaders:
        """The metadata, as `x-container-meta-KEY` → value."""
        return named(self.container_head(until=until).headers, "X-Container-Meta-")

    def get_container_object_meta(self, until: Seconds | None = None) -> ReplyHeaders:
        """`x-container-object-meta` → the keys that objects in it use."""
        return named(self.container_head(until=until).headers, "X-Container-Object-Meta")

    def set_container_meta(self, metapairs: Mapping[str, str]) -> ReplyHeaders:
        """Set some of the metadata and leave the rest."""
        return named(self.container_post(metadata=metapairs).headers)

    def del_container_meta(self, metakey: str) -> ReplyHeaders:
        """Remove one item of the metadata."""
        return named(self.container_post(metadata={metakey: ""}).headers)

    def get_container_limit(self, container: str | None = None) -> ReplyHeaders:
        """`x-container-policy-quota` → bytes, 0 for none."""
        return named(
            self.wire.container_head(*self._container(container)).headers, "X-Container-Policy-Quota", exact=True
        )

    def set_container_limit(self, limit: int) -> ReplyHeaders:
        """Limit the container to so many bytes, 0 for no limit."""
        return named(self.container_post(quota=limit).headers)

    def get_container_versioning(self, container: str | None = None) -> ReplyHeaders:
        """`x-container-policy-versioning` → auto or none."""
        return named(
            self.wire.container_head(*self._container(container)).headers, "X-Container-Policy-Versioning", exact=True
        )

    def set_container_versioning(self, versioning: str) -> ReplyHeaders:
        """Keep old versions (auto) or not (none)."""
        return named(self.container_post(versioning=versioning).headers)

    def reassign_container(self, project_id: str) -> ReplyHeaders:
        """Let another project pay for the container."""
        return named(self.container_post(project_id=project_id).headers)
