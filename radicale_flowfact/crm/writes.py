"""Carries out actions on FlowFact's rows, inside the caller's transaction.

Nothing is decided here: the actions say what to do. A row is changed only while its Touch is the one that was read
(rule 27), and a value that its column cannot hold is refused before anything is written (rule 28).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Update, delete, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.actions import (
    AddMerkmal,
    CreateRecord,
    CrmAction,
    MarkDone,
    RemoveMerkmal,
    SetField,
    SetPhone,
    SetRights,
    Value,
)
from radicale_flowfact.crm import columns
from radicale_flowfact.crm.conditions import of_table
from radicale_flowfact.crm.reads import merkmal_table
from radicale_flowfact.crm.statements import (
    delete_from,
    insert_into,
    new,
    select_from,
    the,
    update_at_touch,
    update_of,
    update_untouched,
)
from radicale_flowfact.crm.tables import IS_VIEW, Tables
from radicale_flowfact.database.lengths import Limit
from radicale_flowfact.database.odd_values import is_unreadable_time
from radicale_flowfact.records import RecordKey, Right, Table

_TICK = timedelta(milliseconds=10)  # datetime's 1/300 s falls on each 10 ms
_FIRST_DATE, _LAST_DATE = datetime(1753, 1, 1), datetime(9999, 12, 31)  # what a datetime column holds
_RIGHT_NAMES = {Right.FULL: "VOLL", Right.READ: "LESEN"}
_UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")  # control characters, lone surrogates


class StaleError(Exception):
    """A record changed or was deleted in FlowFact after it was read (rule 27); the caller must roll back."""


class UnwritableError(Exception):
    """A value that FlowFact's column cannot hold; the message names field and limit (rule 28)."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who writes (a user's DSN, or None) and when (office local time); stored in TOUCH_VON and TOUCH."""

    user: str | None
    now: datetime


def carry_out(
    connection: Connection,
    tables: Tables,
    actions: Sequence[CrmAction],
    stamp: Stamp,
    touches: Mapping[RecordKey, datetime | None],
) -> None:
    """Carry out ``actions``: new records first, then fields, then phones, Merkmale and rights.

    ``touches``: the Touch that each changed record had when it was read. Each UPDATE compares it and sets a new one,
    which differs even if the clock stands still. Raises StaleError or UnwritableError; the caller must then roll back.
    """
    for action in actions:
        if isinstance(action, CreateRecord):
            _create(connection, tables, action, stamp)
    created = {action.record for action in actions if isinstance(action, CreateRecord)}
    _update_rows(connection, tables, actions, stamp, touches, created)
    for action in actions:
        if isinstance(action, SetPhone):
            _set_phone(connection, tables, action)
        elif isinstance(action, AddMerkmal | RemoveMerkmal):
            _set_merkmal(connection, tables, action)
        elif isinstance(action, SetRights):
            _set_rights(connection, tables, action)


def unique_identifier(connection: Connection, tables: Tables, wanted: str, refused: Collection[str] = ()) -> str:
    """Return a Kennung that no address has: ``wanted``, or with a number behind it (rule 14).

    ``refused``: those that an index of FlowFact's did not accept, though they were not found. The caller holds the lock
    that all gateways share; otherwise two of them could choose the same one. Raises UnwritableError after 10,000
    numbers.
    """
    unwanted = {text.casefold() for text in refused}
    column = tables.address.c.KENNUNG
    base = wished_identifier(tables, wanted)
    is_free = connection.scalar(select_from(tables.address, "KENNUNG", ("KENNUNG",)), the({"KENNUNG": base})) is None
    if is_free and base.casefold() not in unwanted:
        return base
    for first in range(2, 10_000, 50):
        candidates = [f"{base} ({number})" for number in range(first, first + 50)]
        there = connection.scalars(select(column).where(column.in_(candidates)))
        taken = unwanted | {(text or "").casefold() for text in there}
        for candidate in candidates:
            if candidate.casefold() not in taken:
                return candidate
    raise UnwritableError(f"there are too many addresses with the Kennung {base!r}")


def wished_identifier(tables: Tables, wanted: str) -> str:
    """Return a Kennung as it fits into the column, with room for a number behind it (rule 14)."""
    limit = columns.limit_of(tables.address, "KENNUNG") or Limit(100)
    return replace(limit, most=max(limit.most - 8, 1)).cut(wanted).strip() or "Neue Adresse"


def _create(connection: Connection, tables: Tables, action: CreateRecord, stamp: Stamp) -> None:
    table = columns.table_of(tables, action.record.table)
    values = _values(table, action.record, action.fields)
    marks = {"ANGELEGT": stamp.now, "ANGELEGT_VON": stamp.user, "TOUCH": stamp.now, "TOUCH_VON": stamp.user}
    defaults: dict[str, Value] = {"ARCHIV": False}
    if action.record.table is Table.ACTIVITY:
        defaults |= {"ERLEDIGT": False, "VORLAGE_ZEIT": False, "GANZTAGS": False}
    row = {"DSN": action.record.dsn, **defaults, **marks, **values}
    connection.execute(insert_into(table), {name: value for name, value in row.items() if name in table.c})


def _update_rows(
    connection: Connection,
    tables: Tables,
    actions: Iterable[CrmAction],
    stamp: Stamp,
    touches: Mapping[RecordKey, datetime | None],
    created: set[RecordKey],
) -> None:
    """Write the changed columns of each record and a new Touch, in one UPDATE that compares the old Touch."""
    changes: defaultdict[RecordKey, list[tuple[str, Value]]] = defaultdict(list)
    for action in actions:
        if isinstance(action, SetField):
            changes[action.record].append((action.field, action.after))
        elif isinstance(action, MarkDone):
            changes[action.record].append(("done", action.after))
        elif isinstance(action, SetPhone) and action.record not in created:
            changes[action.record] += []
    for record, fields in changes.items():
        table, touch = columns.table_of(tables, record.table), touches[record]
        marks = {"TOUCH": _next_touch(stamp.now, touch), "TOUCH_VON": stamp.user}
        row = {**_values(table, record, fields), **marks}
        here = the({"DSN": record.dsn, "TOUCH": touch})
        there = _touches_in_view(connection, table, record)
        changed = connection.execute(_guarded_update(touch)(table, tuple(row), ("DSN",)), {**new(row), **here})
        if (changed.rowcount != 1) if there is None else (there != [touch]):
            raise StaleError(f"{record} was changed in FlowFact meanwhile")


def _touches_in_view(connection: Connection, table: SqlTable, record: RecordKey) -> list[datetime | None] | None:
    """Return the Touch of a record in a view of SQLite, which counts no row that an INSTEAD OF trigger changed.

    Nobody else can change it before this transaction ends. None: the database counts.
    """
    if connection.dialect.name != "sqlite" or not table.info[IS_VIEW]:
        return None
    return list(connection.scalars(select_from(table, "TOUCH", ("DSN",)), the({"DSN": record.dsn})))


def _guarded_update(touch: datetime | None) -> Callable[[SqlTable, tuple[str, ...], tuple[str, ...]], Update]:
    """Return the UPDATE that compares this Touch; a Touch that cannot be read is not compared."""
    if is_unreadable_time(touch):
        return update_of
    return update_untouched if touch is None else update_at_touch


def _next_touch(now: datetime, before: datetime | None) -> datetime:
    """Return a Touch that differs from the one before, even when the clock stands still or goes back."""
    touch = now.replace(microsecond=now.microsecond // 10_000 * 10_000)
    if before is not None and not is_unreadable_time(before) and abs(touch - before) < _TICK:
        return before.replace(microsecond=before.microsecond // 10_000 * 10_000) + _TICK
    return touch


def _values(table: SqlTable, record: RecordKey, fields: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Return the values by FlowFact's column names, each checked against its column."""
    names = columns.OF_TABLE[record.table]
    found: dict[str, Value] = {}
    for field, value in fields:
        if names[field] in table.c:
            found[names[field]] = _fitting(table, names[field], field, value)
    return found


def _fitting(table: SqlTable, column: str, field: str, value: Value) -> Value:
    if isinstance(value, str):
        return _fitting_text(value, field, columns.limit_of(table, column))
    if isinstance(value, datetime) and not _FIRST_DATE <= value <= _LAST_DATE:
        raise UnwritableError(f"{_words(field)} {value:%d.%m.%Y} is not a date that FlowFact can keep")
    return value


def _fitting_text(value: str, field: str, limit: Limit | None) -> str:
    if limit is not None and (length := limit.size(value)) > limit.most:
        raise UnwritableError(f"{_words(field)} has {length} characters, FlowFact keeps at most {limit.most}")
    if found := _UNKEPT.search(value):
        raise UnwritableError(f"{_words(field)} contains a character that FlowFact cannot keep: U+{ord(found[0]):04X}")
    return value


def _words(field: str) -> str:
    return field.replace("_", " ")


def _set_phone(connection: Connection, tables: Tables, action: SetPhone) -> None:
    phone, here = tables.phone, {"AD_DSN": action.record.dsn, "POS": action.position}
    where = tuple(here)
    if action.after is not None:
        number = {"NUMMER": _fitting_text(action.after, "phone number", columns.limit_of(phone, "NUMMER"))}
        if action.before is not None or connection.scalar(select_from(phone, "POS", where), the(here)) is not None:
            connection.execute(update_of(phone, tuple(number), where), {**new(number), **the(here)})
        else:
            connection.execute(insert_into(phone), {**here, **number, "BEMERKUNG": ""})
    elif connection.scalar(select_from(phone, "BEMERKUNG", where), the(here)):
        connection.execute(update_of(phone, ("NUMMER",), where), {**new({"NUMMER": ""}), **the(here)})
    else:
        connection.execute(delete_from(phone, where), the(here))


def _set_merkmal(connection: Connection, tables: Tables, action: AddMerkmal | RemoveMerkmal) -> None:
    table, column = merkmal_table(tables, action.record.table)
    here = {column: action.record.dsn, "MKM_DSN": action.merkmal}
    where = tuple(here)
    if isinstance(action, RemoveMerkmal):
        connection.execute(delete_from(table, where), the(here))
    elif connection.scalar(select_from(table, "MKM_DSN", where), the(here)) is None:
        connection.execute(insert_into(table), here)


def _set_rights(connection: Connection, tables: Tables, action: SetRights) -> None:
    rights = tables.rights
    if rights is None:
        raise UnwritableError("rights lists are not mapped, so a private record cannot be kept in FlowFact")
    mine = (of_table(rights, action.record.table), rights.c.OBJ_DSN == action.record.dsn)
    connection.execute(delete(rights).where(*mine))
    for entry in action.after:
        row = {
            "TABELLE": columns.code_of(rights, "TABELLE", action.record.table.value),
            "OBJ_DSN": action.record.dsn,
            "BEN_DSN": entry.user,
            "GRP_DSN": entry.group,
            "RECHT": columns.code_of(rights, "RECHT", _RIGHT_NAMES[entry.right]),
        }
        connection.execute(insert_into(rights), row)
