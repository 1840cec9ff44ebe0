"""Rule 29, further: what undo does when things have moved on since."""

from __future__ import annotations

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.client import contacts, only
from tests.rules.test_safety import command, numbers


def edited(agency: Agency, server: Server) -> None:
    """Let Anna's device change the street of her only contact from Weg 1 to Weg 2."""
    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("Weg 1", "Weg 2"), etag).status == 204


def street(agency: Agency) -> object:
    """Return the street of the only address."""
    return agency.office.row(agency.office.tables.address)["STRASSE"]


@pytest.mark.parametrize("mapped", [True, False])
def test_rule_29_what_a_user_did_who_may_not_get_in_any_more_is_undone(
    agency: Agency, server: Server, mapped: bool
) -> None:
    """Also of a login that is inactive in FlowFact, or not mapped any more."""
    edited(agency, server)
    if mapped:
        agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, AKTIV=False)
    else:
        server.logins = ("ben",)
        server.write_configuration()
    assert "'Weg 2' becomes 'Weg 1' again" in command(server, "undo", numbers(server)[0])
    assert street(agency) == "Weg 1"


def test_rule_29_an_undo_is_recorded_and_can_be_undone(agency: Agency, server: Server) -> None:
    """An undo is a write and recorded as one; taken back by its number, the first write can be undone again."""
    edited(agency, server)
    command(server, "undo", numbers(server)[0])
    assert "street: 'Weg 2' -> 'Weg 1'" in command(server, "history")
    command(server, "undo", numbers(server)[1])
    assert street(agency) == "Weg 2"
    command(server, "undo", "--user", "anna", "--since", "2026-01-01")
    assert street(agency) == "Weg 1"


def test_rule_29_a_dry_run_tells_what_several_entries_would_come_to(agency: Agency, server: Server) -> None:
    """Two edits of one field, taken back together: the dry run says what undo then does."""
    edited(agency, server)
    device = server.device()
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("Weg 2", "Weg 3"), etag).status == 204
    rows = agency.office.everything()
    told = command(server, "undo", *numbers(server), "--dry-run")
    assert agency.office.everything() == rows
    assert told.replace("would be:", "done:") == command(server, "undo", *numbers(server))
    assert street(agency) == "Weg 1"


def test_rule_29_what_only_the_device_keeps_is_found_under_another_href(agency: Agency, server: Server) -> None:
    """Undo of an edit and of a deletion finds a contact that was moved by DELETE and PUT since."""
    agency.appointment(addresses=[agency.office.address([agency.own])])
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("END:VCARD", "BDAY:1970-01-01\r\nEND:VCARD"), etag).status == 204
    path, etag, text = only(device, "addresses")
    device.delete(path)
    assert device.put("addresses/moved.vcf", text).status == 201
    device.delete("addresses/moved.vcf")
    assert contacts(server) == []
    edit, _, _, deletion = numbers(server)
    command(server, "undo", edit, deletion)
    path, _, text = only(device, "addresses")
    assert (path, "BDAY" in text) == ("addresses/moved.vcf", False)


def test_rule_29_undo_of_a_put_after_delete_hides_again(agency: Agency, server: Server) -> None:
    """Deleted, hidden, put back: undo of the PUT takes the own Merkmal off and hides the contact again."""
    agency.appointment(addresses=[agency.office.address([agency.own])])
    device = server.start().device()
    path, _, text = only(device, "addresses")
    device.delete(path)
    device.put(path, text)
    token = device.sync("addresses").token
    command(server, "undo", numbers(server)[1])
    assert len(device.sync("addresses", token).gone) == 1
    assert agency.office.rows(agency.office.tables.address_merkmal) == []


def test_rule_29_an_href_that_was_left_does_not_come_back(agency: Agency, server: Server) -> None:
    """A device-only item deleted and put back under another href: undo of the deletion brings no second one."""
    device = server.start().device()
    series = payloads.event("s", "RRULE:FREQ=DAILY;COUNT=3")
    device.put("appointments/s.ics", series, new=True)
    device.delete("appointments/s.ics")
    assert device.put("appointments/t.ics", series).status == 201
    assert "nothing to take back" in command(server, "undo", numbers(server)[1])
    assert list(device.all("appointments")) == ["t.ics"]
    assert "only the devices have it" in command(server, "undo", numbers(server)[0])
