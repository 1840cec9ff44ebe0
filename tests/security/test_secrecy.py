"""The database's password is in no message, no log and no trace, whatever goes wrong."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from radicale import log as radicale_log
from sqlalchemy.engine import make_url

from radicale_flowfact.database import secrets
from radicale_flowfact.http.observe import logs
from radicale_flowfact.settings import Settings, SettingsError, load_settings
from tests.conftest import _RADICALE

MARKER = "Geh31m-Wort"
PIECES = ("Geh31m", "31m-Wort")
COMMANDS = [
    ["check"], ["check", "--write-map"], ["check", "--json"], ["grants"], ["users"], ["status"], ["history"],
    ["confirm", "anna"], ["undo", "1"], ["why", "anna", "x"], ["serve"], ["users", "password", "anna"],
    ["users", "add", "--all"],
]  # fmt: skip
URLS = {
    "nobody listens": "postgresql+psycopg://gw:${FLOWFACT_PASSWORD}@127.0.0.1:1/x",
    "an unescaped @ makes half of it a host": f"postgresql+psycopg://gw:a@{MARKER}@127.0.0.1:1/x",
    "an unescaped slash makes half of it a database": f"postgresql+psycopg://gw:a/{MARKER}@127.0.0.1:1/x",
    "a port that is none": f"postgresql+psycopg://gw:{MARKER}@127.0.0.1:port/x",
    "an unknown driver": f"nosuch+driver://gw:{MARKER}@127.0.0.1/x",
    "no driver": f"mssql+nosuch://gw:{MARKER}@127.0.0.1/x",
    "an option that is none": f"postgresql+psycopg://gw:{MARKER}@127.0.0.1:1/x?nosuch={MARKER}",
    "inside of odbc_connect": f"mssql+nosuch:///?odbc_connect=DRIVER%3Dx%3BUID%3Dgw%3BPWD%3D{MARKER}",
}


def run(folder: Path, *arguments: str) -> str:
    """Run a command that fails; return all that it says."""
    environment = {**os.environ, "FLOWFACT_PASSWORD": MARKER, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "radicale_flowfact", *arguments, "--config", str(folder / "radicale.ini")],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False, env=environment, input="pw\n",
    )  # fmt: skip
    return done.stdout + done.stderr


def configure(folder: Path, url: str, more: str = "") -> None:
    """Write a configuration that logs all it can."""
    (folder / "radicale.ini").write_text(_RADICALE.replace("level = warning", "level = debug"), encoding="utf-8")
    (folder / "users").write_text("anna:pw\n", encoding="utf-8")
    text = f'database_url = "{url}"\n{more}[users.anna]\nflowfact = "anna"\n'
    (folder / "flowfact.toml").write_text(text, encoding="utf-8")


def assert_secret(told: str) -> None:
    assert told.strip()
    for piece in (MARKER, *PIECES):
        assert piece not in told


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_tells_the_password_when_the_database_is_away(tmp_path: Path, command: list[str]) -> None:
    configure(tmp_path, URLS["nobody listens"])
    assert_secret(run(tmp_path, *command))


@pytest.mark.parametrize("fault", URLS)
def test_no_wrong_url_tells_the_password(tmp_path: Path, fault: str) -> None:
    configure(tmp_path, URLS[fault])
    for command in ("check", "serve"):
        told = run(tmp_path, command)
        assert_secret(told)
        assert "Traceback" not in told


def test_no_fault_of_other_settings_tells_the_password(tmp_path: Path) -> None:
    configure(tmp_path, URLS["nobody listens"].replace("${FLOWFACT_PASSWORD}", MARKER), "refresh_seconds = -1\n")
    assert_secret(run(tmp_path, "serve"))
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "flowfact.toml")
    chain = [str(caught.value), repr(caught.value), str(caught.value.__cause__), repr(caught.value.__cause__)]
    assert_secret("\n".join(chain))


def test_settings_do_not_show_the_url() -> None:
    assert_secret(repr(Settings(database_url=f"postgresql://gw:{MARKER}@x/y")))


@pytest.mark.parametrize("is_set_up_first", [True, False])
def test_logs_and_traces_are_masked_whoever_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_set_up_first: bool
) -> None:
    """Radicale sets its logging up before the settings are read under WSGI, and after that with ``serve``."""
    before = logging.getLogRecordFactory()
    handler = radicale_log.ThreadedStreamHandler()
    logger = logging.getLogger(f"test.{is_set_up_first}")
    logger.addHandler(handler)
    try:
        if is_set_up_first:
            logging.setLogRecordFactory(radicale_log.IdentLogRecordFactory(before))
        configure(tmp_path, f"postgresql+psycopg://gw:{MARKER}@x/y")
        load_settings(tmp_path / "flowfact.toml")
        if not is_set_up_first:
            logging.setLogRecordFactory(radicale_log.IdentLogRecordFactory(logging.getLogRecordFactory()))
        try:
            raise ValueError(f"cannot resolve {MARKER}")
        except ValueError:
            logger.exception("not with %s", f"gw:{MARKER}@x")
    finally:
        logger.removeHandler(handler)
        logging.setLogRecordFactory(before)
    told = capsys.readouterr().err
    assert_secret(told)
    assert "not with gw:***@x" in told
    assert "ValueError: cannot resolve ***" in told


@pytest.mark.parametrize("password", ["p@ss:w/rd?#", "100%", "ä ö", "a%40b"])
def test_a_password_is_written_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    (tmp_path / "secret").write_text(f"{password}\nmore\n", encoding="utf-8")
    monkeypatch.setenv("FLOWFACT_PASSWORD", password)
    monkeypatch.setenv("CREDENTIALS", str(tmp_path))
    for reference in ("FLOWFACT_PASSWORD", "file:secret", f"file:{tmp_path}/secret", "file:$CREDENTIALS/secret"):
        configure(tmp_path, f"mssql+pyodbc://gw:${{{reference}}}@server/FlowFact?driver=x")
        url = make_url(load_settings(tmp_path / "flowfact.toml").database_url)
        assert (url.username, url.password, url.host, url.database) == ("gw", password, "server", "FlowFact")


def test_a_whole_url_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFACT_URL", f"postgresql+psycopg://gw:{MARKER}@server/x")
    configure(tmp_path, "${FLOWFACT_URL}")
    assert make_url(load_settings(tmp_path / "flowfact.toml").database_url).password == MARKER
    assert secrets.masked(f"x {MARKER} y") == "x *** y"


@pytest.mark.parametrize("reference", ["FLOWFACT_NO_SUCH_VARIABLE", "file:none", "file:/nosuch/none"])
def test_a_reference_that_leads_nowhere_is_named(tmp_path: Path, reference: str) -> None:
    configure(tmp_path, f"postgresql+psycopg://gw:${{{reference}}}@server/x")
    with pytest.raises(SettingsError, match=reference.removeprefix("file:")) as caught:
        load_settings(tmp_path / "flowfact.toml")
    assert "flowfact.toml" in str(caught.value)


@pytest.mark.parametrize("formatter", [logs.TextFormatter, logs.JsonFormatter])
@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG])
def test_the_gateways_own_log_lines_are_masked(
    tmp_path: Path, formatter: type[logs.TextFormatter] | type[logs.JsonFormatter], level: int
) -> None:
    configure(tmp_path, f"postgresql+psycopg://gw:{MARKER}@x/y")
    load_settings(tmp_path / "flowfact.toml")
    try:
        raise ValueError(f"cannot resolve {MARKER}")
    except ValueError:
        record = logging.LogRecord("x", level, "x", 1, "not with %s", (f"gw:{MARKER}@x",), sys.exc_info())
    told = formatter(level).format(record)
    assert_secret(told)
    assert "***" in told
