"""Section 2: authentication."""

from __future__ import annotations

from conformance.rows import C, O, Row, call, each, get, head, post, put, row
from conformance.world import World

ROWS = (
    row("2-token-in-the-header", head().gives(204)),
    row("2-no-token-at-an-account", get("", by="nobody").gives(401, fault="unauthorized")),
    row("2-no-token-at-a-container", get("{shared}", by="nobody").gives(401, fault="unauthorized")),
    row("2-no-token-at-an-object", put(O), get(O, by="nobody").gives(401, fault="unauthorized")),
    row("2-no-token-at-an-object-that-is-not-there", get(O, by="nobody").gives(401, fault="unauthorized")),
    row("2-no-token-to-write", put(O, by="nobody").gives(401, fault="unauthorized"), head(O).gives(404)),
    row("2-no-token-to-delete", put(O), call("DELETE", O, by="nobody").gives(401), head(O).gives(200)),
    row("2-unknown-token", get("", by="nobody", X_Auth_Token="rubbish").gives(401, fault="fault")),
    row("2-unknown-token-at-an-object", put(O), get(O, by="nobody", X_Auth_Token="rubbish").gives(401, fault="fault")),
    row("2-unknown-token-at-the-top", get("/", by="nobody", X_Auth_Token="rubbish").gives(401, fault="fault")),
    row("2-empty-token-is-none", get("", by="nobody", X_Auth_Token="").gives(401, fault="unauthorized")),
    row("2-token-as-parameter", head("?X-Auth-Token={token}", by="nobody").gives(204)),
    row("2-bad-parameter-beats-good-header", get("?X-Auth-Token=rubbish").gives(401, fault="fault")),
    row("2-good-parameter-beats-bad-header", head("?X-Auth-Token={token}", by="nobody", X_Auth_Token="no").gives(204)),
    row("2-empty-parameter-leaves-the-header", head("?X-Auth-Token=").gives(204)),
    row(
        "2-parameter-token-to-write",
        post(f"{C}?X-Auth-Token={{token}}&update", by="nobody", X_Container_Meta_A="1").gives(202),
    ),
    row(
        "2-old-login-echoes",
        get("/", by="nobody", X_Auth_User="somebody", X_Auth_Key="secret").gives(
            204, X_Auth_Token="secret", X_Storage_Url=lambda url: url.endswith("/somebody"), body=b""
        ),
    ),
    row("2-top-without-anything", get("/", by="nobody").gives(400)),
    row("2-top-with-user-alone", get("/", by="nobody", X_Auth_User="somebody").gives(400)),
    row("2-top-with-key-alone", get("/", by="nobody", X_Auth_Key="secret").gives(400)),
    row("2-token-of-the-other-user", get(O, by="other").gives(403)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.names["token"] = world.server.me.token
    world.run(row)
