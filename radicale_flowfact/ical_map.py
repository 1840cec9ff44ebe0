"""Activity <-> VEVENT and VTODO (RFC 5545), rules 16 to 18, 20, 22, 24 to 26; reading is in ``ical_reading``.

Times are naive wall-clock times of the office. Lines that FlowFact has no field for go to the sidecar as they
came; ``render`` puts them back, except ORGANIZER and ATTENDEE, which are kept but never sent (rule 17: phones
would mail strangers). DTSTAMP and LAST-MODIFIED are made anew; SEQUENCE and CREATED are the client's.

A task has one time in FlowFact, its Vorlage: DUE here. The time of day of a DUE without an alarm does not
count in FlowFact and is kept as a sidecar line of our own, as is the form of a DUE without a time of day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact import ffdata
from radicale_flowfact.alarms import Frame, alarm_lines
from radicale_flowfact.contentlines import (
    escape,
    join_lines,
    parse_line,
    printable,
    require_printable,
)
from radicale_flowfact.ical_reading import ACCESS, CALENDAR, DUE, NOTE, OURS, note_mark, one_line
from radicale_flowfact.records import Activity
from radicale_flowfact.timezones import as_datetime, read_time, to_utc, vtimezone

_PRODID = "-//radicale-flowfact//EN"
_NEVER_SENT = frozenset({"ORGANIZER", "ATTENDEE"})
_EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = datetime(1753, 1, 1), datetime(9998, 12, 31)


@dataclass(frozen=True, slots=True)
class Style:
    """How entries look at this site: the office's zone, and the subject's template (rule 16)."""

    zone: ZoneInfo
    subject: str = "{kind}: {subject}"


def title(subject: str, kind: str, template: str) -> str:
    """Return the subject as devices show it, with the kind's name in it (rule 16)."""
    before, after = _around(kind, template)
    return f"{before}{subject}{after}" if kind else subject


def subject_of(summary: str, kind: str, template: str) -> str:
    """Cut the kind off a summary again; one that does not carry it is returned as it is (rule 16)."""
    before, after = _around(kind, template)
    text = summary.strip()
    if kind and text.split() == f"{before}{after}".split():
        return ""
    if not kind or not text.startswith(before.strip()) or not text.endswith(after.strip()):
        return text
    return text[len(before.strip()) : len(text) - len(after.strip()) or None].strip()


def _around(kind: str, template: str) -> tuple[str, str]:
    before, _, after = template.partition("{subject}")
    return before.replace("{kind}", kind), after.replace("{kind}", kind)


def render(activity: Activity, component: str, uid: str, sidecar: Sequence[str], style: Style) -> str:
    """Return an activity as a VEVENT or VTODO. The same input gives the same bytes.

    Raises ValueError for what no calendar can show: no or an impossible begin, an end before it, a control
    character (rule 28); ``minimal`` then makes the best of it.
    """
    for text in (activity.subject, activity.note, activity.kind.name):
        require_printable("text", text)
    build = _event_lines if component == "VEVENT" else _task_lines
    times, middle = build(activity, sidecar, style)
    summary = title(one_line(activity.subject), one_line(activity.kind.name), style.subject)
    description = ffdata.append(activity.note, activity.participants, activity.addresses)
    lines = [f"UID:{escape(uid)}", f"DTSTAMP:{_stamp(activity, style.zone)}", f"SUMMARY:{escape(summary)}"]
    if description:
        lines.append(f"DESCRIPTION:{escape(description)}")
    lines += [*middle, *_sent_sidecar(activity, component, sidecar)]
    zone = vtimezone(style.zone, min(times), max(times)) if times else []
    return join_lines(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{_PRODID}", *_calendar_lines(activity, sidecar)),
            *(*zone, f"BEGIN:{component}", *lines),
            *_alarms(activity, component, sidecar, style, escape(summary)),
            *(f"END:{component}", "END:VCALENDAR"),
        ]
    )


def _calendar_lines(activity: Activity, sidecar: Sequence[str]) -> list[str]:
    """Return the properties of the VCALENDAR that are the device's own, and Apple's word for private (rule 18)."""
    own = [entry.removeprefix(CALENDAR) for entry in sidecar if entry.startswith(CALENDAR)]
    told = any(_name(line) == ACCESS for line in [*own, *sidecar])
    return [*own, f"{ACCESS}:PRIVATE"] if activity.private and not told else own


def minimal(activity: Activity, component: str, uid: str, style: Style) -> str:
    """Return a valid entry whatever the record holds: texts cleaned, impossible times left out (rule 28)."""
    begin = _possible(activity.begin) or _possible(activity.touch) or _EPOCH
    end = _possible(activity.end)
    usable = replace(
        activity,
        begin=begin,
        end=end if end is not None and end >= begin else None,
        all_day=False,
        reminder=_possible(activity.reminder),
        reminder_has_time=activity.reminder_has_time and _possible(activity.reminder) is not None,
        subject=printable(activity.subject),
        note=printable(activity.note),
        kind=replace(activity.kind, name=printable(activity.kind.name)),
        participants=tuple(printable(name) for name in activity.participants),
        addresses=(),
        touch=_possible(activity.touch),
        priority=activity.priority if 0 <= activity.priority <= 9 else 0,
    )
    return render(usable, component, uid, (), style)


def time_range(activity: Activity, component: str, zone: ZoneInfo) -> tuple[int, int]:
    """Return start and end in Unix seconds for calendar-query (RFC 4791 §9.9); a moment lasts one second."""
    if component == "VTODO":
        begin = end = activity.reminder
    else:
        begin, end = activity.begin, activity.end
    if begin is None:
        return (-62135596800, 253402300800)
    if component == "VTODO" and not activity.reminder_has_time:
        end = begin + timedelta(days=1)
    first = int(to_utc(begin, zone).timestamp())
    return first, max(first + 1, int(to_utc(end or begin, zone).timestamp()))


def _event_lines(activity: Activity, sidecar: Sequence[str], style: Style) -> tuple[list[datetime], list[str]]:
    """Return the times that need the zone, and the lines of an event's own."""
    begin, end = activity.begin, activity.end
    if begin is None:
        raise ValueError("the appointment has no begin")
    for moment in (begin, end):
        _require_possible(moment)
    if end is not None and end < begin:
        raise ValueError("the appointment ends before it begins")
    if activity.all_day:
        last = end.date() if end is not None and end.date() > begin.date() else begin.date() + timedelta(days=1)
        if end is not None and end.time() != time.min:
            last = end.date() + timedelta(days=1)
        return [], [f"DTSTART;VALUE=DATE:{begin:%Y%m%d}", f"DTEND;VALUE=DATE:{last:%Y%m%d}"]
    lines = [_zoned("DTSTART", begin, style.zone)]
    if end is not None:
        lines.append(_zoned("DTEND", end, style.zone))
    return [begin, end or begin], lines


def _task_lines(activity: Activity, sidecar: Sequence[str], style: Style) -> tuple[list[datetime], list[str]]:
    reminder = activity.reminder
    lines: list[str] = []
    times: list[datetime] = []
    if reminder is not None:
        _require_possible(reminder)
        own = next((entry.removeprefix(DUE) for entry in sidecar if entry.startswith(DUE)), "")
        if own and _still_due(own, reminder, style.zone, has_time=activity.reminder_has_time):
            lines.append(own)
        elif activity.reminder_has_time:
            lines.append(_zoned("DUE", reminder, style.zone))
        else:
            lines.append(f"DUE;VALUE=DATE:{reminder:%Y%m%d}")
        times = [reminder] if f";TZID={style.zone.key}" in lines[0] else []
    if activity.priority:
        if not 0 < activity.priority <= 9:
            raise ValueError(f"the priority {activity.priority} is none")
        lines.append(f"PRIORITY:{activity.priority}")
    if activity.done:
        lines += ["STATUS:COMPLETED", "PERCENT-COMPLETE:100"]
    elif not any(_name(entry) == "STATUS" for entry in sidecar):
        lines.append("STATUS:NEEDS-ACTION")
    return times, lines


def _still_due(own: str, reminder: datetime, zone: ZoneInfo, *, has_time: bool) -> bool:
    """Whether the device's own DUE line still says what FlowFact has: the same day, and the form fits."""
    due = read_time(parse_line(own), zone, {})
    return as_datetime(due).date() == reminder.date() and has_time != isinstance(due, datetime)


def _sent_sidecar(activity: Activity, component: str, sidecar: Sequence[str]) -> list[str]:
    """Return the sidecar as it is sent: nobody to be mailed, no alarm of a done one, no note that is outdated."""
    same_note = NOTE + note_mark(ffdata.normalise(activity.note)) in sidecar
    sent: list[str] = []
    for entry in sidecar:
        name = _name(entry)
        hidden = name in _NEVER_SENT or entry.startswith(OURS) or (name == "X-ALT-DESC" and not same_note)
        if component == "VTODO":
            hidden = hidden or _is_outdated(activity, name, entry)
        if not hidden and not (activity.done and entry.startswith("BEGIN:VALARM")):
            sent.append(entry)
    if activity.private:
        names = {_name(entry) for entry in sent}
        sent += [] if "CLASS" in names else ["CLASS:PRIVATE"]
    return [line for entry in sent for line in entry.split("\n")]


def _is_outdated(activity: Activity, name: str, entry: str) -> bool:
    """Whether a task's sidecar line contradicts what FlowFact has now."""
    if name in ("STATUS", "PERCENT-COMPLETE"):
        return activity.done
    if name == "COMPLETED":
        return not activity.done
    if name == "DTSTART" and activity.reminder is not None:
        digits = entry.rpartition(":")[2][:8]
        return digits > f"{activity.reminder:%Y%m%d}"
    return False


def _alarms(activity: Activity, component: str, sidecar: Sequence[str], style: Style, summary: str) -> list[str]:
    if activity.done or not activity.reminder_has_time or activity.reminder is None:
        return []
    _require_possible(activity.reminder)
    begin, end = (activity.begin, activity.end) if component == "VEVENT" else (None, activity.reminder)
    return alarm_lines(activity.reminder, Frame(begin, end, style.zone, {}), sidecar, summary)


def _zoned(name: str, moment: datetime, zone: ZoneInfo) -> str:
    return f"{name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}"


def _stamp(activity: Activity, zone: ZoneInfo) -> str:
    touch = _possible(activity.touch) or _EPOCH
    return f"{to_utc(touch, zone):%Y%m%dT%H%M%SZ}"


def _name(entry: str) -> str:
    return entry.partition(":")[0].partition(";")[0].upper()


def _possible(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and _FIRST <= moment <= _LAST else None


def _require_possible(moment: datetime | None) -> None:
    if moment is not None and _possible(moment) is None:
        raise ValueError(f"the year {moment.year} is impossible")
