"""The working layer for accounts and containers; the part for objects is in `pithosfs.clients.pithos.client`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.options import Seconds
from pithosfs.clients.pithos.rest_api import PithosRestClient, container_policy, extra_options
from pithosfs.clients.storage import named

__all__ = ["ContainerClient"]


class ContainerClient(PithosRestClient):
    """What `PithosClient` does with accounts and containers."""

    # account --------------------------------------------------------------------------------------------------------

    def get_account_info(self, until: Seconds | None = None) -> dict[str, str]:
        """The headers of the account, names in lower case."""
        return named(self.account_head(until=until).headers, "")

    def get_account_quota(self) -> dict[str, str]:
        """`x-account-policy-quota` → bytes over all projects."""
        return named(self.account_head().headers, "X-Account-Policy-Quota", exact=True)

    def get_account_meta(self, until: Seconds | None = None) -> dict[str, str]:
        """The metadata, as `x-account-meta-KEY` → value."""
        return named(self.account_head(until=until).headers, "X-Account-Meta-")

    def set_account_meta(self, metapairs: Mapping[str, str]) -> Mapping[str, str]:
        """Set some of the metadata and leave the rest."""
        return self.account_post(metadata=metapairs).headers

    def get_account_group(self) -> dict[str, str]:
        """The groups, as `x-account-group-NAME` → members, comma-separated."""
        return named(self.account_head().headers, "X-Account-Group-")

    def set_account_group(self, group: str, usernames: Iterable[str]) -> Mapping[str, str]:
        """Make a group of user ids, or replace its members. No `-` and no `_` in its name."""
        return self.account_post(groups={group: usernames}).headers

    def del_account_group(self, group: str) -> Mapping[str, str]:
        """Remove a group."""
        return self.account_post(groups={group: ()}).headers

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
    ) -> Mapping[str, str]:
        """Make a container, or merge these settings into an existing one. `sizelimit`: bytes, 0 for none; `versioning`:
        auto or none."""
        return self.wire.container_put(
            *self._container(container),
            policy=container_policy(sizelimit, versioning, project_id),
            meta=metadata,
            **extra_options((), kwargs),
        ).headers

    def del_container(self, until: Seconds | None = None, delimiter: str | None = None) -> Mapping[str, str]:
        """Delete the empty container; with `delimiter` what is in it; with `until` its history up to then."""
        return self.container_delete(until=until, delimiter=delimiter).headers

    def purge_container(self, container: str | None = None) -> Mapping[str, str]:
        """Destroy the history of everything in the container; what is there now stays."""
        return self.wire.container_delete(*self._container(container), until=int(time.time())).headers

    def get_container_info(self, container: str | None = None, until: Seconds | None = None) -> dict[str, str]:
        """The headers of the container, names in lower case. Raises NotFound."""
        return named(self.wire.container_head(*self._container(container), until=until).headers, "")

    def get_container_meta(self, until: Seconds | None = None) -> dict[str, str]:
        """The metadata, as `x-container-meta-KEY` → value."""
        return named(self.container_head(until=until).headers, "X-Container-Meta-")

    def get_container_object_meta(self, until: Seconds | None = None) -> dict[str, str]:
        """`x-container-object-meta` → the keys that objects in it use."""
        return named(self.container_head(until=until).headers, "X-Container-Object-Meta")

    def set_container_meta(self, metapairs: Mapping[str, str]) -> Mapping[str, str]:
        """Set some of the metadata and leave the rest."""
        return self.container_post(metadata=metapairs).headers

    def del_container_meta(self, metakey: str) -> Mapping[str, str]:
        """Remove one item of the metadata."""
        return self.container_post(metadata={metakey: ""}).headers

    def get_container_limit(self, container: str | None = None) -> dict[str, str]:
        """`x-container-policy-quota` → bytes, 0 for none."""
        return named(self.get_container_info(container), "X-Container-Policy-Quota", exact=True)

    def set_container_limit(self, limit: int) -> Mapping[str, str]:
        """Limit the container to so many bytes, 0 for no limit."""
        return self.container_post(quota=limit).headers

    def get_container_versioning(self, container: str | None = None) -> dict[str, str]:
        """`x-container-policy-versioning` → auto or none."""
        return named(self.get_container_info(container), "X-Container-Policy-Versioning", exact=True)

    def set_container_versioning(self, versioning: str) -> Mapping[str, str]:
        """Keep old versions (auto) or not (none)."""
        return self.container_post(versioning=versioning).headers

    def reassign_container(self, project_id: str) -> Mapping[str, str]:
        """Let another project pay for the container."""
        return self.container_post(project_id=project_id).headers
