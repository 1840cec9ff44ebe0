"""Chains of sync tokens: as many as there are devices, none ahead of the device that it stands for."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.dav.store.chains import MOST, Chain, Move, advanced, read, written

TODAY = date(2026, 6, 15)


def after(*moves: tuple[int | None, int], begin: tuple[Chain, ...] = ()) -> list[tuple[int, int]]:
    """Return what each chain presented and was handed after these syncs."""
    found = advanced(begin, [Move(*move) for move in moves], TODAY, 90)
    assert read(written(found)) == found
    return sorted((chain.presented, chain.handed) for chain in found)


def test_a_device_alone_has_one_chain() -> None:
    assert after((None, 5), (5, 5), (5, 8), (8, 9)) == [(8, 9)]


def test_an_unknown_token_begins_a_chain() -> None:
    assert after((7, 9), (9, 12)) == [(9, 12)]


def test_of_two_devices_with_one_token_one_moves_on() -> None:
    assert after((None, 5), (None, 5), (5, 8)) == [(0, 5), (5, 8)]
    assert after((None, 5), (None, 5), (5, 8), (5, 9)) == [(5, 8), (5, 9)]


def test_one_that_presents_the_same_token_again_does_not_move_the_other() -> None:
    assert after((None, 5), (None, 5), (5, 5), (5, 5), (5, 5)) == [(0, 5), (5, 5)]


def test_a_lost_answer_begins_no_chain() -> None:
    assert after((None, 5), (5, 8), (5, 9), (9, 9)) == [(9, 9)]


def test_syncs_that_two_processes_write_in_the_wrong_order_are_of_one_chain() -> None:
    assert after((None, 5), (8, 8), (5, 8)) == [(8, 8)]


def test_a_chain_that_was_long_unused_goes() -> None:
    old = (Chain(3, 4, "2026-01-01"), Chain(5, 6, "2026-06-01"))
    assert after((6, 9), begin=old) == [(6, 9)]


def test_of_too_many_the_oldest_are_merged_as_far_behind_as_one_of_them() -> None:
    many = tuple(Chain(number, number, "2026-06-01") for number in range(MOST))
    found = after((None, 100), begin=many)
    assert len(found) == MOST
    assert found[0] == (0, 1)
    assert (0, 100) in found


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["sync", "change", "again"])), max_size=60))
def test_no_chain_is_ahead_of_the_device_that_it_stands_for(steps: list[tuple[int, str]]) -> None:
    """Whatever the order, as many chains are behind any number as there are devices that did not present it."""
    number, moves = 1, []
    tokens: dict[int, int | None] = {0: None, 1: None, 2: None}
    presented: dict[int, int] = {}
    for device, what in steps:
        if what == "change":
            number += 1
            continue
        token = tokens[device]
        moves.append(Move(token, number))
        presented[device] = token or 0
        tokens[device] = number
    chains = advanced((), moves, TODAY, 90)
    assert len(chains) >= len(presented)
    for limit in range(number + 1):
        behind = sum(one < limit for one in presented.values())
        assert sum(chain.presented < limit for chain in chains) >= behind
