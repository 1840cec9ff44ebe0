"""Parses REPORT bodies (RFC 4791 §7, RFC 6352 §8, RFC 6578 §3) strictly, and reduces them to what Radicale handles.

Filters and ``expand`` are evaluated by ``queries/`` and removed from the body. A report that the collection does not
support is refused; Radicale would answer it with all items.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from radicale import xmlutils

from radicale_flowfact.content.vcard.versions import VCARD_3
from radicale_flowfact.dav.store.request import Query, RefusedError
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.http import card_versions
from radicale_flowfact.queries.filters import (
    CALDAV,
    CARDDAV,
    FilterError,
    read_calendar_filter,
    read_card_filter,
    read_time_range,
)

_EVERYWHERE = frozenset({"D:sync-collection", "D:expand-property", "D:principal-property-search"}) | frozenset(
    {"D:principal-search-property-set"}
)
_OF_CALENDARS = frozenset({"C:calendar-query", "C:calendar-multiget", "C:free-busy-query"})
_OF_CONTACTS = frozenset({"CR:addressbook-query", "CR:addressbook-multiget"})
_MAX_FREE_BUSY_DAYS = 366 * 2


@dataclass(frozen=True, slots=True)
class Report:
    """Holds a parsed REPORT: its name in Radicale's short form, its query, and the body for Radicale.

    ``card_version`` is the version of vCard that it wants contacts in.
    """

    name: str
    query: Query
    body: bytes
    card_version: str


def read_report(root: ET.Element, collection: Name | None) -> Report:
    """Parse a REPORT on a collection or an item in it; None: on any other path. Raises RefusedError."""
    name = xmlutils.make_human_tag(root.tag)
    own = _OF_CONTACTS if collection is Name.ADDRESSES else _OF_CALENDARS
    if name not in _EVERYWHERE | (own if collection is not None else _OF_CALENDARS | _OF_CONTACTS):
        raise RefusedError(f"there is no report {name[:60]!r} here", 403, "D:supported-report")
    try:
        query = _query(root, name)
        if name == "C:free-busy-query":
            _require_bounded_free_busy(root)
    except FilterError as error:
        space = "CR" if collection is Name.ADDRESSES else "C"
        raise RefusedError(f"the filter cannot be answered: {error}", 403, f"{space}:{error.condition}") from error
    _require_hrefs(root)
    version = card_versions.require_version(root) if collection is Name.ADDRESSES else VCARD_3
    return Report(name, query, ET.tostring(root, encoding="utf-8"), version)


def _query(root: ET.Element, name: str) -> Query:
    """Remove the filter and ``expand`` from a report and return them."""
    query = Query()
    for element in [child for child in root if child.tag in (f"{{{CALDAV}}}filter", f"{{{CARDDAV}}}filter")]:
        root.remove(element)
        if name == "C:calendar-query" and element.tag == f"{{{CALDAV}}}filter":
            query.calendar = read_calendar_filter(element)
        elif name == "CR:addressbook-query" and element.tag == f"{{{CARDDAV}}}filter":
            query.card = read_card_filter(element)
    for data in root.iter(f"{{{CALDAV}}}calendar-data"):
        for element in data.findall(f"{{{CALDAV}}}expand"):
            data.remove(element)
            if element.get("start") is None or element.get("end") is None:
                raise FilterError("expand needs a start and an end", "valid-filter")
            query.expand = read_time_range(element)
    return query


def _require_bounded_free_busy(root: ET.Element) -> None:
    """Raise FilterError for a free-busy-query without a time range, or over a long one (expanding takes time)."""
    element = root.find(f"{{{CALDAV}}}time-range")
    if element is None or element.get("start") is None or element.get("end") is None:
        raise FilterError("a free-busy-query needs a time range with a start and an end", "valid-filter")
    wanted = read_time_range(element)
    if (wanted.end - wanted.start).days > _MAX_FREE_BUSY_DAYS:
        raise FilterError(f"a free-busy-query reaches over {_MAX_FREE_BUSY_DAYS} days at most", "max-instances")
    if not datetime(1970, 1, 1) <= wanted.start.replace(tzinfo=None) <= datetime(2100, 1, 1):
        raise FilterError("a free-busy-query lies between 1970 and 2100", "max-date-time")


def _require_hrefs(root: ET.Element) -> None:
    """Raise RefusedError (400) for a malformed href; normalise the others.

    Radicale keeps trailing white space as part of the name, and drops what follows a semicolon.
    """
    for element in root.findall(xmlutils.make_clark("D:href")):
        text = (element.text or "").strip()
        try:
            sound = bool(urlsplit(text).path)
        except ValueError:
            sound = False
        if not sound:
            raise RefusedError(f"not an href: {text[:60]!r}", 400)
        element.text = text.replace(";", "%3B")
