"""What one process remembers must not make it disagree with another one on the same database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from radicale_flowfact.dav.store import request as dav_request
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name
from tests import payloads
from tests.conftest import NOW, Agency, Server


def test_a_login_given_to_somebody_else_is_not_mixed_up_by_a_process_that_remembers_the_former_user(
    agency: Agency, server: Server
) -> None:
    office, users = agency.office, agency.office.tables.user
    office.address([agency.own], NAME="Annas")
    office.address([agency.bens], NAME="Bens")
    server.start("refresh_seconds = 3600\n").device().sync("addresses")
    office.change(users, {"DSN": agency.anna}, LOGIN="former")
    office.change(users, {"DSN": agency.ben}, LOGIN="anna")
    second = server.another()
    (item,) = second.listing(second.open("anna", Name.ADDRESSES))
    late = server.gateway
    text = payloads.vcard("new", name="Neu;;;;")
    with pytest.raises(RefusedError, match="another FlowFact user"):
        late.put("anna", Name.ADDRESSES, "new.vcf", text)
    assert late.user("anna").dsn == agency.ben
    late.put("anna", Name.ADDRESSES, "new.vcf", text)
    (row,) = office.rows(office.tables.address, NAME="Neu")
    assert office.row(office.tables.address_merkmal, AD_DSN=row["DSN"])["MKM_DSN"] == agency.bens
    assert item.href in {one.href for one in second.listing(second.open("anna", Name.ADDRESSES))}


def test_what_a_device_fetched_is_not_written_over_what_it_sent_to_another_process(
    agency: Agency, server: Server
) -> None:
    office, tables = agency.office, agency.office.tables
    dsn = office.address([agency.own], ["0221 1"], STRASSE="Alt", ORT="Alt")
    device = server.start().device(agent="NoIfMatch/1")
    (href,) = device.sync("addresses").changed
    text = device.get(f"addresses/{href}").text  # still waits to be written here …
    server.moment = NOW + timedelta(seconds=1)
    dav_request.begin("NoIfMatch/1", "")
    sent = text.replace(";;Alt;", ";;Neu;")
    server.another().put("anna", Name.ADDRESSES, href, sent)  # … when another process stores the next version
    server.gateway.flush()
    server.moment = NOW + timedelta(seconds=2)
    office.change(tables.address, {"DSN": dsn}, STRASSE="Buero", TOUCH=datetime(2026, 6, 15, 12, 0, 2))
    # Compared with what it fetched, the device's "Neu" would be taken for a change and the office's be lost.
    assert device.put(f"addresses/{href}", sent.replace("0221 1", "0221 2")).status == 204
    assert office.row(tables.address, DSN=dsn)["STRASSE"] == "Buero"
    assert office.row(tables.phone, AD_DSN=dsn)["NUMMER"] == "0221 2"


@pytest.mark.parametrize("is_hot", [True, False])
def test_what_comes_between_token_and_list_is_told_by_the_next_sync(
    agency: Agency, server: Server, *, is_hot: bool
) -> None:
    def sync(collection: Collection, token: str) -> tuple[set[str], str]:
        if is_hot:
            there, _, new = gateway.changed_etags(collection, token)
            return {href for href, _ in there}, new
        found = gateway.changes(collection, token)
        return {item.href for item in found.items}, found.token

    agency.office.address([agency.own], NAME="There")
    (there,) = server.start().device().sync("addresses").changed
    gateway = server.gateway
    collection = gateway.open("anna", Name.ADDRESSES)
    dav_request.begin("Other/1", "")
    server.another().put("anna", Name.ADDRESSES, "new.vcf", payloads.vcard("new", name="Neu;;;;"))
    # Told now, the new item would stay for ever if it is deleted next: its token does not know that it came.
    found, token = sync(collection, "")
    assert found == {there}
    found, _ = sync(gateway.open("anna", Name.ADDRESSES), token)
    assert found == {"new.vcf"}


def test_a_page_ends_where_its_token_does(agency: Agency, server: Server) -> None:
    for name in ("A", "B"):
        agency.office.address([agency.own], NAME=name)
    device = server.start().device()
    first, second = sorted(device.sync("addresses").changed)
    gateway = server.gateway
    collection = gateway.open("anna", Name.ADDRESSES)
    dav_request.begin("Other/1", "")
    server.another().put("anna", Name.ADDRESSES, "new.vcf", payloads.vcard("new", name="Neu;;;;"))
    for href in (first, second):  # all three have numbers now that the snapshot does not know
        text = device.get(f"addresses/{href}").text
        server.another().put("anna", Name.ADDRESSES, href, text.replace("END:VCARD", "NOTE:New\r\nEND:VCARD"))
    page = gateway.changes(collection, "", limit=1)
    assert page.more
    rest = gateway.changes(gateway.open("anna", Name.ADDRESSES), page.token)
    assert {item.href for item in (*page.items, *rest.items)} == {first, second, "new.vcf"}
