"""Values go to SQL Server in the types that its columns have: else it converts the column, and no index is of use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
import sqlglot
from sqlalchemy import NVARCHAR, VARCHAR, select
from sqlalchemy.dialects.mssql import DATETIME2, SMALLDATETIME
from sqlalchemy.types import TypeEngine

from radicale_flowfact.actions import SetField
from radicale_flowfact.crm import writes
from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.reads import read_addresses
from radicale_flowfact.crm.site.real import real_types
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.records import RecordKey, Table
from tests.conftest import Database
from tests.mssql import driver
from tests.mssql.driver import Count, Rows
from tests.mssql.engine import sql_server

RECORD = RecordKey(Table.ADDRESS, "AD-1")
NOW = datetime(2026, 6, 15, 12, 0, 0, 123456)
Real = Mapping[tuple[str, str], TypeEngine[Any]]


def update(real: Real, value: str = "Bonn") -> driver.Sent:
    """Return the UPDATE of a city on a server whose columns have these types."""
    tables = build_tables(NameMap(), real)
    with sql_server() as (engine, server), engine.begin() as connection:
        server.answers.append([Count(1), Rows((1,))])
        actions = [SetField(RECORD, "city", "Köln", value)]
        writes.carry_out(connection, tables, actions, writes.Stamp("BEN-1", NOW), {RECORD: NOW})
    return server.sent[-1]


def test_a_text_is_declared_as_its_column_keeps_it() -> None:
    real: Real = {("AD", "DSN"): VARCHAR(24), ("AD", "ORT"): NVARCHAR(40)}
    sizes = dict(zip(update(real).rows[0], update(real).sizes, strict=True))
    assert sizes["AD-1"] == (driver.SQL_VARCHAR, 24, 0)
    assert sizes["Bonn"] == (driver.SQL_WVARCHAR, 40, 0)


def test_each_value_of_a_list_is_declared_alike() -> None:
    tables = build_tables(NameMap(), {("ADTEL", "AD_DSN"): VARCHAR(24), ("AD", "DSN"): VARCHAR(24)})
    with sql_server() as (engine, server), engine.connect() as connection, pytest.raises(Exception, match="taken"):
        read_addresses(connection, tables, ["A", "BB", "CCC"])
    assert set(server.sent[0].sizes) == {(driver.SQL_VARCHAR, 24, 0)}
    assert len(server.sent[0].sizes) == 3


def test_one_plan_serves_values_of_every_length() -> None:
    assert update({}, "x").sizes == update({}, "x" * 100).sizes


def test_what_fits_no_column_is_looked_for_all_the_same() -> None:
    """The driver would refuse a value that is longer than it was declared."""
    tables = build_tables(NameMap())
    with sql_server() as (engine, server), engine.connect() as connection, pytest.raises(Exception, match="taken"):
        connection.execute(select(tables.address.c.DSN).where(tables.address.c.DSN == "😀" * 19))
    assert server.sent[0].sizes == ((driver.SQL_WVARCHAR, 0, 0),)


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        (None, "[TOUCH] = CAST(? AS datetime)"),
        (SMALLDATETIME(), "[TOUCH] = CAST(? AS SMALLDATETIME)"),
        (
            DATETIME2(7),  # type: ignore[no-untyped-call]
            "[TOUCH] >= CAST(? AS DATETIME2(7)) AND [AD].[TOUCH] < dateadd(microsecond, 1, CAST(? AS DATETIME2(7)))",
        ),
    ],
    ids=["datetime", "smalldatetime", "datetime2"],
)
def test_a_touch_is_compared_in_its_columns_own_type(kind: TypeEngine[Any] | None, condition: str) -> None:
    """A datetime2 keeps 100 ns, which Python cuts off: such a record would be "changed meanwhile" for ever."""
    sent = update({("AD", "TOUCH"): kind} if kind is not None else {})
    assert condition in sent.sql
    sqlglot.parse(sent.sql, dialect="tsql")
    assert [value for value in sent.rows[0] if value == NOW] == [NOW] * condition.count("?")


def test_the_real_types_are_read_from_the_site(database: Database) -> None:
    with database.engine.connect() as connection:
        found = real_types(connection, NameMap.from_overrides({**database.names, "AD.FAX": "NoSuchColumn", "GRP": ""}))
    assert getattr(found["AD", "ORT"], "length", None) == 100
    assert ("AKT", "TOUCH") in found
    assert not {("AD", "FAX"), ("GRP", "DSN")} & found.keys()
