"""What a trigger, a constraint or a missing right of FlowFact's database refuses is refused, once and with its reason.

Rule 28, last part: called an outage, a device would send it again for ever and nobody would be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Row, event, make_url, select, text

from radicale_flowfact.dav.admin import devices
from radicale_flowfact.dav.store import tables as dav_tables
from tests import payloads
from tests.conftest import Agency, Server, not_on_mssql
from tests.device import Answer, Device

pytestmark = not_on_mssql("its triggers and rights are in the words of SQLite and PostgreSQL")

_SAYS = "Preisabsprachen sind verboten"
_ON_POSTGRESQL = """
CREATE FUNCTION {schema}.says() RETURNS trigger AS $$ BEGIN
  IF NEW."NOTIZ" LIKE '%verboten%' THEN RAISE EXCEPTION '{says}' {code}; END IF; RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER says BEFORE INSERT OR UPDATE ON {schema}."AD" FOR EACH ROW EXECUTE FUNCTION {schema}.says()
"""
_ON_SQLITE = """
CREATE TRIGGER says BEFORE UPDATE ON "AD" WHEN NEW."NOTIZ" LIKE '%verboten%'
BEGIN SELECT RAISE(ABORT, '{says}'); END
"""


_TIDY = """
DROP TRIGGER IF EXISTS says ON {schema}."AD"; DROP FUNCTION IF EXISTS {schema}.says();
DROP INDEX IF EXISTS {schema}.once; ALTER TABLE {schema}."AD" DROP CONSTRAINT IF EXISTS short;
ALTER TABLE {schema}."AD" DROP CONSTRAINT IF EXISTS known; DROP TABLE IF EXISTS {schema}.allowed;
ALTER TABLE {schema}."AD" ALTER "ORT" TYPE varchar(100)
"""


def is_postgresql(server: Server) -> bool:
    """Whether the tests run on a server."""
    return server.database.url.startswith("postgresql")


def run_ddl(agency: Agency, *statements: str) -> None:
    """Be FlowFact's maker, who changes its database."""
    with agency.office.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture(autouse=True)
def tidied(agency: Agency, server: Server) -> Iterator[None]:
    """Take off what a test put on FlowFact's tables: on PostgreSQL all tests share them.

    Pooled connections are closed: they have plans of a column as it was, which fail once on each of them.
    """
    yield
    server.stop()
    if is_postgresql(server):
        run_ddl(agency, *_TIDY.format(schema=f'"{server.database.schema}"').split(";"))
        server.database.engine.dispose()


def forbid(agency: Agency, server: Server, code: str = "") -> None:
    """Make the trigger; ``code`` names its SQLSTATE."""
    template = _ON_POSTGRESQL if is_postgresql(server) else _ON_SQLITE
    run_ddl(agency, template.format(schema=f'"{server.database.schema}"', says=_SAYS, code=code))


def refused(server: Server) -> list[Row[str, str, int]]:
    """Return reason, body and repetitions of the refusals in the history."""
    history = dav_tables.history
    statement = select(history.c.reason, history.c.body, history.c.repeats).where(history.c.what == "refused")
    with server.gateway.engine.connect() as connection:
        return list(connection.execute(statement))


def put_note(device: Device, href: str, note: str) -> Answer:
    """Change a contact's note."""
    answer = device.get(f"addresses/{href}")
    return device.put(f"addresses/{href}", answer.text.replace("END:VCARD", f"NOTE:{note}\r\nEND:VCARD"), answer.etag)


@pytest.fixture
def href(agency: Agency, server: Server) -> str:
    """Give a contact's href."""
    agency.office.address([agency.own], NAME="Meier")
    (found,) = server.start().device().all("addresses")
    return found


def require_refusal(server: Server, answers: list[Answer], reason: str) -> None:
    """Check that a write was refused, that the reason was told, and that it was kept once."""
    assert [answer.status for answer in answers] == [403] * len(answers)
    assert all(reason in answer.text for answer in answers)
    ((kept, body, repeats),) = refused(server)
    assert reason in kept
    assert "BEGIN:VCARD" in body
    assert repeats == len(answers) - 1
    with server.gateway.session() as session:
        (told,) = devices.refusals(session)
    assert (told.login, told.count) == ("anna", len(answers))
    assert reason in told.reason


@pytest.mark.parametrize("code", ["", "USING ERRCODE = 'ZX001'", "USING ERRCODE = '25006'"])
def test_what_a_trigger_refuses_is_refused_once_with_its_reason(
    agency: Agency, server: Server, href: str, code: str
) -> None:
    forbid(agency, server, code)
    device = server.device()
    answers = [put_note(device, href, "verboten") for _ in range(3)]
    require_refusal(server, answers, _SAYS)
    assert agency.office.rows(agency.office.tables.address)[0]["NOTIZ"] in (None, "")
    assert put_note(device, href, "erlaubt").status == 204
    assert device.put("tasks/t.ics", payloads.todo("t"), new=True).status == 201


def test_a_unique_index_of_flowfacts_refuses(agency: Agency, server: Server, href: str) -> None:
    schema = f'"{server.database.schema}".' if is_postgresql(server) else ""
    agency.office.address([], NAME="Other", NOTIZ="einmal")
    run_ddl(agency, f"""CREATE UNIQUE INDEX once ON {schema}"AD" ("NOTIZ") WHERE "NOTIZ" <> ''""")
    answers = [put_note(server.device(), href, "einmal") for _ in range(2)]
    require_refusal(server, answers, "once" if is_postgresql(server) else "UNIQUE")
    assert all("einmal" not in reason for reason, *_ in refused(server)), "a reason quotes no data"


def test_a_check_of_flowfacts_refuses(agency: Agency, server: Server, href: str) -> None:
    if not is_postgresql(server):
        pytest.skip("SQLite adds no CHECK to a table; a trigger does the same there")
    run_ddl(agency, f"""ALTER TABLE "{server.database.schema}"."AD" ADD CONSTRAINT short CHECK ("NOTIZ" <> 'lang')""")
    require_refusal(server, [put_note(server.device(), href, "lang") for _ in range(2)], "short")


def test_a_foreign_key_of_flowfacts_refuses(agency: Agency, server: Server) -> None:
    if not is_postgresql(server):
        pytest.skip("SQLite adds no foreign key to a table")
    schema = f'"{server.database.schema}"'
    known = f'ADD CONSTRAINT known FOREIGN KEY ("ORT") REFERENCES {schema}.allowed (note) NOT VALID'
    run_ddl(
        agency,
        f"CREATE TABLE {schema}.allowed (note varchar(100) PRIMARY KEY)",
        f'ALTER TABLE {schema}."AD" {known}',
    )
    device = server.start().device()
    answers = [device.put("addresses/n.vcf", payloads.vcard("n", "ADR;TYPE=WORK:;;S;Ort;;1;"), new=True) for _ in "12"]
    require_refusal(server, answers, "known")


@contextmanager
def without_right(agency: Agency, server: Server, right: str, table: str = "AD") -> Iterator[Server]:
    """Serve with a role that lacks one right on one of FlowFact's tables."""
    if not is_postgresql(server):
        pytest.skip("SQLite has no rights")
    schema, role = f'"{server.database.schema}"', f"gateway_{server.database.schema}_{table}_{right}".lower()
    run_ddl(
        agency,
        f'CREATE ROLE "{role}"',
        f'GRANT ALL ON SCHEMA {schema} TO "{role}"',
        f'GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO "{role}"',
        f'GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO "{role}"',
        f'REVOKE {right} ON {schema}."{table}" FROM "{role}"',
    )
    given = make_url(server.database.url)
    url = given.update_query_dict({"options": f"-c role={role}"}).render_as_string(hide_password=False)
    made = Server(replace(server.database, url=url), server.folder, server.settings)
    try:
        yield made
    finally:
        engine = made.gateway.engine
        made.stop()
        engine.dispose()  # its sessions have the role
        server.start()
        run_ddl(agency, f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"')


def test_a_missing_right_is_a_refusal_and_says_so(agency: Agency, server: Server, href: str) -> None:
    with without_right(agency, server, "UPDATE") as poor:
        device = poor.start().device()
        answers = [put_note(device, href, "neu") for _ in range(2)]
        require_refusal(poor, answers, "AD")
        assert all("need-privileges" in answer.text for answer in answers)
        assert device.get(f"addresses/{href}").status == 200


def test_a_missing_right_to_read_is_no_outage(agency: Agency, server: Server, href: str) -> None:
    with without_right(agency, server, "SELECT") as poor:
        device = poor.start().device()
        answer = device.propfind("addresses/", "<getetag/>", depth=1)
        assert answer.status == 403
        assert "need-privileges" in answer.text


def test_what_cannot_be_kept_in_the_history_is_not_refused(agency: Agency, server: Server, href: str) -> None:
    """The database takes nothing at all: a device that was refused would drop what nobody else has."""

    def read_only(connection: Connection) -> None:
        sql = "SET TRANSACTION READ ONLY" if is_postgresql(server) else "PRAGMA query_only = ON"
        connection.exec_driver_sql(sql)

    device, engine = server.device(), server.gateway.engine
    event.listen(engine, "begin", read_only)
    answer = put_note(device, href, "neu")
    event.remove(engine, "begin", read_only)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert not refused(server)
    engine.dispose()  # SQLite's PRAGMA stays with a connection
    assert put_note(device, href, "neu").status == 204


def test_a_widened_column_is_noticed_by_nobody(agency: Agency, server: Server) -> None:
    """PostgreSQL: "cached plan must not change result type" (0A000) on each connection that has the statement."""
    if not is_postgresql(server):
        pytest.skip("shown on PostgreSQL")
    for number in range(3):
        agency.office.address([agency.own], NAME=f"N{number}")
    device = server.start("refresh_seconds = 0\n").device()
    hrefs = list(device.all("addresses"))

    def edit(href: str) -> list[int]:
        # psycopg prepares what a connection executes often
        return [put_note(server.device(), href, f"n{number}").status for number in range(8)]

    with ThreadPoolExecutor(3) as pool:
        for size in (300, 301):
            assert [status for all_ in pool.map(edit, hrefs) for status in all_] == [204] * 24
            run_ddl(agency, f'ALTER TABLE "{server.database.schema}"."AD" ALTER "ORT" TYPE varchar({size})')
        assert [status for all_ in pool.map(edit, hrefs) for status in all_] == [204] * 24
    assert sorted(device.all("addresses")) == sorted(hrefs)
