"""`pithosfs server create`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import click

from pithosfs.errors import Conflict, NotFound
from pithosfs_cli.batch import Batch
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.finding import Finder, complete, find, given_to, thing_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import FLAVOR, IMAGE, KEYPAIR, NETWORK, PROJECT, SERVER, Thing
from pithosfs_cli.layout import Column, columns_option
from pithosfs_cli.options import PAIR, at_most_one
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.private_file import private_file
from pithosfs_cli.server.records import INFO, KNOWN, SUMMARY, Known, server_record
from pithosfs_cli.server.specs import files_to_inject, networks_to_join, start_data
from pithosfs_cli.server.states import RUNNING, settled
from pithosfs_cli.services import compute
from pithosfs_cli.waiting import Patience, wait_for, wait_options

if TYPE_CHECKING:
    from pithosfs.clients.cyclades import CycladesComputeClient

__all__ = ["create"]

_PASSWORD = Column("adminPass", "password")


@click.command("create", cls=Command)
@with_options(
    [
        click.option("--name", required=True, help="Its name; with --cluster-size, what their names begin with."),
        thing_option("--flavor-id", kind=FLAVOR, required=True, help="What to make it as, by id or name."),
        thing_option("--image-id", kind=IMAGE, required=True, help="What to make it from, by id or name."),
        click.option(
            "--network",
            "networks",
            metavar="NETWORK[,ADDRESS]",
            multiple=True,
            shell_complete=complete(NETWORK),
            help="Connect it to this, with this address of it; or port=PORT. May be repeated.",
        ),
        click.option("--no-network", is_flag=True, help="Connect it to nothing (default: as the cloud does it)."),
        click.option(
            "--key-name",
            "keys",
            metavar="NAME",
            multiple=True,
            shell_complete=complete(KEYPAIR),
            help="Let this key pair in; may be repeated.",
        ),
        click.option("-m", "--metadata", type=PAIR, metavar="KEY=VALUE", multiple=True, help="Note this on it."),
        option("--tag", "tags", metavar="TAG", multiple=True, help="Tag it; may be repeated."),
        click.option(
            "-p",
            "--personality",
            "files",
            metavar="PATH[,SERVER-PATH[,OWNER[,GROUP[,MODE]]]]",
            multiple=True,
            help="Put this file into it (labels as in mode=0600 may stand before parts). May be repeated.",
        ),
        click.option(
            "-u", "--user-data", metavar="FILE", help="Give it this at its first boot (- for standard input)."
        ),
        thing_option("--project-id", kind=PROJECT, help="The project that pays for it, by id or name."),
        click.option("--cluster-size", type=click.IntRange(1), metavar="N", help="Make so many: NAME1, NAME2, …"),
        click.option("--threads", type=click.IntRange(1), default=1, metavar="N", help="Ask for so many at once."),
        click.option("--password-file", metavar="FILE", help="Write the password there instead of showing it."),
        columns_option([*INFO, *KNOWN, _PASSWORD]),
        *wait_options,
    ]
)
@click.pass_obj
def create(run: Invocation, /, name: str, cluster_size: int | None, threads: int, **options: Any) -> None:
    """Make a server, or several alike.

    Its password is shown this once.
    """
    from pithosfs_cli.completion import things_changed

    at_most_one({"--network": options["networks"], "--no-network": options["no_network"]})
    patience, password_file = Patience.of(options), options.pop("password_file")
    wish = _wish(run, options)
    client = compute(run)
    names = [name] if cluster_size is None else [f"{name}{number}" for number in range(1, cluster_size + 1)]
    made: dict[str, Thing] = {}
    with private_file(password_file) as secrets:
        try:
            with Batch("made", threads) as batch:
                if len(names) == 1:
                    made[name] = _make(client, names[0], wish)
                else:
                    batch.run(names, str, lambda one: made.update({one: _make(client, one, wish)}))
                things_changed(run, SERVER)
                if patience is not None:
                    for server in list(made.values()):
                        with batch.tolerating(SERVER.label(server)) if len(made) > 1 else nullcontext():
                            server |= _built(run, server, patience)
        finally:
            # Whatever else happens: nobody gets to see these passwords a second time.
            if made:
                _show([made[one] for one in names if one in made], run, secrets, alone=cluster_size is None)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What all servers of a command have in common."""

    flavor: str
    image: str
    metadata: Mapping[str, str]
    files: Sequence[Mapping[str, Any]]
    networks: Sequence[Mapping[str, Any]] | None
    project: str | None
    keys: Sequence[str]
    user_data: bytes | None
    tags: Sequence[str]


def _wish(run: Invocation, options: Mapping[str, Any]) -> _Wish:
    """Everything that is named is looked for before anything is made."""
    project = options["project_id"]
    keys = Finder(run, KEYPAIR)
    return _Wish(
        flavor=FLAVOR.id_of(find(run, FLAVOR, options["flavor_id"])),
        image=IMAGE.id_of(find(run, IMAGE, options["image_id"])),
        metadata=dict(options["metadata"]),
        files=files_to_inject(options["files"]),
        networks=[] if options["no_network"] else networks_to_join(run, options["networks"]) or None,
        project=None if project is None else PROJECT.id_of(find(run, PROJECT, project)),
        keys=[KEYPAIR.id_of(keys(one)) for one in options["keys"]],
        user_data=start_data(options["user_data"]),
        tags=options["tags"],
    )


def _make(client: CycladesComputeClient, name: str, wish: _Wish) -> Thing:
    try:
        with given_to("server create"):
            return client.create_server(
                name,
                wish.flavor,
                wish.image,
                metadata=wish.metadata,
                personality=wish.files or None,
                networks=wish.networks,
                project_id=wish.project,
                key_names=wish.keys,
                user_data=wish.user_data,
                tags=wish.tags,
            )
    except (Conflict, NotFound) as error:
        # Everything else that can be missing or taken has been looked for.
        if wish.networks:
            error.hint = "on a public network give a floating IP of yours that is free: pithosfs ip list, ip create"
        raise


def _built(run: Invocation, server: Thing, patience: Patience) -> Thing:
    later = f"server wait {SERVER.id_of(server)} --timeout 600"
    return wait_for(run, SERVER, server, settled(server, *RUNNING), patience, later=later) or {}


def _show(servers: Sequence[Thing], run: Invocation, secrets: IO[str] | None, *, alone: bool) -> None:
    """Show what was made, passwords last; or write these to where they are to go."""
    if secrets is not None:
        for server in servers:
            password = server.pop("adminPass", "")
            secrets.write(f"{password}\n" if alone else f"{SERVER.name_of(server)} {password}\n")
        secrets.flush()
    known = Known.ask(run, images=True)
    records = [server_record(one, known) for one in servers]
    password_columns = [] if secrets is not None else [_PASSWORD]
    if alone:
        show_fields(run, records[0], [*INFO, *password_columns])
    else:
        show_list(run, records, [*SUMMARY, *password_columns])
