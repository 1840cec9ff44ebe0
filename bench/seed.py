"""Fills an office for one user: so many addresses, so many appointments, always the same rows.

Twenty appointments fall into each week whatever their number, and five contacts carry a rare name, so that the
queries of the bench return equally much from a small and from a large office.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, Engine, create_engine, insert, inspect, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import CreateSchema, DropSchema

from radicale_flowfact.crm.names import TABLES, NameMap
from radicale_flowfact.crm.tables import Tables, build_tables
from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.dav.store import tables as dav_tables
from radicale_flowfact.demo import names

LOGIN = "anna"
PER_WEEK = 20
MONDAY = date(2026, 6, 15)
RARE_NAME = "Quitzow"
RARE = 5
TOUCH = datetime(2026, 1, 5, 9, 0)
_BATCH = 2000
Row = dict[str, object]
Progress = Callable[[int, int], None]


def names_in(schema: str) -> dict[str, str]:
    """Return the name map that puts FlowFact's tables into a schema."""
    return {table: f"{schema}.{table}" for table in TABLES} if schema else {}


def new_office(engine: Engine, schema: str) -> Tables:
    """Make FlowFact's empty tables; a schema that an earlier run left is emptied."""
    tables = build_tables(NameMap.from_overrides(names_in(schema)))
    if schema:
        _new_schema(schema, engine.url.render_as_string(hide_password=False), tables)
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        tables.metadata.create_all(connection)
    return tables


def _new_schema(schema: str, url: str, tables: Tables) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        if schema in inspect(connection).get_schema_names():
            if engine.dialect.name == "postgresql":
                connection.execute(DropSchema(schema, cascade=True))
            else:
                translated = connection.execution_options(schema_translate_map={"dav": schema})
                dav_tables.metadata.drop_all(translated)
                connection.execute(text(f"DROP TABLE IF EXISTS {schema}.dav_alembic"))
                tables.metadata.drop_all(connection)
                connection.execute(DropSchema(schema))
        connection.execute(CreateSchema(schema))
    engine.dispose()


def fill(engine: Engine, tables: Tables, count: int, progress: Progress | None = None) -> None:
    """Write the user with ``count`` addresses and ``count`` appointments."""
    random_source = random.Random(2007)  # noqa: S311 - no secret is made
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        write(connection, user_rows(tables, LOGIN))
        write(connection, kind_rows(tables))
        for start in range(0, count, _BATCH):
            numbers = range(start, min(start + _BATCH, count))
            write(
                connection, (row for number in numbers for row in address_rows(tables, number, random_source, (LOGIN,)))
            )
            write(connection, (row for number in numbers for row in event_rows(tables, number, count, (LOGIN,))))
            if progress is not None:
                progress(numbers.stop, count)


def write(connection: Connection, rows: Iterator[tuple[SqlTable | None, Row]]) -> None:
    """Insert the rows, each table's at once; those of a table that the schema lacks are left out."""
    waiting: dict[SqlTable, list[Row]] = {}
    for table, row in rows:
        if table is not None:
            waiting.setdefault(table, []).append(row)
    for table, made in waiting.items():
        connection.execute(insert(table), made)


def own(login: str) -> str:
    """Return the DSN of a user's own Merkmal."""
    return f"MKM-{login}"


def user_rows(tables: Tables, login: str) -> Iterator[tuple[SqlTable | None, Row]]:
    """Yield an active user with his own Merkmal, which his addresses and activities sync."""
    dsn, name = f"BEN-{login}", login.title()
    merkmal = {"DSN": own(login), "NAME": name, "KUERZEL": login[:8], "PFAD": name, "AKTIV": True, "BEN_DSN": dsn}
    user = {"DSN": dsn, "NAME": name, "LOGIN": login, "AKTIV": True, "MKM_DSN": own(login)}
    yield tables.merkmal, merkmal
    yield tables.user, {**user, "ART_TERMIN_DSN": "ART-T", "ART_AUFGABE_DSN": "ART-A"}
    for area in ("OUTLOOK", "VORLAGE"):
        yield tables.user_merkmal, {"BEN_DSN": dsn, "MKM_DSN": own(login), "BEREICH": area}


def kind_rows(tables: Tables) -> Iterator[tuple[SqlTable | None, Row]]:
    """Yield the kinds: one of the calendar, one of tasks."""
    for dsn, name, calendar in (("ART-T", "Termin", True), ("ART-A", "Aufgabe", False)):
        flags = {"KALENDER": calendar, "AUFGABE": not calendar, "MAIL": False}
        yield tables.kind, {"DSN": dsn, "NAME": name, "KUERZEL": name[:8], **flags}


def address_rows(
    tables: Tables, number: int, random_source: random.Random, logins: tuple[str, ...]
) -> Iterator[tuple[SqlTable | None, Row]]:
    """Yield an address that some users have, with two numbers and a note."""
    dsn = f"AD-{number:06d}"
    family = RARE_NAME if number < RARE else random_source.choice(names.FAMILY)
    given, (postcode, city) = random_source.choice(names.GIVEN), random_source.choice(names.CITIES)
    yield (
        tables.address,
        {
            "DSN": dsn,
            "KENNUNG": f"{family}, {given} #{number}",
            "ANREDE": "Frau",
            "TITEL": random_source.choice(names.TITLES),
            "VORNAME": given,
            "NAME": family,
            "FIRMA": random_source.choice(names.COMPANIES).format(name=family),
            "STRASSE": f"{random_source.choice(names.STREETS)} {number % 200 + 1}",
            "PLZ": postcode,
            "ORT": city,
            "LAND": "",
            "FAX": "",
            "EMAIL": f"kontakt{number}@example.com",
            "NOTIZ": random_source.choice(names.NOTES),
            "ARCHIV": False,
            "ANGELEGT": TOUCH,
            "ANGELEGT_VON": f"BEN-{logins[0]}",
            "TOUCH": TOUCH,
            "TOUCH_VON": f"BEN-{logins[0]}",
        },
    )
    for position, digits in enumerate((f"0221 {number + 1000000}", f"0171 {number + 2000000}"), 1):
        yield tables.phone, {"AD_DSN": dsn, "POS": position, "NUMMER": digits, "BEMERKUNG": "Büro"}
    for login in logins:
        yield tables.address_merkmal, {"AD_DSN": dsn, "MKM_DSN": own(login)}


def event_rows(
    tables: Tables, number: int, count: int, logins: tuple[str, ...]
) -> Iterator[tuple[SqlTable | None, Row]]:
    """Yield an appointment: four on each working day, as many weeks before as behind the Monday of the query."""
    dsn = f"AKT-{number:06d}"
    week, place = divmod(number, PER_WEEK)
    weeks = -(-count // PER_WEEK)
    day = MONDAY + timedelta(weeks=week - weeks // 2, days=place // 4)
    begin = datetime.combine(day, time(9 + 2 * (place % 4)))
    yield (
        tables.activity,
        {
            "DSN": dsn,
            "ART_DSN": "ART-T",
            "BEGINN": begin,
            "ENDE": begin + timedelta(hours=1),
            "GANZTAGS": False,
            "VORLAGE": begin - timedelta(minutes=30),
            "VORLAGE_ZEIT": number % 2 == 0,
            "PRIORITAET": None,
            "BETREFF": names.APPOINTMENTS[number % len(names.APPOINTMENTS)],
            "NOTIZ": names.NOTES[number % 4],
            "ERLEDIGT": False,
            "ABSENDER": None,
            "ARCHIV": False,
            "ANGELEGT": TOUCH,
            "ANGELEGT_VON": f"BEN-{logins[0]}",
            "TOUCH": TOUCH,
            "TOUCH_VON": f"BEN-{logins[0]}",
        },
    )
    for login in logins:
        yield tables.activity_merkmal, {"AKT_DSN": dsn, "MKM_DSN": own(login)}
    yield tables.activity_address, {"AKT_DSN": dsn, "AD_DSN": f"AD-{number:06d}"}
