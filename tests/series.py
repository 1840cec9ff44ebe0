"""Random series as devices write them, and what another library makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from hypothesis import strategies as st

from tests.clients import tools

BERLIN = ZoneInfo("Europe/Berlin")
_FORMS = {
    "Berlin": "{name};TZID=Europe/Berlin:{moment:%Y%m%dT%H%M%S}",
    "New York": "{name};TZID=America/New_York:{moment:%Y%m%dT%H%M%S}",
    "UTC": "{name}:{moment:%Y%m%dT%H%M%SZ}",
    "floating": "{name}:{moment:%Y%m%dT%H%M%S}",
    "all day": "{name};VALUE=DATE:{moment:%Y%m%d}",
}
_DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


@dataclass(frozen=True)
class Series:
    """A series: its text, and its begins by the rule alone, as other libraries count them out."""

    text: str
    form: str

    def between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return when it takes place in a time range, in UTC, as recurring_ical_events sees it."""
        recurring = tools.require_package("recurring_ical_events")
        calendar = icalendar.Calendar.from_ical(self.text)
        found = recurring.of(calendar).between(start.astimezone(BERLIN), end.astimezone(BERLIN))
        return sorted(in_utc(event["DTSTART"].dt) for event in found)


def in_utc(value: date | datetime) -> datetime:
    """Return a date or a time as a moment; without a zone it is the office's."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time.min)
    return (moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)).astimezone(UTC)


def line(name: str, form: str, moment: datetime) -> str:
    """Return a line of time in one of the forms."""
    return _FORMS[form].format(name=name, moment=moment)


def _rule(draw: st.DrawFn, begin: datetime, form: str) -> str:
    """Draw a rule whose first occurrence is the begin: what it is otherwise, the RFC leaves open."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    if frequency == "WEEKLY" and draw(st.booleans()):
        parts.append("BYDAY=" + ",".join(sorted({_DAYS[begin.weekday()], *draw(st.sets(st.sampled_from(_DAYS)))})))
        parts.append(f"WKST={draw(st.sampled_from(['MO', 'SU']))}")
    if frequency == "MONTHLY" and draw(st.booleans()):
        week = (begin.day - 1) // 7 + 1
        ways = [f"BYDAY={week}{_DAYS[begin.weekday()]}", f"BYMONTHDAY={begin.day},15"]
        parts.append(draw(st.sampled_from(ways)))
    if frequency == "YEARLY" and draw(st.booleans()):
        parts.append(f"BYMONTH={begin.month};BYMONTHDAY={begin.day}")
    match draw(st.sampled_from(["", "COUNT", "UNTIL"])):
        case "COUNT":
            parts.append(f"COUNT={draw(st.integers(1, 30))}")
        case "UNTIL":
            until = begin + timedelta(days=draw(st.integers(0, 600)))
            shown = f"{until:%Y%m%d}" if form == "all day" else f"{until:%Y%m%dT%H%M%S}"
            parts.append(f"UNTIL={shown}{'' if form in ('all day', 'floating') else 'Z'}")
    return "RRULE:" + ";".join(parts)


@st.composite
def series(draw: st.DrawFn) -> Series:
    """Return a series with a rule, some days taken out, some added, and some moved."""
    form = draw(st.sampled_from(sorted(_FORMS)))
    begin = datetime(2024, 1, 1) + timedelta(days=draw(st.integers(0, 800)), minutes=15 * draw(st.integers(0, 95)))
    long = timedelta(days=draw(st.integers(1, 3))) if form == "all day" else timedelta(hours=draw(st.integers(1, 30)))
    rule = _rule(draw, begin, form)
    master = [line("DTSTART", form, begin), line("DTEND", form, begin + long), rule]
    times = _first_of(rule, begin)
    gone = draw(st.sets(st.sampled_from(times), max_size=3))
    master += [line("EXDATE", form, moment) for moment in sorted(gone)]
    left = [moment for moment in times if moment not in gone]
    moved = draw(st.sets(st.sampled_from(left), max_size=2)) if left else set()
    entries = [master]
    for moment in sorted(moved):
        other = moment + timedelta(days=draw(st.integers(-10, 10)), hours=draw(st.integers(0, 5)))
        times_of = [line("DTSTART", form, other), line("DTEND", form, other + long)]
        entries.append([line("RECURRENCE-ID", form, moment), *times_of])
    return Series(_text(entries), form)


def _first_of(rule: str, begin: datetime) -> Sequence[datetime]:
    from dateutil.rrule import rrulestr

    plain: Any = rrulestr(";".join(part for part in rule[6:].split(";") if "UNTIL" not in part), dtstart=begin)
    return [moment for moment, _ in zip(plain, range(8), strict=False)]


def _text(entries: Sequence[Sequence[str]]) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for entry in entries:
        lines += ["BEGIN:VEVENT", "UID:s", "DTSTAMP:20240101T000000Z", "SUMMARY:Runde", *entry, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


moments = st.integers(0, 24 * 1600).map(lambda hours: datetime(2023, 12, 20, tzinfo=UTC) + timedelta(hours=hours))
lengths = st.integers(1, 24 * 200).map(lambda hours: timedelta(hours=hours))
