"""Recognises what was meant by a ``database_url`` that is none: another program's way to name a database."""

from __future__ import annotations

import re

_POSTGRESQL = "postgresql+psycopg://USER:${FLOWFACT_PASSWORD}@SERVER/DATABASE"
_SQL_SERVER = "mssql+pyodbc://USER:${FLOWFACT_PASSWORD}@SERVER/DATABASE"
FORMS = f"write {_SQL_SERVER}, {_POSTGRESQL} or sqlite:///FILE"
_KEY_AND_VALUE = re.compile(r"\s*(?:driver|server|data source|dsn|uid|user id|database)\s*=", re.IGNORECASE)


def other_spelling(url: str) -> str:
    """Return what to write instead of ``url``, without anything of it; empty if nothing is recognised."""
    scheme, has_scheme, _ = url.partition("://")
    match scheme.lower() if has_scheme else "":
        case "postgres" | "postgresql+psycopg3" | "jdbc:postgresql":
            return f"database_url begins with {scheme}://, as other programs have it; write {_POSTGRESQL}"
        case "sqlserver" | "jdbc:sqlserver" | "mssql+odbc" | "odbc":
            return f"database_url begins with {scheme}://, as other programs have it; write {_SQL_SERVER}"
    if not has_scheme and _KEY_AND_VALUE.match(url):
        return f"database_url is a connection string of ODBC or ADO.NET, not a URL; write {_SQL_SERVER}"
    return ""
