"""The gateway under measurement: its configuration, its office, its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench import configuring, seed
from bench.servers import PASSWORD, Place, Server, free_port, start
from radicale_flowfact.database.engines import engine_for
from radicale_flowfact.server.htpasswd import set_password

NAME = "ours"
_STORAGE = "type = radicale_flowfact.storage\nflowfact_config = flowfact.toml"
_HEAD = """\
database_url = "{url}"
state_schema = "{schema}"
write = true
"""
_APPOINTMENTS = """
[appointments]
past_days = -1
subject = "{subject}"
"""


@dataclass(frozen=True, slots=True)
class Database:
    """Where FlowFact's tables are: an SQLAlchemy URL, and the schema there ("" on SQLite)."""

    url: str
    schema: str


def database(url: str, folder: Path, label: str) -> Database:
    """Return the database for an office: a schema of its own on a server, a file without a URL."""
    if url:
        return Database(url, f"flowfact_bench_{label}")
    return Database(f"sqlite:///{(folder / 'office.sqlite').as_posix()}", "")


def configure(folder: Path, where: Database, logins: tuple[str, ...]) -> None:
    """Write flowfact.toml and the password file."""
    users = "".join(f'[users.{login}]\nflowfact = "{login}"\n' for login in logins)
    mapped = "".join(f'"{key}" = "{value}"\n' for key, value in seed.names_in(where.schema).items())
    names = f"[names]\n{mapped}" if mapped else ""
    head = _HEAD.format(url=where.url, schema=where.schema)
    (folder / "flowfact.toml").write_text(head + _APPOINTMENTS + users + names, encoding="utf-8")
    for login in logins:
        set_password(folder / "users.htpasswd", login, PASSWORD)


def make_office(folder: Path, where: Database, count: int, progress: seed.Progress | None = None) -> None:
    """Make the database anew and fill it for one user."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"office.sqlite{suffix}").unlink(missing_ok=True)
    engine = engine_for(where.url, where.schema)
    seed.fill(engine, seed.new_office(engine, where.schema), count, progress)
    engine.dispose()
    configure(folder, where, (seed.LOGIN,))


def config(folder: Path, port: int) -> Path:
    """Write Radicale's configuration for a port."""
    return configuring.write(folder, port, _STORAGE, "validate_path_value = none")


def place(login: str) -> Place:
    """Return where a login's collections are."""
    return Place(f"/{login}/addresses/", f"/{login}/appointments/")


def serve(folder: Path) -> Server:
    """Start the gateway as an admin does."""
    port = free_port()
    command = ["radicale_flowfact", "serve", "--config", str(config(folder, port))]
    return start(NAME, command, folder, port, place(seed.LOGIN), seed.LOGIN)
