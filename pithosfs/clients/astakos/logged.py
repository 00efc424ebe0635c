"""An AstakosClient that tells in a log what it asks and is answered, without the secrets in it."""

from __future__ import annotations

import json
import logging
import time
from typing import Any
from urllib.parse import parse_qsl

from pithosfs.clients.astakos.client import AstakosClient
from pithosfs.http import Reply, redacted

__all__ = ["LoggedAstakosClient"]

_MASK = "***"
_SECRET = frozenset(
    {"access_token", "auth_token", "client_secret", "code", "password", "refresh_token", "X-Auth-Token"}
)
_LONG_ENOUGH = 16  # characters of a token of which four may be seen


class LoggedAstakosClient(AstakosClient):
    """An AstakosClient whose requests can be followed in its `logger` (level DEBUG).

    With `LOG_DATA` the bodies are there too, without tokens and passwords; with `LOG_TOKEN` the beginning of the token,
    so that one can tell which one it was. No log ever holds a whole token.
    """

    LOG_TOKEN = False
    LOG_DATA = False

    def fetch(self, method: str, url: str, *, with_token: bool = True, **options: Any) -> Reply:
        """Any request to a full address; see `AstakosRestClient`."""
        if not self.logger.isEnabledFor(logging.DEBUG):
            return super().fetch(method, url, with_token=with_token, **options)
        shown = self._masked(redacted(url))
        token = f" X-Auth-Token: {_beginning(self.token)}" if self.LOG_TOKEN and with_token else ""
        self.logger.debug("> %s %s%s", method, shown, token)
        if self.LOG_DATA and (body := self._body(options.get("json"), options.get("data"))):
            self.logger.debug("> %s", body)
        started = time.perf_counter()
        try:
            reply = super().fetch(method, url, with_token=with_token, **options)
        except Exception as error:
            self.logger.debug("< %s: %s", type(error).__name__, self._masked(str(error)))
            raise
        spent = (time.perf_counter() - started) * 1000
        self.logger.debug("< %d %s, %d bytes, %.1f ms", reply.status_code, reply.reason, len(reply.content), spent)
        if self.LOG_DATA and reply.content:
            self.logger.debug("< %s", self._text(reply.content))
        return reply

    def _body(self, sent: object, data: bytes | None) -> str:
        if sent is not None:
            return self._masked(json.dumps(_without_secrets(sent)))
        return self._masked(json.dumps(_without_secrets(dict(parse_qsl((data or b"").decode()))))) if data else ""

    def _text(self, content: bytes) -> str:
        try:
            return self._masked(json.dumps(_without_secrets(json.loads(content))))
        except (ValueError, RecursionError):
            return self._masked(content.decode("utf-8", "replace"))

    def _masked(self, text: str) -> str:
        return text.replace(self.token, _MASK) if self.token else text


def _without_secrets(found: Any) -> Any:
    """The same, with a mask for what stands under the name of a secret. `{"token": {"id": …}}` is one."""
    if isinstance(found, list):
        return [_without_secrets(one) for one in found]
    if not isinstance(found, dict):
        return found
    cleaned: dict[Any, Any] = {}
    for key, value in found.items():
        if key in _SECRET and isinstance(value, str):
            cleaned[key] = _MASK
        elif key == "token" and isinstance(value, dict) and "id" in value:
            cleaned[key] = {**_without_secrets(value), "id": _MASK}
        else:
            cleaned[key] = _without_secrets(value)
    return cleaned


def _beginning(token: str) -> str:
    return f"{token[:4]}…" if len(token) >= _LONG_ENOUGH else _MASK
