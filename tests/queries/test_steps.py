"""Rule 28: whatever a rule says, an item and a query take a bounded number of steps; what lies beyond may match."""

from __future__ import annotations

import time
import tracemalloc
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from radicale_flowfact.content.calendar_objects import read_object
from radicale_flowfact.queries.calendar_filters import calendar_matches
from radicale_flowfact.queries.expand import TooManyError, expand
from radicale_flowfact.queries.filters import BEGINNING, END, CompFilter, TimeRange
from radicale_flowfact.queries.occurrences import require_countable, span
from radicale_flowfact.queries.steps import PER_QUERY, Steps, TooManyStepsError
from tests import payloads

BERLIN = ZoneInfo("Europe/Berlin")
_HOURS = ",".join(str(hour) for hour in range(24))
_LONG_AGO = "DTSTART:18000101T080000Z"
_ALARMS = [payloads.alarm(f"TRIGGER:-PT{minutes}M") for minutes in range(2000)]
_DAY = TimeRange(datetime(2030, 6, 1, tzinfo=UTC), datetime(2030, 6, 2, tzinfo=UTC))
_FROM = TimeRange(datetime(2030, 6, 1, tzinfo=UTC), END)

WORST = {
    "an EXRULE that excludes all": payloads.event("s", "RRULE:FREQ=DAILY", "EXRULE:FREQ=DAILY"),
    "an EXRULE that never takes place": payloads.event(
        "s", "RRULE:FREQ=DAILY", "EXRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
    ),
    "hourly EXRULEs": payloads.event("s", "RRULE:FREQ=DAILY", *[f"EXRULE:FREQ=DAILY;BYHOUR={_HOURS};BYMINUTE=1"] * 500),
    "COUNT since 1800": payloads.event(
        "s", f"RRULE:FREQ=DAILY;BYHOUR={_HOURS};COUNT=1000000", start=_LONG_AGO, end="DURATION:PT1H"
    ),
    "yearly COUNT since 1800": payloads.event(
        "s", "RRULE:FREQ=YEARLY;BYDAY=MO;BYSETPOS=1,2,3,-1,-2,-3;COUNT=5000", start=_LONG_AGO, end="DURATION:PT1H"
    ),
    "a long INTERVAL": payloads.event("s", "RRULE:FREQ=WEEKLY;INTERVAL=1000000;COUNT=5000"),
    "alarms of a series": payloads.event("s", "RRULE:FREQ=DAILY", *_ALARMS),
    "alarms of a counted series": payloads.event(
        "s", f"RRULE:FREQ=DAILY;BYHOUR={_HOURS};COUNT=1000000", *_ALARMS, start=_LONG_AGO, end="DURATION:PT1H"
    ),
    "thousands of rules": payloads.event("s", *["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"] * 5000),
    "a million EXDATEs": payloads.event("s", "RRULE:FREQ=DAILY", "EXDATE:" + ",".join(["20260702T080000Z"] * 500_000)),
    "a million RDATEs": payloads.event("s", "RDATE:" + ",".join(["20260702T080000Z"] * 500_000)),
    "a rule without end": payloads.event("s", "RRULE:FREQ=YEARLY;BYSETPOS=" + ",".join(["1"] * 100_000)),
}


@pytest.mark.parametrize("wanted", [_DAY, _FROM], ids=["a day", "without end"])
@pytest.mark.parametrize("name", WORST)
def test_rule_28_a_query_over_the_worst_series_ends(name: str, wanted: TimeRange) -> None:
    entry = CompFilter("VEVENT", time_range=wanted)
    alarm = CompFilter("VEVENT", comps=(CompFilter("VALARM", time_range=wanted),))
    text = WORST[name]
    read_object(text)
    started = time.thread_time()
    for comp in (entry, alarm):
        try:
            calendar_matches(text, CompFilter("VCALENDAR", comps=(comp,)), BERLIN)
        except TooManyStepsError:
            continue
    assert time.thread_time() - started < 3


@pytest.mark.parametrize("name", WORST)
def test_rule_28_the_worst_series_are_taken_and_their_span_is_known_soon(name: str) -> None:
    found = read_object(WORST[name])
    started = time.thread_time()
    require_countable(found)
    first, last = span(found, BERLIN)
    assert first < datetime(2030, 6, 1, tzinfo=UTC).timestamp() < last or "INTERVAL" in name or "RDATE" in name
    assert time.thread_time() - started < 3


def test_a_query_takes_no_more_steps_than_its_bound_for_all_its_series() -> None:
    query = Steps(PER_QUERY)
    wanted = CompFilter("VCALENDAR", comps=(CompFilter("VEVENT", time_range=_DAY),))
    beyond = 0
    started = time.thread_time()
    for _ in range(50):
        try:
            calendar_matches(WORST["COUNT since 1800"], wanted, BERLIN, query)
        except TooManyStepsError:
            beyond += 1
    assert beyond == 50
    assert time.thread_time() - started < 6


def test_a_daily_series_counted_since_1900_is_within_the_bound() -> None:
    text = payloads.event("s", "RRULE:FREQ=DAILY;COUNT=45000", start="DTSTART:19000102T080000Z", end="DURATION:PT1H")
    wanted = CompFilter("VCALENDAR", comps=(CompFilter("VEVENT", time_range=_DAY),))
    assert not calendar_matches(text, wanted, BERLIN)


def test_a_long_entry_expanded_often_is_refused_before_the_memory_is_full() -> None:
    text = payloads.event("s", "RRULE:FREQ=DAILY", "DESCRIPTION:" + "x" * 2_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooManyError):
            expand(text, BERLIN, datetime(2027, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC), 10_000)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert expand(text, BERLIN, BEGINNING, datetime(2026, 7, 3, tzinfo=UTC), 10_000)[1] == 2000
