"""Reads what the connected database user may do with tables, and compares it with what is needed.

SQLite has no users: there nothing is missing or superfluous.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, column, func, literal, select, table

from radicale_flowfact.database.privileges import VERBS, Need, OwnTables, schema_of

_TABLE_KINDS = ("r", "v", "p", "m", "f")  # pg_class.relkind: tables and views of every sort
_TABLE_TYPES = ("U", "V", "SN")  # sys.objects.type: tables, views, synonyms
Rights = Mapping[tuple[str, str], frozenset[str]]
"""The verbs by (schema, table), both in lower case; a schema may be "database.schema"."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The missing and the superfluous grants, each in words such as "AD: DELETE"."""

    missing: tuple[str, ...] = ()
    superfluous: tuple[str, ...] = ()


def compare(connection: Connection, needs: Sequence[Need], own: OwnTables, *, own_are_there: bool) -> Comparison:
    """Compare the grants that are needed with those that are held; tables that do not exist are left out.

    ``own_are_there``: the gateway's own tables exist in the current version, so their grants are compared, too.
    """
    dialect = connection.dialect.name
    if dialect not in ("postgresql", "mssql"):
        return Comparison()
    wanted = [*needs, *(own.needs if own_are_there else [])]
    rights = held(connection, [*(need.schema for need in wanted), own.schema or None])
    by_table = {_key(dialect, need.schema, need.table): need for need in wanted}
    missing, superfluous = [], []
    for key, need in by_table.items():
        if key in rights and (lacks := need.verbs - rights[key]):
            missing.append(f"{need.table}: {_told(lacks)}")
    ours = {_key(dialect, own.schema or None, name) for name in own.names}
    for key, verbs in rights.items():
        allowed = by_table[key].verbs if key in by_table else frozenset()
        if key not in ours and (more := verbs - allowed):
            superfluous.append(f"{key[1] if key not in by_table else by_table[key].table}: {_told(more)}")
    if dialect == "postgresql" and own_are_there:
        missing += _missing_sequences(connection, own)
    return Comparison(tuple(missing), tuple(superfluous))


def _key(dialect: str, schema: str | None, name: str) -> tuple[str, str]:
    return schema_of(dialect, schema).lower(), name.lower()


def _told(verbs: Iterable[str]) -> str:
    return ", ".join(verb for verb in VERBS if verb in verbs)


def held(connection: Connection, schemas: Iterable[str | None]) -> Rights:
    """Return what the connected user may do with each table and view of these schemas."""
    dialect = connection.dialect.name
    query = {"postgresql": postgresql_query, "mssql": mssql_query}[dialect]
    found: dict[tuple[str, str], frozenset[str]] = {}
    for schema in dict.fromkeys(schema_of(dialect, schema) for schema in schemas):
        for name, *flags in connection.execute(query(schema)):
            verbs = frozenset(verb for verb, flag in zip(VERBS, flags, strict=True) if flag)
            found[_key(dialect, schema, str(name))] = verbs
    return found


def may_make_tables(connection: Connection, schema: str | None) -> bool:
    """Return whether the user may create tables in an existing schema."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        return bool(connection.scalar(select(func.has_schema_privilege(schema_of(dialect, schema), "CREATE"))))
    return dialect != "mssql" or bool(connection.scalar(mssql_making_query(schema_of(dialect, schema))))


def postgresql_query(schema: str) -> Select[*tuple[object, ...]]:
    """Return the query for name and rights of each table of a schema; without USAGE on it there are none."""
    relation = table("pg_class", column("oid"), column("relname"), column("relkind"), column("relnamespace"))
    space = table("pg_namespace", column("oid"), column("nspname"))
    usable = func.has_schema_privilege(space.c.oid, "USAGE")
    flags = (usable & func.has_table_privilege(relation.c.oid, verb) for verb in VERBS)
    return (
        select(relation.c.relname, *flags)
        .join_from(relation, space, relation.c.relnamespace == space.c.oid)
        .where(relation.c.relkind.in_(_TABLE_KINDS), space.c.nspname == schema)
    )


def mssql_query(schema: str) -> Select[*tuple[object, ...]]:
    """Return the query for name and rights of each visible object of "schema" or "database.schema"."""
    database, _, plain = schema.rpartition(".")
    system = f"{database}.sys" if database else "sys"
    thing = table("objects", column("name"), column("type"), column("schema_id"), schema=system)
    space = table("schemas", column("name"), column("schema_id"), schema=system)
    start = literal(f"{_bracketed(database)}.{_bracketed(plain)}." if database else f"{_bracketed(plain)}.")
    flags = (func.HAS_PERMS_BY_NAME(start + func.QUOTENAME(thing.c.name), "OBJECT", verb) for verb in VERBS)
    return (
        select(thing.c.name, *flags)
        .join_from(thing, space, thing.c.schema_id == space.c.schema_id)
        .where(space.c.name == plain, thing.c.type.in_(_TABLE_TYPES))
    )


def mssql_making_query(schema: str) -> Select[*tuple[object, ...]]:
    """Return the query whether tables may be created: CREATE TABLE in the database, and ALTER on the schema."""
    database, _, plain = schema.rpartition(".")
    where = f"{_bracketed(database)}.{_bracketed(plain)}" if database else _bracketed(plain)
    of_database = literal(_bracketed(database)) if database else func.QUOTENAME(func.DB_NAME())
    may_create = func.HAS_PERMS_BY_NAME(of_database, "DATABASE", "CREATE TABLE")
    return select(may_create * func.HAS_PERMS_BY_NAME(where, "SCHEMA", "ALTER"))


def _bracketed(name: str) -> str:
    return f"[{name.replace(']', ']]')}]"


def _missing_sequences(connection: Connection, own: OwnTables) -> list[str]:
    """Return the sequences of the gateway's tables that the user lacks USAGE on."""
    space = table("pg_namespace", column("oid"), column("nspname"))
    relation = table("pg_class", column("oid"), column("relname"), column("relnamespace"))
    names = [f"{name}_id_seq" for name in own.counted]
    query = (
        select(relation.c.relname)
        .join_from(relation, space, relation.c.relnamespace == space.c.oid)
        .where(space.c.nspname == schema_of("postgresql", own.schema or None), relation.c.relname.in_(names))
        .where(~func.has_sequence_privilege(relation.c.oid, "USAGE"))
    )
    return [f"{name}: USAGE" for name in connection.scalars(query)]
