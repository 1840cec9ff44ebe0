"""Reads the real columns of the mapped tables: what the gateway goes by, and by which a change of them is noticed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Inspector,
    String,
    column,
    inspect,
    select,
    table,
)
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from radicale_flowfact.crm.column_types import TIMES, Real, RealTypes, is_key
from radicale_flowfact.crm.names import TABLES, UNREAD, NameMap
from radicale_flowfact.crm.rows import as_stored, plain_text
from radicale_flowfact.crm.tables import Tables, build_tables
from radicale_flowfact.crm.values import Raw, Values
from radicale_flowfact.database.fault_codes import Kind
from radicale_flowfact.database.faults import kind_of

_WITH_CASE = re.compile(r"_CS_|_BIN")
"""In the name of a collation of SQL Server that compares with case."""
_SAMPLED = 20  # values by which the spelling of a column is known
Key = tuple[str, str]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RealTable:
    """A mapped table as it is: its columns by their names in lower case, and whether it is a view."""

    schema: str | None
    name: str
    columns: Mapping[str, ReflectedColumn]
    is_view: bool = False

    def column(self, physical: str | None) -> ReflectedColumn | None:
        """Return a column; its case does not count."""
        return self.columns.get((physical or "").casefold())


def real_tables(connection: Connection, names: NameMap) -> dict[str, RealTable]:
    """Return the mapped tables that exist, by logical name."""
    inspector = inspect(connection)
    wanted = {name: place for name in TABLES if (place := names.table(name)) is not None}
    if connection.dialect.name == "postgresql":
        return _all_at_once(inspector, wanted)
    views = {schema: frozenset(map(str.casefold, inspector.get_view_names(schema))) for schema, _ in wanted.values()}
    found = {}
    for name, (schema, physical) in wanted.items():
        try:
            there = inspector.get_columns(physical, schema)
        except NoSuchTableError:
            continue
        found[name] = _real_table(schema, physical, there, is_view=physical.casefold() in views[schema])
    return found


def _all_at_once(inspector: Inspector, wanted: Mapping[str, tuple[str | None, str]]) -> dict[str, RealTable]:
    """Read all columns of a schema in one statement."""
    found = {}
    for schema in {schema for schema, _ in wanted.values()}:
        names = {physical: name for name, (its, physical) in wanted.items() if its == schema}
        asked: dict[str, Any] = {"schema": schema, "filter_names": list(names), "scope": ObjectScope.ANY}
        there = inspector.get_multi_columns(kind=ObjectKind.ANY, **asked)
        views = {*inspector.get_view_names(schema), *inspector.get_materialized_view_names(schema)}
        for (_, physical), columns in there.items():
            found[names[physical]] = _real_table(schema, physical, columns, is_view=physical in views)
    return found


def _real_table(schema: str | None, name: str, there: Sequence[ReflectedColumn], *, is_view: bool) -> RealTable:
    return RealTable(schema, name, {one["name"].casefold(): one for one in there}, is_view)


def real_types(connection: Connection, names: NameMap) -> RealTypes:
    """Return the types that the mapped columns have in the database; what does not exist is left out."""
    return _types(names, real_tables(connection, names))


def _types(names: NameMap, there: Mapping[str, RealTable]) -> dict[Key, TypeEngine[Any]]:
    mapped = ((name, its, one.column(names.column(name, its))) for name, one in there.items() for its in TABLES[name])
    return {(name, its): real["type"] for name, its, real in mapped if real is not None}


def schema_state(connection: Connection, names: NameMap) -> str:
    """Return a digest of all that is read of the mapped tables: their columns, types, lengths and the like.

    It changes with each change of the schema that concerns the gateway, and reads no row of FlowFact's.
    """
    return _state(real_tables(connection, names))


def _state(there: Mapping[str, RealTable]) -> str:
    lines = [
        f"{name} {one.is_view} {its} {real['type']!r} {real['nullable']} {real.get('default')} {real.get('identity')}"
        for name, one in sorted(there.items())
        for its, real in sorted(one.columns.items())
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read(connection: Connection, names: NameMap) -> Real:
    """Return what the gateway must know of the mapped columns; what does not exist is left out.

    Where a table may not be read, its columns count as the reference schema's, and ``state`` is empty.
    """
    there = real_tables(connection, names)
    types = _types(names, there)
    asked = {key: kind for key, kind in types.items() if key[0] not in UNREAD}
    views = frozenset(name for name, one in there.items() if one.is_view)
    dialect, state = connection.dialect.name, _state(there)
    try:
        with connection.begin_nested():
            cased = _cased(connection, names, there, asked)
            spelled = [key for key, kind in asked.items() if _spelling_matters(key, kind, cased)]
            samples = {key: sample for key in spelled if (sample := _sample(connection, names, there, key))}
    except DBAPIError as error:
        if kind_of(error) is not Kind.RIGHT:
            raise
        return Real(dialect, types, views=views)
    return Real(dialect, types, cased, samples, views, state)


class Site:
    """A site as its settings describe it, and the state of its schema when its columns were read last.

    ``names`` and ``values``: these sections of the settings; ``zone``: the office's time zone. Raises NameMapError.
    """

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Raw | Sequence[Raw]], zone: str) -> None:
        self.names = NameMap.from_overrides(names)
        self.values = Values.from_settings(values)
        self.zone = zone
        self._state = ""

    def read(self, connection: Connection) -> Tables:
        """Return FlowFact's tables as their columns are now. Raises DBAPIError."""
        found = read(connection, self.names)
        self._state = found.state
        return build_tables(self.names, found, self.values, self.zone)

    def changed(self, connection: Connection) -> Tables | None:
        """Return FlowFact's tables if the schema changed since they were read, else None. Raises DBAPIError."""
        return self.read(connection) if schema_state(connection, self.names) != self._state else None


def _spelling_matters(key: Key, kind: TypeEngine[Any], cased: Iterable[Key]) -> bool:
    return key in cased or (key[1] in TIMES and isinstance(kind, String))


def _cased(
    connection: Connection, names: NameMap, there: Mapping[str, RealTable], types: Mapping[Key, TypeEngine[Any]]
) -> frozenset[Key]:
    """Return the DSNs that are compared with case; but on SQL Server the database is asked, in one statement."""
    keys = [key for key, kind in types.items() if is_key(key[1]) and isinstance(kind, String)]
    if connection.dialect.name == "mssql":
        return frozenset(key for key in keys if has_case(types[key]))
    read = [key for key in keys if key[0] not in UNREAD]
    found = _unless_forbidden(connection, lambda: _asked(connection, names, there, read))
    if found is not None:
        return found
    one_by_one: set[Key] = set()
    for table_name in dict.fromkeys(name for name, _ in read):
        mine = [key for key in read if key[0] == table_name]
        one_by_one |= _unless_forbidden(connection, partial(_asked, connection, names, there, mine)) or frozenset()
    return frozenset(one_by_one)


def _asked(
    connection: Connection, names: NameMap, there: Mapping[str, RealTable], keys: Sequence[Key]
) -> frozenset[Key]:
    """Return those of the keys that the database compares with case."""
    if not keys:
        return frozenset()
    # An "a" in a column like this one: whether that is an "A" shows how the column is compared.
    quoted = connection.dialect.identifier_preparer.quote_identifier
    asked = []
    for name, its in keys:
        one = there[name]
        place = ".".join(quoted(part) for part in (one.schema, one.name) if part)
        like = f"SELECT {quoted(names.column(name, its) or '')} AS d FROM {place} WHERE 1 = 0"  # noqa: S608 - quoted
        asked.append(f"(SELECT count(*) FROM ({like} UNION ALL SELECT 'a') AS u WHERE d = 'A')")  # noqa: S608 - quoted
    answers = connection.exec_driver_sql(f"SELECT {', '.join(asked)}").one()  # no statement of SQL Server
    return frozenset(key for key, is_found in zip(keys, answers, strict=True) if not is_found)


def _unless_forbidden(connection: Connection, ask: Callable[[], _T]) -> _T | None:
    """Return an answer, or None where the database user may not read: that is told by who needs the table."""
    try:
        with connection.begin_nested():
            return ask()
    except DBAPIError as error:
        if kind_of(error) is not Kind.RIGHT:
            raise
        return None


def has_case(kind: TypeEngine[Any]) -> bool:
    """Return whether a column of SQL Server is compared with case, by the name of its collation."""
    return bool(_WITH_CASE.search(f"{getattr(kind, 'collation', None) or ''}_"))


def _sample(connection: Connection, names: NameMap, there: Mapping[str, RealTable], key: Key) -> str:
    """Return the longest of some times, or some DSNs behind each other; an empty text if there is none."""
    name, its = key
    one: Any = column(quoted_name(names.column(name, its) or "", quote=True), String)
    query = select(as_stored(connection, one)).select_from(_place(there[name])).where(one.is_not(None)).limit(_SAMPLED)
    values = None if name in UNREAD else _unless_forbidden(connection, lambda: connection.scalars(query).all())
    found = [plain_text(value).strip() for value in values or ()]
    return max(found, key=len, default="") if its in TIMES else "".join(found)


def _place(there: RealTable) -> Any:  # noqa: ANN401 - a TableClause
    return table(quoted_name(there.name, quote=True), schema=there.schema)
