"""Computes the time span of a calendar object for time-range queries (RFC 4791 §9.9), and validates its rules.

The span reaches from the first to the last occurrence; ``recurrence_sets`` finds the occurrences in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import CalendarObject, Component
from radicale_flowfact.content.contentlines import Line, PayloadError, split_values
from radicale_flowfact.content.durations import parse_duration
from radicale_flowfact.content.time_ranges import EVER, undated_task_range
from radicale_flowfact.content.timezones import TimeValues, as_datetime, read_plain, read_time, to_utc
from radicale_flowfact.queries.rrule import Rule
from radicale_flowfact.queries.steps import Steps, TooManyStepsError

_COUNTED = 5000  # of a rule with a greater COUNT the end is not computed
_SEARCHED = 500_000  # steps in search of an occurrence; each day of 800 years is fewer
_VALUE_STEPS = 3  # what reading an RDATE costs
_RULE_STEPS = 200  # what reading a rule costs


def require_countable(found: CalendarObject) -> None:
    """Raise UncountableError for an entry that repeats more often than daily, PayloadError for an unreadable rule.

    What is not known within the bound of steps counts as countable (rule 28).
    """
    steps = Steps(_SEARCHED)
    try:
        for entry in found.entries:
            start = entry.first("DTSTART") or entry.first("DUE")
            for line in (line for line in entry.lines if line.name in ("RRULE", "EXRULE")):
                steps.take(_RULE_STEPS)
                rule = Rule.read(line.value)
                if start is not None and line.name == "RRULE":
                    rule.require_occurrence(read_plain(start), steps)
    except TooManyStepsError:
        return


def span(found: CalendarObject, zone: ZoneInfo) -> tuple[int, int]:
    """Return the start of the first occurrence and the end of the last, in Unix seconds; at least one second apart.

    What takes too many steps may be at any time.
    """
    first, last = datetime.max, datetime.min
    steps = Steps()
    try:
        for begin, end in (pair for entry in found.entries for pair in _spans(entry, zone, found.zones, steps)):
            first, last = min(first, begin), max(last, end or datetime.max)
    except TooManyStepsError:
        return EVER
    if first == datetime.max:
        return _timeless(found, zone)
    starts = int(to_utc(first, zone).timestamp())
    return starts, EVER[1] if last == datetime.max else max(starts + 1, int(to_utc(last, zone).timestamp()))


def _timeless(found: CalendarObject, zone: ZoneInfo) -> tuple[int, int]:
    """Return the span of an object with neither DTSTART nor DUE."""
    entry = found.entries[0]
    if entry.name != "VTODO" or len(found.entries) > 1:
        return EVER
    created, completed = (_moment(entry.first(name), zone, found.zones) for name in ("CREATED", "COMPLETED"))
    return undated_task_range(created, completed)


def _moment(line: Line | None, zone: ZoneInfo, zones: dict[str, str]) -> datetime | None:
    try:
        return None if line is None else to_utc(as_datetime(read_time(line, zone, zones)), zone)
    except PayloadError:
        return None


def _spans(
    entry: Component, zone: ZoneInfo, zones: dict[str, str], steps: Steps
) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the start and end of an entry, of its RDATEs and of each RRULE as a whole (None: no end)."""
    start = entry.first("DTSTART") or entry.first("DUE")
    if start is None:
        return
    begin = read_time(start, zone, zones)
    length = _length(entry, begin, zone, zones)
    moment = as_datetime(begin)
    yield moment, moment + length
    for line in entry.lines:
        if line.name == "RDATE":
            times = TimeValues(line, zone, zones)
            for value in split_values(line.value):
                steps.take(_VALUE_STEPS)
                moment = as_datetime(times.local(value.partition("/")[0]))
                yield moment, moment + length
        elif line.name == "RRULE":
            last = _last(line, as_datetime(begin), zone, steps)
            yield as_datetime(begin), None if last is None else last + length


def _length(entry: Component, begin: date | datetime, zone: ZoneInfo, zones: dict[str, str]) -> timedelta:
    end, duration = entry.first("DTEND") or entry.first("DUE"), entry.first("DURATION")
    if end is not None:
        return max(timedelta(0), as_datetime(read_time(end, zone, zones)) - as_datetime(begin))
    if duration is not None:
        return parse_duration(duration.value)
    return timedelta(0) if isinstance(begin, datetime) else timedelta(days=1)


def _last(line: Line, begin: datetime, zone: ZoneInfo, steps: Steps) -> datetime | None:
    """Return the begin of a rule's last occurrence, or a later time; None if it has no known end."""
    steps.take(_RULE_STEPS)
    rule = Rule.read(line.value)
    until = rule.until(zone)
    if until is not None:
        return until
    if rule.count is None or rule.count > _COUNTED:
        return None
    return max(rule.starts(begin, zone, begin, datetime.max, steps), default=begin)
