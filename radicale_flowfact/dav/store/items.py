"""Reads and writes items: one row for each record that a user ever had, whatever became of it.

A row keeps the UID and href for ever, so a record that comes back comes back as itself (rule 15).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Update,
    and_,
    bindparam,
    false,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from radicale_flowfact.crm.sums import NOTHING, UNCOUNTED, Share, Sums
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.tables import text_hash
from radicale_flowfact.records import RecordKey, Table, dsn_key

_CHUNK = 500
NO_SIDECAR = "[]"
"""The column of an item without sidecar lines."""


class Gone(StrEnum):
    """Who took an item off the devices (rule 15): its user, the office, or the window of the past (rule 4).

    ``SETTLED``: the office, and the admin confirmed it. ``HELD``: the office, but the safety stop keeps it live.
    ``LEAVING``: the window, but a device moved it there itself, so it stays live until the next upkeep.
    """

    USER = "user"
    OFFICE = "office"
    WINDOW = "window"
    SETTLED = "settled"
    HELD = "held"
    LEAVING = "leaving"


MENDED = "mended: "
"""Prefix of the fault of an item that was sent with what cannot be read, and is served as it was meant (rule 28)."""
RECURRING = "recurring"
"""Why an item that repeats stays on the devices."""
_T = TypeVar("_T")
Text = tuple[int, str, str, str, int]
"""Id, href, ETag, text and number of an item."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item without its text and sidecar; ``dav.store.tables`` describes the columns."""

    id: int
    collection_id: int
    href: str
    uid: str
    record: str
    dsn: str | None = None
    live: bool = False
    hidden: bool = False
    gone_by: str = ""
    went: int = 0
    number: int = 0
    born: int = 0
    sums: str = ""
    bucket: int = 0
    rendered: str = ""
    etag: str = ""
    component: str = ""
    starts: int = 0
    ends: int = 0
    modified: datetime = datetime.min
    device_only: str = ""
    fault: str = ""

    @property
    def in_scope(self) -> bool:
        """Whether the record was in scope at the last comparison, hidden or not."""
        return bool(self.sums)

    @property
    def is_listed(self) -> bool:
        """Whether the item stands for a record that was in scope, or that a device made since."""
        return self.dsn is not None and (self.live or self.in_scope)

    @property
    def recurs(self) -> bool:
        """Whether the item is a series, so that it takes place more often than ``starts`` and ``ends`` say."""
        return self.device_only == RECURRING

    @property
    def share(self) -> Share:
        """What the record adds to the collection's fingerprint, as of the last comparison."""
        return (self.bucket, Sums.parse(self.sums)) if self.sums else NOTHING

    @property
    def key(self) -> RecordKey | None:
        """The FlowFact record behind the item, or None for a device-only item."""
        return RecordKey(Table(self.record.partition(":")[0]), self.dsn) if self.dsn is not None else None


COLUMNS = tuple(tables.item.c[field.name] for field in fields(Item))
# Statements of every write are composed once: composing one takes longer than running it.
OF_COLLECTION = and_(
    tables.item.c.collection_id == bindparam("collection"),
    tables.item.c.id.between(bindparam("first_id"), bindparam("last_id")),
)
"""Whether an item is a collection's, by its clustered key as well; ``of`` gives the parameters."""
_AT = select(*COLUMNS).where(OF_COLLECTION, tables.item.c.href_hash == bindparam("hash"))
_SIDECARS = select(tables.item.c.id, tables.item.c.sidecar).where(
    tables.item.c.id.in_(bindparam("ids", expanding=True))
)
_INSERT = insert(tables.item)


def record_name(table: Table, dsn: str) -> str:
    """Return the value of ``Item.record`` for a FlowFact record."""
    return f"{table.value}:{dsn_key(dsn)}"


def device_name(uid: str) -> str:
    """Return the value of ``Item.record`` for a device-only item."""
    return f"-:{text_hash(uid)}"


def of(collection_id: int) -> dict[str, object]:
    """Return the parameters of ``OF_COLLECTION`` for a collection."""
    first, last = tables.item_ids(collection_id)
    return {"collection": collection_id, "first_id": first, "last_id": last}


def _within(collection_id: int) -> ColumnElement[bool]:
    item = tables.item.c
    return and_(item.collection_id == collection_id, item.id.between(*tables.item_ids(collection_id)))


def of_collection(session: Session, collection_id: int) -> list[Item]:
    """Return every item that the collection ever had, live or not."""
    return _items(session, _within(collection_id))


def in_buckets(session: Session, collection_id: int, buckets: Iterable[int]) -> list[Item]:
    """Return the items that count in these buckets of the fingerprint, and live ones that count in none."""
    item = tables.item.c
    counted = and_(item.bucket.in_(sorted(buckets)), item.sums != "")
    return _items(session, _within(collection_id), or_(counted, item.bucket == UNCOUNTED))


def live(session: Session, collection_id: int) -> list[Item]:
    """Return the items that the devices should have, ordered by href."""
    return sorted(
        _items(session, _within(collection_id), tables.item.c.live == True),  # noqa: E712
        key=lambda item: item.href,
    )


def noted(session: Session, collection_id: int) -> list[Item]:
    """Return the live items of which ``status`` tells: those with a fault, and device-only ones."""
    table = tables.item
    of_note = or_(table.c.fault != "", table.c.device_only != "")
    return _items(session, _within(collection_id), table.c.live == True, of_note)  # noqa: E712


def leaving(session: Session, before: datetime) -> list[Item]:
    """Return the items of all collections that devices moved out of the window before then (UTC, rule 4)."""
    item = tables.item.c
    return _items(session, item.gone_by == Gone.LEAVING, item.live == True, item.modified < before)  # noqa: E712


def changed_since(session: Session, collection_id: int, after: int, upto: int) -> list[Item]:
    """Return the items whose last change has a journal number in (after, upto], in that order."""
    number = tables.item.c.number
    found = _items(session, _within(collection_id), number > after, number <= upto)
    return sorted(found, key=lambda item: item.number)


def overlapping(session: Session, collection_id: int, start: int, end: int) -> list[Item]:
    """Return the live items whose times overlap [start, end), in Unix seconds."""
    return _items(
        session,
        _within(collection_id),
        tables.item.c.live == True,  # noqa: E712
        takes_place(literal(start), literal(end)),
    )


def takes_place(start: ColumnElement[int], end: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that an item's times overlap [start, end), in Unix seconds.

    Items that last at most ``tables.LASTING`` are found by the index on their start.
    """
    item = tables.item.c
    short = and_(item.lasting == false(), item.starts > start - tables.LASTING - 1)
    return and_(or_(short, item.lasting == true()), item.starts < end, item.ends > start)


def at(session: Session, collection_id: int, href: str) -> Item | None:
    """Return the item at an href, live or not."""
    asked = {**of(collection_id), "hash": text_hash(href)}
    row = session.connection.execute(_AT, asked).one_or_none()
    return None if row is None else Item(*row)


def by_hrefs(session: Session, collection_id: int, hrefs: Iterable[str]) -> dict[str, Item]:
    """Return the items at these hrefs by href, live or not; missing ones are left out."""
    found: dict[str, Item] = {}
    wanted = {text_hash(href): href for href in hrefs}
    for chunk in chunks(sorted(wanted)):
        condition = tables.item.c.href_hash.in_(chunk)
        for item in _items(session, _within(collection_id), condition):
            found[item.href] = item
    return found


def by_uid(session: Session, collection_id: int, uid: str) -> Item | None:
    """Return the item with this UID; a live one first, else the one changed last."""
    found = _items(session, _within(collection_id), tables.item.c.uid_hash == text_hash(uid))
    return max(found, key=lambda item: (item.live, item.number), default=None)


def known_uids(session: Session, collection_id: int, uids: Iterable[str]) -> set[str]:
    """Return which of these UIDs the collection ever had."""
    item = tables.item.c
    found: set[str] = set()
    for chunk in chunks(sorted(text_hash(uid) for uid in uids)):
        mine = select(item.uid).where(_within(collection_id), item.uid_hash.in_(chunk))
        found |= set(session.connection.scalars(mine))
    return found


def by_record(session: Session, collection_id: int, record: str) -> Item | None:
    """Return the item of a record, named by ``record_name``, or None."""
    found = _items(session, _within(collection_id), tables.item.c.record == record)
    return found[0] if found else None


def by_records(session: Session, collection_id: int, records: Iterable[str]) -> list[Item]:
    """Return the items of records, named by ``record_name``."""
    found: list[Item] = []
    for chunk in chunks(sorted(records)):
        found += _items(session, _within(collection_id), tables.item.c.record.in_(chunk))
    return found


def sidecars(session: Session, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the sidecars of items by item id."""
    found: dict[int, tuple[str, ...]] = {}
    for chunk in chunks(sorted(ids)):
        rows = session.connection.execute(_SIDECARS, {"ids": chunk})
        found |= {row.id: tuple(json.loads(row.sidecar)) for row in rows}
    return found


def insert_items(session: Session, rows: Sequence[tuple[Item, tuple[str, ...]]]) -> None:
    """Insert new items with their sidecars."""
    if rows:
        session.connection.execute(_INSERT, [_values(item, sidecar) for item, sidecar in rows])


def update_items(session: Session, rows: Sequence[tuple[Item, tuple[str, ...] | None]]) -> None:
    """Update changed items; a sidecar of None stays as it is."""
    for with_sidecar, statement in ((True, _UPDATE_WITH_SIDECAR), (False, _UPDATE)):
        batch = [_values(item, sidecar) for item, sidecar in rows if (sidecar is not None) == with_sidecar]
        if batch:
            parameters = [{f"new_{name}": value for name, value in values.items()} for values in batch]
            session.connection.execute(statement, parameters)


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield pieces of a list small enough for the parameters of one statement."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _values(item: Item, sidecar: tuple[str, ...] | None) -> dict[str, object]:
    row: dict[str, object] = {field.name: getattr(item, field.name) for field in fields(Item)}
    row |= {"href_hash": text_hash(item.href), "uid_hash": text_hash(item.uid)}
    row["lasting"] = item.ends - item.starts > tables.LASTING
    if sidecar is not None:
        row["sidecar"] = json.dumps(sidecar, ensure_ascii=False)
    return row


def _update(*more: str) -> Update:
    names = [field.name for field in fields(Item) if field.name != "id"]
    names += ["href_hash", "uid_hash", "lasting", *more]
    new: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in names}
    return update(tables.item).where(tables.item.c.id == bindparam("new_id")).values(new)


_UPDATE, _UPDATE_WITH_SIDECAR = _update(), _update("sidecar")


def _items(session: Session, *conditions: ColumnElement[bool]) -> list[Item]:
    return [Item(*row) for row in session.connection.execute(select(*COLUMNS).where(*conditions))]
