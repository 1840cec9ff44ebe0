"""Rules 6 to 8: what changes reach the device."""

from __future__ import annotations

from datetime import datetime

from tests import payloads
from tests.conftest import Agency, Server
from tests.office import of_one_bucket
from tests.rules.client import contacts, entries, only

LATER = datetime(2026, 6, 15, 11, 30)


def test_rule_06_new_changed_and_gone_arrive_once(agency: Agency, server: Server) -> None:
    """Everything new, changed or gone is in the next sync, once; the sync after is empty."""
    first, second = (agency.office.address([agency.own], NAME=name) for name in "AB")
    device = server.start().device()
    token = device.sync("addresses").token
    agency.office.address([agency.own], NAME="C")
    agency.office.change(agency.office.tables.address, {"DSN": first}, NAME="A2", TOUCH=LATER)
    agency.office.remove(agency.office.tables.address, DSN=second)
    synced = device.sync("addresses", token)
    assert (len(synced.changed), len(synced.gone)) == (2, 1)
    again = device.sync("addresses", synced.token)
    assert (again.changed, again.gone) == ({}, [])


def test_rule_06_a_swapped_merkmal_is_noticed(agency: Agency, server: Server) -> None:
    """A Merkmal taken off one record and put on another, so that counts and Touches stay equal."""
    first, second = agency.office.address([agency.own], NAME="A"), agency.office.address([], NAME="B")
    device = server.start().device()
    token = device.sync("addresses").token
    agency.office.remove(agency.office.tables.address_merkmal, AD_DSN=first)
    agency.office.tag_address(second, agency.own)
    synced = device.sync("addresses", token)
    assert (len(synced.changed), len(synced.gone)) == (1, 1)


def test_rule_06_touch_may_stand_still_repeat_or_go_back(agency: Agency, server: Server) -> None:
    """A change with the same Touch, an older Touch, or a Touch from the repeated hour of autumn is noticed."""
    dsn = agency.office.address([agency.own], NAME="0")
    device = server.start().device()
    token = device.sync("addresses").token
    repeated = datetime(2026, 10, 25, 2, 30)
    for name, touch in (("1", LATER), ("2", LATER), ("3", datetime(2020, 1, 1)), ("4", repeated), ("5", repeated)):
        agency.office.change(agency.office.tables.address, {"DSN": dsn}, NAME=name, TOUCH=touch)
        synced = device.sync("addresses", token)
        assert len(synced.changed) == 1, name
        token = synced.token
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, NAME="6")
    assert len(device.sync("addresses", token).changed) == 1


def test_rule_06_a_renamed_kind_changes_all_its_appointments(agency: Agency, server: Server) -> None:
    """A kind renamed, though no activity was touched."""
    for name in "AB":
        agency.appointment(BETREFF=name)
    device = server.start().device()
    token = device.sync("appointments").token
    agency.office.change(agency.office.tables.kind, {"DSN": agency.visit}, NAME="Ortstermin")
    assert len(device.sync("appointments", token).changed) == 2
    assert entries(server, "appointments") == ["Ortstermin: A", "Ortstermin: B"]


def test_rule_06_rights_phones_and_participants_are_noticed(agency: Agency, server: Server) -> None:
    """Rights of a record, phones, participants and links change without Touch."""
    office, tables = agency.office, agency.office.tables
    address = office.address([agency.own], ["0221 1"])
    linked = office.address([], NAME="Linke")
    appointment = agency.appointment()
    device = server.start().device()
    tokens = {name: device.sync(name).token for name in ("addresses", "appointments")}

    def arrived(name: str) -> int:
        synced = device.sync(name, tokens[name])
        tokens[name] = synced.token
        return len(synced.changed) + len(synced.gone)

    office.change(tables.phone, {"AD_DSN": address}, NUMMER="0221 2")
    assert arrived("addresses") == 1
    office.add(tables.activity_merkmal, AKT_DSN=appointment, MKM_DSN=agency.bens)
    assert arrived("appointments") == 1
    office.change(tables.user, {"DSN": agency.ben}, NAME="Ben B.")
    assert arrived("appointments") == 1
    office.add(tables.activity_address, AKT_DSN=appointment, AD_DSN=linked)
    assert (arrived("appointments"), arrived("addresses")) == (1, 1)
    office.restrict("AKT", appointment, "VOLL", user=agency.ben)
    assert (arrived("appointments"), arrived("addresses")) == (1, 1)


def test_rule_06_a_row_moved_between_records_that_are_summed_up_together(agency: Agency, server: Server) -> None:
    """A phone and a colleague move to another record whose digests go into the same sum; nothing else differs."""
    office, tables = agency.office, agency.office.tables
    first, second = of_one_bucket(office, "AD", 2)
    office.address([agency.own], ["0221 1"], DSN=first)
    office.address([agency.own], DSN=second)
    here, there = of_one_bucket(office, "AKT", 2)
    agency.appointment(DSN=here, merkmale=[agency.own, agency.bens])
    agency.appointment(DSN=there)
    device = server.start().device()
    token, of_appointments = (device.sync(name).token for name in ("addresses", "appointments"))
    office.change(tables.phone, {"AD_DSN": first}, AD_DSN=second)
    office.change(tables.activity_merkmal, {"AKT_DSN": here, "MKM_DSN": agency.bens}, AKT_DSN=there)
    assert len(device.sync("addresses", token).changed) == 2
    assert len(device.sync("appointments", of_appointments).changed) == 2


def test_rule_06_a_users_merkmale_changed_change_his_scope(agency: Agency, server: Server) -> None:
    """A Merkmal added to what the user syncs brings its records."""
    shared = agency.office.merkmal("VIP")
    agency.office.address([shared], NAME="V")
    server.start()
    assert contacts(server) == []
    agency.office.syncs(agency.anna, shared, "OUTLOOK")
    assert contacts(server) == ["V"]


def test_rule_06_a_restored_database_refuses_tokens_of_the_lost_time(agency: Agency, server: Server) -> None:
    """After a restore the journal counts the same numbers again; old tokens are refused, not misread."""
    from radicale_flowfact.dav.store import tables as dav_tables

    dsn = agency.office.address([agency.own], NAME="A")
    device = server.start().device()
    device.sync("addresses")
    backup = [(table, agency.office.rows(table)) for table in dav_tables.metadata.tables.values()]
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, NAME="B", TOUCH=LATER)
    lost = device.sync("addresses").token
    for table, rows in backup:
        agency.office.remove(table)
        for row in rows:
            agency.office.add(table, **row)
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, NAME="C", TOUCH=LATER)
    assert device.sync("addresses").token.rpartition("-")[0] == lost.rpartition("-")[0]
    answer = device.try_sync("addresses", lost)
    assert (answer.status, "valid-sync-token" in answer.text) == (403, True)


def test_rule_07_deleted_in_flowfact_is_gone_on_the_device(agency: Agency, server: Server) -> None:
    """A row deleted without any trace leaves the device."""
    dsn = agency.appointment()
    device = server.start().device()
    token = device.sync("appointments").token
    agency.office.remove(agency.office.tables.activity_merkmal, AKT_DSN=dsn)
    agency.office.remove(agency.office.tables.activity, DSN=dsn)
    assert len(device.sync("appointments", token).gone) == 1


def test_rule_07_taken_off_before_the_makers_next_sync_is_gone(agency: Agency, server: Server) -> None:
    """What a device made, and the office took off before that device synced again, leaves it (RFC 6578 §3.5.2)."""
    device = server.start().device()
    token = device.sync("addresses").token
    assert device.put("addresses/new.vcf", payloads.vcard("new"), new=True).status == 201
    agency.office.remove(agency.office.tables.address_merkmal)
    synced = device.sync("addresses", token)
    assert (synced.changed, synced.gone) == ({}, ["new.vcf"])


def test_rule_07_done_in_flowfact_takes_the_alarm_not_the_appointment(agency: Agency, server: Server) -> None:
    """Set done in FlowFact: the alarm is gone on the device, the appointment stays; nothing is written back."""
    dsn = agency.appointment(VORLAGE=datetime(2026, 6, 20, 9), VORLAGE_ZEIT=True)
    device = server.start().device()
    assert "BEGIN:VALARM" in only(device, "appointments")[2]
    agency.office.change(agency.office.tables.activity, {"DSN": dsn}, ERLEDIGT=True, TOUCH=LATER)
    path, etag, text = only(device, "appointments")
    assert "BEGIN:VALARM" not in text
    assert device.put(path, text, etag).status == 204
    assert agency.office.row(agency.office.tables.activity)["VORLAGE_ZEIT"] is True


def test_rule_08_the_own_write_does_not_come_back(agency: Agency, server: Server) -> None:
    """After a PUT the device finds its own ETag, and nothing new in the sync after."""
    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    sent = device.put(path, text.replace("Weg 1", "Weg 2"), etag)
    synced = device.sync("addresses")
    assert list(synced.changed.values()) == [sent.etag]
    assert device.sync("addresses", synced.token).changed == {}


def test_rule_08_flowfacts_own_version_does_come_back(agency: Agency, server: Server) -> None:
    """Where FlowFact's version differs from what was sent, the device fetches it at its next sync."""
    device = server.start().device()
    sent = device.put("appointments/e.ics", payloads.event("e", summary="Notar"), new=True)
    _, etag, text = only(device, "appointments")
    assert sent.etag == ""
    assert etag
    assert "SUMMARY:Besichtigung: Notar" in text
