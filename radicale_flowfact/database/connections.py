"""How a database is connected to: the pool, and how long anything may take, in each database's own words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, event
from sqlalchemy.engine import ExceptionContext

from radicale_flowfact.tsql import count_truly

_ODBC_DRIVER = "ODBC Driver 18 for SQL Server"
_OLDEST_SQL_SERVER = (13,)
_POOL = {"pool_size": 10, "max_overflow": 30, "pool_use_lifo": True, "pool_recycle": 1800}
"""Each thread that answers a request needs one connection; those that nobody needs are closed again."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds until a connection is given up, until a lock that another program holds, until a statement."""

    connect: float = 10
    lock: float = 30
    statement: float = 120


def completed(url: URL) -> URL:
    """Return the URL with Microsoft's present driver, if it names SQL Server and no driver."""
    is_by_name = url.host and url.database and not {"driver", "dsn", "odbc_connect"} & {*url.query}
    if url.get_backend_name() == "mssql" and url.get_driver_name() == "pyodbc" and is_by_name:
        return url.update_query_dict({"driver": _ODBC_DRIVER})
    return url


def hint(url: URL, words: str) -> str:
    """Return what an admin should look at when a connection failed with these words."""
    if url.get_backend_name() != "mssql":
        return "Check database_url in flowfact.toml, that the server runs, and the user's name and password"
    if "Can't open lib" in words or "IM002" in words or "libodbc" in words:
        return f"Install Microsoft's {_ODBC_DRIVER!r}, or name another one as driver= in database_url"
    if "certificate" in words.lower():
        return "Give the server a certificate that is trusted here, or add TrustServerCertificate=yes to database_url"
    if "login failed" in words.lower() or "28000" in words or "4060" in words:
        return "Check user, password and database name in database_url, and that the user may log in to that database"
    return (
        "Check host and port in database_url, that the service SQL Server runs with TCP/IP enabled, and the firewall "
        "between it and this machine"
    )


def version_fault(dialect: Dialect) -> str:
    """Return why a database of this version does not do, once it was connected to; empty if it does."""
    version = getattr(dialect, "server_version_info", None) or ()
    if dialect.name == "mssql" and () < version < _OLDEST_SQL_SERVER:
        return "SQL Server is older than 2016 and cannot digest (HASHBYTES) notes of more than 4,000 characters"
    return ""


def engine_options(url: URL, timeouts: Timeouts) -> dict[str, Any]:
    """Return what ``create_engine`` should know beside the URL."""
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
    """Return libpq's parameters. The session's settings come with the connection, which is the gateway's alone.

    The server, too, gives a connection up that nobody is behind any more, so that its locks are freed.
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
    """Let SQL Server's driver give up in time, count truly, and pool nothing behind SQLAlchemy's back.

    ODBC knows one time for a statement, waiting for locks included; what writes waits as long as for a lock.
    """
    count_truly(engine)
    driver = engine.dialect.dbapi
    if engine.dialect.driver == "pyodbc" and driver is not None:
        setattr(driver, "pooling", False)  # noqa: B010 - its own pool would hand out what was closed as broken

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("flowfact_writes")
        seconds = math.ceil(timeouts.lock if writes else timeouts.statement)
        raw: Any = connection.connection.dbapi_connection
        if raw.timeout != seconds:
            raw.timeout = seconds  # of every statement from here on; nothing is sent

    @event.listens_for(engine, "handle_error")
    def _on_error(context: ExceptionContext) -> None:
        if "query timeout" in str(context.original_exception).lower():
            context.is_disconnect = False  # HYT00 is the login's timeout, too; this connection is still good
