"""Items and identities: one row for each record a user ever had, whatever became of it.

A row keeps the UID and href for ever, so a record that comes back comes back as itself (rule 15).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    true,
    update,
)

from radicale_flowfact.crm.sums import NOTHING, UNCOUNTED, Share, Sums
from radicale_flowfact.dav import tables
from radicale_flowfact.dav.session import Session
from radicale_flowfact.dav.tables import text_hash
from radicale_flowfact.records import RecordKey, Table, dsn_key

_CHUNK = 500
RECURRING = "recurring"
"""Why an item that repeats stays on the devices."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Item:
    """What a listing needs of an item: everything but its text and its sidecar. The columns say more."""

    id: int
    collection_id: int
    href: str
    uid: str
    record: str
    dsn: str | None = None
    live: bool = False
    hidden: bool = False
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
        """Whether the record was in scope at the last look, hidden or not."""
        return bool(self.sums)

    @property
    def is_listed(self) -> bool:
        """Whether the item stands for a record that was in scope, or that the device just made."""
        return self.dsn is not None and (self.live or self.in_scope)

    @property
    def recurs(self) -> bool:
        """Whether the item takes place more often than ``starts`` and ``ends`` tell."""
        return self.device_only == RECURRING

    @property
    def share(self) -> Share:
        """What the record adds to the collection's fingerprint, as of the last look."""
        return (self.bucket, Sums.parse(self.sums)) if self.sums else NOTHING

    @property
    def key(self) -> RecordKey | None:
        """The FlowFact record behind the item, or None for a device-only item."""
        return RecordKey(Table(self.record.partition(":")[0]), self.dsn) if self.dsn is not None else None


COLUMNS = tuple(tables.item.c[field.name] for field in fields(Item))
# Statements of every write are made once: composing one takes longer than running it.
_AT = select(*COLUMNS).where(
    tables.item.c.collection_id == bindparam("collection"), tables.item.c.href_hash == bindparam("hash")
)
_SIDECARS = select(tables.item.c.id, tables.item.c.sidecar).where(
    tables.item.c.id.in_(bindparam("ids", expanding=True))
)
_TEXTS = select(tables.version.c.item_id, tables.version.c.etag, tables.version.c.text).where(
    tables.version.c.item_id.in_(bindparam("ids", expanding=True)),
    tables.version.c.etag.in_(bindparam("etags", expanding=True)),
)
_VERSIONS = tables.item.outerjoin(
    tables.version,
    and_(
        tables.version.c.item_id == tables.item.c.id,
        or_(tables.version.c.etag == bindparam("seen"), tables.version.c.etag == tables.item.c.etag),
    ),
)
_SEEN = (
    select(tables.item.c.sidecar, tables.item.c.etag.label("served"), tables.version.c.etag, tables.version.c.text)
    .select_from(_VERSIONS)
    .where(tables.item.c.id == bindparam("item"))
)
_INSERT, _INSERT_VERSION = insert(tables.item), insert(tables.version)
_MAKE_YOUNG = (
    update(tables.version)
    .where(tables.version.c.item_id == bindparam("item"), tables.version.c.etag == bindparam("version"))
    .values(made=bindparam("now"))
)
_ETAGS = select(tables.version.c.item_id, tables.version.c.etag).where(
    tables.version.c.item_id.in_(bindparam("ids", expanding=True))
)


def record_name(table: Table, dsn: str) -> str:
    """Return the name under which an item remembers its record."""
    return f"{table.value}:{dsn_key(dsn)}"


def device_name(uid: str) -> str:
    """Return the name under which a device-only item stands in place of a record."""
    return f"-:{text_hash(uid)}"


def of_collection(session: Session, collection_id: int) -> list[Item]:
    """Return every item that the collection ever had."""
    return _items(session, tables.item.c.collection_id == collection_id)


def in_buckets(session: Session, collection_id: int, buckets: Iterable[int]) -> list[Item]:
    """Return the items that count in these buckets of the fingerprint, and shown ones that count in none."""
    item = tables.item.c
    counted = and_(item.bucket.in_(sorted(buckets)), item.sums != "")
    return _items(session, item.collection_id == collection_id, or_(counted, item.bucket == UNCOUNTED))


def live(session: Session, collection_id: int) -> list[Item]:
    """Return the items that the device should have, ordered by href."""
    return sorted(
        _items(session, tables.item.c.collection_id == collection_id, tables.item.c.live == True),  # noqa: E712
        key=lambda item: item.href,
    )


def noted(session: Session, collection_id: int) -> list[Item]:
    """Return the live items that the admin should know of: those with a fault, and the device-only ones."""
    table = tables.item
    of_note = or_(table.c.fault != "", table.c.device_only != "")
    return _items(session, table.c.collection_id == collection_id, table.c.live == True, of_note)  # noqa: E712


def changed_since(session: Session, collection_id: int, after: int, upto: int) -> list[Item]:
    """Return the items whose last change has a number in (after, upto], in that order."""
    number = tables.item.c.number
    found = _items(session, tables.item.c.collection_id == collection_id, number > after, number <= upto)
    return sorted(found, key=lambda item: item.number)


def overlapping(session: Session, collection_id: int, start: int, end: int) -> list[Item]:
    """Return the live items whose time range touches [start, end), in Unix seconds."""
    return _items(
        session,
        tables.item.c.collection_id == collection_id,
        tables.item.c.live == True,  # noqa: E712
        takes_place(literal(start), literal(end)),
    )


def takes_place(start: ColumnElement[int], end: ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether an item's time range touches [start, end): the index by start serves what does not last long."""
    item = tables.item.c
    short = and_(item.lasting == false(), item.starts > start - tables.LASTING - 1)
    return and_(or_(short, item.lasting == true()), item.starts < end, item.ends > start)


def at(session: Session, collection_id: int, href: str) -> Item | None:
    """Return the item at an href, live or not."""
    asked = {"collection": collection_id, "hash": text_hash(href)}
    row = session.connection.execute(_AT, asked).one_or_none()
    return None if row is None else Item(*row)


def by_hrefs(session: Session, collection_id: int, hrefs: Iterable[str]) -> dict[str, Item]:
    """Return the items at these hrefs, live or not."""
    found: dict[str, Item] = {}
    wanted = {text_hash(href): href for href in hrefs}
    for chunk in chunks(sorted(wanted)):
        condition = tables.item.c.href_hash.in_(chunk)
        for item in _items(session, tables.item.c.collection_id == collection_id, condition):
            found[item.href] = item
    return found


def by_uid(session: Session, collection_id: int, uid: str) -> Item | None:
    """Return the item with this UID, live or not; a live one first."""
    found = _items(session, tables.item.c.collection_id == collection_id, tables.item.c.uid_hash == text_hash(uid))
    return max(found, key=lambda item: (item.live, item.number), default=None)


def known_uids(session: Session, collection_id: int, uids: Iterable[str]) -> set[str]:
    """Return which of these UIDs the collection ever had."""
    item = tables.item.c
    found: set[str] = set()
    for chunk in chunks(sorted(text_hash(uid) for uid in uids)):
        mine = select(item.uid).where(item.collection_id == collection_id, item.uid_hash.in_(chunk))
        found |= set(session.connection.scalars(mine))
    return found


def by_record(session: Session, collection_id: int, record: str) -> Item | None:
    """Return the item of this record, by ``record_name``."""
    found = _items(session, tables.item.c.collection_id == collection_id, tables.item.c.record == record)
    return found[0] if found else None


def by_records(session: Session, collection_id: int, records: Iterable[str]) -> list[Item]:
    """Return the items of these records, by ``record_name``."""
    found: list[Item] = []
    for chunk in chunks(sorted(records)):
        found += _items(session, tables.item.c.collection_id == collection_id, tables.item.c.record.in_(chunk))
    return found


def shown_records(session: Session, collection_id: int) -> int:
    """Return how many live items there are of FlowFact's records."""
    item = tables.item.c
    mine = and_(item.collection_id == collection_id, item.live == true(), item.dsn.is_not(None))
    return session.connection.scalar(select(func.count()).where(mine)) or 0


def sidecars(session: Session, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the sidecars of these items."""
    found: dict[int, tuple[str, ...]] = {}
    for chunk in chunks(sorted(ids)):
        rows = session.connection.execute(_SIDECARS, {"ids": chunk})
        found |= {row.id: tuple(json.loads(row.sidecar)) for row in rows}
    return found


def texts(session: Session, versions: Iterable[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return the texts of versions named by (item id, ETag); those no longer kept are left out."""
    wanted = set(versions)
    found: dict[tuple[int, str], str] = {}
    for chunk in chunks(sorted(wanted)):
        ids, etags = {item_id for item_id, _ in chunk}, {etag for _, etag in chunk}
        rows = session.connection.execute(_TEXTS, {"ids": sorted(ids), "etags": sorted(etags)})
        found |= {(row.item_id, row.etag): row.text for row in rows if (row.item_id, row.etag) in wanted}
    return found


def seen_at(session: Session, item_id: int, etag: str) -> tuple[tuple[str, ...], str | None]:
    """Return an item's sidecar, and its text as it was at an ETag, else as it is served; None if neither is kept."""
    rows = session.connection.execute(_SEEN, {"item": item_id, "seen": etag}).all()
    kept = {row.etag: row.text for row in rows}
    return tuple(json.loads(rows[0].sidecar)), kept.get(etag, kept.get(rows[0].served))


def insert_items(session: Session, rows: Sequence[tuple[Item, tuple[str, ...]]]) -> None:
    """Add new items with their sidecars."""
    if rows:
        session.connection.execute(_INSERT, [_values(item, sidecar) for item, sidecar in rows])


def update_items(session: Session, rows: Sequence[tuple[Item, tuple[str, ...] | None]]) -> None:
    """Write items that changed; a sidecar of None stays as it is."""
    for with_sidecar, statement in ((True, _UPDATE_WITH_SIDECAR), (False, _UPDATE)):
        batch = [_values(item, sidecar) for item, sidecar in rows if (sidecar is not None) == with_sidecar]
        if batch:
            parameters = [{f"new_{name}": value for name, value in values.items()} for values in batch]
            session.connection.execute(statement, parameters)


def add_versions(session: Session, versions: Iterable[tuple[int, str, str]], fresh: Collection[int]) -> None:
    """Keep texts as (item id, ETag, text); one that is kept already is made young again.

    ``fresh``: the ids of items that are new themselves.
    """
    new = {(item_id, etag): text for item_id, etag, text in versions}
    known: set[tuple[int, str]] = set()
    for chunk in chunks(sorted({item_id for item_id, _ in new}.difference(fresh))):
        rows = session.connection.execute(_ETAGS, {"ids": chunk})
        known |= {(row.item_id, row.etag) for row in rows}
    for item_id, etag in sorted(known & new.keys()):
        session.connection.execute(_MAKE_YOUNG, {"item": item_id, "version": etag, "now": session.utc})
    rows_ = [
        {"item_id": item_id, "etag": etag, "made": session.utc, "text": text}
        for (item_id, etag), text in new.items()
        if (item_id, etag) not in known
    ]
    if rows_:
        session.connection.execute(_INSERT_VERSION, rows_)


def forget_versions(session: Session, before: datetime) -> None:
    """Drop versions made before a moment (UTC) that no item serves any more."""
    version, item = tables.version, tables.item
    served = exists().where(item.c.id == version.c.item_id, item.c.etag == version.c.etag)
    session.connection.execute(delete(version).where(version.c.made < before, not_(served)))


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut a list into pieces small enough for the parameters of one statement."""
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
