"""Repeats a request after a passing fault of the database; 503 with Retry-After when that fails (RFC 9110 §15.6.4)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from http import client
from typing import Any

from radicale import types
from radicale.log import logger

from radicale_flowfact.database import faults

RETRY_AFTER = "30"
"""Seconds after which a device may ask again; most devices ignore it."""
_ATTEMPT = "radicale_flowfact.try"
_UNAVAILABLE = "FlowFact's database cannot answer now; ask again later.\n"


class ReplayableBody:
    """Wraps a request's body so that it can be read again from its beginning."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever the WSGI server gives
        self._stream = stream
        self._kept = b""
        self._again = io.BytesIO()

    def rewind(self) -> None:
        """Let the next ``read`` begin at the first byte."""
        self._again = io.BytesIO(self._kept)

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self._on(self._again.read(size), size, self._stream.read)

    def readline(self, size: int = -1) -> bytes:
        """Read on to the end of the line."""
        line = self._again.readline(size)
        return line if line.endswith(b"\n") else self._on(line, size, self._stream.readline)

    def _on(self, begun: bytes, size: int, read: Any) -> bytes:  # noqa: ANN401 - a method of the stream
        if 0 <= size <= len(begun):
            return begun
        rest: bytes = read(size - len(begun) if size >= 0 else -1)
        self._kept += rest
        return begun + rest


def at_attempt(environ: types.WSGIEnviron, body: ReplayableBody, number: int) -> types.WSGIEnviron:
    """Return the environment of one attempt, with the body at its beginning."""
    body.rewind()
    return {**environ, "wsgi.input": body, _ATTEMPT: number}


def is_retry(environ: Mapping[str, Any]) -> bool:
    """Return whether this is a further attempt: the first may be committed, its answer to COMMIT lost."""
    return bool(environ.get(_ATTEMPT))


def unavailable(method: str, path: str, error: Exception) -> types.WSGIResponse:
    """Return 503 for a request that failed by an outage of the database; log the reason."""
    logger.error("%s %r answered 503, the database failed: %s", method, path[:200], faults.told(error))
    headers = {"Retry-After": RETRY_AFTER, "Content-Type": "text/plain; charset=utf-8"}
    return client.SERVICE_UNAVAILABLE, headers, _UNAVAILABLE, None
