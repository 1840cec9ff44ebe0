"""Renders an Activity as a VEVENT or VTODO (RFC 5545) and puts the sidecar back (rules 7, 16 to 18, 22, 24, 25, 28)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from radicale_flowfact.content.contentlines import (
    PayloadError,
    escape,
    join_lines,
    parse_line,
    printable,
    require_printable,
)
from radicale_flowfact.content.durations import parse_duration
from radicale_flowfact.content.timezones import as_datetime, read_time, resolve_tzid, tzid_of, vtimezone
from radicale_flowfact.content.words import one_line
from radicale_flowfact.maps import ffdata, repeated_hour, undated_tasks
from radicale_flowfact.maps.alarms import TriggerAnchors, alarm_lines
from radicale_flowfact.maps.ical_fields import DUE, DURATION
from radicale_flowfact.maps.ical_sidecar import (
    calendar_lines,
    description_prefix,
    is_usable,
    no_place,
    place_line,
    property_name,
    sent_sidecar,
)
from radicale_flowfact.maps.ical_summaries import summary_of
from radicale_flowfact.maps.ical_times import (
    EPOCH,
    all_day_dates,
    local_time_line,
    representable,
    require_representable,
    touch_in_utc,
)
from radicale_flowfact.records import Activity

_PRODID = "-//radicale-flowfact//EN"
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Style:
    """Holds the settings of rendering: the office's zone, the template of SUMMARY (rule 16), if a place is told."""

    zone: ZoneInfo
    subject: str = "{kind}: {subject}"
    tells_place: bool = True


def render(activity: Activity, component: str, uid: str, sidecar: Sequence[str], style: Style) -> str:
    """Return an activity as a VEVENT or VTODO. The same input gives the same bytes.

    Raises ValueError for what no calendar object can hold: no begin or one outside the range, an end before it, a
    control character (rule 28); ``minimal`` renders such a record.
    """
    for text in (activity.subject, activity.note, activity.kind.name):
        require_printable("text", text)
    known = [entry for entry in sidecar if is_usable(entry)]
    build = _event_lines if component == "VEVENT" else _task_lines
    middle = build(activity, known, style)
    summary = summary_of(one_line(activity.subject), one_line(activity.kind.name), style.subject)
    description = ffdata.append(activity.note, activity.participants, activity.addresses)
    lines = [f"UID:{escape(uid)}", f"DTSTAMP:{touch_in_utc(activity, style.zone)}", f"SUMMARY:{escape(summary)}"]
    if description:
        lines.append(f"{description_prefix(known, description)}:{escape(description)}")
    anchors = _trigger_anchors(activity, component, known, style.zone)
    place = _place(activity, component, known, style)
    if place:
        lines.append(f"LOCATION:{escape(place)}")
    sent = sent_sidecar(activity, component, known, anchors, description, place)
    lines += [*middle, *(entry for entry in sent if not entry.startswith("BEGIN:"))]
    # FlowFact's alarm is the first, so that it is the mapped one when the rendered text is parsed.
    lines += _alarms(activity, known, anchors, escape(summary))
    lines += [line for entry in sent if entry.startswith("BEGIN:") for line in entry.split("\n")]
    return join_lines(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{_PRODID}", *calendar_lines(activity, known)),
            *(*_zones(lines), f"BEGIN:{component}", *lines, f"END:{component}", "END:VCALENDAR"),
        ]
    )


def place_of(activity: Activity, component: str, style: Style) -> str:
    """Return where FlowFact says that an appointment takes place, or an empty text."""
    return ffdata.place(activity.addresses) if style.tells_place and component == "VEVENT" else ""


def _place(activity: Activity, component: str, sidecar: Sequence[str], style: Style) -> str:
    """Return FlowFact's place, if the device has none of its own and did not take that one off."""
    place = "" if place_line(sidecar) else place_of(activity, component, style)
    return "" if no_place(place) in sidecar else place


def _zones(lines: Sequence[str]) -> list[str]:
    """Return a VTIMEZONE for each TZID in the lines (RFC 5545 §3.2.19), valid for the years in them."""
    years: dict[str, list[datetime]] = {}
    for line in (parse_line(text) for text in lines if "TZID=" in text.upper()):
        found = _YEAR.match(line.value.strip()) if line.param("TZID") else None
        if found and int(found[0]):
            years.setdefault(tzid_of(line), []).append(datetime(int(found[0]), 1, 1))
    described: list[str] = []
    for name, times in years.items():
        try:
            zone = resolve_tzid(name, {})
        except PayloadError:
            continue  # of a line that is not mapped: its VTIMEZONE was not sent, or is not kept
        if isinstance(zone, ZoneInfo):
            described += vtimezone(zone, min(times), max(times), name)
    return described


def minimal(activity: Activity, component: str, uid: str, style: Style) -> str:
    """Return a valid entry of any record: without control characters and times outside the range (rule 28)."""
    begin = representable(activity.begin) or representable(activity.touch) or EPOCH
    end = representable(activity.end)
    usable = replace(
        activity,
        begin=begin,
        end=end if end is not None and end >= begin else None,
        all_day=False,
        reminder=representable(activity.reminder),
        reminder_has_time=activity.reminder_has_time and representable(activity.reminder) is not None,
        subject=printable(activity.subject),
        note=printable(activity.note),
        kind=replace(activity.kind, name=printable(activity.kind.name)),
        participants=tuple(printable(name) for name in activity.participants),
        addresses=(),
        touch=representable(activity.touch),
        priority=activity.priority if 0 <= activity.priority <= 9 else 0,
    )
    return render(usable, component, uid, (), style)


def _event_lines(activity: Activity, sidecar: Sequence[str], style: Style) -> list[str]:
    """Return DTSTART, and DTEND or DURATION, of an event. Raises ValueError (rule 28)."""
    begin, end = activity.begin, activity.end
    if begin is None:
        raise ValueError("the appointment has no begin")
    for moment in (begin, end):
        require_representable(moment)
    if end is not None and end < begin:
        raise ValueError("the appointment ends before it begins")
    if activity.all_day:
        first, last = all_day_dates(begin, end)
        begin, end = as_datetime(first), as_datetime(last)
        lines = [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{last:%Y%m%d}"]
    else:
        exact = None if end is None else repeated_hour.meant(begin, end, sidecar, style.zone)
        lines = [local_time_line("DTSTART", begin, style.zone)]
        lines += [local_time_line("DTEND", end, style.zone)] if end is not None else []
        if exact is not None:
            lines = [f"DTSTART:{exact[0]:%Y%m%dT%H%M%SZ}", f"DTEND:{exact[1]:%Y%m%dT%H%M%SZ}"]
    own = next((entry.removeprefix(DURATION) for entry in sidecar if entry.startswith(DURATION)), "")
    if own and end is not None and end - begin == parse_duration(own):
        lines[1:] = [f"DURATION:{own}"]
    return lines


def _task_lines(activity: Activity, sidecar: Sequence[str], style: Style) -> list[str]:
    """Return DUE, PRIORITY and the lines of the state of a task (rule 22). Raises ValueError (rule 28)."""
    reminder = activity.reminder
    lines: list[str] = []
    if reminder is not None:
        require_representable(reminder)
    if reminder is not None and not undated_tasks.is_undated(activity, sidecar):
        own = next((entry.removeprefix(DUE) for entry in sidecar if entry.startswith(DUE)), "")
        if own and _still_due(own, reminder, style.zone, has_time=activity.reminder_has_time):
            lines.append(own)
        elif activity.reminder_has_time:
            lines.append(local_time_line("DUE", reminder, style.zone))
        else:
            lines.append(f"DUE;VALUE=DATE:{reminder:%Y%m%d}")
    if activity.priority:
        if not 0 < activity.priority <= 9:
            raise ValueError(f"the priority {activity.priority} is none")
        lines.append(f"PRIORITY:{activity.priority}")
    if activity.done:
        lines += ["STATUS:COMPLETED", "PERCENT-COMPLETE:100"]
        if representable(activity.touch) and not any(property_name(entry) == "COMPLETED" for entry in sidecar):
            lines.append(f"COMPLETED:{touch_in_utc(activity, style.zone)}")
    elif not any(property_name(entry) == "STATUS" for entry in sidecar):
        lines.append("STATUS:NEEDS-ACTION")
    return lines


def _still_due(own: str, reminder: datetime, zone: ZoneInfo, *, has_time: bool) -> bool:
    """Return whether the device's DUE line agrees with the Vorlage: the same day, a time of day in one of both only."""
    due = read_time(parse_line(own), zone, {})
    return as_datetime(due).date() == reminder.date() and has_time != isinstance(due, datetime)


def _trigger_anchors(activity: Activity, component: str, sidecar: Sequence[str], zone: ZoneInfo) -> TriggerAnchors:
    """Return the times that alarms are relative to."""
    if component == "VEVENT" and activity.all_day and activity.begin is not None:
        first, last = all_day_dates(activity.begin, activity.end)
        return TriggerAnchors(as_datetime(first), as_datetime(last), zone, {})
    if component == "VEVENT":
        return TriggerAnchors(activity.begin, activity.end, zone, {})
    return TriggerAnchors(None, None if undated_tasks.is_undated(activity, sidecar) else activity.reminder, zone, {})


def _alarms(activity: Activity, sidecar: Sequence[str], anchors: TriggerAnchors, summary: str) -> list[str]:
    if activity.done or not activity.reminder_has_time or activity.reminder is None:
        return []
    require_representable(activity.reminder)
    return alarm_lines(activity.reminder, anchors, sidecar, summary)
