"""Checks what must hold within the gateway's own tables, for ``verify``. FlowFact's tables are not read.

Each function reads rows and yields what is broken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields

from sqlalchemy import ColumnElement, Row, exists, func, not_, select

from radicale_flowfact.crm.sums import Fingerprint
from radicale_flowfact.dav.reading.rendering import COMPONENTS, etag_of, table_of
from radicale_flowfact.dav.store import tables, versions
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Gone, Item, device_name, record_name
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.tables import text_hash
from radicale_flowfact.ical_map import JOURNAL

_SHOWN = 5  # examples in a message
_CHUNK = 200  # texts in memory at once


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that is broken: where, what, and the next step. ``detail`` may differ between two checks."""

    where: str
    what: str
    step: str
    detail: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """An item's row with the columns that only ``verify`` needs; the sidecar is None if it cannot be parsed."""

    item: Item
    href_hash: str
    uid_hash: str
    sidecar: tuple[str, ...] | None


def look_again(session: Session, collection: Collection) -> str:
    """Return the SQL that makes the gateway compare a whole collection with FlowFact."""
    return f"{_update(session, 'dav_collection')} basis = '' WHERE id = {collection.id}; the next sync then mends it"


def start_anew(session: Session, collection: Collection) -> str:
    """Return the SQL that makes every device fetch the whole collection; nothing is lost by it."""
    return (
        f"let the devices sync from the start: {_update(session, 'dav_journal')} nonce = '0' WHERE collection_id = "
        f"{collection.id}; {_update(session, 'dav_collection')} nonce = '0' WHERE id = {collection.id}"
    )


def kept_items(session: Session, collection: Collection) -> list[Kept]:
    """Return every item that the collection ever had."""
    rows = session.connection.execute(select(tables.item).where(tables.item.c.collection_id == collection.id))
    return [_kept(row) for row in rows]


def of_collection(session: Session, collection: Collection, kept: Sequence[Kept]) -> Iterator[Breach]:
    """Yield what is broken in a collection's row, its journal and its items, except their texts."""
    where = f"{collection.login}/{collection.name.value}"
    for what, detail in _journal_faults(session, collection):
        yield Breach(where, what, start_anew(session, collection), detail)
    for what, detail in _numbers(collection, kept):
        yield Breach(where, what, start_anew(session, collection), detail)
    for what, detail in _twice(kept):
        yield Breach(
            where,
            what,
            f"delete the newer row of dav_item (by its id), then: {look_again(session, collection)}",
            detail,
        )
    for one in kept:
        for what in _faults_of(collection, one):
            yield Breach(where, of_item(one.item, what), look_again(session, collection))
    total = Fingerprint.of(one.item.share for one in kept)
    is_counted = collection.sums != Fingerprint()  # else an upgrade left that to the next comparison
    if is_counted and not collection.stopped and total != collection.sums:
        detail = f"differs in buckets {sorted(total.differing(collection.sums))}"
        yield Breach(where, "its sums are not those of its items", look_again(session, collection), detail)


def of_texts(session: Session, collection: Collection, kept: Iterable[Kept]) -> Iterator[Breach]:
    """Yield live items whose text is missing or does not have their ETag."""
    where = f"{collection.login}/{collection.name.value}"
    live = [one.item for one in kept if one.item.live]
    for start in range(0, len(live), _CHUNK):
        chunk = live[start : start + _CHUNK]
        found = versions.texts(session, [(item.id, item.etag) for item in chunk])
        for item in chunk:
            text = found.get((item.id, item.etag))
            if text is None:
                yield Breach(where, of_item(item, "its text is missing"), _new_text(session, collection, item))
            elif etag_of(text) != item.etag:
                yield Breach(
                    where, of_item(item, "its text is not what its ETag says"), _new_text(session, collection, item)
                )


def of_orphans(session: Session) -> Iterator[Breach]:
    """Yield rows whose collection, item or device does not exist."""
    item, version, fetched = tables.item.c, tables.version.c, tables.fetched.c
    has_collection = tables.collection.c.id
    checks: list[tuple[ColumnElement[int], ColumnElement[bool], str]] = [
        (item.id, exists().where(has_collection == item.collection_id), "dav_item rows without a collection"),
        (
            tables.journal.c.last_number,
            exists().where(has_collection == tables.journal.c.collection_id),
            "dav_journal rows without a collection",
        ),
        (version.item_id, exists().where(item.id == version.item_id), "dav_version rows without an item"),
        (fetched.item_id, exists().where(item.id == fetched.item_id), "dav_fetched rows without an item"),
        (
            fetched.device_id,
            exists().where(tables.device.c.id == fetched.device_id),
            "dav_fetched rows without a device",
        ),
    ]
    for column, belongs, what in checks:
        count = session.connection.scalar(select(func.count()).select_from(column.table).where(not_(belongs))) or 0
        if count:
            step = "they only take space; delete them when no gateway runs"
            yield Breach("the gateway's tables", what, step, f"{count}")


def named(item: Item) -> str:
    """Return what an item is called in a message: its href, and its record."""
    return f"{item.href or item.id} ({item.record})"


def of_item(item: Item, fault: str) -> str:
    """Return a fault with the item that has it."""
    return f"item {named(item)}: {fault}"


def _update(session: Session, table: str) -> str:
    schema = session.settings.state_schema
    return f"UPDATE {f'{schema}.' if schema else ''}{table} SET"


def _new_text(session: Session, collection: Collection, item: Item) -> str:
    """Return the SQL, or the advice, by which an item gets a text again."""
    if item.dsn is None:
        return "only the devices have it: let the user change it on the device that still shows it"
    return f"{_update(session, 'dav_item')} rendered = '' WHERE id = {item.id}; {look_again(session, collection)}"


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    values = row._mapping
    item = Item(**{part.name: values[part.name] for part in fields(Item)})
    return Kept(item, values["href_hash"], values["uid_hash"], _lines(values["sidecar"]))


def _lines(text: str) -> tuple[str, ...] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return tuple(found) if isinstance(found, list) and all(isinstance(line, str) for line in found) else None


def _journal_faults(session: Session, collection: Collection) -> Iterator[tuple[str, str]]:
    """Yield faults in the numbers of the journal: they begin with 0 and have neither gap nor overlap."""
    journal = tables.journal
    mine = select(journal).where(journal.c.collection_id == collection.id).order_by(journal.c.last_number)
    entries = session.connection.execute(mine).all()
    if not entries:
        yield "it has no journal", ""
        return
    expected = 0
    for entry in entries:
        if entry.first_number != expected or entry.last_number < entry.first_number:
            yield "its journal has a gap or an overlap", f"at {entry.first_number}, where {expected} was expected"
        if not entry.nonce:
            yield "an entry of its journal has no nonce", f"the one up to {entry.last_number}"
        expected = entry.last_number + 1
    last = entries[-1]
    if (last.last_number, last.nonce) != (collection.number, collection.nonce):
        yield (
            "its number is not that of its last journal entry",
            f"it has {collection.ctag}, the journal ends with {last.last_number}-{last.nonce}",
        )


def _numbers(collection: Collection, kept: Sequence[Kept]) -> Iterator[tuple[str, str]]:
    beyond = [one.item for one in kept if not 0 <= one.item.born <= one.item.number <= collection.number]
    if beyond:
        yield "items have numbers that its journal does not have", _some(named(item) for item in beyond)
    unheard = [one.item for one in kept if one.item.live and one.item.born < 1]
    if unheard:
        yield "items are live that no journal entry tells of", _some(named(item) for item in unheard)
    counts = Counter(one.item.number for one in kept if one.item.number)
    if shared := [str(number) for number, count in counts.items() if count > 1]:
        yield "several items have one number of its journal", _some(shared)
    foreign = [one for one in kept if one.item.id >> 32 != collection.id or one.item.id & 0xFFFFFFFF > collection.items]
    if foreign:
        yield "items have ids that it may give out again", _some(str(one.item.id) for one in foreign)


def _twice(kept: Sequence[Kept]) -> Iterator[tuple[str, str]]:
    """Yield identities of more than one item; for some of them the database has a unique index."""
    for what, values in (
        ("one record", [one.item.record for one in kept]),
        ("one href", [one.item.href for one in kept]),
        ("one UID", [one.item.uid for one in kept if one.item.uid]),
    ):
        if several := [value for value, count in Counter(values).items() if count > 1]:
            yield f"two items have {what}", _some(several)


def _faults_of(collection: Collection, one: Kept) -> Iterator[str]:
    """Yield contradictions in one item's row."""
    item = one.item
    if (one.href_hash, one.uid_hash) != (text_hash(item.href), text_hash(item.uid)):
        yield "it cannot be found by its href or UID, whose hashes are wrong"
    if one.sidecar is None:
        yield "what it keeps for the devices cannot be read"
    if item.live and item.hidden:
        yield "it is both shown and hidden"
    if item.live and item.gone_by not in ("", Gone.HELD, Gone.LEAVING):
        yield "it is shown though somebody took it off"
    if not item.live and item.gone_by in ("", Gone.HELD, Gone.LEAVING):
        yield "it is gone, and nobody took it off"
    is_note = item.component == JOURNAL and collection.name is not Name.ADDRESSES and item.dsn is None
    if item.live and item.component != COMPONENTS[collection.name] and not is_note:
        yield f"it is a {item.component}, which does not belong here"
    if item.live and not item.uid:
        yield "it has no UID"
    if item.dsn is None:
        yield from _faults_without_record(item)
    elif item.device_only or item.record != record_name(table_of(collection.name), item.dsn):
        yield "its record's name and DSN contradict each other"


def _faults_without_record(item: Item) -> Iterator[str]:
    if not item.record.startswith("-:") or item.in_scope or item.hidden:
        yield "it has no record, but is kept as if it had"
    if item.live and (not item.device_only or item.record != device_name(item.uid)):
        yield "only the devices have it, but it is not marked so"


def _some(values: Iterable[str]) -> str:
    found = sorted(values)
    shown, more = ", ".join(found[:_SHOWN]), len(found) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
