"""Times of calendar objects and the office's wall clock (rule 24; RFC 5545 §3.2.19, §3.3.5, §3.6.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icalendar import Component, Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from radicale_flowfact.contentlines import Line, PayloadError, escape

EVER = (-62135596800, 253402300800)
"""From the year 1 to the year 10000, in Unix seconds: the time range of what has no time."""
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_DATE_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z?)", re.IGNORECASE)
_RULE = re.compile(r"^RRULE[^:\n]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_RULE_PARTS = frozenset({"FREQ", "INTERVAL", "BYMONTH", "BYDAY", "BYMONTHDAY", "BYSETPOS", "UNTIL", "COUNT", "WKST"})
_WHOLE_YEARS = 30  # a longer span is described at its ends only, so that a text stays small
_FIRST_YEAR, _LAST_YEAR = 1753, 9998  # what FlowFact's datetime columns hold, and a day of room behind


def read_time(line: Line, zone: ZoneInfo, own_zones: Mapping[str, str]) -> date | datetime:
    """Return a property's DATE, or its DATE-TIME as naive wall-clock time in ``zone``.

    Floating times are the office's wall clock; ``own_zones`` are the object's VTIMEZONE texts by TZID.
    Raises PayloadError for what is no date, lies outside FlowFact's calendar, or has an unknown TZID.
    """
    plain = read_plain(line)
    if not isinstance(plain, datetime):
        return plain
    try:
        read = _local(plain, line, zone, own_zones)
    except OverflowError as error:
        raise PayloadError(f"{line.name} is no date: {line.value[:40]!r}") from error
    _require_keepable(line, read)
    return read


def read_wall(line: Line, zone: ZoneInfo, own_zones: Mapping[str, str]) -> tuple[date | datetime, tzinfo]:
    """Return a property's DATE or DATE-TIME as the clock shows it in the zone that the property is in, and that zone.

    That of a DATE and of a floating time is the office's. Raises PayloadError like ``read_time``.
    """
    plain = read_plain(line)
    if not isinstance(plain, datetime):
        return plain, zone
    if plain.tzinfo is not None:
        return plain.replace(tzinfo=None), UTC
    name = tzid_of(line)
    return plain, resolve(name, own_zones) if name and name.lower() != zone.key.lower() else zone


def read_plain(line: Line) -> date | datetime:
    """Return a property's DATE or DATE-TIME as it stands there, without zone unless it is UTC. Raises PayloadError."""
    value = line.value.strip()
    try:
        if found := _DATE_TIME.fullmatch(value):
            year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
            in_utc = UTC if found[7] else None
            # A leap second is none of ours.
            read: date | datetime = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=in_utc)
        elif found := _DATE.fullmatch(value):
            read = date(*(int(part) for part in found.groups()))
        else:
            raise PayloadError(f"{line.name} is no date: {value[:40]!r}")
    except (ValueError, OverflowError) as error:
        if isinstance(error, PayloadError):
            raise
        raise PayloadError(f"{line.name} is no date: {value[:40]!r}") from error
    _require_keepable(line, read)
    return read


def _require_keepable(line: Line, read: date) -> None:
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        raise PayloadError(f"{line.name} lies in the year {read.year}, which FlowFact cannot keep")


def _local(plain: datetime, line: Line, zone: ZoneInfo, own_zones: Mapping[str, str]) -> datetime:
    name = tzid_of(line)
    if plain.tzinfo is not None:
        return to_local(plain, zone)
    if not name or name.lower() == zone.key.lower():
        return plain
    return to_local(plain.replace(tzinfo=resolve(name, own_zones)), zone)


def tzid_of(line: Line) -> str:
    """Return a property's TZID, or empty; commas in it belong to it, even where a client forgot the quotes."""
    return ",".join(line.param("TZID")).strip()


def to_local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment as naive wall-clock time in ``zone``."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Return a wall-clock time as a moment; in the repeated hour of autumn, the first one."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def is_repeated(local: datetime, zone: ZoneInfo) -> bool:
    """Return whether a wall-clock time comes twice, as in the hour of the clock change in autumn."""
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def as_datetime(value: date | datetime) -> datetime:
    """Return a DATE as the midnight it begins with."""
    return value if isinstance(value, datetime) else datetime.combine(value, time.min)


def resolve(name: str, own_zones: Mapping[str, str]) -> tzinfo:
    """Return the zone that a TZID means: IANA, Windows, a path ending in IANA, else its own VTIMEZONE.

    Raises PayloadError when nothing says what it is.
    """
    for candidate in (name, WINDOWS_TO_OLSON.get(name, ""), *_tails(name), *_locations(own_zones.get(name, ""))):
        if candidate and (zone := _iana(candidate)) is not None:
            return zone
    if name in own_zones:
        return _from_vtimezone(own_zones[name])
    if (zone := _iana(_known_names().get(name.lower(), ""))) is not None:
        return zone
    raise PayloadError(f"the time zone {name[:60]!r} is unknown and not described")


def _tails(name: str) -> list[str]:
    """Return the ends of a path such as ``/freeassociation.sourceforge.net/Europe/Berlin``."""
    parts = name.strip("/").split("/")
    return ["/".join(parts[-count:]) for count in (3, 2) if len(parts) > count]


def _locations(vtimezone: str) -> list[str]:
    return re.findall(r"^X-LIC-LOCATION[^:\n]*:(\S+)", vtimezone, flags=re.MULTILINE | re.IGNORECASE)


@lru_cache(maxsize=1)
def _known_names() -> Mapping[str, str]:
    """Return the IANA name for each IANA and Windows name in lower case: some clients change the case."""
    iana = {name.lower(): name for name in available_timezones()}
    return iana | {name.lower(): olson for name, olson in WINDOWS_TO_OLSON.items()}


@lru_cache(maxsize=256)
def _iana(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=256)
def _from_vtimezone(text: str) -> tzinfo:
    require_yearly([text])
    try:
        component = Component.from_ical(text.replace("\n", "\r\n") + "\r\n")
        assert isinstance(component, Timezone)  # noqa: S101 - the caller cut out a VTIMEZONE
        zone: tzinfo = component.to_tz(lookup_tzid=False)
        zone.utcoffset(datetime(2020, 1, 1))
    except Exception as error:  # the library raises whatever it stumbles over
        raise PayloadError(f"its VTIMEZONE cannot be read: {error}") from error
    return zone


def require_yearly(own_zones: Iterable[str]) -> None:
    """Raise PayloadError for a VTIMEZONE text with a rule that no zone has.

    One of every second would be counted out for hours, here or by whoever else reads the text.
    """
    for rule in (rule for text in own_zones for rule in _RULE.findall(text)):
        parts = dict(part.strip().upper().partition("=")[::2] for part in rule.split(";") if part.strip())
        often = [value for key, value in parts.items() if key not in _RULE_PARTS and not value.isdecimal()]
        if parts.get("FREQ") != "YEARLY" or often:
            raise PayloadError(f"its VTIMEZONE has a rule that is none of a time zone: {rule[:60]!r}")


def vtimezone(zone: ZoneInfo, start: datetime, end: datetime, name: str = "") -> list[str]:
    """Return the lines of a VTIMEZONE that is right for the years of ``start`` and ``end`` (wall-clock times).

    ``name``: the TZID by which it is referred to, if that is not the zone's IANA name.
    """
    described = _observances(zone.key, start.year, max(end.year, start.year))
    return ["BEGIN:VTIMEZONE", f"TZID:{escape(name or zone.key)}", *described, "END:VTIMEZONE"]


@lru_cache(maxsize=512)
def _observances(key: str, first: int, last: int) -> tuple[str, ...]:
    if last - first > _WHOLE_YEARS:
        return (*_observances(key, first, first), *_observances(key, last, last))
    zone = ZoneInfo(key)
    begin = datetime(first, 1, 1, tzinfo=UTC) - timedelta(days=1)
    lines = _observance(zone, begin, begin, datetime(first, 1, 1))
    for moment in _transitions(zone, begin, last):
        before = moment - timedelta(seconds=1)
        onset = (moment + _offset(zone, before)).replace(tzinfo=None)
        lines += _observance(zone, before, moment, onset)
    return tuple(lines)


def _observance(zone: ZoneInfo, before: datetime, moment: datetime, onset: datetime) -> list[str]:
    local = moment.astimezone(zone)
    name = "DAYLIGHT" if local.dst() else "STANDARD"
    return [
        f"BEGIN:{name}",
        f"DTSTART:{onset:%Y%m%dT%H%M%S}",
        f"TZOFFSETFROM:{_offset_text(_offset(zone, before))}",
        f"TZOFFSETTO:{_offset_text(_offset(zone, moment))}",
        f"TZNAME:{local.tzname()}",
        f"END:{name}",
    ]


def _transitions(zone: ZoneInfo, begin: datetime, last_year: int) -> list[datetime]:
    """Return the moments at which the offset changes, to the second, until the end of ``last_year``."""
    found: list[datetime] = []
    end = datetime(last_year, 12, 31, 23, tzinfo=UTC)
    low = begin
    while low < end:
        high = min(low + timedelta(days=7), end)
        if _offset(zone, low) != _offset(zone, high):
            early, late = low, high
            while late - early > timedelta(seconds=1):
                middle = early + timedelta(seconds=int((late - early).total_seconds()) // 2)
                early, late = (middle, late) if _offset(zone, middle) == _offset(zone, low) else (early, middle)
            found.append(late)
        low = high
    return found


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _offset_text(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{seconds // 3600:02d}{seconds % 3600 // 60:02d}"
    return f"{text}{seconds % 60:02d}" if seconds % 60 else text
