"""The base of the service clients: an endpoint, a token, and requests below that endpoint."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Self

from pithosfs.http import Body, Reply, Session

__all__ = ["Client", "accepted"]


def accepted(success: int | Container[int] | None) -> Container[int]:
    """The statuses that `success` names: one, several, or (None) every 2xx."""
    if success is None:
        return range(200, 300)
    return (success,) if isinstance(success, int) else success


class Client:
    """A client of one service at `endpoint_url`.

    Clients that are to share connections are given one `session`; without one each makes its own at its first request.
    Setting `token` holds for the requests that follow. The repr shows no token. `base_url` is an older name of
    `endpoint_url`, which goes before it.
    """

    service_type = ""

    def __init__(
        self, endpoint_url: str, token: str, base_url: str | None = None, *, session: Session | None = None
    ) -> None:
        self.endpoint_url = (endpoint_url or base_url or "").rstrip("/")
        self.token = token
        self._session = session
        self._owns_session = session is None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """An older name of `endpoint_url`."""
        return self.endpoint_url

    @property
    def session(self) -> Session:
        """The connections."""
        if self._session is None:
            self._session = Session()
        return self._session

    def close(self) -> None:
        """Close the connections, unless they were given by the caller."""
        if self._owns_session and self._session is not None:
            self._session.close()
            self._session = None

    def request(
        self,
        method: str,
        path: str,
        *,
        success: int | Container[int] | None = 200,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        data: Body | None = None,
        stream: bool = False,
        retry: bool | None = None,
    ) -> Reply:
        """Send a request to `path` below the endpoint (encoded already). `success`: the statuses that are no error.

        Raises the errors of `pithosfs.errors`.
        """
        url = f"{self.endpoint_url}/{path.removeprefix('/')}" if path else self.endpoint_url
        return self.session.request(
            method,
            url,
            headers={"X-Auth-Token": self.token, **(headers or {})},
            params=params,
            json=json,
            data=data,
            stream=stream,
            expect=accepted(success),
            retry=retry,
        )

    def get(self, path: str, **options: Any) -> Reply:
        """`request("GET", …)`."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> Reply:
        """`request("HEAD", …)`."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Any) -> Reply:
        """`request("POST", …)`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Reply:
        """`request("PUT", …)`."""
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        """`request("DELETE", …)`."""
        return self.request("DELETE", path, **options)

    def copy(self, path: str, **options: Any) -> Reply:
        """`request("COPY", …)`."""
        return self.request("COPY", path, **options)

    def move(self, path: str, **options: Any) -> Reply:
        """`request("MOVE", …)`."""
        return self.request("MOVE", path, **options)
