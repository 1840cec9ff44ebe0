"""Rule 24: every TZID arrives as the right local time, and our VTIMEZONE says what zoneinfo says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from radicale_flowfact.content.contentlines import PayloadError, join_lines, parse_line
from radicale_flowfact.content.timezones import as_datetime, read_time, to_utc, vtimezone
from radicale_flowfact.ical_map import parse
from tests import payloads

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


@pytest.mark.parametrize(
    "rule",
    [
        *("FREQ=SECONDLY", "FREQ=DAILY", "FREQ=YEARLY;BYSECOND=0,1,2,3,4,5,6,7,8,9"),
        *("FREQ=YEARLY;INTERVAL=0", "FREQ=YEARLY;INTERVAL=-1", "FREQ=YEARLY;INTERVAL=00;BYMONTH=3"),
        *("FREQ=YEARLY;INTERVAL=0;INTERVAL=1", "FREQ=YEARLY;INTERVAL=1;INTERVAL=0", "FREQ=YEARLY;FREQ=SECONDLY"),
    ],
)
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


_ZONES = ["Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
_WINDOWS = {"W. Europe Standard Time": "Europe/Berlin", "Eastern Standard Time": "America/New_York"}
_WINDOWS |= {"India Standard Time": "Asia/Calcutta", "GMT Standard Time": "Europe/London", "UTC": "UTC"}


@pytest.mark.parametrize("name", sorted(WINDOWS_TO_OLSON))
def test_every_windows_name_is_its_iana_zone(name: str) -> None:
    line = parse_line(f'DTSTART;TZID="{name}":20260701T080000')
    wanted = datetime(2026, 7, 1, 8, tzinfo=ZoneInfo(WINDOWS_TO_OLSON[name])).astimezone(BERLIN)
    assert read_time(line, BERLIN, {}) == wanted.replace(tzinfo=None, fold=0)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    st.sampled_from(_ZONES),
    st.sampled_from(["Mein Büro", "(UTC+01:00) Amsterdam, Berlin", "Custom 1", "tzone://Microsoft/Custom", "/x/y"]),
)
def test_an_own_vtimezone_by_whatever_name_says_what_zoneinfo_says(moment: datetime, key: str, name: str) -> None:
    zone = ZoneInfo(key)
    if moment.replace(tzinfo=zone).utcoffset() != moment.replace(tzinfo=zone, fold=1).utcoffset():
        return  # an hour that is repeated or left out: any answer is right
    own = "\n".join(vtimezone(zone, moment, moment, name))
    line = parse_line(f'DTSTART;TZID="{name}":{moment:%Y%m%dT%H%M%S}')
    wanted = moment.replace(tzinfo=zone).astimezone(BERLIN).replace(tzinfo=None, fold=0)
    assert read_time(line, BERLIN, {name: own}) == wanted


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    st.timedeltas(timedelta(0), timedelta(days=9)).map(
        lambda length: timedelta(minutes=length // timedelta(minutes=1))
    ),
    st.sampled_from(["UTC", "floating", *_ZONES, *_WINDOWS]),
)
def test_an_event_over_midnight_and_days_has_the_local_times_of_zoneinfo(
    begin: datetime, length: timedelta, name: str
) -> None:
    zone = BERLIN if name == "floating" else ZoneInfo(_WINDOWS.get(name, name))
    param, suffix = ("", "Z" if name == "UTC" else "") if name in ("UTC", "floating") else (f';TZID="{name}"', "")
    # The end is reckoned as time that passes, so it is on the other side of a clock change where there is one.
    moments = [begin.replace(tzinfo=zone).astimezone(UTC), begin.replace(tzinfo=zone).astimezone(UTC) + length]
    walls = [moment.astimezone(zone).replace(tzinfo=None, fold=0) for moment in moments]
    first, last = (
        f"{kind}{param}:{wall:%Y%m%dT%H%M%S}{suffix}" for kind, wall in zip(("DTSTART", "DTEND"), walls, strict=True)
    )
    sent = payloads.event("u", last, start=first).replace("DTEND:20260701T090000Z\r\n", "")
    wanted = [wall.replace(tzinfo=zone).astimezone(BERLIN).replace(tzinfo=None, fold=0) for wall in walls]
    if wanted[1] < wanted[0]:
        return  # over the hour that October has twice: the wall clock alone cannot tell
    found = parse(sent, BERLIN).fields
    if name == "floating":
        wanted = walls
    assert [found.begin, found.end, found.all_day] == [*wanted, False]


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(1, 20))
def test_all_day_as_every_client_writes_it_is_the_same_days(day: date, length: int) -> None:
    last = day + timedelta(days=length)
    dates = payloads.event("u", f"DTEND;VALUE=DATE:{last:%Y%m%d}", start=f"DTSTART;VALUE=DATE:{day:%Y%m%d}")
    duration = payloads.event("u", f"DURATION:P{length}D", start=f"DTSTART;VALUE=DATE:{day:%Y%m%d}")
    outlook = payloads.event(
        "u",
        f"DTEND;TZID=W. Europe Standard Time:{last:%Y%m%d}T000000",
        "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
        start=f"DTSTART;TZID=W. Europe Standard Time:{day:%Y%m%d}T000000",
    )
    for sent in (dates, duration, outlook):
        found = parse(sent.replace("DTEND:20260701T090000Z\r\n", ""), BERLIN).fields
        assert (found.begin, found.end) == (as_datetime(day), as_datetime(last))
        assert found.all_day
