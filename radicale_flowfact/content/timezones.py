"""Converts between times of calendar objects and the office's time (rule 24; RFC 5545 §3.2.19, §3.3.5, §3.6.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icalendar import Component, Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from radicale_flowfact.content.contentlines import Line, PayloadError, escape

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_DATE_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z?)", re.IGNORECASE)
_RULE = re.compile(r"^RRULE[^:\n]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_RULE_PARTS = frozenset({"FREQ", "INTERVAL", "BYMONTH", "BYDAY", "BYMONTHDAY", "BYSETPOS", "UNTIL", "COUNT", "WKST"})
_COUNT = re.compile("0*[1-9][0-9]{0,5}")
_LOCATION = re.compile(r"^X-LIC-LOCATION[^:\n]*:(\S{1,255})", re.MULTILINE | re.IGNORECASE)
_MOST_LOCATIONS = 5  # of a VTIMEZONE are looked up; it has one
_OFFSET = re.compile(
    r"(?:UTC|GMT)?\s?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?(?:\s*\([^()]*\))?",
    re.IGNORECASE | re.ASCII,
)
_NUMBERED = re.compile(r"(?P<name>.+?)(?: |_)\d{1,2}", re.ASCII)  # a second zone of the same name in one file
# Names that are neither IANA's nor Windows' own: how the two are shown, in German and English, and abbreviations.
_DISPLAYED = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*(?P<places>.+)", re.IGNORECASE)
_SPOKEN = re.compile(
    r"(?P<berlin>me?s?z|cest|mitteleurop(?:ä|ae)ische (?:sommer|normal|standard)?zeit"
    r"|central european (?:summer |standard )?time)"
    r"|(?P<lisbon>west|westeurop(?:ä|ae)ische (?:sommer|normal|standard)?zeit"
    r"|western european (?:summer |standard )?time)"
    r"|(?P<new_york>eastern time.*)|(?P<chicago>central time.*)|(?P<denver>mountain time.*)"
    r"|(?P<los_angeles>pacific time.*)|(?P<utc>coordinated universal time|koordinierte weltzeit|z)",
    re.IGNORECASE,
)
_MOST_PLACES = 10  # of a name are looked up
_HOURS_A_DAY, _MINUTES_AN_HOUR = 24, 60
_LONGEST_TZID = 255
_LONGEST_ZONE = 50_000  # characters of a VTIMEZONE; one with every change since 1900 has half as many
_WHOLE_YEARS = 30  # of a longer span only the first and last year are described, to keep the text small
_FIRST_YEAR, _LAST_YEAR = 1753, 9998  # the range of FlowFact's datetime columns, with a margin for zones


class UnstorableError(PayloadError):
    """A time that calendars can hold and FlowFact's columns cannot (rule 28)."""


class TimeValues:
    """Parses the values of a property of times; its name and zone are determined once for all of them."""

    def __init__(self, line: Line, zone: ZoneInfo, own_zones: Mapping[str, str]) -> None:
        self._name = line.name
        self._tzid = tzid_of(line)
        self._is_office = not self._tzid or self._tzid.lower() == zone.key.lower()
        self._zone = zone
        self._own_zones = own_zones

    def local(self, value: str) -> date | datetime:
        """Return a DATE, or a DATE-TIME as naive wall-clock time in the office's zone. Raises PayloadError."""
        plain = _plain(self._name, value)
        if not isinstance(plain, datetime):
            return plain
        try:
            read = self._local(plain)
        except OverflowError as error:
            raise PayloadError(f"{self._name} is no date: {value[:40]!r}") from error
        _require_storable(self._name, read)
        return read

    def wall(self, value: str) -> tuple[date | datetime, tzinfo]:
        """Return a DATE or DATE-TIME as wall-clock time of the property's own zone, and that zone.

        The zone of a DATE and of a floating time is the office's. Raises PayloadError.
        """
        plain = _plain(self._name, value)
        if not isinstance(plain, datetime):
            return plain, self._zone
        if plain.tzinfo is not None:
            return plain.replace(tzinfo=None), UTC
        return plain, self._zone if self._is_office else resolve_tzid(self._tzid, self._own_zones)

    def _local(self, plain: datetime) -> datetime:
        if plain.tzinfo is not None:
            return to_local(plain, self._zone)
        if self._is_office:
            return plain
        return to_local(plain.replace(tzinfo=resolve_tzid(self._tzid, self._own_zones)), self._zone)


def read_time(line: Line, zone: ZoneInfo, own_zones: Mapping[str, str]) -> date | datetime:
    """Return a property's DATE, or its DATE-TIME as naive wall-clock time in ``zone``.

    Floating times are office local; ``own_zones`` are the object's VTIMEZONE texts by TZID.
    Raises PayloadError for a malformed value or an unknown TZID, UnstorableError for a time outside the range of
    FlowFact's columns.
    """
    return TimeValues(line, zone, own_zones).local(line.value)


def read_wall_time(line: Line, zone: ZoneInfo, own_zones: Mapping[str, str]) -> tuple[date | datetime, tzinfo]:
    """Return a property's DATE or DATE-TIME as wall-clock time of the property's own zone, and that zone.

    The zone of a DATE and of a floating time is the office's. Raises PayloadError like ``read_time``.
    """
    return TimeValues(line, zone, own_zones).wall(line.value)


def read_plain(line: Line) -> date | datetime:
    """Return a property's DATE or DATE-TIME without regard to TZID; aware only in UTC. Raises PayloadError."""
    return _plain(line.name, line.value)


def _plain(name: str, text: str) -> date | datetime:
    value = text.strip()
    try:
        if found := _DATE_TIME.fullmatch(value):
            year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
            in_utc = UTC if found[7] else None
            # ``datetime`` has no leap second (RFC 5545 §3.3.12 allows 60).
            read: date | datetime = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=in_utc)
        elif found := _DATE.fullmatch(value):
            read = date(*(int(part) for part in found.groups()))
        else:
            raise PayloadError(f"{name} is no date: {value[:40]!r}")
    except (ValueError, OverflowError) as error:
        if isinstance(error, PayloadError):
            raise
        raise PayloadError(f"{name} is no date: {value[:40]!r}") from error
    _require_storable(name, read)
    return read


def _require_storable(name: str, read: date) -> None:
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        raise UnstorableError(f"{name} lies in the year {read.year}, which FlowFact cannot keep")


def tzid_of(line: Line) -> str:
    """Return a property's TZID, or empty; a comma in it is part of it, even if a client did not quote it."""
    return ",".join(line.param("TZID")).strip()


def to_local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return an aware time as naive wall-clock time in ``zone``."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Return a wall-clock time in UTC; in the repeated hour of autumn, the first of the two."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def is_ambiguous(local: datetime, zone: ZoneInfo) -> bool:
    """Return whether a wall-clock time comes twice, as in the hour of the clock change in autumn."""
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def as_datetime(value: date | datetime) -> datetime:
    """Return a DATE as its first midnight, and a DATE-TIME as it is."""
    return value if isinstance(value, datetime) else datetime.combine(value, time.min)


def resolve_tzid(name: str, own_zones: Mapping[str, str]) -> tzinfo:
    """Return the zone of a TZID: IANA name, Windows name, path ending in an IANA name, else its own VTIMEZONE.

    Raises PayloadError for an unknown TZID without VTIMEZONE.
    """
    if len(name) <= _LONGEST_TZID and len(own_zones.get(name, "")) <= _LONGEST_ZONE:
        zone = _resolved(name, own_zones.get(name))
        if isinstance(zone, tzinfo):
            return zone
        raise PayloadError(zone)
    raise PayloadError(f"the time zone {name[:60]!r} is named or described at too great length")


@lru_cache(maxsize=64)  # each with a VTIMEZONE of 50 KB at most
def _resolved(name: str, own: str | None) -> tzinfo | str:
    """Return the zone of a TZID, or why there is none; cached, since each time of the zone asks for it."""
    for candidate in (name, WINDOWS_TO_OLSON.get(name, ""), *_path_ends(name), *_locations(own or "")):
        if candidate and (zone := _iana(candidate)) is not None:
            return zone
    refused = ""
    if own is not None:
        try:
            return _from_vtimezone(own)
        except PayloadError as error:
            refused = str(error)
    numbered = _NUMBERED.fullmatch(name)
    plain = numbered["name"] if numbered else name.replace("-", "/", 1)
    for candidate in (_known_names().get(name.lower(), ""), _known_names().get(plain.lower(), ""), _spoken(name)):
        if candidate and (zone := _iana(candidate)) is not None:
            return zone
    if found := _OFFSET.fullmatch(name):
        hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if found["sign"] == "-" else 1)
        if hours < _HOURS_A_DAY and minutes < _MINUTES_AN_HOUR:
            return timezone(offset)
    return refused or f"the time zone {name[:60]!r} is unknown and not described"


def known_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a TZID that says which one it is without a VTIMEZONE, or None."""
    zone = _resolved(name, None) if len(name) <= _LONGEST_TZID else None
    return zone if isinstance(zone, ZoneInfo) else None


def _spoken(name: str) -> str:
    """Return the IANA name for a name that people are shown, such as "(UTC+01:00) Amsterdam, Berlin", or empty."""
    shown = _DISPLAYED.fullmatch(name.strip())
    places = (shown["places"] if shown else name).replace("\\", "")
    if found := _SPOKEN.fullmatch(places.strip()):
        return _places().get(found.lastgroup or "", "")
    parts = re.split("[,/]", places) if shown or "," in places else name.replace("\\", "/").split("/")[-1:]
    known = (_places().get(part.strip().lower().replace(" ", "_")) for part in parts[:_MOST_PLACES])
    return next((found for found in known if found), "")


def _path_ends(name: str) -> list[str]:
    """Return the ends of a path such as ``/freeassociation.sourceforge.net/Europe/Berlin``."""
    parts = name.strip("/").split("/")
    return ["/".join(parts[-count:]) for count in (3, 2) if len(parts) > count or name.startswith("/")]


def _locations(vtimezone: str) -> list[str]:
    found = _LOCATION.finditer(vtimezone)
    return [location[1] for location in islice(found, _MOST_LOCATIONS)]


@lru_cache(maxsize=1)
def _known_names() -> Mapping[str, str]:
    """Return the IANA name for each IANA and Windows name in lower case: some clients change the case."""
    iana = {name.lower(): name for name in available_timezones()}
    return iana | {name.lower(): olson for name, olson in WINDOWS_TO_OLSON.items()}


@lru_cache(maxsize=1)
def _places() -> Mapping[str, str]:
    """Return the IANA name for each town, its last part in lower case; of two names, the first by the alphabet."""
    return {name.rpartition("/")[2].lower(): name for name in sorted(available_timezones(), reverse=True)}


@lru_cache(maxsize=256)
def _iana(name: str) -> ZoneInfo | None:
    if len(name) > _LONGEST_TZID:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _from_vtimezone(text: str) -> tzinfo:
    require_yearly_rules([text])
    try:
        component = Component.from_ical(text.replace("\n", "\r\n") + "\r\n")
        assert isinstance(component, Timezone)  # noqa: S101 - the caller cut out a VTIMEZONE
        zone: tzinfo = component.to_tz(lookup_tzid=False)
        zone.utcoffset(datetime(2020, 1, 1))
    except Exception as error:  # icalendar raises exceptions of many types
        raise PayloadError(f"its VTIMEZONE cannot be read: {error}") from error
    return zone


def require_yearly_rules(own_zones: Iterable[str]) -> None:
    """Raise PayloadError for a VTIMEZONE with an RRULE that is not a plain yearly one.

    A rule of every second would take hours to expand, here or in a client; one whose interval is 0 never ends.
    """
    for rule in (rule for text in own_zones for rule in _RULE.findall(text)):
        parts = [part.strip().upper().partition("=")[::2] for part in rule.split(";") if part.strip()]
        often = [value for key, value in parts if key not in _RULE_PARTS and not value.isdecimal()]
        endless = [value for key, value in parts if key == "INTERVAL" and not _COUNT.fullmatch(value)]
        if [value for key, value in parts if key == "FREQ"] != ["YEARLY"] or often or endless:
            raise PayloadError(f"its VTIMEZONE has a rule that is none of a time zone: {rule[:60]!r}")


def vtimezone(zone: ZoneInfo, start: datetime, end: datetime, name: str = "") -> list[str]:
    """Return the lines of a VTIMEZONE valid for the years of ``start`` to ``end`` (wall-clock times).

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
