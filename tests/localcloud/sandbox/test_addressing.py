"""Address arithmetic, without a server; and addresses as they are given out, against a model."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from fixtures.held_cloud import Person
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.network.addressing import (
    automatic_pools,
    hardware_address,
    parse_cidr,
    parse_gateway,
    parse_pools,
    slaac_address,
)


@st.composite
def networks(draw: st.DrawFn) -> IPv4Network:
    bits = draw(st.integers(22, 29))
    return IPv4Network((draw(st.integers(0, 2**bits - 1)) << (32 - bits), bits))


@given(networks(), st.data())
def test_automatic_pools_are_all_hosts_but_the_gateway(network: IPv4Network, data: st.DataObject) -> None:
    gateway = data.draw(st.none() | st.sampled_from(list(network.hosts())))
    pools = automatic_pools(network, gateway)
    given_out = [address for pool in pools for address in range(pool.start, pool.end + 1)]
    assert given_out == [int(host) for host in network.hosts() if host != gateway]
    # What a client sends back is what it was told.
    assert parse_pools([pool.json() for pool in pools], network, gateway) == pools


@given(networks())
def test_a_cidr_is_what_it_was(network: IPv4Network) -> None:
    assert parse_cidr(str(network), 4) == network


@pytest.mark.parametrize(
    ("text", "version", "status"),
    [
        ("10.0.0.1/24", 4, 400),
        ("10.0.0.0", 4, 400),
        ("10.0.0.0/24", 6, 400),
        ("2001:db8::/64", 4, 400),
        ("2001:db8::/48", 6, 400),
        ("2001:db8::1/64", 6, 400),
        ("10.0.0.0/21", 4, 413),
        ("10.0.0.0/30", 4, 413),
        ("0.0.0.0/0", 4, 413),
        ("\ud800", 4, 400),
        ("", 4, 400),
    ],
)
def test_cidrs_that_nobody_may_have(text: str, version: int, status: int) -> None:
    with pytest.raises(Fault) as refusal:
        parse_cidr(text, version)
    assert refusal.value.status == status


@pytest.mark.parametrize("gateway", ["10.0.0.0", "10.0.0.255", "10.0.1.1", "x", "::1"])
def test_gateways_that_nobody_could_reach(gateway: str) -> None:
    with pytest.raises(Fault) as refusal:
        parse_gateway(gateway, IPv4Network("10.0.0.0/24"))
    assert refusal.value.status == 400


def test_the_ends_of_a_network_are_in_no_pool() -> None:
    for pool in ({"start": "10.0.0.0", "end": "10.0.0.5"}, {"start": "10.0.0.9", "end": "10.0.0.255"}):
        with pytest.raises(Fault) as refusal:
            parse_pools([pool], IPv4Network("10.0.0.0/24"), None)
        assert refusal.value.status == 409


def test_slaac_is_derived_from_the_hardware_address() -> None:
    """The example of compute.md 3.1."""
    address = slaac_address(IPv6Network("2001:db8:5::/64"), "aa:bb:10:10:2b:02")
    assert str(address) == "2001:db8:5:0:a8bb:10ff:fe10:2b02"


@given(st.integers(0, 0xFFFF), st.integers(1, 2**40))
def test_hardware_addresses_are_local_and_unicast(prefix: int, number: int) -> None:
    first = int(hardware_address(prefix, number).partition(":")[0], 16)
    assert first & 0b11 == 0b10


def test_addresses_against_a_model(alice: Person) -> None:
    """Ports come and go at random in a /29 and in own pools: each answer is what a set of addresses says."""
    chance = random.Random(5)
    pools = [{"start": "10.0.0.2", "end": "10.0.0.4"}, {"start": "10.0.0.9", "end": "10.0.0.10"}]
    network = alice.network(None)
    alice.subnet(network, "10.0.0.0/28", allocation_pools=pools)
    free = {IPv4Address(f"10.0.0.{last}") for last in (2, 3, 4, 9, 10)}
    ports: dict[str, IPv4Address] = {}
    for _ in range(120):
        if ports and chance.random() < 0.45:
            port = chance.choice(sorted(ports))
            alice.ok("DELETE", f"network/ports/{port}")
            free.add(ports.pop(port))
            continue
        wanted = IPv4Address(f"10.0.0.{chance.randrange(1, 14)}") if chance.random() < 0.5 else None
        fixed = [] if wanted is None else [{"ip_address": str(wanted)}]
        answer = alice("POST", "network/ports", {"port": {"network_id": network, "fixed_ips": fixed}})
        if wanted is None and not free:
            assert (answer.status, answer.fault) == (409, "conflict")
        elif wanted is None or wanted in free:
            assert answer.status == 201
            got = IPv4Address(answer["port"]["fixed_ips"][0]["ip_address"])
            assert got == (min(free) if wanted is None else wanted)
            free.remove(got)
            ports[answer["port"]["id"]] = got
        else:
            assert answer.status == (409 if wanted in ports.values() else 400)
    shown = {one["fixed_ips"][0]["ip_address"] for one in alice.get("network/ports")}
    assert shown == {str(address) for address in ports.values()}


def test_every_network_has_its_own_prefix(alice: Person) -> None:
    """Ports of different networks have different hardware addresses; a deleted network's prefix is free again."""
    made = [alice.network(None) for _ in range(3)]
    macs = [alice.port(network)["mac_address"] for network in made]
    assert len({mac[:8] for mac in macs}) == 3
    for port in alice.get("network/ports"):
        alice.ok("DELETE", f"network/ports/{port['id']}")
    alice.ok("DELETE", f"network/networks/{made[1]}")
    assert alice.port(alice.network(None))["mac_address"][:8] == macs[1][:8]
