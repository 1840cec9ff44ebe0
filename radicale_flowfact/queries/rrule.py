"""RRULE and EXRULE (RFC 5545 §3.3.10) as rules that can be counted out quickly, wherever in time one looks.

dateutil counts a rule from its first day on, so a daily rule asked for the year 3000 would cost half a second,
and some values keep it busy for ever. A rule is therefore read strictly, and begun anew shortly before the time
that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import takewhile

from dateutil.rrule import rrulestr

from radicale_flowfact.contentlines import PayloadError, parse_line
from radicale_flowfact.timezones import read_plain

_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_PARTS = frozenset(
    [
        *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY"),
        *("BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"),
    ]
)
_OF_DAYS = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY")
_OF_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
_IGNORED = frozenset({"RSCALE", "SKIP"})  # RFC 7529, for the Gregorian calendar only
_TIMES_A_DAY = 24
_LARGEST = 1_000_000  # of INTERVAL and COUNT; dateutil turns a greater one into an overflow


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its parts in upper case. Times in it are wall-clock times of the zone that DTSTART is in."""

    parts: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, value: str) -> Rule:
        """Read a rule's value. Raises PayloadError for one that is none, or repeats more often than daily."""
        pairs = [part.strip().upper().partition("=")[::2] for part in value.split(";") if part.strip()]
        found = {key: text for key, text in pairs if key not in _IGNORED and not key.startswith("X-")}
        scale = dict(pairs).get("RSCALE", "GREGORIAN")
        if scale != "GREGORIAN" or not found.keys() <= _PARTS:
            raise PayloadError(f"its rule has a part that is not known here: {value[:60]!r}")
        if found.get("FREQ") not in _FREQUENCIES:
            shown = found.get("FREQ", "")[:20] or "without a FREQ"
            raise PayloadError(f"it repeats {shown}; daily is the most often")
        for key in ("INTERVAL", "COUNT"):
            number = found.get(key, "1")
            if not (number.isascii() and number.isdigit() and 0 < int(number[:9]) <= _LARGEST and len(number) < 9):
                raise PayloadError(f"the {key} of its rule is out of range: {number[:20]!r}")
        often = 1
        for key in _OF_TIMES:
            often *= len(found.get(key, "").split(","))
        if often > _TIMES_A_DAY:
            raise PayloadError(f"it repeats {often} times a day; {_TIMES_A_DAY} are the most")
        rule = cls(tuple(found.items()))
        rule.require_sound()
        return rule

    def part(self, name: str) -> str:
        """Return the value of a part, or empty."""
        return dict(self.parts).get(name, "")

    @property
    def count(self) -> int | None:
        """How many occurrences it has at most, or None."""
        return int(self.part("COUNT")) if self.part("COUNT") else None

    def until(self, zone: tzinfo) -> datetime | None:
        """Return the last moment at which it may take place, as wall-clock time in ``zone``. Raises PayloadError."""
        text = self.part("UNTIL")
        if not text:
            return None
        found = read_plain(parse_line(f"UNTIL:{text}"))
        if not isinstance(found, datetime):
            return datetime.combine(found, time.max)
        return found.astimezone(zone).replace(tzinfo=None) if found.tzinfo else found

    def require_sound(self) -> None:
        """Raise PayloadError if the library cannot read it or its end is no time."""
        self.until(UTC)
        try:
            self._rule(datetime(2020, 2, 29), {})
        except (ValueError, TypeError, OverflowError, AttributeError, IndexError, KeyError) as error:
            raise PayloadError(f"its rule cannot be read: {error}") from error

    def starts(self, begin: datetime, zone: tzinfo, low: datetime, high: datetime) -> Iterator[datetime]:
        """Yield the wall-clock times from ``low`` to ``high`` at which it takes place; ``begin`` is DTSTART's."""
        parts = dict(self.parts)
        until = self.until(zone)
        if until is not None and until < low:
            return
        parts.pop("UNTIL", None)
        first = begin
        if "COUNT" not in parts and low > begin:
            parts, first = self._later(parts, begin, low)
        last = min(high, until) if until is not None else high
        try:
            times = takewhile(lambda moment: moment <= last, self._rule(first, parts))
            yield from (moment for moment in times if moment >= low and moment >= begin)
        except (ValueError, OverflowError):  # beyond the year 9999
            return

    def _rule(self, begin: datetime, parts: dict[str, str]) -> Iterator[datetime]:
        chosen = parts or {key: value for key, value in self.parts if key != "UNTIL"}
        text = ";".join(f"{key}={value}" for key, value in chosen.items())
        return iter(rrulestr(text, dtstart=begin.replace(microsecond=0), ignoretz=True))

    def _later(self, parts: dict[str, str], begin: datetime, low: datetime) -> tuple[dict[str, str], datetime]:
        """Return the same rule begun a whole number of its intervals later, but before ``low``."""
        interval = int(parts.get("INTERVAL", "1"))
        frequency = parts["FREQ"]
        plain = not any(key in parts for key in _OF_DAYS if key != "BYMONTH")
        if frequency in ("DAILY", "WEEKLY"):
            step = timedelta(days=interval * (7 if frequency == "WEEKLY" else 1))
            return parts, begin + max(0, (low - begin) // step - 1) * step
        if plain:  # what the first day says without words
            parts["BYMONTHDAY"] = str(begin.day)
            if frequency == "YEARLY":
                parts.setdefault("BYMONTH", str(begin.month))
        if frequency == "YEARLY":
            years = max(0, (low.year - begin.year) // interval - 1) * interval
            return (parts, begin) if not years else (parts, begin.replace(year=begin.year + years, month=1, day=1))
        months = max(0, ((low.year - begin.year) * 12 + low.month - begin.month) // interval - 1) * interval
        if not months:
            return parts, begin
        year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
        return parts, begin.replace(year=year, month=month + 1, day=1)

    def require_happening(self, begin: date) -> None:
        """Raise PayloadError for a rule that never takes place: looking for it would take long each time."""
        wall = begin if isinstance(begin, datetime) else datetime.combine(begin, time.min)
        parts = {key: value for key, value in self.parts if key not in ("COUNT", "UNTIL")}
        try:
            found = next(self._rule(wall.replace(tzinfo=None), parts), None)
        except (ValueError, OverflowError):
            found = None
        if found is None:
            raise PayloadError("its rule never takes place")
