"""One office, one gateway, real HTTP: the fixtures that all tests share.

``FLOWFACT_TEST_URL`` names the database to use, any SQLAlchemy URL; without it each test has an SQLite file.
On a server every test process works in a schema of its own and empties it between tests.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import hypothesis
import pytest
from radicale.app import Application
from sqlalchemy import Engine, create_engine, delete, text
from sqlalchemy.schema import CreateSchema

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import Tables, build_tables
from radicale_flowfact.database.engines import WRITES, dispose_engines, engine_for
from radicale_flowfact.dav.admin.verify import verify
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store import schema
from radicale_flowfact.dav.store import tables as dav_tables
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock
from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration
from radicale_flowfact.settings import load_settings
from radicale_flowfact.storage import forget_gateways, gateway_for
from tests.device import Device
from tests.office import Office
from tests.quick import EXAMPLES, Guard, is_quick

# No test is timed, and the first draw of a strategy loads tables of characters. With --hypothesis-profile=repeatable
# each run draws the same, so that a change is never refused for what it did not bring.
for _profile, _repeats in (("repeatable", True), ("here", False)):
    hypothesis.settings.register_profile(
        _profile, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], derandomize=_repeats
    )
    hypothesis.settings.load_profile(_profile)
hypothesis.settings.register_profile("quick", max_examples=EXAMPLES)  # the rest as "here"


not_on_mssql = pytest.mark.not_on_mssql
"""Marks a test that cannot hold on a real SQL Server; its one argument says why. It is skipped there only."""

_LONGEST = ("test_machine.py", "test_differential.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of a second run on another database."""
    told = "leave out the tests that use no database, which do the same on each"
    parser.addoption("--only-database", action="store_true", help=told)
    parser.addoption("--quick", action="store_true", help="only the tests without database, server and processes")


def pytest_configure(config: pytest.Config) -> None:
    """Draw few examples in a quick run, unless a profile is named, and let no process be started in it."""
    if config.getoption("--quick"):
        if not config.getoption("--hypothesis-profile", default=None):
            hypothesis.settings.load_profile("quick")
        config.pluginmanager.register(Guard())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the options say; begin with what takes longest, so that no process works on alone."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)
    if config.getoption("--only-database"):
        _keep(config, items, lambda item: "worker_database" in getattr(item, "fixturenames", ()))
    if config.getoption("--quick"):
        _keep(config, items, is_quick)
    if os.environ.get("FLOWFACT_TEST_URL", "").startswith("mssql"):
        skip_on_mssql(items)


def skip_on_mssql(items: Iterable[pytest.Item]) -> None:
    """Skip the tests that say they cannot hold on a SQL Server, with the reason that they give."""
    for item in items:
        if (marker := item.get_closest_marker("not_on_mssql")) is not None:
            item.add_marker(pytest.mark.skip(reason=f"on SQL Server: {marker.args[0]}"))


def _keep(config: pytest.Config, items: list[pytest.Item], wanted: Callable[[pytest.Item], bool]) -> None:
    """Keep the wanted tests; tell pytest of the others."""
    left_out = [item for item in items if not wanted(item)]
    items[:] = [item for item in items if wanted(item)]
    config.hook.pytest_deselected(items=left_out)


NOW = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)  # Monday noon in Berlin, summer time

_TABLES = ["AD", "ADTEL", "ADMKM", "AKT", "AKTMKM", "AKTAD", "Aktivitätenarten", "BEN", "MKM", "BENMKM"]
_TABLES += ["GRP", "BENGRP", "RECHTE", "DELLOG"]

_RADICALE = """\
[server]
validate_path_value = none
[auth]
type = htpasswd
htpasswd_filename = users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
type = radicale_flowfact.storage
flowfact_config = flowfact.toml
[web]
type = none
[logging]
level = warning
"""


@dataclass(frozen=True)
class Database:
    """Where a test's tables are: the URL, the schema ("" on SQLite) and FlowFact's tables there."""

    url: str
    schema: str
    tables: Tables

    @property
    def names(self) -> dict[str, str]:
        """The name map's overrides that point every table into the schema."""
        return names_in(self.schema)

    @property
    def engine(self) -> Engine:
        """The engine that the gateway uses too."""
        return engine_for(self.url, self.schema)


def names_in(schema_name: str) -> dict[str, str]:
    """Return a name map that puts every FlowFact table into a schema."""
    if not schema_name:
        return {}
    return {table: f"{schema_name}.{table}" for table in _TABLES}


@pytest.fixture(scope="session")
def worker_database(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Database:
    """Make FlowFact's and the gateway's tables once for each test process."""
    url = os.environ.get("FLOWFACT_TEST_URL", "")
    name = f"flowfact_{worker_id}" if url else ""
    if not url:
        url = f"sqlite:///{(tmp_path_factory.mktemp('template') / 'office.sqlite').as_posix()}"
    tables = build_tables(NameMap.from_overrides(names_in(name)))
    if name:
        _new_schema(url, name, tables)
    engine = engine_for(url, name)
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        if engine.dialect.name == "postgresql":  # the processes share a collation
            connection.execute(text("SELECT pg_advisory_xact_lock(2007)"))
        tables.metadata.create_all(connection)
    schema.upgrade(engine, name)
    if not name:
        engine.dispose()
    return Database(url, name, tables)


def _new_schema(url: str, name: str, tables: Tables) -> None:
    """Make the schema anew; what an earlier run left is dropped."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f'DROP SCHEMA IF EXISTS "{name}" CASCADE'))
        elif name in engine.dialect.get_schema_names(connection):
            tables.metadata.drop_all(connection)
            return
        connection.execute(CreateSchema(name))
    engine.dispose()


@pytest.fixture
def database(worker_database: Database, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database."""
    if worker_database.schema:
        empty(worker_database)
        yield worker_database
        return
    file = tmp_path / "office.sqlite"
    shutil.copyfile(worker_database.url.removeprefix("sqlite:///"), file)
    made = Database(f"sqlite:///{file.as_posix()}", "", worker_database.tables)
    yield made
    dispose_engines()  # each test has a file of its own, and an engine keeps what it compiled


def empty(database: Database) -> None:
    """Delete every row of FlowFact's and the gateway's tables."""
    with database.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        for table in (*database.tables.metadata.tables.values(), *dav_tables.metadata.tables.values()):
            connection.execute(delete(table))


@pytest.fixture
def office(database: Database) -> Office:
    """Give FlowFact's desktop, with no rows yet."""
    return Office(database.engine, database.tables)


@dataclass
class Server:
    """A gateway served over HTTP. ``moment`` is what its clock shows; set it to move time."""

    database: Database
    folder: Path
    settings: str = ""
    logins: tuple[str, ...] = ("anna", "ben")
    moment: datetime = NOW
    base: str = ""
    own_names: dict[str, str] = field(default_factory=dict)
    application: FlowfactApplication = field(init=False, repr=False)
    _serving: AbstractContextManager[str] | None = field(default=None, repr=False)
    _others: list[Gateway] = field(default_factory=list, repr=False)

    def start(self, settings: str = "", names: dict[str, str] | None = None) -> Server:
        """Write the configuration and serve; called again, it restarts with other settings."""
        self.stop()
        self.settings = settings or self.settings
        self.own_names = names or self.own_names
        self.write_configuration()
        self.application = FlowfactApplication(load_configuration(self.config))
        self.gateway.clock = lambda: self.moment
        self._serving = serve_application(self.application)
        self.base = self._serving.__enter__()
        return self

    def write_configuration(self) -> None:
        """Write radicale.ini, flowfact.toml and the password file."""
        self.config.write_text(_RADICALE, encoding="utf-8")
        passwords = "".join(f"{login}:pw\n" for login in sorted({"anna", "ben", *self.logins}))
        (self.folder / "users").write_text(passwords, encoding="utf-8")
        (self.folder / "flowfact.toml").write_text(self._toml(), encoding="utf-8")

    def _toml(self) -> str:
        names = "".join(f'"{key}" = "{value}"\n' for key, value in {**self.database.names, **self.own_names}.items())
        users = "".join(f'[users.{login}]\nflowfact = "{login}"\n' for login in self.logins)
        head = f'database_url = "{self.database.url}"\nstate_schema = "{self.database.schema}"\n'
        defaults = {"write": "true", "refresh_seconds": "0"}
        given = "".join(f"{key} = {value}\n" for key, value in defaults.items() if f"{key} =" not in self.settings)
        top, _, sections = self.settings.partition("[")
        return f"{head}{given}{top}\n{users}{'[' if sections else ''}{sections}\n[names]\n{names}"

    @property
    def config(self) -> Path:
        """Radicale's configuration file."""
        return self.folder / "radicale.ini"

    @property
    def gateway(self) -> Gateway:
        """The gateway that the server uses."""
        return gateway_for(self.folder / "flowfact.toml")

    def another(self, **changed: object) -> Gateway:
        """Return the gateway of another process, with these settings changed."""
        settings = load_settings(self.folder / "flowfact.toml").model_copy(update=changed)
        self._others.append(Gateway(settings, lambda: self.moment))
        return self._others[-1]

    def device(self, login: str = "anna", agent: str = "Test/1.0") -> Device:
        """Return a device that knows this server."""
        return Device(self.base, login, agent=agent)

    def verify(self) -> None:
        """Fail if anything in the gateway's tables is not as it must be; see ``radicale-flowfact verify``."""
        if self.base:
            assert verify(self.gateway).breaches == []

    def administer_while_fetches_are_written(self, act: Callable[[Session], object]) -> None:
        """Let a device fetch its contacts, and ``act`` in a transaction that is still open when that is written."""
        device = self.device()
        device.sync("addresses")
        self.gateway.flush()
        device.all("addresses")
        with self.gateway.administer() as session:
            act(session)
            writing = threading.Thread(target=self.gateway.flush)
            writing.start()
            writing.join(1)  # it has the time to write; it waits instead
        writing.join()

    def upkeep(self) -> None:
        """Let the upkeep drop what is old by ``moment``, which may be far from the time of the computer."""
        self.gateway.upkeep()
        with self.gateway.administer() as session:
            upkeep_clock.trust(session)
        self.gateway.upkeep()

    def stop(self) -> None:
        """Stop serving."""
        if self._serving is not None:
            self._serving.__exit__(None, None, None)
            self._serving = None
            for gateway in (self.gateway, *self._others):
                gateway.flush()  # or it is written a second later, into the next test's tables
            self._others.clear()
        forget_gateways()


class _ThreadedServer(ThreadingMixIn, WSGIServer):
    daemon_threads = False  # each request is over when the server is closed


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the gateway logs for itself."""


@contextmanager
def serve_application(application: Application) -> Iterator[str]:
    """Serve a WSGI application on a free port; give its base URL."""
    http = make_server("127.0.0.1", 0, application, _ThreadedServer, _QuietHandler)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()


@pytest.fixture
def unused_tcp_port_factory() -> Callable[[], int]:
    """Give a way to find ports that nobody listens on."""

    def found() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return found


@pytest.fixture
def unused_tcp_port(unused_tcp_port_factory: Callable[[], int]) -> int:
    """Give a port that nobody listens on."""
    return unused_tcp_port_factory()


@pytest.fixture
def server(database: Database, tmp_path: Path) -> Iterator[Server]:
    """Give a server; the test starts it once its office has users."""
    made = Server(database, tmp_path)
    yield made
    try:
        made.verify()  # whatever a test did
    finally:
        made.stop()


@dataclass
class Agency:
    """Anna and Ben with one kind of each sort: what most tests start from."""

    office: Office
    anna: str
    ben: str
    visit: str  # an appointment kind
    todo: str  # a task kind
    mail: str  # a task kind of the mail system

    @property
    def own(self) -> str:
        """Anna's own Merkmal."""
        return self.office.own(self.anna)

    @property
    def bens(self) -> str:
        """Ben's own Merkmal."""
        return self.office.own(self.ben)

    def appointment(self, **values: object) -> str:
        """Add an appointment of Anna's on 20 June 2026, 10 to 11 o'clock, and return its DSN."""
        times = {"BEGINN": datetime(2026, 6, 20, 10), "ENDE": datetime(2026, 6, 20, 11)}
        merkmale = values.pop("merkmale", [self.own])
        addresses = values.pop("addresses", [])
        return self.office.activity(self.visit, merkmale, addresses, **{**times, **values})  # type: ignore[arg-type]

    def task(self, **values: object) -> str:
        """Add a task of Anna's, due on 20 June 2026, and return its DSN."""
        merkmale = values.pop("merkmale", [self.own])
        kind = str(values.pop("kind", self.todo))
        return self.office.activity(kind, merkmale, **{"VORLAGE": datetime(2026, 6, 20), **values})  # type: ignore[arg-type]


def agency_in(office: Office) -> Agency:
    """Add Anna and Ben to an empty office."""
    anna, ben = office.user("anna"), office.user("ben")
    visit = office.kind("Besichtigung", calendar=True)
    todo, mail = office.kind("Aufgabe", task=True), office.kind("E-Mail intern", task=True, mail=True)
    for user in (anna, ben):
        office.change(office.tables.user, {"DSN": user}, ART_TERMIN_DSN=visit, ART_AUFGABE_DSN=todo)
    return Agency(office, anna, ben, visit, todo, mail)


@pytest.fixture
def agency(office: Office) -> Agency:
    """Give the office of Anna and Ben, still without records."""
    return agency_in(office)


@pytest.fixture
def make_agency() -> Callable[[Office], Agency]:
    """Give a way to make more such offices."""
    return agency_in
