"""Finds contacts by a text in them (addressbook-query, RFC 6352 §8.6) without parsing them all.

Each contact's values are stored in one narrow row, in lower case. A contact whose row holds the text is only a
candidate: the filter is then tested on its whole text. A row that is older than the contact makes it a candidate, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, delete, insert, or_, select, true, update

from radicale_flowfact.content.contentlines import PayloadError, split_lines, unescape
from radicale_flowfact.database.engines import holds
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Text
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.queries.filters import BINARY, CardFilter

_INSERT = insert(tables.search)
_UPDATE = (
    update(tables.search)
    .where(tables.search.c.item_id == bindparam("item"))
    .values(etag=bindparam("new_etag"), text=bindparam("new_text"))
)
_DELETE = delete(tables.search).where(tables.search.c.item_id == bindparam("item"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A contact as it is served: its item's id, ETag and text."""

    item_id: int
    etag: str
    text: str


def index(session: Session, collection: Collection, entries: Iterable[Entry], fresh: Set[int]) -> None:
    """Store by what contacts can be found, replacing what was stored before.

    ``fresh``: the ids of items that are new themselves, which have no rows yet.
    """
    texts = {entry.item_id: (entry.etag, values_of(entry.text)) for entry in entries}
    known = texts.keys() - fresh
    if len(known) == 1:  # the case of a PUT
        (item_id,) = known
        etag, text = texts[item_id]
        updated = session.connection.execute(_UPDATE, {"item": item_id, "new_etag": etag, "new_text": text})
        if updated.rowcount == 1:
            del texts[item_id]
    elif known:
        session.connection.execute(_DELETE, [{"item": item_id} for item_id in sorted(known)])
    rows = [
        {"item_id": item_id, "collection_id": collection.id, "etag": etag, "text": text}
        for item_id, (etag, text) in texts.items()
    ]
    if rows:
        session.connection.execute(_INSERT, rows)


def values_of(text: str) -> str:
    """Return the values of a contact's lines in lower case, without pictures and keys; empty if it cannot be parsed."""
    try:
        lines = split_lines(text)
    except PayloadError:
        return ""
    return "\n".join(unescape(line.value) for line in lines if line.name not in BINARY).casefold()


def matching(session: Session, collection: Collection, wanted: CardFilter) -> list[Text]:
    """Return the contacts that match, with their texts; one that cannot be parsed matches, so that it is not lost."""
    return [row for row in candidates(session, collection, wanted.texts()) if _matches(wanted, row[3])]


def _matches(wanted: CardFilter, text: str) -> bool:
    try:
        return wanted.matches(text)
    except PayloadError:
        return True


def candidates(session: Session, collection: Collection, texts: Sequence[str]) -> list[Text]:
    """Return the contacts that may contain one of the texts (in lower case)."""
    item, search, version = tables.item, tables.search, tables.version
    found = or_(search.c.etag != item.c.etag, *(holds(search.c.text, text) for text in texts))
    statement = (
        select(item.c.id, item.c.href, item.c.etag, version.c.text, item.c.number)
        .join_from(search, item, and_(item.c.id == search.c.item_id, item.c.live == true()))
        .join(version, and_(version.c.item_id == item.c.id, version.c.etag == item.c.etag))
        .where(search.c.item_id.between(*tables.item_ids(collection.id)), found)
    )
    return [tuple(row) for row in session.connection.execute(statement)]
