"""``check`` on schemas that are called otherwise: each fault is named, and the draft of the name map is right."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.schema import CreateSchema, DropSchema

from radicale_flowfact.crm.names import OPTIONAL, TABLES, NameMap, known_names
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.database.engines import engine_for
from radicale_flowfact.dav.admin import check
from radicale_flowfact.settings import Settings
from tests.crm.renamings import ENGLISH, GERMAN, abbreviated, add_noise

URL = os.environ.get("FLOWFACT_TEST_URL", "")


class Site:
    """A database with FlowFact's tables under other names, and noise."""

    def __init__(self, url: str, schema: str, admin: Engine) -> None:
        self.url = url
        self.schema = schema
        self.engine = admin

    def make(self, renamed: dict[str, str]) -> dict[str, str]:
        """Make the tables; return the name map that is right, with the schema where one is needed."""
        right = {name: self.place(physical) if name in TABLES else physical for name, physical in renamed.items()}
        for table in TABLES:
            right.setdefault(table, self.place(table))
        with self.engine.begin() as connection:
            build_tables(NameMap.from_overrides(right)).metadata.create_all(connection)
            add_noise(connection, self.schema or None)
        return right

    def place(self, physical: str) -> str:
        """Return a table's name with the schema."""
        return f"{self.schema}.{physical}" if self.schema else physical

    def run(self, statement: str) -> None:
        """Change the schema as an update of FlowFact would."""
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def check(self, names: dict[str, str], *, draft: bool = False) -> check.Report:
        """Check with a name map; on a server at least the schema must be told."""
        given = names or {table: self.place(table) for table in TABLES if self.schema}
        return check.check(Settings(database_url=self.url, names=given), draft=draft)


@pytest.fixture
def site(tmp_path: Path, worker_id: str) -> Iterator[Site]:
    if not URL:
        file = f"sqlite:///{(tmp_path / 'site.sqlite').as_posix()}"
        engine = create_engine(file)
        yield Site(file, "", engine)
        engine.dispose()
        return
    admin, schema = create_engine(URL), f"flowfact_site_{worker_id}"
    with admin.begin() as connection:
        if schema in inspect(connection).get_schema_names():
            connection.execute(DropSchema(schema, cascade=True))
        connection.execute(CreateSchema(schema))
    yield Site(URL, schema, admin)
    with admin.begin() as connection:
        connection.execute(DropSchema(schema, cascade=True))
    admin.dispose()


def drafted(report: check.Report) -> dict[str, str]:
    """Return the draft as a name map: it is TOML as it stands."""
    names: dict[str, str] = tomllib.loads("\n".join(report.draft))["names"]
    return names


@pytest.mark.parametrize(
    ("renamed", "recovered"),
    [(GERMAN, 94), (ENGLISH, 94), (abbreviated(), 76)],
    ids=["long German", "English", "abbreviated with prefixes"],
)
def test_the_draft_recovers_the_whole_reference_schema_renamed(
    site: Site, renamed: dict[str, str], recovered: int
) -> None:
    """Of 94 names; "abbreviated" has words that the vocabulary does not know: what may be absent is then left so."""
    right = site.make(renamed)
    report = site.check({}, draft=True)
    assert report.faults
    found = drafted(report)
    wrong = {name: found.get(name) for name in known_names() if found.get(name, name) != right.get(name, name)}
    assert len(known_names()) - len(wrong) >= recovered, wrong
    doubted = {line.split('"')[1] for line in report.draft if line.endswith(("# a guess", "# please check"))}
    assert {name for name in wrong if found.get(name)} <= doubted, "what is wrong is never drafted as if it were sure"
    perhaps = dict(re.findall(r'^"(.*)" = ""  # in doubt: perhaps (\S+)\.', "\n".join(report.draft), re.MULTILINE))
    assert {name: right[name] for name in perhaps} == perhaps, "what is in doubt is named, and it is right"
    if not wrong:
        assert site.check(found).faults == []


def test_a_draft_of_the_reference_schema_changes_nothing(site: Site) -> None:
    site.make({})
    report = site.check({}, draft=True)
    assert report.faults == []
    assert (
        drafted(report) == {}
        if not site.schema
        else set(drafted(report).values()) <= {site.place(table) for table in TABLES}
    )


def test_missing_and_wrongly_typed_columns_are_named_and_drafted_around(site: Site) -> None:
    right = site.make({"AD.FIRMA": "Firma1", "ADTEL": "TELEFONE"})
    site.run(f'ALTER TABLE {quoted(site, "AKT")} DROP COLUMN "GANZTAGS"')
    site.run(f'ALTER TABLE {quoted(site, "AKT")} DROP COLUMN "BETREFF"')
    site.run(f'ALTER TABLE {quoted(site, "AKT")} ADD COLUMN "BETREFF" TIMESTAMP')
    site.run(f'ALTER TABLE {quoted(site, "AKT")} ADD COLUMN "Betreffzeile" VARCHAR(255)')
    site.run(f'ALTER TABLE {quoted(site, "MKM")} DROP COLUMN "PFAD"')
    report = site.check({}, draft=True)
    told = "\n".join(report.faults)
    for part in ("table ADTEL", '"AD.FIRMA" = "Firma1"', "AKT.GANZTAGS", "AKT.BETREFF", "MKM.PFAD", "should be text"):
        assert part in told
    found = drafted(report)
    assert (found["AD.FIRMA"], found["ADTEL"]) == ("Firma1", right["ADTEL"])
    assert (found["AKT.BETREFF"], found["AKT.GANZTAGS"]) == ("Betreffzeile", "")
    assert "MKM.PFAD" not in found
    assert any(line.startswith('# "MKM.PFAD"') and "MISSING" in line for line in report.draft)
    assert "AKT.GANZTAGS" in OPTIONAL


def test_what_would_refuse_or_cut_a_write_is_named(site: Site) -> None:
    names = site.make({})
    site.run(f'ALTER TABLE {quoted(site, "AD")} ADD COLUMN "MANDANT" INTEGER NOT NULL DEFAULT 1')
    site.run(f'ALTER TABLE {quoted(site, "AD")} DROP COLUMN "FIRMA"')
    site.run(f'ALTER TABLE {quoted(site, "AD")} ADD COLUMN "FIRMA" VARCHAR(40)')
    if site.schema:
        site.run(f'ALTER TABLE {quoted(site, "AKT")} ADD COLUMN "PFLICHT" INTEGER NOT NULL')
    report = site.check(names)
    notes = "\n".join(report.notes)
    assert "column AD.FIRMA holds 40 characters" in notes
    assert "MANDANT" not in notes
    assert ("AKT.PFLICHT must be filled" in notes) == bool(site.schema)
    assert report.faults == []


def test_version_hints_and_sizes_are_told(site: Site) -> None:
    names = site.make({})
    table = quoted(site, "DbVersion")
    site.run(f"INSERT INTO {table} (\"Version\") VALUES ('Performer 2024.1')")  # noqa: S608 - the test's own
    facts = dict(site.check(names).facts)
    assert "Performer 2024.1" in facts["version"]
    assert facts["database"].startswith(("SQLite 3", "PostgreSQL 1", "Microsoft SQL Server"))
    assert "0 addresses, 0 activities; last change never" in facts["FlowFact"]


def test_check_makes_and_changes_nothing(site: Site) -> None:
    names = site.make({})
    before = tables_of(site)
    report = site.check(names, draft=True)
    assert "not there yet; serve makes them" in dict(report.facts)["own tables"]
    assert tables_of(site) == before
    assert not any(name.startswith("dav_") for name in before)
    engine_for(site.url).dispose()


def test_check_does_not_make_an_sqlite_file(tmp_path: Path) -> None:
    file = tmp_path / "none.sqlite"
    with pytest.raises(Exception, match="there is no database file"):
        check.check(Settings(database_url=f"sqlite:///{file}"))
    assert not file.exists()


def tables_of(site: Site) -> list[str]:
    """Return the tables of the site."""
    with site.engine.connect() as connection:
        return sorted(inspect(connection).get_table_names(schema=site.schema or None))


def quoted(site: Site, name: str) -> str:
    """Return a table for a statement."""
    return f'"{site.schema}"."{name}"' if site.schema else f'"{name}"'
