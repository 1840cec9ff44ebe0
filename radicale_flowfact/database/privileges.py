"""Composes the GRANTs that a database user needs, for an administrator to read and run.

Nothing is granted here. What is needed comes as ``Need`` from the packages that know their tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.dialects import mssql, postgresql

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_PLAIN_SCHEMA = {"mssql": "dbo", "postgresql": "public"}
_QUOTE = {
    "mssql": mssql.dialect().identifier_preparer.quote_identifier,  # type: ignore[no-untyped-call]
    "postgresql": postgresql.dialect().identifier_preparer.quote_identifier,  # type: ignore[no-untyped-call]
}


@dataclass(frozen=True, slots=True)
class Need:
    """What the gateway does with one table.

    ``schema``: None for the default one, a name, or on SQL Server "database.schema".
    """

    schema: str | None
    table: str
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class OwnTables:
    """The gateway's own tables: their schema and names.

    ``counted``: those whose ids the database assigns; ``makes``: the gateway creates and migrates them itself.
    """

    schema: str
    names: tuple[str, ...]
    counted: tuple[str, ...]
    makes: bool

    @property
    def needs(self) -> list[Need]:
        """What the gateway does with them; the table of versions is only read if an admin creates the tables."""
        return [Need(self.schema or None, name, self._verbs(name)) for name in self.names]

    def _verbs(self, name: str) -> frozenset[str]:
        return frozenset({"SELECT"} if name.endswith("alembic") and not self.makes else VERBS)


def grants(dialect: str, needs: Sequence[Need], own: OwnTables, user: str) -> list[str]:
    """Return the SQL, with comments, that gives ``user`` exactly what is needed; empty for a database without users.

    ``dialect``: SQLAlchemy's name of the database.
    """
    if dialect not in _QUOTE:
        return []
    quote = _QUOTE[dialect]
    lines = [*_account(dialect, quote(user)), "", "-- FlowFact's tables: nothing beside these is read or written."]
    if dialect == "postgresql":
        schemas = dict.fromkeys(schema_of(dialect, need.schema) for need in needs)
        lines += [f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(user)};" for schema in schemas]
    lines += [_grant(dialect, need, user) for need in needs]
    return [*lines, "", *_own(dialect, own, user)]


def _account(dialect: str, user: str) -> list[str]:
    if dialect == "mssql":
        return [
            "-- In FlowFact's database, as an administrator. Take a long random password, or a Windows account:",
            "--   CREATE LOGIN [OFFICE\\gateway$] FROM WINDOWS;",
            f"-- CREATE LOGIN {user} WITH PASSWORD = N'…', CHECK_POLICY = ON;",
            f"-- CREATE USER {user} FOR LOGIN {user};",
        ]
    return [
        "-- In FlowFact's database, as an administrator. Take a long random password:",
        f"-- CREATE ROLE {user} LOGIN PASSWORD '…';",
    ]


def _grant(dialect: str, need: Need, user: str) -> str:
    quote = _QUOTE[dialect]
    verbs = ", ".join(verb for verb in VERBS if verb in need.verbs)
    where = schema_of(dialect, need.schema).rpartition(".")[2]
    return f"GRANT {verbs} ON {quote(where)}.{quote(need.table)} TO {quote(user)};"


def _own(dialect: str, own: OwnTables, user: str) -> list[str]:
    quote = _QUOTE[dialect]
    database, _, schema = (own.schema or _PLAIN_SCHEMA[dialect]).rpartition(".")
    lines = []
    if database:
        lines += [f"-- The gateway's own tables are in a database of their own; {user} needs a user there, too:"]
        lines += [f"USE {quote(database)};", f"-- CREATE USER {quote(user)} FOR LOGIN {quote(user)};"]
    if not own.makes:
        lines += ["-- The gateway's own tables, made by an administrator (see below):"]
        if dialect == "postgresql":
            lines += [f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(user)};"]
        lines += [_grant(dialect, need, user) for need in own.needs]
        if dialect == "postgresql":
            lines += [f"GRANT USAGE ON SEQUENCE {quote(schema)}.{quote(f'{name}_id_seq')} TO {quote(user)};"
                      for name in own.counted]  # fmt: skip
        return [*lines, "-- To make them, or to bring them up to date after an upgrade: run `radicale-flowfact status`",
                "-- once with the database_url of an administrator."]  # fmt: skip
    return [*lines, *_making(dialect, own.schema, schema, quote(user), in_own_database=bool(database))]


def _making(dialect: str, named: str, schema: str, user: str, *, in_own_database: bool) -> list[str]:
    """Return the SQL that lets the gateway create its tables itself."""
    quoted = _QUOTE[dialect](schema)
    made = f"CREATE SCHEMA {quoted} AUTHORIZATION {user}"
    if dialect == "postgresql" and not named:
        return [
            "-- The gateway's own tables, beside FlowFact's; it makes and owns them. Better: a state_schema.",
            f"GRANT USAGE, CREATE ON SCHEMA {quoted} TO {user};",
        ]
    lines = ["-- The gateway's own tables: a schema that is its own, where it makes and changes them at its start."]
    if dialect == "postgresql":
        return [*lines, f"{made};"]
    if in_own_database:
        lines += [f"GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, REFERENCES ON SCHEMA::{quoted} TO {user};"]
    else:  # CREATE SCHEMA must be the first of its batch
        lines += ["EXEC (N'{}');".format(made.replace("'", "''"))]
    return [*lines, f"GRANT CREATE TABLE TO {user};"]


def schema_of(dialect: str, schema: str | None) -> str:
    """Return a schema, or the default one of the database (``dbo``, ``public``) if none is named."""
    return schema or _PLAIN_SCHEMA.get(dialect, "")
