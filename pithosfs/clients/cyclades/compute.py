"""The servers of Cyclades: `CycladesComputeClient`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pithosfs.clients.compute.client import Networks, Personality, Wanted, encoded
from pithosfs.clients.cyclades.belongings import BelongingsClient
from pithosfs.clients.cyclades.choosing import chosen, needs_details, page
from pithosfs.clients.json_client import Headers, Json, copy_headers, drop_none, member, members
from pithosfs.clients.progressbars import ProgressBar
from pithosfs.clients.waiting import Status, Waiter, same_status
from pithosfs.errors import BadReply, BadRequest

__all__ = ["CycladesComputeClient"]

_BRIEF = ("id", "name", "links")


class CycladesComputeClient(BelongingsClient, Waiter):
    """Servers, flavors and images of Cyclades, the compute service of Synnefo.

    What is returned is as the server sent it: dictionaries with the keys of compute.md. Methods that change something
    and get no answer return the headers of the reply. An action is done when the status has changed: see `wait_server`.
    """

    CONSOLE_TYPES = ("vnc", "vnc-ws", "vnc-wss")

    # servers --------------------------------------------------------------------------------------------------------

    def list_servers(
        self,
        detail: bool = False,
        changes_since: str | None = None,
        image: str | None = None,
        flavor: int | str | None = None,
        name: str | None = None,
        marker: int | str | None = None,
        limit: int | None = None,
        status: str | None = None,
        host: str | None = None,
        response_headers: Wanted = None,
    ) -> list[Json]:
        """The servers: `{"id", "name", "links"}`, or with `detail` everything.

        With `changes_since` only what has changed since, deleted ones too; empty when nothing has. The server ignores
        filters and pages (compute.md section 1): what it sends is sifted here, `host` excepted, which it never tells.
        """
        wanted = drop_none(image=image, flavor=flavor, name=name, status=status)
        reply = self.servers_get(
            detail=detail or needs_details(wanted),
            changes_since=changes_since,
            image=image,
            flavor=flavor,
            name=name,
            marker=marker,
            limit=limit,
            status=status,
            host=host,
            success=(200, 304) if changes_since else 200,
        )
        copy_headers(reply, response_headers)
        found = page(chosen(members(reply, "servers"), wanted), marker, limit)
        return found if detail else [{key: one[key] for key in _BRIEF if key in one} for one in found]

    def create_server(  # type: ignore[override]  # the order of its arguments is another one
        self,
        name: str,
        flavor_id: int | str,
        image_id: str,
        metadata: Mapping[str, str] | None = None,
        personality: Personality = None,
        networks: Networks = None,
        project_id: str | None = None,
        response_headers: Wanted = None,
        *,
        key_names: Sequence[str] = (),
        user_data: str | bytes | None = None,
        admin_pass: str | None = None,
        tags: Sequence[str] = (),
        shared_to_project: bool | None = None,
        block_devices: Sequence[Mapping[str, Any]] = (),
    ) -> Json:
        """Make a server, and return it as it is at the start (`BUILD`), with its `adminPass`.

        What its image says of `os` and `users` goes into the metadata, unless it is given there. `project_id` pays for
        it. `networks`: see `clients.compute.client.Networks`. `user_data` is what the server is given at its first
        boot, as it is. `block_devices` are entries of `block_device_mapping_v2`; with them `image_id` may be empty.
        """
        server: Json = {
            "name": name,
            "flavorRef": flavor_id,
            "imageRef": image_id,
            **drop_none(
                metadata=self._with_image_metadata(image_id, metadata or {}) or None,
                personality=list(personality) if personality else None,
                networks=None if networks is None else list(networks),
                project=project_id,
                shared_to_project=shared_to_project,
                adminPass=admin_pass,
                user_data=None if user_data is None else encoded(user_data),
                tags=list(tags) or None,
                block_device_mapping_v2=list(block_devices) or None,
            ),
        }
        if len(key_names) == 1:
            server["key_name"] = key_names[0]
        elif key_names:
            server["SNF:key_names"] = list(key_names)
        reply = self.servers_post(json_data={"server": server})
        copy_headers(reply, response_headers)
        return member(reply, "server")

    def _with_image_metadata(self, image_id: str, given: Mapping[str, str]) -> dict[str, str]:
        if not image_id:
            return dict(given)
        of_image = self.get_image_details(image_id).get("metadata")
        known = {key.lower() for key in given}
        brought = {
            key.lower(): value
            for key, value in (of_image.items() if isinstance(of_image, dict) else ())
            if key.lower() in ("os", "users") and key.lower() not in known
        }
        return {**brought, **given}

    # actions

    def start_server(self, server_id: int | str) -> Headers:
        """Start a stopped server."""
        return self._act(server_id, "start", {})

    def shutdown_server(self, server_id: int | str) -> Headers:
        """Stop a server."""
        return self._act(server_id, "shutdown", {})

    def rescue_server(self, server_id: int | str, rescue_image: int | str | None = None) -> Headers:
        """Boot a stopped server from a rescue image. Raises NotFound where this is switched off."""
        return self._act(server_id, "rescue", drop_none(rescue_image_ref=rescue_image))

    def unrescue_server(self, server_id: int | str) -> Headers:
        """Leave rescue mode."""
        return self._act(server_id, "unrescue", {})

    def reassign_server(self, server_id: int | str, project: str, *, shared_to_project: bool | None = None) -> Headers:
        """Let another project pay for a server, and perhaps all its members use it."""
        return self._act(server_id, "reassign", drop_none(project=project, shared_to_project=shared_to_project))

    def set_firewall_profile(self, server_id: int | str, profile: str, port_id: int | str) -> Headers:
        """Set the firewall of one port of a server: `ENABLED`, `DISABLED` or `PROTECTED`."""
        return self._act(server_id, "firewallProfile", {"profile": profile, "nic": port_id})

    def get_server_console(self, server_id: int | str, console_type: str = "vnc") -> Json:
        """Open a console of a running server, of one of `CONSOLE_TYPES`: `{"type", "host", "port", "password"}`. It can
        be used for a short time only."""
        if console_type not in self.CONSOLE_TYPES:
            raise BadRequest(
                f"there is no console of type {console_type!r}", 0, hint=f"one of {', '.join(self.CONSOLE_TYPES)}"
            )
        reply = self.servers_action_post(server_id, {"console": {"type": console_type}}, success=200)
        return member(reply, "console")

    # what is known of a server

    def get_server_stats(self, server_id: int | str) -> Json:
        """Where the graphs of a server are: `{"cpuBar", "cpuTimeSeries", "netBar", "netTimeSeries", …}`."""
        return member(self.servers_stats_get(server_id), "stats")

    def get_server_diagnostics(self, server_id: int | str) -> list[Json]:
        """What happened while a server was made, newest first: `{"level", "created", "source", "message", …}`."""
        found = self.servers_diagnostics_get(server_id).json()
        if not isinstance(found, list):
            raise BadReply("the server sent something else than a list of diagnostics")
        return found

    def get_server_password(self, server_id: int | str) -> str:
        """The password that was made for a server. Raises NotFound when it is no longer known."""
        found = self.servers_password_get(server_id).json()
        if not isinstance(found, dict) or not isinstance(found.get("password"), str):
            raise BadReply("the server sent something else than a password")
        return str(found["password"])

    def delete_server_password(self, server_id: int | str) -> Headers:
        """Forget the password that was made for a server."""
        return self.servers_password_delete(server_id).headers

    # flavors --------------------------------------------------------------------------------------------------------

    def list_flavors(
        self,
        detail: bool = False,
        response_headers: Wanted = None,
        *,
        is_public: bool | None = None,
        project_id: str | None = None,
    ) -> list[Json]:
        """The flavors: `{"id", "name", "links"}`, or with `detail` `vcpus`, `ram` (MiB), `disk` (GiB) and more. Only
        public (or other) ones, or those that a project of the user opens up."""
        params = drop_none(**{"SNF:is_public": is_public, "SNF:flavor-access": project_id})
        reply = self.flavors_get(detail=bool(detail), params=params)
        copy_headers(reply, response_headers)
        return members(reply, "flavors")

    # waiting --------------------------------------------------------------------------------------------------------

    def get_server_status(self, server_id: int | str) -> Status:
        """The status, and while the server is being built how much of that is done in percent."""
        server = self.get_server_details(server_id)
        status, progress = server.get("status"), server.get("progress")
        if not isinstance(status, str):
            raise BadReply(f"the server does not say in which status {server_id!r} is")
        # Later it stays at what it was when the server was built.
        building = same_status(status, "BUILD") and isinstance(progress, int)
        return status, progress if building else None

    def wait_server(
        self,
        server_id: int | str,
        current_status: str = "BUILD",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: ProgressBar | None = None,
    ) -> str | Literal[False]:
        """Wait as long as a server is in a status. The status that it has then; False after `max_wait` seconds.

        It is asked after `delay` seconds, then less and less often. `wait_cb` counts `max_wait / delay` steps, of the
        building if that is waited for, else of the time (`clients.progressbars`).
        """
        return self._wait_while(partial(self.get_server_status, server_id), current_status, delay, max_wait, wait_cb)

    def wait_server_until(
        self,
        server_id: int | str,
        target_status: str = "ACTIVE",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: ProgressBar | None = None,
    ) -> str | Literal[False]:
        """Wait until a server is in a status. That status, or the one in which it is stuck (ERROR, DELETED); False
        after `max_wait` seconds. `delay` and `wait_cb` as for `wait_server`."""
        return self._wait_until(partial(self.get_server_status, server_id), target_status, delay, max_wait, wait_cb)
