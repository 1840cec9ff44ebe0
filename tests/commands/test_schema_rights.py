"""A database user without rights on the schema of the gateway's own tables: the cause and the next step in one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url

from tests.commands.forked import Commands, running
from tests.commands.test_mistakes import assert_told
from tests.conftest import Agency, Server

CONFIG = ("--config", "radicale.ini")


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    """Give the process that runs commands in forks of itself."""
    with running() as found:
        yield found


@pytest.fixture(params=["CREATE", "USAGE"])
def lacking(request: pytest.FixtureRequest, agency: Agency, server: Server) -> Iterator[str]:
    """Serve with a role that may read FlowFact but lacks this right on the schema of the gateway's own tables."""
    if not server.database.url.startswith("postgresql"):
        pytest.skip("roles are tried on PostgreSQL: set FLOWFACT_TEST_URL")
    right, schema = str(request.param), server.database.schema
    role, state = f"{schema}_without_{right}".lower(), f"{schema}_state"
    engine = create_engine(server.database.url)
    gone = f"""DROP SCHEMA IF EXISTS "{state}" CASCADE;
        DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        DROP OWNED BY "{role}" CASCADE; DROP ROLE "{role}"; END IF; END $$"""
    made = f"""CREATE SCHEMA "{state}"; CREATE ROLE "{role}"; GRANT USAGE ON SCHEMA "{schema}" TO "{role}";
        GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO "{role}" """
    if right == "CREATE":
        made += f'; GRANT USAGE ON SCHEMA "{state}" TO "{role}"'
    for text in (gone, made):
        with engine.begin() as connection:
            connection.exec_driver_sql(text)
    url = make_url(server.database.url).update_query_dict({"options": f"-c role={role}"})
    server.write_configuration()
    file = server.folder / "flowfact.toml"
    told = file.read_text(encoding="utf-8").replace(server.database.url, url.render_as_string(hide_password=False))
    told = told.replace(f'state_schema = "{schema}"', f'state_schema = "{state}"')
    file.write_text(told.replace("write = true", "write = false"), encoding="utf-8")
    yield state
    with engine.begin() as connection:
        connection.exec_driver_sql(gone)
    engine.dispose()


@pytest.mark.parametrize(
    "command", [("serve", *CONFIG), ("status", *CONFIG), ("confirm", "anna", *CONFIG)], ids=" ".join
)
def test_no_right_on_the_schema_of_the_own_tables_is_told(
    commands: Commands, server: Server, lacking: str, command: tuple[str, ...]
) -> None:
    done = commands.run(server.folder, *command)
    assert_told(done, 1, f"the gateway's own tables cannot be made in {lacking}: ", "permission denied for schema")
    assert_told(done, 1, "Let an administrator run what radicale-flowfact grants prints")
    assert done.said.count("\n") == 1, done.said


def test_check_names_the_right_on_the_schema_that_is_missing(commands: Commands, server: Server, lacking: str) -> None:
    done = commands.run(server.folder, "check", *CONFIG)
    assert_told(done, 1, "the database user lacks the grant to make tables there")
