"""Lengths count as SQL Server counts them: in UTF-16 units, of which an emoji takes two."""

from __future__ import annotations

import pytest
from sqlalchemy import NVARCHAR, VARCHAR, select
from sqlalchemy.types import TypeEngine

from radicale_flowfact.crm.columns import limit_of
from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.database.lengths import cut_to_units, utf16_units
from radicale_flowfact.dav.store import history, tables
from radicale_flowfact.dav.store.history import Event
from tests import payloads
from tests.conftest import Agency, Server


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [("abc", 3, "abc"), ("abc", 2, "ab"), ("a😀b", 4, "a😀b"), ("a😀b", 3, "a😀"), ("a😀b", 2, "a"), ("", 0, "")],
)
def test_a_text_is_cut_between_characters(text: str, most: int, cut: str) -> None:
    assert cut_to_units(text, most) == cut
    assert utf16_units(cut) <= most


@pytest.mark.parametrize("emojis", [500, 501])
def test_a_uid_is_measured_as_its_column_measures_it(agency: Agency, server: Server, emojis: int) -> None:
    device = server.start().device()
    told = device.put("addresses/x.vcf", payloads.vcard("😀" * emojis), new=True)
    assert told.status == (201 if emojis == 500 else 403)
    if told.status == 403:
        assert "1002 characters" in told.text


def test_the_history_cuts_as_its_columns_do(agency: Agency, server: Server) -> None:
    server.start()
    with server.gateway.administer() as session:
        history.record(session, Event("anna", "😀" * 255, "addresses", "😀" * 1000, "refused", reason="😀" * 1000))
    with server.gateway.session() as session:
        row = session.connection.execute(select(tables.history)).one()
    assert [utf16_units(text) for text in (row.agent, row.href, row.reason)] == [254, 1000, 1000]


@pytest.mark.parametrize(("real", "most"), [(NVARCHAR(20), 20), (VARCHAR(300), 300), (NVARCHAR(), None), (None, 100)])
def test_a_text_is_measured_by_the_column_that_the_site_has(real: TypeEngine[str] | None, most: int | None) -> None:
    found = build_tables(NameMap(), {} if real is None else {("AD", "FIRMA"): real})
    limit = limit_of(found.address, "FIRMA")
    assert (limit and limit.most) == most
    assert limit_of(found.activity, "FIRMA") is None
