"""Payloads that vobject cannot read, and series: stored, found by queries, expanded; nothing runs for hours."""

from __future__ import annotations

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device

STRUCTURED = 'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Amt\\; Wien";X-HANDLE=a\\;b:geo:48.2,16.3'
DAY = ("20260701T000000Z", "20260702T000000Z")


def query(device: Device, start: str, end: str, data: str = "") -> dict[str, tuple[str, str]]:
    """Return what a calendar-query for a time finds."""
    inner = f'<C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/></C:comp-filter>'
    filters = f'<C:filter><C:comp-filter name="VCALENDAR">{inner}</C:comp-filter></C:filter>'
    answer = device.report("appointments/", "C:calendar-query", f"<prop><getetag/>{data}</prop>{filters}")
    assert answer.status == 207, answer.text
    return device.items_in(answer, "appointments")


def test_an_event_that_vobject_cannot_read_is_stored_and_found(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert device.put("appointments/a.ics", payloads.event("a", STRUCTURED), new=True).status == 201
    assert STRUCTURED in "".join(payloads.lines_of(device.get("appointments/a.ics").text))
    assert set(query(device, *DAY)) == {"a.ics"}
    text = (
        '<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"><C:text-match>notar</C:text-match></C:prop-filter>'
    )
    filters = f'<C:filter><C:comp-filter name="VCALENDAR">{text}</C:comp-filter></C:comp-filter></C:filter>'
    answer = device.report("appointments/", "C:calendar-query", f"<prop><getetag/></prop>{filters}")
    assert set(device.items_in(answer, "appointments")) == {"a.ics"}


def test_a_contact_that_vobject_cannot_read_is_stored_and_found(agency: Agency, server: Server) -> None:
    device = server.start().device()
    sent = payloads.vcard("a", "X-ODD;=x;;y:1", "EMAIL:eva@example.de", name="Meier;Eva;;;;Extra")
    assert device.put("addresses/a.vcf", sent, new=True).status == 201
    for name, text in (("FN", "eva"), ("EMAIL", "example")):
        match = f'<CR:prop-filter name="{name}"><CR:text-match>{text}</CR:text-match></CR:prop-filter>'
        answer = device.report(
            "addresses/", "CR:addressbook-query", f"<prop><getetag/></prop><CR:filter>{match}</CR:filter>"
        )
        assert set(device.items_in(answer, "addresses")) == {"a.vcf"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (payloads.event("s", "RRULE:FREQ=SECONDLY"), "SECONDLY"),
        (payloads.event("s", "RRULE:FREQ=HOURLY;COUNT=3"), "HOURLY"),
        (payloads.event("s", "RRULE:INTERVAL=2"), "without a FREQ"),
    ],
)
def test_what_would_be_counted_out_for_hours_is_refused(agency: Agency, server: Server, body: str, reason: str) -> None:
    answer = server.start().device().put("appointments/s.ics", body, new=True)
    assert (answer.status, reason in answer.text, "max-instances" in answer.text) == (403, True, True)


def test_a_zone_that_would_be_counted_out_for_hours_is_refused(agency: Agency, server: Server) -> None:
    zone = "\r\n".join(
        [
            *("BEGIN:VTIMEZONE", "TZID:Mein", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0100"),
            *("TZOFFSETTO:+0100", "RRULE:FREQ=SECONDLY", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT"),
        ]
    )
    body = payloads.event("s", "RRULE:FREQ=DAILY").replace("BEGIN:VEVENT", zone)
    assert server.start().device().put("appointments/s.ics", body, new=True).status == 400


SERIES = payloads.event("s", "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20260708T080000Z", "ATTENDEE:mailto:a@b.de").replace(
    "END:VCALENDAR\r\n",
    "BEGIN:VEVENT\r\nUID:s\r\nDTSTAMP:20260601T000000Z\r\nRECURRENCE-ID:20260715T080000Z\r\n"
    "DTSTART:20260716T120000Z\r\nDTEND:20260716T130000Z\r\nSUMMARY:Verschoben\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
)


def test_a_series_lives_on_the_users_devices_only(agency: Agency, server: Server) -> None:
    device = server.start().device()
    before = agency.office.everything()
    assert device.put("appointments/s.ics", SERIES, new=True).status == 201
    assert agency.office.everything() == before
    other = server.device(agent="Other/1.0")
    assert (
        other.all("appointments") == {"s.ics": SERIES.replace("\r\n", "\n")}
        or SERIES in other.all("appointments").values()
    )
    assert server.device("ben").all("appointments") == {}


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("20260701T000000Z", "20260702T000000Z", True),
        ("20260708T000000Z", "20260709T000000Z", False),  # EXDATE
        ("20260715T000000Z", "20260716T000000Z", False),  # moved
        ("20260716T000000Z", "20260717T000000Z", True),
        ("20260722T000000Z", "20260723T000000Z", True),  # the last one
        ("20260729T000000Z", "20270101T000000Z", False),
        ("20260101T000000Z", "20260630T000000Z", False),
        ("20260709T000000Z", "20991231T000000Z", True),
    ],
)
def test_a_series_is_found_when_it_takes_place(
    agency: Agency, server: Server, start: str, end: str, found: bool
) -> None:
    device = server.start().device()
    device.put("appointments/s.ics", SERIES, new=True)
    assert set(query(device, start, end)) == ({"s.ics"} if found else set())


def test_a_series_is_expanded(agency: Agency, server: Server) -> None:
    device = server.start().device()
    device.put("appointments/s.ics", SERIES, new=True)
    expand = '<C:calendar-data><C:expand start="20260701T000000Z" end="20260801T000000Z"/></C:calendar-data>'
    text = query(device, "20260701T000000Z", "20260801T000000Z", expand)["s.ics"][1]
    starts = sorted(line for line in payloads.lines_of(text) if line.startswith("DTSTART"))
    assert starts == ["DTSTART:20260701T080000Z", "DTSTART:20260716T120000Z", "DTSTART:20260722T080000Z"]
    assert "RRULE" not in text


def test_single_occurrences_without_their_series_are_expanded_as_they_are(agency: Agency, server: Server) -> None:
    device = server.start().device()
    device.put("appointments/o.ics", payloads.event("o", "RECURRENCE-ID:20260701T080000Z"), new=True)
    expand = '<C:calendar-data><C:expand start="20260701T000000Z" end="20260801T000000Z"/></C:calendar-data>'
    assert "SUMMARY:Notar" in query(device, "20260701T000000Z", "20260801T000000Z", expand)["o.ics"][1]
