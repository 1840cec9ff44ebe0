"""Payloads that vobject cannot read, and series: stored, found by queries, expanded; nothing runs for hours."""

from __future__ import annotations

import pytest

from radicale_flowfact.content.contentlines import MAX_LINES
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


_DIGITS = "9" * 5000
"""More than Python reads as a number."""


@pytest.mark.parametrize(
    "lines",
    [
        (f"PRIORITY:{_DIGITS}",),
        (f"DURATION:P{_DIGITS}D",),
        ("BEGIN:VALARM", "ACTION:DISPLAY", f"TRIGGER:-PT{_DIGITS}M", "END:VALARM"),
        (f"RRULE:FREQ=DAILY;COUNT={_DIGITS}",),
        (f"RRULE:FREQ=DAILY;BYMONTHDAY={_DIGITS}",),
        (f"SEQUENCE:{_DIGITS}",),
        (f"X-A;X-B={_DIGITS}:{_DIGITS}",),
    ],
)
def test_numbers_of_any_length_are_read_or_refused(agency: Agency, server: Server, lines: tuple[str, ...]) -> None:
    device = server.start().device()
    for collection, make in (("appointments", payloads.event), ("tasks", payloads.todo)):
        body = make("n", *lines)
        body = (
            body
            if "DURATION" not in lines[0]
            else "\r\n".join(line for line in payloads.lines_of(body) if not line.startswith(("DTEND", "DUE")))
        )
        assert device.put(f"{collection}/n.ics", body, new=True).status in (201, 403, 409)
    limit = f"<limit><nresults>{_DIGITS}</nresults></limit>"
    asked = device.report("appointments/", "sync-collection", f"<sync-token/>{limit}<prop><getetag/></prop>")
    assert asked.status == 207


def test_what_is_kept_of_an_item_stays_within_bounds(agency: Agency, server: Server) -> None:
    """What one device knows nothing of stays when it sends its own lines, until nobody could read both."""
    server.start()
    statuses = []
    for number in range(4):
        device = server.device(agent=f"Phone{'abcd'[number]}/1")
        lines = (f"X-A{number}:{line}" for line in range(9_500))
        statuses.append(device.put("addresses/a.vcf", payloads.vcard("a", *lines)).status)
    assert statuses == [201, 204, 204, 409]
    text = server.device().get("addresses/a.vcf").text
    assert ("X-A1:9499" in text, "X-A2:9499" in text, "X-A3:0" in text) == (True, True, False)
    assert len(payloads.lines_of(text)) < MAX_LINES


def test_a_zone_that_would_be_counted_out_for_hours_is_refused(agency: Agency, server: Server) -> None:
    zone = "\r\n".join(
        [
            *("BEGIN:VTIMEZONE", "TZID:Mein", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0100"),
            *("TZOFFSETTO:+0100", "RRULE:FREQ=SECONDLY", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT"),
        ]
    )
    body = payloads.event("s", "RRULE:FREQ=DAILY").replace("BEGIN:VEVENT", zone)
    assert server.start().device().put("appointments/s.ics", body, new=True).status == 409


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
