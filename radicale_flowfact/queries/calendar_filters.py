"""Matches calendar objects against filters of calendar-query (RFC 4791 §9.7, §9.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import CalendarObject, Component, read_object
from radicale_flowfact.content.contentlines import Line, PayloadError
from radicale_flowfact.content.durations import parse_duration
from radicale_flowfact.content.timezones import as_datetime, read_time, to_utc
from radicale_flowfact.queries.filters import BEGINNING, END, CompFilter, TimeRange
from radicale_flowfact.queries.recurrence_sets import RecurrenceSet
from radicale_flowfact.queries.steps import Steps

_SECOND = timedelta(seconds=1)


def calendar_matches(text: str, wanted: CompFilter, office: ZoneInfo, query: Steps | None = None) -> bool:
    """Return whether a calendar object matches; ``query``: the steps of the query that it is looked at for.

    Raises PayloadError for one that cannot be parsed, TooManyStepsError for one that may match.
    """
    found = read_object(text)
    calendar = Component("VCALENDAR", list(found.properties), list(found.entries))
    return _Matcher(found, office, Steps(query=query)).matches(wanted, [calendar])


class _Matcher:
    """Matches one calendar object against the filters of one query."""

    def __init__(self, found: CalendarObject, office: ZoneInfo, steps: Steps) -> None:
        self._found = found
        self._office = office
        self._steps = steps

    @cached_property
    def _recurrences(self) -> RecurrenceSet:
        return RecurrenceSet(self._found, self._office, self._steps)

    def matches(self, wanted: CompFilter, among: Iterable[Component]) -> bool:
        """Return whether the components of the wanted name match, taken together."""
        mine = [component for component in among if component.name == wanted.name]
        if not wanted.defined or not mine:
            return bool(mine) is wanted.defined
        if wanted.time_range is not None and not self._overlaps(mine, wanted.time_range):
            return False
        if not all(any(prop.matches(one.lines, self._moment) for one in mine) for prop in wanted.props):
            return False
        return all(self._child_matches(comp, mine) for comp in wanted.comps)

    def _child_matches(self, wanted: CompFilter, parents: Sequence[Component]) -> bool:
        if wanted.name != "VALARM" or wanted.time_range is None:
            return self.matches(wanted, [child for parent in parents for child in parent.children])
        return any(self._has_alarm_in(parent, wanted.time_range) for parent in parents)

    def _overlaps(self, entries: Sequence[Component], wanted: TimeRange) -> bool:
        """Return whether one of the entries or of their recurrences overlaps a time range."""
        if entries[0].name == "VCALENDAR":
            entries = self._found.entries
        if any(True for _ in self._recurrences.between(wanted.start, wanted.end)):
            return True
        timeless = [one for one in entries if one.first("DTSTART") is None and one.first("DUE") is None]
        return any(_is_undated(one, self._moment, wanted) for one in timeless)

    def _has_alarm_in(self, entry: Component, wanted: TimeRange) -> bool:
        """Return whether an alarm of the entry rings in a time range."""
        alarms = (child for child in entry.children if child.name == "VALARM")
        triggers = {line.text: line for alarm in alarms for line in alarm.lines if line.name == "TRIGGER"}
        return any(
            wanted.start <= moment < wanted.end
            for trigger in triggers.values()
            for moment in self._alarm_times(entry, trigger, wanted)
        )

    def _alarm_times(self, entry: Component, trigger: Line, wanted: TimeRange) -> Iterator[datetime]:
        self._steps.take()
        if "P" not in trigger.value.upper():
            if (moment := self._moment(trigger)) is not None:
                yield moment
            return
        try:
            offset = parse_duration(trigger.value)
        except PayloadError:
            return
        of_end = "END" in (value.upper() for value in trigger.param("RELATED"))
        start, end = _shifted(wanted.start, -offset - _SECOND), _shifted(wanted.end, -offset + _SECOND)
        for one in self._recurrences.of_entry(entry, start, end):
            yield _shifted(one.ends if of_end else one.begins, offset)

    def _moment(self, line: Line) -> datetime | None:
        """Return the time of a line in UTC, or None if it cannot be read."""
        try:
            return to_utc(as_datetime(read_time(line, self._office, self._found.zones)), self._office)
        except (PayloadError, OverflowError):
            return None


def _is_undated(entry: Component, moment_of: Callable[[Line], datetime | None], wanted: TimeRange) -> bool:
    """Return whether a task without DTSTART and DUE overlaps a time range (RFC 4791 §9.9, last rows)."""
    if entry.name != "VTODO":
        return False
    completed, created = (entry.first(name) for name in ("COMPLETED", "CREATED"))
    done = moment_of(completed) if completed is not None else None
    made = moment_of(created) if created is not None else None
    if done is not None:
        first, last = min(made or done, done), max(made or done, done)
        return wanted.start <= last and wanted.end >= first
    return made is None or wanted.end > made


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """Return a time moved by a duration, limited to ``BEGINNING`` and ``END``."""
    try:
        return min(max(moment + by, BEGINNING), END)
    except OverflowError:
        return BEGINNING if by < timedelta(0) else END
