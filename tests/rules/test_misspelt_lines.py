"""Rules 9, 16, 24, 25, 28 and 44: lines that known programs break, quote or spell in their own way, on both sides."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import only
from tests.rules.test_misspelt import event, put, stored

NOON = datetime(2026, 12, 10, 10)


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        ('ORG;SORT-AS="Bau "und: so" GmbH":Bau GmbH', "FIRMA", "Bau GmbH"),
        ('NOTE;X-LABEL="a "b"";LANGUAGE=de:Notiz', "NOTIZ", "Notiz"),
        ('EMAIL;TYPE="work,pref";X-LABEL="Büro "alt: 1"":a@example.com', "EMAIL", "a@example.com"),
        ('EMAIL;TYPE="work","pref";X-LABEL="Büro "alt"":a@example.com', "EMAIL", "a@example.com"),
        ('ADR;TYPE=work;LABEL="Haus: hinten:;;Weg 1;Köln;;50667;', "STRASSE", "Weg 1"),  # never closed
        ('EMAIL;X-LABEL="Büro:a@example.com', "EMAIL", "a@example.com"),
        ('NOTE;X-LABEL="a":b="c" d', "NOTIZ", 'b="c" d'),
    ],
)
def test_rule_44_quotes_inside_of_a_quoted_parameter(
    agency: Agency, server: Server, line: str, column: str, value: str
) -> None:
    """A parameter ends where the next one or the value begins: nothing of it gets into a column."""
    device = server.start().device()
    assert put(device, "addresses/a.vcf", payloads.vcard("a", line).encode()).status == 201
    assert agency.office.row(agency.office.tables.address)[column] == value
    assert all(served.count('"') % 2 == 0 for served in payloads.lines_of(device.get("addresses/a.vcf").text))


def test_rule_44_quotes_inside_of_an_altrep(agency: Agency, server: Server) -> None:
    """HTML in a parameter of DESCRIPTION: the note is what stands behind it."""
    line = 'DESCRIPTION;ALTREP="data:text/html,<b class="a:b">x</b>":Notiz'
    assert put(server.start().device(), "appointments/e.ics", event(line)).status == 201
    assert stored(agency)["NOTIZ"] == "Notiz"


@pytest.mark.parametrize(
    "broken",
    [
        ("X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE=Weg 1", "10115 Berlin"),  # never comes to its colon
        ('X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Weg 1', "10115 Berlin:geo:52.5,13.4"),
        ("RRULE {}: Error",),  # libical/libical#421
        ("LABEL;TYPE=WORK",),
    ],
)
def test_rule_28_a_broken_line_swallows_none_behind_it(agency: Agency, server: Server, broken: tuple[str, ...]) -> None:
    """Wherever it stands: times, place and note behind it are read as they came, and it spoils none before it."""
    device = server.start().device()
    times = (*broken, "DTSTART;TZID=Europe/Berlin:20261210T100000", *broken, "DTEND:20261210T100000Z")
    body = event(*broken, "DESCRIPTION:Notiz", *broken, "LOCATION:Weg 1", times=times)
    assert put(device, "appointments/e.ics", body).status == 201
    row = agency.office.row(agency.office.tables.activity)
    assert (row["BEGINN"], row["ENDE"]) == (NOON, datetime(2026, 12, 10, 11))
    assert row["NOTIZ"].startswith("Notiz")
    assert "LOCATION:Weg 1" in payloads.lines_of(device.get("appointments/e.ics").text)


@pytest.mark.parametrize("broken", ["LABEL;TYPE=WORK", "Köln"])
def test_rule_28_a_broken_line_of_a_contact_is_in_no_number(agency: Agency, server: Server, broken: str) -> None:
    """What stands before or behind it is a number all the same (wintermeyer/vutuv#395)."""
    device = server.start().device()
    card = payloads.vcard("a", "EMAIL:a@example.com", broken, "TEL;TYPE=WORK:0221 5", broken, "TITLE:Chefin")
    assert put(device, "addresses/a.vcf", card.encode()).status == 201
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0221 5"
    assert agency.office.row(agency.office.tables.address)["EMAIL"] == "a@example.com"
    assert "TITLE:Chefin" in payloads.lines_of(device.get("addresses/a.vcf").text)


@pytest.mark.parametrize(
    "line", ["RRULE:;", "RRULE:FREQ=", "RRULE:FREQ=NONE", "RRULE:null", "RRULE;X-A=1:FREQ=;INTERVAL=1", "EXRULE:;"]
)
def test_rule_25_a_rule_that_says_never_is_none(agency: Agency, server: Server, line: str) -> None:
    """What fills a form with "never" is an appointment that takes place once."""
    assert put(server.start().device(), "appointments/e.ics", event(line)).status == 201
    assert stored(agency)["BEGINN"] == NOON


def test_rule_22_an_empty_completed_is_not_done(agency: Agency, server: Server) -> None:
    """It says nothing, as an empty DUE does."""
    device = server.start().device()
    todo = payloads.todo("t", "DUE;VALUE=DATE:20261210", "COMPLETED:")
    assert device.put("tasks/t.ics", todo, new=True).status == 201
    assert not stored(agency)["ERLEDIGT"]
    assert "COMPLETED" not in device.get("tasks/t.ics").text


@pytest.mark.parametrize(
    ("trigger", "served"),
    [
        ("TRIGGER:PT-15M", "TRIGGER:-PT15M"),  # java.time, Luxon
        ("TRIGGER:-PT-15M", "TRIGGER:-PT15M"),
        ("TRIGGER:PT-1H-30M", "TRIGGER:-PT1H30M"),
        ("TRIGGER:P-0DT0H15M0S", "TRIGGER:-PT15M"),
        ("TRIGGER:-P0Y0M0DT0H15M0S", "TRIGGER:-PT15M"),
        ("TRIGGER:-PT1W", "TRIGGER:-P7D"),
        ("TRIGGER:-T15M", "TRIGGER:-PT15M"),
        ("TRIGGER:- PT15M", "TRIGGER:-PT15M"),
        ("TRIGGER;RELATED=START:\u2212PT15M", "TRIGGER;RELATED=START:-PT15M"),
        ("TRIGGER:-P300S", "TRIGGER:-PT5M"),
        ("TRIGGER:VALUE=DATE-TIME:20261210T084500Z", "TRIGGER;VALUE=DATE-TIME:20261210T084500Z"),
        ("TRIGGER;VALUE=DATE-TIME:2026-12-10T08:45:00.000Z", "TRIGGER;VALUE=DATE-TIME:20261210T084500Z"),
    ],
)
def test_rule_16_a_misspelt_trigger_rings_and_is_served_rightly(
    agency: Agency, server: Server, trigger: str, served: str
) -> None:
    """DAVx5 drops an event whose TRIGGER it cannot read (lfos/calcurse#480): what is kept of an alarm is mended."""
    device = server.start().device()
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "UID:own", "X-OWN:1", trigger, "END:VALARM")
    assert put(device, "appointments/e.ics", event(*alarm)).status == 201
    row = agency.office.row(agency.office.tables.activity)
    assert bool(row["VORLAGE_ZEIT"])
    assert row["VORLAGE"] < NOON
    assert served in payloads.lines_of(device.get("appointments/e.ics").text)


def test_rule_28_a_trigger_that_may_mean_anything_rings_nowhere(agency: Agency, server: Server) -> None:
    """Without a unit, or without a sign and a P, it is kept as it came."""
    device = server.start().device()
    for number, trigger in enumerate(("-PT15", "15M", "-", "PT0.5H")):
        alarm = payloads.alarm(f"TRIGGER:{trigger}")
        assert (
            put(device, f"appointments/{number}.ics", event(alarm).replace(b"UID:e", b"UID:%d" % number)).status == 201
        )
        assert f"TRIGGER:{trigger}" in device.get(f"appointments/{number}.ics").text
    assert not any(row["VORLAGE_ZEIT"] for row in agency.office.rows(agency.office.tables.activity))


@pytest.mark.parametrize("end", ["DTEND;TZID=Europe/Berlin:20261210T240000", "DTEND:2026-12-10T24:00:00+01:00"])
def test_rule_24_the_day_ends_at_24_o_clock(agency: Agency, server: Server, end: str) -> None:
    """ISO 8601 has it, RFC 5545 has not."""
    times = ("DTSTART;TZID=Europe/Berlin:20261210T100000", end)
    assert put(server.start().device(), "appointments/e.ics", event(times=times)).status == 201
    assert stored(agency)["ENDE"] == datetime(2026, 12, 11)


@pytest.mark.parametrize(
    "tzid",
    [
        "(UTC+01:00) Amsterdam\\, Berlin\\, Bern",
        "(GMT+01.00) Sarajevo/Warsaw/Zagreb",
        "Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        "W. Europe Standard Time 1",
        "Europe-Berlin",
        "GMT +01:00",
        "GMT+0100 (MEZ)",
    ],
)
def test_rule_24_more_names_of_known_zones(agency: Agency, server: Server, tzid: str) -> None:
    """Escaped, numbered, with other separators, with or without an offset before or a name behind it."""
    times = (f"DTSTART;TZID={tzid}:20261210T100000", f"DTEND;TZID={tzid}:20261210T110000")
    assert put(server.start().device(), "appointments/e.ics", event(times=times)).status == 201
    row = agency.office.row(agency.office.tables.activity)
    assert (row["BEGINN"], row["ENDE"]) == (NOON, datetime(2026, 12, 10, 11))


@pytest.mark.parametrize(("duration", "day"), [("PT36H", 12), ("PT1H", 11), ("PT24H", 11), ("P2D", 12)])
def test_rule_24_days_end_at_midnight(agency: Agency, server: Server, duration: str, day: int) -> None:
    """A DURATION in hours beside a DATE means the days that it reaches into."""
    device = server.start().device()
    times = ("DTSTART;VALUE=DATE:20261210", f"DURATION:{duration}")
    assert put(device, "appointments/e.ics", event(times=times)).status == 201
    row = stored(agency)
    assert (bool(row["GANZTAGS"]), row["ENDE"]) == (True, datetime(2026, 12, day))


def test_rule_16_an_alarm_without_an_action_is_served_with_one(agency: Agency, server: Server) -> None:
    """Readers refuse one without (RFC 5545 §3.6.6)."""
    device = server.start().device()
    body = event("BEGIN:VALARM", "TRIGGER:-PT15M", "END:VALARM")
    assert put(device, "appointments/e.ics", body).status == 201
    assert {"ACTION:DISPLAY", "TRIGGER:-PT15M"} <= set(payloads.lines_of(device.get("appointments/e.ics").text))


def edit(device: Device, before: str, after: str) -> None:
    """Change a text in the only appointment that a device has."""
    path, etag, text = only(device, "appointments")
    unfolded = "\r\n".join([*payloads.lines_of(text), ""])
    assert before in unfolded
    assert device.put(path, unfolded.replace(before, after), etag).status == 204


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SUMMARY:Besichtigung: Hof", "SUMMARY:\u200eBesichtigung: Hof\u200f"),
        ("DESCRIPTION:eins", "DESCRIPTION:\u2068eins\u2069"),
        ("[FFDATA]", "&#91;FFDATA&#93;"),
        ("[/FFDATA]", "\\\\[/FFDATA\\\\]"),
        ("[FFDATA]", "[\u200bFFDATA\u00a0]"),
    ],
)
def test_rule_44_signs_that_nobody_sees_and_brackets_as_editors_spell_them(
    agency: Agency, server: Server, before: str, after: str
) -> None:
    """In title, note and around FFDATA they change nothing in FlowFact (rules 17 and 44)."""
    linked = agency.office.address([], NAME="Meier", STRASSE="Hofgarten 5", ORT="Köln")
    agency.appointment(BETREFF="Hof", NOTIZ="eins", addresses=[linked])
    device = server.start().device()
    rows = agency.office.everything()
    edit(device, before, after)
    assert agency.office.everything() == rows


def test_rule_21_a_kind_behind_a_direction_mark(agency: Agency, server: Server) -> None:
    """What nobody sees keeps no title from its kind, and is not in it."""
    kind = agency.office.kind("Übergabe", calendar=True)
    body = event().replace(b"SUMMARY:Notar", "SUMMARY:\u200eÜbergabe\u200b: Hof\u200f".encode())
    assert put(server.start().device(), "appointments/e.ics", body).status == 201
    assert (stored(agency)["ART_DSN"], stored(agency)["BETREFF"]) == (kind, "Hof")


@pytest.mark.parametrize(
    ("before", "after", "days"),
    [
        ("DTSTART;TZID=Europe/Berlin:", "DTSTART;TZID=W. Europe Standard Time:", False),  # no VTIMEZONE says what it is
        ("DTEND;TZID=Europe/Berlin:", "DTEND;TZID=/citadel.org/20190914_1/Europe/Vienna:", False),
        ("DTEND;VALUE=DATE:20260621", "DTEND:20260621T000000Z", True),
        ("DTEND;VALUE=DATE:20260621", "DTEND;VALUE=DATE:20260621T000000", True),
    ],
)
def test_rule_24_times_that_others_misread_are_served_rightly(
    agency: Agency, server: Server, before: str, after: str, days: bool
) -> None:
    """An edit that only respells them changes nothing, and no other device gets that spelling."""
    if days:
        agency.appointment(BEGINN=datetime(2026, 6, 20), ENDE=datetime(2026, 6, 21), GANZTAGS=True)
    else:
        agency.appointment()
    device = server.start().device()
    rows = agency.office.everything()
    edit(device, before, after)
    assert agency.office.everything() == rows
    lines = payloads.lines_of(only(server.device(agent="Other/1.0"), "appointments")[2])
    assert any(line.startswith(before) for line in lines)
    edit(device, "SUMMARY:", "X-OWN:1\r\nSUMMARY:")
    assert "X-OWN:1" in payloads.lines_of(only(device, "appointments")[2])
