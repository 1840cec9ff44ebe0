"""``setup`` by answers and on a terminal: it never hangs, overwrites nothing unasked, and tells no secret."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from radicale_flowfact.commands.setup import database as setup_database
from radicale_flowfact.commands.setup.answers import Answers
from radicale_flowfact.settings import load_settings
from tests.commands.test_commands import ROOT, run
from tests.conftest import Agency, Database
from tests.sites.making import make
from tests.sites.ten import PERFORMER, REFERENCE

SECRET = "Geh31m:W@rt/x"  # noqa: S105 - the tests' own


def answers(database: Database, **more: object) -> str:
    """Return answers for a database with the reference schema."""
    given: dict[str, object] = {
        "database.url": database.url, "database.state_schema": database.schema, "users.map": "all", **more
    }  # fmt: skip
    if database.schema:
        given["database.schema"] = database.schema
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items() if value is not None)


def setup(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run ``setup`` with these answers."""
    file = folder / "answers.toml"
    file.write_text(text, encoding="utf-8")
    return run("setup", str(folder / "etc"), "--answers", str(file))


def test_answers_make_a_configuration_that_check_finds_good(agency: Agency, database: Database, tmp_path: Path) -> None:
    done = setup(tmp_path, answers(database, **{"users.passwords": "generate", "hosts": "127.0.0.1:5299"}))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No faults" in done.stdout
    folder = tmp_path / "etc"
    settings = load_settings(folder / "flowfact.toml")
    assert set(settings.users) == {"anna", "ben"}
    assert not settings.write, "phones only read at first"
    text = (folder / "flowfact.toml").read_text(encoding="utf-8")
    assert text.startswith("# Settings of the FLOWFACT gateway."), "the comments are kept"
    assert "hosts = 127.0.0.1:5299" in (folder / "radicale.ini").read_text(encoding="utf-8")
    hashes = (folder / "users.htpasswd").read_text(encoding="utf-8").splitlines()
    assert [line.partition(":$6$")[0] for line in hashes] == ["anna", "ben"]
    assert "What is left to do" in done.stdout
    if os.name != "nt":
        for name in ("flowfact.toml", "users.htpasswd"):
            assert (folder / name).stat().st_mode & 0o777 == 0o600, name


def test_run_again_it_keeps_what_stands_there(agency: Agency, database: Database, tmp_path: Path) -> None:
    assert setup(tmp_path, answers(database, **{"users.passwords": "generate"})).returncode == 0
    folder = tmp_path / "etc"
    file = folder / "flowfact.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("past_days = 90", "past_days = 30 # ours"), "utf-8")
    agency.office.user("carl")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    done = setup(tmp_path, 'users.map = "none"\n')
    assert done.returncode == 0, done.stdout + done.stderr
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before, "nothing was to be changed"
    done = setup(tmp_path, 'users.map = ["carl"]\ntimezone = "Europe/Vienna"\n')
    assert (done.returncode, "replace = true" in done.stderr) == (1, True)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    done = setup(
        tmp_path, 'users.map = ["carl"]\ntimezone = "Europe/Vienna"\nreplace = true\nusers.passwords = "generate"\n'
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = file.read_text(encoding="utf-8")
    assert "past_days = 30 # ours" in text
    assert set(tomllib.loads(text)["users"]) == {"anna", "ben", "carl"}
    assert tomllib.loads(text)["timezone"] == "Europe/Vienna"
    hashes = (folder / "users.htpasswd").read_bytes()
    assert hashes.startswith(before["users.htpasswd"]), "who has a password keeps it"
    assert hashes.count(b"\n") == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "users.map"),
        ('users.map = "all"\n', "database.name"),
        ('users.map = "all"\ndatabase.kind = "oracle"\n', "answer database.kind: it must be one of"),
        ('users.mpa = "all"\n', "unknown answer users.mpa; did you mean users.map?"),
        ('users.map = "all"\ndatabase.url = "sqlite:////nosuch/x.sqlite"\n', "there is no database file"),
        ('users.map = "all"\ndatabase.url = "what"\n', "database.url is no database URL"),
        ("users.map = [\n", "is not valid TOML"),
    ],
)
def test_without_a_terminal_what_is_missing_or_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    kind = 'database.kind = "sqlite"\n' if words == "database.name" else ""
    began = time.monotonic()
    done = setup(tmp_path, text + kind)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 100
    assert not (tmp_path / "etc" / "flowfact.toml").exists()


def test_without_answers_and_terminal_it_asks_nothing(tmp_path: Path) -> None:
    done = run("setup", str(tmp_path))
    assert (done.returncode, "users.map" in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_open_are_named_all_at_once(agency: Agency, database: Database, tmp_path: Path) -> None:
    """Half a name map that fits nothing: each open name with what comes nearest."""
    done = setup(tmp_path, answers(database, **{"names.AD": "NOSUCH"}))
    assert done.returncode == 1
    assert "table AD: the database has no table 'NOSUCH'" in done.stderr
    done = setup(tmp_path, answers(database, **{'names."AD.NOSUCH"': "x"}))
    assert "did you mean" in done.stderr
    assert not (tmp_path / "etc" / "flowfact.toml").exists()


def test_a_user_who_cannot_be_mapped_is_named(agency: Agency, database: Database, tmp_path: Path) -> None:
    done = setup(tmp_path, answers(database, **{"users.map": ["anna", "nobody"]}))
    assert done.returncode == 1
    assert "nobody: FlowFact has no user of that login or name" in done.stderr
    assert set(load_settings(tmp_path / "etc" / "flowfact.toml").users) == {"anna"}


def test_what_the_draft_is_not_sure_of_is_asked_and_nothing_else(tmp_path: Path) -> None:
    """Told these answers, and no other, the name map of a FlowFact with long German names is whole."""
    url = f"sqlite:///{(tmp_path / 'flowfact.sqlite').as_posix()}"
    made = make(replace(PERFORMER, kinds={}, values={}), url)
    made.engine.dispose()
    text = f'users.map = "none"\ndatabase.url = "{url}"\n'
    done = setup(tmp_path, text)
    assert done.returncode == 1
    asked = re.findall(r'^  names\."(.+)"  \(perhaps (\w+)\)$', done.stderr, re.MULTILINE)
    assert 0 < len(asked) < 12
    assert {name: made.names[name] for name, _near in asked} == dict(asked), "what is near is right here"
    text += "".join(f'names."{name}" = "{physical}"\n' for name, physical in asked)
    done = setup(tmp_path, text)
    assert done.returncode == 0, done.stdout + done.stderr
    settings = load_settings(tmp_path / "etc" / "flowfact.toml")
    assert dict(settings.names) == dict(made.names)


def test_the_password_goes_into_a_file_of_its_own(tmp_path: Path) -> None:
    """It is in no output, also when the database is not reached, and not in flowfact.toml."""
    parts = {"kind": "postgresql", "server": "127.0.0.1,1", "name": "x", "user": "gw", "password": SECRET}
    text = 'users.map = "none"\n' + "".join(f"database.{key} = {json.dumps(value)}\n" for key, value in parts.items())
    done = setup(tmp_path, text)
    assert done.returncode == 1
    assert "the database cannot be reached" in done.stderr
    for piece in (SECRET, "Geh31m", "W@rt", "W%40rt"):
        assert piece not in done.stdout + done.stderr


def test_a_password_in_a_url_is_parted_from_it() -> None:
    found = setup_database._parted("postgresql+psycopg://gw:a%40b:c@host:5/x")
    assert found == ("postgresql+psycopg://gw:${file:database-password}@host:5/x", "a@b:c")
    for url in ("postgresql+psycopg://gw@host/x", "sqlite:///x", "mssql+pyodbc://gw:${X}@h/x"):
        assert setup_database._parted(url) == (url, "")


@pytest.mark.parametrize(
    ("server", "user", "host", "port"),
    [("SRV\\FF", "gw", "SRV\\FF", None), ("srv,1444", "DOM\\gw", "srv", 1444), ("srv", "", "srv", None)],
)
def test_the_parts_make_a_url_of_sql_server(
    tmp_path: Path, server: str, user: str, host: str, port: int | None
) -> None:
    """With an instance, a port, or the Windows user; the password is only referred to."""
    parts: dict[str, str | bool] = {
        "kind": "mssql",
        "server": server,
        "name": "Flow Fact",
        "user": user,
        "password": SECRET,
    }
    parts |= {"driver": "ODBC Driver 18 for SQL Server", "trust_certificate": True}
    file = tmp_path / "answers.toml"
    file.write_text("".join(f"database.{key} = {json.dumps(value)}\n" for key, value in parts.items()), "utf-8")
    found = setup_database._chosen(Answers(file), {})
    url = make_url(found.url)
    assert (url.host, url.port, url.database, url.username or "") == (host, port, "Flow Fact", user)
    assert dict(url.query) == {"driver": parts["driver"], "TrustServerCertificate": "yes"}
    assert (found.password, url.password) == ((SECRET, "${file:database-password}") if user else ("", None))
    assert found.state_schema == "dav"


@pytest.mark.skipif(not os.environ.get("FLOWFACT_TEST_URL", "").startswith("postgresql"), reason="needs PostgreSQL")
def test_on_a_server_the_password_is_read_from_its_file(agency: Agency, database: Database, tmp_path: Path) -> None:
    url = database.url.replace("://postgres@", f"://postgres:{SECRET.replace('/', '%2F').replace('@', '%40')}@")
    done = setup(tmp_path, answers(database, **{"database.url": url, "users.passwords": "generate"}))
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "etc"
    assert (folder / "database-password").read_text(encoding="utf-8") == f"{SECRET}\n"
    assert (folder / "database-password").stat().st_mode & 0o777 == 0o600
    text = (folder / "flowfact.toml").read_text(encoding="utf-8")
    assert "${file:database-password}" in text
    assert "Geh31m" not in text + done.stdout + done.stderr
    assert "No faults" in done.stdout


@pytest.fixture
def browser() -> Iterator[int]:
    """Answer as SQL Server Browser does, on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)

        def answer() -> None:
            try:
                _question, peer = listening.recvfrom(10)
            except OSError:
                return
            for body in (
                b"ServerName;SRV;InstanceName;FLOWFACT;IsClustered;No;Version;15.0;tcp;49721;;"
                b"ServerName;SRV;InstanceName;OLD;IsClustered;No;Version;10.5;np;\\\\SRV\\pipe;;",
                b"junk",
            ):
                listening.sendto(b"\x05" + len(body).to_bytes(2, "little") + body, peer)
            listening.sendto(b"\x00\xff", peer)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(11)


def test_sql_servers_are_found_by_their_browser(browser: int) -> None:
    assert setup_database.servers(1.0, browser) == ["SRV,49721", "SRV\\OLD"]


def test_no_sql_server_is_no_fault(unused_tcp_port: int) -> None:
    began = time.monotonic()
    assert setup_database.servers(0.5, unused_tcp_port) == []
    assert time.monotonic() - began < 5
    assert isinstance(setup_database.drivers(), list)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals for programs")
def test_on_a_terminal_it_asks_again_after_a_mistake(tmp_path: Path) -> None:
    file = (tmp_path / "flowfact.sqlite").as_posix()
    make(REFERENCE, f"sqlite:///{file}").engine.dispose()
    talk = [
        ("Which database has FlowFact?", "orcale"), ("it must be one of", "sqlite"), ("The SQLite file", file),
        ("Schema of the gateway's own tables", ""), ("Addresses to listen on", ""),
        ("Whom? Logins", "anna"), ("Make a password for each of: anna?", "y"), ("What is left to do", None),
    ]  # fmt: skip
    told = converse(["setup", str(tmp_path / "etc")], talk)
    assert "No faults" in told
    assert set(load_settings(tmp_path / "etc" / "flowfact.toml").users) == {"anna"}


def converse(arguments: list[str], talk: list[tuple[str, str | None]]) -> str:
    """Run a command on a pseudo-terminal: wait for each text, then type its answer; return all that it said."""
    import pty

    near, far = pty.openpty()
    command = [sys.executable, "-m", "radicale_flowfact", *arguments]
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "LANG": "C.UTF-8"}
    told = ""
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=far, cwd=ROOT, env=environment) as process:  # noqa: S603
        os.close(far)
        place = 0
        for awaited, answer in talk:
            deadline = time.monotonic() + 120
            while (found := told.find(awaited, place)) < 0:
                assert time.monotonic() < deadline, told
                if select.select([near], [], [], 1)[0]:
                    told += os.read(near, 65536).decode("utf-8", "replace")
            place = found + len(awaited)
            if answer is not None:
                os.write(near, f"{answer}\n".encode())
        while True:
            try:
                part = os.read(near, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            told += part.decode("utf-8", "replace")
        assert process.wait(60) == 0, told
    os.close(near)
    return told
