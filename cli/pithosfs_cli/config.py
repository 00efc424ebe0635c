"""`pithosfs config …`: the settings file."""

from __future__ import annotations

import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.command import Group, TokenCommand
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import Column, note, show, show_list

__all__ = ["config"]

MASK = "********"

KNOWN = {
    "global.default_cloud": "the cloud that is used when none is named",
    "global.ignore_ssl": "on: accept any TLS certificate",
    "global.ca_certs": "a file or directory of trusted TLS certificates",
    "global.timeout": "seconds that a server may be silent (default: 60)",
    "global.retries": "how often a request that failed for the moment is repeated (default: 4)",
    "global.history": "on: keep the commands that are run; see pithosfs history show (default: off)",
    "global.history_file": "where they are kept (default: in the state directory)",
    "global.history_limit": "how many are kept, 0 for all (default: 0)",
    "cloud.NAME.url": "the cloud's authentication address",
    "cloud.NAME.token": "the token; several, separated by blanks, are those of several users",
    "cloud.NAME.pithos_container": "the container of paths that name none (default: pithos)",
    "cloud.NAME.ca_certs": "as global.ca_certs, for this cloud",
    "cloud.NAME.ignore_ssl": "as global.ignore_ssl, for this cloud",
    "cloud.NAME.timeout": "as global.timeout, for this cloud",
    "cloud.NAME.retries": "as global.retries, for this cloud",
    "cloud.NAME.SERVICE_url": "the address of one service, instead of the catalog's; SERVICE is astakos, cyclades, "
    "network, volume, plankton or pithos",
    "cloud.NAME.SERVICE_token": "the token for one service, instead of the cloud's",
    "cloud.NAME.SERVICE_type": "the catalog type to look for",
    "cloud.NAME.SERVICE_version": "the version to look for in the catalog",
}

_show_secrets = click.option("--show-secrets", is_flag=True, help="Show tokens as they are.")


def _complete_keys(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What is set, what could be, and the whole sections."""
    from contextlib import suppress

    from pithosfs.errors import PithosfsError
    from pithosfs_cli.command import invocation

    settings = None
    with suppress(PithosfsError):
        settings = invocation(context).settings(must_exist=False)
    clouds = settings.clouds() if settings else []
    keys = {key for key, _ in settings.items()} if settings else set()
    keys |= {f"cloud.{name}" for name in clouds}
    for key in KNOWN:
        if "SERVICE" not in key:
            keys |= {key.replace("NAME", name) for name in clouds} if "NAME" in key else {key}
    return [CompletionItem(key) for key in sorted(keys) if key.startswith(incomplete)]


@click.group(cls=Group)
def config() -> None:
    """Look at and change the settings.

    Settings are named KEY or global.KEY, and cloud.NAME.KEY for a cloud.
    """


@config.command("list")
@_show_secrets
@click.option("--describe-option-keys", is_flag=True, help="List the known settings with what they mean.")
@click.option("--with-description", is_flag=True, help="Say of each setting what it means.")
@click.pass_obj
def list_(run: Invocation, show_secrets: bool, describe_option_keys: bool, with_description: bool) -> None:
    """List all settings."""
    columns = [Column("key", "SETTING"), Column("value", "VALUE")]
    if describe_option_keys:
        rows = [{"key": key, "description": text} for key, text in KNOWN.items()]
        show_list(run, rows, [columns[0], Column("description", "MEANING")])
        return
    settings = run.settings()
    found: list[dict[str, str]] = [
        {"key": key, "value": _shown(key, value, show_secrets)} for key, value in settings.items()
    ]
    if with_description:
        for row in found:
            row["description"] = _description(row["key"])
        columns.append(Column("description", "MEANING"))
    show_list(run, found, columns, empty=f"Nothing is set in {settings.path}")


@config.command("get")
@click.argument("key", shell_complete=_complete_keys)
@_show_secrets
@click.pass_obj
def get(run: Invocation, key: str, show_secrets: bool) -> None:
    """Show a setting, or all of a cloud's (cloud.NAME), of all clouds' (cloud) or the general ones (global)."""
    settings = run.settings()
    value = settings.get(key)
    if value is None or value == {}:
        raise NotFound(f"{key} is not set in {settings.path}", hint=f"set it: pithosfs config set {key} VALUE")
    if isinstance(value, str):
        masked = _shown(key, value, show_secrets)
        if run.output == "table":
            click.echo(masked)
            if masked != value:
                note("It is a secret; --show-secrets shows it")
        else:
            show(run, {"key": key, "value": masked})
        return
    rows: list[dict[str, Any]] = [
        {"key": f"{key}.{option}", "value": _shown(option, text, show_secrets)} for option, text in value.items()
    ]
    show_list(run, rows, [Column("key", "SETTING"), Column("value", "VALUE")])


@config.command("set", cls=TokenCommand)
@click.argument("key", shell_complete=_complete_keys)
@click.argument("value", required=False)
@click.pass_obj
def set_(run: Invocation, key: str, value: str | None) -> None:
    """Set a setting.

    Without VALUE it is asked for, unseen when it is a token; with - it is read from standard input. That keeps tokens
    out of the shell's history.
    """
    settings = run.settings(must_exist=False, overridden=False)
    if value == "-":
        value = sys.stdin.readline().rstrip("\r\n")
        if not value:
            raise UsageError("nothing came on standard input")
    elif value is None:
        if not sys.stdin.isatty():
            raise UsageError(f"there is no value for {key}", hint="give it, or - to read it from standard input")
        value = click.prompt(key, hide_input=_is_secret(key), err=True)
    settings.set(key, value or "")
    settings.save()


@config.command("delete")
@click.argument("key", shell_complete=_complete_keys)
@click.option("-y", "--yes", is_flag=True, hidden=True)
@click.option("--default", is_flag=True, hidden=True)
@click.pass_obj
def delete(run: Invocation, key: str, yes: bool, default: bool) -> None:
    """Remove a setting, or a whole cloud (cloud.NAME). What is on the cloud stays."""
    settings = run.settings(overridden=False)
    whole_cloud = key.startswith("cloud.") and "." not in key.removeprefix("cloud.")
    if (whole_cloud and key.removeprefix("cloud.") not in settings.clouds()) or not settings.delete(key):
        raise NotFound(f"{key} is not set in {settings.path}", hint="see what is set: pithosfs config list")
    settings.save()


def _is_secret(key: str) -> bool:
    return key.lower().rpartition(".")[2].endswith("token")


def _shown(key: str, value: str, show_secrets: bool) -> str:
    return MASK if value and _is_secret(key) and not show_secrets else value


def _description(key: str) -> str:
    if key.startswith("cloud."):
        option = key.rpartition(".")[2]
        service = f"SERVICE_{option.rpartition('_')[2]}"
        return KNOWN.get(f"cloud.NAME.{option}") or KNOWN.get(f"cloud.NAME.{service}", "")
    return KNOWN.get(key, "")
