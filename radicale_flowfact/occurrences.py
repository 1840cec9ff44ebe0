"""When a calendar object takes place, as far as a time-range query needs it (RFC 4791 §9.9), and how often at all.

Only the span from the first to the last occurrence is reckoned; which of them a query meets is Radicale's to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact import undated
from radicale_flowfact.alarms import parse_duration
from radicale_flowfact.calendar_objects import CalendarObject, Component
from radicale_flowfact.contentlines import Line, PayloadError, parse_line
from radicale_flowfact.recurrence_rules import Rule
from radicale_flowfact.timezones import EVER, as_datetime, read_plain, read_time, to_utc

_COUNTED = 5000  # of a rule with a greater COUNT the end is not reckoned


def require_countable(found: CalendarObject) -> None:
    """Raise PayloadError for an entry whose rules cannot be counted out, or repeat more often than daily."""
    for entry in found.entries:
        start = entry.first("DTSTART") or entry.first("DUE")
        for line in (line for line in entry.lines if line.name in ("RRULE", "EXRULE")):
            rule = Rule.read(line.value)
            if start is not None and line.name == "RRULE":
                rule.require_happening(read_plain(start))


def span(found: CalendarObject, zone: ZoneInfo) -> tuple[int, int]:
    """Return when the first occurrence starts and the last one ends, in Unix seconds; at least one second."""
    spans = [pair for entry in found.entries for pair in _spans(entry, zone, found.zones)]
    if not spans:
        return _timeless(found, zone)
    first = int(to_utc(min(begin for begin, _ in spans), zone).timestamp())
    if any(end is None for _, end in spans):
        return first, EVER[1]
    return first, max(first + 1, *(int(to_utc(end, zone).timestamp()) for _, end in spans if end))


def _timeless(found: CalendarObject, zone: ZoneInfo) -> tuple[int, int]:
    """Return the span of what has neither begin nor due date."""
    entry = found.entries[0]
    if entry.name != "VTODO" or len(found.entries) > 1:
        return EVER
    created, completed = (_moment(entry.first(name), zone, found.zones) for name in ("CREATED", "COMPLETED"))
    return undated.span(created, completed)


def _moment(line: Line | None, zone: ZoneInfo, zones: dict[str, str]) -> datetime | None:
    try:
        return None if line is None else to_utc(as_datetime(read_time(line, zone, zones)), zone)
    except PayloadError:
        return None


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


def _last(line: Line, begin: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the begin of a rule's last occurrence or something later; None if it has no end that can be told."""
    rule = Rule.read(line.value)
    until = rule.until(zone)
    if until is not None:
        return until
    if rule.count is None or rule.count > _COUNTED:
        return None
    return max(rule.starts(begin, zone, begin, datetime.max), default=begin)
