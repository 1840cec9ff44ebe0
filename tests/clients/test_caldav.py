"""The Python library ``caldav`` against the gateway: discovery from the bare URL, and a change of each kind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from caldav.davclient import DAVClient

from tests.conftest import Agency, Server


def test_discovers_reads_and_changes(agency: Agency, server: Server) -> None:
    agency.appointment(BETREFF="Besuch")
    agency.task(BETREFF="Anruf")
    agency.appointment(BETREFF="fremd", merkmale=[agency.bens])
    server.start()
    with DAVClient(url=server.base, username="anna", password="pw") as client:  # noqa: S106
        principal: Any = client.get_principal()
        calendars = {str(found.url).rstrip("/").rpartition("/")[2]: found for found in principal.calendars()}
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
