"""Compute, sections 3.7 to 3.11: metadata, tags, statistics, actions."""

from __future__ import annotations

import re
from typing import Any

from conformance.rows import rule
from conformance.service_rows import Row, ServiceStep, call, delete, each, get, has, ident, lacks, post, put, row, until
from conformance.services import ServiceWorld

SERVER = "compute/servers/{server}"
STOPPED = "compute/servers/{stopped}"
META = f"{SERVER}/metadata"
TAGS = f"{SERVER}/tags"


def act(path: str = SERVER, by: str = "me", **action: Any) -> ServiceStep:
    return post(f"{path}/action", action, by=by)


def begins(step: ServiceStep) -> ServiceStep:
    return step.gives(202, empty=True)


def ends(path: str, status: str) -> ServiceStep:
    return until(path, {"server": {"status": status, "SNF:task_state": ""}})


PLUGGED = (
    post("network/ports", {"port": {"network_id": "{net}", "device_id": "{server}"}}).saves(port="port.id"),
    until("network/ports/{port}", {"port": {"status": "ACTIVE"}}),
    ends(SERVER, "ACTIVE"),
)
PLAIN = (f"3.10-{name}-is-no-action" for name in ("changePassword", "rebuild", "confirmResize", "revertResize", "x"))

ROWS = (
    row("3.7-none", get(META).gives(200, like={"metadata": {}})),
    row(
        "3.7-merged",
        post(META, {"metadata": {"role": "db"}}).gives(201, like={"metadata": {"role": "db"}}),
        post(META, {"metadata": {"os": "x"}}).gives(201, like={"metadata": {"role": "db", "os": "x"}}),
        get(META).gives(200, like={"metadata": {"role": "db", "os": "x"}}),
        get(SERVER).gives(200, like={"server": {"metadata": {"role": "db", "os": "x"}}}),
    ),
    row(
        "3.7-one-item",
        put(f"{META}/role", {"meta": {"role": "db"}}).gives(201, like={"meta": {"role": "db"}}),
        get(f"{META}/role").gives(200, like={"meta": {"role": "db"}}),
        delete(f"{META}/role").gives(204, empty=True),
        get(f"{META}/role").gives(404),
        delete(f"{META}/role").gives(404),
    ),
    row("3.7-item-of-another-key", put(f"{META}/role", {"meta": {"other": "db"}}).gives(400)),
    row("3.7-two-items", put(f"{META}/role", {"meta": {"role": "db", "os": "x"}}).gives(400)),
    row("3.7-value-that-is-a-number", post(META, {"metadata": {"role": 3}}).gives(400, 500)),
    row(
        "3.7-more-than-10-items",
        post(META, {"metadata": {f"k{n}": "v" for n in range(10)}}),
        put(f"{META}/one-more", {"meta": {"one-more": "v"}}).gives(400),
    ),
    row("3.7-key-of-51-characters", post(META, {"metadata": {"k" * 51: "v"}}).gives(400)),
    row("3.7-value-of-501-characters", post(META, {"metadata": {"k": "v" * 501}}).gives(400)),
    row("3.7-not-an-object", post(META, {"metadata": []}).gives(400)),
    row("3.7-no-metadata", post(META, {}).gives(400)),
    row("3.7-put-of-all", put(META, {"metadata": {}}).gives(405)),
    row("3.7-by-others", post(META, {"metadata": {"a": "b"}}, by="other").gives(404)),
    row(
        "3.7-unicode",
        put(f"{META}/%CF%81", {"meta": {"ρ": "α"}}).gives(201),
        get(f"{META}/%CF%81").gives(200, like={"meta": {"ρ": "α"}}),
    ),
    # Tags
    row("3.8-none", get(TAGS).gives(200, like={"tags": [], "statuses": []})),
    row(
        "3.8-replaced",
        put(TAGS, {"tags": ["a", "b"]}).gives(200, like={"tags": list, "statuses": list}),
        until(TAGS, {"tags": ["a", "b"], "statuses": ["ACTIVE", "ACTIVE"]}),
        get(SERVER).gives(200, like={"server": {"tags": ["a", "b"]}}),
        put(TAGS, {"tags": ["b"]}),
        until(TAGS, {"tags": ["b"]}),
    ),
    row(
        "3.8-one",
        put(f"{TAGS}/front").gives(201, shown={"Location": str}),
        put(f"{TAGS}/front").gives(204),
        call("GET", f"{TAGS}/front").gives(204, shown={"tag-status": re.compile("ACTIVE|PENDADD")}),
    ),
    row("3.8-one-that-is-not-there", get(f"{TAGS}/front").gives(404, fault="")),
    row(
        "3.8-delete-one",
        put(f"{TAGS}/front"),
        until(TAGS, {"statuses": ["ACTIVE"]}),
        delete(f"{TAGS}/front").gives(204),
        delete(f"{TAGS}/front").gives(404),
    ),
    row("3.8-delete-all", put(TAGS, {"tags": ["a"]}), delete(TAGS).gives(204), get(TAGS).gives(200, like={"tags": []})),
    row("3.8-delete-of-none", delete(TAGS).gives(404)),
    row("3.8-that-is-no-text", put(TAGS, {"tags": [3]}).gives(400)),
    row("3.8-that-is-too-long", put(TAGS, {"tags": ["t" * 61]}).gives(400)),
    row("3.8-with-a-comma", put(TAGS, {"tags": ["a,b"]}).gives(400)),
    row("3.8-more-than-50", put(TAGS, {"tags": [f"t{n}" for n in range(51)]}).gives(400)),
    row("3.8-not-a-list", put(TAGS, {"tags": "a"}).gives(400)),
    # Statistics and diagnostics
    row(
        "3.9-statistics",
        get(f"{SERVER}/stats").gives(
            200,
            like={
                "stats": {
                    "serverRef": int,
                    "refresh": int,
                    "cpuBar": str,
                    "cpuTimeSeries": str,
                    "netBar": str,
                    "netTimeSeries": str,
                }
            },
        ),
    ),
    row("3.9-statistics-of-others", get(f"{SERVER}/stats", by="other").gives(404)),
    row(
        "3.9-diagnostics",
        get(f"{SERVER}/diagnostics").gives(
            200,
            like=lambda found: (
                isinstance(found, list)
                and all(
                    one["level"] in ("DEBUG", "INFO", "WARNING", "ERROR")
                    and {"created", "source", "message"} <= one.keys()
                    for one in found
                )
            ),
        ),
    ),
    row(
        "3.9-at-most-the-latest-in-the-server",
        get(SERVER).gives(200, like={"server": {"diagnostics": lambda found: len(found) <= 1}}),
    ),
    # Actions
    row("3.10-no-action", act().gives(400)),
    row("3.10-a-list", post(f"{SERVER}/action", []).gives(400)),
    row("3.10-argument-that-is-no-object", act(start="now").gives(400)),
    *(row(name, act(**{name.split("-")[1]: {}}).gives(400)) for name in PLAIN),
    row("3.10-create-is-no-action", act(create={}).gives(400, 500)),
    row("3.10-delete-is-no-action", act(delete={}).gives(400, 500)),
    row("3.10-suspend", act(suspend={}).gives(403)),
    row("3.10-rescue", act(rescue={}).gives(404, 202, 400)),
    row("3.10-by-others", act(by="other", shutdown={}).gives(404)),
    row("3.10-unknown-server", act("compute/servers/999999999", start={}).gives(404)),
    row(
        "3.10-stop-and-start",
        begins(act(shutdown={})),
        ends(SERVER, "STOPPED"),
        begins(act(start={})),
        ends(SERVER, "ACTIVE"),
    ),
    row(
        "3.10-openstack-stop-and-start",
        begins(post(f"{SERVER}/action", {"os-stop": None})),
        ends(SERVER, "STOPPED"),
        begins(post(f"{SERVER}/action", {"os-start": None})),
        ends(SERVER, "ACTIVE"),
    ),
    row("3.10-start-of-a-running-one", act(start={}).gives(400)),
    row("3.10-shutdown-of-a-stopped-one", act(STOPPED, shutdown={}).gives(400)),
    row("3.10-soft-reboot", begins(act(reboot={"type": "SOFT"})), ends(SERVER, "ACTIVE")),
    row("3.10-hard-reboot", begins(act(reboot={"type": "HARD"})), ends(SERVER, "ACTIVE")),
    row("3.10-reboot-without-type", begins(act(reboot={}))),
    row("3.10-reboot-of-another-type", act(reboot={"type": "GENTLE"}).gives(400)),
    row("3.10-reboot-of-null", act(reboot=None).gives(400, 500)),
    row("3.10-reboot-of-a-stopped-one", begins(act(STOPPED, reboot={"type": "HARD"})), ends(STOPPED, "ACTIVE")),
    row(
        "3.10-resize",
        begins(act(STOPPED, resize={"flavorRef": "{large}"})),
        ends(STOPPED, "STOPPED"),
        get(STOPPED).gives(200, like={"server": {"flavor": {"id": ident("{large}")}}}),
        act(STOPPED, resize={"flavorRef": "{large}"}).gives(400),
    ),
    row("3.10-resize-of-a-running-one", act(resize={"flavorRef": "{large}"}).gives(400)),
    row("3.10-resize-to-the-same", act(STOPPED, resize={"flavorRef": "{small}"}).gives(400)),
    row("3.10-resize-to-an-unknown-flavor", act(STOPPED, resize={"flavorRef": 999999999}).gives(404)),
    row("3.10-resize-without-a-flavor", act(STOPPED, resize={}).gives(400)),
    row(
        "3.10-console",
        act(console={"type": "vnc"}).gives(
            200, like={"console": {"type": "vnc", "host": str, "port": int, "password": str}}
        ),
    ),
    *(
        row(f"3.10-console-{kind}", act(console={"type": kind}).gives(200, like={"console": {"type": kind}}))
        for kind in ("vnc-ws", "vnc-wss")
    ),
    row("3.10-console-of-another-type", act(console={"type": "spice"}).gives(400)),
    row("3.10-console-without-type", act(console={}).gives(400)),
    row("3.10-console-of-a-stopped-one", act(STOPPED, console={"type": "vnc"}).gives(400)),
    *(
        row(
            f"3.10-openstack-console-{kind}",
            act(**{"os-getVNCConsole": {"type": kind}}).gives(200, like={"console": {"type": kind, "url": str}}),
        )
        for kind in ("novnc", "xvpvnc")
    ),
    *(
        row(f"3.10-{name}-is-not-implemented", act(**{name: {"type": "x"}}).gives(501))
        for name in ("os-getRDPConsole", "os-getSPICEConsole")
    ),
    row(
        "3.10-firewall",
        *PLUGGED,
        begins(act(firewallProfile={"profile": "PROTECTED", "nic": "{port}"})),
        until(SERVER, {"server": {"attachments": has({"network_id": "{net}", "firewallProfile": "PROTECTED"})}}),
    ),
    row(
        "3.10-firewall-of-another-profile",
        *PLUGGED,
        act(firewallProfile={"profile": "OPEN", "nic": "{port}"}).gives(400),
    ),
    row("3.10-firewall-of-another-nic", act(firewallProfile={"profile": "ENABLED", "nic": "999999999"}).gives(404)),
    row("3.10-firewall-without-nic", act(firewallProfile={"profile": "ENABLED"}).gives(400)),
    row("3.10-reassign", act(reassign={"project": "{me}"}).gives(200, empty=True)),
    row("3.10-reassign-to-others", act(reassign={"project": "{other}"}).gives(400)),
    row("3.10-reassign-without-project", act(reassign={}).gives(400)),
    row("3.10-floating-ip-without-address", act(addFloatingIp={}).gives(400)),
    row("3.10-unknown-floating-ip", act(addFloatingIp={"address": "198.51.100.9"}).gives(404)),
    row("3.10-removing-an-unknown-floating-ip", act(removeFloatingIp={"address": "198.51.100.9"}).gives(404)),
    # Floating IPs of the compute service
    row(
        "7-reserve-and-release",
        post("compute/os-floating-ips", {})
        .gives(200, like={"floating_ip": {"id": int, "ip": str, "instance_id": None}})
        .saves(ip="floating_ip.id"),
        get("compute/os-floating-ips").gives(200, like={"floating_ips": has({"id": int, "ip": str})}),
        get("network/floatingips/{ip}").gives(200, like={"floatingip": {"id": "{ip}"}}),
        get("compute/os-floating-ips/{ip}").gives(200),
        delete("compute/os-floating-ips/{ip}").gives(204, empty=True),
        delete("compute/os-floating-ips/{ip}").gives(400, 404),
    ),
    row("7-unknown", get("compute/os-floating-ips/999999999").gives(404)),
    # Key pairs
    row(
        "6-import",
        post("compute/os-keypairs", {"keypair": {"name": "{name}", "public_key": "ssh-rsa QUJD ada"}}).gives(
            201, like={"keypair": {"name": "{name}", "public_key": "ssh-rsa QUJD ada", "fingerprint": str}}
        ),
        get("compute/os-keypairs").gives(200, like={"keypairs": has({"keypair": {"name": "{name}"}})}),
        get("compute/os-keypairs/{name}").gives(
            200, like={"keypair": {"name": "{name}", "id": int, "deleted": False, "deleted_at": None}}
        ),
        post("compute/os-keypairs", {"keypair": {"name": "{name}", "public_key": "x"}}).gives(409),
        get("compute/os-keypairs/{name}", by="other").gives(404),
        delete("compute/os-keypairs/{name}").gives(204, empty=True),
        delete("compute/os-keypairs/{name}").gives(404),
    ),
    row(
        "6-fingerprint",
        post("compute/os-keypairs", {"keypair": {"name": "{name}", "public_key": "ssh-rsa QUJD ada"}}).gives(
            201, like={"keypair": {"fingerprint": "90:2f:bd:d2:b1:df:0c:4f:70:b4:a5:d2:35:25:e9:32"}}
        ),
    ),
    row(
        "6-unreadable-key",
        post("compute/os-keypairs", {"keypair": {"name": "{name}", "public_key": "no key"}}).gives(
            201, like={"keypair": {"fingerprint": str}}
        ),
    ),
    row("6-name-is-required", post("compute/os-keypairs", {"keypair": {"public_key": "x"}}).gives(400)),
    row("6-unknown", get("compute/os-keypairs/nothing").gives(404)),
    row(
        "6-generated",
        post("compute/os-keypairs", {"keypair": {"name": "{name}"}}).gives(
            201,
            403,
            like={
                "keypair": {
                    "public_key": re.compile("ssh-rsa .*"),
                    "private_key": re.compile("-----BEGIN .*", re.DOTALL),
                }
            },
        ),
    ),
    row(
        "6-a-private-key-is-told-once",
        post("compute/os-keypairs", {"keypair": {"name": "{name}", "public_key": "ssh-rsa QUJD"}}),
        get("compute/os-keypairs").gives(200, like={"keypairs": lacks({"keypair": {"private_key": str}})}),
    ),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)


@rule("3.11-what-running-costs")
def test_quota_effects(service_world: ServiceWorld) -> None:
    """CPU and RAM are charged while the server runs; a resize changes what it costs from then on."""
    world = service_world

    def usage() -> tuple[int, int]:
        quotas = world.do(get("account/quotas")).json()[world["me"]]
        return quotas["cyclades.cpu"]["usage"], quotas["cyclades.ram"]["usage"]

    def size(flavor: str) -> tuple[int, int]:
        found = world.do(get(f"compute/flavors/{flavor}")).json()["flavor"]
        return found["vcpus"], found["ram"] * 2**20

    before = usage()
    world.do(get(STOPPED))
    assert usage() == before
    world.do(begins(act(STOPPED, start={})))
    world.do(ends(STOPPED, "ACTIVE"))
    small, large = size("{small}"), size("{large}")
    assert usage() == (before[0] + small[0], before[1] + small[1])
    world.do(begins(act(STOPPED, shutdown={})))
    world.do(ends(STOPPED, "STOPPED"))
    assert usage() == before
    world.do(begins(act(STOPPED, resize={"flavorRef": "{large}"})))
    world.do(ends(STOPPED, "STOPPED"))
    world.do(begins(act(STOPPED, start={})))
    world.do(ends(STOPPED, "ACTIVE"))
    assert usage() == (before[0] + large[0], before[1] + large[1])
