"""The house itself: imports run one way, plain Radicale serves it too, the gateway's tables are what Alembic makes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory
from radicale.app import Application
from radicale.config import load
from sqlalchemy import UniqueConstraint
from sqlalchemy import inspect as look_at

from radicale_flowfact.dav.store import schema, tables
from tests.conftest import Agency, Database, Server

ROOT = Path(__file__).parents[1]


def test_imports_run_one_way() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stdout


def test_odbc_is_not_loaded_for_sqlite() -> None:
    script = (
        "import sys; import radicale_flowfact.commands.main; from radicale_flowfact.database.engines import engine_for;"
        "engine_for('sqlite://'); assert 'pyodbc' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0  # noqa: S603


def test_a_missing_postgresql_driver_is_told_in_one_line() -> None:
    script = (
        "import sys; sys.path_importer_cache.clear(); sys.meta_path.insert(0, type('F', (), {'find_spec': staticmethod("
        "lambda name, *_: (_ for _ in ()).throw(ModuleNotFoundError(f'No module named {name!r}'))"
        " if name == 'psycopg' else None)})); from radicale_flowfact.database.engines import engine_for;"
        "engine_for('postgresql+psycopg://x/y')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert 'pip install "radicale-flowfact[postgresql]"' in done.stderr.splitlines()[-1]


def test_alembic_is_loaded_only_to_upgrade(server: Server) -> None:
    server.start()
    script = (
        "import sys, pathlib; import radicale_flowfact.wsgi; from radicale_flowfact.storage import gateway_for;"
        f"gateway_for(pathlib.Path({str(server.folder / 'flowfact.toml')!r})); assert 'alembic' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0  # noqa: S603
    assert schema.newest() == ScriptDirectory(str(schema.MIGRATIONS)).get_current_head()


def test_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    with database.engine.connect() as connection:
        there = look_at(connection)
        schema = database.schema or None
        made = {name for name in there.get_table_names(schema=schema) if name.startswith("dav_")}
        assert made == {"dav_alembic", *(table.name for table in tables.metadata.tables.values())}
        for table in tables.metadata.tables.values():
            columns = {column["name"]: column["nullable"] for column in there.get_columns(table.name, schema=schema)}
            assert columns == {column.name: column.nullable for column in table.columns}
            key = there.get_pk_constraint(table.name, schema=schema)["constrained_columns"]
            assert key == [column.name for column in table.primary_key]
            unique = {index["name"] for index in there.get_unique_constraints(table.name, schema=schema)}
            indexes = {index["name"] for index in there.get_indexes(table.name, schema=schema)} - unique
            assert indexes == {index.name for index in table.indexes}
            wanted = (constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint))
            assert unique == {constraint.name for constraint in wanted}


def test_plain_radicale_serves_the_plugin_too(agency: Agency, server: Server) -> None:
    """Without our application: reading and writing work; a refused PUT is a 403."""
    from tests.conftest import serve_application

    agency.office.address([agency.own])
    server.write_configuration()
    configuration = load([(str(server.config), False)])
    configuration.update(
        {"storage": {"flowfact_config": str(server.folder / "flowfact.toml")},
         "auth": {"htpasswd_filename": str(server.folder / "users")}}, "test")  # fmt: skip
    with serve_application(Application(configuration)) as base:
        server.base = base
        device = server.device()
        ((href, (etag, text)),) = device.multiget("addresses", device.sync("addresses").changed).items()
        assert device.put(f"addresses/{href}", text.replace("Muster", "Neu"), etag).status == 204
        assert device.put("tasks/x.vcf", text).status in (400, 403)
        assert device.delete("addresses/").status == 500
        assert device.delete(f"addresses/{href}").status == 200


def test_no_pattern_has_a_possessive_group() -> None:
    """Python 3.11.0 to 3.11.4, which Debian 12 has, matches them wrongly if there is a choice in them."""
    possessive = re.compile(r"\)[*+?]\+|\(\?>")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sorted((ROOT / "radicale_flowfact").rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if possessive.search(line)
    ]
    assert found == []
