"""What is gone is forgotten: after ``history_days`` no text of it is left anywhere (docs/en/operations.md)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from radicale_flowfact.dav.admin.verify import verify
from radicale_flowfact.dav.store import devices, tables
from tests import payloads
from tests.conftest import NOW, Agency, Server

_SECRETS = ("Geheimrat", "Verschwiegen", "geheimrat", "verschwiegen")


def _texts(server: Server) -> str:
    """Return all that the gateway's tables hold."""
    found = []
    with server.gateway.session() as session:
        for table in tables.metadata.tables.values():
            found += [str(tuple(row)) for row in session.connection.execute(select(table))]
    return "\n".join(found)


def _made(agency: Agency, server: Server) -> str:
    """Let a device make a contact that FlowFact has no field for everything of; return its DSN."""
    device = server.start().device()
    text = payloads.vcard("c-1", "X-SECRET:Verschwiegen", "NOTE:Geheimrat", name="Geheimrat;Eva;;;")
    assert device.put("addresses/c-1.vcf", text, new=True).status == 201
    assert all(word in _texts(server) for word in _SECRETS)
    (row,) = agency.office.rows(agency.office.tables.address)
    return str(row["DSN"])


@pytest.mark.parametrize("way", ["erased in the office", "deleted on the device"])
def test_of_a_contact_that_is_gone_no_text_is_left_after_its_time(agency: Agency, server: Server, way: str) -> None:
    dsn = _made(agency, server)
    office = agency.office
    device = server.device()
    if way == "deleted on the device":
        assert device.delete("addresses/c-1.vcf").status == 200
    else:
        for table, key in ((office.tables.address_merkmal, "AD_DSN"), (office.tables.address, "DSN")):
            office.remove(table, **{key: dsn})
        assert device.sync("addresses").changed == {}
    server.moment = NOW + timedelta(days=89)
    server.upkeep()
    assert "Verschwiegen" in _texts(server)
    server.moment = NOW + timedelta(days=93)
    told = " ".join(verify(server.gateway).notes)
    assert "items that are gone, with their sidecars are over their time (90 days)" in told
    server.upkeep()
    left = _texts(server)
    assert not [word for word in _SECRETS if word in left]
    assert dsn.lower() in left
    assert "over their time" not in " ".join(verify(server.gateway).notes)


def test_what_is_shown_is_kept_however_old_it_is(agency: Agency, server: Server) -> None:
    _made(agency, server)
    before = server.device().all("addresses")
    server.moment = NOW + timedelta(days=400)
    server.upkeep()
    assert server.device().all("addresses") == before
    assert "X-SECRET:Verschwiegen" in before["c-1.vcf"]
    assert "over their time" not in " ".join(verify(server.gateway).notes)


def test_what_was_forgotten_comes_back_as_flowfact_has_it(agency: Agency, server: Server) -> None:
    dsn = _made(agency, server)
    device = server.device()
    assert device.delete("addresses/c-1.vcf").status == 200
    server.moment = NOW + timedelta(days=100)
    server.upkeep()
    agency.office.tag_address(dsn, agency.own)
    (text,) = device.all("addresses").values()
    assert "N:Geheimrat;Eva;;;" in text
    assert "X-SECRET" not in text
    found = '<CR:prop-filter name="FN"><CR:text-match>geheim</CR:text-match></CR:prop-filter>'
    answer = device.report(
        "addresses/", "CR:addressbook-query", f"<prop><getetag/></prop><CR:filter>{found}</CR:filter>"
    )
    assert list(device.items_in(answer, "addresses")) == ["c-1.vcf"]


def test_many_are_forgotten_in_batches(agency: Agency, server: Server) -> None:
    dsns = [agency.office.address([agency.own], NAME=f"Geheimrat {number}") for number in range(1100)]
    device = server.start("[safety]\nmax_vanish_percent = 100\n").device()
    device.sync("addresses")
    for dsn in dsns:
        agency.office.remove(agency.office.tables.address_merkmal, AD_DSN=dsn)
    assert device.sync("addresses").changed == {}
    server.moment = NOW + timedelta(days=91)
    server.upkeep()
    assert "Geheimrat" not in _texts(server)
    assert "geheimrat" not in _texts(server)


def test_so_many_devices_of_a_login_are_known_and_no_more(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends another User-Agent each time fills no table; the device that was not seen for longest is forgotten."""
    monkeypatch.setattr(devices, "MOST", 3)
    agency.office.address([agency.own, agency.bens])
    server.start().device("ben").all("addresses")
    for day in range(5):
        server.moment = NOW + timedelta(days=day)
        device = server.device("anna", agent=f"Phone{'abcde'[day]}/1")
        device.all("addresses")
        device.sync("addresses")
        server.gateway.flush()
    server.upkeep()
    with server.gateway.session() as session:
        known = session.connection.execute(select(tables.device.c.login, tables.device.c.identity)).all()
        with_rows = set(session.connection.scalars(select(tables.fetched.c.device_id)))
        with_rows |= set(session.connection.scalars(select(tables.device_sync.c.device_id)))
    assert sorted(identity for login, identity in known if login == "anna") == ["Phonec", "Phoned", "Phonee"]
    assert [login for login, _ in known].count("ben") == 1
    assert len(with_rows) == len(known)


def test_so_many_versions_of_a_device_are_known_and_no_more(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MOST_FETCHED", 4)
    device = server.start().device()
    for number in range(6):
        assert device.put(f"addresses/{number}.vcf", payloads.vcard(str(number), name=f"N{number};;;;")).status == 201
    server.gateway.flush()
    server.upkeep()
    with server.gateway.session() as session:
        columns = (tables.item.c.uid, tables.fetched.c.fetches)
        rows = session.connection.execute(
            select(*columns).join(tables.fetched, tables.fetched.c.item_id == tables.item.c.id)
        )
        assert sorted(row.uid for row in rows) == ["2", "3", "4", "5"]
    server.verify()


def test_what_a_device_fetched_is_not_written_once_it_is_forgotten(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be written by another process while the upkeep drops the device."""
    monkeypatch.setattr(devices, "MOST", 0)
    agency.office.address([agency.own])
    before = NOW - timedelta(days=90)
    server.start().administer_while_fetches_are_written(lambda session: devices.forget(session, before))
    server.verify()
