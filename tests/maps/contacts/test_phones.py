"""Rule 11: numbers are recognised by themselves, then by slot; no position is ever shifted."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.actions import SetPhone
from radicale_flowfact.content.contentlines import parse_line
from radicale_flowfact.maps.contacts.phones import SlotPhone, comparable_number, decide_phones, phone_lines, read_phones
from radicale_flowfact.records import Phone, RecordKey, Table
from radicale_flowfact.settings import PHONE_SLOTS
from tests.strategies import phone_numbers, phones

KEY = RecordKey(Table.ADDRESS, "AD-1")


def read(*lines: str) -> tuple[SlotPhone, ...]:
    """Read TEL lines."""
    return read_phones([parse_line(line) for line in lines], PHONE_SLOTS)


def served(rows: tuple[Phone, ...]) -> tuple[SlotPhone, ...]:
    """Return what a device has after it was sent these rows."""
    return read(*phone_lines(rows, PHONE_SLOTS))


def decide(rows: tuple[Phone, ...], sent: tuple[SlotPhone, ...]) -> list[tuple[int, str | None, str | None]]:
    """Return the changes as (position, before, after)."""
    decided = decide_phones(KEY, [served(rows)], sent, rows, PHONE_SLOTS)
    return [(action.position, action.before, action.after) for action in decided.actions]


OFFICE = (Phone(1, "0221 / 11", "Zentrale"), Phone(2, "0171 22"), Phone(4, "0221 44"), Phone(9, "0221 99"))


@pytest.mark.parametrize(
    ("one", "other"), [("0221/1234567", "+49 221 1234567"), ("0049 (221) 123-4567", "02211234567"), ("112", "1 1 2")]
)
def test_spellings_of_one_number_are_equal(one: str, other: str) -> None:
    assert comparable_number(one) == comparable_number(other)


@pytest.mark.parametrize(
    ("one", "other"), [("+49 BUSINESS", "+49 MOBIL"), ("0800 FLOW", "0800 FACT"), ("Zentrale", "Empfang")]
)
def test_words_tell_numbers_apart(one: str, other: str) -> None:
    assert comparable_number(one) != comparable_number(other)


def test_one_number_as_two_kinds_is_kept_with_both() -> None:
    sent = read("TEL;TYPE=WORK:0221 1234567", "TEL;TYPE=CELL:+49 221 1234567")
    first = decide_phones(KEY, [()], sent, (), PHONE_SLOTS)
    assert [(action.position, action.after) for action in first.actions] == [(1, "0221 1234567")]
    assert first.extra == ("TEL;TYPE=CELL:+49 221 1234567",)
    again = decide_phones(KEY, [sent], sent, (Phone(1, "0221 1234567"),), PHONE_SLOTS)
    assert (again.actions, again.extra) == ((), first.extra)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("TEL;VALUE=uri;TYPE=cell:tel:+49-171-7654321", "+49-171-7654321"),
        ("TEL;VALUE=uri;TYPE=cell:TEL:+491717654321", "+491717654321"),
        ("TEL;TYPE=CELL:0171 7654321\\,5", "0171 7654321,5"),
        ("TEL;TYPE=CELL:0171 7654321\\;5", "0171 7654321;5"),
    ],
)
def test_a_number_is_read_without_the_marks_of_its_form(line: str, number: str) -> None:
    (phone,) = read(line)
    assert (phone.slot, phone.number) == ("cell", number)
    assert [again.number for again in served((Phone(2, number),))] == [number]


def test_types_of_vcard_4_may_be_one_quoted_list() -> None:
    assert [phone.slot for phone in read('TEL;TYPE="voice,cell":0171 1', 'TEL;PREF=1;TYPE="home":0221 2')] == [
        "cell",
        "home",
    ]


def test_an_empty_number_takes_no_slot() -> None:
    assert read("TEL;TYPE=CELL:", "TEL;TYPE=CELL:0171 1")[0].slot == "cell"


def test_of_one_number_at_two_positions_the_one_taken_off_goes() -> None:
    rows = (Phone(1, "0221 1234567"), Phone(2, "+49 221 1234567"), Phone(3, "0228 3"))
    home = "TEL;TYPE=HOME:0228 3"
    assert decide(rows, read("TEL;TYPE=WORK:0221 1234567", home)) == [(2, "+49 221 1234567", None)]
    assert decide(rows, read("TEL;TYPE=CELL:0221 1234567", home)) == [(1, "0221 1234567", None)]
    assert decide(rows, read("TEL;TYPE=HOME:0221 1234567", "TEL;TYPE=HOME:02211234567", home)) == []


def test_a_number_that_flowfact_has_out_of_sight_stays_with_the_device() -> None:
    line = "TEL;TYPE=HOME:0221 99"
    first = decide_phones(KEY, [served(OFFICE)], (*served(OFFICE), *read(line)), OFFICE, PHONE_SLOTS)
    assert (first.actions, first.extra) == ((), (line,))
    base = (*served(OFFICE), *read(line))
    again = decide_phones(KEY, [base], base, OFFICE, PHONE_SLOTS, [comparable_number("0221 99")])
    assert (again.actions, again.extra) == ((), (line,))


def test_a_changed_number_takes_the_place_of_its_kind_in_whatever_order_they_come() -> None:
    rows = (Phone(1, "0221 11"), Phone(5, "0221 55"))
    assert decide(rows, read("TEL;TYPE=WORK:0221 55", "TEL;TYPE=WORK:0221 22")) == [(1, "0221 11", "0221 22")]


def test_a_number_retyped_and_edited_at_once_keeps_its_place_where_no_other_is_free() -> None:
    rows = tuple(Phone(position, f"0221 {position}000000") for position in range(1, 9))
    sent = (*served(rows)[:6], *served(rows)[7:], *read("TEL;TYPE=OTHER:0221 7000001"))
    assert decide(rows, sent) == [(7, "0221 7000000", "0221 7000001")]


def test_each_slot_is_recognised_again() -> None:
    rows = tuple(Phone(position, f"0221 {position}000000") for position in range(1, 9))
    assert [phone.slot for phone in served(rows)] == list(PHONE_SLOTS)


@given(phones(), st.integers())
def test_reordered_and_retyped_numbers_change_nothing(rows: tuple[Phone, ...], seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    sent = list(served(rows))
    dice.shuffle(sent)
    types = ["WORK", "HOME", "CELL", "X-OTHER"]
    retyped = read(*(f"TEL;TYPE={dice.choice(types)}:{phone.number}" for phone in sent))
    assert decide(rows, retyped) == []


@given(phones(), phone_numbers)
def test_a_new_number_shifts_no_other(rows: tuple[Phone, ...], number: str) -> None:
    sent = (*served(rows), *read(f"TEL;TYPE=CELL:{number}"))
    known = {comparable_number(phone.number) for phone in rows}
    changed = decide(rows, sent)
    if comparable_number(number) in known:
        assert changed == []
    else:
        free = [position for position in range(1, 9) if position not in {row.position for row in rows}]
        assert len(changed) == (1 if free else 0)
        assert all(before is None and position in free for position, before, _ in changed)


def test_a_changed_number_takes_the_position_of_its_slot() -> None:
    sent = read("TEL;TYPE=CELL:0171 33", "TEL;TYPE=WORK:+4922111", "TEL;TYPE=X-ASSISTANT:0221 44")
    assert decide(OFFICE, sent) == [(2, "0171 22", "0171 33")]


def test_a_number_taken_off_goes_and_the_others_stay() -> None:
    sent = tuple(phone for phone in served(OFFICE) if phone.slot != "cell")
    assert decide(OFFICE, sent) == [(2, "0171 22", None)]


def test_numbers_from_position_9_on_are_never_touched() -> None:
    assert decide(OFFICE, ()) == [(1, "0221 / 11", None), (2, "0171 22", None), (4, "0221 44", None)]


def test_a_number_the_office_changed_meanwhile_is_left_alone() -> None:
    now = (Phone(1, "0221 77"), *OFFICE[1:])
    sent = tuple(phone for phone in served(OFFICE) if phone.slot != "work")
    assert decide_phones(KEY, [served(OFFICE)], sent, now, PHONE_SLOTS).actions == ()


def test_a_number_sent_twice_becomes_one_row() -> None:
    decided = decide_phones(KEY, [()], read("TEL:0221 5", "TEL;TYPE=HOME:+49 221 5"), (), PHONE_SLOTS)
    assert decided.actions == (SetPhone(KEY, 1, None, "0221 5"),)


def test_numbers_without_room_stay_on_the_device() -> None:
    rows = tuple(Phone(position, f"0221 {position}000000") for position in range(1, 9))
    decided = decide_phones(KEY, [served(rows)], (*served(rows), *read("TEL:0221 99")), rows, PHONE_SLOTS)
    assert (decided.actions, decided.extra) == ((), ("TEL:0221 99",))
