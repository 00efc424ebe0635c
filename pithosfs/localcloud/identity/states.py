"""What can become of projects, applications and memberships (identity.md 8.6, 8.7 and 9.2).

Every cell that is not in a table is refused with 409. A cell that is there is answered with 200.

| project's state | suspend   | unsuspend | terminate  | reinstate |
| --------------- | --------- | --------- | ---------- | --------- |
| uninitialized   | 409       | 409       | 409        | 409       |
| active          | suspended | 409       | terminated | 409       |
| suspended       | 409       | active    | terminated | 409       |
| terminated      | 409       | 409       | 409        | active    |
| deleted         | 409       | 409       | 409        | 409       |

Personal projects refuse `terminate` with 409. `unsuspend` and `reinstate` need the name: 409 when another live project
has it, which only `reinstate` can meet.

| application's state | approve  | deny   | cancel    | dismiss   | replaced by a newer one |
| ------------------- | -------- | ------ | --------- | --------- | ----------------------- |
| pending             | approved | denied | cancelled | 409       | replaced                |
| approved            | 409      | 409    | 409       | 409       | stays                   |
| denied              | 409      | 409    | 409       | dismissed | stays                   |
| cancelled           | 409      | 409    | 409       | 409       | stays                   |
| replaced            | 409      | 409    | 409       | 409       | stays                   |
| dismissed           | 409      | 409    | 409       | 409       | stays                   |

What that does to the project: `approve` makes it active, whatever it was; `cancel` and `dismiss` delete one that is
uninitialized; all else leaves it as it is.

| membership's state | join  | enroll   | accept   | reject   | cancel    | leave  | remove  |
| ------------------ | ----- | -------- | -------- | -------- | --------- | ------ | ------- |
| none               | (a)   | accepted | -        | -        | -         | -      | -       |
| requested          | 409   | accepted | accepted | rejected | cancelled | 409    | 409     |
| accepted           | 409   | 409      | 409      | 409      | 409       | (b)    | removed |
| leave_requested    | 409   | 409      | 409      | 409      | 409       | (b)    | removed |
| suspended          | 409   | 409      | 409      | 409      | 409       | (b)    | removed |
| rejected           | (a)   | accepted | 409      | 409      | 409       | 409    | 409     |
| cancelled          | (a)   | accepted | 409      | 409      | 409       | 409    | 409     |
| removed            | (a)   | accepted | 409      | 409      | 409       | 409    | 409     |

(a) accepted where the join policy is `auto` and there is room for one more member, else requested. (b) removed where
the leave policy is `auto`, leave_requested where it is `moderated`. The policy `closed` refuses with 409: the join
policy `join`, `enroll` and `accept`, the leave policy `leave` and `remove`. `enroll` and `accept` are refused with 409
when the project is full. All need a project that is active or suspended, else 409.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pithosfs.localcloud.faults import conflict

__all__ = [
    "APPLICATION",
    "MEMBERSHIP",
    "NO_MEMBER",
    "POLICIES",
    "PROJECT",
    "PROJECT_STATES",
    "Transition",
    "next_state",
    "project_after",
]

PROJECT_STATES = ("uninitialized", "active", "suspended", "terminated", "deleted")

POLICIES = ("auto", "moderated", "closed")

PROJECT: Mapping[str, Mapping[str, str]] = {
    "suspend": {"active": "suspended"},
    "unsuspend": {"suspended": "active"},
    "terminate": {"active": "terminated", "suspended": "terminated"},
    "reinstate": {"terminated": "active"},
}
"""Action → state of the project → its next state."""

APPLICATION: Mapping[str, Mapping[str, str]] = {
    "approve": {"pending": "approved"},
    "deny": {"pending": "denied"},
    "cancel": {"pending": "cancelled"},
    "dismiss": {"denied": "dismissed"},
}
"""Action → state of the application → its next state."""


def project_after(action: str, state: str) -> str:
    """The state of a project after an action on its application, which was allowed."""
    if action == "approve":
        return "active"
    if action in ("cancel", "dismiss") and state == "uninitialized":
        return "deleted"
    return state


NO_MEMBER = "none"
"""The state of a membership that was never asked for."""


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states an action on a membership leads to which: that depends on a policy of the project.

    A policy that is not in `to` refuses.
    """

    sources: frozenset[str]
    policy: Literal["join", "leave"] | None
    to: Mapping[str, str]

    def result(self, join_policy: str, leave_policy: str) -> str | None:
        """The next state; None when the policy refuses."""
        return self.to.get({"join": join_policy, "leave": leave_policy}.get(self.policy or "", "auto"))


_OUT = frozenset({"rejected", "cancelled", "removed"})
_IN = frozenset({"accepted", "leave_requested", "suspended"})
_ASKING = frozenset({"requested"})

MEMBERSHIP: Mapping[str, Transition] = {
    "join": Transition(_OUT | {NO_MEMBER}, "join", {"auto": "accepted", "moderated": "requested"}),
    "enroll": Transition(_OUT | _ASKING | {NO_MEMBER}, "join", {"auto": "accepted", "moderated": "accepted"}),
    "accept": Transition(_ASKING, "join", {"auto": "accepted", "moderated": "accepted"}),
    "reject": Transition(_ASKING, None, {"auto": "rejected"}),
    "cancel": Transition(_ASKING, None, {"auto": "cancelled"}),
    "leave": Transition(_IN, "leave", {"auto": "removed", "moderated": "leave_requested"}),
    "remove": Transition(_IN, "leave", {"auto": "removed", "moderated": "removed"}),
}


def next_state(table: Mapping[str, Mapping[str, str]], action: str, state: str, what: str) -> str:
    """What a table of this module says. Raises Fault 409; `what` is the thing in its message."""
    found = table[action].get(state)
    if found is None:
        raise conflict(f"{action} is not possible: the {what} is {state}")
    return found
