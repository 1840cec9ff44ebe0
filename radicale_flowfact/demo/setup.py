"""Sets the demo up in a folder: database, configuration and passwords, made once and then left as they are."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table as View
from sqlalchemy import inspect, select

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import Tables, build_tables
from radicale_flowfact.database.engines import WRITES, engine_for
from radicale_flowfact.demo.agency import fill
from radicale_flowfact.language.texts import _
from radicale_flowfact.server.htpasswd import set_password
from radicale_flowfact.settings import SettingsError

_RADICALE = """\
# Radicale's configuration of the demo. The commented one for a real office is config/radicale.ini.
[server]
hosts = {hosts}
validate_path_value = none

[auth]
type = htpasswd
htpasswd_filename = users.htpasswd
htpasswd_encryption = sha512
cache_logins = True
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
_FLOWFACT = """\
# Settings of the demo. The commented ones for a real office are config/flowfact.toml.
database_url = "sqlite:///../demo.sqlite"
write = true
"""


@dataclass(frozen=True, slots=True)
class Size:
    """Holds how many users, addresses and activities the demo office has."""

    users: int
    addresses: int
    activities: int


@dataclass(frozen=True, slots=True)
class Demo:
    """Holds a demo that is ready to be served. ``logins``: login and name of each active user."""

    config: Path
    logins: tuple[tuple[str, str], ...]


def password_of(login: str) -> str:
    """Return the demo password of a login: not secret, so it is easy to type."""
    return f"demo-{login}"


def prepare(directory: Path, size: Size, today: date, hosts: str, console: Console) -> Demo:
    """Make what is missing in the folder; an existing database is kept, the configuration is always written.

    Raises SettingsError for a database without an active user.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    folder = directory / "demo-config"
    folder.mkdir(exist_ok=True)
    tables = build_tables(NameMap.from_overrides({}))
    database = directory / "demo.sqlite"
    engine = engine_for(f"sqlite:///{database.as_posix()}")
    if not inspect(engine).has_table(tables.address.name):
        partly = database.with_suffix(".new")
        _make(partly, tables, size, today, console)
        engine.dispose()
        _move(partly, database)
    logins = _logins(database, tables)
    if not logins:
        raise SettingsError(f"{database} holds no active user; delete it, and the demo makes a new one")
    sections = "".join(f'\n[users.{login}]\nflowfact = "{login}"\n' for login, _name in logins)
    url = f'"sqlite:///{database.as_posix()}"'
    (folder / "flowfact.toml").write_text(
        _FLOWFACT.replace('"sqlite:///demo.sqlite"', url) + sections, encoding="utf-8"
    )
    config = folder / "radicale.ini"
    config.write_text(_RADICALE.format(hosts=hosts), encoding="utf-8")
    _write_passwords(folder / "users.htpasswd", logins)
    return Demo(config, logins)


def _make(file: Path, tables: Tables, size: Size, today: date, console: Console) -> None:
    """Fill a new database beside the real name, so that a cut-off run leaves no half demo."""
    _remove(file)
    engine = engine_for(f"sqlite:///{file.as_posix()}")
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(_("Making a demo FlowFact"), total=None)
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            tables.metadata.create_all(connection)
            fill(
                connection,
                tables,
                users=size.users,
                addresses=size.addresses,
                activities=size.activities,
                today=today,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()


def _move(new: Path, database: Path) -> None:
    _remove(database)
    new.replace(database)
    _remove(new)


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _logins(database: Path, tables: Tables) -> tuple[tuple[str, str], ...]:
    people = tables.user
    with engine_for(f"sqlite:///{database.as_posix()}").connect() as connection:
        rows = connection.execute(select(people.c.LOGIN, people.c.NAME, people.c.AKTIV).order_by(people.c.LOGIN))
        return tuple((row.LOGIN, row.NAME) for row in rows if row.AKTIV)


def _write_passwords(file: Path, logins: tuple[tuple[str, str], ...]) -> None:
    known = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    there = {line.partition(":")[0] for line in known}
    for login, _name in logins:
        if login not in there:
            set_password(file, login, password_of(login))


def announce(demo: Demo, host: str, port: int, console: Console, shown: int = 20) -> None:
    """Print each login with its password, and the addresses to type into a phone."""
    address = _own_address() if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    base = f"http://{address}:{port}"
    view = View(_("login"), _("password"), _("user"))
    title = _("type into a phone: the server, or one of the URLs")
    view.add_column(title, overflow="fold", min_width=len(base) + 30)
    for login, name in demo.logins[:shown]:
        urls = "\n".join(f"{base}/{login}/{collection}/" for collection in ("addresses", "appointments", "tasks"))
        view.add_row(login, password_of(login), name, f"{base}/\n{urls}")
    console.print(view)
    if len(demo.logins) > shown:
        said = _("… and {count} more logins, with passwords made the same way.")
        console.print(said.format(count=len(demo.logins) - shown))
    said = _("Demo FlowFact on {url} (configuration: {file}). Stop with Ctrl-C.")
    console.print(said.format(url=f"{base}/", file=demo.config))


def _own_address() -> str:
    """Return this machine's address in its network, without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        address: str = probe.getsockname()[0]
        return address
