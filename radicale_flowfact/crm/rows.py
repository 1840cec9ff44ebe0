"""Reads rows of which a value may be unreadable, without losing the rows beside it (rule 28).

Columns may hold what the driver cannot convert: text that is no Unicode and, with views or on SQLite, values of any
type. Rows are read together where that works, else record by record. Of a record that still fails, text columns are
read as bytes, and what cannot be read at all as NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, Select, null, type_coerce
from sqlalchemy import cast as as_type
from sqlalchemy.types import Boolean, DateTime, String, TypeEngine

from radicale_flowfact.database.odd_values import is_unreadable
from radicale_flowfact.database.site_values import SiteFlag, SiteTime

Rows = Sequence[Row[Any]]
_ENCODINGS = {"mssql": "utf-16-le"}  # of a text as bytes; elsewhere UTF-8
_UNREADABLE = "unreadable"


def read(connection: Connection, statement: Select[Any], parameters: Mapping[str, object] | None = None) -> Rows:
    """Return the rows of a statement; where that fails, column by column (see above)."""
    try:
        return connection.execute(statement, parameters).all()
    except Exception as error:
        if not is_unreadable(error):
            raise
        return _read_by_columns(connection, statement, parameters)


def read_of(
    connection: Connection, ask: Callable[[bool], Select[Any]], dsns: Sequence[str], parameters: Mapping[str, object]
) -> Rows:
    """Return the rows that belong to records; where that fails, record by record (see above).

    ``ask`` returns the statement for one record (True) or for many; its parameter is ``dsns``.
    """
    is_one = len(dsns) == 1
    try:
        return connection.execute(ask(is_one), {"dsns": dsns[0] if is_one else dsns, **parameters}).all()
    except Exception as error:
        if not is_unreadable(error):
            raise
    if is_one:
        return _read_by_columns(connection, ask(True), {"dsns": dsns[0], **parameters})
    half = len(dsns) // 2
    parts = (dsns[:half], dsns[half:])
    return [row for part in parts for row in read_of(connection, ask, part, parameters)]


def as_stored(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column as ``plain_text`` reads it, whatever its type; on SQLite as bytes: a text may be none there."""
    plain = type_coerce(column, String)
    return as_type(plain, LargeBinary) if connection.dialect.name == "sqlite" else plain


def text_of(row: Row[Any], column: str) -> str:
    """Return a column's value as text, whatever its type; empty for NULL, or if the column is not mapped."""
    return plain_text(getattr(row, column, None))


def plain_text(value: object) -> str:
    """Return a value as text; empty for NULL."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="replace")
    return "" if value is None else str(value)


def number_of(row: Row[Any], column: str, otherwise: int) -> int:
    """Return a column's value if it is a whole number of 32 bits, else ``otherwise``."""
    value = getattr(row, column, None)
    if isinstance(value, float | Decimal) and value == value.__trunc__():
        value = int(value)
    return value if isinstance(value, int) and abs(value) < 1 << 31 else otherwise


def faults_of(rows: Rows) -> str:
    """Return which columns of these rows could not be read, in words; empty if all could."""
    found = sorted({name for row in rows for name in getattr(row, _UNREADABLE, ())})
    return f"{', '.join(found)} cannot be read" if found else ""


def _read_by_columns(connection: Connection, statement: Select[Any], parameters: Mapping[str, object] | None) -> Rows:
    """Read each column by itself first; one that fails is read as bytes, or as NULL if that fails, too."""
    columns: list[ColumnElement[Any]] = []
    as_bytes: dict[str, TypeEngine[Any]] = {}
    unread: set[str] = set()
    for column in statement.selected_columns:
        key, encoded = str(column.key), as_type(column, LargeBinary)
        if _can_be_read(connection, statement, column, parameters):
            columns.append(column.label(key))
        elif _can_be_read(connection, statement, encoded, parameters):
            columns.append(encoded.label(key))
            as_bytes[key] = column.type
        else:
            columns.append(null().label(key))
            unread.add(key)
    found = connection.execute(_only(statement, columns), parameters).mappings()
    encoding = _ENCODINGS.get(connection.dialect.name, "utf-8")
    return cast("Rows", [_row(dict(values), as_bytes, unread, encoding) for values in found])


def _can_be_read(
    connection: Connection,
    statement: Select[Any],
    column: ColumnElement[Any],
    parameters: Mapping[str, object] | None,
) -> bool:
    try:
        connection.execute(_only(statement, [column.label("value")]), parameters).all()
    except Exception as error:
        if not is_unreadable(error):
            raise
        return False
    return True


def _only(statement: Select[Any], columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    return statement.with_only_columns(*columns, maintain_column_froms=True)


def _row(values: dict[str, Any], as_bytes: Mapping[str, TypeEngine[Any]], unread: set[str], encoding: str) -> object:
    faults = set(unread)
    for name, kind in as_bytes.items():
        if (value := values[name]) is None:
            continue
        text = value.decode(encoding, "replace")
        try:
            values[name] = _converted(value.decode(encoding), kind)
        except ValueError:
            values[name] = text if isinstance(kind, String) else None
            faults.add(name)
    return SimpleNamespace(**values, **{_UNREADABLE: tuple(faults)})


def _converted(text: str, kind: TypeEngine[Any]) -> object:
    """Return a text as the value of a column of this type. Raises ValueError."""
    if isinstance(kind, String):
        return text
    if isinstance(kind, SiteFlag | SiteTime):
        return kind.process_result_value(text)
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(text)
    return bool(int(text)) if isinstance(kind, Boolean) else int(text)
