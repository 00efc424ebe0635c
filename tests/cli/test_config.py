"""`pithosfs config`."""

from __future__ import annotations

import stat

from fixtures.cli import Cli, finish


def test_set_get_list_delete(bare: Cli) -> None:
    bare.ok("config", "set", "cloud.work.url", "https://example.org/identity/v2.0")
    bare.ok("config", "set", "default_cloud", "work")
    assert bare.ok("config", "get", "cloud.work.url").out == "https://example.org/identity/v2.0\n"
    assert bare.ok("config", "get", "default_cloud").out == "work\n"
    assert bare.ok("config", "get", "global.default_cloud", "--output", "json").json == {
        "key": "global.default_cloud",
        "value": "work",
    }
    listed = {one["key"]: one["value"] for one in bare.ok("config", "list", "-j").json}
    assert listed == {"cloud.work.url": "https://example.org/identity/v2.0", "global.default_cloud": "work"}
    bare.ok("config", "delete", "cloud.work")
    assert bare("config", "get", "cloud.work.url").code == 3
    assert bare("config", "delete", "cloud.work").code == 3
    assert bare("config", "get", "nothing").code == 3
    assert stat.S_IMODE(bare.home.directories.config_file.stat().st_mode) == 0o600


def test_tokens_are_masked(bare: Cli) -> None:
    bare.ok("config", "set", "cloud.work.token", "-", stdin=b"very-secret\n")
    for arguments in (["list"], ["get", "cloud.work"], ["get", "cloud"], ["get", "cloud.work.token"], ["list", "-j"]):
        result = bare.ok("config", *arguments)
        assert "very-secret" not in result.out + result.err
        assert "********" in result.out
        assert "very-secret" in bare.ok("config", *arguments, "--show-secrets").out


def test_a_token_is_asked_for_unseen(bare: Cli) -> None:
    run = bare.terminal("config", "set", "cloud.work.token")
    run.expect("cloud.work.token: ")
    run.sendline("very-secret")
    shown, code = finish(run)
    assert code == 0
    assert "very-secret" not in shown
    assert bare.ok("config", "get", "cloud.work.token", "--show-secrets").out == "very-secret\n"


def test_bad_input(bare: Cli) -> None:
    assert bare("config", "set", "cloud.work.url").code == 2
    assert bare("config", "set", "cloud.bad name.url", "x").code == 2
    assert bare("config", "set", "cloud.work", "x").code == 2
    assert bare("config", "set", "cloud.work.token", "-").code == 2
    assert not bare.home.directories.config_file.exists()


def test_a_file_of_ones_own(bare: Cli) -> None:
    own = bare.cwd / "own"
    bare.ok("-c", own, "config", "set", "default_cloud", "x")
    assert bare.ok("config", "get", "default_cloud", "-c", own).out == "x\n"
    assert not bare.home.directories.config_file.exists()
    own.write_text("rubbish")
    broken = bare("config", "list", "-c", own)
    assert broken.code == 2
    assert "is not a settings file" in broken.err


def test_overrides_are_not_saved(bare: Cli) -> None:
    bare.ok("config", "set", "default_cloud", "x", "-o", "cloud.x.url=http://elsewhere")
    assert bare("config", "get", "cloud.x.url").code == 3
    assert bare.ok("config", "get", "cloud.x.url", "-o", "cloud.x.url=http://elsewhere").out == "http://elsewhere\n"


def test_descriptions(bare: Cli) -> None:
    assert "cloud.NAME.url" in bare.ok("config", "list", "--describe-option-keys").out
    bare.ok("config", "set", "cloud.x.pithos_url", "u")
    assert "address of one service" in bare.ok("config", "list", "--with-description").out


def test_a_token_may_begin_with_a_minus_sign(bare: Cli) -> None:
    for token in ("-_g9FCAhS4KQ5XUjZYzCw0Ao1uUnlEHwtAFfoHwJDhE", "--dvcFCAhS4KQ5XUjZYzCw0Ao1uUnlEHwtAFfoHwJDhE"):
        bare.ok("config", "set", "cloud.work.token", token)
        assert bare.ok("config", "get", "cloud.work.token", "--show-secrets").out == f"{token}\n"
