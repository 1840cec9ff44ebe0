"""The Python library ``caldav`` against the gateway: discovery from the bare URL, and both ways of a sync."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from caldav.davclient import DAVClient
from caldav.lib.error import ETagMismatchError

from tests.clients import records
from tests.conftest import Agency, Server

LATER = datetime(2026, 6, 15, 11)


@pytest.fixture
def calendars(agency: Agency, server: Server) -> Iterator[dict[str, Any]]:
    """Give Anna's calendars by the last part of their URL, found from the bare one."""
    agency.appointment(BETREFF="Besuch")
    agency.task(BETREFF="Anruf")
    agency.appointment(BETREFF="fremd", merkmale=[agency.bens])
    server.start()
    with DAVClient(url=server.base, username="anna", password="pw") as client:  # noqa: S106
        principal: Any = client.get_principal()
        yield {str(found.url).rstrip("/").rpartition("/")[2]: found for found in principal.calendars()}


def test_discovers_reads_and_changes(agency: Agency, calendars: dict[str, Any]) -> None:
    assert set(calendars) == {"appointments", "tasks"}
    (found,) = calendars["appointments"].events()
    assert found.icalendar_component["SUMMARY"] == "Besichtigung: Besuch"
    found.icalendar_component["SUMMARY"] = "Besichtigung: Besuch 2"
    found.save()
    (task,) = calendars["tasks"].todos()
    task.complete()

    start, end = datetime(2026, 7, 1, 9), datetime(2026, 7, 1, 10)
    made = calendars["appointments"].save_event(dtstart=start, dtend=end, summary="Neu")
    assert len(calendars["appointments"].search(start=start, end=end, event=True)) == 1
    made.delete()

    rows = {row["BETREFF"]: row for row in agency.office.rows(agency.office.tables.activity)}
    assert set(rows) == {"Besuch 2", "Anruf", "fremd", "Neu"}
    assert rows["Anruf"]["ERLEDIGT"] is True
    assert rows["Besuch 2"]["ERLEDIGT"] is False
    tagged = {row["AKT_DSN"] for row in agency.office.rows(agency.office.tables.activity_merkmal)}
    assert rows["Neu"]["DSN"] not in tagged


def test_syncs_by_token_and_is_told_of_conflicts(agency: Agency, calendars: dict[str, Any]) -> None:
    office, activity = agency.office, agency.office.tables.activity
    mirror = calendars["appointments"].get_objects_by_sync_token(load_objects=True, disable_fallback=True)
    (ours,) = mirror
    assert "Besuch" in ours.data
    assert [len(part) for part in mirror.sync()] == [0, 0]

    office.change(activity, {"BETREFF": "Besuch"}, BETREFF="Besuch um 9", TOUCH=LATER)
    ours.icalendar_component["SUMMARY"] = "Besichtigung: Besuch um 8"
    with pytest.raises(ETagMismatchError):
        ours.save()
    assert {row["BETREFF"] for row in office.rows(activity)} == {"Besuch um 9", "Anruf", "fremd"}

    agency.appointment(BETREFF="Zweiter")
    updated, deleted = mirror.sync()
    assert sorted(one.icalendar_component["SUMMARY"] for one in updated) == [
        "Besichtigung: Besuch um 9",
        "Besichtigung: Zweiter",
    ]
    assert len(deleted) == 0
    second = next(one for one in mirror if "Zweiter" in one.data)
    second.delete()
    updated, deleted = mirror.sync()
    assert [str(one.url) for one in deleted] == [str(second.url)]


def test_caldav_edits_records_of_flowfact(agency: Agency, server: Server, request: pytest.FixtureRequest) -> None:
    """It writes each entry anew with icalendar."""
    counts = records.fill(agency)
    calendars: dict[str, Any] = request.getfixturevalue("calendars")
    before = agency.office.everything()
    found = [*calendars["appointments"].events(), *calendars["tasks"].todos(include_completed=True)]
    assert len(found) == counts["appointments"] + counts["tasks"] + 2  # those of the fixture
    for entry in found:
        entry.icalendar_component.add("X-OWN", "1")
        entry.save()
    assert agency.office.everything() == before
    served = records.texts(server.device())
    assert all("X-OWN:1" in text for name in ("appointments", "tasks") for text in served[name])
