"""Rule 24: every TZID arrives as the right local time, and our VTIMEZONE says what zoneinfo says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.contentlines import PayloadError, join_lines, parse_line
from radicale_flowfact.timezones import read_time, to_utc, vtimezone

BERLIN = ZoneInfo("Europe/Berlin")
OWN = """BEGIN:VTIMEZONE
TZID:Mein Büro
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE"""


@pytest.mark.parametrize(
    ("line", "local"),
    [
        ("DTSTART:20260701T080000Z", datetime(2026, 7, 1, 10)),
        ("DTSTART:20260101T080000Z", datetime(2026, 1, 1, 9)),
        ("DTSTART:20260701T080000", datetime(2026, 7, 1, 8)),
        ("DTSTART;TZID=:20260701T080000", datetime(2026, 7, 1, 8)),
        ("DTSTART;TZID=Europe/Berlin:20260701T080000", datetime(2026, 7, 1, 8)),
        ("DTSTART;TZID=America/New_York:20260701T080000", datetime(2026, 7, 1, 14)),
        ("DTSTART;TZID=W. Europe Standard Time:20260701T080000", datetime(2026, 7, 1, 8)),
        ('DTSTART;TZID="Pacific Standard Time":20260701T080000', datetime(2026, 7, 1, 17)),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/London:20260701T080000", datetime(2026, 7, 1, 9)),
        ("DTSTART;TZID=Mein Büro:20260701T080000", datetime(2026, 7, 1, 8)),
        ("DTSTART;TZID=Bonn, Köln:20260701T080000", datetime(2026, 7, 1, 8)),
        ("DTSTART;TZID=america/new_york:20260701T080000", datetime(2026, 7, 1, 14)),
        ("DTSTART;TZID=w. europe standard time:20260701T080000", datetime(2026, 7, 1, 8)),
        ("DTSTART:20260329T003000Z", datetime(2026, 3, 29, 1, 30)),
        ("DTSTART:20260329T013000Z", datetime(2026, 3, 29, 3, 30)),
        ("DTSTART:20261025T003000Z", datetime(2026, 10, 25, 2, 30)),
        ("DTSTART:20261025T013000Z", datetime(2026, 10, 25, 2, 30)),
        ("DTSTART:20261025T023000Z", datetime(2026, 10, 25, 3, 30)),
        ("DTSTART;VALUE=DATE:20260701", date(2026, 7, 1)),
    ],
)
def test_times_arrive_as_local_time(line: str, local: object) -> None:
    assert read_time(parse_line(line), BERLIN, {"Mein Büro": OWN, "Bonn, Köln": OWN}) == local


@pytest.mark.parametrize(
    "line",
    [
        "DTSTART;TZID=Nirgends/Wo:20260701T080000",
        "DTSTART:20261301T080000Z",
        "DTSTART:00010101T000000Z",
        "DTSTART:99991231T235959Z",
        "DTSTART:morgen",
        "DTSTART;VALUE=DATE:",
    ],
)
def test_impossible_times_get_a_reason(line: str) -> None:
    with pytest.raises(PayloadError):
        read_time(parse_line(line), BERLIN, {})


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=DAILY", "FREQ=YEARLY;BYSECOND=0,1,2,3,4,5,6,7,8,9"])
def test_a_vtimezone_that_would_be_counted_out_for_hours_is_refused(rule: str) -> None:
    endless = OWN.replace("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", rule)
    with pytest.raises(PayloadError, match="none of a time zone"):
        read_time(parse_line("DTSTART;TZID=Endlos:20260701T080000"), BERLIN, {"Endlos": endless})


def test_a_span_of_many_years_is_right_at_both_ends_and_small() -> None:
    first, last = datetime(1980, 7, 1), datetime(2090, 7, 1)
    lines = vtimezone(BERLIN, first, last)
    there = icalendar.Component.from_ical(join_lines(lines))
    assert isinstance(there, icalendar.Timezone)
    zone = there.to_tz(lookup_tzid=False)
    assert [day.replace(tzinfo=zone).utcoffset() for day in (first, last)] == [timedelta(hours=2)] * 2
    assert len(lines) < 50


@given(
    st.datetimes(datetime(1975, 1, 1), datetime(2100, 12, 31)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
def test_our_vtimezone_says_what_zoneinfo_says(moment: datetime, key: str) -> None:
    zone = ZoneInfo(key)
    local = moment.replace(microsecond=0, fold=0)
    there = icalendar.Component.from_ical(join_lines(vtimezone(zone, local, local)))
    assert isinstance(there, icalendar.Timezone)
    offset = local.replace(tzinfo=zone).utcoffset()
    if offset != local.replace(tzinfo=zone, fold=1).utcoffset():
        return  # an hour that is repeated or left out: any answer is right
    assert local.replace(tzinfo=there.to_tz(lookup_tzid=False)).utcoffset() == offset


@given(st.datetimes(datetime(1975, 1, 1), datetime(2090, 1, 1)))
def test_utc_and_back_is_the_same_local_time(moment: datetime) -> None:
    local = moment.replace(microsecond=0, fold=0)
    utc = to_utc(local, BERLIN)
    back = read_time(parse_line(f"DTSTART:{utc:%Y%m%dT%H%M%SZ}"), BERLIN, {})
    gap = (utc.astimezone(BERLIN).replace(tzinfo=None)) != local
    assert back == local or gap
    assert utc.tzinfo is UTC
    assert timedelta(0) <= (BERLIN.utcoffset(local) or timedelta(0))
