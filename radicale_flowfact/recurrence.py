"""When an event or task takes place between two moments: the recurrence set (RFC 5545 §3.8.5, RFC 4791 §9.9).

A series is counted out in the zone of its DTSTART, so that it keeps its hour there across clock changes. A DATE and a
floating time are the office's. RANGE=THISANDFUTURE is not regarded: no client in the corpus writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from radicale_flowfact.alarms import parse_duration
from radicale_flowfact.calendar_objects import CalendarObject, Component
from radicale_flowfact.contentlines import Line, PayloadError, parse_line
from radicale_flowfact.recurrence_rules import Rule
from radicale_flowfact.timezones import read_wall

_SLACK = timedelta(days=2)  # more than two zones can be apart
_FIRST, _LAST = datetime(1753, 1, 1), datetime(9998, 12, 31)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which an entry takes place.

    ``begin`` is a wall-clock time in ``zone``, or a DATE; ``instance`` is the begin that the rule gives it, None if
    nothing recurs. ``begins`` and ``ends`` are moments in UTC.
    """

    entry: Component
    begin: date | datetime
    zone: tzinfo
    begins: datetime
    ends: datetime
    instance: datetime | None

    def meets(self, start: datetime, end: datetime) -> bool:
        """Return whether it lies in a time range, in UTC (RFC 4791 §9.9, without the rows for what has no begin)."""
        if self.begins == self.ends:
            return start <= self.begins < end or (self.entry.name == "VTODO" and start < self.begins == end)
        return self.begins < end and start < self.ends


@dataclass(frozen=True, slots=True)
class _Series:
    """An entry with its begin, the length of each of its occurrences and what its lines are read with."""

    entry: Component
    begin: date | datetime
    zone: tzinfo
    length: timedelta
    office: ZoneInfo
    zones: Mapping[str, str]

    @property
    def wall(self) -> datetime:
        """The begin as a wall-clock time."""
        return _midnight(self.begin)

    def occurrence(self, wall: datetime, *, recurs: bool) -> Occurrence:
        """Return the occurrence that begins at a wall-clock time."""
        moment = _utc(wall, self.zone)
        begin: date | datetime = wall if isinstance(self.begin, datetime) else wall.date()
        # What has days has as many of them, however long they are.
        ends = moment + self.length if isinstance(self.begin, datetime) else _utc(wall + self.length, self.zone)
        return Occurrence(self.entry, begin, self.zone, moment, ends, moment if recurs else None)

    def moments(self, name: str) -> Iterator[tuple[datetime, Line]]:
        """Yield the wall-clock times, in the series' zone, of all EXDATE or RDATE lines, with the line of each.

        What takes nothing out because it cannot be read is passed over: some clients leave an EXDATE empty.
        """
        for line in (line for line in self.entry.lines if line.name == name):
            head = line.text[: len(line.text) - len(line.value)]
            for value in line.value.split(","):
                one = parse_line(f"{head}{value.partition('/')[0]}")
                try:
                    wall, zone = read_wall(one, self.office, self.zones)
                except PayloadError:
                    if name == "EXDATE":
                        continue
                    raise
                yield _shown_in(self.zone, wall, zone), one


def occurrences(found: CalendarObject, office: ZoneInfo, start: datetime, end: datetime) -> Iterator[Occurrence]:
    """Yield what takes place between two moments in UTC, series by series. Raises PayloadError for what has no rule."""
    start, end = start.replace(tzinfo=None), end.replace(tzinfo=None)
    low, high = max(_FIRST, start - min(_SLACK, start - datetime.min)), min(_LAST, end)
    read = [series for entry in found.entries if (series := _series(entry, office, found.zones)) is not None]
    overridden = {moment for series in read if (moment := _instance(series)) is not None}
    for series in read:
        instance = _instance(series)
        made = [_override(series, instance)] if instance is not None else _of_master(series, low, high, overridden)
        yield from (one for one in made if one.meets(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)))


def recurs(entry: Component) -> bool:
    """Return whether an entry is a series, or a part of one."""
    return any(line.name in ("RRULE", "RDATE", "RECURRENCE-ID") for line in entry.lines)


def _series(entry: Component, office: ZoneInfo, zones: Mapping[str, str]) -> _Series | None:
    start = entry.first("DTSTART") or entry.first("DUE")
    if start is None:
        return None
    begin, zone = read_wall(start, office, zones)
    finish, duration = entry.first("DTEND") or entry.first("DUE"), entry.first("DURATION")
    length = timedelta(0) if isinstance(begin, datetime) else timedelta(days=1)
    if finish is not None and finish is not start:
        last, last_zone = read_wall(finish, office, zones)
        if isinstance(begin, datetime):
            length = _utc(_midnight(last), last_zone) - _utc(begin, zone)
        else:
            length = max(length, _midnight(last) - _midnight(begin))
    elif duration is not None:
        length = parse_duration(duration.value)
    return _Series(entry, begin, zone, max(timedelta(0), length), office, zones)


def _instance(series: _Series) -> datetime | None:
    """Return the moment that an override stands for, or None for one that overrides nothing."""
    line = series.entry.first("RECURRENCE-ID")
    if line is None:
        return None
    wall, zone = read_wall(line, series.office, series.zones)
    return _utc(_midnight(wall), zone)


def _override(series: _Series, instance: datetime) -> Occurrence:
    plain = series.occurrence(series.wall, recurs=True)
    return Occurrence(plain.entry, plain.begin, plain.zone, plain.begins, plain.ends, instance)


def _of_master(series: _Series, low: datetime, high: datetime, overridden: set[datetime]) -> Iterator[Occurrence]:
    """Yield the occurrences of an entry from a little before ``low`` to a little after ``high``, in order."""
    if not recurs(series.entry):
        yield series.occurrence(series.wall, recurs=False)
        return
    earliest = max(_FIRST, low - min(series.length + _SLACK, low - _FIRST))
    latest = min(_LAST, high + min(_SLACK, _LAST - high))
    excluded = _excluded(series, earliest, latest)
    for wall in _merged(series, earliest, latest):
        made = series.occurrence(wall, recurs=True)
        if wall not in excluded and wall.date() not in excluded and made.begins not in overridden:
            yield made


def _merged(series: _Series, low: datetime, high: datetime) -> Iterator[datetime]:
    """Yield the begin, the dates and the rules' times once each, in the order of time for a single rule."""
    others = {wall for wall, _ in series.moments("RDATE")} | {series.wall}
    waiting = sorted(wall for wall in others if low <= wall <= high)
    told: set[datetime] = set()
    for rule in _rules(series.entry, "RRULE"):
        for wall in _counted(rule, series, low, high):
            while waiting and waiting[0] <= wall:
                if (other := waiting.pop(0)) not in told:
                    told.add(other)
                    yield other
            if wall not in told:
                told.add(wall)
                yield wall
    yield from (wall for wall in waiting if wall not in told)


def _counted(rule: Rule, series: _Series, low: datetime, high: datetime) -> Iterator[datetime]:
    """Yield a rule's times; a DTSTART that the rule does not say itself is not one of its COUNT."""
    first = low if rule.count is None else series.wall
    return (wall for wall in rule.starts(series.wall, series.zone, first, high) if wall >= low)


def _excluded(series: _Series, low: datetime, high: datetime) -> set[date | datetime]:
    """Return what EXDATE and EXRULE take out: times, and whole days where a line has a DATE only."""
    found: set[date | datetime] = set()
    for wall, line in series.moments("EXDATE"):
        found.add(wall if "T" in line.value.upper() and isinstance(series.begin, datetime) else wall.date())
    for rule in _rules(series.entry, "EXRULE"):
        found |= set(_counted(rule, series, low, high))
    return found


def _rules(entry: Component, name: str) -> list[Rule]:
    return [Rule.read(line.value) for line in entry.lines if line.name == name]


def _midnight(value: date | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time.min)


def _shown_in(zone: tzinfo, wall: date | datetime, own: tzinfo) -> datetime:
    """Return a wall-clock time as the clock shows it in another zone; a DATE stays that day."""
    if not isinstance(wall, datetime) or zone is own:
        return _midnight(wall)
    return wall.replace(tzinfo=own).astimezone(zone).replace(tzinfo=None, fold=0)


def _utc(wall: datetime, zone: tzinfo) -> datetime:
    """Return a wall-clock time as a moment. Raises PayloadError at the end of the calendar."""
    try:
        return wall.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError as error:
        raise PayloadError("it lies outside of the calendar") from error
