"""What the pages for data protection and operations say of the gateway's tables is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from radicale_flowfact.dav.store import tables as dav_tables
from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.client import only

DOCS = Path(__file__).parents[3] / "docs"
NOT_OF_PERSONS = {"dav_journal", "dav_lock", "dav_upkeep", "dav_checked_schema"}
"""Numbers of changes, locks, the time of the upkeep, and FlowFact's columns as they were."""


@pytest.mark.parametrize("language", ["en", "de"])
def test_operations_names_each_table_that_has_something_of_persons(language: str) -> None:
    page = (DOCS / language / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(dav_\w+)`", page))
    assert {table.name for table in dav_tables.metadata.tables.values()} - named <= NOT_OF_PERSONS


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_query_for_a_contact_finds_what_devices_keep_of_him(agency: Agency, server: Server, language: str) -> None:
    dsn = agency.office.address([agency.own], NAME="Jäger")
    device = server.start().device()
    path, etag, card = only(device, "addresses")
    assert (
        device.put(path, payloads.without(card, "BDAY").replace("END:", "BDAY:1970-01-01\r\nEND:"), etag).status == 204
    )
    (query,) = re.findall(r"```sql\n(.*?);\n", (DOCS / language / "privacy.md").read_text(encoding="utf-8"), re.DOTALL)
    query = re.sub(r"<[^>]+>", dsn.lower(), query)
    schema = server.database.schema
    query = re.sub(r"(FROM|JOIN) (dav_\w+)", rf'\1 "{schema}".\2', query) if schema else query
    with server.database.engine.connect() as connection:
        rows = connection.execute(text(query)).all()
    assert [(row.login, "BDAY:1970-01-01" in row.sidecar) for row in rows] == [("anna", True)]
