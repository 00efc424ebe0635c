"""The settings file, the clouds, the directories, sizes."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.config import Cloud, Directories, Settings, format_size, make_private, parse_size
from pithosfs.errors import ConfigError, UsageError

TWO = """\
# a comment
[global]
default_cloud = home
ca_certs = /etc/ca.pem

[cloud "home"]
url = https://home.example/identity/v2.0
token = T0k%(en)s
pithos_container = stuff
pithos_url = https://pithos.example/v1
own_key = kept

[cloud "work.eu"]
url = https://work.example/identity/v2.0
token = first second   third
ignore_ssl = On

[plugin]
colour = red
"""


def load(tmp_path: Path, text: str | None = None, **environ: str) -> Settings:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
        path.chmod(0o600)
    return Settings.load(path, {"HOME": str(tmp_path), **environ})


# clouds ---------------------------------------------------------------------------------------------------------------


def test_a_cloud_has_what_its_section_says(tmp_path: Path) -> None:
    cloud = load(tmp_path, TWO).cloud("home")
    assert (cloud.name, cloud.url) == ("home", "https://home.example/identity/v2.0")
    assert cloud.token == "T0k%(en)s"
    assert cloud.container == "stuff"
    assert cloud.ca_certs == "/etc/ca.pem"
    assert not cloud.ignore_ssl
    assert cloud.options["own_key"] == "kept"
    assert cloud.override("pithos", "url") == "https://pithos.example/v1"
    assert cloud.override("pithos", "token") is None


def test_several_tokens_are_several_users_and_the_first_counts(tmp_path: Path) -> None:
    cloud = load(tmp_path, TWO).cloud("work.eu")
    assert cloud.token == "first"
    assert cloud.tokens == ("first", "second", "third")
    assert cloud.ignore_ssl
    assert cloud.container == "pithos"


def test_a_cloud_shows_no_token() -> None:
    cloud = Cloud("c", "http://x/", "secret", options={"pithos_token": "secret"}, tokens=("secret",))
    assert "secret" not in repr(cloud)
    assert "secret" not in str(cloud)


ONE = '[cloud "a"]\nurl = http://a/\ntoken = ta\n'
OTHER = '[cloud "b"]\nurl = http://b/\ntoken = tb\n'


@pytest.mark.parametrize(
    ("text", "environ", "name", "expected"),
    [
        (ONE, {}, None, "a"),
        (ONE + OTHER, {"PITHOSFS_CLOUD": "b"}, None, "b"),
        (ONE + OTHER + "[global]\ndefault_cloud=a\n", {"PITHOSFS_CLOUD": "b"}, None, "b"),
        (ONE + OTHER + "[global]\ndefault_cloud=a\n", {"KAMAKI_DEFAULT_CLOUD": "b"}, None, "a"),
        (ONE + OTHER, {"KAMAKI_DEFAULT_CLOUD": "b"}, None, "b"),
        (ONE + OTHER, {"PITHOSFS_CLOUD": "a"}, "b", "b"),
        (ONE, {"PITHOSFS_URL": "http://e/", "PITHOSFS_TOKEN": "te"}, None, "environment"),
        (ONE, {"PITHOSFS_URL": "http://e/", "PITHOSFS_TOKEN": "te"}, "environment", "environment"),
        (ONE, {"PITHOSFS_URL": "http://e/", "PITHOSFS_TOKEN": "te"}, "a", "a"),
        (None, {"PITHOSFS_URL": "http://e/", "PITHOSFS_TOKEN": "te"}, None, "environment"),
    ],
)
def test_which_cloud_is_chosen(
    tmp_path: Path, text: str | None, environ: dict[str, str], name: str | None, expected: str
) -> None:
    assert load(tmp_path, text, **environ).cloud(name).name == expected


@pytest.mark.parametrize(
    ("text", "environ", "name", "message", "hint"),
    [
        (None, {}, None, "no cloud is configured", "localcloud start"),
        (None, {}, "x", "no cloud 'x'", "localcloud start"),
        (ONE + OTHER, {}, None, "a, b", "--cloud NAME"),
        (ONE + OTHER, {}, "c", "no cloud 'c'", "there are: a, b"),
        (ONE, {"PITHOSFS_CLOUD": "zz"}, None, "no cloud 'zz'", "there are: a"),
        ('[cloud "a"]\ntoken = t\n', {}, None, "has no url", "config set cloud.a.url URL"),
        ('[cloud "a"]\nurl = u\ntoken =   \n', {}, None, "has no token", "config set cloud.a.token TOKEN"),
        ('[cloud "a"]\nurl = u\ntoken = tö\n', {}, None, "no token has", "config set cloud.a.token TOKEN"),
        (None, {"PITHOSFS_URL": "http://e/"}, None, "PITHOSFS_TOKEN is not", "PITHOSFS_TOKEN"),
        (None, {"PITHOSFS_TOKEN": "t"}, None, "PITHOSFS_URL is not", "PITHOSFS_URL"),
    ],
)
def test_what_is_missing_is_said_with_a_hint(
    tmp_path: Path, text: str | None, environ: dict[str, str], name: str | None, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text, **environ).cloud(name)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


# the file -------------------------------------------------------------------------------------------------------------


def test_no_file_is_empty_settings(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.clouds() == []
    assert settings.items() == []
    assert settings.source is None


def test_single_settings(tmp_path: Path) -> None:
    settings = load(tmp_path, TWO)
    assert settings.get("default_cloud") == settings.get("global.default_cloud") == "home"
    assert settings.get("cloud.work.eu.URL") == "https://work.example/identity/v2.0"
    assert settings.get("plugin.colour") == "red"
    assert settings.get("nothing") is None
    assert settings.get("cloud.home.nothing") is None
    assert settings.get("cloud.work.eu") == {
        "url": "https://work.example/identity/v2.0",
        "token": "first second   third",
        "ignore_ssl": "On",
    }
    assert settings.get("global") == {"default_cloud": "home", "ca_certs": "/etc/ca.pem"}
    clouds = settings.get("cloud")
    assert isinstance(clouds, dict)
    assert clouds["home.own_key"] == "kept"
    assert ("cloud.home.own_key", "kept") in settings.items()
    assert ("plugin.colour", "red") in settings.items()


def test_what_is_saved_is_read_again_with_all_that_is_unknown(tmp_path: Path) -> None:
    settings = load(tmp_path, TWO)
    settings.set("cloud.new.url", "https://new.example/?a=%41 b#c")
    settings.set("cloud.new.token", "")
    settings.set("Colors", "on")
    settings.save()
    again = Settings.load(settings.path, {})
    assert again.items() == settings.items()
    assert again.clouds() == ["home", "work.eu", "new"]
    assert again.get("cloud.new.url") == "https://new.example/?a=%41 b#c"


def test_deleting(tmp_path: Path) -> None:
    settings = load(tmp_path, TWO)
    assert settings.delete("cloud.home.own_key")
    assert not settings.delete("cloud.home.own_key")
    assert settings.delete("cloud.home")
    assert settings.clouds() == ["work.eu"]
    assert settings.get("default_cloud") is None
    assert not settings.delete("nothing")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cloud", "x"),
        ("cloud.a", "x"),
        ("cloud..url", "x"),
        ("cloud.a b.url", "x"),
        ("cloud.a.", "x"),
        ("other.key", "x"),
        ("a key", "x"),
        ("=", "x"),
        ("[x", "x"),
        ("#x", "x"),
        ("", "x"),
        ("cloud.a.url", "two\nlines"),
        ("default_cloud", "a b"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, key: str, value: str) -> None:
    settings = load(tmp_path)
    with pytest.raises(ConfigError):
        settings.set(key, value)
    assert settings.items() == []


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "config"
    old = os.umask(0)
    try:
        settings = Settings.load(path, {})
        settings.set("cloud.a.token", "t")
        settings.save()
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["config"]


def test_a_file_that_others_can_read_is_told_and_made_private(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "config"
    path.write_text(ONE)
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        settings = Settings.load(path, {})
    assert "chmod 600" in caplog.text
    settings.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "real"
    real.write_text(ONE)
    real.chmod(0o600)
    link = tmp_path / "config"
    link.symlink_to(real)
    settings = Settings.load(link, {})
    settings.set("cloud.a.token", "new")
    settings.save()
    assert link.is_symlink()
    assert "new" in real.read_text()


@pytest.mark.parametrize("text", ["no section\n", "[global]\nkey\n", '[cloud "a"\nx = 1\n', "[global]\n\x00\n"])
def test_a_damaged_file_is_an_error_that_shows_none_of_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="is not a settings file") as caught:
        load(tmp_path, text + "secret-token-here\n")
    assert "secret-token-here" not in str(caught.value) + caught.value.hint
    assert caught.value.__cause__ is None


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Settings.load(tmp_path / "config", {})
    with pytest.raises(ConfigError, match="Is a directory"):
        Settings.load(tmp_path, {})


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make the directory"):
        Settings(tmp_path / "file" / "config", {}, {}, None).save()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "config").mkdir()
    with pytest.raises(ConfigError, match="cannot write"):
        Settings(tmp_path / "taken" / "config", {}, {}, None).save()
    assert [one.name for one in (tmp_path / "taken").iterdir()] == ["config"]


# where it is ----------------------------------------------------------------------------------------------------------


def test_an_older_file_is_read_when_there_is_none_of_ours_and_never_written(tmp_path: Path) -> None:
    older = tmp_path / ".kamakirc"
    older.write_text(ONE + "[global]\nhistory_limit = 5\n")
    older.chmod(0o600)
    before = older.read_bytes()
    environ = {"HOME": str(tmp_path)}
    settings = Settings.load(environ=environ)
    assert settings.source == older
    assert settings.cloud().url == "http://a/"
    settings.set("cloud.a.token", "changed")
    settings.save()
    assert older.read_bytes() == before
    own = Settings.load(environ=environ)
    assert own.source == own.path == tmp_path / ".config" / "pithosfs" / "config"
    assert own.cloud().token == "changed"
    assert own.get("history_limit") == "5"


def test_the_environment_names_the_files(tmp_path: Path) -> None:
    older, own = tmp_path / "older", tmp_path / "own"
    for path, text in ((older, ONE), (own, OTHER)):
        path.write_text(text)
        path.chmod(0o600)
    environ = {"HOME": str(tmp_path / "nowhere"), "KAMAKI_CONFIG": str(older)}
    assert Settings.load(environ=environ).clouds() == ["a"]
    assert Settings.load(environ={**environ, "PITHOSFS_CONFIG": str(own)}).clouds() == ["b"]
    assert Settings.load(environ={**environ, "PITHOSFS_CONFIG": str(tmp_path / "none")}).clouds() == []


def test_directories(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = Directories.from_environ({"HOME": str(home), "XDG_CACHE_HOME": "relative/is/ignored"})
    assert found == Directories(
        config_file=home / ".config/pithosfs/config",
        cache=home / ".cache/pithosfs",
        state=home / ".local/state/pithosfs",
        data=home / ".local/share/pithosfs",
        runtime=home / ".local/state/pithosfs/run",
    )
    names = ("CONFIG_HOME", "CACHE_HOME", "STATE_HOME", "DATA_HOME", "RUNTIME_DIR")
    moved = Directories.from_environ({f"XDG_{name}": str(tmp_path / name) for name in names})
    assert moved == Directories(
        config_file=tmp_path / "CONFIG_HOME/pithosfs/config",
        cache=tmp_path / "CACHE_HOME/pithosfs",
        state=tmp_path / "STATE_HOME/pithosfs",
        data=tmp_path / "DATA_HOME/pithosfs",
        runtime=tmp_path / "RUNTIME_DIR/pithosfs",
    )
    assert list(tmp_path.iterdir()) == []


def test_private_directories(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        made = make_private(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    assert made.is_dir()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert make_private(made) == made
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError):
            make_private(path)


# sizes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("12B", 12),
        ("10GiB", 10 * 1024**3),
        ("1.5 gb", 1_500_000_000),
        ("2kB", 2000),
        ("2K", 2048),
        (" 3 m ", 3 * 1024**2),
        (".5TiB", 512 * 1024**3),
        ("0.3kb", 300),
        ("1.0000001KiB", 1024),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "-1", "1 2", "1e3", "GiB", "1GiBs", "1,5GB", ".", "١٢", "inf"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text)
    assert "GiB" in caught.value.hint


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1KiB"),
        (1536, "1.5KiB"),
        (1024**2 - 1, "1MiB"),
        (4 * 1024**2, "4MiB"),
        (10 * 1024**3, "10GiB"),
        (1024**6, "1024PiB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 2**60))
def test_a_size_for_people_is_near_the_size(size: int) -> None:
    assert abs(parse_size(format_size(size)) - size) <= max(1, size * 0.06)
