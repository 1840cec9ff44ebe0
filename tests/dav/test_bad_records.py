"""Rows that no device can show: served as well as can be, named by ``status``, in nobody's way (rule 28)."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server, not_on_mssql
from tests.device import Device

EVERYTHING = "[appointments]\npast_days = -1\n[safety]\nmax_vanish_percent = 100\n"
COLLECTIONS = ("addresses", "appointments", "tasks")


def good_ones(agency: Agency) -> None:
    """Add a record of each kind that must be shown whatever else there is."""
    agency.office.address([agency.own], ["0221 1"], NAME="Gut")
    agency.appointment(BETREFF="Gut")
    agency.task(BETREFF="Gut")


def shown(device: Device) -> dict[str, list[str]]:
    """Return the unfolded lines of all items by collection, read in every way there is."""
    found: dict[str, list[str]] = {}
    for name in COLLECTIONS:
        assert device.propfind(f"{name}/", "<getetag/>", 1).status == 207
        texts = device.all(name)
        for href, text in texts.items():
            assert device.get(f"{name}/{href}").text.replace("\r\n", "\n") == text.replace("\r\n", "\n")
        found[name] = [line for text in texts.values() for line in payloads.lines_of(text)]
    return found


def faults(server: Server) -> list[str]:
    """Return what ``status`` tells of records that cannot be shown fully."""
    done = run("status", "--config", str(server.config))
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if "shown in a minimal form" in line]


def require_good_ones(lines: dict[str, list[str]]) -> None:
    """Look whether the good ones are there as they always are."""
    assert "FN:Gut" in lines["addresses"]
    assert "TEL;TYPE=WORK,VOICE:0221 1" in lines["addresses"]
    assert "SUMMARY:Besichtigung: Gut" in lines["appointments"]
    assert "SUMMARY:Aufgabe: Gut" in lines["tasks"]


YEAR_1 = not_on_mssql("a datetime begins in 1753")


@pytest.mark.parametrize(
    ("values", "phones", "line"),
    [
        ({"NAME": "Bö\x07se"}, [], "FN:Böse"),
        ({"NAME": "", "KENNUNG": "Ken\x01nung"}, [], "FN:Kennung"),
        ({"NAME": "Böse", "NOTIZ": "a\x0bb\x1fc\x7f"}, [], "NOTE:abc"),
        ({"NAME": "Böse", "NOTIZ": "a\ufffeb\uffff"}, [], "NOTE:ab"),
        ({"NAME": "Böse"}, ["0221\x08 2"], "TEL;TYPE=WORK,VOICE:0221 2"),
        ({"NAME": "", "KENNUNG": ""}, [], "FN:?"),
        ({"NAME": None, "KENNUNG": None}, [], "FN:?"),
    ],
)
def test_an_address_that_cannot_be_shown_fully(
    agency: Agency, server: Server, values: dict[str, object], phones: list[str], line: str
) -> None:
    good_ones(agency)
    dsn = agency.office.address([agency.own], phones, **values)
    server.start(EVERYTHING)
    lines = shown(server.device())
    require_good_ones(lines)
    assert line in lines["addresses"]
    (fault,) = faults(server)
    assert dsn.lower() in fault


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"BETREFF": "Bö\x07se"}, "SUMMARY:Besichtigung: Böse"),
        ({"NOTIZ": "No\x00tiz".replace("\x00", "\x02")}, "DESCRIPTION:Notiz"),
        ({"ENDE": datetime(2026, 6, 19)}, "DTSTART;TZID=Europe/Berlin:20260620T100000"),
        ({"ENDE": datetime(2026, 6, 19), "GANZTAGS": True}, "DTSTART;TZID=Europe/Berlin:20260620T100000"),
        ({"BEGINN": None, "ENDE": None}, "DTSTART;TZID=Europe/Berlin:20260105T090000"),
        ({"BEGINN": None}, "DTSTART;TZID=Europe/Berlin:20260105T090000"),
        pytest.param(
            {"BEGINN": datetime(1, 1, 1), "ENDE": None},
            "DTSTART;TZID=Europe/Berlin:20260105T090000",
            marks=YEAR_1,
        ),
        ({"ENDE": datetime(9999, 12, 31, 23, 59)}, "DTSTART;TZID=Europe/Berlin:20260620T100000"),
        ({"BEGINN": datetime(9999, 12, 31), "ENDE": None}, "DTSTART;TZID=Europe/Berlin:20260105T090000"),
        ({"VORLAGE": datetime(9999, 12, 31), "VORLAGE_ZEIT": True}, "DTSTART;TZID=Europe/Berlin:20260620T100000"),
        pytest.param(
            {"VORLAGE": datetime(1, 1, 1), "VORLAGE_ZEIT": True},
            "DTSTART;TZID=Europe/Berlin:20260620T100000",
            marks=YEAR_1,
        ),
    ],
)
def test_an_appointment_that_cannot_be_shown_fully(
    agency: Agency, server: Server, values: dict[str, object], line: str
) -> None:
    good_ones(agency)
    dsn = agency.appointment(**values)
    server.start(EVERYTHING)
    lines = shown(server.device())
    require_good_ones(lines)
    assert line in lines["appointments"]
    (fault,) = faults(server)
    assert dsn.lower() in fault


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"PRIORITAET": 99}, "SUMMARY:Aufgabe: Böse"),
        ({"PRIORITAET": -1}, "SUMMARY:Aufgabe: Böse"),
        ({"VORLAGE": datetime(9999, 12, 31)}, "SUMMARY:Aufgabe: Böse"),
        pytest.param(
            {"VORLAGE": datetime(1, 1, 1), "VORLAGE_ZEIT": True},
            "SUMMARY:Aufgabe: Böse",
            marks=YEAR_1,
        ),
        ({"NOTIZ": "a\x1bb"}, "DESCRIPTION:ab"),
    ],
)
def test_a_task_that_cannot_be_shown_fully(
    agency: Agency, server: Server, values: dict[str, object], line: str
) -> None:
    good_ones(agency)
    dsn = agency.task(**{"BETREFF": "Böse", **values})
    server.start(EVERYTHING)
    lines = shown(server.device())
    require_good_ones(lines)
    assert line in lines["tasks"]
    (fault,) = faults(server)
    assert dsn.lower() in fault


def test_null_in_any_column_stops_nothing(agency: Agency, server: Server) -> None:
    good_ones(agency)
    tables = agency.office.tables
    for column in (column.key for column in tables.address.c if column.key != "DSN"):
        dsn = agency.office.address([agency.own], ["0221 2"], VORNAME="Nora", FIRMA="Null", EMAIL="n@example.de")
        agency.office.change(tables.address, {"DSN": dsn}, **{column: None})
    for column in (column.key for column in tables.activity.c if column.key != "DSN"):
        for dsn in (agency.appointment(), agency.task()):
            agency.office.change(tables.activity, {"DSN": dsn}, **{column: None})
    server.start(EVERYTHING)
    require_good_ones(shown(server.device()))
    # Without a begin an appointment has no time; without a kind or a Vorlage it is none, or no task.
    (fault,) = faults(server)
    assert "no begin" in fault


@pytest.mark.parametrize("table", ["kind", "merkmal", "user", "phone"])
def test_null_in_a_row_beside_the_record_stops_nothing(agency: Agency, server: Server, table: str) -> None:
    good_ones(agency)
    office = agency.office
    sql_table = getattr(office.tables, table)
    for column in (column.key for column in sql_table.c if not column.primary_key):
        if table == "kind":
            dsn = office.kind("Anders", calendar=True)
            office.activity(dsn, [agency.own], BEGINN=datetime(2026, 6, 21))
        elif table == "merkmal":
            dsn = office.merkmal("Anderes")
            office.syncs(agency.anna, dsn, "OUTLOOK")
            office.address([dsn])
        elif table == "user":
            dsn = office.user(f"kollege{column}")
            agency.appointment(merkmale=[agency.own, office.own(dsn)])
        else:
            dsn = office.address([agency.own], ["0221 3", "0221 4"])
        office.change(sql_table, {"AD_DSN" if table == "phone" else "DSN": dsn}, **{column: None})
    server.start(EVERYTHING)
    require_good_ones(shown(server.device()))
    assert faults(server) == []


def test_links_into_the_void_stop_nothing(agency: Agency, server: Server) -> None:
    good_ones(agency)
    office, tables = agency.office, agency.office.tables
    dsn = agency.appointment(BETREFF="Lose", addresses=["NIRGENDS"], merkmale=[agency.own, "KEINES"])
    office.add(tables.activity_merkmal, AKT_DSN="NIRGENDS", MKM_DSN=agency.own)
    office.add(tables.address_merkmal, AD_DSN="NIRGENDS", MKM_DSN=agency.own)
    office.add(tables.phone, AD_DSN="NIRGENDS", POS=1, NUMMER="0221 9")
    office.add(tables.activity_address, AKT_DSN="NIRGENDS", AD_DSN="NIRGENDS")
    office.restrict("AKT", dsn, "VOLL", user="NIEMAND", group="KEINE")
    office.restrict("AKT", dsn, "UNSINN", user=agency.anna)
    office.restrict("AKT", dsn, "LESEN", user=agency.anna)
    office.activity("KEINE-ART", [agency.own], BEGINN=datetime(2026, 6, 21))
    server.start(EVERYTHING)
    lines = shown(server.device())
    require_good_ones(lines)
    assert "SUMMARY:Besichtigung: Lose" in lines["appointments"]
    assert faults(server) == []


def test_merkmale_that_own_each_other_stop_nothing(agency: Agency, server: Server) -> None:
    good_ones(agency)
    office, tables = agency.office, agency.office.tables
    office.change(tables.merkmal, {"DSN": agency.own}, BEN_DSN=agency.ben, PFAD="A\\B")
    office.change(tables.merkmal, {"DSN": agency.bens}, BEN_DSN=agency.anna, PFAD="B\\A")
    office.change(tables.user, {"DSN": agency.ben}, MKM_DSN=agency.own)
    server.start(EVERYTHING)
    require_good_ones(shown(server.device()))


def test_500_phones_are_shown_as_far_as_there_are_slots(agency: Agency, server: Server) -> None:
    good_ones(agency)
    agency.office.address([agency.own], [f"0221 {number}" for number in range(1000, 1500)], NAME="Viele")
    device = server.start(EVERYTHING).device()
    lines = shown(device)
    require_good_ones(lines)
    assert sum(line.startswith("TEL") for line in lines["addresses"]) == 9
    href, text = next((href, text) for href, text in device.all("addresses").items() if "FN:Viele" in text)
    assert device.put(f"addresses/{href}", text.replace("FN:Viele", "FN:Viele\r\nTITLE:x")).status == 204
    assert len(agency.office.rows(agency.office.tables.phone)) == 501


def test_a_line_break_in_a_number_is_no_new_line_of_the_contact(agency: Agency, server: Server) -> None:
    good_ones(agency)
    agency.office.address([agency.own], ["0221 7\r\nEMAIL:eve@example.com"], NAME="Umbruch")
    lines = shown(server.start(EVERYTHING).device())
    require_good_ones(lines)
    assert "TEL;TYPE=WORK,VOICE:0221 7 EMAIL:eve@example.com" in lines["addresses"]
    assert faults(server) == []


def test_long_texts_are_served_whole(agency: Agency, server: Server) -> None:
    good_ones(agency)
    note = "Lang ü€😀. " * 20_000
    agency.office.address([agency.own], NAME="Lang", NOTIZ=note)
    agency.appointment(BETREFF="Lang", NOTIZ=note)
    lines = shown(server.start(EVERYTHING).device())
    require_good_ones(lines)
    assert f"NOTE:{note.strip()}" in lines["addresses"]
    assert f"DESCRIPTION:{note.strip()}" in lines["appointments"]


@pytest.mark.parametrize(
    ("path", "body", "statuses"),
    [
        ("addresses/x.vcf", payloads.vcard("x", *(f"TEL;TYPE=HOME:0221 {n}" for n in range(1000, 1500))), {201}),
        ("addresses/x.vcf", payloads.vcard("x", name=";;;;").replace("FN:Eva Meier", "FN:"), {409}),
        ("addresses/x.vcf", payloads.vcard("x", "NOTE:\ud800"), {409}),
        ("addresses/x.vcf", payloads.vcard("x", "NOTE:\ufffe"), {201}),
        ("addresses/x.vcf", payloads.vcard("x" * 1001), {403}),
        ("addresses/" + "x" * 1001 + ".vcf", payloads.vcard("x"), {403}),
        ("addresses/x.vcf", payloads.vcard("x", "NOTE:" + "x" * 2_000_000), {201}),
        ("addresses/x.vcf", payloads.vcard("x", *("X-A:b" for _ in range(60_000))), {409}),
        ("addresses/x.vcf", payloads.vcard("x", "X-A" + ";B=c" * 600 + ":d"), {409}),
        ("appointments/x.ics", payloads.event("x", start="DTSTART:99991231T000000Z"), {201}),
        ("appointments/x.ics", payloads.event("x", start="DTSTART;VALUE=DATE:00010101"), {201}),
        ("appointments/x.ics", payloads.event("x", start="DTSTART:20260801T080000Z"), {409}),
        ("appointments/x.ics", payloads.event("x", summary=""), {201}),
        ("tasks/x.ics", payloads.todo("x", "DUE:99991231T000000Z"), {201}),
        ("tasks/x.ics", payloads.todo("x", "DTSTART:20260601T000000Z", "DURATION:P99999999D"), {201}),
    ],
)
def test_odd_values_in_a_put_are_refused_with_a_reason_or_stored(
    agency: Agency, server: Server, path: str, body: str, statuses: set[int]
) -> None:
    good_ones(agency)
    device = server.start(EVERYTHING).device()
    before = agency.office.everything()
    answer = device.request("PUT", path, body.encode("utf-8", "surrogatepass"))
    assert answer.status in statuses, answer.text
    if answer.status >= 400:
        assert agency.office.everything() == before
        assert "reason" in answer.text
    require_good_ones(shown(device))
