"""A request that the database failed is answered again from its beginning, and 503 when that does not help."""

from __future__ import annotations

import io
from collections.abc import Mapping
from http import client
from typing import Any

from radicale import types
from radicale.log import logger

from radicale_flowfact import faults

RETRY_AFTER = "30"
"""Seconds after which a device may ask again; most ask when they please."""
_TRY = "radicale_flowfact.try"
_WORDS = "FlowFact's database cannot answer now; ask again later.\n"


class Replay:
    """A request's body that can be read from its beginning again."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever the WSGI server gives
        self._stream = stream
        self._kept = b""
        self._again = io.BytesIO()

    def rewind(self) -> None:
        """Go back to the beginning."""
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


def at_try(environ: types.WSGIEnviron, body: Replay, number: int) -> types.WSGIEnviron:
    """Return the environment for one try, with the body to be read from its beginning."""
    body.rewind()
    return {**environ, "wsgi.input": body, _TRY: number}


def is_again(environ: Mapping[str, Any]) -> bool:
    """Whether this is a further try, so that what is wanted may be done already: a COMMIT's answer was lost."""
    return bool(environ.get(_TRY))


def unavailable(method: str, path: str, error: Exception) -> types.WSGIResponse:
    """Return the answer to a request that the database kept from being answered; log why."""
    logger.error("%s %r answered 503, the database failed: %s", method, path[:200], faults.told(error))
    headers = {"Retry-After": RETRY_AFTER, "Content-Type": "text/plain; charset=utf-8"}
    return client.SERVICE_UNAVAILABLE, headers, _WORDS, None
