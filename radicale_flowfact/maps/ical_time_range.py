"""Computes when an activity takes place, for calendar-query (RFC 4791 §9.9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact.content.contentlines import PayloadError, parse_line
from radicale_flowfact.content.time_ranges import EVER, undated_task_range
from radicale_flowfact.content.timezones import as_datetime, read_time, to_utc
from radicale_flowfact.maps import repeated_hour, undated_tasks
from radicale_flowfact.maps.ical_sidecar import is_outdated, property_name
from radicale_flowfact.maps.ical_times import all_day_dates, representable
from radicale_flowfact.records import Activity


def time_range(activity: Activity, component: str, zone: ZoneInfo, sidecar: Sequence[str] = ()) -> tuple[int, int]:
    """Return start and end in Unix seconds for calendar-query (RFC 4791 §9.9); a moment lasts one second."""
    if component == "VTODO":
        return _task_range(activity, zone, sidecar)
    begin, end = activity.begin, activity.end
    if begin is not None and activity.all_day:
        begin, end = (datetime.combine(day, time.min) for day in all_day_dates(begin, end))
    elif begin is not None and end is not None and (exact := repeated_hour.meant(begin, end, sidecar, zone)):
        first = int(exact[0].timestamp())
        return first, max(first + 1, int(exact[1].timestamp()))
    return EVER if begin is None else _unix_range(begin, end, zone)


def _task_range(activity: Activity, zone: ZoneInfo, sidecar: Sequence[str]) -> tuple[int, int]:
    starts = _sidecar_time("DTSTART", activity, zone, sidecar)
    if undated_tasks.is_undated(activity, sidecar):
        if starts is None:
            created, completed = (_sidecar_time(name, activity, zone, sidecar) for name in ("CREATED", "COMPLETED"))
            if completed is None and activity.done:
                completed = representable(activity.touch)
            return undated_task_range(_in_utc(created, zone), _in_utc(completed, zone))
        begin = as_datetime(starts)
        return _unix_range(begin, begin if isinstance(starts, datetime) else begin + timedelta(days=1), zone)
    due = activity.reminder
    if due is None:
        return EVER
    end = due if activity.reminder_has_time else due + timedelta(days=1)
    return _unix_range(due if starts is None else min(as_datetime(starts), due), end, zone)


def _in_utc(moment: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if moment is None else to_utc(as_datetime(moment), zone)


def _sidecar_time(name: str, activity: Activity, zone: ZoneInfo, sidecar: Sequence[str]) -> date | datetime | None:
    """Return the time, office local, of the first line of this name that a task is served with, or None."""
    for entry in sidecar:
        if property_name(entry) == name and not is_outdated(activity, name, entry, sidecar):
            try:
                return read_time(parse_line(entry), zone, {})
            except PayloadError:
                return None
    return None


def _unix_range(begin: datetime, end: datetime | None, zone: ZoneInfo) -> tuple[int, int]:
    first = int(to_utc(begin, zone).timestamp())
    return first, max(first + 1, int(to_utc(end or begin, zone).timestamp()))
