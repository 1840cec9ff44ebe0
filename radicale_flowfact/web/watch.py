"""Stands around the application: gives a request its id, and tells of it once it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import client
from typing import Any

from radicale import types

from radicale_flowfact.contentlines import printable
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.session import Name
from radicale_flowfact.dav.upkeep import Daily
from radicale_flowfact.web import seen as seen_room
from radicale_flowfact.web.logs import request_line
from radicale_flowfact.web.metrics import Metrics
from radicale_flowfact.web.pages import PREFIX, Page, Pages
from radicale_flowfact.web.seen import Seen

_HEARS = frozenset({"PROPFIND", "REPORT", "GET"})
_NAMES = {name.value: (name,) for name in Name}

Environ = dict[str, Any]
Application = Callable[[Environ, types.WSGIStartResponse], Iterable[bytes]]


class Watch:
    """Watches the requests of one application."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._metrics = Metrics(gateway)
        self._pages = Pages(gateway, self._metrics)
        self._upkeep = Daily(gateway.upkeep)

    def answer(
        self, environ: Environ, start_response: types.WSGIStartResponse, application: Application
    ) -> Iterable[bytes]:
        """Let the application answer, and tell of it."""
        seen = seen_room.begin(environ)

        def told(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
            seen.status = int(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", seen.id)])

        if PREFIX in seen.path and (page := self._pages.answer(environ, seen.path)):
            return _send(page, environ, told)
        try:
            return application(environ, told)
        finally:
            seen.seconds = time.perf_counter() - seen.started
            request_line(seen)
            self._metrics.count(seen)
            seen_room.end()
            self._note_sync(seen)
            self._upkeep.run_if_due()

    def _note_sync(self, seen: Seen) -> None:
        """Note what the device heard of: a collection that it asked for, or all of them by a listing of the home."""
        if not (seen.login and 200 <= seen.status < 300 and seen.method in _HEARS):
            return
        if seen.collection and not seen.href and seen.login == seen.home:
            self._gateway.synced(seen.login, printable(seen.agent)[:255], _NAMES[seen.collection])
        elif seen.depth == "1" and seen.method == "PROPFIND" and seen.path.strip("/").rpartition("/")[2] == seen.login:
            self._gateway.synced(seen.login, printable(seen.agent)[:255], tuple(Name))


def _send(page: Page, environ: Environ, start_response: types.WSGIStartResponse) -> list[bytes]:
    """Send a page; it is asked for so often that the log would be full of it."""
    status, headers, body = page
    start_response(f"{status} {client.responses[status]}", [*headers.items(), ("Content-Length", str(len(body)))])
    seen_room.end()
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
