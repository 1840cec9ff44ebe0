"""The facts of a request for log and metrics: login, method, collection, device, status. No names, texts or hrefs.

An item is named by the first digits of its href's SHA-256 (``dav_item.href_hash``): an href may be a name that
somebody chose, and the log lines of one item can still be found.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from radicale_flowfact.content.contentlines import printable
from radicale_flowfact.dav.store.tables import text_hash
from radicale_flowfact.dav.store.user_agents import product

_PLACE = re.compile(r"/([^/]+)/(addresses|appointments|tasks)(?:/([^/]*))?$")
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS = frozenset(
    [
        *("GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "PUT", "DELETE"),
        *("PROPPATCH", "POST", "MKCOL", "MKCALENDAR", "MOVE"),
    ]
)
_HASH_DIGITS = 12
# A reason quotes what was sent where it says what is wrong with it.
_QUOTED = re.compile(r"""(?<!\w)'(?:[^'\\\n]|\\.)*'|(?<!\w)"(?:[^"\\\n]|\\.)*\"""")


class RequestFacts:
    """Holds the facts of one request. ``login``: empty until the password was checked; ``reason``: of a refusal."""

    __slots__ = (
        *("agent", "collection", "depth", "home", "href", "id", "login", "method", "path", "reason"),
        *("seconds", "started", "status"),
    )

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self.started = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        self.id: str = given if given and _ID.fullmatch(given) else secrets.token_hex(8)
        method = environ.get("REQUEST_METHOD", "")
        self.method: str = method if method in _METHODS else "other"
        self.agent: str = environ.get("HTTP_USER_AGENT", "")
        self.depth: str = environ.get("HTTP_DEPTH", "")
        self.path: str = environ.get("PATH_INFO", "")
        place = _PLACE.search(self.path)
        self.home, self.collection, href = place.groups() if place else ("", "", "")
        self.href: str = href or ""
        self.login = self.reason = ""
        self.status = 0
        self.seconds = 0.0

    @property
    def device(self) -> str:
        """The User-Agent's product."""
        return product(printable(self.agent))

    @property
    def item(self) -> str:
        """The item's name in the log, or empty."""
        return text_hash(self.href)[:_HASH_DIGITS] if self.href else ""

    def fields(self) -> dict[str, str | int | float]:
        """Return the fields of the JSON line, whose names are an interface; empty ones are left out."""
        found: dict[str, str | int | float] = {
            "method": self.method,
            "collection": self.collection,
            "item": self.item,
            "status": self.status,
            "ms": round(self.seconds * 1000, 2),
            "login": self.login,
            "device": self.device,
            "reason": without_quotes(self.reason),
        }
        return {key: value for key, value in found.items() if value != ""}

    def __str__(self) -> str:
        """Return the log line as text."""
        where = "/".join(part for part in (self.collection, self.item) if part) or "-"
        told = f"{self.method} {where} answered {self.status} in {self.seconds * 1000:.1f} ms"
        who = f"login={' '.join(printable(self.login).split())} " if self.login else ""
        reason = f": {without_quotes(self.reason)}" if self.reason else ""
        return f"{told} {who}device={self.device}{reason}"


def without_quotes(reason: str) -> str:
    """Return a reason without what it quotes from the request; the history has the whole."""
    return _QUOTED.sub("'…'", " ".join(printable(reason).split())) if reason else ""


_current: ContextVar[RequestFacts | None] = ContextVar("flowfact_request", default=None)


def begin(environ: Mapping[str, Any]) -> RequestFacts:
    """Begin the facts of the request that this thread answers."""
    facts = RequestFacts(environ)
    _current.set(facts)
    return facts


def current() -> RequestFacts | None:
    """Return the request that this thread is answering, or None."""
    return _current.get()


def end() -> None:
    """End the facts of the request; what this thread logs from now on belongs to none."""
    _current.set(None)


def note(*, login: str = "", reason: str = "") -> None:
    """Add login or reason to the facts of the request that this thread answers."""
    facts = _current.get()
    if facts is not None:
        facts.login = login or facts.login
        facts.reason = reason or facts.reason


def note_checked_login() -> None:
    """Take the login of the path as the one whose password was checked."""
    facts = _current.get()
    if facts is not None:
        facts.login = facts.home
