"""Renders a plain version of an item that vobject cannot parse, so that filters and ``expand`` work on it.

It has the properties that filters ask for, without parameters that vobject fails on; all times are in the office's
zone. It is never served as the item's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import read_object
from radicale_flowfact.content.contentlines import (
    Line,
    PayloadError,
    escape,
    join_lines,
    split_components,
    split_lines,
    split_values,
)
from radicale_flowfact.content.timezones import TimeValues, vtimezone

_TIMES = frozenset({"DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE", "RDATE"})
_PLAIN = frozenset(
    [
        *("UID", "DTSTAMP", "SUMMARY", "DESCRIPTION", "LOCATION", "STATUS", "CLASS", "CATEGORIES"),
        *("RRULE", "DURATION", "PRIORITY", "PERCENT-COMPLETE"),
    ]
)
_OF_CARD = frozenset({"UID", "FN", "ORG", "EMAIL", "TEL", "NOTE", "NICKNAME", "CATEGORIES", "TITLE"})
_NAME_PARTS = 5
_LONGEST_NAME = 10_000  # characters of N


def plain_calendar_object(text: str, zone: ZoneInfo) -> str:
    """Return the plain version of a calendar object. Raises PayloadError if it cannot be read here either."""
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


def plain_card(text: str) -> str:
    """Return the plain version of a contact. Raises PayloadError if it cannot be read here either."""
    lines = ["BEGIN:VCARD", "VERSION:3.0"]
    for line in split_lines(text):
        if line.name in _OF_CARD:
            types = f";TYPE={','.join(sorted(line.types))}" if line.types else ""
            lines.append(f"{line.name}{types}:{line.value}")
        elif line.name == "N":
            parts = [*split_components(line.value[:_LONGEST_NAME]), *[""] * _NAME_PARTS][:_NAME_PARTS]
            lines.append("N:" + ";".join(escape(part) for part in parts))
    if not any(line.startswith("N:") for line in lines):
        lines.append("N:;;;;")
    return join_lines([*lines, "END:VCARD"])


def _moments(line: Line, zone: ZoneInfo, zones: Mapping[str, str]) -> Iterator[date]:
    times = TimeValues(line, zone, zones)
    for value in split_values(line.value):
        try:
            yield times.local(value.partition("/")[0])
        except PayloadError:
            continue


def _local(name: str, moment: date, zone: ZoneInfo) -> str:
    if isinstance(moment, datetime):
        return f"{name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}"
    return f"{name};VALUE=DATE:{moment:%Y%m%d}"
