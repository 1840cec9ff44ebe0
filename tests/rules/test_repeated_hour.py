"""Rules 24 and 26: events in the hour that the clock change of autumn repeats, which FlowFact's times cannot tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from radicale_flowfact.content.calendar_objects import read_object
from radicale_flowfact.content.durations import parse_duration
from radicale_flowfact.content.timezones import read_wall_time
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import only
from tests.rules.test_activities import edit, stored

BERLIN = "Europe/Berlin"
START = f"DTSTART;TZID={BERLIN}:20261025"


def sent(start: str, end: str) -> str:
    """Return an event with these lines of time."""
    return payloads.event("r", end, start=start).replace("DTEND:20260701T090000Z\r\n", "", 1)


def put(device: Device, start: str, end: str) -> int:
    """Make an event with these lines of time; return the status."""
    return device.put("appointments/r.ics", sent(start, end), new=True).status


def served(device: Device) -> tuple[datetime, timedelta]:
    """Return when the one appointment begins, in UTC, and how long it lasts."""
    entry = read_object(only(device, "appointments")[2]).entries[0]
    times = {}
    for line in entry.lines:
        if line.name in ("DTSTART", "DTEND"):
            wall, own = read_wall_time(line, ZoneInfo(BERLIN), {})
            assert isinstance(wall, datetime)
            times[line.name] = wall.replace(tzinfo=own).astimezone(UTC)
    begin = times["DTSTART"]
    if "DTEND" in times:
        return begin, times["DTEND"] - begin
    return begin, parse_duration(entry.text("DURATION"))


def clock(hour: int, minute: int) -> datetime:
    """Return a time of the night of the clock change, by the office's clock."""
    return datetime(2026, 10, 25, hour, minute)


@pytest.mark.parametrize(
    ("start", "end", "begin", "last", "in_utc", "minutes"),
    [
        ("DTSTART:20261025T003000Z", "DTEND:20261025T013000Z", (2, 30), (3, 30), (0, 30), 60),
        (f"{START}T023000", "DURATION:PT1H", (2, 30), (3, 30), (0, 30), 60),
        (
            f"{START}T024500",
            f"DTEND;TZID={BERLIN}:20261025T021500",
            (2, 45),
            (3, 15),
            (0, 45),
            30,
        ),
        ("DTSTART:20261025T011500Z", "DTEND:20261025T014500Z", (2, 15), (2, 45), (1, 15), 30),
        ("DTSTART:20261025T013000Z", "DTEND:20261025T023000Z", (2, 30), (3, 30), (1, 30), 60),
        (f"{START}T013000", "DURATION:PT2H", (1, 30), (2, 30), (23, 30), 120),
        (
            f"{START}T021500",
            f"DTEND;TZID={BERLIN}:20261025T024500",
            (2, 15),
            (2, 45),
            (0, 15),
            30,
        ),
        ("DTSTART:20261024T220000Z", "DTEND:20261025T030000Z", (0, 0), (4, 0), (22, 0), 300),
    ],
)
def test_rule_24_an_event_in_the_repeated_hour_keeps_its_length(
    agency: Agency,
    server: Server,
    start: str,
    end: str,
    begin: tuple[int, int],
    last: tuple[int, int],
    in_utc: tuple[int, int],
    minutes: int,
) -> None:
    """In FlowFact by the clock on the wall, on the devices exactly; another edit changes neither."""
    device = server.start().device()
    assert put(device, start, end) == 201
    assert (stored(agency)["BEGINN"], stored(agency)["ENDE"]) == (clock(*begin), clock(*last))
    exact = datetime(2026, 10, 24 if in_utc[0] > 12 else 25, *in_utc, tzinfo=UTC), timedelta(minutes=minutes)
    assert served(device) == exact
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    assert served(device) == exact
    before = agency.office.everything()
    assert edit(device, "appointments", ("SUMMARY:", "CATEGORIES:x\r\nSUMMARY:")).status == 204
    assert (agency.office.everything(), served(device)) == (before, exact)


def test_rule_24_what_the_office_moves_is_served_as_it_stands_there(agency: Agency, server: Server) -> None:
    """The times that the device meant are those of one begin and end."""
    device = server.start().device()
    assert put(device, "DTSTART:20261025T003000Z", "DTEND:20261025T013000Z") == 201
    agency.office.change(agency.office.tables.activity, {}, ENDE=clock(4, 0))
    assert served(device) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), timedelta(hours=2, minutes=30))
    assert (
        edit(
            device, "appointments", ("20261025T023000", "20261026T023000"), ("20261025T040000", "20261026T050000")
        ).status
        == 204
    )
    assert (stored(agency)["BEGINN"], stored(agency)["ENDE"]) == (
        datetime(2026, 10, 26, 2, 30),
        datetime(2026, 10, 26, 5),
    )


def test_rule_24_an_event_in_the_repeated_hour_is_found_at_its_time(agency: Agency, server: Server) -> None:
    """A client asks in UTC for the entries of a time."""
    device = server.start().device()
    assert put(device, "DTSTART:20261025T011500Z", "DTEND:20261025T014500Z") == 201

    def found(start: str, end: str) -> bool:
        span = f'<C:time-range start="20261025T{start}Z" end="20261025T{end}Z"/>'
        inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{span}</C:comp-filter></C:comp-filter>'
        answer = device.report(
            "appointments/", "C:calendar-query", f"<prop><getetag/></prop><C:filter>{inner}</C:filter>"
        )
        return bool(device.items_in(answer, "appointments"))

    assert [found("000000", "010000"), found("011500", "012000"), found("014500", "023000")] == [False, True, False]


def test_rule_28_backwards_in_the_repeated_hour_is_backwards(agency: Agency, server: Server) -> None:
    """It ends before it begins, though the clock on the wall does not say so."""
    device = server.start().device()
    before = agency.office.everything()
    assert put(device, "DTSTART:20261025T011500Z", "DTEND:20261025T004500Z") == 409
    assert agency.office.everything() == before
