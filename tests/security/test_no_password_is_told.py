"""No command tells a password, whatever is wrong with the settings and wherever the password stands.

Every command is run with every wrong setting; what it prints, which at this level is also the whole log, is searched
for the password in each of its spellings, and for pieces of it that a driver takes for a host or a database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from radicale_flowfact.commands.main import _app
from tests.commands.forked import Commands, running
from tests.conftest import _RADICALE

PASSWORDS = ["Geh31m-Wort", "p@ss:w/rd?Geh31m", "Geh31m%40Wort%2F", "Gehäim wört 31m", "Geh31m&b;Wort=#x"]
ARGUMENTS = {
    "check": [["check"], ["check", "--write-map"], ["check", "--json"]],
    "confirm": [["confirm", "anna"], ["confirm", "--clock"]],
    "demo": [],  # has no settings of its own
    "erase": [["erase", "anna", "--yes", "--force"]],
    "grants": [["grants"]],
    "history": [["history", "--user", "anna", "--record", "x"]],
    "init": [],  # nor has this
    "serve": [["serve"]],
    "setup": [["setup", ".", "--answers", "answers.toml"]],
    "status": [["status", "anna"]],
    "try": [["try", "https://127.0.0.1:1/", "anna"]],
    "undo": [["undo", "1"]],
    "users": [["users"]],
    "users add": [["users", "add", "anna"]],
    "users password": [["users", "password", "anna"]],
    "users rename": [["users", "rename", "anna", "ben"]],
    "users sheet": [["users", "sheet", "anna", "--address", "https://dav.example.com/", "--force"]],
    "verify": [["verify"]],
    "why": [["why", "anna", "x"]],
}
WITHOUT_CONFIG = {"setup", "try"}
_SECTION = '[users.anna]\nflowfact = "anna"\n'
_ODBC = "DRIVER={ODBC Driver 18};SERVER=127.0.0.1;UID=gw;PWD="
Setting = Callable[[Path, str], None]


def _toml(url: str, more: str = "") -> Callable[[Path, str], None]:
    """Return what writes flowfact.toml with a URL in which PASSWORD, QUOTED and PLUS stand for the password."""

    def write(folder: Path, password: str) -> None:
        spelt = url.replace("PASSWORD", password).replace("QUOTED", quote(password, safe=""))
        spelt = spelt.replace("PLUS", quote_plus(password))
        text = f"database_url = {json.dumps(spelt, ensure_ascii=False)}\n{more}{_SECTION}"
        (folder / "flowfact.toml").write_text(text, encoding="utf-8")

    return write


def _cut_off(folder: Path, password: str) -> None:
    (folder / "flowfact.toml").write_text(f'database_url = "postgresql://gw:{password}@x/y\n{_SECTION}', "utf-8")


def _as_number(folder: Path, password: str) -> None:
    text = f"database_url = 'sqlite:///none'\nworkers = {json.dumps(password)}\npasword = {json.dumps(password)}\n"
    (folder / "flowfact.toml").write_text(text, encoding="utf-8")


def _token(folder: Path, password: str) -> None:
    _toml("sqlite:///none.sqlite")(folder, password)
    with (folder / "flowfact.toml").open("a", encoding="utf-8") as file:
        file.write(f"[metrics]\ntoken = {json.dumps(password)}\nx = 1\n")


def _ini(head: str) -> Setting:
    def write(folder: Path, password: str) -> None:
        _toml("sqlite:///none.sqlite")(folder, password)
        text = _RADICALE.replace("[auth]", f"[auth]\n{head}".replace("PASSWORD", password))
        (folder / "radicale.ini").write_text(text, encoding="utf-8")

    return write


def _both(folder: Path, password: str) -> None:
    """Let radicale.ini be what belongs into flowfact.toml."""
    _toml("postgresql+psycopg://gw:PASSWORD@127.0.0.1:1/x")(folder, password)
    (folder / "radicale.ini").write_bytes((folder / "flowfact.toml").read_bytes())


SETTINGS: dict[str, Setting] = {
    "as it is in the URL": _toml("postgresql+psycopg://gw:PASSWORD@127.0.0.1:1/x"),
    "percent-encoded in the URL": _toml("postgresql+psycopg://gw:QUOTED@127.0.0.1:1/x"),
    "with + for blanks in the URL": _toml("postgresql+psycopg://gw:PLUS@127.0.0.1:1/x"),
    "from the environment": _toml("postgresql+psycopg://gw:${SECRET}@127.0.0.1:1/x"),
    "from a file": _toml("postgresql+psycopg://gw:${file:secret}@127.0.0.1:1/x"),
    "the whole URL from the environment": _toml("${SECRET_URL}"),
    "of another program": _toml("postgres://gw:PASSWORD@127.0.0.1:1/x"),
    "with a port that is none": _toml("postgresql+psycopg://gw:PASSWORD@127.0.0.1:port/x"),
    "with an unknown driver": _toml("nosuch+driver://gw:PASSWORD@127.0.0.1/x"),
    "with an unknown option": _toml("postgresql+psycopg://gw:QUOTED@127.0.0.1:1/x?password=QUOTED"),
    "in odbc_connect": _toml(f"mssql+pyodbc:///?odbc_connect={quote(_ODBC)}QUOTED"),
    "in an ODBC string": _toml(f"{_ODBC}{{PASSWORD}}"),
    "in an ADO.NET string": _toml("Server=127.0.0.1;Database=d;User Id=gw;Password = QUOTED;"),
    "with a wrong setting beside": _toml("postgresql+psycopg://gw:PASSWORD@127.0.0.1:1/x", "refresh_seconds = -1\n"),
    "in a line that is no TOML": _cut_off,
    "in another key": _as_number,
    "as the metrics' token": _token,
    "as a line of radicale.ini": _ini("PASSWORD\n"),
    "twice in radicale.ini": _ini("ldap_secret = PASSWORD\nldap_secret = PASSWORD\n"),
    "as an unknown type": _ini("ldap_secret = PASSWORD\nldap_security = nosuch\n"),
    "in flowfact.toml given as radicale.ini": _both,
}


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    """Give the process that runs commands in forks of itself."""
    with running() as found:
        yield found


def spellings(password: str) -> set[str]:
    """Return what must not be told: the password in each spelling, and what is left of it between separators."""
    whole = {password, quote(password, safe=""), quote_plus(password), quote(password), repr(password)[1:-1]}
    pieces = {piece for text in whole for piece in re.split(r"[@:/?#\[\]]", text) if "31m" in piece}
    return whole | pieces


def names(command: object, path: str = "") -> Iterator[str]:
    """Yield the name of each command, and of each group that is one itself."""
    if isinstance(command, TyperGroup):
        if path and command.invoke_without_command:
            yield path
        for name, one in command.commands.items():
            yield from names(one, f"{path} {name}".strip())
    else:
        yield path


def test_every_command_is_in_the_table() -> None:
    assert set(names(get_command(_app()))) == set(ARGUMENTS)


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_command_tells_the_password(commands: Commands, tmp_path: Path, setting: str) -> None:
    every = [arguments for listed in ARGUMENTS.values() for arguments in listed]
    for number, password in enumerate(PASSWORDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "radicale.ini").write_text(_RADICALE.replace("level = warning", "level = debug"), encoding="utf-8")
        (folder / "users").write_text("anna:pw\n", encoding="utf-8")
        (folder / "answers.toml").write_text('[users]\nmap = "all"\n', encoding="utf-8")
        (folder / "secret").write_text(f"{password}\n", encoding="utf-8")
        SETTINGS[setting](folder, password)
        url = f"postgresql+psycopg://gw:{quote(password, safe='')}@127.0.0.1:1/x"
        environment = {"SECRET": password, "SECRET_URL": url, "COLUMNS": "300"}
        for arguments in every if number == 0 else [["check"]]:
            config = () if arguments[0] in WITHOUT_CONFIG else ("--config", "radicale.ini")
            done = commands.run(folder, *arguments, *config, given=f"{password}\n", environment=environment)
            assert done.said.strip()
            assert [text for text in spellings(password) if text in done.said] == [], (arguments, done.said)
            assert "Traceback" not in done.said, (arguments, done.said)
