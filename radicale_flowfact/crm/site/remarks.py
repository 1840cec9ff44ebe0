"""Says what of a site's columns and codes the gateway cannot use as they are, each with the line to write.

``of_columns`` reads the schema and a few rows, ``of_values`` every distinct value of the columns of codes and flags.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from sqlalchemy import Column, Connection, String, func, select, type_coerce
from sqlalchemy.dialects.mssql import TIMESTAMP
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.types import Boolean, Date, DateTime, TypeEngine

from radicale_flowfact.crm import columns
from radicale_flowfact.crm.column_types import TIMES, column_type
from radicale_flowfact.crm.names import TABLES, UNREAD, NameMap
from radicale_flowfact.crm.rows import as_stored, plain_text
from radicale_flowfact.crm.site.real import RealTable, real_tables
from radicale_flowfact.crm.tables import LOGICAL, Tables
from radicale_flowfact.crm.values import FLAGS, WORDS
from radicale_flowfact.database.keys import SiteKey
from radicale_flowfact.database.odd_values import UNREADABLE_LATE
from radicale_flowfact.database.site_values import SiteFlag, SiteTime

_MOST = 20  # distinct values of a column that are looked at
_MOST_TIMES = 1000  # texts that are looked at, whether they are times
_WRITTEN = ("AD", "ADTEL", "ADMKM", "AKT", "AKTMKM")
_CLOCK = {"BEGINN", "ENDE", "TOUCH"}
"""Times that are wrong without their time of day."""


class Weight(StrEnum):
    """How grave a remark is: a fault, a fault if devices may write, or a note."""

    FAULT = "fault"
    IF_WRITING = "if-writing"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of a column or table: its logical name, what is so, and the line to write, if one helps.

    ``in_names``: the line is one of ``[names]``, else of ``[values]``.
    """

    name: str
    text: str
    line: str = ""
    weight: Weight = Weight.NOTE
    in_names: bool = True


@dataclass(frozen=True, slots=True)
class Distinct:
    """The distinct values of a column of codes or flags, each with its count; ``unknown``: those that mean nothing."""

    name: str
    counts: Mapping[str, int]
    unknown: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = field(default=())


def of_columns(connection: Connection, names: NameMap, tables: Tables) -> list[Remark]:
    """Return what is to be said of the mapped columns: lengths, dates without time, views, columns to be filled."""
    found: list[Remark] = []
    for name, real in real_tables(connection, names).items():
        found += _of_table(connection, name, real)
        mapped = {its: real.column(names.column(name, its)) for its in TABLES[name]}
        for its, there in mapped.items():
            if there is not None:
                found += _of_column(name, its, there["type"])
        known = {one["name"] for one in mapped.values() if one is not None}
        if name in (*_WRITTEN, "RECHTE"):
            found += _to_be_filled(name, real, (one for one in real.columns.values() if one["name"] not in known))
    for one in _columns(tables):
        found += _of_spelling(connection, one)
    return found


def _of_table(connection: Connection, name: str, real: RealTable) -> Iterator[Remark]:
    """Tell of a view that takes no changes, as far as the database says."""
    if name not in _WRITTEN or not real.is_view or _takes_changes(connection, real):
        return
    text = (
        f"table {name}: {real.name!r} is a view without INSTEAD OF triggers, so it takes no changes; "
        "map the table itself"
    )
    yield Remark(name, text, f'"{name}" = "…"', Weight.IF_WRITING)


def _takes_changes(connection: Connection, real: RealTable) -> bool:
    """Return whether a view takes changes; on SQL Server a plain view may, so nothing is said there."""
    if connection.dialect.name == "sqlite":
        triggers = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
        ((number,),) = connection.exec_driver_sql(triggers, (real.name,))
        return bool(number)
    if connection.dialect.name != "postgresql":
        return True
    views = (
        "SELECT is_insertable_into, is_trigger_insertable_into FROM information_schema.views "
        "WHERE table_name = %s AND table_schema = coalesce(%s, current_schema())"
    )
    return any("YES" in answer for answer in connection.exec_driver_sql(views, (real.name, real.schema)))


def _of_column(name: str, column: str, kind: TypeEngine[Any]) -> Iterator[Remark]:
    """Tell of a column that holds less than the reference schema's."""
    logical = f"{name}.{column}"
    wanted, length = getattr(column_type(column), "length", None), getattr(kind, "length", None)
    is_text = not isinstance(column_type(column), Boolean) and column not in TIMES and logical not in WORDS
    if is_text and isinstance(wanted, int) and isinstance(length, int) and length < wanted:
        text = (
            f"column {logical} holds {length} characters, {wanted} are usual: longer texts are cut there, and kept "
            "whole for the user's devices"
        )
        yield Remark(logical, text)
    if column in TIMES and isinstance(kind, Date) and not isinstance(kind, DateTime) and column != "ZEIT":
        if column in _CLOCK:
            text = f"column {logical} is a date: it keeps no time of day; map a column with date and time"
            yield Remark(logical, text, f'"{logical}" = "…"', Weight.IF_WRITING)
        elif column == "VORLAGE":
            text = f"column {logical} is a date: it keeps no time of day: an alarm made on a device rings at midnight"
            yield Remark(logical, text)


def _to_be_filled(name: str, real: RealTable, others: Iterable[ReflectedColumn]) -> Iterator[Remark]:
    """Tell of columns that are not mapped, must be filled, and have no default."""
    for there in others:
        if not there["nullable"] and not fills_itself(there):
            what = f"{real.name}.{there['name']}"
            yield Remark(
                name,
                f"{what} must be filled and has no default: new rows would be refused; give the column a default, "
                "or fill it by a trigger",
                weight=Weight.IF_WRITING,
            )


def fills_itself(there: ReflectedColumn) -> bool:
    """Return whether a column has a value in a new row that does not name it."""
    is_rowversion = isinstance(there["type"], TIMESTAMP) and not isinstance(there["type"], DateTime)
    return bool(there.get("default") or there.get("identity") or there.get("computed") or is_rowversion)


def _of_spelling(connection: Connection, column: Column[Any]) -> Iterator[Remark]:
    """Tell of a DSN that is found by no other spelling, and of a time as text that is none."""
    name, kind = _logical(column), column.type
    plain = type_coerce(column, String)
    if isinstance(kind, SiteKey) and kind.cased:
        mixed = select(func.count()).where(plain != func.lower(plain), plain != func.upper(plain))
        if number := connection.scalar(mixed):
            text = (
                f"column {name} is compared with case, and {number} of its DSNs have small and capital letters: they "
                "are found only where spelled just so; give the column a collation without case (…_CI_AS)"
            )
            yield Remark(name, text)
    if isinstance(kind, SiteTime) and kind.sort == "text":
        times = select(as_stored(connection, column)).where(column.is_not(None)).distinct().limit(_MOST_TIMES)
        values = map(plain_text, connection.scalars(times))
        if odd := [value for value in values if kind.process_result_value(value) == UNREADABLE_LATE]:
            text = (
                f"column {name} is a text, and {odd[0][:40]!r} is no time in ISO form (2026-06-15T12:00:00); "
                "map a column with date and time"
            )
            yield Remark(name, text, f'"{name}" = "…"', Weight.FAULT)


def of_values(connection: Connection, tables: Tables) -> list[Distinct]:
    """Return the distinct values of every mapped column of codes and flags, with what is to be said of them."""
    is_lax = connection.dialect.name == "sqlite"  # elsewhere a bit holds nothing else
    return [
        _distinct(connection, column)
        for column in _columns(tables)
        if _logical(column) in WORDS or isinstance(column.type, SiteFlag) or (is_lax and column.key in FLAGS)
    ]


def _distinct(connection: Connection, column: Column[Any]) -> Distinct:
    name = _logical(column)
    raw = as_stored(connection, column)
    counted = select(raw, func.count()).group_by(raw).order_by(func.count().desc()).limit(_MOST)
    found = [(value, number) for value, number in connection.execute(counted) if value is not None]
    counts = {plain_text(value).strip(): int(number) for value, number in found}
    if name in WORDS:
        unknown = tuple(value for value in counts if not columns.word_of(column.table, str(column.key), value))
        return Distinct(name, counts, unknown, tuple(_of_words(column, name, counts, unknown)))
    kind = column.type if isinstance(column.type, SiteFlag) else SiteFlag()
    unknown = tuple(value for value in counts if not kind.is_known(value))
    return Distinct(name, counts, unknown, tuple(_of_flag(name, kind, counts, unknown)))


def _of_words(column: Column[Any], name: str, counts: Mapping[str, int], unknown: Sequence[str]) -> Iterator[Remark]:
    """Tell of codes that mean nothing: a fault if none means anything, else other areas, tables or rights."""
    if not unknown:
        return
    words = WORDS[name]
    pairs = zip_longest(words, unknown[: len(words)], fillvalue="…")
    lines = "\n".join(_value_line(name, word, value) for word, value in pairs)
    listed = ", ".join(f"{value!r} ({counts[value]})" for value in unknown)
    if len(unknown) == len(counts):
        text = f"column {name} holds {listed}, and none of {' and '.join(words)}: say in [values] which stands for what"
        yield Remark(name, text, lines, Weight.FAULT, in_names=False)
        return
    meaning = "they give no right" if name == "RECHTE.RECHT" else "they are left aside"
    yield Remark(name, f"column {name} also holds {listed}; {meaning}", lines, in_names=False)


def _of_flag(name: str, kind: SiteFlag, counts: Mapping[str, int], unknown: Sequence[str]) -> Iterator[Remark]:
    """Tell of values of a flag that are neither yes nor no, and of a yes that FlowFact spells otherwise."""
    listed = ", ".join(f"{value!r} ({counts[value]})" for value in unknown)
    read = {value for value in unknown if kind.means_yes(value)}
    if unknown and (kind.is_text or read != set(unknown)):
        text = f"column {name} holds {listed}, which is neither yes nor no: say in [values] what it means"
        yield Remark(name, text, _value_line(name, "true", unknown[0]), Weight.FAULT, in_names=False)
        return
    for truth, written in (("true", kind.yes[0]), ("false", kind.no[0])):
        others = [value for value in counts if kind.means_yes(value) is (truth == "true")]
        if others and str(written).upper() not in {value.upper() for value in others}:
            text = f"column {name} holds {others[0]!r} for {truth}, and the gateway would write {written!r}"
            yield Remark(name, text, _value_line(name, truth, others[0]), Weight.IF_WRITING, in_names=False)


def _value_line(name: str, word: str, value: str) -> str:
    """Return a line of ``[values]``."""
    return f'"{name}.{word}" = {_toml(value)}'


def _toml(value: str) -> str:
    return value if re.fullmatch(r"-?[0-9]{1,9}", value) else json.dumps(value, ensure_ascii=False)


def _columns(tables: Tables) -> list[Column[Any]]:
    read = (built for built in tables.metadata.sorted_tables if built.info[LOGICAL] not in UNREAD)
    return [one for built in read for one in built.columns]


def _logical(column: Column[Any]) -> str:
    return f"{column.table.info[LOGICAL]}.{column.key}"
