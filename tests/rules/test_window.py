"""Rule 4: what a device itself moves out of the window of the past stays there until it has synced."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import only
from tests.rules.test_activities import stored
from tests.rules.test_safety import command

OLD = {"start": "DTSTART:20250101T080000Z", "end": "DTEND:20250101T090000Z"}


def moved(agency: Agency, device: Device, *, new: bool) -> tuple[str, str]:
    """Put an appointment into last year, made there or moved there; return its name and a token from before."""
    if new:
        token = device.sync("appointments").token
        assert device.put("appointments/o.ics", payloads.event("o", **OLD), new=True).status == 201
        return "o.ics", token
    agency.appointment(BETREFF="Wohnung")
    token = device.sync("appointments").token
    path, etag, text = only(device, "appointments")
    assert device.put(path, text.replace("Berlin:2026", "Berlin:2025"), etag).status == 204
    return path.rpartition("/")[2], token


@pytest.mark.parametrize("new", [True, False])
def test_rule_04_what_a_device_moves_into_the_past_stays_until_it_has_synced(
    agency: Agency, server: Server, *, new: bool
) -> None:
    """Whatever else changes meanwhile; a day later the upkeep lets it go, and FlowFact keeps it."""
    device = server.start().device()
    name, token = moved(agency, device, new=new)
    agency.appointment(BETREFF="x")
    synced = device.sync("appointments", token)
    assert (name in synced.changed, synced.gone) == (True, [])
    agency.appointment(BETREFF="y")
    assert device.sync("appointments", synced.token).gone == []
    assert device.get(f"appointments/{name}").status == 200
    server.verify()
    told = command(server, "why", "anna", name)
    assert "before the window of 90 days (past_days): out of scope" in told
    assert "a device moved it there itself and shows it for a day more" in told
    server.moment += timedelta(days=2)
    server.upkeep()
    assert device.sync("appointments", synced.token).gone == [name]
    assert len(agency.office.rows(agency.office.tables.activity)) == 3
    server.verify()


def test_rule_04_edited_again_it_stays_and_comes_back_for_good(agency: Agency, server: Server) -> None:
    """It is an item like any other meanwhile; moved back, it is in scope again."""
    device = server.start().device()
    name, _ = moved(agency, device, new=True)
    got = device.get(f"appointments/{name}")
    assert device.put(f"appointments/{name}", got.text.replace("Notar", "Makler"), got.etag).status == 204
    assert stored(agency)["BETREFF"] == "Makler"
    got = device.get(f"appointments/{name}")
    sent = got.text.replace(":20250101", ":20260701")
    assert device.put(f"appointments/{name}", sent, got.etag).status == 204
    server.moment += timedelta(days=2)
    server.upkeep()
    assert device.get(f"appointments/{name}").status == 200
    server.verify()


def test_rule_05_what_the_office_takes_away_meanwhile_goes_at_once(agency: Agency, server: Server) -> None:
    """The Merkmal taken off is no matter of the window."""
    device = server.start().device()
    name, token = moved(agency, device, new=True)
    agency.office.remove(agency.office.tables.activity_merkmal)
    agency.appointment(BETREFF="x")
    device.sync("appointments", token)
    assert device.get(f"appointments/{name}").status == 404
    server.verify()
