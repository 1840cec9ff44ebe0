"""Counts what a user's collections should hold a second, simple way: rows are read and compared in Python.

``scope`` asks the database with the site's own comparisons; a flag, a code or a DSN that the database compares in
another way than expected makes its answer smaller without an error. Here each condition of rules 2 to 5 is decided by
plain code on the values as they are, so that ``check`` can say whether both agree, and why a record is left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm import columns, rows
from radicale_flowfact.crm.conditions import READABLE
from radicale_flowfact.crm.rows import text_of
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.odd_values import is_unreadable
from radicale_flowfact.records import Table, User, dsn_key

_AT_ONCE = 2_000  # rows


class Reason(StrEnum):
    """Why a record that carries one of the user's Merkmale is not in his collection."""

    MISSING = "missing"
    OTHER_KIND = "other_kind"
    WITHOUT_DUE = "without_due"
    ARCHIVED = "archived"
    NO_RIGHT = "no_right"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Tally:
    """What the rows say of one collection.

    ``rows``: those of ADMKM or AKTMKM with one of his Merkmale; ``records``: how many records these name; ``left_out``:
    of these, by the first reason that applies; ``linked``: addresses that come by his appointments alone (rule 3);
    ``members``: the DSNs, as ``dsn_key``, of all that should be in the collection.
    """

    rows: int
    records: int
    left_out: Mapping[Reason, int]
    linked: int
    members: frozenset[str]


class Survey:
    """The rows of some users' records, read once for all of them."""

    def __init__(self, connection: Connection, tables: Tables, users: Iterable[User]) -> None:
        known = list(users)
        self._connection = connection
        self._tables = tables
        of_addresses = {key for user in known for key in user.address_merkmale}
        of_activities = {key for user in known for key in user.activity_merkmale}
        self._address_tags = self._tags(tables.address_merkmal, "AD_DSN", of_addresses)
        self._activity_tags = self._tags(tables.activity_merkmal, "AKT_DSN", of_activities)
        self._kinds = {dsn_key(text_of(row, "DSN")): row for row in self._read(select(tables.kind))}
        self._activities = self._records(tables.activity, _all_of(self._activity_tags))
        self._links = self._linked(_all_of(self._activity_tags))
        linked = {address for addresses in self._links.values() for address in addresses}
        self._addresses = self._records(tables.address, _all_of(self._address_tags) | linked)
        self._rights = self._rights_lists()

    def addresses(self, user: User, past_limit: datetime | None) -> Tally:
        """Return what should be in the user's addresses; ``past_limit``: office local time, None for no limit."""
        tagged = [key for merkmal in user.address_merkmale for key in self._address_tags.get(merkmal, ())]
        reasons = {key: self._of_address(user, key) for key in set(tagged)}
        linked = {
            address
            for activity in self.appointments(user, past_limit).members
            for address in self._links.get(activity, ())
            if address not in reasons and self._of_address(user, address) is None
        }
        return _tally(tagged, reasons, linked)

    def appointments(self, user: User, past_limit: datetime | None) -> Tally:
        """Return what should be in the user's appointments."""
        return self._of_activities(user, past_limit, is_task=False)

    def tasks(self, user: User, past_limit: datetime | None) -> Tally:
        """Return what should be in the user's tasks."""
        return self._of_activities(user, past_limit, is_task=True)

    def _of_activities(self, user: User, past_limit: datetime | None, *, is_task: bool) -> Tally:
        tagged = [key for merkmal in user.activity_merkmale for key in self._activity_tags.get(merkmal, ())]
        decide = self._of_task if is_task else self._of_appointment
        return _tally(tagged, {key: decide(user, key, past_limit) for key in set(tagged)}, set())

    def _of_address(self, user: User, key: str) -> Reason | None:
        row = self._addresses.get(key)
        if row is None:
            return Reason.MISSING
        return self._of_any(user, Table.ADDRESS, key, row)

    def _of_any(self, user: User, table: Table, key: str, row: Row[Any]) -> Reason | None:
        if bool(getattr(row, "ARCHIV", False)):
            return Reason.ARCHIVED
        return None if self._may_read(user, table, key) else Reason.NO_RIGHT

    def _of_appointment(self, user: User, key: str, past_limit: datetime | None) -> Reason | None:
        row = self._activities.get(key)
        if row is None:
            return Reason.MISSING
        kind = self._kinds.get(dsn_key(text_of(row, "ART_DSN")))
        if kind is None or not bool(kind.KALENDER):
            return Reason.OTHER_KIND
        end = row.ENDE or row.BEGINN
        is_past = past_limit is not None and end is not None and end < past_limit
        return self._of_any(user, Table.ACTIVITY, key, row) or (Reason.PAST if is_past else None)

    def _of_task(self, user: User, key: str, past_limit: datetime | None) -> Reason | None:
        row = self._activities.get(key)
        if row is None:
            return Reason.MISSING
        if not _is_task_kind(self._kinds.get(dsn_key(text_of(row, "ART_DSN")))):
            return Reason.OTHER_KIND
        if row.VORLAGE is None:
            return Reason.WITHOUT_DUE
        is_past = past_limit is not None and bool(row.ERLEDIGT) and row.VORLAGE < past_limit
        return self._of_any(user, Table.ACTIVITY, key, row) or (Reason.PAST if is_past else None)

    def _may_read(self, user: User, table: Table, key: str) -> bool:
        entries = self._rights.get((table, key))
        if entries is None:
            return True
        return any(
            word in READABLE and (person == dsn_key(user.dsn) or group in user.groups or not (person or group))
            for word, person, group in entries
        )

    def _read(self, statement: Select[Any]) -> rows.Rows:
        return rows.read(self._connection, statement)

    def _tags(self, tags: SqlTable, record: str, merkmale: Collection[str]) -> dict[str, list[str]]:
        """Return the records by Merkmal, a record once for each row."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self._of(select(tags.c[record], tags.c.MKM_DSN), "MKM_DSN", merkmale):
            found[dsn_key(text_of(row, "MKM_DSN"))].append(dsn_key(text_of(row, record)))
        return found

    def _records(self, table: SqlTable, keys: set[str]) -> dict[str, Row[Any]]:
        names = ("DSN", "ART_DSN", "BEGINN", "ENDE", "VORLAGE", "ERLEDIGT", "ARCHIV")
        query = select(*(table.c[name] for name in names if name in table.c))
        return {dsn_key(text_of(row, "DSN")): row for row in self._of(query, "DSN", keys)}

    def _linked(self, activities: set[str]) -> dict[str, set[str]]:
        links = self._tables.activity_address
        found: dict[str, set[str]] = defaultdict(set)
        for row in self._of(select(links.c.AKT_DSN, links.c.AD_DSN), "AKT_DSN", activities):
            found[dsn_key(text_of(row, "AKT_DSN"))].add(dsn_key(text_of(row, "AD_DSN")))
        return found

    def _rights_lists(self) -> dict[tuple[Table, str], list[tuple[str, str, str]]]:
        """Return right, user and group of each entry, by record."""
        rights = self._tables.rights
        found: dict[tuple[Table, str], list[tuple[str, str, str]]] = defaultdict(list)
        if rights is None:
            return found
        named = {table.value: table for table in Table}
        for row in self._of(select(rights), "OBJ_DSN", {*self._addresses, *self._activities}):
            table = named.get(columns.word_of(rights, "TABELLE", text_of(row, "TABELLE")))
            if table is not None:
                who = (dsn_key(text_of(row, "BEN_DSN")), dsn_key(text_of(row, "GRP_DSN")))
                entry = (columns.word_of(rights, "RECHT", text_of(row, "RECHT")), *who)
                found[table, dsn_key(text_of(row, "OBJ_DSN"))].append(entry)
        return found

    def _of(self, query: Select[Any], column: str, keys: Collection[str]) -> list[Row[Any]]:
        """Return the rows whose DSN in ``column`` is one of the keys, however it is spelt and compared there.

        The whole table is passed, some rows at a time: no comparison of the database decides what is seen.
        """
        try:
            result = self._connection.execute(query, execution_options={"yield_per": _AT_ONCE})
            return [row for row in result if dsn_key(text_of(row, column)) in keys]
        except Exception as error:
            if not is_unreadable(error):
                raise
        return [row for row in self._read(query) if dsn_key(text_of(row, column)) in keys]


def _all_of(tags: Mapping[str, Iterable[str]]) -> set[str]:
    return {key for keys in tags.values() for key in keys}


def _is_task_kind(kind: Row[Any] | None) -> bool:
    if kind is None:
        return False
    if hasattr(kind, "AUFGABE"):
        return bool(kind.AUFGABE)
    return not bool(kind.KALENDER) and not bool(getattr(kind, "MAIL", False))


def _tally(tagged: Sequence[str], reasons: Mapping[str, Reason | None], linked: set[str]) -> Tally:
    left_out = Counter(reason for reason in reasons.values() if reason is not None)
    kept = {key for key, reason in reasons.items() if reason is None}
    return Tally(len(tagged), len(reasons), dict(left_out), len(linked), frozenset(kept | linked))
