"""The maps: only PayloadError escapes, what was read renders and reads back the same, nothing takes long."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact import ical_map, vcard_map
from radicale_flowfact.content.calendar_objects import read_object
from radicale_flowfact.content.contentlines import PayloadError, require_printable, split_lines
from radicale_flowfact.content.repair import repair_item
from radicale_flowfact.content.vcard import versions
from radicale_flowfact.content.vobject_fallback import plain_calendar_object, plain_card
from radicale_flowfact.content.words import clean
from radicale_flowfact.ical_map import JOURNAL, Entry, parse
from radicale_flowfact.maps import undated_tasks
from radicale_flowfact.maps.contacts.fields import formatted_name
from radicale_flowfact.queries.calendar_filters import calendar_matches
from radicale_flowfact.queries.expand import TooManyError, expand
from radicale_flowfact.queries.filters import BEGINNING, CompFilter, TimeRange
from radicale_flowfact.queries.occurrences import require_countable, span
from radicale_flowfact.queries.recurrence_sets import occurrences
from radicale_flowfact.records import Activity, Address, Kind, Phone
from radicale_flowfact.settings import PHONE_SLOTS
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutating import payloads

BERLIN = ZoneInfo("Europe/Berlin")
STYLE = ical_map.Style(BERLIN)
SECONDS = 3.0  # of processor time, so that other load makes no failure
WEEK = TimeRange(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 8, tzinfo=UTC))
IN_WEEK = CompFilter("VCALENDAR", comps=(CompFilter("VEVENT", time_range=WEEK),))
RINGING = CompFilter("VCALENDAR", comps=(CompFilter("VEVENT", comps=(CompFilter("VALARM", time_range=WEEK),)),))


def test_contacts(fuzz: Fuzz) -> None:
    fuzz.run(check_contact, payloads(".vcf"), 300)


def test_calendar_objects(fuzz: Fuzz) -> None:
    fuzz.run(check_calendar_object, payloads(".ics"), 400)


def check_contact(text: str) -> None:
    """Read, render and read a contact again."""
    started = time.thread_time()
    try:
        require_printable("text", text)
        text, _ = repair_item(text, "name.vcf")
        card = vcard_map.parse(text, PHONE_SLOTS)
    except PayloadError:
        return
    numbers = tuple(Phone(position, phone.number) for position, phone in enumerate(card.phones, 1))
    values = {field.name: getattr(card.fields, field.name) for field in fields(card.fields)}
    address = Address("AD-1", "Kennung", phones=numbers[:8], **values)
    made = vcard_map.render(address, card.uid, card.sidecar, PHONE_SLOTS)
    again = vcard_map.parse(made, PHONE_SLOTS, card)
    if formatted_name(card.fields):  # else its FN is the Kennung, which says nothing of the person
        assert again.fields == card.fields
    assert again.uid == card.uid
    plain_card(text)
    check_versions(text)
    assert time.thread_time() - started < SECONDS


def check_versions(text: str) -> None:
    """Turn a contact into either version of vCard, from there into the other one, and put back what differs."""
    three, four = versions.to_3(text), versions.to_4(text)
    assert versions.to_3(three) == three
    back = versions.spelt_as(versions.to_3(four), text)
    for made in (three, four, back, versions.to_4(three)):
        require_printable("text", made)
        split_lines(made)
    assert versions.is_4(four) or versions.is_4(text) is False


def check_calendar_object(text: str) -> None:
    """Read, render, search and expand an entry, and read it again."""
    started = time.thread_time()
    try:
        require_printable("text", text)
        text, _ = repair_item(text, "name.ics")
        entry = parse(text, BERLIN)
    except PayloadError:
        return
    if not entry.recurring and entry.component != JOURNAL:
        check_rendering(entry)
    plain_calendar_object(text, BERLIN)
    found = read_object(text)
    try:
        require_countable(found)
        first, last = span(found, BERLIN)
        any(occurrences(found, BERLIN, BEGINNING, BEGINNING))
    except PayloadError:
        return
    assert first < last
    for wanted in (IN_WEEK, RINGING):
        calendar_matches(text, wanted, BERLIN)
    try:
        made, _ = expand(text, BERLIN, WEEK.start, WEEK.start + timedelta(days=40), 1000)
    except TooManyError:  # each of them lasts for years
        made = ""
    except PayloadError:  # such an item is given as it is
        made = ""
        assert not any(one.first(name) for one in found.entries for name in ("DTSTART", "DUE"))
    if made:
        require_printable("text", made)
        read_object(made)
    assert time.thread_time() - started < SECONDS


def check_rendering(entry: Entry) -> None:
    """Render what was read as FlowFact would have it; that reads back the same."""
    found = entry.fields
    activity = Activity(
        "AKT-1",
        Kind("ART-1", ""),
        found.begin,
        found.end,
        found.all_day,
        found.reminder,
        found.reminder_has_time,
        found.summary,
        found.note,
        found.done,
        found.priority,
        touch=datetime(2026, 1, 1),
    )
    made = ical_map.render(activity, entry.component, entry.uid, entry.sidecar, STYLE)
    again = parse(made, BERLIN, entry)
    assert again.uid == entry.uid
    assert again.fields.summary == found.summary
    assert again.fields.note == clean(found.note)
    assert (again.fields.begin, again.fields.end, again.fields.all_day) == (found.begin, found.end, found.all_day)
    assert (again.fields.done, again.fields.priority) == (found.done, found.priority)
    if entry.component == "VTODO" and found.reminder is None:
        due = replace(activity, reminder=datetime(2026, 7, 1))
        shown = ical_map.render(
            due, "VTODO", entry.uid, (*entry.sidecar, undated_tasks.line_of(datetime(2026, 7, 1))), STYLE
        )
        assert parse(shown, BERLIN, entry).fields.reminder is None
    if entry.component == "VTODO" and found.done:
        return  # the time of completion that we tell is the device's own from then on
    assert ical_map.render(activity, again.component, again.uid, again.sidecar, STYLE) == made
