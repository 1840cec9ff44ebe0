"""Microsoft's driver itself: it loads, gets what the URL says, and a server that is not there is told of in time.

The driver's library comes with the package ``mssql-python-odbc``, so that no test needs it installed.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from radicale_flowfact.database.connections import Timeouts, completed, hint, prepare_mssql
from radicale_flowfact.database.engines import WRITES, DatabaseError, engine_for, reaching
from tests.clients import tools
from tests.commands.test_commands import run
from tests.conftest import Agency, Server
from tests.mssql import driver

mssql_python_odbc = tools.require_package("mssql_python_odbc")
_SECONDS = 2
_BOUND = 30  # seconds; a machine under load gets a multiple of what is asked for


def library() -> str:
    """Return the path of the driver's library for this machine."""
    family = {"Linux": "linux/debian_ubuntu", "Darwin": "macos", "Windows": "windows"}[platform.system()]
    folder = Path(mssql_python_odbc.get_libs_dir()) / family
    found = sorted(path for path in folder.rglob("*msodbcsql*") if path.suffix in (".1", ".dylib", ".dll"))
    machine = platform.machine().replace("AMD64", "x64")
    return str(next(path for path in found if machine in path.parts or f"/{machine}/" in path.as_posix()))


@pytest.fixture(scope="module", autouse=True)
def _driver_manager() -> None:
    """Skip where pyodbc has no driver manager: Debian's unixodbc."""
    tools.require_package("pyodbc")


def url(port: int, scheme: str = "mssql+pyodbc", **query: str) -> str:
    """Return a URL that names a server on this machine."""
    named = "&".join(f"{key}={quote_plus(value)}" for key, value in query.items())
    return f"{scheme}://gateway:p%3Bw@127.0.0.1:{port}/FlowFact?TrustServerCertificate=yes&{named}"


def test_the_url_becomes_what_the_driver_reads(unused_tcp_port: int) -> None:
    engine = engine_for(url(unused_tcp_port, driver="/opt/lib x/libmsodbcsql.so"))
    (text,), _ = engine.dialect.create_connect_args(engine.url)
    assert text == (
        f"DRIVER={{/opt/lib x/libmsodbcsql.so}};Server=127.0.0.1,{unused_tcp_port};Database=FlowFact;"
        "UID=gateway;PWD={p;w};TrustServerCertificate=yes"
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("mssql+pyodbc://u:p@h/db", "ODBC Driver 18 for SQL Server"),
        ("mssql+pyodbc://u:p@h/db?driver=ODBC+Driver+17+for+SQL+Server", "ODBC Driver 17 for SQL Server"),
        ("mssql+pyodbc://dsn", None),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3DX", None),
        ("mssql+mssqlpython://u:p@h/db", None),
        ("postgresql+psycopg://u:p@h/db", None),
    ],
)
def test_the_present_driver_is_taken_where_none_is_named(given: str, named: str | None) -> None:
    assert completed(make_url(given)).query.get("driver") == named


def test_the_driver_loads_and_an_unreachable_server_is_told_of_in_time(unused_tcp_port: int) -> None:
    engine = engine_for(url(unused_tcp_port, driver=library()), "", Timeouts(connect=_SECONDS))
    begun = time.monotonic()
    with pytest.raises(DatabaseError) as told, reaching(engine):
        pytest.fail("there is no server")
    assert time.monotonic() - begun < _BOUND
    words = str(told.value)
    assert "[Microsoft][ODBC Driver 18 for SQL Server]" in words  # it is Microsoft's driver that speaks
    assert "firewall" in words
    assert words.endswith("then run: radicale-flowfact check")
    assert "p;w" not in words


def test_microsofts_own_python_driver_is_the_second_choice(unused_tcp_port: int) -> None:
    tools.require_package("mssql_python")
    # In a process of its own: it brings a driver manager along.
    script = (
        "from radicale_flowfact.database.connections import Timeouts\n"
        "from radicale_flowfact.database.engines import WRITES, DatabaseError, engine_for, reaching\n"
        f"engine = engine_for({url(unused_tcp_port, 'mssql+mssqlpython')!r}, '', Timeouts(connect={_SECONDS}))\n"
        "try:\n    reaching(engine).__enter__()\nexcept DatabaseError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert "the database cannot be reached" in done.stdout, done.stderr
    assert "firewall" in done.stdout


def test_check_tells_of_an_unreachable_server(agency: Agency, server: Server, unused_tcp_port: int) -> None:
    server.write_configuration()
    toml = server.folder / "flowfact.toml"
    far = f"{url(unused_tcp_port, driver=library())}"
    text = toml.read_text(encoding="utf-8").replace(f'"{server.database.url}"', f'"{far}"')
    toml.write_text(f"{text}\n[timeouts]\nconnect = {_SECONDS}\n", encoding="utf-8")
    done = run("check", "--config", str(server.config))
    assert done.returncode == 1
    assert "the database cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_driver_is_told_of(unused_tcp_port: int) -> None:
    engine = engine_for(url(unused_tcp_port, driver="/nowhere/libmsodbcsql.so"))
    with pytest.raises(DatabaseError, match="Install Microsoft's 'ODBC Driver 18 for SQL Server'"), reaching(engine):
        pytest.fail("there is no driver")


@pytest.mark.parametrize(
    ("state", "words", "advice"),
    [
        ("08001", "SSL Provider: [error:0A000086:SSL routines::certificate verify failed] (-1)", "TrustServerCert"),
        ("08001", "Die Zertifikatkette wurde von einer Instanz ausgestellt … (-2146893019)", "TrustServerCertificate"),
        ("28000", "Login failed for user 'gateway'. (18456)", "user, password"),
        ("28000", "Fehler bei der Anmeldung für den Benutzer 'gateway'. (18456)", "user, password"),
        ("42000", "Die von der Anmeldung angeforderte Datenbank kann nicht geöffnet werden. (4060)", "database name"),
        ("IM002", "Der Datenquellenname wurde nicht gefunden (0)", "Install Microsoft's"),
        ("HYT00", "Anmeldungstimeout abgelaufen (0)", "TCP/IP"),
    ],
)
def test_each_fault_of_connecting_has_its_own_advice_in_any_language(state: str, words: str, advice: str) -> None:
    error = driver.OperationalError(state, f"[{state}] [Microsoft][ODBC Driver 18]{words} (SQLDriverConnect)")
    assert advice in hint(make_url("mssql+pyodbc://h/d"), error)


def connected(timeouts: Timeouts, statements: int = 3) -> tuple[Engine, driver.Server, list[driver.Connection]]:
    """Return an engine on the stand-in, prepared as the gateway's is, its server and the connections it makes."""
    made: list[driver.Connection] = []
    server = driver.Server(answers=[[driver.Rows((1,))]] * statements)

    def connect() -> driver.Connection:
        made.append(driver.Connection(server, (), {}))
        return made[-1]

    engine = create_engine("mssql+pyodbc://u:p@h/d?driver=D", module=driver, creator=connect)
    prepare_mssql(engine, timeouts)
    return engine, server, made


def test_statements_have_a_time_and_odbc_pools_nothing() -> None:
    """A write's is not a lock's: the daily upkeep and a look at everything take longer than anybody waits for a row."""
    engine, _, made = connected(Timeouts(lock=20, statement=90))
    for options in ({}, WRITES, {}):
        with engine.connect().execution_options(**options) as connection, connection.begin():
            assert made[-1].timeout == 90
    assert driver.pooling is False


def test_a_lock_has_a_time_of_its_own_and_the_desktop_is_no_deadlocks_victim() -> None:
    engine, server, made = connected(Timeouts(lock=0.5, statement=90))
    with engine.connect(), engine.connect():
        pass
    assert len(made) == 2
    assert server.sessions == ["SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT 500"] * 2
