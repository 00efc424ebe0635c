"""Network, sections 1 and 2: versions, tokens, ids, methods."""

from __future__ import annotations

from conformance.service_rows import Row, call, delete, each, get, has, head, lacks, post, put, row
from conformance.services import ServiceWorld

ITEMS = ("networks", "subnets", "ports", "floatingips")

ROWS = (
    row("1.1-versions", get("network:/", by="nobody").gives(200, like={"versions": has({"id": "v2.0"})})),
    row("1.1-versions-without-slash", get("network:", by="nobody").gives(200, like={"versions": list})),
    row("1-no-token", get("network/networks", by="nobody").gives(401, fault="unauthorized")),
    row("1-refused-token", get("network/networks", by="nobody", X_Auth_Token="no").gives(401, fault="fault")),
    row("1-token-as-parameter", get("network/networks?X-Auth-Token={token}", by="nobody").gives(200)),
    *(row(f"1-trailing-slash-of-{name}", get(f"network/{name}/").gives(200, like={name: list})) for name in ITEMS),
    *(row(f"1-trailing-slash-after-detail-of-{name}", get(f"network/{name}/detail/").gives(400)) for name in ITEMS[2:]),
    row("1-trailing-slash-of-an-item", get("network/networks/{bare}/").gives(200)),
    *(
        row(f"1-unknown-route-{name}", get(f"network/{name}").gives(400))
        for name in ("routers", "agents", "extensions")
    ),
    row("1-security-groups-are-unknown", get("network/security-groups").gives(400)),
    *(row(f"1-id-that-is-no-number-in-{name}", get(f"network/{name}/abc").gives(400)) for name in ITEMS),
    *(row(f"1-strange-characters-in-{name}", get(f"network/{name}/a%21b").gives(400)) for name in ITEMS),
    *(row(f"1-unknown-id-in-{name}", get(f"network/{name}/999999999").gives(404)) for name in ITEMS),
    *(row(f"1-id-beyond-numbers-in-{name}", get(f"network/{name}/{'9' * 40}").gives(400, 404)) for name in ITEMS),
    *(row(f"1-filters-are-ignored-in-{name}", get(f"network/{name}?fields=id&limit=1").gives(200)) for name in ITEMS),
    *(
        row(
            f"1-wrong-method-on-{name}",
            call("PATCH", f"network/{name}").gives(405, shown={"Allow": lambda v: "GET" in v}),
        )
        for name in ITEMS
    ),
    row("1-head-is-no-method", head("network/networks").gives(405)),
    row("1-body-of-another-type", post("network/networks", "{}", Content_Type="text/plain").gives(400)),
    row("1-body-that-is-no-json", post("network/networks", "{").gives(400)),
    row("1-body-that-is-a-list", post("network/networks", []).gives(400)),
    row("1-body-without-the-object", post("network/networks", {"net": {}}).gives(400)),
    row("1-no-body", call("POST", "network/networks", Content_Type="application/json").gives(400)),
    row(
        "1-answers-are-not-cached",
        get("network/networks").gives(
            200, shown={"Cache-Control": lambda v: "no-cache" in v, "Vary": lambda v: "X-Auth-Token" in v}
        ),
    ),
    row("2-put-of-a-floating-ip", put("network/floatingips/1", {"floatingip": {}}).gives(501)),
    row("2-delete-of-a-collection", delete("network/networks").gives(405)),
    row("1.3-public-networks-are-everybodys", get("network/networks/{pool}", by="other").gives(200)),
    row("1.3-others-networks-are-not-seen", get("network/networks/{bare}", by="other").gives(404)),
    row(
        "1.3-others-networks-are-not-listed",
        get("network/networks/{bare}").gives(200),
        get("network/networks", by="other").gives(200, like={"networks": lacks({"id": "{bare}"})}),
    ),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)
