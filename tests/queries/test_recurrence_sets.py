"""Series: counted out as another library counts them, expanded in UTC, quickly wherever in time one looks."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from radicale_flowfact.content.calendar_objects import read_object
from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.queries.expand import TooManyError, expand
from radicale_flowfact.queries.occurrences import require_countable, span
from radicale_flowfact.queries.recurrence_sets import occurrences
from tests import payloads
from tests.series import BERLIN, Series, lengths, moments, series

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def begins(text: str, start: datetime = YEAR[0], end: datetime = YEAR[1]) -> list[datetime]:
    return sorted(one.begins for one in occurrences(read_object(text), BERLIN, start, end))


def lines_of(text: str, name: str, start: datetime = YEAR[0], end: datetime = YEAR[1]) -> list[str]:
    made, _ = expand(text, BERLIN, start, end, 1000)
    return [line for line in payloads.lines_of(made) if line.startswith(name)]


@given(series(), moments, lengths)
def test_a_series_takes_place_when_another_library_says(one: Series, start: datetime, length: timedelta) -> None:
    assert begins(one.text, start, start + length) == one.between(start, start + length)


@given(series(), moments, lengths)
def test_the_span_holds_all_that_takes_place(one: Series, start: datetime, length: timedelta) -> None:
    first, last = span(read_object(one.text), BERLIN)
    for moment in begins(one.text, start, start + length):
        assert first <= moment.timestamp() <= last


@given(series(), moments, lengths)
def test_what_is_expanded_reads_back_as_single_events(one: Series, start: datetime, length: timedelta) -> None:
    made, count = expand(one.text, BERLIN, start, start + length, 1000)
    wanted = begins(one.text, start, start + length)
    assert count == len(wanted)
    if not wanted:
        assert made == ""
        return
    entries = read_object(made).entries
    assert not any(entry.first(name) for entry in entries for name in ("RRULE", "EXDATE", "RDATE"))
    assert all(entry.first("RECURRENCE-ID") for entry in entries)
    again = sorted(one.begins for one in occurrences(read_object(made), BERLIN, start, start + length))
    assert again == wanted


@pytest.mark.parametrize(
    ("start", "end", "lines", "wanted"),
    [
        # Weekly at 9 in Berlin: the hour stays across both clock changes.
        (
            "DTSTART;TZID=Europe/Berlin:20260323T090000",
            "DTEND;TZID=Europe/Berlin:20260323T100000",
            ["RRULE:FREQ=WEEKLY;COUNT=2"],
            ["DTSTART:20260323T080000Z", "DTSTART:20260330T070000Z"],
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20261019T090000",
            "DTEND;TZID=Europe/Berlin:20261019T100000",
            ["RRULE:FREQ=WEEKLY;UNTIL=20261026T080000Z"],
            ["DTSTART:20261019T070000Z", "DTSTART:20261026T080000Z"],
        ),
        # In the hour that is left out in March, and in the one that October has twice.
        (
            "DTSTART;TZID=Europe/Berlin:20260328T023000",
            "DTEND;TZID=Europe/Berlin:20260328T024500",
            ["RRULE:FREQ=DAILY;COUNT=3"],
            ["DTSTART:20260328T013000Z", "DTSTART:20260329T013000Z", "DTSTART:20260330T003000Z"],
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20261024T023000",
            "DTEND;TZID=Europe/Berlin:20261024T024500",
            ["RRULE:FREQ=DAILY;COUNT=3"],
            ["DTSTART:20261024T003000Z", "DTSTART:20261025T003000Z", "DTSTART:20261026T013000Z"],
        ),
        # All-day: days stay days, an EXDATE takes one out.
        (
            "DTSTART;VALUE=DATE:20260328",
            "DTEND;VALUE=DATE:20260330",
            ["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260329"],
            ["DTSTART;VALUE=DATE:20260328", "DTSTART;VALUE=DATE:20260330"],
        ),
        # Several values, several lines, another zone than the series', a whole day.
        (
            "DTSTART;TZID=Europe/Berlin:20260601T090000",
            "DTEND;TZID=Europe/Berlin:20260601T100000",
            [
                "RRULE:FREQ=DAILY;COUNT=6",
                "EXDATE;TZID=Europe/Berlin:20260602T090000,20260603T090000",
                "EXDATE:20260604T070000Z",
                "EXDATE;VALUE=DATE:20260605",
            ],
            ["DTSTART:20260601T070000Z", "DTSTART:20260606T070000Z"],
        ),
        # Dates of its own, once only where they are named twice.
        (
            "DTSTART:20260601T070000Z",
            "DURATION:PT1H",
            ["RDATE:20260601T070000Z,20260701T070000Z", "RDATE;VALUE=PERIOD:20260702T070000Z/PT2H"],
            ["DTSTART:20260601T070000Z", "DTSTART:20260701T070000Z", "DTSTART:20260702T070000Z"],
        ),
    ],
)
def test_a_series_is_expanded_in_utc(start: str, end: str, lines: list[str], wanted: list[str]) -> None:
    text = payloads.event("s", end, *lines, start=start).replace("DTEND:20260701T090000Z\r\n", "")
    assert lines_of(text, "DTSTART") == wanted
    assert len(lines_of(text, "RECURRENCE-ID")) == len(wanted)
    assert len(lines_of(text, "DTEND")) == len(wanted)
    assert lines_of(text, "BEGIN:VTIMEZONE") == lines_of(text, "RRULE") == []


def test_an_event_that_takes_place_once_is_expanded_to_itself() -> None:
    text = payloads.event("e", start="DTSTART;TZID=Europe/Berlin:20260701T100000")
    assert lines_of(text, "DTSTART") == ["DTSTART:20260701T080000Z"]
    assert lines_of(text, "RECURRENCE-ID") == []


def test_an_occurrence_under_way_at_the_start_is_there() -> None:
    text = payloads.event("s", "RRULE:FREQ=DAILY", start="DTSTART:20260630T230000Z")
    found = begins(text, datetime(2026, 7, 1, 5, tzinfo=UTC), datetime(2026, 7, 1, 6, tzinfo=UTC))
    assert found == [datetime(2026, 6, 30, 23, tzinfo=UTC)]


def test_more_occurrences_than_are_wanted_are_refused() -> None:
    with pytest.raises(TooManyError):
        expand(payloads.event("s", "RRULE:FREQ=DAILY"), BERLIN, *YEAR, 100)


def test_an_endless_series_is_quick_in_a_far_year() -> None:
    text = payloads.event("s", "RRULE:FREQ=DAILY", start="DTSTART:17600701T080000Z").replace("DTEND:2026", "DTEND:1760")
    started = time.thread_time()
    found = begins(text, datetime(9000, 1, 1, tzinfo=UTC), datetime(9000, 1, 3, tzinfo=UTC))
    assert len(found) == 2
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=²",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,10,20,30,40,50",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYHOUR=25",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=MONTHLY;BYSETPOS=500;BYDAY=MO",
        "FREQ=YEARLY;RSCALE=CHINESE",
        "FREQ=DAILY;UNTIL=morgen",
        "FREQ=DAILY;NOSUCH=1",
        "INTERVAL=2",
        "",
    ],
)
def test_a_rule_that_cannot_be_counted_out_is_refused(rule: str) -> None:
    with pytest.raises(PayloadError):
        require_countable(read_object(payloads.event("s", f"RRULE:{rule}")))


@pytest.mark.parametrize("frequency", ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_a_rule_that_never_takes_place_is_refused_quickly(frequency: str) -> None:
    text = payloads.event("s", f"RRULE:FREQ={frequency};BYMONTH=2;BYMONTHDAY=30")
    started = time.thread_time()
    with pytest.raises(PayloadError):
        require_countable(read_object(text))
    assert time.thread_time() - started < 3


@pytest.mark.parametrize(
    "rule", ["FREQ=YEARLY;INTERVAL=7;BYMONTH=2;BYMONTHDAY=29;BYDAY=SA", "FREQ=DAILY;INTERVAL=146096"]
)
def test_a_rule_that_takes_place_rarely_is_taken(rule: str) -> None:
    require_countable(read_object(payloads.event("s", f"RRULE:{rule}")))


@pytest.mark.parametrize(
    "rule", ["freq=weekly;byday=mo", "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD", "FREQ=DAILY;X-NAME=1", "FREQ=DAILY;"]
)
def test_what_some_clients_add_to_a_rule_does_no_harm(rule: str) -> None:
    require_countable(read_object(payloads.event("s", f"RRULE:{rule}")))


def test_an_exdate_that_cannot_be_read_takes_nothing_out() -> None:
    text = payloads.event("s", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:", "EXDATE;TZID=Nirgends/Wo:20260702T080000")
    assert len(begins(text)) == 3
