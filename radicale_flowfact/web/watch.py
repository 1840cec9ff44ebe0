"""Stands around the application: gives a request its id, and tells of it once it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from radicale import types

from radicale_flowfact.contentlines import printable
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.session import Name
from radicale_flowfact.web import seen as seen_room
from radicale_flowfact.web.logs import request_line
from radicale_flowfact.web.seen import Seen

_HEARS = frozenset({"PROPFIND", "REPORT", "GET"})
_NAMES = {name.value: (name,) for name in Name}

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
            self._note_sync(seen)

    def _note_sync(self, seen: Seen) -> None:
        """Note what the device heard of: a collection that it asked for, or all of them by a listing of the home."""
        if not (seen.login and 200 <= seen.status < 300 and seen.method in _HEARS):
            return
        if seen.collection and not seen.href and seen.login == seen.home:
            self._gateway.synced(seen.login, printable(seen.agent)[:255], _NAMES[seen.collection])
        elif seen.depth == "1" and seen.method == "PROPFIND" and seen.path.strip("/").rpartition("/")[2] == seen.login:
            self._gateway.synced(seen.login, printable(seen.agent)[:255], tuple(Name))
