"""When a calendar object takes place, as far as a time-range query needs it (RFC 4791 §9.9), and how often at all.

Only the span from the first to the last occurrence is reckoned; which of them a query meets is Radicale's to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from radicale_flowfact.alarms import parse_duration
from radicale_flowfact.calendar_objects import CalendarObject, Component
from radicale_flowfact.contentlines import Line, PayloadError, parse_line
from radicale_flowfact.timezones import EVER, as_datetime, read_time, to_utc

_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_COUNTED = 5000  # of a rule with a greater COUNT the end is not reckoned


def require_daily(found: CalendarObject) -> None:
    """Raise PayloadError for an entry that repeats more often than daily: counting it out would take for ever."""
    for rule in _rules(found):
        frequency = _parts(rule).get("FREQ", "")
        if frequency not in _FREQUENCIES:
            raise PayloadError(f"it repeats {frequency[:20] or 'without a FREQ'}; daily is the most often")


def span(found: CalendarObject, zone: ZoneInfo) -> tuple[int, int]:
    """Return when the first occurrence starts and the last one ends, in Unix seconds; at least one second."""
    spans = [pair for entry in found.entries for pair in _spans(entry, zone, found.zones)]
    if not spans:
        return EVER
    first = int(to_utc(min(begin for begin, _ in spans), zone).timestamp())
    if any(end is None for _, end in spans):
        return first, EVER[1]
    return first, max(first + 1, *(int(to_utc(end, zone).timestamp()) for _, end in spans if end))


def _spans(entry: Component, zone: ZoneInfo, zones: dict[str, str]) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the first and last moments of an entry and of what its rules and dates make of it (None: no end)."""
    start = entry.first("DTSTART") or entry.first("DUE")
    if start is None:
        return
    begin = read_time(start, zone, zones)
    length = _length(entry, begin, zone, zones)
    moment = as_datetime(begin)
    yield moment, moment + length
    for line in entry.lines:
        if line.name == "RDATE":
            for value in line.value.split(","):
                one = parse_line(f"{line.text[: len(line.text) - len(line.value)]}{value.partition('/')[0]}")
                moment = as_datetime(read_time(one, zone, zones))
                yield moment, moment + length
        elif line.name == "RRULE":
            last = _last(line, as_datetime(begin), zone)
            yield as_datetime(begin), None if last is None else last + length


def _length(entry: Component, begin: date | datetime, zone: ZoneInfo, zones: dict[str, str]) -> timedelta:
    end, duration = entry.first("DTEND") or entry.first("DUE"), entry.first("DURATION")
    if end is not None:
        return max(timedelta(0), as_datetime(read_time(end, zone, zones)) - as_datetime(begin))
    if duration is not None:
        return parse_duration(duration.value)
    return timedelta(0) if isinstance(begin, datetime) else timedelta(days=1)


def _last(rule: Line, begin: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the begin of a rule's last occurrence or something later; None if it has no end that can be told."""
    parts = _parts(rule)
    if "UNTIL" in parts:
        until = read_time(parse_line(f"UNTIL:{parts['UNTIL']}"), zone, {})
        return until if isinstance(until, datetime) else datetime.combine(until, time.max)
    count = parts.get("COUNT", "")
    if not count.isdigit() or int(count) > _COUNTED:
        return None
    try:
        return max(rrulestr(rule.value.strip(), dtstart=begin, ignoretz=True), default=begin)
    except (ValueError, TypeError, OverflowError):  # whatever the library makes of a rule that is none
        return None


def _rules(found: CalendarObject) -> Iterator[Line]:
    return (line for entry in found.entries for line in entry.lines if line.name in ("RRULE", "EXRULE"))


def _parts(rule: Line) -> dict[str, str]:
    return {key: value for key, _, value in (part.strip().upper().partition("=") for part in rule.value.split(";"))}
