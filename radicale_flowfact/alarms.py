"""Alarms: the one VALARM that FlowFact's Vorlage stands for, and those that stay with the device (rules 16, 20, 22).

What a VALARM has beside its trigger (sound, acknowledgement, Apple's ids) is kept as the alarm's *shape* in a
sidecar entry of our own, so that it comes back around whatever time FlowFact has.

=======================================  =======================  ===========================================
form of the alarm                        sent by                  what it becomes
=======================================  =======================  ===========================================
TRIGGER relative to the start            all of them              the Vorlage, with time
TRIGGER;RELATED=END                      Thunderbird, Tasks.org   the Vorlage, reckoned from the end or DUE
TRIGGER;VALUE=DATE-TIME                  iOS, Outlook             the Vorlage
several VALARMs                          iOS, DAVx5, Thunderbird  the one the device had from us, else the
                                                                  first; the others stay with the device
ACTION:NONE, X-APPLE-DEFAULT-ALARM,      iOS, macOS               stays with the device: no alarm rings by it
a year before 1980
ACKNOWLEDGED, X-MOZ-LASTACK              iOS, Thunderbird         kept; at or after the end of a past
                                                                  appointment: done (rule 20)
X-MOZ-SNOOZE-TIME, a second VALARM with  Thunderbird, iOS         snoozed: stays with the device, the Vorlage
RELATED-TO                                                        does not move
the VALARM taken off                     all of them              Vorlage without time; of a past appointment:
                                                                  done (rule 20)
=======================================  =======================  ===========================================
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
_PLAIN = frozenset({"ACTION", "DESCRIPTION", "TRIGGER"})
_DUMMY_BEFORE = 1980  # Apple writes 1976 into an alarm that must not ring
_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The times an alarm may be relative to, as office local times; ``end`` of a task is its due date."""

    begin: datetime | None
    end: datetime | None
    zone: ZoneInfo
    own_zones: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alarms:
    """The mapped alarm's time (None: none), when it was acknowledged, and the sidecar entries of all alarms."""

    reminder: datetime | None
    acknowledged: datetime | None
    sidecar: tuple[str, ...]


def read_alarms(entry: Component, frame: Frame, expected: datetime | None) -> Alarms:
    """Find the mapped alarm: the one at the time we served, else the first that rings at all."""
    alarms = [child for child in entry.children if child.name == "VALARM"]
    times = [(alarm, when) for alarm in alarms if (when := _instant(alarm, frame)) is not None]
    chosen = next((pair for pair in times if pair[1] == expected), times[0] if times else None)
    sidecar = [alarm.source() for alarm in alarms if chosen is None or alarm is not chosen[0]]
    acknowledged = [entry.first("X-MOZ-LASTACK")]
    if chosen is not None:
        acknowledged.append(chosen[0].first("ACKNOWLEDGED"))
        if not _is_plain(chosen[0]):
            sidecar.append(SHAPE + chosen[0].source())
    moments = [as_datetime(read_time(line, frame.zone, frame.own_zones)) for line in acknowledged if line]
    return Alarms(chosen[1] if chosen else None, max(moments, default=None), tuple(sidecar))


def alarm_lines(reminder: datetime, frame: Frame, sidecar: Sequence[str], title: str) -> list[str]:
    """Return the VALARM that rings at ``reminder`` (local time), in the shape that the device gave it."""
    shape = next((entry.removeprefix(SHAPE) for entry in sidecar if entry.startswith(SHAPE)), "")
    trigger = _trigger(reminder, frame)
    if not shape:
        return ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{title}", trigger, "END:VALARM"]
    lines = shape.split("\n")
    inner = [parse_line(line) for line in lines[1:-1]]
    if _instant(Component("VALARM", inner), frame) == reminder:
        return lines
    return [lines[0], *(trigger if line.name == "TRIGGER" else line.text for line in inner), lines[-1]]


def parse_duration(text: str) -> timedelta:
    """Read a DURATION (RFC 5545 §3.3.6). Raises PayloadError."""
    found = _DURATION.fullmatch(text.strip())
    if not found or len(text.strip()) < 3:
        raise PayloadError(f"not a duration: {text[:40]!r}")
    units = {name: int(value) for name, value in found.groupdict().items() if name != "sign" and value}
    try:
        length = timedelta(**units)
    except OverflowError as error:
        raise PayloadError(f"a duration is too long: {text[:40]!r}") from error
    return -length if found["sign"] == "-" else length


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


def _moment(trigger: Line, frame: Frame) -> datetime | None:
    if "P" not in trigger.value.upper():
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
