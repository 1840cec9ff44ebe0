"""Renders times of an activity (naive, office local) as lines, and checks that calendars can hold them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import CalendarObject
from radicale_flowfact.content.timezones import known_zone, to_utc, tzid_of
from radicale_flowfact.records import Activity

_TIMES = frozenset({"DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE", "RDATE"})
EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = datetime(1753, 1, 1), datetime(9998, 12, 31)


def representable(moment: datetime | None) -> datetime | None:
    """Return a time that SQL Server's ``datetime`` and calendars can both hold, else None (rule 28)."""
    return moment if moment is not None and _FIRST <= moment <= _LAST else None


def require_representable(moment: datetime | None) -> None:
    """Raise ValueError for a time outside those years."""
    if moment is not None and representable(moment) is None:
        raise ValueError(f"the year {moment.year} is impossible")


def all_day_dates(begin: datetime, end: datetime | None) -> tuple[date, date]:
    """Return the first day of an all-day event and the one after its last."""
    last = end.date() if end is not None and end.date() > begin.date() else begin.date() + timedelta(days=1)
    if end is not None and end.time() != time.min:
        last = end.date() + timedelta(days=1)
    return begin.date(), last


def local_time_line(name: str, moment: datetime, zone: ZoneInfo) -> str:
    """Return a line of time with TZID (RFC 5545 §3.2.19)."""
    return f"{name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}"


def are_sound(found: CalendarObject) -> bool:
    """Return whether every program reads the times of a calendar object as they are meant (rule 24).

    Each zone is described beside them or called by its IANA name; an end is of the type of its begin (RFC 5545 §3.6.1).
    """
    for entry in found.entries:
        for line in entry.lines:
            if line.name not in _TIMES:
                continue
            name = tzid_of(line)
            is_known = not name or name in found.zones or ((zone := known_zone(name)) is not None and zone.key == name)
            is_day = "DATE" in (value.upper() for value in line.param("VALUE"))
            if not is_known or (is_day and "T" in line.value.upper()):
                return False
        start, end = entry.first("DTSTART"), entry.first("DTEND") or entry.first("DUE")
        if start is not None and end is not None and ("T" in start.value.upper()) != ("T" in end.value.upper()):
            return False
    return True


def touch_in_utc(activity: Activity, zone: ZoneInfo) -> str:
    """Return Touch in UTC, as DTSTAMP and COMPLETED have it."""
    touch = representable(activity.touch) or EPOCH
    return f"{to_utc(touch, zone):%Y%m%dT%H%M%SZ}"
