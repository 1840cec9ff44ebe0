"""One SQLAlchemy engine for each database URL and process, prepared so that every database behaves alike.

Radicale makes its storage twice in one process, so the engines are kept here, by URL.
"""

from __future__ import annotations

import hashlib
import marshal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, literal
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import BigInteger, Boolean, DateTime, UnicodeText

from radicale_flowfact.connecting import Timeouts, completed, engine_options, hint, prepare_mssql
from radicale_flowfact.faults import told

_DIGEST_BITS = 40  # sums over millions of rows stay below 2**63
_WEIGHTS = {-1: 1, -2: 7, -3: 31, -5: 11, -6: 19, -7: 27}  # of a text's last characters, by which it is spread
_NO_TIMEOUTS_NAMED = Timeouts()
_engines: dict[tuple[str, str, Timeouts], Engine] = {}
_engines_lock = threading.Lock()

WRITES = {"flowfact_writes": True}
"""Execution option of a connection whose transaction will write: SQLite then takes its lock at BEGIN."""


class DatabaseError(Exception):
    """The database cannot be used at all; the message says what to do."""


def engine_for(url: str, state_schema: str = "", timeouts: Timeouts = _NO_TIMEOUTS_NAMED) -> Engine:
    """Return the process's engine for ``url``; the gateway's tables live in ``state_schema``.

    Raises DatabaseError when the URL is wrong or its driver is not installed. Does not connect.
    """
    with _engines_lock:
        key = (url, state_schema, timeouts)
        if key not in _engines:
            _engines[key] = _create(url, timeouts).execution_options(schema_translate_map={"dav": state_schema or None})
        return _engines[key]


@contextmanager
def reaching(engine: Engine) -> Iterator[Connection]:
    """Connect. Raises DatabaseError with what to do if that fails."""
    try:
        connection = engine.connect()
    except DBAPIError as error:
        words = told(error)
        raise DatabaseError(
            f"the database cannot be reached: {words}\n{hint(engine.url, words)}; then run: radicale-flowfact check"
        ) from error
    with connection:
        yield connection


def dispose_engines() -> None:
    """Close every pooled connection; for the end of a process and before a fork."""
    with _engines_lock:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()


def snapshot_options(engine: Engine) -> dict[str, Any]:
    """Return the execution options of a connection whose transaction reads one state of the database.

    SQLite does so anyway. SQL Server must be told to keep old rows for it (ALLOW_SNAPSHOT_ISOLATION), and reads each
    statement's own state without.
    """
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {}


def _create(url: str, timeouts: Timeouts) -> Engine:
    try:
        parsed = completed(make_url(url))
        engine = create_engine(parsed, **engine_options(parsed, timeouts))
    except (ArgumentError, NoSuchModuleError, ValueError, TypeError) as error:
        raise DatabaseError(f"database_url is not a database URL: {error}") from error
    except ImportError as error:
        raise DatabaseError(
            f"database_url needs a driver that cannot be loaded: {error}. {hint(parsed, str(error))}"
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    if engine.dialect.name == "mssql":
        prepare_mssql(engine, timeouts)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    """Give SQLite real transactions, write-ahead logging and the digest function."""

    @event.listens_for(engine, "connect")
    def _on_connect(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        dbapi_connection.isolation_level = None  # the driver must not begin or commit by itself
        dbapi_connection.create_function("flowfact_digest", -1, _digest, deterministic=True)
        dbapi_connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("flowfact_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _digest(*values: str | bytes | float | None) -> int:
    # marshal is the fastest way from values to bytes that tell them apart; its version 2 knows no references, so that
    # equal values give equal bytes.
    return int.from_bytes(hashlib.blake2b(marshal.dumps(values, 2), digest_size=_DIGEST_BITS // 8).digest(), "big")


class exact_time(FunctionElement[datetime]):  # noqa: N801 - SQL functions are named in lower case
    """A time, given as a parameter, rounded to the precision of a datetime column: to compare with what was read.

    SQL Server keeps 1/300 s in a column but sends parameters with more; elsewhere both are the same.
    """

    type = DateTime()
    inherit_cache = True
    name = "exact_time"

    def __init__(self, parameter: str) -> None:
        super().__init__(bindparam(parameter, type_=DateTime()))


@compiles(exact_time)
def _time_as_it_is(element: exact_time, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return compiler.process(element.clauses, **kwargs)


@compiles(exact_time, "mssql")
def _time_mssql(element: exact_time, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"CAST({compiler.process(element.clauses, **kwargs)} AS datetime)"


class holds(FunctionElement[bool]):  # noqa: N801 - SQL functions are named in lower case
    """Whether a text has another in it, compared as it is."""

    type = Boolean()
    inherit_cache = True
    name = "holds"

    def __init__(self, text: ColumnElement[str], part: str) -> None:
        super().__init__(text, literal(part, UnicodeText()))


@compiles(holds)
def _holds_sqlite(element: holds, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"instr({compiler.process(element.clauses, **kwargs)}) > 0"


@compiles(holds, "postgresql")
def _holds_postgresql(element: holds, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"strpos({compiler.process(element.clauses, **kwargs)}) > 0"


@compiles(holds, "mssql")
def _holds_mssql(element: holds, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    text, part = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"CHARINDEX({part}, {text} COLLATE Latin1_General_BIN2) > 0"


class row_digest(FunctionElement[int]):  # noqa: N801 - SQL functions are named in lower case
    """A 40-bit number that the database computes from the columns of one row; equal rows, equal numbers.

    It is compared only with what the same database computed before, so each one may use its own hash.
    """

    type = BigInteger()
    inherit_cache = True
    name = "row_digest"

    def __init__(self, columns: Iterable[ColumnElement[Any]]) -> None:
        super().__init__(*columns)


class spread(FunctionElement[int]):  # noqa: N801 - SQL functions are named in lower case
    """A number from 0 to ``count`` - 1 that the database computes from a text; equal texts, equal numbers.

    As with ``row_digest``, each database may have its own.
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
    # A digest would call back into Python for each row; some of a DSN's last characters differ enough.
    text, count = (compiler.process(clause, **kwargs) for clause in element.clauses)
    parts = (f"{weight} * coalesce(unicode(substr({text}, {place}, 1)), 0)" for place, weight in _WEIGHTS.items())
    return f"(({' + '.join(parts)}) % {count})"


@compiles(row_digest, "sqlite")
def _digest_sqlite(element: row_digest, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"flowfact_digest({compiler.process(element.clauses, **kwargs)})"


@compiles(row_digest, "postgresql")
def _digest_postgresql(element: row_digest, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    parts = (f"coalesce(CAST({compiler.process(column, **kwargs)} AS text), chr(30))" for column in element.clauses)
    joined = " || chr(31) || ".join(parts)
    return f'(hashtextextended(({joined}) COLLATE "C", 0) & {2**_DIGEST_BITS - 1})'


@compiles(row_digest, "mssql")
def _digest_mssql(element: row_digest, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    def text(column: ColumnElement[Any]) -> str:
        sql = compiler.process(column, **kwargs)
        # CAST would cut a datetime to minutes; style 121 keeps its milliseconds.
        style = ", 121" if isinstance(column.type, DateTime) else ""
        # Columns of different collations cannot be joined up; converted first, also a text or ntext can be looked into.
        return f"coalesce(CONVERT(nvarchar(max), {sql}{style}) COLLATE Latin1_General_BIN2, nchar(30))"

    joined = " + nchar(31) + ".join(text(column) for column in element.clauses)
    return f"CAST(SUBSTRING(HASHBYTES('SHA2_256', {joined}), 1, {_DIGEST_BITS // 8}) AS bigint)"
