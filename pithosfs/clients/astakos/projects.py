"""Projects, the applications for them, and who is a member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithosfs.clients.astakos.rest_api import AstakosRestClient, json_list, json_object, required
from pithosfs.clients.json_client import Json

__all__ = ["ProjectsClient"]


class ProjectsClient(AstakosRestClient):
    """What `AstakosClient` does with projects and memberships (identity.md sections 8 and 9)."""

    # projects -------------------------------------------------------------------------------------------------------

    def get_projects(
        self, name: str | None = None, state: str | None = None, owner: str | None = None, mode: str | None = None
    ) -> list[Json]:
        """The user's projects, or with `mode` `active` all that one can ask to join, with `member` those that he is in.

        `state`: uninitialized, active, suspended, terminated or deleted; `owner`: a uuid.
        """
        return json_list(self.projects_get(name=name, state=state, owner=owner, mode=mode))

    def get_project(self, project_id: str) -> Json:
        """One project. Raises NotFound, Forbidden."""
        return json_object(self.projects_get(required(project_id)))

    def create_project(self, specs: Mapping[str, Any]) -> Json:
        """Apply for a project: `name` and `end_date` are needed, the rest of section 8.5 is not. `{"id",
        "application"}`."""
        return json_object(self.projects_post(dict(specs)))

    def modify_project(self, project_id: str, specs: Mapping[str, Any]) -> Json:
        """Apply for a change of a project. `{"id", "application"}`."""
        return json_object(self.projects_put(project_id, dict(specs)))

    def project_action(self, project_id: str, action: str, reason: str = "") -> None:
        """`suspend`, `unsuspend`, `terminate` or `reinstate` a project. For who runs the cloud."""
        self.projects_action_post(project_id, {action: {"reason": reason}})

    def application_action(self, project_id: str, app_id: int | str, action: str, reason: str = "") -> None:
        """`approve` or `deny` an application (for who runs the cloud), `cancel` or `dismiss` an own one."""
        self.projects_action_post(project_id, {action: {"reason": reason, "app_id": _number(app_id)}})

    # memberships ----------------------------------------------------------------------------------------------------

    def get_memberships(self, project_id: str | None = None, project: str | None = None) -> list[Json]:
        """The user's memberships, and those in the projects that he owns; perhaps of one project only."""
        return json_list(self.memberships_get(project=project_id or project))

    def get_membership(self, memb_id: int | str) -> Json:
        """One membership. Raises NotFound, Forbidden."""
        return json_object(self.memberships_get(required(memb_id)))

    def membership_action(self, memb_id: int | str, action: str, reason: str = "") -> None:
        """`accept`, `reject` or `remove` a member of an own project; `cancel` or `leave` oneself."""
        self.memberships_action_post(memb_id, {action: reason})

    def join_project(self, project_id: str) -> Json:
        """Ask to become a member. `{"id"}` of the membership."""
        return json_object(self.memberships_post({"join": {"project": project_id}}))

    def enroll_member(self, project_id: str, email: str) -> Json:
        """Make a user a member of an own project. `{"id"}` of the membership."""
        return json_object(self.memberships_post({"enroll": {"project": project_id, "user": email}}))


def _number(app_id: int | str) -> int | str:
    """Ids of applications are numbers, which programs may have as text."""
    return int(app_id) if isinstance(app_id, str) and app_id.isdecimal() else app_id
