"""A collection's fingerprint: what changed shows in its bucket, and nowhere else."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.crm import scope
from radicale_flowfact.crm.scope import Scope
from radicale_flowfact.crm.sums import BUCKETS, NOTHING, Fingerprint, Share, Sums
from radicale_flowfact.crm.users import read_user
from tests.conftest import Agency

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
