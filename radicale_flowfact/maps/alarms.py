"""Alarms: the one VALARM that FlowFact's Vorlage stands for, and those that stay with the device (rules 16, 20, 22).

What a VALARM has beside its trigger (sound, acknowledgement, Apple's ids) is kept as the alarm's *shape* in a
sidecar entry of our own, so that it comes back around whatever time FlowFact has. A task has one time in
FlowFact, which is its DUE: an alarm of a task at another time keeps its whole shape, marked with the DUE that it
was made for, and rings by it as long as that DUE stands.

=======================================  ==========================  ========================================
form of the alarm                        seen from                   what it becomes
=======================================  ==========================  ========================================
TRIGGER relative to the start            DAVx5, macOS, Thunderbird,  the Vorlage, with time
                                         Evolution, Exchange, Google
TRIGGER;RELATED=END                      Thunderbird 153 (an event), the Vorlage, reckoned from the end or DUE
                                         Thunderbird (a task)
TRIGGER;VALUE=DATE-TIME                  macOS 10.8 Reminders        the Vorlage
any of them, of a task with a DUE at     Thunderbird                 DUE is the Vorlage; the alarm stays as it
another time                                                         was while the Vorlage does
several VALARMs                          DAVx5, Thunderbird, Google  the one the device had from us, also when
                                                                     the entry moved, else the first that is new;
                                                                     the others stay with the device
ACTION:NONE, X-APPLE-DEFAULT-ALARM,      macOS 10.9, iOS 12          stays with the device: no alarm rings by
a year before 1980                                                   it
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

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact.calendar_objects import Component
from radicale_flowfact.contentlines import Line, PayloadError, parse_line
from radicale_flowfact.timezones import as_datetime, read_time, to_local, to_utc

SHAPE = "X-FLOWFACT-ALARM:"
_MADE_FOR = "X-FLOWFACT-MADE-FOR"  # in a task's shape: the DUE beside which it rings at its own time
_PLAIN = frozenset({"ACTION", "DESCRIPTION", "TRIGGER"})
_DUMMY_BEFORE = 1980  # Apple writes 1976 into an alarm that must not ring
_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)


_Ringing = tuple[Component, datetime]


@dataclass(frozen=True, slots=True)
class Frame:
    """The times an alarm may be relative to, as office local times; ``end`` of a task is its due date."""

    begin: datetime | None
    end: datetime | None
    zone: ZoneInfo
    own_zones: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alarms:
    """The mapped alarm and its time (None: none), when one was acknowledged, and the texts of the others."""

    mapped: Component | None
    reminder: datetime | None
    acknowledged: datetime | None
    others: tuple[str, ...]


def read_alarms(
    entry: Component, frame: Frame, expected: Sequence[datetime | None] = (), own: Sequence[str] = ()
) -> Alarms:
    """Find the mapped alarm: the one at a time we expect, else the first that rings and is none of the device's own.

    ``own``: the sidecar of the version that the device had.
    """
    alarms = [child for child in entry.children if child.name == "VALARM"]
    times = [(alarm, when) for alarm in alarms if (when := _instant(alarm, frame)) is not None]
    times = [pair for pair in times if not _is_snooze(pair[0])] or times
    awaited = [pair for moment in expected for pair in times if pair[1] == moment]
    mapped, rings = next(iter([*awaited, *_not_own(times, own), *times]), (None, None))
    acknowledged = [entry.first("X-MOZ-LASTACK"), mapped.first("ACKNOWLEDGED") if mapped else None]
    moments = [when for line in acknowledged if line and (when := _acknowledged(line, frame)) is not None]
    others = tuple(alarm.source() for alarm in alarms if alarm is not mapped)
    return Alarms(mapped, rings, max(moments, default=None), others)


def _is_snooze(alarm: Component) -> bool:
    """Whether an alarm only repeats another one later (RFC 9074 §7)."""
    related = alarm.first("RELATED-TO")
    return related is not None and "SNOOZE" in (value.upper() for value in related.param("RELTYPE"))


def _not_own(times: Sequence[_Ringing], own: Sequence[str]) -> list[_Ringing]:
    """Return the alarms that the device did not have for itself: neither as they are nor with this trigger."""
    left = list(times)
    for entry in own:
        if not entry.startswith("BEGIN:VALARM\n"):
            continue
        trigger = next((line for line in entry.split("\n") if line.upper().startswith("TRIGGER")), "")
        same = [pair for pair in left if pair[0].source() == entry]
        # Ours is served first, so of two with one trigger it is the later that is the device's.
        same += [pair for pair in reversed(left) if (found := pair[0].first("TRIGGER")) and found.text == trigger]
        left = [pair for pair in left if not same or pair is not same[0]]
    return left


def _acknowledged(line: Line, frame: Frame) -> datetime | None:
    try:
        return as_datetime(read_time(line, frame.zone, frame.own_zones))
    except PayloadError:
        return None  # says nothing, and is kept as it came


def shifted(had: datetime | None, begin: datetime | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when an alarm rings that rang at ``had`` for ``begin`` and is as far from ``now`` (wall-clock times)."""
    if had is None or begin is None:
        return None
    try:
        return to_local(to_utc(now, zone) + (to_utc(had, zone) - to_utc(begin, zone)), zone)
    except OverflowError:
        return None


def shape_of(alarms: Alarms, due: datetime | None = None) -> tuple[str, ...]:
    """Return the sidecar entry for what the mapped alarm has beside FlowFact's time; ``due``: a task's Vorlage."""
    alarm = alarms.mapped
    if alarm is None:
        return ()
    if due is None or (due == alarms.reminder and _is_absolute(alarm.text("TRIGGER"))):
        return () if _is_plain(alarm) else (SHAPE + alarm.source(),)
    marked = [*alarm.lines, parse_line(f"{_MADE_FOR}:{due:%Y%m%dT%H%M%S}")]
    return (SHAPE + Component(alarm.name, marked, alarm.children).source(),)


def alarm_lines(reminder: datetime, frame: Frame, sidecar: Sequence[str], title: str) -> list[str]:
    """Return the VALARM that rings at ``reminder`` (local time), in the shape that the device gave it."""
    shape = next((entry.removeprefix(SHAPE) for entry in sidecar if entry.startswith(SHAPE)), "")
    trigger = _trigger(reminder, frame)
    if not shape:
        return ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{title}", trigger, "END:VALARM"]
    lines = shape.split("\n")
    inner = [parse_line(line) for line in lines[1:-1]]
    stands = any(line.name == _MADE_FOR and line.value == f"{reminder:%Y%m%dT%H%M%S}" for line in inner)
    inner = [line for line in inner if line.name != _MADE_FOR]
    if not stands and _instant(Component("VALARM", inner), frame) != reminder:
        return [lines[0], *(trigger if line.name == "TRIGGER" else line.text for line in inner), lines[-1]]
    return [lines[0], *(line.text for line in inner), lines[-1]]


def parse_duration(text: str) -> timedelta:
    """Read a DURATION (RFC 5545 §3.3.6). Raises PayloadError."""
    days, rest = split_duration(text)
    try:
        return days + rest
    except OverflowError as error:
        raise PayloadError(f"a duration is too long: {text[:40]!r}") from error


def split_duration(text: str) -> tuple[timedelta, timedelta]:
    """Read a DURATION as its days, which are the calendar's, and the time beside them, which passes."""
    found = _DURATION.fullmatch(text.strip())
    if not found or len(text.strip()) < 3:
        raise PayloadError(f"not a duration: {text[:40]!r}")
    units = {name: int(value) for name, value in found.groupdict().items() if name != "sign" and value}
    try:
        days = timedelta(days=units.pop("days", 0), weeks=units.pop("weeks", 0))
        rest = timedelta(**units)
    except OverflowError as error:
        raise PayloadError(f"a duration is too long: {text[:40]!r}") from error
    return (-days, -rest) if found["sign"] == "-" else (days, rest)


def _trigger(reminder: datetime, frame: Frame) -> str:
    if frame.begin is None:
        return f"TRIGGER;VALUE=DATE-TIME:{to_utc(reminder, frame.zone):%Y%m%dT%H%M%SZ}"
    # Reckoned as time that passes, as clients do, so that it is right across a clock change.
    seconds = int((to_utc(reminder, frame.zone) - to_utc(frame.begin, frame.zone)).total_seconds())
    sign, seconds = ("-", -seconds) if seconds <= 0 else ("", seconds)
    days, rest = divmod(seconds, 86400)
    parts = "".join(f"{value}{unit}" for value, unit in zip(_clock(rest), "HMS", strict=True) if value)
    clock = f"T{parts}" if parts else ("" if days else "T0S")
    return f"TRIGGER:{sign}P{f'{days}D' if days else ''}{clock}"


def _clock(seconds: int) -> tuple[int, int, int]:
    return seconds // 3600, seconds % 3600 // 60, seconds % 60


def _instant(alarm: Component, frame: Frame) -> datetime | None:
    """Return when an alarm rings, or None if it does not, or cannot be reckoned."""
    trigger = alarm.first("TRIGGER")
    default = alarm.text("X-APPLE-DEFAULT-ALARM").strip().upper() == "TRUE"
    if trigger is None or default or alarm.text("ACTION").strip().upper() == "NONE":
        return None
    try:
        return _moment(trigger, frame)
    except (PayloadError, OverflowError):
        return None


def _is_absolute(trigger: str) -> bool:
    return "P" not in trigger.upper()


def _moment(trigger: Line, frame: Frame) -> datetime | None:
    if _is_absolute(trigger.value):
        moment: date | datetime = read_time(trigger, frame.zone, frame.own_zones)
        return as_datetime(moment) if moment.year >= _DUMMY_BEFORE else None
    of_end = "END" in (value.upper() for value in trigger.param("RELATED"))
    anchor = (frame.end or frame.begin) if of_end else (frame.begin or frame.end)
    if anchor is None:
        return None
    moment = to_utc(anchor, frame.zone) + parse_duration(trigger.value)
    return to_local(moment.astimezone(UTC), frame.zone)


def _is_plain(alarm: Component) -> bool:
    return (
        not alarm.children
        and {line.name for line in alarm.lines} <= _PLAIN
        and (alarm.text("ACTION").strip().upper() == "DISPLAY")
    )
