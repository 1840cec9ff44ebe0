"""Alarms: the one VALARM that FlowFact's Vorlage stands for, and those that stay with the device (rules 16, 20, 22).

The mapped VALARM is kept whole (sound, acknowledgement, Apple's ids) in the sidecar entry ``KEPT_ALARM``,
and is rendered with the time that FlowFact has. A task has one time in FlowFact, which is its DUE: an alarm of a task
at another time is kept with its trigger and marked with the DUE that it was made for; it rings by that trigger while
that DUE stays the same.

=======================================  ==========================  ========================================
form of the alarm                        seen from                   what it becomes
=======================================  ==========================  ========================================
TRIGGER relative to the start            DAVx5, macOS, Thunderbird,  the Vorlage, with time
                                         Evolution, Exchange, Google
TRIGGER;RELATED=END                      Thunderbird 153 (an event), the Vorlage, computed from the end or DUE
                                         Thunderbird (a task)
TRIGGER;VALUE=DATE-TIME                  macOS 10.8 Reminders        the Vorlage
any of them, of a task with a DUE at     Thunderbird                 DUE is the Vorlage; the alarm stays as it
another time                                                         was while the Vorlage does
several VALARMs                          DAVx5, Thunderbird, Google  the one the device had from us, also when
                                                                     the entry moved, else the first that is new;
                                                                     the others stay with the device
ACTION:NONE, X-APPLE-DEFAULT-ALARM,      macOS 10.9, iOS 12          stays with the device: no alarm rings by
a year before 1980                                                   it
ACTION:EMAIL                             Google, Nextcloud           stays with the device: a mail rings nowhere
ACKNOWLEDGED, X-MOZ-LASTACK              macOS 10.9, eM Client,      kept; at or after the end of a past
                                         Thunderbird                 appointment: done (rule 20)
X-MOZ-SNOOZE-TIME, a second VALARM with  Lightning; RFC 9074 §7      snoozed: stays with the device, the
RELATED-TO                                                           Vorlage does not move
the VALARM taken off                     eM Client (dismissed), any  Vorlage without time; of a past
                                                                     appointment: done (rule 20)
=======================================  ==========================  ========================================

"Seen" is what the payloads show that clients wrote; Outlook writes none itself, its Exchange writes the first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import Component
from radicale_flowfact.content.contentlines import Line, PayloadError, parse_line
from radicale_flowfact.content.durations import parse_duration
from radicale_flowfact.content.timezones import as_datetime, read_time, to_local, to_utc

KEPT_ALARM = "X-FLOWFACT-ALARM:"
_MADE_FOR = "X-FLOWFACT-MADE-FOR"  # in a task's kept alarm: the DUE for which its own trigger is used
_PLAIN = frozenset({"ACTION", "DESCRIPTION", "TRIGGER"})
_DUMMY_BEFORE = 1980  # Apple writes a TRIGGER of 1976 into an alarm that must not ring


_TimedAlarm = tuple[Component, datetime]


@dataclass(frozen=True, slots=True)
class TriggerAnchors:
    """Holds the times that a TRIGGER may be relative to, as office local times; ``end`` of a task is its DUE."""

    begin: datetime | None
    end: datetime | None
    zone: ZoneInfo
    own_zones: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alarms:
    """Holds the mapped alarm and its time (None: none), the last ACKNOWLEDGED, and the texts of the other alarms."""

    mapped: Component | None
    reminder: datetime | None
    acknowledged: datetime | None
    others: tuple[str, ...]


def read_alarms(
    entry: Component, anchors: TriggerAnchors, expected: Sequence[datetime | None] = (), own: Sequence[str] = ()
) -> Alarms:
    """Find the mapped alarm: one at an ``expected`` time, else the first that rings and is not in the sidecar ``own``.

    ``own``: the sidecar of the version that the device had.
    """
    alarms = [child for child in entry.children if child.name == "VALARM"]
    ringing = [alarm for alarm in alarms if alarm.text("ACTION").strip().upper() != "EMAIL"]  # a mail rings nowhere
    times = [(alarm, when) for alarm in ringing if (when := _trigger_time(alarm, anchors)) is not None]
    times = [pair for pair in times if not _is_snooze(pair[0])] or times
    awaited = [pair for moment in expected for pair in times if pair[1] == moment]
    mapped, rings = next(iter([*awaited, *_without_device_alarms(times, own), *times]), (None, None))
    acknowledged = [entry.first("X-MOZ-LASTACK"), mapped.first("ACKNOWLEDGED") if mapped else None]
    moments = [when for line in acknowledged if line and (when := _acknowledged(line, anchors)) is not None]
    others = tuple(alarm.source() for alarm in alarms if alarm is not mapped)
    return Alarms(mapped, rings, max(moments, default=None), others)


def _is_snooze(alarm: Component) -> bool:
    """Return whether an alarm is the snoozed repetition of another one (RFC 9074 §7)."""
    related = alarm.first("RELATED-TO")
    return related is not None and "SNOOZE" in (value.upper() for value in related.param("RELTYPE"))


def _without_device_alarms(times: Sequence[_TimedAlarm], own: Sequence[str]) -> list[_TimedAlarm]:
    """Return the alarms without those of the device's sidecar: of the same text, else of the same TRIGGER."""
    by_source, by_trigger = defaultdict[str, deque[int]](deque), defaultdict[str, deque[int]](deque)
    for number, (alarm, _) in enumerate(times):
        by_source[alarm.source()].append(number)
        if (trigger := alarm.first("TRIGGER")) is not None:
            # FlowFact's alarm is rendered first, so of two with the same TRIGGER the later one is the device's.
            by_trigger[trigger.text].appendleft(number)
    taken: set[int] = set()
    for entry in own:
        if entry.startswith("BEGIN:VALARM\n"):
            text = next((line for line in entry.split("\n") if line.upper().startswith("TRIGGER")), "")
            found = _next_untaken(by_source[entry], taken)
            found = _next_untaken(by_trigger[text], taken) if found is None else found
            if found is not None:
                taken.add(found)
    return [pair for number, pair in enumerate(times) if number not in taken]


def _next_untaken(numbers: deque[int], taken: set[int]) -> int | None:
    """Remove and return the first number that is not taken; those before it are removed for good."""
    while numbers:
        if (number := numbers.popleft()) not in taken:
            return number
    return None


def _acknowledged(line: Line, anchors: TriggerAnchors) -> datetime | None:
    try:
        return as_datetime(read_time(line, anchors.zone, anchors.own_zones))
    except PayloadError:
        return None  # unreadable: it stays in the text of its alarm


def moved_reminder(had: datetime | None, begin: datetime | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the time as far from the begin ``now`` as ``had`` was from ``begin`` (wall-clock times)."""
    if had is None or begin is None:
        return None
    try:
        return to_local(to_utc(now, zone) + (to_utc(had, zone) - to_utc(begin, zone)), zone)
    except OverflowError:
        return None


def kept_alarm_lines(alarms: Alarms, due: datetime | None = None) -> tuple[str, ...]:
    """Return the sidecar entry of the mapped alarm if it has more than a time; ``due``: a task's Vorlage."""
    alarm = alarms.mapped
    if alarm is None:
        return ()
    if due is None or (due == alarms.reminder and _is_absolute(alarm.text("TRIGGER"))):
        return () if _is_plain(alarm) else (KEPT_ALARM + alarm.source(),)
    marked = [*alarm.lines, parse_line(f"{_MADE_FOR}:{due:%Y%m%dT%H%M%S}")]
    return (KEPT_ALARM + Component(alarm.name, marked, alarm.children).source(),)


def alarm_lines(reminder: datetime, anchors: TriggerAnchors, sidecar: Sequence[str], title: str) -> list[str]:
    """Return the VALARM that rings at ``reminder`` (local time), with the other properties that the device gave it."""
    kept_alarm = next((entry.removeprefix(KEPT_ALARM) for entry in sidecar if entry.startswith(KEPT_ALARM)), "")
    trigger = _trigger(reminder, anchors)
    if not kept_alarm:
        return ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{title}", trigger, "END:VALARM"]
    lines = kept_alarm.split("\n")
    inner = [parse_line(line) for line in lines[1:-1]]
    stands = any(line.name == _MADE_FOR and line.value == f"{reminder:%Y%m%dT%H%M%S}" for line in inner)
    inner = [line for line in inner if line.name != _MADE_FOR]
    if not stands and _trigger_time(Component("VALARM", inner), anchors) != reminder:
        return [lines[0], *(trigger if line.name == "TRIGGER" else line.text for line in inner), lines[-1]]
    return [lines[0], *(line.text for line in inner), lines[-1]]


def _trigger(reminder: datetime, anchors: TriggerAnchors) -> str:
    if anchors.begin is None:
        return f"TRIGGER;VALUE=DATE-TIME:{to_utc(reminder, anchors.zone):%Y%m%dT%H%M%SZ}"
    # Exact time, as clients compute it, so that it is right across a clock change.
    seconds = int((to_utc(reminder, anchors.zone) - to_utc(anchors.begin, anchors.zone)).total_seconds())
    sign, seconds = ("-", -seconds) if seconds <= 0 else ("", seconds)
    days, rest = divmod(seconds, 86400)
    parts = "".join(f"{value}{unit}" for value, unit in zip(_clock(rest), "HMS", strict=True) if value)
    clock = f"T{parts}" if parts else ("" if days else "T0S")
    return f"TRIGGER:{sign}P{f'{days}D' if days else ''}{clock}"


def _clock(seconds: int) -> tuple[int, int, int]:
    return seconds // 3600, seconds % 3600 // 60, seconds % 60


def _trigger_time(alarm: Component, anchors: TriggerAnchors) -> datetime | None:
    """Return when an alarm rings, or None if it does not ring or its TRIGGER cannot be read."""
    trigger = alarm.first("TRIGGER")
    default = alarm.text("X-APPLE-DEFAULT-ALARM").strip().upper() == "TRUE"
    if trigger is None or default or alarm.text("ACTION").strip().upper() == "NONE":
        return None
    try:
        return _moment(trigger, anchors)
    except (PayloadError, OverflowError):
        return None


def _is_absolute(trigger: str) -> bool:
    return "P" not in trigger.upper()


def _moment(trigger: Line, anchors: TriggerAnchors) -> datetime | None:
    if _is_absolute(trigger.value):
        moment: date | datetime = read_time(trigger, anchors.zone, anchors.own_zones)
        return as_datetime(moment) if moment.year >= _DUMMY_BEFORE else None
    of_end = "END" in (value.upper() for value in trigger.param("RELATED"))
    anchor = (anchors.end or anchors.begin) if of_end else (anchors.begin or anchors.end)
    if anchor is None:
        return None
    moment = to_utc(anchor, anchors.zone) + parse_duration(trigger.value)
    return to_local(moment.astimezone(UTC), anchors.zone)


def _is_plain(alarm: Component) -> bool:
    return (
        not alarm.children
        and {line.name for line in alarm.lines} <= _PLAIN
        and alarm.text("ACTION").strip().upper() in ("DISPLAY", "")  # RFC 5545 §3.6.6 asks for one
    )
