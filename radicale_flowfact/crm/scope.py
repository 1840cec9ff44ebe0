"""Which records a user's collection holds now, and a cheap way to see whether any of it changed.

A scope is a SELECT of DSNs (rules 2 to 5). Its *parts* are SELECTs of (record DSN, row digest) over every
row that shows in an item: the record itself, its phones, links, linked addresses, kind, participants and
rights. Summed up in buckets, they are the fingerprint of the whole collection; grouped by record, the digest of
each. Records are spread over the buckets by their DSN, so that after a change only its bucket is looked at closely.
So nothing depends on a Touch that did not move, moved back or is the same twice (rule 6).

The statements are made once for FlowFact's tables, with parameters for all that differs from user to user:
composing one takes ten times as long as running it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
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
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm import columns
from radicale_flowfact.crm.sums import BUCKETS, Fingerprint, Share, Sums
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database import row_digest, spread
from radicale_flowfact.records import Table, User, dsn_key

_READABLE = ("VOLL", "LESEN")
_BUCKET = "BUCKET"
Parameters = Mapping[str, object]
Part = tuple[FromClause, ColumnElement[int]]
"""The rows of one sort that show in the members' items, and the digest of each."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What is asked of one scope. ``sums`` are grouped by record; ``in_buckets``, ``of_one``: of some of them."""

    members: Select[str]
    fingerprint: CompoundSelect[int, int, int, int]
    sums: CompoundSelect[int, str, int, int, int]
    in_buckets: CompoundSelect[int, str, int, int, int]
    of_one: CompoundSelect[int, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """The records of one user's collection: statements, and what to ask them with."""

    statements: Statements
    parameters: Parameters


def flag(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a bit column is set; NULL counts as not set."""
    return func.coalesce(column, false()) == true()


def reader(user: User) -> dict[str, object]:
    """Return the parameters of ``readable``: who reads."""
    return {"user": user.dsn, "groups": sorted(user.groups)}


def readable(tables: Tables, table: Table, dsn: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether the reader may read the record: no rights list, or an entry that names him (rule 5)."""
    rights = tables.rights
    if rights is None:
        return true()
    mine = and_(of_table(rights, table), rights.c.OBJ_DSN == dsn)
    entry = and_(_word(rights.c.RECHT).in_(_READABLE), _names_reader(rights))
    return or_(not_(exists().where(mine)), exists().where(mine, entry))


def of_table(rights: SqlTable, table: Table) -> ColumnElement[bool]:
    """Return whether a row of the rights list speaks of such records."""
    return _word(rights.c.TABELLE) == table.value


def _word(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return one of FlowFact's own words in capitals: not every database compares without case and blanks."""
    return func.upper(func.ltrim(func.rtrim(column)), type_=column.type)


def _names_reader(rights: SqlTable) -> ColumnElement[bool]:
    """Return whether a row of the rights list speaks of the reader, one of his groups, or everybody."""
    everybody = and_(rights.c.BEN_DSN.is_(None), rights.c.GRP_DSN.is_(None))
    in_groups = rights.c.GRP_DSN.in_(bindparam("groups", expanding=True))
    return or_(rights.c.BEN_DSN == bindparam("user", type_=rights.c.BEN_DSN.type), in_groups, everybody)


def appointments(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the user's appointments that ended at ``past_limit`` (local time; None: no limit) or later.

    ``only`` narrows any scope down to one record, by its DSN.
    """
    return Scope(_appointments(tables), _parameters(user, past_limit, only))


def tasks(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the user's tasks: all open ones, and those done whose due date is not before ``past_limit``."""
    return Scope(_tasks(tables), _parameters(user, past_limit, only))


def addresses(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the addresses with one of the user's Merkmale, and those linked to his appointments (rules 2, 3)."""
    return Scope(_addresses(tables), _parameters(user, past_limit, only))


def _parameters(user: User, past_limit: datetime | None, only: str | None) -> dict[str, object]:
    return {
        **reader(user),
        "own": user.own_merkmal or "",
        "of_addresses": sorted(user.address_merkmale),
        "of_activities": sorted(user.activity_merkmale),
        "past_limit": past_limit or datetime.min,
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
    visible = and_(_not_archived(address), readable(tables, Table.ADDRESS, address.c.DSN))
    # The DSNs come first, so that no database gets the idea to look at each address there is.
    wanted = union(_tagged_addresses(tables), _linked_addresses(tables)).subquery("wanted")
    one = or_(_is_tagged_address(tables), _is_linked_address(tables))
    return _statements(
        select(address.c.DSN).join(wanted, wanted.c.AD_DSN == address.c.DSN).where(visible),
        select(address.c.DSN).where(address.c.DSN == _only(address), one, visible),
        lambda members: _address_parts(tables, members),
    )


def _past_limit(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return bindparam("past_limit", type_=column.type)


def _only(table: SqlTable) -> ColumnElement[Any]:
    return bindparam("only", type_=table.c.DSN.type)


def _is_current_appointment(tables: Tables) -> ColumnElement[bool]:
    """Return whether an activity of this kind is an appointment within the window (rule 4)."""
    activity = tables.activity
    end = func.coalesce(activity.c.ENDE, activity.c.BEGINN)
    return and_(flag(tables.kind.c.KALENDER), or_(end.is_(None), end >= _past_limit(activity.c.BEGINN)))


def is_task_kind(tables: Tables) -> ColumnElement[bool]:
    """Return whether a kind's activities are tasks; without AUFGABE, every kind that is neither calendar nor mail."""
    kind = tables.kind
    if "AUFGABE" in kind.c:
        return flag(kind.c.AUFGABE)
    mail = flag(kind.c.MAIL) if "MAIL" in kind.c else false()
    return and_(not_(flag(kind.c.KALENDER)), not_(mail))


def _tagged_addresses(tables: Tables) -> Select[str]:
    tags = tables.address_merkmal
    return select(tags.c.AD_DSN).where(tags.c.MKM_DSN.in_(bindparam("of_addresses", expanding=True)))


def _linked_addresses(tables: Tables) -> Select[str]:
    """Return the addresses linked to the user's appointments (rule 3)."""
    links, activity, tags = tables.activity_address, tables.activity, tables.activity_merkmal
    tagged = tags.join(activity, activity.c.DSN == tags.c.AKT_DSN).join(links, links.c.AKT_DSN == activity.c.DSN)
    mine = tags.c.MKM_DSN.in_(bindparam("of_activities", expanding=True))
    return select(links.c.AD_DSN).select_from(tagged).where(mine, _suits(tables, _is_current_appointment(tables)))


def _is_tagged_address(tables: Tables) -> ColumnElement[bool]:
    """Return what ``_tagged_addresses`` asks, of one address: found by its DSN, not by its Merkmal."""
    return exists(_tagged_addresses(tables).where(tables.address_merkmal.c.AD_DSN == tables.address.c.DSN))


def _is_linked_address(tables: Tables) -> ColumnElement[bool]:
    """Return what ``_linked_addresses`` asks, of one address."""
    links, activity = tables.activity_address, tables.activity
    linked = and_(links.c.AD_DSN == tables.address.c.DSN, links.c.AKT_DSN == activity.c.DSN)
    return exists().where(linked, _is_activity(tables, _is_current_appointment(tables)))


def _address_parts(tables: Tables, members: CTE) -> list[Part]:
    address, phone, tags = tables.address, tables.phone, tables.address_merkmal
    own = and_(tags.c.AD_DSN == members.c.DSN, tags.c.MKM_DSN == bindparam("own", type_=tags.c.MKM_DSN.type))
    return [
        (members.join(address, address.c.DSN == members.c.DSN), row_digest(_shown(address, columns.ADDRESS))),
        (members.join(phone, phone.c.AD_DSN == members.c.DSN), row_digest(phone.c)),
        (members.join(tags, own), row_digest(tags.c)),
    ]


def _of_activities(tables: Tables, condition: ColumnElement[bool]) -> Statements:
    activity = tables.activity
    return _statements(
        select(activity.c.DSN).where(_in_activities(tables, condition)),
        select(activity.c.DSN).where(activity.c.DSN == _only(activity), _is_activity(tables, condition)),
        lambda members: _activity_parts(tables, members),
    )


def _in_activities(tables: Tables, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether an activity is the user's, for a search by his Merkmale."""
    activity, tags = tables.activity, tables.activity_merkmal
    tagged = select(tags.c.AKT_DSN).where(tags.c.MKM_DSN.in_(bindparam("of_activities", expanding=True)))
    return and_(activity.c.DSN.in_(tagged), _suits(tables, condition))


def _is_activity(tables: Tables, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the same of one activity: found by its DSN, not by its Merkmale."""
    activity, tags = tables.activity, tables.activity_merkmal
    wanted = tags.c.MKM_DSN.in_(bindparam("of_activities", expanding=True))
    tagged = exists().where(tags.c.AKT_DSN == activity.c.DSN, wanted).correlate(activity)
    return and_(tagged, _suits(tables, condition))


def _suits(tables: Tables, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    activity, kind = tables.activity, tables.kind
    of_kind = exists().where(kind.c.DSN == activity.c.ART_DSN, condition).correlate(activity)
    return and_(of_kind, _not_archived(activity), readable(tables, Table.ACTIVITY, activity.c.DSN))


def _activity_parts(tables: Tables, members: CTE) -> list[Part]:
    """Return the parts of what is shown of an activity: itself, links, their phones, participants, rights."""
    activity, kind, rights = tables.activity, tables.kind, tables.rights
    links, tags, address = tables.activity_address, tables.activity_merkmal, tables.address
    people, phone = tables.user, tables.phone
    shown = [address.c[name] for name in ("DSN", "FIRMA", "TITEL", "VORNAME", "NAME", "EMAIL")]
    seen = and_(address.c.DSN == links.c.AD_DSN, linked_address_shown(tables))
    linked = members.join(links, links.c.AKT_DSN == members.c.DSN).join(address, seen)
    of_kind = members.join(activity, activity.c.DSN == members.c.DSN).join(kind, kind.c.DSN == activity.c.ART_DSN)
    tagged = members.join(tags, tags.c.AKT_DSN == members.c.DSN).join(people, people.c.MKM_DSN == tags.c.MKM_DSN)
    parts: list[Part] = [
        (of_kind, row_digest([*_shown(activity, columns.ACTIVITY), *kind.c])),
        (linked, row_digest(shown)),
        (linked.join(phone, phone.c.AD_DSN == links.c.AD_DSN), row_digest(phone.c)),
        (tagged, row_digest([people.c.DSN, people.c.NAME])),
    ]
    if rights is not None:
        mine = and_(of_table(rights, Table.ACTIVITY), rights.c.OBJ_DSN == members.c.DSN)
        parts.append((members.join(rights, mine), row_digest(rights.c)))
    return parts


def _shown(table: SqlTable, fields: Mapping[str, str]) -> list[ColumnElement[Any]]:
    """Return the columns that an item can show something of: a Touch that moved for another one is no change."""
    return [table.c.DSN, *(table.c[name] for name in fields.values() if name in table.c)]


def linked_address_shown(tables: Tables) -> ColumnElement[bool]:
    """Return whether an appointment may tell of a linked address: the reader may read it, it is not archived."""
    address = tables.address
    return and_(_not_archived(address), readable(tables, Table.ADDRESS, address.c.DSN))


def _not_archived(table: SqlTable) -> ColumnElement[bool]:
    return not_(flag(table.c.ARCHIV)) if "ARCHIV" in table.c else true()


def _statements(members: Select[str], one: Select[str], parts: Callable[[CTE], list[Part]]) -> Statements:
    """Put the statements together; databases that can look the members up once for all parts."""
    bucket = spread(members.selected_columns[0], BUCKETS)
    numbered = members.add_columns(bucket.label(_BUCKET))
    of_all, of_one = numbered.cte("members"), one.add_columns(bucket.label(_BUCKET)).cte("member")
    of_some = numbered.where(bucket.in_(bindparam("buckets", expanding=True))).cte("members")
    whole = [
        select(literal(number).label("part"), of_all.c[_BUCKET], func.count(), func.sum(digest))
        .select_from(rows)
        .group_by(of_all.c[_BUCKET])
        for number, (rows, digest) in enumerate(parts(of_all))
    ]
    return Statements(
        members,
        union_all(*whole),
        union_all(*_grouped(of_all, parts(of_all))),
        union_all(*_grouped(of_some, parts(of_some))),
        union_all(*_grouped(of_one, parts(of_one))),
    )


def _grouped(members: CTE, parts: Iterable[Part]) -> list[Select[int, str, int, int, int]]:
    dsn, bucket = members.c.DSN, members.c[_BUCKET]
    return [
        select(literal(number).label("part"), dsn, bucket, func.count(), func.sum(digest))
        .select_from(rows)
        .group_by(dsn, bucket)
        for number, (rows, digest) in enumerate(parts)
    ]


@dataclass(frozen=True, slots=True)
class Member:
    """A record in scope: its DSN as FlowFact spells it, its bucket, and the sums of all that is shown of it."""

    dsn: str
    bucket: int
    sums: Sums

    @property
    def share(self) -> Share:
        """What it adds to its collection's fingerprint."""
        return self.bucket, self.sums


def fingerprint(connection: Connection, scope: Scope) -> Fingerprint:
    """Return the sums of the whole collection; the same sums, nothing changed. One statement."""
    found = connection.execute(scope.statements.fingerprint, scope.parameters)
    return Fingerprint.of((bucket, Sums(((part, count, int(total)),))) for part, bucket, count, total in found)


def members(connection: Connection, scope: Scope, buckets: Collection[int] | None = None) -> dict[str, Member]:
    """Return the records in scope, or those in some buckets, or the one it is narrowed to, by ``dsn_key``."""
    statement, parameters = scope.statements.sums, dict(scope.parameters)
    if parameters["only"] is not None:
        statement = scope.statements.of_one
    elif buckets is not None:
        statement, parameters["buckets"] = scope.statements.in_buckets, sorted(buckets)
    totals: defaultdict[tuple[str, int], list[tuple[int, int, int]]] = defaultdict(list)
    for part, dsn, bucket, count, total in connection.execute(statement, parameters):
        totals[dsn, bucket].append((part, count, int(total)))
    return {dsn_key(dsn): Member(dsn, bucket, Sums(tuple(sorted(parts)))) for (dsn, bucket), parts in totals.items()}


def count(connection: Connection, scope: Scope) -> int:
    """Return how many records are in scope."""
    statement = select(func.count()).select_from(scope.statements.members.subquery())
    return connection.scalar(statement, scope.parameters) or 0
