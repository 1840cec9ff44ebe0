"""Holds what a storage needs to know of the HTTP request but Radicale does not pass on.

``app.py`` sets it. Under plain Radicale it keeps its defaults, and all devices of a login count as one.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Self

from radicale_flowfact.content.contentlines import printable
from radicale_flowfact.content.vcard.versions import VCARD_3
from radicale_flowfact.database.lengths import cut_to_units
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.queries.filters import CardFilter, CompFilter, TimeRange
from radicale_flowfact.queries.steps import PER_QUERY, Steps


class RefusedError(ValueError):
    """A request that must not be carried out; nothing of it was written.

    ``status``: the HTTP status. ``condition``: the precondition element of the answer in Radicale's short form
    (``C:valid-calendar-data``), or empty. ``reason``: why, and what to do, for the answer and the log. Plain Radicale
    reads the errno in the text and answers 403 to a PUT.
    """

    def __init__(self, reason: str, status: int = 403, condition: str = "") -> None:
        super().__init__(f"{reason} [Errno 13]")
        self.reason = reason
        self.status = status
        self.condition = condition

    def bare(self) -> Self:
        """Return it without traceback, cause and context: these would keep the body in memory."""
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self


def unreadable(name: Name, reason: str) -> RefusedError:
    """Return the refusal (409) of a contact or entry that cannot be stored as it is (rule 28)."""
    is_card = name is Name.ADDRESSES
    condition = "CR:valid-address-data" if is_card else "C:valid-calendar-data"
    return RefusedError(f"the {'contact' if is_card else 'entry'} {reason}", 409, condition)


class TakenOffError(RefusedError):
    """A PUT for what the office took off its user's devices (412, rule 15); ``uid`` is the item's.

    The answer discloses nothing of the record.
    """

    def __init__(self, uid: str) -> None:
        super().__init__("FlowFact took this off your devices meanwhile; sync again", 412)
        self.uid = uid


@dataclass
class Query:
    """What a REPORT asks for: items that match a filter, and series as single events (``expand``; None: as they are).

    ``occurrences`` counts the single events of the answer so far; ``steps`` bounds the work on all series.
    """

    calendar: CompFilter | None = None
    card: CardFilter | None = None
    expand: TimeRange | None = None
    occurrences: int = 0
    steps: Steps = field(default_factory=lambda: Steps(PER_QUERY))


@dataclass
class Request:
    """One HTTP request: the device's name for itself, its If-Match, what it sent, and why it was refused.

    ``query`` is what a REPORT asks for, ``limit`` how many changes a sync-collection wants at most, ``more`` whether
    there were more (RFC 6578 §3.6). ``card_version`` is the version of vCard that it wants contacts in.
    """

    agent: str = ""
    if_match: str = ""
    body: bytes = b""
    limit: int | None = None
    more: bool = False
    card_version: str = VCARD_3
    query: Query = field(default_factory=Query)
    refusal: RefusedError | None = field(default=None)

    @property
    def names_version(self) -> bool:
        """Whether If-Match names exactly one version: ``*`` names none, a list of tags several (rule 43)."""
        return self.if_match.count('"') == 2


_current: ContextVar[Request] = ContextVar("flowfact_request")


def current() -> Request:
    """Return the request that this thread is answering."""
    try:
        return _current.get()
    except LookupError:
        request = Request()
        _current.set(request)
        return request


def kept_agent(agent: str) -> str:
    """Return a User-Agent as it is stored: without control characters, at most 255 UTF-16 units."""
    return cut_to_units(printable(agent), 255)


def begin(agent: str, if_match: str) -> Request:
    """Set the request of this thread; it replaces the one before."""
    request = Request(kept_agent(agent), if_match)
    _current.set(request)
    return request
