"""`pithosfs network list` and `info`: nothing here changes anything."""

from __future__ import annotations

from typing import Any

import click

from pithosfs_cli.batch import Batch
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import Finder, find, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import NETWORK, SUBNET, Thing
from pithosfs_cli.layout import columns_option, list_options
from pithosfs_cli.network.records import NETWORK_DETAILS, NETWORK_INFO, NETWORK_SUMMARY, network_record, ranges_of
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.users import user_id as id_of_user

__all__ = ["info", "list_"]


@click.command("list", cls=Command)
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        click.option("--user-id", metavar="USER", help="Only of this user, by id or name."),
        *sieve_options,
        *list_options(NETWORK_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, user_id: str | None, **options: Any) -> None:
    """List the networks: your own, those that your projects share, and the public ones."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = NETWORK.all(run)
    remember_things(run, NETWORK, found)
    if user_id is not None:
        owner = id_of_user(run, user_id)
        found = [one for one in found if one.get("user_id") == owner]
    ranges = ranges_of(SUBNET.all(run)) if found else {}
    records = sieve.sift(NETWORK, (network_record(one, ranges) for one in found))
    columns = NETWORK_DETAILS if details else NETWORK_SUMMARY
    show_list(run, records, columns, brief=not details, empty="There is no such network")


@click.command("info", cls=Command)
@with_options([things_argument(NETWORK), columns_option([*NETWORK_INFO, *NETWORK_DETAILS])])
@click.pass_obj
def info(run: Invocation, texts: tuple[str, ...]) -> None:
    """Show networks, by id or name. One NETWORK gives one thing, several a list."""
    if len(texts) == 1:
        found = find(run, NETWORK, texts[0])
        show_fields(run, network_record(found, ranges_of(SUBNET.all(run))), NETWORK_INFO)
        return
    finder = Finder(run, NETWORK)
    several: dict[str, Thing] = {}
    with Batch("shown", 1) as batch:
        for text in texts:
            with batch.tolerating(text):
                one = finder(text)
                several[NETWORK.id_of(one)] = one
        ranges = ranges_of(SUBNET.all(run))
        show_list(run, [network_record(one, ranges) for one in several.values()], NETWORK_SUMMARY)
