"""Times and texts of a site's own types come as the office's local times and plain texts, and go back as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from radicale_flowfact.database.lengths import Limit
from radicale_flowfact.database.odd_values import UNREADABLE_LATE
from radicale_flowfact.database.site_values import IsoForm, SiteTime

ZONE = "Europe/Berlin"
POSTGRESQL, SQLITE = postgresql.dialect(), sqlite.dialect()  # type: ignore[no-untyped-call]
NOON = datetime(2026, 6, 15, 12, 30)


@pytest.mark.parametrize(
    "sample",
    [
        "2026-06-15T12:30:00",
        "2026-06-15 12:30:00",
        "2026-06-15T12:30:00.000",
        "2026-06-15T12:30:00.000000",
        "2026-06-15T12:30",
        "2026-06-15T10:30:00Z",
        "2026-06-15T10:30:00.000Z",
        "2026-06-15T12:30:00+02:00",
    ],
)
def test_a_text_is_written_in_the_form_that_the_column_has(sample: str) -> None:
    kind = SiteTime("text", ZONE, IsoForm.of(sample))
    assert kind.process_result_value(sample) == NOON
    assert kind.process_bind_param(NOON, POSTGRESQL) == sample


def test_an_empty_column_gets_times_in_full() -> None:
    assert SiteTime("text", ZONE, IsoForm.of("")).process_bind_param(NOON, SQLITE) == "2026-06-15 12:30:00"


def test_a_time_with_zone_is_the_offices_through_both_hours_of_autumn() -> None:
    kind = SiteTime("zone", ZONE)
    for hour, fold in ((0, 0), (1, 1)):
        there = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        local = kind.process_result_value(there)
        assert local == datetime(2026, 10, 25, 2, 30)
        assert local is not None
        assert local.fold == fold
        assert kind.process_bind_param(local, POSTGRESQL).astimezone(UTC) == there


def test_a_date_is_midnight() -> None:
    kind = SiteTime("date", ZONE)
    assert kind.process_result_value(date(2026, 6, 15)) == datetime(2026, 6, 15)
    assert kind.process_bind_param(NOON, POSTGRESQL) == date(2026, 6, 15)
    assert kind.process_bind_param(NOON, SQLITE) == "2026-06-15"


@pytest.mark.parametrize("odd", ["15.06.2026", "", 7])
def test_what_is_no_time_cannot_be_read_and_raises_nothing(odd: object) -> None:
    assert SiteTime("text", ZONE).process_result_value(odd) == UNREADABLE_LATE


@pytest.mark.parametrize(
    ("unit", "text", "most", "cut"),
    [
        ("utf-16", "a😀b", 3, "a😀"),
        ("character", "a😀b", 2, "a😀"),
        ("character", "abc", 3, "abc"),
        ("utf-8", "aöb", 3, "aö"),
        ("utf-8", "aöb", 2, "a"),
        ("character", "a👍🏽b", 2, "a"),
    ],
)
def test_a_text_is_cut_by_what_its_column_counts(unit: str, text: str, most: int, cut: str) -> None:
    limit = Limit(most, unit)
    assert limit.cut(text) == cut
    assert limit.size(limit.cut(text)) <= most
