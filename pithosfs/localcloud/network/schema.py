"""The network service's tables. Steps are only ever appended.

Times are microseconds since the epoch, IPv4 addresses that are given out are numbers. A row of `addresses` belongs to
a port or to a floating IP, so an address that nobody has is one without a row.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from ipaddress import IPv4Network

from pithosfs.localcloud.database import Migration
from pithosfs.localcloud.network.addressing import automatic_pools

__all__ = ["MIGRATIONS", "PUBLIC_PREFIX", "SERVICE"]

SERVICE = "network"

PUBLIC_NETWORK = IPv4Network("203.0.113.0/24")
"""Where floating IPs come from: addresses that are reserved for examples and lead nowhere (RFC 5737)."""

PUBLIC_PREFIX = 0
"""The public network's part of hardware addresses."""

_FIRST = """
CREATE TABLE networks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again, like all ids here
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,               -- ACTIVE or DELETED
    user TEXT,                          -- the owner; NULL: provided by the cloud
    project TEXT,                       -- who pays; NULL with the owner
    shared INTEGER NOT NULL,            -- 1: all members of the project see it
    public INTEGER NOT NULL DEFAULT 0,
    pool INTEGER NOT NULL DEFAULT 0,    -- 1: floating IPs come from it
    prefix INTEGER NOT NULL,            -- its part of its hosts' hardware addresses
    used INTEGER NOT NULL DEFAULT 0,    -- 1: a server was connected at some time
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE UNIQUE INDEX networks_by_prefix ON networks (prefix) WHERE status != 'DELETED';
CREATE INDEX networks_by_user ON networks (user);
CREATE INDEX shared_networks ON networks (project) WHERE shared = 1;

CREATE TABLE subnets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    network INTEGER NOT NULL REFERENCES networks (id),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,           -- 4 or 6
    cidr TEXT NOT NULL,
    gateway TEXT,                       -- NULL: none
    dhcp INTEGER NOT NULL,
    slaac INTEGER,                      -- NULL for IPv4
    pools TEXT NOT NULL,                -- JSON list of [first, last], as numbers, in order
    nameservers TEXT NOT NULL,          -- JSON list
    routes TEXT NOT NULL,               -- JSON list
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX subnets_by_version ON subnets (network, version);

-- A network interface; it goes when it is deleted, which is told nobody afterwards.
CREATE TABLE ports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    network INTEGER NOT NULL REFERENCES networks (id),
    name TEXT NOT NULL,
    user TEXT NOT NULL,
    server INTEGER,                     -- NULL: not attached
    status TEXT NOT NULL,               -- DOWN, BUILD, ACTIVE or ERROR
    mac TEXT NOT NULL,
    ipv6 TEXT,                          -- what a host on an IPv6 subnet gives itself; NULL until it is attached
    firewall TEXT,                      -- the profile; NULL where there is none
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX ports_by_network ON ports (network);
CREATE INDEX ports_by_server ON ports (server) WHERE server IS NOT NULL;
CREATE INDEX ports_by_user ON ports (user);

CREATE TABLE floating_ips (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    network INTEGER NOT NULL REFERENCES networks (id),
    address TEXT NOT NULL,
    user TEXT NOT NULL,
    project TEXT NOT NULL,
    shared INTEGER NOT NULL,
    port INTEGER UNIQUE REFERENCES ports (id),  -- NULL: not attached
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX floating_ips_by_user ON floating_ips (user);
CREATE UNIQUE INDEX floating_ips_by_address ON floating_ips (network, address) WHERE deleted = 0;
CREATE INDEX shared_floating_ips ON floating_ips (project) WHERE shared = 1;

CREATE TABLE addresses (
    subnet INTEGER NOT NULL REFERENCES subnets (id),
    address INTEGER NOT NULL,
    port INTEGER UNIQUE REFERENCES ports (id),
    floating_ip INTEGER UNIQUE REFERENCES floating_ips (id),
    PRIMARY KEY (subnet, address),
    CHECK ((port IS NULL) != (floating_ip IS NULL))
) WITHOUT ROWID;
"""


def _public_network(connection: sqlite3.Connection) -> None:
    """The one network that every local cloud has: visible to all, owned by nobody, a pool of floating IPs."""
    now = time.time_ns() // 1000
    gateway = PUBLIC_NETWORK[1]
    network = connection.execute(
        "INSERT INTO networks (name, type, status, shared, public, pool, prefix, created, updated)"
        " VALUES ('public', 'IP_LESS_ROUTED', 'ACTIVE', 0, 1, 1, ?, ?, ?)",
        (PUBLIC_PREFIX, now, now),
    ).lastrowid
    pools = [(pool.start, pool.end) for pool in automatic_pools(PUBLIC_NETWORK, gateway)]
    connection.execute(
        "INSERT INTO subnets (network, name, version, cidr, gateway, dhcp, pools, nameservers, routes, created,"
        " updated) VALUES (?, 'public', 4, ?, ?, 1, ?, '[]', '[]', ?, ?)",
        (network, str(PUBLIC_NETWORK), str(gateway), json.dumps(pools), now, now),
    )


MIGRATIONS: Sequence[Migration] = (_FIRST, _public_network)
