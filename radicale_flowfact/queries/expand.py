"""Expands entries into their occurrences with times in UTC (RFC 4791 §7.10 and §9.6.5).

Radicale expands through vobject, which fails with 500 for some series and ignores ``expand`` without a time-range. It
also reads all times of a TZID by the first VTIMEZONE of that name that came into its process.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import Component, read_object
from radicale_flowfact.content.contentlines import PayloadError, join_lines
from radicale_flowfact.queries.recurrence_sets import Occurrence, occurrences
from radicale_flowfact.queries.steps import Steps

_OF_TIME = frozenset({"DTSTART", "DTEND", "DUE", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE", "EXRULE"})

_ALWAYS = datetime(1000, 1, 1), datetime(9999, 12, 30)
_BUSY = frozenset({"UID", "STATUS", "TRANSP"})  # what makes an occurrence busy, tentative or neither
_NOT_BUSY = ["BEGIN:VEVENT", f"DTSTART:{_ALWAYS[0]:%Y%m%dT%H%M%SZ}", "TRANSP:TRANSPARENT", "END:VEVENT"]
_SIZE = 2000  # characters of an occurrence on average, in the largest answer


class TooManyError(PayloadError):
    """More occurrences in the time range than one answer may have (RFC 4791 §5.2.8, max-instances)."""


def expand(
    text: str, office: ZoneInfo, start: datetime, end: datetime, most: int, query: Steps | None = None
) -> tuple[str, int]:
    """Return a calendar object's occurrences between two times in UTC as one text, and their number.

    No occurrence gives an empty text. A long one counts as several: an answer has ``_SIZE`` characters for each.
    Raises TooManyError for more than ``most``, PayloadError for what cannot be read, TooManyStepsError.
    """
    found = read_object(text)
    if not any(entry.first(name) for entry in found.entries for name in ("DTSTART", "DUE")):
        return text, 1  # neither DTSTART nor DUE: it does not recur
    shown = list(islice(occurrences(found, office, start, end, Steps(query=query)), most + 1))
    if len(shown) > most:
        raise TooManyError(f"there are more than {most} occurrences in it; ask for a shorter time")
    if not shown:
        return "", 0
    shown.sort(key=lambda one: (one.begins, one.instance or one.begins))
    entries: list[str] = []
    size = 0
    for line in (line for one in shown for line in _lines(one, office)):
        size += len(line)
        if size > most * _SIZE:
            raise TooManyError(f"its occurrences have more than {most * _SIZE} characters; ask for a shorter time")
        entries.append(line)
    around = [line.text for line in found.properties]
    return join_lines(["BEGIN:VCALENDAR", *around, *entries, "END:VCALENDAR"]), max(len(shown), size // _SIZE)


def in_utc(text: str, office: ZoneInfo) -> str:
    """Return the object of an entry that does not recur with its times in UTC. Raises PayloadError."""
    made, _ = expand(text, office, *_ALWAYS, most=len(text) // _SIZE + 2)
    return made or text


def busy_times(text: str, office: ZoneInfo, start: datetime, end: datetime, most: int, query: Steps | None) -> str:
    """Return the occurrences of an entry between two times in UTC, of each only when it is and whether that is busy.

    A day begins at the office's midnight. Raises TooManyError for more than ``most``, PayloadError, TooManyStepsError.
    """
    shown = list(islice(occurrences(read_object(text), office, start, end, Steps(query=query)), most + 1))
    if len(shown) > most:
        raise TooManyError(f"there are more than {most} occurrences in it; ask for a shorter time")
    lines = [line for number, one in enumerate(shown) for line in _busy_lines(one, number)]
    return join_lines(["BEGIN:VCALENDAR", *(lines or _NOT_BUSY), "END:VCALENDAR"])


def _busy_lines(one: Occurrence, number: int) -> Iterable[str]:
    """Yield the lines of an occurrence; to Radicale, all but the first (number 0) are overrides of that."""
    yield f"BEGIN:{one.entry.name}"
    yield from (line.text for line in one.entry.lines if line.name in _BUSY)
    if number:
        yield _time("RECURRENCE-ID", one.begins, one.begins)
    yield _time("DTSTART", one.begins, one.begins)
    yield _time("DTEND", one.ends, one.ends)
    yield f"END:{one.entry.name}"


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
        yield _time(end, last, one.ends) if starts_it else _time(end, one.begin, one.begins)
    yield from (child.source() for child in entry.children)
    yield f"END:{entry.name}"


def _end_of(entry: Component) -> str | None:
    """Return the name of the property of its end, or None if it has neither end nor duration."""
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
