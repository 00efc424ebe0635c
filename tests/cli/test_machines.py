"""Finer points of the commands about servers, networks, volumes and images: names, filters, what is sent and kept."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator

import pytest
from fixtures.clouds import TestCloud
from fixtures.homes import Home
from fixtures.invoker import Invoker
from fixtures.machine_world import Machines, Things
from fixtures.proxy import Answer, FaultProxy

from pithosfs.store import ObjectPath
from pithosfs_cli.options import labelled
from pithosfs_cli.server.specs import files_to_inject, start_data
from pithosfs_cli.statuses import style_of


@pytest.fixture(scope="module")
def machines(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    made = Machines(cloud, cloud.user("finer"), cloud.user("other"), tmp_path_factory.mktemp("work"))
    yield made
    made.close()


@pytest.fixture
def program(machines: Machines, home: Home) -> Invoker:
    home.add_cloud(machines.owner.cloud())
    return Invoker(home, machines.cwd)


@pytest.fixture
def things(machines: Machines) -> Things:
    return Things(machines)


# names ----------------------------------------------------------------------------------------------------------------


def test_whatever_takes_an_id_takes_a_name(program: Invoker, machines: Machines) -> None:
    made = {name: str(machines.networks.create_network("MAC_FILTERED", name)["id"]) for name in (
        "Tree", "treehouse", "twin", "Twin", "same", "same", "777777"
    )}  # fmt: skip
    twins = [one for one in machines.networks.list_networks() if one["name"] == "same"]

    def found(text: str) -> str:
        return str(program.ok("network", "info", text, "-j").json["id"])

    # As it is written, before another case, before the beginning.
    assert found("Tree") == found("tree") == found("TREE") == made["Tree"]
    assert found("treeh") == found("TREEH") == made["treehouse"]
    assert found("twin") == made["twin"]
    assert found("Twin") == made["Twin"]
    # A name that looks like an id is one, if there is no such id.
    assert found("777777") == made["777777"]
    for text, meant in (("same", twins), ("TWIN", None), ("tr", None)):
        result = program("network", "info", text)
        assert result.code == 2
        assert f"{text!r} means 2 networks" in result.err
        if meant:
            assert f"same ({meant[0]['id']}), same ({meant[1]['id']})" in result.err
    near = program("network", "info", "trehouse")
    assert near.code == 3
    assert "did you mean 'treehouse'?" in near.err
    # What is to be deleted has to be named whole.
    assert program("network", "delete", "treeh", "--yes").code == 3
    program.ok("network", "delete", "treehouse", "TREE", made["Tree"], "--yes")
    left = {one["name"] for one in machines.networks.list_networks()}
    assert left.isdisjoint({"Tree", "treehouse"})


def test_the_beginning_of_an_id(program: Invoker, things: Things) -> None:
    image = things["image"]
    for text in (image[:8], image[:35], image.upper()):
        assert program.ok("imagecompute", "info", text, "-j").json["id"] == image
    assert program("imagecompute", "info", image[:3]).code == 3
    assert program("imagecompute", "delete", image[:8], "--yes").code == 3


def test_nothing_is_deleted_unless_all_is_there(program: Invoker, things: Things) -> None:
    result = program("volume", "delete", things["volume"], "no-such-volume", "--yes")
    assert result.code == 3
    assert things.of_volume()["status"] == "available"


# lists ----------------------------------------------------------------------------------------------------------------


def test_any_field_is_a_filter(program: Invoker, things: Things) -> None:
    ident = things["connected"]
    server = program.ok("server", "info", ident, "-j").json
    (address,), status = server["ips"], server["status"]  # other tests start and stop it

    def listed(*filters: str) -> list[str]:
        options = [part for one in filters for part in ("--filter", one)]
        return [str(one["id"]) for one in program.ok("server", "list", "-j", "--id", ident, *options).json]

    assert listed(f"ips={address}", f"status={status.lower()}", "metadata.os=debian") == [ident]
    assert listed("flavor_name=c2r2048d20EXT_STORE", "deleted=no", "key_name=") == [ident]
    assert listed(f"status={status}", "deleted=yes") == []
    assert listed("image.id=x") == []
    ports = program.ok("port", "list", "-j", "--filter", f"network_id={things['network']}").json
    assert [one["id"] for one in ports] == [things["connected_port"]]


def test_columns_order_and_other_forms(program: Invoker, machines: Machines) -> None:
    names = [f"sorted-{letter}" for letter in "bac"]
    for name in names:
        machines.volumes.create_volume(len(name), None, name, volume_type=machines.flavor["SNF:volume_type"])
    like = ("--name-prefix", "sorted-")
    rows = program.ok("volume", "list", *like, "--sort", "name", "--columns", "display_name,size").out.splitlines()
    assert [row.split() for row in rows] == [["NAME", "SIZE"], *([f"sorted-{one}", "8GiB"] for one in "abc")]
    values = program.ok("volume", "list", *like, "--sort", "-name", "--output", "value", "--columns", "name,size").out
    assert values == "sorted-c\t8\nsorted-b\t8\nsorted-a\t8\n"
    lines = program.ok("volume", "list", *like, "--output", "csv").out.splitlines()
    assert lines[0] == "id,display_name,status,size,type_name,server_name,created_at"
    assert len(lines) == 4
    assert "display_name: sorted-b" in program.ok("volume", "list", *like, "--output", "yaml").out
    # Columns that are not shown by themselves are there in a list without details, too.
    shown = program.ok("volume", "list", *like, "--columns", "name,tenant_id", "-j", "-n", "1").json
    assert shown == [{"display_name": "sorted-b", "tenant_id": machines.owner.uuid}]


def test_what_was_made_in_one_word(program: Invoker, things: Things) -> None:
    """For scripts: the id of what was made, or its address."""
    only = ("--output", "value", "--columns")
    network = program.ok("network", "create", *only, "id").out.strip()
    subnet = program.ok("subnet", "create", "--network-id", network, "--cidr", "10.7.0.0/24", *only, "id").out.strip()
    assert program.ok("network", "info", network, "-j").json["subnets"] == [subnet]
    address = program.ok("ip", "create", *only, "floating_ip_address").out.strip()
    made = (
        "server",
        "create",
        "--name",
        things["new"],
        "--flavor-id",
        "1",
        "--image-id",
        "Sandbox",
        "--network",
        network,
    )
    server = program.ok(*made, "--wait", *only, "id").out.strip()
    program.ok("ip", "attach", address, "--server-id", server, "--wait")
    assert program.ok("server", "info", server, *only, "ips").out == f'["10.7.0.2", "{address}"]\n'


def test_empty_lists(cloud: TestCloud, home: Home, machines: Machines) -> None:
    home.add_cloud(cloud.user("newcomer").cloud())
    program = Invoker(home, machines.cwd)
    for line, advised in (
        ("server list", "pithosfs server create"),
        ("keypair list", "pithosfs keypair generate"),
        ("ip list", "pithosfs ip create"),
        ("volume list", "pithosfs volume create"),
        ("snapshot list", "pithosfs snapshot create"),
        ("server list --name x", "There is no server\n"),
        ("server list --since now", "No server has changed since"),
        ("port list", "There is no such port"),
    ):
        result = program.ok(*line.split())
        assert result.out == ""
        assert advised in result.err
        assert program.ok(*line.split(), "-j").json == []


def test_older_spellings_are_understood_and_not_shown(program: Invoker, things: Things) -> None:
    for line in (
        "server list --list --id {server}",
        "network list --detail",
        "flavor list --project-id {project}",
        "server modify {server} --metadata-add b=2",
        "image modify {image} --property-add b=2",
        "imagecompute modify {image} --property-set c=3",
        "server wait {server} --status BUILD",
    ):
        words = line.format_map(things).split()
        program.ok(*words)
        old = next(one for one in words if one.startswith("--"))
        assert f"{old} " not in program.ok(*words[:2], "--help").out, line


# servers --------------------------------------------------------------------------------------------------------------


def test_what_is_put_into_a_server(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local cloud has no disk that files could be written to, and forgets them."""
    local = machines.local("motd", b"hello\n")
    monkeypatch.chdir(machines.cwd)
    content = {"contents": "aGVsbG8K"}
    specs = ["motd", "motd,/etc/motd,root,wheel,0640", "mode=600,server-path=/x,local-path=motd", "motd,,,,7"]
    assert files_to_inject(specs) == [
        {"path": str(local), **content},
        {"path": "/etc/motd", **content, "owner": "root", "group": "wheel", "mode": 0o640},
        {"path": "/x", **content, "mode": 0o600},
        {"path": str(local), **content, "mode": 7},
    ]
    assert start_data("motd") == b"hello\n"
    assert start_data(None) is None


def test_networks_of_a_new_server(program: Invoker, things: Things) -> None:
    wanted = f"ip=10.20.0.77,id={things['network_name']}"
    line = ("server", "create", "--name", things["new"], "--flavor-id", "1", "--image-id", "Sandbox", "--wait", "-j")
    assert program.ok(*line, "--network", wanted).json["ips"] == ["10.20.0.77"]
    made = program.ok(
        *line, "--network", f"port={things['port_name']}", "--network", f"public,{things['address']}"
    ).json
    assert {str(one["id"]) for one in made["attachments"]} >= {things["port"]}
    assert things["address"] in made["ips"]
    data = program("server", "info", str(made["id"]), "--nics").out
    assert "floating" in data
    assert "fixed" in data


# key pairs ------------------------------------------------------------------------------------------------------------


def test_the_private_key_alone_is_the_output(program: Invoker, things: Things) -> None:
    result = program.ok("keypair", "generate", "--key-name", things["new"])
    assert result.out.startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert result.out.endswith("-----END RSA PRIVATE KEY-----\n")
    assert things["new"] in result.err


def test_the_private_key_in_a_file(program: Invoker, machines: Machines, things: Things) -> None:
    made = program.ok("keypair", "generate", "--private-key-file", "key.pem", "-j").json
    assert made["name"].startswith("pithosfs-")
    assert "private_key" not in made
    file = machines.cwd / "key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("-----BEGIN")
    # A file that is there is not touched, and nothing is made.
    again = program("keypair", "generate", "--key-name", things["new"], "--private-key-file", "key.pem")
    assert again.code == 5
    assert program("keypair", "info", things["new"]).code == 3
    # What was not made leaves no file.
    assert program("keypair", "generate", "--key-name", things["key"], "--private-key-file", "other.pem").code == 5
    assert not (machines.cwd / "other.pem").exists()


def test_a_public_key_from_a_file(program: Invoker, machines: Machines, things: Things) -> None:
    machines.local("id.pub", b"ssh-rsa CCCC me\n")
    made = program.ok("keypair", "upload", "--public-key-file", "id.pub", "--key-name", things["new"], "-j").json
    assert made["public_key"] == "ssh-rsa CCCC me"
    made = program.ok("keypair", "upload", "--public-key-file", "-", "-j", stdin=b"ssh-rsa DDDD me").json
    assert made["public_key"] == "ssh-rsa DDDD me"
    program.ok("keypair", "delete", made["name"], "--yes")


# images ---------------------------------------------------------------------------------------------------------------


def test_the_description_beside_an_image(program: Invoker, machines: Machines, things: Things) -> None:
    machines.local("disk.img", b"disk")
    name = things["new"]
    made = program.ok(
        "image", "register", "--location", f"images/{name}", "--name", "A disk", "--upload-image-file", "disk.img",
        "-p", "OS=debian", "--public", "-j",
    ).json  # fmt: skip
    assert made["metafile"] == f"/pithos/images/{name}.meta"
    described = json.loads(program.ok("file", "cat", f"images/{name}.meta").out)
    assert (described["id"], described["name"], described["is-public"]) == (made["id"], "A disk", "True")
    assert described["properties"] == {"os": "debian"}
    image, beside = (
        machines.owner.store.head(ObjectPath(machines.owner.uuid, "pithos", f"images/{name}{end}"))
        for end in ("", ".meta")
    )
    assert image.sharing is not None
    assert beside.sharing is not None
    # An owner does not have to be told what he may read.
    assert {*image.sharing.read} - {machines.owner.uuid} == {*beside.sharing.read} == {"*"}
    # It is not overwritten unasked, and it is enough to register the file again.
    again = ("image", "register", "--location", f"images/{name}", "--name", "Again")
    assert program(*again).code == 5
    program.ok("image", "unregister", "A disk", "--yes")
    program.ok("file", "download", f"images/{name}.meta", "described.meta", "-f")
    made = program.ok(*again, "--force", "--metafile", "described.meta", "-p", "Users=root", "-j").json
    assert (made["name"], made["is_public"]) == ("Again", True)
    assert made["properties"] == {"os": "debian", "users": "root"}


def test_a_property_may_be_called_anything(program: Invoker, things: Things) -> None:
    image = things["image"]
    made = program.ok("image", "modify", image, "-p", "name=x", "-p", "status=y", "-p", "public=z", "-j").json
    assert {"name": "x", "status": "y", "public": "z"}.items() <= made["properties"].items()
    assert (made["name"], made["status"]) == (things["image_name"], "AVAILABLE")
    program.ok("imagecompute", "modify", image, "--property-add", "response_headers=1")
    program.ok(
        "server", "modify", things["server"], "--metadata-set", "server_id=1", "--metadata-set", "response_headers=2"
    )
    assert things.of_server()["metadata"]["response_headers"] == "2"


def test_only_the_owner_registers(cloud: TestCloud, machines: Machines, program: Invoker, things: Things) -> None:
    friend = machines.friend
    friend.store.put_object(ObjectPath(friend.uuid, "pithos", "theirs"), b"x", content_type="a/b", meta={}, base=None)
    for options in (["--uuid", friend.uuid], ["--owner-name", friend.name]):
        result = program("image", "register", "--location", "theirs", "--name", things["new"], *options)
        assert result.code == 4, result.err
        assert "theirs" in result.err


# what the local cloud does not have -----------------------------------------------------------------------------------


@pytest.fixture
def wire(cloud: TestCloud) -> Iterator[FaultProxy]:
    made = FaultProxy(cloud.address)
    yield made
    made.close()


def test_rescue_where_there_is_such_a_thing(machines: Machines, home: Home, things: Things, wire: FaultProxy) -> None:
    home.add_cloud(machines.owner.cloud(through=wire))
    program = Invoker(home, machines.cwd)
    for line in ("server rescue {stopped} --rescue-image-ref 3", "server unrescue {stopped}"):
        filled = line.format_map(things).split()
        wire.when(r"POST .*/action", Answer(202))
        result = program.ok(*filled, "-o", f"cloud.test.cyclades_url={wire.instead_of(machines.compute.endpoint_url)}")
        assert "is STOPPED" in result.err


# pure pieces ----------------------------------------------------------------------------------------------------------


def test_values_of_several_parts() -> None:
    labels = ("id", "ip")
    for text, parts in (
        ("5", {"id": "5"}),
        ("5,10.0.0.1", {"id": "5", "ip": "10.0.0.1"}),
        ("ip=10.0.0.1,5", {"ip": "10.0.0.1", "id": "5"}),
        ("id=5,ip=10.0.0.1", {"id": "5", "ip": "10.0.0.1"}),
        ("/a=b", {"id": "/a=b"}),
    ):
        assert labelled(text, labels) == parts


@pytest.mark.parametrize(
    ("status", "style"),
    [
        ("ACTIVE", "green"),
        ("in-use", "green"),
        ("ACTIVE (rebooting)", "yellow"),
        ("BUILD", "yellow"),
        ("STOPPED", "dim"),
        ("deleted", "dim"),
        ("ERROR", "red"),
        ("error_deleting", "red"),
        ("-", "yellow"),
    ],
)
def test_styles(status: str, style: str) -> None:
    assert style_of(status) == style
