"""The pages *The database* tell of the name map as it is: each table and column, its type, what is off without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlalchemy import text
from sqlalchemy.dialects import mssql
from sqlglot import exp

from radicale_flowfact.crm.names import OPTIONAL, TABLES, NameMap, known_names
from radicale_flowfact.crm.tables import build_tables
from tests.conftest import Database, not_on_mssql

PAGES = Path(__file__).parents[2] / "docs"
LANGUAGES = ["en", "de"]
MAY_BE_ABSENT = {"en": "May be absent:", "de": "Darf fehlen:"}
HOW_TO_FIND = {"en": "*Find it:*", "de": "*So finden:*"}
_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def page(language: str) -> str:
    """Return the page."""
    return (PAGES / language / "database.md").read_text(encoding="utf-8")


def chapters(language: str) -> dict[str, str]:
    """Return what is said of each table."""
    parts = page(language).split("\n### ")[1:]
    return {name: body for name, _, body in (part.partition("\n") for part in parts)}


def types() -> dict[str, str]:
    """Return the type of each column of the reference, as SQL Server calls it."""
    tables = build_tables(NameMap()).metadata.tables
    dialect = mssql.dialect()  # type: ignore[no-untyped-call]
    found = {
        f"{table}.{name}": tables[table].c[name].type.compile(dialect) for table in TABLES for name in TABLES[table]
    }
    return {name: kind.lower().replace("integer", "int") for name, kind in found.items()}


def queries(language: str) -> list[str]:
    """Return the page's SQL, statement by statement, also that in a sentence."""
    blocks = re.findall(r"```sql\n(.*?)```|`(SELECT [^`]+)`", page(language), re.DOTALL)
    blocks = [block or " ".join(span.split()) for block, span in blocks]
    return [statement.strip() for block in blocks for statement in block.split(";") if statement.strip()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_table_and_column_is_told_of_in_the_order_of_the_map(language: str) -> None:
    told = chapters(language)
    assert list(told) == list(TABLES)
    rows = [row for body in told.values() for row in _ROW.findall(body)]
    assert [name for name, *_ in rows] == [name for name in known_names() if "." in name]
    assert {name: kind for name, kind, *_ in rows} == types()


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_each_table_it_is_said_how_to_find_it(language: str) -> None:
    assert [name for name, body in chapters(language).items() if HOW_TO_FIND[language] not in body] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_may_be_absent_is_said_with_what_is_off_then(language: str) -> None:
    told = chapters(language)
    rows = [row for body in told.values() for row in _ROW.findall(body)]
    optional = {name for name, *_, without in rows if without.strip() != "–"}
    optional |= {table for table, body in told.items() if MAY_BE_ABSENT[language] in body}
    assert optional == set(OPTIONAL)


def test_both_languages_have_the_same_queries_which_only_read() -> None:
    assert queries("de") == queries("en")
    read = [sqlglot.parse_one(query, dialect="tsql") for query in queries("en")]
    assert len(read) >= 20
    assert {type(statement) for statement in read} == {exp.Select}


@not_on_mssql("the names are quoted and the schema is chosen as PostgreSQL does it")
def test_the_queries_run_on_the_reference(database: Database) -> None:
    """All but those of tables that only SQL Server, or no SQLite, has."""
    engine = database.engine
    foreign = ["sys.", *([] if engine.dialect.name == "postgresql" else ["INFORMATION_SCHEMA."])]
    with engine.connect() as connection:
        if database.schema:
            connection.execute(text(f'SET search_path TO "{database.schema}"'))
        for query in queries("en"):
            if not any(name in query for name in foreign):
                connection.execute(text(quoted(query))).all()


def quoted(query: str) -> str:
    """Quote the names of FlowFact's tables and columns, which PostgreSQL would take for lower case."""
    known = {part for name in known_names() for part in name.split(".")}
    return re.sub(
        r'(?<!["\w%])([A-Z_]{2,})(?!["\w%(])', lambda word: f'"{word[1]}"' if word[1] in known else word[1], query
    )
