"""`pithosfs scripts …`: checks and repairs, of which verifyfs is about the folders of a container.

Folders are objects of their own beside the files whose names begin with theirs. Programs that know nothing of folders
leave some without such an object, or a file under the name of one; and some write `\\` where `/` belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.addressing import account_option, addressed, complete_place, locate_container
from pithosfs_cli.command import Group, with_options
from pithosfs_cli.confirm import ask, dry_run_option, yes_option
from pithosfs_cli.errors import Declined, Failure
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column
from pithosfs_cli.output import note, show_list

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore
    from pithosfs_cli.locations import Location

__all__ = ["scripts"]

_COLUMNS = [
    Column("problem", "PROBLEM"),
    Column("name", "NAME"),
    Column("repair", "REPAIR"),
    Column("repaired", "REPAIRED"),
]
_BESIDE = " (file)"  # what is put behind the name of a file that stands where a folder belongs


@dataclass(frozen=True, slots=True)
class _Problem:
    """`target` is the name that it gets; for a folder that is missing, its own."""

    says: str
    info: ObjectInfo | None
    name: str
    target: str

    @property
    def repair(self) -> str:
        return "make the folder" if self.info is None else f"rename to {self.target}"


@click.group(cls=Group)
def scripts() -> None:
    """Checks and repairs."""


@scripts.command("verifyfs")
@click.argument("container", shell_complete=complete_place)
@with_options(
    [
        click.option("--fix-dir-names", is_flag=True, help="Rename folders with \\ in their names, which becomes /."),
        click.option("--fix-conflicts", is_flag=True, help="Rename files that stand where a folder belongs."),
        click.option("--fix-missing-dirs", is_flag=True, help="Make the folders that are missing."),
        yes_option,
        dry_run_option,
        account_option,
    ]
)
@click.pass_obj
def verifyfs(
    run: Invocation,
    container: str,
    fix_dir_names: bool,
    fix_conflicts: bool,
    fix_missing_dirs: bool,
    yes: bool,
    dry_run: bool,
    account: str | None,
) -> None:
    """Check the folders of a CONTAINER, and repair what the options say. Exit code 1 when something is left.

    Every repair is asked about, unless --yes.
    """
    store = run.store()
    place = locate_container(run, container, account=account)
    steps: Sequence[tuple[str, Callable[[Sequence[ObjectInfo]], Iterator[_Problem]], bool]] = (
        ("--fix-dir-names", _bad_names, fix_dir_names),
        ("--fix-conflicts", _conflicts, fix_conflicts),
        ("--fix-missing-dirs", _missing, fix_missing_dirs),
    )
    records: list[dict[str, Any]] = []
    options: dict[str, None] = {}  # that would repair what is left
    objects: Sequence[ObjectInfo] | None = None
    for option, look, wanted in steps:
        if objects is None:
            objects = _objects(store, place)
        problems = list(look(objects))
        for problem in problems:
            repaired = wanted and not dry_run and _repair(store, place, problem, yes=yes)
            if repaired:
                objects = None  # a repair may make problems of the next sort, and end some
            else:
                options[option] = None
            records.append(
                {"problem": problem.says, "name": problem.name, "repair": problem.repair, "repaired": repaired}
            )
    show_list(run, records, _COLUMNS)
    left = sum(not one["repaired"] for one in records)
    if left and not dry_run:
        raise Failure(
            f"{left} problem{'' if left == 1 else 's'} left in {place}",
            1,
            hint=f"to repair: pithosfs scripts verifyfs {container} {' '.join(options)}",
        )


def _objects(store: ObjectStore, place: Location) -> list[ObjectInfo]:
    with addressed(store, place):
        listing = store.list_objects(place.container, account=place.account)
    assert listing is not None  # no time was asked for
    return list(listing.found.objects)


def _bad_names(objects: Sequence[ObjectInfo]) -> Iterator[_Problem]:
    for one in objects:
        if one.is_directory and "\\" in one.name:
            yield _Problem("the folder's name has \\", one, one.name, one.name.replace("\\", "/"))


def _conflicts(objects: Sequence[ObjectInfo]) -> Iterator[_Problem]:
    known = {one.name for one in objects}
    above = _folders(objects)
    for one in objects:
        if one.name in above and not one.is_directory:
            target = one.name + _BESIDE
            while target in known:
                target += _BESIDE
            yield _Problem("a file stands where a folder belongs", one, one.name, target)


def _missing(objects: Sequence[ObjectInfo]) -> Iterator[_Problem]:
    known = {one.name for one in objects}
    for name in sorted(_folders(objects) - known):
        yield _Problem("there is no such folder", None, name, name)


def _folders(objects: Sequence[ObjectInfo]) -> set[str]:
    """The folders that names speak of."""
    found = set()
    for one in objects:
        folder = one.name.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _repair(store: ObjectStore, place: Location, problem: _Problem, *, yes: bool) -> bool:
    """Says whether it was agreed to and done."""
    from pithosfs_cli.file.listing import FOLDER_TYPE

    at = place.named(problem.name)
    try:
        ask(f"{at}: {problem.says}; {problem.repair}?", yes=yes)
    except Declined:
        return False
    with addressed(store, at):
        if problem.info is None:
            store.put_object(at.path(store), b"", content_type=FOLDER_TYPE, meta={}, base="")
        else:
            store.move(
                at.path(store),
                place.named(problem.target).path(store),
                sharing=problem.info.own_sharing if place.account in (None, store.account) else None,
                public=problem.info.public is not None,
            )
    note(f"{at}: {problem.repair}: done")
    return True
