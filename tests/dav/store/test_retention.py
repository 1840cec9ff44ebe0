"""What is gone is forgotten: after ``history_days`` no text of it is left anywhere (docs/en/operations.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, select

from radicale_flowfact.dav.admin.verify import verify
from radicale_flowfact.dav.store import devices, history, items, tables
from radicale_flowfact.dav.store.devices import Device, Fetch
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.upkeep import device_rows
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
    monkeypatch.setattr(device_rows, "MOST", 3)
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
    monkeypatch.setattr(device_rows, "MOST_FETCHED", 4)
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
    monkeypatch.setattr(device_rows, "MOST", 0)
    agency.office.address([agency.own])
    later = NOW + timedelta(seconds=1)

    def drop(session: Session) -> None:
        found = device_rows.surplus(later)
        ids = session.connection.scalars(found).all()
        assert ids
        device_rows.forget_fetched_by(session, session.connection.execute(device_rows.fetched_by(found)).all(), later)
        device_rows.drop(session, ids, later)

    server.start().administer_while_fetches_are_written(drop)
    server.verify()


def test_a_device_that_came_back_meanwhile_keeps_what_it_fetched(agency: Agency, server: Server) -> None:
    """The upkeep finds rows by reading, and looks at them again when it deletes them."""
    agency.office.address([agency.own])
    device = server.start().device()
    device.sync("addresses")
    device.all("addresses")
    server.gateway.flush()
    before = _counts(server)
    assert all(before[name] for name in ("dav_fetched", "dav_device", "dav_device_sync"))
    with server.gateway.administer() as session:
        since = NOW - timedelta(days=90)
        everything = select(tables.device.c.id)
        ids = session.connection.scalars(everything).all()
        versions = session.connection.execute(device_rows.fetched_by(everything)).all()
        device_rows.forget_fetched_by(session, versions, since)
        device_rows.drop(session, ids, since)
        device_rows.drop(session, ids, NOW + timedelta(days=1))  # its versions are still there
        syncs = session.connection.execute(device_rows.old_syncs(NOW + timedelta(days=1))).all()
        assert syncs
        device_rows.forget_syncs(session, syncs, since)
        device_rows.forget_fetched_of_nothing(session, versions)
    assert _counts(server) == before


def _counts(server: Server) -> Counter[str]:
    """Return how many rows each of the gateway's tables has."""
    with server.gateway.session() as session:
        every = tables.metadata.tables.values()
        count = select(func.count())
        return Counter({table.name: session.connection.scalar(count.select_from(table)) or 0 for table in every})


@contextmanager
def _deleted(engine: Engine) -> Iterator[list[int]]:
    """Give how many rows each transaction deletes."""
    found: list[int] = [0]

    def add(_: Connection, cursor: Any, statement: str, *more: object) -> None:  # noqa: ANN401 - a driver's cursor
        if statement.startswith("DELETE"):
            found[-1] += cursor.rowcount

    def end(_: Connection) -> None:
        found.append(0)

    event.listen(engine, "after_cursor_execute", add)
    event.listen(engine, "commit", end)
    try:
        yield found
    finally:
        event.remove(engine, "after_cursor_execute", add)
        event.remove(engine, "commit", end)


_AT_ONCE = 20


def _fill(agency: Agency, server: Server) -> None:
    """Add far more rows than one batch to every table that is forgotten; they are of devices and of contacts."""
    for number in range(60):
        agency.office.address([agency.own], NAME=f"N{number}")
    device = server.start("[safety]\nmax_vanish_percent = 100\n").device()
    device.all("addresses")
    server.gateway.flush()
    with server.gateway.administer() as session:
        item = tables.item.c
        rows = session.connection.execute(select(item.id, item.etag, item.number)).all()
        for number in range(60):
            phone = Device("anna", f"Phone{number}", f"Phone{number}/1")
            devices.remember(session, phone, {(row.id, row.etag): Fetch(row.number) for row in rows[:5]})
            devices.synced(session, phone, tuple(Name))
            history.record(session, history.Event("anna", "Phone/1", "addresses", "a.vcf", "refused"))
        one = Device("anna", "Phone0", "Phone0/1")
        devices.remember(session, one, {(row.id, row.etag): Fetch(row.number) for row in rows})
    for number in range(60):
        server.gateway.familiar.add(("anna", f"192.0.2.{number}"))
    server.gateway.familiar.flush()


_SORTS = ("fetched", "device", "device_sync", "history", "familiar", "version", "search")
_FORGOTTEN = [f"dav_{name}" for name in _SORTS]


def test_no_transaction_of_the_upkeep_deletes_many_rows(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on many rows becomes one on the whole table on SQL Server, and every device waits for it."""
    monkeypatch.setattr(items, "_CHUNK", _AT_ONCE)
    _fill(agency, server)
    before = _counts(server)
    assert all(before[name] >= 60 for name in _FORGOTTEN)
    agency.office.remove(agency.office.tables.address_merkmal)
    server.gateway.open("anna", Name.ADDRESSES)
    server.moment = NOW + timedelta(days=93)
    told = " ".join(verify(server.gateway).notes)
    for late in ("61 devices", "181 last syncs of devices", "60 history entries"):
        assert f"{late} are over their time (90 days)" in told
    assert "61 addresses that logins came from are over their time (30 days)" in told
    with _deleted(server.gateway.engine) as deleted:
        server.upkeep()
    assert {name: _counts(server)[name] for name in _FORGOTTEN} == dict.fromkeys(_FORGOTTEN, 0)
    assert sum(deleted) >= sum(before[name] for name in _FORGOTTEN)
    assert max(deleted) <= 4 * _AT_ONCE  # a device goes with its three last syncs


_NEXT = "the next upkeep drops them"


def test_no_transaction_of_the_upkeep_deletes_many_rows_over_a_bound(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "_CHUNK", _AT_ONCE)
    monkeypatch.setattr(device_rows, "MOST", 2)
    monkeypatch.setattr(device_rows, "MOST_FETCHED", 3)
    _fill(agency, server)
    anna = "anna: 59 devices over the bound of 2 for a login"
    versions = "anna: 232 fetched versions over the bound of 3 for a device"
    told = verify(server.gateway).notes
    assert [note for note in told if "over the bound" in note] == [f"{anna}; {_NEXT}", f"{versions}; {_NEXT}"]
    server.moment = NOW + timedelta(days=1)
    with _deleted(server.gateway.engine) as deleted:
        server.upkeep()
    counts = _counts(server)
    assert (counts["dav_device"], counts["dav_device_sync"], counts["dav_fetched"]) == (2, 6, 6)
    assert max(deleted) <= 4 * _AT_ONCE
    assert not [note for note in verify(server.gateway).notes if "over the bound" in note]
    server.verify()
