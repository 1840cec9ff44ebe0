"""What a storage should know of the HTTP request but Radicale does not tell it.

``app.py`` sets it; under plain Radicale it stays at its defaults, and every device of a login counts as one.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from radicale_flowfact.contentlines import printable
from radicale_flowfact.filtering import CardFilter, CompFilter, TimeRange


class RefusedError(ValueError):
    """A request that must not be carried out; nothing of it was written.

    ``status`` is the HTTP status, ``condition`` the precondition element of the answer in Radicale's short
    form (``C:valid-calendar-data``) or empty, ``reason`` says why and what to do, for the answer and the log.
    Plain Radicale reads the errno in the text and answers 403 to a PUT.
    """

    def __init__(self, reason: str, status: int = 403, condition: str = "") -> None:
        super().__init__(f"{reason} [Errno 13]")
        self.reason = reason
        self.status = status
        self.condition = condition


@dataclass
class Query:
    """What a REPORT wants of the items: that they match a filter, and series as single events (None: as they are).

    ``occurrences`` counts the single events that the answer has so far.
    """

    calendar: CompFilter | None = None
    card: CardFilter | None = None
    expand: TimeRange | None = None
    occurrences: int = 0


@dataclass
class Request:
    """One HTTP request: the device's name for itself, its If-Match, what it sent, and why it was refused.

    ``query`` is what a REPORT asks for, ``limit`` how many changes a sync-collection wants at most, ``more`` whether
    there were more (RFC 6578 §3.6).
    """

    agent: str = ""
    if_match: str = ""
    body: bytes = b""
    limit: int | None = None
    more: bool = False
    query: Query = field(default_factory=Query)
    refusal: RefusedError | None = field(default=None)


_current: ContextVar[Request] = ContextVar("flowfact_request")


def current() -> Request:
    """Return the request that this thread is answering."""
    try:
        return _current.get()
    except LookupError:
        request = Request()
        _current.set(request)
        return request


def begin(agent: str, if_match: str) -> Request:
    """Start a request in this thread; it replaces the one before."""
    request = Request(printable(agent)[:255], if_match)  # a database takes no control characters
    _current.set(request)
    return request
