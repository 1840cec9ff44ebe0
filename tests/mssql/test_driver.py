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
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from radicale_flowfact.connecting import Timeouts, completed, hint, prepare_mssql
from radicale_flowfact.database import DatabaseError, engine_for, reaching
from tests.conftest import Agency, Server
from tests.mssql import driver
from tests.test_commands import run

mssql_python_odbc = pytest.importorskip("mssql_python_odbc", reason="the package mssql-python-odbc is not installed")
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
    pytest.importorskip("pyodbc", reason="pyodbc cannot be loaded", exc_type=ImportError)


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
    pytest.importorskip("mssql_python", reason="the package mssql-python is not installed")
    # In a process of its own: it brings a driver manager along.
    script = (
        "from radicale_flowfact.connecting import Timeouts\n"
        "from radicale_flowfact.database import DatabaseError, engine_for, reaching\n"
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
    ("words", "advice"),
    [
        ("[08001] SSL Provider: certificate verify failed", "TrustServerCertificate=yes"),
        ("[28000] Login failed for user 'gateway'. (18456)", "user, password"),
        ("[HYT00] Login timeout expired", "TCP/IP"),
    ],
)
def test_each_fault_of_connecting_has_its_own_advice(words: str, advice: str) -> None:
    assert advice in hint(make_url("mssql+pyodbc://h/d"), words)


def test_statements_have_a_time_and_odbc_pools_nothing() -> None:
    made: list[driver.Connection] = []
    server = driver.Server(answers=[[driver.Rows((1,))]] * 4)

    def connect() -> driver.Connection:
        made.append(driver.Connection(server, (), {}))
        return made[-1]

    engine = create_engine("mssql+pyodbc://u:p@h/d?driver=D", module=driver, creator=connect)
    prepare_mssql(engine, Timeouts(lock=20, statement=90))
    with engine.connect() as connection, connection.begin():
        assert made[-1].timeout == 90
    with engine.connect().execution_options(flowfact_writes=True) as connection, connection.begin():
        assert made[-1].timeout == 20
    with engine.connect() as connection, connection.begin():
        assert made[-1].timeout == 90
    assert driver.pooling is False
