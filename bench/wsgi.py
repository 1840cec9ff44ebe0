"""Requests straight into an application of this process, for counting instead of timing."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote
from wsgiref.util import setup_testing_defaults

from bench.client import Answer, basic

Application = Callable[..., Iterable[bytes]]


class WsgiClient:
    """A client that needs no server."""

    def __init__(self, application: Application, login: str, password: str) -> None:
        self._application = application
        self._credentials = basic(login, password)

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Call the application once."""
        environ: dict[str, object] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote(path).encode().decode("latin-1"),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": self._credentials,
            "HTTP_USER_AGENT": "bench/1.0",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            **{_variable(name): value for name, value in (headers or {}).items()},
        }
        setup_testing_defaults(environ)
        told: list[tuple[int, dict[str, str]]] = []

        def start_response(status: str, lines: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], None]:
            told.append((int(status.split()[0]), {name.lower(): value for name, value in lines}))
            return lambda _data: None

        data = b"".join(self._application(environ, start_response))
        status, received = told[-1]
        return Answer(status, received, data)


def _variable(name: str) -> str:
    """Return the name of a header in the environment (PEP 3333)."""
    plain = name.upper().replace("-", "_")
    return plain if plain == "CONTENT_TYPE" else f"HTTP_{plain}"
