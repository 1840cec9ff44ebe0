"""Which records a user's collection holds now, and a cheap way to see whether any of it changed.

A scope is a SELECT of DSNs (rules 2 to 5). Its *parts* are SELECTs of (record DSN, row digest) over every
row that shows in an item: the record itself, its phones, links, linked addresses, kind, participants and
rights. Summed up, they are the fingerprint of the whole collection; grouped by record, the digest of each.
So nothing depends on a Touch that did not move, moved back or is the same twice (rule 6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database import row_digest
from radicale_flowfact.records import Table, User, dsn_key

_READABLE = ("VOLL", "LESEN")
Part = Select[str, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """The records of one collection: a SELECT of DSNs and the parts that make up what is shown of them."""

    members: Select[str]
    parts: tuple[Part, ...]


def flag(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a bit column is set; NULL counts as not set."""
    return func.coalesce(column, false()) == true()


def readable(tables: Tables, table: Table, dsn: ColumnElement[Any], user: User) -> ColumnElement[bool]:
    """Return whether the user may read the record: no rights list, or an entry that names him (rule 5)."""
    rights = tables.rights
    if rights is None:
        return true()
    mine = and_(rights.c.TABELLE == table.value, rights.c.OBJ_DSN == dsn)
    entry = and_(rights.c.RECHT.in_(_READABLE), names_user(rights, user))
    return or_(not_(exists().where(mine)), exists().where(mine, entry))


def names_user(rights: SqlTable, user: User) -> ColumnElement[bool]:
    """Return whether a row of the rights list speaks of the user, one of his groups, or everybody."""
    everybody = and_(rights.c.BEN_DSN.is_(None), rights.c.GRP_DSN.is_(None))
    return or_(rights.c.BEN_DSN == user.dsn, rights.c.GRP_DSN.in_(sorted(user.groups)), everybody)


def appointments(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the user's appointments that ended at ``past_limit`` (local time; None: no limit) or later.

    ``only`` narrows any scope down to one record, by its DSN.
    """
    activity = tables.activity
    end = func.coalesce(activity.c.ENDE, activity.c.BEGINN)
    recent = true() if past_limit is None else or_(end.is_(None), end >= past_limit)
    return _activities(tables, user, and_(flag(tables.kind.c.KALENDER), recent), only)


def tasks(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the user's tasks: all open ones, and those done whose due date is not before ``past_limit``."""
    activity = tables.activity
    recent = true() if past_limit is None else or_(not_(flag(activity.c.ERLEDIGT)), activity.c.VORLAGE >= past_limit)
    return _activities(tables, user, and_(is_task_kind(tables), activity.c.VORLAGE.is_not(None), recent), only)


def is_task_kind(tables: Tables) -> ColumnElement[bool]:
    """Return whether a kind's activities are tasks; without AUFGABE, every kind that is neither calendar nor mail."""
    kind = tables.kind
    if "AUFGABE" in kind.c:
        return flag(kind.c.AUFGABE)
    mail = flag(kind.c.MAIL) if "MAIL" in kind.c else false()
    return and_(not_(flag(kind.c.KALENDER)), not_(mail))


def addresses(tables: Tables, user: User, past_limit: datetime | None, only: str | None = None) -> Scope:
    """Return the addresses with one of the user's Merkmale, and those linked to his appointments (rules 2, 3)."""
    address, tags, links = tables.address, tables.address_merkmal, tables.activity_address
    tagged = select(tags.c.AD_DSN).where(tags.c.MKM_DSN.in_(sorted(user.address_merkmale)))
    linked = select(links.c.AD_DSN).where(links.c.AKT_DSN.in_(appointments(tables, user, past_limit).members))
    members = select(address.c.DSN).where(
        or_(address.c.DSN.in_(tagged), address.c.DSN.in_(linked)),
        _not_archived(address),
        readable(tables, Table.ADDRESS, address.c.DSN, user),
        _only(address, only),
    )
    phone = tables.phone
    own = and_(tags.c.AD_DSN.in_(members), tags.c.MKM_DSN == user.own_merkmal)
    return Scope(
        members,
        (
            _part(address.c.DSN, address.c).where(address.c.DSN.in_(members)),
            _part(phone.c.AD_DSN, phone.c).where(phone.c.AD_DSN.in_(members)),
            _part(tags.c.AD_DSN, tags.c).where(own),
        ),
    )


def _only(table: SqlTable, dsn: str | None) -> ColumnElement[bool]:
    return true() if dsn is None else table.c.DSN == dsn


def _activities(tables: Tables, user: User, condition: ColumnElement[bool], only: str | None) -> Scope:
    activity, kind, tags = tables.activity, tables.kind, tables.activity_merkmal
    tagged = select(tags.c.AKT_DSN).where(tags.c.MKM_DSN.in_(sorted(user.activity_merkmale)))
    of_kind = kind.c.DSN == activity.c.ART_DSN
    members = select(activity.c.DSN).where(
        exists().where(of_kind, condition).correlate(activity),
        activity.c.DSN.in_(tagged),
        _not_archived(activity),
        readable(tables, Table.ACTIVITY, activity.c.DSN, user),
        _only(activity, only),
    )
    record = _part(activity.c.DSN, [*activity.c, *kind.c]).join(kind, of_kind).where(activity.c.DSN.in_(members))
    return Scope(members, (record, *_activity_parts(tables, user, members)))


def _activity_parts(tables: Tables, user: User, members: Select[str]) -> list[Part]:
    """Return the parts of what is shown beside the activity's own row: links, phones, participants, rights."""
    links, tags, address = tables.activity_address, tables.activity_merkmal, tables.address
    people, phone, rights = tables.user, tables.phone, tables.rights
    in_scope = links.c.AKT_DSN.in_(members)
    seen = linked_address_shown(tables, user)
    shown = [address.c[name] for name in ("DSN", "FIRMA", "TITEL", "VORNAME", "NAME", "EMAIL")]
    parts = [
        _part(links.c.AKT_DSN, shown).join(address, address.c.DSN == links.c.AD_DSN).where(in_scope, seen),
        _part(links.c.AKT_DSN, phone.c)
        .join(address, address.c.DSN == links.c.AD_DSN)
        .join(phone, phone.c.AD_DSN == links.c.AD_DSN)
        .where(in_scope, seen),
        _part(tags.c.AKT_DSN, [people.c.DSN, people.c.NAME])
        .join(people, people.c.MKM_DSN == tags.c.MKM_DSN)
        .where(tags.c.AKT_DSN.in_(members)),
    ]
    if rights is not None:
        mine = and_(rights.c.TABELLE == Table.ACTIVITY.value, rights.c.OBJ_DSN.in_(members))
        parts.append(_part(rights.c.OBJ_DSN, rights.c).where(mine))
    return parts


def linked_address_shown(tables: Tables, user: User) -> ColumnElement[bool]:
    """Return whether an appointment may tell of a linked address: the user may read it, it is not archived."""
    address = tables.address
    return and_(_not_archived(address), readable(tables, Table.ADDRESS, address.c.DSN, user))


def _not_archived(table: SqlTable) -> ColumnElement[bool]:
    return not_(flag(table.c.ARCHIV)) if "ARCHIV" in table.c else true()


def _part(dsn: ColumnElement[Any], columns: Iterable[ColumnElement[Any]]) -> Part:
    return select(dsn.label("dsn"), row_digest(list(columns)).label("digest"))


@dataclass(frozen=True, slots=True)
class Sums:
    """For each part of a scope, how many rows it has and the sum of their digests.

    They add up: a collection's sums are the sums of its records, so a write needs to look at its record only.
    """

    parts: tuple[tuple[int, int, int], ...] = ()

    def __add__(self, other: Sums) -> Sums:
        return self._combined(other, 1)

    def __sub__(self, other: Sums) -> Sums:
        return self._combined(other, -1)

    def _combined(self, other: Sums, sign: int) -> Sums:
        total = {part: (count, digest) for part, count, digest in self.parts}
        for part, count, digest in other.parts:
            before = total.get(part, (0, 0))
            total[part] = (before[0] + sign * count, before[1] + sign * digest)
        return Sums(tuple((part, *both) for part, both in sorted(total.items()) if both != (0, 0)))

    def __str__(self) -> str:
        return ";".join(f"{part}:{count}:{digest}" for part, count, digest in self.parts)

    @classmethod
    def parse(cls, text: str) -> Sums:
        """Read what ``str`` wrote."""
        rows = (row.split(":") for row in text.split(";") if row)
        return cls(tuple((int(part), int(count), int(digest)) for part, count, digest in rows))


@dataclass(frozen=True, slots=True)
class Member:
    """A record in scope: its DSN as FlowFact spells it, and the sums of all that is shown of it."""

    dsn: str
    sums: Sums


def fingerprint(connection: Connection, scope: Scope) -> Sums:
    """Return the sums of the whole collection; the same sums, nothing changed. One statement."""
    sums = []
    for number, part in enumerate(scope.parts):
        rows = part.subquery()
        sums.append(select(literal(number).label("part"), func.count(), func.sum(rows.c.digest)))
    found = connection.execute(union_all(*sums))
    return Sums(tuple(sorted((int(part), int(count), int(total)) for part, count, total in found if count)))


def members(connection: Connection, scope: Scope) -> dict[str, Member]:
    """Return every record in scope, by ``dsn_key``. One statement."""
    sums = []
    for number, part in enumerate(scope.parts):
        rows = part.subquery()
        counted = select(literal(number).label("part"), rows.c.dsn, func.count(), func.sum(rows.c.digest))
        sums.append(counted.group_by(rows.c.dsn))
    totals: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    spelled: dict[str, str] = {}
    for number, dsn, count, total in connection.execute(union_all(*sums)):
        key = dsn_key(dsn)
        totals[key].append((int(number), int(count), int(total)))
        if number == 0:
            spelled[key] = dsn
    return {key: Member(dsn, Sums(tuple(sorted(totals[key])))) for key, dsn in spelled.items()}
