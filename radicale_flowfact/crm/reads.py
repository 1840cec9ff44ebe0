"""Reads FlowFact's rows as records, many at a time.

Times are the office's local times, without zone. A value that cannot be read costs neither the row nor the rows beside
it: it is named in the record's ``fault`` (rule 28). "As ``dsn_key``" means a DSN in the form in which DSNs are
compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.actions import RightsEntry
from radicale_flowfact.crm import columns, conditions, record_statements, rows
from radicale_flowfact.crm.rows import Rows, faults_of, number_of, text_of
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
_MOST_NUMBERED = 20  # addresses of one Kennung that are looked at
_NO_PRIORITY = -1
_NO_POSITION = 1 << 20  # beyond every slot: never sent, never lost (rule 10)
RIGHTS = {"VOLL": Right.FULL, "LESEN": Right.READ}


def read_addresses(connection: Connection, tables: Tables, dsns: Iterable[str]) -> dict[str, Address]:
    """Return the addresses with these DSNs by ``dsn_key``, with their phones; missing ones are left out."""
    found: dict[str, Address] = {}
    for chunk in _chunks(dsns):
        phones = _phones(connection, tables, chunk)
        for row in _of(connection, record_statements.addresses, tables, chunk):
            dsn = dsn_key(row.DSN)
            texts = {field: text_of(row, column) for field, column in columns.ADDRESS.items()}
            mine = phones[dsn]
            faults = [fault for fault in (faults_of([row]), mine.fault) if fault]
            found[dsn] = Address(row.DSN, phones=tuple(mine.phones), touch=row.TOUCH, fault="; ".join(faults), **texts)
    return found


def read_activities(connection: Connection, tables: Tables, dsns: Iterable[str], user: User) -> dict[str, Activity]:
    """Return the activities with these DSNs by ``dsn_key``, with what ``user`` may read; missing ones are left out.

    Participants are the colleagues whose own Merkmal is on the activity; linked addresses only those that the user may
    read (rule 17). ``private``: the rights list names this user alone (rule 18).
    """
    found: dict[str, Activity] = {}
    for chunk in _chunks(dsns):
        activities = _of(connection, record_statements.activities, tables, chunk)
        links = _linked_addresses(connection, tables, chunk, user)
        people = _participants(connection, tables, chunk, user)
        private = _private(connection, tables, chunk, user)
        for row in activities:
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
            text_of(row, "ART_DSN"),
            text_of(row, "kind_NAME"),
            text_of(row, "kind_KUERZEL"),
            is_appointment=bool(row.kind_KALENDER),
            is_task=bool(getattr(row, "kind_AUFGABE", False)),
            is_mail=bool(getattr(row, "kind_MAIL", False)),
        ),
        begin=begin,
        end=end,
        all_day=bool(row.GANZTAGS) if hasattr(row, "GANZTAGS") else spans_whole_days(begin, end),
        reminder=row.VORLAGE,
        reminder_has_time=bool(row.VORLAGE_ZEIT),
        subject=text_of(row, "BETREFF"),
        note=text_of(row, "NOTIZ"),
        done=bool(row.ERLEDIGT),
        priority=0 if row.PRIORITAET is None else number_of(row, "PRIORITAET", _NO_PRIORITY),
        sender=text_of(row, "ABSENDER") or None,
        participants=tuple(participants),
        addresses=tuple(addresses),
        private=private,
        touch=row.TOUCH,
        fault=faults_of([row]),
    )


def spans_whole_days(begin: datetime | None, end: datetime | None) -> bool:
    """Return whether the times are from 00:00 to 00:00 of a later day.

    Where GANZTAGS is not mapped, that is an all-day event (rule 24).
    """
    return begin is not None and end is not None and begin.time() == end.time() == time.min and end > begin


@dataclass
class _Phones:
    """The phones of one address, and what is wrong with them."""

    phones: list[Phone] = field(default_factory=list)
    fault: str = ""


def _phones(connection: Connection, tables: Tables, dsns: Sequence[str]) -> defaultdict[str, _Phones]:
    found: defaultdict[str, _Phones] = defaultdict(_Phones)
    for row in _of(connection, record_statements.phones_of, tables, dsns):
        of_address = found[dsn_key(row.AD_DSN)]
        position = number_of(row, "POS", 0)
        if position < 1:
            position = _NO_POSITION + len(of_address.phones)
            of_address.fault = "a phone number has no position"
        of_address.fault = faults_of([row]) or of_address.fault
        of_address.phones.append(Phone(position, text_of(row, "NUMMER"), text_of(row, "BEMERKUNG")))
    return found


def _linked_addresses(
    connection: Connection, tables: Tables, dsns: Sequence[str], user: User
) -> defaultdict[str, list[LinkedAddress]]:
    links = _of(connection, record_statements.links_of, tables, dsns, **conditions.reader(user))
    phones: dict[str, _Phones] = {}
    for chunk in _chunks({row.DSN for row in links}):
        phones |= _phones(connection, tables, chunk)
    found: defaultdict[str, list[LinkedAddress]] = defaultdict(list)
    for row in links:
        name = " ".join(part for part in (text_of(row, "TITEL"), text_of(row, "VORNAME"), text_of(row, "NAME")) if part)
        mine = phones[dsn_key(row.DSN)].phones if dsn_key(row.DSN) in phones else ()
        number = next((phone.number for phone in mine if phone.number), "")
        place = (text_of(row, "STRASSE"), text_of(row, "PLZ"), text_of(row, "ORT"))
        linked = LinkedAddress(row.DSN, name, text_of(row, "FIRMA"), number, text_of(row, "EMAIL"), *place)
        found[dsn_key(row.AKT_DSN)].append(linked)
    return found


def _participants(
    connection: Connection, tables: Tables, dsns: Sequence[str], user: User
) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in _of(connection, record_statements.people_of, tables, dsns):
        if dsn_key(text_of(row, "DSN")) != dsn_key(user.dsn):
            found[dsn_key(row.AKT_DSN)].append(text_of(row, "NAME"))
    return found


def _private(connection: Connection, tables: Tables, dsns: Sequence[str], user: User) -> set[str]:
    """Return the activities whose rights list names only this user (rule 18)."""
    if tables.rights is None:
        return set()
    readers = _of(connection, record_statements.readers_of, tables, dsns)
    mine = {dsn_key(row.OBJ_DSN) for row in readers}
    others = {dsn_key(row.OBJ_DSN) for row in readers if dsn_key(text_of(row, "BEN_DSN")) != dsn_key(user.dsn)}
    return mine - others


def merkmale_of(connection: Connection, tables: Tables, record: RecordKey) -> set[str]:
    """Return the Merkmale of a record, as ``dsn_key``."""
    table, column = merkmal_table(tables, record.table)
    tags = rows.read(connection, select_from(table, "MKM_DSN", (column,)), the({column: record.dsn}))
    return {dsn_key(text_of(row, "MKM_DSN")) for row in tags}


def carrying(connection: Connection, tables: Tables, table: Table, merkmal: str, dsns: Iterable[str]) -> set[str]:
    """Return which of the records carry the Merkmal, as ``dsn_key``."""
    tags, column = merkmal_table(tables, table)
    found: set[str] = set()
    for chunk in _chunks(dsns):
        carriers = connection.scalars(
            select(tags.c[column]).where(tags.c[column].in_(chunk), tags.c.MKM_DSN == merkmal)
        )
        found |= {dsn_key(dsn) for dsn in carriers}
    return found


def merkmal_table(tables: Tables, table: Table) -> tuple[SqlTable, str]:
    """Return the table that links records of this table to Merkmale, and the name of its record column."""
    if table is Table.ADDRESS:
        return tables.address_merkmal, "AD_DSN"
    return tables.activity_merkmal, "AKT_DSN"


def rights_of(connection: Connection, tables: Tables, record: RecordKey) -> tuple[RightsEntry, ...]:
    """Return a record's rights list (rule 5); empty means that everybody has full rights."""
    rights = tables.rights
    if rights is None:
        return ()
    entries = rows.read(connection, record_statements.rights_of(rights, record.table), {"dsn": record.dsn})
    return tuple(
        RightsEntry(_dsn_of(row, "BEN_DSN"), _dsn_of(row, "GRP_DSN"), _right_in(rights, row)) for row in entries
    )


def _dsn_of(row: Row[Any], column: str) -> str | None:
    return None if getattr(row, column) is None else text_of(row, column)


def _right_in(rights: SqlTable, row: Row[Any]) -> Right:
    """Return the right that a row gives; none for a code that is not known."""
    return RIGHTS.get(columns.word_of(rights, "RECHT", text_of(row, "RECHT")), Right.NONE)


def right_of(connection: Connection, tables: Tables, record: RecordKey, user: User) -> Right:
    """Return the user's right to a record: the highest of the entries that name him (rule 5)."""
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
    """Return whether FlowFact still has the record, archived or not."""
    table = tables.address if record.table is Table.ADDRESS else tables.activity
    return connection.scalar(select_from(table, "DSN", ("DSN",)), the({"DSN": record.dsn})) is not None


def sender_of(connection: Connection, tables: Tables, record: RecordKey) -> str | None:
    """Return the DSN of the sender of an internal mail (rule 23); None for any other record."""
    if record.table is not Table.ACTIVITY or "ABSENDER" not in tables.activity.c:
        return None
    return connection.scalar(select_from(tables.activity, "ABSENDER", ("DSN",)), the({"DSN": record.dsn})) or None


def kinds(connection: Connection, tables: Tables, *, appointment: bool) -> list[Kind]:
    """Return the kinds of appointments, or else of tasks, ordered by DSN."""
    kind = tables.kind
    suits = conditions.flag(kind.c.KALENDER) if appointment else conditions.is_task_kind(tables)
    return [
        Kind(
            text_of(row, "DSN"),
            text_of(row, "NAME"),
            text_of(row, "KUERZEL"),
            is_appointment=appointment,
            is_task=not appointment,
            is_mail=bool(getattr(row, "MAIL", False)),
        )
        for row in rows.read(connection, select(kind).where(suits).order_by(kind.c.DSN))
    ]


def find_kind(known: Iterable[Kind], name: str) -> Kind | None:
    """Return the first of the kinds with this name, short name or DSN, or None; case and outer spaces do not count."""
    wanted = name.strip().casefold()
    for kind in known:
        if wanted in {text.strip().casefold() for text in (kind.dsn, kind.name, kind.short_name)}:
            return kind
    return None


def made_by(connection: Connection, tables: Tables, identifier: str, user: User, since: datetime) -> list[str]:
    """Return the DSNs of addresses with a Kennung, plain or numbered, that a user created (rule 14).

    ``since``: office local time. Empty where the name map has no columns for who created a record, or when.
    """
    address = tables.address.c
    if "ANGELEGT" not in address or "ANGELEGT_VON" not in address:
        return []
    is_his = (address.ANGELEGT_VON == user.dsn, address.ANGELEGT >= since)
    named = [identifier, *(f"{identifier} ({number})" for number in range(2, _MOST_NUMBERED))]
    wanted = select(address.DSN).where(*is_his, address.KENNUNG.in_(named)).order_by(address.DSN)
    return list(connection.scalars(wanted))


def _of(
    connection: Connection,
    ask: Callable[[Tables, bool], Select[Any]],
    tables: Tables,
    dsns: Sequence[str],
    **more: object,
) -> Rows:
    """Return the rows that belong to these records."""
    return rows.read_of(connection, lambda is_one: ask(tables, is_one), dsns, more)


def _chunks(dsns: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(set(dsns))
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
