"""Rule 14: the gateway's tables were restored alone; what a device sends again makes no second record."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Table

from radicale_flowfact.dav.store import tables as dav_tables
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import contacts

LINES = ("ORG:Käfer GmbH", "TEL;TYPE=CELL:0151 1", "EMAIL:eva@example.com", "NICKNAME:Evi", "NOTE:eins")
Backup = Sequence[tuple[Table, list[dict[str, object]]]]


def addresses(agency: Agency) -> list[dict[str, object]]:
    """Return FlowFact's addresses."""
    return agency.office.rows(agency.office.tables.address)


def backed_up(agency: Agency) -> Backup:
    """Return the gateway's tables."""
    return [(table, agency.office.rows(table)) for table in dav_tables.metadata.tables.values()]


def restore(agency: Agency, server: Server, backup: Backup) -> None:
    """Bring the gateway's tables back as they were, and nothing else."""
    for table, rows in backup:
        agency.office.remove(table)
        for row in rows:
            agency.office.add(table, **row)
    server.gateway.forget()


def put(device: Device, uid: str = "a") -> int:
    """Make the contact; return the status."""
    return device.put(f"addresses/{uid}.vcf", payloads.vcard(uid, *LINES), new=True).status


@pytest.mark.parametrize("is_synced", [False, True])
def test_rule_14_what_is_sent_again_after_a_restore_makes_no_second_record(
    agency: Agency, server: Server, *, is_synced: bool
) -> None:
    """Also where another device saw the record meanwhile, which then has it under another name."""
    device = server.start().device()
    token = device.sync("addresses").token
    backup = backed_up(agency)
    assert put(device) == 201
    restore(agency, server, backup)
    other = server.device(agent="Other/1.0")
    had = other.sync("addresses", token) if is_synced else None
    before = agency.office.everything()
    assert put(device) == 201
    assert agency.office.everything() == before
    assert "NICKNAME:Evi" in device.get("addresses/a.vcf").text
    assert contacts(server) == ["Meier"]
    if had is not None:
        (made,) = had.changed
        synced = other.sync("addresses", had.token)
        assert (list(synced.changed), synced.gone) == (["a.vcf"], [made])
    server.verify()
    text = device.get("addresses/a.vcf")
    assert device.put("addresses/a.vcf", text.text.replace("NOTE:eins", "NOTE:zwei"), text.etag).status == 204
    assert [row["NOTIZ"] for row in addresses(agency)] == ["zwei"]


def test_rule_14_two_contacts_that_say_the_same_are_two_records(agency: Agency, server: Server) -> None:
    """Nothing was lost: the user made both."""
    device = server.start().device()
    assert (put(device, "a"), put(device, "b")) == (201, 201)
    assert len(addresses(agency)) == 2


def test_rule_14_another_s_record_or_another_one_is_not_taken_for_it(agency: Agency, server: Server) -> None:
    """Only what this user made, with the very same values."""
    device = server.start().device()
    backup = backed_up(agency)
    assert put(device) == 201
    restore(agency, server, backup)
    agency.office.change(agency.office.tables.address, {}, ANGELEGT_VON=agency.ben)
    assert put(device) == 201
    assert len(addresses(agency)) == 2
    restore(agency, server, backup)
    agency.office.change(agency.office.tables.address, {}, ANGELEGT_VON=agency.anna, ORT="Bonn")
    assert put(device) == 201
    assert len(addresses(agency)) == 3
