"""Stands around the application: gives a request its id, and tells of it once it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from radicale import types

from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.web import seen as seen_room
from radicale_flowfact.web.logs import request_line

Environ = dict[str, Any]
Application = Callable[[Environ, types.WSGIStartResponse], Iterable[bytes]]


class Watch:
    """Watches the requests of one application."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def answer(
        self, environ: Environ, start_response: types.WSGIStartResponse, application: Application
    ) -> Iterable[bytes]:
        """Let the application answer, and tell of it."""
        seen = seen_room.begin(environ)

        def told(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
            seen.status = int(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", seen.id)])

        try:
            return application(environ, told)
        finally:
            seen.seconds = time.perf_counter() - seen.started
            request_line(seen)
            seen_room.end()
