"""Selects the records that a user's collection holds now, and computes digests by which changes are detected (rule 6).

A scope is a SELECT of DSNs (rules 2 to 5). Its *parts* are SELECTs of (record DSN, row digest) over every row that
shows in an item: the record itself, its phones, links, linked addresses, kind, participants and rights. Each digest
includes the record's DSN, so that a row that moves to another record changes the sum. The sums by bucket are the
*fingerprint* of the whole collection; the sums by record say which record changed. Records are spread over the buckets
by their DSN, so that after a change only its bucket is compared record by record. So nothing depends on a Touch that
did not move, moved back or occurs twice.

The statements are composed once for FlowFact's tables, with parameters for all that differs from user to user:
composing one takes ten times as long as running it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm import columns
from radicale_flowfact.crm.conditions import (
    flag,
    is_task_kind,
    linked_address_shown,
    not_archived,
    of_table,
    readable,
    reader,
)
from radicale_flowfact.crm.sums import BUCKETS, Fingerprint, Share, Sums
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.engines import row_digest, spread
from radicale_flowfact.database.keys import canonical, some
from radicale_flowfact.database.site_values import is_same_sort
from radicale_flowfact.records import RecordKey, Table, User, dsn_key

_BUCKET = "BUCKET"
Parameters = Mapping[str, object]
Part = tuple[FromClause, Sequence[ColumnElement[Any]]]
"""The rows of one sort that show in the members' items, and what of each row shows."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one scope.

    ``members``: its DSNs. ``fingerprint``: sums by part and bucket. ``sums``: sums by part and record; ``in_buckets``
    and ``of_one``: the same for some buckets or one record. ``among``: which of some records are members.
    """

    members: Select[str]
    fingerprint: CompoundSelect[int, int, int, int]
    sums: CompoundSelect[int, str, int, int, int]
    in_buckets: CompoundSelect[int, str, int, int, int]
    of_one: CompoundSelect[int, str, int, int, int]
    among: Select[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """The records of one user's collection: statements, and the parameters to execute them with."""

    statements: Statements
    parameters: Parameters


def appointments(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the user's appointments that ended at ``past_limit`` or later (rules 2 and 4).

    ``past_limit``: office local time, None for no limit; ``only``: a DSN, to narrow the scope to one record.
    """
    return Scope(_appointments(tables), _parameters(user, past_limit, only))


def tasks(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the user's tasks: all open ones, and done ones that were due at ``past_limit`` or later (rules 2 and 4).

    Parameters as in ``appointments``.
    """
    return Scope(_tasks(tables), _parameters(user, past_limit, only))


def addresses(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the addresses with one of the user's Merkmale, and those linked to his appointments (rules 2, 3).

    Parameters as in ``appointments``.
    """
    return Scope(_addresses(tables), _parameters(user, past_limit, only))


def _parameters(user: User, past_limit: datetime | None, only: str | None) -> dict[str, object]:
    return {
        **reader(user),
        "own": user.own_merkmal or "",
        "of_addresses": some(user.address_merkmale),
        "of_activities": some(user.activity_merkmale),
        "past_limit": past_limit or datetime.min,
        "past_limit_of_end": past_limit or datetime.min,
        "only": only,
    }


@lru_cache(maxsize=32)
def _appointments(tables: Tables) -> Statements:
    return _of_activities(tables, _is_current_appointment(tables))


@lru_cache(maxsize=32)
def _tasks(tables: Tables) -> Statements:
    activity = tables.activity
    recent = or_(not_(flag(activity.c.ERLEDIGT)), activity.c.VORLAGE >= _past_limit(activity.c.VORLAGE))
    return _of_activities(tables, and_(is_task_kind(tables), activity.c.VORLAGE.is_not(None), recent))


@lru_cache(maxsize=32)
def _addresses(tables: Tables) -> Statements:
    address = tables.address
    visible = and_(not_archived(address), readable(tables, Table.ADDRESS, address.c.DSN))
    # The DSNs are joined first, so that no database plans a scan of all addresses.
    wanted = union(_tagged_addresses(tables, canonical), _linked_addresses(tables, canonical)).subquery("wanted")
    one = or_(_is_tagged_address(tables), _is_linked_address(tables))
    return _statements(
        select(address.c.DSN).join(wanted, address.c.DSN == wanted.c.AD_DSN).where(visible),
        select(address.c.DSN).where(one, visible),
        lambda members: _address_parts(tables, members),
    )


def _past_limit(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return bindparam("past_limit", type_=column.type)


def _is_current_appointment(tables: Tables) -> ColumnElement[bool]:
    """Return the condition that an activity of this kind is an appointment within the window (rule 4)."""
    begin, end = tables.activity.c.BEGINN, tables.activity.c.ENDE
    if is_same_sort(begin.type, end.type):
        last = func.coalesce(end, begin)
        return and_(flag(tables.kind.c.KALENDER), or_(last.is_(None), last >= _past_limit(begin)))
    ended = end >= bindparam("past_limit_of_end", type_=end.type)
    endless = and_(end.is_(None), or_(begin.is_(None), begin >= _past_limit(begin)))
    return and_(flag(tables.kind.c.KALENDER), or_(ended, endless))


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column


def _tagged_addresses(tables: Tables, form: Callable[..., ColumnElement[Any]] = _plain) -> Select[str]:
    tags = tables.address_merkmal
    return select(form(tags.c.AD_DSN)).where(tags.c.MKM_DSN.in_(bindparam("of_addresses", expanding=True)))


def _linked_addresses(tables: Tables, form: Callable[..., ColumnElement[Any]] = _plain) -> Select[str]:
    """Return the addresses linked to the user's appointments (rule 3)."""
    links, activity, tags = tables.activity_address, tables.activity, tables.activity_merkmal
    tagged = tags.join(activity, activity.c.DSN == tags.c.AKT_DSN).join(links, links.c.AKT_DSN == activity.c.DSN)
    mine = tags.c.MKM_DSN.in_(bindparam("of_activities", expanding=True))
    return select(form(links.c.AD_DSN)).select_from(tagged).where(mine, _suits(tables, _is_current_appointment(tables)))


def _is_tagged_address(tables: Tables) -> ColumnElement[bool]:
    """Return the condition of ``_tagged_addresses`` for one address: found by its DSN, not by its Merkmal."""
    return exists(_tagged_addresses(tables).where(tables.address_merkmal.c.AD_DSN == tables.address.c.DSN))


def _is_linked_address(tables: Tables) -> ColumnElement[bool]:
    """Return the condition of ``_linked_addresses`` for one address."""
    links, activity = tables.activity_address, tables.activity
    linked = and_(links.c.AD_DSN == tables.address.c.DSN, links.c.AKT_DSN == activity.c.DSN)
    return exists().where(linked, _is_activity(tables, _is_current_appointment(tables)))


def _address_parts(tables: Tables, members: CTE) -> list[Part]:
    address, phone, tags = tables.address, tables.phone, tables.address_merkmal
    own = and_(tags.c.AD_DSN == members.c.DSN, tags.c.MKM_DSN == bindparam("own", type_=tags.c.MKM_DSN.type))
    return [
        (members.join(address, address.c.DSN == members.c.DSN), _shown(address, columns.ADDRESS)),
        (members.join(phone, phone.c.AD_DSN == members.c.DSN), _phone(phone)),
        (members.join(tags, own), [tags.c.MKM_DSN]),
    ]


def _of_activities(tables: Tables, condition: ColumnElement[bool]) -> Statements:
    activity = tables.activity
    return _statements(
        select(activity.c.DSN).where(_in_activities(tables, condition)),
        select(activity.c.DSN).where(_is_activity(tables, condition)),
        lambda members: _activity_parts(tables, members),
    )


def _in_activities(tables: Tables, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that an activity is the user's, searched by his Merkmale."""
    activity, tags = tables.activity, tables.activity_merkmal
    tagged = select(tags.c.AKT_DSN).where(tags.c.MKM_DSN.in_(bindparam("of_activities", expanding=True)))
    return and_(activity.c.DSN.in_(tagged), _suits(tables, condition))


def _is_activity(tables: Tables, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the same condition for one activity: found by its DSN, not by its Merkmale."""
    activity, tags = tables.activity, tables.activity_merkmal
    wanted = tags.c.MKM_DSN.in_(bindparam("of_activities", expanding=True))
    tagged = exists().where(tags.c.AKT_DSN == activity.c.DSN, wanted).correlate(activity)
    return and_(tagged, _suits(tables, condition))


def _suits(tables: Tables, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    activity, kind = tables.activity, tables.kind
    of_kind = exists().where(kind.c.DSN == activity.c.ART_DSN, condition).correlate(activity)
    return and_(of_kind, not_archived(activity), readable(tables, Table.ACTIVITY, activity.c.DSN))


def _activity_parts(tables: Tables, members: CTE) -> list[Part]:
    """Return the parts of what is shown of an activity: itself, links, their phones, participants, rights."""
    activity, kind, rights = tables.activity, tables.kind, tables.rights
    links, tags, address = tables.activity_address, tables.activity_merkmal, tables.address
    people, phone = tables.user, tables.phone
    names = ("DSN", "FIRMA", "TITEL", "VORNAME", "NAME", "STRASSE", "PLZ", "ORT", "EMAIL")
    shown = [address.c[name] for name in names]
    seen = and_(address.c.DSN == links.c.AD_DSN, linked_address_shown(tables))
    linked = members.join(links, links.c.AKT_DSN == members.c.DSN).join(address, seen)
    of_kind = members.join(activity, activity.c.DSN == members.c.DSN).join(kind, kind.c.DSN == activity.c.ART_DSN)
    tagged = members.join(tags, tags.c.AKT_DSN == members.c.DSN).join(people, people.c.MKM_DSN == tags.c.MKM_DSN)
    parts: list[Part] = [
        (of_kind, [*_shown(activity, columns.ACTIVITY), *kind.c]),
        (linked, shown),
        (linked.join(phone, phone.c.AD_DSN == links.c.AD_DSN), [phone.c.AD_DSN, *_phone(phone)]),
        (tagged, [people.c.DSN, people.c.NAME]),
    ]
    if rights is not None:
        mine = and_(of_table(rights, Table.ACTIVITY), rights.c.OBJ_DSN == members.c.DSN)
        parts.append((members.join(rights, mine), [rights.c.BEN_DSN, rights.c.GRP_DSN, rights.c.RECHT]))
    return parts


def _shown(table: SqlTable, fields: Mapping[str, str]) -> list[ColumnElement[Any]]:
    """Return the columns that an item shows something of. A Touch is not shown, so its change is none."""
    return [table.c[name] for name in fields.values() if name in table.c]


def _phone(phone: SqlTable) -> list[ColumnElement[Any]]:
    return [phone.c.POS, phone.c.NUMMER, phone.c.BEMERKUNG]


def _statements(members: Select[str], known: Select[str], parts: Callable[[CTE], list[Part]]) -> Statements:
    """Compose the statements of a scope; a database that can evaluates the members once for all parts.

    ``known`` selects the same members as ``members``, but is fast for given DSNs.
    """
    dsn = members.selected_columns[0]
    bucket = spread(dsn, BUCKETS)
    one = known.where(dsn == bindparam("only", type_=dsn.type))
    numbered = members.add_columns(bucket.label(_BUCKET))
    of_all, of_one = numbered.cte("members"), one.add_columns(bucket.label(_BUCKET)).cte("member")
    of_some = numbered.where(bucket.in_(bindparam("buckets", expanding=True))).cte("members")
    whole = [
        select(literal(number).label("part"), of_all.c[_BUCKET], func.count(), _total(of_all, shown))
        .select_from(rows)
        .group_by(of_all.c[_BUCKET])
        for number, (rows, shown) in enumerate(parts(of_all))
    ]
    return Statements(
        members,
        union_all(*whole),
        union_all(*_grouped(of_all, parts(of_all))),
        union_all(*_grouped(of_some, parts(of_some))),
        union_all(*_grouped(of_one, parts(of_one))),
        known.where(dsn.in_(bindparam("dsns", expanding=True))),
    )


def _grouped(members: CTE, parts: Iterable[Part]) -> list[Select[int, str, int, int, int]]:
    dsn, bucket = members.c.DSN, members.c[_BUCKET]
    return [
        select(literal(number).label("part"), dsn, bucket, func.count(), _total(members, shown))
        .select_from(rows)
        .group_by(dsn, bucket)
        for number, (rows, shown) in enumerate(parts)
    ]


def _total(members: CTE, shown: Iterable[ColumnElement[Any]]) -> ColumnElement[int]:
    """Return the sum of the rows' digests. Each includes the record's DSN: otherwise two records could swap rows."""
    return func.sum(row_digest([members.c.DSN, *shown]))


@dataclass(frozen=True, slots=True)
class Member:
    """A record in scope: its DSN as FlowFact spells it, its bucket, and the sums of all that is shown of it."""

    dsn: str
    bucket: int
    sums: Sums

    @property
    def share(self) -> Share:
        """What the record adds to its collection's fingerprint."""
        return self.bucket, self.sums


def fingerprint(connection: Connection, scope: Scope) -> Fingerprint:
    """Return the sums of the whole collection; equal sums mean that nothing changed. One statement."""
    found = connection.execute(scope.statements.fingerprint, scope.parameters)
    return Fingerprint.of((bucket, Sums(((part, count, int(total)),))) for part, bucket, count, total in found)


def members(connection: Connection, scope: Scope, buckets: Collection[int] | None = None) -> dict[str, Member]:
    """Return the records in scope by ``dsn_key``, each with its sums. One statement.

    ``buckets``: only those in these buckets; a scope that is narrowed to one record returns that one.
    """
    statement, parameters = scope.statements.sums, dict(scope.parameters)
    if parameters["only"] is not None:
        statement = scope.statements.of_one
    elif buckets is not None:
        statement, parameters["buckets"] = scope.statements.in_buckets, sorted(buckets)
    totals: defaultdict[tuple[str, int], list[tuple[int, int, int]]] = defaultdict(list)
    for part, dsn, bucket, count, total in connection.execute(statement, parameters):
        totals[dsn, bucket].append((part, count, int(total)))
    return {dsn_key(dsn): Member(dsn, bucket, Sums(tuple(sorted(parts)))) for (dsn, bucket), parts in totals.items()}


def among(connection: Connection, scope: Scope, dsns: Sequence[str]) -> set[str]:
    """Return which of these records are in scope, as ``dsn_key``; at most some hundred in one call."""
    found = connection.scalars(scope.statements.among, {**scope.parameters, "dsns": some(dsns)})
    return {dsn_key(dsn) for dsn in found}


def is_open(connection: Connection, tables: Tables, record: RecordKey, user: User) -> bool:
    """Return whether the record exists, is not archived, and the user may read it, whatever its Merkmale (rule 15)."""
    found = connection.scalar(_open(tables, record.table), {**reader(user), "dsn": record.dsn})
    return found is not None


@lru_cache(maxsize=32)
def _open(tables: Tables, table: Table) -> Select[str]:
    rows = tables.address if table is Table.ADDRESS else tables.activity
    mine = rows.c.DSN == bindparam("dsn", type_=rows.c.DSN.type)
    return select(rows.c.DSN).where(mine, not_archived(rows), readable(tables, table, rows.c.DSN))


def dsns(connection: Connection, scope: Scope) -> list[str]:
    """Return the DSNs of the records in scope, as FlowFact spells them."""
    return list(connection.scalars(scope.statements.members, scope.parameters))


def count(connection: Connection, scope: Scope) -> int:
    """Return how many records are in scope."""
    statement = select(func.count()).select_from(scope.statements.members.subquery())
    return connection.scalar(statement, scope.parameters) or 0
