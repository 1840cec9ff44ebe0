"""Rules 8, 22, 26: a task without a due date has a Vorlage in FlowFact, and none on the devices."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import only
from tests.rules.test_activities import edit, stored


def due(device: Device) -> list[str]:
    """Return the DUE lines of the one task."""
    return [line for line in payloads.lines_of(only(device, "tasks")[2]) if line.startswith("DUE")]


def found(device: Device, start: str, end: str) -> bool:
    """Ask for the tasks of a time range, once the short way and once the long one; return whether there is one."""
    span = f'<C:time-range start="{start}T000000Z" end="{end}T000000Z"/>'
    inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO">{span}</C:comp-filter></C:comp-filter>'
    short = f"<prop><getetag/></prop><C:filter>{inner}</C:filter>"
    answers = [device.report("tasks/", "C:calendar-query", body) for body in (short, f"{short}<C:timezone/>")]
    there = [bool(device.items_in(answer, "tasks")) for answer in answers]
    assert there[0] is there[1]
    return there[0]


def test_rule_22_a_new_task_without_due_date_shows_none(agency: Agency, server: Server) -> None:
    """Its Vorlage is today; all of the user's devices have it without DUE, and nobody is told of a change."""
    device = server.start().device()
    sent = payloads.todo("t-1", "PRIORITY:1", summary="Aufgabe: Anrufen")
    answer = device.put("tasks/t.ics", sent, new=True)
    assert (answer.status, bool(answer.etag)) == (201, True)
    assert (stored(agency)["VORLAGE"], stored(agency)["VORLAGE_ZEIT"]) == (datetime(2026, 6, 15), False)
    token = device.sync("tasks").token
    agency.office.change(agency.office.tables.activity, {}, ABSENDER=None)
    assert device.sync("tasks", token).changed == {}
    assert due(server.device(agent="Other/1.0")) == []
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="aus dem Büro")
    assert "aus dem Büro" in only(device, "tasks")[2]
    assert due(device) == []


def test_rule_22_moved_in_the_office_the_due_date_appears(agency: Agency, server: Server) -> None:
    """The line that hides it speaks of one Vorlage, and of one without time."""
    device = server.start().device()
    device.put("tasks/t.ics", payloads.todo("t-1"), new=True)
    agency.office.change(agency.office.tables.activity, {}, VORLAGE=datetime(2026, 6, 18))
    assert due(device) == ["DUE;VALUE=DATE:20260618"]
    agency.office.change(agency.office.tables.activity, {}, VORLAGE=datetime(2026, 6, 15, 9), VORLAGE_ZEIT=True)
    assert due(device) == ["DUE;TZID=Europe/Berlin:20260615T090000"]
    assert "BEGIN:VALARM" in only(device, "tasks")[2]


@pytest.mark.parametrize("day", [15, 20])
def test_rule_22_a_due_date_set_later_is_a_change_of_vorlage(agency: Agency, server: Server, day: int) -> None:
    """Also the very day that FlowFact has already: from then on it is shown."""
    device = server.start().device()
    device.put("tasks/t.ics", payloads.todo("t-1"), new=True)
    line = f"DUE;VALUE=DATE:202606{day}"
    assert edit(device, "tasks", ("SUMMARY:", f"{line}\r\nSUMMARY:")).status == 204
    assert stored(agency)["VORLAGE"] == datetime(2026, 6, day)
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    assert due(device) == [line]


def test_rule_22_a_due_date_taken_off_stays_in_flowfact(agency: Agency, server: Server) -> None:
    """FlowFact keeps its Vorlage, the devices show none; put back, it is shown again."""
    agency.task(VORLAGE=datetime(2026, 6, 20))
    device = server.start().device()
    before = agency.office.everything()
    path, etag, text = only(device, "tasks")
    assert device.put(path, payloads.without(text, "DUE"), etag).status == 204
    assert agency.office.everything() == before
    assert due(server.device(agent="Other/1.0")) == []
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    assert due(device) == []
    assert edit(device, "tasks", ("BEGIN:VTODO", "BEGIN:VTODO\r\nDUE;VALUE=DATE:20260620")).status == 204
    assert (due(device), stored(agency)["VORLAGE"]) == (["DUE;VALUE=DATE:20260620"], datetime(2026, 6, 20))


def test_rule_22_due_date_and_alarm_taken_off_leave_a_vorlage_without_time(agency: Agency, server: Server) -> None:
    """No alarm is a Vorlage without time (rule 16)."""
    agency.task(VORLAGE=datetime(2026, 6, 20, 9), VORLAGE_ZEIT=True)
    device = server.start().device()
    path, etag, text = only(device, "tasks")
    sent = payloads.without(payloads.without_component(text, "VALARM"), "DUE")
    assert device.put(path, sent, etag).status == 204
    assert (stored(agency)["VORLAGE"], stored(agency)["VORLAGE_ZEIT"]) == (datetime(2026, 6, 20, 9), False)
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    assert due(device) == []


def test_rule_22_taken_off_while_the_office_moved_it_is_shown(agency: Agency, server: Server) -> None:
    """What the device took off is the date it knew, not the one that the office set meanwhile."""
    agency.task(VORLAGE=datetime(2026, 6, 20))
    device = server.start().device(agent="Evolution")
    path, _, text = only(device, "tasks")
    agency.office.change(agency.office.tables.activity, {}, VORLAGE=datetime(2026, 6, 25))
    assert device.put(path, payloads.without(text, "DUE")).status == 204
    assert stored(agency)["VORLAGE"] == datetime(2026, 6, 25)
    assert due(device) == ["DUE;VALUE=DATE:20260625"]


def test_rule_26_an_edit_of_an_undated_task_leaves_the_vorlage_alone(agency: Agency, server: Server) -> None:
    """Only the column that the device changed is written, also by a device with an older version."""
    device = server.start().device(agent="Evolution")
    device.put("tasks/t.ics", payloads.todo("t-1"), new=True)
    assert edit(device, "tasks", ("Anrufen", "Mailen")).status == 204
    path, _, text = only(device, "tasks")
    agency.office.change(agency.office.tables.activity, {}, VORLAGE=datetime(2026, 6, 25))
    assert device.put(path, text.replace("Mailen", "Treffen")).status == 204
    assert (stored(agency)["BETREFF"], stored(agency)["VORLAGE"]) == ("Treffen", datetime(2026, 6, 25))
    assert due(device) == ["DUE;VALUE=DATE:20260625"]


def test_rule_22_an_undated_task_turns_up_at_all_times(agency: Agency, server: Server) -> None:
    """Without CREATED always, with it from then on, done at that time (RFC 4791 §9.9); dated again, on its day."""
    device = server.start().device()
    device.put("tasks/t.ics", payloads.todo("t-1"), new=True)
    assert found(device, "20200101", "20200102")
    assert found(device, "20300101", "20300102")
    assert edit(device, "tasks", ("SUMMARY:", "CREATED:20260301T080000Z\r\nSUMMARY:")).status == 204
    assert [found(device, f"{year}0101", f"{year}0102") for year in (2025, 2027)] == [False, True]
    done = "STATUS:COMPLETED\r\nCOMPLETED:20260501T080000Z\r\nSUMMARY:"
    assert edit(device, "tasks", ("SUMMARY:", done)).status == 204
    assert [found(device, f"2026{month}01", f"2026{month}09") for month in ("02", "04", "05", "06")] == [
        *(False, True, True, False)
    ]
    agency.office.change(agency.office.tables.activity, {}, VORLAGE=datetime(2026, 6, 5))
    assert [found(device, f"2026{month}01", f"2026{month}09") for month in ("05", "06")] == [False, True]


def test_rule_22_a_task_that_only_starts_is_found_then(agency: Agency, server: Server) -> None:
    """DTSTART without DUE: the Vorlage is that day, and no DUE is added."""
    device = server.start().device()
    device.put("tasks/t.ics", payloads.todo("t-1", "DTSTART:20260708T060000Z"), new=True)
    assert (stored(agency)["VORLAGE"], due(device)) == (datetime(2026, 7, 8), [])
    days = ["20260707", "20260708", "20260709", "20260710"]
    assert [found(device, *pair) for pair in pairwise(days)] == [False, True, False]


def test_a_private_undated_task_on_the_device_is_found_alike(agency: Agency, server: Server) -> None:
    device = server.start().device()
    device.put("tasks/t.ics", payloads.todo("t-1", "CLASS:PRIVATE", "CREATED:20260301T080000Z"), new=True)
    assert agency.office.rows(agency.office.tables.activity) == []
    assert [found(device, f"{year}0101", f"{year}0102") for year in (2025, 2027)] == [False, True]


def test_an_alarm_beside_no_due_date_is_still_the_vorlage(agency: Agency, server: Server) -> None:
    device = server.start().device()
    alarm = payloads.alarm("TRIGGER;VALUE=DATE-TIME:20260701T070000Z").replace(":x", ":Aufgabe: x")
    answer = device.put("tasks/t.ics", payloads.todo("t-1", alarm, summary="Aufgabe: x"), new=True)
    assert (answer.status, bool(answer.etag)) == (201, True)
    assert (stored(agency)["VORLAGE"], stored(agency)["VORLAGE_ZEIT"]) == (datetime(2026, 7, 1, 9), True)
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    assert due(device) == ["DUE;TZID=Europe/Berlin:20260701T090000"]


def test_an_alarm_relative_to_no_due_date_stays_with_the_task(agency: Agency, server: Server) -> None:
    device = server.start().device()
    device.put("tasks/t.ics", payloads.todo("t-1", payloads.alarm("TRIGGER;RELATED=END:-PT15M")), new=True)
    assert stored(agency)["VORLAGE_ZEIT"] is False
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    assert "TRIGGER;RELATED=END:-PT15M" in only(device, "tasks")[2]


@pytest.mark.parametrize(
    ("trigger", "vorlage"),
    [
        ("TRIGGER:-PT15M", datetime(2026, 7, 8, 7, 45)),
        ("TRIGGER:-P1D", datetime(2026, 7, 7, 8)),
        ("TRIGGER;VALUE=DATE-TIME:20260706T070000Z", datetime(2026, 7, 6, 9)),
        ("TRIGGER:PT0S", datetime(2026, 7, 8, 8)),
    ],
)
def test_rule_22_a_task_that_starts_and_rings_is_due_at_no_time(
    agency: Agency, server: Server, trigger: str, vorlage: datetime
) -> None:
    """Its Vorlage is when it rings; a DUE at that time would be before its start, which no client accepts."""
    device = server.start().device()
    sent = payloads.todo("t-1", "DTSTART;TZID=Europe/Berlin:20260708T080000", payloads.alarm(trigger))
    device.put("tasks/t.ics", sent, new=True)
    assert (stored(agency)["VORLAGE"], stored(agency)["VORLAGE_ZEIT"]) == (vorlage, True)
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    text = only(device, "tasks")[2]
    assert (due(device), "DTSTART;TZID=Europe/Berlin:20260708T080000" in text, trigger in text) == ([], True, True)
    assert found(device, "20260708", "20260709")
    before = agency.office.everything()
    assert edit(device, "tasks", ("SUMMARY:", "CATEGORIES:x\r\nSUMMARY:")).status == 204
    assert agency.office.everything() == before
    assert edit(device, "tasks", ("STATUS:NEEDS-ACTION", "STATUS:COMPLETED")).status == 204
    assert (due(device), stored(agency)["ERLEDIGT"]) == ([], True)


def test_rule_22_an_alarm_given_to_a_task_that_starts_makes_it_due_at_no_time(agency: Agency, server: Server) -> None:
    """Taken off again, it stays without DUE; moved in the office, the Vorlage is shown."""
    device = server.start().device()
    device.put("tasks/t.ics", payloads.todo("t-1", "DTSTART;TZID=Europe/Berlin:20260708T080000"), new=True)
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    alarm = payloads.alarm()
    assert edit(device, "tasks", ("END:VTODO", f"{alarm}\r\nEND:VTODO")).status == 204
    assert (due(device), stored(agency)["VORLAGE"]) == ([], datetime(2026, 7, 8, 7, 45))
    path, etag, text = only(device, "tasks")
    assert device.put(path, payloads.without_component(text, "VALARM"), etag).status == 204
    assert (due(device), stored(agency)["VORLAGE_ZEIT"]) == ([], False)
    agency.office.change(agency.office.tables.activity, {}, VORLAGE=datetime(2026, 7, 9, 9), VORLAGE_ZEIT=True)
    assert due(device) == ["DUE;TZID=Europe/Berlin:20260709T090000"]
