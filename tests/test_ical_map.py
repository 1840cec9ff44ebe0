"""Activity <-> VEVENT, VTODO: nothing changes on a round trip, nothing is lost, odd input gets a reason."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.actions import SetField
from radicale_flowfact.content.contentlines import PayloadError, is_control
from radicale_flowfact.content.words import clean
from radicale_flowfact.dav.writing.edits import edit_activity
from radicale_flowfact.dav.writing.edits import only as had
from radicale_flowfact.dav.writing.payload import empty_entry
from radicale_flowfact.ical_map import Entry, Style, minimal, parse, render, subject_of, summary_of, time_range
from radicale_flowfact.records import Activity, Kind, LinkedAddress
from tests import payloads
from tests.reserialising import reserialise
from tests.strategies import appointments, tasks, words

BERLIN = ZoneInfo("Europe/Berlin")
STYLE = Style(BERLIN)
NOW = datetime(1979, 1, 1)  # before everything that the strategies make, so that nothing is past


def read(text: str, like: Entry | None = None) -> Entry:
    """Parse in the office's zone."""
    return parse(text, BERLIN, like)


def changes(activity: Activity, component: str, text: str) -> tuple[object, ...]:
    """Return what FlowFact would be told if a device that got ``activity`` sent ``text``."""
    base = read(render(activity, component, "u", (), STYLE))
    return edit_activity(had(base, read(text, base)), activity, (), STYLE, NOW).actions


@given(appointments())
def test_every_appointment_comes_back_as_it_was(activity: Activity) -> None:
    found = read(render(activity, "VEVENT", "u", (), STYLE)).fields
    assert (found.begin, found.end, found.all_day) == (activity.begin, activity.end, activity.all_day)
    assert found.note == clean(activity.note)
    assert subject_of(found.summary, activity.kind.name, STYLE.subject) == activity.subject
    rings = activity.reminder_has_time and not activity.done
    assert found.reminder_has_time == rings
    if rings and not _in_odd_hour(activity):
        assert found.reminder == activity.reminder


def _in_odd_hour(activity: Activity) -> bool:
    """Whether begin or alarm lie in an hour that a clock change repeats or leaves out."""
    moments = [moment for moment in (activity.begin, activity.reminder) if moment]
    return any(
        BERLIN.utcoffset(moment) != BERLIN.utcoffset(moment + timedelta(hours=shift))
        for moment in moments
        for shift in (-1, 1)
    )


@given(tasks())
def test_every_task_comes_back_as_it_was(activity: Activity) -> None:
    found = read(render(activity, "VTODO", "u", (), STYLE)).fields
    assert (found.done, found.priority) == (activity.done, activity.priority)
    assert found.note == clean(activity.note)
    if not (activity.reminder_has_time and activity.done) and not _in_odd_hour(activity):
        assert (found.reminder, found.reminder_has_time) == (activity.reminder, activity.reminder_has_time)


@given(appointments(), st.integers())
def test_a_client_that_writes_events_in_its_own_way_changes_nothing(activity: Activity, seed: int) -> None:
    text = render(activity, "VEVENT", "u", (), STYLE)
    assert changes(activity, "VEVENT", reserialise(text, random.Random(seed))) == ()  # noqa: S311


@given(tasks(), st.integers())
def test_a_client_that_writes_tasks_in_its_own_way_changes_nothing(activity: Activity, seed: int) -> None:
    text = render(activity, "VTODO", "u", (), STYLE)
    assert changes(activity, "VTODO", reserialise(text, random.Random(seed))) == ()  # noqa: S311


@given(appointments())
def test_utc_and_duration_instead_of_local_times_change_nothing(activity: Activity) -> None:
    if activity.all_day or _in_odd_hour(replace(activity, reminder=activity.end)):
        return
    text = render(activity, "VEVENT", "u", (), STYLE)
    assert activity.begin is not None
    assert activity.end is not None
    begin = activity.begin.replace(tzinfo=BERLIN).astimezone(ZoneInfo("UTC"))
    end = activity.end.replace(tzinfo=BERLIN).astimezone(ZoneInfo("UTC"))
    lines = [
        f"DTSTART:{begin:%Y%m%dT%H%M%SZ}" if line.startswith("DTSTART;TZID") else line
        for line in payloads.lines_of(text)
        if not line.startswith("DTEND")
    ]
    lines.insert(lines.index("END:VEVENT"), f"DTEND:{end:%Y%m%dT%H%M%SZ}")
    assert changes(activity, "VEVENT", "\r\n".join(lines)) == ()


@given(appointments())
def test_what_other_libraries_write_from_our_events_changes_nothing(activity: Activity) -> None:
    text = render(activity, "VEVENT", "u", (), STYLE)
    assert changes(activity, "VEVENT", icalendar.Calendar.from_ical(text).to_ical().decode()) == ()
    if not _in_odd_hour(activity) and not _in_odd_hour(replace(activity, reminder=activity.end)):
        assert changes(activity, "VEVENT", vobject.readOne(text).serialize()) == ()
        assert changes(activity, "VEVENT", text.replace("Europe/Berlin", "Mein Büro")) == ()


@given(appointments())
def test_other_parsers_read_our_events(activity: Activity) -> None:
    text = render(activity, "VEVENT", "u", (), STYLE)
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    start = event.decoded("DTSTART")
    assert activity.begin is not None
    assert (start if activity.all_day else start.replace(tzinfo=None)) == (
        activity.begin.date() if activity.all_day else activity.begin
    )
    assert vobject.readOne(text).vevent.uid.value == "u"
    assert not any(line.startswith(("ORGANIZER", "ATTENDEE")) for line in payloads.lines_of(text))


@given(appointments(), tasks())
def test_a_minimal_entry_is_valid_whatever_the_record_holds(event: Activity, task: Activity) -> None:
    for whole, component in ((event, "VEVENT"), (task, "VTODO")):
        activity = replace(
            whole, begin=datetime(1, 1, 1), end=datetime(9999, 12, 31), subject="\x00\ud800", note="\x07"
        )
        assert read(minimal(activity, component, "u", STYLE)).uid == "u"
    assert read(minimal(replace(event, begin=None, end=None, touch=None), "VEVENT", "u", STYLE)).uid == "u"


@given(words, words)
def test_the_kind_is_cut_off_again(subject: str, kind: str) -> None:
    plain, name = " ".join(subject.split()), " ".join(kind.split())
    for template in ("{kind}: {subject}", "{subject} ({kind})", "{subject}"):
        shown = " ".join(summary_of(plain, name, template).split())
        assert subject_of(shown, name, template) == plain


@pytest.mark.parametrize(
    ("kind", "template"),
    [("Termin  extern", "{kind}: {subject}"), ("Termin ", "{kind}: {subject}"), ("Termin", "{kind}  -  {subject}")],
)
def test_odd_blanks_in_kind_or_template_do_not_pile_the_kind_up(kind: str, template: str) -> None:
    shown = read(
        render(replace(EVENT, kind=Kind("k", kind), subject="Notar"), "VEVENT", "u", (), Style(BERLIN, template))
    )
    assert subject_of(shown.fields.summary, kind, template) == "Notar"


@pytest.mark.parametrize(
    ("summary", "template"), [("Terminal prüfen", "{kind} {subject}"), ("Neuer SonderTermin", "{subject} {kind}")]
)
def test_a_word_that_only_begins_or_ends_like_the_kind_is_not_cut(summary: str, template: str) -> None:
    assert subject_of(summary, "Termin", template) == summary
    assert subject_of(summary_of("x", "Termin", template), "Termin", template) == "x"


def test_a_subject_without_the_kind_is_taken_as_it_is() -> None:
    assert subject_of("Notar", "Besichtigung", "{kind}: {subject}") == "Notar"
    assert subject_of("Besichtigung:", "Besichtigung", "{kind}: {subject}") == ""


EVENT = Activity("d", Kind("k", "Termin"), begin=datetime(2026, 7, 1, 10), end=datetime(2026, 7, 1, 11))


@pytest.mark.parametrize(
    ("note", "sidecar"),
    [
        ("0000 Anfang; TZID=Europe/Berlin", ()),
        ("", ("EXDATE;TZID=Europe/Berlin:00000101T000000",)),
        ("9999 TZID=x", ("X-OWN;TZID=Europe/Berlin:0000",)),
    ],
)
def test_no_line_of_the_year_0_stops_an_entry(note: str, sidecar: tuple[str, ...]) -> None:
    """Found by fuzzing: a UID or a note that only looked like a time with a zone made the entry a minimal one."""
    begin = datetime(2026, 6, 20, 10)
    activity = Activity("AKT-1", Kind("ART-1", "Termin"), begin, begin, note=note, touch=datetime(2026, 1, 1))
    text = render(activity, "VEVENT", "u", sidecar, STYLE)
    assert read(text).fields.note == note
    assert text.count("BEGIN:VTIMEZONE") == 1


def test_attendees_are_kept_but_never_sent() -> None:
    found = read(payloads.event("u", "ORGANIZER:mailto:a@b.de", "ATTENDEE:mailto:c@d.de"))
    assert len(found.sidecar) == 2
    assert "mailto" not in render(EVENT, "VEVENT", "u", found.sidecar, STYLE)


def test_attendees_of_alarms_are_kept_but_never_sent() -> None:
    mail = payloads.alarm("TRIGGER:-PT15M").replace("ACTION:DISPLAY", "ACTION:EMAIL\r\nATTENDEE:mailto:a@b.de")
    for alarms in ((mail, payloads.alarm("TRIGGER:-PT1H")), (payloads.alarm("TRIGGER:-PT1H"), mail)):
        base = read(payloads.event("u", *alarms))
        ringing = replace(EVENT, reminder=base.fields.reminder, reminder_has_time=True)
        text = render(ringing, "VEVENT", "u", base.sidecar, STYLE)
        assert "mailto" not in text
        served = read(text)
        assert served.fields.reminder == base.fields.reminder
        edit = edit_activity(had(served, read(text, served)), ringing, base.sidecar, STYLE, NOW)
        assert (edit.actions, edit.sidecar) == ((), base.sidecar)


def test_attendees_in_odd_places_are_never_sent() -> None:
    text = payloads.event("u", "x.ATTENDEE:mailto:c@d.de").replace(
        "VERSION:2.0", "VERSION:2.0\r\nORGANIZER:mailto:a@b.de"
    )
    found = read(text)
    assert len(found.sidecar) == 2
    assert "mailto" not in render(EVENT, "VEVENT", "u", found.sidecar, STYLE)


def test_further_alarms_stay_and_the_mapped_one_is_recognised_when_reordered() -> None:
    first, second = payloads.alarm("TRIGGER:-PT15M"), payloads.alarm("TRIGGER:-PT1H")
    base = read(payloads.event("u", first, second))
    swapped = read(payloads.event("u", second, first), base)
    assert base.fields.reminder == swapped.fields.reminder == datetime(2026, 7, 1, 9, 45)
    assert base.sidecar == swapped.sidecar == (second.replace("\r\n", "\n"),)


FURTHER = (payloads.alarm("TRIGGER:-PT1H").replace("\r\n", "\n"),)
RINGING = replace(EVENT, reminder=datetime(2026, 7, 1, 9, 45), reminder_has_time=True)


def test_the_alarm_moved_on_the_device_is_flowfacts_though_the_device_has_further_ones() -> None:
    text = render(RINGING, "VEVENT", "u", FURTHER, STYLE)
    base = read(text)
    assert (base.fields.reminder, base.sidecar) == (RINGING.reminder, FURTHER)
    moved = read(text.replace("TRIGGER:-PT15M", "TRIGGER:-PT30M"), base)
    edit = edit_activity(had(base, moved), RINGING, FURTHER, STYLE, NOW)
    (action,) = edit.actions
    assert isinstance(action, SetField)
    assert (action.field, action.after) == ("reminder", datetime(2026, 7, 1, 9, 30))
    assert edit.sidecar == FURTHER


def test_an_alarm_taken_off_in_the_office_is_not_replaced_by_a_further_one_of_the_device() -> None:
    dummy = payloads.alarm("TRIGGER;VALUE=DATE-TIME:19760401T005545Z").replace("\r\n", "\n")
    silent = replace(RINGING, reminder_has_time=False)
    text = render(silent, "VEVENT", "u", (*FURTHER, dummy), STYLE)
    base = read(text)
    assert (base.fields.reminder, base.sidecar) == (None, (dummy,))
    edit = edit_activity(had(base, read(text, base)), silent, (*FURTHER, dummy), STYLE, NOW)
    assert (edit.actions, edit.sidecar) == ((), (*FURTHER, dummy))
    assert render(RINGING, "VEVENT", "u", edit.sidecar, STYLE).count("BEGIN:VALARM") == 3


SNOOZED = (
    "BEGIN:VALARM\nRELATED-TO;RELTYPE=SNOOZE:f\nACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20260701T075000Z\nEND:VALARM"
)


@pytest.mark.parametrize("own", [FURTHER, (SNOOZED,)])
@pytest.mark.parametrize(
    ("before", "after", "rings"),
    [
        ("T110000", "T113000", datetime(2026, 7, 1, 9, 45)),
        (":20260701T1", ":20260701T2", datetime(2026, 7, 1, 19, 45)),
        ("-PT15M", "-PT20M", datetime(2026, 7, 1, 9, 40)),
    ],
)
def test_the_mapped_alarm_is_recognised_when_the_event_moves_and_alarms_are_reordered(
    own: tuple[str, ...], before: str, after: str, rings: datetime
) -> None:
    text = render(RINGING, "VEVENT", "u", own, STYLE)
    base = parse(text, BERLIN, empty_entry("VEVENT", own))
    alarms = text[text.index("BEGIN:VALARM") : text.index("END:VEVENT")]
    first, second, _ = alarms.split("END:VALARM\r\n")
    swapped = text.replace(alarms, f"{second}END:VALARM\r\n{first}END:VALARM\r\n").replace(before, after)
    sent = read(swapped, base)
    assert sent.fields.reminder == rings
    assert edit_activity(had(base, sent), RINGING, own, STYLE, NOW).sidecar == own


def test_of_two_alarms_in_any_order_the_one_that_is_not_the_devices_own_is_flowfacts() -> None:
    text = payloads.event("u", FURTHER[0].replace("\n", "\r\n"), payloads.alarm())
    assert parse(text, BERLIN, empty_entry("VEVENT", FURTHER)).fields.reminder == RINGING.reminder


def test_the_alarm_of_an_all_day_event_rings_at_its_time_whatever_time_the_event_has() -> None:
    event = replace(RINGING, begin=datetime(2026, 7, 1, 8), end=None, all_day=True)
    text = render(event, "VEVENT", "u", (), STYLE)
    assert read(text).fields.reminder == RINGING.reminder
    assert "DTSTART;VALUE=DATE:20260701" in text


@pytest.mark.parametrize("line", ["X-MOZ-LASTACK:", "X-MOZ-LASTACK:gestern"])
def test_an_acknowledgement_that_says_no_time_is_kept_and_means_nothing(line: str) -> None:
    found = read(payloads.event("u", line, payloads.alarm("TRIGGER:-PT15M\r\nACKNOWLEDGED:x")))
    assert (found.acknowledged, line in found.sidecar) == (None, True)


def test_an_event_within_the_hour_that_autumn_repeats_is_taken() -> None:
    text = payloads.event("u", start="DTSTART:20261025T004500Z").replace("20260701T090000Z", "20261025T011500Z")
    found = read(text).fields
    assert (found.begin, found.end) == (datetime(2026, 10, 25, 2, 45), datetime(2026, 10, 25, 3, 15))


def test_alarms_of_a_done_appointment_are_not_shown() -> None:
    sidecar = (payloads.alarm().replace("\r\n", "\n"),)
    ringing = replace(EVENT, reminder=datetime(2026, 7, 1, 9), reminder_has_time=True)
    assert render(ringing, "VEVENT", "u", sidecar, STYLE).count("BEGIN:VALARM") == 2
    assert "VALARM" not in render(replace(ringing, done=True), "VEVENT", "u", sidecar, STYLE)


@pytest.mark.parametrize(
    ("trigger", "rings"),
    [
        ("TRIGGER:-PT15M", datetime(2026, 7, 1, 9, 45)),
        ("TRIGGER;RELATED=END:-PT15M", datetime(2026, 7, 1, 10, 45)),
        ("TRIGGER;VALUE=DATE-TIME:20260701T060000Z", datetime(2026, 7, 1, 8)),
        ("TRIGGER:P1D", datetime(2026, 7, 2, 10)),
        ("TRIGGER:-P1W", datetime(2026, 6, 24, 10)),
        ("TRIGGER;VALUE=DATE-TIME:19760401T005545Z", None),
        ("TRIGGER:bald", None),
    ],
)
def test_forms_of_alarms(trigger: str, rings: datetime | None) -> None:
    found = read(payloads.event("u", payloads.alarm(trigger)))
    assert (found.fields.reminder, found.fields.reminder_has_time) == (rings, rings is not None)


def test_an_alarm_comes_back_in_the_shape_it_had() -> None:
    shaped = payloads.alarm().replace("ACTION:DISPLAY", "ACTION:AUDIO\r\nX-WR-ALARMUID:7\r\nATTACH;VALUE=URI:Basso")
    found = read(payloads.event("u", shaped))
    later = replace(EVENT, reminder=datetime(2026, 7, 1, 8), reminder_has_time=True)
    text = render(later, "VEVENT", "u", found.sidecar, STYLE)
    for line in ("ACTION:AUDIO", "X-WR-ALARMUID:7", "ATTACH;VALUE=URI:Basso", "TRIGGER:-PT2H"):
        assert line in text
    assert text.count("BEGIN:VALARM") == 1


def test_class_comes_back_as_it_was() -> None:
    found = read(payloads.event("u", "CLASS:CONFIDENTIAL"))
    assert found.private
    assert "CLASS:CONFIDENTIAL" in render(replace(EVENT, private=True), "VEVENT", "u", found.sidecar, STYLE)


def test_all_day_events_of_several_clients() -> None:
    day = "DTSTART;VALUE=DATE:20260701"
    ends = ["DTEND;VALUE=DATE:20260702", "DTEND;VALUE=DATE:20260701", "DURATION:P1D", "X-NONE:1"]
    for end in ends:
        text = payloads.event("u", end, start=day).replace("DTEND:20260701T090000Z\r\n", "")
        found = read(text).fields
        assert (found.all_day, found.begin, found.end) == (True, datetime(2026, 7, 1), datetime(2026, 7, 2))


def test_a_due_time_without_an_alarm_is_kept_for_the_device() -> None:
    found = read(payloads.todo("u", "DUE;TZID=Europe/Berlin:20260701T150000"))
    assert (found.fields.reminder, found.fields.reminder_has_time) == (datetime(2026, 7, 1), False)
    task = Activity("d", Kind("k", "Aufgabe"), reminder=datetime(2026, 7, 1))
    assert "DUE;TZID=Europe/Berlin:20260701T150000" in render(task, "VTODO", "u", found.sidecar, STYLE)
    moved = replace(task, reminder=datetime(2026, 7, 3))
    assert "DUE;VALUE=DATE:20260703" in render(moved, "VTODO", "u", found.sidecar, STYLE)


OWN_ZONE = "\r\n".join(
    [
        *("BEGIN:VTIMEZONE", "TZID:Mein Büro", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0100"),
        *("TZOFFSETTO:+0100", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VTODO"),
    ]
)


def kept(text: str) -> tuple[Activity, str]:
    """Return the task that a device made, and how it is rendered anew."""
    found = read(text)
    values = {name: getattr(found.fields, name) for name in ("reminder", "reminder_has_time", "done", "priority")}
    task = Activity("d", Kind("k", "Aufgabe"), subject="Anrufen", **values)
    rendered = render(task, "VTODO", "u", found.sidecar, STYLE)
    served = read(rendered)
    assert served.sidecar == found.sidecar
    edit = edit_activity(had(served, read(rendered, served)), task, found.sidecar, STYLE, NOW)
    assert (edit.actions, edit.sidecar) == ((), found.sidecar)
    return task, rendered


@pytest.mark.parametrize(
    ("lines", "served"),
    [
        (("DUE;TZID=Mein Büro:20260701T150000",), "DUE;TZID=Europe/Berlin:20260701T160000"),
        (
            ("DTSTART;TZID=Mein Büro:20260701T120000", "DUE;VALUE=DATE:20260701"),
            "DTSTART;TZID=Europe/Berlin:20260701T130000",
        ),
    ],
)
def test_a_task_in_a_zone_that_only_the_device_describes_keeps_its_time(lines: tuple[str, ...], served: str) -> None:
    task, text = kept(payloads.todo("u", *lines).replace("BEGIN:VTODO", OWN_ZONE))
    assert (task.reminder, served in text, "Mein Büro" in text) == (datetime(2026, 7, 1), True, False)


DUE_AT_THREE = "DUE;TZID=Europe/Berlin:20260701T150000"


@pytest.mark.parametrize(
    ("due", "trigger", "vorlage"),
    [
        (DUE_AT_THREE, "TRIGGER:-PT30M", datetime(2026, 7, 1, 15)),
        (DUE_AT_THREE, "TRIGGER;RELATED=END:-PT30M", datetime(2026, 7, 1, 15)),
        (DUE_AT_THREE, "TRIGGER;VALUE=DATE-TIME:20260630T070000Z", datetime(2026, 7, 1, 15)),
        ("DUE;VALUE=DATE:20260701", "TRIGGER;VALUE=DATE-TIME:20260630T070000Z", datetime(2026, 7, 1)),
        ("DUE;VALUE=DATE:20260701", "TRIGGER:PT9H", datetime(2026, 7, 1, 9)),
    ],
)
def test_an_alarm_of_a_task_rings_when_it_did(due: str, trigger: str, vorlage: datetime) -> None:
    task, text = kept(payloads.todo("u", due, payloads.alarm(trigger)))
    assert (task.reminder, task.reminder_has_time) == (vorlage, True)
    assert (due in text, trigger in text, "MADE-FOR" in text) == (True, True, False)
    # Moved in the office, it rings at the Vorlage: that is FlowFact's alarm.
    moved = render(replace(task, reminder=datetime(2026, 7, 8, 11)), "VTODO", "u", read(text).sidecar, STYLE)
    assert "TRIGGER;VALUE=DATE-TIME:20260708T090000Z" in moved


def test_of_two_alarms_of_a_task_the_one_at_its_due_is_flowfacts() -> None:
    task, text = kept(payloads.todo("u", DUE_AT_THREE, payloads.alarm("TRIGGER:-P1D"), payloads.alarm("TRIGGER:PT0S")))
    assert (task.reminder, text.count("BEGIN:VALARM")) == (datetime(2026, 7, 1, 15), 2)


def test_every_zone_that_a_task_names_is_described() -> None:
    lines = ("DTSTART;TZID=America/New_York:20260630T050000", 'DUE;TZID="W. Europe Standard Time":20260701T150000')
    found = read(payloads.todo("u", *lines))
    task = Activity("d", Kind("k", "Aufgabe"), reminder=found.fields.reminder)
    text = render(task, "VTODO", "u", found.sidecar, STYLE)
    assert ("TZID:America/New_York" in text, "TZID:W. Europe Standard Time" in text) == (True, True)
    assert read(text).sidecar == found.sidecar


@pytest.mark.parametrize(
    "line",
    [
        *("X-FLOWFACT-DUE:kaputt", "X-FLOWFACT-DUE:DUE;TZID=Nirgends:20260701T120000", "X-FLOWFACT-ALARM:x"),
        *("X-FLOWFACT-CALENDAR:BEGIN:VEVENT", "X-FLOWFACT-CALENDAR:ATTENDEE:mailto:a@b.de"),
    ],
)
def test_a_device_that_sends_lines_like_our_own_breaks_nothing(line: str) -> None:
    found = read(payloads.todo("u", "DUE;VALUE=DATE:20260701", line))
    for rings in (False, True):
        task = Activity("d", Kind("k", "Aufgabe"), reminder=datetime(2026, 7, 1), reminder_has_time=rings)
        text = render(task, "VTODO", "u", found.sidecar, STYLE)
        assert read(text).fields.reminder == datetime(2026, 7, 1)
        assert "mailto" not in text


def test_a_task_done_in_the_office_says_when_it_was_completed() -> None:
    task = Activity("d", Kind("k", "Aufgabe"), done=True, touch=datetime(2026, 7, 1, 10))
    assert "COMPLETED:20260701T080000Z" in render(task, "VTODO", "u", (), STYLE)
    own = render(task, "VTODO", "u", ("COMPLETED:20260630T080000Z",), STYLE)
    assert [line for line in payloads.lines_of(own) if line.startswith("COMPLETED")] == ["COMPLETED:20260630T080000Z"]
    assert "COMPLETED" not in render(replace(task, done=False), "VTODO", "u", ("COMPLETED:20260630T080000Z",), STYLE)


def test_control_characters_of_linked_records_are_not_sent() -> None:
    odd = replace(EVENT, participants=("Ben\x07",), addresses=(LinkedAddress("a", "Eva\x00"),))
    assert not any(is_control(char) for char in render(odd, "VEVENT", "u", (), STYLE))


def test_state_of_an_open_task_is_the_devices_own() -> None:
    found = read(payloads.todo("u", "STATUS:IN-PROCESS", "PERCENT-COMPLETE:25"))
    task = Activity("d", Kind("k", "Aufgabe"), reminder=datetime(2026, 7, 1))
    text = render(task, "VTODO", "u", found.sidecar, STYLE)
    assert ("STATUS:IN-PROCESS" in text, "PERCENT-COMPLETE:25" in text) == (True, True)
    done = render(replace(task, done=True), "VTODO", "u", found.sidecar, STYLE)
    assert ("IN-PROCESS" in done, "STATUS:COMPLETED" in done) == (False, True)


def test_time_range_of_a_moment_is_not_empty() -> None:
    start, end = time_range(replace(EVENT, end=None), "VEVENT", BERLIN)
    assert end == start + 1


def test_time_range_of_an_all_day_event_is_its_days() -> None:
    day = replace(EVENT, begin=datetime(2026, 7, 1), end=None, all_day=True)
    for end in (None, datetime(2026, 7, 1), datetime(2026, 7, 1, 12), datetime(2026, 7, 2)):
        start, behind = time_range(replace(day, end=end), "VEVENT", BERLIN)
        assert behind - start == 86400


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "BEGIN:VCALENDAR"),
        (payloads.without(payloads.event("u"), "UID"), "no UID"),
        (payloads.without(payloads.event("u"), "DTSTART"), "no DTSTART"),
        (payloads.event("u").replace("T090000Z", "T070000Z"), "ends before"),
        (payloads.event("u").replace("END:VCALENDAR", ""), "cut off"),
        (payloads.event("u").replace("VEVENT", "VPOLL"), "VPOLL"),
        (payloads.event("u", "DESCRIPTION:\x07"), "note contains the control character"),
        (payloads.event("u", "END:VEVENT", "BEGIN:VTODO", "UID:u"), "does not close|mixed"),
        (payloads.event("u", "END:VEVENT", "BEGIN:VEVENT", "UID:v"), "different UIDs"),
    ],
)
def test_what_cannot_be_read_gets_a_reason(text: str, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        read(text)


@pytest.mark.parametrize(
    ("start", "duration"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260701T100000", "PT1H30M"),
        ("DTSTART;TZID=Europe/Berlin:20260328T200000", "P1DT2H"),
        ("DTSTART;VALUE=DATE:20260701", "P2D"),
    ],
)
def test_a_duration_comes_back_while_begin_and_end_fit_it(start: str, duration: str) -> None:
    sent = read(payloads.without(payloads.event("u", f"DURATION:{duration}", start=start), "DTEND"))
    fields = sent.fields
    activity = Activity(
        "1", Kind("K", "Termin"), subject="Notar", begin=fields.begin, end=fields.end, all_day=fields.all_day
    )
    found = payloads.lines_of(render(activity, "VEVENT", "u", sent.sidecar, STYLE))
    assert f"DURATION:{duration}" in found
    assert not any(line.startswith("DTEND") for line in found)
    assert fields.end is not None
    moved = replace(activity, end=fields.end + timedelta(days=1))
    assert "DURATION" not in render(moved, "VEVENT", "u", sent.sidecar, STYLE)


def test_a_spoilt_duration_in_the_sidecar_is_left_out() -> None:
    activity = Activity("1", Kind("K", "Termin"), begin=datetime(2026, 7, 1, 10), end=datetime(2026, 7, 1, 11))
    assert "DTEND" in render(activity, "VEVENT", "u", ("X-FLOWFACT-DURATION:soon",), STYLE)
