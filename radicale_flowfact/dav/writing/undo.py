"""Undoes what a device did, as far as FlowFact has not changed it since (rule 29)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update

from radicale_flowfact.actions import (
    Action,
    AddMerkmal,
    CreateRecord,
    CrmAction,
    DropFromDevice,
    Hide,
    KeepOnDevice,
    KeepSidecar,
    MarkDone,
    RemoveMerkmal,
    SetField,
    SetPhone,
    SetRights,
    Show,
)
from radicale_flowfact.crm import reads, writes
from radicale_flowfact.dav.store import collections, history, items, tables
from radicale_flowfact.dav.store.history import Event
from radicale_flowfact.dav.store.items import Gone, Item
from radicale_flowfact.dav.store.journal import Entry as JournalEntry
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.records import Activity, Address, Kind, RecordKey, Table, User, dsn_key


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the history. ``made`` is UTC, without zone; ``record`` is ``TABLE:DSN`` or empty.

    ``undone``: the number of the entry that undid it, or None. ``repeats``: how often the same request was refused
    again; ``made`` is then the last time.
    """

    number: int
    made: datetime
    login: str
    agent: str
    collection: str
    href: str
    record: str
    what: str
    reason: str
    actions: tuple[Action, ...]
    body: str
    undone: int | None
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What undoing one entry does, or would do: a sentence for each thing undone, and for each left as it is."""

    entry: Entry
    done: tuple[str, ...]
    kept: tuple[str, ...]


def entries(
    session: Session,
    numbers: Sequence[int] = (),
    login: str | None = None,
    record: str | None = None,
    since: datetime | None = None,
) -> list[Entry]:
    """Return the history, newest first.

    Each argument but the session narrows it: entry numbers, a login, a DSN, the earliest time (UTC, without zone).
    """
    conditions: list[ColumnElement[bool]] = []
    table = tables.history
    if numbers:
        conditions.append(table.c.id.in_(numbers))
    if login is not None:
        conditions.append(table.c.login == login)
    if record is not None:
        conditions.append(table.c.record.in_([f"{kind.value}:{dsn_key(record)}" for kind in Table]))
    if since is not None:
        conditions.append(table.c.made >= since)
    rows = session.connection.execute(select(table).where(*conditions).order_by(table.c.id.desc()))
    return [_entry(row) for row in rows]


def lock_collections(session: Session, found: Iterable[Entry]) -> None:
    """Lock the collections of the entries, in one order and before any record, as a device's write does.

    So an undo and a write never wait for each other (no deadlock).
    """
    for login, name in sorted({(entry.login, entry.collection) for entry in found}):
        if collections.find(session, login, Name(name)) is not None:
            collections.lock(session, login, Name(name))


def undo(session: Session, entry: Entry, user: User) -> Outcome:
    """Undo one entry of the history, and record that as an entry of its own, which can be undone again.

    What FlowFact changed since is left as it is, and named in the outcome. ``user``: whose device did it. Raises
    StaleError if FlowFact changes a record in this moment; the caller then rolls back.
    """
    if entry.undone is not None:
        return Outcome(entry, (), (f"taken back already by entry {entry.undone}",))
    item = _item(session, entry)
    made = any(isinstance(action, CreateRecord) for action in entry.actions)
    # A record that was made private stays so, or undo would show it to everybody.
    reversible = [action for action in entry.actions if not (made and isinstance(action, SetRights))]
    decided = _in_order(session, [_inverse(session, action, user, item) for action in reversed(reversible)], user)
    inverses = [inverse for inverse, _ in decided if inverse is not None]
    done = tuple(text for inverse, text in decided if inverse is not None)
    kept = tuple(text for inverse, text in decided if inverse is None and text)
    if inverses:
        _carry_out(session, entry, user, item, inverses)
    return Outcome(entry, done, kept if done or kept else ("there is nothing to take back",))


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.id,
        row.made,
        row.login,
        row.agent,
        row.collection,
        row.href,
        row.record,
        row.what,
        row.reason,
        history.decode(row.actions),
        row.body,
        row.undone,
        row.repeats,
    )


def _item(session: Session, entry: Entry) -> Item | None:
    """Return the item of the entry, under whatever href it is now.

    A device-only item is found by its href alone; a tombstone there (no UID) does not count.
    """
    collection = collections.find(session, entry.login, Name(entry.collection))
    if collection is None:
        return None
    if entry.record:
        return items.by_record(session, collection.id, entry.record)
    item = items.by_hrefs(session, collection.id, [entry.href]).get(entry.href)
    return item if item is not None and item.device_only and item.uid else None


def _inverse(session: Session, action: Action, user: User, item: Item | None) -> tuple[Action | None, str]:
    """Return the action that reverses this one (None: it cannot be), and a sentence about it."""
    match action:
        case SetField() | MarkDone() | SetPhone():
            return _inverse_of_value(session, action, user)
        case AddMerkmal(record, merkmal):
            there = dsn_key(merkmal) in reads.merkmale_of(session.connection, session.tables, record)
            return (RemoveMerkmal(record, merkmal), f"{record}: Merkmal off") if there else (None, "")
        case RemoveMerkmal(record, merkmal):
            there = dsn_key(merkmal) in reads.merkmale_of(session.connection, session.tables, record)
            if there or not reads.record_exists(session.connection, session.tables, record):
                return None, f"{record}: the Merkmal is back already, or the record is gone"
            return AddMerkmal(record, merkmal), f"{record}: Merkmal back on"
        case SetRights(record, before, after):
            if reads.rights_of(session.connection, session.tables, record) != after:
                return None, f"{record}: FlowFact changed the rights since"
            return SetRights(record, after, before), f"{record}: rights as before"
        case CreateRecord(record):
            return None, f"{record} stays in FlowFact; delete it there if it is not wanted"
        case KeepSidecar(before, after) if item is not None:
            if items.sidecars(session, [item.id]).get(item.id) != after:
                return None, "what only the device keeps was changed since"
            return KeepSidecar(after, before), "what only the device keeps, as before"
        case Hide() if item is not None and item.hidden:
            return Show(), "shown on the devices again"
        case Show() if item is not None and item.live:
            return Hide(), "hidden on the devices again"
        case DropFromDevice() if item is not None and item.device_only and not item.live:
            return KeepOnDevice(item.device_only), "the item that only the device had comes back"
        case KeepOnDevice():
            return None, "only the devices have it, FlowFact never saw it; delete it there if it is not wanted"
        case _:
            return None, ""


def _in_order(
    session: Session, decided: Sequence[tuple[Action | None, str]], user: User
) -> list[tuple[Action | None, str]]:
    """Return what was decided, but no time with which an appointment would end before it begins.

    So it would where a device changed one of the two, and FlowFact the other one since.
    """
    times = [one for one, _ in decided if isinstance(one, SetField) and one.field in ("begin", "end")]
    record = _record(session, times[0].record, user) if len(times) == 1 else None
    if not isinstance(record, Activity):
        return list(decided)
    new = {"begin": record.begin, "end": record.end, times[0].field: times[0].after}
    begin, end = new["begin"], new["end"]
    if not isinstance(begin, datetime) or not isinstance(end, datetime) or end >= begin:
        return list(decided)
    why = f"{record.key} {times[0].field}: it would end before it begins, as FlowFact changed the other time since"
    return [(None, why) if one is times[0] else (one, text) for one, text in decided]


def _inverse_of_value(
    session: Session, action: SetField | MarkDone | SetPhone, user: User
) -> tuple[Action | None, str]:
    record = _record(session, action.record, user)
    if record is None:
        return None, f"{action.record} is gone"
    inverse: SetField | MarkDone | SetPhone
    if isinstance(action, SetPhone):
        phones = record.phones if isinstance(record, Address) else ()
        now: object = next((phone.number for phone in phones if phone.position == action.position), None)
        what = f"phone {action.position}"
        inverse = SetPhone(action.record, action.position, action.after, action.before)
        # A position whose remark kept its row has an empty number.
        unchanged = (now or None) == action.after
    else:
        what = action.field if isinstance(action, SetField) else "done"
        now = getattr(record, what)
        now = now.dsn if isinstance(now, Kind) else now
        unchanged = now == action.after
        if isinstance(action, SetField):
            inverse = SetField(action.record, action.field, action.after, action.before)
        else:
            inverse = MarkDone(action.record, action.after, action.before)
    if not unchanged:
        return None, f"{action.record} {what}: FlowFact changed it since, to {now!r}"
    return inverse, f"{action.record} {what}: {action.after!r} becomes {action.before!r} again"


def _record(session: Session, key: RecordKey, user: User) -> Address | Activity | None:
    if key.table is Table.ADDRESS:
        return reads.read_addresses(session.connection, session.tables, [key.dsn]).get(dsn_key(key.dsn))
    return reads.read_activities(session.connection, session.tables, [key.dsn], user).get(dsn_key(key.dsn))


def _carry_out(session: Session, entry: Entry, user: User, item: Item | None, inverses: Sequence[Action]) -> None:
    ours = [inverse for inverse in inverses if isinstance(inverse, CrmAction)]
    touches = _touches(session, ours, user)
    stamp = writes.Stamp(user.dsn or None, session.now)
    writes.carry_out(session.connection, session.tables, ours, stamp, touches)
    collection = collections.lock(session, entry.login, Name(entry.collection))
    journal = JournalEntry(session, collection)
    for inverse in inverses:
        if item is not None and not isinstance(inverse, CrmAction):
            _restore_item(journal, item, inverse)
    # Without a basis everything is looked at again, so that the devices hear of it.
    journal.write({"basis": ""})
    event = Event(
        entry.login,
        "undo",
        entry.collection,
        entry.href,
        "undo",
        entry.record,
        f"entry {entry.number}",
        tuple(inverses),
    )
    number = history.record(session, event)
    table = tables.history
    session.connection.execute(update(table).where(table.c.undone == entry.number).values(undone=None))
    session.connection.execute(update(table).where(table.c.id == entry.number).values(undone=number))


def _touches(session: Session, actions: Iterable[CrmAction], user: User) -> Mapping[RecordKey, datetime | None]:
    found: dict[RecordKey, datetime | None] = {}
    for action in actions:
        record = _record(session, action.record, user)
        found[action.record] = record.touch if record else None
    return found


def _restore_item(journal: JournalEntry, item: Item, inverse: Action) -> None:
    if isinstance(inverse, KeepSidecar):
        journal.change(item, inverse.after)
    elif isinstance(inverse, Show):
        journal.change(replace(item, hidden=False))
    elif isinstance(inverse, Hide):
        journal.change(replace(journal.departed(item, Gone.USER), hidden=True))
    elif isinstance(inverse, KeepOnDevice):
        journal.change(journal.announced(replace(item, live=True, gone_by="")))
