"""Users by id and by name, as the identity service knows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pithosfs.errors import NotFound
from pithosfs_cli.locations import is_account_id

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = ["user_id", "user_names"]


def user_id(run: Invocation, who: str) -> str:
    """The id for what was given as a user: an id, or a name. Raises NotFound for an unknown name."""
    if is_account_id(who):
        return who.lower()
    found = run.connection().astakos.usernames2uuids([who]).get(who)
    if found is None:
        raise NotFound(f"there is no user {who!r}", 404, hint="give the user's id or exact name")
    return found


def user_names(run: Invocation, ids: Iterable[object]) -> dict[str, str]:
    """id → name, of the users that there are; what is no id is passed over."""
    wanted = sorted({one for one in ids if isinstance(one, str) and one})
    return run.connection().astakos.uuids2usernames(wanted) if wanted else {}
