"""A gateway that is upgraded in use: devices go on syncing as if nothing had been."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config

from radicale_flowfact.database import WRITES, engine_for
from tests import payloads
from tests.conftest import Agency, Database, Server

_LOOKS_ALWAYS = "refresh_seconds = 0"


def _take_back(database: Database, revision: str) -> None:
    """Take the gateway's tables back to an older version."""
    config = Config()
    config.set_main_option("script_location", "radicale_flowfact:dav/migrations")
    engine = engine_for(database.url, database.schema)
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        config.attributes.update(connection=connection, schema=database.schema or None)
        command.downgrade(config, revision)


@pytest.mark.parametrize("revision", ["0004"])
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
def test_what_a_device_made_out_of_scope_goes_at_the_next_look(
    agency: Agency, server: Server, *, upgraded: bool
) -> None:
    """It counts in no bucket of the fingerprint, so that none of them tells of it."""
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
    after = device.sync("appointments", before.token)
    assert (len(after.changed), after.gone) == (1, ["old.ics"])
    server.verify()
