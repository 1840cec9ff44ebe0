"""WSGI middleware: gives each request its id, and logs and counts it once it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import client
from typing import Any

from radicale import types

from radicale_flowfact.dav.admin.schema_watch import SchemaWatch
from radicale_flowfact.dav.admin.upkeep import Daily
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.request import kept_agent
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.http.observe import request_facts
from radicale_flowfact.http.observe.endpoints import PREFIX, Endpoints, Page
from radicale_flowfact.http.observe.logs import request_line
from radicale_flowfact.http.observe.metrics import Metrics
from radicale_flowfact.http.observe.request_facts import RequestFacts

_SYNC_METHODS = frozenset({"PROPFIND", "REPORT", "GET"})
_NAMES = {name.value: (name,) for name in Name}

Environ = dict[str, Any]
Application = Callable[[Environ, types.WSGIStartResponse], Iterable[bytes]]


class RequestObserver:
    """Observes the requests of one application; answers the health and metrics endpoints."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._watch = SchemaWatch(gateway)
        self._metrics = Metrics(gateway, self._watch)
        self._endpoints = Endpoints(gateway, self._metrics, self._watch)
        self._upkeep = Daily(gateway.upkeep)

    def watch(self) -> None:
        """Watch FlowFact's schema from now on, in a thread; without it only health and metrics look."""
        self._watch.start()

    def answer(
        self, environ: Environ, start_response: types.WSGIStartResponse, application: Application
    ) -> Iterable[bytes]:
        """Let the application answer; log and count the request."""
        facts = request_facts.begin(environ)

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
            facts.status = int(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", facts.id)])

        if PREFIX in facts.path and (page := self._endpoints.answer(environ, facts.path)):
            return _send(page, environ, start)
        try:
            return application(environ, start)
        finally:
            facts.seconds = time.perf_counter() - facts.started
            request_line(facts)
            self._metrics.count(facts)
            request_facts.end()
            self._note_sync(facts)
            self._upkeep.run_if_due()

    def _note_sync(self, facts: RequestFacts) -> None:
        """Note which collections the device synced: the one that it asked for, or all by a listing of the home."""
        if not (facts.login and 200 <= facts.status < 300 and facts.method in _SYNC_METHODS):
            return
        if facts.collection and not facts.href and facts.login == facts.home:
            self._gateway.synced(facts.login, kept_agent(facts.agent), _NAMES[facts.collection])
        elif (
            facts.depth == "1"
            and facts.method == "PROPFIND"
            and facts.path.strip("/").rpartition("/")[2] == facts.login
        ):
            self._gateway.synced(facts.login, kept_agent(facts.agent), tuple(Name))


def _send(page: Page, environ: Environ, start_response: types.WSGIStartResponse) -> list[bytes]:
    """Send the answer of an endpoint; monitoring asks so often that it is not logged."""
    status, headers, body = page
    start_response(f"{status} {client.responses[status]}", [*headers.items(), ("Content-Length", str(len(body)))])
    request_facts.end()
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
