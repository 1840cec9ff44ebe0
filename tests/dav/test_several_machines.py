"""Several machines on one database: started at once, set up differently, cut off after COMMIT."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from radicale_flowfact.dav.store import schema
from radicale_flowfact.dav.store.items import Item
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.settings import load_settings
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Database, Server
from tests.dav.store.test_upgrades import _take_back

_START = """
import sys
from radicale_flowfact.dav.store import schema
from radicale_flowfact.database.engines import engine_for
schema.upgrade(engine_for(sys.argv[1], sys.argv[2]), sys.argv[2])
"""


def test_machines_that_start_together_for_the_first_time_make_the_tables_once(database: Database) -> None:
    _take_back(database, "base")
    command = [sys.executable, "-c", _START, database.url, database.schema]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]  # noqa: S603
    told = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, "\n".join(told)
    with database.engine.connect() as connection:
        assert schema.is_current(connection, database.schema)


def test_machines_with_other_settings_do_not_announce_everything_in_turn(
    agency: Agency, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        agency.appointment(BETREFF=f"N{number}")
    device = server.start().device()
    device.sync("appointments")
    device.sync("appointments")
    settings = load_settings(server.folder / "flowfact.toml").appointments
    second = server.another(appointments=settings.model_copy(update={"subject": "{subject} ({kind})"}))
    tokens = []
    for _ in range(6):
        second.open("anna", Name.APPOINTMENTS)
        tokens.append(device.sync("appointments").token)
    assert len(set(tokens[1:])) == 1
    assert "another gateway makes its items with other settings" in caplog.text
    agency.appointment(BETREFF="Neu")
    assert len(device.sync("appointments", tokens[-1]).changed) == 1
    done = run("status", "--config", str(server.config))
    assert "made with another timezone, subject, location or phone_slots than here" in done.stdout


@pytest.mark.parametrize(
    "sent",
    [
        payloads.vcard("u-1", "TEL;HOME:0221 1").replace("UID:u-1\r\n", ""),
        payloads.vcard("u-1", "ORG:  Firma  ;", "NOTE:  n  "),
    ],
)
def test_rule_28_a_put_whose_commit_was_done_is_known_again_though_it_is_served_otherwise(
    agency: Agency, server: Server, sent: str
) -> None:
    device = server.start().device()
    assert device.put("addresses/c.vcf", sent, new=True).status == 201
    known: list[bool] = []

    def look(there: Item | None, was_stored_last: Callable[[], bool]) -> None:
        assert there is not None
        known.append(was_stored_last())

    second = server.another()
    second.put("anna", Name.ADDRESSES, "c.vcf", sent, look)
    agency.office.change(agency.office.tables.address, {}, ORT="Bonn")
    second.put("anna", Name.ADDRESSES, "c.vcf", sent, look)
    assert known == [True, False]
    assert len(agency.office.rows(agency.office.tables.address)) == 1
