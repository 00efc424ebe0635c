"""`pithosfs file modify`, `share`, `unshare`, `publish`, `unpublish`: who may do what, and what is noted on a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import Conflict, NotFound, PreconditionFailed, UsageError
from pithosfs_cli.addressing import addressed, complete_place, locate, look, place_options
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.globbing import expand, glob_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore, Sharing

__all__ = ["modify", "publish", "share", "unpublish", "unshare"]

_paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)


def _found(
    run: Invocation, paths: Iterable[str], *, container: str | None, account: str | None, no_glob: bool
) -> list[Location]:
    places = [locate(run, one, container=container, account=account, object_needed=True) for one in paths]
    return [one.place for one in expand(run.store(), places, literally=no_glob)]


def _record(place: Location, info: ObjectInfo) -> dict[str, Any]:
    rule = info.sharing
    return {
        "path": str(place),
        "version": info.version,
        "read": list(rule.read) if rule else [],
        "write": list(rule.write) if rule else [],
        "shared_by": info.shared_by,
        "public": info.public,
        "meta": dict(info.meta or {}),
    }


def _show(run: Invocation, records: list[dict[str, Any]], *, always: bool = False) -> None:
    """One thing as an object, several as a list; in a table only what is wanted `always`."""
    from pithosfs_cli.output import show, show_list

    if run.output == "table" and not always:
        return
    if len(records) == 1:
        show(run, records[0])
    elif run.output == "table":
        for record in records:
            show(run, record)
    else:
        show_list(run, records, [])


@click.command("modify", cls=Command)
@_paths
@with_options(
    [
        click.option("--metadata-add", metavar="KEY=VALUE", multiple=True, help="Note this on it; may be repeated."),
        click.option("--metadata-del", metavar="KEY", multiple=True, help="Remove this from its metadata."),
        click.option(
            "--read-permission", metavar="WHO", multiple=True, help="Let a user, USER:GROUP or * read it too."
        ),
        click.option("--write-permission", metavar="WHO", multiple=True, help="Let them write it too."),
        click.option("--no-permissions", is_flag=True, help="Share it with nobody any more."),
        glob_option,
        place_options,
    ]
)
@click.pass_obj
def modify(
    run: Invocation,
    paths: tuple[str, ...],
    metadata_add: tuple[str, ...],
    metadata_del: tuple[str, ...],
    read_permission: tuple[str, ...],
    write_permission: tuple[str, ...],
    no_permissions: bool,
    no_glob: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Change the metadata and permissions of files, and show what they are then."""
    from pithosfs.store import Sharing
    from pithosfs_cli.metadata import metadata_changes
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.principals import principals

    permitted = bool(read_permission or write_permission)
    if no_permissions and permitted:
        raise UsageError("--no-permissions excludes --read-permission and --write-permission")
    if not (metadata_add or metadata_del or permitted or no_permissions):
        raise UsageError(
            "nothing is to be changed", hint="give --metadata-add, --metadata-del, --…-permission or --no-permissions"
        )
    changes = metadata_changes(metadata_add, metadata_del)
    store = run.store()
    readers, writers = principals(store, read_permission), principals(store, write_permission)
    records: list[dict[str, Any]] = []

    def change(place: Location) -> None:
        place, info = look(store, place)
        path = place.path(store)
        with addressed(store, place):
            if no_permissions:
                _end(store, place, info)
            elif permitted:
                rule = info.sharing or Sharing()
                store.set_sharing(path, _with(_with(rule, readers, write=None), writers, write=True))
            if changes:
                store.update_meta(path, changes)
            records.append(_record(place, store.head(path)))

    one_by_one("changed", _found(run, paths, container=container, account=account, no_glob=no_glob), change)
    _show(run, records, always=True)


@click.command("share", cls=Command)
@_paths
@with_options(
    [
        click.option(
            "--with",
            "who",
            metavar="WHO",
            multiple=True,
            required=True,
            help="A user (name or id), a group of yours, USER:GROUP, or * for everybody; may be repeated.",
        ),
        click.option("--write", is_flag=True, help="Let them change it too, not only read."),
        glob_option,
        place_options,
    ]
)
@click.pass_obj
def share(
    run: Invocation,
    paths: tuple[str, ...],
    who: tuple[str, ...],
    write: bool,
    no_glob: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Share files and folders with other users. A folder is shared with everything in it.

    Those with whom it is shared already stay. Without --write, those named may only read from now on.
    """
    from pithosfs.store import Sharing
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.principals import principals

    store = run.store()
    chosen = principals(store, who)
    records: list[dict[str, Any]] = []

    def work(place: Location) -> None:
        place, info = _looked_at(store, place)
        with addressed(store, place):
            store.set_sharing(place.path(store), _with(info.sharing or Sharing(), chosen, write=write))
            records.append(_record(place, store.head(place.path(store))))

    one_by_one("shared", _found(run, paths, container=container, account=account, no_glob=no_glob), work)
    _show(run, records)


@click.command("unshare", cls=Command)
@_paths
@with_options(
    [
        click.option(
            "--with",
            "who",
            metavar="WHO",
            multiple=True,
            help="End it for these only: users, groups, or *; may be repeated (default: for all).",
        ),
        glob_option,
        place_options,
    ]
)
@click.pass_obj
def unshare(
    run: Invocation,
    paths: tuple[str, ...],
    who: tuple[str, ...],
    no_glob: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Share files and folders no longer. A public link stays: pithosfs file unpublish ends that."""
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.principals import principals

    store = run.store()
    listed = _found(run, paths, container=container, account=account, no_glob=no_glob)
    records: list[dict[str, Any]] = []

    def work(place: Location) -> None:
        place, info = look(store, place)
        with addressed(store, place):
            if not who:
                _end(store, place, info)
            else:
                _end_for(store, place, info, _as_shared(store, info.sharing, who) or principals(store, who))
            records.append(_record(place, store.head(place.path(store))))

    one_by_one("unshared", listed, work)
    _show(run, records)


@click.command("publish", cls=Command)
@_paths
@with_options([glob_option, place_options])
@click.pass_obj
def publish(run: Invocation, paths: tuple[str, ...], no_glob: bool, container: str | None, account: str | None) -> None:
    """Give files public links, which everybody can open, and print them."""
    _publish(run, _found(run, paths, container=container, account=account, no_glob=no_glob), True)


@click.command("unpublish", cls=Command)
@_paths
@with_options([glob_option, place_options])
@click.pass_obj
def unpublish(
    run: Invocation, paths: tuple[str, ...], no_glob: bool, container: str | None, account: str | None
) -> None:
    """Take the public links of files away. Published again, they get other ones."""
    _publish(run, _found(run, paths, container=container, account=account, no_glob=no_glob), False)


def _publish(run: Invocation, places: list[Location], public: bool) -> None:
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.output import Column, note, show_list
    from pithosfs_cli.printable import printable

    store = run.store()
    records: list[Mapping[str, Any]] = []

    def work(place: Location) -> None:
        place, _ = look(store, place)
        with addressed(store, place):
            url = store.set_public(place.path(store), public)
        if public and url is None:
            note(f"{place} is published; only its owner can see the link")
        elif url is not None and run.output == "table":
            click.echo(printable(url))
        records.append({"path": str(place), "public": url})

    one_by_one("published" if public else "unpublished", places, work)
    if run.output != "table":
        if len(records) == 1:
            _show(run, [dict(records[0])])
        else:
            show_list(run, records, [Column("public", "LINK")])


# rules --------------------------------------------------------------------------------------------------------------


def _with(rule: Sharing, who: Iterable[str], *, write: bool | None) -> Sharing:
    """The rule with these added: as writers, as readers and no more than that, or (None) at least as readers."""
    from pithosfs.store import Sharing

    named = tuple(who)
    readers = tuple(one for one in rule.read if one not in named)
    writers = tuple(one for one in rule.write if write is None or one not in named)
    if write:
        return Sharing(readers, writers + named)
    return Sharing(readers + tuple(one for one in named if one not in writers), writers)


def _looked_at(store: ObjectStore, place: Location) -> tuple[Location, ObjectInfo]:
    """The object; a folder without a marker gets one, since only an object can carry a rule."""
    from pithosfs_cli.file.listing import FOLDER_TYPE
    from pithosfs_cli.output import note

    try:
        return look(store, place)
    except NotFound:
        bare = place.named(place.name.rstrip("/") or place.name)
        if not any(
            page.objects
            for page in store.list_pages(bare.container, prefix=f"{bare.name}/", account=bare.account, limit=1)
        ):
            raise
        try:
            info = store.put_object(bare.path(store), b"", content_type=FOLDER_TYPE, meta={}, base="")
        except PreconditionFailed:
            return look(store, bare)
        note(f"Made the folder {bare}")
        return bare, info


def _end(store: ObjectStore, place: Location, info: ObjectInfo) -> None:
    from pithosfs.store import Sharing

    if info.shared_by is not None:
        raise _inherited(store, place, info)
    store.set_sharing(place.path(store), Sharing())


def _end_for(store: ObjectStore, place: Location, info: ObjectInfo, who: tuple[str, ...]) -> None:
    from pithosfs.store import Sharing

    rule = info.sharing or Sharing()
    missing = [one for one in who if one not in rule.read and one not in rule.write]
    if missing:
        raise NotFound(
            f"{place} is not shared with {', '.join(missing)}",
            404,
            hint=f"see with whom it is: pithosfs file info --sharing {place}",
        )
    if info.shared_by is not None:
        raise _inherited(store, place, info)
    left = Sharing(
        tuple(one for one in rule.read if one not in who), tuple(one for one in rule.write if one not in who)
    )
    store.set_sharing(place.path(store), left)


def _as_shared(store: ObjectStore, rule: Sharing | None, who: tuple[str, ...]) -> tuple[str, ...]:
    """The words as they stand in the rule, if all do: whom there is no user or group of any more can be taken out."""
    present = {*(rule.read if rule else ()), *(rule.write if rule else ())}
    own = {f"group:{one.partition(':')[2]}": one for one in present if one.startswith(f"{store.account}:")}
    found = tuple(own.get(word, word) for word in who)
    return found if present.issuperset(found) else ()


def _inherited(store: ObjectStore, place: Location, info: ObjectInfo) -> Conflict:
    account, _, path = (info.shared_by or "").partition("/")
    folder = f"/{path}" if account == store.account else f"pithos://{info.shared_by}"
    return Conflict(
        f"{place} is shared because the folder {folder} is", 409, hint=f"end that: pithosfs file unshare {folder}"
    )
