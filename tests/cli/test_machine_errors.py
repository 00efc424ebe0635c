"""Bad input for every command about servers, networks, volumes and images: exit code, what is said, what is advised.

One line says what happened and one what to do next, and the command that is named there exists (design, section 7).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from fixtures.cli import Result
from fixtures.clouds import TestCloud
from fixtures.homes import Home
from fixtures.invoker import Invoker
from fixtures.machine_rows import MACHINE_ROWS
from fixtures.machine_world import Machines, Things
from fixtures.proxy import Answer, FaultProxy

from pithosfs_cli.main import main

NOBODY = "00000000-0000-0000-0000-00000000dead"


@pytest.fixture(scope="module")
def machines(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    made = Machines(cloud, cloud.user("erring"), cloud.user("other"), tmp_path_factory.mktemp("work"))
    made.local("local.txt")
    made.local("described.json", b"{}")
    made.local("rubbish.json", b"rubbish")
    made.local("large.bin", bytes(10241))
    yield made
    made.close()


@pytest.fixture
def program(machines: Machines, home: Home) -> Invoker:
    home.add_cloud(machines.owner.cloud())
    return Invoker(home, machines.cwd)


def the_command(words: str) -> click.Command:
    found: click.Command = main
    for word in words.split():
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), word)
        assert inner is not None, f"there is no command {words}"
        found = inner
    return found


def told(result: Result, code: int) -> tuple[str, str]:
    """The two lines of an error, of this code."""
    assert result.code == code, result.err
    lines = result.err.splitlines()
    assert [line.partition(": ")[0] for line in lines[-2:]] == ["error", "hint"], result.err
    hint = lines[-1].partition(": ")[2]
    for group, name in re.findall(r"pithosfs ([a-z]+) ([a-z]+)", hint):
        the_command(f"{group} {name}")
    return lines[-2].partition(": ")[2], hint


# every command --------------------------------------------------------------------------------------------------------

# What things of a group are called, and the command that lists them.
GROUPS = {
    "server": ("server", "server list"),
    "flavor": ("flavor", "flavor list"),
    "keypair": ("key pair", "keypair list"),
    "image": ("image", "image list"),
    "imagecompute": ("image", "imagecompute list"),
    "network": ("network", "network list"),
    "subnet": ("subnet", "subnet list"),
    "port": ("port", "port list"),
    "ip": ("floating IP", "ip list"),
    "volume": ("volume", "volume list"),
    "snapshot": ("snapshot", "snapshot list"),
}
# Beside what click requires: what one has to be given.
CHANGES = {
    "server modify": "--name x",
    "server detach": "--volume-id 5",
    "image modify": "--name x",
    "imagecompute modify": "--property-add a=b",
    "network modify": "--name x",
    "subnet modify": "--name x",
    "port modify": "--name x",
    "volume modify": "--name x",
    "snapshot modify": "--name x",
}


def arguments(words: str) -> list[click.Argument]:
    return [one for one in the_command(words).params if isinstance(one, click.Argument)]


def required(words: str) -> list[str]:
    """The options without which a command does nothing, with some value."""
    options = [one for one in the_command(words).params if isinstance(one, click.Option) and one.required]
    return [part for one in options for part in (max(one.opts, key=len), "1")] + shlex.split(CHANGES.get(words, ""))


def of(group: str) -> list[str]:
    """The commands of a group."""
    return [words for words in MACHINE_ROWS if words.split()[0] == group]


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_not_there(group: str, program: Invoker) -> None:
    ident = NOBODY if group in ("image", "imagecompute", "snapshot") else "999999999"
    for words in filter(arguments, of(group)):
        noun, listing = GROUPS[group] if words != "volume type" else ("volume type", "volume types")
        yes = ["--yes"] if any("--yes" in one.opts for one in the_command(words).params) else []
        for unknown in (ident, "nothing at all"):
            result = program(*words.split(), unknown, *required(words), *yes)
            happened, advice = told(result, 3)
            assert happened == f"there is no {noun} {unknown!r}", words
            assert f"pithosfs {listing}" in advice, words
            assert result.out == ""


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_needed(group: str, program: Invoker) -> None:
    """Without its argument, without each option that it must have, without anything to change."""
    for words in of(group):
        given = required(words)
        pairs = list(zip(given[::2], given[1::2], strict=True))
        lines = []
        for left_out in pairs:
            others = [part for other in pairs if other != left_out for part in other]
            lines.append([*words.split(), *(["1"] if arguments(words) else []), *others])
        if arguments(words):
            lines.append([*words.split(), *given])
        for line in lines:
            happened, _ = told(program(*line), 2)
            assert re.search(r"Missing|nothing is to be changed|which volume is to be detached", happened), line


def dummy(words: str) -> list[str]:
    """The first run of a command, with names that need not exist."""

    class Anything(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return NOBODY if key in ("image", "snapshot", "public_image", "project", "owner") else "1"

    row = MACHINE_ROWS[words][0][0].replace("--output-format json", "").replace(" -j", "")
    return [*words.split(), *shlex.split(row.format_map(Anything()))]


@pytest.mark.parametrize("group", GROUPS)
def test_a_token_that_has_expired(group: str, program: Invoker) -> None:
    for words in of(group):
        result = program(*dummy(words), "-o", "cloud.test.token=of-yesterday")
        _, advice = told(result, 4)
        assert "pithosfs config set cloud.test.token" in advice, words
        assert result.out == ""


def test_an_error_for_programs(program: Invoker) -> None:
    for line in ("server info 999999999", "image info nothing", f"volume info {'9' * 30}"):
        happened, advice = told(program(*line.split()), 3)
        result = program(*line.split(), "--output", "json")
        assert (result.code, result.out) == (3, "")
        assert json.loads(result.err)["error"] == {"message": happened, "hint": advice, "exit_code": 3}


@pytest.fixture(scope="module")
def without_services(cloud: TestCloud, machines: Machines) -> Iterator[FaultProxy]:
    """The cloud, with no services in its catalog but identity and storage."""
    wire = FaultProxy(cloud.address)
    catalog = [
        one
        for one in machines.connection.access["serviceCatalog"]
        if one["type"] in ("identity", "account", "object-store")
    ]
    answer = {"access": {**machines.connection.access, "serviceCatalog": catalog}}
    wire.when("/tokens", Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"}))
    yield wire
    wire.close()


@pytest.mark.parametrize("group", GROUPS)
def test_a_service_that_the_cloud_has_not(
    group: str, program: Invoker, without_services: FaultProxy, machines: Machines
) -> None:
    address = without_services.instead_of(machines.owner.url)
    for words in of(group):
        happened, advice = told(program(*dummy(words), "-o", f"cloud.test.url={address}"), 1)
        assert re.fullmatch(r"this cloud has no service of type '(compute|network|image|volume)'", happened), words
        assert "it has account, identity, object-store" in advice
        assert re.search(r"pithosfs config set cloud\.test\.(cyclades|network|plankton|volume)_type", advice)


# what excludes each other, and what makes no sense --------------------------------------------------------------------

CREATE = "server create --name x --flavor-id 1 --image-id Sandbox"
WRONG = [
    ("server info {server} --nics --stats", "--nics and --stats exclude each other"),
    ("server info {server} {stopped} --nics", "one server at a time"),
    (f"{CREATE} --network 1 --no-network", "--network and --no-network exclude each other"),
    (f"{CREATE} --network 1,2,3", "'3'"),
    (f"{CREATE} --network id=1,id=2", "two parts 'id'"),
    (f"{CREATE} --network address=1", "what is 'address=1'"),
    (f"{CREATE} --network ip=10.0.0.1", "has no id"),
    (f"{CREATE} --metadata novalue", "'novalue' is not KEY=VALUE"),
    (f"{CREATE} --personality local.txt,/x,root,root,rwx", "'rwx'"),
    (f"{CREATE} --personality large.bin", "10241 bytes"),
    (f"{CREATE} -p a -p a -p a -p a -p a -p a", "5 files at most"),
    (f"{CREATE} --cluster-size 0", "0"),
    (f"{CREATE} --threads many", "'many'"),
    ("server create --name x --image-id Sandbox --flavor-id C2R2048D20", "means 2 flavors"),
    ("server modify {server} --port-id 1 --name x", "--port-id is for --firewall"),
    ("server modify {server} --firewall sometimes", "'sometimes'"),
    ("server modify {server} --tag-replace a --tags-del", "exclude each other"),
    ("server modify {server} --tag-add a --tags-del", "single tags"),
    ("server modify {server} --tag-add a --tag-del a", "both name 'a'"),
    ("server modify {server} --metadata-set a=1 --metadata-del a", "both name 'a'"),
    ("server detach {server} --volume-id 1 --attachment-id 1", "exclude each other"),
    ("server console {server} --type telnet", "'telnet'"),
    ("server reboot {server} --type GENTLE", "'GENTLE'"),
    ("server wait {server} --while BUILD --until ACTIVE", "exclude each other"),
    ("server wait {server} --until SHINY", "'SHINY'"),
    ("server wait {server} --timeout 0", "no time to wait"),
    ("server wait {server} --timeout -1", "-1"),
    ("server list --user-id x --user-name y", "exclude each other"),
    ("server list --since yesterdayish", "is not a date"),
    ("server list -n 0", "0"),
    ("server list --filter colour=red", "no field 'colour'"),
    ("server list --filter colour", "is not KEY=VALUE"),
    ("server list --columns colour", "no column 'colour'"),
    ("server delete {server}", "needs a confirmation"),
    ("server delete --cluster {server_name}", "needs a confirmation"),
    ("server info ''", "empty"),
    ("flavor list --ram lots", "'lots' is not a size"),
    ("flavor list --ram 1GB", "whole number of MiB"),
    ("keypair upload", "which key"),
    ("keypair upload --public-key x --public-key-file y", "which key"),
    ("keypair upload --public-key ' '", "empty"),
    ("keypair upload --public-key '-----BEGIN PRIVATE KEY-----'", "private key"),
    ("keypair generate --key-name ''", "cannot be empty"),
    ("keypair delete {key}", "needs a confirmation"),
    ("image list --owner x --owner-name y", "exclude each other"),
    ("image list --order colour", "'colour'"),
    ("image modify {image} --public --private", "exclude each other"),
    ("image modify {image} -p a=b --property-del a", "both set and removed"),
    ("image modify {image} -p a=", "cannot be empty"),
    ("image register --name x --location /pithos", "names a container"),
    ("image register --name x --location y --uuid {owner} --owner-name z", "exclude each other"),
    ("image register --name x --location y --metafile rubbish.json", "is no JSON"),
    ("image unregister {image}", "needs a confirmation"),
    ("imagecompute modify {image} --property-add a=b --property-del a", "both set and removed"),
    ("imagecompute delete {image}", "needs a confirmation"),
    ("network create --type TREE", "'TREE'"),
    ("network delete {network}", "needs a confirmation"),
    ("network connect {network} --device-id {server} --device-id {stopped} --ip-address 10.20.0.5", "one address"),
    ("network connect {network} --device-id {server} --subnet-id {subnet}", "--subnet-id goes with an address"),
    ("subnet create --network-id 1 --cidr rubbish", "'rubbish' is no range"),
    ("subnet create --network-id 1 --cidr 10.0.0.5/24", "first address"),
    ("subnet create --network-id 1 --cidr 10.0.0.0/24 --ipv6", "IP version 4"),
    ("subnet create --network-id 1 --cidr 10.0.0.0/24 --gateway 10.0.0.1 --no-gateway", "exclude each other"),
    ("subnet create --network-id {bare} --cidr 10.0.0.0/24 --alloc-pool 10.0.0.5", "no pool"),
    ("port delete {port}", "needs a confirmation"),
    ("ip create --address 5.5", "no address"),
    ("ip create --address 8.8.8.8", "no public network has the address"),
    ("ip delete {ip}", "needs a confirmation"),
    ("volume create --name x --size 0", "1 GiB at least"),
    ("volume create --name x --size much", "'much'"),
    ("volume create --name x --size 1 --image-id 1 --snapshot-id 1", "exclude each other"),
    ("volume modify {volume} --delete-on-termination perhaps", "'perhaps'"),
    ("volume delete {volume}", "needs a confirmation"),
    ("snapshot delete {snapshot}", "needs a confirmation"),
]


@pytest.fixture(scope="module")
def untouched(machines: Machines) -> Things:
    """For runs that do nothing to it."""
    return Things(machines)


@pytest.mark.parametrize(("line", "said"), WRONG, ids=[line for line, _ in WRONG])
def test_what_makes_no_sense(line: str, said: str, program: Invoker, untouched: Things) -> None:
    result = program(*shlex.split(line.format_map(untouched)))
    happened, _ = told(result, 2)
    assert said in happened
    assert result.out == ""


# states, permissions, quotas ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A run that the cloud refuses."""

    line: str
    code: int
    said: str
    advised: str
    before: Callable[[Things], Any] = lambda _: None


def failed(things: Things) -> None:
    world = things.world
    options: dict[str, Any] = {"networks": [], "metadata": {"sandbox": "error"}}
    made = world.compute.create_server("x", world.flavor["id"], world.public_image, **options)
    things.keep("server", world.idle(made["id"])["id"])


def deleted(things: Things) -> None:
    things.world.compute.delete_server(things["server"])
    things.world.idle(things["server"])


def none_free(things: Things) -> None:
    networks = things.world.networks
    for one in networks.list_floatingips():
        if one["port_id"] is None:
            networks.delete_floatingip(one["id"])


REFUSED = [
    Row("server start {server}", 5, "is ACTIVE", "server shutdown"),
    Row("server shutdown {stopped}", 5, "is STOPPED", "server start"),
    Row("server modify {server} --flavor-id {other_flavor}", 5, "is ACTIVE", "stop it first: pithosfs server shutdown"),
    Row("server console {stopped}", 5, "is STOPPED", "start it first: pithosfs server start"),
    Row("server start {server}", 5, "has failed (ERROR)", "--diagnostics", failed),
    Row("server reboot {server}", 3, "is deleted", "server list", deleted),
    Row("server delete {server} --yes", 3, "", "server list", deleted),
    Row("server modify {server} --name x", 3, "is deleted", "server list", deleted),
    Row("server modify {stopped} --flavor-id {flavor}", 1, "has flavor", "server info"),
    Row("server modify {stopped} --flavor-id 1", 1, "disk", "server info"),
    Row("server modify {server} --metadata-del zz", 3, "has no metadata 'zz'", "server info"),
    Row("server modify {server} --tag-del zz", 3, "has no tag 'zz'", "server tags"),
    Row("server modify {server} --firewall ENABLED", 3, "on no public network", "ip attach"),
    Row("server modify {server} --firewall ENABLED --port-id {port}", 3, "is not of", "--nics"),
    Row("server tagstatus {server} --tag zz", 3, "has no tag 'zz'", "server tags"),
    Row("server attach {server} --volume-id {attached_volume}", 1, "volume-", "server detach"),
    Row("server attachment {server} --attachment-id 999", 3, "has no volume 999", "server attachments"),
    Row("server detach {server} --volume-id {volume}", 3, "has no volume", "server attachments"),
    Row("server create --name x --flavor-id 99 --image-id Sandbox", 3, "no flavor '99'", "flavor list"),
    Row("server create --name x --flavor-id 1 --image-id zz", 3, "no image 'zz'", "imagecompute list"),
    Row("server create --name x --flavor-id 1 --image-id Sandbox --network zz", 3, "no network 'zz'", "network list"),
    Row("server create --name x --flavor-id 1 --image-id Sandbox --key-name zz", 3, "no key pair 'zz'", "keypair list"),
    Row("server create --name x --flavor-id 1 --image-id Sandbox --project-id zz", 3, "'zz'", "project list"),
    Row("server create --name x --flavor-id 1 --image-id Sandbox -u zz", 3, "zz: No such file", ""),
    Row("server create --name x --flavor-id 1 --image-id Sandbox -p zz", 3, "zz: No such file", ""),
    Row("server create --name x --flavor-id 1 --image-id Sandbox --network {network},8.8.8.8", 1, "8.8.8.8",
        "server create --help"),
    Row("server create --name x --flavor-id 1 --image-id Sandbox --network public", 5, "no floating", "ip create",
        none_free),
    Row("server create --name x --flavor-id 1 --image-id Sandbox --password-file local.txt", 5, "exists", ""),
    Row("server delete --cluster zz --yes", 3, "begins with 'zz'", "server list"),
    Row("server list --since 2001-01-01", 1, "", "later --since"),
    Row("server list --user-name nobody-of-that-name", 3, "no user", ""),
    Row("keypair upload --key-name {key} --public-key x", 5, "already", "--force"),
    Row("image modify {image} --property-del zz", 3, "no property 'zz'", "image info"),
    Row("image modify {image} --disk-format zz", 1, "the image", "image info"),
    Row("image modify Sandbox --name mine", 4, "the image Sandbox", "only its owner"),
    Row("image unregister Sandbox --yes", 4, "the image Sandbox", "only its owner"),
    Row("image register --location zz --name x", 3, "no file /pithos/zz", "file upload"),
    Row("image register --location zz --name x --upload-image-file nowhere", 3, "nowhere: No such file", ""),
    Row("image register --location {image_name} --name x --size 1", 5, "not 1", "--size"),
    Row("image register --location {image_name} --name x --checksum 00", 1, "", "image register --help"),
    Row("image register --location {image_name} --name x --upload-image-file local.txt", 5, "exists", "--force"),
    Row("imagecompute modify {image} --property-del zz", 3, "no property 'zz'", "imagecompute info"),
    Row("imagecompute modify Sandbox --property-add a=b", 4, "the image Sandbox", "only its owner"),
    Row("imagecompute delete Sandbox --yes", 4, "the image Sandbox", "only its owner"),
    Row("network create --type CUSTOM", 4, "CUSTOM", "MAC_FILTERED"),
    Row("network modify public --name mine", 4, "the network public", "network info"),
    Row("network delete public --yes", 4, "the network public", "network info"),
    Row("network delete {network} --yes", 5, "ports", "port list --filter network_id=", lambda things: things["port"]),
    Row("network disconnect {network} --device-id {server}", 3, "is not connected to", "--nics"),
    Row("network connect {network} --device-id {server}", 5, "has failed (ERROR)", "--diagnostics", failed),
    Row("subnet create --network-id {network} --cidr 10.9.0.0/24", 1, "the network", "subnet create --help"),
    Row("subnet create --network-id {bare} --cidr 10.9.0.0/8", 2, "first address", "do you mean 10.0.0.0/8"),
    Row("subnet create --network-id {bare} --cidr 10.0.0.0/8", 6, "", ""),
    Row("subnet create --network-id {bare} --cidr 10.0.0.0/24 --alloc-pool 10.9.0.1,10.9.0.2", 5, "", ""),
    Row("subnet modify 1 --name mine", 4, "the subnet public", "subnet info"),
    Row("port create --network-id public --device-id {server} --ip-address 203.0.113.254", 3, "", ""),
    Row("ip attach {attached_ip} --server-id {server}", 5, "has a server already", "ip detach"),
    Row("ip attach {ip} --server-id {server}", 5, "has failed (ERROR)", "--diagnostics", failed),
    Row("ip detach {ip}", 5, "is not attached", "ip list"),
    Row("ip delete {attached_ip} --yes", 5, "is attached to", "ip detach"),
    Row("ip create --network-id {network}", 5, "", "network list"),
    Row("volume delete {root} --yes", 5, "first disk", "server delete"),
    Row("volume reassign {root} --project-id {project}", 5, "", "server reassign"),
    Row("volume modify {volume} --delete-on-termination false", 1, "volume-", "volume info"),
    Row("volume create --name x --size 1 --volume-type drbd", 1, "drbd", "volume create --help"),
    Row("volume create --name x --size 1 --server-id {server}", 5, "has failed (ERROR)", "--diagnostics", failed),
    Row("volume wait {volume} --until in_use --timeout 0.1", 8, "is still available", "volume wait"),
    Row("server wait {server} --until STOPPED --timeout 0.1", 8, "is still ACTIVE", "server wait"),
    Row("server wait {server} --until ACTIVE", 1, "in the state ERROR", "server info", failed),
    Row("server wait {server}", 1, "in the state ERROR", "server info", failed),
    Row("snapshot create --volume-id {volume}", 5, "is available", "server attach"),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=[f"{one.line}: {one.said}" for one in REFUSED])
def test_what_the_cloud_refuses(row: Row, program: Invoker, machines: Machines) -> None:
    things = Things(machines)
    row.before(things)
    result = program(*shlex.split(row.line.format_map(things)))
    if row.advised:
        happened, advice = told(result, row.code)
        assert row.advised in advice
    else:
        assert result.code == row.code, result.err
        happened = result.err.splitlines()[0]
    assert row.said in happened


def test_what_is_for_others(machines: Machines, home: Home) -> None:
    things = Things(machines)
    home.add_cloud(machines.friend.cloud())
    program = Invoker(home, machines.cwd)
    for line in ("image info {image}", "imagecompute info {image}", "imagecompute delete {image} --yes"):
        happened, _ = told(program(*line.format_map(things).split()), 4)
        assert happened == f"the image {things['image']} is not for you"
    for line, noun in (
        ("server info {server}", "server"),
        ("server delete {server_name} --yes", "server"),
        ("network info {network}", "network"),
        ("port info {port}", "port"),
        ("ip delete {ip} --yes", "floating IP"),
        ("ip info {address}", "floating IP"),
        ("volume info {volume}", "volume"),
        ("keypair info {key}", "key pair"),
    ):
        happened, _ = told(program(*line.format_map(things).split()), 3)
        assert happened.startswith(f"there is no {noun} ")


def test_a_quota_that_is_used_up(cloud: TestCloud, home: Home, tmp_path: Path) -> None:
    poor = cloud.user("poor")
    home.add_cloud(poor.cloud())
    program = Invoker(home, tmp_path)
    for resource, line in (
        ("cyclades.vm", "server create --name x --flavor-id 1 --image-id Sandbox"),
        ("cyclades.vm", "server create --name x --flavor-id 1 --image-id Sandbox --cluster-size 2 --wait"),
        ("cyclades.network.private", "network create --name x"),
        ("cyclades.floating_ip", "ip create"),
        ("cyclades.disk", "volume create --name x --size 1"),
    ):
        cloud.set_limit(poor, resource, 0)
        result = program(*line.split())
        happened, advice = told(result, 6)
        assert "exceeded: available 0, requested" in happened
        assert "pithosfs quota list" in advice
        assert result.out == ""
