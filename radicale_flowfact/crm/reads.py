"""Reads FlowFact's rows as records, many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.actions import RightsEntry
from radicale_flowfact.crm import columns, scope
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
        for row in connection.execute(_addresses(tables), {"dsns": chunk}):
            dsn = dsn_key(row.DSN)
            texts = {field: _text(row, column) for field, column in columns.ADDRESS.items()}
            found[dsn] = Address(row.DSN, phones=tuple(phones[dsn]), touch=row.TOUCH, **texts)
    return found


@lru_cache(maxsize=32)
def _addresses(tables: Tables) -> Select[Any]:
    return select(tables.address).where(tables.address.c.DSN.in_(bindparam("dsns", expanding=True)))


@lru_cache(maxsize=32)
def _phones_of(tables: Tables) -> Select[Any]:
    phone = tables.phone
    mine = phone.c.AD_DSN.in_(bindparam("dsns", expanding=True))
    return select(phone).where(mine).order_by(phone.c.AD_DSN, phone.c.POS)


@lru_cache(maxsize=32)
def _rights_of(rights: SqlTable, table: Table) -> Select[Any]:
    mine = (scope.of_table(rights, table), rights.c.OBJ_DSN == bindparam("dsn", type_=rights.c.OBJ_DSN.type))
    found = select(rights.c.BEN_DSN, rights.c.GRP_DSN, rights.c.RECHT).where(*mine)
    return found.order_by(rights.c.BEN_DSN, rights.c.GRP_DSN)


def read_activities(connection: Connection, tables: Tables, dsns: Iterable[str], user: User) -> dict[str, Activity]:
    """Return the activities with these DSNs as ``user`` may see them, by ``dsn_key``.

    Participants are the colleagues whose own Merkmal is on it; linked addresses only those he may read (rule 17).
    """
    found: dict[str, Activity] = {}
    activity, kind = tables.activity, tables.kind
    for chunk in _chunks(dsns):
        rows = connection.execute(
            select(activity, *(column.label(f"kind_{column.key}") for column in kind.c))
            .join_from(activity, kind, kind.c.DSN == activity.c.ART_DSN, isouter=True)
            .where(activity.c.DSN.in_(chunk))
        ).all()
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
    for row in connection.execute(_phones_of(tables), {"dsns": dsns}):
        found[dsn_key(row.AD_DSN)].append(Phone(row.POS, row.NUMMER or "", row.BEMERKUNG or ""))
    return found


def _linked_addresses(
    connection: Connection, tables: Tables, dsns: Sequence[str], user: User
) -> defaultdict[str, list[LinkedAddress]]:
    links, address = tables.activity_address, tables.address
    rows = connection.execute(
        select(links.c.AKT_DSN, address)
        .join(address, address.c.DSN == links.c.AD_DSN)
        .where(links.c.AKT_DSN.in_(dsns), scope.linked_address_shown(tables))
        .order_by(address.c.NAME, address.c.VORNAME, address.c.FIRMA, address.c.DSN),
        scope.reader(user),
    ).all()
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
    tags, people = tables.activity_merkmal, tables.user
    rows = connection.execute(
        select(tags.c.AKT_DSN, people.c.DSN, people.c.NAME)
        .join(people, people.c.MKM_DSN == tags.c.MKM_DSN)
        .where(tags.c.AKT_DSN.in_(dsns))
        .order_by(people.c.NAME, people.c.DSN)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        if dsn_key(row.DSN) != dsn_key(user.dsn):
            found[dsn_key(row.AKT_DSN)].append(row.NAME or "")
    return found


def _private(connection: Connection, tables: Tables, dsns: Sequence[str], user: User) -> set[str]:
    """Return the activities whose rights list names only this user (rule 18)."""
    rights = tables.rights
    if rights is None:
        return set()
    rows = connection.execute(
        select(rights.c.OBJ_DSN, rights.c.BEN_DSN).where(
            scope.of_table(rights, Table.ACTIVITY), rights.c.OBJ_DSN.in_(dsns)
        )
    ).all()
    mine = {dsn_key(row.OBJ_DSN) for row in rows}
    others = {dsn_key(row.OBJ_DSN) for row in rows if dsn_key(row.BEN_DSN or "") != dsn_key(user.dsn)}
    return mine - others


def merkmale_of(connection: Connection, tables: Tables, record: RecordKey) -> set[str]:
    """Return the Merkmale on a record, in ``dsn_key`` form."""
    table, column = merkmal_table(tables, record.table)
    rows = connection.scalars(select(table.c.MKM_DSN).where(table.c[column] == record.dsn))
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
    rows = connection.execute(_rights_of(rights, record.table), {"dsn": record.dsn})
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
    return connection.scalar(select(table.c.DSN).where(table.c.DSN == record.dsn)) is not None


def find_kind(connection: Connection, tables: Tables, name: str, *, appointment: bool) -> Kind | None:
    """Return the kind with this name, short name or DSN that makes an appointment (else: a task), or None."""
    kind = tables.kind
    suits = scope.flag(kind.c.KALENDER) if appointment else scope.is_task_kind(tables)
    wanted = name.strip().casefold()
    for row in connection.execute(select(kind).where(suits).order_by(kind.c.DSN)):
        if wanted in {(text or "").strip().casefold() for text in (row.DSN, row.NAME, row.KUERZEL)}:
            return Kind(row.DSN, row.NAME or "", row.KUERZEL or "", is_appointment=appointment, is_task=not appointment)
    return None


def _text(row: Row[Any], column: str) -> str:
    return getattr(row, column, None) or ""


def _chunks(dsns: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(set(dsns))
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
