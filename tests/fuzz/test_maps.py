"""The maps: only PayloadError escapes, what was read renders and reads back the same, nothing takes long."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact import ffdata, ical_map, undated, vcard_map
from radicale_flowfact.calendar_filtering import calendar_matches
from radicale_flowfact.calendar_objects import read_object
from radicale_flowfact.contentlines import PayloadError, require_printable
from radicale_flowfact.expanding import TooManyError, expanded
from radicale_flowfact.filtering import BEGINNING, CompFilter, TimeRange
from radicale_flowfact.ical_reading import JOURNAL, Entry, parse
from radicale_flowfact.likeness import calendar_likeness, card_likeness
from radicale_flowfact.mending import mend
from radicale_flowfact.occurrences import require_countable, span
from radicale_flowfact.records import Activity, Address, Kind, Phone
from radicale_flowfact.recurrence import occurrences
from radicale_flowfact.settings import PHONE_SLOTS
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutating import payloads

BERLIN = ZoneInfo("Europe/Berlin")
STYLE = ical_map.Style(BERLIN)
SECONDS = 3.0
WEEK = TimeRange(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 8, tzinfo=UTC))
IN_WEEK = CompFilter("VCALENDAR", comps=(CompFilter("VEVENT", time_range=WEEK),))
RINGING = CompFilter("VCALENDAR", comps=(CompFilter("VEVENT", comps=(CompFilter("VALARM", time_range=WEEK),)),))


def test_contacts(fuzz: Fuzz) -> None:
    fuzz.run(check_contact, payloads(".vcf"), 300)


def test_calendar_objects(fuzz: Fuzz) -> None:
    fuzz.run(check_calendar_object, payloads(".ics"), 400)


def check_contact(text: str) -> None:
    """Read, render and read a contact again."""
    started = time.monotonic()
    try:
        require_printable("text", text)
        text, _ = mend(text, "name.vcf")
        card = vcard_map.parse(text, PHONE_SLOTS)
    except PayloadError:
        return
    numbers = tuple(Phone(position, phone.number) for position, phone in enumerate(card.phones, 1))
    values = {field.name: getattr(card.fields, field.name) for field in fields(card.fields)}
    address = Address("AD-1", "Kennung", phones=numbers[:8], **values)
    made = vcard_map.render(address, card.uid, card.sidecar, PHONE_SLOTS)
    again = vcard_map.parse(made, PHONE_SLOTS, card)
    assert again.fields == card.fields
    assert again.uid == card.uid
    card_likeness(text)
    assert time.monotonic() - started < SECONDS


def check_calendar_object(text: str) -> None:
    """Read, render, search and expand an entry, and read it again."""
    started = time.monotonic()
    try:
        require_printable("text", text)
        text, _ = mend(text, "name.ics")
        entry = parse(text, BERLIN)
    except PayloadError:
        return
    if not entry.recurring and entry.component != JOURNAL:
        check_rendering(entry)
    calendar_likeness(text, BERLIN)
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
        made, _ = expanded(text, BERLIN, WEEK.start, WEEK.start + timedelta(days=40), 1000)
    except TooManyError:  # each of them lasts for years
        made = ""
    except PayloadError:  # such an item is given as it is
        made = ""
        assert not any(one.first(name) for one in found.entries for name in ("DTSTART", "DUE"))
    if made:
        require_printable("text", made)
        read_object(made)
    assert time.monotonic() - started < SECONDS


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
    assert again.fields.note == ffdata.normalise(found.note)
    assert (again.fields.begin, again.fields.end, again.fields.all_day) == (found.begin, found.end, found.all_day)
    assert (again.fields.done, again.fields.priority) == (found.done, found.priority)
    if entry.component == "VTODO" and found.reminder is None:
        due = replace(activity, reminder=datetime(2026, 7, 1))
        shown = ical_map.render(due, "VTODO", entry.uid, (*entry.sidecar, undated.line_of(datetime(2026, 7, 1))), STYLE)
        assert parse(shown, BERLIN, entry).fields.reminder is None
    if entry.component == "VTODO" and found.done:
        return  # the time of completion that we tell is the device's own from then on
    assert ical_map.render(activity, again.component, again.uid, again.sidecar, STYLE) == made
