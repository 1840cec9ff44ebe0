"""No user's poll or write passes rows that another's write may have locked.

Where READ_COMMITTED_SNAPSHOT is off, SQL Server waits for each locked row that it passes on its way. A small table is
read from one end to the other whatever its indexes are, unless the statement names a range of its clustered key.
"""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from tests.conftest import Agency, Server
from tests.mssql import scenario
from tests.mssql.statements import collecting
from tests.mssql.test_tsql import sent_for

_CLUSTERED_BY = {
    "dav_collection": "login",
    "dav_journal": "collection_id",
    "dav_item": "id",
    "dav_search": "item_id",
    "dav_version": "item_id",
    "dav_device": "id",
    "dav_device_sync": "device_id",
    "dav_fetched": "device_id",
}
_COVERED = {"dav_device": {"login", "identity_hash"}}
"""What is found in a unique index that holds all that is asked for."""
_NARROWING = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)


def _passing_all(sql: str) -> list[str]:
    """Return the gateway's tables of which a statement does not say where in their clustered key it looks."""
    statement = sqlglot.parse_one(sql.removesuffix("; SELECT @@ROWCOUNT"), dialect="tsql")
    if isinstance(statement, exp.Insert):
        return []
    conditions = [
        (column.table, column.name)
        for kind in _NARROWING
        for found in statement.find_all(kind)
        if found.find_ancestor(exp.Where, exp.Join)
        for column in found.find_all(exp.Column)
    ]
    passed = []
    for table in statement.find_all(exp.Table):
        key = _CLUSTERED_BY.get(table.name)
        names = {name for alias, name in conditions if alias in (table.alias_or_name, table.name, "")}
        if key and key not in names and not _COVERED.get(table.name, {"?"}) <= names:
            passed.append(table.name)
    return passed


def test_a_devices_statements_keep_to_its_users_rows(agency: Agency, server: Server) -> None:
    if server.database.engine.dialect.name != "sqlite":
        pytest.skip("the statements are those that go to SQLite")
    scenario._fill(agency)
    server.start("[addresses]\nprivate = 'flowfact'\n")
    with collecting() as collected:
        scenario._read(server)
        scenario._write(agency, server)
    found = sorted({sent.sql for sent in sent_for(collected) if _passing_all(sent.sql)})
    assert found == []


@pytest.mark.parametrize(
    ("sql", "passed"),
    [
        ("SELECT dav_item.href FROM dav.dav_item WHERE dav_item.collection_id = ?", ["dav_item"]),
        ("SELECT i.href FROM dav.dav_item AS i WHERE i.collection_id = ? AND i.id BETWEEN ? AND ?", []),
        ("UPDATE dav.dav_collection SET number = ? WHERE dav.dav_collection.id = ?", ["dav_collection"]),
        ("SELECT v.text FROM dav.dav_item AS i JOIN dav.dav_version AS v ON v.item_id = i.id WHERE i.id = ?", []),
    ],
)
def test_what_passes_others_rows_is_seen(sql: str, passed: list[str]) -> None:
    assert _passing_all(sql) == passed
