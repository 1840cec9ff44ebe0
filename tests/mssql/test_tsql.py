"""Everything that is sent to SQL Server is T-SQL, and nothing in it is fragile.

The statements are those that the gateway executes on SQLite; SQLAlchemy's own dialect makes of them what a
server would get, with all that execution adds, and sqlglot reads it as T-SQL.
"""

from __future__ import annotations

import functools
import re

import pytest
import sqlglot
from sqlalchemy.exc import DBAPIError
from sqlglot import exp

from tests.conftest import Agency, Server
from tests.mssql import driver, scenario, t_sql
from tests.mssql.engine import sql_server
from tests.mssql.statements import Collected, collecting, unreached

_FLOWFACT = {"AD", "ADTEL", "ADMKM", "AKT", "AKTMKM", "AKTAD", "BEN", "MKM", "BENMKM", "GRP", "BENGRP", "RECHTE"}
_FLOWFACT |= {"DELLOG", "Aktivitätenarten"}
_TIMES = {"TOUCH", "BEGINN", "ENDE", "VORLAGE", "ANGELEGT"}
_FRAGILE = re.compile(
    r"\bMERGE\b|NOLOCK|\bWITH\s*\((?!\s*SELECT)|DATETIMEOFFSET|#\w|\bLIMIT\b|\bSET\s+(NOCOUNT|XACT|LOCK|TRANS|IDENT|DEAD)"
    r"|\bIS\s+(NOT\s+)?(TRUE|FALSE|[01])\b|\bILIKE\b|\bRETURNING\b|\bEXEC\b|\bGO\b",
    re.IGNORECASE,
)


def sent_for(collected: Collected, state_schema: str | None = "dav") -> list[driver.Sent]:
    """Return what goes to SQL Server for these statements, each once."""
    with sql_server(state_schema) as (engine, server):
        for one in collected.executed:
            with engine.connect() as connection, pytest.raises(DBAPIError, match="taken down"):
                connection.execute(one.statement, one.parameters)
        seen = {(sent.sql, len(sent.rows)): sent for sent in server.sent}
    return list(seen.values())


@pytest.fixture(scope="module")
def everything() -> dict[str, object]:
    """Keep what the first test collected: the day is long."""
    return {}


@pytest.fixture
def collected(agency: Agency, server: Server, everything: dict[str, object]) -> Collected:
    """Give the statements of an office's day; PostgreSQL is asked some things in its own words."""
    if server.database.engine.dialect.name != "sqlite":
        pytest.skip("the statements are those that go to SQLite")
    if "collected" not in everything:
        other = scenario.another_site(server.folder)  # its own tables are made by Alembic, which is not of interest
        with collecting() as found:
            scenario.live_through(agency, server, other)
        everything["collected"] = found
    found_ = everything["collected"]
    assert isinstance(found_, Collected)
    return found_


@functools.cache
def parsed(sql: str) -> list[exp.Expr]:
    """Read T-SQL; sqlglot raises for anything else, and takes what it does not know for a Command."""
    found = [one for one in sqlglot.parse(sql, dialect="tsql") if one is not None]
    assert not any(isinstance(one, exp.Command) for one in found), sql
    return found


def test_every_statement_is_among_those_looked_at(collected: Collected) -> None:
    missing = unreached(collected)
    assert not missing, "let tests/mssql/scenario.py do what executes\n" + "\n".join(missing)


@pytest.mark.parametrize("state_schema", [None, "dav", "FlowFactDAV.dbo"])
def test_every_statement_is_t_sql_and_not_fragile(collected: Collected, state_schema: str | None) -> None:
    found = sent_for(collected, state_schema)
    assert len(found) > 60
    for sent in found:
        statement, *count = parsed(sent.sql)
        assert not _FRAGILE.search(sent.sql), sent.sql
        assert [one.sql("tsql") for one in count] in ([], ["SELECT @@ROWCOUNT"]), sent.sql
        assert isinstance(statement, exp.Select | exp.Union | exp.Insert | exp.Update | exp.Delete), sent.sql
        for table in statement.find_all(exp.Table):
            if table.name.startswith("dav_") and table.name != "dav_alembic":
                place = ".".join(part.name for part in table.parts[:-1])
                assert place == (state_schema or "dbo"), sent.sql


def test_no_statement_has_too_many_parameters(collected: Collected) -> None:
    for sent in sent_for(collected):
        assert max(len(row) for row in sent.rows) <= t_sql.MAX_PARAMETERS, sent.sql


def test_flowfacts_tables_may_have_triggers(collected: Collected) -> None:
    """A table with triggers takes no OUTPUT, and of counts only the statement's own."""
    writes = [sent for sent in sent_for(collected) if not sent.sql.startswith(("SELECT", "WITH"))]
    tables = set()
    for sent in writes:
        statement = parsed(sent.sql)[0]
        table = statement.find(exp.Table)
        assert table is not None
        if table.name in _FLOWFACT:
            tables.add(table.name)
            assert "OUTPUT" not in sent.sql, sent.sql
            assert len(sent.rows) == 1, sent.sql  # nothing stays unread between two rows
            assert sent.sql.endswith("; SELECT @@ROWCOUNT") or isinstance(statement, exp.Insert), sent.sql
        values = statement.find(exp.Values)
        assert "OUTPUT" not in sent.sql or values is None or len(values.expressions) == 1, sent.sql
    assert tables >= {"AD", "ADTEL", "ADMKM", "AKT", "AKTMKM", "RECHTE"}


def test_no_statement_has_what_only_the_parser_takes(collected: Collected) -> None:
    """The parser reads more than SQL Server runs; each fault has its specimen in test_t_sql.py."""
    found = {sent.sql: t_sql.faults(one, sent.sql) for sent in sent_for(collected) for one in parsed(sent.sql)[:1]}
    wrong = [f"{', '.join(names)}: {sql}" for sql, names in found.items() if names]
    assert not wrong, "\n".join(wrong)


def test_a_touch_is_compared_as_a_datetime_column_keeps_it(collected: Collected) -> None:
    """A parameter has more digits than 1/300 s; only where it is no equality does that not matter."""
    compared = 0
    for sent in sent_for(collected):
        for equal in parsed(sent.sql)[0].find_all(exp.EQ, exp.NEQ):
            column, value = equal.this, equal.expression
            if isinstance(column, exp.Column) and column.name in _TIMES and equal.find_ancestor(exp.Where):
                assert isinstance(value, exp.Cast), sent.sql
                assert value.to.sql("tsql").upper() == "DATETIME", sent.sql
                compared += 1
    assert compared >= 1


def test_texts_are_declared_by_their_columns(collected: Collected) -> None:
    """One that is declared by its own length makes a plan for each length; the reference's columns are nvarchar."""
    undeclared = set()
    for sent in sent_for(collected):
        for row in sent.rows:
            sizes = [*sent.sizes, *[None] * (len(row) - len(sent.sizes))]
            for value, size in zip(row, sizes, strict=False):
                kind, length, _ = size if isinstance(size, tuple) else (size, None, None)
                if isinstance(value, str) and (kind != driver.SQL_WVARCHAR or length is None):
                    undeclared.add(sent.sql)
    assert sorted(undeclared) == []


def test_a_digest_converts_before_it_looks(collected: Collected) -> None:
    """Columns may be ntext, and each of another collation."""
    digests = [sent.sql for sent in sent_for(collected) if "HASHBYTES" in sent.sql]
    assert digests
    for sql in digests:
        for hashed in re.findall(r"HASHBYTES\('SHA2_256', (.+?)\), 1, 5\)", sql):
            for part in hashed.split(" + nchar(31) + nchar(29) + "):
                converted = r"CONVERT\(nvarchar\(max\), [^(]+?(, 121)?\) COLLATE Latin1_General_BIN2"
                escaped = rf"REPLACE\({converted}, nchar\(31\), nchar\(31\) \+ nchar\(30\)\)"
                shape = rf"coalesce\(({converted}|{escaped}), nchar\(31\) \+ nchar\(28\)\)"
                assert re.fullmatch(shape, part), part
