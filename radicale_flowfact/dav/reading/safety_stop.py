"""The safety stop: holds what the office takes off a user's devices if it is too much within a day (rule 30)."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection as SomeOf
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from radicale_flowfact.dav.store import items, tables
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Gone, Item
from radicale_flowfact.dav.store.session import Session

SINCE = "%Y-%m-%d %H:%M UTC"
"""How a stop keeps the moment since when it holds."""
_DAY = timedelta(days=1)
_logger = logging.getLogger("radicale")  # Radicale's own, so that it all goes to one place
_item, _journal = tables.item.c, tables.journal.c


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on items that would vanish: who takes each (by item id), and the collection's new ``stopped``."""

    takers: Mapping[int, Gone]
    stopped: str = ""


def judge(session: Session, collection: Collection, leaving: Sequence[Item]) -> Verdict:
    """Decide what becomes of the live items that the office took out of scope (``leaving``). Writes nothing.

    What vanished within the last day counts, too, in one comparison or in many. The day is told by journal numbers, not
    by items' clocks. What the admin confirmed does not count; what would vanish beside it does. Logs an error when the
    stop begins.
    """
    if collection.is_held:
        return _while_held(session, collection, leaving)
    held_first = sorted(leaving, key=lambda item: item.gone_by != Gone.HELD)
    settled, asked = held_first[: collection.confirmed], held_first[collection.confirmed :]
    gone, there = _too_much(session, collection, asked)
    if not there:
        return Verdict(_all(settled, Gone.SETTLED) | _all(asked, Gone.OFFICE))
    _logger.error(
        "STOPPED: %d of %d items of %s/%s would vanish%s; they stay until: radicale-flowfact confirm %s",
        *(len(leaving), there, collection.login, collection.name.value, beside(gone), collection.login),
    )
    since = f"{session.utc:{SINCE}}"
    stop = json.dumps({"vanish": len(leaving), "of": there, "gone": gone, "since": since})
    return Verdict(_all(leaving, Gone.HELD), stop)


def beside(gone: int) -> str:
    """Return the words for what vanished already within the day; empty if nothing did."""
    return f", beside {gone} that did within a day" if gone else ""


def _while_held(session: Session, collection: Collection, leaving: Sequence[Item]) -> Verdict:
    """Keep holding what is held; what vanished since may go while that is little within the day.

    Ends by itself once enough of it came back.
    """
    stop = json.loads(collection.stopped)
    gone = stop.get("gone", 0)
    held = [item for item in leaving if item.gone_by == Gone.HELD]
    fresh = [item for item in leaving if item.gone_by != Gone.HELD]
    if fresh and _vanished(session, collection, _day_began(session, collection)) + len(fresh) >= _fewest(session):
        held, fresh = [*held, *fresh], []
    of = max(stop["of"], gone + len(held))
    if not held or not _is_too_much(session, gone + len(held), of):
        return Verdict(_all(leaving, Gone.OFFICE))
    stop |= {"vanish": len(held), "of": of, "gone": gone}
    return Verdict(_all(held, Gone.HELD) | _all(fresh, Gone.OFFICE), json.dumps(stop))


def _too_much(session: Session, collection: Collection, asked: SomeOf[Item]) -> tuple[int, int]:
    """Return how many vanished already, and the total, if together with ``asked`` they are too many; else zeros.

    They are compared with what the collection has and had within the day. Those that existed when the day began are
    also compared with the total at that time. So neither items added since nor a small beginning hides a loss.
    """
    if not asked:
        return 0, 0
    began = _day_began(session, collection)
    gone = _vanished(session, collection, began)
    if gone + len(asked) < _fewest(session):
        return 0, 0
    there = _count(session, collection, _item.live == true()) + gone
    if _is_too_much(session, gone + len(asked), there):
        return gone, there
    was_there = _item.born.between(1, began)
    old = _vanished(session, collection, began, was_there) + sum(1 <= item.born <= began for item in asked)
    held = _count(session, collection, was_there, or_(_item.live == true(), _item.went > began))
    return (gone, held) if _is_too_much(session, old, held) else (0, 0)


def _is_too_much(session: Session, vanishing: int, there: int) -> bool:
    limits = session.settings.safety
    return vanishing >= _fewest(session) and vanishing * 100 > limits.max_vanish_percent * there


def _fewest(session: Session) -> int:
    return max(1, session.settings.safety.max_vanish_items)


def _day_began(session: Session, collection: Collection) -> int:
    """Return the journal number of a day ago; 0 for a younger collection."""
    mine = (_journal.collection_id == collection.id, _journal.made <= session.utc - _DAY)
    newest = select(_journal.last_number).where(*mine).order_by(_journal.last_number.desc()).limit(1)
    return session.connection.scalar(newest) or 0


def _vanished(session: Session, collection: Collection, after: int, *more: ColumnElement[bool]) -> int:
    """Return how many items the office took off after a journal number, without confirmed ones."""
    lately = and_(_item.number > after, _item.went > after, _item.live != true())
    return _count(session, collection, lately, _item.gone_by == Gone.OFFICE, *more)


def _count(session: Session, collection: Collection, *conditions: ColumnElement[bool]) -> int:
    """Return how many items with records meet the conditions."""
    of_records = select(func.count()).where(items.OF_COLLECTION, _item.dsn.is_not(None), *conditions)
    return session.connection.scalar(of_records, items.of(collection.id)) or 0


def _all(some: SomeOf[Item], taker: Gone) -> dict[int, Gone]:
    return dict.fromkeys((item.id for item in some), taker)
