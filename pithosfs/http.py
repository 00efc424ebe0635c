"""The one way to speak HTTP: pooled connections, time-outs, one retry policy, typed errors, and no token in any log.

`Session.request` sends one request, over and over where that can help and does no harm, and returns a `Reply` (a
`requests.Response`) or raises an error of `pithosfs.errors`. requests brings the pools, proxies and TLS; its own
preparation of requests is left out because it collapses `.` and `..` in paths, sends credentials from ~/.netrc, and
costs more time than the rest of a small request.

Bodies are handed on exactly as they came over the wire: nothing asks for a compressed transfer, and a stored
`Content-Encoding` describes the object, not the transfer (object-store.md section 20, row 39).

Threads: a session may be used by any number of threads. It holds its lock only to look up a pool or add to a counter.
After a fork the child needs a session of its own.
"""

from __future__ import annotations

import email.utils
import json as jsonlib
import logging
import random
import threading
import time
import warnings
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast
from urllib.parse import quote, urlencode

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import exceptions as failures
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util.retry import Retry
from urllib3.util.timeout import Timeout

from pithosfs import __version__
from pithosfs.bandwidth import Bandwidth, present_cancel
from pithosfs.connection import exchange, tune_pool
from pithosfs.errors import (
    BadReply,
    BadRequest,
    ConfigError,
    NotLoggedIn,
    PithosfsError,
    TransferCancelled,
    client_error,
)
from pithosfs.faults import ADDRESS, connection_error, origin, read_fault, reason, redacted, worth_repeating

__all__ = ["Body", "Counters", "Reply", "RetryPolicy", "Session", "redacted"]

_log = logging.getLogger(__name__)


def _without_secrets(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(redacted(one) if isinstance(one, str) else one for one in record.args)
    return True


# urllib3 writes the address of every request into its own log (level DEBUG).
logging.getLogger("urllib3.connectionpool").addFilter(_without_secrets)

Body = bytes | IO[bytes] | Iterator[bytes]

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_TEMPORARY = frozenset({429, 500, 502, 503, 504})
_SUCCESS = range(200, 300)
_ONE_TRY = Retry(False, redirect=False)
_ERROR_LIMIT = 1024 * 1024  # bytes read of an error body; more is of no use
_CHUNK = 256 * 1024
_LOOK = 0.25  # seconds until a wait that can be called off sees that the session was closed


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try.

    Waits are random between 0 and `base * 2**n` seconds, at most `cap` ("full jitter": many clients that failed
    together do not come back together); a `Retry-After` is kept to.

    `attempts` counts the first one. `total` seconds after the start no further attempt begins.
    """

    attempts: int = 5
    base: float = 0.25
    cap: float = 10.0
    total: float = 60.0

    def delay(self, attempt: int, asked: float | None = None) -> float:
        """Seconds to wait after attempt number `attempt` (from 1), `asked` being what the server asked for."""
        jittered = random.uniform(0, min(self.cap, self.base * 2 ** (attempt - 1)))  # noqa: S311  (no secret)
        return max(jittered, asked or 0.0)


@dataclass(frozen=True, slots=True)
class Counters:
    """What a session has done: requests sent (retries included), retries, and bytes of bodies (headers not counted)."""

    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class Reply(requests.Response):
    """An answer with an accepted status.

    Unlike its parent it never decompresses, raises only `pithosfs.errors`, and checks that a body is as long as was
    announced. `attempts` tells how often the request was sent: after more than one, an earlier one may have been
    carried out unseen. Use it as a context manager, or read it to the end, when it was asked for with `stream=True`.
    """

    attempts: int = 1

    def __init__(self, session: Session, raw: urllib3.BaseHTTPResponse, url: str) -> None:
        super().__init__()
        self._session = session
        self.raw = raw
        self.url = url
        self.status_code = raw.status
        self.reason = raw.reason or ""
        self.headers = CaseInsensitiveDict(raw.headers)
        self.encoding = "utf-8"

    def __enter__(self) -> Reply:
        return self

    def read(self) -> bytes:
        """The whole body. Raises urllib3's errors; the session turns them into ours, or tries again."""
        body = self._session.limited(self.raw)
        self.raw.release_conn()
        self._session.received(len(body))
        self._content = body
        self._content_consumed = True
        return body

    def chunks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The body in pieces of at most `size` bytes. Raises BadReply when it ends early, NoConnection, TimedOut."""
        if self._content_consumed:
            content = self.content
            yield from (content[start : start + size] for start in range(0, len(content), size))
            return
        self._content_consumed = True
        try:
            limit = self._session.download_limit
            for piece in self.raw.stream(size if limit is None else min(size, limit.piece), decode_content=False):
                self._session.received(len(piece))
                if limit is not None:
                    limit.take(len(piece))
                yield piece
        except (failures.HTTPError, OSError) as error:
            raise connection_error(error, self.url) from error
        finally:
            self.close()

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
        pieces = self.chunks(chunk_size or _CHUNK)
        return (piece.decode("utf-8", "replace") for piece in pieces) if decode_unicode else pieces

    def close(self) -> None:
        """Give the connection back; one whose body was not read to the end is closed."""
        if not self.raw.closed:
            self.raw.close()
        self.raw.release_conn()

    def json(self, **kwargs: Any) -> Any:
        """The body as JSON. Raises BadReply when it is none."""
        try:
            return jsonlib.loads(self.content, **kwargs)
        except (ValueError, RecursionError):
            raise BadReply(f"the answer of {origin(self.url)} is not valid JSON") from None


class Session:
    """Pooled connections to any number of servers, and the policy for using them.

    `pool_size` connections per server are kept open. `connect_timeout` and `read_timeout` are seconds: for making a
    connection, and for the server's silence. `ca_certs` is a file or directory of trusted certificates (default: the
    system's or requests'); `ignore_ssl` trusts everybody. Proxies and certificates from the environment are used.
    `upload_limit` and `download_limit` are shared by all requests; they are closed with the session.

    Waits (for bandwidth, before a request is repeated) can be called off: see `pithosfs.bandwidth.cancelled_by`.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        policy: RetryPolicy | None = None,
        pool_size: int = 32,
        ca_certs: str | None = None,
        ignore_ssl: bool = False,
        user_agent: str = f"pithosfs/{__version__}",
        upload_limit: Bandwidth | None = None,
        download_limit: Bandwidth | None = None,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self.user_agent = user_agent
        self.upload_limit = upload_limit
        self.download_limit = download_limit
        self._timeout = Timeout(connect=connect_timeout, read=read_timeout)
        self._verify: bool | str = False if ignore_ssl else (ca_certs or True)
        self._adapter = HTTPAdapter(pool_connections=16, pool_maxsize=pool_size, max_retries=0)
        self._pools: dict[str, tuple[HTTPConnectionPool, str]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._requests = self._retries = self._sent = self._received = 0
        if ignore_ssl:
            _log.warning("TLS certificates are not verified: anybody on the way can read the token")
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections and end every wait."""
        self._closed.set()
        for limit in (self.upload_limit, self.download_limit):
            if limit is not None:
                limit.close()
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool, _ in pools.values():
            pool.close()
        self._adapter.close()

    @property
    def counters(self) -> Counters:
        """What was done so far."""
        with self._lock:
            return Counters(self._requests, self._retries, self._sent, self._received)

    def limited(self, raw: urllib3.BaseHTTPResponse) -> bytes:
        """The rest of a body, as fast as it may come. Raises urllib3's errors, TransferCancelled."""
        limit = self.download_limit
        if limit is None:
            whole: bytes = raw.read(decode_content=False)
            return whole
        pieces = []
        while piece := raw.read(limit.piece, decode_content=False):
            limit.take(len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    def received(self, size: int) -> None:
        """Count bytes of a body."""
        with self._lock:
            self._received += size

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        data: Body | None = None,
        json: object = None,
        stream: bool = False,
        expect: Container[int] = _SUCCESS,
        retry: bool | None = None,
        timeout: float | None = None,
        policy: RetryPolicy | None = None,
    ) -> Reply:
        """Send a request and return the answer, its body read unless `stream`.

        `url` is sent exactly as it is, so its path and query must be encoded already; `params` are encoded and added,
        and override nothing. `data` is bytes, a binary file (sent from its present position), or an iterator of bytes
        (sent chunked, and never twice). `json` is sent as a JSON body. `expect` holds the statuses that are answers and
        not errors. `retry` says whether sending it twice does no harm (default: by the method); a request that did
        not reach the server is repeated in any case. `timeout` replaces the session's for reading, `policy` its policy.

        Raises ClientError and its kinds for other statuses, NoConnection, TimedOut, BadReply, ConfigError for an
        address that is none.
        """
        address = ADDRESS.fullmatch(url)
        if address is None or "@" in address["origin"]:
            raise ConfigError(f"{redacted(url)!r} is not an http or https address", hint="write https://host/path")
        target = address["target"]
        if not target.startswith("/"):
            target = "/" + target
        if params:
            target += ("&" if "?" in target else "?") + urlencode(params, quote_via=quote, safe="/")
        send_headers = {"User-Agent": self.user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        if json is not None:
            data = jsonlib.dumps(json).encode()
            send_headers["Content-Type"] = "application/json"
        if headers:
            send_headers.update(headers)
            _check(headers)
        job = _Job(
            method, address["origin"], target, send_headers, data,
            repeatable=(method in _IDEMPOTENT if retry is None else retry), expect=expect, stream=stream,
            timeout=self._timeout if timeout is None else Timeout(connect=self._timeout.connect_timeout, read=timeout),
        )  # fmt: skip
        return self._run(job, policy or self.policy)

    def _run(self, job: _Job, policy: RetryPolicy) -> Reply:
        started = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            job.rewind()
            asked: float | None = None
            error: PithosfsError
            try:
                reply = self._once(job)
                if reply.status_code in job.expect:
                    reply.attempts = attempt
                    return reply
                error = _refusal(job, reply)
                again = reply.status_code in _TEMPORARY and (job.repeatable or reply.status_code == 429)
                asked = _retry_after(reply.headers.get("Retry-After"))
            except (failures.HTTPError, OSError) as failure:
                error = connection_error(failure, job.url)
                error.__cause__ = failure
                again = worth_repeating(failure) and (job.repeatable or not exchange.connected or exchange.refused)
            # A kept connection that the server had given up says nothing about the server: no wait.
            delay = 0.0 if attempt == 1 and exchange.stale else policy.delay(attempt, asked)
            late = time.monotonic() - started + delay > policy.total
            if not again or not job.can_repeat or late or attempt >= policy.attempts or self._closed.is_set():
                raise error
            # The first failure is everyday business, the third is something that a person may want to know of.
            level = (logging.DEBUG, logging.INFO)[attempt - 1] if attempt <= 2 else logging.WARNING
            _log.log(level, "%s %s: %s; again in %.1f s", job.method, redacted(job.url), error, delay)
            with self._lock:
                self._retries += 1
            self._pause(delay)

    def _pause(self, seconds: float) -> None:
        """Wait before another attempt. Raises TransferCancelled."""
        cancel = present_cancel()
        if cancel is None:
            self._closed.wait(seconds)
            return
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._closed.is_set():
            # Nobody can wait for two events: the one that matters is waited for, the other looked at.
            if cancel.wait(min(left, _LOOK)):
                raise TransferCancelled

    def _once(self, job: _Job) -> Reply:
        """One attempt. Raises urllib3's errors."""
        exchange.start(not job.repeatable, self.upload_limit, self.download_limit)
        pool, prefix = self._pool(job.origin)
        started = time.perf_counter()
        with self._lock:
            self._requests += 1
            self._sent += job.length
        raw = pool.urlopen(
            job.method,
            prefix + job.target,
            body=job.data,
            headers=job.headers,
            retries=_ONE_TRY,
            redirect=False,
            assert_same_host=False,
            timeout=job.timeout,
            preload_content=False,
            decode_content=False,
        )
        reply = Reply(self, raw, job.url)
        try:
            if reply.status_code not in job.expect:
                reply._content = raw.read(_ERROR_LIMIT, decode_content=False)
                reply._content_consumed = True
                reply.close()
            elif not job.stream:
                reply.read()
        except BaseException:
            reply.close()
            raise
        if _log.isEnabledFor(logging.DEBUG):
            spent = (time.perf_counter() - started) * 1000
            _log.debug("%s %s %d %.1f ms", job.method, redacted(job.url), reply.status_code, spent)
        return reply

    def _pool(self, origin: str) -> tuple[HTTPConnectionPool, str]:
        """The pool for a server, and what goes before the path (the origin, for a plain HTTP proxy)."""
        known = self._pools.get(origin)
        if known is not None:
            return known
        if self._closed.is_set():
            raise failures.ClosedPoolError(None, "the session is closed")  # type: ignore[arg-type]
        with requests.Session() as borrowed:
            try:
                prepared = requests.Request("GET", origin + "/").prepare()
                setting = borrowed.merge_environment_settings(origin + "/", {}, False, self._verify, None)
                found = self._adapter.get_connection_with_tls_context(
                    prepared, setting["verify"], setting["proxies"], setting["cert"]
                )
            except (requests.RequestException, failures.HTTPError, ValueError) as error:
                raise ConfigError(f"{origin!r} is not a usable address: {error}") from error
        pool = cast(HTTPConnectionPool, found)  # the stubs name only its base
        tune_pool(pool)
        through_proxy = pool.proxy is not None and pool.scheme == "http"
        with self._lock:
            return self._pools.setdefault(origin, (pool, origin if through_proxy else ""))


class _Job:
    """One request as it is sent, maybe more than once."""

    def __init__(
        self,
        method: str,
        origin: str,
        target: str,
        headers: dict[str, str],
        data: Body | None,
        *,
        repeatable: bool,
        expect: Container[int],
        stream: bool,
        timeout: Timeout,
    ) -> None:
        self.method, self.origin, self.target, self.headers = method, origin, target, headers
        self.repeatable, self.expect, self.stream, self.timeout = repeatable, expect, stream, timeout
        self.data = data
        self.length = 0
        self.can_repeat = True
        self._file: IO[bytes] | None = None
        if isinstance(data, bytes):
            self.length = len(data)
        elif data is not None and hasattr(data, "seek"):
            self._file = cast(IO[bytes], data)
            self._position = self._file.tell()
            self.length = self._file.seek(0, 2) - self._position
            headers.setdefault("Content-Length", str(self.length))
        elif data is not None:
            self.can_repeat = False

    @property
    def url(self) -> str:
        return self.origin + self.target

    def rewind(self) -> None:
        if self._file is not None:
            self._file.seek(self._position)


def _check(headers: Mapping[str, str]) -> None:
    """Refuse what cannot be sent here, because the library's own message would quote it, tokens included."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()) or not (name.isascii() and name.isprintable()):
            if name.lower() == "x-auth-token":
                raise NotLoggedIn("the token holds characters that no token has", 0)
            raise BadRequest(f"the header {name!r} holds characters that cannot be sent", 0)


def _refusal(job: _Job, reply: Reply) -> PithosfsError:
    """The error for a status that was not expected."""
    status = reply.status_code
    if 300 <= status < 400 and status != 304:
        return BadReply(
            f"{job.origin} answered {job.method} with a redirect to {redacted(reply.headers.get('Location', '?'))}",
            hint="use the address that it redirects to, if you trust it",
        )
    if status < 300:
        return BadReply(f"{job.origin} answered {job.method} with the unexpected status {status}")
    message, details = read_fault(reply.content)
    token = next((value for name, value in job.headers.items() if name.lower() == "x-auth-token"), "")
    if token:
        message, details = message.replace(token, "***"), details.replace(token, "***")
    return client_error(status, message or reason(status, job.method, redacted(job.target)), details)


def _retry_after(text: str | None) -> float | None:
    """Seconds to wait, from either form of the header; None when absent or rubbish."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
