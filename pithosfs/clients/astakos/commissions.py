"""Commissions: quota that a service reserves, and then takes or gives back. For tokens of services only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pithosfs.clients.astakos.errors import BadValue, InvalidResponse
from pithosfs.clients.astakos.rest_api import AstakosRestClient, json_list, json_object, required
from pithosfs.clients.json_client import Json

__all__ = ["CommissionsClient"]


class CommissionsClient(AstakosRestClient):
    """What `AstakosClient` does with commissions (identity.md section 7).

    A commission names what a user (of a project) and the project itself are to hold more, or with a negative quantity
    less. Issuing one raises QuotaLimit when there is not as much, and then nothing of it is reserved.
    """

    def mk_user_provision(self, holder: str, source: str, resource: str, quantity: int) -> Json:
        """So much more of a resource for a user, in a project."""
        return _provision(f"user:{holder}", f"project:{source}", resource, quantity)

    def mk_project_provision(self, holder: str, resource: str, quantity: int) -> Json:
        """So much more of a resource for a project."""
        return _provision(f"project:{holder}", None, resource, quantity)

    def mk_provisions(self, holder: str, source: str, resource: str, quantity: int) -> list[Json]:
        """So much more of a resource for a user, in a project, and for that project."""
        return [
            self.mk_user_provision(holder, source, resource, quantity),
            self.mk_project_provision(source, resource, quantity),
        ]

    def issue_commission(self, request: Mapping[str, Any]) -> int:
        """Issue `{"provisions", "name", "force", "auto_accept"}`, and return its serial."""
        serial = json_object(self.commissions_post(request)).get("serial")
        if not isinstance(serial, int):
            raise InvalidResponse("the server took the commission and tells no serial")
        return serial

    def issue_commission_generic(
        self,
        user_provisions: Mapping[tuple[str, str, str], int],
        project_provisions: Mapping[tuple[str, str], int],
        name: str = "",
        force: bool = False,
        auto_accept: bool = False,
    ) -> int:
        """Issue a commission: (user, project, resource) → quantity, and (project, resource) → quantity."""
        provisions = []
        for key, quantity in user_provisions.items():
            user, project, resource = _parts(key, 3)
            provisions.append(self.mk_user_provision(user, project, resource, quantity))
        for pair, quantity in project_provisions.items():
            project, resource = _parts(pair, 2)
            provisions.append(self.mk_project_provision(project, resource, quantity))
        return self._issue(provisions, name, force, auto_accept)

    def issue_one_commission(
        self,
        holder: str,
        provisions: Mapping[tuple[str, str], int],
        name: str = "",
        force: bool = False,
        auto_accept: bool = False,
    ) -> int:
        """Issue a commission for one user: (project, resource) → quantity. The projects hold as much more."""
        wanted: list[Json] = []
        for key, quantity in provisions.items():
            project, resource = _parts(key, 2)
            wanted += self.mk_provisions(holder, project, resource, quantity)
        return self._issue(wanted, name, force, auto_accept)

    def issue_resource_reassignment(
        self,
        holder: str,
        provisions: Mapping[tuple[str, str, str], int],
        name: str = "",
        force: bool = False,
        auto_accept: bool = False,
    ) -> int:
        """Issue a commission that moves what a user holds: (from project, to project, resource) → quantity."""
        wanted: list[Json] = []
        for key, quantity in provisions.items():
            source, target, resource = _parts(key, 3)
            wanted += self.mk_provisions(holder, source, resource, -quantity)
            wanted += self.mk_provisions(holder, target, resource, quantity)
        return self._issue(wanted, name, force, auto_accept)

    def _issue(self, provisions: list[Json], name: str, force: bool, auto_accept: bool) -> int:
        return self.issue_commission(
            {"provisions": provisions, "name": name, "force": force, "auto_accept": auto_accept}
        )

    def get_pending_commissions(self) -> list[int]:
        """The serials of those of this service that are neither accepted nor rejected."""
        return json_list(self.commissions_get())

    def get_commission_info(self, serial: int) -> Json:
        """A pending commission: `{"serial", "name", "issue_time", "provisions"}`. Raises NotFound."""
        return json_object(self.commissions_get(required(serial)))

    def commission_action(self, serial: int, action: str) -> None:
        """`accept` or `reject` a commission. Raises NotFound when it is not pending."""
        self.commissions_action_post({action: ""}, required(serial))

    def accept_commission(self, serial: int) -> None:
        """Take what was reserved. Raises NotFound when it is not pending."""
        self.commission_action(serial, "accept")

    def reject_commission(self, serial: int) -> None:
        """Give back what was reserved. Raises NotFound when it is not pending."""
        self.commission_action(serial, "reject")

    def resolve_commissions(self, accept_serials: Iterable[int], reject_serials: Iterable[int]) -> Json:
        """Accept these and reject those: `{"accepted", "rejected", "failed": [[serial, error]]}`."""
        action = {"accept": list(accept_serials), "reject": list(reject_serials)}
        return json_object(self.commissions_action_post(action))


def _provision(holder: str, source: str | None, resource: str, quantity: int) -> Json:
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        raise BadValue(f"{quantity!r} of {resource} is not a quantity", hint="write a whole number")
    return {"holder": holder, "source": source, "resource": resource, "quantity": quantity}


def _parts(key: object, count: int) -> tuple[str, ...]:
    if not isinstance(key, tuple) or len(key) != count:
        raise BadValue(f"{key!r} does not say what is to be provided", hint=f"write a tuple of {count}")
    return tuple(str(one) for one in key)
