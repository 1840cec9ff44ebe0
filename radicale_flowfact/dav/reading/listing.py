"""Lists many items for frequent requests: each list is one statement, composed once, that reads few columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Row, Select, and_, bindparam, cast, literal, select, true

from radicale_flowfact.dav.store import items, journal, tables
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Text, chunks
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.tables import text_hash
from radicale_flowfact.ical_map import JOURNAL

Tag = tuple[str, str]
"""Href and ETag of an item."""
_item, _version, _collection = tables.item.c, tables.version.c, tables.collection.c
MINE = and_(items.OF_COLLECTION, _item.live == true())
_SERVED = and_(_version.item_id == _item.id, _version.etag == _item.etag)
TEXTS: Select[int, str, str, str, int] = select(
    _item.id, _item.href, _item.etag, _version.text, _item.number
).join_from(tables.item, tables.version, _SERVED)

_ETAGS: Select[str, str] = select(_item.href, _item.etag).where(MINE)
_FIRST = _ETAGS.where(_item.born <= bindparam("upto"))
_CHANGED: Select[str, str, bool] = (
    select(_item.href, _item.etag, _item.live)
    .where(items.OF_COLLECTION)
    .where(_item.number > bindparam("after"), _item.number <= bindparam("upto"))
)
_AT = TEXTS.where(MINE, _item.href_hash.in_(bindparam("hashes", expanding=True)))
_FIRST_ID = cast(_collection.id, BigInteger) * literal(tables.item_id(1, 0), BigInteger)
_ONE: Select[int, str, str, str, datetime, int] = (
    select(_item.id, _item.component, _item.etag, _version.text, _item.modified, _item.number)
    .join_from(tables.item, tables.version, _SERVED)
    .join(tables.collection, _collection.id == _item.collection_id)
    .where(_collection.login == bindparam("login"), _collection.name == bindparam("name"))
    .where(_item.href_hash == bindparam("hash"), _item.live == true())
    .where(_item.id > _FIRST_ID, _item.id < _FIRST_ID + literal(tables.item_id(1, 0), BigInteger))
)
_NOTES = select(_item.id).where(MINE, _item.component == JOURNAL).limit(1)


def etags(session: Session, collection: Collection) -> Sequence[Row[str, str]]:
    """Return href and ETag of every item that the collection shows."""
    return session.connection.execute(_ETAGS, items.of(collection.id)).all()


def first(session: Session, collection: Collection) -> Sequence[Row[str, str]]:
    """Return href and ETag of every item up to the collection's journal number, for a first sync (RFC 6578 §3.4).

    What is newer is left to the next sync, so that nothing is announced twice.
    """
    return session.connection.execute(_FIRST, {**items.of(collection.id), "upto": collection.number}).all()


def changes(session: Session, collection: Collection, token: str) -> tuple[Sequence[Tag], Sequence[str]]:
    """Return href and ETag of what changed since a sync token, and the hrefs of what is gone (RFC 6578 §3.2).

    An empty token asks for everything. Raises InvalidTokenError for an unknown one.
    """
    if not token:
        return [(href, etag) for href, etag in first(session, collection)], []
    return changed(session, collection, journal.number_of(session, collection, token))


def has_notes(session: Session, collection: Collection) -> bool:
    """Return whether the collection shows a VJOURNAL."""
    return session.connection.execute(_NOTES, items.of(collection.id)).first() is not None


def changed(session: Session, collection: Collection, after: int) -> tuple[list[Tag], list[str]]:
    """Return href and ETag of what changed after a journal number, and the hrefs of what is gone since.

    What came and went in between is named as gone (RFC 6578 §3.5.2): the device may have made it itself.
    """
    asked = {**items.of(collection.id), "after": after, "upto": collection.number}
    there, gone = [], []
    for href, etag, live in session.connection.execute(_CHANGED, asked):
        if live:
            there.append((href, etag))
        else:
            gone.append(href)
    return there, gone


def texts_at(session: Session, collection: Collection, hrefs: Iterable[str]) -> list[Text]:
    """Return the items at these hrefs with their texts, in no order; missing ones are left out."""
    found: list[Text] = []
    for chunk in chunks(sorted({text_hash(href) for href in hrefs})):
        rows = session.connection.execute(_AT, {**items.of(collection.id), "hashes": chunk})
        found += [(item_id, href, etag, text, number) for item_id, href, etag, text, number in rows]
    return found


def text_of(session: Session, login: str, name: Name, href: str) -> Row[int, str, str, str, datetime, int] | None:
    """Return id, component, ETag, text, time of the last change (UTC) and journal number of one item, or None.

    One statement: the collection need not be opened.
    """
    asked = {"login": login, "name": name.value, "hash": text_hash(href)}
    return session.connection.execute(_ONE, asked).one_or_none()
