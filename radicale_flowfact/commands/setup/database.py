"""Finds ODBC drivers and SQL Servers, makes the database's URL and tries the connection."""

from __future__ import annotations

import importlib
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from radicale_flowfact.commands.setup.answers import Answers
from radicale_flowfact.commands.shared import console
from radicale_flowfact.crm.site import schema_reading
from radicale_flowfact.database.connections import Timeouts
from radicale_flowfact.database.engines import DatabaseError, engine_for
from radicale_flowfact.database.secrets import SecretError, masked, remember, resolved
from radicale_flowfact.dav.admin.readonly import read_only
from radicale_flowfact.language.texts import _
from radicale_flowfact.settings import SettingsError

PASSWORD_FILE = "database-password"  # noqa: S105 - the name of the file
REFERENCE = f"${{file:{PASSWORD_FILE}}}"
_BROWSER_PORT = 1434
_BROADCAST, _UNICAST = b"\x02", b"\x03"  # CLNT_BCAST_EX and CLNT_UCAST_EX of [MS-SQLR]
_SECONDS = 1.0
_MOST_SERVERS = 64
_TRIES = 5
_KINDS = ("mssql", "postgresql", "sqlite")


@dataclass(frozen=True, slots=True)
class Database:
    """A database URL as it stands in flowfact.toml, and the password that belongs into the file it names ("": none)."""

    url: str
    password: str
    state_schema: str


def drivers() -> list[str]:
    """Return the ODBC drivers for SQL Server that are installed, the newest first; none if ODBC is not there."""
    try:
        known: list[str] = importlib.import_module("pyodbc").drivers()
    except (ImportError, RuntimeError):
        return []
    return sorted((name for name in known if "SQL Server" in name or "FreeTDS" in name), key=_newness, reverse=True)


def _newness(name: str) -> tuple[bool, int]:
    number = re.search(r"ODBC Driver (\d+) for SQL Server", name)
    return number is not None, int(number[1]) if number else 0


def servers(seconds: float = _SECONDS, port: int = _BROWSER_PORT) -> list[str]:
    """Return the SQL Servers that SQL Server Browser names, on this machine and in the network; waits so many seconds.

    An instance with a fixed TCP port is named with it, behind a comma, another one with its name, behind a backslash.
    """
    found: dict[str, None] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for address, question in (("127.0.0.1", _UNICAST), ("255.255.255.255", _BROADCAST)):
            try:
                asking.sendto(question, (address, port))
            except OSError:  # no network, or one that takes no broadcast
                continue
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and len(found) < _MOST_SERVERS:
            asking.settimeout(left)
            try:
                answer, _peer = asking.recvfrom(65535)
            except TimeoutError:
                break
            except OSError:  # on Windows: nobody listens there
                continue
            found.update(dict.fromkeys(_named(answer)))
    return list(found)


def _named(answer: bytes) -> list[str]:
    """Return the instances in an answer (SVR_RESP of [MS-SQLR]); an answer of another form has none."""
    if answer[:1] != b"\x05":
        return []
    names = []
    for one in answer[3:].decode("utf-8", "replace").split(";;"):
        parts = one.split(";")
        pairs = dict(zip(parts[::2], parts[1::2], strict=False))
        host, instance, tcp = (pairs.get(key, "") for key in ("ServerName", "InstanceName", "tcp"))
        if host and (tcp or instance):
            names.append(f"{host},{tcp}" if tcp else f"{host}\\{instance}")
    return names


def choose(answers: Answers, known: Mapping[str, str], folder: Path) -> tuple[Database, str]:
    """Return the database that is meant, and its URL with the password in it, tried. Raises SettingsError.

    ``known``: ``database_url`` and ``state_schema`` of a flowfact.toml that is there already. At the terminal it is
    asked again after a failure.
    """
    for number in range(_TRIES):
        try:
            found = _chosen(answers, known if number == 0 else {})
            whole = _whole(found, folder)
            console.print(_try(whole, found.state_schema), markup=False)
        except (DatabaseError, SettingsError) as error:
            if not answers.can_ask:
                raise
            console.print(masked(str(error)), style="red", markup=False)
        else:
            return found, whole
    raise SettingsError(_("the database was not reached; nothing was written"))


def _whole(found: Database, folder: Path) -> str:
    """Return the URL with the password in it, and the path of an SQLite file as a whole."""
    file = found.url.removeprefix("sqlite:///")
    if file != found.url and not Path(file).is_absolute():
        return f"sqlite:///{(folder.resolve() / file).as_posix()}"
    if found.password:
        remember(found.password)
        return found.url.replace(REFERENCE, quote(found.password, safe=""))
    try:
        return resolved(found.url, folder)
    except SecretError as error:
        raise SettingsError(f"database_url: {error}") from None


def _try(url: str, state_schema: str) -> str:
    """Connect; return what was found. Raises DatabaseError with cause and next step in one line."""
    try:
        with read_only(engine_for(url, state_schema, Timeouts(connect=10))) as connection:
            return _("Connected: {database}").format(database=schema_reading.database_words(connection))
    except DatabaseError as error:
        told = str(error).partition("; then run: ")[0]
        raise DatabaseError(" ".join(told.split("\n"))) from error


def _chosen(answers: Answers, known: Mapping[str, str]) -> Database:
    url = answers.given("database.url")
    kept = known.get("database_url", "")
    is_given = url is not None or answers.section("database").keys() & {"kind", "server", "name"}
    if kept and not is_given and not _is_example(kept):
        shown = masked(re.sub(r"(?<=:)[^:@/]*(?=@)", "***", kept))
        if not answers.can_ask or answers.yes("", _("Keep the database {url}?").format(url=shown), default=True):
            return Database(kept, "", known.get("state_schema", ""))
    text, password = _parted(str(url)) if url is not None else _of_parts(answers)
    backend = _backend(text)
    default = "dav" if backend == "mssql" else ""
    state_schema = answers.text(
        "database.state_schema", _("Schema of the gateway's own tables (empty: beside FlowFact's)"), default
    )
    return Database(text, password, state_schema)


def _is_example(url: str) -> bool:
    """Return whether this is the URL of the file that comes with the package."""
    return url == "sqlite:///demo.sqlite"


def _backend(url: str) -> str:
    try:
        return make_url(url.replace(REFERENCE, "x")).get_backend_name()
    except ArgumentError as error:
        raise SettingsError(_("database.url is no database URL, such as mssql+pyodbc://user@server/x")) from error


def _parted(url: str) -> tuple[str, str]:
    """Return a URL without its password, which is replaced by the reference to the file, and the password."""
    found = re.match(r"(?P<head>[^:/]+://[^:@/]*):(?P<password>.*)@(?P<rest>[^@]*)$", url)
    if found is None or "${" in found["password"]:
        return url, ""
    password = unquote(found["password"])
    remember(password)
    return f"{found['head']}:{REFERENCE}@{found['rest']}", password


def _of_parts(answers: Answers) -> tuple[str, str]:
    """Ask for the parts of a URL; return it and the password."""
    kind = answers.choice("database.kind", _("Which database has FlowFact?"), _KINDS, "mssql")
    if kind == "sqlite":
        return f"sqlite:///{answers.text('database.name', _('The SQLite file'))}", ""
    query: dict[str, str] = {}
    if kind == "mssql":
        query["driver"] = _driver(answers)
        own = _("Has the server a certificate of its own making?")
        if answers.yes("database.trust_certificate", own, default=False):
            query["TrustServerCertificate"] = "yes"
    near = servers() if kind == "mssql" and answers.can_ask and answers.given("database.server") is None else []
    for one in near:
        console.print(_("found: {server}").format(server=one), markup=False)
    server = answers.text("database.server", _("Server (name, name,port or name\\instance)"), near[0] if near else None)
    name = answers.text("database.name", _("Name of FlowFact's database"), "FlowFact" if answers.can_ask else None)
    user = answers.text("database.user", _("Database user (empty: the Windows user)"), "" if kind == "mssql" else None)
    password = ""
    if user:
        password = answers.text("database.password", _("His password"), "" if answers.can_ask else None, secret=True)
        remember(password)
    scheme = "mssql+pyodbc" if kind == "mssql" else "postgresql+psycopg"
    login = quote(user, safe="") + (f":{REFERENCE}" if password else "")
    host = server.strip().replace(",", ":")
    options = "&".join(f"{key}={quote_plus(value)}" for key, value in query.items())
    return f"{scheme}://{login}@{host}/{quote(name)}" + (f"?{options}" if options else ""), password


def _driver(answers: Answers) -> str:
    found = drivers()
    if not found and answers.given("database.driver") is None:
        console.print(
            _("No ODBC driver for SQL Server is installed: install Microsoft's ODBC Driver 18 for SQL Server"),
            style="red",
        )
    return answers.text(
        "database.driver", _("ODBC driver ({found})").format(found=", ".join(found) or _("none found")),
        found[0] if found else "ODBC Driver 18 for SQL Server",
    )  # fmt: skip
