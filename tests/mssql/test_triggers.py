"""Triggers on FlowFact's tables neither break a write, nor hide an error, nor tell of rows that it did not change.

A trigger without SET NOCOUNT ON sends its own counts first, and the driver tells only the first result by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.actions import SetField
from radicale_flowfact.crm import writes
from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.dav.store import tables
from radicale_flowfact.records import RecordKey, Table
from tests.mssql import driver
from tests.mssql.driver import Count, Result, Rows
from tests.mssql.engine import sql_server

TABLES = build_tables(NameMap())
NOW = datetime(2026, 6, 15, 12)
RECORD = RecordKey(Table.ADDRESS, "AD-1")


def rename(results: Sequence[Result]) -> driver.Server:
    """Change a field of a record on a server that answers the UPDATE so."""
    with sql_server() as (engine, server), engine.begin() as connection:
        server.answers.append(results)
        actions = [SetField(RECORD, "city", "Köln", "Bonn")]
        writes.carry_out(connection, TABLES, actions, writes.Stamp("BEN-1", NOW), {RECORD: NOW})
    return server


@pytest.mark.parametrize(
    "of_trigger", [[], [Count(0)], [Count(7), Count(3)], [Rows(("seen",)), Count(0)]], ids=["none", "0", "7", "rows"]
)
def test_the_count_is_the_statements_own(of_trigger: list[Result]) -> None:
    server = rename([*of_trigger, Count(1), Rows((1,))])
    assert server.commits == 1


@pytest.mark.parametrize("of_trigger", [[], [Count(1)], [Rows((1,)), Count(1)]], ids=["none", "1", "rows"])
def test_a_trigger_does_not_pass_for_a_change(of_trigger: list[Result]) -> None:
    with pytest.raises(writes.StaleError):
        rename([*of_trigger, Count(0), Rows((0,))])


@pytest.mark.parametrize("statement", ["insert", "update", "delete"])
def test_what_a_trigger_refuses_is_not_taken_for_done(statement: str) -> None:
    """The error comes behind the first count; nobody would see it who did not read on."""
    table = TABLES.address_merkmal
    made = {
        "insert": insert(table).values({table.c.AD_DSN: "a", table.c.MKM_DSN: "m"}),
        "update": update(table).values({table.c.MKM_DSN: "m"}),
        "delete": delete(table),
    }[statement]
    refusal = driver.ProgrammingError("42000", "[42000] the trigger says no (50000)")
    with sql_server() as (engine, server):
        server.answers.append([Count(1), Count(1), refusal])
        with pytest.raises(DBAPIError, match="the trigger says no"), engine.begin() as connection:
            connection.execute(made)
        assert server.commits == 0


def test_the_number_of_a_new_row_comes_through() -> None:
    """What SQLAlchemy itself reads of an INSERT is left to it."""
    values = {"login": "anna", "identity": "a", "identity_hash": "h", "agent": "a/1", "seen": NOW}
    with sql_server() as (engine, server), engine.begin() as connection:
        server.answers.append([Rows((42,))])
        made = connection.execute(insert(tables.device).values(values))
        assert made.inserted_primary_key == (42,)
