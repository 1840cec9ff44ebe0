"""The endpoints ``/.flowfact/health`` and ``/.flowfact/metrics``: answered first, and without a login."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Mapping
from http import client
from typing import Any
from urllib.parse import urlsplit

from radicale_flowfact.dav.admin.schema_watch import SchemaWatch
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.http.observe import metrics
from radicale_flowfact.http.observe.health import Health
from radicale_flowfact.http.observe.metrics import Metrics

PREFIX = "/.flowfact/"
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_PASSED_ON = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_SCRIPT_NAME")
Page = tuple[int, dict[str, str], bytes]


class Endpoints:
    """Answers the two endpoints of one application."""

    def __init__(self, gateway: Gateway, counted: Metrics, watch: SchemaWatch) -> None:
        self._health = Health(gateway, watch)
        self._metrics = counted
        self._token = gateway.settings.metrics.token

    def answer(self, environ: Mapping[str, Any], path: str) -> Page | None:
        """Return status, headers and body, or None for any other path."""
        prefix = str(environ.get("HTTP_X_SCRIPT_NAME", environ.get("SCRIPT_NAME", "")))
        make = {"health": self._of_health, "metrics": self._of_metrics}.get(
            path.removeprefix(prefix).removeprefix(PREFIX)
        )
        if make is None:
            return None
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return client.METHOD_NOT_ALLOWED, {**_TEXT, "Allow": "GET, HEAD"}, b"GET it\n"
        status, headers, body = make(environ)
        return status, {"Cache-Control": "no-store", **headers}, body

    def _of_health(self, _environ: Mapping[str, Any]) -> Page:
        fault = self._health.fault()
        state = {"status": "unavailable", "reason": fault} if fault else {"status": "ok"}
        headers = {"Content-Type": "application/json", **({"Retry-After": "10"} if fault else {})}
        return client.SERVICE_UNAVAILABLE if fault else client.OK, headers, json.dumps(state).encode() + b"\n"

    def _of_metrics(self, environ: Mapping[str, Any]) -> Page:
        if self._token:
            given = str(environ.get("HTTP_AUTHORIZATION", ""))
            if not hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {self._token}".encode()):
                return client.UNAUTHORIZED, {**_TEXT, "WWW-Authenticate": "Bearer"}, b"a token is needed\n"
        elif not _is_local(environ):
            return client.FORBIDDEN, dict(_TEXT), b"for programs on this machine, or with [metrics] token\n"
        return client.OK, {"Content-Type": metrics.CONTENT_TYPE}, self._metrics.text()


def _is_local(environ: Mapping[str, Any]) -> bool:
    """Return whether the client runs on this machine and is no proxy.

    A proxy that adds no header of its own is recognised by the Host that it passes on.
    """
    if any(key in _PASSED_ON or key.startswith("HTTP_X_FORWARDED") for key in environ):
        return False
    try:
        host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
    except ValueError:
        return False
    return _is_loopback(str(environ.get("REMOTE_ADDR", ""))) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)  # a socket of both families reports IPv4 so
    return (mapped or found).is_loopback
