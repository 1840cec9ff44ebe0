"""Whether a calendar object matches a filter of calendar-query (RFC 4791 §9.7, §9.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact.alarms import parse_duration
from radicale_flowfact.calendar_objects import CalendarObject, Component, read_object
from radicale_flowfact.contentlines import Line, PayloadError
from radicale_flowfact.filtering import BEGINNING, END, CompFilter, TimeRange
from radicale_flowfact.recurrence import occurrences
from radicale_flowfact.timezones import as_datetime, read_time, to_utc

_SECOND = timedelta(seconds=1)


def calendar_matches(text: str, wanted: CompFilter, office: ZoneInfo) -> bool:
    """Return whether a calendar object is as wanted. Raises PayloadError for one that cannot be read."""
    found = read_object(text)
    calendar = Component("VCALENDAR", list(found.properties), list(found.entries))
    return _Matcher(found, office).holds(wanted, [calendar])


class _Matcher:
    """Tests the filters of one query on one calendar object."""

    def __init__(self, found: CalendarObject, office: ZoneInfo) -> None:
        self._found = found
        self._office = office

    def holds(self, wanted: CompFilter, among: Iterable[Component]) -> bool:
        """Return whether the components of the wanted name are as wanted, all of them taken together."""
        mine = [component for component in among if component.name == wanted.name]
        if not wanted.defined or not mine:
            return bool(mine) is wanted.defined
        if wanted.time_range is not None and not self._takes_place(mine, wanted.time_range):
            return False
        if not all(any(prop.matches(one.lines, self._moment) for one in mine) for prop in wanted.props):
            return False
        return all(self._inner(comp, mine) for comp in wanted.comps)

    def _inner(self, wanted: CompFilter, parents: Sequence[Component]) -> bool:
        if wanted.name != "VALARM" or wanted.time_range is None:
            return self.holds(wanted, [child for parent in parents for child in parent.children])
        return any(self._rings(parent, wanted.time_range) for parent in parents)

    def _takes_place(self, entries: Sequence[Component], wanted: TimeRange) -> bool:
        """Return whether one of the entries, or of what they recur to, lies in a time range."""
        if entries[0].name == "VCALENDAR":
            entries = self._found.entries
        if any(True for _ in occurrences(self._found, self._office, wanted.start, wanted.end)):
            return True
        timeless = [one for one in entries if one.first("DTSTART") is None and one.first("DUE") is None]
        return any(_is_undated(one, self._moment, wanted) for one in timeless)

    def _rings(self, entry: Component, wanted: TimeRange) -> bool:
        """Return whether an alarm of the entry goes off in a time range."""
        triggers = [line for child in entry.children if child.name == "VALARM" for line in child.lines]
        return any(
            wanted.start <= moment < wanted.end
            for line in triggers
            if line.name == "TRIGGER"
            for moment in self._ringing(entry, line, wanted)
        )

    def _ringing(self, entry: Component, trigger: Line, wanted: TimeRange) -> Iterator[datetime]:
        if "P" not in trigger.value.upper():
            if (moment := self._moment(trigger)) is not None:
                yield moment
            return
        try:
            offset = parse_duration(trigger.value)
        except PayloadError:
            return
        of_end = "END" in (value.upper() for value in trigger.param("RELATED"))
        start, end = _moved(wanted.start, -offset - _SECOND), _moved(wanted.end, -offset + _SECOND)
        for one in occurrences(self._found, self._office, start, end):
            if one.entry is entry:
                yield _moved(one.ends if of_end else one.begins, offset)

    def _moment(self, line: Line) -> datetime | None:
        """Return the moment that a line tells, or None if it tells none."""
        try:
            return to_utc(as_datetime(read_time(line, self._office, self._found.zones)), self._office)
        except (PayloadError, OverflowError):
            return None


def _is_undated(entry: Component, moment_of: Callable[[Line], datetime | None], wanted: TimeRange) -> bool:
    """Return whether a task without begin and due date is in a time range (the last rows of RFC 4791 §9.9)."""
    if entry.name != "VTODO":
        return False
    completed, created = (entry.first(name) for name in ("COMPLETED", "CREATED"))
    done = moment_of(completed) if completed is not None else None
    made = moment_of(created) if created is not None else None
    if done is not None:
        first, last = min(made or done, done), max(made or done, done)
        return wanted.start <= last and wanted.end >= first
    return made is None or wanted.end > made


def _moved(moment: datetime, by: timedelta) -> datetime:
    """Return a moment moved, kept inside the calendar."""
    try:
        return min(max(moment + by, BEGINNING), END)
    except OverflowError:
        return BEGINNING if by < timedelta(0) else END
