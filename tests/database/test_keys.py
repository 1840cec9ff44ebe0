"""DSNs that a database compares with case are found in each spelling, and their index is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    MetaData,
    Table,
    bindparam,
    create_engine,
    event,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql

from radicale_flowfact.database.keys import SiteKey, canonical, some

METADATA = MetaData()
RECORDS = Table("records", METADATA, Column("DSN", SiteKey(cased=True, spelling="upper"), primary_key=True))
TAGS = Table("tags", METADATA, Column("DSN", SiteKey(cased=True), primary_key=True), Column("KIND", SiteKey()))
MANY: BindParameter[list[str]] = bindparam("many", expanding=True)


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as opened:
        METADATA.create_all(opened)
        opened.execute(insert(RECORDS), [{"DSN": "ab-1"}, {"DSN": "AB-2"}, {"DSN": "ab-3"}])
        opened.execute(insert(TAGS), [{"DSN": "ab-1", "KIND": "x"}, {"DSN": "AB-2", "KIND": "X"}])
        yield opened


def test_a_value_is_written_as_its_column_spells_it(connection: Connection) -> None:
    assert set(connection.scalars(select(RECORDS.c.DSN))) == {"AB-1", "AB-2", "AB-3"}


def test_each_spelling_is_found(connection: Connection) -> None:
    one = select(TAGS.c.DSN).where(TAGS.c.DSN == bindparam("one", type_=TAGS.c.DSN.type))
    assert connection.scalar(one, {"one": "AB-1"}) == "ab-1"
    assert connection.scalar(one, {"one": "ab-2"}) == "AB-2"
    assert connection.scalar(select(TAGS.c.DSN).where(TAGS.c.DSN == "AB-1")) == "ab-1"
    among = select(TAGS.c.DSN).where(TAGS.c.DSN.in_(MANY))
    assert set(connection.scalars(among, {"many": ["AB-1", "ab-2"]})) == {"ab-1", "AB-2"}
    assert set(connection.scalars(among, {"many": some([])})) == set()
    assert set(connection.scalars(select(TAGS.c.DSN).where(TAGS.c.DSN.in_(["AB-1", "ab-2"])))) == {"ab-1", "AB-2"}


def test_tables_that_spell_differently_are_joined(connection: Connection) -> None:
    joined = select(RECORDS.c.DSN).join(TAGS, RECORDS.c.DSN == TAGS.c.DSN)
    assert set(connection.scalars(joined)) == {"AB-1", "AB-2"}
    nested = select(RECORDS.c.DSN).where(RECORDS.c.DSN.in_(select(TAGS.c.DSN).where(TAGS.c.KIND.in_(MANY))))
    assert set(connection.scalars(nested, {"many": ["x"]})) == {"AB-1"}
    assert set(connection.scalars(select(canonical(TAGS.c.DSN)))) == {"ab-1", "ab-2"}


def test_the_columns_index_is_used(connection: Connection) -> None:
    sent: list[tuple[str, Sequence[Any]]] = []

    @event.listens_for(connection, "before_cursor_execute")
    def _keep(_connection: Connection, _cursor: object, sql: str, values: Sequence[object], *_more: object) -> None:
        sent.append((sql, values))

    joined = select(TAGS.c.KIND).join(RECORDS, RECORDS.c.DSN == TAGS.c.DSN).where(TAGS.c.DSN.in_(MANY))
    assert connection.scalars(joined, {"many": ["AB-1"]}).all() == ["x"]
    ((sql, values),) = sent
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
    assert not [row for row in plan if str(row[3]).startswith("SCAN ")], plan


def test_a_padded_column_gets_values_of_its_own_type() -> None:
    padded = Table("padded", MetaData(), Column("DSN", SiteKey(36, cased=True, padded=True, national=False)))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    sql = str(select(padded).where(padded.c.DSN == literal("x", padded.c.DSN.type)).compile(dialect=dialect))
    assert "AS CHAR(36))" in sql
    assert SiteKey(padded=True).process_result_value("x   ", dialect) == "x"
