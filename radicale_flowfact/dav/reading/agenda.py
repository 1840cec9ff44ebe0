"""Finds calendar entries by their time alone (calendar-query, RFC 4791 §9.9) without reading them all.

What takes place once does so between the times that its row has; the text is looked into only of what recurs.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Select, and_, bindparam, select

from radicale_flowfact.calendar_filtering import calendar_matches
from radicale_flowfact.contentlines import PayloadError
from radicale_flowfact.dav import items, listing, tables
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.session import Session
from radicale_flowfact.filtering import CompFilter, TimeRange

_item = tables.item.c
_start, _end = bindparam("start", type_=BigInteger), bindparam("end", type_=BigInteger)
_BETWEEN = and_(listing.MINE, items.takes_place(_start, _end), _item.component == bindparam("component"))
_TAGS: Select[int, str, str, str] = select(_item.id, _item.href, _item.etag, _item.device_only).where(_BETWEEN)
_TEXTS: Select[int, str, str, str, str] = listing.TEXTS.add_columns(_item.device_only).where(_BETWEEN)


def tags(session: Session, collection: Collection, component: str, wanted: TimeRange) -> list[tuple[str, str]]:
    """Return href and ETag of the entries that take place in a time range."""
    rows = session.connection.execute(_TAGS, _asked(collection, component, wanted)).all()
    recurring = [(item_id, etag) for item_id, _, etag, reason in rows if reason == items.RECURRING]
    texts = items.texts(session, recurring) if recurring else {}
    others = {item_id for (item_id, _), text in texts.items() if not _happens(session, component, wanted, text)}
    return [(href, etag) for item_id, href, etag, _ in rows if item_id not in others]


def texts(
    session: Session, collection: Collection, component: str, wanted: TimeRange
) -> list[tuple[int, str, str, str]]:
    """Return id, href, ETag and text of the entries that take place in a time range."""
    rows = session.connection.execute(_TEXTS, _asked(collection, component, wanted))
    return [
        (item_id, href, etag, text)
        for item_id, href, etag, text, reason in rows
        if reason != items.RECURRING or _happens(session, component, wanted, text)
    ]


def _asked(collection: Collection, component: str, wanted: TimeRange) -> dict[str, object]:
    start, end = int(wanted.start.timestamp()), int(wanted.end.timestamp())
    return {"collection": collection.id, "component": component, "start": start, "end": end}


def _happens(session: Session, component: str, wanted: TimeRange, text: str) -> bool:
    """Return whether one of a series is in the time range; one that cannot be read is, so that it is not lost."""
    filter_ = CompFilter("VCALENDAR", comps=(CompFilter(component, time_range=wanted),))
    try:
        return calendar_matches(text, filter_, session.settings.zone)
    except PayloadError:
        return True
