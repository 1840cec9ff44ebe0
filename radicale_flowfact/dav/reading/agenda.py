"""Finds calendar entries by time range (calendar-query, RFC 4791 §9.9) without parsing them all.

A single entry is found by the begin and end in its row. Only the text of a series is parsed.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Select, and_, bindparam, select

from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.dav.reading import listing
from radicale_flowfact.dav.store import items, tables, versions
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.queries.calendar_filters import calendar_matches
from radicale_flowfact.queries.filters import CompFilter, TimeRange
from radicale_flowfact.queries.steps import PER_QUERY, Steps

_item = tables.item.c
_start, _end = bindparam("start", type_=BigInteger), bindparam("end", type_=BigInteger)
_BETWEEN = and_(listing.MINE, items.takes_place(_start, _end), _item.component == bindparam("component"))
_TAGS: Select[int, str, str, str] = select(_item.id, _item.href, _item.etag, _item.device_only).where(_BETWEEN)
_TEXTS: Select[int, str, str, str, int, str] = listing.TEXTS.add_columns(_item.device_only).where(_BETWEEN)


def tags(session: Session, collection: Collection, component: str, wanted: TimeRange) -> list[tuple[str, str]]:
    """Return href and ETag of the entries of one component that take place in a time range."""
    rows = session.connection.execute(_TAGS, _asked(collection, component, wanted)).all()
    steps = Steps(PER_QUERY)
    recurring = [(item_id, etag) for item_id, _, etag, reason in rows if reason == items.RECURRING]
    texts = versions.texts(session, recurring) if recurring else {}
    others = {item_id for (item_id, _), text in texts.items() if not _happens(session, component, wanted, text, steps)}
    return [(href, etag) for item_id, href, etag, _ in rows if item_id not in others]


def texts(session: Session, collection: Collection, component: str, wanted: TimeRange) -> list[items.Text]:
    """Return the entries of one component that take place in a time range, with their texts.

    A series that takes too many steps, or cannot be read, is returned as if it matched.
    """
    steps = Steps(PER_QUERY)
    rows = session.connection.execute(_TEXTS, _asked(collection, component, wanted))
    return [
        (item_id, href, etag, text, number)
        for item_id, href, etag, text, number, reason in rows
        if reason != items.RECURRING or _happens(session, component, wanted, text, steps)
    ]


def _asked(collection: Collection, component: str, wanted: TimeRange) -> dict[str, object]:
    start, end = int(wanted.start.timestamp()), int(wanted.end.timestamp())
    return {**items.of(collection.id), "component": component, "start": start, "end": end}


def _happens(session: Session, component: str, wanted: TimeRange, text: str, steps: Steps) -> bool:
    """Return whether an occurrence of a series is in the time range, or may be; True for one that cannot be read."""
    filter_ = CompFilter("VCALENDAR", comps=(CompFilter(component, time_range=wanted),))
    try:
        return calendar_matches(text, filter_, session.settings.zone, steps)
    except PayloadError:
        return True
