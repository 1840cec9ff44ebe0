"""Looking at FlowFact scales: a record is rendered once for all, much is done in pieces, nothing is asked twice."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, event

from radicale_flowfact.database.commits import Commits
from radicale_flowfact.dav.reading import refresh
from radicale_flowfact.dav.store import tables as dav_tables
from radicale_flowfact.dav.store.session import Name
from tests.conftest import Agency, Database, Server
from tests.office import Office

_LOOK = "WITH members"


def looks_of(server: Server) -> list[str]:
    """Return a list that grows with each fingerprint statement from now on."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith(_LOOK):
            seen.append(statement)

    event.listen(server.gateway.engine, "before_cursor_execute", note)
    return seen


def test_a_record_that_many_users_have_is_rendered_once(office: Office, server: Server) -> None:
    team = office.merkmal("Team")
    logins = tuple(f"user{number}" for number in range(10))
    for login in logins:
        office.syncs(office.user(login), team, "OUTLOOK")
    dsn = office.address([team], NAME="Eins")
    server.logins = logins
    server.start()
    for name in ("Eins", "Zwei"):
        office.change(office.tables.address, {"DSN": dsn}, NAME=name)
        before = server.gateway.stats.rendered
        for login in logins:
            assert any(f"N:{name};" in text for text in server.device(login).all("addresses").values())
        assert server.gateway.stats.rendered == before + 1


def test_many_records_are_looked_at_in_pieces(
    agency: Agency, server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "_AT_ONCE", 10)  # a limit, which 2,000 rows would reach, too, but slowly
    for number in range(25):
        agency.office.address([agency.own], NAME=f"N{number}")
    server.start()
    with caplog.at_level(logging.WARNING):
        assert len(server.device().sync("addresses").changed) == 25
    assert [record.args for record in caplog.records if "to go" in record.msg] == [
        ("anna", "addresses", 25, 15),
        ("anna", "addresses", 15, 5),
    ]
    again = server.device().sync("addresses")
    assert (len(again.changed), server.gateway.stats.rendered) == (25, 25)


def test_nothing_committed_and_no_time_gone_is_not_looked_at_again(agency: Agency, server: Server) -> None:
    if server.database.schema:
        pytest.skip("only SQLite tells that nothing was committed")
    agency.office.address([agency.own])
    server.start("refresh_seconds = 0")
    device = server.device()
    token = device.sync("addresses").token
    device.sync("addresses", token)
    seen = looks_of(server)
    for _ in range(3):
        assert device.sync("addresses", token).changed == {}
    assert seen == []
    server.moment += timedelta(minutes=1)  # the window of the past moves by itself
    device.sync("addresses", token)
    assert len(seen) == 1
    agency.office.address([agency.own])
    assert len(device.sync("addresses", token).changed) == 1


def test_a_database_put_in_place_of_another_is_another(database: Database) -> None:
    commits = Commits(database.engine)
    first = commits.mark()
    assert commits.mark() == first
    office = Office(database.engine, database.tables)
    office.merkmal("Neu")
    if database.schema:
        assert first is None
    else:
        assert first != commits.mark()
    commits.close()


def test_what_another_process_commits_is_told_at_the_next_poll(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    server.start("refresh_seconds = 3600")
    device = server.device()
    token = device.sync("addresses").token
    device.propfind("addresses/", "<sync-token/>")
    other = create_engine(server.database.url)
    mine = dav_tables.collection.update().where(dav_tables.collection.c.name == "addresses").values(props='{"a": "b"}')
    with other.execution_options(schema_translate_map={"dav": server.database.schema or None}).begin() as connection:
        connection.execute(mine)
    other.dispose()
    found = server.gateway.open("anna", Name.ADDRESSES)
    assert (dict(found.props), device.sync("addresses", token).changed) == ({"a": "b"}, {})
