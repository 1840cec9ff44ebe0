"""Rule 15: what the office took off a user's devices is not brought back by one that did not hear of it yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Table as SqlTable
from sqlalchemy import select

from radicale_flowfact.dav.store import tables
from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.client import only
from tests.rules.test_safety import command

Take = Callable[[Agency, str, str], None]


def _rows(agency: Agency, table: str) -> SqlTable:
    return agency.office.tables.address if table == "AD" else agency.office.tables.activity


def _merkmal_off(agency: Agency, table: str, dsn: str) -> None:
    tables_ = agency.office.tables
    if table == "AD":
        agency.office.remove(tables_.address_merkmal, AD_DSN=dsn)
    else:
        agency.office.remove(tables_.activity_merkmal, AKT_DSN=dsn)


def _archived(agency: Agency, table: str, dsn: str) -> None:
    agency.office.change(_rows(agency, table), {"DSN": dsn}, ARCHIV=True)


def _deleted(agency: Agency, table: str, dsn: str) -> None:
    _merkmal_off(agency, table, dsn)
    agency.office.remove(_rows(agency, table), DSN=dsn)


def _closed(agency: Agency, table: str, dsn: str) -> None:
    agency.office.restrict(table, dsn, "VOLL", user=agency.ben)


TAKES = {"merkmal": _merkmal_off, "archived": _archived, "deleted": _deleted, "closed": _closed}
CONDITIONS: dict[str, Callable[[str], Mapping[str, str]]] = {
    "none": lambda etag: {},
    "if-match": lambda etag: {"If-Match": etag},
    "any": lambda etag: {"If-Match": "*"},
    "new": lambda etag: {"If-None-Match": "*"},
}
RECORDS = {"addresses": "AD", "appointments": "AKT"}


_WORDS = {"Alpha": "none", "Bravo": "if-match", "Charlie": "any", "Delta": "new"}


def _made(agency: Agency, name: str, word: str = "Alpha") -> str:
    if name == "addresses":
        return agency.office.address([agency.own], FIRMA=word, STRASSE="Weg 1")
    return agency.appointment(BETREFF=word)


def _found(server: Server, name: str) -> dict[str, tuple[str, str, str]]:
    """Return path, ETag and text of the items of a collection, by the word that each shows."""
    device = server.device()
    found = device.multiget(name, device.sync(name).changed)
    words = {
        word: (f"{name}/{href}", etag, text) for href, (etag, text) in found.items() for word in _WORDS if word in text
    }
    assert len(words) == len(found)
    return words


@pytest.mark.parametrize("how", TAKES)
@pytest.mark.parametrize("name", RECORDS)
def test_rule_15_no_put_brings_back_what_the_office_took_off(
    agency: Agency, server: Server, name: str, how: str
) -> None:
    """With whatever condition, also under a new href: 412, nothing written or told; the device drops the item."""
    dsns = {word: _made(agency, name, word) for word in _WORDS}
    device = server.start().device()
    known, token = _found(server, name), device.sync(name).token
    for dsn in dsns.values():
        TAKES[how](agency, RECORDS[name], dsn)
    before = agency.office.everything()
    for looked in (False, True):  # the second time all devices heard of it, and one sends them all the same
        refused = []
        for word, (path, etag, text) in known.items():
            condition = CONDITIONS[_WORDS[word]](etag)
            is_moved = looked and "If-Match" not in condition
            target = f"{name}/moved-{word}{path[-4:]}" if is_moved else path
            answer = device.request("PUT", target, text.replace(word, f"{word}X"), condition)
            assert answer.status == 412, (word, looked, answer.text)
            assert not any(told in answer.text for told in (word, dsns[word], "archiv", "delete", "right"))
            refused += [path] if target == path else [path, target]
        synced = device.sync(name, token)
        token = synced.token
        assert sorted(f"{name}/{href}" for href in synced.gone) == sorted(refused)
    assert agency.office.everything() == before
    assert device.all(name) == {}
    assert command(server, "history").count("412 to PUT") == 6
    server.verify()


def test_rule_15_a_record_that_comes_back_takes_puts_again(agency: Agency, server: Server) -> None:
    """The office sets the Merkmal again: the item is the same, and may be edited."""
    dsn = agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    path, _, text = only(device, "addresses")
    _merkmal_off(agency, "AD", dsn)
    moved = text.replace("Weg 1", "Weg 2")
    assert device.put("addresses/moved.vcf", moved, new=True).status in (409, 412)  # it did not look there yet
    assert device.put(path, moved).status == 412
    assert device.put("addresses/moved.vcf", moved, new=True).status == 412
    agency.office.tag_address(dsn, agency.own)
    path_, etag, _ = only(device, "addresses")
    assert path_ == path
    assert device.put(path, moved, etag).status == 204
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 2"
    server.verify()


@pytest.mark.parametrize("target", ["here", "new"])
@pytest.mark.parametrize("how", ["archived", "deleted", "closed"])
@pytest.mark.parametrize("name", RECORDS)
def test_rule_15_what_the_user_deleted_and_the_office_closed_since_stays_gone(
    agency: Agency, server: Server, name: str, how: str, target: str
) -> None:
    """Undo on the phone after the office archived, deleted or closed the record: 412, nothing written."""
    dsn = _made(agency, name)
    device = server.start().device()
    path, etag, text = only(device, name)
    assert device.delete(path, etag).status == 200
    TAKES[how](agency, RECORDS[name], dsn)
    before = agency.office.everything()
    wanted = path if target == "here" else f"{name}/moved{path[-4:]}"
    assert device.put(wanted, text, new=target == "new").status == 412
    assert agency.office.everything() == before
    server.verify()


def test_rule_15_what_the_user_hid_and_the_office_let_be_comes_back(agency: Agency, server: Server) -> None:
    """Hidden by the user, out of scope by the office's team Merkmal: his own Merkmal comes back, as ever."""
    office = agency.office
    team = office.merkmal("Team")
    office.syncs(agency.anna, team, "OUTLOOK")
    dsn = office.address([team])
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    assert device.delete(path, etag).status == 200
    office.remove(office.tables.address_merkmal, AD_DSN=dsn, MKM_DSN=team)
    assert device.all("addresses") == {}
    assert device.put(path, text).status == 201
    assert [row["MKM_DSN"] for row in office.rows(office.tables.address_merkmal)] == [agency.own]
    server.verify()


@pytest.mark.parametrize("how", [None, *TAKES])
def test_rule_15_what_left_by_the_window_may_be_edited(agency: Agency, server: Server, how: str | None) -> None:
    """An appointment that grew too old meanwhile takes a late edit, but not once the office took it off."""
    dsn = agency.appointment(BETREFF="Old")
    device = server.start().device()
    path, _, text = only(device, "appointments")
    server.moment = datetime.fromisoformat("2026-12-01T10:00:00+00:00")
    assert device.all("appointments") == {}
    if how is not None:
        TAKES[how](agency, "AKT", dsn)
    before = agency.office.everything()
    answer = device.put(path, text.replace("Old", "New"))
    if how is None:
        assert answer.status == 201
        assert agency.office.row(agency.office.tables.activity)["BETREFF"] == "New"
        times = {"BEGINN": datetime(2026, 12, 2, 10), "ENDE": datetime(2026, 12, 2, 11)}
        agency.appointment(BETREFF="Next", **times)
        assert sorted("Next" in text for text in device.all("appointments").values()) == [False, True]
        server.moment += timedelta(days=2)
        server.upkeep()
        assert ["Next" in text for text in device.all("appointments").values()] == [True]  # it left again
    else:
        assert answer.status == 412
        assert agency.office.everything() == before


def test_rule_15_what_the_office_moved_into_the_past_did_not_leave_by_the_window(
    agency: Agency, server: Server
) -> None:
    """An appointment that was brought forward by a year is not put back to where the device has it."""
    dsn = agency.appointment(BETREFF="Old")
    device = server.start().device()
    path, _, text = only(device, "appointments")
    times = {"BEGINN": datetime(2025, 6, 20, 10), "ENDE": datetime(2025, 6, 20, 11)}
    agency.office.change(agency.office.tables.activity, {"DSN": dsn}, **times)
    before = agency.office.everything()
    assert device.put(path, text.replace("Old", "New")).status == 412
    assert agency.office.everything() == before


def test_rule_15_who_took_it_off_is_kept(agency: Agency, server: Server) -> None:
    """Each item that is gone says whether its user, the office or the window took it off."""
    office = agency.office
    kept = [office.address([agency.own], NAME=f"N{number}") for number in range(3)]
    agency.appointment()
    device = server.start().device()
    hrefs = {href for href, text in device.all("addresses").items() if "N0" in text}
    device.all("appointments")
    assert device.put("addresses/own.vcf", payloads.vcard("own", "CATEGORIES:privat"), new=True).status == 201
    assert device.delete("addresses/own.vcf").status == 200
    assert device.delete(f"addresses/{hrefs.pop()}").status == 200
    office.remove(office.tables.address_merkmal, AD_DSN=kept[1])
    server.moment = datetime.fromisoformat("2026-12-01T10:00:00+00:00")
    device.all("addresses")
    device.all("appointments")
    with server.gateway.session() as session:
        found = session.connection.execute(select(tables.item.c.live, tables.item.c.gone_by)).all()
    expected = [(False, "office"), (False, "user"), (False, "user"), (False, "window"), (True, "")]
    assert sorted(tuple(row) for row in found) == expected
