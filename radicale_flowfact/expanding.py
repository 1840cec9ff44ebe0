"""``CALDAV:expand`` (RFC 4791 §9.6.5): a series as single events, each at its own time and in UTC.

Radicale expands through vobject, which answers 500 to some series and leaves out what has no time-range filter.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from radicale_flowfact.calendar_objects import Component, read_object
from radicale_flowfact.contentlines import PayloadError, join_lines
from radicale_flowfact.recurrence import Occurrence, occurrences

_OF_TIME = frozenset({"DTSTART", "DTEND", "DUE", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE", "EXRULE"})


class TooManyError(PayloadError):
    """There are more occurrences in the time range than one answer may have (RFC 4791 §7.8, max-instances)."""


def expanded(text: str, office: ZoneInfo, start: datetime, end: datetime, most: int) -> tuple[str, int]:
    """Return a calendar object's occurrences between two moments as one text, and how many there are.

    No occurrence gives an empty text. Raises TooManyError for more than ``most``, PayloadError for what cannot be
    read.
    """
    found = read_object(text)
    if not any(entry.first(name) for entry in found.entries for name in ("DTSTART", "DUE")):
        return text, 1  # there is nothing to count from
    shown = list(islice(occurrences(found, office, start, end), most + 1))
    if len(shown) > most:
        raise TooManyError(f"there are more than {most} occurrences in it; ask for a shorter time")
    if not shown:
        return "", 0
    shown.sort(key=lambda one: (one.begins, one.instance or one.begins))
    entries = [line for one in shown for line in _lines(one, office)]
    around = [line.text for line in found.properties]
    return join_lines(["BEGIN:VCALENDAR", *around, *entries, "END:VCALENDAR"]), len(shown)


def _lines(one: Occurrence, office: ZoneInfo) -> Iterable[str]:
    """Yield the unfolded lines of one occurrence."""
    entry = one.entry
    yield f"BEGIN:{entry.name}"
    yield from (line.text for line in entry.lines if line.name not in _OF_TIME)
    starts_it = entry.first("DTSTART") is not None
    if starts_it:
        yield _time("DTSTART", one.begin, one.begins)
    if one.instance is not None:
        yield _instance(one, office)
    if (end := _end_of(entry)) is not None:
        is_day = not isinstance(one.begin, datetime)
        last = one.ends.astimezone(office).date() if is_day else one.ends.replace(tzinfo=None)
        yield _time(end, last, one.ends)
    yield from (child.source() for child in entry.children)
    yield f"END:{entry.name}"


def _end_of(entry: Component) -> str | None:
    """Return the name of the property that ends it, or None if its begin alone says when it is."""
    if any(entry.first(name) is not None for name in ("DTEND", "DUE")):
        return "DTEND" if entry.name == "VEVENT" else "DUE"
    if entry.first("DURATION") is not None:
        return "DTEND" if entry.name == "VEVENT" else "DUE"
    return None


def _instance(one: Occurrence, office: ZoneInfo) -> str:
    assert one.instance is not None  # noqa: S101 - the caller asked
    line = one.entry.first("RECURRENCE-ID")
    is_day = not isinstance(one.begin, datetime) if line is None else "T" not in line.value.upper()
    return _time("RECURRENCE-ID", one.instance.astimezone(office).date() if is_day else one.begin, one.instance)


def _time(name: str, shown: date | datetime, moment: datetime) -> str:
    if isinstance(shown, datetime):
        return f"{name}:{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{name};VALUE=DATE:{shown:%Y%m%d}"
