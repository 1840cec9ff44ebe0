"""Rules 1 to 5: who sees what."""

from __future__ import annotations

from datetime import datetime

import pytest

from radicale_flowfact.dav.admin.overview import users
from radicale_flowfact.records import ListSource
from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.client import contacts, entries
from tests.rules.test_safety import command


def test_rule_01_a_login_without_mapping_gets_nothing(agency: Agency, server: Server) -> None:
    """A login that is not mapped, or whose FlowFact user is inactive, gets 403 on every path."""
    agency.office.address([agency.own])
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, AKTIV=False)
    device = server.start().device()
    assert device.propfind("", "<resourcetype/>", depth=1).status == 403
    assert device.try_sync("addresses").status == 403
    assert device.put("addresses/x.vcf", payloads.vcard("u")).status == 403
    assert "inactive" in device.propfind("addresses/", "<getetag/>").text


def test_rule_01_the_own_merkmal_must_be_among_the_synced_ones(agency: Agency, server: Server) -> None:
    """An own Merkmal that is missing or not synced is a configuration error: 403, never an empty collection."""
    lists = agency.office.tables.user_merkmal
    assert lists is not None
    agency.office.remove(lists, BEN_DSN=agency.anna, BEREICH="OUTLOOK")
    device = server.start().device()
    answer = device.try_sync("addresses")
    assert (answer.status, "Dienste/Outlook" in answer.text) == (403, True)


def test_rule_01_a_deactivated_user_is_out_within_seconds(agency: Agency, server: Server) -> None:
    """A user who is deactivated loses access while the gateway runs."""
    device = server.start().device()
    assert device.sync("addresses").token
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, AKTIV=False)
    assert device.try_sync("addresses").status == 403


def test_rule_01_a_login_given_to_another_user_shows_him_nothing_of_the_former(agency: Agency, server: Server) -> None:
    """A login given to another FlowFact user starts anew; the former's contacts, private ones, history stay his."""
    office = agency.office
    for number in range(30):
        office.address([agency.own], NAME=f"Annas{number:02}")
    office.address([agency.bens], NAME="Bens")
    device = server.start("history_days = 9999\n").device()
    private = payloads.vcard("p", "CATEGORIES:privat")
    assert device.put("addresses/p.vcf", private, new=True).status == 201
    href, text = next((href, text) for href, text in device.all("addresses").items() if "Annas" in text)
    assert device.delete(f"addresses/{href}").status == 200
    token = device.sync("addresses").token
    server.logins = ()
    moved = server.start('history_days = 9999\n[users.anna]\nflowfact = "ben"\n').device()
    assert moved.try_sync("addresses", token).status == 403
    assert contacts(server) == ["Bens"]
    assert moved.get("addresses/p.vcf").status == 404
    before = office.everything()
    assert moved.put(f"addresses/{href}", text, new=True).status == 201
    after = office.everything()
    assert len(after["AD"]) == len(before["AD"]) + 1  # not the former's record
    told = command(server, "history", "--user", "anna")
    assert "Merkmal off" not in told
    server.start('history_days = 9999\n[users.anna]\nflowfact = "anna"\n')
    assert len(contacts(server)) == 30
    assert server.device().get("addresses/p.vcf").text == private
    assert "Merkmal off" in command(server, "history", "--user", "anna")


def test_rule_02_collections_hold_what_carries_a_merkmal(agency: Agency, server: Server) -> None:
    """Addresses, appointments and tasks that carry one of several Merkmale of the user, each in its collection."""
    shared = agency.office.merkmal("VIP")
    agency.office.syncs(agency.anna, shared, "OUTLOOK")
    agency.office.syncs(agency.anna, shared, "VORLAGE")
    agency.office.address([agency.own], NAME="Eigene")
    agency.office.address([shared, agency.own], NAME="Beide")
    agency.office.address([shared], NAME="Geteilte")
    agency.office.address([agency.bens], NAME="Fremde")
    agency.appointment(BETREFF="Termin")
    agency.appointment(BETREFF="Geteilt", merkmale=[shared])
    agency.appointment(BETREFF="Fremd", merkmale=[agency.bens])
    agency.task(BETREFF="Aufgabe")
    agency.task(BETREFF="ohne Vorlage", VORLAGE=None)
    server.start()
    assert contacts(server) == ["Beide", "Eigene", "Geteilte"]
    assert entries(server, "appointments") == ["Besichtigung: Geteilt", "Besichtigung: Termin"]
    assert entries(server, "tasks") == ["Aufgabe: Aufgabe"]


def test_rule_02_merkmale_may_come_from_the_settings(agency: Agency, server: Server) -> None:
    """Where BENMKM is not mapped, the Merkmale come from flowfact.toml, by name or DSN."""
    agency.office.address([agency.own], NAME="Eigene")
    agency.appointment(BETREFF="Termin")
    own = "Merkmal anna"
    server.logins = ()
    server.start(
        f'[users.anna]\nflowfact = "ANNA"\naddress_merkmale = ["{own}"]\nactivity_merkmale = ["{agency.own}"]\n'
        '[users.ben]\nflowfact = "ben"\naddress_merkmale = ["Merkmal ben", "gibt es nicht"]\n',
        names={"BENMKM": ""},
    )
    assert contacts(server) == ["Eigene"]
    assert entries(server, "appointments") == ["Besichtigung: Termin"]
    answer = server.device("ben").try_sync("addresses")
    assert (answer.status, "gibt es nicht" in answer.text) == (403, True)


def test_rule_02_a_list_in_the_settings_counts_for_its_user(agency: Agency, server: Server) -> None:
    """Where FlowFact and flowfact.toml both have a list of a user, the one in flowfact.toml counts, and it is said."""
    shared = agency.office.merkmal("VIP")
    agency.office.address([agency.own], NAME="Eigene")
    agency.office.address([shared], NAME="Geteilte")
    agency.appointment(BETREFF="Termin")
    server.logins = ("ben",)
    server.start('[users.anna]\nflowfact = "anna"\naddress_merkmale = ["Merkmal anna", "vip"]\n')
    assert contacts(server) == ["Eigene", "Geteilte"]
    assert entries(server, "appointments") == ["Besichtigung: Termin"]
    anna, ben = server.gateway.user("anna"), server.gateway.user("ben")
    assert (anna.address_source, anna.activity_source) == (ListSource.OVER_FLOWFACT, ListSource.FLOWFACT)
    assert ben.address_source is ListSource.FLOWFACT
    row = users(server.gateway).mapped[0]
    assert "VIP (from flowfact.toml, not FlowFact)" in row.cells[2]


def test_rule_03_linked_addresses_come_along(agency: Agency, server: Server) -> None:
    """An address linked to an appointment of the user is among his contacts, as long as the appointment is."""
    linked = agency.office.address([], NAME="Linke")
    dsn = agency.appointment(addresses=[linked])
    server.start()
    assert contacts(server) == ["Linke"]
    assert contacts(server, "ben") == []
    agency.office.remove(agency.office.tables.activity_merkmal, AKT_DSN=dsn)
    assert contacts(server) == []


def test_rule_03_an_address_linked_only_to_a_past_appointment_goes_with_it(agency: Agency, server: Server) -> None:
    """When the appointment leaves the window, its linked address leaves the contacts."""
    linked = agency.office.address([], NAME="Linke")
    agency.appointment(addresses=[linked])
    server.start("[appointments]\npast_days = 10\n")
    assert contacts(server) == ["Linke"]
    server.moment = datetime.fromisoformat("2026-07-05T10:00:00+00:00")
    assert contacts(server) == []


@pytest.mark.parametrize(
    ("days", "seen"),
    [(90, ["läuft"]), (200, ["gestern", "läuft"]), (-1, ["alt", "gestern", "läuft"])],
)
def test_rule_04_past_appointments_reach_back_as_far_as_allowed(
    agency: Agency, server: Server, days: int, seen: list[str]
) -> None:
    """past_days counts from the appointment's end: 0 keeps none that ended, -1 all."""
    agency.appointment(BETREFF="alt", BEGINN=datetime(2020, 1, 1, 10), ENDE=datetime(2020, 1, 1, 11))
    agency.appointment(BETREFF="gestern", BEGINN=datetime(2026, 1, 14, 10), ENDE=datetime(2026, 1, 14, 11))
    agency.appointment(BETREFF="läuft", BEGINN=datetime(2020, 1, 1, 10), ENDE=datetime(2026, 6, 15, 13))
    server.start(f"[appointments]\npast_days = {days}\n")
    assert entries(server, "appointments") == [f"Besichtigung: {name}" for name in seen]


def test_rule_04_the_window_moves_with_the_clock(agency: Agency, server: Server) -> None:
    """What leaves the window tonight is gone tomorrow, though nobody wrote anything; FlowFact stays as it is."""
    agency.appointment()
    device = server.start("[appointments]\npast_days = 0\n").device()
    token = device.sync("appointments").token
    before = agency.office.everything()
    server.moment = datetime.fromisoformat("2026-06-20T08:59:00+00:00")  # one minute before its end
    assert device.sync("appointments", token).gone == []
    server.moment = datetime.fromisoformat("2026-06-20T09:01:00+00:00")
    assert len(device.sync("appointments", token).gone) == 1
    assert agency.office.everything() == before


def test_rule_04_open_tasks_are_always_in_scope_done_ones_by_the_window(agency: Agency, server: Server) -> None:
    """An open task stays however old it is, a done one leaves with the window."""
    old = datetime(2019, 1, 1)
    agency.task(BETREFF="offen", VORLAGE=old)
    agency.task(BETREFF="erledigt", VORLAGE=old, ERLEDIGT=True)
    agency.task(BETREFF="neulich", VORLAGE=datetime(2026, 6, 1), ERLEDIGT=True)
    server.start()
    assert entries(server, "tasks") == ["Aufgabe: neulich", "Aufgabe: offen"]


def test_rule_05_rights_lists_count(agency: Agency, server: Server) -> None:
    """A record is seen by those its rights list names: user, group or everybody; no list means everybody."""
    office = agency.office
    group = office.dsn("GRP")
    assert office.tables.group is not None
    assert office.tables.user_group is not None
    office.add(office.tables.group, DSN=group, NAME="Vertrieb")
    office.add(office.tables.user_group, BEN_DSN=agency.anna, GRP_DSN=group)
    for name, right in {
        "A": {"user": agency.anna},
        "B": {"user": agency.ben},
        "C": {"group": group},
        "D": {"group": office.dsn("GRP")},
        "E": {},
    }.items():
        office.restrict("AD", office.address([agency.own], NAME=name), "LESEN", **right)
    office.address([agency.own], NAME="F")
    server.start()
    assert contacts(server) == ["A", "C", "E", "F"]


def test_rule_05_read_only_refuses_and_changes_nothing(agency: Agency, server: Server) -> None:
    """With read-only right a PUT and a DELETE get 403; the highest of several entries counts."""
    office = agency.office
    dsn = office.address([agency.own], STRASSE="Weg 1")
    office.restrict("AD", dsn, "LESEN", user=agency.anna)
    device = server.start().device()
    ((href, text),) = device.all("addresses").items()
    before = office.everything()
    assert device.put(f"addresses/{href}", text.replace("Weg 1", "Weg 2")).status == 403
    assert device.delete(f"addresses/{href}").status == 403
    assert office.everything() == before
    office.restrict("AD", dsn, "VOLL", user=agency.anna)
    assert device.put(f"addresses/{href}", text.replace("Weg 1", "Weg 2")).status == 204


def test_rule_05_archived_records_are_out_of_scope(agency: Agency, server: Server) -> None:
    """An archived address or activity leaves the device."""
    address, appointment = agency.office.address([agency.own]), agency.appointment()
    server.start()
    assert (len(contacts(server)), len(entries(server, "appointments"))) == (1, 1)
    agency.office.change(agency.office.tables.address, {"DSN": address}, ARCHIV=True)
    agency.office.change(agency.office.tables.activity, {"DSN": appointment}, ARCHIV=True)
    assert (contacts(server), entries(server, "appointments")) == ([], [])
