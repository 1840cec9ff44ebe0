"""Reads VEVENT and VTODO (RFC 5545): what FlowFact has a field for, and the sidecar of the rest. Pure functions.

A VJOURNAL is read, too, only to see that it is sound: FlowFact has no such thing.

The other direction, and what goes where, is in ``ical_map``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact import ffdata
from radicale_flowfact.alarms import Frame, read_alarms, shape_of, shifted, split_duration
from radicale_flowfact.calendar_objects import Component, read_object
from radicale_flowfact.contentlines import Line, PayloadError, parse_line, require_printable
from radicale_flowfact.timezones import as_datetime, is_repeated, read_time, require_yearly, to_local, to_utc

OURS = "X-FLOWFACT-"
"""Start of the sidecar lines of our own, which are never sent as they are."""
DUE, NOTE, CALENDAR = f"{OURS}DUE:", f"{OURS}NOTE:", f"{OURS}CALENDAR:"
"""A form of DUE, the note that an X-ALT-DESC was made for, a property of the VCALENDAR around the entry."""
DURATION = f"{OURS}DURATION:"
"""How long an event lasts, where the device said that and not when it ends."""
JOURNAL = "VJOURNAL"
"""A note of its own, which FlowFact has no place for."""
ACCESS = "X-CALENDARSERVER-ACCESS"
"""Apple's word for private; iOS writes it into the VCALENDAR, others into the entry."""

_MAPPED = frozenset(
    ["UID", "DTSTAMP", "LAST-MODIFIED", "SUMMARY", "DESCRIPTION", "DTSTART", "DTEND", "DURATION", "DUE", "PRIORITY"]
)
_OF_TASK_STATE = frozenset({"STATUS", "COMPLETED", "PERCENT-COMPLETE"})
_OF_CALENDAR = frozenset({"VERSION", "PRODID", "CALSCALE", "METHOD"})
_PRIVATE = frozenset({"PRIVATE", "CONFIDENTIAL", "RESTRICTED"})


@dataclass(frozen=True, slots=True)
class EntryFields:
    """What FlowFact has a field for; the names are those of ``Activity``, ``summary`` still holds the kind."""

    summary: str = ""
    note: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    all_day: bool = False
    reminder: datetime | None = None
    reminder_has_time: bool = False
    done: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, task or note taken apart. ``acknowledged``: when its alarm was, as office local time (rule 20)."""

    component: str
    uid: str
    fields: EntryFields
    sidecar: tuple[str, ...]
    private: bool
    recurring: bool
    acknowledged: datetime | None


def parse(text: str, zone: ZoneInfo, like: Entry | None = None) -> Entry:
    """Take an event, task or note apart. Raises PayloadError.

    ``like`` is the version the device had, or one of which only the sidecar is known: of several alarms, the
    one it had from us stays the mapped one.
    """
    found = read_object(text)
    require_yearly(found.zones.values())
    entry = found.entries[0]
    recurring = len(found.entries) > 1 or any(
        line.name in ("RRULE", "RDATE", "RECURRENCE-ID", "EXRULE") for line in entry.lines
    )
    result = _READERS[entry.name](entry, zone, found.zones, like)
    for name in ("summary", "note"):
        require_printable(name, getattr(result.fields, name))
    around = [line for line in found.properties if line.name not in _OF_CALENDAR and not line.name.startswith(OURS)]
    return replace(
        result,
        recurring=recurring,
        private=result.private or any(line.name == ACCESS and says_private(line.value) for line in around),
        sidecar=(*result.sidecar, *(CALENDAR + line.text for line in around)),
    )


def _read_event(entry: Component, zone: ZoneInfo, zones: dict[str, str], like: Entry | None) -> Entry:
    start = entry.first("DTSTART")
    if start is None:
        raise PayloadError("the event has no DTSTART")
    first = read_time(start, zone, zones)
    begin = as_datetime(first)
    all_day = not isinstance(first, datetime)
    end = _end(entry, begin, zone, zones)
    if not all_day and entry.text("X-MICROSOFT-CDO-ALLDAYEVENT").strip().upper() == "TRUE":
        all_day = begin.time() == time.min and end is not None and end.time() == time.min and end > begin
    if all_day and (end is None or end <= begin):
        end = begin + timedelta(days=1)
    if end is not None and begin - timedelta(hours=1) < end < begin and is_repeated(end, zone):
        end = begin  # from the first to the second time of the hour that autumn repeats; the clock goes back
    if end is not None and end < begin:
        raise PayloadError("the event ends before it begins")
    had = like.fields if like else EntryFields()
    expected = [had.reminder, shifted(had.reminder, had.begin, begin, zone)] if had.reminder else []
    alarms = read_alarms(entry, Frame(begin, end, zone, zones), expected, like.sidecar if like else ())
    fields = replace(
        _texts(entry),
        begin=begin,
        end=end,
        all_day=all_day,
        reminder=alarms.reminder,
        reminder_has_time=alarms.reminder is not None,
    )
    lasts = entry.first("DURATION") if entry.first("DTEND") is None else None
    kept = [DURATION + lasts.value.strip()] if lasts is not None else []
    return _entry(entry, fields, (*alarms.others, *shape_of(alarms), *kept), alarms.acknowledged)


def _end(entry: Component, begin: datetime, zone: ZoneInfo, zones: dict[str, str]) -> datetime | None:
    line, duration = entry.first("DTEND"), entry.first("DURATION")
    if line is not None:
        return as_datetime(read_time(line, zone, zones))
    return _later(begin, duration, zone) if duration is not None else None


def _later(begin: datetime, duration: Line, zone: ZoneInfo) -> datetime:
    """Return the end: days as the calendar has them, hours as they pass (RFC 5545 §3.3.6)."""
    days, rest = split_duration(duration.value)
    try:
        return to_local(to_utc(begin + days, zone) + rest, zone) if rest else begin + days
    except OverflowError as error:
        raise PayloadError(f"{duration.name} is too long") from error


def _read_task(entry: Component, zone: ZoneInfo, zones: dict[str, str], like: Entry | None) -> Entry:
    start, due, duration = entry.first("DTSTART"), entry.first("DUE"), entry.first("DURATION")
    begin = as_datetime(read_time(start, zone, zones)) if start else None
    due_time = read_time(due, zone, zones) if due else None
    if start is not None and due is None and duration is not None:
        due = _due_after(start, duration, zone, zones)
        due_time = read_time(due, zone, zones)
    moment = as_datetime(due_time) if due_time is not None else None
    expected = [like.fields.reminder if like else None, moment]
    alarms = read_alarms(entry, Frame(begin, moment, zone, zones), expected, like.sidecar if like else ())
    reminder, due_kept = _vorlage(due and _in_known_zone(due, due_time, zone), due_time, alarms.reminder)
    status, percent = entry.text("STATUS").strip().upper(), entry.text("PERCENT-COMPLETE").strip()
    done = status == "COMPLETED" or (not status and (entry.first("COMPLETED") is not None or percent == "100"))
    fields = replace(
        _texts(entry),
        reminder=reminder,
        reminder_has_time=alarms.reminder is not None,
        done=done,
        priority=_priority(entry),
    )
    kept = [*due_kept, *([_in_known_zone(start, begin, zone).text] if start is not None else [])]
    kept += [duration.text] if duration is not None and due_time is None else []
    kept += [line.text for line in entry.lines if line.name in _OF_TASK_STATE and _is_own_state(line)]
    return _entry(entry, fields, (*alarms.others, *shape_of(alarms, reminder), *kept), alarms.acknowledged)


def _read_note(entry: Component, zone: ZoneInfo, zones: dict[str, str], like: Entry | None) -> Entry:
    """Read a VJOURNAL (RFC 5545 §3.6.3), which need not have a time."""
    start = entry.first("DTSTART")
    fields = replace(_texts(entry), begin=None if start is None else as_datetime(read_time(start, zone, zones)))
    return _entry(entry, fields, (), None)


_READERS = {"VEVENT": _read_event, "VTODO": _read_task, JOURNAL: _read_note}


def _due_after(start: Line, duration: Line, zone: ZoneInfo, zones: dict[str, str]) -> Line:
    """Return the DUE that a task's DURATION means (RFC 5545 §3.6.2)."""
    begin = read_time(start, zone, zones)
    moment = _later(as_datetime(begin), duration, zone)
    if isinstance(begin, datetime) or moment.time() != time.min:
        return parse_line(f"DUE;TZID={zone.key}:{moment:%Y%m%dT%H%M%S}")
    return parse_line(f"DUE;VALUE=DATE:{moment:%Y%m%d}")


def start_of(task: Entry, zone: ZoneInfo) -> datetime | None:
    """Return when a task starts, as office local time: FlowFact has no field for it, so it is in the sidecar."""
    lines = [parse_line(text) for text in task.sidecar if text.startswith("DTSTART")]
    return as_datetime(read_time(lines[0], zone, {})) if lines else None


def _in_known_zone(line: Line, moment: date | None, zone: ZoneInfo) -> Line:
    """Return a line of time that can be read without the VTIMEZONE it came with, which is not kept (rule 24)."""
    try:
        read_time(line, zone, {})
    except PayloadError:
        return parse_line(f"{line.name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}")
    return line


def _vorlage(due: Line | None, due_time: date | None, alarm: datetime | None) -> tuple[datetime | None, list[str]]:
    """Return the Vorlage of a task, and the sidecar line that keeps a form of DUE which FlowFact has not."""
    if due is None or due_time is None:
        return alarm, []
    moment = as_datetime(due_time)
    if isinstance(due_time, datetime):
        if alarm is None and moment.time() != time.min:
            return datetime.combine(moment.date(), time.min), [DUE + due.text]
        return moment, []
    if alarm is None:
        return moment, []
    return alarm if alarm.date() == moment.date() else moment, [DUE + due.text]


def _is_own_state(line: Line) -> bool:
    """Whether a line of a task's state says more than FlowFact's done flag."""
    value = line.value.strip().upper()
    if line.name == "STATUS":
        return value not in ("COMPLETED", "NEEDS-ACTION")
    return line.name == "COMPLETED" or value not in ("0", "100")


def _priority(entry: Component) -> int:
    value = entry.text("PRIORITY").strip()
    return int(value) if value.isascii() and value.isdigit() and int(value) <= 9 else 0


def _texts(entry: Component) -> EntryFields:
    return EntryFields(summary=one_line(entry.text("SUMMARY")), note=ffdata.strip(entry.text("DESCRIPTION")))


def _entry(entry: Component, fields: EntryFields, sidecar: Sequence[str], acknowledged: datetime | None) -> Entry:
    skipped = _MAPPED | (_OF_TASK_STATE if entry.name == "VTODO" else frozenset())
    if entry.name == "VEVENT":
        skipped -= {"DUE", "PRIORITY"}
    kept = [line.text for line in entry.lines if line.name not in skipped and not line.name.startswith(OURS)]
    kept += [child.source() for child in entry.children if child.name != "VALARM"]
    if entry.first("X-ALT-DESC") is not None:
        kept.append(NOTE + note_mark(fields.note))
    private = any(says_private(entry.text(name)) for name in ("CLASS", ACCESS))
    return Entry(
        entry.name,
        entry.text("UID").strip(),
        fields,
        (*kept, *sidecar),
        private=private,
        recurring=False,
        acknowledged=acknowledged,
    )


def says_private(value: str) -> bool:
    """Return whether a CLASS, or Apple's word for it, hides an entry from others."""
    return value.strip().upper() in _PRIVATE


def one_line(text: str) -> str:
    """Return a text on one line, as a subject is."""
    return " ".join(text.split())


def note_mark(note: str) -> str:
    """Return the mark by which a note is recognised."""
    return hashlib.sha256(note.encode("utf-8", "surrogatepass")).hexdigest()[:16]
