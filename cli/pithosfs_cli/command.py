"""The click classes of all commands: global options before and after the command words, groups loaded when needed."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from pithosfs_cli.invocation import FORMATS, Invocation

__all__ = [
    "Command",
    "Group",
    "LazyGroup",
    "Option",
    "TokenCommand",
    "general_options",
    "invocation",
    "option",
    "with_options",
]


class _General(click.Option):
    """An option that every command takes; shown in a section of its own."""


def invocation(context: click.Context) -> Invocation:
    """The run that a context belongs to."""
    return context.find_root().ensure_object(Invocation)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Write a given option into the run. One that was not given changes nothing: it may stand elsewhere."""
    run = invocation(context)
    match parameter.name:
        case "overrides" | "old_overrides":
            run.overrides += value or ()
        case "verbose":
            run.verbose = max(run.verbose, value or 0)
        case "as_json":
            if value:
                run.output = "json"
        case "output" | "output_format":
            if value:
                run.output = value
        case "bodies":
            if value:
                run.verbose = max(run.verbose, 2)
        case str() as name:
            if value:
                setattr(run, name, value)


def _complete_clouds(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    from pithosfs_cli.completion import cloud_names

    return cloud_names(context, incomplete)


def general_options() -> list[click.Parameter]:
    """The global options; a fresh list for each command."""
    formats = click.Choice(FORMATS, case_sensitive=False)

    def option(*names: str, **settings: Any) -> _General:
        return _General(names, expose_value=False, callback=_keep, **settings)

    return [
        option(
            "--cloud",
            "cloud_name",
            metavar="NAME",
            help="Use this cloud of the settings.",
            shell_complete=_complete_clouds,
        ),
        option("-c", "--config", "config_file", metavar="FILE", help="Use this settings file.", type=click.Path()),
        option(
            "-o",
            "--option",
            "overrides",
            metavar="KEY=VALUE",
            multiple=True,
            help="Override a setting for this run (cloud.NAME.KEY or KEY).",
        ),
        option("--options", "old_overrides", multiple=True, hidden=True),
        option("--output", "output", type=formats, help="How to print results (default: table)."),
        option("--output-format", "output_format", type=formats, hidden=True),
        option("-j", "--json", "as_json", is_flag=True, hidden=True),
        option("-v", "--verbose", "verbose", count=True, help="Show requests on standard error."),
        option("--verbose-with-data", "bodies", is_flag=True, hidden=True),
        option("-d", "--debug", "debug", is_flag=True, help="Show everything, and the trace of an error."),
        option("-k", "--ignore-ssl", "ignore_ssl", is_flag=True, help="Accept any TLS certificate."),
        option("--insecure", "ignore_ssl", is_flag=True, hidden=True),
        option("--ca-certs", "ca_certs", metavar="FILE", type=click.Path(), help="Trust these TLS certificates."),
    ]


def _write_options(command: click.Command, context: click.Context, formatter: click.HelpFormatter) -> None:
    """The command's own options, then the general ones, so that what matters comes first."""
    sections: dict[str, list[tuple[str, str]]] = {"Options": [], "General options": []}
    for parameter in command.get_params(context):
        # Arguments are in the usage line, and the text says what they are.
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            general = isinstance(parameter, _General) or parameter.name == "help"
            sections["General options" if general else "Options"].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class Option(click.Option):
    """An option that is also understood by older spellings (`aliases`), which no help shows."""

    def __init__(self, *args: Any, aliases: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.aliases = tuple(aliases)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        shown = self.opts
        self.opts = [*shown, *self.aliases]
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.opts = shown


def option(*names: str, aliases: Sequence[str] = (), **settings: Any) -> Callable[[Any], Any]:
    """`click.option` with hidden older spellings."""
    return click.option(*names, cls=Option, aliases=aliases, **settings)


class Command(click.Command):
    """A command; the global options may follow it."""

    def __init__(self, name: str | None, *, params: list[click.Parameter] | None = None, **settings: Any) -> None:
        super().__init__(name, params=[*(params or []), *general_options()], **settings)

    def invoke(self, ctx: click.Context) -> Any:
        from pithosfs_cli.logs import configure

        configure(invocation(ctx))
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)


class TokenCommand(Command):
    """A command that takes tokens as arguments, which may begin with a minus sign."""

    shortest_token = 17  # characters; no short options are ever bundled to that length

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name for parameter in self.params for name in parameter.opts}
        tokens = [
            one
            for one in args
            if one.startswith("-") and len(one) >= self.shortest_token and "=" not in one and one not in known
        ]
        if tokens and "--" not in args:
            args = [one for one in args if one not in tokens] + ["--", *tokens]
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group of commands, listed by name; a mistyped one is answered with the nearest."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aliases: dict[str, str] = {}  # hidden old names → names

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            there = f"; did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{ctx.command_path} has no command {name!r}{there}", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)


class LazyGroup(Group):
    """A group whose commands live in modules that are imported only when they are used.

    `members`: name → (module, attribute, one line of help).
    """

    def __init__(self, *args: Any, members: Mapping[str, tuple[str, str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = members

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = self.members.get(cmd_name)
        if found is None:
            return None
        command = getattr(importlib.import_module(found[0]), found[1])
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.members[name][2]) for name in self.list_commands(ctx)])


def with_options(options: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Several option decorators as one, in the order in which help shows them."""

    def decorate(function: Any) -> Any:
        for one in reversed(options):
            function = one(function)
        return function

    return decorate
