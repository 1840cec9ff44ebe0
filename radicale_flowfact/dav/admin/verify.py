"""Verifies the gateway's tables: in themselves, and compared with FlowFact. Changes nothing.

Everything is read in one snapshot of the database where that costs nobody anything (SQLite, PostgreSQL). On SQL Server
a snapshot is off by default, and other ways would block FlowFact's desktops. So, on every database, what looks broken
is read a second time, and only what is still broken is reported.

A collection that no device asked for since FlowFact changed is no fault: its sums say that a comparison is due, and
only items are compared whose record is as it was then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from radicale_flowfact.actions import CreateRecord
from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.crm import reads, scope
from radicale_flowfact.crm.scope import Member
from radicale_flowfact.crm.users import UserError, read_user
from radicale_flowfact.dav.admin import invariants
from radicale_flowfact.dav.admin.invariants import Breach, Kept
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.reading import refresh, rendering
from radicale_flowfact.dav.store import collections, history, items, tables, versions
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Gone, chunks, record_name
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.upkeep import retention
from radicale_flowfact.dav.writing.payload import same_meaning
from radicale_flowfact.records import RecordKey, User, dsn_key

_AGAIN = 1.0  # seconds until the second check; no transaction of the gateway takes longer
_HISTORY = "history"


@dataclass
class Report:
    """The result of ``verify``. ``notes``: what could not be compared, and why; they are no faults."""

    breaches: list[Breach] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    collections: int = 0
    items: int = 0


def verify(gateway: Gateway) -> Report:
    """Verify everything; a fault is reported if it is still there a second later."""
    report = _look(gateway)
    if report.breaches:
        time.sleep(_AGAIN)
        second = _look(gateway)
        second.breaches = [breach for breach in second.breaches if breach in report.breaches]
        report = second
    return report


def _look(gateway: Gateway) -> Report:
    report = Report()
    with gateway.snapshot() as session:
        rows = session.connection.execute(select(tables.collection.c.login, tables.collection.c.name)).all()
        for login, name in sorted(tuple(row) for row in rows):
            _look_at(session, login, name, report)
        report.breaches += invariants.of_orphans(session)
        report.breaches += _in_history(session)
        report.notes += _not_deleted_yet(session)
    return report


def _not_deleted_yet(session: Session) -> Iterator[str]:
    """Yield what the upkeep should have deleted; it runs at the start of ``serve`` and once a day."""
    for late in retention.overdue(session):
        yield f"{late.count} {late.what} are over their time ({late.days} days)"
    for more in retention.surplus(session):
        yield f"{more.login}: {more.count} {more.what}; the next upkeep drops them"


def _look_at(session: Session, login: str, name: str, report: Report) -> None:
    try:
        collection = collections.find(session, login, Name(name))
    except ValueError as error:  # of JSON, sums or names
        step = "put its row of dav_collection right, or restore it"
        report.breaches.append(Breach(f"{login}/{name}", "its row cannot be read", step, str(error)))
        return
    assert collection is not None  # noqa: S101 - its row was just read in this transaction
    try:
        kept = invariants.kept_items(session, collection)
        report.breaches += invariants.of_collection(session, collection, kept)
    except ValueError as error:
        step = invariants.look_again(session, collection)
        report.breaches.append(Breach(f"{login}/{name}", "the sums of an item cannot be read", step, str(error)))
        return
    report.collections += 1
    report.items += sum(one.item.live for one in kept)
    report.breaches += invariants.of_texts(session, collection, kept)
    user = _user_of(session, collection, report)
    if user is not None:
        report.breaches += _against_flowfact(session, collection, user, kept, report)


def _user_of(session: Session, collection: Collection, report: Report) -> User | None:
    """Return whose records the collection shows; None, with a note, if FlowFact cannot be compared."""
    mapping = session.settings.users.get(collection.login)
    where = f"{collection.login}/{collection.name.value}"
    if mapping is None:
        report.notes.append(f"{where}: the login is not mapped (any more), so FlowFact was not compared")
        return None
    lists = mapping.address_merkmale, mapping.activity_merkmale
    try:
        user = read_user(session.connection, session.tables, mapping.flowfact, *lists)
    except UserError as error:
        report.notes.append(f"{where}: {error}, so FlowFact was not compared")
        return None
    if collection.owner != dsn_key(user.dsn):
        report.notes.append(f"{where}: not opened by its present user yet")
        return None
    return user


def _against_flowfact(
    session: Session, collection: Collection, user: User, kept: Sequence[Kept], report: Report
) -> Iterator[Breach]:
    where = f"{collection.login}/{collection.name.value}"
    basis = rendering.basis(session, collection.name, user)
    if basis != collection.basis:
        report.notes.append(f"{where}: the next sync looks at everything anew, so FlowFact was not compared")
        return
    members = scope.members(session.connection, rendering.scope_of(session, collection.name, user))
    if refresh.due(session, collection, user) == frozenset():
        for what in _missed(collection, members, kept):
            yield Breach(where, what, invariants.look_again(session, collection))
    else:
        why = "the safety stop holds it" if collection.is_held else "FlowFact changed since its last sync"
        report.notes.append(f"{where}: {why}; only what did not change was compared")
    yield from _unlike(session, collection, user, members, kept)


def _missed(collection: Collection, members: Mapping[str, Member], kept: Sequence[Kept]) -> Iterator[str]:
    """Yield what the devices would never be told: the collection counts as compared, but differs from FlowFact."""
    known = {one.item.record: one.item for one in kept}
    table = rendering.table_of(collection.name)
    for member in members.values():
        item = known.pop(record_name(table, member.dsn), None)
        if item is None:
            yield f"{RecordKey(table, member.dsn)} is in scope, and there is no item for it"
        elif item.sums != str(member.sums):
            yield invariants.of_item(item, "FlowFact changed the record, and nobody noticed")
        elif not item.live and not item.hidden:
            yield invariants.of_item(item, "it is in scope, but neither shown nor hidden")
    for item in known.values():
        if item.is_listed and item.gone_by != Gone.LEAVING:
            yield invariants.of_item(item, "it is kept as being in scope, and is not")


def _unlike(
    session: Session, collection: Collection, user: User, members: Mapping[str, Member], kept: Sequence[Kept]
) -> Iterator[Breach]:
    """Yield shown items whose record did not change, but which would be rendered in another way now."""
    shown = [one for one in kept if one.item.live and one.item.dsn is not None and one.sidecar is not None]
    sums = {dsn: str(member.sums) for dsn, member in members.items()}
    same = {dsn_key(one.item.dsn or ""): one for one in shown if one.item.sums == sums.get(dsn_key(one.item.dsn or ""))}
    for chunk in chunks(sorted(same)):
        found = [same[dsn] for dsn in chunk]
        records = rendering.read(session, collection.name, user, [one.item.dsn or "" for one in found])
        texts = versions.texts(session, [(one.item.id, one.item.etag) for one in found])
        for dsn, one in zip(chunk, found, strict=True):
            record = records.get(dsn)
            if record is None:  # on a database without a snapshot: deleted this moment
                continue
            rendered = rendering.render(session, collection.name, record, one.item.uid, one.sidecar or ())
            what = _unlikeness(session, collection, one, rendered.text, texts.get((one.item.id, one.item.etag)))
            if what:
                where, step = f"{collection.login}/{collection.name.value}", invariants.look_again(session, collection)
                yield Breach(where, invariants.of_item(one.item, what), step)


def _unlikeness(session: Session, collection: Collection, one: Kept, text: str, served: str | None) -> str:
    """Return how an item differs from its record, or empty; a device's own text must mean what FlowFact's means."""
    if rendering.etag_of(text) != one.item.rendered:
        return "its record is as it was, but is shown otherwise now"
    if served is None or one.item.etag == one.item.rendered:
        return ""
    try:
        is_same = same_meaning(session.settings, collection.name, served, text)
        return "" if is_same else "what is served says other than FlowFact"
    except PayloadError as error:
        return f"what is served cannot be read: {error}"


def _in_history(session: Session) -> Iterator[Breach]:
    """Yield entries that cannot be parsed, and records that one PUT created twice."""
    table = tables.history
    columns = (table.c.id, table.c.login, table.c.collection, table.c.actions, table.c.undone)
    numbers: set[int] = set()
    undone: dict[int, int] = {}
    made: list[tuple[int, str, str, RecordKey]] = []
    for row in session.connection.execute(select(*columns).order_by(table.c.id)):
        numbers.add(row.id)
        if row.undone is not None:
            undone[row.id] = row.undone
        try:
            actions = history.decode(row.actions)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield Breach(_HISTORY, f"entry {row.id} cannot be read", "undo it by hand if it must be", str(error))
            continue
        created = [action.record for action in actions if isinstance(action, CreateRecord)]
        made += [(row.id, row.login, row.collection, record) for record in created]
        if len(created) > 1:
            step = "look at them in FlowFact and delete what is not wanted"
            yield Breach(_HISTORY, f"entry {row.id} made {len(created)} records", step)
    for entry, by in undone.items():
        if by not in numbers:
            yield Breach(_HISTORY, f"entry {entry} was taken back by {by}, which is not there", "none is needed")
    yield from _made_twice(session, made)


def _made_twice(session: Session, made: Sequence[tuple[int, str, str, RecordKey]]) -> Iterator[Breach]:
    """Yield records that a device created and that have no item: the device's retry created another one."""
    table = tables.collection.c
    rows = session.connection.execute(select(table.login, table.name, table.id))
    places = {(row.login, row.name): row.id for row in rows}
    for number, login, name, record in made:
        place = places.get((login, name))
        if place is None or items.by_record(session, place, record_name(record.table, record.dsn)) is not None:
            continue
        if reads.record_exists(session.connection, session.tables, record):
            what = f"{record}, made by entry {number}, belongs to no item of {login}/{name}: it may be there twice"
            yield Breach(_HISTORY, what, "look for its like in FlowFact; keep one")
