"""Erasing a login, and what is forgotten by itself in a server that runs on."""

from __future__ import annotations

import threading

from sqlalchemy import select

from radicale_flowfact.dav.admin.erase import erase
from radicale_flowfact.dav.admin.upkeep import Daily
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server
from tests.device import Device


def rows(server: Server) -> dict[str, int]:
    """Return how many rows each of the gateway's tables has, but for those that are of no login."""
    with server.gateway.session() as session:
        return {
            table.name: len(session.connection.execute(select(table.primary_key.columns[0])).all())
            for table in tables.metadata.tables.values()
            if table not in (tables.upkeep, tables.lock, tables.checked_schema)
        }


def use(server: Server, login: str) -> Device:
    """Do with a login whatever leaves something behind."""
    device = server.device(login)
    device.all("addresses")
    device.put("addresses/private.vcf", payloads.vcard(f"p-{login}", "CATEGORIES:privat"), new=True)
    device.put("addresses/long.vcf", payloads.event(f"q-{login}"), new=True)
    device.all("addresses")
    device.sync("tasks")
    server.gateway.flush()
    return device


def test_what_a_device_fetched_just_before_is_not_written_after_its_login_was_erased(
    agency: Agency, server: Server
) -> None:
    """It waits to be written for a second, or is being written by another process."""
    agency.office.address([agency.own])
    server.start().administer_while_fetches_are_written(lambda session: erase(session, "anna"))
    assert rows(server)["dav_fetched"] == 0
    server.verify()


def test_erase_removes_all_of_one_login_and_nothing_else(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own, agency.bens])
    server.start()
    use(server, "anna")
    only_annas = rows(server)
    assert all(only_annas.values())
    token = use(server, "ben").sync("addresses").token
    office, config = agency.office.everything(), ("--config", str(server.config))
    refused = run("erase", "ben", *config)
    assert (refused.returncode, "[users.ben]" in refused.stderr) == (1, True)
    server.logins = ("anna",)
    server.write_configuration()
    before = rows(server)
    would = run("erase", "ben", "--dry-run", *config)
    assert (would.returncode, "Would remove: ben: " in would.stdout) == (0, True), would.stderr
    assert run("erase", "ben", *config, given="n\n").returncode == 1
    assert rows(server) == before
    done = run("erase", "ben", *config, given="y\n")
    assert (done.returncode, "Removed: ben: " in done.stdout) == (0, True), done.stderr
    assert "password still stands in" in done.stdout
    assert rows(server) == only_annas
    assert agency.office.everything() == office
    again = run("erase", "ben", "--yes", *config)
    assert (again.returncode, "no login is called 'ben'" in again.stderr) == (1, True)
    server.logins = ("anna", "ben")
    ben = server.start().device("ben")
    assert ben.try_sync("addresses", token).status == 403  # he starts from a first sync
    assert len(ben.sync("addresses").changed) == 1


def test_erase_by_force_lets_a_mapped_login_start_anew(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = use(server.start(), "anna")
    token = device.sync("addresses").token
    server.gateway.flush()
    done = run("erase", "anna", "--force", "--yes", "--config", str(server.config))
    assert done.returncode == 0, done.stderr
    assert not any(rows(server).values())
    assert device.try_sync("addresses", token).status == 403
    assert len(device.sync("addresses").changed) == 1


def test_the_upkeep_runs_once_a_day() -> None:
    moment, runs, ended = [0.0], [], threading.Event()

    def work() -> None:
        runs.append(moment[0])
        ended.set()
        raise OSError("no database today")

    daily = Daily(work, lambda: moment[0])
    for hour in range(24 * 3 + 4):
        moment[0] = hour * 3600.0
        ended.clear()
        count = len(runs)
        daily.run_if_due()
        while daily._lock.locked():
            ended.wait(0.01)
        assert len(runs) - count <= 1
    assert len(runs) == 3


def test_a_server_that_runs_on_forgets_daily(agency: Agency, server: Server) -> None:
    server.start("history_days = 10\n")
    device = use(server, "anna")
    assert rows(server)["dav_history"] == 2
    server.moment = server.moment.replace(month=7)
    server.gateway.upkeep()
    with server.gateway.administer() as session:
        upkeep_clock.trust(session)
    upkeep = server.application._observer._upkeep
    upkeep._due = 0.0
    device.sync("tasks")
    while upkeep._lock.locked():
        threading.Event().wait(0.01)
    assert rows(server)["dav_history"] == 0
