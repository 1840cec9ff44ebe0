"""Compares the name map with the real database, and names everything that is missing or of a wrong type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CHAR, NCHAR, NVARCHAR, VARCHAR, Connection, Inspector, inspect
from sqlalchemy.dialects.mssql import DATETIME2
from sqlalchemy.types import Boolean, Date, DateTime, Integer, Numeric, String, TypeEngine

from radicale_flowfact.crm.column_types import TIMES, RealTypes, column_type, is_of_numbers
from radicale_flowfact.crm.names import OPTIONAL, TABLES, UNREAD, NameMap
from radicale_flowfact.crm.site import drafting, real
from radicale_flowfact.crm.site.drafting import Found
from radicale_flowfact.crm.site.schema_reading import tables_in
from radicale_flowfact.crm.values import FLAGS, WORDS

_FAMILIES: dict[type[TypeEngine[Any]], tuple[str, tuple[type[TypeEngine[Any]], ...]]] = {
    String: ("text", (String,)),
    Boolean: ("a bit, a number or a letter", (Boolean, Integer, Numeric, String)),
    Integer: ("a whole number", (Integer, Numeric)),
    DateTime: ("a date with time", (DateTime, Date, String)),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; ``name`` is the logical name, ``text`` says what is wrong and what to do."""

    name: str
    text: str

    def __str__(self) -> str:
        return self.text


def check(connection: Connection, names: NameMap) -> list[Fault]:
    """Return a fault for each mapped table and column that is missing or of a wrong type."""
    inspector = inspect(connection)
    faults: list[Fault] = []
    for table in TABLES:
        found = names.table(table)
        if found is None:
            continue
        schema, physical = found
        if inspector.has_table(physical, schema=schema):
            faults += _check_columns(inspector, names, table, schema, physical)
        elif table not in UNREAD:
            faults.append(_missing_table(inspector, names, table, schema, physical))
    return faults


_SHOWN = 6


def remarks(real: RealTypes) -> list[str]:
    """Return what an admin of a SQL Server should know about the types of mapped columns."""
    found = []
    older = [(f"{table}.{column}", kind) for (table, column), kind in real.items() if _is_of_code_page(kind)]
    if older:
        shown, more = ", ".join(name for name, _ in older[:_SHOWN]), len(older) - _SHOWN
        names = f"{shown} and {more} more" if more > 0 else shown
        found.append(
            f"varchar with an SQL_ collation ({getattr(older[0][1], 'collation', '')}): {names}; they keep only the "
            "characters of its code page, and are compared with nvarchar without an index"
        )
    for (table, column), kind in real.items():
        if column == "TOUCH" and isinstance(kind, DATETIME2):
            found.append(f"{table}.TOUCH is a datetime2: what changes within a microsecond counts as one change")
    return found


def _is_of_code_page(kind: TypeEngine[Any]) -> bool:
    is_narrow = isinstance(kind, VARCHAR | CHAR) and not isinstance(kind, NVARCHAR | NCHAR)
    return is_narrow and str(getattr(kind, "collation", None) or "").startswith("SQL_")


def schema_state(connection: Connection, names: NameMap) -> str:
    """Return a digest of the mapped tables' columns: it changes with each change of the schema that concerns us.

    It reads no row of FlowFact's: at most some statements on the database's own catalogue.
    """
    return real.schema_state(connection, names)


def fits(column: str, found: TypeEngine[Any]) -> bool:
    """Return whether a logical column is likely to be in a column of this type.

    A flag may be a letter and a time a text, but that is seen by the values, not by the type.
    """
    if isinstance(found, String) and column in (*FLAGS, *TIMES):
        return False
    return not _wrong_type(column, found)


def missing_features(names: NameMap) -> list[str]:
    """Return a sentence for each absent name: what the gateway does without it."""
    return [f"{name} is mapped to nothing: {OPTIONAL[name]}" for name in names.absent()]


def _missing_table(inspector: Inspector, names: NameMap, table: str, schema: str | None, physical: str) -> Fault:
    what = f"{schema}.{physical}" if schema else physical
    nearest = drafting.hint(names, table, tables_in(inspector, schema), fits)
    return Fault(table, f"table {table}: the database has no table {what!r}; {_hint(table, nearest)}")


def _check_columns(inspector: Inspector, names: NameMap, table: str, schema: str | None, physical: str) -> list[Fault]:
    there = {column["name"]: column["type"] for column in inspector.get_columns(physical, schema=schema)}
    caseless = {name.casefold(): kind for name, kind in there.items()}
    faults = []
    for column in TABLES[table]:
        wanted = names.column(table, column)
        if wanted is None:
            continue
        logical = f"{table}.{column}"
        if wanted.casefold() not in caseless:
            hint = _hint(logical, drafting.hint(names, logical, [Found(physical, there)], fits))
            faults.append(Fault(logical, f"column {logical}: table {physical!r} has no column {wanted!r}; {hint}"))
        elif fault := _wrong_type(logical, caseless[wanted.casefold()]):
            faults.append(Fault(logical, f"column {logical}: {physical!r}.{wanted!r} {fault}"))
    return faults


def _wrong_type(name: str, found: TypeEngine[Any]) -> str:
    """Return what is wrong with a column's type; ``name``: its logical name, with its table or without."""
    wanted = column_type(name.rpartition(".")[2])
    if name in WORDS and is_of_numbers(found):
        return ""
    for family, (words, accepted) in _FAMILIES.items():
        if isinstance(wanted, family):
            if isinstance(found, accepted) or found._type_affinity in accepted:
                return ""
            return f"is of type {found}, but should be {words}; map the right column in [names]"
    return ""


def _hint(logical: str, nearest: str) -> str:
    line = f'"{logical}" = "{nearest or "…"}"'
    if logical in OPTIONAL:
        return f'map it in [names] of flowfact.toml: {line} (or "" if it has none)'
    return f"map it in [names] of flowfact.toml: {line}"
