"""Reads VEVENT and VTODO (RFC 5545): what FlowFact has a field for, and the sidecar of the rest. Pure functions.

A VJOURNAL is read only to validate it: FlowFact has no record for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import Component, read_object
from radicale_flowfact.content.contentlines import Line, PayloadError, parse_line, require_printable
from radicale_flowfact.content.durations import split_duration
from radicale_flowfact.content.timezones import (
    UnstorableError,
    as_datetime,
    is_ambiguous,
    read_plain,
    read_time,
    read_wall_time,
    require_yearly_rules,
    to_local,
    to_utc,
)
from radicale_flowfact.content.words import one_line, seen
from radicale_flowfact.maps import ffdata, repeated_hour, undated_tasks
from radicale_flowfact.maps.alarms import TriggerAnchors, kept_alarm_lines, moved_reminder, read_alarms
from radicale_flowfact.maps.ical_fields import (
    ACCESS,
    CALENDAR,
    DUE,
    DURATION,
    JOURNAL,
    SIDECAR_PREFIX,
    Entry,
    EntryFields,
    is_private_class,
)
from radicale_flowfact.maps.ical_sidecar import styled_prefix, twin_marks

_MAPPED = frozenset(
    ["UID", "DTSTAMP", "LAST-MODIFIED", "SUMMARY", "DESCRIPTION", "DTSTART", "DTEND", "DURATION", "DUE", "PRIORITY"]
)
_TASK_STATE = frozenset({"STATUS", "COMPLETED", "PERCENT-COMPLETE"})
_CALENDAR_DEFAULTS = frozenset({"VERSION", "PRODID", "CALSCALE", "METHOD"})


def parse(text: str, zone: ZoneInfo, base: Entry | None = None) -> Entry:
    """Parse an event, task or note. Raises PayloadError.

    ``base`` is the version that the device had, or one of which only the sidecar is known: of several alarms, the one
    that was rendered for FlowFact's reminder stays the mapped one.
    """
    found = read_object(text)
    require_yearly_rules(found.zones.values())
    entry = found.entries[0]
    recurring = len(found.entries) > 1 or any(
        line.name in ("RRULE", "RDATE", "RECURRENCE-ID", "EXRULE") for line in entry.lines
    )
    try:
        result = _READERS[entry.name](entry, zone, found.zones, base)
    except UnstorableError as error:
        result = replace(_entry(entry, _texts(entry), (), None, base), impossible=str(error))
    for name in ("summary", "note"):
        require_printable(name, getattr(result.fields, name))
    own = [line for line in found.properties if line.name not in _CALENDAR_DEFAULTS]
    calendar_lines = [line for line in own if not line.name.startswith(SIDECAR_PREFIX)]
    return replace(
        result,
        recurring=recurring,
        private=result.private or any(line.name == ACCESS and is_private_class(line.value) for line in calendar_lines),
        sidecar=(*result.sidecar, *(CALENDAR + line.text for line in calendar_lines)),
    )


def _read_event(entry: Component, zone: ZoneInfo, zones: dict[str, str], base: Entry | None) -> Entry:
    start = entry.first("DTSTART")
    if start is None:
        raise PayloadError("the event has no DTSTART")
    first = read_time(start, zone, zones)
    begin = as_datetime(first)
    all_day = not isinstance(first, datetime)
    end = _end(entry, first, zone, zones)
    if not all_day and entry.text("X-MICROSOFT-CDO-ALLDAYEVENT").strip().upper() == "TRUE":
        all_day = begin.time() == time.min and end is not None and end.time() == time.min and end > begin
    if all_day and (end is None or end <= begin):
        end = begin + timedelta(days=1)
    if all_day and end is not None and end.time() != time.min:  # days and hours of a DURATION: it ends with that day
        end = datetime.combine(end.date() + timedelta(days=1), time.min)
    twice: list[str] = []
    is_backwards = False
    if not all_day and end is not None and (is_ambiguous(begin, zone) or is_ambiguous(end, zone)):
        instants = _instants(entry, start, zone, zones)
        is_backwards = instants[1] < instants[0]
        begin, end = repeated_hour.local_times(instants, zone)
        twice = repeated_hour.lines_of(instants, zone)
    if end is not None and (end < begin or is_backwards):
        raise PayloadError("the event ends before it begins")
    had = base.fields if base else EntryFields()
    expected = [had.reminder, moved_reminder(had.reminder, had.begin, begin, zone)] if had.reminder else []
    alarms = read_alarms(entry, TriggerAnchors(begin, end, zone, zones), expected, base.sidecar if base else ())
    fields = replace(
        _texts(entry),
        begin=begin,
        end=end,
        all_day=all_day,
        reminder=alarms.reminder,
        reminder_has_time=alarms.reminder is not None,
    )
    length = entry.first("DURATION") if entry.first("DTEND") is None else None
    kept = twice + ([DURATION + length.value.strip()] if length is not None else [])
    return _entry(entry, fields, (*alarms.others, *kept_alarm_lines(alarms), *kept), alarms.acknowledged, base)


def _end(entry: Component, first: date, zone: ZoneInfo, zones: dict[str, str]) -> datetime | None:
    """Return the end of an event that begins at ``first``, a day or a time; None if it says none."""
    line, duration = entry.first("DTEND"), entry.first("DURATION")
    if line is not None:
        is_time = isinstance(first, datetime)
        return as_datetime(read_time(line, zone, zones)) if is_time else _end_of_days(line)
    return _end_after(as_datetime(first), duration, zone) if duration is not None else None


def _instants(entry: Component, start: Line, zone: ZoneInfo, zones: dict[str, str]) -> repeated_hour.Instants:
    """Return begin and end of an event, in UTC; of two times by the clock, the end is the later (RFC 5545 §3.6.1)."""
    begin = _instant(start, zone, zones)
    line, duration = entry.first("DTEND"), entry.first("DURATION")
    if line is not None:
        end = _instant(line, zone, zones)
        later = _instant(line, zone, zones, fold=1)
        return begin, later if end < begin else end
    days, rest = split_duration(duration.value) if duration is not None else (timedelta(0), timedelta(0))
    wall, own_zone = read_wall_time(start, zone, zones)
    return begin, ((as_datetime(wall) + days).replace(tzinfo=own_zone) if days else begin).astimezone(UTC) + rest


def _instant(line: Line, zone: ZoneInfo, zones: dict[str, str], fold: int = 0) -> datetime:
    wall, own_zone = read_wall_time(line, zone, zones)
    return as_datetime(wall).replace(tzinfo=own_zone, fold=fold).astimezone(UTC)


def _end_of_days(line: Line) -> datetime:
    """Return the end of days: of a time beside a DATE only the day was meant, whatever its zone (RFC 5545 §3.6.1)."""
    found = read_plain(line)
    if isinstance(found, datetime) and found.time() != time.min:
        return datetime.combine(found.date() + timedelta(days=1), time.min)
    return datetime.combine(found, time.min)


def _end_after(begin: datetime, duration: Line, zone: ZoneInfo) -> datetime:
    """Return begin plus DURATION: days in wall-clock time, hours in exact time (RFC 5545 §3.3.6)."""
    days, rest = split_duration(duration.value)
    try:
        return to_local(to_utc(begin + days, zone) + rest, zone) if rest else begin + days
    except OverflowError as error:
        raise PayloadError(f"{duration.name} is too long") from error


def _read_task(entry: Component, zone: ZoneInfo, zones: dict[str, str], base: Entry | None) -> Entry:
    start, due, duration = entry.first("DTSTART"), entry.first("DUE"), entry.first("DURATION")
    begin = _start(start, zone, zones)
    due_time = read_time(due, zone, zones) if due else None
    if begin is not None and start is not None and due is None and duration is not None:
        with suppress(PayloadError):  # it stays as it came
            due = _due_after(start, duration, zone, zones)
            due_time = read_time(due, zone, zones)
    moment = as_datetime(due_time) if due_time is not None else None
    expected = [base.fields.reminder if base else None, moment]
    alarms = read_alarms(entry, TriggerAnchors(begin, moment, zone, zones), expected, base.sidecar if base else ())
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
    if begin is not None and due is None and alarms.reminder is not None:
        kept.append(undated_tasks.line_of_alarm(alarms.reminder))
    kept += [line.text for line in entry.lines if line.name in _TASK_STATE and _is_own_state(line)]
    return _entry(
        entry, fields, (*alarms.others, *kept_alarm_lines(alarms, reminder), *kept), alarms.acknowledged, base
    )


def _start(line: Line | None, zone: ZoneInfo, zones: dict[str, str]) -> datetime | None:
    """Return DTSTART of a task or note, for which FlowFact has no field: unreadable, it is as if there were none."""
    try:
        return None if line is None else as_datetime(read_time(line, zone, zones))
    except PayloadError:
        return None


def _read_note(entry: Component, zone: ZoneInfo, zones: dict[str, str], base: Entry | None) -> Entry:
    """Read a VJOURNAL (RFC 5545 §3.6.3), which need not have a time."""
    fields = replace(_texts(entry), begin=_start(entry.first("DTSTART"), zone, zones))
    return _entry(entry, fields, (), None, base)


_READERS = {"VEVENT": _read_event, "VTODO": _read_task, JOURNAL: _read_note}


def _due_after(start: Line, duration: Line, zone: ZoneInfo, zones: dict[str, str]) -> Line:
    """Return the DUE line that DTSTART and DURATION of a task are equal to (RFC 5545 §3.6.2)."""
    begin = read_time(start, zone, zones)
    moment = _end_after(as_datetime(begin), duration, zone)
    if isinstance(begin, datetime) or moment.time() != time.min:
        return parse_line(f"DUE;TZID={zone.key}:{moment:%Y%m%dT%H%M%S}")
    return parse_line(f"DUE;VALUE=DATE:{moment:%Y%m%d}")


def start_of(task: Entry, zone: ZoneInfo) -> datetime | None:
    """Return a task's DTSTART as office local time, read from the sidecar: FlowFact has no column for it."""
    return _start(next((parse_line(text) for text in task.sidecar if text.startswith("DTSTART")), None), zone, {})


def _in_known_zone(line: Line, moment: date | None, zone: ZoneInfo) -> Line:
    """Return a line of time in a zone that needs no VTIMEZONE of its own, which is not kept (rule 24)."""
    try:
        read_time(line, zone, {})
    except PayloadError:
        if moment is None:
            return line  # it cannot be read at all
        return parse_line(f"{line.name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}")
    return line


def _vorlage(due: Line | None, due_time: date | None, alarm: datetime | None) -> tuple[datetime | None, list[str]]:
    """Return the Vorlage of a task, and the sidecar line of a DUE whose form FlowFact cannot hold."""
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
    """Return whether a line of a task's state holds more than FlowFact's done flag."""
    value = line.value.strip().upper()
    if line.name == "STATUS":
        return value not in ("COMPLETED", "NEEDS-ACTION")
    return line.name == "COMPLETED" or value not in ("0", "100")


def _priority(entry: Component) -> int:
    value = entry.text("PRIORITY").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 and int(value) <= 9 else 0


def _texts(entry: Component) -> EntryFields:
    return EntryFields(summary=one_line(seen(entry.text("SUMMARY"))), note=ffdata.strip(entry.text("DESCRIPTION")))


def _entry(
    entry: Component,
    fields: EntryFields,
    sidecar: Sequence[str],
    acknowledged: datetime | None,
    base: Entry | None,
) -> Entry:
    skipped = _MAPPED | (_TASK_STATE if entry.name == "VTODO" else frozenset())
    if entry.name == "VEVENT":
        skipped -= {"DUE", "PRIORITY"}
    kept = [line.text for line in entry.lines if line.name not in skipped and not line.name.startswith(SIDECAR_PREFIX)]
    kept += [child.source() for child in entry.children if child.name != "VALARM"]
    kept += twin_marks(kept, entry.text("DESCRIPTION"), base.sidecar if base else ())
    kept += styled_prefix(entry.first("DESCRIPTION"), base.sidecar if base else ())
    private = any(is_private_class(entry.text(name)) for name in ("CLASS", ACCESS))
    return Entry(
        entry.name,
        entry.text("UID").strip(),
        fields,
        (*kept, *sidecar),
        private=private,
        recurring=False,
        acknowledged=acknowledged,
    )
