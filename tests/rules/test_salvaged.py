"""Rules 24 and 28: what cannot be read to the letter goes in as it was meant, and what FlowFact cannot hold is kept."""

from __future__ import annotations

from datetime import datetime

import pytest

from radicale_flowfact.dav.store import tables as dav_tables
from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.test_activities import stored
from tests.rules.test_misspelt import DATE_TIMES, NOON, event, put
from tests.rules.test_safety import command

LATER = datetime(2026, 6, 15, 12)


def described(tzid: str, rule: str) -> tuple[str, ...]:
    """Return a VTIMEZONE."""
    observance = ("BEGIN:STANDARD", "DTSTART:19701025T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", rule)
    return ("BEGIN:VTIMEZONE", f"TZID:{tzid}", *observance, "END:STANDARD", "END:VTIMEZONE")


@pytest.mark.parametrize(
    "tzid",
    [
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien",
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        "(GMT+01.00) Brüssel, Kopenhagen, Madrid, Paris",
        *("Mitteleuropäische Zeit", "Mitteleuropäische Sommerzeit", "Mitteleuropaeische Normalzeit"),
        *("MEZ", "CEST", "Central European Standard Time", "Berlin", "Germany/Berlin", "Europe\\/Berlin"),
    ],
)
def test_rule_24_zones_as_people_are_shown_them(agency: Agency, server: Server, tzid: str) -> None:
    """Outlook and copies of its texts name zones as Windows shows them, without a VTIMEZONE."""
    times = (f'DTSTART;TZID="{tzid}":20260710T100000', f'DTEND;TZID="{tzid}":20260710T110000')
    assert put(server.start().device(), "appointments/e.ics", event(times=times)).status == 201
    assert stored(agency)["BEGINN"] == datetime(2026, 7, 10, 10)


@pytest.mark.parametrize(
    ("tzid", "begin"),
    [
        ("(UTC-05:00) Eastern Time (US & Canada)", datetime(2026, 7, 10, 16)),
        ("(UTC) Coordinated Universal Time", datetime(2026, 7, 10, 12)),
        ("tzone://Microsoft/Utc", datetime(2026, 7, 10, 12)),
        ("Westeuropäische Zeit", datetime(2026, 7, 10, 11)),
    ],
)
def test_rule_24_other_zones_as_people_are_shown_them(
    agency: Agency, server: Server, tzid: str, begin: datetime
) -> None:
    """They arrive in the office's time."""
    times = (f'DTSTART;TZID="{tzid}":20260710T100000', f'DTEND;TZID="{tzid}":20260710T110000')
    assert put(server.start().device(), "appointments/e.ics", event(times=times)).status == 201
    assert stored(agency)["BEGINN"] == begin


@pytest.mark.parametrize("rule", ["RRULE:FREQ=SECONDLY", "RRULE:FREQ=DAILY;BYMONTH=3", "RRULE:x", "RRULE:FREQ=MONTHLY"])
@pytest.mark.parametrize("tzid", ["Europe/Berlin", "W. Europe Standard Time", "MEZ"])
def test_rule_24_a_zone_whose_name_is_known_is_not_refused_for_its_rule(
    agency: Agency, server: Server, tzid: str, rule: str
) -> None:
    """What is kept of it has a rule of a zone: other clients would count the odd one out for hours."""
    times = tuple(line.replace("Europe/Berlin", tzid) for line in DATE_TIMES)
    device = server.start().device()
    body = event("RRULE:FREQ=DAILY", times=times, before=described(tzid, rule))
    assert put(device, "appointments/e.ics", body).status == 201
    text = device.get("appointments/e.ics").text
    assert (rule in payloads.lines_of(text), f"TZID:{tzid}" in text) == (False, True)
    single = event(times=times, before=described(tzid, rule)).replace(b"UID:e", b"UID:f")
    assert put(device, "appointments/f.ics", single).status == 201
    assert stored(agency)["BEGINN"] == NOON


@pytest.mark.parametrize(
    "broken",
    [
        ("BEGIN:X", "FOO:1", "END:X"),
        ("BEGIN:X", "FOO:1"),
        ("END:X",),
        ("END:VALARM",),
        ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT15M"),
        ("BEGIN:VALARM", "ACTION:DISPLAY", "BEGIN:X", "TRIGGER:-PT15M", "END:VALARM"),
    ],
)
def test_rule_28_a_component_that_is_not_closed_refuses_no_entry(
    agency: Agency, server: Server, broken: tuple[str, ...]
) -> None:
    """An END without BEGIN says nothing, an alarm without END ends with its entry."""
    device = server.start().device()
    assert put(device, "appointments/e.ics", event("LOCATION:Weg 1", *broken)).status == 201
    row = stored(agency)
    assert (row["BETREFF"], row["BEGINN"]) == ("Notar", NOON)
    assert bool(row["VORLAGE_ZEIT"]) is ("TRIGGER:-PT15M" in broken)
    assert "LOCATION:Weg 1" in device.get("appointments/e.ics").text


def test_rule_28_what_was_cut_off_is_refused(agency: Agency, server: Server) -> None:
    """Its rest would be taken for deleted."""
    before = agency.office.everything()
    cut = event("DESCRIPTION:x").split(b"END:VEVENT")[0]
    assert put(server.start().device(), "appointments/e.ics", cut).status == 409
    assert agency.office.everything() == before


@pytest.mark.parametrize(
    "time", ["2026-12-10T10:00:00", "20261210 100000", "20261210T1000", "2026-12-10T09:00:00.000Z"]
)
@pytest.mark.parametrize("tzid", [";TZID=Europe/Berlin", ""])
def test_rule_24_times_as_iso_8601_writes_them(agency: Agency, server: Server, time: str, tzid: str) -> None:
    """With dashes and colons, a blank, without seconds."""
    times = (f"DTSTART{tzid}:{time}", "DURATION:PT1H")
    assert put(server.start().device(), "appointments/e.ics", event(times=times)).status == 201
    assert stored(agency)["BEGINN"] == NOON


@pytest.mark.parametrize("time", ["20261210T100000+0100", "2026-12-10T04:00:00-05:00"])
def test_rule_24_times_with_an_offset(agency: Agency, server: Server, time: str) -> None:
    """RFC 5545 §3.3.5 has none; what is meant is clear."""
    assert put(server.start().device(), "appointments/e.ics", event(times=(f"DTSTART:{time}",))).status == 201
    assert stored(agency)["BEGINN"] == NOON


@pytest.mark.parametrize("line", ["RECURRENCE-ID:x", "RRULE:x", "RDATE:x", "RRULE:FREQ=DAILY\r\nEXDATE:x"])
def test_rule_28_an_unreadable_line_of_a_series_refuses_no_entry(agency: Agency, server: Server, line: str) -> None:
    """FlowFact has no field for it: the entry stays on the user's devices, and turns up at any time."""
    device = server.start().device()
    before = agency.office.everything()
    body = event(*line.split("\r\n"))
    assert put(device, "appointments/e.ics", body).status == 201
    assert agency.office.everything() == before
    assert line.partition("\r\n")[0] in device.get("appointments/e.ics").text
    times = '<C:time-range start="20261210T000000Z" end="20261211T000000Z"/>'
    inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{times}</C:comp-filter></C:comp-filter>'
    found = device.report("appointments/", "C:calendar-query", f"<prop><getetag/></prop><C:filter>{inner}</C:filter>")
    assert len(device.items_in(found, "appointments")) == 1
    server.verify()


@pytest.mark.parametrize("line", ["DTSTART:x", "DTSTART:00010101T000000Z", "DTSTART:20260701T080000Z\r\nDURATION:x"])
def test_rule_28_a_task_s_start_that_cannot_be_read_refuses_no_task(agency: Agency, server: Server, line: str) -> None:
    """FlowFact has no field for it."""
    device = server.start().device()
    sent = payloads.todo("t", line) if "DURATION" in line else payloads.todo("t", line, "DUE;VALUE=DATE:20260703")
    assert put(device, "tasks/t.ics", sent.encode()).status == 201
    assert stored(agency)["VORLAGE"] == (datetime(2026, 7, 1) if "DURATION" in line else datetime(2026, 7, 3))
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu", TOUCH=LATER)
    assert "DESCRIPTION:neu" in device.get("tasks/t.ics").text
    server.verify()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("appointments/x.ics", payloads.event("x", start="DTSTART:99990101T000000Z", end="DTEND:99990102T000000Z")),
        ("appointments/x.ics", payloads.event("x", start="DTSTART:00010101T000000Z")),
        ("appointments/x.ics", payloads.event("x", start="DTSTART;VALUE=DATE:00010101", end="DURATION:P1D")),
        ("appointments/x.ics", payloads.event("x", end="DTEND:99991231T235959Z")),
        ("tasks/x.ics", payloads.todo("x", "DUE:00010101T000000Z")),
    ],
)
def test_rule_28_a_time_that_flowfact_cannot_hold_stays_on_the_devices(
    agency: Agency, server: Server, path: str, body: str
) -> None:
    """It can be no FlowFact record (rule 25): kept as it came, and named by status."""
    device = server.start().device()
    before = agency.office.everything()
    assert put(device, path, body.encode()).status == 201
    assert agency.office.everything() == before
    assert payloads.lines_of(device.get(path).text) == payloads.lines_of(body)
    assert "only on the devices (impossible time)" in command(server, "status")
    server.verify()


def test_rule_28_a_record_does_not_become_one_that_flowfact_cannot_hold(agency: Agency, server: Server) -> None:
    """The device is told, goes on, and gets FlowFact's version back."""
    device = server.start().device()
    assert put(device, "appointments/x.ics", payloads.event("x").encode()).status == 201
    before = agency.office.everything()
    answer = put(device, "appointments/x.ics", payloads.event("x", start="DTSTART:00010101T000000Z").encode())
    assert (answer.status, "need-privileges" in answer.text) == (403, True)
    assert agency.office.everything() == before
    assert "impossible time" in str([row["reason"] for row in agency.office.rows(dav_tables.history)])


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x0b", "\x1b", "\x7f", "\ufffe"])
def test_rule_28_control_characters_are_left_out(agency: Agency, server: Server, sign: str) -> None:
    """No XML and no database can hold them; the device gets back what is without them."""
    device = server.start().device()
    assert put(device, "addresses/a.vcf", payloads.vcard("a", f"NOTE:a{sign}b").encode()).status == 201
    assert agency.office.row(agency.office.tables.address)["NOTIZ"] == "ab"
    assert (
        put(device, "appointments/e.ics", payloads.event("e", f"X-A:c{sign}d", summary=f"No{sign}tar").encode()).status
        == 201
    )
    assert stored(agency)["BETREFF"] == "Notar"
    assert "X-A:cd" in device.get("appointments/e.ics").text


def test_rule_28_what_was_mended_is_named_until_flowfact_has_it_otherwise(agency: Agency, server: Server) -> None:
    """By status and why, with what could not be read."""
    device = server.start().device()
    assert put(device, "appointments/e.ics", event("LOCATION:Weg 1", "zweite Zeile")).status == 201
    assert "mended: a line has no colon" in command(server, "status")
    assert "what the device sent was mended: a line has no colon" in command(server, "why", "anna", "e.ics")
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu", TOUCH=LATER)
    assert "neu" in device.get("appointments/e.ics").text
    assert "mended" not in command(server, "status")


def test_rule_28_an_entry_without_a_uid_beside_one_that_has_it(agency: Agency, server: Server) -> None:
    """The entries of an object share one UID: the override of a series has the series' own."""
    device = server.start().device()
    override = (
        "BEGIN:VEVENT\r\nRECURRENCE-ID:20260702T080000Z\r\nDTSTART:20260702T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR"
    )
    sent = payloads.event("s", "RRULE:FREQ=DAILY").replace("END:VCALENDAR", override)
    assert put(device, "appointments/s.ics", sent.encode()).status == 201
    assert payloads.lines_of(device.get("appointments/s.ics").text).count("UID:s") == 2
    server.verify()


def test_rule_28_links_in_a_broken_note_are_text(agency: Agency, server: Server) -> None:
    """What goes on behind a line that was broken is no property, though it has a colon."""
    lines = (
        "DESCRIPTION:",
        "Dear Team,",
        "Join",
        "https://zoom.us/j/1?pwd=2",
        "Meeting ID: 7",
        "Passcode: 9",
        "LOCATION:x",
    )
    assert put(server.start().device(), "appointments/e.ics", event(*lines)).status == 201
    assert stored(agency)["NOTIZ"] == "Dear Team,\nJoin\nhttps://zoom.us/j/1?pwd=2\nMeeting ID: 7\nPasscode: 9"


def test_rule_24_a_zone_described_since_the_year_1_stays_so_beside_a_broken_line(
    agency: Agency, server: Server
) -> None:
    """Exchange's zones begin in the year 1 or 1601: mending another line does not touch them."""
    zone = tuple(line.replace("19701025", "00010101") for line in described("Mein", "RRULE:FREQ=YEARLY;BYMONTH=10"))
    times = tuple(line.replace("Europe/Berlin", "Mein") for line in DATE_TIMES)
    device = server.start().device()
    body = event("RRULE:FREQ=DAILY", "DESCRIPTION:eins", "zwei drei", times=times, before=zone)
    assert put(device, "appointments/e.ics", body).status == 201
    assert "DTSTART:00010101T030000" in payloads.lines_of(device.get("appointments/e.ics").text)
