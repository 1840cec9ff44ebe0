"""What decides whether a user has a record on his devices, fact by fact, for the command ``why``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, select

from radicale_flowfact.crm import reads
from radicale_flowfact.crm.scope import flag, is_task_kind
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.records import RecordKey, Right, Table, User


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about one record. ``end`` is the appointment's end, ``due`` the task's due date, office local time."""

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
    for table, rows in ((Table.ADDRESS, tables.address), (Table.ACTIVITY, tables.activity)):
        there = connection.scalar(select(rows.c.DSN).where(rows.c.DSN == dsn))
        if there is not None:
            found.append(RecordKey(table, there))
    return found


def read_facts(connection: Connection, tables: Tables, record: RecordKey, user: User) -> Facts:
    """Return what is so about a record that exists."""
    table = tables.address if record.table is Table.ADDRESS else tables.activity
    row = connection.execute(select(table).where(table.c.DSN == record.dsn)).one()
    right = reads.right_of(connection, tables, record, user)
    merkmale = frozenset(reads.merkmale_of(connection, tables, record))
    archived = bool(getattr(row, "ARCHIV", False))
    if record.table is Table.ADDRESS:
        links = tables.activity_address
        linked = connection.scalars(select(links.c.AKT_DSN).where(links.c.AD_DSN == record.dsn))
        return Facts(record, _name(row), archived, right, merkmale, tuple(linked))
    kind = connection.execute(
        select(
            tables.kind.c.NAME,
            _as_number(flag(tables.kind.c.KALENDER)).label("for_calendar"),
            _as_number(is_task_kind(tables)).label("for_tasks"),
        ).where(tables.kind.c.DSN == row.ART_DSN)
    ).one_or_none()
    is_task = kind is not None and bool(kind.for_tasks)
    return Facts(
        record,
        row.BETREFF or "",
        archived,
        right,
        merkmale,
        kind=kind.NAME if kind else "",
        is_appointment=kind is not None and bool(kind.for_calendar),
        is_task=is_task and row.VORLAGE is not None,
        end=row.ENDE or row.BEGINN,
        due=row.VORLAGE,
        done=bool(row.ERLEDIGT),
    )


def _as_number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return 1 or 0: SQL Server lists no condition as a column."""
    return case((condition, 1), else_=0)


def _name(row: Row[Any]) -> str:
    return row.KENNUNG or row.NAME or row.FIRMA or ""
