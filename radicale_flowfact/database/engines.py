"""One SQLAlchemy engine for each database URL and process, prepared so that all databases behave alike.

It also holds the SQL functions that each database spells in its own way (digest, position of a text, exact time).
Radicale creates its storage twice in one process, so the engines are kept here, by URL.
"""

from __future__ import annotations

import hashlib
import marshal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    and_,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    literal,
    literal_column,
)
from sqlalchemy.dialects.mssql import DATETIME2, DATETIMEOFFSET, SMALLDATETIME
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import BigInteger, DateTime, Integer, String, TypeEngine, UnicodeText

from radicale_flowfact.database.connections import (
    Timeouts,
    completed,
    engine_options,
    hint,
    prepare_mssql,
    renew_stale_plans,
)
from radicale_flowfact.database.faults import told
from radicale_flowfact.database.odd_values import read_any_time
from radicale_flowfact.database.secrets import encoded_notes
from radicale_flowfact.database.site_values import SiteTime, plain_type
from radicale_flowfact.database.urls import FORMS, other_spelling

_DIGEST_BITS = 40  # sums over millions of rows stay below 2**63
_WEIGHTS = {-1: 1, -2: 7, -3: 31, -5: 11, -6: 19, -7: 27}  # weights of a text's last characters
_HUNDRED_NS = DATETIME2(7)  # type: ignore[no-untyped-call]
_HUNDRED_NS_OF_ZONE = DATETIMEOFFSET(7)  # type: ignore[no-untyped-call]
_NO_TIMEOUTS_NAMED = Timeouts()
_engines: dict[tuple[str, str, Timeouts], Engine] = {}
_engines_lock = threading.Lock()

WRITES = {"flowfact_writes": True}
"""Execution option of a connection whose transaction will write: SQLite then takes its lock at BEGIN."""


class DatabaseError(Exception):
    """The database cannot be used at all; the message says what to do."""


def engine_for(url: str, state_schema: str = "", timeouts: Timeouts = _NO_TIMEOUTS_NAMED) -> Engine:
    """Return the process's engine for ``url``; the gateway's tables are in ``state_schema`` ("": the default schema).

    Does not connect. Raises DatabaseError if the URL is wrong or its driver is not installed.
    """
    with _engines_lock:
        key = (url, state_schema, timeouts)
        if key not in _engines:
            _engines[key] = _create(url, timeouts).execution_options(schema_translate_map={"dav": state_schema or None})
        return _engines[key]


@contextmanager
def reaching(engine: Engine) -> Iterator[Connection]:
    """Connect, and close in the end. Raises DatabaseError with what to do if the database cannot be reached."""
    try:
        connection = engine.connect()
    except DBAPIError as error:
        words = told(error)
        message = (
            f"the database cannot be reached: {words}\n{hint(engine.url, error)}; then run: radicale-flowfact check"
        )
        raise DatabaseError("\n".join([message, *encoded_notes()])) from error
    with connection:
        yield connection


def dispose_engines() -> None:
    """Close every pooled connection; to be called at the end of a process and before a fork."""
    with _engines_lock:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()


def snapshot_options(engine: Engine) -> dict[str, Any]:
    """Return the execution options of a connection whose transaction sees one state of the database.

    SQLite always does. SQL Server would need ALLOW_SNAPSHOT_ISOLATION; there each statement sees its own state.
    """
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {}


def parsed_url(url: str) -> URL:
    """Return a database URL, with what is left out of it. Raises DatabaseError if it is none."""
    try:
        return completed(make_url(url))
    except (ArgumentError, NoSuchModuleError, ValueError, TypeError) as error:
        raise _not_a_url(url, error) from None


def _not_a_url(url: str, error: Exception) -> DatabaseError:
    return DatabaseError(other_spelling(url) or f"database_url is not a database URL: {error}; {FORMS}")


def _create(url: str, timeouts: Timeouts) -> Engine:
    parsed = parsed_url(url)
    try:
        engine = create_engine(parsed, **engine_options(parsed, timeouts))
    except (ArgumentError, NoSuchModuleError, ValueError, TypeError) as error:
        raise _not_a_url(url, error) from None
    except ImportError as error:
        raise DatabaseError(
            f"database_url needs a driver that cannot be loaded: {error}. {hint(parsed, error)}"
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", lambda connection, record: read_any_time(connection))
    if engine.dialect.name == "mssql":
        prepare_mssql(engine, timeouts)
    renew_stale_plans(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    """Set up SQLite: transactions begun by the gateway, write-ahead logging, and the digest function."""

    @event.listens_for(engine, "connect")
    def _on_connect(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        dbapi_connection.isolation_level = None  # the driver must not begin or commit by itself
        dbapi_connection.create_function("flowfact_digest", -1, _digest, deterministic=True)
        dbapi_connection.create_function("flowfact_lower", 1, _lower, deterministic=True)
        dbapi_connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("flowfact_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _digest(*values: str | bytes | float | None) -> int:
    # marshal is the fastest unambiguous serialisation. Version 2 has no references, so equal values give equal bytes.
    return int.from_bytes(hashlib.blake2b(marshal.dumps(values, 2), digest_size=_DIGEST_BITS // 8).digest(), "big")


def _lower(text: bytes | None) -> str | None:
    return None if text is None else text.decode("utf-8", "replace").lower()


def is_time(
    column: ColumnElement[datetime], parameter: str, real: TypeEngine[Any] | None = None
) -> ColumnElement[bool]:
    """Return the condition that a column has the time that was read from it, given as a parameter (rule 27).

    ``real``: the column's type on SQL Server, if known. Of a datetime2 (100 ns) Python holds microseconds only, so any
    time within that microsecond matches.
    """
    if isinstance(column.type, SiteTime):
        return _is_site_time(column, bindparam(parameter, type_=column.type), real)
    value = bindparam(parameter, type_=DateTime())
    if isinstance(real, DATETIME2):
        begin = cast(value, _HUNDRED_NS)
        return and_(column >= begin, column < func.dateadd(literal_column("microsecond"), literal_column("1"), begin))
    return column == (cast(value, SMALLDATETIME) if isinstance(real, SMALLDATETIME) else exact_time(value))


def _is_site_time(
    column: ColumnElement[datetime], value: ColumnElement[datetime], real: TypeEngine[Any] | None
) -> ColumnElement[bool]:
    if not isinstance(real, DATETIMEOFFSET):
        return column == value
    begin = cast(value, _HUNDRED_NS_OF_ZONE)
    return and_(column >= begin, column < func.dateadd(literal_column("microsecond"), literal_column("1"), begin))


class exact_time(FunctionElement[datetime]):  # noqa: N801 - SQL functions are named in lower case
    """A time given as a parameter, in the precision of a datetime column, to compare with what was read.

    SQL Server keeps 1/300 s in such a column, but sends parameters with more digits. Elsewhere it is the time itself.
    """

    type = DateTime()
    inherit_cache = True
    name = "exact_time"


@compiles(exact_time)
def _time_as_it_is(element: exact_time, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return compiler.process(element.clauses, **kwargs)


@compiles(exact_time, "mssql")
def _time_mssql(element: exact_time, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"CAST({compiler.process(element.clauses, **kwargs)} AS datetime)"


def holds(text: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Return the condition that a text contains another, compared character by character."""
    return _position(text, literal(part, UnicodeText())) > 0


def holds_word(text: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Return the condition that a text contains a word, in whatever case."""
    return holds(_small(text), word.lower())


class _small(FunctionElement[str]):  # noqa: N801 - SQL functions are named in lower case
    """A text in small letters, also its umlauts."""

    type = UnicodeText()
    inherit_cache = True
    name = "lower"


@compiles(_small)
def _small_text(element: _small, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"lower({compiler.process(element.clauses, **kwargs)})"


@compiles(_small, "mssql")
def _small_mssql(element: _small, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"LOWER(CONVERT(nvarchar(max), {compiler.process(element.clauses, **kwargs)}))"  # it takes no ntext


@compiles(_small, "postgresql")
def _small_postgresql(element: _small, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    # A text whose collation knows no case cannot be searched in.
    return f'(lower({compiler.process(element.clauses, **kwargs)}) COLLATE "C")'


@compiles(_small, "sqlite")
def _small_sqlite(element: _small, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    # SQLite's own function knows ASCII only. Text that is no Unicode cannot be passed to Python, but its bytes can.
    return f"flowfact_lower(CAST({compiler.process(element.clauses, **kwargs)} AS BLOB))"


class _position(FunctionElement[int]):  # noqa: N801 - SQL functions are named in lower case
    """The position of a text in another, from 1; 0 if it is not in it.

    It is a number, not a condition: for SQL Server, SQLAlchemy compares everything of type Boolean with 1, also a
    comparison.
    """

    type = Integer()
    inherit_cache = True
    name = "position"


@compiles(_position)
def _position_sqlite(element: _position, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"instr({compiler.process(element.clauses, **kwargs)})"


@compiles(_position, "postgresql")
def _position_postgresql(element: _position, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"strpos({compiler.process(element.clauses, **kwargs)})"


@compiles(_position, "mssql")
def _position_mssql(element: _position, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    text, part = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"CHARINDEX({part}, {text} COLLATE Latin1_General_BIN2)"


class row_digest(FunctionElement[int]):  # noqa: N801 - SQL functions are named in lower case
    """A number of 40 bits that the database computes from columns of one row; equal rows have equal numbers.

    Rows that differ have different numbers but for chance: also where a text moves to the next column or becomes NULL,
    and whatever control characters it contains. It is compared only with numbers of the same database, so each database
    may use its own hash.
    """

    type = BigInteger()
    inherit_cache = True
    name = "row_digest"

    def __init__(self, columns: Iterable[ColumnElement[Any]]) -> None:
        super().__init__(*columns)


class spread(FunctionElement[int]):  # noqa: N801 - SQL functions are named in lower case
    """A number from 0 to ``count`` - 1 that the database computes from a text; equal texts have equal numbers.

    As with ``row_digest``, each database may use its own function.
    """

    type = BigInteger()
    inherit_cache = True
    name = "spread"

    def __init__(self, text: ColumnElement[str], count: int) -> None:
        super().__init__(text, literal(count, BigInteger()))


@compiles(spread)
def _spread(element: spread, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    text, count = element.clauses
    return compiler.process((row_digest([text]) % count).self_group(), **kwargs)


@compiles(spread, "sqlite")
def _spread_sqlite(element: spread, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    # A digest would call Python for each row; some of a DSN's last characters are random enough.
    text, count = (compiler.process(clause, **kwargs) for clause in element.clauses)
    parts = (f"{weight} * coalesce(unicode(substr({text}, {place}, 1)), 0)" for place, weight in _WEIGHTS.items())
    return f"(({' + '.join(parts)}) % {count})"


@compiles(row_digest, "sqlite")
def _digest_sqlite(element: row_digest, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    # Any column may hold text that is no Unicode. It cannot be passed to Python, but its bytes can.
    parts = (f"CAST({compiler.process(column, **kwargs)} AS BLOB)" for column in element.clauses)
    return f"flowfact_digest({', '.join(parts)})"


@compiles(row_digest, "postgresql")
def _digest_postgresql(element: row_digest, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    # A row as text quotes its values where needed, and distinguishes NULL from an empty text.
    row = f"CAST(ROW({compiler.process(element.clauses, **kwargs)}) AS text)"
    return f'(hashtextextended({row} COLLATE "C", 0) & {2**_DIGEST_BITS - 1})'


@compiles(row_digest, "mssql")
def _digest_mssql(element: row_digest, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    # Values are separated by 31 29; NULL is 31 28, and a 31 within a text becomes 31 30. So the text is unambiguous.
    def text(column: ColumnElement[Any]) -> str:
        sql = compiler.process(column, **kwargs)
        # CAST would cut a datetime to minutes; style 121 keeps its milliseconds.
        kind = plain_type(column.type)
        style = ", 121" if isinstance(kind, DateTime) else ""
        # Columns of different collations cannot be concatenated. After CONVERT, text and ntext work, too.
        converted = f"CONVERT(nvarchar(max), {sql}{style}) COLLATE Latin1_General_BIN2"
        if isinstance(kind, String):
            converted = f"REPLACE({converted}, nchar(31), nchar(31) + nchar(30))"
        return f"coalesce({converted}, nchar(31) + nchar(28))"

    joined = " + nchar(31) + nchar(29) + ".join(text(column) for column in element.clauses)
    return f"CAST(SUBSTRING(HASHBYTES('SHA2_256', {joined}), 1, {_DIGEST_BITS // 8}) AS bigint)"
