"""When devices synced last: noted lazily, shown by ``status``, forgotten with the history."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from radicale_flowfact.dav.store import devices, tables
from radicale_flowfact.dav.store.deferred.syncs import Syncs
from radicale_flowfact.dav.store.devices import Device, device_of
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.dav.store.user_agents import product, program
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import NOW, Agency, Server

IPHONE = "iOS/17.5 (21F79) dataaccessd/1.0"
NEWER = "iOS/18.0 (22A1) dataaccessd/1.0"


def synced(server: Server) -> dict[tuple[str, str], str]:
    """Return the last sync by User-Agent and collection, as the database has it."""
    server.gateway.flush()
    with server.gateway.session() as session:
        return {(sync.agent, sync.name): f"{sync.synced:%d. %H:%M}" for sync in devices.syncs(session)}


def later(server: Server, **by: int) -> None:
    """Move the clock, and let every device's next sync be noted again."""
    server.moment += timedelta(**by)
    server.gateway._notes._syncs._due.clear()


def test_each_device_and_collection_has_its_last_sync(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    phone = server.start().device(agent=IPHONE)
    token = phone.sync("addresses").token
    phone.propfind("tasks/", "<CS:getctag/>")
    assert synced(server) == {(IPHONE, "addresses"): "15. 10:00", (IPHONE, "tasks"): "15. 10:00"}
    later(server, hours=1)
    phone.sync("addresses", token)
    assert synced(server)[IPHONE, "addresses"] == "15. 11:00"
    later(server, hours=1)
    phone.propfind("", "<CS:getctag/>", depth=1)  # how Apple's devices ask what is new
    assert set(synced(server).values()) == {"15. 12:00"}
    assert {name for _, name in synced(server)} == set(Name)


def test_what_fails_is_no_sync(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    phone = server.start().device(agent=IPHONE)
    phone.try_sync("addresses", "urn:x-flowfact:nonsense")
    phone.put("addresses/n.vcf", payloads.vcard("n"), new=True)
    phone.get("addresses/none.vcf")
    phone.propfind("/", "<resourcetype/>", depth=1)
    phone.propfind("", "<resourcetype/>", depth=0)
    stranger = server.device("ben", agent=IPHONE)
    stranger.propfind("/anna/addresses/", "<CS:getctag/>")
    stranger.password = "wrong"  # noqa: S105
    stranger.propfind("", "<CS:getctag/>", depth=1)
    assert synced(server) == {}


def test_it_is_written_once_a_minute() -> None:
    moment = [0.0]
    written: list[tuple[Device, tuple[Name, ...]]] = []
    phone = device_of("anna", IPHONE)
    syncs = Syncs(lambda device, names: written.append((device, names)), lambda: moment[0])
    for second in (0, 30, 59, 60, 61):
        moment[0] = second
        syncs.note(phone, (Name.TASKS,))
        syncs.note(phone, (Name.ADDRESSES,))
        syncs.flush()
    assert written == [(phone, (Name.ADDRESSES, Name.TASKS))] * 2


def test_it_is_written_without_being_asked_for(agency: Agency, server: Server) -> None:
    server.start().device(agent=IPHONE).sync("tasks")
    for _ in range(100):
        with server.gateway.session() as session:
            if devices.syncs(session):
                break
        time.sleep(0.1)
    with server.gateway.session() as session:
        assert [sync.name for sync in devices.syncs(session)] == ["tasks"]


def test_status_shows_devices_and_warns_of_silent_ones(agency: Agency, server: Server) -> None:
    phone = server.start("[status]\nwarn_days = 3\n").device(agent=IPHONE)
    server.moment = NOW - timedelta(days=5)
    phone.sync("tasks")
    phone.sync("addresses")
    server.device("ben", agent="DAVx5/4.4").sync("tasks")
    server.gateway.flush()
    later(server, days=4, hours=23)
    server.device(agent=NEWER).sync("addresses")
    server.device(agent=NEWER).put("tasks/n.ics", payloads.event("n"))
    server.gateway.flush()
    with server.gateway.administer() as session:  # the command has a clock of its own
        _move_to_now(session.connection)
    told = run("status", "--config", str(server.config)).stdout
    assert "anna  iOS/18.0  addresses " in told
    assert "WARNING: has not synced tasks for 5 days" in told
    assert "ben  DAVx5/4.4  tasks " in told
    assert "WARNING: has not synced for 5 days" in told
    assert "has not synced addresses" not in told
    assert "anna: 1 refused in the last 3 days, the last " in told
    assert "403 to PUT: " in told


def _move_to_now(connection: Connection) -> None:
    """Move what the test's clock wrote to the present."""
    by = datetime.now(UTC) - NOW
    for table, column in ((tables.device_sync, "synced"), (tables.history, "made")):
        keys = list(table.primary_key)
        for row in connection.execute(select(*keys, table.c[column])).all():
            mine = [key == value for key, value in zip(keys, row, strict=False)]
            connection.execute(table.update().where(*mine).values({column: row[-1] + by}))


def test_status_names_what_is_kept_though_not_mapped(agency: Agency, server: Server) -> None:
    server.start().device("ben").sync("tasks")
    server.device().sync("tasks")
    server.gateway.flush()
    server.start(names=None)
    server.logins = ("anna",)
    server.start()
    told = run("status", "--config", str(server.config)).stdout
    assert "not mapped (radicale-flowfact erase <login>): ben" in told
    assert "ben  Test" not in told


def test_a_device_is_forgotten_with_the_history(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    server.start("history_days = 10\n")
    old, new = server.device(agent="Old/1"), server.device(agent="New/1")
    old.all("addresses")
    new.all("addresses")
    server.gateway.flush()
    later(server, days=9)
    new.multiget("addresses", new.sync("addresses").changed)
    server.gateway.flush()
    later(server, days=2)
    server.upkeep()
    assert set(synced(server)) == {("New/1", "addresses")}
    with server.gateway.session() as session:
        assert [row.agent for row in session.connection.execute(select(tables.device.c.agent))] == ["New/1"]
        assert len(session.connection.execute(select(tables.fetched.c.device_id)).all()) == 1


def test_programs_are_told_by_their_product() -> None:
    thunderbird = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0"
    assert product(thunderbird) == "Thunderbird/128.0"
    assert product(IPHONE) == "iOS/17.5"
    assert (program(IPHONE), program(NEWER)) == ("iOS", "iOS")
    assert product("DAVx5/4.4.3-ose (dav4jvm; okhttp/4.12.0) Android/14") == "DAVx5/4.4.3-ose"
    assert product("macOS/14.5 (23F79) AddressBookCore/2617") == "macOS/14.5"
    assert product("") == product("()") == "unnamed"
    assert product("Evil\n{}\t") == "Evil"
