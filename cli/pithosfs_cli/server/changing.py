"""`pithosfs server modify`, `reassign` and `delete`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.finding import about, find, thing_argument, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import FLAVOR, PORT, PROJECT, SERVER, Thing
from pithosfs_cli.options import PAIR, at_least_one, at_most_one
from pithosfs_cli.output import show_fields
from pithosfs_cli.server.records import INFO, Known, server_record
from pithosfs_cli.server.states import SETTLED, STOPPED, needs, settled
from pithosfs_cli.services import compute
from pithosfs_cli.waiting import GONE, Patience, wait_for, wait_options

if TYPE_CHECKING:
    from pithosfs.clients.cyclades import CycladesComputeClient

__all__ = ["delete", "modify", "reassign"]

_ALL = "*"
_ANY = (*SETTLED, "BUILD", "ERROR", "REBOOT", "RESIZE")
_CHANGES = {
    "--name": "name",
    "--flavor-id": "flavor_id",
    "--firewall": "firewall",
    "--metadata-set": "metadata_set",
    "--metadata-del": "metadata_del",
    "--tag-add": "tag_add",
    "--tag-del": "tag_del",
    "--tag-replace": "tag_replace",
    "--tags-del": "tags_del",
}


@click.command("modify", cls=Command)
@with_options(
    [
        thing_argument(SERVER),
        click.option("--name", metavar="NAME", help="Call it so."),
        thing_option("--flavor-id", kind=FLAVOR, help="Make it another size; it has to be stopped."),
        option(
            "--metadata-set",
            type=PAIR,
            metavar="KEY=VALUE",
            multiple=True,
            aliases=("--metadata-add",),
            help="Note this on it; may be repeated.",
        ),
        click.option("--metadata-del", metavar="KEY", multiple=True, help="Remove this from its metadata."),
        click.option("--tag-add", metavar="TAG", multiple=True, help="Tag it; may be repeated."),
        click.option("--tag-del", metavar="TAG", multiple=True, help="Take a tag off; may be repeated."),
        click.option("--tag-replace", metavar="TAG", multiple=True, help="Make this its tags; may be repeated."),
        click.option("--tags-del", is_flag=True, help="Take all tags off."),
        click.option(
            "--firewall",
            type=click.Choice(["DISABLED", "ENABLED", "PROTECTED"], case_sensitive=False),
            help="The firewall of its public port.",
        ),
        thing_option("--port-id", kind=PORT, help="The port that --firewall is for, if there are several; * for all."),
        *wait_options,
    ]
)
@click.pass_obj
def modify(run: Invocation, /, text: str, **options: Any) -> None:
    """Change a SERVER, by id or name, and show what it is then."""
    patience = Patience.of(options)
    at_least_one({flag: options[name] for flag, name in _CHANGES.items()})
    _check(options)
    server = find(run, SERVER, text)
    flavor = None if options["flavor_id"] is None else FLAVOR.id_of(find(run, FLAVOR, options["flavor_id"]))
    ports = _ports(run, server, options["port_id"]) if options["firewall"] else []
    client, ident = compute(run), SERVER.id_of(server)
    with about(SERVER, server):
        with needs(server, _ANY):
            if options["name"] is not None:
                client.update_server_name(ident, options["name"])
                _names_changed(run)
            _set_metadata(client, server, dict(options["metadata_set"]), options["metadata_del"])
            _set_tags(client, server, options)
        with needs(server, SETTLED):
            for port in ports:
                client.set_firewall_profile(ident, options["firewall"], port)
        if flavor is not None:
            with needs(server, STOPPED):
                client.resize_server(ident, flavor)
    now = SERVER.one(run, ident)
    if patience is not None:
        later = f"server info {ident}"
        now = wait_for(run, SERVER, now, settled(now, *SETTLED), patience, later=later) or now
    if any(options[name] for name in ("tag_add", "tag_del", "tag_replace", "tags_del")):
        # Of itself a server names only those that have been confirmed.
        now = {**now, "tags": list(client.list_server_tags(ident))}
    show_fields(run, server_record(now, Known.ask(run, images=True)), INFO)


def _check(options: dict[str, Any]) -> None:
    at_most_one({"--tag-replace": options["tag_replace"], "--tags-del": options["tags_del"]})
    single = [*options["tag_add"], *options["tag_del"]]
    if single and (options["tag_replace"] or options["tags_del"]):
        raise UsageError(
            "either single tags are changed, or all of them", hint="leave --tag-add and --tag-del out, or the other"
        )
    for flags, both in (
        ("--metadata-set and --metadata-del", {key for key, _ in options["metadata_set"]} & {*options["metadata_del"]}),
        ("--tag-add and --tag-del", {*options["tag_add"]} & {*options["tag_del"]}),
    ):
        if both:
            raise UsageError(f"{flags} both name {min(both)!r}", hint="say it in one of them")
    if options["port_id"] is not None and not options["firewall"]:
        raise UsageError("--port-id is for --firewall", hint="say which: --firewall ENABLED, DISABLED or PROTECTED")


def _names_changed(run: Invocation) -> None:
    from pithosfs_cli.completion import things_changed

    things_changed(run, SERVER)


def _ports(run: Invocation, server: Thing, wanted: str | None) -> list[str]:
    """The ids of the ports that are meant: all public ones for *, the only one when nothing is said."""
    nics = {str(nic.get("id")): nic for nic in server.get("attachments") or []}
    if wanted not in (None, _ALL):
        port = PORT.id_of(find(run, PORT, wanted or ""))
        if port not in nics:
            raise NotFound(
                f"the port {wanted} is not of {SERVER.called(server)}",
                404,
                hint=f"see its ports: pithosfs server info {SERVER.id_of(server)} --nics",
            )
        return [port]
    public = [ident for ident, nic in nics.items() if nic.get("firewallProfile")]
    if not public:
        raise NotFound(
            f"{SERVER.called(server)} is on no public network, and has no firewall",
            404,
            hint=f"connect it: pithosfs ip attach ADDRESS --server-id {SERVER.id_of(server)}",
        )
    if len(public) > 1 and wanted is None:
        several = ", ".join(f"{ident} ({nics[ident].get('ipv4') or nics[ident].get('ipv6')})" for ident in public)
        raise UsageError(
            f"{SERVER.called(server)} has several public ports: {several}", hint="add --port-id ID, or '*'"
        )
    return public


def _set_metadata(client: CycladesComputeClient, server: Thing, added: dict[str, str], removed: Sequence[str]) -> None:
    ident = SERVER.id_of(server)
    if added:
        client.servers_metadata_post(ident, json_data={"metadata": added})
    for key in removed:
        _removing(
            partial(client.delete_server_metadata, ident, key),
            f"{SERVER.called(server)} has no metadata {key!r}",
            f"see what it has: pithosfs server info {ident}",
        )


def _set_tags(client: CycladesComputeClient, server: Thing, options: dict[str, Any]) -> None:
    ident, hint = SERVER.id_of(server), f"see which it has: pithosfs server tags {SERVER.id_of(server)}"
    if options["tag_replace"]:
        client.replace_server_tags(ident, options["tag_replace"])
    if options["tags_del"]:
        _removing(partial(client.delete_server_tags, ident), f"{SERVER.called(server)} has no tags", hint)
    for tag in options["tag_add"]:
        client.add_server_tag(ident, tag)
    for tag in options["tag_del"]:
        _removing(partial(client.delete_server_tag, ident, tag), f"{SERVER.called(server)} has no tag {tag!r}", hint)


def _removing(remove: Callable[[], object], missing: str, hint: str) -> None:
    try:
        remove()
    except NotFound as error:
        raise NotFound(missing, error.status, hint=hint) from error


@click.command("reassign", cls=Command)
@with_options(
    [
        thing_argument(SERVER),
        thing_option("--project-id", kind=PROJECT, required=True, help="Who pays from now on, by id or name."),
    ]
)
@click.pass_obj
def reassign(run: Invocation, text: str, project_id: str) -> None:
    """Charge a SERVER to another project."""
    server = find(run, SERVER, text)
    project = PROJECT.id_of(find(run, PROJECT, project_id))
    with about(SERVER, server), needs(server, (*SETTLED, "ERROR")):
        compute(run).reassign_server(SERVER.id_of(server), project)
    if run.output != "table":
        now = SERVER.one(run, SERVER.id_of(server))
        show_fields(run, server_record(now, Known.ask(run, images=True)), INFO)


@click.command("delete", cls=Command)
@with_options(
    [
        things_argument(SERVER),
        click.option("--cluster", is_flag=True, help="All servers whose names begin with what is given."),
        *delete_options,
        *wait_options,
    ]
)
@click.pass_obj
def delete(run: Invocation, /, texts: tuple[str, ...], cluster: bool, yes: bool, dry_run: bool, **options: Any) -> None:
    """Delete servers, by id or name, and the volumes that were made for them. Floating IPs stay yours."""
    client = compute(run)

    def work(server: Thing) -> None:
        with needs(server, _ANY):
            client.delete_server(SERVER.id_of(server))

    delete_things(
        run,
        SERVER,
        _beginning_with(run, texts) if cluster else texts,
        work,
        yes=yes,
        dry_run=dry_run,
        goal=GONE,
        patience=Patience.of(options),
        with_it=_volumes,
    )


def _beginning_with(run: Invocation, prefixes: Sequence[str]) -> dict[str, Thing]:
    known = SERVER.all(run)
    found: dict[str, Thing] = {}
    for prefix in prefixes:
        meant = {SERVER.id_of(one): one for one in known if prefix and SERVER.name_of(one).startswith(prefix)}
        if not meant:
            raise NotFound(
                f"there is no server whose name begins with {prefix!r}",
                404,
                hint="see which there are: pithosfs server list",
            )
        found |= meant
    return found


def _volumes(server: Thing) -> str:
    count = len(server.get("volumes") or ())
    return f" with its {count} volumes" if count > 1 else " with its volume" if count else ""
