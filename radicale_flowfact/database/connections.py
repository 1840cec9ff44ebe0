"""Holds pool and time-outs of connections, with each database's own options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Dialect, Engine, event
from sqlalchemy.engine import ExceptionContext

from radicale_flowfact.database.fault_codes import Code, Kind
from radicale_flowfact.database.tsql import count_truly, declare_lengths

_ODBC_DRIVER = "ODBC Driver 18 for SQL Server"
_OLDEST_SQL_SERVER = (13,)
_NO_DRIVER = frozenset({"01000", "IM002", "IM003"})  # unixODBC cannot open the library; Windows has none of that name
_SCHANNEL = frozenset({-2146893019, -2146893022, -2146893016, -2146893048, -2146892953})
"""Windows' codes (SEC_E_UNTRUSTED_ROOT, WRONG_PRINCIPAL, CERT_EXPIRED …) of a certificate that is not trusted."""
_OPENSSL = "certificate verify failed"  # OpenSSL's message, which is never translated; there is no number
_LOCK_TIMEOUT = 1222
_LOGIN = frozenset({4060, 18452, 18456, 18470, 18486, 18487, 18488})
_POOL = {"pool_size": 10, "max_overflow": 30, "pool_use_lifo": True, "pool_recycle": 1800}
"""Each thread that answers a request needs one connection; those that nobody needs are closed again."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time-outs in seconds: to connect, to wait for a lock of another program, to execute a statement."""

    connect: float = 10
    lock: float = 30
    statement: float = 120


def completed(url: URL) -> URL:
    """Return the URL with Microsoft's current driver, if it names SQL Server but no driver."""
    is_by_name = url.host and url.database and not {"driver", "dsn", "odbc_connect"} & {*url.query}
    if url.get_backend_name() == "mssql" and url.get_driver_name() == "pyodbc" and is_by_name:
        return url.update_query_dict({"driver": _ODBC_DRIVER})
    return url


def hint(url: URL, error: BaseException) -> str:
    """Return what an admin should check when a connection failed.

    It is chosen by the error's codes, never by its words: a German Windows reports in German.
    """
    if url.get_backend_name() == "postgresql" and isinstance(error, ImportError):
        return 'Install it: pip install "radicale-flowfact[postgresql]"'
    if url.get_backend_name() == "sqlite":
        return "Check the path in database_url, and that this user may read and write that file and its folder"
    if url.get_backend_name() != "mssql":
        return "Check database_url in flowfact.toml, that the server runs, and the user's name and password"
    original = getattr(error, "orig", None) or error
    code = Code.of(original)
    if isinstance(error, ImportError) or code.state in _NO_DRIVER:
        return f"Install Microsoft's {_ODBC_DRIVER!r}, or name another one as driver= in database_url"
    if code.number in _SCHANNEL or _OPENSSL in str(original):
        return "Give the server a certificate that is trusted here, or add TrustServerCertificate=yes to database_url"
    if code.state == "28000" or code.number in _LOGIN:
        return "Check user, password and database name in database_url, and that the user may log in to that database"
    return (
        "Check host and port in database_url, that the service SQL Server runs with TCP/IP enabled, and the firewall "
        "between it and this machine"
    )


def version_fault(dialect: Dialect) -> str:
    """Return why a database of this version cannot be used, after a connection; empty if it can."""
    version = getattr(dialect, "server_version_info", None) or ()
    if dialect.name == "mssql" and () < version < _OLDEST_SQL_SERVER:
        return "SQL Server is older than 2016 and cannot digest (HASHBYTES) notes of more than 4,000 characters"
    return ""


def engine_options(url: URL, timeouts: Timeouts) -> dict[str, Any]:
    """Return the arguments of ``create_engine`` beside the URL: pool and time-outs."""
    backend, is_memory = url.get_backend_name(), url.database in (None, "", ":memory:")
    if backend == "sqlite":
        patience = {"connect_args": {"timeout": timeouts.lock}}
        return patience if is_memory else {**patience, **_POOL}
    options: dict[str, Any] = {**_POOL, "pool_timeout": timeouts.connect, "pool_pre_ping": True}
    if backend == "postgresql" and url.get_driver_name() in ("psycopg", "psycopg2"):
        options["connect_args"] = _of_postgresql(url, timeouts)
    if backend == "mssql":
        options["connect_args"] = {"timeout": math.ceil(timeouts.connect)}
    return options


def _of_postgresql(url: URL, timeouts: Timeouts) -> dict[str, object]:
    """Return libpq's parameters, with the settings of the session, which is the gateway's alone.

    The server, too, closes a connection whose client is gone, so that its locks are freed.
    """
    lock, statement = (f"{math.ceil(seconds * 1000)}" for seconds in (timeouts.lock, timeouts.statement))
    session = {
        "lock_timeout": lock,
        "statement_timeout": statement,
        "idle_in_transaction_session_timeout": statement,
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
    given = url.query.get("options", ())
    own = " ".join(given) if isinstance(given, tuple) else given
    return {
        "connect_timeout": max(2, math.ceil(timeouts.connect)),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "options": " ".join([*(f"-c {name}={value}" for name, value in session.items()), own]).strip(),
    }


def prepare_mssql(engine: Engine, timeouts: Timeouts) -> None:
    """Set time-outs, row counts, text lengths and pooling of SQL Server's driver.

    The time-out of statements is an attribute of the ODBC connection. The time-out of locks and the deadlock priority
    belong to the session: in a deadlock the gateway is the victim, since it tries again and FlowFact's desktop does
    not.
    """
    count_truly(engine)
    declare_lengths(engine)
    driver = engine.dialect.dbapi
    if engine.dialect.driver == "pyodbc" and driver is not None:
        setattr(driver, "pooling", False)  # noqa: B010 - its own pool would hand out what was closed as broken
    session = f"SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT {math.ceil(timeouts.lock * 1000)}"

    @event.listens_for(engine, "connect")
    def _on_connect(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        dbapi_connection.timeout = math.ceil(timeouts.statement)
        cursor = dbapi_connection.cursor()
        cursor.execute(session)
        cursor.close()

    @event.listens_for(engine, "handle_error")
    def _on_error(context: ExceptionContext) -> None:
        code = Code.of(context.original_exception)
        if context.connection is not None and (code.state == "HYT00" or code.number == _LOCK_TIMEOUT):
            context.is_disconnect = False  # HYT00 is also the login's timeout; here the connection is still good


def renew_stale_plans(engine: Engine) -> None:
    """Have all connections replaced when a prepared plan no longer fits its table.

    That happens when a column was widened meanwhile, and concerns each connection of the pool (PostgreSQL's prepared
    statements, SQL Server's handles). The error then counts as a lost connection, and the transaction is tried again.
    """

    @event.listens_for(engine, "handle_error")
    def _on_error(context: ExceptionContext) -> None:
        if context.connection is not None and Code.of(context.original_exception).kind is Kind.STALE:
            context.is_disconnect = True
