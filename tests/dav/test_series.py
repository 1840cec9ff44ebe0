"""Series over HTTP: kept whole on the user's devices, found and expanded when they take place, told of by status."""

from __future__ import annotations

import pytest

from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server
from tests.dav.test_odd_payloads import query
from tests.device import Device

OVERRIDE = "\r\n".join(
    [
        *("BEGIN:VEVENT", "UID:d", "DTSTAMP:20260601T000000Z", "RECURRENCE-ID;VALUE=DATE:20260702"),
        *("DTSTART;VALUE=DATE:20260710", "DTEND;VALUE=DATE:20260712", "SUMMARY:Neu", "END:VEVENT", "END:VCALENDAR", ""),
    ]
)  # fmt: skip
DAYS = (
    payloads.event("d", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE;VALUE=DATE:20260703", start="DTSTART;VALUE=DATE:20260701")
    .replace("DTEND:20260701T090000Z", "DTEND;VALUE=DATE:20260702")
    .replace("END:VCALENDAR\r\n", OVERRIDE)
)
ENDLESS = payloads.event("e", "RRULE:FREQ=WEEKLY", payloads.alarm("TRIGGER:-P1D"), start="DTSTART:20200101T080000Z")
ENDLESS = ENDLESS.replace("DTEND:20260701T090000Z", "DTEND:20200101T090000Z")


def expanded(device: Device, start: str, end: str) -> dict[str, list[str]]:
    """Return the lines of time of what a query with expand finds, by href."""
    data = f'<C:calendar-data><C:expand start="{start}" end="{end}"/></C:calendar-data>'
    found = query(device, start, end, data)
    return {
        href: [line for line in payloads.lines_of(text) if line.startswith(("DTSTART", "DTEND", "RECURRENCE-ID"))]
        for href, (_, text) in found.items()
    }


def test_an_all_day_series_with_an_override_and_a_day_taken_out(agency: Agency, server: Server) -> None:
    device = server.start().device()
    before = agency.office.everything()
    assert device.put("appointments/d.ics", DAYS, new=True).status == 201
    assert agency.office.everything() == before
    assert device.get("appointments/d.ics").text == DAYS
    assert expanded(device, "20260701T000000Z", "20260801T000000Z") == {
        "d.ics": [
            *("DTSTART;VALUE=DATE:20260701", "RECURRENCE-ID;VALUE=DATE:20260701", "DTEND;VALUE=DATE:20260702"),
            *("DTSTART;VALUE=DATE:20260704", "RECURRENCE-ID;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260705"),
            *("DTSTART;VALUE=DATE:20260710", "RECURRENCE-ID;VALUE=DATE:20260702", "DTEND;VALUE=DATE:20260712"),
        ]
    }
    for day, there in ((1, True), (2, False), (3, False), (4, True), (5, False), (10, True), (11, True), (12, False)):
        times = (f"202607{day:02d}T090000Z", f"202607{day:02d}T100000Z")
        assert (day, set(query(device, *times))) == (day, {"d.ics"} if there else set())


def test_an_endless_series_is_found_in_every_week(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert device.put("appointments/e.ics", ENDLESS, new=True).status == 201
    assert expanded(device, "20990101T000000Z", "20990109T000000Z") == {
        "e.ics": ["DTSTART:20990107T080000Z", "RECURRENCE-ID:20990107T080000Z", "DTEND:20990107T090000Z"]
    }
    assert expanded(device, "20990108T000000Z", "20990114T000000Z") == {}
    assert expanded(device, "20190101T000000Z", "20191231T000000Z") == {}


@pytest.mark.parametrize(
    ("start", "end", "there"),
    [("20990106T070000Z", "20990106T090000Z", True), ("20990107T070000Z", "20990107T090000Z", False)],
)
def test_the_alarms_of_a_series_are_found_when_they_ring(
    agency: Agency, server: Server, start: str, end: str, there: bool
) -> None:
    device = server.start().device()
    device.put("appointments/e.ics", ENDLESS, new=True)
    alarm = f'<C:comp-filter name="VALARM"><C:time-range start="{start}" end="{end}"/></C:comp-filter>'
    inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{alarm}</C:comp-filter></C:comp-filter>'
    answer = device.report("appointments/", "C:calendar-query", f"<prop><getetag/></prop><C:filter>{inner}</C:filter>")
    assert set(device.items_in(answer, "appointments")) == ({"e.ics"} if there else set())


def test_a_recurring_task_is_found_when_it_is_due(agency: Agency, server: Server) -> None:
    device = server.start().device()
    text = payloads.todo("t", "DUE:20260701T080000Z", "RRULE:FREQ=MONTHLY")
    assert device.put("tasks/t.ics", text, new=True).status == 201
    for start, end, there in (("20260801T070000Z", "20260801T090000Z", True), ("20260802", "20260803", False)):
        times = f'<C:time-range start="{start[:8]}T070000Z" end="{end[:8]}T090000Z"/>'
        inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO">{times}</C:comp-filter></C:comp-filter>'
        answer = device.report("tasks/", "C:calendar-query", f"<prop><getetag/></prop><C:filter>{inner}</C:filter>")
        assert bool(device.items_in(answer, "tasks")) is there


def test_status_lists_a_series_and_nothing_of_it_is_in_flowfact(agency: Agency, server: Server) -> None:
    before = agency.office.everything()
    device = server.start().device()
    first = device.put("appointments/d.ics", DAYS, new=True)
    changed = DAYS.replace("COUNT=4", "COUNT=5")
    assert device.put("appointments/d.ics", changed, first.etag).status == 204
    assert device.get("appointments/d.ics").text == changed
    told = run("status", "--config", str(server.config)).stdout
    assert "only on the devices (recurring): d.ics" in told
    assert agency.office.everything() == before
    assert device.delete("appointments/d.ics").status == 200
    assert agency.office.everything() == before
