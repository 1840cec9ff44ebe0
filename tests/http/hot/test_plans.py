"""How SQLite finds what a device asks for: never by going through what is not its user's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.conftest import Agency, Server
from tests.mssql import scenario

_LARGE = r"(main\.)?dav_(item|version|search|fetched)"  # grow with the number of users
_OF_ONE_USER = "collection_id|id|item_id|device_id"  # the columns with which an index has to begin
_PASSING_ALL = re.compile(rf"SCAN {_LARGE}\b|SEARCH {_LARGE} USING .*\((?!({_OF_ONE_USER})[=>])")


def test_no_request_goes_through_the_items_of_all_users(agency: Agency, server: Server) -> None:
    """SQLite knows no frequencies: an index that begins with a flag looks as good to it as one that finds a row."""
    if server.database.engine.dialect.name != "sqlite":
        pytest.skip("the plans are SQLite's")
    seen: dict[str, Any] = {}

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:  # noqa: ANN401
        if re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT INTO \w+.* SELECT)", statement):
            seen[statement] = parameters[0] if isinstance(parameters, list) else parameters

    scenario._fill(agency)
    server.start("[addresses]\nprivate = 'flowfact'\n")
    event.listen(Engine, "before_cursor_execute", note)
    try:
        scenario._read(server)
        scenario._write(agency, server)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with server.gateway.engine.connect() as connection:
        plans = {sql: connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given) for sql, given in seen.items()}
        found = {sql: [str(row[3]) for row in plan if _PASSING_ALL.search(row[3])] for sql, plan in plans.items()}
    assert any("dav_version.text" in sql for sql in seen)
    assert {sql: steps for sql, steps in found.items() if steps} == {}
