"""Rules 26 and 43: begin and end that the office and a device moved at once never cross."""

from __future__ import annotations

from datetime import datetime

import pytest

from radicale_flowfact.dav.admin import overview
from radicale_flowfact.dav.writing import undo
from tests.conftest import Agency, Server
from tests.rules.test_safety import LATER

_DAY = "20260620T"


def at(clock: str) -> datetime:
    """Return a time on the day of the appointment."""
    return datetime.fromisoformat(f"2026-06-20T{clock}:00")


def times(agency: Agency) -> tuple[str, str | None]:
    """Return begin and end by FlowFact's clock."""
    row = agency.office.row(agency.office.tables.activity)
    assert row["BEGINN"].date() == at("00:00").date()
    return f"{row['BEGINN']:%H:%M}", row["ENDE"] and f"{row['ENDE']:%H:%M}"


@pytest.mark.parametrize(
    ("moves", "sent", "stored"),
    [
        (("14:00", "15:00"), ("10:00", "12:00"), ("14:00", "16:00")),
        (("14:00", None), ("10:00", "12:00"), ("14:00", "16:00")),
        (("14:00", None), ("10:00", "10:30"), ("14:00", "14:30")),
        (("08:00", "09:00"), ("10:30", "11:00"), ("08:30", "09:00")),
        (("10:00", "10:15"), ("10:30", "11:00"), ("09:45", "10:15")),
        (("10:00", "11:30"), ("10:30", "11:00"), ("10:30", "11:30")),
        (("09:00", "11:00"), ("10:00", "12:00"), ("09:00", "12:00")),
        (("14:00", "15:00"), ("10:00", "11:00"), ("14:00", "15:00")),
        (("14:00", "15:00"), ("08:00", "09:00"), ("08:00", "09:00")),
    ],
)
def test_rule_43_an_old_end_never_comes_before_the_offices_begin(
    agency: Agency, server: Server, moves: tuple[str, str | None], sent: tuple[str, str], stored: tuple[str, str]
) -> None:
    """What a device changed of 10 to 11 o'clock keeps its length beside what only the office changed meanwhile."""
    agency.appointment(BETREFF="Notar")
    device = server.start().device(agent="Evolution")
    ((href, text),) = device.all("appointments").items()
    moved = {name: at(clock) for name, clock in zip(("BEGINN", "ENDE"), moves, strict=True) if clock}
    agency.office.change(agency.office.tables.activity, {}, **moved, TOUCH=LATER)
    server.device(agent="Phone").all("appointments")
    begin, end = (clock.replace(":", "") for clock in sent)
    said = text.replace(f"{_DAY}100000", f"{_DAY}{begin}00").replace(f"{_DAY}110000", f"{_DAY}{end}00")
    said = said.replace("Notar", "Notar neu")
    assert device.put(f"appointments/{href}", said).status == 204
    assert times(agency) == stored
    assert agency.office.row(agency.office.tables.activity)["BETREFF"] == "Notar neu"


def test_rule_29_an_undo_lets_nothing_end_before_it_begins(agency: Agency, server: Server) -> None:
    """A device moved the begin forward, the office then the end: the begin of before would come after it."""
    agency.appointment(BETREFF="Notar")
    device = server.start().device()
    ((href, text),) = device.all("appointments").items()
    path = f"appointments/{href}"
    assert device.put(path, text.replace(f"{_DAY}100000", f"{_DAY}080000"), device.get(path).etag).status == 204
    assert times(agency) == ("08:00", "11:00")
    agency.office.change(agency.office.tables.activity, {}, ENDE=at("09:00"), TOUCH=LATER)
    with server.gateway.session() as session:
        (entry,) = undo.entries(session)
    (outcome,) = overview.undo(server.gateway, [entry.number], None, None, dry_run=False)
    assert "it would end before it begins" in " ".join(outcome.kept)
    assert not outcome.done
    assert times(agency) == ("08:00", "09:00")
