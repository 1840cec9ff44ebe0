"""Reads FlowFact's rows as records, many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, CursorResult, Row, Select, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.actions import RightsEntry
from radicale_flowfact.crm import columns, record_statements, scope
from radicale_flowfact.crm.statements import select_from, the
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.records import (
    Activity,
    Address,
    Kind,
    LinkedAddress,
    Phone,
    RecordKey,
    Right,
    Table,
    User,
    dsn_key,
)

_CHUNK = 500  # SQL Server takes 2,100 parameters in a statement
_RIGHTS = {"VOLL": Right.FULL, "LESEN": Right.READ}


def read_addresses(connection: Connection, tables: Tables, dsns: Iterable[str]) -> dict[str, Address]:
    """Return the addresses with these DSNs, by ``dsn_key``; those that do not exist are left out."""
    found: dict[str, Address] = {}
    for chunk in _chunks(dsns):
        phones = _phones(connection, tables, chunk)
        for row in _of(connection, record_statements.addresses, tables, chunk):
            dsn = dsn_key(row.DSN)
            texts = {field: _text(row, column) for field, column in columns.ADDRESS.items()}
            found[dsn] = Address(row.DSN, phones=tuple(phones[dsn]), touch=row.TOUCH, **texts)
    return found


def read_activities(connection: Connection, tables: Tables, dsns: Iterable[str], user: User) -> dict[str, Activity]:
    """Return the activities with these DSNs as ``user`` may see them, by ``dsn_key``.

    Participants are the colleagues whose own Merkmal is on it; linked addresses only those he may read (rule 17).
    """
    found: dict[str, Activity] = {}
    for chunk in _chunks(dsns):
        rows = _of(connection, record_statements.activities, tables, chunk).all()
        links = _linked_addresses(connection, tables, chunk, user)
        people = _participants(connection, tables, chunk, user)
        private = _private(connection, tables, chunk, user)
        for row in rows:
            dsn = dsn_key(row.DSN)
            found[dsn] = _activity(row, people[dsn], links[dsn], dsn in private)
    return found


def _activity(
    row: Row[Any], participants: Sequence[str], addresses: Sequence[LinkedAddress], private: bool
) -> Activity:
    begin, end = row.BEGINN, row.ENDE
    return Activity(
        row.DSN,
        kind=Kind(
            row.ART_DSN or "",
            _text(row, "kind_NAME"),
            _text(row, "kind_KUERZEL"),
            is_appointment=bool(row.kind_KALENDER),
            is_task=bool(getattr(row, "kind_AUFGABE", False)),
            is_mail=bool(getattr(row, "kind_MAIL", False)),
        ),
        begin=begin,
        end=end,
        all_day=bool(row.GANZTAGS) if hasattr(row, "GANZTAGS") else spans_whole_days(begin, end),
        reminder=row.VORLAGE,
        reminder_has_time=bool(row.VORLAGE_ZEIT),
        subject=_text(row, "BETREFF"),
        note=_text(row, "NOTIZ"),
        done=bool(row.ERLEDIGT),
        priority=row.PRIORITAET or 0,
        sender=getattr(row, "ABSENDER", None) or None,
        participants=tuple(participants),
        addresses=tuple(addresses),
        private=private,
        touch=row.TOUCH,
    )


def spans_whole_days(begin: datetime | None, end: datetime | None) -> bool:
    """Return whether 00:00 to 00:00 of a later day is meant: all-day where GANZTAGS is not mapped."""
    return begin is not None and end is not None and begin.time() == end.time() == time.min and end > begin


def _phones(connection: Connection, tables: Tables, dsns: Sequence[str]) -> defaultdict[str, list[Phone]]:
    found: defaultdict[str, list[Phone]] = defaultdict(list)
    for row in _of(connection, record_statements.phones_of, tables, dsns):
        found[dsn_key(row.AD_DSN)].append(Phone(row.POS, row.NUMMER or "", row.BEMERKUNG or ""))
    return found


def _linked_addresses(
    connection: Connection, tables: Tables, dsns: Sequence[str], user: User
) -> defaultdict[str, list[LinkedAddress]]:
    rows = _of(connection, record_statements.links_of, tables, dsns, **scope.reader(user)).all()
    phones: dict[str, list[Phone]] = {}
    for chunk in _chunks({row.DSN for row in rows}):
        phones |= _phones(connection, tables, chunk)
    found: defaultdict[str, list[LinkedAddress]] = defaultdict(list)
    for row in rows:
        name = " ".join(part for part in (_text(row, "TITEL"), _text(row, "VORNAME"), _text(row, "NAME")) if part)
        numbers = [phone.number for phone in phones.get(dsn_key(row.DSN), ()) if phone.number]
        linked = LinkedAddress(row.DSN, name, _text(row, "FIRMA"), numbers[0] if numbers else "", _text(row, "EMAIL"))
        found[dsn_key(row.AKT_DSN)].append(linked)
    return found


def _participants(
    connection: Connection, tables: Tables, dsns: Sequence[str], user: User
) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in _of(connection, record_statements.people_of, tables, dsns):
        if dsn_key(row.DSN) != dsn_key(user.dsn):
            found[dsn_key(row.AKT_DSN)].append(row.NAME or "")
    return found


def _private(connection: Connection, tables: Tables, dsns: Sequence[str], user: User) -> set[str]:
    """Return the activities whose rights list names only this user (rule 18)."""
    if tables.rights is None:
        return set()
    rows = _of(connection, record_statements.readers_of, tables, dsns).all()
    mine = {dsn_key(row.OBJ_DSN) for row in rows}
    others = {dsn_key(row.OBJ_DSN) for row in rows if dsn_key(row.BEN_DSN or "") != dsn_key(user.dsn)}
    return mine - others


def merkmale_of(connection: Connection, tables: Tables, record: RecordKey) -> set[str]:
    """Return the Merkmale on a record, in ``dsn_key`` form."""
    table, column = merkmal_table(tables, record.table)
    rows = connection.scalars(select_from(table, "MKM_DSN", (column,)), the({column: record.dsn}))
    return {dsn_key(dsn) for dsn in rows}


def carrying(connection: Connection, tables: Tables, table: Table, merkmal: str, dsns: Iterable[str]) -> set[str]:
    """Return which of the records carry the Merkmal, in ``dsn_key`` form."""
    tags, column = merkmal_table(tables, table)
    found: set[str] = set()
    for chunk in _chunks(dsns):
        rows = connection.scalars(select(tags.c[column]).where(tags.c[column].in_(chunk), tags.c.MKM_DSN == merkmal))
        found |= {dsn_key(dsn) for dsn in rows}
    return found


def merkmal_table(tables: Tables, table: Table) -> tuple[SqlTable, str]:
    """Return the table that tags such records, and the name of its record column."""
    if table is Table.ADDRESS:
        return tables.address_merkmal, "AD_DSN"
    return tables.activity_merkmal, "AKT_DSN"


def rights_of(connection: Connection, tables: Tables, record: RecordKey) -> tuple[RightsEntry, ...]:
    """Return a record's rights list; empty means that everybody has full rights."""
    rights = tables.rights
    if rights is None:
        return ()
    rows = connection.execute(record_statements.rights_of(rights, record.table), {"dsn": record.dsn})
    return tuple(
        RightsEntry(row.BEN_DSN, row.GRP_DSN, _RIGHTS.get((row.RECHT or "").strip().upper(), Right.NONE))
        for row in rows
    )


def right_of(connection: Connection, tables: Tables, record: RecordKey, user: User) -> Right:
    """Return what the user may do with the record (rule 5)."""
    entries = rights_of(connection, tables, record)
    if not entries:
        return Right.FULL
    return max((entry.right for entry in entries if _names(entry, user)), default=Right.NONE)


def _names(entry: RightsEntry, user: User) -> bool:
    if entry.user is None and entry.group is None:
        return True
    is_user = entry.user is not None and dsn_key(entry.user) == dsn_key(user.dsn)
    return is_user or (entry.group is not None and dsn_key(entry.group) in user.groups)


def record_exists(connection: Connection, tables: Tables, record: RecordKey) -> bool:
    """Return whether FlowFact still has the record."""
    table = tables.address if record.table is Table.ADDRESS else tables.activity
    return connection.scalar(select_from(table, "DSN", ("DSN",)), the({"DSN": record.dsn})) is not None


def sender_of(connection: Connection, tables: Tables, record: RecordKey) -> str | None:
    """Return the DSN of the sender of an activity that is an internal mail, else None."""
    if record.table is not Table.ACTIVITY or "ABSENDER" not in tables.activity.c:
        return None
    return connection.scalar(select_from(tables.activity, "ABSENDER", ("DSN",)), the({"DSN": record.dsn})) or None


def find_kind(connection: Connection, tables: Tables, name: str, *, appointment: bool) -> Kind | None:
    """Return the kind with this name, short name or DSN that makes an appointment (else: a task), or None."""
    kind = tables.kind
    suits = scope.flag(kind.c.KALENDER) if appointment else scope.is_task_kind(tables)
    wanted = name.strip().casefold()
    for row in connection.execute(select(kind).where(suits).order_by(kind.c.DSN)):
        if wanted in {(text or "").strip().casefold() for text in (row.DSN, row.NAME, row.KUERZEL)}:
            return Kind(row.DSN, row.NAME or "", row.KUERZEL or "", is_appointment=appointment, is_task=not appointment)
    return None


def _of(
    connection: Connection,
    ask: Callable[[Tables, bool], Select[Any]],
    tables: Tables,
    dsns: Sequence[str],
    **more: object,
) -> CursorResult[Any]:
    """Ask for what belongs to these records."""
    is_one = len(dsns) == 1
    return connection.execute(ask(tables, is_one), {"dsns": dsns[0] if is_one else dsns, **more})


def _text(row: Row[Any], column: str) -> str:
    return getattr(row, column, None) or ""


def _chunks(dsns: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(set(dsns))
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
