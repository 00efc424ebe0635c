"""The check of the books finds what is wrong with them: otherwise it would show nothing."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from fixtures.held_cloud import HeldCloud
from fixtures.sandbox_books import book_problems

from pithosfs.localcloud.database import connect
from pithosfs.localcloud.datadir import DATABASE


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a cloud with some of everything, in which a server is being built."""
    cloud = HeldCloud(tmp_path_factory.mktemp("books"))
    cloud.start()
    person = cloud.person()
    network = person.network()
    server = person.server(networks=[{"uuid": network}])
    person.volume()
    address = person.floating_ip()["floating_ip_address"]
    cloud.settle()
    person.act(server, addFloatingIp={"address": address})
    cloud.settle()
    person.server(networks=[{"uuid": network}])
    cloud.stop()
    assert book_problems(cloud.data) == []
    return cloud.data


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE holdings SET usage_max = usage_max + 1 WHERE resource = 'cyclades.vm'",
        "UPDATE holdings SET usage_max = usage_max - 1 WHERE resource = 'cyclades.disk' AND user = ''",
        "UPDATE servers SET held_cpu = 0",
        "UPDATE servers SET status = 'DELETED' WHERE status = 'ACTIVE'",
        "UPDATE volumes SET status = 'deleted' WHERE server IS NULL",
        "UPDATE floating_ips SET deleted = 1",
        "UPDATE networks SET status = 'DELETED' WHERE public = 0",
        "DELETE FROM addresses WHERE floating_ip IS NOT NULL",
        "UPDATE addresses SET address = address + 1000 WHERE port IS NOT NULL",
        "UPDATE ports SET server = NULL",
        "UPDATE ports SET server = 999",
        "UPDATE floating_ips SET port = NULL",
        "UPDATE subnets SET deleted = 1",
        "UPDATE volumes SET status = 'in_use' WHERE server IS NULL",
        "UPDATE volumes SET server = 1, position = 0",
        "DELETE FROM sandbox_tasks",
    ],
)
def test_damage_is_found(stopped: Path, tmp_path: Path, damage: str) -> None:
    shutil.copy(stopped / DATABASE, tmp_path / DATABASE)
    with contextlib.closing(connect(tmp_path / DATABASE)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        assert connection.execute(damage).rowcount > 0
    assert book_problems(tmp_path) != []
