"""Activity <-> VEVENT and VTODO (RFC 5545), rules 16 to 18, 20, 22, 24 to 26; reading is in ``ical_reading``.

Times are naive wall-clock times of the office. Lines that FlowFact has no field for go to the sidecar as they
came; ``render`` puts them back, except ORGANIZER and ATTENDEE, which are kept but never sent (rule 17: phones
would mail strangers). DTSTAMP and LAST-MODIFIED are made anew; SEQUENCE and CREATED are the client's.

A task has one time in FlowFact, its Vorlage: DUE here. The time of day of a DUE without an alarm does not
count in FlowFact and is kept as a sidecar line of our own, as is the form of a DUE without a time of day, and that
there is none (``undated``).
A done task without a COMPLETED of the device gets one from Touch: some clients go by that line alone.

What is not shown of the sidecar is missing in the version that the device is compared with, too: so it is
not among what the device took off, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact import ffdata, undated
from radicale_flowfact.alarms import SHAPE, Frame, alarm_lines, parse_duration, read_alarms
from radicale_flowfact.calendar_objects import Component
from radicale_flowfact.contentlines import (
    PayloadError,
    escape,
    join_lines,
    parse_line,
    printable,
    require_printable,
)
from radicale_flowfact.ical_reading import (
    ACCESS,
    CALENDAR,
    DUE,
    DURATION,
    NOTE,
    OURS,
    note_mark,
    one_line,
    says_private,
)
from radicale_flowfact.records import Activity
from radicale_flowfact.timezones import EVER, as_datetime, read_time, resolve, to_utc, tzid_of, vtimezone

_PRODID = "-//radicale-flowfact//EN"
_NEVER_SENT = frozenset({"ORGANIZER", "ATTENDEE"})
_OF_THE_FRAME = frozenset({"BEGIN", "END", "VERSION", "PRODID"})
_OF_RINGING = frozenset({"ACTION", "TRIGGER", "X-APPLE-DEFAULT-ALARM"})
_YEAR = re.compile(r"\d{4}")
_UTC = ZoneInfo("UTC")
_EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = datetime(1753, 1, 1), datetime(9998, 12, 31)


@dataclass(frozen=True, slots=True)
class Style:
    """How entries look at this site: the office's zone, and the subject's template (rule 16)."""

    zone: ZoneInfo
    subject: str = "{kind}: {subject}"


def title(subject: str, kind: str, template: str) -> str:
    """Return the subject as devices show it, with the kind's name in it (rule 16)."""
    kind = one_line(kind)
    before, after = _around(kind, template)
    return f"{before}{subject}{after}" if kind else subject


def subject_of(summary: str, kind: str, template: str) -> str:
    """Cut the kind off a summary again; one that does not carry it is returned as it is (rule 16)."""
    text, kind = one_line(summary), one_line(kind)
    if not kind:
        return text
    before, after = _around(kind, template)
    if text.split() == f"{before}{after}".split():
        return ""
    head, tail = one_line(before), one_line(after)
    if len(text) < len(head) + len(tail) or not text.startswith(head) or not text.endswith(tail):
        return text
    found = text[len(head) : len(text) - len(tail)]
    # "Terminal" is no "Termin" with the subject "al": where only a blank parts the two, it must be there.
    glued_head = head[-1:].isalnum() and before[-1].isspace() and not found.startswith(" ")
    glued_tail = tail[:1].isalnum() and after[0].isspace() and not found.endswith(" ")
    return text if glued_head or glued_tail else found.strip()


def kind_in(summary: str, subject: str, template: str) -> str:
    """Return the kind that a summary names beside a subject: FlowFact may call it otherwise meanwhile. Else empty."""
    pattern = re.escape(template).replace(r"\{kind\}", "(?P<kind>.+)", 1).replace(r"\{kind\}", "(?P=kind)")
    pattern = pattern.replace(r"\{subject\}", re.escape(one_line(subject)))
    found = re.fullmatch(pattern, one_line(summary))
    return found["kind"] if found and "kind" in found.groupdict() else ""


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
    known = [entry for entry in sidecar if _is_sound(entry)]
    build = _event_lines if component == "VEVENT" else _task_lines
    middle = build(activity, known, style)
    summary = title(one_line(activity.subject), one_line(activity.kind.name), style.subject)
    description = ffdata.append(activity.note, activity.participants, activity.addresses)
    lines = [f"UID:{escape(uid)}", f"DTSTAMP:{_stamp(activity, style.zone)}", f"SUMMARY:{escape(summary)}"]
    if description:
        lines.append(f"DESCRIPTION:{escape(description)}")
    frame = _frame(activity, component, known, style.zone)
    sent = _sent_sidecar(activity, component, known, frame)
    lines += [*middle, *(entry for entry in sent if not entry.startswith("BEGIN:"))]
    # Ours is the first of the alarms: so it is the mapped one, too, when our own text is read again.
    lines += _alarms(activity, known, frame, escape(summary))
    lines += [line for entry in sent if entry.startswith("BEGIN:") for line in entry.split("\n")]
    return join_lines(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{_PRODID}", *_calendar_lines(activity, known)),
            *(*_zones(lines), f"BEGIN:{component}", *lines, f"END:{component}", "END:VCALENDAR"),
        ]
    )


def _is_sound(entry: str) -> bool:
    """Whether a sidecar entry can be used: a line that only looks like ours, or tells of a zone lost, can not."""
    if entry.startswith(DUE):
        return _time_of(entry.removeprefix(DUE), "DUE") is not None
    if entry.startswith(DURATION):
        return _is_duration(entry.removeprefix(DURATION))
    if entry.startswith(SHAPE):
        # Mail goes to attendees only; what is left of such an alarm rings as a plain one.
        return entry.startswith(f"{SHAPE}BEGIN:VALARM\n") and not _mails(entry)
    if entry.startswith(CALENDAR):
        return _name(entry.removeprefix(CALENDAR)) not in _NEVER_SENT | _OF_THE_FRAME
    return True


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except PayloadError:
        return False
    return True


def _mails(entry: str) -> bool:
    """Whether a line, or any line of a component, names somebody to be mailed."""
    return any(_name(line) in _NEVER_SENT for line in entry.split("\n"))


def _time_of(text: str, name: str) -> date | datetime | None:
    """Return the time of a line of this name, or None if it is another or can not be read without its VTIMEZONE."""
    try:
        line = parse_line(text)
        return read_time(line, _UTC, {}) if line.name == name else None
    except PayloadError:
        return None


def _zones(lines: Sequence[str]) -> list[str]:
    """Return a VTIMEZONE for each TZID in the lines (RFC 5545 §3.2.19), right for the years they speak of."""
    years: dict[str, list[datetime]] = {}
    for line in (parse_line(text) for text in lines if "TZID=" in text.upper()):
        if found := _YEAR.match(line.value.strip()):
            years.setdefault(tzid_of(line), []).append(datetime(int(found[0]), 1, 1))
    described: list[str] = []
    for name, times in years.items():
        try:
            zone = resolve(name, {})
        except PayloadError:
            continue  # a line that FlowFact does not read; it came without a description, or lost it
        if isinstance(zone, ZoneInfo):
            described += vtimezone(zone, min(times), max(times), name)
    return described


def _calendar_lines(activity: Activity, sidecar: Sequence[str]) -> list[str]:
    """Return the properties of the VCALENDAR that are the device's own, and Apple's word for private (rule 18)."""
    own = [entry.removeprefix(CALENDAR) for entry in sidecar if entry.startswith(CALENDAR)]
    own = [line for line in own if not _denies_private(activity, line)]
    told = any(_name(line) == ACCESS and not _denies_private(activity, line) for line in [*own, *sidecar])
    return [*own, f"{ACCESS}:PRIVATE"] if activity.private and not told else own


def _denies_private(activity: Activity, line: str) -> bool:
    """Whether a line of the device calls public what FlowFact shows to this user alone (rule 18)."""
    return activity.private and _name(line) in ("CLASS", ACCESS) and not says_private(line.rpartition(":")[2])


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


def time_range(activity: Activity, component: str, zone: ZoneInfo, sidecar: Sequence[str] = ()) -> tuple[int, int]:
    """Return start and end in Unix seconds for calendar-query (RFC 4791 §9.9); a moment lasts one second."""
    if component == "VTODO":
        return _time_of_task(activity, zone, sidecar)
    begin, end = activity.begin, activity.end
    if begin is not None and activity.all_day:
        begin, end = (datetime.combine(day, time.min) for day in _days(begin, end))
    return EVER if begin is None else _seconds(begin, end, zone)


def _time_of_task(activity: Activity, zone: ZoneInfo, sidecar: Sequence[str]) -> tuple[int, int]:
    starts = _shown_time("DTSTART", activity, zone, sidecar)
    if undated.is_undated(activity, sidecar):
        if starts is None:
            created, completed = (_shown_time(name, activity, zone, sidecar) for name in ("CREATED", "COMPLETED"))
            if completed is None and activity.done:
                completed = _possible(activity.touch)
            return undated.span(_in_utc(created, zone), _in_utc(completed, zone))
        begin = as_datetime(starts)
        return _seconds(begin, begin if isinstance(starts, datetime) else begin + timedelta(days=1), zone)
    due = activity.reminder
    if due is None:
        return EVER
    end = due if activity.reminder_has_time else due + timedelta(days=1)
    return _seconds(due if starts is None else min(as_datetime(starts), due), end, zone)


def _in_utc(moment: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if moment is None else to_utc(as_datetime(moment), zone)


def _shown_time(name: str, activity: Activity, zone: ZoneInfo, sidecar: Sequence[str]) -> date | datetime | None:
    """Return the time, office local, of the first line of this name that a task is served with, or None."""
    for entry in sidecar:
        if _name(entry) == name and not _is_outdated(activity, name, entry):
            try:
                return read_time(parse_line(entry), zone, {})
            except PayloadError:
                return None
    return None


def _seconds(begin: datetime, end: datetime | None, zone: ZoneInfo) -> tuple[int, int]:
    first = int(to_utc(begin, zone).timestamp())
    return first, max(first + 1, int(to_utc(end or begin, zone).timestamp()))


def _event_lines(activity: Activity, sidecar: Sequence[str], style: Style) -> list[str]:
    """Return the times of an event, as lines."""
    begin, end = activity.begin, activity.end
    if begin is None:
        raise ValueError("the appointment has no begin")
    for moment in (begin, end):
        _require_possible(moment)
    if end is not None and end < begin:
        raise ValueError("the appointment ends before it begins")
    if activity.all_day:
        first, last = _days(begin, end)
        begin, end = as_datetime(first), as_datetime(last)
        lines = [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{last:%Y%m%d}"]
    else:
        lines = [_zoned("DTSTART", begin, style.zone)]
        lines += [_zoned("DTEND", end, style.zone)] if end is not None else []
    own = next((entry.removeprefix(DURATION) for entry in sidecar if entry.startswith(DURATION)), "")
    if own and end is not None and end - begin == parse_duration(own):
        lines[1:] = [f"DURATION:{own}"]
    return lines


def _days(begin: datetime, end: datetime | None) -> tuple[date, date]:
    """Return the first day of an all-day event and the one after its last."""
    last = end.date() if end is not None and end.date() > begin.date() else begin.date() + timedelta(days=1)
    if end is not None and end.time() != time.min:
        last = end.date() + timedelta(days=1)
    return begin.date(), last


def _task_lines(activity: Activity, sidecar: Sequence[str], style: Style) -> list[str]:
    """Return due date, priority and state of a task, as lines."""
    reminder = activity.reminder
    lines: list[str] = []
    if reminder is not None:
        _require_possible(reminder)
    if reminder is not None and not undated.is_undated(activity, sidecar):
        own = next((entry.removeprefix(DUE) for entry in sidecar if entry.startswith(DUE)), "")
        if own and _still_due(own, reminder, style.zone, has_time=activity.reminder_has_time):
            lines.append(own)
        elif activity.reminder_has_time:
            lines.append(_zoned("DUE", reminder, style.zone))
        else:
            lines.append(f"DUE;VALUE=DATE:{reminder:%Y%m%d}")
    if activity.priority:
        if not 0 < activity.priority <= 9:
            raise ValueError(f"the priority {activity.priority} is none")
        lines.append(f"PRIORITY:{activity.priority}")
    if activity.done:
        lines += ["STATUS:COMPLETED", "PERCENT-COMPLETE:100"]
        if _possible(activity.touch) and not any(_name(entry) == "COMPLETED" for entry in sidecar):
            lines.append(f"COMPLETED:{_stamp(activity, style.zone)}")
    elif not any(_name(entry) == "STATUS" for entry in sidecar):
        lines.append("STATUS:NEEDS-ACTION")
    return lines


def _still_due(own: str, reminder: datetime, zone: ZoneInfo, *, has_time: bool) -> bool:
    """Whether the device's own DUE line still says what FlowFact has: the same day, and the form fits."""
    due = read_time(parse_line(own), zone, {})
    return as_datetime(due).date() == reminder.date() and has_time != isinstance(due, datetime)


def _sent_sidecar(activity: Activity, component: str, sidecar: Sequence[str], frame: Frame) -> list[str]:
    """Return the sidecar's entries that are sent: nobody to be mailed, no note that is outdated.

    Without an alarm in FlowFact none that rings is sent (rules 7 and 16), and of a done one none at all.
    """
    same_note = NOTE + note_mark(ffdata.normalise(activity.note)) in sidecar
    sent: list[str] = []
    for entry in sidecar:
        name = _name(entry)
        hidden = _mails(entry) or entry.startswith(OURS) or (name == "X-ALT-DESC" and not same_note)
        hidden = hidden or _denies_private(activity, entry)
        if component == "VTODO":
            hidden = hidden or _is_outdated(activity, name, entry)
        if entry.startswith("BEGIN:VALARM"):
            hidden = hidden or activity.done or (not activity.reminder_has_time and _rings(entry, frame))
        if not hidden:
            sent.append(entry)
    if activity.private:
        names = {_name(entry) for entry in sent}
        sent += [] if "CLASS" in names else ["CLASS:PRIVATE"]
    return sent


def _rings(entry: str, frame: Frame) -> bool:
    """Whether a further alarm would be taken for FlowFact's if that is not there."""
    lines = [parse_line(text) for text in entry.split("\n")]
    alarm = Component("VALARM", [line for line in lines if line.name in _OF_RINGING])
    return read_alarms(Component("VEVENT", children=[alarm]), frame).reminder is not None


def _is_outdated(activity: Activity, name: str, entry: str) -> bool:
    """Whether a task's sidecar line contradicts what FlowFact has now."""
    if name in ("STATUS", "PERCENT-COMPLETE"):
        return activity.done
    if name == "COMPLETED":
        return not activity.done
    if name == "DTSTART":
        if _time_of(entry, name) is None:
            return True
        return activity.reminder is not None and entry.rpartition(":")[2].strip()[:8] > f"{activity.reminder:%Y%m%d}"
    return False


def _frame(activity: Activity, component: str, sidecar: Sequence[str], zone: ZoneInfo) -> Frame:
    """Return the times that alarms are relative to."""
    if component == "VEVENT" and activity.all_day and activity.begin is not None:
        first, last = _days(activity.begin, activity.end)
        return Frame(as_datetime(first), as_datetime(last), zone, {})
    if component == "VEVENT":
        return Frame(activity.begin, activity.end, zone, {})
    return Frame(None, None if undated.is_undated(activity, sidecar) else activity.reminder, zone, {})


def _alarms(activity: Activity, sidecar: Sequence[str], frame: Frame, summary: str) -> list[str]:
    if activity.done or not activity.reminder_has_time or activity.reminder is None:
        return []
    _require_possible(activity.reminder)
    return alarm_lines(activity.reminder, frame, sidecar, summary)


def _zoned(name: str, moment: datetime, zone: ZoneInfo) -> str:
    return f"{name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}"


def _stamp(activity: Activity, zone: ZoneInfo) -> str:
    touch = _possible(activity.touch) or _EPOCH
    return f"{to_utc(touch, zone):%Y%m%dT%H%M%SZ}"


def _name(entry: str) -> str:
    return entry.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()


def _possible(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and _FIRST <= moment <= _LAST else None


def _require_possible(moment: datetime | None) -> None:
    if moment is not None and _possible(moment) is None:
        raise ValueError(f"the year {moment.year} is impossible")
