"""Rules 14 and 30: the restore drill of the guide. A backup comes back: of all, of FlowFact's tables, of the gateway's.

On SQLite the file is copied; on PostgreSQL it is done with pg_dump and pg_restore, as the guide says.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.database.engines import WRITES, engine_for
from radicale_flowfact.dav.store import schema
from tests import payloads
from tests.clients.tools import require
from tests.commands.test_commands import run
from tests.conftest import Agency, Database, Server, agency_in, not_on_mssql
from tests.device import Device, Synced
from tests.office import Office

PARTS = {"all": [], "gateway": ["--table=dav_*"], "flowfact": ["--exclude-table=dav_*"]}
"""What pg_dump is told, so that a dump has only these tables."""


@dataclass
class Backup:
    """Backups of one database: each has a name, and is of the whole database or of one program's tables."""

    database: Database
    folder: Path

    def take(self, name: str) -> None:
        """Back up; the gateway may run."""
        if self.database.engine.dialect.name == "sqlite":
            self._copy(self._file, str(self.folder / name))
            return
        for part, options in PARTS.items():
            self._call("pg_dump", "--format=custom", *options, f"--file={self.folder / name}.{part}", self._url)

    def restore(self, name: str, part: str) -> None:
        """Bring a backup back; the gateway must be stopped. Without a password that would stand in the command."""
        self.database.engine.dispose()
        if self.database.engine.dialect.name != "sqlite":
            command = ("--clean", "--if-exists", "--exit-on-error", f"--dbname={self._url}")
            self._call("pg_restore", *command, f"{self.folder / name}.{part}")
        elif part == "all":
            self._copy(str(self.folder / name), self._file)
        else:
            self._copy_tables(name, is_gateway=part == "gateway")

    @property
    def _file(self) -> str:
        return self.database.url.removeprefix("sqlite:///")

    @property
    def _url(self) -> str:
        return make_url(self.database.url).set(drivername="postgresql").render_as_string(hide_password=False)

    @staticmethod
    def _call(tool: str, *options: str) -> None:
        subprocess.run([require(tool, "apt-get install postgresql-client"), *options], check=True)  # noqa: S603

    @staticmethod
    def _copy(source: str, target: str) -> None:
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            one.backup(other)

    def _copy_tables(self, name: str, *, is_gateway: bool) -> None:
        with closing(sqlite3.connect(self._file)) as connection, connection:
            connection.execute("ATTACH ? AS backup", (str(self.folder / name),))
            for (table,) in connection.execute("SELECT name FROM backup.sqlite_master WHERE type = 'table'").fetchall():
                if table.startswith("dav_") == is_gateway and not table.startswith("sqlite_"):
                    connection.execute(f'DELETE FROM main."{table}"')  # noqa: S608 - a table's own name
                    connection.execute(f'INSERT INTO main."{table}" SELECT * FROM backup."{table}"')  # noqa: S608


@pytest.fixture
def database(database: Database, tmp_path: Path, worker_id: str) -> Iterator[Database]:
    """Give a database that has nothing else in it."""
    if database.engine.dialect.name != "postgresql":
        yield database
        return
    name = f"flowfact_drill_{worker_id}"
    server = create_engine(database.url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(database.url).set(database=name).render_as_string(hide_password=False)
    made = Database(url, "", build_tables(NameMap()))
    with engine_for(url, "").connect().execution_options(**WRITES) as connection, connection.begin():
        made.tables.metadata.create_all(connection)
    schema.upgrade(engine_for(url, ""))
    yield made
    made.engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@dataclass
class Drill:
    """An office whose phone has synced, with a backup, and what came after that."""

    agency: Agency
    server: Server
    backup: Backup
    device: Device
    synced: Synced
    office_made: str
    edited: str

    def restore(self, part: str, name: str = "later") -> None:
        """Stop the gateway, bring the backup back, start it again."""
        self.server.stop()
        self.backup.restore(name, part)
        self.server.start()
        self.device = self.server.device()

    def command(self, *arguments: str) -> str:
        """Run a command; it must succeed."""
        done = run(*arguments, "--config", str(self.server.config))
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def towns(self) -> list[str]:
        """The towns of FlowFact's addresses, the surest sign of what was restored."""
        tables = self.agency.office.tables
        return sorted(str(row["ORT"]) for row in self.agency.office.rows(tables.address))


@pytest.fixture
def drill(database: Database, server: Server, tmp_path: Path) -> Drill:
    """Make the office, take a backup before and after it has 25 addresses, and let phone and office go on."""
    agency = agency_in(Office(database.engine, database.tables))
    backup = Backup(database, tmp_path)
    server.start("history_days = 3650\n")  # commands go by the computer's clock
    backup.take("empty")
    dsns = [agency.office.address([agency.own], ORT="Köln", NAME=f"Alt{number:02}") for number in range(25)]
    device = server.device()
    device.sync("addresses")
    assert device.put("addresses/mine.vcf", payloads.vcard("mine", "NICKNAME:Evi"), new=True).status == 201
    server.gateway.flush()
    backup.take("later")
    office_made = agency.office.address([agency.own], ORT="Bonn", NAME="Neubüro")
    assert device.put("addresses/new.vcf", card("new", "Neuhandy"), new=True).status == 201
    assert device.put("addresses/only.vcf", card("only", "Privat", "CATEGORIES:privat"), new=True).status == 201
    edited = f"flowfact-ad-{dsns[0].lower()}"
    synced = device.sync("addresses")
    (href,) = (href for href in synced.changed if href.startswith(edited))
    etag, body = device.multiget("addresses", [href])[href]
    assert device.put(f"addresses/{href}", body.replace("Köln", "Kassel"), etag).status == 204
    synced = device.sync("addresses")
    server.gateway.flush()
    return Drill(agency, server, backup, device, synced, f"flowfact-ad-{office_made.lower()}", href)


def card(uid: str, name: str, *lines: str) -> str:
    """Return a contact of this family name."""
    return payloads.vcard(uid, *lines).replace("Meier", name)


def is_refused(drill: Drill) -> bool:
    """Return whether the phone's sync token is refused, so that it compares everything (RFC 6578 3.2)."""
    answer = drill.device.try_sync("addresses", drill.synced.token)
    return answer.status in (403, 409) and "valid-sync-token" in answer.text


@not_on_mssql("its backup is the server's own")
def test_rule_30_both_restored_is_the_state_of_the_backup_and_nothing_is_held(drill: Drill) -> None:
    """The gateway knows nothing of what came since, so it cannot miss it: what came since is gone everywhere."""
    assert "Kassel" in drill.towns
    drill.restore("all")
    assert set(drill.towns) == {"Köln", ""}
    assert is_refused(drill)
    found = drill.device.sync("addresses").changed
    assert len(found) == 26
    assert "mine.vcf" in found
    assert [href for href in found if href.startswith(("new", "only", drill.office_made))] == []
    assert "STOPPED" not in drill.command("status")
    assert "No faults" in drill.command("verify")


@not_on_mssql("its backup is the server's own")
def test_rule_30_flowfact_restored_alone_takes_from_phones_what_came_since(drill: Drill) -> None:
    """A few records go at the next sync; what only devices had stays; the history still says what they changed."""
    drill.restore("flowfact")
    found = drill.device.sync("addresses", drill.synced.token)
    assert sorted(found.gone)[-1] == "new.vcf"
    assert [href.startswith(drill.office_made) for href in sorted(found.gone)] == [True, False]
    assert list(found.changed) == [drill.edited]
    assert "Privat" in drill.device.get("addresses/only.vcf").text
    assert "Kassel" in drill.command("history")
    assert "No faults" in drill.command("verify")


@not_on_mssql("its backup is the server's own")
def test_rule_30_an_old_or_empty_flowfact_empties_no_phone(drill: Drill) -> None:
    """The safety stop holds until the admin confirms; when a better backup comes, all goes on as if nothing was."""
    drill.restore("flowfact", "empty")
    assert drill.device.sync("addresses", drill.synced.token).gone == []
    assert "STOPPED" in drill.command("status")
    drill.restore("flowfact", "later")
    found = drill.device.sync("addresses", drill.synced.token)
    assert len(found.gone) == 2
    assert "STOPPED" not in drill.command("status")
    drill.restore("flowfact", "empty")
    drill.device.sync("addresses", found.token)
    assert "STOPPED" in drill.command("status")
    drill.command("confirm", "anna")
    assert len(drill.device.sync("addresses", found.token).gone) == 26


@not_on_mssql("its backup is the server's own")
def test_rule_14_the_gateway_restored_alone_makes_no_second_record(drill: Drill) -> None:
    """Each record is on the phone once, under another name; what only devices had since the backup is gone."""
    towns = drill.towns
    drill.restore("gateway")
    assert drill.towns == towns
    assert is_refused(drill)
    texts = drill.device.all("addresses")
    assert len(texts) == 28
    assert [href for href, text in texts.items() if "Neuhandy" in text] != ["new.vcf"]
    assert sum("Neuhandy" in text for text in texts.values()) == 1
    assert "only.vcf" not in texts
    assert drill.device.put("addresses/new.vcf", card("new", "Neuhandy"), new=True).status == 201
    assert drill.towns == towns
    assert sum("Neuhandy" in text for text in drill.device.all("addresses").values()) == 1
    assert "No faults" in drill.command("verify")
