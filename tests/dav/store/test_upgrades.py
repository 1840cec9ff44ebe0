"""A gateway that is upgraded in use: devices go on syncing as if nothing had been."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, Table, inspect, select

from radicale_flowfact.database.engines import WRITES, engine_for
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.tables import text_hash
from tests import payloads
from tests.conftest import Agency, Database, Server

_LOOKS_ALWAYS = "refresh_seconds = 0"


def _take_back(database: Database, revision: str) -> None:
    """Take the gateway's tables back to an older version."""
    config = Config()
    config.set_main_option("script_location", "radicale_flowfact:dav/store/migrations")
    engine = engine_for(database.url, database.schema)
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        config.attributes.update(connection=connection, schema=database.schema or None)
        command.downgrade(config, revision)


@pytest.mark.parametrize("revision", ["0004", "0005", "0007", "0009", "0010"])
def test_devices_do_not_notice_an_upgrade(agency: Agency, server: Server, revision: str) -> None:
    for number in range(40):
        agency.office.address([agency.own], NAME=f"N{number}")
    agency.appointment()
    server.start(_LOOKS_ALWAYS)
    device = server.device()
    known = {name: device.sync(name) for name in ("addresses", "appointments")}
    rendered = server.gateway.stats.rendered
    server.stop()
    _take_back(server.database, revision)
    server.start(_LOOKS_ALWAYS)
    server.verify()  # before anybody looked
    device = server.device()
    for name, before in known.items():
        after = device.sync(name, before.token)
        assert (after.changed, after.gone) == ({}, [])
    assert rendered == 41
    server.verify()
    agency.office.address([agency.own], NAME="neu")
    assert len(device.sync("addresses", known["addresses"].token).changed) == 1


@pytest.mark.parametrize("upgraded", [False, True])
def test_what_a_device_made_out_of_scope_goes_once_it_has_synced(
    agency: Agency, server: Server, *, upgraded: bool
) -> None:
    """It counts in no bucket of the fingerprint, so that none of them tells of it: the upkeep lets it go.

    What an older gateway took for an item like others goes at the next look.
    """
    server.start(_LOOKS_ALWAYS)
    device = server.device()
    long_ago = payloads.event("old", start="DTSTART:20200701T080000Z", end="DTEND:20200701T090000Z")
    assert device.put("appointments/old.ics", long_ago, new=True).status == 201
    before = device.sync("appointments")
    assert list(before.changed) == ["old.ics"]
    if upgraded:
        server.stop()
        _take_back(server.database, "0004")
        device = server.start(_LOOKS_ALWAYS).device()
    agency.appointment()
    if not upgraded:
        server.moment += timedelta(days=2)
        server.upkeep()
    after = device.sync("appointments", before.token)
    assert (len(after.changed), after.gone) == (1, ["old.ics"])
    server.verify()


def test_an_upgrade_knows_who_took_off_what_is_gone(agency: Agency, server: Server) -> None:
    """The history tells what a device deleted, and hidden is what its user hid; all else the office took off."""
    office = agency.office
    team = office.merkmal("Team")
    office.syncs(agency.anna, team, "OUTLOOK")
    dsns = {name: office.address([agency.own], NAME=name) for name in ("Live", "Deleted", "Office")}
    dsns["Hidden"] = office.address([team], NAME="Hidden")
    server.start(_LOOKS_ALWAYS)
    device = server.device()
    for href, text in device.all("addresses").items():
        if "N:Deleted" in text or "N:Hidden" in text:
            assert device.delete(f"addresses/{href}").status == 200
    office.remove(office.tables.address_merkmal, AD_DSN=dsns["Office"])
    device.sync("addresses")
    server.stop()
    _take_back(server.database, "0007")
    server.start(_LOOKS_ALWAYS)
    item = tables.item.c
    with server.gateway.session() as session:
        found = {row.dsn: row.gone_by for row in session.connection.execute(select(item.dsn, item.gone_by))}
    assert found == {
        dsns["Live"]: "",
        dsns["Deleted"]: "user",
        dsns["Office"]: "office",
        dsns["Hidden"]: "user",
    }


def test_what_upkeep_deletes_is_found_by_an_index(agency: Agency, server: Server) -> None:
    """Else it passes every row of a table, and waits for each that somebody writes."""
    server.start(_LOOKS_ALWAYS)
    inspector = inspect(server.database.engine)
    for table, column in (("version", "made"), ("history", "made"), ("device", "seen"), ("device_sync", "synced")):
        there = inspector.get_indexes(f"dav_{table}", schema=server.database.schema or None)
        assert [column] in [index["column_names"] for index in there], table


def test_devices_of_one_program_are_merged_with_what_they_fetched(agency: Agency, server: Server) -> None:
    """Until 0010 each version of a program was a device of its own, and each knew one version of an item."""
    dsn = agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    server.moment = datetime.now(UTC)  # as a process that starts has it, or it forgets what is old
    server.start(_LOOKS_ALWAYS)
    mail, other = server.device(agent="Mail/1.0"), server.device(agent="Other/1.0")
    (href,) = mail.all("addresses")
    text = other.get(f"addresses/{href}").text
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, STRASSE="Weg 5")
    mail.get(f"addresses/{href}")
    other.sync("tasks")
    server.stop()
    _take_back(server.database, "0009")
    device, fetched = _table(server.database, "dav_device"), _table(server.database, "dav_fetched")
    with server.database.engine.begin() as connection:
        rows = {row.agent: row.id for row in connection.execute(select(device))}
        assert set(rows) == {"Mail/1.0", "Other/1.0"}
        assert len(connection.execute(select(fetched)).all()) == 2
        renamed = {"agent": "Mail/2.0", "agent_hash": text_hash("Mail/2.0")}
        connection.execute(device.update().where(device.c.id == rows["Other/1.0"]).values(renamed))
    server.start(_LOOKS_ALWAYS)
    server.verify()
    device, fetched = _table(server.database, "dav_device"), _table(server.database, "dav_fetched")
    with server.database.engine.connect() as connection:
        (only,) = connection.execute(select(device)).all()
        assert (only.login, only.identity, only.agent[:5]) == ("anna", "Mail", "Mail/")
        first, second = connection.execute(select(fetched).order_by(fetched.c.number)).all()
        assert first.number < second.number
        assert {first.device_id, second.device_id} == {only.id}
    server.device(agent="Mail/3").put(f"addresses/{href}", text.replace("0221 1", "0221 2"))
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0221 2"
    server.gateway.flush()
    server.stop()
    _take_back(server.database, "0009")
    fetched = _table(server.database, "dav_fetched")
    with server.database.engine.connect() as connection:
        assert len(connection.execute(select(fetched)).all()) == 1  # the newest


def _table(database: Database, name: str) -> Table:
    return Table(name, MetaData(schema=database.schema or None), autoload_with=database.engine)
