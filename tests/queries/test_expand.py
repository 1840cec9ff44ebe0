"""Recurring tasks, which stay on the devices, are expanded for who asks for single occurrences (RFC 4791 §9.6.5)."""

from __future__ import annotations

import pytest
import vobject

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device

SERIES = ["DTSTART;TZID=Europe/Berlin:20260701T100000", "DUE;TZID=Europe/Berlin:20260701T110000"]


def expand(device: Device, start: str, end: str) -> list[str]:
    """Ask for the occurrences of tasks in a span; return the lines of all that comes."""
    data = f'<C:calendar-data><C:expand start="{start}" end="{end}"/></C:calendar-data>'
    times = f'<C:time-range start="{start}" end="{end}"/>'
    inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO">{times}</C:comp-filter></C:comp-filter>'
    answer = device.report("tasks/", "C:calendar-query", f"<prop><getetag/>{data}</prop><C:filter>{inner}</C:filter>")
    assert answer.status == 207, answer.text
    return [line for _, text in device.items_in(answer, "tasks").values() for line in payloads.lines_of(text)]


def values(lines: list[str], name: str) -> list[str]:
    """Return the values of the lines of this name."""
    return [line.partition(":")[2] for line in lines if line.partition(":")[0].partition(";")[0] == name]


def test_occurrences_keep_their_wall_clock_across_a_clock_change(agency: Agency, server: Server) -> None:
    device = server.start().device()
    device.put("tasks/s.ics", payloads.todo("s", *SERIES, "RRULE:FREQ=WEEKLY"), new=True)
    lines = expand(device, "20261020T000000Z", "20261030T000000Z")
    assert values(lines, "DTSTART") == ["20261021T080000Z", "20261028T090000Z"]
    assert values(lines, "DUE") == ["20261021T090000Z", "20261028T100000Z"]
    assert values(lines, "RECURRENCE-ID") == values(lines, "DTSTART")
    assert values(lines, "UID") == ["s", "s"]
    assert not values(lines, "RRULE")
    assert expand(device, "20260601T000000Z", "20260630T000000Z") == []
    assert expand(device, "20261022T000000Z", "20261023T000000Z") == []


def test_moved_and_dropped_occurrences(agency: Agency, server: Server) -> None:
    device = server.start().device()
    series = payloads.todo("s", *SERIES, "RRULE:FREQ=DAILY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20260703T100000")
    moved = "BEGIN:VTODO\r\nUID:s\r\nDTSTAMP:20260601T000000Z\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260702T100000\r\n"
    moved += "DTSTART;TZID=Europe/Berlin:20260702T160000\r\nSUMMARY:Später\r\nEND:VTODO\r\nEND:VCALENDAR"
    sent = series.replace("END:VCALENDAR", moved)
    assert device.put("tasks/s.ics", sent, new=True).status == 201
    lines = expand(device, "20260701T000000Z", "20260801T000000Z")
    assert sorted(values(lines, "DTSTART")) == ["20260701T080000Z", "20260702T140000Z", "20260704T080000Z"]
    assert values(lines, "SUMMARY").count("Später") == 1


def test_an_end_in_utc_and_further_dates(agency: Agency, server: Server) -> None:
    device = server.start().device()
    rules = ["RRULE:FREQ=DAILY;UNTIL=20260702T080000Z", "RDATE:20260710T120000Z,20260711T120000Z"]
    assert device.put("tasks/s.ics", payloads.todo("s", *SERIES, *rules), new=True).status == 201
    lines = expand(device, "20260701T000000Z", "20260711T000000Z")
    assert values(lines, "DTSTART") == ["20260701T080000Z", "20260702T080000Z", "20260710T120000Z"]


def test_a_task_that_cannot_be_counted_out_comes_as_it_is(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert device.put("tasks/s.ics", payloads.todo("s", "RRULE:FREQ=DAILY"), new=True).status == 201
    assert values(expand(device, "20260701T000000Z", "20260711T000000Z"), "RRULE") == ["FREQ=DAILY"]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["DTSTART;VALUE=DATE:20260701", "DUE;VALUE=DATE:20260702"], ["20260708"]),
        (["DTSTART;VALUE=DATE:20260701", "DURATION:P1D"], ["20260708"]),
        (["DTSTART:20260701T100000"], ["20260708T080000Z"]),
    ],
)
def test_days_durations_and_floating_times(agency: Agency, server: Server, lines: list[str], wanted: list[str]) -> None:
    device = server.start().device()
    assert device.put("tasks/s.ics", payloads.todo("s", *lines, "RRULE:FREQ=WEEKLY"), new=True).status == 201
    found = expand(device, "20260706T000000Z", "20260710T000000Z")
    assert values(found, "DTSTART") == wanted
    assert vobject.readOne("\r\n".join(found)).vtodo.dtstart.value.day == 8


def test_a_rule_that_began_long_ago_is_counted_from_near_by(agency: Agency, server: Server) -> None:
    device = server.start().device()
    lines = ["DTSTART:19000101T080000Z", "RRULE:FREQ=DAILY"]
    assert device.put("tasks/s.ics", payloads.todo("s", *lines), new=True).status == 201
    found = expand(device, "20260701T000000Z", "20260702T000000Z")
    assert values(found, "DTSTART") == ["20260701T080000Z"]


def test_tasks_that_do_not_recur_come_as_they_are(agency: Agency, server: Server) -> None:
    agency.task(BETREFF="Anruf")
    lines = expand(server.start().device(), "20260620T000000Z", "20260621T000000Z")
    assert values(lines, "SUMMARY") == ["Aufgabe: Anruf"]
    assert expand(server.device(), "20260720T000000Z", "20260721T000000Z") == []


def test_a_multiget_may_ask_for_occurrences_too(agency: Agency, server: Server) -> None:
    device = server.start().device()
    device.put("tasks/s.ics", payloads.todo("s", *SERIES, "RRULE:FREQ=WEEKLY"), new=True)
    for year, wanted_rule in ((2026, False), (2020, True)):
        data = f'<C:calendar-data><C:expand start="{year}0701T000000Z" end="{year}0702T000000Z"/></C:calendar-data>'
        answer = device.report("tasks/", "C:calendar-multiget", f"<prop>{data}</prop><href>/anna/tasks/s.ics</href>")
        ((_, text),) = device.items_in(answer, "tasks").values()
        assert ("RRULE" in text) == wanted_rule


def test_a_single_entry_is_expanded_to_utc(agency: Agency, server: Server) -> None:
    """Also what does not recur has its times in UTC; days stay days, and what has no time stays as it is."""
    device = server.start().device()
    device.put("tasks/s.ics", payloads.todo("s", *SERIES), new=True)
    lines = expand(device, "20260701T000000Z", "20260801T000000Z")
    assert (values(lines, "DTSTART"), values(lines, "DUE")) == (["20260701T080000Z"], ["20260701T090000Z"])
    assert "BEGIN:VTIMEZONE" not in lines
    device.put("tasks/s.ics", payloads.todo("s", "DUE;VALUE=DATE:20260703"))
    lines = expand(device, "20260701T000000Z", "20260801T000000Z")
    assert "DUE;VALUE=DATE:20260703" in lines
