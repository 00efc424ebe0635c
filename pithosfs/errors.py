"""Every error that pithosfs raises on purpose, in one tree.

    PithosfsError                    exit 1
    ├── UsageError                   exit 2   the command line or an argument is wrong
    ├── ConfigError                  exit 2   the settings are missing or wrong
    ├── ClientError                  exit 1   a server answered with an error status
    │   ├── BadRequest               exit 1   400, 405, 411, 416, 422: the request itself is wrong
    │   ├── NotLoggedIn              exit 4   401
    │   ├── NotAllowed               exit 4   403
    │   ├── NotFound                 exit 3   404
    │   ├── Conflict                 exit 5   409: exists already, not empty, in use
    │   │   └── PreconditionFailed   exit 5   412: somebody else was faster
    │   ├── QuotaExceeded            exit 6   413
    │   └── ServerFailed             exit 1   429 and 5xx that outlived every retry
    ├── NoConnection                 exit 7   nobody answers there, or TLS fails
    │   └── TimedOut                 exit 8
    ├── BadReply                     exit 1   the answer is damaged, cut short or not of the protocol
    ├── NotSupported                 exit 1   this cloud cannot do that
    ├── LocalError                   exit 1   the local disk, folder or process is the trouble
    └── TransferCancelled            exit 130 whoever asked for it called it off

Each error carries what happened (`str(error)`), what to try next (`hint`), and a stable `exit_code` (design, section
7). Exit codes are looked up here and nowhere else; errno values in `pithosfs.mount.errno`. File-system conditions that
have an errno of their own (a missing file, a full disk) are plain `OSError`.
"""

from __future__ import annotations

__all__ = [
    "BadReply",
    "BadRequest",
    "ClientError",
    "ConfigError",
    "Conflict",
    "LocalError",
    "NoConnection",
    "NotAllowed",
    "NotFound",
    "NotLoggedIn",
    "NotSupported",
    "PithosfsError",
    "PreconditionFailed",
    "QuotaExceeded",
    "ServerFailed",
    "TimedOut",
    "TransferCancelled",
    "UsageError",
    "client_error",
]


class PithosfsError(Exception):
    """The root of the tree.

    `message` is one line that says what happened; `hint` one line that says what to do next (may be empty).
    """

    exit_code = 1
    default_hint = ""

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint

    def __str__(self) -> str:
        return self.message


class UsageError(PithosfsError):
    """The caller asked for something that makes no sense; nothing was done."""

    exit_code = 2


class ConfigError(PithosfsError):
    """The settings file is missing something, unreadable or wrong."""

    exit_code = 2


class ClientError(PithosfsError):
    """A server answered with an error status (`status`), or a library call was refused before it was sent (0).

    `details` is what the server added to its message, possibly empty. The positional order (message, status, details)
    is that of the older library, so that programs which catch and raise it keep working.
    """

    default_hint = "check the service's address: pithosfs config get cloud; --verbose shows what it was asked"

    def __init__(self, message: str = "", status: int = 0, details: object = "", *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = int(status)
        self.details = details


class BadRequest(ClientError):
    """The server cannot make sense of the request (400, 405, 411, 416, 422)."""

    default_hint = "check the names and values that were given; --verbose shows what was asked of the server"


class NotLoggedIn(ClientError):
    """The token is missing, unknown or expired (401)."""

    exit_code = 4
    default_hint = "set a valid token: pithosfs config set cloud.NAME.token TOKEN"


class NotAllowed(ClientError):
    """The user may not do that (403)."""

    exit_code = 4
    default_hint = "ask the owner to share it with you"


class NotFound(ClientError):
    """The account, container, object or version does not exist (404)."""

    exit_code = 3
    default_hint = "check how it is written; see what there is: pithosfs container list"


class Conflict(ClientError):
    """The state of the resource forbids the request (409)."""

    exit_code = 5
    default_hint = "look at what is there now, then decide: pithosfs file list"


class PreconditionFailed(Conflict):
    """An `If-*` condition of the request did not hold (412): somebody else was faster."""

    default_hint = "look at what is there now, then try again: pithosfs file info PATH"


class QuotaExceeded(ClientError):
    """The project or container has no room left (413)."""

    exit_code = 6
    default_hint = "free some space or ask for more: pithosfs user info shows the quota"


class ServerFailed(ClientError):
    """The server failed or was overloaded, and still was after every retry (429, 5xx)."""

    default_hint = "the trouble is on the server's side: try again later"


class NoConnection(PithosfsError):
    """The server cannot be reached."""

    exit_code = 7
    default_hint = "check the network and the address: pithosfs config get cloud"


class TimedOut(NoConnection):
    """The server did not answer in time."""

    exit_code = 8
    default_hint = "the server is slow or gone: try again later"


class BadReply(PithosfsError):
    """The answer was damaged, cut short, or is not of the protocol."""

    default_hint = "check that the address is the cloud's own and that no proxy changes its answers"


class NotSupported(PithosfsError):
    """This cloud, or this build, cannot do what was asked."""


class LocalError(PithosfsError):
    """Something on this machine is in the way: a folder, a process, a system library."""


class TransferCancelled(PithosfsError):
    """Whoever asked for the transfer called it off; what was half done has been removed."""

    exit_code = 130

    def __init__(self, message: str = "the transfer was cancelled", *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)


_BY_STATUS: dict[int, type[ClientError]] = {
    400: BadRequest,
    401: NotLoggedIn,
    403: NotAllowed,
    404: NotFound,
    405: BadRequest,
    409: Conflict,
    411: BadRequest,
    412: PreconditionFailed,
    413: QuotaExceeded,
    416: BadRequest,
    422: BadRequest,
    429: ServerFailed,
}


def client_error(status: int, message: str, details: object = "", *, hint: str | None = None) -> ClientError:
    """The error of the right class for an HTTP status (object-store.md section 3.3, identity.md section 1.3)."""
    kind = _BY_STATUS.get(status, ServerFailed if status >= 500 else ClientError)
    return kind(message, status, details, hint=hint)
