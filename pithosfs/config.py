"""The settings file, the named clouds in it, and the directories that the programs use.

The file is INI (cli.md section 2.5): `[global]`, and `[cloud "NAME"]` for each cloud. It is written with mode 0600 into
a temporary file beside it and renamed, so a crash leaves the old or the new one. An existing `~/.kamakirc` is read
when there is no file of our own, and never written to.
"""

from __future__ import annotations

import configparser
import logging
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from pithosfs.errors import ConfigError, UsageError

__all__ = [
    "DEFAULT_CONTAINER",
    "ENVIRONMENT_CLOUD",
    "Cloud",
    "Directories",
    "Settings",
    "format_size",
    "make_private",
    "parse_size",
]

DEFAULT_CONTAINER = "pithos"
ENVIRONMENT_CLOUD = "environment"  # the name of the cloud that PITHOSFS_URL and PITHOSFS_TOKEN describe

_HEADER = "# Settings of pithosfs. Tokens are passwords: keep this file to yourself.\n"
_SECTION = re.compile(r'cloud\s+"(?P<name>[^"]*)"')
_CLOUD_NAME = re.compile(r"[\w~@#$:.-]+", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_YES = frozenset({"on", "yes", "true", "1"})
_START_HINT = "pithosfs localcloud start, or: pithosfs config set cloud.NAME.url URL"

_log = logging.getLogger(__name__)


# directories --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Directories:
    """Where things are kept (XDG base directories). Nothing is made until somebody calls `make_private`.

    `cache` may be deleted at any time; `state` holds what is not sent yet; `data` is the local cloud's; `runtime` holds
    the sockets.
    """

    config_file: Path
    cache: Path
    state: Path
    data: Path
    runtime: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Directories:
        """The directories that `XDG_*`, `HOME` and `PITHOSFS_CONFIG` ask for; relative `XDG_*` values are ignored, as
        the XDG specification wants it."""
        environ = os.environ if environ is None else environ
        home = _home(environ)

        def base(variable: str, fallback: Path) -> Path:
            value = environ.get(variable, "")
            return Path(value) if Path(value).is_absolute() else fallback

        state = base("XDG_STATE_HOME", home / ".local" / "state") / "pithosfs"
        named = environ.get("PITHOSFS_CONFIG")
        runtime = environ.get("XDG_RUNTIME_DIR", "")
        return cls(
            config_file=Path(named) if named else base("XDG_CONFIG_HOME", home / ".config") / "pithosfs" / "config",
            cache=base("XDG_CACHE_HOME", home / ".cache") / "pithosfs",
            state=state,
            data=base("XDG_DATA_HOME", home / ".local" / "share") / "pithosfs",
            runtime=Path(runtime) / "pithosfs" if Path(runtime).is_absolute() else state / "run",
        )


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(home) if home else Path.home()


def make_private(directory: Path) -> Path:
    """Make a directory and its missing parents with mode 0700, and return it. Existing ones stay as they are.

    Raises ConfigError when that is impossible.
    """
    try:
        missing = [one for one in (directory, *directory.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
        if not directory.is_dir():
            raise NotADirectoryError(f"{directory} is not a directory")
    except OSError as error:
        raise ConfigError(
            f"cannot make the directory {directory}: {error.strerror or error}",
            hint="make room for it, or set the XDG_* variables to directories of your own",
        ) from error
    return directory


# sizes --------------------------------------------------------------------------------------------------------------

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_UNITS: dict[str, int] = (
    {unit.lower(): 1024**power for power, unit in enumerate(_BINARY)}
    | {letter: 1024**power for power, letter in enumerate("kmgtp", 1)}
    | {f"{letter}b": 1000**power for power, letter in enumerate("kmgtp", 1)}
    | {"": 1}
)
_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes from `10GiB`, `1.5 GB`, `4096` or `512k` (cli.md section 2.3).

    `KiB`…`PiB` and single letters count in 1024, `KB`…`PB` in 1000; case does not matter; fractions are rounded down.
    Raises UsageError.
    """
    match = _SIZE.fullmatch(text)
    factor = _UNITS.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise UsageError(
            f"{text!r} is not a size", hint="write bytes, or a number with B, KiB, MiB, GiB, TiB, KB, MB, GB or TB"
        )
    return int(Decimal(match[1]) * factor)


def format_size(size: int) -> str:
    """A size for people, in units of 1024: `4096` → `4KiB`, `1536` → `1.5KiB`. Exact only for round values."""
    value, unit = float(size), _BINARY[0]
    for unit in _BINARY:
        if abs(value) < 1023.95 or unit == _BINARY[-1]:
            break
        value /= 1024
    text = f"{value:.1f}".removesuffix(".0")
    return f"{text}{unit}"


# clouds -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cloud:
    """How to reach one cloud: its authentication address, the token, and what the user set besides.

    `tokens` are all session users' tokens, the first is `token`. `options` are all other keys of the section, among
    them the overrides `SERVICE_url`, `SERVICE_token`, `SERVICE_type`, `SERVICE_version`. `ca_certs` is a file or a
    directory of trusted certificates. Tokens are left out of the repr.
    """

    name: str
    url: str
    token: str = field(repr=False)
    container: str = DEFAULT_CONTAINER
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_certs: str | None = None
    ignore_ssl: bool = False
    tokens: tuple[str, ...] = field(default=(), repr=False)

    def override(self, service: str, what: str) -> str | None:
        """A user's override for a service: `override("pithos", "url")` is the value of `pithos_url`, or None."""
        return self.options.get(f"{service}_{what}") or None


class Settings:
    """The settings file in memory.

    Keys are `KEY` or `global.KEY`, `cloud.NAME.KEY`, and for whole sections `global`, `cloud.NAME`, `cloud`. Option
    names are case-insensitive and kept in lower case. Unknown sections and options are kept. Comments are not.
    """

    def __init__(
        self, path: Path, sections: Mapping[str, Mapping[str, str]], environ: Mapping[str, str], source: Path | None
    ) -> None:
        self.path = path  # where `save` writes
        self.source = source  # what was read; None when there was no file
        self._sections = {name: dict(section) for name, section in sections.items()}
        self._environ = environ

    @classmethod
    def load(cls, path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the file `path`, else the one that the environment names, else the usual place, else an older client's.

        No file at all is no error: the settings are then empty. Raises ConfigError for one that cannot be read.
        """
        environ = os.environ if environ is None else environ
        candidates = cls.candidates(path, environ)
        for candidate in candidates:
            text = _read(candidate)
            if text is not None:
                return cls(candidates[0], _parse(text, candidate), environ, candidate)
        return cls(candidates[0], {}, environ, None)

    @staticmethod
    def candidates(path: Path | None = None, environ: Mapping[str, str] | None = None) -> list[Path]:
        """The files of which `load` reads the first that is there; it is saved as the first."""
        environ = os.environ if environ is None else environ
        found = [path or Directories.from_environ(environ).config_file]
        if path is None and not environ.get("PITHOSFS_CONFIG"):
            older = environ.get("KAMAKI_CONFIG")
            found.append(Path(older) if older else _home(environ) / ".kamakirc")
        return found

    # clouds

    def clouds(self) -> list[str]:
        """The names of the clouds in the file, in its order."""
        return [match["name"] for name in self._sections if (match := _SECTION.fullmatch(name))]

    def cloud(self, name: str | None = None) -> Cloud:
        """The cloud of that name, else the chosen one. Raises ConfigError with a hint on what to set.

        Without a name: `PITHOSFS_URL` and `PITHOSFS_TOKEN` from the environment, else the cloud that `PITHOSFS_CLOUD`
        names, else `default_cloud`, else `KAMAKI_DEFAULT_CLOUD`, else the only one there is.
        """
        if name in (None, ENVIRONMENT_CLOUD) and (cloud := self._environment_cloud()):
            return cloud
        known = self.clouds()
        name = name or self._chosen(known)
        if name not in known:
            hint = f"there are: {', '.join(known)}" if known else _START_HINT
            raise ConfigError(f"there is no cloud {name!r} in {self.path}", hint=hint)
        section = self._sections[_section_name(name)]
        for key in ("url", "token"):
            if not section.get(key, "").strip():
                raise ConfigError(
                    f"the cloud {name!r} has no {key}",
                    hint=f"pithosfs config set cloud.{name}.{key} {key.upper()}",
                )
        return self._build(name, section)

    def _chosen(self, known: list[str]) -> str:
        chosen = (
            self._environ.get("PITHOSFS_CLOUD")
            or self._sections.get("global", {}).get("default_cloud")
            or self._environ.get("KAMAKI_DEFAULT_CLOUD")
        )
        if chosen:
            return chosen
        if not known:
            raise ConfigError("no cloud is configured", hint=_START_HINT)
        if len(known) > 1:
            raise ConfigError(
                f"there are several clouds and none is chosen: {', '.join(known)}",
                hint="use --cloud NAME, set PITHOSFS_CLOUD, or: pithosfs config set default_cloud NAME",
            )
        return known[0]

    def _environment_cloud(self) -> Cloud | None:
        url, token = self._environ.get("PITHOSFS_URL", "").strip(), self._environ.get("PITHOSFS_TOKEN", "").strip()
        if not url and not token:
            return None
        if not url or not token:
            there, missing = ("URL", "TOKEN") if url else ("TOKEN", "URL")
            raise ConfigError(
                f"PITHOSFS_{there} is set but PITHOSFS_{missing} is not", hint=f"set PITHOSFS_{missing} as well"
            )
        return self._build(ENVIRONMENT_CLOUD, {"url": url, "token": token})

    def _build(self, name: str, section: Mapping[str, str]) -> Cloud:
        tokens = tuple(section["token"].split())
        if not all(one.isascii() and one.isprintable() for one in tokens):
            raise ConfigError(
                f"the token of the cloud {name!r} holds characters that no token has",
                hint=f"set it again: pithosfs config set cloud.{name}.token TOKEN",
            )
        shared = self._sections.get("global", {})
        return Cloud(
            name=name,
            url=section["url"].strip(),
            token=tokens[0],
            tokens=tokens,
            container=section.get("pithos_container") or DEFAULT_CONTAINER,
            options={key: value for key, value in section.items() if key not in ("url", "token")},
            ca_certs=section.get("ca_certs") or shared.get("ca_certs") or None,
            ignore_ssl=(section.get("ignore_ssl") or shared.get("ignore_ssl") or "").lower() in _YES,
        )

    # single settings

    def get(self, key: str) -> str | dict[str, str] | None:
        """The value of a setting, or a whole section by option; None when it is not set.

        `get("cloud")` has every cloud's options as `NAME.KEY`.
        """
        if key == "cloud":
            return {
                f"{name}.{option}": value
                for name in self.clouds()
                for option, value in self._sections[_section_name(name)].items()
            }
        if key in self._sections and not _SECTION.fullmatch(key):
            return dict(self._sections[key])
        if key.startswith("cloud.") and key.removeprefix("cloud.") in self.clouds():
            return dict(self._sections[_section_name(key.removeprefix("cloud."))])
        section, option = self._address(key)
        return self._sections.get(section, {}).get(option)

    def items(self) -> list[tuple[str, str]]:
        """Every setting as (`global.KEY` or `cloud.NAME.KEY` or `SECTION.KEY`, value)."""
        found = []
        for section, options in self._sections.items():
            match = _SECTION.fullmatch(section)
            prefix = f"cloud.{match['name']}" if match else section
            found += [(f"{prefix}.{option}", value) for option, value in options.items()]
        return found

    def set(self, key: str, value: str) -> None:
        """Set one option in memory (`save` writes). Raises ConfigError for a name or value that cannot be kept."""
        section, option = self._address(key)
        if not _KEY.fullmatch(option):
            raise ConfigError(f"{option!r} cannot be the name of a setting", hint="use letters, digits, - and _")
        if any(char in value for char in "\r\n\0"):
            raise ConfigError(f"the value of {key} spans several lines", hint="a setting is one line")
        if section == "global" and option == "default_cloud":
            _check_cloud_name(value)
        self._sections.setdefault(section, {})[option] = value.strip()

    def delete(self, key: str) -> bool:
        """Remove an option or a whole cloud in memory; False when there was none."""
        if key.startswith("cloud.") and (name := key.removeprefix("cloud.")) in self.clouds():
            del self._sections[_section_name(name)]
            shared = self._sections.get("global", {})
            if shared.get("default_cloud") == name:
                del shared["default_cloud"]
            return True
        section, option = self._address(key)
        options = self._sections.get(section, {})
        if option not in options:
            return False
        del options[option]
        if not options:
            del self._sections[section]
        return True

    def _address(self, key: str) -> tuple[str, str]:
        """Section and option of a key. A cloud name may hold dots: the part after the last one is the option."""
        head, _, rest = key.partition(".")
        if head == "cloud":
            name, dot, option = rest.rpartition(".")
            if not dot or not name or not option:
                raise ConfigError(f"{key!r} names no setting", hint="write cloud.NAME.KEY, for example cloud.work.url")
            _check_cloud_name(name)
            return _section_name(name), option.lower()
        if not rest:
            return "global", head.lower()
        if head != "global" and head not in self._sections:
            raise ConfigError(f"{key!r} names no setting", hint="write global.KEY or cloud.NAME.KEY")
        return head, rest.lower()

    def save(self) -> None:
        """Write the file (mode 0600, all at once). Raises ConfigError when it cannot be written."""
        lines = [_HEADER]
        for section, options in self._sections.items():
            lines.append(f"\n[{section}]\n")
            lines += [f"{option} = {value}\n".replace(" \n", "\n") for option, value in options.items()]
        target = Path(os.path.realpath(self.path))  # a link to the file stays a link
        make_private(target.parent)
        try:
            _write(target, "".join(lines))
        except OSError as error:
            raise ConfigError(
                f"cannot write {self.path}: {error.strerror or error}", hint="check its owner and the free space"
            ) from error
        self.source = self.path


def _section_name(cloud: str) -> str:
    return f'cloud "{cloud}"'


def _check_cloud_name(name: str) -> None:
    if not _CLOUD_NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a cloud", hint="use letters, digits and the characters _ ~ @ # $ : . -"
        )


def _read(path: Path) -> str | None:
    """The text of a settings file; None when it does not exist."""
    try:
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                _log.warning("%s holds tokens and others can read it; run: chmod 600 %s", path, path)
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read {path}: {reason}", hint="repair the file or move it away") from error


def _parse(text: str, path: Path) -> dict[str, dict[str, str]]:
    # An impossible default section keeps `[DEFAULT]`, should somebody have one, an ordinary unknown section.
    parser = configparser.RawConfigParser(strict=False, default_section="\0")
    try:
        parser.read_string(text, str(path))
    except configparser.Error as error:
        # The parser's own text quotes the line, which may hold a token: only its number is passed on.
        numbers = [number for number, _ in getattr(error, "errors", ())]
        where = getattr(error, "lineno", None) or (numbers[0] if numbers else None)
        raise ConfigError(
            f"{path} is not a settings file" + (f": see line {where}" if where else ""),
            hint='it has sections [global] and [cloud "NAME"] with lines KEY = VALUE',
        ) from None
    sections: dict[str, dict[str, str]] = {}
    for section in parser.sections():
        match = _SECTION.fullmatch(section.strip())
        name = _section_name(match["name"]) if match else section
        sections.setdefault(name, {}).update((key, " ".join(value.split("\n"))) for key, value in parser.items(section))
    return sections


def _write(target: Path, text: str) -> None:
    # mkstemp makes the file with mode 0600 from the start.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  (a descriptor, not a path)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
