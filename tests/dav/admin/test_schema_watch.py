"""A table or column that disappears while the gateway runs: devices wait, the admin is told its name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from radicale_flowfact.database.engines import DatabaseError
from radicale_flowfact.dav.admin import schema_watch
from radicale_flowfact.dav.store import tables as dav_tables
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server, not_on_mssql
from tests.dav.test_refused_by_database import without_right
from tests.http.observe.served import Served, served
from tests.http.observe.test_endpoints import get, numbers

pytestmark = not_on_mssql("it renames columns in the words of SQLite and PostgreSQL")

NEEDED = [
    ("AD", "FIRMA"),
    ("AD", "ARCHIV"),
    ("ADTEL", "NUMMER"),
    ("ADMKM", ""),
    ("AKT", "GANZTAGS"),
    ("AKT", "BETREFF"),
    ("AKTAD", ""),
    ("Aktivitätenarten", "KALENDER"),
    ("BEN", "AKTIV"),
    ("BEN", "ART_AUFGABE_DSN"),
    ("BENMKM", "BEREICH"),
    ("RECHTE", ""),
    ("RECHTE", "RECHT"),
]


@contextmanager
def gone(server: Server, table: str, column: str = "") -> Iterator[str]:
    """Let a table or column be called otherwise for a while, as after an upgrade of FlowFact; give its name."""
    place = f'"{server.database.schema}"."{table}"' if server.database.schema else f'"{table}"'
    other = f'"{server.database.schema}"."{table} old"' if server.database.schema else f'"{table} old"'
    ways = (
        (f'ALTER TABLE {place} RENAME COLUMN "{column}" TO "{column} old"',
         f'ALTER TABLE {place} RENAME COLUMN "{column} old" TO "{column}"')
        if column
        else (f'ALTER TABLE {place} RENAME TO "{table} old"', f'ALTER TABLE {other} RENAME TO "{table}"')
    )  # fmt: skip
    _run(server, ways[0])
    try:
        yield f"{table}.{column}" if column else table
    finally:
        _run(server, ways[1])


def _run(server: Server, statement: str) -> None:
    with server.database.engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(("table", "column"), NEEDED)
def test_devices_wait_and_lose_nothing(agency: Agency, server: Server, table: str, column: str) -> None:
    """Not one item vanishes, no write is lost or refused, and all goes on once the name is back."""
    agency.office.address([agency.own], ["0221 1"], NAME="Meier")
    agency.appointment()
    agency.task()
    device = server.start().device()
    before = {name: device.sync(name) for name in ("addresses", "appointments", "tasks")}
    (href,) = before["addresses"].changed
    card = device.get(f"addresses/{href}")
    edited = card.text.replace("Meier", "Huber")
    server.gateway.forget()
    with gone(server, table, column):
        answers = [device.propfind(f"{name}/", "<getetag/>", depth=1) for name in before]
        answers.append(device.put(f"addresses/{href}", edited, card.etag))
        answers.append(device.put("tasks/new.ics", payloads.todo("new"), new=True))
        waiting = [answer for answer in answers if answer.status == 503]
        assert waiting
        assert all(answer.headers["Retry-After"] for answer in waiting)
        assert all(answer.status in (201, 204, 207, 503) for answer in answers)
        assert all("getetag" in answer.text for answer in answers if answer.status == 207)
        (missing,) = schema_watch.missing_now(server.gateway)
        assert missing.name == (f"{table}.{column}" if column else table)
    assert schema_watch.missing_now(server.gateway) == ()
    for name, known in before.items():
        assert device.sync(name, known.token).gone == []
    put_late = answers[-2].status == 503
    assert not put_late or device.put(f"addresses/{href}", edited, card.etag).status == 204
    assert agency.office.row(agency.office.tables.address)["NAME"] == "Huber"
    history = dav_tables.history
    with server.gateway.session() as session:
        assert not session.connection.execute(history.select().where(history.c.what == "refused")).all()


def test_health_and_metrics_name_it_and_forget_it(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schema_watch, "SECONDS", 0.0)
    server.start()
    assert get(server, "health").status_code == 200
    with gone(server, "AKT", "BETREFF"), gone(server, "RECHTE"):
        time.sleep(1.1)  # the health is asked once a second
        answer = get(server, "health")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert answer.json()["reason"] == "FlowFact's database lacks: AKT.BETREFF, RECHTE"
        counted = numbers(server)
        assert counted['flowfact_missing_name{name="AKT.BETREFF"}'] == 1
        assert counted["flowfact_database_up"] == 1
        status = run("status", "--config", str(server.config))
        assert (status.returncode, "column AKT.BETREFF" in status.stdout) == (0, True), status.stderr
        assert "radicale-flowfact check" in status.stdout
    assert "table RECHTE" in caplog.text
    time.sleep(1.1)
    assert get(server, "health").json() == {"status": "ok"}
    assert not [name for name in numbers(server) if name.startswith("flowfact_missing_name")]
    assert "has again all" in caplog.text
    assert "MISSING" not in run("status", "--config", str(server.config)).stdout


def test_who_asks_while_another_looks_does_not_wait(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look may wait for a lock that FlowFact holds; the health must answer all the same."""
    began, goes_on = threading.Event(), threading.Event()

    def held(*_: object) -> None:
        began.set()
        goes_on.wait(30)

    gateway = server.start().gateway
    watch = schema_watch.SchemaWatch(gateway)
    assert watch.faults() == ()
    monkeypatch.setattr(schema_watch, "SECONDS", 0.0)
    event.listen(gateway.engine, "begin", held)
    try:
        looking = threading.Thread(target=watch.faults)
        looking.start()
        assert began.wait(30)
        assert watch.faults() == ()
        assert looking.is_alive()
    finally:
        goes_on.set()
        looking.join(30)
        event.remove(gateway.engine, "begin", held)


def test_workers_notice_by_themselves_within_a_minute(agency: Agency, server: Server, unused_tcp_port: int) -> None:
    """No device asks anything: what the workers log comes from their own looks."""
    with served(server, unused_tcp_port, "workers = 2\n") as running:
        server.base = running.base
        with gone(server, "AD", "FIRMA"):
            _until(60, lambda: running.log.count("column AD.FIRMA") == 2, running)
            assert get(server, "health").status_code == 503
        _until(60, lambda: running.log.count("has again all") == 2, running)
        _until(60, lambda: get(server, "health").status_code == 200, running)
        assert len({line.split()[1] for line in running.log.splitlines() if "AD.FIRMA" in line}) == 2


def _until(seconds: float, is_so: Callable[[], bool], running: Served) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, running.log
        time.sleep(0.5)


def test_a_table_that_may_no_longer_be_read_is_named(agency: Agency, server: Server) -> None:
    """A grant that is taken away is as good as a table that is gone: nobody can be served."""
    with without_right(agency, server, "SELECT", "ADTEL") as poor:
        (missing,) = schema_watch.missing_now(poor.start().gateway)
        assert missing.name == "ADTEL"
        assert "the database user may not read it" in str(missing)
        with pytest.raises(DatabaseError, match="table ADTEL: the database user may not read it"):
            schema_watch.require_fitting_map(poor.gateway.settings)


def test_serve_does_not_start_on_a_map_that_does_not_fit(agency: Agency, server: Server) -> None:
    server.write_configuration()
    with gone(server, "AD", "FIRMA"), gone(server, "ADTEL"):
        done = run("serve", "--config", str(server.config))
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len([line for line in lines if line.startswith("  column AD.FIRMA:")]) == 1
    assert len([line for line in lines if line.startswith("  table ADTEL:")]) == 1
    assert lines[-1] == "Next: radicale-flowfact check"
