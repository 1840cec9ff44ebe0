"""What hot requests tell of many items: narrow rows, each list by one statement that is made once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Row, Select, and_, bindparam, select, true

from radicale_flowfact.dav import tables
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.items import chunks
from radicale_flowfact.dav.session import Name, Session
from radicale_flowfact.dav.tables import text_hash
from radicale_flowfact.ical_reading import JOURNAL

_item, _version, _collection = tables.item.c, tables.version.c, tables.collection.c
MINE = and_(_item.collection_id == bindparam("collection"), _item.live == true())
_SERVED = and_(_version.item_id == _item.id, _version.etag == _item.etag)
TEXTS: Select[int, str, str, str] = select(_item.id, _item.href, _item.etag, _version.text).join_from(
    tables.item, tables.version, _SERVED
)

_ETAGS: Select[str, str] = select(_item.href, _item.etag).where(MINE)
_FIRST = _ETAGS.where(_item.born <= bindparam("upto"))
_CHANGED: Select[str, str, bool] = (
    select(_item.href, _item.etag, _item.live)
    .where(_item.collection_id == bindparam("collection"))
    .where(_item.number > bindparam("after"), _item.number <= bindparam("upto"))
)
_AT = TEXTS.where(MINE, _item.href_hash.in_(bindparam("hashes", expanding=True)))
_ONE: Select[int, str, str, str, datetime] = (
    select(_item.id, _item.component, _item.etag, _version.text, _item.modified)
    .join_from(tables.item, tables.version, _SERVED)
    .join(tables.collection, _collection.id == _item.collection_id)
    .where(_collection.login == bindparam("login"), _collection.name == bindparam("name"))
    .where(_item.href_hash == bindparam("hash"), _item.live == true())
)
_NOTES = select(_item.id).where(MINE, _item.component == JOURNAL).limit(1)


def etags(session: Session, collection: Collection) -> Sequence[Row[str, str]]:
    """Return href and ETag of every item."""
    return session.connection.execute(_ETAGS, {"collection": collection.id}).all()


def first(session: Session, collection: Collection) -> Sequence[Row[str, str]]:
    """Return href and ETag of every item that the collection's sync token knows of.

    What came meanwhile is told by the next sync, and not twice.
    """
    return session.connection.execute(_FIRST, {"collection": collection.id, "upto": collection.number}).all()


def has_notes(session: Session, collection: Collection) -> bool:
    """Return whether there is a note among the items."""
    return session.connection.execute(_NOTES, {"collection": collection.id}).first() is not None


def changed(session: Session, collection: Collection, after: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Return href and ETag of what changed after a number, and the hrefs of what is gone since.

    What came and went is told of, too (RFC 6578 §3.5.2): the device may have made it itself.
    """
    asked = {"collection": collection.id, "after": after, "upto": collection.number}
    there, gone = [], []
    for href, etag, live in session.connection.execute(_CHANGED, asked):
        if live:
            there.append((href, etag))
        else:
            gone.append(href)
    return there, gone


def texts_at(session: Session, collection: Collection, hrefs: Iterable[str]) -> list[tuple[int, str, str, str]]:
    """Return id, href, ETag and text of the items at these hrefs."""
    found: list[tuple[int, str, str, str]] = []
    for chunk in chunks(sorted({text_hash(href) for href in hrefs})):
        rows = session.connection.execute(_AT, {"collection": collection.id, "hashes": chunk})
        found += [(item_id, href, etag, text) for item_id, href, etag, text in rows]
    return found


def text_of(session: Session, login: str, name: Name, href: str) -> Row[int, str, str, str, datetime] | None:
    """Return id, component, ETag, text and time of the last change (UTC) of one item, or None."""
    asked = {"login": login, "name": name.value, "hash": text_hash(href)}
    return session.connection.execute(_ONE, asked).one_or_none()
