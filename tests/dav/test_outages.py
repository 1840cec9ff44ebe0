"""The database fails, waits, goes away and comes back: a device loses nothing, and nobody restarts anything."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url, text, update

from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.dav.store import tables as dav_tables
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Answer
from tests.proxy import Proxy, proxied

_OF_ITS_OWN = "[timeouts]\nlock = 29\n"  # the office then has another engine than the gateway
_IMPATIENT = "[timeouts]\nlock = 1\nconnect = 2\n"


def postgresql_only(server: Server) -> None:
    """Skip a test of what only a server can show."""
    if not server.database.url.startswith("postgresql"):
        pytest.skip("shown on PostgreSQL")


def names(agency: Agency) -> list[str]:
    """Return the family names of FlowFact's addresses."""
    return sorted(row["NAME"] for row in agency.office.rows(agency.office.tables.address))


@contextmanager
def held(agency: Agency, dsn: str) -> Iterator[Connection]:
    """Be a desktop that changed an address and does not come to an end."""
    table = agency.office.tables.address
    with agency.office.engine.connect().execution_options(**WRITES) as connection:
        transaction = connection.begin()
        connection.execute(update(table).where(table.c.DSN == dsn).values({table.c.ORT: "Nirgends"}))
        yield connection
        transaction.rollback()


def is_later(answer: Answer) -> bool:
    """Whether the device is told to come again."""
    return answer.status == 503 and int(answer.headers["Retry-After"]) > 0


def test_a_database_locked_for_too_long_is_503_and_reading_goes_on(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], NAME="Held")
    device = server.start(_IMPATIENT).device()
    (href,) = device.all("addresses")
    answer = device.get(f"addresses/{href}")
    changed = answer.text.replace("END:VCARD", "NOTE:new\r\nEND:VCARD")
    with held(agency, dsn):
        assert is_later(device.put(f"addresses/{href}", changed, answer.etag))
        assert device.get(f"addresses/{href}").status == 200
        assert list(device.all("addresses")) == [href]
    assert agency.office.row(agency.office.tables.address, DSN=dsn)["NOTIZ"] in (None, "")
    assert device.put(f"addresses/{href}", changed, answer.etag).status == 204


def test_a_held_row_makes_only_its_own_write_wait(agency: Agency, server: Server) -> None:
    postgresql_only(server)
    dsn = agency.office.address([agency.own], NAME="Held")
    agency.office.address([agency.bens], NAME="Bens")
    device = server.start("[timeouts]\nlock = 6\n").device()
    other = server.device("ben")
    (href,), (bens,) = device.all("addresses"), other.all("addresses")
    changed = device.get(f"addresses/{href}").text.replace("END:VCARD", "NOTE:new\r\nEND:VCARD")
    with held(agency, dsn), ThreadPoolExecutor() as pool:
        waiting = pool.submit(server.device().put, f"addresses/{href}", changed)
        time.sleep(0.5)
        assert other.put(f"addresses/{bens}", other.get(f"addresses/{bens}").text + "\r\n").status == 204
        assert other.put("addresses/n.vcf", payloads.vcard("n"), new=True).status == 201
        assert device.put("tasks/t.ics", payloads.todo("t"), new=True).status == 201
        assert device.get(f"addresses/{href}").status == 200
        assert device.propfind("addresses/", "<getetag/>", depth=1).status == 207
        assert not waiting.done()
        assert is_later(waiting.result())
    assert device.put(f"addresses/{href}", changed).status == 204


def test_a_slow_device_holds_no_lock(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], NAME="There")
    device = server.start(_IMPATIENT).device()
    (href,) = device.all("addresses")
    body = device.get(f"addresses/{href}").text.replace("END:VCARD", "NOTE:slow\r\nEND:VCARD").encode()
    place = urlsplit(server.base)
    login = base64.b64encode(b"anna:pw").decode()
    head = f"PUT /anna/addresses/{href} HTTP/1.0\r\nAuthorization: Basic {login}\r\nUser-Agent: Test/1.0\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as slow:
        slow.sendall(head.encode() + body[:20])
        time.sleep(0.5)
        agency.office.change(agency.office.tables.address, {"DSN": dsn}, ORT="Bonn")  # waits for nobody
        assert device.put("addresses/fast.vcf", payloads.vcard("fast"), new=True).status == 201
        slow.sendall(body[20:])
        assert b" 204 " in slow.recv(100)
    row = agency.office.row(agency.office.tables.address, DSN=dsn)
    assert (row["ORT"], row["NOTIZ"]) == ("Bonn", "slow")


class Executioner:
    """Ends the gateway's connection when it is about to execute the chosen statement, once."""

    def __init__(self, engine: Engine, at: int) -> None:
        self.left = at
        # Nothing is kept in a pool: what is written a second later may be ended while all others are let go.
        self._admin = create_engine(engine.url, poolclass=NullPool)

    def statement(self, connection: Connection, *_: object) -> None:
        """Count one statement, or the COMMIT."""
        self.left -= 1
        if self.left == 0:
            pid = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
            with self._admin.connect() as admin:
                admin.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    @contextmanager
    def at_work(self, engine: Engine) -> Iterator[None]:
        """Watch an engine."""
        event.listen(engine, "before_cursor_execute", self.statement)
        event.listen(engine, "commit", self.statement)
        yield
        event.remove(engine, "before_cursor_execute", self.statement)
        event.remove(engine, "commit", self.statement)


def at_each_statement(server: Server, write: Callable[[int], None]) -> int:
    """Lose the connection at the first statement of a write, the second …; return how many there are."""
    for at in range(1, 200):
        executioner = Executioner(server.gateway.engine, at)
        with executioner.at_work(server.gateway.engine):
            write(at)
        if executioner.left > 0:
            return at - 1
    pytest.fail("the write never ended")


def test_a_write_survives_the_loss_of_its_connection_at_every_statement(agency: Agency, server: Server) -> None:
    postgresql_only(server)
    device = server.start(_OF_ITS_OWN).device()
    device.sync("addresses")

    def write(at: int) -> None:
        name = f"Name{at}"
        new = payloads.vcard(f"u{at}", name=f"{name};Eva;;;")
        assert device.put(f"addresses/{at}.vcf", new, new=True).status == 201, at
        assert names(agency).count(name) == 1, at

    assert at_each_statement(server, write) > 10


def test_a_deletion_and_a_read_survive_it_too(agency: Agency, server: Server) -> None:
    postgresql_only(server)
    device = server.start(_OF_ITS_OWN).device()
    for number in range(60):
        assert device.put(f"addresses/{number}.vcf", payloads.vcard(f"u{number}"), new=True).status == 201

    def delete(at: int) -> None:
        assert device.delete(f"addresses/{at}.vcf").status == 200, at

    def read(at: int) -> None:
        agency.office.change(agency.office.tables.address, {"NAME": "Meier"}, ORT=f"Ort {at}")
        server.gateway.forget()
        assert len(device.all("addresses")) == 60 - deleted - 1, at

    deleted = at_each_statement(server, delete)
    assert deleted > 10
    assert at_each_statement(server, read) > 5


def test_a_deadlocks_victim_is_written_all_the_same(agency: Agency, server: Server) -> None:
    postgresql_only(server)
    dsn = agency.office.address([agency.own], NAME="Held")
    device = server.start().device()
    (href,) = device.all("addresses")
    changed = device.get(f"addresses/{href}").text.replace("END:VCARD", "NOTE:new\r\nEND:VCARD")
    collection = dav_tables.collection
    with ThreadPoolExecutor() as pool:
        with agency.office.engine.begin() as other:
            other.execute(text(f'SELECT 1 FROM "{server.database.schema}"."AD" FOR UPDATE'))  # noqa: S608 - our own
            waiting = pool.submit(device.put, f"addresses/{href}", changed)
            time.sleep(0.4)  # the write has its collection, and waits for the record
            other.execute(update(collection).values(number=collection.c.number))
        assert waiting.result().status == 204
    assert agency.office.row(agency.office.tables.address, DSN=dsn)["NOTIZ"] == "new"


@contextmanager
def behind_proxy(server: Server) -> Iterator[tuple[Server, Proxy]]:
    """Give the server with a proxy before its database."""
    postgresql_only(server)
    url = make_url(server.database.url)
    with proxied(url.host or "127.0.0.1", url.port or 5432) as proxy:
        near = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        made = Server(replace(server.database, url=near), server.folder)
        try:
            yield made, proxy
        finally:
            made.stop()


def test_the_database_goes_and_comes_back(agency: Agency, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    agency.office.address([agency.own])
    with behind_proxy(server) as (far, proxy):
        device = far.start(_IMPATIENT).device()
        before = device.all("addresses")
        (href,) = before
        proxy.cut()
        for answer in (
            device.get(f"addresses/{href}"),
            device.propfind("addresses/", "<getetag/>", depth=1),
            device.try_sync("addresses"),
            device.put("addresses/n.vcf", payloads.vcard("n"), new=True),
            device.delete(f"addresses/{href}"),
        ):
            assert is_later(answer), answer.status
            assert "password" not in answer.text
        assert "(3 of 3)" in caplog.text
        assert "(4 of" not in caplog.text
        proxy.start()
        assert device.all("addresses") == before
        assert device.put("addresses/n.vcf", payloads.vcard("n"), new=True).status == 201


def test_a_commit_whose_answer_is_lost_is_not_done_twice(agency: Agency, server: Server) -> None:
    with behind_proxy(server) as (far, proxy):
        device = far.start().device()
        device.sync("addresses")
        proxy.cut_after = b"COMMIT"
        made = device.put("addresses/n.vcf", payloads.vcard("n", name="Once;Eva;;;"), new=True)
        assert not proxy.cut_after, "the COMMIT went another way"
        assert made.status in (201, 204)
        assert names(agency) == ["Once"]
        etag = device.get("addresses/n.vcf").etag
        proxy.cut_after = b"COMMIT"
        changed = payloads.vcard("n", "NOTE:x", name="Once;Eva;;;")
        assert device.put("addresses/n.vcf", changed, etag).status == 204
        assert names(agency) == ["Once"]


def test_many_devices_at_once_lose_nothing_when_all_connections_are_cut(agency: Agency, server: Server) -> None:
    postgresql_only(server)
    server.start()
    stop = threading.Event()
    admin = create_engine(server.database.url)
    ours = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(:pids)")

    def cut() -> None:
        while not stop.wait(0.4):
            pool = server.gateway.engine.pool
            pids = [
                record.dbapi_connection.info.backend_pid
                for record in list(pool._pool.queue)  # type: ignore[attr-defined]
                if record.dbapi_connection is not None
            ]
            with admin.begin() as connection:
                connection.execute(ours, {"pids": pids})

    def edit(number: int) -> int:
        device = server.device(("anna", "ben")[number % 2], agent=f"A{number}")
        return device.put(f"addresses/{number}.vcf", payloads.vcard(f"u{number}", name=f"N{number};E;;;")).status

    cutter = threading.Thread(target=cut)
    cutter.start()
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(edit, range(60)))
    stop.set()
    cutter.join()
    admin.dispose()
    assert set(statuses) == {201}
    assert names(agency) == sorted(f"N{number}" for number in range(60))
