"""A plain likeness of an item whose own text vobject cannot read, so that filters and ``expand`` still work on it.

It holds what filters ask for, without parameters that trip vobject up; all times are in the office's zone. It is
never served as the item's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from radicale_flowfact.calendar_objects import read_object
from radicale_flowfact.contentlines import (
    Line,
    PayloadError,
    escape,
    join_lines,
    parse_line,
    split_components,
    split_lines,
)
from radicale_flowfact.timezones import read_time, vtimezone

_TIMES = frozenset({"DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE", "RDATE"})
_PLAIN = frozenset(
    [
        *("UID", "DTSTAMP", "SUMMARY", "DESCRIPTION", "LOCATION", "STATUS", "CLASS", "CATEGORIES"),
        *("RRULE", "DURATION", "PRIORITY", "PERCENT-COMPLETE"),
    ]
)
_OF_CARD = frozenset({"UID", "FN", "ORG", "EMAIL", "TEL", "NOTE", "NICKNAME", "CATEGORIES", "TITLE"})
_NAME_PARTS = 5


def calendar_likeness(text: str, zone: ZoneInfo) -> str:
    """Return a calendar object's likeness. Raises PayloadError if our own reading fails, too."""
    found = read_object(text)
    lines: list[str] = []
    years: list[int] = []
    for entry in found.entries:
        lines.append(f"BEGIN:{entry.name}")
        for line in entry.lines:
            if line.name in _PLAIN:
                lines.append(f"{line.name}:{line.value}")
            elif line.name in _TIMES:
                for moment in _moments(line, zone, found.zones):
                    years.append(moment.year)
                    lines.append(_local(line.name, moment, zone))
        lines.append(f"END:{entry.name}")
    years = years or [1970]
    described = vtimezone(zone, datetime(min(years), 1, 1), datetime(max(years), 1, 1))
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//radicale-flowfact//EN"]
    return join_lines([*head, *described, *lines, "END:VCALENDAR"])


def card_likeness(text: str) -> str:
    """Return a contact's likeness. Raises PayloadError if our own reading fails, too."""
    lines = ["BEGIN:VCARD", "VERSION:3.0"]
    for line in split_lines(text):
        if line.name in _OF_CARD:
            types = f";TYPE={','.join(sorted(line.types))}" if line.types else ""
            lines.append(f"{line.name}{types}:{line.value}")
        elif line.name == "N":
            parts = [*split_components(line.value), *[""] * _NAME_PARTS][:_NAME_PARTS]
            lines.append("N:" + ";".join(escape(part) for part in parts))
    if not any(line.startswith("N:") for line in lines):
        lines.append("N:;;;;")
    return join_lines([*lines, "END:VCARD"])


def _moments(line: Line, zone: ZoneInfo, zones: Mapping[str, str]) -> Iterator[date]:
    head = line.text[: len(line.text) - len(line.value)]
    for value in line.value.split(","):
        try:
            yield read_time(parse_line(f"{head}{value.partition('/')[0]}"), zone, zones)
        except PayloadError:
            continue


def _local(name: str, moment: date, zone: ZoneInfo) -> str:
    if isinstance(moment, datetime):
        return f"{name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}"
    return f"{name};VALUE=DATE:{moment:%Y%m%d}"
