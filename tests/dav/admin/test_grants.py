"""``grants`` prints what the database user needs and nothing else; ``check`` finds each difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.dialects import mssql

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.site import grants as crm_grants
from radicale_flowfact.database.privileges_held import mssql_making_query, mssql_query
from radicale_flowfact.dav.admin import check, grants
from radicale_flowfact.dav.admin.check import Report
from radicale_flowfact.settings import Settings, load_settings
from tests import payloads
from tests.conftest import Agency, Database, Server, names_in

PRIVATE = '[addresses]\nprivate = "flowfact"\n[appointments]\nprivate = "flowfact"\n'


def use_everything(server: Server) -> None:
    """Do whatever a device can: make, change and delete each sort of item, with and without a private one."""
    device = server.device()
    text = payloads.vcard("a", "TEL;TYPE=WORK:0221 1", "TEL;TYPE=CELL:0171 2")
    assert device.put("addresses/a.vcf", text, new=True).status == 201
    shown = device.get("addresses/a.vcf")
    edited = shown.text.replace("Meier", "Huber").replace("0221 1", "0221 9")
    edited = payloads.without(edited, "TEL;TYPE=CELL")
    edited = "\r\n".join(line for line in payloads.lines_of(edited) if "0171" not in line) + "\r\n"
    assert device.put("addresses/a.vcf", edited, shown.etag).status in (201, 204)
    assert device.put("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:privat"), new=True).status == 201
    assert device.delete("addresses/a.vcf").status == 200
    for path, made in (("appointments/e.ics", payloads.event("e")), ("tasks/t.ics", payloads.todo("t"))):
        assert device.put(path, made, new=True).status == 201
        shown = device.get(path)
        again = shown.text.replace("Notar", "Bank").replace("Anrufen", "Schreiben")
        assert device.put(path, again, shown.etag).status in (201, 204)
        assert device.delete(path).status == 200
    private = payloads.event("q", "CLASS:PRIVATE")
    assert device.put("appointments/q.ics", private, new=True).status == 201
    assert device.sync("addresses").changed


def test_a_full_device_flow_uses_exactly_the_verbs_that_are_granted(agency: Agency, server: Server) -> None:
    """Neither more, or it would fail at an office, nor less, or the grant were superfluous."""
    server.start(PRIVATE)
    known = {table.name: name for name, table in agency.office.all_tables().items()}
    used: set[tuple[str, str]] = set()

    def remember(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found = re.match(r"\s*(INSERT INTO|UPDATE|DELETE FROM) (.+?)[ (]", statement)
        name = found[2].rpartition(".")[2].strip('"[]') if found else ""
        if found and name in known:
            used.add((known[name], found[1].split()[0]))

    event.listen(server.gateway.engine, "before_cursor_execute", remember)
    use_everything(server)
    event.remove(server.gateway.engine, "before_cursor_execute", remember)
    needs = crm_grants.needs(NameMap(), write=True, private=True)
    assert used == {(need.table, verb) for need in needs for verb in need.verbs - {"SELECT"}}


def test_without_writing_only_select_is_granted() -> None:
    settings = Settings(database_url="mssql+pyodbc://gw:x@server/FlowFact", write=False)
    lines = [line for line in grants.statements(settings) if line.startswith("GRANT") and "dav_" not in line]
    assert len(lines) == 13
    assert all(line.startswith("GRANT SELECT ON [dbo].") and line.endswith("TO [gw];") for line in lines)
    assert not any("DELLOG" in line for line in lines)


def test_rights_lists_are_written_only_where_private_items_become_records() -> None:
    url = "mssql+pyodbc://gw:x@server/FlowFact"
    plain = Settings(database_url=url, write=True)
    private = plain.model_validate({**plain.model_dump(), "appointments": {"private": "flowfact"}})
    assert "GRANT SELECT ON [dbo].[RECHTE] TO [gw];" in grants.statements(plain)
    assert "GRANT SELECT, INSERT, DELETE ON [dbo].[RECHTE] TO [gw];" in grants.statements(private)


@pytest.mark.parametrize("state_schema", ["", "dav", "FlowFactDAV.dbo"])
def test_sql_server_gets_t_sql_that_can_be_read(state_schema: str) -> None:
    settings = Settings(
        database_url="mssql+pyodbc://OFFICE%5Cgate]way@server/FlowFact", state_schema=state_schema, write=True,
        names={"AKT": "crm.Aktiv]ität"},
    )  # fmt: skip
    lines = grants.statements(settings)
    assert "GRANT SELECT, INSERT, UPDATE ON [crm].[Aktiv]]ität] TO [OFFICE\\gate]]way];" in lines
    told = "\n".join(lines)
    assert ("ALTER" in told) == (state_schema == "FlowFactDAV.dbo"), "never on the schema of FlowFact's own tables"
    assert ("GRANT CREATE TABLE" in told) == bool(state_schema)
    assert ("ON [dbo].[dav_item]" in told) == (not state_schema)
    sqlglot = pytest.importorskip("sqlglot")
    queries = [mssql_query("dbo"), mssql_query("FlowFactDAV.dbo"), mssql_making_query("FlowFactDAV.dbo")]
    dialect = mssql.dialect()  # type: ignore[no-untyped-call]
    compiled = [str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})) for query in queries]
    for statement in (*compiled, *(line for line in lines if line.startswith("GRANT") and "SCHEMA::" not in line)):
        sqlglot.parse_one(statement, dialect="tsql")
    assert all("HAS_PERMS_BY_NAME" in statement for statement in compiled)


def test_sqlite_has_nothing_to_grant() -> None:
    assert grants.statements(Settings(database_url="sqlite:///x.sqlite")) == []


class Role:
    """A database user with exactly the printed grants, and an office that the administrator fills."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.admin = create_engine(server.database.url)
        url = make_url(server.database.url).set(username=name, password="role-pw")  # noqa: S106 - the test's own
        self.url = url.render_as_string(hide_password=False)

    def run(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with self.admin.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def drop(self) -> None:
        """Take the role away, with all that it may do and has."""
        self.run(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{self.name}') THEN "
            f"DROP OWNED BY {self.name} CASCADE; DROP ROLE {self.name}; END IF; END $$"
        )

    def serve(self, state_schema: str, *, makes: bool) -> None:
        """Run what is printed, and nothing else, and serve as this role."""
        flowfact = self.server.database.schema
        self.server.database = Database(self.url, state_schema, self.server.database.tables)
        self.server.own_names = names_in(flowfact)
        self.server.settings = PRIVATE
        self.server.write_configuration()
        self.run(f"CREATE ROLE {self.name} LOGIN PASSWORD 'role-pw'")
        lines = grants.statements(self.settings, makes=makes)
        self.run(*(line for line in lines if line and not line.startswith("--")))
        self.server.start(names=self.server.own_names)

    @property
    def settings(self) -> Settings:
        """The settings as written."""
        return load_settings(self.server.folder / "flowfact.toml")

    def check(self) -> Report:
        """Check as this role."""
        return check.check(self.settings)


@pytest.fixture
def role(database: Database, server: Server, worker_id: str) -> Iterator[Role]:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("roles are tried on PostgreSQL: set FLOWFACT_TEST_URL")
    made = Role(server, f"flowfact_role_{worker_id}")
    made.drop()
    yield made
    if server.base:
        server.verify()  # as the role, which is gone when the server's own fixture does so
    server.stop()
    server.database.engine.dispose()
    made.drop()
    server.database, server.own_names = database, {}
    server.write_configuration()
    made.admin.dispose()


def test_a_role_with_exactly_the_printed_grants_does_all_that_devices_need(agency: Agency, role: Role) -> None:
    schema = role.server.database.schema
    role.serve(schema, makes=False)
    use_everything(role.server)
    report = role.check()
    assert (report.faults, dict(report.facts)["grants"]) == ([], "exactly what is needed")
    for table, verb in (("ADTEL", "DELETE"), ("AKT", "INSERT"), ("dav_item", "UPDATE"), ("RECHTE", "DELETE")):
        role.run(f'REVOKE {verb} ON "{schema}"."{table}" FROM {role.name}')
        assert f"grant missing on {table}: {verb}" in role.check().faults
        role.run(f'GRANT {verb} ON "{schema}"."{table}" TO {role.name}')
    role.run(f"REVOKE USAGE ON SEQUENCE {schema}.dav_history_id_seq FROM {role.name}")
    assert role.check().faults == ["grant missing on dav_history_id_seq: USAGE"]


def test_a_grant_too_much_is_named(agency: Agency, role: Role) -> None:
    schema = role.server.database.schema
    role.serve(schema, makes=False)
    role.run(f'GRANT DELETE ON "{schema}"."AD" TO {role.name}', f'GRANT SELECT ON "{schema}"."DELLOG" TO {role.name}')
    report = role.check()
    assert report.faults == []
    assert "superfluous grant on AD: DELETE" in report.notes
    assert "superfluous grant on dellog: SELECT" in report.notes


def test_a_role_makes_its_own_tables_in_its_own_schema(agency: Agency, role: Role) -> None:
    own = f"{role.server.database.schema}_own"
    role.run(f"DROP SCHEMA IF EXISTS {own} CASCADE")
    role.serve(own, makes=True)
    use_everything(role.server)
    report = role.check()
    assert (report.faults, dict(report.facts)["grants"]) == ([], "exactly what is needed")
    assert "up to date" in dict(report.facts)["own tables"]


def test_check_says_what_serve_will_lack(agency: Agency, role: Role) -> None:
    flowfact = role.server.database.schema
    role.server.database = replace(role.server.database, url=role.url, schema=f"{flowfact}_none")
    role.server.own_names = names_in(flowfact)
    role.server.write_configuration()
    role.run(f"CREATE ROLE {role.name} LOGIN PASSWORD 'role-pw'", f"GRANT USAGE ON SCHEMA {flowfact} TO {role.name}")
    for name in ("BENMKM", "BENGRP", "MKM", "AD", "ADMKM", "AKT", "AKTMKM", "AKTAD", "RECHTE"):
        role.run(f'GRANT SELECT ON "{flowfact}"."{name}" TO {role.name}')
    role.run(f'GRANT SELECT ON "{flowfact}"."Aktivitätenarten" TO {role.name}')
    faults = role.check().faults
    assert f"the database has no schema '{flowfact}_none': see radicale-flowfact grants" in faults
    assert "grant missing on AD: INSERT, UPDATE" in faults
    assert "grant missing on BEN: SELECT" in faults, "and it goes on"
    assert "grant missing on ADTEL: SELECT, INSERT, UPDATE, DELETE" in faults
