"""What is told of a request: who asked what with which device, and what came of it. No names, no texts, no hrefs.

An item is named by the first digits of its href's SHA-256 (``dav_item.href_hash``): an href may be a name that
somebody chose, and the lines of one item can still be found.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from radicale_flowfact.agents import product
from radicale_flowfact.contentlines import printable
from radicale_flowfact.dav.tables import text_hash

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


class Seen:
    """One request. ``login`` is empty until the password was checked; ``reason`` says why it was refused."""

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
        """Return what a line tells, by names that do not change; what there is nothing of is left out."""
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
        """Return the line as text."""
        where = "/".join(part for part in (self.collection, self.item) if part) or "-"
        told = f"{self.method} {where} answered {self.status} in {self.seconds * 1000:.1f} ms"
        who = f"login={' '.join(printable(self.login).split())} " if self.login else ""
        reason = f": {without_quotes(self.reason)}" if self.reason else ""
        return f"{told} {who}device={self.device}{reason}"


def without_quotes(reason: str) -> str:
    """Return a reason without what it quotes from the request; in full it stands in the history."""
    return _QUOTED.sub("'…'", " ".join(printable(reason).split())) if reason else ""


_current: ContextVar[Seen | None] = ContextVar("flowfact_seen", default=None)


def begin(environ: Mapping[str, Any]) -> Seen:
    """Start to watch a request in this thread."""
    seen = Seen(environ)
    _current.set(seen)
    return seen


def current() -> Seen | None:
    """Return the request that this thread is answering, or None."""
    return _current.get()


def end() -> None:
    """Say that what this thread does from now on belongs to no request."""
    _current.set(None)


def note(*, login: str = "", reason: str = "") -> None:
    """Add to what is told of the request that this thread is answering."""
    seen = _current.get()
    if seen is not None:
        seen.login = login or seen.login
        seen.reason = reason or seen.reason


def note_own() -> None:
    """Say that the login of the path is the one whose password was checked."""
    seen = _current.get()
    if seen is not None:
        seen.login = seen.home
