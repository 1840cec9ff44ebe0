"""Parses RRULE and EXRULE (RFC 5545 §3.3.10) and expands them from any time on without delay.

dateutil expands a rule from its first day, so a daily rule in the year 3000 would take half a second, and some values
make it loop without end. A rule is therefore parsed strictly, and its start is moved to shortly before the time that is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, tzinfo
from itertools import takewhile
from typing import Self, cast

from dateutil.rrule import rrule, rrulestr

from radicale_flowfact.content.contentlines import PayloadError, parse_line
from radicale_flowfact.content.timezones import read_plain
from radicale_flowfact.queries.steps import Steps, TooManyStepsError

_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_PARTS = frozenset(
    [
        *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY"),
        *("BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"),
    ]
)
_DAY_PARTS = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY")
_TIME_PARTS = ("BYHOUR", "BYMINUTE", "BYSECOND")
_IGNORED = frozenset({"RSCALE", "SKIP"})  # RFC 7529, for the Gregorian calendar only
_TIMES_A_DAY = 24
_CALENDAR_YEARS = 400  # after which dates fall on the same days of the week again: 20,871 whole weeks
_MAX_NUMBER = 1_000_000  # of INTERVAL and COUNT; a greater one overflows in dateutil
_MAX_LENGTH = 2000  # characters; BYYEARDAY with every day has 1,500
_READ_STEPS = 200  # what parsing a rule costs
_PERIOD_STEPS = {"DAILY": 1, "WEEKLY": 3, "MONTHLY": 8, "YEARLY": 40}  # what dateutil needs for one of them


class UncountableError(PayloadError):
    """A rule that repeats too often, or never: each search for its times would take long (RFC 4791 §5.3.2.1)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds the parts of a rule in upper case. Its times are wall-clock times of the zone of DTSTART."""

    parts: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, value: str) -> Rule:
        """Parse a rule. Raises PayloadError; UncountableError for a FREQ below DAILY and more than 24 times a day.

        One that is too long to be looked at raises TooManyStepsError.
        """
        if len(value) > _MAX_LENGTH:
            raise TooManyStepsError(f"its rule has {len(value)} characters")
        pairs = [part.strip().upper().partition("=")[::2] for part in value.split(";") if part.strip()]
        found = {key: text for key, text in pairs if key not in _IGNORED and not key.startswith("X-")}
        scale = dict(pairs).get("RSCALE", "GREGORIAN")
        if scale != "GREGORIAN" or not found.keys() <= _PARTS:
            raise PayloadError(f"its rule has a part that is not known here: {value[:60]!r}")
        if found.get("FREQ") not in _FREQUENCIES:
            shown = found.get("FREQ", "")[:20] or "without a FREQ"
            raise UncountableError(f"it repeats {shown}; daily is the most often")
        for key in ("INTERVAL", "COUNT"):
            number = found.get(key, "1")
            if not (number.isascii() and number.isdigit() and 0 < int(number[:9]) <= _MAX_NUMBER and len(number) < 9):
                raise PayloadError(f"the {key} of its rule is out of range: {number[:20]!r}")
        often = 1
        for key in _TIME_PARTS:
            often *= len(found.get(key, "").split(","))
        if often > _TIMES_A_DAY:
            raise UncountableError(f"it repeats {often} times a day; {_TIMES_A_DAY} are the most")
        rule = cls(tuple(found.items()))
        rule.require_readable()
        return rule

    def part(self, name: str) -> str:
        """Return the value of a part, or empty."""
        return dict(self.parts).get(name, "")

    @property
    def count(self) -> int | None:
        """The value of COUNT, or None."""
        return int(self.part("COUNT")) if self.part("COUNT") else None

    def until(self, zone: tzinfo) -> datetime | None:
        """Return UNTIL as wall-clock time in ``zone``, or None. Raises PayloadError."""
        text = self.part("UNTIL")
        if not text:
            return None
        found = read_plain(parse_line(f"UNTIL:{text}"))
        if not isinstance(found, datetime):
            return datetime.combine(found, time.max)
        return found.astimezone(zone).replace(tzinfo=None) if found.tzinfo else found

    def require_readable(self) -> None:
        """Raise PayloadError if dateutil cannot parse it or UNTIL is malformed."""
        self.until(UTC)
        try:
            self._rule(datetime(2020, 2, 29), {}, Steps())
        except (ValueError, TypeError, OverflowError, AttributeError, IndexError, KeyError) as error:
            raise PayloadError(f"its rule cannot be read: {error}") from error

    def starts(self, begin: datetime, zone: tzinfo, low: datetime, high: datetime, steps: Steps) -> Iterator[datetime]:
        """Yield the wall-clock times from ``low`` to ``high`` of its recurrences; ``begin`` is DTSTART.

        Raises TooManyStepsError.
        """
        parts = dict(self.parts)
        until = self.until(zone)
        if until is not None and until < low:
            return
        parts.pop("UNTIL", None)
        first = begin
        if "COUNT" not in parts and low > begin:
            parts, first = self._advanced(parts, begin, low)
        last = min(high, until) if until is not None else high
        try:
            for moment in takewhile(lambda moment: moment <= last, self._rule(first, parts, steps)):
                steps.take()
                if moment >= low and moment >= begin:
                    yield moment
        except TooManyStepsError:
            raise
        except (ValueError, OverflowError):  # beyond the year 9999
            return

    def _rule(self, begin: datetime, parts: dict[str, str], steps: Steps) -> Iterator[datetime]:
        steps.take(_READ_STEPS)
        chosen = parts or {key: value for key, value in self.parts if key != "UNTIL"}
        text = ";".join(f"{key}={value}" for key, value in chosen.items())
        rule = cast("rrule", rrulestr(text, dtstart=begin.replace(microsecond=0), ignoretz=True))
        return iter(rule.replace(interval=_CountedInterval(int(chosen.get("INTERVAL", "1")), self, steps)))

    def _advanced(self, parts: dict[str, str], begin: datetime, low: datetime) -> tuple[dict[str, str], datetime]:
        """Return the same rule with its start moved by a whole number of intervals to before ``low``."""
        interval = int(parts.get("INTERVAL", "1"))
        frequency = parts["FREQ"]
        plain = not any(key in parts for key in _DAY_PARTS if key != "BYMONTH")
        if frequency in ("DAILY", "WEEKLY"):
            step = timedelta(days=interval * (7 if frequency == "WEEKLY" else 1))
            return parts, begin + max(0, (low - begin) // step - 1) * step
        if plain:  # the day and month are implied by DTSTART
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

    def require_occurrence(self, begin: date, steps: Steps) -> None:
        """Raise UncountableError for a rule without any occurrence: each search for one would take long.

        Raises TooManyStepsError if it is not known.

        dateutil searches day by day to the year 9999. The calendar repeats after 400 years and the rule with it after
        400 of its intervals, so the search begins as many such periods later as leave one whole.
        """
        wall = begin if isinstance(begin, datetime) else datetime.combine(begin, time.min)
        parts = {key: value for key, value in self.parts if key not in ("COUNT", "UNTIL")}
        period = _CALENDAR_YEARS * int(parts.get("INTERVAL", "1"))
        wall = wall.replace(year=wall.year + max(0, (MAXYEAR - wall.year) // period - 1) * period)
        try:
            found = next(self._rule(wall.replace(tzinfo=None), parts, steps), None)
        except TooManyStepsError:
            raise
        except (ValueError, OverflowError):
            found = None
        if found is None:
            raise UncountableError("its rule never takes place")


class _CountedInterval(int):
    """An INTERVAL that takes steps each time dateutil adds it to go to the next day, week, month or year.

    dateutil looks for the next occurrence to the year 9999 within a single step of its iterator.
    """

    _cost: int
    _steps: Steps

    def __new__(cls, value: int, rule: Rule, steps: Steps) -> Self:
        """Return the interval of a rule."""
        made = super().__new__(cls, value)
        frequency = rule.part("FREQ")
        positions = rule.part("BYSETPOS").count(",") + 1  # for each of them the period's days are listed anew
        days = value * {"DAILY": 1, "WEEKLY": 7}.get(frequency, 0)  # dateutil walks over them month by month
        made._cost = _PERIOD_STEPS[frequency] * positions + days // 30
        made._steps = steps
        return made

    def __radd__(self, other: int) -> int:
        """Return the sum, for the next day, month or year."""
        self._steps.take(self._cost)
        return other + int(self)

    def __mul__(self, other: int) -> int:
        """Return the product, for the next week."""
        self._steps.take(self._cost)
        return int(self) * other
