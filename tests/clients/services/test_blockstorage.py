"""The requests of the volume clients, as compute.md section 9 has them, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures.exchanges import NOTHING, exchange, plays

from pithosfs.clients.blockstorage import BlockStorageClient, BlockStorageRestClient
from pithosfs.clients.cyclades import CycladesBlockStorageClient
from pithosfs.errors import BadReply, BadRequest, Conflict

VOLUME = {"id": "57", "display_name": "data", "status": "creating"}
EVERY = {
    "availability_zone": "z",
    "source_volid": 5,
    "display_name": "n",
    "display_description": "d",
    "snapshot_id": "s",
    "imageRef": "i",
    "volume_type": 2,
    "bootable": True,
    "metadata": {"a": "b"},
}

ROWS: list[tuple[Callable[[BlockStorageClient], Any], str, Any, int, Any, Any]] = [
    (lambda c: c.list_volumes(), "GET /volumes", NOTHING, 200, {"volumes": [VOLUME]}, [VOLUME]),
    (lambda c: c.list_volumes(detail=True), "GET /volumes/detail", NOTHING, 200, {"volumes": []}, []),
    (lambda c: c.get_volume_details(57), "GET /volumes/57", NOTHING, 200, {"volume": VOLUME}, VOLUME),
    (lambda c: c.create_volume(20), "POST /volumes", {"volume": {"size": 20}}, 202, {"volume": VOLUME}, VOLUME),
    (
        lambda c: c.create_volume(20, **EVERY),
        "POST /volumes",
        {"volume": {"size": 20, **EVERY}},
        202,
        {"volume": VOLUME},
        VOLUME,
    ),
    (
        lambda c: c.update_volume(57, display_name="n", display_description="", delete_on_termination=False),
        "PUT /volumes/57",
        {"volume": {"display_name": "n", "display_description": "", "delete_on_termination": False}},
        200,
        {"volume": VOLUME},
        VOLUME,
    ),
    (lambda c: bool(c.delete_volume(57)), "DELETE /volumes/57", NOTHING, 202, b"", True),
    (lambda c: c.list_snapshots(), "GET /snapshots", NOTHING, 200, {"snapshots": []}, []),
    (lambda c: c.list_snapshots(detail=True), "GET /snapshots/detail", NOTHING, 200, {"snapshots": [{}]}, [{}]),
    (lambda c: c.get_snapshot_details("s"), "GET /snapshots/s", NOTHING, 200, {"snapshot": {"id": "s"}}, {"id": "s"}),
    (
        lambda c: c.create_snapshot(57, force=True, display_name="n", display_description="d"),
        "POST /snapshots",
        {"snapshot": {"volume_id": 57, "force": True, "display_name": "n", "display_description": "d"}},
        202,
        {"snapshot": {"id": "s"}},
        {"id": "s"},
    ),
    (
        lambda c: c.update_snapshot("s", display_name="n", display_description="d"),
        "PUT /snapshots/s",
        {"snapshot": {"display_name": "n", "display_description": "d"}},
        200,
        {"snapshot": {"id": "s"}},
        {"id": "s"},
    ),
    (lambda c: bool(c.delete_snapshot("s")), "DELETE /snapshots/s", NOTHING, 202, b"", True),
    (lambda c: c.list_volume_types(), "GET /types", NOTHING, 200, {"volume_types": [{"id": 2}]}, [{"id": 2}]),
    (lambda c: c.get_volume_type_details(2), "GET /types/2", NOTHING, 200, {"volume_type": {"id": 2}}, {"id": 2}),
    (lambda c: c.get_volume_status("57"), "GET /volumes/57", NOTHING, 200, {"volume": VOLUME}, ("creating", None)),
]


@pytest.mark.parametrize(("call", "line", "body", "status", "reply", "result"), ROWS, ids=[row[1] for row in ROWS])
def test_calls(call: Any, line: str, body: Any, status: int, reply: Any, result: Any) -> None:
    assert plays(BlockStorageClient, call, exchange(line, body, status, reply)) == result


def test_a_put_with_metadata() -> None:
    sent = {"volume": {"display_name": "n", "metadata": {"a": "b"}}}
    made = exchange("PUT /volumes/57", sent, 200)
    plays(BlockStorageRestClient, lambda c: c.volumes_put(57, display_name="n", metadata={"a": "b"}), made)


def test_metadata_of_a_volume_is_merged() -> None:
    kept = exchange("POST /volumes/57/metadata", {"metadata": {"a": "b"}}, 200, {"metadata": {"a": "b"}})
    alone = exchange("GET /volumes/57", reply={"volume": VOLUME})
    assert plays(BlockStorageClient, lambda c: c.update_volume(57, metadata={"a": "b"}), kept, alone) == VOLUME
    named = exchange("PUT /volumes/57", {"volume": {"display_name": "n"}}, 200, {"volume": VOLUME})
    plays(BlockStorageClient, lambda c: c.update_volume(57, "n", metadata={"a": "b"}), kept, named)


def test_nothing_to_change() -> None:
    with pytest.raises(BadRequest):
        BlockStorageClient("http://127.0.0.1:1", "t").update_volume(57)


def test_a_volume_without_a_status() -> None:
    with pytest.raises(BadReply):
        plays(BlockStorageClient, lambda c: c.get_volume_status(57), exchange("GET /volumes/57", reply={"volume": {}}))


# Cyclades -----------------------------------------------------------------------------------------------------------


def test_a_volume_of_cyclades() -> None:
    wish = {"size": 20, "server_id": "42", "display_name": "d"}
    made = exchange("POST /volumes", {"volume": wish}, 202, {"volume": {"id": "57"}})
    assert plays(CycladesBlockStorageClient, lambda c: c.create_volume(20, "42", "d"), made) == {"id": "57"}


def every_volume_option(client: CycladesBlockStorageClient) -> Any:
    return client.create_volume(
        20,
        None,
        "d",
        display_description="x",
        snapshot_id="s",
        imageRef="i",
        volume_type=2,
        metadata={"a": "b"},
        project="p",
        shared_to_project=True,
    )


EVERY_VOLUME_OPTION = {
    "size": 20,
    "display_name": "d",
    "display_description": "x",
    "snapshot_id": "s",
    "imageRef": "i",
    "volume_type": 2,
    "metadata": {"a": "b"},
    "project": "p",
    "shared_to_project": True,
}


def test_metadata_is_set_once_the_volume_is_there() -> None:
    made = exchange("POST /volumes", {"volume": EVERY_VOLUME_OPTION}, 202, {"volume": {"id": "57"}})
    kept = exchange("POST /volumes/57/metadata", {"metadata": {"a": "b"}}, 200, {"metadata": {"a": "b"}})
    assert plays(CycladesBlockStorageClient, every_volume_option, made, kept) == {"id": "57"}
    refused = exchange("POST /volumes/57/metadata", {"metadata": {"a": "b"}}, 409)
    with pytest.raises(Conflict) as caught:
        plays(CycladesBlockStorageClient, every_volume_option, made, refused)
    assert "57" in caught.value.hint


def test_other_calls_for_volumes() -> None:
    act = "POST /volumes/57/action"
    plays(
        CycladesBlockStorageClient,
        lambda c: c.reassign_volume(57, "p"),
        exchange(act, {"reassign": {"project": "p"}}, 200),
    )
    plays(
        CycladesBlockStorageClient,
        lambda c: c.reassign_volume(57, project="p", shared_to_project=True),
        exchange(act, {"reassign": {"project": "p", "shared_to_project": True}}, 200),
    )
    wish = {"volume_id": 57, "force": True, "display_name": "n", "display_description": "d"}
    made = plays(
        CycladesBlockStorageClient,
        lambda c: c.create_snapshot(57, "n", force=True, display_description="d"),
        exchange("POST /snapshots", {"snapshot": wish}, 202, {"snapshot": {"id": "s"}}),
    )
    assert made == {"id": "s"}
