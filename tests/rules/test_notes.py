"""Rule 25: notes (VJOURNAL) are kept beside appointments and tasks, on the user's devices only."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import CAL, DAV, Device
from tests.rules.client import entries
from tests.rules.test_safety import command

DATED = payloads.note("n-2", "DTSTART;VALUE=DATE:20260708")


def queried(device: Device, inner: str, extra: str = "") -> set[str]:
    """Return the hrefs that a query for components finds among the tasks."""
    wanted = f'<C:filter><C:comp-filter name="VCALENDAR">{inner}</C:comp-filter></C:filter>'
    answer = device.report("tasks/", "C:calendar-query", f"<prop><getetag/></prop>{wanted}{extra}")
    assert answer.status == 207, answer.text
    return set(device.items_in(answer, "tasks"))


def of(component: str, span: str = "") -> str:
    """Return a filter for one component and, if given, a time range."""
    return f'<C:comp-filter name="{component}">{span}</C:comp-filter>'


def span(start: str, end: str) -> str:
    """Return a time range of whole days."""
    return f'<C:time-range start="{start}T000000Z" end="{end}T000000Z"/>'


@pytest.fixture
def device(agency: Agency, server: Server) -> Device:
    """Give a device a task, an undated note and a note of a day."""
    made = server.start().device()
    assert made.put("tasks/t.ics", payloads.todo("t-1"), new=True).status == 201
    assert made.put("tasks/n.ics", payloads.note("n-1"), new=True).status == 201
    assert made.put("tasks/d.ics", DATED, new=True).status == 201
    return made


def test_rule_25_a_note_stays_on_the_users_devices(agency: Agency, server: Server) -> None:
    """A VJOURNAL is kept beside the tasks, byte for byte; FlowFact and colleagues never see it; status lists it."""
    device = server.start().device()
    before = agency.office.everything()
    sent = payloads.note("n-1", "DESCRIPTION:Zwei\\nZeilen", "CATEGORIES:Kunde")
    answer = device.put("tasks/n.ics", sent, new=True)
    assert (answer.status, bool(answer.etag)) == (201, True)
    assert server.device(agent="Other/1.0").all("tasks") == {"n.ics": sent.replace("\r\n", "\n")}
    assert server.device("ben").all("tasks") == {}
    changed = sent.replace("Zwei", "Drei")
    assert device.put("tasks/n.ics", changed, answer.etag).status == 204
    assert device.get("tasks/n.ics").text == changed
    assert agency.office.everything() == before
    assert "only on the devices (note): n.ics" in command(server, "status")


def test_rule_25_a_deleted_note_is_gone_but_for_the_history(agency: Agency, server: Server) -> None:
    """Deleting a note really deletes it; its text stays in the history."""
    device = server.start().device()
    device.put("tasks/n.ics", payloads.note("n-1", summary="Vertraulich"), new=True)
    token = device.sync("tasks").token
    assert device.delete("tasks/n.ics").status == 200
    assert device.sync("tasks", token).gone == ["n.ics"]
    assert device.get("tasks/n.ics").status == 404
    assert "SUMMARY:Vertraulich" in command(server, "history", "--bodies")


def test_rule_25_notes_are_taken_beside_appointments_and_tasks(agency: Agency, server: Server) -> None:
    """Both calendars say that they take a note, no query for events finds it; a record cannot become one."""
    agency.task()
    device = server.start().device()
    assert device.put("appointments/n.ics", payloads.note("n-1"), new=True).status == 201
    assert entries(server, "appointments") == []
    found = {}
    for name in ("appointments", "tasks"):
        answer = device.propfind(f"{name}/", "<C:supported-calendar-component-set/>")
        found[name] = [comp.get("name") for comp in answer.xml.iter(f"{{{CAL}}}comp")]
    assert found == {"appointments": ["VEVENT", "VJOURNAL"], "tasks": ["VTODO", "VJOURNAL"]}
    ((href, (etag, text)),) = device.multiget("tasks", device.sync("tasks").changed).items()
    sent = payloads.without(text, "DUE").replace("VTODO", "VJOURNAL")
    assert device.put(f"tasks/{href}", sent, etag).status == 403


def test_rule_25_a_query_for_tasks_finds_no_notes(server: Server, device: Device) -> None:
    """By component alone and with a time range, answered the short way and the long one."""
    always = span("20000101", "20400101")
    for extra in ("", "<C:timezone/>"):
        assert queried(device, of("VTODO"), extra) == {"t.ics"}
        assert queried(device, of("VTODO", always), extra) == {"t.ics"}
        assert queried(device, of("VJOURNAL"), extra) == {"n.ics", "d.ics"}
        assert queried(device, "", extra) == {"t.ics", "n.ics", "d.ics"}
    assert entries(server, "tasks") == ["Aufgabe: Anrufen"]


def test_rule_25_a_note_is_found_on_its_day(device: Device) -> None:
    """A note without a day is in no time range (RFC 4791 §9.9)."""
    days = ["20260707", "20260708", "20260709", "20260710"]
    # The day is the office's, which begins two hours before that of UTC.
    assert [queried(device, of("VJOURNAL", span(*pair))) for pair in pairwise(days)] == [{"d.ics"}, {"d.ics"}, set()]
    assert device.put("tasks/h.ics", payloads.note("n-3", "DTSTART:20260709T000000Z"), new=True).status == 201
    found = [queried(device, of("VJOURNAL", span(*pair))) - {"d.ics"} for pair in pairwise(days)]
    assert found == [set(), set(), {"h.ics"}]


def test_rule_25_a_recurring_note_is_found_on_each_of_its_days(agency: Agency, server: Server) -> None:
    """A series of notes is counted out like one of events."""
    device = server.start().device()
    sent = payloads.note("n-1", "DTSTART;VALUE=DATE:20260706", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert device.put("tasks/n.ics", sent, new=True).status == 201
    days = ["20260711", "20260712", "20260714", "20260718", "20260721", "20260727"]
    found = [queried(device, of("VJOURNAL", span(*pair))) for pair in pairwise(days)]
    assert found == [set(), {"n.ics"}, set(), {"n.ics"}, set()]
    assert queried(device, of("VTODO", span("20000101", "20400101"))) == set()


@pytest.mark.parametrize("props", ["<getetag/><getcontenttype/>", "<getcontenttype/>"])
def test_the_content_type_names_the_component(device: Device, props: str) -> None:
    wanted = {"t.ics": "VTODO", "n.ics": "VJOURNAL", "d.ics": "VJOURNAL"}
    hrefs = "".join(f"<href>/anna/tasks/{href}</href>" for href in wanted)
    answers = [
        device.propfind("tasks/", props, depth=1),
        device.report("tasks/", "C:calendar-multiget", f"<prop>{props}</prop>{hrefs}"),
        device.report("tasks/", "sync-collection", f"<sync-token/><sync-level>1</sync-level><prop>{props}</prop>"),
    ]
    for answer in answers:
        types = {
            device.name_of(response): (response.findtext(f".//{{{DAV}}}getcontenttype") or "").rpartition("=")[2]
            for response in answer.xml.findall(f"{{{DAV}}}response")
        }
        assert {href: name for href, name in types.items() if href in wanted} == wanted


def test_a_note_without_a_uid_gets_one_and_one_of_an_unsound_day_is_kept(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert device.put("tasks/n.ics", payloads.without(payloads.note("x"), "UID"), new=True).status == 201
    assert "UID:n" in payloads.lines_of(device.get("tasks/n.ics").text)
    assert device.put("tasks/m.ics", payloads.note("m", "DTSTART:soon"), new=True).status == 201
    assert "DTSTART:soon" in payloads.lines_of(device.get("tasks/m.ics").text)
    mixed = payloads.note("n", "END:VJOURNAL", "BEGIN:VTODO", "UID:n").replace(
        "END:VJOURNAL\r\nEND:VC", "END:VTODO\r\nEND:VC"
    )
    assert device.put("tasks/o.ics", mixed, new=True).status == 409
