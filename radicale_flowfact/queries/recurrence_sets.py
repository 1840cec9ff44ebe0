"""Computes the recurrence set of an event or task in a time range (RFC 5545 §3.8.5, RFC 4791 §9.9).

A series is expanded in the zone of its DTSTART, so that it keeps its hour there across clock changes. A DATE and a
floating time are office local. RANGE=THISANDFUTURE is not supported: no client in the corpus writes it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import CalendarObject, Component
from radicale_flowfact.content.contentlines import PayloadError, split_values
from radicale_flowfact.content.durations import parse_duration
from radicale_flowfact.content.timezones import TimeValues, read_wall_time
from radicale_flowfact.queries.rrule import Rule
from radicale_flowfact.queries.steps import Steps

_SLACK = timedelta(days=2)  # more than the difference of any two zones
_FIRST, _LAST = datetime(1753, 1, 1), datetime(9998, 12, 31)
_VALUE_STEPS = 3  # what reading an EXDATE or RDATE costs
_RULE_STEPS = 200  # what reading a rule costs
_OCCURRENCE_STEPS = 5  # what an occurrence costs beyond its rule's steps: its zone is converted


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Holds one occurrence of an entry.

    ``begin`` is a wall-clock time in ``zone``, or a DATE; ``instance`` is its RECURRENCE-ID in UTC, None if the entry
    does not recur. ``begins`` and ``ends`` are in UTC.
    """

    entry: Component
    begin: date | datetime
    zone: tzinfo
    begins: datetime
    ends: datetime
    instance: datetime | None

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Return whether it overlaps a time range in UTC (RFC 4791 §9.9, the rows with DTSTART or DUE)."""
        if self.begins == self.ends:
            return start <= self.begins < end or (self.entry.name == "VTODO" and start < self.begins == end)
        return self.begins < end and start < self.ends


@dataclass(frozen=True)
class _Series:
    """Holds an entry with its begin, the length of each occurrence, and the zones that its lines are read with."""

    entry: Component
    begin: date | datetime
    zone: tzinfo
    length: timedelta
    office: ZoneInfo
    zones: Mapping[str, str]
    steps: Steps

    @property
    def wall(self) -> datetime:
        """The begin as a wall-clock time."""
        return _midnight(self.begin)

    @cached_property
    def instance(self) -> datetime | None:
        """The RECURRENCE-ID of an override in UTC, or None if the entry is none."""
        line = self.entry.first("RECURRENCE-ID")
        if line is None:
            return None
        wall, zone = read_wall_time(line, self.office, self.zones)
        return _utc(_midnight(wall), zone)

    @cached_property
    def added(self) -> Sequence[datetime]:
        """The times of DTSTART and RDATE, in ascending order."""
        return sorted({wall for wall, _ in self._moments("RDATE")} | {self.wall})

    @cached_property
    def excluded(self) -> Set[date | datetime]:
        """What EXDATE excludes: times, and days where it is a DATE."""
        timed = isinstance(self.begin, datetime)
        return {wall if "T" in value.upper() and timed else wall.date() for wall, value in self._moments("EXDATE")}

    @cached_property
    def rules(self) -> Sequence[Rule]:
        """The rules of RRULE."""
        return self._rules("RRULE")

    @cached_property
    def exrules(self) -> Sequence[Rule]:
        """The rules of EXRULE."""
        return self._rules("EXRULE")

    def occurrence(self, wall: datetime, *, recurs: bool) -> Occurrence:
        """Return the occurrence that begins at a wall-clock time."""
        moment = _utc(wall, self.zone)
        begin: date | datetime = wall if isinstance(self.begin, datetime) else wall.date()
        # A length in days is nominal: across a clock change a day has 23 or 25 hours.
        ends = moment + self.length if isinstance(self.begin, datetime) else _utc(wall + self.length, self.zone)
        return Occurrence(self.entry, begin, self.zone, moment, ends, moment if recurs else None)

    def starts(self, rule: Rule, low: datetime, high: datetime) -> Iterator[datetime]:
        """Yield a rule's times; a DTSTART that does not match the rule is not part of its COUNT."""
        first = low if rule.count is None else self.wall
        return (wall for wall in rule.starts(self.wall, self.zone, first, high, self.steps) if wall >= low)

    def _rules(self, name: str) -> Sequence[Rule]:
        found: list[Rule] = []
        for line in (line for line in self.entry.lines if line.name == name):
            self.steps.take(_RULE_STEPS)
            found.append(Rule.read(line.value))
        return found

    def _moments(self, name: str) -> Iterator[tuple[datetime, str]]:
        """Yield the wall-clock times, in the series' zone, of all EXDATE or RDATE lines, with the value of each.

        An EXDATE that cannot be read is ignored: some clients write an empty one.
        """
        for line in (line for line in self.entry.lines if line.name == name):
            times = TimeValues(line, self.office, self.zones)
            for value in split_values(line.value):
                self.steps.take(_VALUE_STEPS)
                try:
                    wall, zone = times.wall(value.partition("/")[0])
                except PayloadError:
                    if name == "EXDATE":
                        continue
                    raise
                yield _in_zone(self.zone, wall, zone), value


class RecurrenceSet:
    """Holds what the entries of a calendar object recur by, read once for all the time ranges asked for."""

    def __init__(self, found: CalendarObject, office: ZoneInfo, steps: Steps | None = None) -> None:
        """Read the entries' begins. Raises PayloadError."""
        self._steps = steps or Steps()
        made = (_series(entry, office, found.zones, self._steps) for entry in found.entries)
        self._series = {id(series.entry): series for series in made if series is not None}
        self._overridden = {one.instance for one in self._series.values() if one.instance is not None}

    def between(self, start: datetime, end: datetime) -> Iterator[Occurrence]:
        """Yield the occurrences between two times in UTC, entry by entry.

        Raises PayloadError for lines that cannot be read, TooManyStepsError.
        """
        for series in self._series.values():
            yield from self._of(series, start, end)

    def of_entry(self, entry: Component, start: datetime, end: datetime) -> Iterator[Occurrence]:
        """Yield the occurrences of one of the entries between two times in UTC. Raises PayloadError."""
        series = self._series.get(id(entry))
        return iter(()) if series is None else self._of(series, start, end)

    def _of(self, series: _Series, start: datetime, end: datetime) -> Iterator[Occurrence]:
        wall_start, wall_end = start.replace(tzinfo=None), end.replace(tzinfo=None)
        low, high = max(_FIRST, wall_start - min(_SLACK, wall_start - datetime.min)), min(_LAST, wall_end)
        instance = series.instance
        made = [_override(series, instance)] if instance is not None else _recurrences(series, low, high)
        for one in made:
            self._steps.take(_OCCURRENCE_STEPS)
            is_overridden = instance is None and one.instance is not None and one.begins in self._overridden
            if not is_overridden and one.overlaps(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)):
                yield one


def occurrences(
    found: CalendarObject, office: ZoneInfo, start: datetime, end: datetime, steps: Steps | None = None
) -> Iterator[Occurrence]:
    """Yield the occurrences between two times in UTC, entry by entry.

    Raises PayloadError for lines that cannot be read, TooManyStepsError.
    """
    yield from RecurrenceSet(found, office, steps).between(start, end)


def recurs(entry: Component) -> bool:
    """Return whether an entry is a series or an override of one."""
    return any(line.name in ("RRULE", "RDATE", "RECURRENCE-ID") for line in entry.lines)


def _series(entry: Component, office: ZoneInfo, zones: Mapping[str, str], steps: Steps) -> _Series | None:
    start = entry.first("DTSTART") or entry.first("DUE")
    if start is None:
        return None
    begin, zone = read_wall_time(start, office, zones)
    finish, duration = entry.first("DTEND") or entry.first("DUE"), entry.first("DURATION")
    length = timedelta(0) if isinstance(begin, datetime) else timedelta(days=1)
    if finish is not None and finish is not start:
        last, last_zone = read_wall_time(finish, office, zones)
        if isinstance(begin, datetime):
            length = _utc(_midnight(last), last_zone) - _utc(begin, zone)
        else:
            length = max(length, _midnight(last) - _midnight(begin))
    elif duration is not None:
        length = parse_duration(duration.value)
    return _Series(entry, begin, zone, max(timedelta(0), length), office, zones, steps)


def _override(series: _Series, instance: datetime) -> Occurrence:
    plain = series.occurrence(series.wall, recurs=True)
    return Occurrence(plain.entry, plain.begin, plain.zone, plain.begins, plain.ends, instance)


def _recurrences(series: _Series, low: datetime, high: datetime) -> Iterator[Occurrence]:
    """Yield the occurrences of an entry that is no override, from before ``low`` to after ``high`` by a margin."""
    if not recurs(series.entry):
        yield series.occurrence(series.wall, recurs=False)
        return
    earliest = max(_FIRST, low - min(series.length + _SLACK, low - _FIRST))
    latest = min(_LAST, high + min(_SLACK, _LAST - high))
    excluded = [_RuleTimes(series.starts(rule, earliest, latest)) for rule in series.exrules]
    for wall in _merged(series, earliest, latest):
        if wall in series.excluded or wall.date() in series.excluded:
            continue
        series.steps.take(len(excluded))
        if not any(wall in times for times in excluded):
            yield series.occurrence(wall, recurs=True)


class _RuleTimes:
    """Tells whether a time is one of a rule's; expands the rule only as far as asked for."""

    def __init__(self, times: Iterator[datetime]) -> None:
        self._times = times
        self._seen: set[datetime] = set()
        self._reached = datetime.min

    def __contains__(self, wall: datetime) -> bool:
        """Return whether the rule has this time. Raises TooManyStepsError."""
        while self._reached < wall:
            self._reached = next(self._times, datetime.max)
            self._seen.add(self._reached)
        return wall in self._seen


def _merged(series: _Series, low: datetime, high: datetime) -> Iterator[datetime]:
    """Yield the times of DTSTART, RDATE and RRULE once each; with a single rule in ascending order."""
    others = series.added[bisect_left(series.added, low) : bisect_right(series.added, high)]
    position = 0
    yielded: set[datetime] = set()
    for rule in series.rules:
        for wall in series.starts(rule, low, high):
            while position < len(others) and others[position] <= wall:
                if others[position] not in yielded:
                    yielded.add(others[position])
                    yield others[position]
                position += 1
            if wall not in yielded:
                yielded.add(wall)
                yield wall
    yield from (wall for wall in others[position:] if wall not in yielded)


def _midnight(value: date | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time.min)


def _in_zone(zone: tzinfo, wall: date | datetime, own: tzinfo) -> datetime:
    """Return a wall-clock time converted to another zone; a DATE stays that day."""
    if not isinstance(wall, datetime) or zone is own:
        return _midnight(wall)
    return wall.replace(tzinfo=own).astimezone(zone).replace(tzinfo=None, fold=0)


def _utc(wall: datetime, zone: tzinfo) -> datetime:
    """Return a wall-clock time in UTC. Raises PayloadError beyond the years of ``datetime``."""
    try:
        return wall.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError as error:
        raise PayloadError("it lies outside of the calendar") from error
