"""What is kept of a device's own lines when it edits a version that is not the last one."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact import vcard_map
from radicale_flowfact.actions import SetField, SetPhone
from radicale_flowfact.dav.writing.edits import Reading, Seen, changed_by_office, edit_address, merge_sidecar
from radicale_flowfact.records import Address, Phone
from radicale_flowfact.settings import PHONE_SLOTS
from radicale_flowfact.vcard_map import Card


@pytest.mark.parametrize(
    ("sent", "kept", "merged"),
    [
        (["SEQUENCE:2"], ["SEQUENCE:5"], ("SEQUENCE:5",)),
        (["SEQUENCE:7"], ["SEQUENCE:5"], ("SEQUENCE:7",)),
        (["SEQUENCE:2"], ["SEQUENCE:1"], ("SEQUENCE:2",)),
        (["LOCATION:B", "SEQUENCE:1"], ["LOCATION:C", "SEQUENCE:1"], ("SEQUENCE:1", "LOCATION:B")),
        (["COMMENT:B", "SEQUENCE:1"], ["COMMENT:C", "SEQUENCE:1"], ("COMMENT:C", "SEQUENCE:1", "COMMENT:B")),
        ([], ["SEQUENCE:5", "LOCATION:C"], ("SEQUENCE:5", "LOCATION:C")),
    ],
)
def test_what_can_be_there_once_is_there_once(sent: list[str], kept: list[str], merged: tuple[str, ...]) -> None:
    base = ["SEQUENCE:1", "LOCATION:A"]
    assert merge_sidecar([(base, sent)], kept, {"SEQUENCE", "LOCATION"}) == merged


LINES = st.lists(st.sampled_from(["A:1", "A:2", "B:1", "PHOTO:1", "PHOTO:2"]), max_size=5)


@given(st.lists(LINES, min_size=1, max_size=3), LINES, LINES)
def test_rule_43_no_line_is_lost_that_one_of_the_possible_versions_lacks(
    bases: list[list[str]], sent: list[str], kept: list[str]
) -> None:
    merged = merge_sidecar([(base, sent) for base in bases], kept)
    taken = [Counter(base) - Counter(sent) for base in bases]
    for line, count in (Counter(kept) - Counter(merged)).items():
        assert all(one[line] >= count for one in taken)
    for line in Counter(merged) - Counter(kept):
        assert all(Counter(sent)[line] > Counter(base)[line] for base in bases)


STREETS = st.sampled_from(["", "Weg 1", "Weg 2", "Weg 3"])
NUMBERS = st.lists(st.sampled_from(["0221 1", "0221 2", "0221 3"]), max_size=3, unique=True)


def card(street: str, numbers: list[str]) -> Card:
    """Return a contact."""
    lines = [f"ADR;TYPE=WORK:;;{street};;;;", *(f"TEL;TYPE=WORK:{number}" for number in numbers)]
    text = "\r\n".join(
        ["BEGIN:VCARD", "VERSION:3.0", "UID:u", "N:Meier;Eva;;;", "FN:Eva Meier", *lines, "END:VCARD", ""]
    )
    return vcard_map.parse(text, PHONE_SLOTS)


@given(st.lists(st.tuples(STREETS, NUMBERS), min_size=1, max_size=3), STREETS, NUMBERS, STREETS, NUMBERS)
def test_rule_43_a_device_changes_only_what_differs_from_each_version(
    had: list[tuple[str, list[str]]], street: str, numbers: list[str], now: str, has: list[str]
) -> None:
    current = Address("A", street=now, phones=tuple(Phone(place, one) for place, one in enumerate(has, 1)))
    sent = card(street, numbers)
    seen = Seen(tuple(Reading(card(*one), sent) for one in had))
    actions = edit_address(seen, current, (), PHONE_SLOTS).actions
    streets = [action.after for action in actions if isinstance(action, SetField) and action.field == "street"]
    is_changed = street not in {one for one, _ in had} and street != now
    assert streets == ([street] if is_changed else [])
    for action in actions:
        if isinstance(action, SetPhone) and action.before is not None:
            assert action.before not in numbers
            assert all(any(number not in numbers for number in one) for _, one in had)
        if isinstance(action, SetPhone) and action.after is not None:
            assert action.after not in {number for _, one in had for number in one}


@given(st.lists(st.tuples(STREETS, st.booleans()), min_size=1, max_size=4), STREETS)
def test_rule_43_where_nothing_is_known_what_the_office_changed_stays(
    made: list[tuple[str, bool]], street: str
) -> None:
    versions = [(card(one, []), is_office) for one, is_office in made]
    frozen = changed_by_office(versions)
    by_office = any(is_office and before != after for (before, _), (after, is_office) in pairwise(made))
    assert frozen == ({"street"} if by_office else set())
    now = made[-1][0]
    seen = Seen(tuple(Reading(version, card(street, [])) for version, _ in versions), frozen)
    actions = edit_address(seen, Address("A", street=now), (), PHONE_SLOTS).actions
    assert bool(actions) == (not by_office and street != now)
