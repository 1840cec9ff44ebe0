"""What a device fetched counts at once, is written a little later, and is not lost with what cannot be written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.deferred import fetches, timer
from radicale_flowfact.dav.store.deferred.fetches import Fetches
from radicale_flowfact.dav.store.devices import Device as Key
from radicale_flowfact.dav.store.devices import Fetch, device_of
from tests.conftest import Agency, Server
from tests.dav.test_writing import only


def written(server: Server, agent: str = "Test/1.0") -> dict[int, str]:
    """Return the newest version that the database has of a device, item id to ETag."""
    fetched, device = tables.fetched.c, tables.device.c
    query = select(fetched.item_id, fetched.etag).join_from(
        tables.fetched, tables.device, device.id == fetched.device_id
    )
    with server.gateway.engine.connect() as connection:
        rows = connection.execute(query.where(device.agent == agent).order_by(fetched.number))
        return {row.item_id: row.etag for row in rows}


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be written by itself."""
    monkeypatch.setattr(timer, "_SECONDS", 3600.0)


@pytest.mark.parametrize("by", ["GET", "multiget"])
@pytest.mark.usefixtures("late")
def test_a_put_without_if_match_is_compared_with_what_was_just_fetched(agency: Agency, server: Server, by: str) -> None:
    dsn = agency.office.address([agency.own], STRASSE="Weg 1", ORT="Köln")
    device = server.start().device()
    path, _, text = only(device, "addresses")
    if by == "GET":
        text = device.get(path).text
    assert written(server) == {}
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, STRASSE="Weg 2")
    assert device.put(path, text.replace("Köln", "Bonn")).status == 204
    row = agency.office.row(agency.office.tables.address, DSN=dsn)
    assert (row["STRASSE"], row["ORT"]) == ("Weg 2", "Bonn")  # the office's street is not undone


@pytest.mark.usefixtures("late")
def test_each_device_has_fetched_its_own_version(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], STRASSE="Weg 1", ORT="Köln")
    old, new = server.start().device(agent="Old/1"), server.device(agent="New/1")
    path, _, text = only(old, "addresses")
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, STRASSE="Weg 2")
    assert "Weg 2" in only(new, "addresses")[2]
    assert old.put(path, text.replace("Köln", "Bonn")).status == 204
    row = agency.office.row(agency.office.tables.address, DSN=dsn)
    assert (row["STRASSE"], row["ORT"]) == ("Weg 2", "Bonn")


@pytest.mark.usefixtures("late")
def test_a_flush_writes_everything_for_other_processes(agency: Agency, server: Server) -> None:
    for number in range(3):
        agency.office.address([agency.own], NAME=f"N{number}")
    one, two = server.start().device(agent="One/1"), server.device(agent="Two/1")
    hrefs = one.sync("addresses").changed
    one.multiget("addresses", hrefs)
    two.get(f"addresses/{next(iter(hrefs))}")
    server.gateway.flush()
    assert sorted(f'"{etag}"' for etag in written(server, "One/1").values()) == sorted(hrefs.values())
    assert len(written(server, "Two/1")) == 1
    server.gateway.flush()  # with nothing to write


def test_what_is_fetched_is_written_by_itself(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start().device()
    path, etag, _ = only(device, "addresses")
    until(lambda: [f'"{one}"' for one in written(server).values()] == [etag])
    agency.office.change(agency.office.tables.address, {}, ORT="Bonn")
    newer = device.get(path).etag
    until(lambda: [f'"{one}"' for one in written(server).values()] == [newer])


@pytest.mark.usefixtures("late")
def test_a_put_that_fails_leaves_what_was_fetched_to_the_next(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], STRASSE="Weg 1", ORT="Köln")
    device = server.start().device()
    path, _, text = only(device, "addresses")
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, STRASSE="Weg 2")
    refused = device.put(path, text.replace("UID:", "UID:x"))
    assert refused.status == 409
    assert device.put(path, text.replace("Köln", "Bonn")).status == 204
    row = agency.office.row(agency.office.tables.address, DSN=dsn)
    assert (row["STRASSE"], row["ORT"]) == ("Weg 2", "Bonn")


class Notes:
    """Stands in for the database: notes what is written, fails for the devices named ``bad``."""

    def __init__(self) -> None:
        self.tried: list[Key] = []
        self.during: Callable[[], None] = lambda: None
        self.fetches = Fetches(self._write)

    def _write(self, device: Key) -> None:
        self.tried.append(device)
        self.during()
        if device.identity == "bad":
            raise RuntimeError("the database is away")


@pytest.mark.usefixtures("late")
def test_what_cannot_be_written_takes_nothing_else_with_it(caplog: pytest.LogCaptureFixture) -> None:
    notes = Notes()
    for agent in ("a", "bad", "c"):
        notes.fetches.add(device_of("anna", agent), [(1, "x", 1)])
    notes.fetches.flush()
    assert notes.tried == [device_of("anna", agent) for agent in ("a", "bad", "c")]
    assert "the database is away" in caplog.text
    notes.fetches.flush()
    assert len(notes.tried) == 3  # each once


@pytest.mark.usefixtures("late")
def test_what_is_fetched_while_it_is_written_waits_for_the_next_time() -> None:
    notes = Notes()
    key = device_of("anna", "a")
    notes.fetches.add(key, [(1, "old", 1), (2, "x", 2)])
    notes.during = lambda: notes.fetches.add(key, [(1, "new", 3)])
    notes.fetches.flush()
    notes.during = lambda: None
    notes.fetches.flush()
    notes.fetches.flush()
    assert notes.tried == [key, key]


def test_many_threads_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "_SECONDS", 0.001)
    stored: dict[Key, dict[tuple[int, str], Fetch]] = {}
    lock = threading.Lock()

    def write(device: Key) -> None:
        with lock:
            stored.setdefault(device, {}).update(kept._of(device))

    kept = Fetches(write)

    def fetch(number: int) -> None:
        for item in range(50):
            kept.add(device_of("anna", f"agent{number % 4}"), [(number * 1000 + item, f"{item}", 1)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, range(40)))
    kept.flush()
    until(lambda: sum(map(len, stored.values())) == 40 * 50)
    assert {key.identity for key in stored} == {f"agent{number}" for number in range(4)}


@pytest.mark.usefixtures("late")
def test_so_many_that_they_are_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetches, "_MOST", 100)
    notes = Notes()
    device = device_of("anna", "a")
    notes.fetches.add(device, [(number, "x", 1) for number in range(99)])
    assert notes.tried == []
    notes.fetches.add(device, [(100, "x", 1)])
    assert notes.tried == [device]
