"""The entry point: the tree of commands, logging, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import Any

import click

from pithosfs_cli.command import LazyGroup, general_options
from pithosfs_cli.invocation import Invocation

__all__ = ["main", "run"]

COMPLETION_VARIABLE = "_PITHOSFS_COMPLETE"

MEMBERS = {
    "commission": ("pithosfs_cli.commission", "commission", "Quota that services reserve (for services)."),
    "completion": ("pithosfs_cli.completion", "completion", "Print a shell's completion script."),
    "config": ("pithosfs_cli.config", "config", "Look at and change the settings."),
    "container": ("pithosfs_cli.container", "container", "Containers: the folders at the top of a cloud."),
    "endpoint": ("pithosfs_cli.endpoint", "endpoint", "The catalog of the cloud's services."),
    "file": ("pithosfs_cli.file", "file", "Files and folders in the cloud."),
    "flavor": ("pithosfs_cli.flavor", "flavor", "What servers can be made as: processors, memory, disk."),
    "flush": ("pithosfs_cli.mount", "flush", "Wait until what was written is on the cloud."),
    "group": ("pithosfs_cli.group", "group", "Groups of users to share files with."),
    "history": ("pithosfs_cli.history", "history", "The commands that you have run."),
    "image": ("pithosfs_cli.image", "image", "Images: files that servers can be made from."),
    "imagecompute": ("pithosfs_cli.imagecompute", "imagecompute", "Images as the compute service shows them."),
    "ip": ("pithosfs_cli.ip", "ip", "Floating IPs: public addresses that are yours."),
    "keypair": ("pithosfs_cli.keypair", "keypair", "The keys with which one gets into servers."),
    "localcloud": ("pithosfs_cli.localcloud", "localcloud", "A cloud of your own on this machine."),
    "membership": ("pithosfs_cli.membership", "membership", "Who is in which project."),
    "mount": ("pithosfs_cli.mount", "mount", "Show a cloud as a folder."),
    "network": ("pithosfs_cli.network", "network", "Networks of your own, and the public ones."),
    "port": ("pithosfs_cli.port", "port", "What connects servers to networks."),
    "project": ("pithosfs_cli.project", "project", "Projects, which share out what the cloud has."),
    "quota": ("pithosfs_cli.quota", "quota", "What you may use, and what you do use."),
    "resource": ("pithosfs_cli.resource", "resource", "What the cloud counts."),
    "scripts": ("pithosfs_cli.scripts", "scripts", "Checks and repairs."),
    "server": ("pithosfs_cli.server", "server", "Virtual servers."),
    "service": ("pithosfs_cli.service", "service", "What services ask about users (for services)."),
    "sharer": ("pithosfs_cli.sharer", "sharer", "Accounts that share something with you."),
    "snapshot": ("pithosfs_cli.snapshot", "snapshot", "Volumes as they were at a time."),
    "status": ("pithosfs_cli.mount", "status", "Show the mounts and synced folders."),
    "subnet": ("pithosfs_cli.subnet", "subnet", "The ranges of addresses of networks."),
    "sync": ("pithosfs_cli.sync", "sync", "Folders that are kept in step with the cloud."),
    "umount": ("pithosfs_cli.mount", "umount", "Send what is left and take a mount away."),
    "user": ("pithosfs_cli.user", "user", "Who you are on the cloud."),
    "volume": ("pithosfs_cli.volume", "volume", "Disks that servers have, or may be given."),
}


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from pithosfs import __version__

        click.echo(f"pithosfs {__version__}")
        context.exit()


main = LazyGroup(
    "pithosfs",
    members=MEMBERS,
    help="Synnefo cloud storage as a folder and as commands.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["-V", "--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_version,
            help="Show the version and exit.",
        ),
        *general_options(),
    ],
)


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and return the exit code."""
    state = Invocation(words=sys.argv[1:] if arguments is None else arguments)
    _tolerate_odd_characters()
    try:
        code = _invoke(state, arguments)
    except BrokenPipeError:
        return _reader_gone()
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        from pithosfs_cli.errors import report

        code = report(error, state)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_gone()
    except OSError as error:
        from pithosfs_cli.errors import report

        return report(error, state)
    return code


def _invoke(state: Invocation, arguments: list[str] | None) -> int:
    try:
        result: Any = main.main(
            arguments,
            prog_name="pithosfs",
            standalone_mode=False,
            complete_var=COMPLETION_VARIABLE,
            obj=state,
        )
    finally:
        state.close()
    return result if isinstance(result, int) else 0


def _tolerate_odd_characters() -> None:
    """Names with bytes that are no text are shown with escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _reader_gone() -> int:
    """The reader of a pipe has seen enough: nothing is to be said, and nothing more may be flushed into it."""
    import os

    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
    return 1


if __name__ == "__main__":
    sys.exit(run())
