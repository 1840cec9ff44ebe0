"""The house itself: imports run one way, Radicale is as we know it, the gateway's tables are what Alembic makes."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from radicale import app as radicale_app
from radicale import server as radicale_server
from radicale.app import Application
from radicale.config import load
from radicale.item import Item
from radicale.storage import BaseCollection, BaseStorage
from sqlalchemy import Connection, MetaData
from sqlalchemy import inspect as look_at
from sqlalchemy.schema import BLANK_SCHEMA

from radicale_flowfact.dav import tables
from tests.conftest import Agency, Database, Server

ROOT = Path(__file__).parents[1]


def test_imports_run_one_way() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stdout


def test_odbc_is_not_loaded_for_sqlite() -> None:
    script = (
        "import sys; import radicale_flowfact.cli; from radicale_flowfact.database import engine_for;"
        "engine_for('sqlite://'); assert 'pyodbc' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0  # noqa: S603


def test_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    with database.engine.connect() as connection:
        if database.schema:
            found = {
                name
                for name in inspect_tables(connection, database.schema)
                if name.startswith("dav_") and name != "dav_alembic"
            }
            assert found == {table.name for table in tables.metadata.tables.values()}
            return
        metadata = MetaData()
        for table in tables.metadata.tables.values():
            table.to_metadata(metadata, schema=BLANK_SCHEMA, referred_schema_fn=lambda *_: None)
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or str(name).startswith("dav_"),
                  "version_table": "dav_alembic"},
        )  # fmt: skip
        assert compare_metadata(context, metadata) == []


def inspect_tables(connection: Connection, schema: str) -> list[str]:
    """Return the names of the tables in a schema."""
    return look_at(connection).get_table_names(schema=schema)


def test_radicale_calls_its_storage_as_we_answer() -> None:
    """An update of Radicale that changes what we rely on must fail here, loudly."""
    wanted: dict[Callable[..., object], list[str]] = {
        BaseStorage.discover: ["self", "path", "depth", "child_context_manager", "user_groups"],
        BaseStorage.create_collection: ["self", "href", "items", "props"],
        BaseStorage.move: ["self", "item", "to_collection", "to_href"],
        BaseStorage.acquire_lock: ["self", "mode", "user", "args", "kwargs"],
        BaseCollection.upload: ["self", "href", "item"],
        BaseCollection.delete: ["self", "href"],
        BaseCollection.sync: ["self", "old_token"],
        BaseCollection.get_filtered: ["self", "filters"],
        Item.__init__: [
            *("self", "collection_path", "collection", "vobject_item", "href", "last_modified", "text", "etag"),
            *("uid", "name", "component_name", "time_range"),
        ],
    }
    for function, parameters in wanted.items():
        assert list(inspect.signature(function).parameters) == parameters, function
    for method in ("PUT", "DELETE", "PROPFIND", "REPORT", "GET", "HEAD", "PROPPATCH", "MKCOL", "MKCALENDAR", "MOVE"):
        handler = getattr(Application, f"do_{method}")
        parameters = ["self", "environ", "base_prefix", "path", "user", "user_groups", "request_info"]
        assert list(inspect.signature(handler).parameters) == parameters, method
    assert "Application(configuration)" in inspect.getsource(radicale_server.serve)
    assert "item.serialize()" in inspect.getsource(radicale_app.report)


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
