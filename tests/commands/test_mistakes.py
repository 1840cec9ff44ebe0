"""Typical mistakes of a first day: each gets one line that names its cause and the next step, and its exit status.

The table says what is wrong, the command, its exit status and what it says; no mistake ends in a trace, and none
prints what stands in a file, where the password may be.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from radicale_flowfact.demo.setup import Size, prepare
from tests.commands.forked import Commands, Done, running

PASSWORD = "Geh31m-Wort"  # noqa: S105 - what must never be told
_RADICALE = """\
[server]
hosts = 127.0.0.1:5299
[auth]
type = htpasswd
htpasswd_filename = users
htpasswd_encryption = plain
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
_HEAD = 'database_url = "sqlite:///demo.sqlite"\n'
_URL = f"postgresql+psycopg://gw:{PASSWORD}@127.0.0.1:1/x"
_USER = '[users.anna]\nflowfact = "anna"\n'
_CONFIG = ("--config", "radicale.ini")
Prepared = Callable[[Path], object]


def toml(text: str) -> Prepared:
    """Write flowfact.toml."""
    return lambda folder: (folder / "flowfact.toml").write_text(text, encoding="utf-8")


def url(text: str) -> Prepared:
    """Write flowfact.toml with another URL."""
    return toml(f"database_url = '{text}'\n{_USER}")


def raw(name: str, data: bytes) -> Prepared:
    """Write a file as bytes."""
    return lambda folder: (folder / name).write_bytes(data)


def ini(old: str, new: str) -> Prepared:
    """Change radicale.ini."""
    return raw("radicale.ini", _RADICALE.replace(old, new).encode())


def _tls(folder: Path) -> None:
    """Make two pairs of certificate and key, and name one's certificate with the other's key."""
    for name in ("one", "two"):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run([*command, *files], check=True, capture_output=True)  # noqa: S603 - openssl of the system
    ssl = "ssl = True\ncertificate = one.pem\nkey = two.key\n"
    ini("[auth]", f"{ssl}[auth]")(folder)


def _newer(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "demo.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE dav_alembic (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO dav_alembic VALUES ('9999')")


@dataclass(frozen=True)
class Mistake:
    """What is wrong, the command, what it says, its exit status and what the environment adds."""

    wrong: str
    prepared: Prepared
    command: tuple[str, ...]
    told: tuple[str, ...]
    status: int = 1
    environment: dict[str, str] = field(default_factory=dict)


def _nothing(_folder: Path) -> None:
    pass


CHECK, SERVE = ("check", *_CONFIG), ("serve", *_CONFIG)
MISTAKES = [
    # The name map
    Mistake("a misspelt name on the left of [names]", toml(f'{_HEAD}{_USER}[names]\n"AD.FIRMEN" = "x"\n'), CHECK,
            ("[names] 'AD.FIRMEN' is unknown; did you mean 'AD.FIRMA'?",)),
    Mistake("the same, for serve", toml(f'{_HEAD}{_USER}[names]\n"AD.FIRMEN" = "x"\n'), SERVE,
            ("did you mean 'AD.FIRMA'?",)),
    Mistake("a name on the left of [names] without quotes", toml(f'{_HEAD}{_USER}[names]\nAD.FIRMA = "x"\n'), CHECK,
            ('[names] AD.FIRMA needs quotes: "AD.FIRMA" =',)),
    Mistake("a name that is needed mapped to nothing", toml(f'{_HEAD}{_USER}[names]\n"AD.DSN" = ""\n'), CHECK,
            ("must not be empty",)),
    # Which file
    Mistake("flowfact.toml instead of radicale.ini", url(_URL), ("check", "--config", "flowfact.toml"),
            ("holds the gateway's settings; name the Radicale configuration (radicale.ini) with --config",)),
    Mistake("flowfact.toml under another name", raw("other", f'database_url = "{_URL}"\n'.encode()),
            ("check", "--config", "other"), ("holds the gateway's settings",)),
    Mistake("a folder instead of radicale.ini", _nothing, ("check", "--config", "."), ("is a folder; name",)),
    Mistake("no such configuration", _nothing, ("check", "--config", "none.ini"), ("there is no such file",)),
    Mistake("flowfact_config names no file", ini("flowfact.toml", "none.toml"), CHECK,
            ("none.toml: cannot be read", "mend the path")),
    Mistake("the storage is Radicale's own", ini("radicale_flowfact.storage", "multifilesystem"), CHECK,
            ("[storage] type must be radicale_flowfact.storage",)),
    # How a file is written
    Mistake("radicale.ini with a BOM", raw("radicale.ini", b"\xef\xbb\xbf" + _RADICALE.encode()), CHECK,
            ("begins with a byte order mark (BOM); save it as UTF-8 without BOM",)),
    Mistake("radicale.ini in ANSI", raw("radicale.ini", f"# für alle\n{_RADICALE}".encode("cp1252")), CHECK,
            ("line 1 is not in UTF-8 but perhaps in ANSI; save it as UTF-8",)),
    Mistake("a key above the first section", raw("radicale.ini", f"ldap_secret = {PASSWORD}\n{_RADICALE}".encode()),
            CHECK, ("line 1 stands above the first [section]",)),
    Mistake("a line of radicale.ini that is none", ini("[auth]", f"[auth]\n{PASSWORD}\n"), CHECK,
            ("line 4 is neither a [section] nor a key = value",)),
    Mistake("an option of radicale.ini twice", ini("[auth]", f"[auth]\ntype = {PASSWORD}"), CHECK,
            ("line 5: [auth] type stands there twice",)),
    Mistake("an option of Radicale misspelt", ini("htpasswd_encryption", "htpasswd_encrytion"), CHECK,
            ("'htpasswd_encrytion'", "correct it there")),
    Mistake("flowfact.toml with a BOM is read", raw("flowfact.toml", b"\xef\xbb\xbf" + f"{_HEAD}".encode()),
            ("history", *_CONFIG), ("Nothing.",), 0),
    Mistake("flowfact.toml in ANSI", raw("flowfact.toml", f'{_HEAD}[users."jürgen"]\nflowfact="x"'.encode("cp1252")),
            CHECK, ("flowfact.toml: line 2 is not in UTF-8 but perhaps in ANSI; save it as UTF-8",)),
    Mistake("flowfact.toml in UTF-16", raw("flowfact.toml", f"{_HEAD}".encode("utf-16")), CHECK,
            ("is in UTF-16; save it as UTF-8",)),
    # TOML
    Mistake("a login with a dot without quotes", toml(f'{_HEAD}[users.anna.albers]\nflowfact = "anna"\n'), CHECK,
            ('[users.anna.albers]: a login with a dot needs quotes: [users."anna.albers"]',)),
    Mistake("a login with an @ without quotes", toml(f'{_HEAD}[users.anna@x.de]\nflowfact = "anna"\n'), CHECK,
            ('line 2: a login with such characters needs quotes: [users."anna@x.de"]',)),
    Mistake("a backslash in double quotes", toml(f'database_url = "sqlite:///C:\\Users\\x"\n{_USER}'), CHECK,
            ("line 1: a backslash stands in single quotes only",)),
    Mistake("a text without quotes", toml(f"database_url = {_URL}\n"), CHECK,
            ("line 1 is no TOML: texts need quotes",)),
    Mistake("yes instead of true", toml(f"{_HEAD}write = yes\n"), CHECK, ("line 2", "true and false small letters")),
    Mistake("an unknown key", toml(f"{_HEAD}refresh_secs = 5\n"), CHECK,
            ("unknown key refresh_secs; did you mean refresh_seconds?",)),
    Mistake("a text for a number", toml(f'{_HEAD}workers = "{PASSWORD}"\n'), CHECK, ("workers must be a number",)),
    Mistake("no database_url", toml(_USER), CHECK, ("database_url is missing",)),
    Mistake("no FlowFact user of a login", toml(f"{_HEAD}[users.anna]\n"), CHECK, ("users.anna.flowfact is missing",)),
    Mistake("an unknown time zone", toml(f'{_HEAD}timezone = "Berlin"\n'), CHECK, ("such as Europe/Berlin",)),
    # The database
    Mistake("postgres://", url(f"postgres://gw:{PASSWORD}@server/x"), CHECK,
            ("begins with postgres://, as other programs have it; write postgresql+psycopg://",)),
    Mistake("an ODBC string", url(f"DRIVER={{ODBC Driver 18}};SERVER=s;UID=gw;PWD={{{PASSWORD}}}"), CHECK,
            ("connection string of ODBC or ADO.NET, not a URL; write mssql+pyodbc://",)),
    Mistake("an ADO.NET string", url(f"Server=s;Database=d;User Id=gw;Password = {PASSWORD};"), CHECK,
            ("connection string of ODBC or ADO.NET",)),
    Mistake("an unknown database", url(f"oracel://gw:{PASSWORD}@s/x"), CHECK,
            ("is not a database URL", "write mssql+pyodbc://")),
    Mistake("a database that does not answer", url(_URL), CHECK, ("cannot be reached", "that the server runs")),
    Mistake("an SQLite file that is not there", url("sqlite:///none.sqlite"), SERVE,
            ("there is no database file", "correct database_url")),
    Mistake("a file that is no database", url("sqlite:///users"), CHECK, ("cannot be reached", "Check the path")),
    Mistake("a variable that is not set", url("postgresql+psycopg://gw:${NO_SUCH}@s/x"), CHECK,
            ("the environment variable NO_SUCH is not set",)),
    Mistake("a password file that is not there", url("postgresql+psycopg://gw:${file:none}@s/x"), CHECK,
            ("none cannot be read",)),
    Mistake("a percent-encoded password in ${…}", url("postgresql+psycopg://gw:${SECRET}@127.0.0.1:1/x"), CHECK,
            ("What ${SECRET} stands for looks percent-encoded; there a password is written as it is",),
            environment={"SECRET": f"{PASSWORD}%40"}),
    Mistake("own tables of a newer version", _newer, SERVE,
            ("are of version 9999", "install the radicale-flowfact that made them, or a newer one")),
    # The server's start
    Mistake("an address of another machine", ini("127.0.0.1:5299", "192.0.2.1:5232"), SERVE,
            ("192.0.2.1 is no address of this machine",)),
    Mistake("a name that nobody knows", ini("127.0.0.1:5299", "no-such-host.invalid:5232"), SERVE,
            ("the name 'no-such-host.invalid' in [server] hosts leads to no address",)),
    Mistake("a port that is none", ini("127.0.0.1:5299", "127.0.0.1:port"), SERVE, ("hosts", "correct it there")),
    Mistake("certificate and key of different pairs", _tls, SERVE, ("do not belong together",)),
    Mistake("a certificate that is none", ini("[auth]", "ssl = True\ncertificate = users\nkey = users\n[auth]"), SERVE,
            ("cannot be read", "both are PEM")),
    Mistake("a certificate that is not there", ini("[auth]", "ssl = True\ncertificate = no\nkey = users\n[auth]"),
            SERVE, ("there is no file", "mend the path")),
    # Commands
    Mistake("a date that is none", _nothing, ("history", "--since", "gestern", *_CONFIG), ("write it as 2026-11-24",)),
    Mistake("undo of nothing", _nothing, ("undo", *_CONFIG), ("Name entries by their numbers",), 2),
    *(
        Mistake(f"a login that nobody has, for {command[0]}", _nothing, (*command, *_CONFIG),
                ("no login is called 'anja'; did you mean 'anna'? All that are mapped: radicale-flowfact users",))
        for command in (("why", "anja", "x"), ("history", "--user", "anja"), ("status", "anja"), ("confirm", "anja"),
                        ("undo", "--user", "anja", "--since", "2026-01-01"), ("erase", "anja", "--yes"))
    ),
    Mistake("a login to be renamed that nobody had", _nothing, ("users", "rename", "anja", "anna", *_CONFIG),
            ("no login is called 'anja'; did you mean 'anna'?",)),
    Mistake("a login where none is mapped", toml(_HEAD), ("confirm", "anna", *_CONFIG),
            ("no login is called 'anna', as none is mapped yet; see: radicale-flowfact users",)),
    Mistake("confirm without a login", _nothing, ("confirm", *_CONFIG), ("Name a login, or say --clock.",), 2),
]  # fmt: skip


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    """Give the process that runs commands in forks of itself."""
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small FlowFact."""
    folder = tmp_path_factory.mktemp("office")
    prepare(folder, Size(2, 5, 5), date(2026, 6, 1), "127.0.0.1:5232", Console())
    return folder / "demo.sqlite"


@pytest.fixture
def folder(tmp_path: Path, office: Path) -> Path:
    """Give a folder with a configuration that is right."""
    shutil.copy(office, tmp_path)
    (tmp_path / "radicale.ini").write_text(_RADICALE, encoding="utf-8")
    (tmp_path / "users").write_text("anna:pw\n", encoding="utf-8")
    (tmp_path / "flowfact.toml").write_text(_HEAD + _USER, encoding="utf-8")
    return tmp_path


def assert_told(done: Done, status: int, *told: str) -> None:
    """Check status and message, and that it is a message, not a trace or a file's content."""
    assert done.status == status, done.said
    assert [part for part in told if part not in done.said] == [], done.said
    assert "Traceback" not in done.said
    assert PASSWORD not in done.said


def test_there_are_at_least_34_typical_mistakes() -> None:
    assert len({mistake.wrong for mistake in MISTAKES}) == len(MISTAKES) >= 34


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.wrong)
def test_a_mistake_is_told_with_cause_and_next_step(commands: Commands, folder: Path, mistake: Mistake) -> None:
    mistake.prepared(folder)
    done = commands.run(folder, *mistake.command, environment=mistake.environment)
    assert_told(done, mistake.status, *mistake.told)
    if mistake.status == 1:
        is_screen = "fault: " in done.said  # check went on and tells all else that it found
        assert done.said.count("fault: ") == 1 if is_screen else done.said.count("\n") <= 4, done.said


@pytest.mark.parametrize("mistake", MISTAKES[:24:6], ids=lambda mistake: mistake.wrong)
def test_a_mistake_is_told_in_german(commands: Commands, folder: Path, mistake: Mistake) -> None:
    mistake.prepared(folder)
    done = commands.run(folder, *mistake.command, environment={**mistake.environment, "LANG": "de_DE.UTF-8"})
    assert done.status == mistake.status
    assert [part for part in mistake.told if part in done.said] == []
    assert PASSWORD not in done.said


def test_a_port_that_is_taken_is_told(commands: Commands, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ini("127.0.0.1:5299", f"127.0.0.1:{port}")(folder)
        done = commands.run(folder, *SERVE)
    assert_told(done, 1, f"port {port} on 127.0.0.1 is taken by another program", "or name another port")


def _weakened(*capabilities: str) -> list[str]:
    """Return what a command line begins with so that root, too, may not do what others may not."""
    if os.geteuid() != 0:
        return []
    dropped = ",".join(f"-{name}" for name in capabilities)
    return ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}"]


def _run_weakly(folder: Path, capabilities: tuple[str, ...], *arguments: str) -> Done:
    command = [*_weakened(*capabilities), sys.executable, "-m", "radicale_flowfact", *arguments]
    done = subprocess.run(  # noqa: S603 - our own module
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_privileged_port_is_told(folder: Path) -> None:
    ini("127.0.0.1:5299", "127.0.0.1:81")(folder)
    done = _run_weakly(folder, ("net_bind_service",), *SERVE)
    assert_told(done, 1, "this user may not listen on port 81; name one above 1023", "let a proxy serve port 81")


def test_a_folder_without_rights_is_told(folder: Path) -> None:
    for path in (folder / "demo.sqlite", folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
    done = _run_weakly(folder, ("dac_override", "dac_read_search", "fowner"), *SERVE)
    assert_told(
        done, 1, "attempt to write a readonly database", "this user may read and write that file and its folder"
    )


def test_a_missing_driver_of_postgresql_is_told(folder: Path) -> None:
    (folder / "psycopg.py").write_text("raise ModuleNotFoundError('No module named psycopg')\n", encoding="utf-8")
    url(_URL)(folder)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "radicale_flowfact", *CHECK], cwd=folder, capture_output=True, text=True, check=False,
        encoding="utf-8", timeout=120, env=environment,
    )  # fmt: skip
    assert_told(
        Done(done.returncode, done.stdout, done.stderr), 1, 'Install it: pip install "radicale-flowfact[postgresql]"'
    )


def test_the_settings_decide_the_language_whatever_else_is_wrong(commands: Commands, folder: Path) -> None:
    toml(f'{_HEAD}refresh_secs = 5\n[ui]\nlanguage = "de"\n')(folder)
    done = commands.run(folder, *CHECK, environment={"LANG": "en_GB.UTF-8"})
    assert_told(done, 1, "unbekannter Schlüssel refresh_secs; gemeint ist vielleicht refresh_seconds")
    toml(f'{_HEAD}[ui]\nlanguage = "en"\n')(folder)
    assert_told(commands.run(folder, "history", *_CONFIG, environment={"LANG": "de_DE.UTF-8"}), 0, "Nothing.")


def test_check_says_in_german_what_it_finds_in_columns_and_values(commands: Commands, folder: Path) -> None:
    """Remarks of names and values, and what is off without what is absent."""
    with closing(sqlite3.connect(folder / "demo.sqlite")) as office, office:
        office.execute("UPDATE BENMKM SET BEREICH = 'XYZ' WHERE rowid = 1")
    toml(f'{_HEAD}[names]\n"AD.ARCHIV" = ""\n[ui]\nlanguage = "de"\n{_USER}')(folder)
    done = commands.run(folder, *CHECK)
    for told in (
        "Hinweis: AD.ARCHIV ist als fehlend eingetragen: archivierte Adressen werden gezeigt\n",
        "Hinweis: Spalte BENMKM.BEREICH enthält auch 'XYZ' (1)",
    ):
        assert told in done.said, done.said
    assert "column " not in done.said


def test_the_help_is_in_the_language_of_the_environment(commands: Commands, folder: Path) -> None:
    told = commands.run(folder, "history", "--help", environment={"LC_ALL": "de_DE.UTF-8"})
    assert_told(told, 0, "was abgelehnt wurde", "Radicales Konfigurationsdatei")
    assert_told(commands.run(folder, "history", "--help"), 0, "what was refused")


def test_output_without_a_terminal_is_plain(commands: Commands, folder: Path) -> None:
    """No colour, no borders, and each row is one line, however narrow a terminal would be."""
    done = commands.run(folder, "users", *_CONFIG, environment={"COLUMNS": "20", "TERM": "xterm-256color"})
    assert [char for char in done.said if char == "\x1b" or "\u2500" <= char <= "\u257f"] == []
    assert sum("FlowFact user" in line and "tasks" in line for line in done.out.splitlines()) == 1
    assert_told(commands.run(folder, "--version"), 0, "radicale-flowfact ")
