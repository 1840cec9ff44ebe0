"""Makes a FlowFact from its description, with the rows of a small demo office."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from sqlalchemy import Connection, Engine, create_engine, select, text

from radicale_flowfact.crm.names import TABLES, NameMap
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.database.engines import WRITES, engine_for
from radicale_flowfact.demo.agency import fill
from tests.sites.kinds import CASELESS, FLAGS, TIMES, Dsn, Kind, Stored, reference_kind
from tests.sites.ten import Site

TODAY = date(2026, 6, 15)
LOGINS = ("anna", "ben", "clara", "david")
Row = dict[str, Stored]
_KEYS: dict[str, tuple[str, ...]] = {
    "ADTEL": ("AD_DSN", "POS"),
    "ADMKM": ("AD_DSN", "MKM_DSN"),
    "AKTMKM": ("AKT_DSN", "MKM_DSN"),
    "AKTAD": ("AKT_DSN", "AD_DSN"),
    "BENMKM": ("BEN_DSN", "MKM_DSN", "BEREICH"),
    "BENGRP": ("BEN_DSN", "GRP_DSN"),
    "RECHTE": (),
    "DELLOG": (),
}
_SEARCHED = {"ADMKM": ("MKM_DSN",), "AKTMKM": ("MKM_DSN",), "AKTAD": ("AD_DSN",), "RECHTE": ("OBJ_DSN",)}


@dataclass(frozen=True)
class Made:
    """A FlowFact that was made, and the reference answers about it.

    ``names``, ``values``: the sections ``[names]`` and ``[values]``; ``users``: the settings of each login. ``schema``:
    where its tables are ("" on SQLite); the gateway's own tables may be there, too.
    """

    site: Site
    url: str
    schema: str
    names: Mapping[str, str]
    values: Mapping[str, str | int | list[str | int]]
    users: Mapping[str, Mapping[str, object]]

    @property
    def engine(self) -> Engine:
        """The engine that the gateway uses too."""
        return engine_for(self.url, self.schema)

    def toml(self, settings: str = "write = true\nrefresh_seconds = 0\n", sections: str = "") -> str:
        """Return a whole flowfact.toml: ``settings`` are its first lines, ``sections`` come last."""
        head = f"database_url = {json.dumps(self.url)}\nstate_schema = {json.dumps(self.schema)}\n{settings}"
        users = {f"users.{login}": mapping for login, mapping in self.users.items()}
        parts = {**users, "names": self.names, "values": self.values}
        made = [f"[{title}]\n{''.join(_line(*entry) for entry in part.items())}" for title, part in parts.items()]
        return "\n".join([head, *made, sections])

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table as the reference schema has them, by logical names."""
        columns = self._columns(table)
        if not columns:
            return []
        listed = ", ".join(_quoted(physical) for _, physical in columns)
        with self.engine.connect() as connection:
            found = connection.execute(text(f"SELECT {listed} FROM {self._place(table)}")).all()  # noqa: S608
        return [
            {name: self.kind(table, name).read(value) for (name, _), value in zip(columns, row, strict=True)}
            for row in found
        ]

    def row(self, table: str, **where: Stored) -> Row:
        """Return the one row with these values; DSNs are compared without case."""
        (found,) = (row for row in self.rows(table) if all(_same(row[name], value) for name, value in where.items()))
        return found

    def add(self, table: str, rows: Iterable[Row], connection: Connection | None = None) -> None:
        """Add rows of the reference schema, as this FlowFact's desktop would write them."""
        if connection is None:
            with self.engine.connect().execution_options(**WRITES) as opened, opened.begin():
                return self.add(table, rows, opened)
        columns = self._columns(table)
        if not columns:
            return None
        marks = {name: f"v{number}" for number, (name, _) in enumerate(columns)}
        listed = ", ".join(_quoted(physical) for _, physical in columns)
        places = ", ".join(f":{mark}" for mark in marks.values())
        values = [{marks[name]: self._stored(table, name, row.get(name)) for name, _ in columns} for row in rows]
        if values:
            insert = f"INSERT INTO {self._place(table)} ({listed}) VALUES ({places})"  # noqa: S608
            connection.execute(text(insert), values)
        return None

    def change(self, table: str, where: Row, **values: Stored) -> None:
        """Change rows, as this FlowFact's desktop would."""
        physical = dict(self._columns(table))
        sets = ", ".join(f"{_quoted(physical[name])} = :n_{name}" for name in values)
        parameters = {f"n_{name}": self._stored(table, name, value) for name, value in values.items()}
        parameters |= {f"w_{name}": self._stored(table, name, value) for name, value in where.items()}
        found = " AND ".join(f"{_quoted(physical[name])} = :w_{name}" for name in where)
        self.run(f"UPDATE {self._place(table)} SET {sets} WHERE {found}", parameters)  # noqa: S608

    def remove(self, table: str, **where: Stored) -> None:
        """Delete rows, as this FlowFact's desktop would."""
        physical = dict(self._columns(table))
        found = " AND ".join(f"{_quoted(physical[name])} = :{name}" for name in where)
        parameters = {name: self._stored(table, name, value) for name, value in where.items()}
        self.run(f"DELETE FROM {self._place(table)} WHERE {found}", parameters)  # noqa: S608

    def run(self, statement: str, parameters: Mapping[str, Stored] | None = None) -> None:
        """Run a statement, for example one that changes the schema; see ``place`` and ``physical``."""
        with self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            connection.execute(text(statement), parameters or {})

    def place(self, table: str) -> str:
        """Return a table's quoted name with its schema."""
        return self._place(table)

    def physical(self, table: str, column: str) -> str:
        """Return a column's name."""
        return dict(self._columns(table))[column]

    def kind(self, table: str, column: str) -> Kind:
        """Return the kind of a column."""
        return kind_of(self.site, table, column)

    def _stored(self, table: str, column: str, value: Stored) -> Stored:
        return self.kind(table, column).stored(value, self.engine.dialect.name)

    def _place(self, table: str) -> str:
        return ".".join(_quoted(part) for part in self.names.get(table, table).split("."))

    def _columns(self, table: str) -> list[tuple[str, str]]:
        names = NameMap(self.names)
        found = [(column, names.column(table, column)) for column in TABLES[table]]
        return [(column, physical) for column, physical in found if physical]


def make(site: Site, url: str, schema: str | None = None, *, rows: bool = True) -> Made:
    """Make this FlowFact in a database, with the rows of the demo office; what was there under its names is dropped.

    ``url``: an SQLite file that is empty, or a PostgreSQL database. There all is made in a schema of its own,
    ``schema``; None: one named after the site. ``rows``: False leaves the tables empty.
    """
    engine = create_engine(url)
    dialect = engine.dialect.name
    where = "" if dialect == "sqlite" else schema or f"flowfact_site_{site.name}"
    names = {**({table: table for table in TABLES} if where else {}), **site.names}
    placed = {
        name: f"{where}.{physical}" if where and physical and name in TABLES else physical
        for name, physical in names.items()
    }
    made = Made(site, url, where, placed, site.values, _users(site))
    with engine.begin() as connection:
        if where:
            connection.execute(text(f'DROP SCHEMA IF EXISTS "{where}" CASCADE'))
            connection.execute(text(f'CREATE SCHEMA "{where}"'))
            connection.execute(text("SELECT pg_advisory_xact_lock(2007)"))  # the processes share the collation
            connection.execute(text(f'CREATE COLLATION IF NOT EXISTS "{CASELESS}" (provider = icu, locale = '
                                    "'und-u-ks-level2', deterministic = false)"))  # fmt: skip
        for table in TABLES:
            _make_table(connection, made, table, dialect)
        for table, found in demo_rows().items() if rows else ():
            made.add(table, found, connection)
        for table in sorted(site.touching):
            _make_touching(connection, made, table, dialect)
    engine.dispose()
    return made


def reference_of(site: Site, url: str, schema: str | None = None) -> Made:
    """Make the reference schema with the rows that the site has, as far as the site can hold them.

    What the site lacks is absent there, too. So both must show the same.
    """
    absent = {name: "" for name, physical in site.names.items() if not physical}
    like = Site(f"as_{site.name}", site.why, names=absent, lists=site.lists)
    made = make(like, url, schema or f"flowfact_site_{like.name}" if not url.startswith("sqlite") else None)
    dialect = made.engine.dialect.name
    with made.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        for table, rows in demo_rows().items():
            if not made.names.get(table, table):
                continue
            connection.execute(text(f"DELETE FROM {made.place(table)}"))  # noqa: S608
            kinds = {column: kind_of(site, table, column) for column in TABLES[table]}
            made.add(
                table,
                [
                    {name: kinds[name].read(_lossy(kinds[name], value, dialect)) for name, value in row.items()}
                    for row in rows
                ],
                connection,
            )
    return replace(made, site=like)


def _lossy(kind: Kind, value: Stored, dialect: str) -> Stored:
    stored = kind.stored(value, dialect)
    return value if isinstance(kind, Dsn) else stored


def kind_of(site: Site, table: str, column: str) -> Kind:
    """Return the kind of a column at a site."""
    group = "flags" if column in FLAGS else "times" if column in TIMES else ""
    reference = reference_kind(column)
    if isinstance(reference, Dsn):
        group = "dsns"
    keys = (f"{table}.{column}", f"*.{column}", group)
    return next((site.kinds[key] for key in keys if key in site.kinds), reference)


@lru_cache(maxsize=1)
def demo_rows() -> Mapping[str, list[Row]]:
    """Return the rows of a small demo office, by logical names of tables and columns."""
    engine = create_engine("sqlite://")
    tables = build_tables(NameMap())
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        fill(connection, tables, users=len(LOGINS), addresses=60, activities=60, today=TODAY)
        found = {
            table: [dict(zip(built.c.keys(), row, strict=True)) for row in connection.execute(select(built))]
            for table in TABLES
            for built in [tables.metadata.tables[table]]
        }
    engine.dispose()
    return found


def _users(site: Site) -> dict[str, dict[str, object]]:
    """Return the settings of each login: its FlowFact user, and his Merkmale where they stand in flowfact.toml."""
    rows = demo_rows()
    found: dict[str, dict[str, object]] = {}
    for login in LOGINS:
        found[login] = {"flowfact": login}
        if site.lists:
            (user,) = (row for row in rows["BEN"] if row["LOGIN"] == login)
            for key, area in (("address_merkmale", "OUTLOOK"), ("activity_merkmale", "VORLAGE")):
                listed = (row for row in rows["BENMKM"] if (row["BEN_DSN"], row["BEREICH"]) == (user["DSN"], area))
                found[login][key] = [row["MKM_DSN"] for row in listed]
    return found


def _make_table(connection: Connection, made: Made, table: str, dialect: str) -> None:
    columns = made._columns(table)
    if not columns:
        return
    key = [physical for name, physical in columns if name in _KEYS.get(table, ("DSN",))]
    lines = [f"{_quoted(physical)} {made.kind(table, name).ddl(dialect)}" for name, physical in columns]
    for extra in made.site.extra.get(table, ()):
        default = "" if extra.default is None else f" DEFAULT {extra.default}"
        lines.append(f"{_quoted(extra.name)} {extra.type}{default} NOT NULL")
    if key:
        lines.append(f"PRIMARY KEY ({', '.join(_quoted(one) for one in key)})")
    place = made.place(table)
    base = _base(place) if table in made.site.views else place
    connection.execute(text(f"CREATE TABLE {base} ({', '.join(lines)})"))
    for column in _SEARCHED.get(table, ()):
        index = _quoted(f"ix_{made.site.name}_{table}_{column}")
        connection.execute(text(f"CREATE INDEX {index} ON {base} ({_quoted(dict(columns)[column])})"))
    if base != place:
        listed = ", ".join(_quoted(physical) for _, physical in columns)
        connection.execute(text(f"CREATE VIEW {place} AS SELECT {listed} FROM {base}"))  # noqa: S608
        _make_instead(connection, made, table, dialect, [physical for _, physical in columns], key)


def _base(place: str) -> str:
    return f'{place[:-1]}_BASIS"'


def _make_instead(
    connection: Connection, made: Made, table: str, dialect: str, columns: list[str], key: list[str]
) -> None:
    """Make the INSTEAD OF triggers of a view."""
    place, base = made.place(table), _base(made.place(table))
    listed = ", ".join(_quoted(one) for one in columns)
    new = ", ".join(f"NEW.{_quoted(one)}" for one in columns)
    sets = ", ".join(f"{_quoted(one)} = NEW.{_quoted(one)}" for one in columns)
    found = " AND ".join(f"{_quoted(one)} = OLD.{_quoted(one)}" for one in key)
    bodies = {
        "INSERT": f"INSERT INTO {base} ({listed}) VALUES ({new});",  # noqa: S608
        "UPDATE": f"UPDATE {base} SET {sets} WHERE {found};",  # noqa: S608
        "DELETE": f"DELETE FROM {base} WHERE {found};",  # noqa: S608
    }
    for event, body in bodies.items():
        _make_trigger(connection, made, f"{table}_instead_{event}", f"INSTEAD OF {event} ON {place}", body, dialect)


def _make_touching(connection: Connection, made: Made, table: str, dialect: str) -> None:
    """Make a trigger that moves the Touch on, whatever was written to it."""
    place, touch, dsn = made.place(table), _quoted(made.physical(table, "TOUCH")), _quoted(made.physical(table, "DSN"))
    later = (
        f"strftime('%Y-%m-%d %H:%M:%f000', NEW.{touch}, '+3 seconds')"
        if dialect == "sqlite"
        else f"NEW.{touch} + interval '3 seconds'"
    )
    body = f"UPDATE {place} SET {touch} = {later} WHERE {dsn} = NEW.{dsn};"  # noqa: S608
    head = f"AFTER UPDATE ON {place}"
    _make_trigger(connection, made, f"{table}_touch", head, body, dialect, "pg_trigger_depth() = 1")


def _make_trigger(
    connection: Connection, made: Made, name: str, head: str, body: str, dialect: str, when: str = ""
) -> None:
    plain = _quoted(f"{made.site.name}_{name}")
    if dialect == "sqlite":
        connection.exec_driver_sql(f"CREATE TRIGGER {plain} {head} FOR EACH ROW BEGIN {body} END")
        return
    function = f"{_quoted(made.schema)}.{plain}"
    returned = "OLD" if "DELETE" in head else "NEW"
    connection.exec_driver_sql(
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN {returned}; END $$"
    )
    condition = f" WHEN ({when})" if when else ""
    connection.exec_driver_sql(f"CREATE TRIGGER {plain} {head} FOR EACH ROW{condition} EXECUTE FUNCTION {function}()")


def _line(key: str, value: object) -> str:
    return f"{json.dumps(key, ensure_ascii=False)} = {json.dumps(value, ensure_ascii=False)}\n"


def _same(left: Stored, right: Stored) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    return left == right


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
