"""Reads the facts that decide whether a user has a record on his devices, for the command ``why``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, select

from radicale_flowfact.crm import reads, rows
from radicale_flowfact.crm.conditions import flag, is_task_kind
from radicale_flowfact.crm.rows import text_of
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.records import RecordKey, Right, Table, User


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about one record. ``end`` (of an appointment) and ``due`` (of a task) are office local times."""

    record: RecordKey
    shown_as: str
    archived: bool
    right: Right
    merkmale: frozenset[str]
    appointments: tuple[str, ...] = ()
    kind: str = ""
    is_appointment: bool = False
    is_task: bool = False
    end: datetime | None = None
    due: datetime | None = None
    done: bool = False


def find_records(connection: Connection, tables: Tables, dsn: str) -> list[RecordKey]:
    """Return the records with this DSN: none, one, or an address and an activity."""
    found = []
    for table, records in ((Table.ADDRESS, tables.address), (Table.ACTIVITY, tables.activity)):
        there = connection.scalar(select(records.c.DSN).where(records.c.DSN == dsn))
        if there is not None:
            found.append(RecordKey(table, there))
    return found


def read_facts(connection: Connection, tables: Tables, record: RecordKey, user: User) -> Facts:
    """Return the facts about a record that exists."""
    table = tables.address if record.table is Table.ADDRESS else tables.activity
    (row,) = rows.read(connection, select(table).where(table.c.DSN == record.dsn))
    right = reads.right_of(connection, tables, record, user)
    merkmale = frozenset(reads.merkmale_of(connection, tables, record))
    archived = bool(getattr(row, "ARCHIV", False))
    if record.table is Table.ADDRESS:
        links = tables.activity_address
        linked = connection.scalars(select(links.c.AKT_DSN).where(links.c.AD_DSN == record.dsn))
        return Facts(record, _name(row), archived, right, merkmale, tuple(linked))
    kinds = rows.read(
        connection,
        select(
            tables.kind.c.NAME,
            _as_number(flag(tables.kind.c.KALENDER)).label("for_calendar"),
            _as_number(is_task_kind(tables)).label("for_tasks"),
        ).where(tables.kind.c.DSN == row.ART_DSN),
    )
    kind = next(iter(kinds), None)
    is_task = kind is not None and bool(kind.for_tasks)
    return Facts(
        record,
        text_of(row, "BETREFF"),
        archived,
        right,
        merkmale,
        kind=text_of(kind, "NAME") if kind else "",
        is_appointment=kind is not None and bool(kind.for_calendar),
        is_task=is_task and row.VORLAGE is not None,
        end=row.ENDE or row.BEGINN,
        due=row.VORLAGE,
        done=bool(row.ERLEDIGT),
    )


def _as_number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return 1 or 0: SQL Server does not select a condition as a column."""
    return case((condition, 1), else_=0)


def _name(row: Row[Any]) -> str:
    return text_of(row, "KENNUNG") or text_of(row, "NAME") or text_of(row, "FIRMA")
