"""Rules 6, 8, 17, 25 and 44: where an appointment takes place, on the device and in FFDATA."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import changed_hrefs, only

PLACE = "Hofgarten 5\\, 50667 Köln"


@pytest.fixture
def linked(agency: Agency) -> str:
    """Give the DSN of an address that Anna's one appointment is linked to."""
    dsn = agency.office.address([], ["0221 5"], NAME="Meier", STRASSE="Hofgarten 5", PLZ="50667", ORT="Köln")
    agency.appointment(addresses=[dsn])
    return dsn


def location(device: Device) -> str | None:
    """Return the LOCATION of the one appointment, as it is served."""
    return line_of(only(device, "appointments")[2], "LOCATION")


def line_of(text: str, name: str) -> str | None:
    """Return the value of a property, None without it."""
    found = [line for line in payloads.lines_of(text) if line.split(":")[0].split(";")[0] == name]
    assert len(found) < 2
    return found[0].partition(":")[2] if found else None


def put(device: Device, edit: Callable[[str], str]) -> None:
    """Change the one appointment on a device."""
    path, etag, text = only(device, "appointments")
    assert device.put(path, edit(text), etag).status == 204


def with_location(text: str, line: str) -> str:
    """Return an appointment with another line for its LOCATION, or none."""
    bare = payloads.without(text, "LOCATION")
    return bare.replace("SUMMARY:", f"{line}\r\nSUMMARY:", 1) if line else bare


def test_rule_17_ffdata_tells_where_linked_addresses_are(agency: Agency, server: Server, linked: str) -> None:
    """Street, postcode and town stand between company and phone."""
    text = "\n".join(payloads.lines_of(only(server.start().device(), "appointments")[2]))
    assert f"[FFDATA]\\nAdresse: Meier\\, {PLACE}\\, 0221 5\\n[/FFDATA]" in text


def test_rule_17_an_appointment_takes_place_where_its_linked_address_is(
    agency: Agency, server: Server, linked: str
) -> None:
    """LOCATION is the linked address'; with location = "none" there is none, and no task has one."""
    agency.task()
    device = server.start().device()
    assert location(device) == PLACE
    assert line_of(only(device, "tasks")[2], "LOCATION") is None
    assert location(server.start('[appointments]\nlocation = "none"\n').device()) is None


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([{"NAME": "A"}], PLACE),
        ([{"NAME": "A", "PLZ": "50667"}], PLACE),
        ([{"NAME": "Z", "STRASSE": "HOFGARTEN  5", "PLZ": "50667", "ORT": "Köln"}], PLACE),
        ([{"NAME": "A", "STRASSE": "Weg 1", "PLZ": "50667", "ORT": "Köln"}], None),
    ],
)
def test_rule_17_of_several_linked_addresses_none_is_guessed(
    agency: Agency, server: Server, others: list[dict[str, str]], expected: str | None
) -> None:
    """Two at different places give no LOCATION; at the same place, or without one, they do."""
    office = agency.office
    first = office.address([], NAME="Meier", STRASSE="Hofgarten 5", PLZ="50667", ORT="Köln")
    agency.appointment(addresses=[first, *(office.address([], [], **other) for other in others)])
    assert location(server.start().device()) == expected


def test_rule_17_the_place_of_an_address_that_he_may_not_read_is_not_told(
    agency: Agency, server: Server, linked: str
) -> None:
    """Neither in FFDATA nor as LOCATION."""
    agency.office.restrict("AD", linked, "VOLL", user=agency.ben)
    assert "Hofgarten" not in only(server.start().device(), "appointments")[2]


@pytest.mark.parametrize("column", ["STRASSE", "PLZ", "ORT"])
def test_rule_06_a_linked_address_that_moves_is_told(agency: Agency, server: Server, linked: str, column: str) -> None:
    """The appointment changes with the street, postcode or town of a linked address, though no Touch moves."""
    device = server.start().device()
    (href,) = device.sync("appointments").changed
    token = device.sync("appointments").token
    agency.office.change(agency.office.tables.address, {"DSN": linked}, **{column: "Neu"})
    assert changed_hrefs(device, "appointments", token)[:2] == ([href], [])
    assert "Neu" in (location(device) or "")


@pytest.mark.parametrize(
    "line",
    [
        f"LOCATION:{PLACE}",
        "LOCATION;LANGUAGE=de:Hofgarten 5\\n50667 Köln",
        "LOCATION:Hofgarten 5\\\\\\, 50667 Ko\u0308ln ",
        "LOCATION:hofgarten 5\\, 50667\u00a0köln",
    ],
)
def test_rule_44_a_place_sent_back_is_no_place_of_the_device(
    agency: Agency, server: Server, linked: str, line: str
) -> None:
    """However a client spells FlowFact's place, it is not kept: when the address moves, the appointment does, too."""
    device = server.start().device()
    before = agency.office.everything()
    put(device, lambda text: with_location(text, line))
    assert agency.office.everything() == before
    agency.office.change(agency.office.tables.address, {"DSN": linked}, STRASSE="Weg 1")
    assert location(device) == "Weg 1\\, 50667 Köln"


def test_rule_44_a_place_sent_back_after_the_address_moved_is_none_of_the_device(
    agency: Agency, server: Server, linked: str
) -> None:
    """A device without If-Match that did not hear of it yet sends the old place: the new one is served."""
    device = server.start().device(agent="Evolution")
    path, _, text = only(device, "appointments")
    agency.office.change(agency.office.tables.address, {"DSN": linked}, STRASSE="Weg 1")
    sent = text.replace("Betreff", "Neu").replace(PLACE.replace("\\,", "\\,"), "Hofgarten 5\\n50667 Köln")
    assert device.put(path, sent).status == 204
    assert location(device) == "Weg 1\\, 50667 Köln"
    assert agency.office.row(agency.office.tables.activity)["BETREFF"] == "Neu"


def test_rule_25_a_place_of_the_device_stays_and_wins(agency: Agency, server: Server, linked: str) -> None:
    """A broker's own LOCATION is kept for his devices, whatever becomes of the address; FlowFact never sees it."""
    agency.office.add(
        agency.office.tables.activity_merkmal,
        AKT_DSN=agency.office.row(agency.office.tables.activity)["DSN"],
        MKM_DSN=agency.bens,
    )
    device = server.start().device()
    before = agency.office.everything()
    put(device, lambda text: with_location(text, "LOCATION;LANGUAGE=de:Café am Dom"))
    assert agency.office.everything() == before
    agency.office.change(agency.office.tables.address, {"DSN": linked}, STRASSE="Weg 1")
    assert location(device) == "Café am Dom"
    put(device, lambda text: text.replace("Betreff", "Neu").replace("Café am", "Cafe\u0301  am"))
    assert location(device) == "Café am Dom"
    assert location(server.device("ben")) == "Weg 1\\, 50667 Köln"
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="x", TOUCH=datetime(2026, 6, 15, 11, 30))
    assert location(device) == "Café am Dom"


def test_rule_25_a_place_that_is_taken_off_is_off(agency: Agency, server: Server, linked: str) -> None:
    """Off the device's own comes FlowFact's; that taken off, too, there is none until FlowFact has another one."""
    device = server.start().device()
    put(device, lambda text: with_location(text, "LOCATION:Café"))
    put(device, lambda text: with_location(text, ""))
    assert location(device) == PLACE
    put(device, lambda text: with_location(text, "LOCATION:"))
    assert not location(device)
    put(device, lambda text: text.replace("Betreff", "Neu"))
    assert not location(device)
    put(device, lambda text: with_location(text, "LOCATION:Café"))
    put(device, lambda text: with_location(text, ""))
    assert not location(device)
    agency.office.change(agency.office.tables.address, {"DSN": linked}, STRASSE="Weg 1")
    assert location(device) == "Weg 1\\, 50667 Köln"


def test_rule_25_flowfacts_place_typed_again_is_no_own_place(agency: Agency, server: Server, linked: str) -> None:
    """A broker gives his own place up by typing FlowFact's."""
    device = server.start().device()
    put(device, lambda text: with_location(text, "LOCATION:Café"))
    put(device, lambda text: with_location(text, "LOCATION:Hofgarten 5\\, 50667 Köln"))
    agency.office.change(agency.office.tables.address, {"DSN": linked}, STRASSE="Weg 1")
    assert location(device) == "Weg 1\\, 50667 Köln"


def test_rule_08_the_device_keeps_what_it_sent_beside_flowfacts_place(
    agency: Agency, server: Server, linked: str
) -> None:
    """An edit that leaves LOCATION as it was served does not come back."""
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    answer = device.put(path, text.replace("Betreff", "Neu"), etag)
    assert (answer.status, bool(answer.etag)) == (204, True)
    assert device.get(path).etag == answer.etag


@pytest.mark.parametrize(
    "twin",
    [
        'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Hofgarten 5":geo:50.9,6.9',
        "GEO:50.9;6.9",
    ],
)
def test_rule_44_what_a_client_adds_to_a_place_goes_with_it(
    agency: Agency, server: Server, linked: str, twin: str
) -> None:
    """Coordinates that a device adds to FlowFact's place stay while the place is the same, and go with it."""
    device = server.start().device()
    put(device, lambda text: text.replace("DTSTART;", f"{twin}\r\nDTSTART;", 1))
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="x", TOUCH=datetime(2026, 6, 15, 11, 30))
    name = twin.partition(":")[0].partition(";")[0]
    assert line_of(only(device, "appointments")[2], name)
    agency.office.change(agency.office.tables.address, {"DSN": linked}, STRASSE="Weg 1")
    assert line_of(only(device, "appointments")[2], name) is None
    put(device, lambda text: with_location(text, f"LOCATION:Café\r\n{twin}1"))
    assert (line_of(only(device, "appointments")[2], name) or "").endswith("91")
