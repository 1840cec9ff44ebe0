"""Everything that is sent to SQL Server is T-SQL, and nothing in it is fragile.

The statements are those that the gateway executes on SQLite; SQLAlchemy's own dialect makes of them what a
server would get, with all that execution adds, and sqlglot reads it as T-SQL.
"""

from __future__ import annotations

import io
import re

import pytest
import sqlglot
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError
from sqlglot import exp

from radicale_flowfact.dav import schema
from tests.conftest import Agency, Server
from tests.mssql import driver, scenario
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
        with collecting() as found:
            scenario.live_through(agency, server)
        everything["collected"] = found
    found_ = everything["collected"]
    assert isinstance(found_, Collected)
    return found_


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
        assert max(len(row) for row in sent.rows) < 2100, sent.sql
        values = parsed(sent.sql)[0].find(exp.Values)
        assert values is None or len(values.expressions) <= 1000, sent.sql


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


def test_truth_is_a_comparison_and_never_a_value(collected: Collected) -> None:
    """T-SQL knows no truth in a list of columns, and a bit is no condition."""
    for sent in sent_for(collected):
        for statement in parsed(sent.sql):
            for select in statement.find_all(exp.Select):
                for column in select.expressions:
                    value = column.unalias()
                    assert not isinstance(value, exp.Exists | exp.Predicate | exp.Connector | exp.Not), sent.sql
            for where in statement.find_all(exp.Where):
                for part in where.find_all(exp.And, exp.Or, exp.Not):
                    assert not isinstance(part.this, exp.Column), sent.sql


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


def test_texts_travel_as_unicode(collected: Collected) -> None:
    for sent in sent_for(collected):
        for value, size in zip(sent.rows[0], sent.sizes, strict=False):
            kind = size[0] if isinstance(size, tuple) else size
            # What names no type is bound by its value: pyodbc sends a str as nvarchar.
            assert not isinstance(value, str) or kind in (None, driver.SQL_WVARCHAR), sent.sql


def test_a_digest_converts_before_it_looks(collected: Collected) -> None:
    """Columns may be ntext, and each of another collation."""
    digests = [sent.sql for sent in sent_for(collected) if "HASHBYTES" in sent.sql]
    assert digests
    for sql in digests:
        for hashed in re.findall(r"HASHBYTES\('SHA2_256', (.+?)\), 1, 5\)", sql):
            for part in hashed.split(" + nchar(31) + "):
                shape = (
                    r"coalesce\(CONVERT\(nvarchar\(max\), [^(]+?(, 121)?\) COLLATE Latin1_General_BIN2, nchar\(30\)\)"
                )
                assert re.fullmatch(shape, part), part


def test_the_migrations_are_t_sql_and_their_keys_fit() -> None:
    """An index key of SQL Server has 1,700 bytes at most, a clustered one 900."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.attributes.update(schema="dav")
    script = ScriptDirectory.from_config(config)
    written = io.StringIO()
    with EnvironmentContext(config, script, as_sql=True) as environment:
        environment.configure(
            dialect_name="mssql",
            output_buffer=written,
            dialect_opts={"deprecate_large_types": True},  # as for each server since 2012
            fn=lambda revision, _: script._upgrade_revs("head", revision),
        )
        environment.run_migrations()
    batches = [batch for batch in re.split(r"^GO$", written.getvalue(), flags=re.MULTILINE) if batch.strip()]
    statements = [one for batch in batches for one in parsed(batch)]
    made = {one.find(exp.Table).name for one in statements if isinstance(one, exp.Create)}  # type: ignore[union-attr]
    assert {"dav_collection", "dav_journal", "dav_item", "dav_version", "dav_device", "dav_history"} <= made
    assert "DATETIMEOFFSET" not in written.getvalue()
    assert "NTEXT" not in written.getvalue().upper()
