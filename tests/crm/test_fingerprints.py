"""A collection's fingerprint: what changed shows in its bucket, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, select

from radicale_flowfact.crm import scope
from radicale_flowfact.crm.scope import Scope
from radicale_flowfact.crm.sums import BUCKETS, NOTHING, Fingerprint, Share, Sums
from radicale_flowfact.crm.users import read_user
from radicale_flowfact.database.engines import row_digest
from tests.conftest import Agency
from tests.office import of_one_bucket

_NUMBERS = st.integers(1, 10**12)


@st.composite
def shares(draw: st.DrawFn) -> Share:
    """Return what a record adds."""
    parts = draw(st.sets(st.integers(0, 4)))
    return draw(st.integers(0, BUCKETS - 1)), Sums(
        tuple((part, draw(_NUMBERS), draw(_NUMBERS)) for part in sorted(parts))
    )


@given(st.lists(shares(), max_size=8), shares(), shares())
def test_one_record_exchanged_is_all_counted_anew(others: list[Share], before: Share, after: Share) -> None:
    changed = Fingerprint.of([*others, before]).exchanged(before, after)
    assert changed == Fingerprint.of([*others, after])
    assert changed == Fingerprint.of(others).exchanged(NOTHING, after)


@given(st.lists(shares(), max_size=8), st.lists(shares(), max_size=3))
def test_a_difference_is_in_the_buckets_that_differ(common: list[Share], more: list[Share]) -> None:
    old, new = Fingerprint.of(common), Fingerprint.of([*common, *more])
    buckets = old.differing(new)
    assert buckets == {bucket for bucket, sums in more if sums.parts}
    assert old.with_buckets(new, buckets) == new


@given(st.lists(shares(), max_size=8))
def test_its_text_says_it_all(counted: list[Share]) -> None:
    fingerprint = Fingerprint.of(counted)
    assert Fingerprint.parse(str(fingerprint)) == fingerprint


def test_a_change_shows_in_its_records_bucket_only(agency: Agency) -> None:
    office = agency.office
    dsns = [office.address([agency.own], ["0221 / 1"]) for _ in range(60)]

    def addresses() -> Scope:
        with office.engine.connect() as connection:
            return scope.addresses(office.tables, read_user(connection, office.tables, "anna"), None)

    with office.engine.connect() as connection:
        before, members = scope.fingerprint(connection, addresses()), scope.members(connection, addresses())
    assert before == Fingerprint.of(member.share for member in members.values())
    assert len({member.bucket for member in members.values()}) > 5
    office.change(office.tables.phone, {"AD_DSN": dsns[3]}, NUMMER="0221 / 2")
    with office.engine.connect() as connection:
        buckets = before.differing(scope.fingerprint(connection, addresses()))
        assert buckets == {members[dsns[3].casefold()].bucket}
        some = scope.members(connection, addresses(), buckets)
    assert some.keys() == {key for key, member in members.items() if member.bucket in buckets}


def test_a_touch_alone_is_no_change(agency: Agency) -> None:
    office, touch = agency.office, datetime(2026, 6, 1, 12)
    address, appointment = office.address([agency.own], ["0221 / 1"]), agency.appointment()
    with office.engine.connect() as connection:
        user = read_user(connection, office.tables, "anna")
        scopes = [scope.addresses(office.tables, user, None), scope.appointments(office.tables, user, None)]
        before = [scope.fingerprint(connection, each) for each in scopes]
    office.change(office.tables.address, {"DSN": address}, TOUCH=touch, TOUCH_VON=agency.ben)
    office.change(office.tables.activity, {"DSN": appointment}, TOUCH=touch, TOUCH_VON=agency.ben)
    with office.engine.connect() as connection:
        assert [scope.fingerprint(connection, each) for each in scopes] == before
    office.change(office.tables.address, {"DSN": address}, TITEL="Dr.")
    office.change(office.tables.activity, {"DSN": appointment}, BETREFF="Other")
    with office.engine.connect() as connection:
        after = [scope.fingerprint(connection, each) for each in scopes]
    assert all(one != other for one, other in zip(before, after, strict=True))


class Moves:
    """Rows that the office moves from one record to another one of the same bucket, by plain SQL."""

    def __init__(self, agency: Agency, chance: random.Random) -> None:
        self.agency, self.office, self.chance = agency, agency.office, chance
        office = agency.office
        others = [office.user(f"colleague{number}") for number in range(3)]
        office.change(office.tables.user, {"DSN": others[0]}, NAME=None)
        colleagues = [agency.bens, *(office.own(other) for other in others)]
        self.customers = of_one_bucket(office, "AD", 6)
        for number, dsn in enumerate(self.customers):
            phones = [f"0221 / {number}{position}" for position in range(number % 3)]
            office.address([agency.own], phones, DSN=dsn, FIRMA=f"Company {number}")
        self.appointments = of_one_bucket(office, "AKT", 6)
        for number, dsn in enumerate(self.appointments):
            merkmale = [agency.own, *chance.sample(colleagues, number % 4)]
            agency.appointment(DSN=dsn, merkmale=merkmale, addresses=chance.sample(self.customers, 1 + number % 4))
            office.restrict("AKT", dsn, "VOLL", user=agency.anna)
            for right in chance.sample(["VOLL", "LESEN", "KEIN"], number % 3):
                office.restrict("AKT", dsn, right, user=agency.ben)

    def one(self) -> str:
        """Move one row; return of which sort it was."""
        tables = self.office.tables
        assert tables.rights is not None
        sorts: list[tuple[str, Table, str, Sequence[str], Callable[[dict[str, object]], bool]]] = [
            ("colleague", tables.activity_merkmal, "AKT_DSN", self.appointments, self._is_colleague),
            ("customer", tables.activity_address, "AKT_DSN", self.appointments, lambda row: True),
            ("phone", tables.phone, "AD_DSN", self.customers, lambda row: True),
            ("right", tables.rights, "OBJ_DSN", self.appointments, lambda row: row["BEN_DSN"] == self.agency.ben),
        ]
        while True:
            sort, table, column, records, movable = self.chance.choice(sorts)
            rows = self.office.rows(table)
            row = self.chance.choice(rows)
            target = self.chance.choice(records)
            taken = {**row, column: target}
            if movable(row) and row[column] != target and not self._clashes(table, taken, rows):
                self.office.change(table, row, **{column: target})
                return sort

    def _is_colleague(self, row: dict[str, object]) -> bool:
        return row["MKM_DSN"] != self.agency.own

    @staticmethod
    def _clashes(table: Table, taken: dict[str, object], rows: Sequence[dict[str, object]]) -> bool:
        keys = [column.key for column in table.primary_key.columns] or list(taken)
        return any(all(row[key] == taken[key] for key in keys) for row in rows)


def test_rule_06_a_row_that_moves_to_another_record_of_its_bucket_is_noticed(agency: Agency) -> None:
    """No sum over the bucket tells of it, unless each digest says whose row it is."""
    moves = Moves(agency, random.Random(14))  # noqa: S311
    office, moved = agency.office, dict.fromkeys(("colleague", "customer", "phone", "right"), 0)
    with office.engine.connect() as connection:
        user = read_user(connection, office.tables, "anna")
    scopes = [scope.addresses(office.tables, user, None), scope.appointments(office.tables, user, None)]

    def looked_at(connection: Connection) -> list[tuple[Fingerprint, dict[str, Sums]]]:
        return [
            (
                scope.fingerprint(connection, each),
                {dsn: member.sums for dsn, member in scope.members(connection, each).items()},
            )
            for each in scopes
        ]

    with office.engine.connect() as connection:
        before = looked_at(connection)
    for number in range(250):
        sort = moves.one()
        with office.engine.connect() as connection:
            after = looked_at(connection)
        differing = [one[0] != other[0] for one, other in zip(before, after, strict=True)]
        assert differing[0 if sort == "phone" else 1], f"move {number}: a {sort}"
        assert differing == [one[1] != other[1] for one, other in zip(before, after, strict=True)]
        moved[sort] += 1
        before = after
    assert min(moved.values()) > 30


@pytest.mark.parametrize(
    "rows",
    [
        (("a", None), ("a", "")),
        (("a", None), (None, "a")),
        (("a", None), ("a", "\x1e")),
        (("a\x1fb", "c"), ("a", "b\x1fc")),
        (("a\x1f\x1db", "c"), ("a", "b\x1f\x1dc")),
        (("a,b", "c"), ("a", "b,c")),
        (('a","b', "c"), ("a", 'b","c')),
        (("a\\", "b"), ("a", "\\b")),
        (("1", None), ("(1,)", None)),
        (("a", ""), ("a ", "")),
        (("a", "b"), ("A", "b")),
    ],
)
def test_rule_06_a_value_that_moves_to_the_next_column_is_noticed(
    agency: Agency, rows: tuple[tuple[str | None, str | None], ...]
) -> None:
    office = agency.office
    table = office.tables.address
    dsns = [office.address(NAME=first, VORNAME=second) for first, second in rows]
    with office.engine.connect() as connection:
        query = select(row_digest([table.c.NAME, table.c.VORNAME])).where(table.c.DSN.in_(dsns))
        assert len(set(connection.scalars(query))) == len(rows)
