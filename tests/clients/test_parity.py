"""Every class, method and parameter of the older library's API is here, and does something.

tests/data/spec/clients.json says what there is; the tables in tests/clients/calls make real calls.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clients.calls import (  # noqa: F401  (they fill the table)
    astakos,
    commissions,
    compute_requests,
    flavors_and_images,
    networks,
    pithos_accounts,
    pithos_contents,
    pithos_objects,
    projects,
    rest_accounts,
    rest_objects,
    servers,
    storage,
    volumes,
)
from clients.calls.recorder import Method
from clients.calls.table import TABLE, Exercise, World, make_past
from fixtures.clouds import TestCloud

SPEC = json.loads((Path(__file__).parents[1] / "data" / "spec" / "clients.json").read_text())


def found(entry: dict[str, Any]) -> Any:
    """The class of an entry, None when there is none."""
    try:
        module = importlib.import_module(f"pithosfs.{entry['module']}")
    except ModuleNotFoundError:
        return None
    return getattr(module, entry["class"], None)


METHODS = [(entry, method) for entry in SPEC for method in entry.get("methods", [])]


def wanted(signature: str) -> list[inspect.Parameter]:
    """The parameters that a text names; a default that can be changed is None here."""
    spoken = inspect.signature(eval(f"lambda {signature}: None"))  # facts of ours, not input
    changeable = (dict, list)
    return [
        one.replace(default=None) if isinstance(one.default, changeable) else one for one in spoken.parameters.values()
    ]


def differences(function: Callable[..., Any], signature: str) -> list[str]:
    """What a caller who knows the text would miss in a method."""
    ours = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
    spoken = wanted(signature)
    named = [one for one in spoken if one.kind is one.POSITIONAL_OR_KEYWORD]
    kinds = {one.kind for one in ours}
    result = []
    if not named and any(one.kind is one.VAR_POSITIONAL for one in spoken):
        return []  # anything goes there; what it is is told by the calls
    for place, one in enumerate(named):
        if place >= len(ours) or ours[place].name != one.name:
            result.append(f"{one.name} is not parameter number {place + 1}")
        elif one.default is not one.empty and ours[place].default != one.default:
            result.append(f"{one.name} is {ours[place].default!r} unless given, not {one.default!r}")
    for extra in ours[len(named) :]:
        if extra.default is extra.empty and extra.kind not in (extra.VAR_KEYWORD, extra.VAR_POSITIONAL):
            result.append(f"{extra.name} must be given")
    for kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        if any(one.kind is kind for one in spoken) and kind not in kinds:
            result.append(f"no {kind.description} arguments are taken")
    return result


@pytest.mark.parametrize("entry", SPEC, ids=lambda entry: entry["class"])
def test_classes(entry: dict[str, Any]) -> None:
    kind = found(entry)
    assert kind is not None
    for base in entry.get("bases", []):
        module, _, name = base.rpartition(".")
        if module.startswith("clients"):
            assert issubclass(kind, getattr(importlib.import_module(f"pithosfs.{module}"), name))
    for name, value in entry.get("attributes", {}).items():
        assert repr(getattr(kind, name)) == value
    if "init" in entry:
        assert differences(kind, entry["init"]) == []


@pytest.mark.parametrize(("entry", "method"), METHODS, ids=lambda one: one.get("class") or one["name"])
def test_signatures(entry: dict[str, Any], method: dict[str, Any]) -> None:
    kind = found(entry)
    if method.get("property"):
        assert isinstance(inspect.getattr_static(kind, method["name"]), property)
        return
    assert differences(getattr(kind, method["name"]), method["signature"]) == []
    for one in inspect.signature(getattr(kind, method["name"])).parameters.values():
        assert not isinstance(one.default, dict | list | set)


def test_the_import_paths_of_older_programs() -> None:
    for path in (
        "clients.Client",
        "clients.ClientError",
        "clients.storage.StorageClient",
        "clients.storage.ClientError",
        "clients.pithos.PithosClient",
        "clients.pithos.ClientError",
        "clients.pithos.rest_api.PithosRestClient",
        "clients.astakos.AstakosClient",
        "clients.astakos.AstakosClientError",
        "clients.astakos.CachedAstakosClient",
        "clients.astakos.LoggedAstakosClient",
        "clients.astakos.ClientError",
        "clients.Waiter",
        "clients.compute.ComputeClient",
        "clients.compute.ClientError",
        "clients.compute.rest_api.ComputeRestClient",
        "clients.cyclades.CycladesClient",
        "clients.cyclades.CycladesComputeClient",
        "clients.cyclades.CycladesNetworkClient",
        "clients.cyclades.CycladesBlockStorageClient",
        "clients.cyclades.ClientError",
        "clients.cyclades.rest_api.CycladesRestClient",
        "clients.network.NetworkClient",
        "clients.network.ClientError",
        "clients.network.rest_api.NetworkRestClient",
        "clients.image.ImageClient",
        "clients.image.ClientError",
        "clients.blockstorage.BlockStorageClient",
        "clients.blockstorage.ClientError",
        "clients.blockstorage.rest_api.BlockStorageRestClient",
    ):
        module, _, name = path.rpartition(".")
        assert inspect.isclass(getattr(importlib.import_module(f"pithosfs.{module}"), name)), path


# calls ----------------------------------------------------------------------------------------------------------------


class Runner:
    """Runs every exercise once, and knows what each of them has passed."""

    def __init__(self, make: Callable[[], World]) -> None:
        self._make = make
        self._passed: dict[Exercise, dict[Method, set[str]]] = {}

    def passed(self, exercise: Exercise) -> dict[Method, set[str]]:
        if exercise not in self._passed:
            world = self._make()
            try:
                exercise(world)
            finally:
                world.close()
            self._passed[exercise] = world.passed
        return self._passed[exercise]


@pytest.fixture(scope="module")
def runner(cloud: TestCloud) -> Iterator[Runner]:
    alice, bob, past = cloud.user("alice"), cloud.user("bob"), make_past(cloud)
    return Runner(lambda: World(cloud, alice, bob, past))


CALLED = [(entry["class"], method) for entry, method in METHODS]


@pytest.mark.parametrize(("kind", "method"), CALLED, ids=lambda one: one if isinstance(one, str) else one["name"])
def test_calls(runner: Runner, kind: str, method: dict[str, Any]) -> None:
    name = method["name"]
    table = TABLE.get((kind, name), [])
    assert table, "no call in tests/clients/calls"
    passed: set[str] = set()
    for exercise in table:
        record = runner.passed(exercise)
        assert (kind, name) in record, f"{exercise.__name__} does not call it"
        passed |= record[kind, name]
    spoken = {one.name for one in wanted(method["signature"]) if one.kind is not one.VAR_POSITIONAL}
    if re.match(r"\*args, \*\*kwargs$", method["signature"]):
        spoken = set()
    assert spoken - passed == set(), "parameters that no call passes"
